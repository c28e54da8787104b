/*
 * test_cli_process.c - what only a process of its own can show: a closed pipe, a full
 * disk on stdout, signals, a store cut short under a reader.
 */
#include "cli/fault_handler.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* What a child process left: its wait status and its stderr. */
struct end {
    int status;
    char said[1024];
};

/* Runs `body` in a child whose stdout is `stdout_fd` (-1: closed); its result is the exit code. */
static struct end run_child(int (*body)(void), int stdout_fd)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        if (stdout_fd >= 0)
            (void)dup2(stdout_fd, STDOUT_FILENO);
        else
            (void)close(STDOUT_FILENO);
        (void)dup2(ends[1], STDERR_FILENO);
        message_setup("probe", VERBOSITY_NORMAL);
        message_ignore_sigpipe();
        _exit(body());
    }
    (void)close(ends[1]);
    struct end end = {0};
    size_t used = 0;
    ssize_t got = 0;
    while ((got = read(ends[0], end.said + used, sizeof end.said - 1 - used)) > 0)
        used += (size_t)got;
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &end.status, 0), child);
    return end;
}

static int print_much(void)
{
    for (int i = 0; i < 100000; i++)
        (void)printf("line %d\n", i);
    return (int)message_stdout_finish(EXIT_CODE_OK);
}

static int print_at_once(void)
{
    static char text[1 << 16];
    memset(text, 'x', sizeof text);
    if (fwrite(text, 1, sizeof text, stdout) < sizeof text)
        message_stdout_lost(errno);
    errno = 0;
    return (int)message_stdout_finish(EXIT_CODE_OK);
}

static int print_little(void)
{
    (void)printf("line\n");
    return (int)message_stdout_finish(EXIT_CODE_OK);
}

static int print_nothing(void)
{
    return (int)message_stdout_finish(EXIT_CODE_OK);
}

static int print_and_fail(void)
{
    (void)printf("line\n");
    return (int)message_stdout_finish(EXIT_CODE_STORE);
}

static void a_full_disk_on_stdout_is_an_error(void **state)
{
    (void)state;
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    struct end end = run_child(print_little, full);
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_PROBLEM);
    assert_string_equal(end.said,
                        "probe: cannot write to standard output: No space left on device\n");
    end = run_child(print_at_once, full);
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_PROBLEM);
    assert_string_equal(end.said,
                        "probe: cannot write to standard output: No space left on device\n");
    end = run_child(print_much, full);
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_PROBLEM);
    end = run_child(print_and_fail, full);
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_STORE);
    (void)close(full);
}

static void a_closed_pipe_is_no_error(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    struct end end = run_child(print_little, ends[1]);
    assert_true(WIFEXITED(end.status));
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_OK);
    assert_string_equal(end.said, "");
    end = run_child(print_much, ends[1]);
    assert_true(WIFEXITED(end.status));
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_OK);
    assert_string_equal(end.said, "");
    (void)close(ends[1]);
}

static void a_closed_stdout_is_an_error_only_if_something_was_printed(void **state)
{
    (void)state;
    struct end end = run_child(print_nothing, -1);
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_OK);
    end = run_child(print_little, -1);
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_PROBLEM);
}

static int say_things(void)
{
    message_error("cannot open %s", "a\033[31m\n.gz");
    message_warning("careful");
    message_note("note");
    message_detail("hidden");
    message_bar_shown();
    message_error("after a bar");
    const struct error err = {.status = STATUS_LOCKED, .message = "store is locked"};
    return (int)message_failure(&err);
}

static void messages_are_escaped_lines_on_stderr(void **state)
{
    (void)state;
    const struct end end = run_child(say_things, STDOUT_FILENO);
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_STORE);
    assert_string_equal(end.said, "probe: cannot open a\\x1b[31m\\n.gz\n"
                                  "probe: warning: careful\n"
                                  "note\n"
                                  "\r\033[Kprobe: after a bar\n"
                                  "probe: store is locked\n");
}

/* --- faults -------------------------------------------------------------------------------- */

static volatile const char *map_start;
static size_t map_len;

static bool map_holds(const void *address, const void *instruction)
{
    (void)instruction;
    const volatile char *byte = address;
    return byte >= map_start && byte < map_start + map_len;
}

/* Reads a page of a map whose file was cut short. */
static int read_beyond_file(void)
{
    FILE *file = tmpfile();
    if (!file || ftruncate(fileno(file), 4096) != 0)
        return 99;
    map_len = 4096;
    map_start = mmap(NULL, map_len, PROT_READ, MAP_SHARED, fileno(file), 0);
    if (ftruncate(fileno(file), 0) != 0)
        return 99;
    fault_handler_install("probe", map_holds);
    return map_start[0];
}

static bool map_holds_nothing(const void *address, const void *instruction)
{
    (void)address;
    (void)instruction;
    return false;
}

static int read_elsewhere(void);

/* The fault lies in this program's code, near the function that reads. */
static bool code_is_near(const void *address, const void *instruction)
{
    (void)address;
    const intptr_t distance = (intptr_t)instruction - (intptr_t)read_elsewhere;
    return distance > -65536 && distance < 65536;
}

static fault_test *elsewhere_test = map_holds_nothing;

static int read_elsewhere(void)
{
    const struct rlimit no_core = {0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)signal(SIGSEGV, SIG_DFL); // a sanitizer may have taken it
    char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fault_handler_install("probe", elsewhere_test);
    return *(volatile char *)page;
}

