/*
 * test_service_control.c - signals to a service: the first one drains, the clock ends what does not
 * end, SIGHUP only reads settings again. Each test is a process of its own.
 *
 * ctest: threads
 */
#include "cli/signals.h"
#include "ingest/service/control.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CHILD_FAILED 99
#define LATE_CODE    7

struct calls {
    atomic_uint stops, give_ups, reloads;
};

static void count_stop(void *context)
{
    struct calls *calls = context;
    atomic_fetch_add(&calls->stops, 1);
}

static void count_give_up(void *context)
{
    struct calls *calls = context;
    atomic_fetch_add(&calls->give_ups, 1);
}

static void count_reload(void *context)
{
    struct calls *calls = context;
    atomic_fetch_add(&calls->reloads, 1);
}

static enum exit_code late_exit(void)
{
    return (enum exit_code)LATE_CODE;
}

static bool start(struct control *control, struct calls *calls, int64_t drain_ms)
{
    signals_install_service();
    const struct control_config config = {
        .context = calls,
        .stop = count_stop,
        .give_up = count_give_up,
        .reload = count_reload,
        .drain_ms = drain_ms,
        .late_exit = late_exit,
    };
    return control_start(control, &config, NULL) == STATUS_OK;
}

static void wait_for(const atomic_uint *count, unsigned wanted)
{
    while (atomic_load(count) < wanted)
        (void)poll(NULL, 0, 1);
}

/* Runs in a child, so that signals and exits are its own. */
static int code_of_child(int (*body)(void))
{
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body());
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int stop_once(void)
{
    struct calls calls = {0};
    struct control control;
    if (!start(&control, &calls, 60000))
        return CHILD_FAILED;
    if (control_is_stopping(&control) || control_left_ms(&control) != 60000)
        return CHILD_FAILED;
    (void)raise(SIGTERM);
    wait_for(&calls.stops, 1);
    (void)raise(SIGINT); // an impatient second one, within the first second
    const bool good = control_is_stopping(&control) && !control_gave_up(&control) &&
                      control_left_ms(&control) > 0;
    control_finish(&control);
    return good && calls.stops == 1 && calls.give_ups == 0 ? signals_received() : CHILD_FAILED;
}

static void a_signal_stops_once_and_leaves_time_to_drain(void **state)
{
    (void)state;
    assert_int_equal(code_of_child(stop_once), SIGTERM);
}

static int stop_by_oneself(void)
{
    struct calls calls = {0};
    struct control control;
    if (!start(&control, &calls, 1))
        return CHILD_FAILED;
    control_stop(&control);
    control_stop(&control);
    const bool good = control_is_stopping(&control);
    wait_for(&calls.give_ups, 1); // the clock runs as after a signal
    control_finish(&control);
    return good && calls.stops == 1 ? 0 : CHILD_FAILED;
}

static void a_service_may_stop_by_itself(void **state)
{
    (void)state;
    assert_int_equal(code_of_child(stop_by_oneself), 0);
}

static int give_up_in_time(void)
{
    struct calls calls = {0};
    struct control control;
    if (!start(&control, &calls, 1))
        return CHILD_FAILED;
    (void)raise(SIGTERM);
    wait_for(&calls.give_ups, 1);
    const bool good = control_gave_up(&control) && control_left_ms(&control) == 0;
    control_finish(&control);
    return good && calls.give_ups == 1 ? 0 : CHILD_FAILED;
}

static void what_does_not_drain_in_time_is_given_up(void **state)
{
    (void)state;
    assert_int_equal(code_of_child(give_up_in_time), 0);
}

static int hush(void)
{
    struct calls calls = {0};
    struct control control;
    if (!start(&control, &calls, 1))
        return CHILD_FAILED;
    control_hush(&control);
    (void)raise(SIGHUP);
    (void)raise(SIGTERM);
    while (control_left_ms(&control) > 0 || !control_is_stopping(&control))
        (void)poll(NULL, 0, 1);
    control_finish(&control);
    const unsigned called = calls.stops + calls.give_ups + calls.reloads;
    return called == 0 && !control_gave_up(&control) ? 0 : CHILD_FAILED;
}

static void what_is_taken_down_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(code_of_child(hush), 0);
}

static int hang_hushed(void)
{
    struct calls calls = {0};
    struct control control;
    if (!start(&control, &calls, 1))
        return CHILD_FAILED;
    control_hush(&control);
    (void)raise(SIGTERM);
    for (;;)
        (void)poll(NULL, 0, 1000); // a thread that is joined hangs
}

static void taking_down_that_hangs_is_ended_too(void **state)
{
    (void)state;
    assert_int_equal(code_of_child(hang_hushed), LATE_CODE);
}

static int hang(void)
{
    struct calls calls = {0};
    struct control control;
    if (!start(&control, &calls, 1))
        return CHILD_FAILED;
    (void)raise(SIGTERM);
    for (;;)
        (void)poll(NULL, 0, 1000); // the committer hangs
}

static void what_hangs_is_ended_under_it(void **state)
{
    (void)state;
    assert_int_equal(code_of_child(hang), LATE_CODE);
}

static int hang_up(void)
{
    struct calls calls = {0};
    struct control control;
    if (!start(&control, &calls, 60000))
        return CHILD_FAILED;
    for (unsigned i = 1; i <= 3; i++) {
        (void)raise(SIGHUP);
        wait_for(&calls.reloads, i);
    }
    const bool good = !control_is_stopping(&control) && signals_received() == 0;
    control_finish(&control);
    return good && calls.stops == 0 && signals_hangups() == 3 ? 0 : CHILD_FAILED;
}

static void a_hangup_reads_settings_again_and_ends_nothing(void **state)
{
    (void)state;
    assert_int_equal(code_of_child(hang_up), 0);
}

static int ignore_hangup(void)
{
    (void)signal(SIGHUP, SIG_IGN); // nohup
    signals_install_service();
    (void)raise(SIGHUP);
    return (int)signals_hangups();
}

static void under_nohup_a_hangup_means_nothing(void **state)
{
    (void)state;
    assert_int_equal(code_of_child(ignore_hangup), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_stops_once_and_leaves_time_to_drain),
        cmocka_unit_test(a_service_may_stop_by_itself),
        cmocka_unit_test(what_does_not_drain_in_time_is_given_up),
        cmocka_unit_test(what_hangs_is_ended_under_it),
        cmocka_unit_test(what_is_taken_down_is_left_alone),
        cmocka_unit_test(taking_down_that_hangs_is_ended_too),
        cmocka_unit_test(a_hangup_reads_settings_again_and_ends_nothing),
        cmocka_unit_test(under_nohup_a_hangup_means_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
