/*
 * judge.c - what an answer means for whoever asked.
 *
 * The code in the body is more exact than the status, where it is one that is known: the same
 * refusal comes with different statuses from different versions of the service. The status
 * decides the rest.
 *
 * MessageNotExist answers a receive from an empty queue and a delete with a dead handle alike, and
 * an answer does not tell which it was. It is judged WIRE_EMPTY: whoever deletes or changes a
 * visibility reads that as WIRE_NO_HANDLE.
 */
#include "ingest/wire/wire.h"

struct code {
    const char *text;
    enum wire_verdict verdict;
};

/* Codes whose meaning does not hang on the status. */
static const struct code codes[] = {
    {"MessageNotExist", WIRE_EMPTY},
    {"ReceiptHandleError", WIRE_NO_HANDLE},
    {"QueueNotExist", WIRE_NO_QUEUE},
    {"QueueDeletedRecently", WIRE_NO_QUEUE},
    {"TimeExpired", WIRE_CLOCK},
    {"InvalidDateHeader", WIRE_CLOCK},
    {"QpsLimitExceeded", WIRE_BUSY},
    {"TooManyRequests", WIRE_BUSY},
    {"InternalError", WIRE_BUSY},
    {"InternalServerError", WIRE_BUSY},
    {"AccessDenied", WIRE_DENIED},
    {"InvalidAccessKeyId", WIRE_DENIED},
    {"SignatureDoesNotMatch", WIRE_DENIED},
};

static bool is_success(int http_status)
{
    return http_status >= 200 && http_status <= 299;
}

static const struct code *code_find(struct slice text)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (slice_equal(text, slice_of_text(codes[i].text)))
            return &codes[i];
    }
    return NULL;
}

static bool any_message_failed(const struct wire_reply *reply)
{
    for (size_t i = 0; i < reply->message_count; i++) {
        if (reply->messages[i].error_code.len > 0)
            return true;
    }
    return false;
}

static enum wire_verdict judge_success(const struct wire_reply *reply)
{
    switch (reply->root) {
    case WIRE_ROOT_NONE:
    case WIRE_ROOT_QUEUE:
    case WIRE_ROOT_VISIBILITY:
        return WIRE_DONE;
    case WIRE_ROOT_MESSAGES:
        if (any_message_failed(reply))
            return WIRE_PARTIAL;
        return reply->message_count > 0 ? WIRE_DONE : WIRE_EMPTY;
    case WIRE_ROOT_FAILURES:
        return reply->failure_count > 0 ? WIRE_PARTIAL : WIRE_BROKEN;
    case WIRE_ROOT_ERROR:
    case WIRE_ROOT_OTHER:
        break;
    }
    return WIRE_BROKEN;
}

/* For a status of 400 and more. `reply` NULL, or a body that fits no refusal: half a document. */
static enum wire_verdict judge_failure(int http_status, const struct wire_reply *reply)
{
    if (reply && reply->root == WIRE_ROOT_FAILURES && reply->failure_count > 0)
        return WIRE_PARTIAL;
    if (reply && reply->root == WIRE_ROOT_MESSAGES && any_message_failed(reply))
        return WIRE_PARTIAL;
    if (http_status >= 500 || http_status == 429)
        return WIRE_BUSY;
    if (http_status == 401 || http_status == 403)
        return WIRE_DENIED;
    if (!reply || (reply->root != WIRE_ROOT_ERROR && reply->root != WIRE_ROOT_NONE))
        return WIRE_BROKEN;
    return http_status == 408 ? WIRE_BUSY : WIRE_REFUSED; /* 408: something on the way gave up */
}

enum wire_verdict wire_judge(int http_status, const struct wire_reply *reply)
{
    if (http_status == 0)
        return WIRE_BUSY;
    if (reply && reply->root == WIRE_ROOT_ERROR) {
        const struct code *code = code_find(reply->error_code);
        if (code)
            return code->verdict;
    }
    if (is_success(http_status))
        return reply ? judge_success(reply) : WIRE_BROKEN;
    if (http_status >= 400)
        return judge_failure(http_status, reply);
    return WIRE_BROKEN;
}

const char *wire_verdict_text(enum wire_verdict verdict)
{
    switch (verdict) {
    case WIRE_DONE:
        return "done";
    case WIRE_EMPTY:
        return "idle";
    case WIRE_PARTIAL:
        return "partial";
    case WIRE_BUSY:
        return "busy";
    case WIRE_CLOCK:
        return "clock";
    case WIRE_DENIED:
        return "denied";
    case WIRE_NO_QUEUE:
        return "no-queue";
    case WIRE_NO_HANDLE:
        return "no-handle";
    case WIRE_BROKEN:
        return "broken";
    case WIRE_REFUSED:
        return "refused";
    }
    return "broken";
}
