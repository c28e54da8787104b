/*
 * queue_load.c - one thread sends on time, the other asks the store again and again.
 *
 * (1) A message's clock starts before it is handed to the sender, which puts messages that are
 *     due together into one batch.
 * (2) It ends when a snapshot, opened as any query opens one, holds its id.
 */
#include "bench/bench/queue_load.h"

#include "bench/bench/timing.h"
#include "bench/fleet/sender.h"
#include "cli/clock.h"
#include "cli/signals.h"
#include "engine/base/mem.h"
#include "engine/snapshot/snapshot.h"
#include "ingest/decode/base64.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEP_MS           10 /* messages that fall due within it are sent together */
#define SENDS_MAX         4
#define PATIENCE_MS       10000
#define DEVICES           100u
#define LOOK_EVERY_NS     1000000
#define LOST_AFTER_MS     30000
#define SNOWFLAKE_EPOCH   INT64_C(1288834974657)
#define SNOWFLAKE_LOW     22
#define LINE_BYTES        512u
#define PAYLOAD_BYTES_MAX 64u

struct load {
    struct queue_place *place;
    uint64_t rate;
    size_t total;
    uint64_t *ids;      /* owned; of all messages, in the order of sending */
    int64_t *sent_ns;   /* owned */
    atomic_size_t sent; /* how many of them are valid */
    atomic_bool ended;  /* the sender thread is through */
    enum status status; /* of the sender thread, once it ended */
    struct error err;
    /* What is looked for. */
    uint64_t *wanted;      /* owned; ids sent and not seen yet */
    size_t *wanted_places; /* owned; where they are in ids */
    bool *held;            /* owned */
    size_t wanted_count;
    size_t taken;          /* of ids into wanted, so far */
    int64_t *latencies_ns; /* owned */
    size_t seen;
};

static void load_release(struct load *load)
{
    mem_free(load->ids);
    mem_free(load->sent_ns);
    mem_free(load->wanted);
    mem_free(load->wanted_places);
    mem_free(load->held);
    mem_free(load->latencies_ns);
}

static enum status load_make(struct load *load, struct error *err)
{
    load->ids = mem_alloc(load->total, sizeof *load->ids);
    load->sent_ns = mem_alloc(load->total, sizeof *load->sent_ns);
    load->wanted = mem_alloc(load->total, sizeof *load->wanted);
    load->wanted_places = mem_alloc(load->total, sizeof *load->wanted_places);
    load->held = mem_alloc(load->total, sizeof *load->held);
    load->latencies_ns = mem_alloc(load->total, sizeof *load->latencies_ns);
    if (!load->ids || !load->sent_ns || !load->wanted || !load->wanted_places || !load->held ||
        !load->latencies_ns)
        return error_set(err, STATUS_NOMEM, "no memory for %zu messages", load->total);
    return STATUS_OK;
}

/* --- the sender ------------------------------------------------------------------------------ */

static struct slice make_line(char line[LINE_BYTES], size_t number, uint64_t *id)
{
    char payload[PAYLOAD_BYTES_MAX];
    uint8_t encoded[PAYLOAD_BYTES_MAX * 2];
    const int payload_len =
        snprintf(payload, sizeof payload, "{\"temperature\":%zu.%02zu,\"humidity\":%zu.5}",
                 18 + number % 7, number % 100, 40 + number % 20);
    assert(payload_len > 0 && (size_t)payload_len < sizeof payload);
    const size_t encoded_len = base64_encoded_len((size_t)payload_len);
    base64_encode(slice_of(payload, (size_t)payload_len), encoded);
    const int64_t now_ms = clock_utc_ms();
    *id = (uint64_t)(now_ms - SNOWFLAKE_EPOCH) << SNOWFLAKE_LOW |
          (number & ((UINT64_C(1) << SNOWFLAKE_LOW) - 1));
    const int len = snprintf(line, LINE_BYTES,
                             "{\"payload\":\"%.*s\",\"messagetype\":\"upload\","
                             "\"topic\":\"/bench/device-%03zu/user/update\","
                             "\"messageid\":%llu,\"timestamp\":%lld}",
                             (int)encoded_len, (const char *)encoded, number % DEVICES,
                             (unsigned long long)*id, (long long)(now_ms / 1000));
    assert(len > 0 && (size_t)len < LINE_BYTES);
    return slice_of(line, (size_t)len);
}

static enum status send_due(struct load *load, struct sender *sender, size_t until)
{
    char line[LINE_BYTES];
    for (size_t i = atomic_load(&load->sent); i < until; i++) {
        const struct slice body = make_line(line, i, &load->ids[i]);
        load->sent_ns[i] = timing_now_ns();
        atomic_store_explicit(&load->sent, i + 1, memory_order_release);
        TRY(sender_add(sender, body, &load->err));
    }
    return sender_flush(sender, &load->err);
}

