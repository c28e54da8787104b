/*
 * budget.c - where the time of an ingest goes.
 *
 * The product carries no clocks in its loops, so the stages are run apart from each other, through
 * the interfaces that the pipeline uses:
 *
 *      read      the file source, piece by piece; a piece stays in a core's cache
 *      decode    batches to rows
 *      ids       sorting them and finding none new: a second commit of the same, less its look-ups
 *      seen      new ids into the set             (kernel seen-add)
 *      arrange   the order of rows                (kernel arrange)
 *      encode    rows to blocks and directories   (kernel part-write)
 *      write     as many bytes as the store has, into one transaction, synced
 *      rest      what a commit takes beyond these: names, copies of rows, counters
 *      commit    the whole of it
 *      ingest    the whole pipeline, with its threads
 *
 * The rest is a difference of measured times, so it carries the noise of all of them.
 */
#include "bench/kernels/kernel.h"

#include "cli/clock.h"
#include "engine/base/mem.h"
#include "engine/kv/kv.h"
#include "engine/store/store.h"
#include "ingest/pipeline/pipeline.h"
#include "ingest/source/source.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES  4352u
#define VALUE_BYTES KV_VALUE_BYTES_MAX
#define ROUNDS      3u /* of which the least counts */

/* What a stage took. */
struct spent {
    int64_t cpu_ns;
    int64_t elapsed_ns;
};

struct stage_clock {
    clockid_t cpu;
    int64_t began_cpu_ns;
    int64_t began_ns;
    struct spent spent;
};

static void stage_start(struct stage_clock *clock)
{
    clock->began_ns = clock_ns(CLOCK_MONOTONIC);
    clock->began_cpu_ns = clock_ns(clock->cpu);
}

static void stage_stop(struct stage_clock *clock)
{
    clock->spent.cpu_ns += clock_ns(clock->cpu) - clock->began_cpu_ns;
    clock->spent.elapsed_ns += clock_ns(CLOCK_MONOTONIC) - clock->began_ns;
}

/* All batches of a set, decoded, and what their making took. */
struct decoded_set {
    struct row_batch *batches; /* owned */
    size_t count, capacity;
    uint64_t messages;
    struct spent read, decode;
};

static void release_set(struct decoded_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        row_batch_release(&set->batches[i]);
    mem_free(set->batches);
}

struct budget_work {
    const struct kernel_data *data;
    struct scratch_dir scratch;
    char set_path[PATH_BYTES];
    uint64_t store_bytes;
    struct spent commit, replay, write, ingest;
};

/* --- reading and decoding --------------------------------------------------------------------- */

static enum status write_set(struct budget_work *work, struct error *err)
{
    (void)snprintf(work->set_path, sizeof work->set_path, "%s/set.ndjson", work->scratch.path);
    FILE *file = fopen(work->set_path, "we");
    const struct buffer *lines = &work->data->lines;
    const bool written = file && fwrite(lines->data, 1, lines->len, file) == lines->len;
    if (!file || fclose(file) != 0 || !written)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", work->set_path);
    return STATUS_OK;
}

/* What the source hands out, decoded piece by piece into one batch of rows, as decoders do. */
static enum status take_batch(struct decoder *decoder, struct body_batch *bodies,
                              struct row_batch *rows, struct stage_clock *read,
                              struct stage_clock *decode, struct error *err)
{
    enum source_event event = SOURCE_BODIES;
    while (event == SOURCE_BODIES) {
        stage_start(decode);
        TRY(kernel_decode(decoder, bodies, rows, err));
        stage_stop(decode);
        stage_start(read);
        TRY(body_batch_read_on(bodies, &event, err));
        stage_stop(read);
    }
    return event == SOURCE_END ? STATUS_OK : error_set(err, STATUS_IO, "the set cannot be read");
}

static enum status take_set(const struct budget_work *work, struct decoded_set *set,
                            struct error *err)
{
    const char *path = work->set_path;
    OWNED(source_close) struct source source = {0};
    OWNED(body_batch_release) struct body_batch bodies = {0};
    OWNED(decoder_release) struct decoder decoder = {0};
    TRY(file_source_open(&source, &path, 1, err));
    TRY(decoder_init(&decoder, &work->data->decoder, err));
    struct stage_clock read = {.cpu = CLOCK_THREAD_CPUTIME_ID};
    struct stage_clock decode = read;
    for (;;) {
        enum source_event event;
        stage_start(&read);
        TRY(source_take(&source, &bodies, &event, err));
        stage_stop(&read);
        if (event != SOURCE_BODIES)
            break;
        if (mem_grow(&set->batches, &set->capacity, set->count + 1, sizeof *set->batches) !=
            STATUS_OK)
            return kernel_no_memory(err);
        struct row_batch *rows = &set->batches[set->count++];
        *rows = (struct row_batch){0};
        TRY(take_batch(&decoder, &bodies, rows, &read, &decode, err));
        set->messages += rows->message_count;
    }
    set->read = read.spent;
    set->decode = decode.spent;
    return STATUS_OK;
}

