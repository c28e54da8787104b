/*
 * pipeline.c - the committer: grouping, committing, acknowledging.
 *
 * A group is committed when it holds enough messages or memory, when decoders wait for its batches,
 * when its oldest batch has waited PIPELINE_COMMIT_WAIT_MS, and at the end.
 * Steady, it is committed as soon as no further batch is ready: its source has
 * grouped the messages by time and size already.
 *
 * (1) Batches are committed in order of input, each exactly once; a token is
 *     acknowledged only after the commit that holds its batch has returned.
 * (2) After a failed commit nothing more is committed or acknowledged. After a failure of the
 *     source or a decoder, what came before it still is.
 * (3) Steady upkeep takes a step after a commit only if commits had as much time as the step
 *     before it took. So it goes on beside a source that always has more (the log and the number
 *     of parts stay bounded), and commits keep half of the time whatever is to be merged.
 */
#include "ingest/pipeline/pipeline.h"

#include "cli/clock.h"
#include "engine/base/mem.h"
#include "ingest/pipeline/decoder_thread.h"
#include "ingest/pipeline/work_queue.h"

#include <assert.h>
#include <sched.h>
#include <string.h>

/* More would wait for the committer, who parts and writes what they build. */
#define COMMIT_HELPERS_MAX 3u

/*
 * A recorded set's batches are small: the committer, which puts many of them into a commit, need
 * not take a processor from the decoders for each.
 */
#define BULK_WAKE_COUNT 16u

struct pipeline {
    const struct pipeline_config *config;
    struct pipeline_result *result;
    struct work_queue queue;
    struct intake intake;
    struct decoder_thread *decoders; /* owned */
    unsigned decoder_count;
    struct work *group[WORK_COUNT_MAX]; /* in order of input */
    size_t group_count;
    size_t group_messages;
    size_t group_bytes;
    int64_t group_since_ms; /* monotonic; of its first batch */
    bool upkeep_is_due;     /* steady: another step may find something to do */
    int64_t upkeep_took_ms; /* the last step */
    int64_t upkeep_ended_ms;
};

unsigned pipeline_threads_default(void)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    int count = 1;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        count = CPU_COUNT(&cpus);
    if (count < 1)
        return 1;
    return (unsigned)count < PIPELINE_THREADS_DEFAULT_MAX ? (unsigned)count
                                                          : PIPELINE_THREADS_DEFAULT_MAX;
}

void commit_result_add(struct commit_result *sum, const struct commit_result *part)
{
    sum->received += part->received;
    sum->stored += part->stored;
    sum->duplicates += part->duplicates;
    sum->rejected += part->rejected;
    for (size_t i = 0; i < REJECT_REASON_COUNT; i++)
        sum->reasons[i] += part->reasons[i];
}

/* --- the store as a sink --------------------------------------------------------------------- */

static enum status commit_to_store(void *context, struct row_batch *const *batches,
                                   size_t batch_count, struct commit_result *result,
                                   struct error *err)
{
    return store_commit(context, batches, batch_count, result, err);
}

static enum status maintain_store(void *context, bool *more, struct error *err)
{
    return store_maintain(context, UPKEEP_BULK, more, err);
}

static enum status maintain_steadily(void *context, bool *more, struct error *err)
{
    return store_maintain(context, UPKEEP_STEADY, more, err);
}

static struct pipeline_sink sink_of(struct store *store,
                                    enum status (*maintain)(void *context, bool *more,
                                                            struct error *err))
{
    return (struct pipeline_sink){
        .context = store,
        .commit = commit_to_store,
        .maintain = maintain,
        .known_devices = store_known_devices(store),
    };
}

struct pipeline_sink pipeline_steady_sink(struct store *store)
{
    return sink_of(store, maintain_steadily);
}

struct pipeline_sink pipeline_store_sink(struct store *store)
{
    const unsigned processors = pipeline_threads_default();
    const unsigned helpers = processors - 1;
    store_share_work(store, helpers < COMMIT_HELPERS_MAX ? helpers : COMMIT_HELPERS_MAX);
    return sink_of(store, maintain_store);
}

/* --- upkeep ---------------------------------------------------------------------------------- */

static enum status maintain_all(const struct pipeline *pipeline, struct error *err)
{
    const struct pipeline_sink *sink = &pipeline->config->sink;
    bool more = true;
    while (more)
        TRY(sink->maintain(sink->context, &more, err));
    return STATUS_OK;
}

