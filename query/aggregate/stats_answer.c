/*
 * stats_answer.c - from groups to rows: order, cells, and buckets filled in.
 *
 * With a fill every group gets a row for every bucket of the range, first with what it
 * has. Then each column of the group is mended by itself: a cell is a gap where its
 * metric has no value in the bucket.
 */
#include "query/aggregate/stats_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ROWS_AHEAD 16u /* between asking for memory and reading it */

static enum status no_memory(struct error *err)
{
    (void)error_set(err, STATUS_NOMEM, "no memory for the answer");
    return STATUS_NOMEM;
}

/* --- columns ------------------------------------------------------------------------------- */

static enum cell_kind kind_of(enum aggregate_kind kind)
{
    if (kind == AGGREGATE_COUNT)
        return CELL_COUNT;
    return kind == AGGREGATE_MIN_TIME || kind == AGGREGATE_MAX_TIME ? CELL_TIME : CELL_NUMBER;
}

static enum status add_column(struct answer *answer, struct slice metric,
                              const struct aggregate *aggregate, struct error *err)
{
    char name[NAME_BYTES_MAX + AGGREGATE_NAME_BYTES + 2];
    const size_t used = metric.len < NAME_BYTES_MAX ? metric.len : NAME_BYTES_MAX;
    if (used > 0)
        memcpy(name, metric.data, used);
    const int rest = snprintf(name + used, sizeof name - used, "_%s", aggregate->name);
    return answer_add_column(answer, slice_of(name, used + (size_t)rest), kind_of(aggregate->kind),
                             err);
}

static enum status add_columns(const struct stats *stats, struct answer *answer, struct error *err)
{
    const struct stats_spec *spec = stats->spec;
    if (spec->by != STATS_BY_NONE)
        TRY(answer_add_field(answer, spec->by == STATS_BY_DEVICE ? "device" : "product", CELL_TEXT,
                             err));
    if (spec->every)
        TRY(answer_add_field(answer, "time", CELL_TIME, err));
    for (size_t i = 0; i < stats->name_count; i++) {
        for (size_t j = 0; j < spec->aggregates->count; j++)
            TRY(add_column(answer, stats->names[i], &spec->aggregates->items[j], err));
    }
    return STATUS_OK;
}

/* --- cells --------------------------------------------------------------------------------- */

static enum status spread_of(const struct accumulator *accumulator, struct arena *arena,
                             struct exact_value *value)
{
    if (accumulator->count == 0)
        return STATUS_OK;
    return exact_difference(accumulator_max(accumulator), accumulator_min(accumulator), arena,
                            value);
}

static enum status number_of(struct accumulator *accumulator, const struct aggregate *aggregate,
                             struct arena *arena, struct exact_value *value)
{
    const struct accumulator_more *more = accumulator->more;
    switch (aggregate->kind) {
    case AGGREGATE_SUM:
        return accumulator_sum(accumulator, arena, value);
    case AGGREGATE_AVG:
        return accumulator_mean(accumulator, value);
    case AGGREGATE_STDDEV:
        return accumulator_stddev(accumulator, value);
    case AGGREGATE_TWA:
        return accumulator_twa(accumulator, value);
    case AGGREGATE_SPREAD:
        return spread_of(accumulator, arena, value);
    case AGGREGATE_MEDIAN:
    case AGGREGATE_PERCENTILE:
        return accumulator_percentile(accumulator, aggregate->percent, arena, value);
    case AGGREGATE_MIN:
        *value = exact_of_number(accumulator_min(accumulator));
        return STATUS_OK;
    case AGGREGATE_MAX:
        *value = exact_of_number(accumulator_max(accumulator));
        return STATUS_OK;
    case AGGREGATE_FIRST:
        *value = more ? exact_of_number(more->first.value) : exact_null();
        return STATUS_OK;
    case AGGREGATE_LAST:
        *value = more ? exact_of_number(more->last.value) : exact_null();
        return STATUS_OK;
    case AGGREGATE_COUNT:
    case AGGREGATE_MIN_TIME:
    case AGGREGATE_MAX_TIME:
        break;
    }
    return STATUS_OK;
}

