/*
 * test_transport_tls.c - whom the transport trusts: nobody without a good certificate for the very
 * host it asked for.
 *
 * Certificates and the server are those of the openssl program; without it there is nothing to
 * test against and the tests are skipped.
 */
#include "ingest/transport/transport.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGUMENTS_MAX 24u
#define PATH_BYTES    128u

struct place {
    char dir[32];
    char certificate[PATH_BYTES];
    char key[PATH_BYTES];
    char other[PATH_BYTES]; /* another certificate */
    char other_key[PATH_BYTES];
};

struct tls_server {
    pid_t pid;
    int output;
    int input;
    unsigned port;
};

/* Starts openssl with its output into a pipe; -1: there is no such program. */
static pid_t spawn_openssl(const char *const *arguments, int *input, int *output)
{
    char *copies[ARGUMENTS_MAX] = {0};
    size_t count = 0;
    for (; arguments[count]; count++) {
        assert_true(count + 1 < ARGUMENTS_MAX);
        copies[count] = strdup(arguments[count]);
    }
    int in[2];
    int out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = -1;
    if (posix_spawnp(&pid, "openssl", &actions, NULL, copies, environ) != 0)
        pid = -1;
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(in[0]);
    (void)close(out[1]);
    *input = in[1];
    *output = out[0];
    for (size_t i = 0; i < count; i++)
        free(copies[i]);
    return pid;
}

