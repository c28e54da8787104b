/*
 * question.c - the rows of a list table, asked of the query behind the command of its name.
 *
 *      constraints ──▶ devices, span ─┐
 *      parameters ──▶ spec ───────────┴──▶ query ──▶ answer ──▶ which cell each column is
 *
 * A column `time` is the start of a bucket, and what a statement says of it is about starts: the
 * span that is read ends with the end of the last bucket that starts in it. A bound that does not
 * narrow the range is left out, so that the query's own rules for missing bounds hold.
 */
#include "sql/tables/tables_internal.h"

#include "cli/quantity.h"
#include "engine/base/mem.h"
#include "query/aggregate/aggregate.h"
#include "query/excursion/excursion.h"
#include "query/listing/listing.h"
#include "query/online/online.h"
#include "query/reliability/reliability.h"
#include "query/selection/selection.h"
#include "query/view/view.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define WORD_BYTES      64u
#define AGGREGATE_TEXTS 400u

/* The question with its answer, while it is asked. */
struct inquiry {
    const struct question *question;
    struct snapshot *snapshot;  /* borrowed */
    struct selection selection; /* its bits are the filter's; its list is owned */
    struct bucket_width width;  /* if has_buckets */
    bool has_buckets;
    bool nothing;         /* no row can match */
    struct filter filter; /* owned; with the parameter `filter` */
    struct view view;     /* likewise */
    struct answer *answer;
};

/* --- reading parameters ---------------------------------------------------------------------- */

/* A parameter as text that ends in NUL. False if it is too long, or holds a NUL. */
static bool read_word(const struct inquiry *inquiry, enum column_role role, char word[WORD_BYTES])
{
    const struct slice text = parameters_text(inquiry->question->parameters, role);
    if (!text.data || text.len >= WORD_BYTES || memchr(text.data, '\0', text.len))
        return false;
    memcpy(word, text.data, text.len);
    word[text.len] = '\0';
    return true;
}

static bool given(const struct inquiry *inquiry, enum column_role role)
{
    return parameters_have(inquiry->question->parameters, role);
}

/* The words that a parameter may be. */
struct vocabulary {
    enum column_role role;
    const char *name;
    const char *words[3]; /* the last may be NULL */
};

/* Which of them it is; `*choice` stays if it is not given. */
static enum status read_choice(const struct inquiry *inquiry, const struct vocabulary *vocabulary,
                               size_t *choice, struct error *err)
{
    char word[WORD_BYTES];
    if (!given(inquiry, vocabulary->role))
        return STATUS_OK;
    const bool read = read_word(inquiry, vocabulary->role, word);
    const char *const *words = vocabulary->words;
    const size_t count = words[2] ? 3 : 2;
    for (size_t i = 0; read && i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            *choice = i;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INPUT, "%s: there are '%s', '%s'%s%s%s", vocabulary->name,
                     words[0], words[1], count > 2 ? ", '" : "", count > 2 ? words[2] : "",
                     count > 2 ? "'" : "");
}

static enum status read_every(struct inquiry *inquiry, struct error *err)
{
    char word[WORD_BYTES];
    if (!given(inquiry, COLUMN_EVERY))
        return STATUS_OK;
    inquiry->has_buckets = true;
    return bucket_width_parse(read_word(inquiry, COLUMN_EVERY, word) ? word : "", &inquiry->width,
                              err);
}

/* A bound of the range: a number of milliseconds, or a text as --from takes it. */
static enum status read_bound(const struct inquiry *inquiry, enum column_role role,
                              const char *name, bool *has, int64_t *time_ms, struct error *err)
{
    if (!given(inquiry, role))
        return STATUS_OK;
    *has = true;
    sqlite3_value *value = inquiry->question->parameters->values[role];
    const struct slice text = parameters_text(inquiry->question->parameters, role);
    if (sqlite3_value_type(value) == SQLITE_INTEGER) {
        *time_ms = sqlite3_value_int64(value);
        if (*time_ms >= TIME_MS_MIN && *time_ms <= TIME_MS_MAX)
            return STATUS_OK;
    } else if (tables_parse_time(inquiry->question->table->tables, text, time_ms)) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INPUT,
                     "%s: '%.*s' is no time: write 2018-05-16, '2018-05-16 05:58:44', RFC 3339, "
                     "@EPOCH, -7d, or a number of milliseconds",
                     name, text.len < 64 ? (int)text.len : 64, (const char *)text.data);
}

