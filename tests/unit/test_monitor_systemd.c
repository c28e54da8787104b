/*
 * test_monitor_systemd.c - what systemd is told, by a socket that stands in for it.
 */
#include "ingest/monitor/monitor.h"

#include "cli/clock.h"
#include "ingest/monitor/monitor_internal.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static struct ingest_metrics metrics;

struct systemd {
    int fd;
    char folder[64];
    char path[108]; /* value of NOTIFY_SOCKET */
};

static void open_systemd(struct systemd *systemd, bool is_abstract)
{
    *systemd = (struct systemd){.folder = "/tmp/mnsdb-notify-XXXXXX"};
    assert_non_null(mkdtemp(systemd->folder));
    (void)snprintf(systemd->path, sizeof systemd->path, "%s%s/notify", is_abstract ? "@" : "",
                   systemd->folder);
    systemd->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(systemd->fd >= 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, systemd->path, strlen(systemd->path));
    if (is_abstract)
        address.sun_path[0] = '\0';
    const socklen_t len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(systemd->path));
    assert_int_equal(bind(systemd->fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", systemd->path, 1), 0);
}

static void close_systemd(struct systemd *systemd)
{
    (void)unsetenv("NOTIFY_SOCKET");
    (void)close(systemd->fd);
    if (systemd->path[0] == '/')
        (void)unlink(systemd->path);
    (void)rmdir(systemd->folder);
}

static bool has_message(const struct systemd *systemd)
{
    struct pollfd wait = {.fd = systemd->fd, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

static void expect(const struct systemd *systemd, const char *text)
{
    char got[1024];
    assert_true(has_message(systemd));
    const ssize_t len = recv(systemd->fd, got, sizeof got - 1, 0);
    assert_true(len > 0);
    got[len] = '\0';
    assert_string_equal(got, text);
    assert_false(has_message(systemd));
}

static void tell_and_expect(const struct systemd *systemd)
{
    systemd_ready();
    expect(systemd, "READY=1");
    systemd_stopping();
    expect(systemd, "STOPPING=1");
    systemd_status("3 waiting\nREADY=0");
    expect(systemd, "STATUS=3 waiting READY=0");
}

static void a_socket_in_the_file_system_is_told(void **state)
{
    (void)state;
    struct systemd systemd;
    open_systemd(&systemd, false);
    tell_and_expect(&systemd);
    close_systemd(&systemd);
}

static void an_abstract_socket_is_told(void **state)
{
    (void)state;
    struct systemd systemd;
    open_systemd(&systemd, true);
    tell_and_expect(&systemd);
    close_systemd(&systemd);
}

static void a_reload_tells_when_it_began(void **state)
{
    (void)state;
    struct systemd systemd;
    open_systemd(&systemd, false);
    systemd_reloading();
    char got[256];
    const ssize_t len = recv(systemd.fd, got, sizeof got - 1, 0);
    assert_true(len > 0);
    got[len] = '\0';
    static const char begins[] = "RELOADING=1\nMONOTONIC_USEC=";
    assert_memory_equal(got, begins, sizeof begins - 1);
    const unsigned long long us = strtoull(got + sizeof begins - 1, NULL, 10);
    assert_true(us > 0 && us <= (unsigned long long)(clock_monotonic_ms() + 1) * 1000);
    close_systemd(&systemd);
}

static void without_systemd_nothing_happens(void **state)
{
    (void)state;
    (void)unsetenv("NOTIFY_SOCKET");
    systemd_ready();
    static const char *const odd[] = {"", "@", "/", "relative", "/nowhere/notify", "vsock:2:1"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", odd[i], 1), 0);
        systemd_ready();
    }
    char longest[512];
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(setenv("NOTIFY_SOCKET", longest, 1), 0);
    systemd_ready();
    (void)unsetenv("NOTIFY_SOCKET");
}

static void only_progress_feeds_the_watchdog(void **state)
{
    (void)state;
    struct systemd systemd;
    open_systemd(&systemd, false);
    assert_int_equal(setenv("WATCHDOG_USEC", "1", 1), 0); // half of it is always over
    systemd_watchdog(&metrics);
    assert_false(has_message(&systemd));
    metrics_add(&metrics.progress[PROGRESS_NETWORK], 1);
    systemd_watchdog(&metrics);
    assert_false(has_message(&systemd)); // the other loop has not moved
    metrics_add(&metrics.progress[PROGRESS_COMMITS], 1);
    systemd_watchdog(&metrics);
    expect(&systemd, "WATCHDOG=1");
    systemd_watchdog(&metrics);
    assert_false(has_message(&systemd));

    metrics_add(&metrics.progress[PROGRESS_NETWORK], 1);
    metrics_add(&metrics.progress[PROGRESS_COMMITS], 1);
    assert_int_equal(setenv("WATCHDOG_USEC", "3600000000", 1), 0); // half an hour is not over
    systemd_watchdog(&metrics);
    assert_false(has_message(&systemd));
    assert_int_equal(setenv("WATCHDOG_USEC", "1", 1), 0);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0); // another process is watched
    systemd_watchdog(&metrics);
    assert_false(has_message(&systemd));
    (void)unsetenv("WATCHDOG_PID");
    assert_int_equal(setenv("WATCHDOG_USEC", "nonsense", 1), 0);
    systemd_watchdog(&metrics);
    assert_false(has_message(&systemd));
    (void)unsetenv("WATCHDOG_USEC");
    close_systemd(&systemd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_in_the_file_system_is_told),
        cmocka_unit_test(an_abstract_socket_is_told),
        cmocka_unit_test(a_reload_tells_when_it_began),
        cmocka_unit_test(without_systemd_nothing_happens),
        cmocka_unit_test(only_progress_feeds_the_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
