/*
 * queue_sim_server.c - see queue_sim_server.h. A lost answer is one whose request was acted upon.
 */
#include "tests/unit/queue_sim_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

uint64_t sim_random(struct sim *sim, uint64_t below)
{
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return sim->random % below;
}

static bool happens(struct sim *sim, unsigned percent)
{
    return percent > 0 && sim_random(sim, 100) < percent;
}

/* --- documents ------------------------------------------------------------------------------- */

static void say(struct buffer *to, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct buffer *to, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_in_range(len, 0, sizeof text - 1);
    assert_int_equal(buffer_append(to, text, (size_t)len), STATUS_OK);
}

void sim_answer_error(struct sim_request *request, int status, const char *code)
{
    buffer_clear(&request->document);
    say(&request->document,
        "<?xml version=\"1.0\"?><Error xmlns=\"http://mns.aliyuncs.com/doc/v1\"><Code>%s</Code>"
        "<Message>%s.</Message><RequestId>58F5</RequestId></Error>",
        code, code);
    request->status = status;
}

/* --- receives -------------------------------------------------------------------------------- */

static bool is_visible(const struct sim *sim, const struct sim_message *message)
{
    return message->deletes == 0 && sim_now(sim) >= message->visible_at_ms;
}

static void say_message(struct sim *sim, struct sim_request *request, struct sim_message *message)
{
    const int64_t now_utc_ms = SIM_UTC_BASE_MS + sim_now(sim) + sim->clock_ahead_ms;
    const size_t number = (size_t)(message - sim->messages);
    say(&request->document, "<Message><MessageId>id-%zu</MessageId>", number);
    if (request->operation == SIM_RECEIVE) {
        const int64_t next_visible_ms = now_utc_ms + sim->visibility_ms;
        message->visible_at_ms = sim_now(sim) + sim->visibility_ms;
        message->handle++;
        message->dequeues++;
        if (message->first_dequeue_ms == 0)
            message->first_dequeue_ms = now_utc_ms;
        say(&request->document,
            "<ReceiptHandle>%zu/%u</ReceiptHandle><NextVisibleTime>%lld</NextVisibleTime>"
            "<FirstDequeueTime>%lld</FirstDequeueTime><DequeueCount>%u</DequeueCount>",
            number, message->handle, (long long)next_visible_ms,
            (long long)message->first_dequeue_ms, message->dequeues);
    }
    say(&request->document,
        "<EnqueueTime>%lld</EnqueueTime><MessageBody>%zu\nx</MessageBody></Message>",
        (long long)SIM_UTC_BASE_MS + (long long)number, number);
}

/* False: there is nothing now. */
static bool answer_receive(struct sim *sim, struct sim_request *request)
{
    unsigned limit = request->count;
    if (sim->moods[request->operation] == SIM_TOO_MANY)
        limit = WIRE_BATCH_MAX;
    unsigned found = 0;
    buffer_clear(&request->document);
    say(&request->document, "<Messages>");
    for (size_t i = 0; i < sim->message_count && found < limit; i++) {
        struct sim_message *message = &sim->messages[i];
        if (message->queue == request->queue && is_visible(sim, message)) {
            say_message(sim, request, message);
            found++;
        }
    }
    say(&request->document, "</Messages>");
    request->status = 200;
    if (found > 0)
        return true;
    sim_answer_error(request, 404, "MessageNotExist");
    return false;
}

/* --- deletes and visibility ------------------------------------------------------------------ */

/* The message of a handle "number/serial"; NULL: the handle is dead. */
static struct sim_message *message_of(struct sim *sim, const char *handle, struct sim_message **any)
{
    char *end = NULL;
    const unsigned long number = strtoul(handle, &end, 10);
    if (strncmp(end, "%2F", 3) == 0)
        end += 2;
    const unsigned long serial = strtoul(end + 1, NULL, 10);
    assert_in_range(number, 0, sim->message_count - 1);
    struct sim_message *message = &sim->messages[number];
    if (any)
        *any = message;
    const bool is_alive =
        message->deletes == 0 && message->handle == serial && sim_now(sim) < message->visible_at_ms;
    return is_alive ? message : NULL;
}

/* Deletes one handle. An error code, or NULL. */
static const char *delete_handle(struct sim *sim, const char *handle)
{
    struct sim_message *any = NULL;
    struct sim_message *message = message_of(sim, handle, &any);
    assert_true(any->committed);
    any->handles_sent++;
    if (!message) {
        sim->deletes_of_dead_handles++;
        return "MessageNotExist";
    }
    if (happens(sim, sim->failed_entry_percent))
        return "InternalError";
    message->deletes++;
    return NULL;
}

static void answer_delete_one(struct sim *sim, struct sim_request *request)
{
    const char *target = (const char *)request->target.data;
    const char *code = delete_handle(sim, strchr(target, '=') + 1);
    buffer_clear(&request->document);
    request->status = 204;
    if (code)
        sim_answer_error(request, strcmp(code, "InternalError") == 0 ? 500 : 404, code);
}

