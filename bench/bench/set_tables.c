/*
 * set_tables.c - from the figures that most look for to the small print.
 */
#include "bench/bench/set_tables.h"

#include "cli/human.h"

#include <inttypes.h>
#include <string.h>

#define CALL_AIM_MS 3.0

static const struct set_system *system_of(const struct set_view *view, size_t system)
{
    return &view->result->systems[system];
}

static void put_name(const struct set_view *view, size_t system, FILE *out)
{
    const struct peer_description *d = &system_of(view, system)->description;
    if (system == 0)
        (void)fprintf(out, "**");
    markdown_text(d->name, out);
    if (system == 0)
        (void)fprintf(out, "**");
    if (d->version[0] != '\0') {
        (void)fputc(' ', out);
        markdown_text(d->version, out);
    }
    if (d->form[0] != '\0') {
        (void)fprintf(out, ", ");
        markdown_text(d->form, out);
    }
}

/* For tables that come after: without the version, and the form up to its first comma. */
static void put_short_name(const struct set_view *view, size_t system, FILE *out)
{
    char label[SET_TEXT_BYTES];
    if (system == 0)
        (void)fprintf(out, "**");
    markdown_text(set_view_label(view, system, label), out);
    if (system == 0)
        (void)fprintf(out, "**");
}

static void put_rule(size_t left, size_t right, FILE *out)
{
    (void)fprintf(out, "|");
    for (size_t i = 0; i < left; i++)
        (void)fprintf(out, "---|");
    for (size_t i = 0; i < right; i++)
        (void)fprintf(out, "---:|");
    (void)fprintf(out, "\n");
}

static bool was_loaded(const struct set_view *view, size_t system)
{
    return system_of(view, system)->load_seconds.count > 0;
}

/* --- what and where ------------------------------------------------------------------------ */

static void print_machine(const struct set_result *result, FILE *out)
{
    const struct machine *machine = &result->machine;
    char memory[HUMAN_BYTES];
    (void)fprintf(out, "Machine: ");
    markdown_text(machine->cpu[0] != '\0' ? machine->cpu : "unknown processor", out);
    (void)fprintf(out, ", %u CPUs, %s of memory; ", machine->cpus,
                  human_bytes(machine->memory_bytes, memory));
    const char *const texts[] = {machine->kernel,      machine->libc, machine->compiler,
                                 machine->file_system, result->build, result->libraries};
    static const char *const titles[] = {"", "libc ", "", "stores on ", "build ", "with "};
    const char *before = "";
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i][0] == '\0')
            continue;
        (void)fprintf(out, "%s%s", before, titles[i]);
        markdown_text(texts[i], out);
        before = "; ";
    }
    (void)fprintf(out, ".\n\n");
}

static void print_head(const struct set_result *result, FILE *out)
{
    char messages[HUMAN_BYTES];
    char stored[HUMAN_BYTES];
    char size[HUMAN_BYTES];
    (void)fprintf(out, "## Set ");
    markdown_text(result->name, out);
    (void)fprintf(out, "\n\n%s messages, %s stored once, %s of lines; measured %s. One device: ",
                  human_count(result->messages, messages), human_count(result->stored, stored),
                  human_bytes(result->input_bytes, size), result->date);
    markdown_text(result->device, out);
    (void)fprintf(out, "; metric: ");
    markdown_text(result->metric, out);
    (void)fprintf(out, "; the hour of Q8 begins ");
    markdown_text(result->hour, out);
    (void)fprintf(out, ".\n\n");
    print_machine(result, out);
}

/* --- the overview -------------------------------------------------------------------------- */