static struct answer_cell time_of(const struct accumulator *accumulator, enum aggregate_kind kind)
{
    if (accumulator->count == 0)
        return (struct answer_cell){0};
    const struct accumulator_more *more = accumulator->more;
    return cell_of_time(kind == AGGREGATE_MIN_TIME ? more->min_at.time_ms : more->max_at.time_ms);
}

/* A normal decimal, from its words: see cell_make. */
static struct answer_cell cell_of_decimal(int64_t mantissa, int exponent)
{
    struct answer_cell cell = cell_make((uint64_t)mantissa, CELL_NUMBER);
    cell.mantissa.high = mantissa >> 63;
    cell.exponent = (int16_t)exponent;
    cell.exact_kind = EXACT_DECIMAL;
    return cell;
}

static struct answer_cell cell_of_real(double real)
{
    struct answer_cell cell = cell_make(0, CELL_NUMBER);
    cell.real = real;
    cell.exact_kind = EXACT_REAL;
    return cell;
}

static struct answer_cell cell_of_mantissa(int64_t mantissa, int exponent)
{
    const struct number number = number_from_sealed(mantissa, exponent);
    return number.kind == NUMBER_REAL ? cell_of_real(number.real)
                                      : cell_of_decimal(number.mantissa, number.exponent);
}

/* The cells that most answers are made of, without a struct exact_value. False if it is another. */
static bool set_open_cell(const struct accumulator *accumulator, enum aggregate_kind kind,
                          struct answer_cell *cell)
{
    double mean = 0.0;
    if (!accumulator_is_open_only(accumulator))
        return false;
    if (kind == AGGREGATE_MIN) {
        *cell = cell_of_mantissa(accumulator->min, accumulator->exponent);
    } else if (kind == AGGREGATE_MAX) {
        *cell = cell_of_mantissa(accumulator->max, accumulator->exponent);
    } else if (kind == AGGREGATE_AVG &&
               exact_mean_of_small_total(accumulator->total, accumulator->exponent,
                                         accumulator->count, &mean)) {
        *cell = cell_of_real(mean);
    } else {
        return false;
    }
    return true;
}

static enum status set_cell(struct accumulator *accumulator, const struct aggregate *aggregate,
                            struct arena *arena, struct answer_cell *cell)
{
    if (set_open_cell(accumulator, aggregate->kind, cell))
        return STATUS_OK;
    switch (kind_of(aggregate->kind)) {
    case CELL_COUNT:
        *cell = cell_of_count(accumulator->count);
        return STATUS_OK;
    case CELL_TIME:
        *cell = time_of(accumulator, aggregate->kind);
        return STATUS_OK;
    case CELL_NULL:
    case CELL_TEXT:
    case CELL_NUMBER:
    case CELL_DURATION:
    case CELL_ID:
    case CELL_BOOL:
        break;
    }
    struct exact_value value = exact_null();
    TRY(number_of(accumulator, aggregate, arena, &value));
    *cell = cell_of_number(value);
    return STATUS_OK;
}

/* How many columns stand before those of the metrics. */
static size_t key_count(const struct stats_spec *spec)
{
    return (spec->by != STATS_BY_NONE ? 1u : 0u) + (spec->every ? 1u : 0u);
}

static struct slice group_name(const void *context, uint32_t group)
{
    const struct stats *stats = context;
    switch (stats->spec->by) {
    case STATS_BY_DEVICE:
        return snapshot_device_name(stats->snapshot, group);
    case STATS_BY_PRODUCT:
        return stats->products.names[group];
    case STATS_BY_NONE:
        break;
    }
    return (struct slice){0};
}

/* A row of a group and bucket with counts of 0 and nulls. */
static enum status add_empty_row(const struct stats *stats, struct answer *answer, uint32_t group,
                                 int64_t bucket_ms, struct error *err)
{
    const struct stats_spec *spec = stats->spec;
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(answer, &cell, err));
    if (spec->by != STATS_BY_NONE)
        *cell++ = cell_of_text(group_name(stats, group));
    if (spec->every)
        *cell++ = cell_of_time(bucket_ms);
    for (size_t i = 0; i < stats->name_count; i++) {
        for (size_t j = 0; j < spec->aggregates->count; j++, cell++) {
            if (spec->aggregates->items[j].kind == AGGREGATE_COUNT)
                *cell = cell_of_count(0);
        }
    }
    return STATUS_OK;
}

