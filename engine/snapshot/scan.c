/*
 * scan.c - rows of a snapshot, summaries where they serve.
 *
 *      part skipped by its times
 *       \_ or answered by its totals      (wholly in range, all devices)
 *       \_ or by its slices               (likewise; what they leave is read from blocks)
 *           \_ or block answered by its summary
 *               \_ or decoded: runs of wanted rows
 *
 * An ordered scan merges all parts and gives rows only. A pulled scan gives rows only, too, and has
 * readers of its own, so that several may go on side by side.
 */
#include "engine/snapshot/snapshot_internal.h"

#include "engine/base/mem.h"
#include "engine/slices/slices.h"

#include <assert.h>

bool part_may_match(const struct part_filter *filter, const struct part *part)
{
    const struct block_summary *totals = &part->totals.summary;
    if (totals->row_count == 0 || totals->max_time_ms < filter->from_ms)
        return false;
    return filter->until_ms == TIME_MS_MAX || totals->min_time_ms < filter->until_ms;
}

static bool part_is_whole(const struct part_filter *filter, const struct part *part)
{
    const struct block_summary *totals = &part->totals.summary;
    const bool before_end =
        filter->until_ms == TIME_MS_MAX || totals->max_time_ms < filter->until_ms;
    return !part->consumed && !filter->device_bits && totals->min_time_ms >= filter->from_ms &&
           before_end;
}

static enum status offer(const struct scan *scan, const struct block_summary *summary, bool *taken)
{
    *taken = false;
    if (!scan->visitor->summary)
        return STATUS_OK;
    return scan->visitor->summary(scan->visitor->context, summary, taken);
}

/* Whether a summary of these rows can be of use. */
static bool may_serve(const struct scan *scan, const struct block_summary *summary)
{
    return scan->visitor->summary &&
           (!scan->spec->by_device || summary->first.device == summary->last.device);
}

static bool row_is_taken(const struct part_rest *rest, const struct row_vector *rows, uint32_t row)
{
    return rows->times_ms[row] >= rest->taken_from_ms && rows->times_ms[row] <= rest->taken_last_ms;
}

/* Gives those rows of a run that slices have not answered for. */
static enum status give_rest(const struct scan *scan, const struct part_rest *rest,
                             const struct row_vector *rows, uint32_t from, uint32_t until)
{
    while (from < until) {
        uint32_t end = from;
        while (end < until && !row_is_taken(rest, rows, end))
            end++;
        if (end > from)
            TRY(scan->visitor->rows(scan->visitor->context, rows, from, end));
        while (end < until && row_is_taken(rest, rows, end))
            end++;
        from = end;
    }
    return STATUS_OK;
}

/* `rest` is NULL if slices have answered for none of the rows, which then may have no times. */
static enum status give_runs(const struct scan *scan, const struct part_rest *rest,
                             const struct part_cursor *cursor, const struct row_vector *rows)
{
    uint32_t from = 0;
    uint32_t until = 0;
    while (part_cursor_run(cursor, &from, &until))
        TRY(rest ? give_rest(scan, rest, rows, from, until)
                 : scan->visitor->rows(scan->visitor->context, rows, from, until));
    return STATUS_OK;
}

/* How much of a block slices have answered for. */
enum taken_share { TAKEN_NOTHING, TAKEN_SOME, TAKEN_ALL };

static enum taken_share taken_share(const struct part_rest *rest,
                                    const struct block_summary *summary)
{
    if (!rest->has_taken || summary->max_time_ms < rest->taken_from_ms ||
        summary->min_time_ms > rest->taken_last_ms)
        return TAKEN_NOTHING;
    return summary->min_time_ms >= rest->taken_from_ms &&
                   summary->max_time_ms <= rest->taken_last_ms
               ? TAKEN_ALL
               : TAKEN_SOME;
}

static enum status scan_block(const struct scan *scan, const struct part_rest *rest,
                              struct part_cursor *cursor, const struct directory_entry *entry,
                              struct error *err)
{
    const enum taken_share share = taken_share(rest, &entry->summary);
    if (share == TAKEN_ALL)
        return STATUS_OK;
    if (share == TAKEN_NOTHING && may_serve(scan, &entry->summary) && part_cursor_whole(cursor)) {
        bool taken = false;
        TRY(offer(scan, &entry->summary, &taken));
        if (taken) {
            scan->statistics->blocks_from_summary++;
            return STATUS_OK;
        }
    }
    const struct row_vector *rows = NULL;
    struct block_selection wanted = scan->spec->columns;
    wanted.without_times &= share == TAKEN_NOTHING;
    TRY(part_cursor_rows(cursor, &wanted, &rows, err));
    scan->statistics->blocks_read++;
    scan->statistics->rows_decoded += rows->count;
    return give_runs(scan, share == TAKEN_SOME ? rest : NULL, cursor, rows);
}