static void answer_delete_batch(struct sim *sim, struct sim_request *request)
{
    char text[8192];
    assert_in_range(request->document.len, 1, sizeof text - 1);
    memcpy(text, request->document.data, request->document.len);
    text[request->document.len] = '\0';
    buffer_clear(&request->document);
    say(&request->document, "<Errors>");
    bool failed = false;
    const char *seen[WIRE_BATCH_MAX];
    size_t count = 0;
    for (char *at = strstr(text, "<ReceiptHandle>"); at; at = strstr(at + 1, "<ReceiptHandle>")) {
        char *handle = at + strlen("<ReceiptHandle>");
        char *end = strchr(handle, '<');
        *end = '\0';
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(seen[i], handle);
        assert_in_range(count, 0, WIRE_BATCH_MAX - 1);
        seen[count++] = handle;
        const char *code = delete_handle(sim, handle);
        if (code)
            say(&request->document,
                "<Error><ErrorCode>%s</ErrorCode><ErrorMessage>no.</ErrorMessage>"
                "<ReceiptHandle>%s</ReceiptHandle></Error>",
                code, handle);
        failed = failed || code != NULL;
        at = end;
    }
    say(&request->document, "</Errors>");
    request->status = failed ? 404 : 204;
    if (!failed)
        buffer_clear(&request->document);
}

static void answer_extend(struct sim *sim, struct sim_request *request)
{
    const char *target = (const char *)request->target.data;
    struct sim_message *message = message_of(sim, strchr(target, '=') + 1, NULL);
    const char *visibility = strstr(target, "visibilityTimeout=");
    assert_non_null(visibility);
    const unsigned seconds = (unsigned)strtoul(strchr(visibility, '=') + 1, NULL, 10);
    if (!message) {
        sim_answer_error(request, 404, "MessageNotExist");
        return;
    }
    sim->last_visibility_s = seconds;
    message->handle++;
    message->visible_at_ms = sim_now(sim) + (int64_t)seconds * 1000;
    buffer_clear(&request->document);
    say(&request->document,
        "<ChangeVisibility><ReceiptHandle>%zu/%u</ReceiptHandle><NextVisibleTime>%lld"
        "</NextVisibleTime></ChangeVisibility>",
        (size_t)(message - sim->messages), message->handle,
        (long long)(SIM_UTC_BASE_MS + message->visible_at_ms + sim->clock_ahead_ms));
    request->status = 200;
}

static void answer_attributes(const struct sim *sim, struct sim_request *request)
{
    unsigned active = 0;
    for (size_t i = 0; i < sim->message_count; i++)
        active += sim->messages[i].queue == request->queue && sim->messages[i].deletes == 0;
    buffer_clear(&request->document);
    say(&request->document,
        "<Queue><ActiveMessages>%u</ActiveMessages><InactiveMessages>0</InactiveMessages>"
        "<VisibilityTimeout>%lld</VisibilityTimeout></Queue>",
        active, (long long)(sim->visibility_ms / 1000));
    request->status = 200;
}

/* --- moods ----------------------------------------------------------------------------------- */

/* True if the mood, not the operation, makes the answer. */
static bool answer_by_mood(struct sim *sim, struct sim_request *request)
{
    switch (sim->moods[request->operation]) {
    case SIM_GOOD:
    case SIM_TOO_MANY:
        return false;
    case SIM_BUSY:
        sim_answer_error(request, 503, "InternalError");
        return true;
    case SIM_THROTTLED:
        sim_answer_error(request, 429, "TooManyRequests");
        request->retry_after_ms = sim->retry_after_ms;
        return true;
    case SIM_DENIED:
        sim_answer_error(request, 403, "AccessDenied");
        return true;
    case SIM_NO_QUEUE:
        sim_answer_error(request, 404, "QueueNotExist");
        return true;
    case SIM_REFUSED:
        sim_answer_error(request, 400, "InvalidArgument");
        return true;
    case SIM_BROKEN:
        buffer_clear(&request->document);
        say(&request->document, "<Messages><Message>");
        request->status = 200;
        return true;
    case SIM_UNREACHABLE:
        request->fault = TRANSPORT_UNREACHABLE;
        return true;
    case SIM_CLOCK:
        sim_answer_error(request, 408, "TimeExpired");
        return true;
    case SIM_EARLY_EMPTY:
        sim_answer_error(request, 404, "MessageNotExist");
        return true;
    }
    return false;
}

static void finish_answer(struct sim *sim, struct sim_request *request)
{
    request->answered = true;
    request->answer_ms = sim_now(sim) + (int64_t)sim_random(sim, sim->latency_ms_max + 1u);
    if (happens(sim, sim->lost_percent)) {
        request->fault = TRANSPORT_TIMEOUT;
    } else if (happens(sim, sim->broken_percent)) {
        buffer_clear(&request->document);
        say(&request->document, "<Messages><Message><Receipt");
        request->status = 200;
    }
    if (request->fault != TRANSPORT_OK) {
        request->status = 0;
        buffer_clear(&request->document);
    }
}

/* A request at the server: answered now, or a long poll that goes on. */
void sim_serve(struct sim *sim, struct sim_request *request)
{
    bool is_answered = answer_by_mood(sim, request);
    if (!is_answered && happens(sim, sim->busy_percent)) {
        sim_answer_error(request, 503, "InternalError");
        is_answered = true;
    }
    if (!is_answered && request->operation <= SIM_PEEK)
        is_answered = answer_receive(sim, request) || sim_now(sim) >= request->give_up_ms;
    else if (!is_answered && request->operation == SIM_EXTEND)
        answer_extend(sim, request);
    else if (!is_answered && request->operation == SIM_ATTRIBUTES)
        answer_attributes(sim, request);
    else if (!is_answered && request->document.len > 0)
        answer_delete_batch(sim, request);
    else if (!is_answered)
        answer_delete_one(sim, request);
    if (is_answered || request->operation > SIM_PEEK)
        finish_answer(sim, request);
}
