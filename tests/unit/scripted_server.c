/*
 * scripted_server.c - one thread, poll() over all connections; see scripted_server.h.
 *
 * Its memory comes from the C library: engine/base/mem.h counts for one thread only.
 */
#include "tests/unit/scripted_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 128u
#define REQUESTS_MAX    4096u
#define REQUEST_BYTES   (64u << 10)
#define DRIP_MS         20

struct connection {
    int fd;
    char *input; /* owned; of the request that is coming in */
    size_t input_len;
    const struct script_reply *reply; /* that is still going on; NULL: none */
};

struct scripted_server {
    const struct script_reply *replies;
    size_t reply_count;
    char base[64];
    unsigned port;
    int listener;
    int control; /* an eventfd: look at what the test wants */
    pthread_t thread;
    struct connection connections[CONNECTIONS_MAX]; /* the thread's */
    size_t connection_count;

    pthread_mutex_t lock; /* of all below */
    bool stop;
    bool drop_idle;
    unsigned accepted;
    unsigned request_count;
    char *requests[REQUESTS_MAX]; /* owned */
};

/* A test's server that cannot work is a test that cannot: loud and at once. */
static void need(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    abort();
}

static void send_text(const struct connection *connection, const char *text)
{
    /* The other side may be gone: that is what some tests are about. */
    const ssize_t sent = send(connection->fd, text, strlen(text), MSG_NOSIGNAL);
    (void)sent;
}

static void drop(struct scripted_server *server, size_t at)
{
    (void)close(server->connections[at].fd);
    free(server->connections[at].input);
    server->connection_count--;
    server->connections[at] = server->connections[server->connection_count];
}

static void accept_one(struct scripted_server *server)
{
    const int fd = accept(server->listener, NULL, NULL);
    need(fd >= 0, "accept");
    need(server->connection_count < CONNECTIONS_MAX, "too many connections");
    char *input = calloc(1, REQUEST_BYTES);
    need(input != NULL, "memory");
    server->connections[server->connection_count] = (struct connection){.fd = fd, .input = input};
    server->connection_count++;
    (void)pthread_mutex_lock(&server->lock);
    server->accepted++;
    (void)pthread_mutex_unlock(&server->lock);
}

/* The length of the whole request at the beginning of the input, 0 while it is not all there. */
static size_t request_len(const struct connection *connection)
{
    const char *end = strstr(connection->input, "\r\n\r\n");
    if (!end)
        return 0;
    const char *field = strstr(connection->input, "Content-Length: ");
    const size_t head_len = (size_t)(end - connection->input) + 4;
    const size_t body_len = field && field < end ? strtoul(field + 16, NULL, 10) : 0;
    return connection->input_len >= head_len + body_len ? head_len + body_len : 0;
}

static const struct script_reply *next_reply(struct scripted_server *server, const char *request,
                                             size_t len)
{
    (void)pthread_mutex_lock(&server->lock);
    const unsigned index = server->request_count++;
    need(index < REQUESTS_MAX, "too many requests");
    server->requests[index] = strndup(request, len);
    (void)pthread_mutex_unlock(&server->lock);
    return &server->replies[index < server->reply_count ? index : server->reply_count - 1];
}

