/*
 * test_complete.c - lines of bash, and what completion offers for words.
 */
#include "cli/complete.h"
#include "cli/complete_line.h"
#include "cli/options.h"
#include "cli/suggest.h"
#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BREAKS "\"'@><=;|&(:"

/* --- lines of bash --------------------------------------------------------------------------- */

/* The words, with '~' between them, then what is kept of the last, and an open quote. */
static void reads_as(const char *text, const char *words, size_t kept, char quote)
{
    struct shell_line line;
    assert_int_equal(shell_line_read(&line, text, BREAKS), STATUS_OK);
    char joined[256] = "";
    for (size_t i = 0; i < line.word_count; i++) {
        const size_t used = strlen(joined);
        (void)snprintf(joined + used, sizeof joined - used, "%s%s", i > 0 ? "~" : "",
                       line.words[i]);
    }
    assert_string_equal(joined, words);
    assert_int_equal(line.kept_bytes, kept);
    assert_int_equal(line.open_quote, quote);
    shell_line_release(&line);
}

static void words_are_parted_at_blanks_and_freed_of_quotes(void **state)
{
    (void)state;
    reads_as("", "", 0, 0);
    reads_as("mnsdb  stats ", "mnsdb~stats~", 0, 0);
    reads_as("mnsdb a\\ b", "mnsdb~a b", 0, 0);
    reads_as("mnsdb 'a b' \"c\\\"d\" e", "mnsdb~a b~c\"d~e", 0, 0);
    reads_as("mnsdb ''  x", "mnsdb~~x", 0, 0);
    reads_as("mnsdb $(x) `y`", "`y`", 0, 0);
}

static void an_open_quote_is_told(void **state)
{
    (void)state;
    reads_as("mnsdb 'a b", "mnsdb~a b", 0, '\'');
    reads_as("mnsdb --db=\"a b", "mnsdb~--db=a b", 5, '"');
    reads_as("mnsdb '", "mnsdb~", 0, '\'');
}

static void what_stands_before_a_break_is_kept(void **state)
{
    (void)state;
    reads_as("mnsdb --db=x:y", "mnsdb~--db=x:y", 7, 0);
    reads_as("mnsdb --db=x\\:y", "mnsdb~--db=x:y", 5, 0);
}

static void other_commands_of_the_line_are_dropped(void **state)
{
    (void)state;
    reads_as("echo 'a;b'; mnsdb st", "mnsdb~st", 0, 0);
    reads_as("a | b && mnsdb st", "mnsdb~st", 0, 0);
    reads_as("a;", "", 0, 0);
}

static void a_quoted_word_reads_back(void **state)
{
    (void)state;
    static const char *const words[] = {"it's \"x\" \\ $(y) `z` *?[", "-d --db", "a;b|c&d", "温度"};
    static const char quotes[] = {0, '\'', '"'};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (size_t j = 0; j < sizeof quotes; j++) {
            char text[256] = {0};
            FILE *to = fmemopen(text, sizeof text - 1, "w");
            assert_non_null(to);
            (void)fprintf(to, "mnsdb ");
            if (quotes[j])
                (void)fputc(quotes[j], to);
            shell_line_write_quoted(to, quotes[j], slice_of_text(words[i]));
            (void)fclose(to);
            struct shell_line line;
            assert_int_equal(shell_line_read(&line, text, BREAKS), STATUS_OK);
            assert_int_equal(line.word_count, 2);
            assert_string_equal(line.words[1], words[i]);
            shell_line_release(&line);
        }
    }
    assert_false(shell_line_can_quote('"', slice_of_text("wow!")));
    assert_true(shell_line_can_quote('\'', slice_of_text("wow!")));
}

static void reading_a_line_survives_every_failed_allocation(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct shell_line line;
        mem_fail_at(nth);
        status = shell_line_read(&line, "mnsdb stats 'x", BREAKS);
        mem_fail_at(-1);
        shell_line_release(&line);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 10);
    }
}

/* --- what is offered ------------------------------------------------------------------------- */

static void offer_names(struct completion *completion, enum store_names which,
                        const struct options *options)
{
    (void)options;
    if (which == STORE_NAMES_METRICS) {
        (void)completion_add(completion, slice_of_text("temperature"));
        (void)completion_add(completion, slice_of_text("two\nlines"));
        return;
    }
    (void)completion_add_glob(completion, slice_of_text("p/two\nlines*"));
    (void)completion_add_glob(completion, slice_of_text("p/\xff"));
}

static const struct option_spec test_options[] = {
    {.name = "device", .argument = "GLOB", .help = "Only these: all.", .repeatable = true},
    {.name = "format", .argument = "FORMAT", .letter = 'f', .help = "A form. More."},
    {.name = "by", .argument = "device|none", .help = "Groups."},
    {.name = "agg", .argument = "LIST", .help = "Aggregates."},
    {.name = "file", .argument = "FILE", .help = "A file."},
};
static const struct option_group group = {
    .title = "All", .options = test_options, .option_count = 5};
