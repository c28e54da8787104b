/*
 * http_exchange.c - one request and its answer; see server_internal.h.
 *
 * The library decodes targets and arguments, but signatures cover them as sent: the raw target is
 * caught before (http_exchange_begin). Headers stay in the library's memory until the exchange
 * ends.
 */
#include "bench/localqueue/server_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BODY_BYTES_MAX ((size_t)1 << 20)   /* 64 KiB, every character of it escaped */
#define BODY_BYTES_END ((size_t)16 << 20)  /* who sends more is cut off */
#define UNUSED_MAX     256u                /* exchanges kept for reuse */
#define KEPT_BYTES_MAX ((size_t)256 << 10) /* a buffer above this is not kept with them */

/* --- life ----------------------------------------------------------------------------------- */

static struct http_exchange *take_unused(struct server *server)
{
    struct http_exchange *exchange = server->unused;
    if (!exchange)
        return mem_alloc_zeroed(1, sizeof *exchange);
    server->unused = exchange->after;
    server->unused_count--;
    exchange->after = NULL;
    return exchange;
}

void http_exchange_free(struct http_exchange *exchange)
{
    buffer_release(&exchange->target);
    buffer_release(&exchange->body);
    call_release(&exchange->call);
    reply_release(&exchange->answer);
    mem_free(exchange);
}

void *http_exchange_begin(void *context, const char *target, struct MHD_Connection *connection)
{
    struct server *server = context;
    if (timers_reserve(&server->timers, server->live_count + 1) != STATUS_OK)
        return NULL;
    struct http_exchange *exchange = take_unused(server);
    if (!exchange)
        return NULL;
    buffer_clear(&exchange->target);
    buffer_clear(&exchange->body);
    if (buffer_append(&exchange->target, target, strlen(target)) != STATUS_OK) {
        http_exchange_free(exchange);
        return NULL;
    }
    exchange->server = server;
    exchange->connection = connection;
    exchange->state = EXCHANGE_NEW;
    exchange->is_suspended = false;
    exchange->is_too_long = false;
    exchange->uploaded_bytes = 0;
    exchange->before = NULL;
    exchange->after = server->live;
    if (server->live)
        server->live->before = exchange;
    server->live = exchange;
    server->live_count++;
    (void)snprintf(exchange->request_id, sizeof exchange->request_id, "%08X%016llX",
                   (unsigned)(server->request_seed & 0xffffffff),
                   (unsigned long long)++server->request_count);
    return exchange;
}

static void unlink_live(struct server *server, struct http_exchange *exchange)
{
    if (exchange->before)
        exchange->before->after = exchange->after;
    else
        server->live = exchange->after;
    if (exchange->after)
        exchange->after->before = exchange->before;
    server->live_count--;
}

void http_exchange_end(void *context, struct MHD_Connection *connection, void **exchange,
                       enum MHD_RequestTerminationCode reason)
{
    struct server *server = context;
    struct http_exchange *ended = *exchange;
    (void)connection;
    (void)reason;
    if (!ended)
        return;
    *exchange = NULL;
    broker_unwait(&server->broker, &ended->waiter);
    timers_remove(&server->timers, &ended->timer);
    unlink_live(server, ended);
    const bool is_large = ended->answer.body.capacity > KEPT_BYTES_MAX ||
                          ended->body.capacity > KEPT_BYTES_MAX ||
                          ended->call.text.capacity > KEPT_BYTES_MAX;
    if (is_large || server->unused_count >= UNUSED_MAX) {
        http_exchange_free(ended);
        return;
    }
    ended->after = server->unused;
    server->unused = ended;
    server->unused_count++;
}

void http_exchange_make_ready(struct http_exchange *exchange, enum http_exchange_state state)
{
    assert(exchange->is_suspended);
    exchange->state = state;
    exchange->next_ready = exchange->server->ready;
    exchange->server->ready = exchange;
}

