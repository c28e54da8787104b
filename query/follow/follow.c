/*
 * follow.c - see follow.h.
 *
 * Scans are over all time, so that parts and blocks are offered whole (block_memory.h); rows out of
 * the range are left aside one by one. A failure leaves the memory half turned: following ends with
 * it.
 */
#include "query/follow/follow.h"

#include "engine/base/mem.h"
#include "query/follow/block_memory.h"
#include "query/follow/id_memory.h"
#include "query/view/view.h"

#include <string.h>

struct follow {
    struct id_memory ids;
    struct block_memory blocks;
    uint64_t rows[TABLE_COUNT]; /* of the store, at the last look */

    /* Of the look under way. */
    const struct selection *selection;
    const struct scan_statistics *statistics;

    /* While beginning: the newest times so far, the oldest of them first (a heap). */
    int64_t *newest_ms; /* owned */
    uint32_t newest_count;
    uint32_t tail;
    int64_t tail_from_ms; /* then: the oldest of them */
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM,
                     "no memory to follow the store; fewer devices "
                     "(--device) or less time (--from) need less");
}

enum status follow_new(struct follow **follow)
{
    *follow = mem_alloc_zeroed(1, sizeof **follow);
    return *follow ? STATUS_OK : STATUS_NOMEM;
}

void follow_free(struct follow *follow)
{
    if (!follow)
        return;
    id_memory_release(&follow->ids);
    block_memory_release(&follow->blocks);
    mem_free(follow->newest_ms);
    mem_free(follow);
}

/* --- what a scan offers -------------------------------------------------------------------- */

static void begin_table(void *context, enum table table)
{
    struct follow *follow = context;
    block_memory_begin(&follow->blocks, table, follow->statistics);
}

static bool is_in_range(const struct follow *follow, int64_t time_ms)
{
    const struct selection *selection = follow->selection;
    return time_ms >= selection->from_ms &&
           (time_ms < selection->until_ms || selection->until_ms == TIME_MS_MAX);
}

/* True if no row of the run is in the range. */
static bool is_outside(const struct follow *follow, const struct block_summary *summary)
{
    const struct selection *selection = follow->selection;
    return summary->max_time_ms < selection->from_ms ||
           (selection->until_ms != TIME_MS_MAX && summary->min_time_ms >= selection->until_ms);
}

static enum status take_summary(void *context, const struct block_summary *summary, bool *taken)
{
    struct follow *follow = context;
    bool seen = false;
    TRY(block_memory_offer(&follow->blocks, summary, &seen));
    *taken = seen || is_outside(follow, summary);
    return STATUS_OK;
}

static enum status take_row(void *context, int64_t time_ms, uint64_t message_id, bool *wanted)
{
    struct follow *follow = context;
    *wanted = is_in_range(follow, time_ms) && !id_memory_has(&follow->ids, message_id);
    return *wanted ? id_memory_note(&follow->ids, message_id) : STATUS_OK;
}

static void turn(struct follow *follow, const struct snapshot *snapshot)
{
    block_memory_turn(&follow->blocks);
    memcpy(follow->rows, snapshot_counters(snapshot)->rows, sizeof follow->rows);
}

static void look_with(struct follow *follow, const struct selection *selection,
                      const struct scan_statistics *statistics)
{
    follow->selection = selection;
    follow->statistics = statistics;
}

/* --- beginning ----------------------------------------------------------------------------- */

/* Puts `time_ms` in place of the heap's oldest. */
static void sink(struct follow *follow, int64_t time_ms)
{
    int64_t *const heap = follow->newest_ms;
    const uint32_t count = follow->newest_count;
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= time_ms)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = time_ms;
}

static void keep_newest(struct follow *follow, int64_t time_ms)
{
    int64_t *const heap = follow->newest_ms;
    if (follow->newest_count == follow->tail) {
        if (follow->tail > 0 && time_ms > heap[0])
            sink(follow, time_ms);
        return;
    }
    uint32_t at = follow->newest_count++;
    while (at > 0 && heap[(at - 1) / 2] > time_ms) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = time_ms;
}

static enum status take_first_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                                   uint32_t until_row)
{
    struct follow *follow = context;
    for (uint32_t row = from_row; row < until_row; row++) {
        if (!is_in_range(follow, rows->times_ms[row]))
            continue;
        TRY(id_memory_note(&follow->ids, rows->message_ids[row]));
        keep_newest(follow, rows->times_ms[row]);
    }
    return STATUS_OK;
}

static enum status read_first(struct follow *follow, struct snapshot *snapshot,
                              struct scan_statistics *statistics, struct error *err)
{
    const struct scan_visitor visitor = {.context = follow, .rows = take_first_rows};
    const struct view_gate gate = {.context = follow, .summary = take_summary};
    const struct view_visitors visitors = {.all = &visitor, .count = 1, .gate = &gate};
    struct view *view = follow->selection->view;
    for (int table = 0; table < TABLE_COUNT; table++) {
        if (table == TABLE_STATUS && !view_takes_empty(view)) // an event has no values
            continue;
        const struct scan_spec scan = {.table = (enum table)table,
                                       .device_bits = follow->selection->device_bits,
                                       .from_ms = TIME_MS_MIN,
                                       .until_ms = TIME_MS_MAX,
                                       .columns = {.message_ids = true}};
        begin_table(follow, (enum table)table);
        TRY(view_scan_shared(view, snapshot, &scan, &visitors, statistics, err));
    }
    return STATUS_OK;
}

enum status follow_begin(struct follow *follow, struct snapshot *snapshot,
                         const struct selection *selection, uint32_t tail,
                         struct scan_statistics *statistics, struct error *err)
{
    follow->tail = tail;
    follow->newest_ms = mem_alloc(tail, sizeof *follow->newest_ms);
    if (!follow->newest_ms)
        return no_memory(err);
    look_with(follow, selection, statistics);
    if (selection->device_count > 0) {
        const enum status status = read_first(follow, snapshot, statistics, err);
        if (status == STATUS_NOMEM)
            return no_memory(err);
        TRY(status);
    }
    follow->tail_from_ms = follow->newest_count > 0 ? follow->newest_ms[0] : TIME_MS_MAX;
    if (id_memory_settle(&follow->ids) != STATUS_OK)
        return no_memory(err);
    turn(follow, snapshot);
    mem_free(follow->newest_ms);
    follow->newest_ms = NULL;
    return STATUS_OK;
}

int64_t follow_tail_from_ms(const struct follow *follow)
{
    return follow->tail_from_ms;
}

/* --- looking ------------------------------------------------------------------------------- */

bool follow_changed(const struct follow *follow, const struct snapshot *snapshot)
{
    return memcmp(follow->rows, snapshot_counters(snapshot)->rows, sizeof follow->rows) != 0;
}

enum status follow_look(struct follow *follow, struct snapshot *snapshot,
                        const struct selection *selection, struct log **log,
                        struct scan_statistics *statistics, struct error *err)
{
    const struct log_gate gate = {
        .context = follow, .begin = begin_table, .summary = take_summary, .row = take_row};
    const struct log_spec spec = {.selection = selection, .gate = &gate, .by_id = true};
    look_with(follow, selection, statistics);
    TRY(log_collect(log, snapshot, &spec, statistics, err));
    if (id_memory_settle(&follow->ids) != STATUS_OK) {
        log_release(*log);
        return no_memory(err);
    }
    turn(follow, snapshot);
    return STATUS_OK;
}
