/*
 * test_config.c - settings in layers: which one holds, and what each mistake is called.
 */
#include "ingest/config/options.h"

#include "engine/base/mem.h"
#include "ingest/config/config_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX 16u
#define URL      "https://1234.mns.cn-shanghai.aliyuncs.com/queues/iot-a1"

static char folder[64];
static char system_file[96];
static char user_file[96];

/* --- running it ------------------------------------------------------------------------------ */

struct run {
    char *argv[ARGS_MAX];
    int argc;
    struct options options;
    struct config config;
    struct ingest_options ingest;
    struct error err;
};

static struct run run;

/* `line` is split at blanks. */
static void parse_line(const char *line)
{
    static char words[2048];
    (void)snprintf(words, sizeof words, "mnsdb-ingest %s", line);
    run = (struct run){0};
    char *rest = words;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        assert_true(run.argc + 1 < (int)ARGS_MAX);
        run.argv[run.argc++] = word;
    }
    enum exit_code code = EXIT_CODE_OK;
    assert_int_equal(options_begin(&run.options, &ingest_program, run.argc, run.argv, &code),
                     OPTIONS_RUN);
}

static enum status load(const char *line)
{
    parse_line(line);
    const struct config_places places = {.system = system_file, .user = user_file};
    return config_load(&run.config, &run.options, &places, &run.err);
}

static enum status read_line(const char *line)
{
    parse_line(line);
    return ingest_options_read(&run.ingest, &run.options, &run.err);
}

static void finish(void)
{
    config_release(&run.config);
    ingest_options_release(&run.ingest);
    options_release(&run.options);
    assert_int_equal(mem_live_blocks(), 0);
}

