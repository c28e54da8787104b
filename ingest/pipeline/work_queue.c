/*
 * work_queue.c - see work_queue.h.
 *
 * (1) A decoder takes a batch before it asks the source for input, so every sequence
 *     that was given out has a batch and will be finished.
 * (2) So the committer waits only for decoders that are at work; it must not hold batches
 *     back when decoders have none (WORK_STARVED).
 * (3) A batch in `finished` has a sequence less than WORK_COUNT_MAX ahead of
 *     next_sequence, because no more batches exist.
 */
#include "ingest/pipeline/work_queue.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

enum status work_queue_init(struct work_queue *queue, unsigned decoders, size_t bytes_max,
                            size_t wake_count, struct error *err)
{
    *queue = (struct work_queue){.bytes_max = bytes_max,
                                 .count_min = (size_t)decoders + 1,
                                 .decoders = decoders,
                                 .wake_count = wake_count};
    assert(queue->count_min <= WORK_COUNT_MAX);
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return error_set(err, STATUS_NOMEM, "cannot make a queue between threads");
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    const bool good = pthread_mutex_init(&queue->lock, NULL) == 0 &&
                      pthread_cond_init(&queue->freed, NULL) == 0 &&
                      pthread_cond_init(&queue->done, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return good ? STATUS_OK : error_set(err, STATUS_NOMEM, "cannot make a queue between threads");
}

static void work_free(struct work *work)
{
    row_batch_release(&work->rows);
    mem_free(work);
}

void work_queue_release(struct work_queue *queue)
{
    for (size_t i = 0; i < queue->free_count; i++)
        work_free(queue->free[i]);
    for (size_t i = 0; i < WORK_COUNT_MAX; i++) {
        if (queue->finished[i])
            work_free(queue->finished[i]);
    }
    (void)pthread_cond_destroy(&queue->done);
    (void)pthread_cond_destroy(&queue->freed);
    (void)pthread_mutex_destroy(&queue->lock);
}

/* --- memory ---------------------------------------------------------------------------------- */

static size_t names_bytes(const struct name_table *table)
{
    return table->capacity * (sizeof *table->names + sizeof *table->global) +
           table->slot_count * sizeof *table->slots + table->arena.total_bytes;
}

static size_t rows_bytes(const struct row_batch *rows)
{
    size_t bytes = rows->message_capacity * sizeof *rows->messages +
                   rows->cell_capacity * sizeof *rows->cells +
                   rows->reject_capacity * sizeof *rows->rejects + rows->arena.total_bytes;
    for (size_t table = 0; table < TABLE_COUNT; table++)
        bytes += rows->row_capacity[table] * sizeof *rows->rows[table];
    return bytes + names_bytes(&rows->devices) + names_bytes(&rows->metrics);
}

/* With the lock held: notes how much memory the batch holds now. */
static void measure(struct work_queue *queue, struct work *work)
{
    queue->memory_bytes -= work->memory_bytes;
    work->memory_bytes = rows_bytes(&work->rows);
    queue->memory_bytes += work->memory_bytes;
}

/* A new batch will grow to the size of the others, and counts as such from the start. */
static size_t expected_bytes(const struct work_queue *queue)
{
    return queue->count > 0 ? queue->memory_bytes / queue->count : 0;
}

static bool may_make_one(const struct work_queue *queue)
{
    if (queue->count < queue->count_min)
        return true;
    return queue->count < WORK_COUNT_MAX &&
           queue->memory_bytes + expected_bytes(queue) < queue->bytes_max;
}

/* With the lock held: NULL, and the queue's failure, without memory. */
static struct work *make_one(struct work_queue *queue)
{
    struct work *work = mem_alloc_zeroed(1, sizeof *work);
    if (!work) {
        (void)error_set(&queue->failure, STATUS_NOMEM, "no memory for a batch of messages");
        return NULL;
    }
    work->memory_bytes = expected_bytes(queue);
    queue->memory_bytes += work->memory_bytes;
    queue->count++;
    return work;
}

/* --- decoders -------------------------------------------------------------------------------- */

struct work *work_queue_take(struct work_queue *queue)
{
    struct work *work = NULL;
    (void)pthread_mutex_lock(&queue->lock);
    queue->waiting++;
    while (!queue->stopped && queue->free_count == 0 && !may_make_one(queue)) {
        (void)pthread_cond_signal(&queue->done); // the committer may be holding back
        (void)pthread_cond_wait(&queue->freed, &queue->lock);
    }
    queue->waiting--;
    if (!queue->stopped && queue->free_count > 0) {
        work = queue->free[--queue->free_count];
    } else if (!queue->stopped) {
        work = make_one(queue);
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return work;
}

void work_queue_finish(struct work_queue *queue, struct work *work, uint64_t sequence)
{
    (void)pthread_mutex_lock(&queue->lock);
    assert(sequence - queue->next_sequence < WORK_COUNT_MAX);
    assert(!queue->finished[sequence % WORK_COUNT_MAX]);
    measure(queue, work);
    queue->finished[sequence % WORK_COUNT_MAX] = work;
    queue->finished_count++;
    if (queue->finished_count >= queue->wake_count &&
        queue->finished[queue->next_sequence % WORK_COUNT_MAX])
        (void)pthread_cond_signal(&queue->done);
    (void)pthread_mutex_unlock(&queue->lock);
}

void work_queue_recycle(struct work_queue *queue, struct work *work)
{
    row_batch_clear(&work->rows);
    (void)pthread_mutex_lock(&queue->lock);
    measure(queue, work);
    if (queue->memory_bytes > queue->bytes_max) {
        // Batches grow, by names and by hostile input: then fewer must do.
        row_batch_release(&work->rows);
        measure(queue, work);
    }
    if (work->memory_bytes == 0 && queue->count > queue->count_min) {
        queue->count--;
        mem_free(work);
    } else {
        queue->free[queue->free_count++] = work;
    }
    (void)pthread_cond_signal(&queue->freed);
    (void)pthread_mutex_unlock(&queue->lock);
}

void work_queue_leave(struct work_queue *queue, const struct error *failure)
{
    (void)pthread_mutex_lock(&queue->lock);
    assert(queue->decoders > 0);
    queue->decoders--;
    if (failure && queue->failure.status == STATUS_OK)
        queue->failure = *failure;
    if (queue->failure.status != STATUS_OK)
        queue->stopped = true;
    (void)pthread_cond_broadcast(&queue->freed);
    (void)pthread_cond_signal(&queue->done);
    (void)pthread_mutex_unlock(&queue->lock);
}

/* --- the committer --------------------------------------------------------------------------- */

static struct timespec deadline_after(int wait_ms)
{
    struct timespec at = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / 1000;
    at.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static bool is_starved(const struct work_queue *queue)
{
    return queue->waiting > 0 && queue->free_count == 0 && !may_make_one(queue);
}

enum work_event work_queue_next(struct work_queue *queue, int wait_ms, bool holds_batches,
                                struct work **work)
{
    const struct timespec deadline = deadline_after(wait_ms);
    enum work_event event = WORK_NEXT;
    (void)pthread_mutex_lock(&queue->lock);
    struct work **slot = &queue->finished[queue->next_sequence % WORK_COUNT_MAX];
    while (!*slot && event == WORK_NEXT) {
        if (queue->decoders == 0)
            event = WORK_END;
        else if (holds_batches && is_starved(queue))
            event = WORK_STARVED;
        else if (pthread_cond_timedwait(&queue->done, &queue->lock, &deadline) == ETIMEDOUT)
            event = WORK_TIMEOUT;
    }
    if (*slot) {
        event = WORK_NEXT;
        *work = *slot;
        *slot = NULL;
        queue->finished_count--;
        queue->next_sequence++;
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return event;
}

void work_queue_stop(struct work_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->stopped = true;
    (void)pthread_cond_broadcast(&queue->freed);
    (void)pthread_mutex_unlock(&queue->lock);
}

enum status work_queue_failure(struct work_queue *queue, struct error *err)
{
    (void)pthread_mutex_lock(&queue->lock);
    const struct error failure = queue->failure;
    (void)pthread_mutex_unlock(&queue->lock);
    if (failure.status == STATUS_OK)
        return STATUS_OK;
    return error_set(err, failure.status, "%s", failure.message);
}
