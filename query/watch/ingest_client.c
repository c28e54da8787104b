/*
 * ingest_client.c - see ingest_client.h.
 *
 * It asks in HTTP/1.0, whose replies end with the connection and come in one piece. The socket
 * never blocks: each step waits for what is left of the time, or until a signal comes.
 */
#include "query/watch/ingest_client.h"

#include "cli/clock.h"
#include "cli/signals.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SCHEME     "http://"
#define READ_BYTES ((size_t)16 * 1024)
#define PORT_MAX   65535u
#define HTTP_PORT  80u

/* --- the address --------------------------------------------------------------------------- */

static bool read_port(const char *text, size_t len, in_port_t *port)
{
    unsigned number = len == 0 ? HTTP_PORT : 0;
    if (len > 0 && text[0] != ':')
        return false;
    for (size_t i = 1; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || number > PORT_MAX)
            return false;
        number = number * 10 + (unsigned)(text[i] - '0');
    }
    *port = htons((uint16_t)number);
    return number > 0 && number <= PORT_MAX;
}

static bool set_address(struct ingest_address *address, const char *host, size_t host_len,
                        in_port_t port)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (host_len >= sizeof text)
        return false;
    memcpy(text, host, host_len);
    struct sockaddr_in *v4 = (void *)&address->socket;
    struct sockaddr_in6 *v6 = (void *)&address->socket;
    if (strcmp(text, "[::1]") == 0) {
        *v6 = (struct sockaddr_in6){
            .sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        address->socket_len = sizeof *v6;
        return true;
    }
    *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    address->socket_len = sizeof *v4;
    if (strcmp(text, "localhost") == 0)
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (inet_pton(AF_INET, text, &v4->sin_addr) != 1)
        return false;
    return ntohl(v4->sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
}

static bool is_path(const char *path)
{
    for (const char *at = path; *at; at++) {
        if (*at <= ' ' || *at > '~')
            return false;
    }
    return strlen(path) < INGEST_PATH_BYTES;
}

enum status ingest_address_parse(const char *url, struct ingest_address *address, struct error *err)
{
    *address = (struct ingest_address){.path = "/metrics"};
    const size_t scheme_len = sizeof SCHEME - 1;
    if (strncmp(url, SCHEME, scheme_len) != 0)
        return error_set(err, STATUS_INPUT, "'%s' does not begin with " SCHEME, url);
    const char *host = url + scheme_len;
    const size_t authority_len = strcspn(host, "/?#");
    const size_t host_len =
        host[0] == '[' ? strcspn(host, "]/") + (strchr(host, ']') != NULL) : strcspn(host, ":/?#");
    in_port_t port = 0;
    if (host_len > authority_len || !read_port(host + host_len, authority_len - host_len, &port) ||
        !set_address(address, host, host_len, port))
        return error_set(err, STATUS_INPUT,
                         "'%s' is no address of this machine, as http://127.0.0.1:9464/metrics",
                         url);
    const char *path = host + authority_len;
    if (!is_path(path))
        return error_set(err, STATUS_INPUT, "'%s' has a path that cannot be asked for", url);
    if (path[0] == '/')
        memcpy(address->path, path, strlen(path) + 1);
    return STATUS_OK;
}

/* --- the conversation ---------------------------------------------------------------------- */

struct exchange {
    int file; /* owned; -1: none */
    int64_t until_ms;
};

static void close_exchange(struct exchange *exchange)
{
    if (exchange->file >= 0)
        (void)close(exchange->file);
    exchange->file = -1;
}

static enum status failed(struct error *err, int reason)
{
    return error_set(err, STATUS_MISSING, "%s", strerror(reason));
}

/* Waits until the socket is ready for `events`. */
static enum status await(const struct exchange *exchange, short events, struct error *err)
{
    for (;;) {
        struct pollfd files[] = {{.fd = exchange->file, .events = events},
                                 {.fd = signals_fd(), .events = POLLIN}};
        const int64_t left_ms = exchange->until_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            return error_set(err, STATUS_MISSING, "no answer in %d ms", INGEST_FETCH_MS);
        if (signals_received() != 0)
            return error_set(err, STATUS_STOPPED, "stopped");
        if (poll(files, 2, (int)left_ms) > 0 && files[0].revents != 0)
            return STATUS_OK;
    }
}

static enum status connect_to(struct exchange *exchange, const struct ingest_address *address,
                              struct error *err)
{
    exchange->file =
        socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (exchange->file < 0)
        return failed(err, errno);
    if (connect(exchange->file, (const struct sockaddr *)&address->socket, address->socket_len) ==
        0)
        return STATUS_OK;
    if (errno != EINPROGRESS)
        return failed(err, errno);
    TRY(await(exchange, POLLOUT, err));
    int reason = 0;
    socklen_t reason_len = sizeof reason;
    if (getsockopt(exchange->file, SOL_SOCKET, SO_ERROR, &reason, &reason_len) != 0)
        reason = errno;
    return reason == 0 ? STATUS_OK : failed(err, reason);
}

static enum status send_request(const struct exchange *exchange,
                                const struct ingest_address *address, struct error *err)
{
    char request[INGEST_PATH_BYTES + 128];
    const int len = snprintf(request, sizeof request,
                             "GET %s HTTP/1.0\r\nHost: localhost\r\nAccept: text/plain\r\n"
                             "Connection: close\r\n\r\n",
                             address->path);
    for (size_t done = 0; done < (size_t)len;) {
        const ssize_t sent = send(exchange->file, request + done, (size_t)len - done, MSG_NOSIGNAL);
        if (sent >= 0)
            done += (size_t)sent;
        else if (errno == EAGAIN)
            TRY(await(exchange, POLLOUT, err));
        else if (errno != EINTR)
            return failed(err, errno);
    }
    return STATUS_OK;
}

static enum status read_reply(const struct exchange *exchange, struct buffer *reply,
                              struct error *err)
{
    while (reply->len <= INGEST_REPLY_BYTES_MAX) {
        if (buffer_reserve(reply, READ_BYTES) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for a page of metrics");
        const ssize_t got = read(exchange->file, reply->data + reply->len, READ_BYTES);
        if (got == 0)
            return STATUS_OK;
        if (got > 0)
            reply->len += (size_t)got;
        else if (errno == EAGAIN)
            TRY(await(exchange, POLLIN, err));
        else if (errno != EINTR)
            return failed(err, errno);
    }
    return error_set(err, STATUS_MISSING, "the page is too long");
}

/* --- the reply ----------------------------------------------------------------------------- */

/* The line at the start of `text`, without its end, which is passed. */
static struct slice next_line(struct slice *text)
{
    const uint8_t *end = text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;
    const size_t len = end ? (size_t)(end - text->data) : text->len;
    struct slice line = slice_of(text->data, len);
    const size_t used = end ? len + 1 : len;
    *text = slice_of(text->data + used, text->len - used);
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool begins_with(struct slice text, const char *start)
{
    const size_t len = strlen(start);
    return text.len >= len && strncasecmp((const char *)text.data, start, len) == 0;
}

bool ingest_reply_body(struct slice reply, struct slice *body)
{
    static const char version[] = "HTTP/1.x";
    struct slice line = next_line(&reply);
    if (!begins_with(line, "HTTP/1.") || line.len < sizeof version - 1 ||
        !begins_with(slice_of(line.data + sizeof version - 1, line.len - (sizeof version - 1)),
                     " 200"))
        return false;
    while (reply.len > 0) {
        line = next_line(&reply);
        if (begins_with(line, "transfer-encoding:"))
            return false;
        if (line.len == 0) {
            *body = reply;
            return true;
        }
    }
    return false;
}

enum status ingest_fetch(const struct ingest_address *address, struct buffer *reply,
                         struct slice *page, struct error *err)
{
    OWNED(close_exchange)
    struct exchange exchange = {.file = -1, .until_ms = clock_monotonic_ms() + INGEST_FETCH_MS};
    buffer_clear(reply);
    TRY(connect_to(&exchange, address, err));
    TRY(send_request(&exchange, address, err));
    TRY(read_reply(&exchange, reply, err));
    if (!ingest_reply_body(buffer_slice(reply), page))
        return error_set(err, STATUS_MISSING, "its answer is no page of metrics");
    return STATUS_OK;
}
