/*
 * test_cli_options.c - the command line: parsing, what is refused, and --help.
 */
#include "cli/options.h"
#include "cli/store_dir.h"
#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX 16

static const struct option_spec store_options[] = {STORE_DIR_OPTION};
static const struct option_group store_group = {
    .title = "Store", .options = store_options, .option_count = 1};

static const struct option_spec select_options[] = {
    {.name = "device", .argument = "GLOB", .help = "Only these.", .repeatable = true},
    {.name = "from", .argument = "T", .help = "From here on."},
    {.name = "limit", .argument = "N", .letter = 'n', .help = "At most so many."},
};
static const struct option_group select_group = {
    .title = "Selection", .options = select_options, .option_count = 3};

static const struct option_spec stats_options[] = {
    {.name = "fill",
     .help = "A flag whose help is long enough to be wrapped, since it goes on "
             "and on until the line is full."},
};
static const struct option_group stats_group = {
    .title = "Statistics", .options = stats_options, .option_count = 1};

static const struct option_group *const stats_groups[] = {&store_group, &select_group, &stats_group,
                                                          NULL};
static const struct option_group *const list_groups[] = {&store_group, &select_group, NULL};

static const struct command_spec commands[] = {
    {.name = "stats",
     .operands = "[METRIC...]",
     .summary = "Aggregates.",
     .groups = stats_groups,
     .operands_max = OPERANDS_ANY},
    {.name = "seen",
     .operands = "ID...",
     .summary = "Ids.",
     .groups = list_groups,
     .operands_min = 1,
     .operands_max = OPERANDS_ANY},
    {.name = "devices", .summary = "Devices.", .groups = list_groups},
    {.name = "ingest", .summary = "Another program.", .external = true},
};
static const struct program_spec program = {
    .name = "probe",
    .summary = "A program of the tests.",
    .commands = commands,
    .command_count = 4,
};

static const struct command_spec single_command = {
    .operands = "FILE...", .groups = list_groups, .operands_max = OPERANDS_ANY};
static const struct program_spec single = {
    .name = "single", .summary = "One job.", .commands = &single_command, .command_count = 1};

struct outcome {
    struct options options;
    enum options_outcome outcome;
    enum exit_code code;
    char printed[4096]; /* on stderr */
    char *argv[ARGS_MAX + 1];
};

/* Parses the blank-separated words of `line` and keeps what was said on stderr. */
static void parse_line(struct outcome *result, const struct program_spec *spec, char *line)
{
    *result = (struct outcome){.code = EXIT_CODE_OK};
    int argc = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < ARGS_MAX);
        result->argv[argc++] = word;
    }

    FILE *sink = tmpfile();
    assert_non_null(sink);
    const int kept = dup(STDERR_FILENO);
    (void)fflush(stderr);
    assert_true(dup2(fileno(sink), STDERR_FILENO) >= 0);
    result->outcome = options_begin(&result->options, spec, argc, result->argv, &result->code);
    (void)fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    rewind(sink);
    result->printed[fread(result->printed, 1, sizeof result->printed - 1, sink)] = '\0';
    (void)fclose(sink);
}

#define PARSE(result, spec, text) \
    char line_[] = text;          \
    struct outcome result;        \
    parse_line(&(result), spec, line_)

static void refuses(const struct program_spec *spec, const char *text, const char *message)
{
    char line[256];
    (void)snprintf(line, sizeof line, "%s", text);
    struct outcome result;
    parse_line(&result, spec, line);
    assert_int_equal(result.outcome, OPTIONS_DONE);
    assert_int_equal(result.code, EXIT_CODE_USAGE);
    if (!strstr(result.printed, message))
        fail_msg("'%s' said: %s", text, result.printed);
    options_release(&result.options);
}

static void options_may_stand_anywhere_on_the_line(void **state)
{
    (void)state;
    PARSE(result, &program, "probe --db one stats -n5 temperature --fill --from=now-1h humidity");
    assert_int_equal(result.outcome, OPTIONS_RUN);
    assert_string_equal(result.options.command->name, "stats");
    assert_string_equal(options_text(&result.options, "db"), "one");
    assert_string_equal(options_text(&result.options, "limit"), "5");
    assert_string_equal(options_text(&result.options, "from"), "now-1h");
    assert_true(options_given(&result.options, "fill"));
    assert_int_equal(result.options.operand_count, 2);
    assert_string_equal(result.options.operands[0], "temperature");
    assert_string_equal(result.options.operands[1], "humidity");
    options_release(&result.options);
}

