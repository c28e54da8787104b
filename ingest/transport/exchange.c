/*
 * exchange.c - libcurl's handle for one request at a time; see exchange.h.
 *
 * Headers go out as a list of our own making over one buffer: libcurl only reads it. After them
 * come lines that take out what libcurl would add by itself: Accept, and where something is sent,
 * Expect and above all the Content-Type of a form, which would not be what the caller has signed.
 * libcurl compares and formats every line for every request, so there are no more than needed;
 * the User-Agent as a line costs it half of what the option does.
 *
 * The target is handed over beside the URL, which is never more than "https://host:port": libcurl
 * then neither normalises nor escapes it.
 */
#include "ingest/transport/exchange.h"

#include "cli/version.h"
#include "engine/base/mem.h"
#include "ingest/wire/wire.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES      (64L << 10) /* a batch of messages in a read or two */
#define RETRY_AFTER_DIGITS 6u          /* eleven days: more is a mistake */

static char user_agent[] = "User-Agent: mnsdb/" MNSDB_VERSION;
static char no_accept[] = "Accept:";
static char no_expect[] = "Expect:";
static char no_content_type[] = "Content-Type:";
static struct curl_slist upload_lines[] = {
    {.data = no_expect, .next = &upload_lines[1]},
    {.data = no_content_type, .next = &upload_lines[2]},
    {.data = no_accept, .next = &upload_lines[3]},
    {.data = user_agent, .next = NULL},
};
static struct curl_slist *const plain_lines = &upload_lines[2];

/* --- the reply ------------------------------------------------------------------------------- */

/* The value of a header line named `name`, without blanks around it; false for another line. */
static bool header_value(struct slice line, const char *name, struct slice *value)
{
    const size_t name_len = strlen(name);
    if (line.len <= name_len || line.data[name_len] != ':' ||
        !curl_strnequal((const char *)line.data, name, name_len))
        return false;
    const uint8_t *from = line.data + name_len + 1;
    const uint8_t *until = line.data + line.len;
    while (from < until && (*from == ' ' || *from == '\t'))
        from++;
    while (until > from && until[-1] <= ' ')
        until--;
    *value = slice_of(from, (size_t)(until - from));
    return true;
}

static bool value_is(struct slice value, const char *text)
{
    return value.len == strlen(text) && curl_strnequal((const char *)value.data, text, value.len);
}

static bool is_xml_type(struct slice value)
{
    struct slice type = value;
    const uint8_t *semicolon = value.len > 0 ? memchr(value.data, ';', value.len) : NULL;
    if (semicolon)
        type.len = (size_t)(semicolon - value.data);
    while (type.len > 0 && type.data[type.len - 1] <= ' ')
        type.len--;
    return type.len == 0 || value_is(type, "text/xml") || value_is(type, "application/xml");
}

/* Whole seconds only; a date is not what these servers send. */
static int64_t retry_after_of(struct slice value)
{
    if (value.len == 0 || value.len > RETRY_AFTER_DIGITS)
        return -1;
    int64_t seconds = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return -1;
        seconds = seconds * 10 + (value.data[i] - '0');
    }
    return seconds * 1000;
}

static void forget_headers(struct exchange *exchange)
{
    exchange->date_ms = -1;
    exchange->retry_after_ms = -1;
    exchange->is_xml = true;
}

static void take_header(struct exchange *exchange, struct slice line)
{
    struct slice value = {0};
    int64_t date_ms = 0;
    if (header_value(line, "Date", &value)) {
        exchange->date_ms = wire_date_parse(value, &date_ms) ? date_ms : -1;
    } else if (header_value(line, "Content-Type", &value)) {
        exchange->is_xml = is_xml_type(value);
    } else if (header_value(line, "Retry-After", &value)) {
        exchange->retry_after_ms = retry_after_of(value);
    } else if (header_value(line, "Content-Encoding", &value)) {
        if (value.len > 0 && !value_is(value, "identity"))
            exchange->refusal = EXCHANGE_ENCODED;
    } else if (line.len >= 5 && memcmp(line.data, "HTTP/", 5) == 0) {
        forget_headers(exchange); /* what came before belonged to a 1xx */
    }
}

