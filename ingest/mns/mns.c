/*
 * mns.c - signed operations on a queue, and what their answers mean; see mns.h.
 *
 *      start: key, date, signature -> transport
 *      reply: parse -> judge -> learn the clock -> explain -> done()
 *
 * (1) A flight (an operation between start and answer) is in the active list exactly as long as the
 *     transport may call back with it; done() is called with it in neither list, so that done() may
 *     start and cancel others.
 * (2) A key is on the stack while a request is made and nowhere else here.
 */
#include "ingest/mns/mns.h"

#include "cli/clock.h"
#include "engine/base/mem.h"
#include "ingest/mns/mns_internal.h"

#include <assert.h>
#include <string.h>
#include <time.h>

/* The server allows fifteen minutes; below this a refusal has another cause than our clock. */
#define CLOCK_STEP_MS_MIN 60000

/* --- time ------------------------------------------------------------------------------------ */

static int64_t system_utc_ms(void *context)
{
    (void)context;
    return clock_utc_ms();
}

static int64_t system_monotonic_ms(void *context)
{
    (void)context;
    return clock_monotonic_ms();
}

struct mns_clock mns_system_clock(void)
{
    return (struct mns_clock){.utc_ms = system_utc_ms, .monotonic_ms = system_monotonic_ms};
}

static int64_t utc_ms(const struct mns *mns)
{
    return mns->config.clock.utc_ms(mns->config.clock.context);
}

static void learn_clock(struct mns *mns, const struct transport_reply *reply)
{
    if (reply->date_ms < 0)
        return;
    const int64_t ahead_ms = reply->date_ms - utc_ms(mns);
    const int64_t step_ms = ahead_ms - mns->clock_offset_ms;
    if (step_ms > CLOCK_STEP_MS_MIN || step_ms < -CLOCK_STEP_MS_MIN)
        mns->clock_offset_ms = ahead_ms;
}

/* --- flights --------------------------------------------------------------------------------- */

static struct flight *flight_take(struct mns *mns)
{
    struct flight *flight = mns->idle;
    if (flight)
        mns->idle = flight->next;
    else
        flight = mem_alloc(1, sizeof *flight);
    if (flight)
        *flight = (struct flight){.mns = mns};
    return flight;
}

static void flight_rest(struct flight *flight)
{
    struct mns *mns = flight->mns;
    flight->next = mns->idle;
    mns->idle = flight;
}

static void active_add(struct flight *flight)
{
    struct mns *mns = flight->mns;
    flight->previous = NULL;
    flight->next = mns->active;
    if (mns->active)
        mns->active->previous = flight;
    mns->active = flight;
}

static void active_remove(struct flight *flight)
{
    if (flight->previous)
        flight->previous->next = flight->next;
    else
        flight->mns->active = flight->next;
    if (flight->next)
        flight->next->previous = flight->previous;
}

/* --- answers --------------------------------------------------------------------------------- */

/* Half an answer is broken; none at all may come the next time. */
static enum wire_verdict judge_fault(enum transport_fault fault)
{
    if (fault == TRANSPORT_BROKEN || fault == TRANSPORT_TOO_LONG)
        return WIRE_BROKEN;
    return wire_judge(0, NULL);
}

static bool is_success(int http_status)
{
    return http_status >= 200 && http_status < 300;
}

/* Parses the body into mns->reply. A problem with it is worded in `problem`. */
static enum wire_verdict judge_reply(struct mns *mns, const struct flight *flight,
                                     const struct transport_reply *reply, struct error *problem)
{
    if (reply->body.len > 0 && !reply->is_xml) {
        (void)error_set(problem, STATUS_INPUT, "an answer that is not XML");
        return is_success(reply->status) ? WIRE_BROKEN : wire_judge(reply->status, NULL);
    }
    const enum status status = wire_reply_parse(mns->parser, reply->body, &mns->reply, problem);
    if (status == STATUS_NOMEM)
        return WIRE_BUSY;
    if (status != STATUS_OK)
        return wire_judge(reply->status, NULL);
    const enum wire_verdict verdict = wire_judge(reply->status, &mns->reply);
    if (verdict == WIRE_EMPTY && !flight->is_receive)
        return WIRE_NO_HANDLE; /* the same words mean another thing here */
    if (verdict == WIRE_DONE && flight->expected != WIRE_ROOT_NONE &&
        mns->reply.root != flight->expected) {
        (void)error_set(problem, STATUS_INPUT, "an answer without what was asked for");
        return WIRE_BROKEN;
    }
    return verdict;
}