static enum status maintain_step(struct pipeline *pipeline, struct error *err)
{
    const struct pipeline_sink *sink = &pipeline->config->sink;
    const int64_t began_ms = clock_monotonic_ms();
    TRY(sink->maintain(sink->context, &pipeline->upkeep_is_due, err));
    pipeline->upkeep_ended_ms = clock_monotonic_ms();
    pipeline->upkeep_took_ms = pipeline->upkeep_ended_ms - began_ms;
    return STATUS_OK;
}

static enum status maintain_after_commit(struct pipeline *pipeline, struct error *err)
{
    if (!pipeline->config->steady)
        return maintain_all(pipeline, err);
    pipeline->upkeep_is_due = true;
    if (clock_monotonic_ms() - pipeline->upkeep_ended_ms < pipeline->upkeep_took_ms)
        return STATUS_OK;
    return maintain_step(pipeline, err);
}

/* --- groups ---------------------------------------------------------------------------------- */

static void group_add(struct pipeline *pipeline, struct work *work)
{
    assert(pipeline->group_count < WORK_COUNT_MAX);
    if (pipeline->group_count == 0)
        pipeline->group_since_ms = clock_monotonic_ms();
    pipeline->group[pipeline->group_count++] = work;
    pipeline->group_messages += work->rows.message_count;
    pipeline->group_bytes += work->memory_bytes;
}

static bool group_is_full(const struct pipeline *pipeline)
{
    return pipeline->group_messages >= pipeline->config->commit_messages ||
           pipeline->group_bytes >= pipeline->queue.bytes_max / 2;
}

static void group_recycle(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->group_count; i++)
        work_queue_recycle(&pipeline->queue, pipeline->group[i]);
    pipeline->group_count = 0;
    pipeline->group_messages = 0;
    pipeline->group_bytes = 0;
}

/* Batches of blank lines only carry bytes to count, but nothing to commit. */
static enum status group_store(struct pipeline *pipeline, struct error *err)
{
    if (pipeline->group_messages == 0)
        return STATUS_OK;
    struct row_batch *batches[WORK_COUNT_MAX];
    for (size_t i = 0; i < pipeline->group_count; i++)
        batches[i] = &pipeline->group[i]->rows;
    const struct pipeline_sink *sink = &pipeline->config->sink;
    struct commit_result result = {0};
    TRY(sink->commit(sink->context, batches, pipeline->group_count, &result, err));
    assert(result.received == pipeline->group_messages);
    assert(result.received == result.stored + result.duplicates + result.rejected);
    commit_result_add(&pipeline->result->total, &result);
    pipeline->result->commits++;
    return STATUS_OK;
}

static enum status group_commit(struct pipeline *pipeline, struct error *err)
{
    if (pipeline->group_count == 0)
        return STATUS_OK;
    TRY(group_store(pipeline, err));
    for (size_t i = 0; i < pipeline->group_count; i++)
        pipeline->result->input_bytes += pipeline->group[i]->input_bytes;
    source_acknowledge(pipeline->config->source, pipeline->group[pipeline->group_count - 1]->token);
    const bool stored = pipeline->group_messages > 0;
    group_recycle(pipeline);
    return stored ? maintain_after_commit(pipeline, err) : STATUS_OK;
}

/* --- running --------------------------------------------------------------------------------- */

static void tick(const struct pipeline *pipeline)
{
    const struct pipeline_listener *listener = &pipeline->config->listener;
    if (!listener->tick)
        return;
    const struct pipeline_progress progress = {
        .decoded = atomic_load_explicit(&pipeline->intake.decoded, memory_order_relaxed),
        .source = source_progress(pipeline->config->source),
    };
    listener->tick(listener->context, &progress);
}

static bool group_has_waited(const struct pipeline *pipeline)
{
    return pipeline->group_count > 0 &&
           clock_monotonic_ms() - pipeline->group_since_ms >= PIPELINE_COMMIT_WAIT_MS;
}

/* Steady, there is no waiting while there is something to do. */
static int wait_for_batch_ms(const struct pipeline *pipeline)
{
    const bool busy = pipeline->group_count > 0 || pipeline->upkeep_is_due;
    return pipeline->config->steady && busy ? 0 : PIPELINE_TICK_MS;
}