/* Whether all rows of a summary are in the scan's time. */
static bool is_in_time(const struct part_filter *filter, const struct block_summary *summary)
{
    return summary->min_time_ms >= filter->from_ms &&
           (filter->until_ms == TIME_MS_MAX || summary->max_time_ms < filter->until_ms);
}

/* Offers slices from `first` on; `*until` is the first one that is not taken. */
static enum status offer_slices(const struct scan *scan, const struct slices *slices, size_t first,
                                size_t *until)
{
    bool taken = true;
    *until = first;
    while (*until < slices->count &&
           is_in_time(&scan->filter, &slices->items[*until].totals.summary)) {
        TRY(offer(scan, &slices->items[*until].totals.summary, &taken));
        if (!taken)
            break;
        scan->statistics->blocks_from_summary++;
        ++*until;
    }
    return STATUS_OK;
}

/* Whether rows of the scan's time lie in slices [from, until). */
static bool slices_match(const struct scan *scan, const struct slices *slices, size_t from,
                         size_t until)
{
    for (size_t i = from; i < until; i++) {
        const struct block_summary *summary = &slices->items[i].totals.summary;
        const bool before_end =
            scan->filter.until_ms == TIME_MS_MAX || summary->min_time_ms < scan->filter.until_ms;
        if (summary->max_time_ms >= scan->filter.from_ms && before_end)
            return true;
    }
    return false;
}

/*
 * Answers from a part's slices, where it has some and they are wanted: from the first one that is
 * wholly in the scan's time up to one that is not taken. The rest is read from blocks.
 */
static enum status offer_all_slices(const struct scan *scan, const struct part *part,
                                    struct part_rest *rest, struct error *err)
{
    if (scan->filter.device_bits || part->consumed || !part->sliced ||
        !may_serve(scan, &part->totals.summary))
        return STATUS_OK;
    OWNED(slices_release) struct slices slices = {0};
    TRY(slices_load(&slices, part, scan->txn, scan->filter.names, err));
    size_t first = 0;
    while (first < slices.count &&
           slices.items[first].totals.summary.min_time_ms < scan->filter.from_ms)
        first++;
    size_t until = first;
    TRY(offer_slices(scan, &slices, first, &until));
    if (until == first)
        return STATUS_OK;
    rest->has_taken = true;
    rest->taken_from_ms = slices.items[first].from_ms;
    rest->taken_last_ms = slices.items[until - 1].totals.summary.max_time_ms;
    if (!slices_match(scan, &slices, 0, first) && !slices_match(scan, &slices, until, slices.count))
        rest->part = NULL;
    return STATUS_OK;
}

enum status scan_offer_part(const struct scan *scan, const struct part *part,
                            struct part_rest *rest, struct error *err)
{
    bool taken = false;
    *rest = (struct part_rest){.part = part};
    if (scan->spec->blocks_only)
        return STATUS_OK;
    if (may_serve(scan, &part->totals.summary) && part_is_whole(&scan->filter, part))
        TRY(offer(scan, &part->totals.summary, &taken));
    scan->statistics->parts_from_totals += taken;
    *rest = (struct part_rest){.part = taken ? NULL : part};
    return taken ? STATUS_OK : offer_all_slices(scan, part, rest, err);
}

enum status scan_rest(const struct scan *scan, const struct part_rest *rest, struct error *err)
{
    struct part_cursor *cursor = scan->cursor;
    TRY(part_cursor_open(cursor, rest->part, scan->txn, &scan->filter, err));
    for (;;) {
        const struct directory_entry *entry = NULL;
        TRY(part_cursor_next(cursor, &entry, err));
        if (!entry)
            return STATUS_OK;
        TRY(scan_block(scan, rest, cursor, entry, err));
    }
}

static enum status scan_parts(const struct scan *scan, struct error *err)
{
    const struct part_list *list = &scan->snapshot->parts[scan->spec->table];
    for (size_t i = 0; i < list->count; i++) {
        if (!part_may_match(&scan->filter, &list->parts[i]))
            continue;
        scan->statistics->parts_read++;
        struct part_rest rest = {0};
        TRY(scan_offer_part(scan, &list->parts[i], &rest, err));
        if (rest.part)
            TRY(scan_rest(scan, &rest, err));
    }
    return STATUS_OK;
}

