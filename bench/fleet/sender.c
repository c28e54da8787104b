/*
 * sender.c - a fixed set of batches, each in one of four states.
 *
 *      FREE -> FILLING -> IN_FLIGHT -> FREE
 *                 │           │
 *                 └─> WAITING <┘   until its time to be tried (again)
 *
 * (1) At most one batch is filling.
 * (2) Lines of a batch leave it only when the queue has acknowledged them.
 * (3) One refusal that no patience mends ends everything: `verdict` then says which.
 */
#include "bench/fleet/sender.h"

#include "bench/fleet/message.h"
#include "cli/signals.h"
#include "engine/base/mem.h"
#include "ingest/decode/base64.h"

#include <assert.h>

#define BATCH_BYTES_MAX 60000u /* of bodies; the service takes 64 KiB of a batch */
#define SEND_TIMEOUT_MS 20000
#define STEP_MS         50 /* how long a signal may go unnoticed */
#define NOT_READY_MS    100

enum batch_state { BATCH_FREE, BATCH_FILLING, BATCH_IN_FLIGHT, BATCH_WAITING };

struct batch {
    struct sender *sender;
    enum batch_state state;
    struct wire_request request;
    struct buffer lines; /* owned; each with its newline */
    size_t ends[WIRE_BATCH_MAX];
    size_t count;
    unsigned failures;   /* in a row */
    int64_t retry_at_ms; /* while waiting; monotonic */
};

struct sender {
    struct sender_config config;
    struct mns_clock clock;
    struct batch batches[SENDER_SENDS_MAX];
    struct batch *filling; /* or NULL */
    size_t busy;           /* batches in flight or waiting */
    struct sender_totals totals;
    int64_t success_ms; /* when the queue last took something, or the first try; 0: neither */
    uint64_t refreshed_generation; /* of the key that was refused already */
    uint64_t random;
    enum wire_verdict verdict;
    enum status status;   /* of what happened in a callback */
    struct error failure; /* the same */
};

static int64_t now_ms(const struct sender *sender)
{
    return sender->clock.monotonic_ms(sender->clock.context);
}

static struct slice line_of(const struct batch *batch, size_t index)
{
    const size_t from = index == 0 ? 0 : batch->ends[index - 1];
    return slice_of(batch->lines.data + from, batch->ends[index] - from);
}

static struct slice without_newline(struct slice line)
{
    return slice_of(line.data, line.len - 1);
}

enum status sender_open(struct sender **sender, const struct sender_config *config,
                        struct error *err)
{
    assert(config->sends_max >= 1 && config->sends_max <= SENDER_SENDS_MAX);
    *sender = mem_alloc_zeroed(1, sizeof **sender);
    if (!*sender)
        return error_set(err, STATUS_NOMEM, "no memory for sending");
    (*sender)->config = *config;
    (*sender)->clock = *mns_clock_of(config->mns);
    (*sender)->random = (uint64_t)now_ms(*sender);
    (*sender)->verdict = WIRE_DONE;
    for (size_t i = 0; i < config->sends_max; i++)
        (*sender)->batches[i].sender = *sender;
    return STATUS_OK;
}

void sender_close(struct sender *sender)
{
    if (!sender)
        return;
    for (size_t i = 0; i < sender->config.sends_max; i++) {
        struct batch *batch = &sender->batches[i];
        (void)mns_cancel(sender->config.mns, batch);
        wire_request_release(&batch->request);
        buffer_release(&batch->lines);
    }
    mem_free(sender);
}

struct sender_totals sender_totals(const struct sender *sender)
{
    return sender->totals;
}

enum wire_verdict sender_verdict(const struct sender *sender)
{
    return sender->verdict;
}

/* --- what became of a batch ------------------------------------------------------------------ */

static void fail(struct sender *sender, enum status status)
{
    if (sender->status == STATUS_OK)
        sender->status = status;
}

static void give_up(struct sender *sender, const struct mns_answer *answer)
{
    if (sender->status != STATUS_OK)
        return;
    sender->verdict = answer->verdict;
    sender->status = error_set(&sender->failure, STATUS_IO, "%s", answer->explanation);
}

static void acknowledge(struct sender *sender, struct slice lines, size_t count)
{
    sender->totals.lines += count;
    sender->success_ms = now_ms(sender);
    if (sender->config.acknowledged)
        fail(sender, sender->config.acknowledged(sender->config.context, lines, &sender->failure));
}

