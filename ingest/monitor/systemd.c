/*
 * systemd.c - the notification protocol of systemd, by hand: it is one datagram.
 *
 * A failure is nobody's concern: whoever waits for the message has a timeout of its own.
 */
#include "ingest/monitor/monitor_internal.h"

#include "cli/clock.h"
#include "cli/quantity.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define STATUS_BYTES 512u

/* A path, or with '@' a name in the abstract namespace. */
static bool find_socket(struct sockaddr_un *address, socklen_t *len)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || (path[0] != '/' && path[0] != '@') || path[1] == '\0')
        return false;
    const size_t path_len = strlen(path);
    if (path_len >= sizeof address->sun_path)
        return false;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, path_len);
    if (path[0] == '@')
        address->sun_path[0] = '\0';
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len);
    return true;
}

static void notify(const char *text)
{
    struct sockaddr_un address;
    socklen_t len = 0;
    if (!find_socket(&address, &len))
        return;
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    // A receiver that does not read must not hold up the ingest.
    const struct timeval limit = {.tv_sec = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
    (void)close(fd);
}

void systemd_ready(void)
{
    notify("READY=1");
}

void systemd_reloading(void)
{
    char text[80];
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_monotonic_us());
    notify(text);
}

void systemd_stopping(void)
{
    notify("STOPPING=1");
}

void systemd_status(const char *text)
{
    char line[STATUS_BYTES];
    (void)snprintf(line, sizeof line, "STATUS=%s", text);
    // A line feed would begin another variable.
    for (char *at = line; *at; at++) {
        if ((unsigned char)*at < 0x20)
            *at = ' ';
    }
    notify(line);
}

/* --- the watchdog ---------------------------------------------------------------------------- */

/* 0: nobody watches, or another process is meant. */
static uint64_t watchdog_us(void)
{
    const char *interval = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    uint64_t us = 0;
    uint64_t meant = (uint64_t)getpid();
    if (!interval || !count_parse(interval, &us))
        return 0;
    if (pid && (!count_parse(pid, &meant) || meant != (uint64_t)getpid()))
        return 0;
    return us;
}

void systemd_watchdog(const struct ingest_metrics *metrics)
{
    static struct {
        int64_t fed_ms;
        uint64_t progress[PROGRESS_LOOPS];
    } last = {0};
    const uint64_t interval_us = watchdog_us();
    if (interval_us == 0)
        return;
    const int64_t now_ms = clock_monotonic_ms();
    if ((uint64_t)(now_ms - last.fed_ms) < interval_us / 2000)
        return;
    uint64_t progress[PROGRESS_LOOPS];
    for (size_t i = 0; i < PROGRESS_LOOPS; i++) {
        progress[i] = atomic_load_explicit(&metrics->progress[i], memory_order_relaxed);
        if (progress[i] == last.progress[i])
            return;
    }
    last.fed_ms = now_ms;
    memcpy(last.progress, progress, sizeof progress);
    notify("WATCHDOG=1");
}