/* False: the connection is to be closed. */
static bool answer(struct scripted_server *server, struct connection *connection, size_t len)
{
    const struct script_reply *reply = next_reply(server, connection->input, len);
    memmove(connection->input, connection->input + len, REQUEST_BYTES - len);
    connection->input_len -= len;
    send_text(connection, reply->text);
    if (reply->end == SCRIPT_RESET) {
        const struct linger now = {.l_onoff = 1};
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    if (reply->end != SCRIPT_KEEP)
        connection->reply = reply;
    return reply->end != SCRIPT_CLOSE && reply->end != SCRIPT_RESET;
}

static bool take_input(struct scripted_server *server, struct connection *connection)
{
    const size_t room = REQUEST_BYTES - 1 - connection->input_len;
    need(room > 0, "request too long");
    const ssize_t got = recv(connection->fd, connection->input + connection->input_len, room, 0);
    if (got <= 0)
        return false;
    connection->input_len += (size_t)got;
    for (size_t len = request_len(connection); len > 0; len = request_len(connection)) {
        if (!answer(server, connection, len))
            return false;
    }
    return true;
}

static short events_of(const struct connection *connection)
{
    const bool is_flooding = connection->reply && connection->reply->end == SCRIPT_FLOOD;
    return is_flooding ? POLLIN | POLLOUT : POLLIN;
}

/* What goes on without the client doing anything. */
static void go_on(struct connection *connection, bool is_writable)
{
    const struct script_reply *reply = connection->reply;
    if (!reply)
        return;
    if (reply->end == SCRIPT_DRIP || (reply->end == SCRIPT_FLOOD && is_writable))
        send_text(connection, reply->drip);
}

static void serve(struct scripted_server *server, const struct pollfd *ready)
{
    for (size_t at = server->connection_count; at-- > 0;) {
        struct connection *connection = &server->connections[at];
        const short events = ready[at + 2].revents;
        bool is_alive = true;
        if (events & (POLLIN | POLLHUP | POLLERR))
            is_alive = take_input(server, connection);
        if (is_alive)
            go_on(connection, (events & POLLOUT) != 0);
        else
            drop(server, at);
    }
}

/* What the test wants; false: the end. */
static bool obey(struct scripted_server *server)
{
    uint64_t wishes = 0;
    const ssize_t got = read(server->control, &wishes, sizeof wishes);
    need(got == (ssize_t)sizeof wishes, "control");
    (void)pthread_mutex_lock(&server->lock);
    const bool goes_on = !server->stop;
    if (server->drop_idle) {
        while (server->connection_count > 0)
            drop(server, 0);
    }
    server->drop_idle = false;
    (void)pthread_mutex_unlock(&server->lock);
    return goes_on;
}

static void *run(void *context)
{
    struct scripted_server *server = context;
    struct pollfd fds[CONNECTIONS_MAX + 2];
    bool goes_on = true;
    while (goes_on) {
        fds[0] = (struct pollfd){.fd = server->control, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        const size_t count = server->connection_count;
        for (size_t i = 0; i < count; i++)
            fds[i + 2] = (struct pollfd){.fd = server->connections[i].fd,
                                         .events = events_of(&server->connections[i])};
        need(poll(fds, count + 2, DRIP_MS) >= 0, "poll");
        serve(server, fds);
        if (fds[1].revents)
            accept_one(server);
        if (fds[0].revents)
            goes_on = obey(server);
    }
    while (server->connection_count > 0)
        drop(server, 0);
    return NULL;
}

static void wish(struct scripted_server *server)
{
    const uint64_t one = 1;
    need(write(server->control, &one, sizeof one) == (ssize_t)sizeof one, "control");
}

struct scripted_server *scripted_server_start(const struct script_reply *replies, size_t count)
{
    struct scripted_server *server = calloc(1, sizeof *server);
    need(server != NULL, "memory");
    server->replies = replies;
    server->reply_count = count;
    (void)pthread_mutex_init(&server->lock, NULL);
    server->control = eventfd(0, EFD_CLOEXEC);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(server->listener >= 0 && server->control >= 0, "socket");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    need(bind(server->listener, (struct sockaddr *)&address, len) == 0, "bind");
    need(getsockname(server->listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    need(listen(server->listener, CONNECTIONS_MAX) == 0, "listen");
    server->port = ntohs(address.sin_port);
    (void)snprintf(server->base, sizeof server->base, "http://127.0.0.1:%u", server->port);
    need(pthread_create(&server->thread, NULL, run, server) == 0, "thread");
    return server;
}

void scripted_server_stop(struct scripted_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    server->stop = true;
    (void)pthread_mutex_unlock(&server->lock);
    wish(server);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->listener);
    (void)close(server->control);
    for (unsigned i = 0; i < server->request_count; i++)
        free(server->requests[i]);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}

const char *scripted_server_base(const struct scripted_server *server)
{
    return server->base;
}

unsigned scripted_server_port(const struct scripted_server *server)
{
    return server->port;
}

unsigned scripted_server_requests(struct scripted_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    const unsigned count = server->request_count;
    (void)pthread_mutex_unlock(&server->lock);
    return count;
}

unsigned scripted_server_connections(struct scripted_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    const unsigned count = server->accepted;
    (void)pthread_mutex_unlock(&server->lock);
    return count;
}

const char *scripted_server_request(struct scripted_server *server, unsigned index)
{
    (void)pthread_mutex_lock(&server->lock);
    const char *request = index < server->request_count ? server->requests[index] : "";
    (void)pthread_mutex_unlock(&server->lock);
    return request;
}

void scripted_server_drop_idle(struct scripted_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    server->drop_idle = true;
    (void)pthread_mutex_unlock(&server->lock);
    wish(server);
    for (;;) {
        (void)pthread_mutex_lock(&server->lock);
        const bool is_done = !server->drop_idle;
        (void)pthread_mutex_unlock(&server->lock);
        if (is_done)
            return;
        const struct timespec little = {.tv_nsec = 1000000};
        (void)nanosleep(&little, NULL);
    }
}