static void on_reply(void *context, const struct transport_reply *reply)
{
    struct flight *flight = context;
    struct mns *mns = flight->mns;
    active_remove(flight);

    struct error problem = {0};
    struct mns_answer answer = {
        .http_status = reply->status,
        .reply = &mns->reply,
        .explanation = "",
        .fault = reply->fault,
        .retry_after_ms = reply->retry_after_ms,
        .elapsed_us = reply->elapsed_us,
        .key_generation = flight->key_generation,
    };
    wire_reply_clear(&mns->reply);
    if (reply->fault != TRANSPORT_OK)
        answer.verdict = judge_fault(reply->fault);
    else
        answer.verdict = judge_reply(mns, flight, reply, &problem);
    if (problem.status != STATUS_OK)
        wire_reply_clear(&mns->reply);
    if (answer.verdict == WIRE_CLOCK)
        learn_clock(mns, reply);
    if (answer.verdict != WIRE_DONE && answer.verdict != WIRE_EMPTY) {
        explain_answer(mns, reply, &answer, problem.message);
        answer.explanation = mns->explanation;
    }
    flight->done(flight->context, &answer);
    flight_rest(flight);
}

/* --- requests -------------------------------------------------------------------------------- */

/* What the body of a good answer must be: "/queues/NAME/messages" has messages. */
static enum wire_root root_expected(const struct wire_request *request)
{
    if (strcmp(request->method, "GET") != 0)
        return WIRE_ROOT_NONE;
    unsigned slashes = 0;
    for (size_t i = 0; i < request->target.len && request->target.data[i] != '?'; i++)
        slashes += request->target.data[i] == '/';
    return slashes >= 3 ? WIRE_ROOT_MESSAGES : WIRE_ROOT_QUEUE;
}

static enum status send_request(struct mns *mns, struct flight *flight,
                                const struct mns_operation *operation, const struct access_key *key,
                                struct error *err)
{
    const struct wire_request *request = operation->request;
    TRY(signer_sign(&mns->signer, request, key, utc_ms(mns) + mns->clock_offset_ms, err));
    const struct transport_request sent = {
        .method = request->method,
        .base = mns->config.url.base,
        .target = buffer_slice(&request->target),
        .headers = mns->signer.headers,
        .header_count = mns->signer.header_count,
        .body = buffer_slice(&request->body),
        .timeout_ms = operation->timeout_ms,
        .no_proxy = mns->config.url.is_loopback,
    };
    flight->key_generation = key->generation;
    flight->expected = root_expected(request);
    flight->is_receive = flight->expected == WIRE_ROOT_MESSAGES;
    return transport_start(mns->config.transport, &sent, on_reply, flight, err);
}

enum status mns_start(struct mns *mns, const struct mns_operation *operation, bool *started,
                      struct error *err)
{
    assert(operation->timeout_ms > 0);
    assert(operation->done);
    *started = false;
    OWNED(access_key_wipe) struct access_key key;
    bool ready = false;
    credentials_take(mns->config.credentials, &key, &ready);
    if (!ready)
        return STATUS_OK;

    struct flight *flight = flight_take(mns);
    if (!flight)
        return error_set(err, STATUS_NOMEM, "queue %s: no memory for a request",
                         mns->config.url.queue);
    flight->done = operation->done;
    flight->context = operation->context;
    const enum status status = send_request(mns, flight, operation, &key, err);
    if (status != STATUS_OK) {
        flight_rest(flight);
        return status;
    }
    active_add(flight);
    *started = true;
    return STATUS_OK;
}

size_t mns_cancel(struct mns *mns, void *context)
{
    size_t count = 0;
    struct flight *next = NULL;
    for (struct flight *flight = mns->active; flight; flight = next) {
        next = flight->next;
        if (flight->context != context)
            continue;
        (void)transport_cancel(mns->config.transport, flight);
        active_remove(flight);
        flight_rest(flight);
        count++;
    }
    return count;
}

/* --- life ------------------------------------------------------------------------------------ */

enum status mns_open(struct mns **mns, const struct mns_config *config, struct error *err)
{
    assert(config->transport);
    assert(config->credentials);
    struct mns *made = mem_alloc_zeroed(1, sizeof *made);
    if (!made)
        return error_set(err, STATUS_NOMEM, "queue %s: no memory", config->url.queue);
    made->config = *config;
    signer_init(&made->signer);
    made->random = (uint64_t)utc_ms(made) ^
                   ((uint64_t)config->clock.monotonic_ms(config->clock.context) << 32);
    const enum status status = wire_parser_open(&made->parser, err);
    if (status != STATUS_OK) {
        mns_close(made);
        return status;
    }
    *mns = made;
    return STATUS_OK;
}

void mns_close(struct mns *mns)
{
    if (!mns)
        return;
    while (mns->active) {
        struct flight *flight = mns->active;
        (void)transport_cancel(mns->config.transport, flight);
        active_remove(flight);
        mem_free(flight);
    }
    while (mns->idle) {
        struct flight *flight = mns->idle;
        mns->idle = flight->next;
        mem_free(flight);
    }
    wire_reply_release(&mns->reply);
    wire_parser_close(mns->parser);
    mem_free(mns);
}

const struct wire_url *mns_url(const struct mns *mns)
{
    return &mns->config.url;
}

const struct mns_clock *mns_clock_of(const struct mns *mns)
{
    return &mns->config.clock;
}

int64_t mns_clock_offset_ms(const struct mns *mns)
{
    return mns->clock_offset_ms;
}