/* What libcurl asks of a callback that takes all: its length. Anything else ends the transfer. */
static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    const size_t len = size * count;
    exchange->header_bytes += len;
    if (exchange->header_bytes > TRANSPORT_HEADER_BYTES_MAX)
        exchange->refusal = EXCHANGE_HEADERS_TOO_LONG;
    else
        take_header(exchange, slice_of(data, len));
    return exchange->refusal == EXCHANGE_TAKEN ? len : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    const size_t len = size * count;
    if (len > TRANSPORT_REPLY_BYTES_MAX - exchange->reply_body.len)
        exchange->refusal = EXCHANGE_BODY_TOO_LONG;
    else if (buffer_append(&exchange->reply_body, data, len) != STATUS_OK)
        exchange->refusal = EXCHANGE_NO_MEMORY;
    return exchange->refusal == EXCHANGE_TAKEN ? len : 0;
}

/* --- sockets --------------------------------------------------------------------------------- */

static curl_socket_t on_socket_open(void *context, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    (void)purpose;
    struct poller *poller = context;
    const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    poller_socket_opened(poller, fd);
    return fd;
}

static int on_socket_close(void *context, curl_socket_t fd)
{
    struct poller *poller = context;
    poller_socket_closed(poller, fd);
    return close(fd);
}

/* --- life ------------------------------------------------------------------------------------ */

/* Sets an option; `ok` collects whether all of them were taken. */
#define SET(easy, option, value) (ok &= curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

static bool set_limits(CURL *easy, const struct exchange_settings *settings)
{
    bool ok = true;
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, settings->connect_timeout_ms);
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_MAXREDIRS, 0L);
    SET(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https"); /* it takes no empty list */
    SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
    SET(easy, CURLOPT_TCP_NODELAY, 1L);
    SET(easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
    /* A proxy sees no more than host and port: what it could read it could keep. */
    SET(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return ok;
}

static bool set_tls(CURL *easy, const struct exchange_settings *settings)
{
    bool ok = true;
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (settings->ca_file) {
        SET(easy, CURLOPT_CAINFO, settings->ca_file);
        SET(easy, CURLOPT_CAPATH, NULL);
    }
    return ok;
}

static bool set_callbacks(CURL *easy, struct exchange *exchange)
{
    bool ok = true;
    SET(easy, CURLOPT_PRIVATE, exchange);
    SET(easy, CURLOPT_ERRORBUFFER, exchange->curl_text);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_HEADERDATA, exchange);
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, exchange);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket_open);
    SET(easy, CURLOPT_OPENSOCKETDATA, exchange->settings->poller);
    SET(easy, CURLOPT_CLOSESOCKETFUNCTION, on_socket_close);
    SET(easy, CURLOPT_CLOSESOCKETDATA, exchange->settings->poller);
    return ok;
}

enum status exchange_new(struct exchange **exchange, const struct exchange_settings *settings,
                         struct error *err)
{
    struct exchange *made = mem_alloc_zeroed(1, sizeof *made);
    if (!made)
        return error_set(err, STATUS_NOMEM, "transport: no memory for a request");
    made->settings = settings;
    made->easy = curl_easy_init();
    if (!made->easy || !set_limits(made->easy, settings) || !set_tls(made->easy, settings) ||
        !set_callbacks(made->easy, made)) {
        exchange_free(made);
        return error_set(err, STATUS_NOMEM, "transport: libcurl made no handle");
    }
    *exchange = made;
    return STATUS_OK;
}

void exchange_free(struct exchange *exchange)
{
    if (!exchange)
        return;
    exchange_rest(exchange);
    curl_easy_cleanup(exchange->easy);
    curl_url_cleanup(exchange->address);
    buffer_release(&exchange->text);
    buffer_release(&exchange->request_body);
    buffer_release(&exchange->reply_body);
    mem_free(exchange);
}

/* --- the request ----------------------------------------------------------------------------- */

static bool is_token(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f || *at == ':')
            return false;
    }
    return text[0] != '\0';
}

