/*
 * signals.c - see signals.h. Handlers are installed without SA_RESTART: a blocking read
 * returns with EINTR.
 */
#include "cli/signals.h"

#include "cli/clock.h"
#include "cli/exit_code.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SECOND_SIGNAL_MS 1000 /* nearer ones are the first, sent twice */

static_assert(LONG_MAX >= INT64_MAX, "a long holds milliseconds");

static atomic_int first_signal;
static atomic_long first_signal_ms; /* of the monotonic clock; set before first_signal */
static int event_file = -1;
static atomic_uint hangups;
static int hangup_file = -1;

static void make_readable(int file)
{
    const uint64_t one = 1;
    const ssize_t written = write(file, &one, sizeof one);
    (void)written;
}

static void on_signal(int signal_number)
{
    const int errno_before = errno;
    const long now_ms = (long)clock_monotonic_ms(); // clock_gettime is safe in a handler
    long no_time = 0;
    int none = 0;
    // The time first: a second signal may come to another thread before this handler is through.
    (void)atomic_compare_exchange_strong(&first_signal_ms, &no_time, now_ms);
    if (atomic_compare_exchange_strong(&first_signal, &none, signal_number))
        make_readable(event_file);
    else if (now_ms - atomic_load(&first_signal_ms) > SECOND_SIGNAL_MS)
        _exit((int)EXIT_CODE_SIGNAL + signal_number);
    errno = errno_before;
}

static void on_hangup(int signal_number)
{
    (void)signal_number;
    const int errno_before = errno;
    (void)atomic_fetch_add(&hangups, 1);
    make_readable(hangup_file);
    errno = errno_before;
}

static void open_file(int *file)
{
    if (*file < 0)
        *file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void handle(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(signal_number, &action, NULL);
}

static void handle_hangup(void (*handler)(int))
{
    struct sigaction present = {0};
    (void)sigaction(SIGHUP, NULL, &present);
    if (present.sa_handler != SIG_IGN)
        handle(SIGHUP, handler);
}

int signals_thread_create(pthread_t *thread, void *(*run)(void *), void *context)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failure = pthread_create(thread, NULL, run, context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

void signals_install(void)
{
    open_file(&event_file);
    handle(SIGINT, on_signal);
    handle(SIGTERM, on_signal);
    handle_hangup(on_signal);
}

void signals_install_service(void)
{
    open_file(&event_file);
    open_file(&hangup_file);
    handle(SIGINT, on_signal);
    handle(SIGTERM, on_signal);
    handle_hangup(on_hangup);
}

unsigned signals_hangups(void)
{
    return atomic_load(&hangups);
}

int signals_hangup_fd(void)
{
    return hangup_file;
}

int signals_received(void)
{
    return atomic_load(&first_signal);
}

int signals_fd(void)
{
    return event_file;
}