static void print_overview_row(const struct set_view *view, size_t system, FILE *out)
{
    char text[FIGURE_BYTES];
    (void)fprintf(out, "| ");
    put_name(view, system, out);
    (void)fprintf(out, " |");
    for (unsigned measure = 0; measure < MEASURE_COUNT; measure++) {
        const struct spread *figure = &view->systems[system].measures[measure];
        const bool differs =
            measure >= MEASURE_QUERY &&
            (system_of(view, system)->queries[measure - MEASURE_QUERY].verdict == VERDICT_WRONG ||
             system_of(view, system)->queries[measure - MEASURE_QUERY].verdict == VERDICT_DIFFERS);
        (void)fprintf(
            out, " %s%s |",
            figure_text(measure_kind(measure), figure->count > 0 ? figure->median : -1, text),
            differs ? " \\*" : "");
    }
    (void)fprintf(out, "\n");
}

static bool has_peers(const struct set_view *view)
{
    for (size_t i = 1; i < view->result->system_count; i++) {
        if (was_loaded(view, i))
            return true;
    }
    return false;
}

static bool has_aims(const struct set_view *view)
{
    return set_view_aim(view, MEASURE_RATE).aim >= 0;
}

static void print_overview(const struct set_view *view, FILE *out)
{
    char text[FIGURE_BYTES];
    (void)fprintf(out, "Medians; queries in milliseconds, warm, every system compacted.\n\n| |");
    for (unsigned measure = 0; measure < MEASURE_COUNT; measure++)
        (void)fprintf(out, " %s |", measure_name(measure));
    (void)fprintf(out, "\n");
    put_rule(1, MEASURE_COUNT, out);
    for (size_t system = 0; system < view->result->system_count; system++) {
        if (was_loaded(view, system))
            print_overview_row(view, system, out);
    }
    if (has_peers(view)) {
        (void)fprintf(out, "| mnsdb against the best peer |");
        for (unsigned measure = 0; measure < MEASURE_COUNT; measure++)
            (void)fprintf(out, " %s |", ratio_text(set_view_ratio(view, measure), text));
        (void)fprintf(out, "\n");
    }
    (void)fprintf(out, "\n");
    for (unsigned i = 0; i < SET_QUERIES; i++)
        (void)fprintf(out, "%s%s %s", i == 0 ? "" : " · ", set_query_names[i], set_query_titles[i]);
    (void)fprintf(out, "%s\n\n",
                  has_peers(view)
                      ? ". \\* the answer is another one, see below. The best peer in "
                        "messages/s and bytes is one that keeps message ids, in queries one with "
                        "the same answer. Times better: 2× is twice the rate, half the bytes, "
                        "half the time."
                      : ".");
}

/* --- mnsdb, with its best peers and its aims ----------------------------------------------- */

static void print_aim(const struct set_view *view, unsigned measure, FILE *out)
{
    char text[FIGURE_BYTES];
    const struct aim aim = set_view_aim(view, measure);
    (void)fprintf(out, " %s", figure_text(measure_kind(measure), aim.aim, text));
    if (aim.floor >= 0)
        (void)fprintf(out, " (floor %s)", figure_text(measure_kind(measure), aim.floor, text));
    (void)fprintf(out, " | %s |", aim_verdict(&aim, measure, &view->systems[0].measures[measure]));
}

static void print_measure_row(const struct set_view *view, unsigned measure, FILE *out)
{
    char text[2 * FIGURE_BYTES];
    const enum figure_kind kind = measure_kind(measure);
    (void)fprintf(out, "| %s%s%s | %s |", measure_name(measure),
                  measure >= MEASURE_QUERY ? " " : "",
                  measure >= MEASURE_QUERY ? set_query_titles[measure - MEASURE_QUERY] : "",
                  spread_text(kind, &view->systems[0].measures[measure], text));
    if (has_peers(view)) {
        const size_t best = set_view_best(view, measure);
        if (best == 0) {
            (void)fprintf(out, " – | | – |");
        } else {
            (void)fprintf(out, " %s | ",
                          spread_text(kind, &view->systems[best].measures[measure], text));
            put_short_name(view, best, out);
            (void)fprintf(out, " | %s |", ratio_text(set_view_ratio(view, measure), text));
        }
    }
    if (has_aims(view))
        print_aim(view, measure, out);
    (void)fprintf(out, "\n");
}