static enum status give_merged(const struct scan *scan, struct error *err)
{
    struct part_merge *merge = scan->snapshot->merge;
    for (;;) {
        const struct row_vector *rows = NULL;
        uint32_t from = 0;
        uint32_t until = 0;
        TRY(part_merge_next(merge, &rows, &from, &until, err));
        if (!rows)
            return STATUS_OK;
        TRY(scan->visitor->rows(scan->visitor->context, rows, from, until));
    }
}

static enum status scan_ordered(const struct scan *scan, struct error *err)
{
    const struct part_list *list = &scan->snapshot->parts[scan->spec->table];
    OWNED(mem_free_owned) const struct part **parts = mem_alloc(list->count, sizeof(void *));
    if (!parts)
        return error_set(err, STATUS_NOMEM, "no memory to scan %zu parts", list->count);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (part_may_match(&scan->filter, &list->parts[i]))
            parts[count++] = &list->parts[i];
    }
    scan->statistics->parts_read += count;
    struct part_merge *merge = scan->snapshot->merge;
    const struct part_reading reading = {
        .txn = scan->txn, .filter = &scan->filter, .selection = &scan->spec->columns};
    uint64_t blocks_before = 0;
    uint64_t rows_before = 0;
    part_merge_counts(merge, &blocks_before, &rows_before); // of all its scans
    TRY(part_merge_open(merge, parts, count, &reading, err));
    const enum status status = give_merged(scan, err);
    uint64_t blocks = 0;
    uint64_t rows = 0;
    part_merge_counts(merge, &blocks, &rows);
    scan->statistics->blocks_read += blocks - blocks_before;
    scan->statistics->rows_decoded += rows - rows_before;
    return status;
}

/* Bounds the devices by those selected, so that no walk looks for them among all bits. */
static void bound_devices(struct part_filter *filter)
{
    const uint64_t *const bits = filter->device_bits;
    const uint32_t words = (uint32_t)((filter->names.devices + 63) / 64);
    uint32_t first = 0;
    while (first < words && bits[first] == 0)
        first++;
    uint32_t until = words;
    while (until > first && bits[until - 1] == 0)
        until--;
    if (first == until)
        return;
    filter->device_from = first * 64 + (uint32_t)__builtin_ctzll(bits[first]);
    filter->device_until = until * 64 - (uint32_t)__builtin_clzll(bits[until - 1]);
}

struct part_filter scan_filter_of(const struct snapshot *snapshot, const struct scan_spec *spec)
{
    struct part_filter filter = {
        .device_bits = spec->device_bits,
        .names = snapshot_names(snapshot, spec->table),
        .from_ms = spec->from_ms,
        .until_ms = spec->until_ms,
        .summaries_of_ones = spec->by_device,
    };
    if (filter.device_bits)
        bound_devices(&filter);
    return filter;
}

enum status snapshot_scan(struct snapshot *snapshot, const struct scan_spec *spec,
                          const struct scan_visitor *visitor, struct scan_statistics *statistics,
                          struct error *err)
{
    assert(snapshot->txn && !(spec->ordered && spec->columns.without_times));
    const struct scan scan = {
        .snapshot = snapshot,
        .spec = spec,
        .visitor = visitor,
        .statistics = statistics,
        .filter = scan_filter_of(snapshot, spec),
        .txn = snapshot->txn,
        .cursor = snapshot->cursor,
    };
    statistics->parts_total += snapshot->parts[spec->table].count;
    statistics->log_records = snapshot->state.log_records;
    statistics->log_rows = snapshot->state.log_rows;
    return spec->ordered ? scan_ordered(&scan, err) : scan_parts(&scan, err);
}

/* --- pulled ---------------------------------------------------------------------------------- */

struct scan_cursor {
    struct snapshot *snapshot; /* borrowed */
    struct scan_spec spec;
    struct part_filter filter;
    struct part_merge *merge;   /* owned; for ordered scans */
    struct part_cursor *cursor; /* owned; for others */
    size_t next_part;
    bool in_part;                  /* `cursor` stands in a part */
    const struct row_vector *rows; /* of the block at hand; NULL: none */
    uint32_t until;                /* of the run given last */
    struct scan_statistics done;
};