static void write_to(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static void forget_variables(void)
{
    static const char *const names[] = {
        "MNSDB_DB",           "MNS_QUEUE_URL",        "MNSDB_INGEST_DB",
        "MNSDB_INGEST_QUEUE", "MNSDB_INGEST_CONFIG",  "MNSDB_INGEST_IN_FLIGHT",
        "MNSDB_INGEST_ONCE",  "MNSDB_INGEST_DRY_RUN", "MNSDB_INGEST_LOG_LEVEL",
        "MNSDB_INGEST_WAIT",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(unsetenv(names[i]), 0);
}

static int begin(void **state)
{
    (void)state;
    forget_variables();
    (void)unlink(system_file);
    (void)unlink(user_file);
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/mnsdb-config-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(system_file, sizeof system_file, "%s/system.conf", folder);
    (void)snprintf(user_file, sizeof user_file, "%s/user.conf", folder);
    (void)unsetenv("XDG_CONFIG_HOME");
    return setenv("HOME", folder, 1);
}

static int remove_folder(void **state)
{
    (void)begin(state);
    return rmdir(folder);
}

static void expect(enum setting_id id, const char *text, const char *origin)
{
    const struct config_value *value = &run.config.values[id];
    assert_true(value->count > 0);
    assert_string_equal(value->texts[value->count - 1].text, text);
    assert_string_equal(value->texts[value->count - 1].origin, origin);
}

/* --- layers ---------------------------------------------------------------------------------- */

static void each_layer_overrides_those_below(void **state)
{
    (void)state;
    char origin[128];
    assert_int_equal(load(""), STATUS_OK);
    expect(SETTING_IN_FLIGHT, "3072", "default");
    finish();

    write_to(system_file, "# first\nin-flight = 100\n");
    assert_int_equal(load(""), STATUS_OK);
    (void)snprintf(origin, sizeof origin, "%s:2", system_file);
    expect(SETTING_IN_FLIGHT, "100", origin);
    finish();

    write_to(user_file, "in-flight = 200\n");
    assert_int_equal(load(""), STATUS_OK);
    (void)snprintf(origin, sizeof origin, "%s:1", user_file);
    expect(SETTING_IN_FLIGHT, "200", origin);
    finish();

    assert_int_equal(setenv("MNSDB_INGEST_IN_FLIGHT", "300", 1), 0);
    assert_int_equal(load(""), STATUS_OK);
    expect(SETTING_IN_FLIGHT, "300", "environment MNSDB_INGEST_IN_FLIGHT");
    finish();

    assert_int_equal(load("--in-flight 400 --in-flight 500"), STATUS_OK);
    expect(SETTING_IN_FLIGHT, "500", "--in-flight");
    assert_int_equal(run.config.values[SETTING_IN_FLIGHT].number, 500);
    finish();
}

static void a_named_file_stands_in_for_both_others(void **state)
{
    (void)state;
    write_to(system_file, "in-flight = 100\nreceives = 3\n");
    write_to(user_file, "in-flight = 200\n");
    char line[256];
    (void)snprintf(line, sizeof line, "--config %s", system_file);
    assert_int_equal(load(line), STATUS_OK);
    assert_string_equal(config_text(&run.config, SETTING_IN_FLIGHT), "100");
    finish();
    assert_int_equal(setenv("MNSDB_INGEST_CONFIG", user_file, 1), 0);
    assert_int_equal(load(""), STATUS_OK);
    assert_string_equal(config_text(&run.config, SETTING_IN_FLIGHT), "200");
    assert_string_equal(config_text(&run.config, SETTING_RECEIVES), "8");
    finish();
}

static void a_variable_of_our_own_beats_a_shared_one(void **state)
{
    (void)state;
    assert_int_equal(setenv("MNSDB_DB", "shared", 1), 0);
    assert_int_equal(load(""), STATUS_OK);
    expect(SETTING_DB, "shared", "environment MNSDB_DB");
    finish();
    assert_int_equal(setenv("MNSDB_INGEST_DB", "own", 1), 0);
    assert_int_equal(load(""), STATUS_OK);
    expect(SETTING_DB, "own", "environment MNSDB_INGEST_DB");
    finish();
    assert_int_equal(setenv("MNSDB_INGEST_DB", "", 1), 0); // empty: not set
    assert_int_equal(load("-d line"), STATUS_OK);
    expect(SETTING_DB, "line", "--db");
    finish();
}

static void queues_of_a_stronger_layer_are_not_added_to_weaker_ones(void **state)
{
    (void)state;
    write_to(system_file, "queue = " URL "\nqueue = " URL "2, " URL "3\n");
    assert_int_equal(load(""), STATUS_OK);
    assert_int_equal(run.config.values[SETTING_QUEUE].count, 3);
    finish();
    assert_int_equal(setenv("MNS_QUEUE_URL", " " URL "4 ,\n" URL "5", 1), 0);
    assert_int_equal(load(""), STATUS_OK);
    assert_int_equal(run.config.values[SETTING_QUEUE].count, 2);
    assert_string_equal(run.config.values[SETTING_QUEUE].texts[1].text, URL "5");
    finish();
    assert_int_equal(load("--queue " URL "6"), STATUS_OK);
    assert_int_equal(run.config.values[SETTING_QUEUE].count, 1);
    expect(SETTING_QUEUE, URL "6", "--queue");
    finish();
}

static void quiet_and_verbose_are_a_log_level_below_its_option(void **state)
{
    (void)state;
    assert_int_equal(setenv("MNSDB_INGEST_LOG_LEVEL", "warning", 1), 0);
    assert_int_equal(load("-q"), STATUS_OK);
    expect(SETTING_LOG_LEVEL, "error", "--quiet");
    finish();
    assert_int_equal(load("-v"), STATUS_OK);
    expect(SETTING_LOG_LEVEL, "debug", "--verbose");
    finish();
    assert_int_equal(load("-v --log-level info"), STATUS_OK);
    expect(SETTING_LOG_LEVEL, "info", "--log-level");
    finish();
}

/* --- tables ---------------------------------------------------------------------------------- */

static void every_option_is_a_setting_and_every_setting_an_option(void **state)
{
    (void)state;
    size_t found = 0;
    for (const struct option_group *const *group = ingest_program.commands->groups; *group;
         group++) {
        for (size_t i = 0; i < (*group)->option_count; i++) {
            const struct option_spec *option = &(*group)->options[i];
            const enum setting_id id = setting_find(option->name);
            assert_true(id != SETTING_COUNT);
            assert_int_equal(option->argument == NULL, setting_specs[id].kind == SETTING_FLAG);
            assert_int_equal(option->repeatable, setting_specs[id].repeatable);
            found++;
        }
    }
    assert_int_equal(found, SETTING_COUNT);
}

static void defaults_are_those_of_the_queue_source(void **state)
{
    (void)state;
    assert_int_equal(read_line("--queue " URL), STATUS_OK);
    const struct queue_options *queue = &run.ingest.queue;
    assert_int_equal(queue->receives_max, QUEUE_RECEIVES_DEFAULT);
    assert_int_equal(queue->wait_s, QUEUE_WAIT_S_DEFAULT);
    assert_int_equal(queue->window_ms, QUEUE_WINDOW_MS_DEFAULT);
    assert_int_equal(queue->delivery_messages, QUEUE_DELIVERY_DEFAULT);
    assert_int_equal(queue->in_flight_max, QUEUE_IN_FLIGHT_DEFAULT);
    assert_int_equal(queue->drain_ms, 20000);
    assert_int_equal(queue->record_bytes_max, 256000000);
    assert_int_equal(queue->log_level, LOG_INFO);
    assert_null(queue->listen);
    assert_null(queue->credentials.role);
    assert_int_equal(queue->url_count, 1);
    assert_string_equal(queue->urls[0].queue, "iot-a1");
    finish();
}

static void words_stand_in_the_order_of_their_enumerations(void **state)
{
    (void)state;
    assert_int_equal(read_line("--queue " URL " --log-format json --log-level debug"), STATUS_OK);
    assert_int_equal(run.ingest.queue.log_format, LOG_FORMAT_JSON);
    assert_int_equal(run.ingest.queue.log_level, LOG_DEBUG);
    finish();
    assert_int_equal(read_line("--queue " URL " --log-format text --log-level error"), STATUS_OK);
    assert_int_equal(run.ingest.queue.log_format, LOG_FORMAT_TEXT);
    assert_int_equal(run.ingest.queue.log_level, LOG_ERROR);
    finish();
    assert_int_equal(read_line("--queue " URL " --log-format logfmt --log-level warning"),
                     STATUS_OK);
    assert_int_equal(run.ingest.queue.log_format, LOG_FORMAT_LOGFMT);
    assert_int_equal(run.ingest.queue.log_level, LOG_WARNING);
    finish();
}

/* --- mistakes -------------------------------------------------------------------------------- */

static void every_mistake_in_a_file_names_file_line_and_key(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says; /* behind "FILE:2: " */
    } mistakes[] = {
        {"quue = x", "unknown setting 'quue'; did you mean 'queue'?"},
        {"zzzzzz = x", "unknown setting 'zzzzzz'"},
        {"settle = yes", "'settle' is for the command line only"},
        {"config = x", "'config' is for the command line only"},
        {"in-flight = 9", "in-flight wants a whole number from 16 to 4500, not '9'"},
        {"in-flight =", "in-flight wants a value"},
        {"once = maybe", "once wants yes or no, not 'maybe'"},
        {"wait = 31s", "wait wants whole seconds up to 30s, such as 20s, not '31s'"},
        {"wait = 1500ms", "wait wants whole seconds up to 30s, such as 20s, not '1500ms'"},
        {"commit-window = 1", "commit-window wants a duration up to 10s, such as 250ms, not '1'"},
        {"drain = 2h", "drain wants a duration up to 60m, such as 20s, not '2h'"},
        {"record-max-size = 5",
         "record-max-size wants a size of at least 1024 bytes, such as 256M, not '5'"},
        {"log-level = loud", "log-level wants error, warning, info or debug, not 'loud'"},
        {"log-format = xml", "log-format wants text, logfmt or json, not 'xml'"},
        {"summary = xml", "summary wants json, not 'xml'"},
        {"queue =", "'queue' wants a value"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char text[256];
        char want[512];
        (void)snprintf(text, sizeof text, "\n%s\n", mistakes[i].text);
        (void)snprintf(want, sizeof want, "%s:2: %s", system_file, mistakes[i].says);
        write_to(system_file, text);
        assert_int_equal(load(""), STATUS_CONFIG);
        assert_string_equal(run.err.message, want);
        finish();
    }
}

static void a_setting_given_twice_in_a_file_names_both_places(void **state)
{
    (void)state;
    write_to(system_file, "once = no\n\nonce = yes\n");
    assert_int_equal(load(""), STATUS_CONFIG);
    char want[512];
    (void)snprintf(want, sizeof want, "%s:3: 'once' is given twice, first by %s:1", system_file,
                   system_file);
    assert_string_equal(run.err.message, want);
    finish();
}

static void secrets_in_a_file_are_refused_and_not_shown(void **state)
{
    (void)state;
    static const char *const names[] = {"access-key-secret", "access_key_id", "AccessKeySecret",
                                        "security-token",    "password",      "secret"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "%s = CANARY12345\n", names[i]);
        write_to(system_file, text);
        assert_int_equal(load(""), STATUS_CONFIG);
        assert_non_null(strstr(run.err.message, "credentials-file = FILE"));
        assert_non_null(strstr(run.err.message, names[i]));
        assert_null(strstr(run.err.message, "CANARY"));
        finish();
    }
}

static void a_mistake_of_the_environment_names_the_variable(void **state)
{
    (void)state;
    assert_int_equal(setenv("MNSDB_INGEST_WAIT", "7", 1), 0);
    assert_int_equal(load(""), STATUS_CONFIG);
    assert_string_equal(run.err.message,
                        "MNSDB_INGEST_WAIT wants whole seconds up to 30s, such as 20s, not '7'");
    finish();
    // What is overridden may be anything.
    assert_int_equal(load("--wait 5s"), STATUS_OK);
    finish();
}

static void a_missing_named_file_is_a_mistake(void **state)
{
    (void)state;
    assert_int_equal(load("--config /nowhere/ingest.conf"), STATUS_CONFIG);
    assert_string_equal(run.err.message, "no configuration file /nowhere/ingest.conf");
    finish();
}

static void wrong_combinations_are_usage_errors_with_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *says;
    } mistakes[] = {
        {"", "nothing to do: name a FILE"},
        {"set --queue " URL, "a FILE and --queue do not go together"},
        {"--settle --queue " URL, "--settle and --queue do not go together"},
        {"--retry-rejects --queue " URL, "--retry-rejects and --queue do not go together"},
        {"--dry-run", "--dry-run needs a queue: add --queue URL, or set MNS_QUEUE_URL"},
        {"--listen :0", "--listen needs a queue"},
        {"--once set", "--once is about queues, and does not go with a FILE"},
        {"--queue-status --once --queue " URL, "--queue-status receives nothing: leave --once out"},
        {"--queue-status --record f --queue " URL, "leave --record out"},
        {"--record-max-size 1M --queue " URL, "--record-max-size needs --record FILE"},
        {"--credentials-file f --ecs-role r --queue " URL, "two places for one key"},
        {"--queue nonsense", "--queue: address: "},
        {"--in-flight 9 --queue " URL, "--in-flight wants a whole number from 16 to 4500, not '9'"},
        {"--summary xml set", "--summary wants json, not 'xml'"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        assert_int_equal(read_line(mistakes[i].line), STATUS_INPUT);
        if (!strstr(run.err.message, mistakes[i].says))
            fail_msg("'%s' says: %s", mistakes[i].line, run.err.message);
        finish();
    }
}