/* Writes an entry's results into cells of nulls. */
static enum status set_results(struct stats *stats, struct arena *arena, size_t entry,
                               struct answer_cell *cell, struct error *err)
{
    const struct aggregate_list *aggregates = stats->spec->aggregates;
    for (size_t i = 0; i < stats->name_count; i++) {
        struct accumulator *accumulator = stats_groups_at(&stats->groups, entry, i);
        for (size_t j = 0; j < aggregates->count; j++) {
            const enum status status = set_cell(accumulator, &aggregates->items[j], arena, cell++);
            if (status == STATUS_CORRUPT)
                return error_set(err, STATUS_CORRUPT,
                                 "the summaries of blocks contradict their values: see what "
                                 "`mnsdb verify` says");
            if (status != STATUS_OK)
                return no_memory(err);
        }
    }
    return STATUS_OK;
}

static enum status set_row(struct stats *stats, struct answer *answer, size_t row, size_t entry,
                           struct error *err)
{
    struct answer_cell *cells = answer_cells(answer, row);
    return set_results(stats, &answer->arena, entry, cells + key_count(stats->spec), err);
}

/* --- filled buckets ------------------------------------------------------------------------ */

/* One column of one group: cells of consecutive rows, some of them gaps. */
struct fill_column {
    struct answer *answer;
    size_t first_row;
    size_t row_count;
    size_t column;
    const bool *given; /* by row: the metric has values in the bucket */
    enum stats_fill fill;
};

static struct answer_cell *fill_cell(const struct fill_column *column, size_t row)
{
    return answer_cells(column->answer, column->first_row + row) + column->column;
}

/* Between two given rows. */
static void fill_linear(const struct fill_column *column, size_t before, size_t behind)
{
    const struct exact_value a = cell_number(fill_cell(column, before));
    const struct exact_value b = cell_number(fill_cell(column, behind));
    const uint64_t steps = behind - before;
    for (uint64_t step = 1; step < steps; step++)
        *fill_cell(column, before + step) = cell_of_number(exact_linear_fill(a, b, step, steps));
}

static void fill_gaps(const struct fill_column *column)
{
    size_t latest = SIZE_MAX; // the given row seen last
    for (size_t row = 0; row < column->row_count; row++) {
        if (column->given[row]) {
            if (column->fill == STATS_FILL_LINEAR && latest != SIZE_MAX)
                fill_linear(column, latest, row);
            latest = row;
        } else if (column->fill == STATS_FILL_ZERO) {
            *fill_cell(column, row) = cell_of_number(exact_of_integer(0));
        } else if (column->fill == STATS_FILL_PREV && latest != SIZE_MAX) {
            *fill_cell(column, row) = *fill_cell(column, latest);
        }
    }
}

static void fill_metric(const struct stats *stats, struct fill_column *column)
{
    const struct aggregate_list *aggregates = stats->spec->aggregates;
    for (size_t j = 0; j < aggregates->count; j++, column->column++) {
        if (kind_of(aggregates->items[j].kind) == CELL_NUMBER)
            fill_gaps(column);
    }
}

/* The buckets that a fill covers. */
struct fill_range {
    int64_t *starts_ms; /* owned */
    size_t count;
};

static void fill_range_release(struct fill_range *range)
{
    mem_free(range->starts_ms);
}

static enum status too_many_buckets(struct error *err)
{
    (void)error_set(err, STATUS_INPUT,
                    "more than %zu buckets to fill: narrow the range or widen the buckets",
                    STATS_FILL_BUCKETS_MAX);
    return STATUS_INPUT;
}

