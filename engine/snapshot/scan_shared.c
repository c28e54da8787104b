/*
 * scan_shared.c - one scan by several threads.
 *
 * The devices are cut into ranges of numbers, a few for each thread, and each thread takes the
 * next range until there are none; ranges get shorter, so that all end at much the same time. Rows
 * of a part are sorted by device, so that a range is a piece of every part; a block at its edge is
 * decoded by both neighbours, and each takes its own.
 *
 *      devices    0 ........ 250 ........ 500 ........ 750 ........ 1000
 *      part 1     [--- t1 ---][--- t2 ---][-- t1 --][ t2 ][ t1 ][ t2 ]
 *      part 2     [--- t1 ---][--- t2 ---][-- t1 --][ t2 ][ t1 ][ t2 ]
 *
 * What is answered without blocks is dealt with before. The first thread is the caller's, with the
 * snapshot's transaction and cursor; every other has a read transaction, cursors and statistics of
 * its own; what they share, nobody writes to. A thread that gets no transaction (LMDB's table of
 * readers may be full), or one of another commit, is not used: the others read its share.
 */
#include "engine/snapshot/snapshot_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#define SHARED_ROWS_MIN   UINT64_C(500000) /* fewer are read before a thread is up */
#define RANGES_PER_THREAD 8u               /* at most; the first ones are longer */

/* What all threads read. */
struct shared_scan {
    const struct part_rest *rests;
    size_t rest_count;
    uint32_t device_until;
    uint32_t range_min; /* devices */
    uint32_t thread_count;
    atomic_uint next_device;
    atomic_bool stopped;
};

struct scan_thread {
    struct shared_scan *shared;
    struct scan scan;
    struct scan_statistics statistics;
    struct catalogue catalogue; /* as its transaction sees it */
    enum status status;
    struct error err;
    pthread_t thread;
    bool usable; /* it has a transaction of the snapshot's commit */
    bool started;
};

/* --- how many ------------------------------------------------------------------------------ */

static uint32_t processor_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    const int count = CPU_COUNT(&set);
    return count < 1 ? 1 : (uint32_t)count;
}

void snapshot_set_threads(struct snapshot *snapshot, uint32_t count)
{
    snapshot->thread_count = count < SCAN_THREADS_MAX ? count : SCAN_THREADS_MAX;
}

static uint64_t selected_devices(const struct part_filter *filter)
{
    if (!filter->device_bits)
        return filter->names.devices;
    uint64_t count = 0;
    for (uint64_t word = 0; word < (filter->names.devices + 63) / 64; word++)
        count += (uint64_t)__builtin_popcountll(filter->device_bits[word]);
    return count;
}

/* Assumes that all devices have as many rows. */
static bool is_large(const struct snapshot *snapshot, const struct scan_spec *spec,
                     const struct part_filter *filter)
{
    const struct part_list *list = &snapshot->parts[spec->table];
    uint64_t rows = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (part_may_match(filter, &list->parts[i]))
            rows += list->parts[i].totals.summary.row_count;
    }
    if (rows < SHARED_ROWS_MIN)
        return false;
    const uint64_t selected = selected_devices(filter);
    return selected > 1 && rows / filter->names.devices >= SHARED_ROWS_MIN / selected;
}

uint32_t snapshot_scan_threads(const struct snapshot *snapshot, const struct scan_spec *spec)
{
    if (spec->ordered || snapshot->device_count < 2)
        return 1;
    if (snapshot->thread_count > 0)
        return snapshot->thread_count;
    const uint32_t processors = processor_count();
    const struct part_filter filter = scan_filter_of(snapshot, spec);
    if (processors < 2 || !is_large(snapshot, spec, &filter))
        return 1;
    return processors < SCAN_THREADS_MAX ? processors : SCAN_THREADS_MAX;
}

/* --- one thread ---------------------------------------------------------------------------- */

/* Takes the next devices, fewer the fewer are left; false if there are none. */
static bool take_range(struct shared_scan *shared, uint32_t *from, uint32_t *until)
{
    unsigned next = atomic_load_explicit(&shared->next_device, memory_order_relaxed);
    while (next < shared->device_until) {
        const uint32_t left = shared->device_until - next;
        uint32_t share = left / (2 * shared->thread_count);
        share = share > shared->range_min ? share : shared->range_min;
        share = share < left ? share : left;
        if (atomic_compare_exchange_weak(&shared->next_device, &next, next + share)) {
            *from = next;
            *until = next + share;
            return true;
        }
    }
    return false;
}

static enum status scan_range(struct scan_thread *thread)
{
    const struct shared_scan *shared = thread->shared;
    for (size_t i = 0; i < shared->rest_count; i++) {
        if (atomic_load_explicit(&thread->shared->stopped, memory_order_relaxed))
            return STATUS_OK;
        TRY(scan_rest(&thread->scan, &shared->rests[i], &thread->err));
    }
    return STATUS_OK;
}

static void *run_thread(void *context)
{
    struct scan_thread *thread = context;
    struct part_filter *filter = &thread->scan.filter;
    while (take_range(thread->shared, &filter->device_from, &filter->device_until)) {
        thread->status = scan_range(thread);
        if (thread->status == STATUS_OK)
            continue;
        atomic_store_explicit(&thread->shared->stopped, true, memory_order_relaxed);
        return NULL;
    }
    return NULL;
}