static enum status read_rules(const struct inquiry *inquiry, struct timeline_rules *rules,
                              struct error *err)
{
    static const struct vocabulary ends = {
        COLUMN_OFFLINE_AT, "offline_at", {"event", "last-contact", NULL}};
    size_t end = 0;
    TRY(read_choice(inquiry, &ends, &end, err));
    rules->end_at_last_contact = end == 1;
    rules->keep_stale =
        given(inquiry, COLUMN_KEEP_STALE) &&
        sqlite3_value_int(inquiry->question->parameters->values[COLUMN_KEEP_STALE]) != 0;
    return STATUS_OK;
}

/* --- devices and span ------------------------------------------------------------------------ */

/* What is always null must not be compared by mistake. */
static enum status check_terms(const struct inquiry *inquiry, bool by_device, bool by_product,
                               struct error *err)
{
    const struct row_filter *filter = inquiry->question->filter;
    const char *name = inquiry->question->table->kind->name;
    if (filter->names_devices && !by_device)
        return error_set(err, STATUS_INPUT,
                         "%s: there is no device in the rows without by = 'device'; devices = "
                         "'GLOB' chooses which are counted",
                         name);
    if (filter->names_products && !by_device && !by_product)
        return error_set(err, STATUS_INPUT,
                         "%s: there is no product in the rows without by = 'product' or 'device'; "
                         "devices = 'GLOB' chooses which are counted",
                         name);
    if (filter->bounds_time && !inquiry->has_buckets)
        return error_set(err, STATUS_INPUT,
                         "%s: time is the start of a bucket: give every = '1h', or since and "
                         "until for the range",
                         name);
    return STATUS_OK;
}

/* Leaves of the range what holds all buckets that start within the filter's span. */
static void narrow(struct inquiry *inquiry)
{
    const struct row_filter *filter = inquiry->question->filter;
    struct selection *selection = &inquiry->selection;
    struct time_range range = {0};
    if (!filter->bounds_time || !selection_bounds(selection, inquiry->snapshot, &range))
        return;
    struct bucket_grid grid = {0};
    bucket_grid_init(&grid, &inquiry->width, &inquiry->question->table->tables->options.zone);
    // The first bucket may start before the range does.
    if (filter->from_ms > range.until_ms ||
        filter->until_ms <= bucket_of(&grid, range.from_ms).start_ms) {
        inquiry->nothing = true;
        return;
    }
    const int64_t last_ms =
        filter->until_ms - 1 > range.from_ms ? filter->until_ms - 1 : range.from_ms;
    const int64_t until_ms =
        last_ms < range.until_ms ? bucket_of(&grid, last_ms).until_ms : range.until_ms;
    if (until_ms < range.until_ms) {
        selection->has_until = true;
        selection->until_ms = until_ms;
    }
    if (filter->from_ms > range.from_ms) {
        selection->has_from = true;
        selection->from_ms = filter->from_ms;
    }
}

/* The devices of the filter as a selection, which borrows its bits. */
static enum status select_devices(struct inquiry *inquiry, struct error *err)
{
    struct selection *selection = &inquiry->selection;
    const uint64_t *bits = inquiry->question->filter->device_bits;
    *selection = (struct selection){.from_ms = TIME_MS_MIN, .until_ms = TIME_MS_MAX};
    selection->device_bits = inquiry->question->filter->device_bits;
    const uint32_t count = snapshot_device_count(inquiry->snapshot);
    if (!bits)
        selection->device_count = count;
    for (uint32_t device = 0; bits && device < count; device++)
        selection->device_count += device_bit(bits, device);
    TRY(read_bound(inquiry, COLUMN_SINCE, "since", &selection->has_from, &selection->from_ms, err));
    TRY(read_bound(inquiry, COLUMN_UNTIL, "until", &selection->has_until, &selection->until_ms,
                   err));
    return STATUS_OK;
}