static enum status list_buckets(struct stats *stats, struct fill_range *buckets,
                                struct scan_statistics *statistics, struct error *err)
{
    const struct selection *selection = stats->spec->selection;
    struct time_range range = {selection->from_ms, selection->until_ms};
    if (!selection->has_from || !selection->has_until) {
        struct time_range span = {0};
        bool found = false;
        TRY(stats_find_span(stats, &span, &found, statistics, err));
        assert(found); // there are groups, so there are rows
        range.from_ms = selection->has_from ? selection->from_ms : span.from_ms;
        range.until_ms = selection->has_until ? selection->until_ms : span.until_ms + 1;
    }
    const size_t count_max = STATS_FILL_BUCKETS_MAX + 1;
    buckets->count = bucket_list(&stats->grid, range.from_ms, range.until_ms, NULL, count_max);
    if (buckets->count == count_max)
        return too_many_buckets(err);
    buckets->starts_ms = mem_alloc(buckets->count, sizeof *buckets->starts_ms);
    if (!buckets->starts_ms)
        return no_memory(err);
    (void)bucket_list(&stats->grid, range.from_ms, range.until_ms, buckets->starts_ms,
                      buckets->count);
    return STATUS_OK;
}

/* The entries [first, until) of `order` are one group's. */
struct group_entries {
    const uint32_t *order;
    size_t count;
};

/* Rows for every bucket; those that have an entry get its results. */
static enum status add_group_rows(struct stats *stats, struct answer *answer,
                                  const struct group_entries *group,
                                  const struct fill_range *buckets, struct error *err)
{
    const struct stats_entry *entries = stats->groups.entries;
    const size_t first_row = answer->row_count;
    size_t next = 0;
    for (size_t i = 0; i < buckets->count; i++) {
        TRY(add_empty_row(stats, answer, entries[group->order[0]].group, buckets->starts_ms[i],
                          err));
        if (next < group->count && entries[group->order[next]].bucket_ms == buckets->starts_ms[i])
            TRY(set_row(stats, answer, first_row + i, group->order[next++], err));
    }
    assert(next == group->count);
    return STATUS_OK;
}

/* Marks the rows in which a metric has values. */
static void mark_given(struct stats *stats, const struct group_entries *group,
                       const struct fill_range *buckets, size_t metric, bool *given)
{
    size_t next = 0;
    for (size_t i = 0; i < buckets->count; i++) {
        given[i] = false;
        if (next == group->count ||
            stats->groups.entries[group->order[next]].bucket_ms != buckets->starts_ms[i])
            continue;
        given[i] = stats_groups_at(&stats->groups, group->order[next++], metric)->count > 0;
    }
}

static enum status fill_group(struct stats *stats, struct answer *answer,
                              const struct group_entries *group, const struct fill_range *buckets,
                              struct error *err)
{
    const size_t first_row = answer->row_count;
    TRY(add_group_rows(stats, answer, group, buckets, err));
    OWNED(mem_free_owned) bool *given = mem_alloc(buckets->count, sizeof *given);
    if (!given)
        return no_memory(err);
    struct fill_column column = {.answer = answer,
                                 .first_row = first_row,
                                 .row_count = buckets->count,
                                 .column = key_count(stats->spec),
                                 .given = given,
                                 .fill = stats->spec->fill};
    for (size_t i = 0; i < stats->name_count; i++) {
        mark_given(stats, group, buckets, i, given);
        fill_metric(stats, &column);
    }
    return STATUS_OK;
}

/* Says so before the rows of all groups use up the memory. */
static enum status check_filled_size(const struct stats *stats, const struct answer *answer,
                                     const uint32_t *order, const struct fill_range *buckets,
                                     struct error *err)
{
    const struct stats_entry *entries = stats->groups.entries;
    size_t groups = 1;
    for (size_t i = 1; i < stats->groups.count; i++)
        groups += entries[order[i]].group != entries[order[i - 1]].group;
    if (buckets->count <= ANSWER_CELLS_MAX / answer->column_count / groups)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "%zu groups filled to %zu buckets are more than %zu cells: narrow the range "
                     "or widen the buckets",
                     groups, buckets->count, ANSWER_CELLS_MAX);
}

