/*
 * queue_sim.c - time, requests on their way, and the life of a sim; see queue_sim.h.
 *
 * A request goes through three times: it arrives and is acted upon, or waits as a long poll;
 * then its answer is on its way; then done() is called.
 */
#include "tests/unit/queue_sim.h"

#include "tests/unit/queue_sim_server.h"

#include "engine/base/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define TARGET_BYTES   1024u
#define DOCUMENT_BYTES 16384u

static int64_t real_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t sim_now(const struct sim *sim)
{
    return sim->is_real ? real_ms() : sim->now_ms;
}

static int64_t monotonic_ms(void *context)
{
    return sim_now(context);
}

static int64_t utc_ms(void *context)
{
    return SIM_UTC_BASE_MS + sim_now(context);
}

/* --- as a transport -------------------------------------------------------------------------- */

static unsigned number_after(const char *target, const char *name, unsigned otherwise)
{
    const char *at = strstr(target, name);
    return at ? (unsigned)strtoul(at + strlen(name), NULL, 10) : otherwise;
}

static void read_request(struct sim_request *request, const struct transport_request *given)
{
    assert_int_equal(buffer_append(&request->target, given->target.data, given->target.len),
                     STATUS_OK);
    assert_int_equal(buffer_append(&request->target, "", 1), STATUS_OK);
    assert_int_equal(buffer_append(&request->document, given->body.data, given->body.len),
                     STATUS_OK);
    const char *target = (const char *)request->target.data;
    request->queue = number_after(target, "/queues/q", 0);
    request->count = number_after(target, "numOfMessages=", 1);
    if (strcmp(given->method, "DELETE") == 0)
        request->operation = SIM_DELETE;
    else if (strcmp(given->method, "PUT") == 0)
        request->operation = SIM_EXTEND;
    else if (!strstr(target, "/messages"))
        request->operation = SIM_ATTRIBUTES;
    else
        request->operation = strstr(target, "peekonly") ? SIM_PEEK : SIM_RECEIVE;
}

int64_t sim_in_flight(const struct sim *sim)
{
    int64_t sum = 0;
    for (size_t i = 0; i < sim->queue_count; i++)
        sum += atomic_load(&sim->metrics.queues[i].in_flight);
    return sum;
}

static void check_limits(struct sim *sim)
{
    unsigned receives = 0;
    int64_t asked = sim_in_flight(sim);
    for (size_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        const struct sim_request *request = &sim->active[i];
        if (request->active && request->operation <= SIM_PEEK) {
            receives++;
            asked += request->count;
        }
    }
    if (receives > sim->most_side_by_side)
        sim->most_side_by_side = receives;
    if (sim->in_flight_max > 0)
        assert_in_range(asked, 0, sim->in_flight_max);
}

static bool key_is_good(const struct sim *sim, const struct transport_request *given)
{
    if (!sim->good_key)
        return true;
    for (size_t i = 0; i < given->header_count; i++) {
        if (strcmp(given->headers[i].name, "Authorization") == 0)
            return strstr(given->headers[i].value, sim->good_key) != NULL;
    }
    return false;
}

/* Whether the Date that was signed is the server's, to a minute. */
static bool date_is_good(const struct sim *sim, const struct transport_request *given)
{
    for (size_t i = 0; i < given->header_count; i++) {
        int64_t date_ms = 0;
        if (strcmp(given->headers[i].name, "Date") == 0 &&
            wire_date_parse(slice_of_text(given->headers[i].value), &date_ms)) {
            const int64_t off_ms = date_ms - (SIM_UTC_BASE_MS + sim_now(sim) + sim->clock_ahead_ms);
            return off_ms > -60000 && off_ms < 60000;
        }
    }
    return false;
}