/* Readings as the store's view shows them, or as that of `filter` besides. */
static enum status see_readings(struct inquiry *inquiry, struct error *err)
{
    const struct table_store *store = inquiry->question->table->store;
    const struct tables_options *options = &store->tables->options;
    OWNED(buffer_release) struct buffer text = {0};
    if (!given(inquiry, COLUMN_FILTER)) {
        inquiry->selection.view = &inquiry->question->table->store->view;
        return STATUS_OK;
    }
    const struct slice given_text = parameters_text(inquiry->question->parameters, COLUMN_FILTER);
    struct filter_place place = {0};
    for (size_t i = 0; i < options->expression_count; i++)
        TRY(filter_add(&inquiry->filter, options->expressions[i], &place, err));
    if (given_text.len > FILTER_TEXT_BYTES_MAX || memchr(given_text.data, '\0', given_text.len))
        return error_set(err, STATUS_INPUT, "filter: the expression is too long, or holds a NUL");
    if (buffer_append(&text, given_text.data, given_text.len) != STATUS_OK ||
        buffer_append(&text, "", 1) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the filter");
    const enum status status = filter_add(&inquiry->filter, (const char *)text.data, &place, err);
    if (status == STATUS_INPUT)
        error_add_context(err, "filter, at character %zu", place.start + 1);
    TRY(status);
    inquiry->selection.view = &inquiry->view;
    return view_init(&inquiry->view, inquiry->snapshot, tables_aliases(store->tables),
                     &inquiry->filter, err);
}

/* --- cells ----------------------------------------------------------------------------------- */

/* The answer's cell of that name, in `stats` behind the metric's. */
static size_t find_field(const struct inquiry *inquiry, struct slice metric, const char *field)
{
    char name[NAME_BYTES_MAX + WORD_BYTES];
    const size_t place = answer_find_column(inquiry->answer, slice_of_text(field));
    if (place != SIZE_MAX || metric.len == 0 || metric.len > NAME_BYTES_MAX)
        return place;
    memcpy(name, metric.data, metric.len);
    const int rest = snprintf(name + metric.len, WORD_BYTES, "_%s", field);
    return answer_find_column(inquiry->answer, slice_of(name, metric.len + (size_t)rest));
}

/* See kinds.c. */
static void place_by_name(struct inquiry *inquiry, struct slice metric)
{
    const struct table_kind *kind = inquiry->question->table->kind;
    for (uint32_t i = 0; i < kind->column_count; i++) {
        const struct table_column *column = &kind->columns[i];
        size_t cell = find_field(inquiry, metric, column->name);
        if (cell == SIZE_MAX && column->cell > 0)
            cell = find_field(inquiry, metric, kind->columns[i - column->cell].name);
        inquiry->question->cells[i] =
            cell < QUESTION_NO_CELL ? (uint8_t)cell : (uint8_t)QUESTION_NO_CELL;
    }
}

/* --- stats ----------------------------------------------------------------------------------- */

static bool is_used(const struct question *question, size_t column)
{
    return column < PLAN_COLUMNS && (question->columns >> column & 1) != 0;
}

/* The aggregates whose columns the statement uses. */
static enum status choose_aggregates(const struct question *question, struct aggregate_list *list,
                                     struct error *err)
{
    char text[AGGREGATE_TEXTS] = "count";
    const struct table_kind *kind = question->table->kind;
    for (uint32_t i = 0; i < kind->column_count; i++) {
        const struct table_column *column = &kind->columns[i];
        if (!is_used(question, i) || column->role != COLUMN_PLAIN)
            continue;
        const struct table_column *base =
            column->form == FORM_INTEGER ? column - column->cell : column;
        const size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, ",%s", base->name);
    }
    return aggregate_list_parse(text, list, err);
}