static const struct option_group *const groups[] = {&group, NULL};
static const struct command_spec commands[] = {
    {.name = "stats",
     .operands = "[METRIC...]",
     .summary = "Sums.",
     .groups = groups,
     .operands_max = OPERANDS_ANY},
    {.name = "copy", .operands = "DEST", .summary = "Copies.", .operands_max = 1},
};
static const struct value_words value_words[] = {
    {"FORMAT", "csv json"}, {"LIST", "avg max"}, {NULL, NULL}};
static const struct program_spec program = {
    .name = "probe",
    .summary = "A program.",
    .commands = commands,
    .command_count = 2,
    .value_words = value_words,
    .complete_names = offer_names,
};

/* Runs a completion in a process of its own, since it ends with its output closed. */
static bool complete(const char *shell, const char *text, long fail_at, char *printed, size_t room)
{
    FILE *sink = tmpfile();
    assert_non_null(sink);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char copy[256];
        char first[] = "probe";
        char verb[] = "__complete";
        char *argv[24] = {first, verb, (char[16]){0}, NULL};
        (void)snprintf(argv[2], 16, "%s", shell);
        (void)snprintf(copy, sizeof copy, "%s", text);
        int argc = 3;
        for (char *at = copy; at && argc < 20;) {
            argv[argc++] = at;
            at = strcmp(shell, "bash") == 0 ? NULL : strchr(at, ' ');
            if (at)
                *at++ = '\0';
        }
        (void)dup2(fileno(sink), STDOUT_FILENO);
        struct options options = {0};
        enum exit_code code = EXIT_CODE_PROBLEM;
        mem_fail_at(fail_at);
        const enum options_outcome outcome = options_begin(&options, &program, argc, argv, &code);
        mem_fail_at(-1);
        options_release(&options);
        const bool good = outcome == OPTIONS_DONE && code == EXIT_CODE_OK && mem_live_blocks() == 0;
        _exit(good ? 0 : 1);
    }
    int end = 0;
    assert_int_equal(waitpid(child, &end, 0), child);
    rewind(sink);
    printed[fread(printed, 1, room - 1, sink)] = '\0';
    (void)fclose(sink);
    return WIFEXITED(end) && WEXITSTATUS(end) == 0;
}

static void offers(const char *shell, const char *text, const char *wanted)
{
    char printed[1024];
    assert_true(complete(shell, text, -1, printed, sizeof printed));
    assert_string_equal(printed, wanted);
}

static void words_fit_the_place(void **state)
{
    (void)state;
    offers("fish", "probe s", "words\nstats\tSums\n");
    offers("fish", "probe stats --f", "words\n--format\tA form\n--file\tA file\n");
    offers("fish", "probe stats -f ", "words\ncsv\njson\n");
    offers("fish", "probe --format=x stats --format=j", "words\n--format=json\n");
    offers("zsh", "probe stats --format=j", "words value\njson\n");
    offers("fish", "probe stats --by n", "words\nnone\n");
    offers("fish", "probe stats --agg avg,", "words nospace\navg,avg\navg,max\n");
    offers("fish", "probe stats --file ", "files\n");
    offers("fish", "probe copy ", "directories\n");
    offers("fish", "probe copy x ", "");
    offers("fish", "probe stats -- --f", "");
}

static void names_are_made_harmless(void **state)
{
    (void)state;
    offers("fish", "probe stats t", "words\ntemperature\n");
    offers("fish", "probe stats --device ", "words\np/two?lines\\*\np/?\n");
    offers("bash", "probe stats --device p/t", "words\np/two\\?lines\\\\\\*\n");
    offers("bash", "probe stats --device 'p/t", "words\np/two?lines\\*\n");
    offers("bash", "probe stats --device 'p'/t", "");
}

static void completion_survives_every_failed_allocation(void **state)
{
    (void)state;
    char printed[1024] = "";
    for (long nth = 0; !strstr(printed, "json"); nth++) {
        assert_true(complete("bash", "probe stats --format ", nth, printed, sizeof printed));
        assert_in_range(nth, 0, 10);
    }
}

static void the_nearest_of_many_words_is_found(void **state)
{
    (void)state;
    struct suggestion suggestion = {.typed = slice_of_text("Temprature")};
    suggestion_offer(&suggestion, slice_of_text("humidity"));
    assert_null(suggestion.nearest.data);
    suggestion_offer(&suggestion, slice_of_text("temperatures"));
    suggestion_offer(&suggestion, slice_of_text("temperature"));
    suggestion_offer(&suggestion, slice_of_text(""));
    assert_string_equal((const char *)suggestion.nearest.data, "temperature");
    assert_int_equal(suggestion.distance, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_parted_at_blanks_and_freed_of_quotes),
        cmocka_unit_test(an_open_quote_is_told),
        cmocka_unit_test(what_stands_before_a_break_is_kept),
        cmocka_unit_test(other_commands_of_the_line_are_dropped),
        cmocka_unit_test(a_quoted_word_reads_back),
        cmocka_unit_test(reading_a_line_survives_every_failed_allocation),
        cmocka_unit_test(words_fit_the_place),
        cmocka_unit_test(names_are_made_harmless),
        cmocka_unit_test(completion_survives_every_failed_allocation),
        cmocka_unit_test(the_nearest_of_many_words_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
