/*
 * server.c - listening and the loop; see server.h.
 *
 *      wait for sockets or the next timer
 *      -> requests are read and performed (http_exchange.c)
 *      -> those whose delay or wait is over, and those for whom there are messages now
 *      -> the journal is flushed, once for all of them
 *      -> their connections go on
 *
 * The HTTP library runs inside this loop (its epoll descriptor is waited for), so that one thread
 * does everything and nothing is locked. While the journal is synced, requests collect in the
 * sockets: the next turn takes them all, and they share the next sync.
 */
#include "bench/localqueue/server_internal.h"

#include "cli/clock.h"
#include "cli/signals.h"
#include "engine/base/mem.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX   1000u
#define CONNECTION_BYTES  ((size_t)32 << 10) /* for headers; cleared for every request */
#define CONNECTION_IDLE_S 120u
#define BACKLOG           512

static int64_t utc_ms(const struct server *server)
{
    return clock_utc_ms() + server->config->faults.clock_offset_ms;
}

static void read_clocks(struct server *server)
{
    server->now_ms = utc_ms(server);
    server->monotonic_ms = clock_monotonic_ms();
}

/* A listening socket on 127.0.0.1, and the port that it got. */
static enum status listen_loopback(uint16_t port, int *file, uint16_t *bound, struct error *err)
{
    const int enabled = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t address_len = sizeof address;
    const int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (opened < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot make a socket");
    if (setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &enabled, sizeof enabled) != 0 ||
        bind(opened, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(opened, BACKLOG) != 0 ||
        getsockname(opened, (struct sockaddr *)&address, &address_len) != 0) {
        const int failure = errno;
        close(opened);
        return error_set_errno(err, STATUS_CONFIG, failure, "cannot listen on 127.0.0.1 port %u",
                               (unsigned)port);
    }
    *file = opened;
    *bound = ntohs(address.sin_port);
    return STATUS_OK;
}

static enum status start_http(struct server *server, struct error *err)
{
    int file = -1;
    uint16_t port = 0;
    TRY(listen_loopback(server->config->port, &file, &port, err));
    (void)snprintf(server->endpoint, sizeof server->endpoint, "http://127.0.0.1:%u",
                   (unsigned)port);
    const unsigned flags = (unsigned)MHD_USE_EPOLL | (unsigned)MHD_ALLOW_SUSPEND_RESUME |
                           (unsigned)MHD_USE_SUPPRESS_DATE_NO_CLOCK | (unsigned)MHD_USE_TURBO;
    server->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, http_exchange_handle, server,       /* */
                         MHD_OPTION_LISTEN_SOCKET, file,                           /* */
                         MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,             /* */
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,     /* */
                         MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_IDLE_S,         /* */
                         MHD_OPTION_STRICT_FOR_CLIENT, -1,                         /* */
                         MHD_OPTION_URI_LOG_CALLBACK, http_exchange_begin, server, /* */
                         MHD_OPTION_NOTIFY_COMPLETED, http_exchange_end, server, MHD_OPTION_END);
    if (!server->daemon) {
        close(file);
        return error_set(err, STATUS_IO, "the HTTP library does not start");
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return error_set(err, STATUS_IO, "the HTTP library has no descriptor to wait for");
    server->epoll = info->epoll_fd;
    return STATUS_OK;
}

static enum status provide_queues(struct server *server, struct error *err)
{
    const struct server_config *config = server->config;
    for (size_t i = 0; i < config->queue_count; i++)
        TRY(perform_provide_queue(&server->performer, slice_of_text(config->queues[i]),
                                  &config->attributes, server->now_ms, err));
    return journal_flush(server->journal, &server->broker, err);
}

static enum status start(struct server *server, struct error *err)
{
    const struct server_config *config = server->config;
    uint64_t seeds[2] = {0};
    if (getrandom(seeds, sizeof seeds, 0) != (ssize_t)sizeof seeds)
        return error_set_errno(err, STATUS_IO, errno, "cannot draw random numbers");
    read_clocks(server);
    server->request_seed = seeds[0];
    server->date_s = -1;
    faults_init(&server->faults, &config->faults, server->now_ms);
    authenticator_init(&server->authenticator, config->key_id, config->secret);
    broker_init(&server->broker);
    if (config->faults.reorder_window > 0) {
        server->broker.shuffle = &server->faults.shuffle;
        server->broker.shuffle_window = config->faults.reorder_window;
    }
    TRY(xml_open(&server->parser, err));
    if (config->dir)
        TRY(journal_open(&server->journal, config->dir, &server->broker, &server->dropped_bytes,
                         err));
    server->performer = (struct performer){
        .broker = &server->broker,
        .faults = &server->faults,
        .journal = server->journal,
        .keys = {seeds[1]},
        .bytes_max = config->bytes_max,
        .polls_max = config->polls_max,
    };
    TRY(provide_queues(server, err));
    return start_http(server, err);
}

enum status server_open(struct server **server, const struct server_config *config,
                        struct error *err)
{
    struct server *opened = mem_alloc_zeroed(1, sizeof *opened);
    if (!opened)
        return error_set(err, STATUS_NOMEM, "no memory for a server");
    opened->config = config;
    const enum status status = start(opened, err);
    if (status != STATUS_OK) {
        server_close(opened);
        return status;
    }
    *server = opened;
    return STATUS_OK;
}

const char *server_endpoint(const struct server *server)
{
    return server->endpoint;
}

uint64_t server_dropped_bytes(const struct server *server)
{
    return server->dropped_bytes;
}

static void fire_timers(struct server *server)
{
    struct timer *timer = NULL;
    while ((timer = timers_due(&server->timers, server->monotonic_ms))) {
        struct http_exchange *exchange = TIMER_OWNER(timer, struct http_exchange, timer);
        if (exchange->state == EXCHANGE_DELAYED)
            http_exchange_wake(exchange);
        else
            http_exchange_serve(exchange);
    }
}

/* Gives messages to those who wait for them, the longest first. */
static void serve_waiters(struct server *server)
{
    struct waiter *orphan = NULL;
    while ((orphan = broker_take_orphan(&server->broker)))
        http_exchange_serve(TIMER_OWNER(orphan, struct http_exchange, waiter));
    if (server->broker.waiter_count == 0)
        return;
    for (size_t i = 0; i < server->broker.count; i++) {
        struct named_queue *queue = server->broker.queues[i];
        if (!queue->first_waiter)
            continue;
        message_queue_advance(&queue->queue, server->now_ms);
        while (queue->first_waiter && queue->queue.visible_count > 0)
            http_exchange_serve(TIMER_OWNER(queue->first_waiter, struct http_exchange, waiter));
    }
}

static void resume_ready(struct server *server)
{
    while (server->ready) {
        struct http_exchange *exchange = server->ready;
        server->ready = exchange->next_ready;
        exchange->is_suspended = false;
        MHD_resume_connection(exchange->connection);
        server->has_resumed = true;
    }
}

/* INT32_MAX at most, which stands for ever. */
static int64_t time_left_ms(int64_t due_ms, int64_t now_ms)
{
    if (due_ms <= now_ms)
        return 0;
    const int64_t left_ms = due_ms - now_ms;
    return due_ms != TIME_NEVER && left_ms < INT32_MAX ? left_ms : INT32_MAX;
}

/* How long to wait for sockets: -1, without a limit. */
static int patience_ms(const struct server *server)
{
    if (server->has_resumed)
        return 0;
    int64_t wait_ms = time_left_ms(timers_next_ms(&server->timers), clock_monotonic_ms());
    if (server->broker.waiter_count > 0) {
        const int64_t left_ms = time_left_ms(broker_next_ms(&server->broker), utc_ms(server));
        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
    MHD_UNSIGNED_LONG_LONG http_ms = 0;
    if (MHD_get_timeout(server->daemon, &http_ms) == MHD_YES && http_ms < (uint64_t)wait_ms)
        wait_ms = (int64_t)http_ms;
    return wait_ms >= INT32_MAX ? -1 : (int)wait_ms;
}

static enum status turn(struct server *server, struct error *err)
{
    struct pollfd files[] = {
        {.fd = server->epoll, .events = POLLIN},
        {.fd = signals_fd(), .events = POLLIN},
    };
    const int wait_ms = patience_ms(server);
    if (poll(files, 2, wait_ms) < 0 && errno != EINTR)
        return error_set_errno(err, STATUS_IO, errno, "cannot wait for requests");
    read_clocks(server);
    server->has_resumed = false;
    if (MHD_run(server->daemon) != MHD_YES)
        return error_set(err, STATUS_IO, "the HTTP library refuses to run");
    fire_timers(server);
    serve_waiters(server);
    TRY(journal_flush(server->journal, &server->broker, err));
    resume_ready(server);
    return STATUS_OK;
}

enum status server_run(struct server *server, struct error *err)
{
    while (!signals_received())
        TRY(turn(server, err));
    return STATUS_OK;
}

/* The library does not stop while connections are suspended. */
static void stop_http(struct server *server)
{
    if (!server->daemon)
        return;
    server->is_closing = true;
    for (struct http_exchange *exchange = server->live; exchange; exchange = exchange->after) {
        if (exchange->is_suspended)
            MHD_resume_connection(exchange->connection);
        exchange->is_suspended = false;
    }
    (void)MHD_run(server->daemon);
    MHD_stop_daemon(server->daemon);
}

void server_close(struct server *server)
{
    if (!server)
        return;
    stop_http(server);
    journal_close(server->journal);
    while (server->unused) {
        struct http_exchange *exchange = server->unused;
        server->unused = exchange->after;
        http_exchange_free(exchange);
    }
    assert(!server->live);
    timers_release(&server->timers);
    authenticator_release(&server->authenticator);
    broker_release(&server->broker);
    xml_close(server->parser);
    mem_free(server);
}
