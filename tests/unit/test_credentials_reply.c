/*
 * test_credentials_reply.c - a role's key as the metadata service writes it, and what is no such
 * thing.
 */
#include "ingest/credentials/role_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID     "\"AccessKeyId\":\"STS.canary\""
#define SECRET "\"AccessKeySecret\":\"canary/secret+=\""
#define TOKEN  "\"SecurityToken\":\"canary+token==\""
#define UNTIL  "\"Expiration\":\"2026-11-22T12:06:42Z\""
#define DONE   "\"Code\":\"Success\""
#define KEY    ID "," SECRET "," TOKEN "," UNTIL

static struct access_key key;

static enum status parse(const char *text, struct error *err)
{
    static uint8_t body[ROLE_REPLY_BYTES_MAX + 1];
    const size_t len = strlen(text);
    assert_true(len < sizeof body);
    memcpy(body, text, len);
    memset(&key, 'x', sizeof key);
    const enum status status = role_reply_parse(body, len, &key, err);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(body[i], 0); /* wiped */
    return status;
}

static void a_key_is_read(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{" KEY "," DONE "}",
        "{\n  " DONE ",\n  \"LastUpdated\": \"2026-11-22T06:06:42Z\",\n  " KEY "\n}\n",
        "{" DONE ",\"Other\":{\"Code\":[1,2]}," KEY "}",
        "{" DONE "," ID "," SECRET ",\"SecurityToken\":\"canary\\u002btoken==\"," UNTIL "}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct error err = {0};
        if (parse(bodies[i], &err) != STATUS_OK)
            fail_msg("%s: %s", bodies[i], err.message);
        assert_string_equal(key.id, "STS.canary");
        assert_string_equal(key.secret, "canary/secret+=");
        assert_string_equal(key.token, "canary+token==");
        assert_int_equal(key.expires_ms, INT64_C(1795349202000));
    }
}

static void what_is_no_key_is_refused_without_being_shown(void **state)
{
    (void)state;
    static const struct {
        const char *body, *said;
    } table[] = {
        {"", "is no JSON"},
        {"canary", "is no JSON"},
        {"{" DONE "," KEY, "is no JSON"},
        {"{" DONE "," KEY "} canary", "is no JSON"},
        {"{" DONE "," KEY "}{}", "is no JSON"},
        {"[" DONE "]", "is no JSON"},
        {"[]", "is no JSON object"},
        {"\"canary\"", "is no JSON object"},
        {"null", "is no JSON object"},
        {"{}", "Code is not Success"},
        {"{" KEY "}", "Code is not Success"},
        {"{\"Code\":\"canary\"," KEY "}", "Code is not Success"},
        {"{\"code\":\"Success\"," KEY "}", "Code is not Success"},
        {"{\"Code\":true," KEY "}", "Code is not Success"},
        {"{" DONE "," DONE "," KEY "}", "Code is not Success"},
        {"{" DONE "," SECRET "," TOKEN "," UNTIL "}", "AccessKeyId is missing or no text"},
        {"{" DONE "," ID "," TOKEN "," UNTIL "}", "AccessKeySecret is missing or no text"},
        {"{" DONE "," ID "," SECRET "," UNTIL "}", "SecurityToken is missing or no text"},
        {"{" DONE "," ID "," SECRET "," TOKEN "}", "Expiration is no time"},
        {"{" DONE "," KEY "," SECRET "}", "AccessKeySecret is missing or no text"},
        {"{" DONE ",\"AccessKeyId\":1," SECRET "," TOKEN "," UNTIL "}", "AccessKeyId is missing"},
        {"{" DONE ",\"AccessKeyId\":null," SECRET "," TOKEN "," UNTIL "}", "AccessKeyId is miss"},
        {"{" DONE ",\"AccessKeyId\":\"\"," SECRET "," TOKEN "," UNTIL "}", "AccessKeyId is empty"},
        {"{" DONE ",\"AccessKeyId\":\"a b\"," SECRET "," TOKEN "," UNTIL "}", "AccessKeyId has a"},
        {"{" DONE ",\"AccessKeyId\":\"a\\r\\nX: y\"," SECRET "," TOKEN "," UNTIL "}",
         "has a blank"},
        {"{" DONE ",\"AccessKeyId\":\"a\\u0000b\"," SECRET "," TOKEN "," UNTIL "}", "is no JSON"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct error err = {0};
        assert_int_equal(parse(table[i].body, &err), STATUS_INPUT);
        if (!strstr(err.message, table[i].said))
            fail_msg("%s: '%s' does not say '%s'", table[i].body, err.message, table[i].said);
        assert_null(strstr(err.message, "canary"));
        assert_int_equal(key.id[0] | key.secret[0] | key.token[0], 0);
        assert_int_equal(key.expires_ms, 0);
    }
}

static void only_whole_times_in_utc_are_times(void **state)
{
    (void)state;
    static const char *const times[] = {
        "",
        "2026-11-22",
        "2026-11-22T12:06:42",
        "2026-11-22T12:06:42z",
        "2026-11-22 12:06:42Z",
        "2026-11-22T12:06:42.000Z",
        "2026-11-22T12:06:42+00:00",
        "2026-02-30T12:06:42Z",
        "2026-13-22T12:06:42Z",
        "2026-11-22T24:06:42Z",
        "2026-11-22T12:60:42Z",
        "2026-11-22T12:06:61Z",
        "0000-11-22T12:06:42Z",
        "1969-12-31T23:59:59Z",
        "202a-11-22T12:06:42Z",
        "-026-11-22T12:06:42Z",
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char body[512];
        struct error err = {0};
        (void)snprintf(body, sizeof body,
                       "{" DONE "," ID "," SECRET "," TOKEN ",\"Expiration\":\"%s\"}", times[i]);
        if (parse(body, &err) == STATUS_OK)
            fail_msg("'%s' was taken", times[i]);
        assert_non_null(strstr(err.message, "Expiration is no time"));
    }
}

static void a_part_may_be_as_long_as_its_room_and_no_longer(void **state)
{
    (void)state;
    static char token[SECURITY_TOKEN_BYTES + 1];
    static char body[SECURITY_TOKEN_BYTES + 512];
    memset(token, 't', sizeof token - 1);
    for (unsigned too_long = 0; too_long < 2; too_long++) {
        struct error err = {0};
        const int len = (int)SECURITY_TOKEN_BYTES - 1 + (int)too_long;
        (void)snprintf(body, sizeof body,
                       "{" DONE "," ID "," SECRET "," UNTIL ",\"SecurityToken\":\"%.*s\"}", len,
                       token);
        assert_int_equal(parse(body, &err), too_long ? STATUS_INPUT : STATUS_OK);
        if (too_long)
            assert_non_null(strstr(err.message, "SecurityToken is too long"));
    }
}

/* cJSON recurses; its own limit must hold before our stack ends. */
static void deep_nesting_is_refused(void **state)
{
    (void)state;
    static char body[30001];
    struct error err = {0};
    memset(body, '[', sizeof body - 1);
    assert_int_equal(parse(body, &err), STATUS_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_read),
        cmocka_unit_test(what_is_no_key_is_refused_without_being_shown),
        cmocka_unit_test(only_whole_times_in_utc_are_times),
        cmocka_unit_test(a_part_may_be_as_long_as_its_room_and_no_longer),
        cmocka_unit_test(deep_nesting_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