static void refused_addresses_are_mistakes_of_configuration(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *says;
    } mistakes[] = {
        {"--queue http://example.com/queues/a", "--queue: refused: everybody on the way"},
        {"--queue https://example.com", "--queue: names no queue"},
        {"--queue " URL " --queue " URL, "is given twice"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        assert_int_equal(read_line(mistakes[i].line), STATUS_CONFIG);
        if (!strstr(run.err.message, mistakes[i].says))
            fail_msg("'%s' says: %s", mistakes[i].line, run.err.message);
        finish();
    }
    assert_int_equal(read_line("--queue http://127.0.0.1:1/queues/a"), STATUS_OK);
    finish();
    assert_int_equal(read_line("--queue http://localhost/queues/a"), STATUS_OK);
    finish();
    assert_int_equal(read_line("--insecure-http --queue http://example.com/queues/a"), STATUS_OK);
    finish();
}

/* --- what is asked for ----------------------------------------------------------------------- */

static void a_configured_queue_waits_while_files_are_taken(void **state)
{
    (void)state;
    assert_int_equal(setenv("MNS_QUEUE_URL", URL, 1), 0);
    assert_int_equal(read_line(""), STATUS_OK);
    assert_int_equal(run.ingest.queue.url_count, 1);
    finish();
    static const char *const others[] = {"set", "--settle", "--retry-rejects"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(read_line(others[i]), STATUS_OK);
        assert_int_equal(run.ingest.queue.url_count, 0);
        finish();
    }
    assert_int_equal(setenv("MNSDB_INGEST_DRY_RUN", "yes", 1), 0);
    assert_int_equal(read_line("set"), STATUS_CONFIG);
    assert_non_null(strstr(run.err.message, "environment MNSDB_INGEST_DRY_RUN"));
    finish();
}

