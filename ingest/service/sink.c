/*
 * sink.c - see sink.h.
 *
 * (1) A commit that found no room left nothing behind and is tried again as it was, until there is
 *     room or the service is to end. Nothing is acknowledged meanwhile: the pipeline waits here.
 * (2) After any other failure nothing more is committed.
 * (3) Upkeep without room is left out for a while: commits may still fit.
 */
#include "ingest/service/sink.h"

#include "cli/clock.h"
#include "ingest/log/log.h"
#include "ingest/service/service.h"

#include <assert.h>

enum service_fate service_fate(enum status status)
{
    assert(status != STATUS_OK);
    return status == STATUS_FULL ? SERVICE_RETRY : SERVICE_END;
}

static bool may_be_tried_again(enum status status)
{
    return status != STATUS_OK && service_fate(status) == SERVICE_RETRY;
}

/* --- commits --------------------------------------------------------------------------------- */

struct attempt {
    struct row_batch *const *batches;
    size_t batch_count;
    struct commit_result *result;
};

static enum status attempt_commit(struct sink *sink, const struct attempt *attempt,
                                  struct error *err)
{
    const struct sink_hooks *hooks = &sink->hooks;
    if (hooks->is_over(hooks->context))
        return error_set(err, STATUS_STOPPED, "the time to end in is over");
    TRY(hooks->before(hooks->context, err));
    const int64_t began_us = clock_monotonic_us();
    TRY(sink->inner.commit(sink->inner.context, attempt->batches, attempt->batch_count,
                           attempt->result, err));
    hooks->committed(hooks->context, attempt->result, clock_monotonic_us() - began_us);
    return STATUS_OK;
}

static enum status wait_for_room(struct sink *sink, const struct attempt *attempt,
                                 struct error *err)
{
    const struct sink_hooks *hooks = &sink->hooks;
    const int64_t began_ms = clock_monotonic_ms();
    int64_t reported_ms = began_ms;
    int64_t wait_ms = SINK_WAIT_MS_FIRST;
    enum status status = STATUS_FULL;
    log_warning("no room: nothing is received until there is some", LOG_TEXT("why", err->message));
    while (may_be_tried_again(status) && hooks->wait(hooks->context, wait_ms)) {
        wait_ms = wait_ms * 2 < SINK_WAIT_MS_MAX ? wait_ms * 2 : SINK_WAIT_MS_MAX;
        status = attempt_commit(sink, attempt, err);
        if (!may_be_tried_again(status) || clock_monotonic_ms() - reported_ms < SINK_REPORT_MS)
            continue;
        reported_ms = clock_monotonic_ms();
        log_warning("still no room", LOG_TEXT("why", err->message),
                    LOG_I64("seconds", (reported_ms - began_ms) / 1000));
    }
    if (status == STATUS_OK)
        log_info("there is room again: receiving goes on",
                 LOG_I64("seconds", (clock_monotonic_ms() - began_ms) / 1000));
    return status;
}

static enum status commit(void *context, struct row_batch *const *batches, size_t batch_count,
                          struct commit_result *result, struct error *err)
{
    struct sink *sink = context;
    const struct sink_hooks *hooks = &sink->hooks;
    const struct attempt attempt = {batches, batch_count, result};
    struct error failure = {0};
    enum status status = attempt_commit(sink, &attempt, &failure);
    if (status != STATUS_OK && status != STATUS_STOPPED)
        hooks->failed(hooks->context);
    if (may_be_tried_again(status)) {
        hooks->paused(hooks->context, true);
        status = wait_for_room(sink, &attempt, &failure);
        // Without success the run ends: what would still be received only had to come again.
        if (status == STATUS_OK)
            hooks->paused(hooks->context, false);
    }
    sink->failure = status;
    return status == STATUS_OK ? STATUS_OK : error_set(err, status, "%s", failure.message);
}

/* --- upkeep ---------------------------------------------------------------------------------- */

static void rest_from_upkeep(struct sink *sink, const struct error *err)
{
    sink->upkeep_rests_until_ms = clock_monotonic_ms() + SINK_UPKEEP_REST_MS;
    if (!sink->upkeep_is_full)
        log_warning("no room for the upkeep of the store", LOG_TEXT("why", err->message));
    sink->upkeep_is_full = true;
}

static enum status maintain(void *context, bool *more, struct error *err)
{
    struct sink *sink = context;
    *more = false;
    if (sink->hooks.is_over(sink->hooks.context))
        return STATUS_OK;
    if (sink->upkeep_is_full && clock_monotonic_ms() < sink->upkeep_rests_until_ms)
        return STATUS_OK;
    struct error failure = {0};
    const enum status status = sink->inner.maintain(sink->inner.context, more, &failure);
    if (may_be_tried_again(status)) {
        *more = false;
        rest_from_upkeep(sink, &failure);
        return STATUS_OK;
    }
    sink->failure = status;
    if (status != STATUS_OK)
        return error_set(err, status, "%s", failure.message);
    if (sink->upkeep_is_full)
        log_info("there is room for upkeep again", LOG_BOOL("more", *more));
    sink->upkeep_is_full = false;
    return STATUS_OK;
}

void sink_init(struct sink *sink, const struct pipeline_sink *inner, const struct sink_hooks *hooks)
{
    *sink = (struct sink){.inner = *inner, .hooks = *hooks};
}

struct pipeline_sink sink_for_pipeline(struct sink *sink)
{
    return (struct pipeline_sink){.context = sink,
                                  .commit = commit,
                                  .maintain = maintain,
                                  .known_devices = sink->inner.known_devices};
}

/* --- counting only --------------------------------------------------------------------------- */

static void count_batch(const struct row_batch *batch, struct commit_result *result)
{
    for (size_t i = 0; i < batch->message_count; i++) {
        const struct message *message = &batch->messages[i];
        result->received++;
        if (message->verdict != MESSAGE_REJECT) {
            result->stored++;
            continue;
        }
        result->rejected++;
        result->reasons[batch->rejects[message->first].reason]++;
    }
}

static enum status count(void *context, struct row_batch *const *batches, size_t batch_count,
                         struct commit_result *result, struct error *err)
{
    (void)context;
    (void)err;
    *result = (struct commit_result){0};
    for (size_t i = 0; i < batch_count; i++)
        count_batch(batches[i], result);
    return STATUS_OK;
}

static enum status nothing_to_maintain(void *context, bool *more, struct error *err)
{
    (void)context;
    (void)err;
    *more = false;
    return STATUS_OK;
}

struct pipeline_sink counting_sink(void)
{
    return (struct pipeline_sink){.commit = count, .maintain = nothing_to_maintain};
}
