/*
 * test_credentials_role.c - a role's key: how it is fetched, when, and what happens when it cannot
 * be, with a metadata service and a clock that are ours.
 */
#include "engine/base/mem.h"
#include "ingest/credentials/credentials.h"
#include "ingest/credentials/credentials_internal.h"
#include "tests/unit/metadata_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct credentials_config given_role = {.role = "mnsdb-reader"};

static void a_named_role_is_asked_for_with_a_session_token(void **state)
{
    (void)state;
    struct credentials *credentials = metadata_open_role(&given_role);
    metadata_wait_for_key(credentials, 1);
    metadata_assert_key(credentials, 1);
    assert_int_equal(credentials_expires_ms(credentials), METADATA_NOW_MS + 3600000);
    char text[256];
    credentials_describe(credentials, text);
    assert_string_equal(text, "role mnsdb-reader");
    credentials_close(credentials);
    assert_int_equal(metadata.sessions, 1);
    assert_int_equal(metadata.lists, 0);
    assert_int_equal(metadata.keys, 1);
    assert_int_equal(metadata.with_token, 1);
    assert_string_equal(metadata.last_target, METADATA_LIST_PATH "mnsdb-reader");
    assert_string_equal(metadata.last_base, "http://100.100.100.200");
    assert_true(metadata.last_no_proxy);
}

static void an_unnamed_role_is_the_one_that_the_instance_has(void **state)
{
    (void)state;
    const struct credentials_config config = {.role = "", .metadata_url = "http://127.0.0.1:80/"};
    struct credentials *credentials = metadata_open_role(&config);
    metadata_wait_for_key(credentials, 1);
    char text[256];
    credentials_describe(credentials, text);
    assert_string_equal(text, "role mnsdb-reader");
    credentials_close(credentials);
    assert_int_equal(metadata.lists, 1);
    assert_int_equal(metadata.with_token, 2);
    assert_string_equal(metadata.last_target, METADATA_LIST_PATH "mnsdb-reader");
    assert_string_equal(metadata.last_base, "http://127.0.0.1");
}

static void the_environment_can_name_the_role(void **state)
{
    (void)state;
    const struct credentials_config config = {0};
    assert_int_equal(setenv("ALIBABA_CLOUD_ECS_METADATA", "from-env", 1), 0);
    struct credentials *credentials = metadata_open_role(&config);
    metadata_wait_for_key(credentials, 1);
    credentials_close(credentials);
    assert_string_equal(metadata.last_target, METADATA_LIST_PATH "from-env");
}

static void a_file_can_ask_for_a_role(void **state)
{
    (void)state;
    static const struct {
        const char *content, *target;
    } table[] = {
        {"[default]\ntype = ecs_ram_role\nrole_name = from-file\n", METADATA_LIST_PATH "from-file"},
        {"[default]\ntype = ecs_ram_role\n", METADATA_LIST_PATH "mnsdb-reader"},
        {"ALIBABA_CLOUD_ECS_METADATA=plain\n", METADATA_LIST_PATH "plain"},
    };
    char path[] = "/tmp/mnsdb-role-XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const size_t len = strlen(table[i].content);
        assert_int_equal(ftruncate(descriptor, 0), 0);
        assert_int_equal(pwrite(descriptor, table[i].content, len, 0), (ssize_t)len);
        const struct credentials_config config = {.file = path};
        struct credentials *credentials = metadata_open_role(&config);
        metadata_wait_for_key(credentials, 1);
        credentials_close(credentials);
        assert_string_equal(metadata.last_target, table[i].target);
    }
    assert_int_equal(close(descriptor), 0);
    assert_int_equal(unlink(path), 0);
}