static bool make_certificate(const char *certificate, const char *key)
{
    const char *const arguments[] = {"openssl",
                                     "req",
                                     "-x509",
                                     "-newkey",
                                     "ec",
                                     "-pkeyopt",
                                     "ec_paramgen_curve:P-256",
                                     "-nodes",
                                     "-days",
                                     "2",
                                     "-subj",
                                     "/CN=mnsdb test",
                                     "-addext",
                                     "subjectAltName=IP:127.0.0.1",
                                     "-keyout",
                                     key,
                                     "-out",
                                     certificate,
                                     NULL};
    int input = -1;
    int output = -1;
    const pid_t pid = spawn_openssl(arguments, &input, &output);
    (void)close(input);
    (void)close(output);
    int status = 1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    (void)snprintf(place->dir, sizeof place->dir, "/tmp/mnsdb-tls-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->certificate, PATH_BYTES, "%s/certificate.pem", place->dir);
    (void)snprintf(place->key, PATH_BYTES, "%s/key.pem", place->dir);
    (void)snprintf(place->other, PATH_BYTES, "%s/other.pem", place->dir);
    (void)snprintf(place->other_key, PATH_BYTES, "%s/other-key.pem", place->dir);
    if (!make_certificate(place->certificate, place->key) ||
        !make_certificate(place->other, place->other_key))
        place->certificate[0] = '\0';
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    (void)unlink(place->certificate);
    (void)unlink(place->key);
    (void)unlink(place->other);
    (void)unlink(place->other_key);
    (void)rmdir(place->dir);
    free(place);
    return 0;
}

static const struct place *place_or_skip(void **state)
{
    const struct place *place = *state;
    if (place->certificate[0] == '\0') {
        print_message("SKIPPED: the openssl program is not installed\n");
        skip();
    }
    return place;
}

/* The port out of "ACCEPT 127.0.0.1:1234". */
static unsigned read_port(int output)
{
    char text[4096] = "";
    size_t len = 0;
    for (;;) {
        const char *found = strstr(text, "ACCEPT 127.0.0.1:");
        if (found && strchr(found, '\n'))
            return (unsigned)strtoul(found + strlen("ACCEPT 127.0.0.1:"), NULL, 10);
        const ssize_t got = read(output, text + len, sizeof text - 1 - len);
        assert_true(got > 0);
        len += (size_t)got;
    }
}

/* `version` NULL: whatever it offers. */
static struct tls_server start_server(const struct place *place, const char *version)
{
    const char *const arguments[] = {"openssl",
                                     "s_server",
                                     "-accept",
                                     "127.0.0.1:0",
                                     "-cert",
                                     place->certificate,
                                     "-key",
                                     place->key,
                                     "-www",
                                     "-cipher",
                                     "DEFAULT:@SECLEVEL=0",
                                     version,
                                     NULL};
    struct tls_server server = {0};
    server.pid = spawn_openssl(arguments, &server.input, &server.output);
    assert_true(server.pid > 0);
    server.port = read_port(server.output);
    return server;
}

static void stop_server(const struct tls_server *server)
{
    (void)kill(server->pid, SIGTERM);
    (void)waitpid(server->pid, NULL, 0);
    (void)close(server->input);
    (void)close(server->output);
}

struct result {
    bool is_done;
    enum transport_fault fault;
    int status;
    char text[512];
};

static void remember(void *context, const struct transport_reply *reply)
{
    struct result *result = context;
    result->is_done = true;
    result->fault = reply->fault;
    result->status = reply->status;
    (void)snprintf(result->text, sizeof result->text, "%s", reply->fault_text);
}

static struct result ask(const struct tls_server *server, const char *host, const char *ca_file)
{
    struct transport transport = {0};
    const struct curl_transport_config config = {.ca_file = ca_file};
    struct error err = {0};
    assert_int_equal(curl_transport_open(&transport, &config, &err), STATUS_OK);
    char base[64];
    (void)snprintf(base, sizeof base, "https://%s:%u", host, server->port);
    const struct transport_request request = {
        .method = "GET",
        .base = base,
        .target = slice_of_text("/"),
        .timeout_ms = 60000,
    };
    struct result result = {0};
    assert_int_equal(transport_start(&transport, &request, remember, &result, &err), STATUS_OK);
    while (!result.is_done)
        assert_int_equal(transport_run(&transport, 1000, &err), STATUS_OK);
    transport_close(&transport);
    return result;
}

static void a_certificate_that_is_vouched_for_is_accepted(void **state)
{
    const struct place *place = place_or_skip(state);
    const struct tls_server server = start_server(place, NULL);
    const struct result result = ask(&server, "127.0.0.1", place->certificate);
    assert_string_equal(result.text, "");
    assert_int_equal(result.fault, TRANSPORT_OK);
    assert_int_equal(result.status, 200);
    stop_server(&server);
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state)
{
    const struct place *place = place_or_skip(state);
    const struct tls_server server = start_server(place, NULL);
    const struct result by_system = ask(&server, "127.0.0.1", NULL);
    assert_int_equal(by_system.fault, TRANSPORT_TLS);
    assert_non_null(strstr(by_system.text, "127.0.0.1:"));
    assert_int_equal(ask(&server, "127.0.0.1", place->other).fault, TRANSPORT_TLS);
    stop_server(&server);
}

static void a_certificate_of_another_host_is_refused(void **state)
{
    const struct place *place = place_or_skip(state);
    const struct tls_server server = start_server(place, NULL);
    assert_int_equal(ask(&server, "localhost", place->certificate).fault, TRANSPORT_TLS);
    stop_server(&server);
}

static void an_old_version_of_tls_is_refused(void **state)
{
    const struct place *place = place_or_skip(state);
    const struct tls_server server = start_server(place, "-tls1_1");
    assert_int_equal(ask(&server, "127.0.0.1", place->certificate).fault, TRANSPORT_TLS);
    stop_server(&server);
}

static void a_plain_request_to_a_tls_server_is_broken(void **state)
{
    const struct place *place = place_or_skip(state);
    const struct tls_server server = start_server(place, NULL);
    struct transport transport = {0};
    const struct curl_transport_config config = {.ca_file = place->certificate};
    struct error err = {0};
    assert_int_equal(curl_transport_open(&transport, &config, &err), STATUS_OK);
    char base[64];
    (void)snprintf(base, sizeof base, "http://127.0.0.1:%u", server.port);
    const struct transport_request request = {
        .method = "GET", .base = base, .target = slice_of_text("/"), .timeout_ms = 60000};
    struct result result = {0};
    assert_int_equal(transport_start(&transport, &request, remember, &result, &err), STATUS_OK);
    while (!result.is_done)
        assert_int_equal(transport_run(&transport, 1000, &err), STATUS_OK);
    assert_int_equal(result.fault, TRANSPORT_BROKEN);
    transport_close(&transport);
    stop_server(&server);
}

static void a_ca_file_that_cannot_be_used_is_named(void **state)
{
    const struct place *place = place_or_skip(state);
    struct transport transport = {0};
    struct error err = {0};
    const char *const files[] = {"/nonexistent/ca.pem", place->key, place->dir};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const struct curl_transport_config config = {.ca_file = files[i]};
        assert_int_equal(curl_transport_open(&transport, &config, &err), STATUS_CONFIG);
        assert_non_null(strstr(err.message, files[i]));
        assert_null(transport.context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_that_is_vouched_for_is_accepted),
        cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_refused),
        cmocka_unit_test(a_certificate_of_another_host_is_refused),
        cmocka_unit_test(an_old_version_of_tls_is_refused),
        cmocka_unit_test(a_plain_request_to_a_tls_server_is_broken),
        cmocka_unit_test(a_ca_file_that_cannot_be_used_is_named),
    };
    return cmocka_run_group_tests(tests, make_place, remove_place);
}