/* --- reading -------------------------------------------------------------------------------- */

struct known_header {
    const char *name;
    struct slice *value;
};

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    struct http_exchange *exchange = context;
    struct signed_request *request = &exchange->request;
    const struct slice name = slice_of_text(key);
    const struct slice text = value ? slice_of_text(value) : (struct slice){0};
    const struct known_header known[] = {
        {"Authorization", &request->authorization},
        {"Content-MD5", &request->content_md5},
        {"Content-Type", &request->content_type},
        {"Date", &request->date},
        {"x-mns-date", &request->mns_date},
        {"x-mns-version", &request->version},
        {"x-mns-prefix", &exchange->headers.prefix},
        {"x-mns-marker", &exchange->headers.marker},
        {"x-mns-ret-number", &exchange->headers.list_count},
        {"x-mns-with-meta", &exchange->headers.with_meta},
    };
    (void)kind;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (text_equal_any_case(name, known[i].name))
            *known[i].value = text;
    }
    if (name.len > 6 && text_equal_any_case(slice_of(name.data, 6), "x-mns-") &&
        request->mns_count < WIRE_SIGNED_HEADERS_MAX)
        request->mns[request->mns_count++] = (struct wire_header){name, text};
    return MHD_YES;
}

static void read_headers(struct http_exchange *exchange, const char *method)
{
    exchange->request = (struct signed_request){
        .method = slice_of_text(method),
        .resource = call_resource(buffer_slice(&exchange->target)),
    };
    exchange->headers = (struct call_headers){0};
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, take_header, exchange);
}

/* False: the connection is to be closed. */
static bool take_body(struct http_exchange *exchange, const char *upload, size_t upload_len)
{
    struct buffer *body = &exchange->body;
    exchange->uploaded_bytes += upload_len;
    exchange->is_too_long = exchange->uploaded_bytes > BODY_BYTES_MAX;
    /* It is read to its end, so that the client comes to reading the answer. */
    if (exchange->is_too_long)
        return exchange->uploaded_bytes <= BODY_BYTES_END;
    return buffer_append(body, upload, upload_len) == STATUS_OK;
}

/* --- answering ------------------------------------------------------------------------------ */

/* Half of a body; then the connection breaks, or ends as if that were all. */
static ssize_t read_half(void *context, uint64_t position, char *to, size_t most)
{
    const struct http_exchange *exchange = context;
    const size_t half = exchange->answer.body.len / 2;
    if (position >= half)
        return exchange->plan.cut == CUT_UNFRAMED ? MHD_CONTENT_READER_END_OF_STREAM
                                                  : MHD_CONTENT_READER_END_WITH_ERROR;
    const size_t left = half - (size_t)position;
    const size_t count = left < most ? left : most;
    memcpy(to, exchange->answer.body.data + position, count);
    return (ssize_t)count;
}

static struct MHD_Response *make_response(struct http_exchange *exchange)
{
    const struct buffer *body = &exchange->answer.body;
    const size_t chunk = 4096;
    struct MHD_Response *response = NULL;
    switch (exchange->plan.cut) {
    case CUT_MIDDLE:
        return MHD_create_response_from_callback(body->len, chunk, read_half, exchange, NULL);
    case CUT_UNFRAMED:
        response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, chunk, read_half, exchange, NULL);
        if (response)
            (void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
        return response;
    case CUT_SHORT:
        return MHD_create_response_from_buffer(body->len / 2, body->data, MHD_RESPMEM_PERSISTENT);
    case CUT_NONE:
    case CUT_BEFORE:
    case CUT_AFTER:
        break;
    }
    response = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_PERSISTENT);
    if (response)
        (void)MHD_set_response_options(response, MHD_RF_SEND_KEEP_ALIVE_HEADER, MHD_RO_END);
    return response;
}

