/*
 * metadata.c - see metadata.h.
 */
#include "ingest/credentials/metadata.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The service is in the same machine room: who does not answer soon will not answer. */
#define SESSION_TIMEOUT_MS 2000
#define REPLY_TIMEOUT_MS   5000
#define RUN_WAIT_MS        1000

/* Of a session: for one fetch. */
#define SESSION_LIFE_S "300"

#define SESSION_PATH     "/latest/api/token"
#define CREDENTIALS_PATH "/latest/meta-data/ram/security-credentials/"
#define PATH_BYTES       (sizeof CREDENTIALS_PATH + ROLE_NAME_BYTES)

#define FAULT_TEXT_BYTES 256u

/* One request and what came of it. */
struct exchange {
    struct metadata *metadata;
    bool is_done;
    enum transport_fault fault;
    int http_status;
    char fault_text[FAULT_TEXT_BYTES];
};

static void exchange_done(void *context, const struct transport_reply *reply)
{
    struct exchange *exchange = context;
    struct metadata *metadata = exchange->metadata;
    exchange->is_done = true;
    exchange->fault = reply->fault;
    exchange->http_status = reply->status;
    (void)snprintf(exchange->fault_text, sizeof exchange->fault_text, "%s", reply->fault_text);
    metadata->body_len = 0;
    if (reply->fault != TRANSPORT_OK || reply->body.len == 0)
        return;
    if (reply->body.len > ROLE_REPLY_BYTES_MAX) {
        exchange->fault = TRANSPORT_TOO_LONG;
        (void)snprintf(exchange->fault_text, sizeof exchange->fault_text,
                       "the metadata service answers more than %u bytes", ROLE_REPLY_BYTES_MAX);
        return;
    }
    memcpy(metadata->body, reply->body.data, reply->body.len);
    metadata->body_len = reply->body.len;
}

/* Waits for the answer; STATUS_OK: there is one, or a fault. */
static enum status exchange_run(struct metadata *metadata, const struct transport_request *request,
                                struct exchange *exchange, struct error *err)
{
    *exchange = (struct exchange){.metadata = metadata};
    TRY(transport_start(&metadata->transport, request, exchange_done, exchange, err));
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !exchange->is_done) {
        if (atomic_load(&metadata->stopping))
            status = error_set(err, STATUS_STOPPED, "stopped while fetching the role's key");
        else
            status = transport_run(&metadata->transport, RUN_WAIT_MS, err);
    }
    if (!exchange->is_done)
        (void)transport_cancel(&metadata->transport, exchange);
    return exchange->is_done ? STATUS_OK : status;
}

/* A session token, or metadata->session_token "": to be done without. */
static enum status open_session(struct metadata *metadata, struct error *err)
{
    static const struct transport_header life = {"X-aliyun-ecs-metadata-token-ttl-seconds",
                                                 SESSION_LIFE_S};
    const struct transport_request request = {.method = "PUT",
                                              .base = metadata->base,
                                              .target = slice_of_text(SESSION_PATH),
                                              .headers = &life,
                                              .header_count = 1,
                                              .timeout_ms = SESSION_TIMEOUT_MS,
                                              .no_proxy = true};
    struct exchange exchange;
    metadata->session_token[0] = '\0';
    TRY(exchange_run(metadata, &request, &exchange, err));
    const struct slice body = slice_of(metadata->body, metadata->body_len);
    const bool is_token = exchange.fault == TRANSPORT_OK && exchange.http_status == 200 &&
                          session_token_parse(body, metadata->session_token);
    explicit_bzero(metadata->body, metadata->body_len);
    if (is_token)
        return STATUS_OK;
    /* Where nothing listens, asking in another way is no use either. */
    if (exchange.fault == TRANSPORT_UNREACHABLE)
        return error_set(err, STATUS_IO, "metadata service: %s", exchange.fault_text);
    if (!metadata->v2_only)
        return STATUS_OK;
    if (exchange.fault != TRANSPORT_OK)
        return error_set(err, STATUS_IO, "metadata service: no session token: %s",
                         exchange.fault_text);
    return error_set(
        err, STATUS_IO,
        "metadata service: no session token (status %d), and without one nothing is asked",
        exchange.http_status);
}

/* The body of a GET, with the session token if there is one. `what` is for messages. */
static enum status get(struct metadata *metadata, const char *path, const char *what,
                       struct error *err)
{
    const struct transport_header session = {"X-aliyun-ecs-metadata-token",
                                             metadata->session_token};
    const struct transport_request request = {.method = "GET",
                                              .base = metadata->base,
                                              .target = slice_of_text(path),
                                              .headers = &session,
                                              .header_count = session.value[0] != '\0',
                                              .timeout_ms = REPLY_TIMEOUT_MS,
                                              .no_proxy = true};
    struct exchange exchange;
    TRY(exchange_run(metadata, &request, &exchange, err));
    if (exchange.fault != TRANSPORT_OK)
        return error_set(err, STATUS_IO, "metadata service: %s: %s", what, exchange.fault_text);
    if (exchange.http_status != 200)
        return error_set(err, STATUS_IO, "metadata service: %s: status %d%s", what,
                         exchange.http_status,
                         exchange.http_status == 404 ? ", the instance has no such role" : "");
    return STATUS_OK;
}

static enum status fetch(struct metadata *metadata, char role[ROLE_NAME_BYTES], struct error *err)
{
    TRY(open_session(metadata, err));
    if (role[0] == '\0') {
        TRY(get(metadata, CREDENTIALS_PATH, "name of the role", err));
        if (!role_list_parse(slice_of(metadata->body, metadata->body_len), role))
            return error_set(err, STATUS_INPUT,
                             "metadata service: its answer is no name of a role");
    }
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s%s", CREDENTIALS_PATH, role);
    TRY(get(metadata, path, "key of the role", err));
    return role_reply_parse(metadata->body, metadata->body_len, &metadata->key, err);
}

enum status metadata_fetch(struct metadata *metadata, char role[ROLE_NAME_BYTES], struct error *err)
{
    assert(metadata->transport.start);
    const enum status status = fetch(metadata, role, err);
    explicit_bzero(metadata->session_token, sizeof metadata->session_token);
    explicit_bzero(metadata->body, metadata->body_len);
    metadata->body_len = 0;
    return status;
}