static enum status sim_start(void *context, const struct transport_request *given,
                             transport_done *done, void *done_context, struct error *err)
{
    struct sim *sim = context;
    // Room for a request is memory, too.
    void *probe = mem_alloc(1, 1);
    if (!probe)
        return error_set(err, STATUS_NOMEM, "no memory for a request");
    mem_free(probe);
    struct sim_request *request = sim->active;
    while (request->active)
        request++;
    assert_in_range(request - sim->active, 0, SIM_REQUESTS_MAX - 1);
    buffer_clear(&request->target);
    buffer_clear(&request->document);
    const struct buffer target = request->target;
    const struct buffer document = request->document;
    *request = (struct sim_request){.active = true,
                                    .target = target,
                                    .document = document,
                                    .started_ms = sim_now(sim),
                                    .order = sim->order++,
                                    .retry_after_ms = -1,
                                    .done = done,
                                    .done_context = done_context};
    read_request(request, given);
    request->arrive_ms = request->started_ms + (int64_t)sim_random(sim, sim->latency_ms_max + 1u);
    request->timeout_ms = request->started_ms + given->timeout_ms;
    request->give_up_ms =
        request->arrive_ms +
        (int64_t)number_after((const char *)request->target.data, "waitseconds=", 0) * 1000;
    sim->requests[request->operation]++;
    sim->last_request_ms[request->operation] = request->started_ms;
    if (!key_is_good(sim, given)) {
        sim_answer_error(request, 403, "InvalidAccessKeyId");
        request->answered = true;
        request->answer_ms = request->arrive_ms;
    } else if (sim->clock_ahead_ms != 0 && !date_is_good(sim, given)) {
        sim_answer_error(request, 408, "TimeExpired");
        request->answered = true;
        request->answer_ms = request->arrive_ms;
    }
    check_limits(sim);
    return STATUS_OK;
}

static void call_done(struct sim *sim, struct sim_request *request)
{
    struct transport_reply reply = {
        .fault = request->fault,
        .fault_text = request->fault == TRANSPORT_OK ? "" : "q: no answer",
        .status = request->status,
        .body = buffer_slice(&request->document),
        .date_ms = SIM_UTC_BASE_MS + sim_now(sim) + sim->clock_ahead_ms,
        .retry_after_ms = request->retry_after_ms,
        .is_xml = true,
        .elapsed_us = (sim_now(sim) - request->started_ms) * 1000,
    };
    // The slot is free only afterwards: the body lives in it.
    request->done(request->done_context, &reply);
    request->active = false;
}

static int64_t next_time_of(const struct sim *sim, const struct sim_request *request)
{
    if (request->answered)
        return request->answer_ms;
    if (request->arrive_ms > sim_now(sim))
        return request->arrive_ms;
    int64_t next_ms = request->give_up_ms; // a long poll: or when a message becomes visible
    for (size_t i = 0; i < sim->message_count; i++) {
        const struct sim_message *message = &sim->messages[i];
        if (message->queue == request->queue && message->deletes == 0 &&
            message->visible_at_ms < next_ms)
            next_ms = message->visible_at_ms;
    }
    return next_ms;
}

/* Handles what is due, in order; true if done() was called. When there is more: `*next_ms`. */
static bool handle_due(struct sim *sim, int64_t *next_ms)
{
    bool called = false;
    *next_ms = INT64_MAX;
    for (size_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        struct sim_request *request = &sim->active[i];
        if (!request->active)
            continue;
        if (!request->answered && request->arrive_ms <= sim_now(sim))
            sim_serve(sim, request);
        if (request->answered && request->answer_ms <= sim_now(sim)) {
            call_done(sim, request);
            called = true;
            continue;
        }
        const int64_t time_ms = next_time_of(sim, request);
        if (time_ms < *next_ms)
            *next_ms = time_ms;
    }
    return called;
}

/* Real time: sleeps until then, or until somebody wakes. */
static void sleep_until(struct sim *sim, int64_t until_ms)
{
    const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                                   .tv_nsec = (long)(until_ms % 1000) * 1000000};
    (void)pthread_mutex_lock(&sim->lock);
    while (!sim->wake && sim_now(sim) < until_ms)
        (void)pthread_cond_timedwait(&sim->woken, &sim->lock, &until);
    (void)pthread_mutex_unlock(&sim->lock);
}