static bool is_field_value(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    }
    return true;
}

static bool is_target(struct slice target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (target.data[i] <= ' ' || target.data[i] >= 0x7f)
            return false;
    }
    return target.len > 0 && target.data[0] == '/';
}

static enum status check_request(const struct transport_request *request, struct error *err)
{
    if (!is_token(request->method) || strlen(request->method) >= EXCHANGE_METHOD_BYTES)
        return error_set(err, STATUS_INPUT, "transport: method \"%s\" is none", request->method);
    if (strlen(request->base) >= EXCHANGE_BASE_BYTES)
        return error_set(err, STATUS_INPUT, "transport: address too long");
    if (!is_target(request->target))
        return error_set(err, STATUS_INPUT, "transport: a target that HTTP cannot carry");
    for (size_t i = 0; i < request->header_count; i++) {
        if (!is_token(request->headers[i].name) || !is_field_value(request->headers[i].value))
            return error_set(err, STATUS_INPUT, "transport: a header that HTTP cannot carry");
    }
    return STATUS_OK;
}

/* PUT and POST say that they have no body (Content-Length: 0), GET and DELETE need not. */
static bool is_upload_of(const struct transport_request *request)
{
    return request->body.len > 0 || strcmp(request->method, "PUT") == 0 ||
           strcmp(request->method, "POST") == 0;
}

/* Target and header lines into one buffer; the lines are linked up to those of libcurl's. */
static enum status put_text(struct exchange *exchange, const struct transport_request *request)
{
    size_t needed = request->target.len + 1;
    for (size_t i = 0; i < request->header_count; i++)
        needed += strlen(request->headers[i].name) + strlen(request->headers[i].value) + 3;
    struct curl_slist *const tail = is_upload_of(request) ? upload_lines : plain_lines;
    struct buffer *text = &exchange->text;
    buffer_clear(text);
    TRY(buffer_reserve(text, needed));

    buffer_put_bytes(text, request->target.data, request->target.len);
    buffer_put_u8(text, '\0');
    for (size_t i = 0; i < request->header_count; i++) {
        const struct transport_header *header = &request->headers[i];
        const bool is_last = i + 1 == request->header_count;
        exchange->lines[i].data = (char *)text->data + text->len;
        exchange->lines[i].next = is_last ? tail : &exchange->lines[i + 1];
        buffer_put_bytes(text, header->name, strlen(header->name));
        /* To libcurl "Name;" is a header without a value, where "Name:" would take it out. */
        const bool is_empty = header->value[0] == '\0';
        buffer_put_bytes(text, is_empty ? ";" : ": ", is_empty ? 1 : 2);
        buffer_put_bytes(text, header->value, strlen(header->value));
        buffer_put_u8(text, '\0');
    }
    assert(text->len <= needed);
    return STATUS_OK;
}