static enum status add_filled(struct stats *stats, struct answer *answer, const uint32_t *order,
                              struct scan_statistics *statistics, struct error *err)
{
    if (stats->groups.count == 0)
        return STATUS_OK;
    OWNED(fill_range_release) struct fill_range buckets = {0};
    TRY(list_buckets(stats, &buckets, statistics, err));
    TRY(check_filled_size(stats, answer, order, &buckets, err));
    const struct stats_entry *entries = stats->groups.entries;
    for (size_t first = 0, until = 0; first < stats->groups.count; first = until) {
        while (until < stats->groups.count &&
               entries[order[until]].group == entries[order[first]].group)
            until++;
        const struct group_entries group = {.order = order + first, .count = until - first};
        TRY(fill_group(stats, answer, &group, &buckets, err));
    }
    return STATUS_OK;
}

/* --- the answer ---------------------------------------------------------------------------- */

/*
 * Entries in order of names lie anywhere in memory: they are asked for two steps ahead, what they
 * lead to one step. Accumulators need not begin with a line of the cache, so their ends are asked
 * for, too.
 */
static void fetch_ahead(struct stats *stats, const uint32_t *order, size_t i)
{
    const size_t count = stats->groups.count;
    if (!stats->groups.seen && i + 2 * (size_t)ROWS_AHEAD < count)
        __builtin_prefetch(&stats->groups.entries[order[i + 2 * (size_t)ROWS_AHEAD]]);
    if (i + ROWS_AHEAD >= count)
        return;
    const uint32_t entry = order[i + ROWS_AHEAD];
    if (stats->spec->by == STATS_BY_DEVICE)
        snapshot_fetch_device_name(stats->snapshot, stats_groups_group(&stats->groups, entry));
    for (size_t j = 0; j < stats->name_count; j++) {
        const struct accumulator *accumulator = stats_groups_at(&stats->groups, entry, j);
        __builtin_prefetch(accumulator);
        __builtin_prefetch(&accumulator->more);
    }
}

static enum status add_plain(struct stats *stats, struct answer *answer, const uint32_t *order,
                             struct error *err)
{
    const size_t count = stats->groups.count;
    TRY(answer_reserve(answer, count, err));
    for (size_t i = 0; i < count; i++) {
        fetch_ahead(stats, order, i);
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, err));
        if (stats->spec->by != STATS_BY_NONE)
            *cell++ = cell_of_text(group_name(stats, stats_groups_group(&stats->groups, order[i])));
        if (stats->spec->every)
            *cell++ = cell_of_time(stats_groups_bucket_ms(&stats->groups, order[i]));
        TRY(set_results(stats, &answer->arena, order[i], cell, err));
    }
    return STATUS_OK;
}

/* Names of devices, and their order unless the few that were asked for can be compared. */
static enum status read_names(const struct stats *stats, const uint32_t **by_name,
                              struct error *err)
{
    const struct selection *selection = stats->spec->selection;
    const uint32_t total = snapshot_device_count(stats->snapshot);
    if (selection->device_bits && selection->device_count <= total / DEVICES_FEW_SHARE)
        return selection_read_names(selection, stats->snapshot, err);
    return snapshot_device_order(stats->snapshot, by_name, err);
}

enum status stats_answer(struct stats *stats, struct answer *answer,
                         struct scan_statistics *statistics, struct error *err)
{
    const struct stats_spec *spec = stats->spec;
    TRY(add_columns(stats, answer, err));
    OWNED(mem_free_owned) uint32_t *order = NULL;
    const uint32_t *by_name = NULL;
    if (spec->by == STATS_BY_DEVICE && stats->groups.count > 0)
        TRY(read_names(stats, &by_name, err));
    if (stats_groups_sort(&stats->groups, by_name, group_name, stats, &order) != STATUS_OK)
        return no_memory(err);
    if (spec->every && spec->fill != STATS_FILL_NONE)
        return add_filled(stats, answer, order, statistics, err);
    if (spec->by == STATS_BY_NONE && !spec->every && stats->groups.count == 0)
        return add_empty_row(stats, answer, 0, 0, err);
    return add_plain(stats, answer, order, err);
}