static void posixly_correct_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(setenv("POSIXLY_CORRECT", "1", 1), 0);
    PARSE(result, &single, "single a.gz --db x b.gz");
    assert_int_equal(unsetenv("POSIXLY_CORRECT"), 0);
    assert_int_equal(result.outcome, OPTIONS_RUN);
    assert_string_equal(options_text(&result.options, "db"), "x");
    assert_int_equal(result.options.operand_count, 2);
    options_release(&result.options);
}

static void the_last_of_equal_options_wins(void **state)
{
    (void)state;
    PARSE(result, &program, "probe devices -d one --db two --from a --from b");
    assert_int_equal(result.outcome, OPTIONS_RUN);
    assert_string_equal(options_text(&result.options, "db"), "two");
    assert_string_equal(options_text(&result.options, "from"), "b");
    options_release(&result.options);
}

static void repeatable_options_collect(void **state)
{
    (void)state;
    PARSE(result, &program, "probe --device a devices --device=b --from x --device c");
    size_t position = 0;
    assert_string_equal(options_next(&result.options, "device", &position), "a");
    assert_string_equal(options_next(&result.options, "device", &position), "b");
    assert_string_equal(options_next(&result.options, "device", &position), "c");
    assert_null(options_next(&result.options, "device", &position));
    options_release(&result.options);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    PARSE(result, &program, "probe stats -- --db -x");
    assert_int_equal(result.outcome, OPTIONS_RUN);
    assert_false(options_given(&result.options, "db"));
    assert_int_equal(result.options.operand_count, 2);
    assert_string_equal(result.options.operands[0], "--db");
    options_release(&result.options);
}

static void a_single_dash_is_an_operand(void **state)
{
    (void)state;
    PARSE(result, &single, "single - x");
    assert_int_equal(result.outcome, OPTIONS_RUN);
    assert_string_equal(result.options.operands[0], "-");
    options_release(&result.options);
}

static void a_value_may_look_like_an_option(void **state)
{
    (void)state;
    PARSE(result, &program, "probe devices --from -7d");
    assert_int_equal(result.outcome, OPTIONS_RUN);
    assert_string_equal(options_text(&result.options, "from"), "-7d");
    options_release(&result.options);
}

static void many_letters_in_one_word_fit(void **state)
{
    (void)state;
    PARSE(result, &single, "single -qqqqqqqqqqqqqqqqqqqqqqqqqqqqqq");
    assert_int_equal(result.outcome, OPTIONS_RUN);
    assert_int_equal(result.options.value_count, 30);
    options_release(&result.options);
}

static void wrong_lines_are_usage_errors_that_help(void **state)
{
    (void)state;
    refuses(&program, "probe statz", "unknown command 'statz'; did you mean 'stats'?");
    refuses(&program, "probe xyzzy", "unknown command 'xyzzy' (see 'probe --help')");
    refuses(&program, "probe", "no command given");
    refuses(&program, "probe stats --form x", "did you mean '--from'?");
    refuses(&program, "probe stats --devic=x",
            "unknown option '--devic'; did you mean '--device'?");
    refuses(&program, "probe stats --lim 5", "unknown option '--lim'; did you mean '--limit'?");
    refuses(&program, "probe stats --lim=5", "unknown option '--lim'");
    refuses(&program, "probe stats --qqqqqq",
            "unknown option '--qqqqqq' (see 'probe stats --help')");
    refuses(&program, "probe stats -z", "unknown option '-z'");
    refuses(&program, "probe stats --from", "option '--from' needs a value: --from T");
    refuses(&program, "probe stats -n", "option '--limit' needs a value");
    refuses(&program, "probe stats --fill=3", "option '--fill' takes no value");
    refuses(&program, "probe devices --fill", "option '--fill' is not one of 'devices'");
    refuses(&program, "probe devices x", "unexpected argument 'x'");
    refuses(&program, "probe seen", "missing argument: ID...");
}

static void an_external_command_stops_the_parse(void **state)
{
    (void)state;
    PARSE(result, &program, "probe --db x ingest --whatever it --has");
    assert_int_equal(result.outcome, OPTIONS_EXTERNAL);
    assert_string_equal(result.argv[result.options.command_index], "ingest");
    options_release(&result.options);
}

