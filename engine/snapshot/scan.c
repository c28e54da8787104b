/*
 * scan.c - rows of a snapshot, summaries where they serve.
 *
 *      part skipped by its times
 *       \_ or answered by its totals      (wholly in range, all devices)
 *           \_ or block answered by its summary
 *               \_ or decoded: runs of wanted rows
 *
 * An ordered scan merges all parts and gives rows only.
 */
#include "engine/snapshot/snapshot_internal.h"

#include "engine/base/mem.h"

#include <assert.h>

/* One scan under way. */
struct scan {
    struct snapshot *snapshot;
    const struct scan_spec *spec;
    const struct scan_visitor *visitor;
    struct scan_statistics *statistics;
    struct part_filter filter;
};

static bool part_may_match(const struct part_filter *filter, const struct part *part)
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

static enum status give_runs(const struct scan *scan, const struct part_cursor *cursor,
                             const struct row_vector *rows)
{
    uint32_t from = 0;
    uint32_t until = 0;
    while (part_cursor_run(cursor, &from, &until))
        TRY(scan->visitor->rows(scan->visitor->context, rows, from, until));
    return STATUS_OK;
}

static enum status scan_block(const struct scan *scan, struct part_cursor *cursor,
                              const struct directory_entry *entry, struct error *err)
{
    if (part_cursor_whole(cursor)) {
        bool taken = false;
        TRY(offer(scan, &entry->summary, &taken));
        if (taken) {
            scan->statistics->blocks_from_summary++;
            return STATUS_OK;
        }
    }
    const struct row_vector *rows = NULL;
    TRY(part_cursor_rows(cursor, &scan->spec->columns, &rows, err));
    scan->statistics->blocks_read++;
    scan->statistics->rows_decoded += rows->count;
    return give_runs(scan, cursor, rows);
}

static enum status scan_part(const struct scan *scan, const struct part *part, struct error *err)
{
    if (part_is_whole(&scan->filter, part)) {
        bool taken = false;
        TRY(offer(scan, &part->totals.summary, &taken));
        if (taken) {
            scan->statistics->parts_from_totals++;
            return STATUS_OK;
        }
    }
    struct part_cursor *cursor = scan->snapshot->cursor;
    TRY(part_cursor_open(cursor, part, scan->snapshot->txn, &scan->filter, err));
    for (;;) {
        const struct directory_entry *entry = NULL;
        TRY(part_cursor_next(cursor, &entry, err));
        if (!entry)
            return STATUS_OK;
        TRY(scan_block(scan, cursor, entry, err));
    }
}

static enum status scan_parts(const struct scan *scan, struct error *err)
{
    const struct part_list *list = &scan->snapshot->parts[scan->spec->table];
    for (size_t i = 0; i < list->count; i++) {
        if (!part_may_match(&scan->filter, &list->parts[i]))
            continue;
        scan->statistics->parts_read++;
        TRY(scan_part(scan, &list->parts[i], err));
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
        .txn = scan->snapshot->txn, .filter = &scan->filter, .selection = &scan->spec->columns};
    TRY(part_merge_open(merge, parts, count, &reading, err));
    const enum status status = give_merged(scan, err);
    uint64_t blocks = 0;
    uint64_t rows = 0;
    part_merge_counts(merge, &blocks, &rows);
    scan->statistics->blocks_read += blocks;
    scan->statistics->rows_decoded += rows;
    return status;
}

static struct part_filter filter_of(const struct snapshot *snapshot, const struct scan_spec *spec)
{
    return (struct part_filter){
        .device_bits = spec->device_bits,
        .names = snapshot_names(snapshot, spec->table),
        .from_ms = spec->from_ms,
        .until_ms = spec->until_ms,
    };
}

enum status snapshot_scan(struct snapshot *snapshot, const struct scan_spec *spec,
                          const struct scan_visitor *visitor, struct scan_statistics *statistics,
                          struct error *err)
{
    assert(snapshot->txn);
    const struct scan scan = {
        .snapshot = snapshot,
        .spec = spec,
        .visitor = visitor,
        .statistics = statistics,
        .filter = filter_of(snapshot, spec),
    };
    statistics->parts_total += snapshot->parts[spec->table].count;
    statistics->log_records = snapshot->state.log_records;
    statistics->log_rows = snapshot->state.log_rows;
    return spec->ordered ? scan_ordered(&scan, err) : scan_parts(&scan, err);
}
