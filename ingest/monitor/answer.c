/*
 * answer.c - what the endpoint answers.
 *
 * Every answer closes its connection: scrapes are seconds apart, and a connection then has an
 * end that can be enforced.
 */
#include "cli/clock.h"
#include "ingest/monitor/monitor_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_TYPE    "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void progress_watch_begin(struct progress_watch *watch, int64_t now_ms)
{
    for (size_t i = 0; i < PROGRESS_LOOPS; i++)
        watch->moved_ms[i] = now_ms;
}

int64_t progress_watch_look(struct progress_watch *watch, const struct ingest_metrics *metrics,
                            int64_t now_ms)
{
    int64_t longest_ms = 0;
    for (size_t i = 0; i < PROGRESS_LOOPS; i++) {
        const uint64_t progress = atomic_load_explicit(&metrics->progress[i], memory_order_relaxed);
        if (progress != watch->last[i]) {
            watch->last[i] = progress;
            watch->moved_ms[i] = now_ms;
        }
        if (now_ms - watch->moved_ms[i] > longest_ms)
            longest_ms = now_ms - watch->moved_ms[i];
    }
    return longest_ms;
}

struct reply {
    unsigned status;
    const char *type;
    bool allows; /* says which methods there are */
};

/* --- pages ----------------------------------------------------------------------------------- */

static enum status put_text(struct answers *answers, const char *text)
{
    return buffer_append(&answers->page, text, strlen(text));
}

static enum status say(struct answers *answers, struct reply *reply, unsigned status,
                       const char *text)
{
    *reply = (struct reply){.status = status, .type = TEXT_TYPE};
    return put_text(answers, text);
}

static enum status answer_metrics(struct answers *answers, struct reply *reply)
{
    *reply = (struct reply){.status = MHD_HTTP_OK, .type = METRICS_TYPE};
    return metrics_render(answers->metrics, &answers->page);
}

static enum status answer_health(struct answers *answers, struct reply *reply)
{
    const int64_t still_ms =
        progress_watch_look(&answers->watch, answers->metrics, clock_monotonic_ms());
    if (still_ms <= MONITOR_STALL_MS)
        return say(answers, reply, MHD_HTTP_OK, "ok\n");
    char text[64];
    (void)snprintf(text, sizeof text, "no progress for %" PRId64 " s\n", still_ms / 1000);
    return say(answers, reply, MHD_HTTP_SERVICE_UNAVAILABLE, text);
}

static enum status answer_ready(struct answers *answers, struct reply *reply)
{
    const unsigned busy = MHD_HTTP_SERVICE_UNAVAILABLE;
    const int pause = atomic_load_explicit(&answers->metrics->pause, memory_order_relaxed);
    switch ((enum ingest_pause)pause) {
    case PAUSE_NONE:
        return say(answers, reply, MHD_HTTP_OK, "ok\n");
    case PAUSE_STORE_FULL:
        return say(answers, reply, busy, "no room in the store\n");
    case PAUSE_CREDENTIALS:
        return say(answers, reply, busy, "no access key that the queue takes\n");
    case PAUSE_QUEUE:
        return say(answers, reply, busy, "no queue answers\n");
    case PAUSE_DRAINING:
        return say(answers, reply, busy, "ending\n");
    case PAUSE_STARTING:
        return say(answers, reply, busy, "starting\n");
    }
    return say(answers, reply, busy, "paused\n");
}

/* --- requests -------------------------------------------------------------------------------- */

static bool has_body(struct MHD_Connection *connection)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *coding =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    return coding || (length && strcmp(length, "0") != 0);
}

static enum status choose_answer(struct answers *answers, struct MHD_Connection *connection,
                                 const char *url, const char *method, struct reply *reply)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        const enum status status =
            say(answers, reply, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
        reply->allows = true;
        return status;
    }
    if (has_body(connection))
        return say(answers, reply, MHD_HTTP_CONTENT_TOO_LARGE, "no body, please\n");
    if (strcmp(url, "/metrics") == 0)
        return answer_metrics(answers, reply);
    if (strcmp(url, "/healthz") == 0)
        return answer_health(answers, reply);
    if (strcmp(url, "/readyz") == 0)
        return answer_ready(answers, reply);
    return say(answers, reply, MHD_HTTP_NOT_FOUND, "try /metrics, /healthz or /readyz\n");
}

static enum MHD_Result send_reply(const struct answers *answers, struct MHD_Connection *connection,
                                  const struct reply *reply)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answers->page.len, answers->page.data, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    bool good = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type) &&
                MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") &&
                MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (reply->allows)
        good = good && MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_NO;
    if (good)
        result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* Answered when the headers are there; a body is never read. No memory: the connection closes. */
enum MHD_Result answer_request(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_len, void **request)
{
    (void)version;
    (void)upload;
    *upload_len = 0;
    (void)request;
    struct answers *answers = context;
    struct reply reply;
    buffer_clear(&answers->page);
    if (choose_answer(answers, connection, url, method, &reply) != STATUS_OK)
        return MHD_NO;
    return send_reply(answers, connection, &reply);
}