static enum status ask_stats(struct inquiry *inquiry, struct error *err)
{
    static const struct vocabulary groups = {COLUMN_BY, "by", {"none", "device", "product"}};
    static const enum stats_by by_of[] = {STATS_BY_NONE, STATS_BY_DEVICE, STATS_BY_PRODUCT};
    const struct question *question = inquiry->question;
    struct aggregate_list aggregates = {0};
    size_t group = 0;
    if (!given(inquiry, COLUMN_METRIC))
        return error_set(err, STATUS_INPUT,
                         "stats: which metric? Write stats('temperature'), or metric = "
                         "'temperature'");
    const struct slice metric = view_canonical(
        inquiry->selection.view, parameters_text(question->parameters, COLUMN_METRIC));
    TRY(read_choice(inquiry, &groups, &group, err));
    TRY(read_every(inquiry, err));
    TRY(check_terms(inquiry, group == 1, group == 2, err));
    TRY(choose_aggregates(question, &aggregates, err));
    const struct stats_spec spec = {.selection = &inquiry->selection,
                                    .metrics = &metric,
                                    .metric_count = 1,
                                    .aggregates = &aggregates,
                                    .every = inquiry->has_buckets ? &inquiry->width : NULL,
                                    .zone = &question->table->tables->options.zone,
                                    .by = by_of[group]};
    narrow(inquiry);
    if (inquiry->nothing)
        return STATUS_OK;
    TRY(stats_query(inquiry->snapshot, &spec, inquiry->answer, &question->table->tables->statistics,
                    err));
    place_by_name(inquiry, metric);
    return STATUS_OK;
}

/* --- online, sessions ------------------------------------------------------------------------ */

static bool uses_reliability(const struct question *question)
{
    const struct table_kind *kind = question->table->kind;
    bool reached = false;
    for (uint32_t i = 0; i < kind->column_count; i++) {
        reached = reached || strcmp(kind->columns[i].name, "failures") == 0;
        if (reached && is_used(question, i) && kind->columns[i].form != FORM_PARAMETER)
            return true;
    }
    return false;
}

static enum status ask_online(struct inquiry *inquiry, struct error *err)
{
    static const struct vocabulary groups = {COLUMN_BY, "by", {"device", "product", "none"}};
    static const enum online_by by_of[] = {ONLINE_BY_DEVICE, ONLINE_BY_PRODUCT, ONLINE_BY_NONE};
    const struct question *question = inquiry->question;
    size_t group = 0;
    TRY(read_choice(inquiry, &groups, &group, err));
    TRY(read_every(inquiry, err));
    TRY(check_terms(inquiry, group == 0, group == 1, err));
    struct online_spec spec = {.selection = &inquiry->selection,
                               .every = inquiry->has_buckets ? &inquiry->width : NULL,
                               .zone = &question->table->tables->options.zone,
                               .by = by_of[group],
                               .reliability = uses_reliability(question),
                               .flap_ms = RELIABILITY_FLAP_MS};
    TRY(read_rules(inquiry, &spec.rules, err));
    narrow(inquiry);
    if (inquiry->nothing)
        return STATUS_OK;
    TRY(selection_sort(&inquiry->selection, inquiry->snapshot, err));
    TRY(online_query(inquiry->snapshot, &spec, inquiry->answer,
                     &question->table->tables->statistics, err));
    place_by_name(inquiry, (struct slice){0});
    return STATUS_OK;
}

static enum status ask_sessions(struct inquiry *inquiry, struct error *err)
{
    struct online_spec spec = {.selection = &inquiry->selection};
    TRY(read_rules(inquiry, &spec.rules, err));
    TRY(selection_sort(&inquiry->selection, inquiry->snapshot, err));
    return sessions_query(inquiry->snapshot, &spec, inquiry->answer,
                          &inquiry->question->table->tables->statistics, err);
}

/* --- excursions ------------------------------------------------------------------------------ */