/* --- commits ---------------------------------------------------------------------------------- */

static void close_store(struct store *const *store)
{
    store_close(*store);
}

/* In groups of the size that the pipeline makes. */
static enum status commit_set(struct store *store, const struct decoded_set *set,
                              struct spent *spent, struct error *err)
{
    OWNED(mem_free_owned) struct row_batch **group = mem_alloc(set->count, sizeof *group);
    if (!group)
        return kernel_no_memory(err);
    struct stage_clock clock = {.cpu = CLOCK_THREAD_CPUTIME_ID};
    size_t from = 0;
    while (from < set->count) {
        size_t count = 0;
        size_t messages = 0;
        while (from + count < set->count && messages < PIPELINE_COMMIT_MESSAGES) {
            group[count] = &set->batches[from + count];
            messages += group[count++]->message_count;
        }
        struct commit_result result;
        stage_start(&clock);
        TRY(store_commit(store, group, count, &result, err));
        stage_stop(&clock);
        from += count;
    }
    *spent = clock.spent;
    return STATUS_OK;
}

static enum status measure_commits(struct budget_work *work, const struct decoded_set *set,
                                   const char *dir, struct error *err)
{
    char file[PATH_BYTES + 16];
    OWNED(close_store) struct store *store = NULL;
    TRY(store_open(&store, dir, err));
    TRY(commit_set(store, set, &work->commit, err));
    TRY(commit_set(store, set, &work->replay, err));
    struct stat about;
    (void)snprintf(file, sizeof file, "%s/data.mdb", dir);
    if (stat(file, &about) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot look at %s", file);
    work->store_bytes = (uint64_t)about.st_size;
    return STATUS_OK;
}

/* --- writing alone ---------------------------------------------------------------------------- */

static void close_kv(struct kv *const *kv)
{
    kv_close(*kv);
}

static enum status put_values(struct kv_txn *txn, const uint8_t *value, uint64_t bytes,
                              struct error *err)
{
    for (uint64_t offset = 0; offset < bytes; offset += VALUE_BYTES) {
        uint8_t key[9] = {'B'};
        store_u64_be(key + 1, offset);
        TRY(kv_put_raw(txn, slice_of(key, sizeof key), slice_of(value, VALUE_BYTES), err));
    }
    return STATUS_OK;
}

static enum status measure_write(struct budget_work *work, struct error *err)
{
    OWNED(scratch_dir_release) struct scratch_dir scratch = {0};
    OWNED(close_kv) struct kv *kv = NULL;
    TRY(scratch_dir_make(&scratch, work->data->dir, err));
    TRY(kv_open(&kv, scratch.path, true, err));
    OWNED(mem_free_owned) uint8_t *value = mem_alloc_zeroed(VALUE_BYTES, 1);
    if (!value)
        return kernel_no_memory(err);
    struct stage_clock clock = {.cpu = CLOCK_THREAD_CPUTIME_ID};
    struct kv_txn *txn = NULL;
    stage_start(&clock);
    TRY(kv_begin(kv, true, &txn, err));
    const enum status status = put_values(txn, value, work->store_bytes, err);
    if (status != STATUS_OK) {
        kv_abort(txn);
        return status;
    }
    TRY(kv_commit(txn, err));
    stage_stop(&clock);
    work->write = clock.spent;
    return STATUS_OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum status measure_ingest(struct budget_work *work, const char *dir, struct error *err)
{
    const char *path = work->set_path;
    OWNED(close_store) struct store *store = NULL;
    OWNED(source_close) struct source source = {0};
    TRY(store_open(&store, dir, err));
    TRY(file_source_open(&source, &path, 1, err));
    const struct pipeline_config config = {
        .source = &source,
        .sink = pipeline_store_sink(store),
        .decoder = &work->data->decoder,
    };
    struct pipeline_result result;
    struct stage_clock clock = {.cpu = CLOCK_PROCESS_CPUTIME_ID};
    stage_start(&clock);
    TRY(pipeline_run(&config, &result, err));
    stage_stop(&clock);
    work->ingest = clock.spent;
    return STATUS_OK;
}

/* --- the table -------------------------------------------------------------------------------- */

static double least(double best, int64_t time_ns)
{
    return best <= 0 || (double)time_ns < best ? (double)time_ns : best;
}

/* Totals in ns, the least of the rounds. */
struct totals {
    uint64_t messages;
    double read, decode, commit, replay, write, ingest;
    double read_elapsed, commit_elapsed, write_elapsed, ingest_elapsed;
};

static void keep(struct totals *totals, const struct budget_work *work,
                 const struct decoded_set *set)
{
    totals->messages = set->messages;
    totals->read = least(totals->read, set->read.cpu_ns);
    totals->decode = least(totals->decode, set->decode.cpu_ns);
    totals->commit = least(totals->commit, work->commit.cpu_ns);
    totals->replay = least(totals->replay, work->replay.cpu_ns);
    totals->write = least(totals->write, work->write.cpu_ns);
    totals->ingest = least(totals->ingest, work->ingest.cpu_ns);
    totals->read_elapsed = least(totals->read_elapsed, set->read.elapsed_ns);
    totals->commit_elapsed = least(totals->commit_elapsed, work->commit.elapsed_ns);
    totals->write_elapsed = least(totals->write_elapsed, work->write.elapsed_ns);
    totals->ingest_elapsed = least(totals->ingest_elapsed, work->ingest.elapsed_ns);
}

static enum status run_round(struct budget_work *work, unsigned round, struct totals *totals,
                             struct error *err)
{
    char committed[PATH_BYTES];
    char ingested[PATH_BYTES];
    (void)snprintf(committed, sizeof committed, "%s/commit-%u", work->scratch.path, round);
    (void)snprintf(ingested, sizeof ingested, "%s/ingest-%u", work->scratch.path, round);
    OWNED(release_set) struct decoded_set set = {0};
    TRY(take_set(work, &set, err));
    TRY(measure_commits(work, &set, committed, err));
    TRY(measure_write(work, err));
    TRY(measure_ingest(work, ingested, err));
    keep(totals, work, &set);
    return STATUS_OK;
}

/* What a kernel takes for all its values; 0 if it was not measured. */
static double kernel_total(const struct kernels_report *report, const char *name)
{
    for (size_t i = 0; i < report->count; i++) {
        if (strcmp(report->results[i].name, name) == 0)
            return report->results[i].least_ns * (double)report->results[i].values;
    }
    return 0;
}

static void add_stage(struct budget *budget, struct budget_stage stage)
{
    assert(budget->stage_count < BUDGET_STAGES_MAX);
    const double messages = (double)budget->messages;
    stage.cpu_ns /= messages;
    stage.elapsed_ns /= messages;
    budget->stages[budget->stage_count++] = stage;
}

static double time_at(double bytes, double rate)
{
    return rate > 0 ? bytes * 1e9 / rate : 0;
}

static void fill_in(struct kernels_report *report, const struct totals *totals)
{
    struct budget *budget = &report->budget;
    const struct machine_marks *marks = &report->marks;
    const double arrange = kernel_total(report, "arrange");
    const double encode = kernel_total(report, "part-write");
    const double seen = kernel_total(report, "seen-add");
    double ids = totals->replay - kernel_total(report, "seen-replay");
    ids = ids > 0 ? ids : 0;
    const double rest = totals->commit - ids - seen - arrange - encode - totals->write;
    const double read_ns = time_at(budget->line_bytes, marks->page_cache_pread);
    const double scan_ns = time_at(budget->line_bytes, marks->one.read);
    const double write_ns = time_at(budget->store_bytes, marks->synced_write);

    add_stage(budget, (struct budget_stage){"read", "page cache, pread", totals->read,
                                            totals->read_elapsed, read_ns});
    add_stage(budget, (struct budget_stage){"decode", "memory, read", totals->decode, 0, scan_ns});
    add_stage(budget, (struct budget_stage){"ids", NULL, ids, 0, 0});
    add_stage(budget, (struct budget_stage){"seen", NULL, seen, 0, 0});
    add_stage(budget, (struct budget_stage){"arrange", "memory, copy", arrange, 0,
                                            time_at(sizeof(struct row), marks->one.copy)});
    add_stage(budget, (struct budget_stage){"encode", NULL, encode, 0, 0});
    add_stage(budget, (struct budget_stage){"write", "disk, synced", totals->write,
                                            totals->write_elapsed, write_ns});
    add_stage(budget, (struct budget_stage){"rest of commit", NULL, rest > 0 ? rest : 0, 0, 0});
    add_stage(budget, (struct budget_stage){"commit", "disk, synced", totals->commit,
                                            totals->commit_elapsed, write_ns});
    add_stage(budget, (struct budget_stage){"ingest", "page cache and disk", totals->ingest,
                                            totals->ingest_elapsed, read_ns + write_ns});
}

enum status budget_measure(const struct kernel_data *data, struct kernels_report *report,
                           struct error *err)
{
    OWNED(mem_free_owned) struct budget_work *work = mem_alloc_zeroed(1, sizeof *work);
    if (!work)
        return kernel_no_memory(err);
    work->data = data;
    struct totals totals = {0};
    enum status status = scratch_dir_make(&work->scratch, data->dir, err);
    if (status == STATUS_OK)
        status = write_set(work, err);
    for (unsigned round = 0; status == STATUS_OK && round < ROUNDS; round++)
        status = run_round(work, round, &totals, err);
    scratch_dir_release(&work->scratch);
    if (status != STATUS_OK)
        return status;
    report->budget = (struct budget){
        .messages = totals.messages,
        .line_bytes = (double)data->lines.len / (double)totals.messages,
        .store_bytes = (double)work->store_bytes / (double)totals.messages,
    };
    fill_in(report, &totals);
    return STATUS_OK;
}
