/*
 * devices.c - first and last row of each device, and how many there are.
 *
 * No column is decoded; blocks of one device are answered by their summaries.
 */
#include "query/listing/listing.h"

#include "engine/base/mem.h"

struct device_facts {
    int64_t first_ms; /* if it has rows */
    int64_t last_ms;
    uint64_t rows[TABLE_COUNT];
};

struct devices {
    struct device_facts *facts; /* owned; by device number */
    enum table table;           /* the one being read */
};

static void release(struct devices *devices)
{
    mem_free(devices->facts);
}

static void add_rows(struct devices *devices, uint32_t device, const struct time_range *span,
                     uint64_t count)
{
    struct device_facts *facts = &devices->facts[device];
    const bool is_new = facts->rows[TABLE_READINGS] + facts->rows[TABLE_STATUS] == 0;
    if (is_new || span->from_ms < facts->first_ms)
        facts->first_ms = span->from_ms;
    if (is_new || span->until_ms > facts->last_ms)
        facts->last_ms = span->until_ms;
    facts->rows[devices->table] += count;
}

static enum status take_summary(void *context, const struct block_summary *summary, bool *taken)
{
    *taken = summary->first.device == summary->last.device;
    const struct time_range span = {summary->min_time_ms, summary->max_time_ms};
    if (*taken)
        add_rows(context, summary->first.device, &span, summary->row_count);
    return STATUS_OK;
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    for (uint32_t row = from_row, end = from_row; row < until_row; row = end) {
        const uint32_t device = row_vector_device(rows, row);
        end = row_vector_device_end(rows, row, until_row);
        const struct time_range span = {rows->times_ms[row], rows->times_ms[end - 1]};
        add_rows(context, device, &span, end - row);
    }
    return STATUS_OK;
}

static enum status add_columns(struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "device", CELL_TEXT, err));
    TRY(answer_add_field(answer, "product", CELL_TEXT, err));
    TRY(answer_add_field(answer, "name", CELL_TEXT, err));
    TRY(answer_add_field(answer, "first_seen", CELL_TIME, err));
    TRY(answer_add_field(answer, "last_seen", CELL_TIME, err));
    TRY(answer_add_field(answer, "readings", CELL_COUNT, err));
    return answer_add_field(answer, "status_events", CELL_COUNT, err);
}

static enum status add_row(struct answer *answer, struct slice name,
                           const struct device_facts *facts, struct error *err)
{
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(answer, &cell, err));
    cell[0] = cell_of_text(name);
    cell[1] = cell_of_text(device_product(name));
    cell[2] = cell_of_text(device_short_name(name));
    if (facts->rows[TABLE_READINGS] + facts->rows[TABLE_STATUS] > 0) {
        cell[3] = cell_of_time(facts->first_ms);
        cell[4] = cell_of_time(facts->last_ms);
    }
    cell[5] = cell_of_count(facts->rows[TABLE_READINGS]);
    cell[6] = cell_of_count(facts->rows[TABLE_STATUS]);
    return STATUS_OK;
}

static enum status scan_tables(struct devices *devices, struct snapshot *snapshot,
                               const struct selection *selection,
                               struct scan_statistics *statistics, struct error *err)
{
    static const enum table tables[] = {TABLE_READINGS, TABLE_STATUS};
    const struct scan_visitor visitor = {
        .context = devices, .summary = take_summary, .rows = take_rows};
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        devices->table = tables[i];
        const struct scan_spec scan = selection_scan(selection, tables[i]);
        TRY(snapshot_scan(snapshot, &scan, &visitor, statistics, err));
    }
    return STATUS_OK;
}

enum status devices_query(struct snapshot *snapshot, const struct selection *selection,
                          struct answer *answer, struct scan_statistics *statistics,
                          struct error *err)
{
    TRY(add_columns(answer, err));
    OWNED(release) struct devices devices = {0};
    devices.facts = mem_alloc_zeroed(snapshot_device_count(snapshot), sizeof *devices.facts);
    if (!devices.facts)
        return error_set(err, STATUS_NOMEM, "no memory for the list of devices");
    if (!selection_is_empty(selection))
        TRY(scan_tables(&devices, snapshot, selection, statistics, err));
    for (uint32_t i = 0; i < selection->device_count; i++) {
        const uint32_t device = selection->devices[i];
        TRY(add_row(answer, snapshot_device_name(snapshot, device), &devices.facts[device], err));
    }
    return STATUS_OK;
}