static enum status read_limit(const struct inquiry *inquiry, enum column_role role,
                              enum excursion_side side, struct excursion_limits *limits,
                              struct error *err)
{
    char word[WORD_BYTES];
    if (!given(inquiry, role))
        return STATUS_OK;
    return excursion_limits_add(limits, side, read_word(inquiry, role, word) ? word : "", err);
}

static enum status ask_excursions(struct inquiry *inquiry, struct error *err)
{
    char word[WORD_BYTES];
    struct excursion_limits limits = {0};
    TRY(read_limit(inquiry, COLUMN_ABOVE, EXCURSION_ABOVE, &limits, err));
    TRY(read_limit(inquiry, COLUMN_BELOW, EXCURSION_BELOW, &limits, err));
    if (!given(inquiry, COLUMN_METRIC) || limits.count == 0)
        return error_set(err, STATUS_INPUT,
                         "excursions: of which metric, beyond which limit? Write metric = "
                         "'temperature' and above = 30");
    const struct slice metric = parameters_text(inquiry->question->parameters, COLUMN_METRIC);
    struct excursion_spec spec = {.selection = &inquiry->selection,
                                  .metrics = &metric,
                                  .metric_count = 1,
                                  .limits = &limits,
                                  .has_hold = given(inquiry, COLUMN_HOLD),
                                  .by = EXCURSION_BY_DEVICE};
    if (spec.has_hold &&
        (!read_word(inquiry, COLUMN_HOLD, word) ||
         duration_parse(word, &spec.hold_ms, NULL) != STATUS_OK || spec.hold_ms == 0))
        return error_set(err, STATUS_INPUT, "hold: a time is wanted, like '10m' or '1h30m'");
    TRY(selection_sort(&inquiry->selection, inquiry->snapshot, err));
    return excursion_list_query(inquiry->snapshot, &spec, inquiry->answer,
                                &inquiry->question->table->tables->statistics, err);
}

/* --- all of them ----------------------------------------------------------------------------- */

static enum status ask_listing(struct inquiry *inquiry, struct error *err)
{
    struct scan_statistics *statistics = &inquiry->question->table->tables->statistics;
    TRY(selection_sort(&inquiry->selection, inquiry->snapshot, err));
    if (inquiry->question->table->kind->subject == SUBJECT_DEVICES)
        return devices_query(inquiry->snapshot, &inquiry->selection, inquiry->answer, statistics,
                             err);
    return metrics_query(inquiry->snapshot, &inquiry->selection, inquiry->answer, statistics, err);
}

static enum status ask(struct inquiry *inquiry, struct error *err)
{
    TRY(select_devices(inquiry, err));
    TRY(see_readings(inquiry, err));
    const struct selection *selection = &inquiry->selection;
    if (selection->has_from && selection->has_until && selection->from_ms > selection->until_ms)
        return STATUS_OK;
    switch (inquiry->question->table->kind->subject) {
    case SUBJECT_STATS:
        return ask_stats(inquiry, err);
    case SUBJECT_ONLINE:
        return ask_online(inquiry, err);
    case SUBJECT_SESSIONS:
        return ask_sessions(inquiry, err);
    case SUBJECT_EXCURSIONS:
        return ask_excursions(inquiry, err);
    case SUBJECT_DEVICES:
    case SUBJECT_METRICS:
        return ask_listing(inquiry, err);
    case SUBJECT_READINGS:
    case SUBJECT_STATUS:
    case SUBJECT_REJECTS:
    case SUBJECT_PARTS:
    case SUBJECT_COUNT:
        break;
    }
    assert(false); // others have cursors of their own
    return STATUS_OK;
}

enum status question_ask(const struct question *question, struct answer *answer, struct error *err)
{
    struct inquiry inquiry = {
        .question = question, .snapshot = question->table->store->snapshot, .answer = answer};
    const enum status status = ask(&inquiry, err);
    view_add_statistics(&question->table->store->view, &inquiry.view.statistics);
    view_release(&inquiry.view);
    filter_release(&inquiry.filter);
    mem_free(inquiry.selection.devices); // the bits are the filter's
    return status;
}
