/*
 * call.c - one operation, waited for, with as many tries as patience allows; see mns.h.
 */
#include "cli/signals.h"
#include "ingest/mns/mns.h"
#include "ingest/mns/mns_internal.h"

#include <assert.h>
#include <stdint.h>

/* A signal that comes just before a wait does not end it: waits are in slices. */
#define WAIT_SLICE_MS       250
#define CREDENTIALS_WAIT_MS 50

/* A call while it goes on. */
struct call {
    struct mns *mns;
    const struct mns_operation *operation;
    int64_t deadline_ms;       /* monotonic: no try begins after it */
    unsigned failures;         /* in a row */
    enum wire_verdict verdict; /* of the last try */
    bool is_answered;
    bool is_over;    /* done() was called */
    int64_t wait_ms; /* before the next try */
};

int64_t mns_backoff_ms(unsigned failures, uint64_t *random)
{
    /* 100 ms doubled ten times is over the maximum. */
    const int64_t grown_ms = (int64_t)MNS_BACKOFF_MS_BASE << (failures < 10 ? failures : 10);
    const int64_t limit_ms = grown_ms < MNS_BACKOFF_MS_MAX ? grown_ms : MNS_BACKOFF_MS_MAX;
    /* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
    *random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *random;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    mixed ^= mixed >> 31;
    return 1 + (int64_t)(mixed % (uint64_t)limit_ms);
}

static int64_t monotonic_ms(const struct mns *mns)
{
    return mns->config.clock.monotonic_ms(mns->config.clock.context);
}

static bool is_worth_a_try(const struct mns_answer *answer)
{
    switch (answer->verdict) {
    case WIRE_BUSY:
        return answer->fault != TRANSPORT_TLS;
    case WIRE_BROKEN:
        return answer->fault == TRANSPORT_BROKEN;
    case WIRE_CLOCK:
    case WIRE_NO_QUEUE:
        return true;
    case WIRE_DONE:
    case WIRE_EMPTY:
    case WIRE_PARTIAL:
    case WIRE_DENIED:
    case WIRE_NO_HANDLE:
    case WIRE_REFUSED:
        break;
    }
    return false;
}

/* A clock just put right is tried at once, but only one time in a row. */
static int64_t wait_before_retry(const struct call *call, const struct mns_answer *answer)
{
    if (answer->verdict == WIRE_CLOCK && (call->failures == 0 || call->verdict != WIRE_CLOCK))
        return 0;
    const int64_t backoff_ms = mns_backoff_ms(call->failures, &call->mns->random);
    return answer->retry_after_ms > backoff_ms ? answer->retry_after_ms : backoff_ms;
}

static void finish(struct call *call, const struct mns_answer *answer)
{
    call->is_over = true;
    call->operation->done(call->operation->context, answer);
}

static void on_answer(void *context, const struct mns_answer *answer)
{
    struct call *call = context;
    call->is_answered = true;
    const int64_t left_ms = call->deadline_ms - monotonic_ms(call->mns);
    if (is_worth_a_try(answer)) {
        call->wait_ms = wait_before_retry(call, answer);
        call->failures++;
        call->verdict = answer->verdict;
        if (call->wait_ms < left_ms)
            return;
    }
    finish(call, answer);
}

/* Runs the transport for `wait_ms`, or until the answer is there if one is `awaited`. */
static enum status run_for(struct call *call, int64_t wait_ms, bool awaited, struct error *err)
{
    const int64_t until_ms = monotonic_ms(call->mns) + wait_ms;
    for (;;) {
        const int64_t left_ms = until_ms - monotonic_ms(call->mns);
        if (left_ms <= 0 || (awaited && call->is_answered))
            return STATUS_OK;
        if (signals_received() != 0)
            return error_set(err, STATUS_STOPPED, "queue %s: stopped by a signal",
                             call->mns->config.url.queue);
        TRY(transport_run(call->mns->config.transport,
                          left_ms < WAIT_SLICE_MS ? left_ms : WAIT_SLICE_MS, err));
    }
}

static void finish_without_key(struct call *call)
{
    const struct wire_reply nothing = {0};
    finish(call, &(struct mns_answer){.verdict = WIRE_DENIED,
                                      .reply = &nothing,
                                      .explanation = "there are no credentials yet",
                                      .retry_after_ms = -1});
}

/* Starts a try once there is a key to sign it with. */
static enum status start_try(struct call *call, struct error *err)
{
    struct mns *mns = call->mns;
    const int64_t patient_until_ms = monotonic_ms(mns) + call->operation->timeout_ms;
    const int64_t until_ms =
        patient_until_ms > call->deadline_ms ? patient_until_ms : call->deadline_ms;
    const struct mns_operation try = {.request = call->operation->request,
                                      .timeout_ms = call->operation->timeout_ms,
                                      .done = on_answer,
                                      .context = call};
    call->is_answered = false;
    for (;;) {
        bool started = false;
        TRY(mns_start(mns, &try, &started, err));
        if (started)
            return STATUS_OK;
        if (monotonic_ms(mns) >= until_ms) {
            finish_without_key(call);
            return STATUS_OK;
        }
        TRY(run_for(call, CREDENTIALS_WAIT_MS, false, err));
    }
}

static enum status run_call(struct call *call, struct error *err)
{
    while (!call->is_over) {
        TRY(start_try(call, err));
        while (!call->is_over && !call->is_answered)
            TRY(run_for(call, WAIT_SLICE_MS, true, err));
        if (!call->is_over)
            TRY(run_for(call, call->wait_ms, false, err));
    }
    return STATUS_OK;
}

enum status mns_call(struct mns *mns, const struct mns_operation *operation, int64_t patience_ms,
                     struct error *err)
{
    assert(patience_ms >= 0);
    struct call call = {
        .mns = mns,
        .operation = operation,
        .deadline_ms = monotonic_ms(mns) + patience_ms,
    };
    const enum status status = run_call(&call, err);
    if (status != STATUS_OK)
        (void)mns_cancel(mns, &call);
    return status;
}