static void a_service_without_sessions_is_asked_without(void **state)
{
    (void)state;
    static const struct {
        enum transport_fault fault;
        int status;
        const char *body;
    } table[] = {
        {TRANSPORT_OK, 404, "not found"},
        {TRANSPORT_OK, 403, ""},
        {TRANSPORT_OK, 200, ""},
        {TRANSPORT_OK, 200, "two words"},
        {TRANSPORT_OK, 200, "evil\r\nX-Y: z"},
        {TRANSPORT_TIMEOUT, 0, ""},
        {TRANSPORT_BROKEN, 0, ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        metadata.session_fault = table[i].fault;
        metadata.session_status = table[i].status;
        metadata.session_body = table[i].body;
        struct credentials *credentials = metadata_open_role(&given_role);
        metadata_wait_for_key(credentials, 1);
        metadata_assert_key(credentials, 1);
        credentials_close(credentials);
    }
    assert_int_equal(metadata.with_token, 0);
}

/* The same services, and none of them is asked for a key. */
static void without_a_session_nothing_is_asked_if_that_is_forbidden(void **state)
{
    (void)state;
    for (unsigned by_environment = 0; by_environment < 2; by_environment++) {
        metadata.session_status = by_environment ? 404 : 200;
        metadata.session_fault = by_environment ? TRANSPORT_OK : TRANSPORT_TIMEOUT;
        if (by_environment)
            assert_int_equal(setenv("ALIBABA_CLOUD_IMDSV1_DISABLED", "True", 1), 0);
        const struct credentials_config config = {.role = "r", .metadata_v2_only = !by_environment};
        struct credentials *credentials = metadata_open_role(&config);
        metadata_wait_for_log(by_environment ? "no session token (status 404)"
                                             : "no session token: no connection");
        metadata_let_it_look(credentials);
        credentials_close(credentials);
        assert_int_equal(metadata.keys + metadata.lists, 0);
    }
    metadata.session_status = 200;
    metadata.session_fault = TRANSPORT_OK;
    const struct credentials_config config = {.role = "r", .metadata_v2_only = true};
    struct credentials *credentials = metadata_open_role(&config);
    metadata_wait_for_key(credentials, 1);
    credentials_close(credentials);
}

static void what_cannot_be_asked_is_refused_at_the_start(void **state)
{
    (void)state;
    static const struct {
        const char *role, *url, *said;
    } table[] = {
        {"../x", NULL, "is no name of a role"},
        {"a b", NULL, "is no name of a role"},
        {"r", "ftp://100.100.100.200", "http://HOST[:PORT]"},
        {"r", "100.100.100.200", "http://HOST[:PORT]"},
        {"r", "http://", "http://HOST[:PORT]"},
        {"r", "http://host/path", "http://HOST[:PORT]"},
        {"r", "http://host?x", "http://HOST[:PORT]"},
        {"r", "http://user@host", "http://HOST[:PORT]"},
        {"r", "http://host:", "http://HOST[:PORT]"},
        {"r", "http://host:0", "http://HOST[:PORT]"},
        {"r", "http://host:65536", "http://HOST[:PORT]"},
        {"r", "http://host:99999999999999999999", "http://HOST[:PORT]"},
        {"r", "http://[::1", "http://HOST[:PORT]"},
        {"r", "http://a:80//", "http://HOST[:PORT]"},
        {"r", "http://127.1", "http://HOST[:PORT]"},
        {"r", "http://host/queues", "http://HOST[:PORT]"},
        {"r", "http://host\r\n", "http://HOST[:PORT]"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct credentials_config config = {.role = table[i].role,
                                                  .metadata_url = table[i].url};
        struct credentials *credentials = NULL;
        struct error err = {0};
        assert_int_equal(credentials_open_with(&credentials, &config, &metadata_outside, &err),
                         STATUS_CONFIG);
        assert_null(credentials);
        assert_non_null(strstr(err.message, table[i].said));
    }
    static const char *const fine[] = {"https://[fd00::1]:8443", "http://metadata-1.internal:80/",
                                       "HTTP://host"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        const struct credentials_config config = {.role = "r", .metadata_url = fine[i]};
        credentials_close(metadata_open_role(&config));
    }
}

static void the_metadata_service_can_be_switched_off(void **state)
{
    (void)state;
    assert_int_equal(setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true", 1), 0);
    struct credentials *credentials = NULL;
    struct error err = {0};
    assert_int_equal(credentials_open_with(&credentials, &given_role, &metadata_outside, &err),
                     STATUS_CONFIG);
    assert_non_null(strstr(err.message, "ALIBABA_CLOUD_ECS_METADATA_DISABLED"));
    assert_int_equal(setenv("ALIBABA_CLOUD_ECS_METADATA", "r", 1), 0);
    const struct credentials_config config = {0};
    assert_int_equal(credentials_open_with(&credentials, &config, &metadata_outside, &err),
                     STATUS_CONFIG);
    assert_non_null(strstr(err.message, "no credentials"));
    assert_int_equal(metadata.sessions, 0);
}

static void there_is_no_key_until_the_first_is_fetched(void **state)
{
    (void)state;
    metadata.is_silent = true;
    struct credentials *credentials = metadata_open_role(&given_role);
    metadata_wait_for(&metadata.sessions, 1);
    static struct access_key key;
    bool ready = true;
    credentials_take(credentials, &key, &ready);
    assert_false(ready);
    assert_int_equal(credentials_generation(credentials), 0);
    credentials_close(credentials); /* ends although nothing ever answers */
    assert_int_equal(metadata.cancelled, 1);
}

static void a_key_is_replaced_at_four_fifths_of_its_life(void **state)
{
    (void)state;
    struct credentials *credentials = metadata_open_role(&given_role);
    metadata_wait_for_key(credentials, 1);
    metadata.key_number = 2;
    metadata.expiration = "2026-11-22T14:06:42Z";
    metadata_advance(credentials, 2879999);
    assert_int_equal(metadata_seen(&metadata.keys), 1);
    metadata_advance(credentials, 1);
    metadata_wait_for_key(credentials, 2);
    metadata_assert_key(credentials, 2);
    assert_int_equal(metadata_seen(&metadata.keys), 2);
    credentials_close(credentials);
    assert_null(strstr(metadata_logged(), "level=warning"));
}

/* The machine slept: only the wall clock knows. */
static void a_jump_of_the_wall_clock_is_noticed(void **state)
{
    (void)state;
    struct credentials *credentials = metadata_open_role(&given_role);
    metadata_wait_for_key(credentials, 1);
    metadata_lock();
    metadata.key_number = 2;
    metadata.utc_ms += 2880000;
    metadata_unlock();
    credentials_nudge(credentials);
    metadata_wait_for_key(credentials, 2);
    credentials_close(credentials);
}

static void the_same_key_again_is_no_new_generation(void **state)
{
    (void)state;
    struct credentials *credentials = metadata_open_role(&given_role);
    metadata_wait_for_key(credentials, 1);
    metadata_lock();
    metadata.expiration = "2026-11-22T14:06:42Z";
    metadata_unlock();
    metadata_advance(credentials, 2880000);
    metadata_wait_for(&metadata.keys, 2);
    metadata_let_it_look(credentials);
    assert_int_equal(credentials_generation(credentials), 1);
    assert_int_equal(credentials_expires_ms(credentials), METADATA_NOW_MS + 7200000);
    credentials_close(credentials);
}

static void a_refused_key_is_fetched_anew_but_not_in_a_rush(void **state)
{
    (void)state;
    struct error err = {0};
    struct credentials *credentials = metadata_open_role(&given_role);
    metadata_wait_for_key(credentials, 1);
    metadata_lock();
    metadata.key_number = 2;
    metadata_unlock();
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(credentials_refresh(credentials, &err), STATUS_OK);
    metadata_advance(credentials, ROLE_REFRESH_GAP_MS - 1);
    assert_int_equal(metadata_seen(&metadata.keys), 1);
    metadata_advance(credentials, 1);
    metadata_wait_for_key(credentials, 2);
    metadata_advance(credentials, INT64_C(10) * ROLE_REFRESH_GAP_MS);
    assert_int_equal(metadata_seen(&metadata.keys), 2); /* ten wishes were one */

    metadata_lock();
    metadata.key_number = 3;
    metadata_unlock();
    assert_int_equal(credentials_refresh(credentials, &err), STATUS_OK);
    metadata_wait_for_key(credentials, 3); /* the gap has long passed: at once */
    credentials_close(credentials);
}

static void the_old_key_serves_while_none_replaces_it(void **state)
{
    (void)state;
    struct credentials *credentials = metadata_open_role(&given_role);
    metadata_wait_for_key(credentials, 1);
    metadata_lock();
    metadata.key_status = 500;
    metadata_unlock();
    metadata_advance(credentials, 2880000);
    metadata_wait_for_log("key of the role: status 500");
    metadata_assert_key(credentials, 1);
    assert_null(strstr(metadata_logged(), "has expired"));
    metadata_advance(credentials, 720000);
    metadata_wait_for_log("has expired and none replaces it yet");
    metadata_assert_key(credentials, 1);

    metadata_lock();
    metadata.key_status = 200;
    metadata.key_number = 2;
    metadata.expiration = "2026-11-22T15:06:42Z";
    metadata_unlock();
    metadata_advance(credentials, 60000);
    metadata_wait_for_key(credentials, 2);
    metadata_assert_key(credentials, 2);
    credentials_close(credentials);
}

static void failures_in_a_row_are_spaced_wider(void **state)
{
    (void)state;
    metadata.session_fault = TRANSPORT_UNREACHABLE;
    struct credentials *credentials = metadata_open_role(&given_role);
    metadata_wait_for_log("no connection");
    int64_t bound_ms = 1000;
    for (unsigned i = 1; i < 10; i++) {
        metadata_let_it_look(credentials);
        assert_int_equal(metadata_seen(&metadata.sessions), i);
        metadata_advance(credentials, bound_ms / 2 - 1);
        assert_int_equal(metadata_seen(&metadata.sessions), i); /* never before half of the bound */
        metadata_advance(credentials, bound_ms - bound_ms / 2 + 1);
        metadata_wait_for(&metadata.sessions, i + 1);
        bound_ms = bound_ms * 2 < 60000 ? bound_ms * 2 : 60000;
    }
    credentials_close(credentials);
    assert_int_equal(metadata.keys, 0); /* where nothing listens, one question is enough */
}

static void a_key_that_has_expired_on_arrival_serves_and_is_told_of(void **state)
{
    (void)state;
    metadata.expiration = "2026-11-22T12:06:41Z";
    struct credentials *credentials = metadata_open_role(&given_role);
    metadata_wait_for_key(credentials, 1);
    metadata_assert_key(credentials, 1);
    metadata_wait_for_log("it has expired by this machine's clock");
    credentials_close(credentials);
}

static void a_list_that_is_no_role_is_refused(void **state)
{
    (void)state;
    static const char too_long[] =
        "a-name-that-is-longer-than-the-sixty-four-characters-that-are-allowed";
    static const char *const bodies[] = {"", "\n", "<html>", "a b", "../../x", too_long};
    const struct credentials_config config = {.role = ""};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        metadata.list_body = bodies[i];
        struct credentials *credentials = metadata_open_role(&config);
        metadata_wait_for(&metadata.lists, (unsigned)i + 1);
        metadata_let_it_look(credentials);
        char text[256];
        credentials_describe(credentials, text);
        assert_string_equal(text, "role of this instance");
        credentials_close(credentials);
    }
    assert_int_equal(metadata.keys, 0);
    metadata_wait_for_log("its answer is no name of a role");
}

static void a_reply_that_is_no_key_leaves_the_old_one(void **state)
{
    (void)state;
    struct credentials *credentials = metadata_open_role(&given_role);
    metadata_wait_for_key(credentials, 1);
    metadata_lock();
    metadata.raw_body = "{\"Code\":\"Success\",\"AccessKeyId\":\"canary-id\"}";
    metadata_unlock();
    metadata_advance(credentials, 2880000);
    metadata_wait_for_log("AccessKeySecret is missing or no text");
    metadata_assert_key(credentials, 1);
    assert_int_equal(credentials_generation(credentials), 1);
    credentials_close(credentials);
}

static void every_failed_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    metadata.is_silent = true; /* no fetch while allocations fail, which is for one thread */
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct credentials *credentials = NULL;
        struct error err = {0};
        mem_fail_at(nth);
        status = credentials_open_with(&credentials, &given_role, &metadata_outside, &err);
        mem_fail_at(-1);
        credentials_close(credentials);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
}

#define ROLE_TEST(name) cmocka_unit_test_setup_teardown(name, metadata_begin, metadata_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROLE_TEST(a_named_role_is_asked_for_with_a_session_token),
        ROLE_TEST(an_unnamed_role_is_the_one_that_the_instance_has),
        ROLE_TEST(the_environment_can_name_the_role),
        ROLE_TEST(a_file_can_ask_for_a_role),
        ROLE_TEST(a_service_without_sessions_is_asked_without),
        ROLE_TEST(without_a_session_nothing_is_asked_if_that_is_forbidden),
        ROLE_TEST(what_cannot_be_asked_is_refused_at_the_start),
        ROLE_TEST(the_metadata_service_can_be_switched_off),
        ROLE_TEST(there_is_no_key_until_the_first_is_fetched),
        ROLE_TEST(a_key_is_replaced_at_four_fifths_of_its_life),
        ROLE_TEST(a_jump_of_the_wall_clock_is_noticed),
        ROLE_TEST(the_same_key_again_is_no_new_generation),
        ROLE_TEST(a_refused_key_is_fetched_anew_but_not_in_a_rush),
        ROLE_TEST(the_old_key_serves_while_none_replaces_it),
        ROLE_TEST(failures_in_a_row_are_spaced_wider),
        ROLE_TEST(a_key_that_has_expired_on_arrival_serves_and_is_told_of),
        ROLE_TEST(a_list_that_is_no_role_is_refused),
        ROLE_TEST(a_reply_that_is_no_key_leaves_the_old_one),
        ROLE_TEST(every_failed_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