enum status scan_cursor_new(struct scan_cursor **cursor, struct snapshot *snapshot,
                            struct error *err)
{
    struct scan_cursor *made = mem_alloc_zeroed(1, sizeof *made);
    if (made && part_cursor_new(&made->cursor) == STATUS_OK &&
        part_merge_new(&made->merge) == STATUS_OK) {
        made->snapshot = snapshot;
        *cursor = made;
        return STATUS_OK;
    }
    scan_cursor_free(made);
    *cursor = NULL;
    return error_set(err, STATUS_NOMEM, "no memory for a scan");
}

void scan_cursor_free(struct scan_cursor *cursor)
{
    if (!cursor)
        return;
    part_cursor_free(cursor->cursor);
    part_merge_free(cursor->merge);
    mem_free(cursor);
}

static enum status open_ordered(struct scan_cursor *cursor, struct error *err)
{
    const struct part_list *list = &cursor->snapshot->parts[cursor->spec.table];
    OWNED(mem_free_owned) const struct part **parts = mem_alloc(list->count, sizeof(void *));
    if (!parts)
        return error_set(err, STATUS_NOMEM, "no memory to scan %zu parts", list->count);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (part_may_match(&cursor->filter, &list->parts[i]))
            parts[count++] = &list->parts[i];
    }
    cursor->done.parts_read += count;
    const struct part_reading reading = {.txn = cursor->snapshot->txn,
                                         .filter = &cursor->filter,
                                         .selection = &cursor->spec.columns};
    return part_merge_open(cursor->merge, parts, count, &reading, err);
}

enum status scan_cursor_open(struct scan_cursor *cursor, const struct scan_spec *spec,
                             struct error *err)
{
    assert(cursor->snapshot->txn && !spec->columns.without_times);
    cursor->spec = *spec;
    cursor->filter = scan_filter_of(cursor->snapshot, spec);
    cursor->next_part = 0;
    cursor->in_part = false;
    cursor->rows = NULL;
    cursor->until = 0;
    cursor->done.parts_total += cursor->snapshot->parts[spec->table].count;
    return spec->ordered ? open_ordered(cursor, err) : STATUS_OK;
}

/* Stands on the next block, decoded; cursor->rows is NULL after the last. */
static enum status next_block(struct scan_cursor *cursor, struct error *err)
{
    const struct part_list *list = &cursor->snapshot->parts[cursor->spec.table];
    cursor->rows = NULL;
    cursor->until = 0;
    for (;;) {
        const struct directory_entry *entry = NULL;
        if (cursor->in_part)
            TRY(part_cursor_next(cursor->cursor, &entry, err));
        if (entry)
            break;
        while (cursor->next_part < list->count &&
               !part_may_match(&cursor->filter, &list->parts[cursor->next_part]))
            cursor->next_part++;
        cursor->in_part = cursor->next_part < list->count;
        if (!cursor->in_part)
            return STATUS_OK;
        TRY(part_cursor_open(cursor->cursor, &list->parts[cursor->next_part++],
                             cursor->snapshot->txn, &cursor->filter, err));
        cursor->done.parts_read++;
    }
    const struct row_vector *rows = NULL;
    TRY(part_cursor_rows(cursor->cursor, &cursor->spec.columns, &rows, err));
    assert(rows);
    cursor->done.blocks_read++;
    cursor->done.rows_decoded += rows->count;
    cursor->rows = rows;
    return STATUS_OK;
}

enum status scan_cursor_next(struct scan_cursor *cursor, const struct row_vector **rows,
                             uint32_t *from_row, uint32_t *until_row, struct error *err)
{
    assert(cursor->snapshot->txn);
    if (cursor->spec.ordered)
        return part_merge_next(cursor->merge, rows, from_row, until_row, err);
    for (;;) {
        *rows = cursor->rows;
        if (cursor->rows && part_cursor_run(cursor->cursor, from_row, &cursor->until)) {
            *until_row = cursor->until;
            return STATUS_OK;
        }
        TRY(next_block(cursor, err));
        *rows = cursor->rows;
        if (!cursor->rows)
            return STATUS_OK;
    }
}

void scan_cursor_count(const struct scan_cursor *cursor, struct scan_statistics *statistics)
{
    uint64_t blocks = 0;
    uint64_t rows = 0;
    part_merge_counts(cursor->merge, &blocks, &rows); // of all its scans
    statistics->parts_total += cursor->done.parts_total;
    statistics->parts_read += cursor->done.parts_read;
    statistics->blocks_read += cursor->done.blocks_read + blocks;
    statistics->rows_decoded += cursor->done.rows_decoded + rows;
    statistics->log_records = cursor->snapshot->state.log_records;
    statistics->log_rows = cursor->snapshot->state.log_rows;
}