static void print_measures(const struct set_view *view, FILE *out)
{
    (void)fprintf(out, "### mnsdb%s\n\nMedian (least–most).\n\n| | mnsdb |%s%s\n",
                  has_peers(view) ? " and its best peers" : "",
                  has_peers(view) ? " best peer | which | ratio |" : "",
                  has_aims(view) ? " aim | |" : "");
    (void)fprintf(out, "|---|---:|%s%s\n", has_peers(view) ? "---:|---|---:|" : "",
                  has_aims(view) ? "---:|---|" : "");
    for (unsigned measure = 0; measure < MEASURE_COUNT; measure++)
        print_measure_row(view, measure, out);
    char text[2 * FIGURE_BYTES];
    (void)fprintf(out, "\nThe same set once more, nothing but duplicates: %s messages/s. ",
                  spread_text(FIGURE_RATE, &view->systems[0].again, text));
    (void)fprintf(out, "Peak memory is the largest resident size, mapped pages of the store "
                       "included; of peers that of the driver and its processes added up.\n\n");
}

/* --- loads --------------------------------------------------------------------------------- */

static void print_loads(const struct set_view *view, FILE *out)
{
    (void)fprintf(out, "### Loading\n\nSeconds; median (least–most).\n\n"
                       "| | loads | seconds | messages/s | bytes as loaded | compacted | "
                       "seconds to compact | peak memory |\n");
    put_rule(1, 7, out);
    for (size_t i = 0; i < view->result->system_count; i++) {
        const struct set_system *system = system_of(view, i);
        if (!was_loaded(view, i))
            continue;
        char text[2 * FIGURE_BYTES];
        char size[FIGURE_BYTES];
        struct spread seconds = view->systems[i].measures[MEASURE_RATE];
        const double messages = (double)view->result->messages;
        const double slowest = seconds.min;
        seconds.median = ratio_of(messages, seconds.median);
        seconds.min = ratio_of(messages, seconds.max);
        seconds.max = ratio_of(messages, slowest);
        (void)fprintf(out, "| ");
        put_short_name(view, i, out);
        (void)fprintf(out, " | %zu | %s |", system->load_seconds.count,
                      spread_text(FIGURE_SECONDS, &seconds, text));
        (void)fprintf(out, " %s |",
                      spread_text(FIGURE_RATE, &view->systems[i].measures[MEASURE_RATE], text));
        (void)fprintf(out, " %s |",
                      figure_text(FIGURE_MEMORY,
                                  system->loaded_bytes > 0 ? (double)system->loaded_bytes : -1,
                                  size));
        (void)fprintf(
            out, " %s |",
            figure_text(FIGURE_MEMORY,
                        system->compacted_bytes > 0 ? (double)system->compacted_bytes : -1, size));
        (void)fprintf(out, " %s |", figure_text(FIGURE_SECONDS, system->compact_seconds, size));
        (void)fprintf(out, " %s |\n",
                      figure_text(FIGURE_MEMORY,
                                  system->peak_bytes > 0 ? (double)system->peak_bytes : -1, size));
    }
    (void)fprintf(out,
                  "\nA round is one load of each, %" PRIu64 " rounds; a peer whose first "
                  "load takes very long is loaded once, and asked cold once; its queries that take "
                  "very long are asked once, warm.\n\n",
                  view->result->rounds);
}

/* --- queries ------------------------------------------------------------------------------- */

static void put_query_heading(const char *first, FILE *out)
{
    (void)fprintf(out, "| %s |", first);
    for (unsigned i = 0; i < SET_QUERIES; i++)
        (void)fprintf(out, " %s |", set_query_names[i]);
    (void)fprintf(out, "\n");
    put_rule(1, SET_QUERIES, out);
}