static void set_free(struct batch *batch)
{
    batch->state = BATCH_FREE;
    batch->count = 0;
    batch->failures = 0;
    buffer_clear(&batch->lines);
    batch->sender->busy--;
}

static void try_later(struct batch *batch, int64_t wait_ms)
{
    batch->state = BATCH_WAITING;
    batch->retry_at_ms = now_ms(batch->sender) + wait_ms;
}

static enum status build_request(struct batch *batch)
{
    struct slice bodies[WIRE_BATCH_MAX];
    for (size_t i = 0; i < batch->count; i++)
        bodies[i] = without_newline(line_of(batch, i));
    return wire_request_send(&batch->request, mns_url(batch->sender->config.mns)->queue, bodies,
                             batch->count);
}

/* Keeps the lines whose entries failed, in their order; the others are acknowledged. */
static void keep_failed(struct batch *batch, const struct wire_reply *reply)
{
    size_t kept = 0;
    size_t len = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct slice line = line_of(batch, i);
        if (reply->messages[i].error_code.len == 0) {
            acknowledge(batch->sender, line, 1);
            continue;
        }
        memmove(batch->lines.data + len, line.data, line.len);
        len += line.len;
        batch->ends[kept++] = len;
    }
    batch->lines.len = len;
    batch->count = kept;
    fail(batch->sender, build_request(batch));
}

/* A key that was refused is looked for anew once: it may have been replaced. */
static bool may_refresh(struct sender *sender, const struct mns_answer *answer)
{
    if (answer->verdict != WIRE_DENIED || sender->refreshed_generation == answer->key_generation)
        return false;
    sender->refreshed_generation = answer->key_generation;
    return credentials_refresh(sender->config.credentials, &sender->failure) == STATUS_OK &&
           credentials_generation(sender->config.credentials) != answer->key_generation;
}

static bool is_worth_another_try(struct sender *sender, const struct mns_answer *answer)
{
    switch (answer->verdict) {
    case WIRE_PARTIAL:
    case WIRE_BUSY:
    case WIRE_EMPTY:
    case WIRE_CLOCK:
    case WIRE_NO_QUEUE:
    case WIRE_BROKEN:
    case WIRE_DONE: /* of other messages than were sent */
        return now_ms(sender) - sender->success_ms < sender->config.patience_ms;
    case WIRE_DENIED:
        return may_refresh(sender, answer);
    case WIRE_NO_HANDLE:
    case WIRE_REFUSED:
        break;
    }
    return false;
}

static void batch_done(void *context, const struct mns_answer *answer)
{
    struct batch *batch = context;
    struct sender *sender = batch->sender;
    assert(batch->state == BATCH_IN_FLIGHT);
    // An answer that lists other messages than were sent acknowledges nothing.
    const bool is_listed = answer->reply->message_count == batch->count;
    if (answer->verdict == WIRE_DONE && is_listed) {
        acknowledge(sender, buffer_slice(&batch->lines), batch->count);
        set_free(batch);
        return;
    }
    if (answer->verdict == WIRE_PARTIAL && is_listed)
        keep_failed(batch, answer->reply);
    if (batch->count == 0) {
        set_free(batch);
        return;
    }
    if (!is_worth_another_try(sender, answer))
        give_up(sender, answer);
    sender->totals.retries++;
    const int64_t backoff_ms = mns_backoff_ms(batch->failures++, &sender->random);
    try_later(batch, answer->retry_after_ms > backoff_ms ? answer->retry_after_ms : backoff_ms);
}

/* --- moving on ------------------------------------------------------------------------------- */

static enum status start(struct batch *batch, struct error *err)
{
    struct sender *sender = batch->sender;
    const struct mns_operation operation = {.request = &batch->request,
                                            .timeout_ms = SEND_TIMEOUT_MS,
                                            .done = batch_done,
                                            .context = batch};
    bool started = false;
    TRY(mns_start(sender->config.mns, &operation, &started, err));
    if (started)
        batch->state = BATCH_IN_FLIGHT;
    else
        try_later(batch, NOT_READY_MS);
    if (sender->success_ms == 0)
        sender->success_ms = now_ms(sender);
    return STATUS_OK;
}