static bool commit_is_due(const struct pipeline *pipeline, enum work_event event)
{
    const bool none_is_ready = event != WORK_NEXT;
    return event == WORK_STARVED || group_is_full(pipeline) || group_has_waited(pipeline) ||
           (pipeline->config->steady && none_is_ready && pipeline->group_count > 0);
}

static enum status act_on(struct pipeline *pipeline, enum work_event event, struct work *work,
                          struct error *err)
{
    if (event == WORK_NEXT)
        group_add(pipeline, work);
    if (commit_is_due(pipeline, event))
        return group_commit(pipeline, err);
    if (event != WORK_NEXT && pipeline->upkeep_is_due)
        return maintain_step(pipeline, err);
    return STATUS_OK;
}

static enum status run_committer(struct pipeline *pipeline, struct error *err)
{
    int64_t ticked_ms = 0;
    for (;;) {
        struct work *work = NULL;
        const enum work_event event = work_queue_next(&pipeline->queue, wait_for_batch_ms(pipeline),
                                                      pipeline->group_count > 0, &work);
        if (event == WORK_END)
            break;
        TRY(act_on(pipeline, event, work, err));
        if (clock_monotonic_ms() - ticked_ms >= PIPELINE_TICK_MS) {
            tick(pipeline);
            ticked_ms = clock_monotonic_ms();
        }
    }
    // What came before a failure is whole and in order.
    TRY(group_commit(pipeline, err));
    return work_queue_failure(&pipeline->queue, err);
}

/* Ends the decoders, if they have not ended by themselves, and gives everything back. */
static void finish(struct pipeline *pipeline)
{
    work_queue_stop(&pipeline->queue);
    source_interrupt(pipeline->config->source);
    for (unsigned i = 0; i < pipeline->decoder_count; i++)
        decoder_thread_join(&pipeline->decoders[i]);
    group_recycle(pipeline);
    pipeline->result->faults = atomic_load(&pipeline->intake.faults);
    (void)pthread_mutex_destroy(&pipeline->intake.source_lock);
    work_queue_release(&pipeline->queue);
    mem_free(pipeline->decoders);
}

static enum status start_decoders(struct pipeline *pipeline, unsigned threads, struct error *err)
{
    pipeline->decoders = mem_alloc_zeroed(threads, sizeof *pipeline->decoders);
    if (!pipeline->decoders)
        return error_set(err, STATUS_NOMEM, "no memory for %u threads", threads);
    for (; pipeline->decoder_count < threads; pipeline->decoder_count++) {
        struct decoder_thread *thread = &pipeline->decoders[pipeline->decoder_count];
        TRY(decoder_thread_start(thread, &pipeline->intake, err));
    }
    return STATUS_OK;
}

static enum status run(struct pipeline *pipeline, unsigned threads, struct error *err)
{
    TRY(work_queue_init(&pipeline->queue, threads, pipeline->config->memory_bytes,
                        pipeline->config->steady ? 1 : BULK_WAKE_COUNT, err));
    pipeline->intake = (struct intake){
        .source = pipeline->config->source,
        .config = pipeline->config->decoder,
        .listener = &pipeline->config->listener,
        .queue = &pipeline->queue,
        .known_devices = pipeline->config->sink.known_devices,
        .ends_by_itself = pipeline->config->steady,
    };
    pipeline->upkeep_is_due = pipeline->config->steady; // of a run before this one
    (void)pthread_mutex_init(&pipeline->intake.source_lock, NULL);
    enum status status = start_decoders(pipeline, threads, err);
    if (status == STATUS_OK)
        status = run_committer(pipeline, err);
    finish(pipeline);
    return status;
}

enum status pipeline_run(const struct pipeline_config *given, struct pipeline_result *result,
                         struct error *err)
{
    *result = (struct pipeline_result){0};
    struct pipeline_config config = *given;
    if (config.threads == 0)
        config.threads = pipeline_threads_default();
    if (config.commit_messages == 0)
        config.commit_messages = PIPELINE_COMMIT_MESSAGES;
    if (config.memory_bytes == 0)
        config.memory_bytes = WORK_BYTES_MAX;
    assert(config.threads <= PIPELINE_THREADS_MAX);

    OWNED(mem_free_owned) struct pipeline *pipeline = mem_alloc_zeroed(1, sizeof *pipeline);
    if (!pipeline)
        return error_set(err, STATUS_NOMEM, "no memory to take messages in");
    pipeline->config = &config;
    pipeline->result = result;
    return run(pipeline, config.threads, err);
}
