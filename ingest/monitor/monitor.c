/*
 * monitor.c - the endpoint's thread, with libmicrohttpd as a library that it calls.
 *
 *      poll(libmicrohttpd's epoll, wake) ─> MHD_run ─> reap ─> look at progress ─┐
 *        ^                                                                       │
 *        └───────────────────────────────────────────────────────────────────────┘
 *
 * libmicrohttpd could run a thread by itself, but knows only a limit on idleness: a client that
 * sends one byte now and then would keep its place for hours, and a few of them all places. So the
 * loop is ours, and ends every connection MONITOR_CONNECTION_MS_MAX after it was accepted.
 *
 * (1) Connections, answers and the watch belong to the thread; `wake` is how others reach it.
 * (2) A slot is taken from the library's "started" to its "closed"; there are as many slots as
 *     connections that it accepts.
 * (3) The thread blocks all signals.
 */
#include "ingest/monitor/monitor_internal.h"

#include "cli/clock.h"
#include "cli/signals.h"
#include "engine/base/mem.h"
#include "ingest/log/log.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TURN_MS 1000 /* how often it looks around when nobody asks */

struct connection_slot {
    int fd; /* the library's; -1: free */
    int64_t began_ms;
};

struct monitor {
    struct MHD_Daemon *daemon; /* owned; owns the listening socket, too */
    struct answers answers;
    struct connection_slot slots[MONITOR_CONNECTIONS_MAX];
    bool has_closed; /* since the last turn */
    int wake;        /* eventfd: end */
    uint16_t port;
    pthread_t thread;
};

/* --- connections ----------------------------------------------------------------------------- */

static struct connection_slot *free_slot(struct monitor *monitor)
{
    for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
        if (monitor->slots[i].fd < 0)
            return &monitor->slots[i];
    }
    return NULL;
}

static void connection_changed(void *context, struct MHD_Connection *connection,
                               void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    struct monitor *monitor = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct connection_slot *slot = *socket_context;
        if (slot)
            slot->fd = -1;
        monitor->has_closed = true;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection_slot *slot = free_slot(monitor);
    assert(slot);
    if (!slot || !info)
        return;
    *slot = (struct connection_slot){.fd = info->connect_fd, .began_ms = clock_monotonic_ms()};
    *socket_context = slot;
}

/* The library then finds the connection closed, and frees it. */
static void reap(struct monitor *monitor, int64_t now_ms)
{
    for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
        const struct connection_slot *slot = &monitor->slots[i];
        if (slot->fd >= 0 && now_ms - slot->began_ms > MONITOR_CONNECTION_MS_MAX)
            (void)shutdown(slot->fd, SHUT_RDWR);
    }
}

/* --- the thread ------------------------------------------------------------------------------ */

/* At its limit the library listens again only in the turn after the one that freed a place. */
static int turn_ms(struct monitor *monitor)
{
    const bool has_closed = monitor->has_closed;
    monitor->has_closed = false;
    if (has_closed)
        return 0;
    MHD_UNSIGNED_LONG_LONG timeout = 0;
    if (MHD_get_timeout(monitor->daemon, &timeout) != MHD_YES || timeout > TURN_MS)
        return TURN_MS;
    return (int)timeout;
}

static void *run(void *context)
{
    struct monitor *monitor = context;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(monitor->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd waits[] = {
        {.fd = info ? info->epoll_fd : -1, .events = POLLIN},
        {.fd = monitor->wake, .events = POLLIN},
    };
    while (waits[1].revents == 0) {
        if (poll(waits, 2, turn_ms(monitor)) < 0 && errno != EINTR)
            break;
        (void)MHD_run(monitor->daemon);
        const int64_t now_ms = clock_monotonic_ms();
        reap(monitor, now_ms);
        (void)progress_watch_look(&monitor->answers.watch, monitor->answers.metrics, now_ms);
    }
    return NULL;
}

/* --- open and close -------------------------------------------------------------------------- */

/* Takes `fd` over in any case. */
static enum status start_daemon(struct monitor *monitor, int fd, struct error *err)
{
    monitor->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, answer_request, &monitor->answers, MHD_OPTION_LISTEN_SOCKET,
        fd, MHD_OPTION_CONNECTION_LIMIT, MONITOR_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)MONITOR_CONNECTION_MS_MAX / 1000, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)MONITOR_CONNECTION_BYTES_MAX, MHD_OPTION_NOTIFY_CONNECTION, connection_changed,
        monitor, MHD_OPTION_END);
    if (monitor->daemon)
        return STATUS_OK;
    (void)close(fd);
    return error_set(err, STATUS_CONFIG, "cannot start the HTTP endpoint");
}

static void release(struct monitor *monitor)
{
    if (monitor->daemon)
        MHD_stop_daemon(monitor->daemon);
    if (monitor->wake >= 0)
        (void)close(monitor->wake);
    buffer_release(&monitor->answers.page);
    mem_free(monitor);
}

static enum status start(struct monitor *monitor, const char *listen, struct error *err)
{
    struct listen_address address;
    TRY(listen_address_parse(&address, listen, err));
    int fd = -1;
    TRY(listen_open(&address, listen, &fd, &monitor->port, err));
    TRY(start_daemon(monitor, fd, err));
    monitor->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (monitor->wake < 0)
        return error_set_errno(err, STATUS_IO, errno, "the HTTP endpoint");
    const int reason = signals_thread_create(&monitor->thread, run, monitor);
    if (reason != 0)
        return error_set_errno(err, STATUS_IO, reason, "the HTTP endpoint");
    if (!address.is_loopback)
        log_warning("the metrics endpoint can be reached from other machines",
                    LOG_TEXT("address", listen));
    return STATUS_OK;
}

enum status monitor_open(struct monitor **monitor, const char *listen,
                         const struct ingest_metrics *metrics, struct error *err)
{
    *monitor = NULL;
    struct monitor *opened = mem_alloc_zeroed(1, sizeof *opened);
    if (!opened)
        return error_set(err, STATUS_NOMEM, "no memory for the HTTP endpoint");
    opened->wake = -1;
    for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++)
        opened->slots[i].fd = -1;
    opened->answers.metrics = metrics;
    progress_watch_begin(&opened->answers.watch, clock_monotonic_ms());
    const enum status status = start(opened, listen, err);
    if (status != STATUS_OK) {
        release(opened);
        return status;
    }
    *monitor = opened;
    return STATUS_OK;
}

void monitor_close(struct monitor *monitor)
{
    if (!monitor)
        return;
    const uint64_t one = 1;
    while (write(monitor->wake, &one, sizeof one) < 0 && errno == EINTR) {
    }
    (void)pthread_join(monitor->thread, NULL);
    release(monitor);
}

uint16_t monitor_port(const struct monitor *monitor)
{
    return monitor->port;
}
