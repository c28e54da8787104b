/*
 * poller.h - which of libcurl's sockets are ready: epoll and a descriptor to wake it by.
 *
 * libcurl says after each transfer that it no longer watches a socket and says at the next one
 * on the same kept-alive connection that it does again. Registrations are therefore left in place
 * until an event shows that nobody wants them: two system calls less for each request.
 *
 *      registered   what epoll knows
 *      wanted       what libcurl asked for last
 *
 * (1) registered holds for descriptors that libcurl opened through poller_socket_opened and closes
 *     through poller_socket_closed: only of these is it known when the number means another socket.
 *     All others (and numbers over POLLER_SOCKETS) are registered and removed as libcurl says.
 *
 * Life cycle: open -> (watch | wait)* -> close.
 * Threads:    one, but for poller_wake.
 */
#ifndef MNSDB_INGEST_TRANSPORT_POLLER_H
#define MNSDB_INGEST_TRANSPORT_POLLER_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define POLLER_SOCKETS    1024
#define POLLER_EVENTS_MAX 64

#define POLLER_READ  1u
#define POLLER_WRITE 2u
#define POLLER_ERROR 4u

struct poller_socket {
    bool is_known; /* opened and closed before our eyes */
    uint8_t registered;
    uint8_t wanted;
};

struct poller {
    int epoll_fd;
    int wake_fd;
    struct poller_socket sockets[POLLER_SOCKETS];
};

struct poller_event {
    int fd;
    unsigned ready; /* POLLER_... */
};

MUST_CHECK enum status poller_open(struct poller *poller, struct error *err);
void poller_close(struct poller *poller);

void poller_socket_opened(struct poller *poller, int fd);
void poller_socket_closed(struct poller *poller, int fd);

/* From now on `events` of this socket are looked for; 0: none. False: the system refused. */
MUST_CHECK bool poller_watch(struct poller *poller, int fd, unsigned events);

/*
 * Waits for up to `wait_ms` and fills `events`. `*interrupted`: a signal or poller_wake ended
 * the wait, whatever else was ready.
 */
MUST_CHECK enum status poller_wait(struct poller *poller, int wait_ms,
                                   struct poller_event events[POLLER_EVENTS_MAX],
                                   unsigned *event_count, bool *interrupted, struct error *err);

void poller_wake(const struct poller *poller);

#endif