static bool take_wake(struct sim *sim)
{
    (void)pthread_mutex_lock(&sim->lock);
    const bool woken = sim->wake;
    sim->wake = false;
    (void)pthread_mutex_unlock(&sim->lock);
    return woken;
}

static void call_event(struct sim *sim)
{
    if (sim->event_at_ms < 0 || sim_now(sim) < sim->event_at_ms)
        return;
    sim->event_at_ms = -1;
    sim->event(sim);
}

static enum status sim_transport_run(void *context, int64_t wait_ms, struct error *err)
{
    (void)err;
    struct sim *sim = context;
    const int64_t until_ms = sim_now(sim) + wait_ms;
    assert_true(sim->deadline_ms == 0 || sim_now(sim) < sim->deadline_ms);
    for (;;) {
        call_event(sim);
        int64_t next_ms = 0;
        if (handle_due(sim, &next_ms) || take_wake(sim))
            return STATUS_OK;
        if (sim_now(sim) >= until_ms)
            return STATUS_OK;
        if (sim->event_at_ms >= 0 && sim->event_at_ms < next_ms)
            next_ms = sim->event_at_ms;
        if (next_ms > until_ms)
            next_ms = until_ms;
        if (sim->is_real)
            sleep_until(sim, next_ms);
        else
            sim->now_ms = next_ms > sim->now_ms ? next_ms : sim->now_ms + 1;
    }
}

static size_t sim_cancel(void *context, void *done_context)
{
    struct sim *sim = context;
    size_t count = 0;
    for (size_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        if (sim->active[i].active && sim->active[i].done_context == done_context) {
            sim->active[i].active = false;
            count++;
        }
    }
    return count;
}

static void sim_wake(void *context)
{
    struct sim *sim = context;
    (void)pthread_mutex_lock(&sim->lock);
    sim->wake = true;
    (void)pthread_cond_signal(&sim->woken);
    (void)pthread_mutex_unlock(&sim->lock);
}

/* --- life ------------------------------------------------------------------------------------ */

static void open_queue(struct sim *sim, size_t index)
{
    char url[64];
    struct mns_config config = {
        .transport = &sim->transport,
        .credentials = sim->credentials,
        .clock = {.context = sim, .utc_ms = utc_ms, .monotonic_ms = monotonic_ms},
    };
    (void)snprintf(url, sizeof url, "http://127.0.0.1:1/queues/q%zu", index);
    assert_int_equal(wire_url_parse(&config.url, url, NULL), STATUS_OK);
    assert_int_equal(mns_open(&sim->queues[index], &config, NULL), STATUS_OK);
}

/* The server's memory is not the client's: none is asked for during a run, where it may fail. */
static void reserve_requests(struct sim *sim)
{
    for (size_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        assert_int_equal(buffer_reserve(&sim->active[i].target, TARGET_BYTES), STATUS_OK);
        assert_int_equal(buffer_reserve(&sim->active[i].document, DOCUMENT_BYTES), STATUS_OK);
    }
}

static void open_credentials(struct sim *sim, const char *key_file)
{
    const struct credentials_config config = {.file = key_file};
    assert_int_equal(unsetenv("ALIBABA_CLOUD_ACCESS_KEY_ID"), 0);
    assert_int_equal(unsetenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"), 0);
    if (!key_file) {
        assert_int_equal(setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "test-key", 1), 0);
        assert_int_equal(setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test-secret", 1), 0);
    }
    assert_int_equal(credentials_open(&sim->credentials, &config, NULL), STATUS_OK);
}

struct sim *sim_open(uint64_t seed, size_t queue_count)
{
    return sim_open_with_key_file(seed, queue_count, NULL);
}

struct sim *sim_open_with_key_file(uint64_t seed, size_t queue_count, const char *key_file)
{
    struct sim *sim = mem_alloc_zeroed(1, sizeof *sim);
    assert_non_null(sim);
    sim->random = seed * 0x9e3779b97f4a7c15u + 1;
    sim->latency_ms_max = 10;
    sim->visibility_ms = 30000;
    sim->event_at_ms = -1;
    sim->now_ms = 1000000;
    sim->queue_count = queue_count;
    pthread_condattr_t attributes;
    assert_int_equal(pthread_condattr_init(&attributes), 0);
    assert_int_equal(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), 0);
    assert_int_equal(pthread_mutex_init(&sim->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&sim->woken, &attributes), 0);
    (void)pthread_condattr_destroy(&attributes);
    sim->transport = (struct transport){.context = sim,
                                        .start = sim_start,
                                        .run = sim_transport_run,
                                        .cancel = sim_cancel,
                                        .wake = sim_wake};
    open_credentials(sim, key_file);
    reserve_requests(sim);
    metrics_init(&sim->metrics, 0);
    atomic_store(&sim->metrics.pause, (int)PAUSE_NONE);
    sim->metrics.queue_count = queue_count;
    for (size_t i = 0; i < queue_count; i++)
        open_queue(sim, i);
    return sim;
}