/* A row of spreads, `offset` bytes into struct view_query. */
static void put_query_row(const struct view_system *system, size_t offset, FILE *out)
{
    for (size_t i = 0; i < SET_QUERIES; i++) {
        struct spread spread;
        char text[2 * FIGURE_BYTES];
        memcpy(&spread, (const char *)&system->queries[i] + offset, sizeof spread);
        (void)fprintf(out, " %s |", spread_text(FIGURE_MS, &spread, text));
    }
    (void)fprintf(out, "\n");
}

static void print_systems(const struct set_view *view, size_t offset, FILE *out)
{
    put_query_heading("", out);
    for (size_t i = 0; i < view->result->system_count; i++) {
        if (!was_loaded(view, i))
            continue;
        (void)fprintf(out, "| ");
        put_short_name(view, i, out);
        (void)fprintf(out, " |");
        put_query_row(&view->systems[i], offset, out);
    }
    (void)fprintf(out, "\n");
}

/* What a call of mnsdb takes beyond the query itself; negative: not known. */
static double call_beyond(const struct view_query *query)
{
    if (query->call.count == 0 || query->warm.count == 0)
        return -1;
    const double beyond = query->call.median - query->warm.median;
    return beyond > 0 ? beyond : 0;
}

/* Medians of both: what starting, opening and printing add. */
static void print_calls(const struct set_view *view, FILE *out)
{
    const char *before = "";
    char text[FIGURE_BYTES];
    (void)fprintf(out, "| a whole call beyond its query |");
    for (size_t i = 0; i < SET_QUERIES; i++)
        (void)fprintf(out, " %s |",
                      figure_text(FIGURE_MS, call_beyond(&view->systems[0].queries[i]), text));
    (void)fprintf(out,
                  "\n\nA whole call is to take no more than %.0f ms beyond its query in "
                  "process (starting, opening the store, printing)",
                  CALL_AIM_MS);
    for (size_t i = 0; i < SET_QUERIES; i++) {
        if (call_beyond(&view->systems[0].queries[i]) <= CALL_AIM_MS)
            continue;
        (void)fprintf(out, "%s%s", before[0] == '\0' ? ": missed by " : before, set_query_names[i]);
        before = ", ";
    }
    (void)fprintf(out, "%s.\n\n", before[0] == '\0' ? ": met by all" : "");
}

static void print_queries(const struct set_view *view, FILE *out)
{
    static const struct {
        const char *title;
        size_t offset;
    } rows[] = {
        {"in process", offsetof(struct view_query, warm)},
        {"in process, before settling", offsetof(struct view_query, fresh)},
        {"in process, cold", offsetof(struct view_query, cold)},
        {"a whole call", offsetof(struct view_query, call)},
        {"a whole call, cold", offsetof(struct view_query, call_cold)},
    };
    (void)fprintf(out,
                  "### Queries, warm\n\nMilliseconds; median (least–most) of up to %" PRIu64
                  " runs, the systems in turn. In its turn a query below 50 ms runs twice, and "
                  "the second run counts.\n\n",
                  view->result->runs);
    print_systems(view, offsetof(struct view_query, warm), out);
    (void)fprintf(out, "### Queries, cold\n\nFiles dropped from the page cache, the store opened "
                       "again, then the first run.\n\n");
    print_systems(view, offsetof(struct view_query, cold), out);
    const double share = view->result->cold_cached_share;
    if (share > 0.01)
        (void)fprintf(out,
                      "%.0f %% of mnsdb's file stayed in the page cache: these are not cold.\n\n",
                      share * 100);
    (void)fprintf(out, "### mnsdb in each way\n\n");
    put_query_heading("", out);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)fprintf(out, "| %s |", rows[i].title);
        put_query_row(&view->systems[0], rows[i].offset, out);
    }
    print_calls(view, out);
}

/* --- answers, and the small print ---------------------------------------------------------- */

