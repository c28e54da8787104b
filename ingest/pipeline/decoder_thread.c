/*
 * decoder_thread.c - pull, decode, hand over.
 *
 * Pulling takes turns; a turn is also what orders the batches. From plain sets a turn brings only a
 * range of the file: what it holds is read piece by piece in between, so that a piece is in the
 * thread's own cache when it is decoded.
 */
#include "ingest/pipeline/decoder_thread.h"

#include "cli/signals.h"

#include <assert.h>
#include <sys/resource.h>

#define DECODER_NICENESS 5

static_assert(sizeof((struct body_excess *)0)->digest == BODY_DIGEST_BYTES, "the same digest");
static_assert(SOURCE_SLACK_BYTES >= DECODE_SLACK_BYTES, "lines may be read wide");

/* --- one batch ------------------------------------------------------------------------------- */

static enum status decode_excess(struct decoder *decoder, const struct body *body,
                                 int64_t received_ms, struct row_batch *rows, struct error *err)
{
    assert(body->bytes.len == BODY_BYTES_MAX); // source and decoder mean the same longest body
    const struct long_body long_body = {
        .first = body->bytes,
        .total_len = body->excess->total_len,
        .digest = body->excess->digest,
        .holds_secret_word = body->excess->holds_secret_word,
    };
    return decoder_reject_too_long(decoder, &long_body, received_ms, rows, err);
}

/* As many of the lines that come next as are plain, in one go. */
static enum status take_plain_lines(struct decoder_thread *thread, struct row_batch *rows,
                                    struct error *err)
{
    size_t taken_len = 0;
    TRY(decoder_take_lines(&thread->decoder, body_batch_lines(&thread->bodies), rows, &taken_len,
                           err));
    body_batch_skip(&thread->bodies, taken_len);
    return STATUS_OK;
}

static enum status decode_bodies(struct decoder_thread *thread, struct row_batch *rows,
                                 struct error *err)
{
    const int64_t received_ms = thread->bodies.received_ms;
    TRY(take_plain_lines(thread, rows, err));
    struct body body;
    while (body_batch_next(&thread->bodies, &body)) {
        if (body.excess)
            TRY(decode_excess(&thread->decoder, &body, received_ms, rows, err));
        else
            TRY(decoder_decode(&thread->decoder, body.bytes, received_ms, rows, err));
        TRY(take_plain_lines(thread, rows, err));
    }
    return STATUS_OK;
}

static void report_fault(struct intake *intake, const struct error *fault)
{
    atomic_fetch_add(&intake->faults, 1);
    if (intake->listener->fault)
        intake->listener->fault(intake->listener->context, fault);
}

/* All bodies of a batch, those too that are still to be read. */
static enum status decode_batch(struct decoder_thread *thread, struct row_batch *rows,
                                struct error *err)
{
    enum source_event event = SOURCE_BODIES;
    while (event != SOURCE_END) {
        if (event == SOURCE_BODIES)
            TRY(decode_bodies(thread, rows, err));
        struct error fault = {0};
        const enum status status = body_batch_read_on(&thread->bodies, &event, &fault);
        if (status != STATUS_OK)
            return error_set(err, status, "%s", fault.message);
        if (event == SOURCE_FAULT)
            report_fault(thread->intake, &fault);
    }
    return STATUS_OK;
}

/* --- a turn at the source -------------------------------------------------------------------- */

static bool is_over(const struct intake *intake)
{
    return intake->ended || (!intake->ends_by_itself && signals_received() != 0);
}

/* With the lock held: fills the thread's batch; *got is false at the source's end. */
static enum status pull_locked(struct decoder_thread *thread, bool *got, struct error *err)
{
    struct intake *intake = thread->intake;
    while (!is_over(intake)) {
        enum source_event event = SOURCE_END;
        struct error failure = {0};
        const enum status status = source_take(intake->source, &thread->bodies, &event, &failure);
        if (status != STATUS_OK || event == SOURCE_END)
            intake->ended = true;
        if (status == STATUS_STOPPED)
            return STATUS_OK;
        if (status != STATUS_OK)
            return error_set(err, status, "%s", failure.message);
        if (event == SOURCE_BODIES) {
            *got = true;
            return STATUS_OK;
        }
        if (event == SOURCE_FAULT)
            report_fault(intake, &failure);
    }
    return STATUS_OK;
}

static enum status pull(struct decoder_thread *thread, bool *got, uint64_t *sequence,
                        struct error *err)
{
    struct intake *intake = thread->intake;
    *got = false;
    (void)pthread_mutex_lock(&intake->source_lock);
    const enum status status = pull_locked(thread, got, err);
    if (*got)
        *sequence = intake->next_sequence++;
    (void)pthread_mutex_unlock(&intake->source_lock);
    return status;
}

/* --- the thread ------------------------------------------------------------------------------ */

/* One batch from the source to the queue; *more is false when this thread is to end. */
static enum status run_once(struct decoder_thread *thread, bool *more, struct error *err)
{
    struct work_queue *queue = thread->intake->queue;
    *more = false;
    struct work *work = work_queue_take(queue);
    if (!work)
        return STATUS_OK;
    work->rows.known_devices = thread->intake->known_devices;
    uint64_t sequence = 0;
    enum status status = pull(thread, more, &sequence, err);
    if (status == STATUS_OK && *more)
        status = decode_batch(thread, &work->rows, err);
    if (status != STATUS_OK || !*more) {
        work_queue_recycle(queue, work);
        return status;
    }
    work->token = thread->bodies.token;
    work->input_bytes = thread->bodies.input_bytes;
    atomic_fetch_add_explicit(&thread->intake->decoded, work->rows.message_count,
                              memory_order_relaxed);
    work_queue_finish(queue, work, sequence);
    return STATUS_OK;
}

/*
 * While a recorded set is read, everybody waits for the committer sooner or later; decoders take
 * what it leaves of the processors. On Linux niceness is a thread's own. Without it all is slower,
 * no more.
 */
static void stand_back(void)
{
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + DECODER_NICENESS);
}

static void *run_thread(void *context)
{
    struct decoder_thread *thread = context;
    if (!thread->intake->ends_by_itself)
        stand_back();
    struct error err = {0};
    enum status status = STATUS_OK;
    bool more = true;
    while (status == STATUS_OK && more)
        status = run_once(thread, &more, &err);
    struct work_queue *queue = thread->intake->queue;
    work_queue_leave(queue, status == STATUS_OK ? NULL : &err);
    // After a failure the others must not wait for input: it may never come.
    if (work_queue_failure(queue, NULL) != STATUS_OK)
        source_interrupt(thread->intake->source);
    return NULL;
}

enum status decoder_thread_start(struct decoder_thread *thread, struct intake *intake,
                                 struct error *err)
{
    *thread = (struct decoder_thread){.intake = intake};
    TRY(decoder_init(&thread->decoder, intake->config, err));
    const int failure = pthread_create(&thread->thread, NULL, run_thread, thread);
    if (failure == 0)
        return STATUS_OK;
    decoder_release(&thread->decoder);
    return error_set_errno(err, STATUS_NOMEM, failure, "cannot start a thread");
}

void decoder_thread_join(struct decoder_thread *thread)
{
    (void)pthread_join(thread->thread, NULL);
    decoder_release(&thread->decoder);
    body_batch_release(&thread->bodies);
}