static void the_log_level_can_be_read_again(void **state)
{
    (void)state;
    char line[256];
    (void)snprintf(line, sizeof line, "--config %s --queue " URL, system_file);
    write_to(system_file, "log-level = warning\n");
    assert_int_equal(read_line(line), STATUS_OK);
    assert_int_equal(run.ingest.queue.log_level, LOG_WARNING);
    write_to(system_file, "log-level = debug\n");
    enum log_level level = LOG_ERROR;
    assert_int_equal(ingest_options_log_level(&run.ingest, &level, NULL), STATUS_OK);
    assert_int_equal(level, LOG_DEBUG);
    write_to(system_file, "log-level = nonsense\n");
    assert_int_equal(ingest_options_log_level(&run.ingest, &level, &run.err), STATUS_CONFIG);
    assert_int_equal(level, LOG_DEBUG);
    finish();
}

static void user_information_of_addresses_is_hidden(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"https://h/queues/a", "https://h/queues/a"},
        {"https://u:p@h/queues/a", "https://***@h/queues/a"},
        {"https://u:p@x@h/queues/a", "https://***@h/queues/a"},
        {"u:p@h", "***@h"},
        {"u:p//q@h", "***@h"},
        {"u:p://q@h", "***@h"},
        {"https://a/b@c", "https://***@c"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char shown[CONFIG_SHOWN_BYTES];
        config_hide_user(pairs[i][0], shown);
        assert_string_equal(shown, pairs[i][1]);
    }
}