/* A thread that takes no signals: they are for those who wait for them. */
static void start_thread(struct scan_thread *thread)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    thread->started = pthread_create(&thread->thread, NULL, run_thread, thread) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- all of them --------------------------------------------------------------------------- */

/* A cursor of its own, and a transaction, if there is one of the same commit. */
static enum status thread_open(struct scan_thread *thread, struct error *err)
{
    const struct snapshot *snapshot = thread->scan.snapshot;
    bool found = false;
    if (part_cursor_new(&thread->scan.cursor) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a scan");
    const enum status status = kv_begin(snapshot->kv, false, &thread->scan.txn, NULL);
    if (status == STATUS_NOMEM)
        return error_set(err, status, "no memory for a scan");
    if (status != STATUS_OK)
        return STATUS_OK;
    TRY(catalogue_load(&thread->catalogue, thread->scan.txn, &found, err));
    struct store_state state = thread->catalogue.state;
    if (found)
        TRY(log_newest_state(thread->scan.txn, &state, err));
    thread->usable = found && state.revision == snapshot->state.revision;
    return STATUS_OK;
}

static void thread_close(struct scan_thread *thread)
{
    part_cursor_free(thread->scan.cursor);
    kv_abort(thread->scan.txn);
}

static void add_statistics(struct scan_statistics *sum, const struct scan_statistics *more)
{
    sum->blocks_from_summary += more->blocks_from_summary;
    sum->blocks_read += more->blocks_read;
    sum->rows_decoded += more->rows_decoded;
}

/* The first thread is the caller's own. */
static enum status run_all(struct scan_thread *threads, uint32_t count,
                           struct scan_statistics *statistics, struct error *err)
{
    for (uint32_t i = 1; i < count; i++) {
        if (threads[i].usable)
            start_thread(&threads[i]);
    }
    (void)run_thread(&threads[0]);
    for (uint32_t i = 1; i < count; i++) {
        if (threads[i].started)
            (void)pthread_join(threads[i].thread, NULL);
    }
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count; i++) {
        add_statistics(statistics, &threads[i].statistics);
        if (status == STATUS_OK && threads[i].status != STATUS_OK) {
            status = threads[i].status;
            if (err)
                *err = threads[i].err;
        }
    }
    return status;
}

/* What is left of the parts when their totals were offered. */
static enum status find_rests(const struct scan *scan, struct part_rest *rests, size_t *count,
                              struct error *err)
{
    const struct part_list *list = &scan->snapshot->parts[scan->spec->table];
    for (size_t i = 0; i < list->count; i++) {
        if (!part_may_match(&scan->filter, &list->parts[i]))
            continue;
        scan->statistics->parts_read++;
        TRY(scan_offer_part(scan, &list->parts[i], &rests[*count], err));
        *count += rests[*count].part != NULL;
    }
    return STATUS_OK;
}

static enum status scan_together(const struct scan *scan, struct shared_scan *shared,
                                 const struct scan_visitor *visitors, uint32_t count,
                                 struct error *err)
{
    OWNED(mem_free_owned)
    struct scan_thread *threads = mem_alloc_zeroed(count, sizeof *threads);
    if (!threads)
        return error_set(err, STATUS_NOMEM, "no memory for %u threads", count);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        threads[i].shared = shared;
        threads[i].scan = *scan;
        threads[i].scan.visitor = &visitors[i];
        threads[i].scan.statistics = &threads[i].statistics;
        if (i == 0)
            continue;
        threads[i].scan.cursor = NULL;
        threads[i].scan.txn = NULL;
        status = thread_open(&threads[i], err);
    }
    if (status == STATUS_OK)
        status = run_all(threads, count, scan->statistics, err);
    for (uint32_t i = 1; i < count; i++)
        thread_close(&threads[i]);
    return status;
}

enum status snapshot_scan_shared(struct snapshot *snapshot, const struct scan_spec *spec,
                                 const struct scan_visitor *visitors, uint32_t count,
                                 struct scan_statistics *statistics, struct error *err)
{
    assert(snapshot->txn && !spec->ordered && count >= 1);
    if (count == 1)
        return snapshot_scan(snapshot, spec, visitors, statistics, err);
    const struct part_list *list = &snapshot->parts[spec->table];
    const struct scan scan = {.snapshot = snapshot,
                              .spec = spec,
                              .visitor = visitors,
                              .statistics = statistics,
                              .filter = scan_filter_of(snapshot, spec),
                              .txn = snapshot->txn,
                              .cursor = snapshot->cursor};
    statistics->parts_total += list->count;
    statistics->log_records = snapshot->state.log_records;
    statistics->log_rows = snapshot->state.log_rows;
    OWNED(mem_free_owned) struct part_rest *rests = mem_alloc(list->count, sizeof *rests);
    if (!rests)
        return error_set(err, STATUS_NOMEM, "no memory to scan %zu parts", list->count);
    struct shared_scan shared = {
        .rests = rests, .device_until = scan.filter.device_until, .thread_count = count};
    TRY(find_rests(&scan, rests, &shared.rest_count, err));
    if (shared.device_until == 0)
        shared.device_until = (uint32_t)scan.filter.names.devices;
    shared.range_min =
        (shared.device_until - scan.filter.device_from) / (count * RANGES_PER_THREAD) + 1;
    atomic_init(&shared.next_device, scan.filter.device_from);
    if (shared.rest_count == 0)
        return STATUS_OK;
    return scan_together(&scan, &shared, visitors, count, err);
}
