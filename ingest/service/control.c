/*
 * control.c - see control.h.
 *
 * Whoever sees that draining began, or was given up, and goes on to take things down comes by
 * control_hush: the flags are raised under the lock that the hook holds, so that it has run.
 */
#include "ingest/service/control.h"

#include "cli/clock.h"
#include "cli/signals.h"
#include "ingest/log/log.h"

#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FILE_WAKE, FILE_SIGNAL, FILE_HANGUP, FILE_COUNT };

static void wake(const struct control *control)
{
    const uint64_t one = 1;
    const ssize_t written = write(control->wake_file, &one, sizeof one);
    (void)written;
}

void control_stop(struct control *control)
{
    (void)pthread_mutex_lock(&control->hooks);
    if (atomic_load(&control->deadline_ms) == 0) {
        atomic_store(&control->deadline_ms, clock_monotonic_ms() + control->config.drain_ms);
        if (!control->hushed)
            control->config.stop(control->config.context);
        wake(control); // to follow the clock
    }
    (void)pthread_mutex_unlock(&control->hooks);
}

bool control_is_stopping(const struct control *control)
{
    return atomic_load(&control->deadline_ms) != 0;
}

bool control_gave_up(const struct control *control)
{
    return atomic_load(&control->gave_up);
}

int64_t control_left_ms(const struct control *control)
{
    const int64_t deadline_ms = atomic_load(&control->deadline_ms);
    if (deadline_ms == 0)
        return control->config.drain_ms;
    const int64_t left_ms = deadline_ms - clock_monotonic_ms();
    return left_ms > 0 ? left_ms : 0;
}

/* --- the thread ------------------------------------------------------------------------------ */

static void give_up(struct control *control)
{
    (void)pthread_mutex_lock(&control->hooks);
    if (!control->hushed) {
        atomic_store(&control->gave_up, true);
        log_warning("the time to end in is over: what was not acknowledged comes again",
                    LOG_I64("drain_ms", control->config.drain_ms));
        control->config.give_up(control->config.context);
    }
    (void)pthread_mutex_unlock(&control->hooks);
}

static void reload(struct control *control)
{
    (void)pthread_mutex_lock(&control->hooks);
    if (!control->hushed)
        control->config.reload(control->config.context);
    (void)pthread_mutex_unlock(&control->hooks);
}

static void end_late(const struct control *control)
{
    log_error("ended under a commit or an answer that did not come: what was not acknowledged "
              "comes again",
              LOG_I64("drain_ms", control->config.drain_ms));
    _exit((int)control->config.late_exit());
}

/* What the clock demands; returns how long the next demand is away, -1: for ever. */
static int follow_clock(struct control *control)
{
    const int64_t deadline_ms = atomic_load(&control->deadline_ms);
    if (deadline_ms == 0)
        return -1;
    const int64_t over_ms = clock_monotonic_ms() - deadline_ms;
    if (over_ms >= CONTROL_GRACE_MS)
        end_late(control);
    if (over_ms >= 0 && !atomic_load(&control->gave_up))
        give_up(control);
    const int64_t next_ms = over_ms >= 0 ? CONTROL_GRACE_MS - over_ms : -over_ms;
    return next_ms < INT_MAX ? (int)next_ms : INT_MAX;
}

/* True if there was something to read from an eventfd. */
static bool take_event(int file)
{
    uint64_t count = 0;
    return read(file, &count, sizeof count) == (ssize_t)sizeof count;
}

static void *run(void *context)
{
    struct control *control = context;
    while (!atomic_load(&control->ended)) {
        struct pollfd files[FILE_COUNT] = {
            [FILE_WAKE] = {.fd = control->wake_file, .events = POLLIN},
            [FILE_SIGNAL] = {.fd = signals_received() != 0 ? -1 : signals_fd(), .events = POLLIN},
            [FILE_HANGUP] = {.fd = signals_hangup_fd(), .events = POLLIN},
        };
        if (signals_received() != 0)
            control_stop(control);
        (void)poll(files, FILE_COUNT, follow_clock(control));
        if ((files[FILE_WAKE].revents & POLLIN) != 0)
            (void)take_event(control->wake_file);
        if ((files[FILE_HANGUP].revents & POLLIN) != 0 && take_event(signals_hangup_fd()))
            reload(control);
    }
    return NULL;
}

enum status control_start(struct control *control, const struct control_config *config,
                          struct error *err)
{
    *control =
        (struct control){.config = *config, .wake_file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (control->wake_file < 0)
        return error_set(err, STATUS_NOMEM, "no file for the thread that follows signals");
    (void)pthread_mutex_init(&control->hooks, NULL); // cannot fail with the default kind
    const int failure = pthread_create(&control->thread, NULL, run, control);
    if (failure != 0) {
        (void)pthread_mutex_destroy(&control->hooks);
        (void)close(control->wake_file);
        return error_set_errno(err, STATUS_NOMEM, failure, "cannot start a thread");
    }
    control->started = true;
    return STATUS_OK;
}

void control_hush(struct control *control)
{
    if (!control->started)
        return;
    (void)pthread_mutex_lock(&control->hooks);
    control->hushed = true;
    (void)pthread_mutex_unlock(&control->hooks);
}

void control_finish(struct control *control)
{
    if (!control->started)
        return;
    atomic_store(&control->ended, true);
    wake(control);
    (void)pthread_join(control->thread, NULL);
    (void)pthread_mutex_destroy(&control->hooks);
    (void)close(control->wake_file);
    control->started = false;
}