static void a_store_cut_short_ends_with_a_sentence(void **state)
{
    (void)state;
    const struct end end = run_child(read_beyond_file, STDOUT_FILENO);
    assert_true(WIFEXITED(end.status));
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_STORE);
    assert_non_null(strstr(end.said, "probe: the store is damaged"));
}

static void a_fault_elsewhere_takes_its_usual_course(void **state)
{
    (void)state;
    const struct end end = run_child(read_elsewhere, STDOUT_FILENO);
    assert_true(WIFSIGNALED(end.status));
    assert_int_equal(WTERMSIG(end.status), SIGSEGV);
}

static void a_fault_in_code_that_the_store_answers_for_ends_with_a_sentence(void **state)
{
    (void)state;
    elsewhere_test = code_is_near;
    const struct end end = run_child(read_elsewhere, STDOUT_FILENO);
    elsewhere_test = map_holds_nothing;
    assert_true(WIFEXITED(end.status));
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_STORE);
}

/* --- signals ------------------------------------------------------------------------------- */

static int wait_for_signal(void)
{
    signals_install();
    if (signals_received() != 0)
        return 99;
    struct pollfd event = {.fd = signals_fd(), .events = POLLIN};
    if (poll(&event, 1, 0) != 0)
        return 98;
    (void)raise(SIGTERM);
    (void)raise(SIGINT); // an impatient second one is no reason to hurry within the first second
    if (poll(&event, 1, 10000) != 1)
        return 97;
    return signals_received();
}

static void the_first_signal_is_remembered_and_wakes_a_poll(void **state)
{
    (void)state;
    const struct end end = run_child(wait_for_signal, STDOUT_FILENO);
    assert_true(WIFEXITED(end.status));
    assert_int_equal(WEXITSTATUS(end.status), SIGTERM);
}

static int ignore_first_signal(void)
{
    signals_install();
    (void)raise(SIGINT);
    const struct timespec pause = {.tv_sec = 1, .tv_nsec = 50000000};
    (void)nanosleep(&pause, NULL);
    (void)raise(SIGINT);
    return 99;
}

static void a_later_second_signal_ends_at_once(void **state)
{
    (void)state;
    const struct end end = run_child(ignore_first_signal, STDOUT_FILENO);
    assert_true(WIFEXITED(end.status));
    assert_int_equal(WEXITSTATUS(end.status), 128 + SIGINT);
}

/* --- help ---------------------------------------------------------------------------------- */

static const struct option_spec help_options[] = {
    {.name = "db", .letter = 'd', .argument = "DIR", .help = "The store."},
    {.name = "a-long-option-name", .argument = "VALUE", .help = "Its help stands below it."},
};
static const struct option_group help_group = {
    .title = "Store", .options = help_options, .option_count = 2};
static const struct option_group *const help_groups[] = {&help_group, NULL};
static const struct command_spec help_commands[] = {
    {.name = "stats",
     .operands = "[METRIC...]",
     .groups = help_groups,
     .summary = "A summary that is long enough to be wrapped at the right place, which is before "
                "column eighty.",
     .description = "First paragraph.\nSecond paragraph."},
};
static const struct program_spec help_program = {
    .name = "probe", .summary = "Probes.", .commands = help_commands, .command_count = 1};

static int print_help(void)
{
    char words[][8] = {"probe", "help", "stats"};
    char *argv[] = {words[0], words[1], words[2], NULL};
    struct options options = {0};
    enum exit_code code = EXIT_CODE_USAGE;
    if (options_begin(&options, &help_program, 3, argv, &code) != OPTIONS_DONE)
        return 99;
    options_release(&options);
    return (int)code;
}

static void help_is_made_from_the_tables(void **state)
{
    (void)state;
    FILE *sink = tmpfile();
    assert_non_null(sink);
    const struct end end = run_child(print_help, fileno(sink));
    assert_int_equal(WEXITSTATUS(end.status), EXIT_CODE_OK);
    char text[2048];
    rewind(sink);
    text[fread(text, 1, sizeof text - 1, sink)] = '\0';
    (void)fclose(sink);
    assert_string_equal(
        text, "Usage: probe stats [METRIC...] [OPTION...]\n"
              "\n"
              "A summary that is long enough to be wrapped at the right place, which is before\n"
              "column eighty.\n"
              "\n"
              "First paragraph.\n"
              "Second paragraph.\n"
              "\n"
              "Store:\n"
              "  -d, --db DIR            The store.\n"
              "      --a-long-option-name VALUE\n"
              "                          Its help stands below it.\n"
              "\n"
              "General:\n"
              "  -q, --quiet             Say nothing but errors.\n"
              "  -v, --verbose           Say more about what happens.\n"
              "  -h, --help              Show this help and end.\n"
              "  -V, --version           Show the version and end.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_on_stdout_is_an_error),
        cmocka_unit_test(a_closed_pipe_is_no_error),
        cmocka_unit_test(a_closed_stdout_is_an_error_only_if_something_was_printed),
        cmocka_unit_test(messages_are_escaped_lines_on_stderr),
        cmocka_unit_test(a_store_cut_short_ends_with_a_sentence),
        cmocka_unit_test(a_fault_elsewhere_takes_its_usual_course),
        cmocka_unit_test(a_fault_in_code_that_the_store_answers_for_ends_with_a_sentence),
        cmocka_unit_test(the_first_signal_is_remembered_and_wakes_a_poll),
        cmocka_unit_test(a_later_second_signal_ends_at_once),
        cmocka_unit_test(help_is_made_from_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