static enum status send_all(struct load *load, struct sender *sender)
{
    const struct mns_clock *clock = mns_clock_of(load->place->mns);
    const int64_t began_ms = clock->monotonic_ms(clock->context);
    for (int64_t elapsed_ms = 0; atomic_load(&load->sent) < load->total; elapsed_ms += STEP_MS) {
        TRY(sender_wait(sender, began_ms + elapsed_ms, &load->err));
        const size_t due = (size_t)((uint64_t)(elapsed_ms + STEP_MS) * load->rate / 1000);
        TRY(send_due(load, sender, due < load->total ? due : load->total));
    }
    return sender_finish(sender, 0, &load->err);
}

static void *run_sender(void *context)
{
    struct load *load = context;
    struct queue_place *place = load->place;
    const struct sender_config config = {.mns = place->mns,
                                         .transport = &place->transport,
                                         .credentials = place->credentials,
                                         .sends_max = SENDS_MAX,
                                         .patience_ms = PATIENCE_MS};
    struct sender *sender = NULL;
    load->status = sender_open(&sender, &config, &load->err);
    if (load->status == STATUS_OK)
        load->status = send_all(load, sender);
    sender_close(sender);
    atomic_store_explicit(&load->ended, true, memory_order_release);
    return NULL;
}

/* --- the looker ------------------------------------------------------------------------------ */

static void want_new(struct load *load)
{
    const size_t sent = atomic_load_explicit(&load->sent, memory_order_acquire);
    for (; load->taken < sent; load->taken++) {
        load->wanted[load->wanted_count] = load->ids[load->taken];
        load->wanted_places[load->wanted_count++] = load->taken;
    }
}

/* Takes the time of those that the store holds, and keeps the others. */
static void note_held(struct load *load)
{
    const int64_t now_ns = timing_now_ns();
    size_t kept = 0;
    for (size_t i = 0; i < load->wanted_count; i++) {
        if (load->held[i]) {
            load->latencies_ns[load->seen++] = now_ns - load->sent_ns[load->wanted_places[i]];
            continue;
        }
        load->wanted[kept] = load->wanted[i];
        load->wanted_places[kept++] = load->wanted_places[i];
    }
    load->wanted_count = kept;
}

static enum status look(struct load *load, struct snapshot *snapshot, struct error *err)
{
    want_new(load);
    if (load->wanted_count == 0)
        return STATUS_OK;
    TRY(snapshot_resume(snapshot, err));
    const enum status status =
        snapshot_seen(snapshot, load->wanted, load->wanted_count, load->held, err);
    snapshot_pause(snapshot);
    TRY(status);
    note_held(load);
    return STATUS_OK;
}

static enum status look_until_all_are_seen(struct load *load, struct snapshot *snapshot,
                                           struct error *err)
{
    int64_t ended_ns = 0;
    snapshot_pause(snapshot);
    while (load->seen < load->total) {
        TRY(look(load, snapshot, err));
        if (atomic_load_explicit(&load->ended, memory_order_acquire)) {
            if (load->status != STATUS_OK)
                return error_set(err, load->status, "%s", load->err.message);
            ended_ns = ended_ns != 0 ? ended_ns : timing_now_ns();
            if (timing_now_ns() - ended_ns > INT64_C(1000000) * LOST_AFTER_MS)
                return error_set(err, STATUS_IO, "%zu of %zu messages did not arrive",
                                 load->total - load->seen, load->total);
        }
        if (signals_received() != 0)
            return error_set(err, STATUS_STOPPED, "interrupted");
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_NS}, NULL);
    }
    return STATUS_OK;
}

static enum status look_in_store(struct load *load, struct error *err)
{
    struct snapshot *snapshot = NULL;
    TRY(snapshot_open(&snapshot, load->place->store, err));
    const enum status status = look_until_all_are_seen(load, snapshot, err);
    snapshot_close(snapshot);
    return status;
}

/* --- both ------------------------------------------------------------------------------------ */

static int compare_times(const void *a, const void *b)
{
    int64_t left = 0;
    int64_t right = 0;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

static void summarize(struct load *load, struct queue_latency *latency)
{
    const size_t count = load->seen;
    qsort(load->latencies_ns, count, sizeof *load->latencies_ns, compare_times);
    latency->messages = count;
    latency->median_ns = load->latencies_ns[count / 2];
    latency->p95_ns = load->latencies_ns[count * 95 / 100];
    latency->p99_ns = load->latencies_ns[count * 99 / 100];
    latency->max_ns = load->latencies_ns[count - 1];
}

enum status queue_load_run(struct queue_place *place, uint64_t rate, int64_t seconds,
                           struct queue_latency *latency, struct error *err)
{
    OWNED(load_release)
    struct load load = {.place = place, .rate = rate, .total = (size_t)(rate * (uint64_t)seconds)};
    assert(load.total > 0);
    TRY(load_make(&load, err));
    pthread_t thread;
    const int code = pthread_create(&thread, NULL, run_sender, &load);
    if (code != 0)
        return error_set_errno(err, STATUS_NOMEM, code, "cannot start a thread");
    const enum status status = look_in_store(&load, err);
    (void)pthread_join(thread, NULL);
    TRY(status);
    summarize(&load, latency);
    return STATUS_OK;
}