/* --- memory ---------------------------------------------------------------------------------- */

static void reading_settings_survives_every_failed_allocation(void **state)
{
    (void)state;
    write_to(system_file, "queue = " URL "\nqueue = " URL "2\nlog-level = debug\n");
    char line[256];
    (void)snprintf(line, sizeof line, "--config %s --in-flight 100", system_file);
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        parse_line(line);
        mem_fail_at(nth);
        status = ingest_options_read(&run.ingest, &run.options, &run.err);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        finish();
        assert_in_range(nth, 0, 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_layer_overrides_those_below, begin),
        cmocka_unit_test_setup(a_named_file_stands_in_for_both_others, begin),
        cmocka_unit_test_setup(a_variable_of_our_own_beats_a_shared_one, begin),
        cmocka_unit_test_setup(queues_of_a_stronger_layer_are_not_added_to_weaker_ones, begin),
        cmocka_unit_test_setup(quiet_and_verbose_are_a_log_level_below_its_option, begin),
        cmocka_unit_test_setup(every_option_is_a_setting_and_every_setting_an_option, begin),
        cmocka_unit_test_setup(defaults_are_those_of_the_queue_source, begin),
        cmocka_unit_test_setup(words_stand_in_the_order_of_their_enumerations, begin),
        cmocka_unit_test_setup(every_mistake_in_a_file_names_file_line_and_key, begin),
        cmocka_unit_test_setup(a_setting_given_twice_in_a_file_names_both_places, begin),
        cmocka_unit_test_setup(secrets_in_a_file_are_refused_and_not_shown, begin),
        cmocka_unit_test_setup(a_mistake_of_the_environment_names_the_variable, begin),
        cmocka_unit_test_setup(a_missing_named_file_is_a_mistake, begin),
        cmocka_unit_test_setup(wrong_combinations_are_usage_errors_with_a_hint, begin),
        cmocka_unit_test_setup(refused_addresses_are_mistakes_of_configuration, begin),
        cmocka_unit_test_setup(a_configured_queue_waits_while_files_are_taken, begin),
        cmocka_unit_test_setup(the_log_level_can_be_read_again, begin),
        cmocka_unit_test_setup(user_information_of_addresses_is_hidden, begin),
        cmocka_unit_test_setup(reading_settings_survives_every_failed_allocation, begin),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
