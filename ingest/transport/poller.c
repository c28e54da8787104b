/*
 * poller.c - epoll for libcurl's sockets; see poller.h.
 */
#include "ingest/transport/poller.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Of each event epoll hands back the descriptor. */
static struct epoll_event event_for(int fd, unsigned events)
{
    struct epoll_event event = {.data.fd = fd};
    if (events & POLLER_READ)
        event.events |= EPOLLIN;
    if (events & POLLER_WRITE)
        event.events |= EPOLLOUT;
    return event;
}

static bool add(const struct poller *poller, int fd, unsigned events)
{
    struct epoll_event event = event_for(fd, events);
    if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
        return true;
    return errno == ENOENT && epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* A descriptor that is closed already is out of epoll anyway. */
static void drop(const struct poller *poller, int fd)
{
    (void)epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

enum status poller_open(struct poller *poller, struct error *err)
{
    *poller = (struct poller){.epoll_fd = -1, .wake_fd = -1};
    poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->epoll_fd < 0)
        return error_set_errno(err, STATUS_IO, errno, "transport: epoll");
    poller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (poller->wake_fd < 0 || !add(poller, poller->wake_fd, POLLER_READ)) {
        const int cause = errno;
        poller_close(poller);
        return error_set_errno(err, STATUS_IO, cause, "transport: eventfd");
    }
    return STATUS_OK;
}

void poller_close(struct poller *poller)
{
    if (poller->wake_fd >= 0)
        (void)close(poller->wake_fd);
    if (poller->epoll_fd >= 0)
        (void)close(poller->epoll_fd);
    poller->wake_fd = -1;
    poller->epoll_fd = -1;
}

void poller_socket_opened(struct poller *poller, int fd)
{
    if (fd < POLLER_SOCKETS)
        poller->sockets[fd] = (struct poller_socket){.is_known = true};
}

void poller_socket_closed(struct poller *poller, int fd)
{
    if (fd < POLLER_SOCKETS)
        poller->sockets[fd] = (struct poller_socket){0};
}

static bool is_known(const struct poller *poller, int fd)
{
    return fd < POLLER_SOCKETS && poller->sockets[fd].is_known;
}

bool poller_watch(struct poller *poller, int fd, unsigned events)
{
    assert(fd >= 0);
    if (is_known(poller, fd)) {
        struct poller_socket *socket = &poller->sockets[fd];
        socket->wanted = (uint8_t)events;
        if (events == 0 || events == socket->registered)
            return true;
        socket->registered = (uint8_t)events;
        return add(poller, fd, events);
    }
    if (events != 0)
        return add(poller, fd, events);
    drop(poller, fd);
    return true;
}

/* False for an event that nobody wants: its registration had been left in place. */
static bool is_wanted(struct poller *poller, int fd)
{
    if (!is_known(poller, fd) || poller->sockets[fd].wanted != 0)
        return true;
    drop(poller, fd);
    poller->sockets[fd].registered = 0;
    return false;
}

static unsigned ready_of(uint32_t epoll_events)
{
    unsigned ready = 0;
    if (epoll_events & (EPOLLIN | EPOLLHUP))
        ready |= POLLER_READ;
    if (epoll_events & EPOLLOUT)
        ready |= POLLER_WRITE;
    if (epoll_events & EPOLLERR)
        ready |= POLLER_ERROR;
    return ready;
}

enum status poller_wait(struct poller *poller, int wait_ms,
                        struct poller_event events[POLLER_EVENTS_MAX], unsigned *event_count,
                        bool *interrupted, struct error *err)
{
    struct epoll_event raised[POLLER_EVENTS_MAX];
    *event_count = 0;
    *interrupted = false;
    const int count = epoll_wait(poller->epoll_fd, raised, POLLER_EVENTS_MAX, wait_ms);
    if (count < 0 && errno != EINTR)
        return error_set_errno(err, STATUS_IO, errno, "transport: epoll_wait");
    *interrupted = count < 0;
    for (int i = 0; i < count; i++) {
        const int fd = raised[i].data.fd;
        if (fd == poller->wake_fd) {
            uint64_t wakes = 0;
            *interrupted = read(fd, &wakes, sizeof wakes) == (ssize_t)sizeof wakes || *interrupted;
        } else if (is_wanted(poller, fd)) {
            events[*event_count] =
                (struct poller_event){.fd = fd, .ready = ready_of(raised[i].events)};
            *event_count += 1;
        }
    }
    return STATUS_OK;
}

void poller_wake(const struct poller *poller)
{
    const uint64_t one = 1;
    /* It fails only when the counter is full: then a wake is pending anyway. */
    const ssize_t written = write(poller->wake_fd, &one, sizeof one);
    (void)written;
}