static const char *verdict_word(enum set_verdict verdict)
{
    switch (verdict) {
    case VERDICT_REFERENCE:
    case VERDICT_SAME:
        return "same";
    case VERDICT_DIFFERS:
        return "other meaning";
    case VERDICT_WRONG:
        return "**different**";
    case VERDICT_NONE:
        break;
    }
    return "–";
}

static void print_remarks(const struct set_view *view, FILE *out)
{
    for (size_t i = 0; i < view->result->system_count * SET_QUERIES; i++) {
        const struct set_query *query =
            &view->result->systems[i / SET_QUERIES].queries[i % SET_QUERIES];
        if (query->remark[0] == '\0')
            continue;
        (void)fprintf(out, "- %s, ", set_query_names[i % SET_QUERIES]);
        put_short_name(view, i / SET_QUERIES, out);
        (void)fprintf(out, ": ");
        markdown_text(query->remark, out);
        (void)fprintf(out, "\n");
    }
    (void)fprintf(out, "\n");
}

static void print_answers(const struct set_view *view, FILE *out)
{
    if (!has_peers(view))
        return;
    (void)fprintf(out, "### Answers\n\nHeld against mnsdb's: whole numbers, ids and texts must be "
                       "equal, doubles within 1e-9 of their size.\n\n");
    put_query_heading("", out);
    for (size_t i = 1; i < view->result->system_count; i++) {
        if (!was_loaded(view, i))
            continue;
        (void)fprintf(out, "| ");
        put_short_name(view, i, out);
        (void)fprintf(out, " |");
        for (size_t query = 0; query < SET_QUERIES; query++)
            (void)fprintf(out, " %s |", verdict_word(system_of(view, i)->queries[query].verdict));
        (void)fprintf(out, "\n");
    }
    (void)fprintf(out, "\n");
    print_remarks(view, out);
}

static void print_description(const struct set_view *view, size_t system, FILE *out)
{
    const struct set_system *about = system_of(view, system);
    const char *const texts[] = {about->description.input, about->description.durability,
                                 about->description.notes};
    (void)fprintf(out, "| ");
    put_name(view, system, out);
    (void)fprintf(out, " | %s |", about->description.ids ? "yes" : "**no**");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        (void)fprintf(out, " ");
        markdown_text(texts[i], out);
        (void)fprintf(out, " |");
    }
    (void)fprintf(out, "\n");
}

static void print_descriptions(const struct set_view *view, FILE *out)
{
    const struct set_result *result = view->result;
    (void)fprintf(out, "### The systems\n\n| | message ids kept | input of the timed load | "
                       "durability | notes |\n");
    put_rule(5, 0, out);
    for (size_t i = 0; i < result->system_count; i++) {
        if (was_loaded(view, i))
            print_description(view, i, out);
    }
    (void)fprintf(out, "\n");
    for (size_t i = 0; i < result->system_count; i++) {
        if (result->systems[i].failure[0] == '\0')
            continue;
        (void)fprintf(out, "- ");
        put_name(view, i, out);
        (void)fprintf(out, ": not measured%s: ", was_loaded(view, i) ? " to the end" : "");
        markdown_text(result->systems[i].failure, out);
        (void)fprintf(out, "\n");
    }
    (void)fprintf(out, "\n");
}

void set_tables_print(const struct set_view *view, bool with_charts, FILE *out)
{
    static const char *const charts[] = {"ingest", "bytes", "queries"};
    print_head(view->result, out);
    print_overview(view, out);
    for (size_t i = 0; with_charts && i < sizeof charts / sizeof charts[0]; i++)
        (void)fprintf(out, "![%s](%s-%s.svg)\n\n", charts[i], view->result->name, charts[i]);
    print_measures(view, out);
    print_loads(view, out);
    print_queries(view, out);
    print_answers(view, out);
    print_descriptions(view, out);
}