/* This machine, and the metadata services of clouds: a proxy would ask its own instead. */
static bool is_local(const char *base)
{
    static const char *const prefixes[] = {"localhost:", "localhost/", "127.",           "[::1]",
                                           "169.254.",   "[fe80:",     "100.100.100.200"};
    const char *scheme_end = strstr(base, "://");
    const char *host = scheme_end ? scheme_end + 3 : base;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(host, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return strcmp(host, "localhost") == 0;
}

/*
 * The address as libcurl reads it, once for all requests to it: given as a text only, it is read,
 * and written again, for each. What cannot be read is refused when the transfer begins.
 */
static bool set_address(struct exchange *exchange, const char *base)
{
    bool ok = true;
    SET(exchange->easy, CURLOPT_CURLU, NULL);
    curl_url_cleanup(exchange->address);
    exchange->address = curl_url();
    if (!exchange->address)
        return false;
    const CURLUcode code = curl_url_set(exchange->address, CURLUPART_URL, base,
                                        CURLU_DISALLOW_USER | CURLU_PATH_AS_IS);
    SET(exchange->easy, CURLOPT_URL, base);
    SET(exchange->easy, CURLOPT_CURLU, code == CURLUE_OK ? exchange->address : NULL);
    return ok && code != CURLUE_OUT_OF_MEMORY;
}

static bool set_base(struct exchange *exchange, const struct transport_request *request)
{
    const bool no_proxy = request->no_proxy || is_local(request->base);
    if (exchange->base[0] != '\0' && strcmp(exchange->base, request->base) == 0 &&
        exchange->no_proxy == no_proxy)
        return true;
    bool ok = true;
    const bool is_https = strncmp(request->base, "https://", 8) == 0;
    exchange->base[0] = '\0'; /* as long as the handle is neither here nor there */
    SET(exchange->easy, CURLOPT_PROTOCOLS_STR, is_https ? "https" : "http");
    ok &= set_address(exchange, request->base);
    /* An empty name is no proxy, NULL what the environment says. */
    SET(exchange->easy, CURLOPT_PROXY, no_proxy ? "" : NULL);
    if (ok) {
        (void)snprintf(exchange->base, sizeof exchange->base, "%s", request->base);
        exchange->no_proxy = no_proxy;
    }
    return ok;
}

static bool set_method(struct exchange *exchange, const struct transport_request *request)
{
    bool ok = true;
    CURL *easy = exchange->easy;
    const bool is_upload = is_upload_of(request);
    if (is_upload) {
        const char *body = request->body.len > 0 ? (const char *)exchange->request_body.data : "";
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        SET(easy, CURLOPT_POSTFIELDS, body);
    } else if (exchange->is_upload || exchange->method[0] == '\0') {
        SET(easy, CURLOPT_HTTPGET, 1L);
    }
    exchange->is_upload = is_upload;
    if (strcmp(exchange->method, request->method) != 0) {
        SET(easy, CURLOPT_CUSTOMREQUEST, request->method);
        (void)snprintf(exchange->method, sizeof exchange->method, "%s", ok ? request->method : "");
    }
    return ok;
}

static bool set_request(struct exchange *exchange, const struct transport_request *request)
{
    bool ok = set_base(exchange, request) && set_method(exchange, request);
    struct curl_slist *first = exchange->is_upload ? upload_lines : plain_lines;
    if (request->header_count > 0)
        first = exchange->lines;
    SET(exchange->easy, CURLOPT_REQUEST_TARGET, (const char *)exchange->text.data);
    SET(exchange->easy, CURLOPT_HTTPHEADER, first);
    if (exchange->timeout_ms != request->timeout_ms) {
        SET(exchange->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
        exchange->timeout_ms = ok ? request->timeout_ms : 0;
    }
    return ok;
}

enum status exchange_prepare(struct exchange *exchange, const struct transport_request *request,
                             struct error *err)
{
    assert(request->header_count <= TRANSPORT_HEADERS_MAX);
    assert(request->timeout_ms > 0);
    TRY(check_request(request, err));
    buffer_clear(&exchange->request_body);
    buffer_clear(&exchange->reply_body);
    if (put_text(exchange, request) != STATUS_OK ||
        buffer_append(&exchange->request_body, request->body.data, request->body.len) !=
            STATUS_OK ||
        !set_request(exchange, request))
        return error_set(err, STATUS_NOMEM, "transport: no memory for a request");
    exchange->header_bytes = 0;
    exchange->refusal = EXCHANGE_TAKEN;
    exchange->curl_text[0] = '\0';
    exchange->fault_text[0] = '\0';
    forget_headers(exchange);
    return STATUS_OK;
}

/* Replies may carry keys, too: of a role. */
static void buffer_wipe(struct buffer *buffer)
{
    if (buffer->len > 0)
        explicit_bzero(buffer->data, buffer->len);
    buffer_clear(buffer);
}

static void buffer_trim(struct buffer *buffer)
{
    if (buffer->capacity > EXCHANGE_ROOM_KEPT)
        buffer_release(buffer);
    buffer_clear(buffer);
}

void exchange_rest(struct exchange *exchange)
{
    buffer_wipe(&exchange->text);
    buffer_wipe(&exchange->reply_body);
    buffer_trim(&exchange->request_body);
    buffer_trim(&exchange->reply_body);
    exchange->done = NULL;
    exchange->done_context = NULL;
}
