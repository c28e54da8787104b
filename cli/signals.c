/*
 * signals.c - see signals.h. Handlers are installed without SA_RESTART: a blocking read
 * returns with EINTR.
 */
#include "cli/signals.h"

#include "cli/exit_code.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static atomic_int first_signal;
static atomic_long first_signal_s; /* of the monotonic clock */
static int event_file = -1;

static long monotonic_s(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec;
}

static void on_signal(int signal_number)
{
    const int errno_before = errno;
    int none = 0;
    if (atomic_compare_exchange_strong(&first_signal, &none, signal_number)) {
        atomic_store(&first_signal_s, monotonic_s());
        const uint64_t one = 1;
        const ssize_t written = write(event_file, &one, sizeof one);
        (void)written;
    } else if (monotonic_s() - atomic_load(&first_signal_s) > 1) {
        _exit((int)EXIT_CODE_SIGNAL + signal_number);
    }
    errno = errno_before;
}

void signals_install(void)
{
    if (event_file < 0)
        event_file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);

    struct sigaction hangup = {0};
    (void)sigaction(SIGHUP, NULL, &hangup);
    if (hangup.sa_handler != SIG_IGN)
        (void)sigaction(SIGHUP, &action, NULL);
}

int signals_received(void)
{
    return atomic_load(&first_signal);
}

int signals_fd(void)
{
    return event_file;
}
