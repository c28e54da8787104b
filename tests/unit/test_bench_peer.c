/*
 * test_bench_peer.c - drivers that keep the protocol, and drivers that do not.
 */
#include "bench/bench/peer.h"
#include "bench/bench/peer_reply.h"
#include "cli/message.h"
#include "engine/base/mem.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 60000
#define SHORT_MS    200

static char folder[] = "/tmp/mnsdb-peer-test-XXXXXX";
static char script[64];

static int make_folder(void **state)
{
    (void)state;
    message_setup("test", VERBOSITY_QUIET);
    message_ignore_sigpipe();
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(script, sizeof script, "%s/driver", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(script);
    return rmdir(folder);
}

/* A driver that is a shell script. */
static void start(struct peer *peer, const char *text)
{
    FILE *file = fopen(script, "w");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", text);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(script, 0700), 0);
    struct error err = {0};
    if (peer_start(peer, script, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

/* Asks once and expects this failure. */
static void assert_failure(const char *text, int timeout_ms, const char *message)
{
    struct peer peer = {0};
    const struct json_node *reply = NULL;
    struct error err = {0};
    start(&peer, text);
    assert_int_not_equal(peer_ask(&peer, "{\"do\":\"describe\"}", timeout_ms, &reply, &err),
                         STATUS_OK);
    assert_non_null(strstr(err.message, message));
    assert_null(reply);
    peer_stop(&peer);
}

/* --- the process --------------------------------------------------------------------------- */

static void a_driver_is_asked_line_by_line(void **state)
{
    (void)state;
    struct peer peer = {0};
    const struct json_node *reply = NULL;
    start(&peer, "n=0\nwhile read -r line; do n=$((n+1)); echo \"{\\\"n\\\":$n,\\\"q\\\":$line}\"; "
                 "done");
    for (int i = 1; i <= 3; i++) {
        char expected[16];
        (void)snprintf(expected, sizeof expected, "%d", i);
        assert_int_equal(peer_ask(&peer, "{\"do\":\"x\"}", PATIENCE_MS, &reply, NULL), STATUS_OK);
        const struct json_node *number = json_member(reply, "n");
        assert_true(number && text_equals(number->raw, expected));
        assert_true(text_equals(json_member(json_member(reply, "q"), "do")->text, "x"));
    }
    assert_true(peer_peak_bytes(&peer) > 0);
    peer_stop(&peer);
    assert_true(peer_peak_bytes(&peer) == 0);
}

static void an_error_is_told_and_the_driver_goes_on(void **state)
{
    (void)state;
    struct peer peer = {0};
    const struct json_node *reply = NULL;
    struct error err = {0};
    start(&peer, "read -r a; echo '{\"error\":\"no \\u001b[31mdisk\"}'\nread -r b; echo '{}'; cat");
    assert_int_equal(peer_ask(&peer, "{}", PATIENCE_MS, &reply, &err), STATUS_INPUT);
    assert_string_equal(err.message, "no \\x1b[31mdisk");
    assert_int_equal(peer_ask(&peer, "{}", PATIENCE_MS, &reply, &err), STATUS_OK);
    peer_stop(&peer);
}

static void a_driver_that_breaks_the_protocol_is_not_asked_again(void **state)
{
    (void)state;
    struct peer peer = {0};
    const struct json_node *reply = NULL;
    struct error err = {0};
    start(&peer, "while read -r line; do printf '{}\\n{}\\n'; done");
    assert_int_equal(peer_ask(&peer, "{}", PATIENCE_MS, &reply, &err), STATUS_INPUT);
    assert_string_equal(err.message, "the driver says more than it was asked");
    assert_int_equal(peer_ask(&peer, "{}", PATIENCE_MS, &reply, &err), STATUS_IO);
    assert_string_equal(err.message, "the driver is not there any more");
    peer_stop(&peer);
}

static void a_driver_that_fails_says_how(void **state)
{
    (void)state;
    assert_failure("exit 3", PATIENCE_MS, "the driver ");
    assert_failure("read -r line; exit 3", PATIENCE_MS, "the driver ended with exit code 3");
    assert_failure("read -r line; kill -KILL $$", PATIENCE_MS, "the driver was ended by signal 9");
    assert_failure("exec >&-; while read -r line; do :; done", PATIENCE_MS,
                   "the driver closed its output");
    assert_failure("read -r line; echo no", PATIENCE_MS, "the driver's reply is no JSON object");
    assert_failure("read -r line; echo", PATIENCE_MS, "the driver's reply is no JSON object");
    assert_failure("read -r line; echo '[]'", PATIENCE_MS, "the driver's reply is no JSON object");
    assert_failure("read -r line; echo '{\"error\":5}'", PATIENCE_MS, "does not say why");
}

static void a_line_without_end_is_cut_off(void **state)
{
    (void)state;
    assert_failure("read -r line; exec cat /dev/zero", PATIENCE_MS, "the driver's reply is longer");
}

static void a_driver_that_is_silent_is_given_up(void **state)
{
    (void)state;
    assert_failure("read -r line; exec sleep 1000", SHORT_MS, "the driver did not answer in time");
}

static void a_driver_that_does_not_read_is_given_up(void **state)
{
    (void)state;
    struct peer peer = {0};
    const struct json_node *reply = NULL;
    struct error err = {0};
    const size_t len = (size_t)1 << 20; /* more than a pipe takes */
    char *request = mem_alloc(len + 1, 1);
    assert_non_null(request);
    memset(request, ' ', len);
    request[len] = '\0';
    start(&peer, "exec sleep 1000");
    assert_int_equal(peer_ask(&peer, request, SHORT_MS, &reply, &err), STATUS_INPUT);
    assert_string_equal(err.message, "the driver did not answer in time");
    peer_stop(&peer);
    mem_free(request);
}

static void what_cannot_be_started_is_a_failure(void **state)
{
    (void)state;
    static const char *const commands[] = {"", "   ", "/nowhere/at/all x",
                                           "a a a a a a a a a a a a a a a a a"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct peer peer = {0};
        struct error err = {0};
        assert_int_not_equal(peer_start(&peer, commands[i], &err), STATUS_OK);
        assert_true(err.message[0] != '\0');
        peer_stop(&peer);
    }
    struct peer never = {0};
    peer_stop(&never);
    assert_true(write(STDERR_FILENO, "", 0) == 0); /* its zeros are nobody's files */
}

/* Whether a process runs: one that nobody waits for is no more than a name. */
static bool is_running(long process)
{
    char path[64];
    char text[512] = "";
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", process);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    (void)!fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    const char *end = strrchr(text, ')');
    return end && end[2] != 'Z' && end[2] != 'X';
}

static void what_a_driver_started_ends_with_it(void **state)
{
    (void)state;
    struct peer peer = {0};
    const struct json_node *reply = NULL;
    start(&peer, "sleep 1000 >/dev/null &\nread -r line; echo \"{\\\"p\\\":$!}\"; read -r line");
    assert_int_equal(peer_ask(&peer, "{}", PATIENCE_MS, &reply, NULL), STATUS_OK);
    const long process = strtol((const char *)json_member(reply, "p")->raw.data, NULL, 10);
    assert_true(process > 1 && is_running(process));
    peer_stop(&peer);
    while (is_running(process))
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* --- the replies --------------------------------------------------------------------------- */

static const struct json_node *parse(struct arena *arena, const char *json)
{
    const struct json_node *reply = NULL;
    assert_int_equal(peer_reply_parse(slice_of_text(json), arena, &reply, NULL), STATUS_OK);
    return reply;
}

static void a_description_is_taken_over(void **state)
{
    (void)state;
    OWNED(arena_release) struct arena arena = {0};
    struct peer_description d;
    const struct json_node *reply =
        parse(&arena, "{\"name\":\"D\\u0007b\",\"form\":\"bulk\",\"version\":\"1.5\",\"ids\":true,"
                      "\"durability\":null,\"input\":\"lines\",\"available\":true}");
    assert_int_equal(peer_description_read(reply, &d, NULL), STATUS_OK);
    assert_string_equal(d.name, "D\\x07b");
    assert_string_equal(d.form, "bulk");
    assert_string_equal(d.durability, "");
    assert_true(d.ids && d.available);
    reply = parse(&arena, "{\"name\":\"D\",\"available\":false,\"why\":\"no module\"}");
    assert_int_equal(peer_description_read(reply, &d, NULL), STATUS_OK);
    assert_true(!d.available);
    assert_string_equal(d.why, "no module");
}

static void a_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    OWNED(arena_release) struct arena arena = {0};
    struct peer_description d;
    char name[400];
    char json[600];
    for (size_t i = 0; i < sizeof name; i += strlen("é"))
        memcpy(name + i, "é", strlen("é"));
    (void)snprintf(json, sizeof json, "{\"available\":true,\"ids\":false,\"name\":\"%.*s\"}",
                   (int)sizeof name, name);
    assert_int_equal(peer_description_read(parse(&arena, json), &d, NULL), STATUS_OK);
    assert_true(strlen(d.name) < PEER_TEXT_BYTES);
    assert_int_equal(strlen(d.name) % strlen("é"), 0);
}

static void replies_without_their_members_are_refused(void **state)
{
    (void)state;
    OWNED(arena_release) struct arena arena = {0};
    static const char *const descriptions[] = {
        "{}",
        "{\"name\":\"\",\"available\":true,\"ids\":true}",
        "{\"name\":5,\"available\":true,\"ids\":true}",
        "{\"name\":\"a\",\"ids\":true}",
        "{\"name\":\"a\",\"available\":true}",
        "{\"name\":\"a\",\"available\":true,\"ids\":true,\"form\":[]}",
    };
    static const char *const loads[] = {
        "{}",
        "{\"seconds\":1,\"messages\":5}",
        "{\"seconds\":1,\"bytes\":5}",
        "{\"seconds\":-1,\"messages\":5,\"bytes\":5}",
        "{\"seconds\":0,\"messages\":5,\"bytes\":5}",
        "{\"seconds\":1e99,\"messages\":5,\"bytes\":5}",
        "{\"seconds\":\"1\",\"messages\":5,\"bytes\":5}",
        "{\"seconds\":1,\"messages\":-5,\"bytes\":5}",
        "{\"seconds\":1,\"messages\":5.5,\"bytes\":5}",
    };
    static const char *const answers[] = {
        "{}",
        "{\"ms\":1}",
        "{\"ms\":-1,\"rows\":1}",
        "{\"ms\":1,\"rows\":2,\"answer\":[[1]]}",
        "{\"ms\":1,\"rows\":0,\"answer\":[[1]]}",
        "{\"ms\":1,\"rows\":1,\"answer\":{\"a\":[1]}}",
        "{\"ms\":1,\"rows\":1,\"differs\":true}",
        "{\"unsupported\":1}",
    };
    struct peer_description description;
    struct peer_load load;
    struct peer_answer answer;
    for (size_t i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++)
        assert_int_equal(peer_description_read(parse(&arena, descriptions[i]), &description, NULL),
                         STATUS_INPUT);
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++)
        assert_int_equal(peer_load_read(parse(&arena, loads[i]), &load, NULL), STATUS_INPUT);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        assert_int_equal(peer_answer_read(parse(&arena, answers[i]), &answer, NULL), STATUS_INPUT);
}

static void an_answer_may_be_unsupported_or_differ(void **state)
{
    (void)state;
    OWNED(arena_release) struct arena arena = {0};
    struct peer_answer answer;
    const struct json_node *reply = parse(&arena, "{\"unsupported\":\"no percentiles\"}");
    assert_int_equal(peer_answer_read(reply, &answer, NULL), STATUS_OK);
    assert_true(answer.unsupported);
    assert_string_equal(answer.remark, "no percentiles");
    reply = parse(&arena, "{\"ms\":1.5,\"rows\":1,\"answer\":[[1]],\"differs\":\"rounded\"}");
    assert_int_equal(peer_answer_read(reply, &answer, NULL), STATUS_OK);
    assert_true(answer.differs && !answer.unsupported && answer.ms == 1.5 && answer.rows == 1);
    assert_non_null(answer.answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_driver_is_asked_line_by_line),
        cmocka_unit_test(an_error_is_told_and_the_driver_goes_on),
        cmocka_unit_test(a_driver_that_breaks_the_protocol_is_not_asked_again),
        cmocka_unit_test(a_driver_that_fails_says_how),
        cmocka_unit_test(a_line_without_end_is_cut_off),
        cmocka_unit_test(a_driver_that_is_silent_is_given_up),
        cmocka_unit_test(a_driver_that_does_not_read_is_given_up),
        cmocka_unit_test(what_cannot_be_started_is_a_failure),
        cmocka_unit_test(what_a_driver_started_ends_with_it),
        cmocka_unit_test(a_description_is_taken_over),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(replies_without_their_members_are_refused),
        cmocka_unit_test(an_answer_may_be_unsupported_or_differ),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