/* Starts what has waited long enough; the time until the next one is `*wait_ms` at most. */
static enum status start_waiting(struct sender *sender, int64_t *wait_ms, struct error *err)
{
    const int64_t now = now_ms(sender);
    for (size_t i = 0; i < sender->config.sends_max; i++) {
        struct batch *batch = &sender->batches[i];
        if (batch->state != BATCH_WAITING)
            continue;
        if (batch->retry_at_ms <= now)
            TRY(start(batch, err));
        else if (batch->retry_at_ms - now < *wait_ms)
            *wait_ms = batch->retry_at_ms - now;
    }
    return STATUS_OK;
}

static enum status step(struct sender *sender, int64_t wait_ms, struct error *err)
{
    TRY(start_waiting(sender, &wait_ms, err));
    TRY(transport_run(sender->config.transport, wait_ms, err));
    if (sender->status != STATUS_OK && err)
        *err = sender->failure;
    if (sender->status == STATUS_NOMEM)
        return error_set(err, STATUS_NOMEM, "no memory for sending");
    return sender->status;
}

static enum status step_unless_stopped(struct sender *sender, int64_t wait_ms, struct error *err)
{
    TRY(step(sender, wait_ms < STEP_MS ? wait_ms : STEP_MS, err));
    return signals_received() == 0 ? STATUS_OK : error_set(err, STATUS_STOPPED, "interrupted");
}

enum status sender_wait(struct sender *sender, int64_t until_ms, struct error *err)
{
    int64_t left = until_ms - now_ms(sender);
    do {
        TRY(step_unless_stopped(sender, left > 0 ? left : 0, err));
        left = until_ms - now_ms(sender);
    } while (left > 0);
    return STATUS_OK;
}

enum status sender_flush(struct sender *sender, struct error *err)
{
    struct batch *batch = sender->filling;
    if (!batch)
        return STATUS_OK;
    if (build_request(batch) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a batch");
    sender->filling = NULL;
    sender->busy++;
    batch->state = BATCH_WAITING;
    batch->retry_at_ms = 0;
    return start(batch, err);
}

enum status sender_finish(struct sender *sender, int64_t drain_ms, struct error *err)
{
    int64_t limit = INT64_MAX;
    TRY(sender_flush(sender, err));
    while (sender->busy > 0) {
        const int64_t now = now_ms(sender);
        if (limit == INT64_MAX && signals_received() != 0)
            limit = now + drain_ms;
        if (now >= limit)
            return error_set(err, STATUS_STOPPED, "not everything was acknowledged in time");
        TRY(step(sender, STEP_MS, err));
    }
    return STATUS_OK;
}

/* --- taking lines ---------------------------------------------------------------------------- */

static struct batch *find_free(struct sender *sender)
{
    for (size_t i = 0; i < sender->config.sends_max; i++) {
        if (sender->batches[i].state == BATCH_FREE)
            return &sender->batches[i];
    }
    return NULL;
}

static enum status begin_batch(struct sender *sender, struct error *err)
{
    while (!sender->filling) {
        sender->filling = find_free(sender);
        if (!sender->filling)
            TRY(step_unless_stopped(sender, STEP_MS, err));
    }
    sender->filling->state = BATCH_FILLING;
    return STATUS_OK;
}

/* ASCII that XML and its readers leave alone. */
static bool is_plain(struct slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        if ((line.data[i] < 0x20 || line.data[i] > 0x7e) && line.data[i] != '\t')
            return false;
    }
    return true;
}

static enum status append_line(struct batch *batch, struct slice line)
{
    TRY(buffer_reserve(&batch->lines, base64_encoded_len(line.len) + 1));
    if (is_plain(line))
        buffer_put_bytes(&batch->lines, line.data, line.len);
    else
        put_base64(&batch->lines, line);
    buffer_put_u8(&batch->lines, '\n');
    batch->ends[batch->count++] = batch->lines.len;
    return STATUS_OK;
}

enum status sender_add(struct sender *sender, struct slice line, struct error *err)
{
    const struct batch *filling = sender->filling;
    if (filling && filling->lines.len + base64_encoded_len(line.len) > BATCH_BYTES_MAX)
        TRY(sender_flush(sender, err));
    TRY(begin_batch(sender, err));
    if (append_line(sender->filling, line) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a line");
    return sender->filling->count == WIRE_BATCH_MAX ? sender_flush(sender, err) : STATUS_OK;
}