static void numbers_are_whole_and_in_bounds(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "-1", "0", "11", "1x", " 1", "18446744073709551617"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char value[64];
        (void)snprintf(value, sizeof value, "--limit=%s", bad[i]);
        char name[] = "probe";
        char command[] = "devices";
        char *argv[] = {name, command, value, NULL};
        struct options options = {0};
        enum exit_code code = EXIT_CODE_OK;
        assert_int_equal(options_begin(&options, &program, 3, argv, &code), OPTIONS_RUN);
        uint64_t number = 77;
        struct error err = {0};
        assert_int_equal(options_number(&options, "limit", 1, 10, &number, &err), STATUS_INPUT);
        assert_int_equal(number, 77);
        options_release(&options);
    }
    PARSE(result, &program, "probe devices -n 10");
    uint64_t number = 0;
    assert_int_equal(options_number(&result.options, "limit", 1, 10, &number, NULL), STATUS_OK);
    assert_int_equal(number, 10);
    options_release(&result.options);
}

static void a_share_lies_between_0_and_1(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
        double share;
    } cases[] = {
        {"0", STATUS_OK, 0},        {"1", STATUS_OK, 1},          {"0.25", STATUS_OK, 0.25},
        {"1.01", STATUS_INPUT, -1}, {"-0.1", STATUS_INPUT, -1},   {"nan", STATUS_INPUT, -1},
        {"", STATUS_INPUT, -1},     {"1e-999", STATUS_INPUT, -1}, {"0.5x", STATUS_INPUT, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char value[64];
        (void)snprintf(value, sizeof value, "--limit=%s", cases[i].text);
        char name[] = "probe";
        char command[] = "devices";
        char *argv[] = {name, command, value, NULL};
        struct options options = {0};
        enum exit_code code = EXIT_CODE_OK;
        assert_int_equal(options_begin(&options, &program, 3, argv, &code), OPTIONS_RUN);
        double share = -1;
        struct error err = {0};
        assert_int_equal(options_share(&options, "limit", &share, &err), cases[i].status);
        assert_true(share == cases[i].share);
        options_release(&options);
    }
}

static void the_store_is_the_option_then_the_environment_then_the_default(void **state)
{
    (void)state;
    assert_int_equal(setenv("MNSDB_DB", "from-env", 1), 0);
    PARSE(given, &single, "single -d x");
    assert_string_equal(store_dir_choose(&given.options), "x");
    options_release(&given.options);

    struct options none = {0};
    assert_string_equal(store_dir_choose(&none), "from-env");
    assert_int_equal(setenv("MNSDB_DB", "", 1), 0);
    assert_string_equal(store_dir_choose(&none), "./mnsdb-store");
    assert_int_equal(unsetenv("MNSDB_DB"), 0);
    assert_string_equal(store_dir_choose(&none), "./mnsdb-store");
}

static void parsing_survives_every_failed_allocation(void **state)
{
    (void)state;
    enum options_outcome outcome = OPTIONS_DONE;
    for (long nth = 0; outcome == OPTIONS_DONE; nth++) {
        char word[] = "single";
        char *argv[] = {word, NULL};
        struct options options = {0};
        enum exit_code code = EXIT_CODE_OK;
        mem_fail_at(nth);
        outcome = options_begin(&options, &single, 1, argv, &code);
        mem_fail_at(-1);
        options_release(&options);
        assert_int_equal(mem_live_blocks(), 0);
        assert_int_equal(code, outcome == OPTIONS_DONE ? EXIT_CODE_PROBLEM : EXIT_CODE_OK);
        assert_in_range(nth, 0, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_anywhere_on_the_line),
        cmocka_unit_test(posixly_correct_changes_nothing),
        cmocka_unit_test(the_last_of_equal_options_wins),
        cmocka_unit_test(repeatable_options_collect),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(a_single_dash_is_an_operand),
        cmocka_unit_test(a_value_may_look_like_an_option),
        cmocka_unit_test(many_letters_in_one_word_fit),
        cmocka_unit_test(wrong_lines_are_usage_errors_that_help),
        cmocka_unit_test(an_external_command_stops_the_parse),
        cmocka_unit_test(numbers_are_whole_and_in_bounds),
        cmocka_unit_test(a_share_lies_between_0_and_1),
        cmocka_unit_test(the_store_is_the_option_then_the_environment_then_the_default),
        cmocka_unit_test(parsing_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
