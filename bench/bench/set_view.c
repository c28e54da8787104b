/*
 * set_view.c - see set_view.h.
 */
#include "bench/bench/set_view.h"

#include "cli/escape.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const names[MEASURE_COUNT] = {"messages/s",
                                                 "bytes a message, as loaded",
                                                 "bytes a message, compacted",
                                                 "peak memory",
                                                 "Q1",
                                                 "Q2",
                                                 "Q3",
                                                 "Q4",
                                                 "Q5",
                                                 "Q6",
                                                 "Q7",
                                                 "Q8"};

const char *measure_name(unsigned measure)
{
    assert(measure < MEASURE_COUNT);
    return names[measure];
}

enum figure_kind measure_kind(unsigned measure)
{
    switch (measure) {
    case MEASURE_RATE:
        return FIGURE_RATE;
    case MEASURE_LOADED:
    case MEASURE_COMPACTED:
        return FIGURE_BYTES_A_MESSAGE;
    case MEASURE_PEAK:
        return FIGURE_MEMORY;
    default:
        return FIGURE_MS;
    }
}

const char *set_view_label(const struct set_view *view, size_t system, char label[SET_TEXT_BYTES])
{
    const struct peer_description *d = &view->result->systems[system].description;
    const char *comma = strstr(d->form, ", "); // that of "100,000" ends nothing
    const size_t form_len = system == 0 ? 0 : comma ? (size_t)(comma - d->form) : strlen(d->form);
    char text[2 * PEER_TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%s%s%.*s", d->name, form_len > 0 ? ", " : "", (int)form_len,
                   d->form);
    // Cut between characters.
    (void)escape_text(slice_of_text(text), label, SET_TEXT_BYTES);
    return label;
}

/* --- medians ------------------------------------------------------------------------------- */

/* A figure that was measured once; 0 means that it is not known. */
static struct spread single(double figure)
{
    return (struct spread){
        .median = figure, .min = figure, .max = figure, .count = figure > 0 ? 1 : 0};
}

static enum status rates(const struct series *seconds, uint64_t messages, struct spread *spread,
                         struct error *err)
{
    OWNED(series_release) struct series rates = {0};
    for (size_t i = 0; i < seconds->count; i++) {
        const double rate = ratio_of((double)messages, seconds->values[i]);
        if (rate >= 0 && rate <= SERIES_VALUE_MOST)
            TRY(series_add(&rates, rate, err));
    }
    return series_spread(&rates, spread, err);
}

static enum status view_query(const struct set_query *query, struct view_query *view,
                              struct error *err)
{
    TRY(series_spread(&query->warm_ms, &view->warm, err));
    TRY(series_spread(&query->cold_ms, &view->cold, err));
    TRY(series_spread(&query->fresh_ms, &view->fresh, err));
    TRY(series_spread(&query->call_ms, &view->call, err));
    return series_spread(&query->call_cold_ms, &view->call_cold, err);
}

static enum status view_system(const struct set_result *result, const struct set_system *system,
                               struct view_system *view, struct error *err)
{
    const double stored = result->stored > 0 ? (double)result->stored : 1;
    TRY(rates(&system->load_seconds, result->messages, &view->measures[MEASURE_RATE], err));
    TRY(rates(&system->again_seconds, result->messages, &view->again, err));
    view->measures[MEASURE_LOADED] = single((double)system->loaded_bytes / stored);
    view->measures[MEASURE_COMPACTED] = single((double)system->compacted_bytes / stored);
    view->measures[MEASURE_PEAK] = single((double)system->peak_bytes);
    for (size_t i = 0; i < SET_QUERIES; i++) {
        TRY(view_query(&system->queries[i], &view->queries[i], err));
        view->measures[MEASURE_QUERY + i] = view->queries[i].warm;
    }
    return STATUS_OK;
}

enum status set_view_make(struct set_view *view, const struct set_result *result, struct error *err)
{
    *view = (struct set_view){.result = result};
    view->systems = mem_alloc_zeroed(result->system_count, sizeof *view->systems);
    if (!view->systems)
        return error_set(err, STATUS_NOMEM, "no memory for a report");
    for (size_t i = 0; i < result->system_count; i++)
        TRY(view_system(result, &result->systems[i], &view->systems[i], err));
    return STATUS_OK;
}

void set_view_release(struct set_view *view)
{
    mem_free(view->systems);
    *view = (struct set_view){0};
}

/* --- beside the peers ---------------------------------------------------------------------- */

static bool is_comparable(const struct set_system *system, unsigned measure)
{
    if (measure >= MEASURE_QUERY)
        return system->queries[measure - MEASURE_QUERY].verdict == VERDICT_SAME;
    return measure != MEASURE_PEAK && system->description.ids;
}

size_t set_view_best(const struct set_view *view, unsigned measure)
{
    size_t best = 0;
    for (size_t i = 1; i < view->result->system_count; i++) {
        const struct spread *figure = &view->systems[i].measures[measure];
        if (figure->count == 0 || !is_comparable(&view->result->systems[i], measure))
            continue;
        const double known = view->systems[best].measures[measure].median;
        if (best == 0 ||
            (measure_is_more(measure) ? figure->median > known : figure->median < known))
            best = i;
    }
    return best;
}

double set_view_ratio(const struct set_view *view, unsigned measure)
{
    const size_t best = set_view_best(view, measure);
    const struct spread *ours = &view->systems[0].measures[measure];
    const struct spread *theirs = &view->systems[best].measures[measure];
    if (best == 0 || ours->count == 0)
        return -1;
    return measure_is_more(measure) ? ratio_of(ours->median, theirs->median)
                                    : ratio_of(theirs->median, ours->median);
}

/* --- aims ---------------------------------------------------------------------------------- */

#define NONE       (-1.0)
#define PEAK_BYTES 1073741824.0

static const struct aim aims_m[MEASURE_COUNT] = {
    {10e6, 7e6}, {4.7, NONE}, {4.2, 4.4},   {PEAK_BYTES, NONE}, {0.5, NONE}, {2, NONE},
    {0.3, NONE}, {10, NONE},  {0.02, NONE}, {8, NONE},          {2, NONE},   {0.06, NONE}};

static const struct aim aims_w[] = {{7e6, 5.5e6}, {6.2, NONE}, {5.5, NONE}, {PEAK_BYTES, NONE}};

/* On set W a query is to take a fifth of what it takes the best peer. */
static struct aim fifth_of_best(const struct set_view *view, unsigned measure)
{
    const size_t best = set_view_best(view, measure);
    return (struct aim){.aim = best == 0 ? NONE : view->systems[best].measures[measure].median / 5,
                        .floor = NONE};
}

struct aim set_view_aim(const struct set_view *view, unsigned measure)
{
    const char *set = view->result->name;
    if (strcmp(set, "M") == 0)
        return aims_m[measure];
    if (strcmp(set, "W") == 0)
        return measure < sizeof aims_w / sizeof aims_w[0] ? aims_w[measure]
                                                          : fifth_of_best(view, measure);
    return (struct aim){.aim = NONE, .floor = NONE};
}

const char *aim_verdict(const struct aim *aim, unsigned measure, const struct spread *figure)
{
    if (aim->aim < 0 || figure->count == 0)
        return "";
    const bool more = measure_is_more(measure);
    if (more ? figure->median >= aim->aim : figure->median <= aim->aim)
        return "met";
    if (aim->floor >= 0 && (more ? figure->median >= aim->floor : figure->median <= aim->floor))
        return "within the floor";
    return "missed";
}