void sim_close(struct sim *sim)
{
    if (sim->source_is_open)
        source_close(&sim->source);
    for (size_t i = 0; i < sim->queue_count; i++)
        mns_close(sim->queues[i]);
    credentials_close(sim->credentials);
    for (size_t i = 0; i < SIM_REQUESTS_MAX; i++) {
        assert_false(sim->active[i].active);
        buffer_release(&sim->active[i].document);
        buffer_release(&sim->active[i].target);
    }
    (void)pthread_cond_destroy(&sim->woken);
    (void)pthread_mutex_destroy(&sim->lock);
    mem_free(sim);
}

void sim_send(struct sim *sim, unsigned queue, size_t count)
{
    assert_in_range(sim->message_count + count, 0, SIM_MESSAGES_MAX);
    for (size_t i = 0; i < count; i++) {
        sim->messages[sim->message_count++] =
            (struct sim_message){.queue = queue, .visible_at_ms = sim_now(sim)};
    }
}

struct queue_source_config sim_config(struct sim *sim)
{
    return (struct queue_source_config){
        .queues = sim->queues,
        .queue_count = sim->queue_count,
        .transport = &sim->transport,
        .credentials = sim->credentials,
        .metrics = &sim->metrics,
        .window_ms = -1,
    };
}

enum status sim_open_source(struct sim *sim, const struct queue_source_config *config,
                            struct error *err)
{
    sim->in_flight_max =
        config->in_flight_max > 0 ? config->in_flight_max : QUEUE_IN_FLIGHT_DEFAULT;
    const enum status status = sim->is_real
                                   ? queue_source_open(&sim->source, config, err)
                                   : queue_source_open_threadless(&sim->source, config, err);
    sim->source_is_open = status == STATUS_OK;
    if (status == STATUS_OK && !sim->is_real)
        ((struct queue_source *)sim->source.context)->random = sim->random;
    return status;
}

size_t sim_commit(struct sim *sim, struct body_batch *batch)
{
    struct body body;
    size_t count = 0;
    while (body_batch_next(batch, &body)) {
        assert_null(body.excess);
        assert_in_range(body.bytes.len, 3, 20);
        char text[24];
        memcpy(text, body.bytes.data, body.bytes.len);
        text[body.bytes.len] = '\0';
        char *end = NULL;
        const unsigned long number = strtoul(text, &end, 10);
        assert_string_equal(end, "\nx");
        assert_in_range(number, 0, sim->message_count - 1);
        sim->messages[number].committed = true;
        sim->messages[number].commits++;
        count++;
    }
    return count;
}

void sim_run(struct sim *sim, int64_t duration_ms)
{
    const int64_t until_ms = sim_now(sim) + duration_ms;
    while (sim_now(sim) < until_ms)
        assert_int_equal(queue_turn(sim->source.context, until_ms - sim_now(sim), NULL), STATUS_OK);
}

size_t sim_deleted(const struct sim *sim)
{
    size_t count = 0;
    for (size_t i = 0; i < sim->message_count; i++)
        count += sim->messages[i].deletes > 0;
    return count;
}

uint64_t sim_requests(const struct sim *sim)
{
    uint64_t count = 0;
    for (size_t i = 0; i < SIM_OPERATIONS; i++)
        count += sim->requests[i];
    return count;
}