static const char *date_text(struct server *server)
{
    const int64_t now_s = server->now_ms / 1000;
    if (server->date_s != now_s) {
        wire_date_format(now_s * 1000, server->date);
        server->date_s = now_s;
    }
    return server->date;
}

static bool add_headers(struct http_exchange *exchange, struct MHD_Response *response)
{
    const struct reply *answer = &exchange->answer;
    const struct {
        const char *name;
        const char *value; /* NULL: not in this answer */
    } headers[] = {
        {"Date", date_text(exchange->server)},
        {"Server", "AliyunMQS"},
        {"x-mns-version", WIRE_VERSION},
        {"x-mns-request-id", exchange->request_id},
        {"Content-Type", answer->body.len > 0 ? "text/xml;charset=utf-8" : NULL},
        {"Location", answer->location.len > 0 ? (const char *)answer->location.data : NULL},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (headers[i].value &&
            MHD_add_response_header(response, headers[i].name, headers[i].value) != MHD_YES)
            return false;
    }
    return true;
}

/* What a fault makes of an answer without a body: there is nothing to halve. */
static void settle_cut(struct http_exchange *exchange)
{
    const bool has_body = exchange->answer.body.len > 0;
    if (exchange->plan.cut == CUT_MIDDLE && !has_body)
        exchange->plan.cut = CUT_AFTER;
    if (exchange->plan.cut >= CUT_SHORT && !has_body)
        exchange->plan.cut = CUT_NONE;
}

static enum MHD_Result send_answer(struct http_exchange *exchange)
{
    settle_cut(exchange);
    if (exchange->state == EXCHANGE_DROPPED || exchange->plan.cut == CUT_AFTER)
        return MHD_NO;
    struct MHD_Response *response = make_response(exchange);
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_NO;
    if (add_headers(exchange, response))
        result = MHD_queue_response(exchange->connection, (unsigned)exchange->answer.http_status,
                                    response);
    MHD_destroy_response(response);
    return result;
}

/* --- performing ----------------------------------------------------------------------------- */

static struct reply_context context_of(const struct http_exchange *exchange)
{
    return (struct reply_context){exchange->server->endpoint, exchange->request_id};
}

/* What is wrong with a request before it is performed. */
static enum code judge(struct http_exchange *exchange)
{
    struct server *server = exchange->server;
    const struct slice body = buffer_slice(&exchange->body);
    if (exchange->plan.refusal != CODE_NONE)
        return exchange->plan.refusal;
    const enum code code = authenticate(&server->authenticator, &exchange->request, server->now_ms);
    if (code != CODE_NONE)
        return code;
    if (exchange->call_code != CODE_NONE)
        return exchange->call_code;
    if (exchange->is_too_long)
        return CODE_INVALID_ARGUMENT;
    if (exchange->request.content_md5.len > 0 &&
        !content_md5_agrees(exchange->request.content_md5, body))
        return CODE_INVALID_DIGEST;
    return call_wants_body(&exchange->call) ? call_parse_body(&exchange->call, server->parser, body)
                                            : CODE_NONE;
}

/* True: the answer is written, or the exchange is to be dropped; false: it waits. */
static bool run(struct http_exchange *exchange, bool may_wait)
{
    struct server *server = exchange->server;
    const struct reply_context context = context_of(exchange);
    struct patience patience = {0};
    const enum code code = exchange->state == EXCHANGE_WAITING ? CODE_NONE : judge(exchange);
    const enum status status =
        code != CODE_NONE ? reply_error(&exchange->answer, code, &context)
                          : perform(&server->performer, &exchange->call, server->now_ms, &context,
                                    &exchange->answer, may_wait ? &patience : NULL);
    if (status != STATUS_OK) {
        exchange->state = EXCHANGE_DROPPED;
        return true;
    }
    if (patience.queue) {
        exchange->state = EXCHANGE_WAITING;
        broker_wait(&server->broker, patience.queue, &exchange->waiter);
        timers_add(&server->timers, &exchange->timer, server->monotonic_ms + patience.wait_ms);
        return false;
    }
    exchange->state = EXCHANGE_READY;
    return true;
}

void http_exchange_wake(struct http_exchange *exchange)
{
    timers_remove(&exchange->server->timers, &exchange->timer);
    if (run(exchange, true))
        http_exchange_make_ready(exchange, exchange->state);
}

/* True if the client closed its end: what it would get would be lost for a while. */
static bool client_is_gone(const struct http_exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    uint8_t byte = 0;
    return info && recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void http_exchange_serve(struct http_exchange *exchange)
{
    struct server *server = exchange->server;
    // Its queue was removed and its wait was over within one turn: it is served already.
    if (exchange->state != EXCHANGE_WAITING)
        return;
    broker_unwait(&server->broker, &exchange->waiter);
    timers_remove(&server->timers, &exchange->timer);
    if (client_is_gone(exchange)) {
        http_exchange_make_ready(exchange, EXCHANGE_DROPPED);
        return;
    }
    (void)run(exchange, false);
    http_exchange_make_ready(exchange, exchange->state);
}

static enum MHD_Result suspend(struct http_exchange *exchange)
{
    exchange->is_suspended = true;
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

/* The request is here as a whole. */
static enum MHD_Result take_request(struct http_exchange *exchange)
{
    struct server *server = exchange->server;
    exchange->call_code =
        call_parse(&exchange->call, exchange->request.method, exchange->request.resource,
                   &exchange->headers, exchange->is_too_long ? 0 : exchange->body.len);
    exchange->plan = faults_plan(&server->faults, &exchange->call, server->now_ms);
    if (exchange->plan.cut == CUT_BEFORE)
        return MHD_NO;
    if (exchange->plan.delay_ms > 0) {
        exchange->state = EXCHANGE_DELAYED;
        timers_add(&server->timers, &exchange->timer,
                   server->monotonic_ms + exchange->plan.delay_ms);
        return suspend(exchange);
    }
    if (!run(exchange, true))
        return suspend(exchange);
    if (!journal_must_flush(server->journal))
        return send_answer(exchange);
    (void)suspend(exchange);
    http_exchange_make_ready(exchange, exchange->state);
    return MHD_YES;
}

static bool declares_too_much(struct MHD_Connection *connection)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    uint32_t len = 0;
    return text && (!decimal_parse(slice_of_text(text), UINT32_MAX, &len) || len > BODY_BYTES_MAX);
}

/* True if the client waits for leave before it sends the body. */
static bool asks_first(struct MHD_Connection *connection)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Expect") != NULL;
}

enum MHD_Result http_exchange_handle(void *context, struct MHD_Connection *connection,
                                     const char *url, const char *method, const char *version,
                                     const char *upload, size_t *upload_len,
                                     void **exchange_pointer)
{
    struct http_exchange *exchange = *exchange_pointer;
    const struct server *server = context;
    (void)url;
    (void)version;
    if (!exchange || server->is_closing)
        return MHD_NO;
    switch (exchange->state) {
    case EXCHANGE_NEW:
        read_headers(exchange, method);
        exchange->state = EXCHANGE_READING;
        exchange->is_too_long = declares_too_much(connection);
        /* Who asks is spared sending it; others read no answer before they have sent it. */
        return exchange->is_too_long && asks_first(connection) ? take_request(exchange) : MHD_YES;
    case EXCHANGE_READING:
        if (*upload_len == 0)
            return take_request(exchange);
        if (!take_body(exchange, upload, *upload_len))
            return MHD_NO;
        *upload_len = 0;
        return MHD_YES;
    case EXCHANGE_READY:
    case EXCHANGE_DROPPED:
        return send_answer(exchange);
    case EXCHANGE_DELAYED:
    case EXCHANGE_WAITING:
        break;
    }
    assert(false); /* a suspended connection is not handled */
    return MHD_NO;
}
