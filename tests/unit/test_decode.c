/*
 * test_decode.c - what each kind of body becomes: reasons, devices, readings, status events.
 */
#include "tests/unit/decode_fixture.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

struct expectation {
    const char *given;
    const char *expected;
};

static void expect_uploads(struct fixture *fixture, const struct expectation *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_string_equal(decode_upload(fixture, table[i].given), table[i].expected);
}

static void expect_statuses(struct fixture *fixture, const struct expectation *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_string_equal(decode_status(fixture, table[i].given), table[i].expected);
}

static void expect_bodies(struct fixture *fixture, const struct expectation *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_string_equal(decode_text(fixture, table[i].given), table[i].expected);
}

#define PAYLOAD "\"payload\":\"eyJ0IjoxfQ==\"" /* {"t":1} */
#define UPLOAD  "\"messagetype\":\"upload\""
#define TOPIC   "\"topic\":\"/pk/dn/update\""
#define ID      "\"messageid\":" TEST_ID
#define TIME    "\"timestamp\":" TEST_TIMESTAMP
#define GOOD    "1526450334377 m pk/dn t=1"

static void the_first_reason_that_applies_is_given(void **state)
{
    const struct expectation table[] = {
        {"{" PAYLOAD "," UPLOAD "," TOPIC "," ID "," TIME "}", GOOD},
        {"", "bad-json"},
        {" \r\n", "bad-json"},
        {"!", "bad-base64"},
        {"====", "bad-base64"},
        {"[1]", "bad-base64"},
        {"\xef\xbb\xbf{}", "bad-base64"},
        {"77u/e30=", "bad-json"}, /* a byte order mark inside */
        {"W10=", "bad-json"},     /* [] */
        {"e30=", "no-messageid"}, /* {} */
        {"{", "bad-json"},
        {"{} x", "bad-json"},
        {"{\"a\":1e999}", "bad-json"},
        {"{}", "no-messageid"},
        {"{\"MessageId\":1}", "no-messageid"},
        {"{\"messageid\":null}", "bad-messageid"},
        {"{" ID "}", "unknown-type"},
        {"{" ID ",\"messagetype\":null}", "unknown-type"},
        {"{" ID ",\"messagetype\":\"Upload\"}", "unknown-type"},
        {"{" ID "," UPLOAD "}", "bad-time"},
        {"{" ID "," UPLOAD "," TIME "}", "payload-not-json"},
        {"{" ID "," UPLOAD "," TIME ",\"payload\":5}", "payload-not-json"},
        {"{" ID "," UPLOAD "," TIME ",\"payload\":{\"t\":1}}", "payload-not-json"},
        {"{" ID "," UPLOAD "," TIME ",\"payload\":\"\"}", "payload-not-json"},
        {"{" ID "," UPLOAD "," TIME ",\"payload\":\"!\"}", "bad-base64"},
        {"{" ID "," UPLOAD "," TIME ",\"payload\":\"==\"}", "bad-base64"},
        {"{" ID "," UPLOAD "," TIME ",\"payload\":\"W10=\"}", "payload-not-json"},
        {"{" ID "," UPLOAD "," TIME "," PAYLOAD "}", "no-device"},
        {"{" ID "," UPLOAD "," TIME "," TOPIC ",\"payload\":\"e30=\"}", "no-numbers"},
        {"{" ID ",\"messagetype\":\"status\"," TIME "," TOPIC "," PAYLOAD "}", "bad-status"},
    };
    expect_bodies(*state, table, COUNT_OF(table));
}

static const char *body_with(struct fixture *fixture, const char *id, const char *timestamp)
{
    (void)snprintf(fixture->body, sizeof fixture->body,
                   "{" PAYLOAD "," UPLOAD "," TOPIC ",\"messageid\":%s,\"timestamp\":%s}", id,
                   timestamp);
    return decode_text(fixture, fixture->body);
}

static void ids_are_exact_integers_of_64_bits(void **state)
{
    const struct {
        const char *text;
        uint64_t id;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"\"-0\"", 0},
        {"996631012001751041", 996631012001751041u},
        {"\"996631012001751041\"", 996631012001751041u},
        {"9007199254740993", 9007199254740993u},
        {"9999999999999999999", 9999999999999999999u},
        {"18446744073709551615", UINT64_MAX},
        {"\"18446744073709551615\"", UINT64_MAX},
        {"\"\\u0031\\u0032\"", 12},
    };
    const char *const bad[] = {"18446744073709551616",
                               "28446744073709551615",
                               "100000000000000000000",
                               "-1",
                               "1.0",
                               "1e3",
                               "\"01\"",
                               "\"\"",
                               "\" 1\"",
                               "\"+1\"",
                               "\"1.0\"",
                               "true",
                               "[1]"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        (void)body_with(fixture, good[i].text, TEST_TIMESTAMP);
        assert_int_equal(fixture->batch.reject_count, 0);
        assert_true(fixture->batch.messages[0].has_id);
        assert_true(fixture->batch.messages[0].id == good[i].id);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_string_equal(body_with(fixture, bad[i], TEST_TIMESTAMP), "bad-messageid");
        assert_false(fixture->batch.messages[0].has_id);
    }
    assert_string_equal(body_with(fixture, "01", TEST_TIMESTAMP), "bad-json");
}

static void timestamps_are_integers_within_their_range(void **state)
{
    const struct expectation table[] = {
        {"631152000", "631152000000 e pk/dn t=1"},
        {"4102444799", "4102444799000 e pk/dn t=1"},
        {"631151999", "bad-time"},
        {"4102444800", "bad-time"},
        {"99999999999999999999", "bad-time"},
        {"1526450334.0", "bad-time"},
        {"1526450334e0", "bad-time"},
        {"\"1526450334\"", "bad-time"},
        {"null", "bad-time"},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_string_equal(body_with(*state, "7", table[i].given), table[i].expected);
}

static void bodies_come_raw_or_in_base64(void **state)
{
    struct fixture *fixture = *state;
    const char *body = "{" PAYLOAD "," UPLOAD "," TOPIC "," ID "," TIME "}";
    char text[2000];
    (void)snprintf(text, sizeof text, " \t%s\r\n", body);
    assert_string_equal(decode_text(fixture, text), GOOD);
    (void)snprintf(text, sizeof text, "%.1000s", in_base64(body));
    assert_string_equal(decode_text(fixture, text), GOOD);
    text[strcspn(text, "=")] = '\0';
    assert_string_equal(decode_text(fixture, text), GOOD);
    (void)snprintf(text, sizeof text, "\n%.4s \r\n\t%.1000s ", in_base64(body),
                   in_base64(body) + 4);
    assert_string_equal(decode_text(fixture, text), GOOD);
}

static void payloads_come_raw_or_in_base64(void **state)
{
#define WITH(payload) "{\"payload\":\"" payload "\"," UPLOAD "," TOPIC "," ID "," TIME "}"
    const struct expectation table[] = {
        {WITH("{\\\"t\\\":1}"), GOOD},
        {WITH(" \\t{\\\"t\\\":1}\\n"), GOOD},
        {WITH("eyJ0IjoxfQ"), GOOD},
        {WITH("eyJ0IjoxfQ\\u003d="), GOOD},
        {WITH("ey J0\\nIjox fQ = =\\r\\n"), GOOD},
        {WITH("eyJ0IjoxfQ="), "bad-base64"},
        {WITH("eyJ0IjoxfQ==="), "bad-base64"},
        {WITH("eyJ0IjoxfQ==eyJ0"), "bad-base64"},
        {WITH("{\\\"t\\\":1"), "payload-not-json"},
        {WITH("c3RfZm8="), "payload-not-json"},
        {WITH("eyJ+fiI6MX0="), "1526450334377 m pk/dn ~~=1"},
        {WITH("eyJ-fiI6MX0="), "1526450334377 m pk/dn ~~=1"},
    };
#undef WITH
    expect_bodies(*state, table, COUNT_OF(table));
}

static void of_equal_names_in_an_envelope_the_last_counts(void **state)
{
    const struct expectation table[] = {
        {"{\"messageid\":1," PAYLOAD "," UPLOAD "," TOPIC "," ID "," TIME "}", GOOD},
        {"{\"payload\":\"!\",\"topic\":5," PAYLOAD "," UPLOAD "," TOPIC "," ID "," TIME "}", GOOD},
        {"{" PAYLOAD "," UPLOAD "," TOPIC "," ID "," TIME ",\"messageid\":null}", "bad-messageid"},
        {"{" PAYLOAD "," UPLOAD "," TOPIC "," ID "," TIME ",\"\\u0074opic\":null}", "no-device"},
        {"{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"a\":[{}]," PAYLOAD "," UPLOAD "," TOPIC "," ID "," TIME
         ",\"topic\":\"/a/b/c\",\"x\":null}",
         "1526450334377 m a/b t=1"},
    };
    expect_bodies(*state, table, COUNT_OF(table));
}

static void devices_come_from_topics_of_every_form(void **state)
{
    const struct expectation table[] = {
        {"\"/pk/dn/update\"", GOOD},
        {"\"pk/dn/user/update\"", GOOD},
        {"\"/sys/pk/dn/thing/event/property/post\"", GOOD},
        {"\"sys/pk/dn/x\"", GOOD},
        {"\"\\/pk\\/dn\\/x\"", GOOD},
        {"\"/a b/\\u6e29/x\"", "1526450334377 m a b/\xe6\xb8\xa9 t=1"},
        {"\"\"", "no-device"},
        {"\"/\"", "no-device"},
        {"\"/pk\"", "no-device"},
        {"\"/pk//x\"", "no-device"},
        {"\"//dn/x\"", "no-device"},
        {"\"//pk/dn/x\"", "no-device"},
        {"\"/sys/pk\"", "no-device"},
        {"\"/sys//dn/x\"", "no-device"},
        {"null", "no-device"},
        {"[\"/pk/dn/x\"]", "no-device"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_string_equal(
            decode_text(fixture, envelope_of(fixture, "upload", table[i].given, "{\"t\":1}")),
            table[i].expected);
}

static void names_over_256_bytes_are_too_long(void **state)
{
    struct fixture *fixture = *state;
    char name[300];
    char text[1000];
    memset(name, 'n', sizeof name);
    (void)snprintf(text, sizeof text, "\"/p/%.254s/x\"", name);
    assert_string_equal(decode_text(fixture, envelope_of(fixture, "upload", text, "{}")),
                        "no-numbers");
    (void)snprintf(text, sizeof text, "\"/p/%.255s/x\"", name);
    assert_string_equal(decode_text(fixture, envelope_of(fixture, "upload", text, "{}")),
                        "too-long");
    (void)snprintf(text, sizeof text, "{\"productKey\":\"p\",\"deviceName\":\"%.255s\"}", name);
    assert_string_equal(decode_status(fixture, text), "too-long");
    (void)snprintf(text, sizeof text, "{\"productKey\":\"p\",\"deviceName\":\"%.254s\"}", name);
    assert_string_equal(decode_status(fixture, text), "bad-status");

    (void)snprintf(text, sizeof text, "{\"%.256s\":1}", name);
    assert_non_null(strstr(decode_upload(fixture, text), "pk/dn nnn"));
    (void)snprintf(text, sizeof text, "{\"%.257s\":1}", name);
    assert_string_equal(decode_upload(fixture, text), "too-long");
    (void)snprintf(text, sizeof text, "{\"a\":{\"%.254s\":1}}", name);
    assert_non_null(strstr(decode_upload(fixture, text), "pk/dn a.nnn"));
    (void)snprintf(text, sizeof text, "{\"a\":{\"%.255s\":{\"b\":true}}}", name);
    assert_string_equal(decode_upload(fixture, text), "too-long");
    (void)snprintf(text, sizeof text, "{\"b\":2,\"%.257s\":null,\"c\":{\"%.290s\":[1]}}", name,
                   name);
    assert_string_equal(decode_upload(fixture, text), "1526450334377 m pk/dn b=2");
}

#define ROW "1526450334377 m pk/dn"

static void a_custom_payload_is_one_row_of_its_numbers(void **state)
{
    const struct expectation table[] = {
        {"{\"temperature\":14,\"humidity\":116}", ROW " temperature=14 humidity=116"},
        {" { \"a\" : 19.80 , \"b\" : -0.05 } ", ROW " a=19.8 b=-0.05"},
        {"{\"a\":-0,\"b\":0.000,\"c\":1e3,\"d\":1200,\"e\":-1.5E-2}",
         ROW " a=0 b=0 c=1000 d=1200 e=-0.015"},
        {"{\"a\":true,\"b\":false,\"c\":null,\"d\":[1,2],\"e\":\"x\"}", ROW " a=1 b=0"},
        {"{\"a\":\"12.50\",\"b\":\"-0\",\"c\":\"1e2\",\"d\":\"\\u0031\"}",
         ROW " a=12.5 b=0 c=100 d=1"},
        {"{\"a\":\" 1\",\"b\":\"1 "
         "\",\"c\":\"+1\",\"d\":\"01\",\"e\":\"1e999\",\"f\":\"\",\"g\":\"NaN\"}",
         "no-numbers"},
        {"{\"env\":{\"temperature\":1,\"deep\":{\"x\":2}},\"b\":3}",
         ROW " env.temperature=1 env.deep.x=2 b=3"},
        {"{\"a\":{},\"b\":{\"c\":{}}}", "no-numbers"},
        {"{\"\":1,\"x\":{\"\":2}}", ROW " =1 x.=2"},
        {"{\"A\":1,\"a\":2}", ROW " A=1 a=2"},
        {"{\"a\":123456789012345678,\"b\":0.123456789012345678}",
         ROW " a=123456789012345678 b=0.123456789012345678"},
        {"{\"a\":1,\"a\":2}", ROW " a=2"},
        {"{\"a\":1,\"a\":\"x\",\"b\":3}", ROW " b=3"},
        {"{\"a\":{\"b\":1,\"c\":2},\"a\":{\"c\":3}}", ROW " a.c=3"},
        {"{\"a.b\":1,\"a\":{\"b\":2}}", ROW " a.b=2"},
        {"{\"a\":{\"b\":2},\"a.b\":1}", ROW " a.b=1"},
        {"{\"a\\u0000b\":1,\"a\":2}", ROW " a"},
        {"{\"items\":5}", ROW " items=5"},
        {"{\"items\":[{\"a\":1}],\"b\":1}", ROW " b=1"},
    };
    struct fixture *fixture = *state;
    expect_uploads(fixture, table, COUNT_OF(table) - 3);
    /* NUL does not end a name: the two stay apart. */
    (void)decode_upload(fixture, table[COUNT_OF(table) - 3].given);
    assert_int_equal(fixture->batch.cell_count, 2);
    assert_int_not_equal(fixture->batch.cells[0].metric, fixture->batch.cells[1].metric);
    expect_uploads(fixture, table + COUNT_OF(table) - 2, 2);
}

static void payloads_of_other_json_are_refused(void **state)
{
    const struct expectation table[] = {
        {"[{\"a\":1}]", "payload-not-json"},       {"5", "payload-not-json"},
        {"hello world", "payload-not-json"},       {"{\"a\":1}}", "payload-not-json"},
        {"{\"a\":01}", "payload-not-json"},        {"{\"a\":1.}", "payload-not-json"},
        {"{\"a\":.5}", "payload-not-json"},        {"{\"a\":+1}", "payload-not-json"},
        {"{\"a\":NaN}", "payload-not-json"},       {"{\"a\":Infinity}", "payload-not-json"},
        {"{\"a\":1e999}", "payload-not-json"},     {"{\"a\":-1e999}", "payload-not-json"},
        {"{\"a\":1,}", "payload-not-json"},        {"{,\"a\":1}", "payload-not-json"},
        {"{\"a\" 1}", "payload-not-json"},         {"{a:1}", "payload-not-json"},
        {"{\"a\":1 \"b\":2}", "payload-not-json"}, {"{'a':1}", "payload-not-json"},
        {"{\"a\":tru}", "payload-not-json"},       {"{\"a\":1}\x01", "payload-not-json"},
        {"{\"a\tb\":1}", "payload-not-json"},      {"{\"\xff\":1}", "payload-not-json"},
        {"{\"\\ud800\":1}", "payload-not-json"},   {"{\"a\":1}\xef\xbb\xbf", "payload-not-json"},
    };
    expect_uploads(*state, table, COUNT_OF(table));
}

static void a_time_member_is_the_time_and_never_a_metric(void **state)
{
    const struct expectation table[] = {
        {"{\"time\":1526450330123,\"a\":1}", "1526450330123 p pk/dn a=1"},
        {"{\"a\":1,\"ts\":\"1526450330\"}", "1526450330000 p pk/dn a=1"},
        {"{\"ts\":1526450331,\"timestamp\":1526450330,\"a\":1}", "1526450330000 p pk/dn a=1"},
        {"{\"timestamp\":1526450330,\"time\":\"2018-05-16 13:58:44.427\",\"a\":1}",
         "1526450324427 p pk/dn a=1"},
        {"{\"time\":\"soon\",\"ts\":1526450330,\"a\":1}", "1526450330000 p pk/dn a=1"},
        {"{\"time\":null,\"timestamp\":{\"x\":5},\"ts\":[1],\"a\":1}", ROW " a=1"},
        {"{\"time\":5,\"a\":1}", "1526450334377 m! pk/dn a=1"},
        {"{\"time\":5,\"ts\":1526450330,\"a\":1}", "1526450330000 p! pk/dn a=1"},
        {"{\"time\":1526450330,\"ts\":5,\"a\":1}", "1526450330000 p pk/dn a=1"},
        {"{\"time\":5,\"time\":1526450330,\"a\":1}", "1526450330000 p pk/dn a=1"},
        {"{\"time\":1526450330,\"time\":null,\"a\":1}", ROW " a=1"},
        {"{\"time\":1526450330}", "no-numbers"},
        {"{\"a\":{\"time\":7}}", ROW " a.time=7"},
    };
    expect_uploads(*state, table, COUNT_OF(table));
}

static void time_fields_are_configurable(void **state)
{
    struct fixture *fixture = *state;
    const char *payload =
        "{\"time\":1526450330,\"when\":1526450331,\"utcAt\":\"2018-05-16 05:58:50\"}";
    assert_int_equal(time_fields_parse(&fixture->config.time_fields, "none", NULL), STATUS_OK);
    assert_string_equal(decode_upload(fixture, payload), ROW " time=1526450330 when=1526450331");
    assert_int_equal(time_fields_parse(&fixture->config.time_fields, "when,time", NULL), STATUS_OK);
    assert_string_equal(decode_upload(fixture, payload), "no-numbers");
    assert_int_equal(time_fields_parse(&fixture->config.time_fields, "utcAt", NULL), STATUS_OK);
    assert_string_equal(decode_upload(fixture, payload),
                        "1526450330000 p pk/dn time=1526450330 when=1526450331");
    const char *const bad[] = {"",      "a,",   ",a",
                               "a,b,a", "a,,b", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {0};
        assert_int_equal(time_fields_parse(&fixture->config.time_fields, bad[i], &err),
                         STATUS_CONFIG);
        assert_true(err.message[0] != '\0');
    }
}

static void things_give_a_row_for_each_time(void **state)
{
    const struct expectation table[] = {
        {"{\"items\":{\"t\":{\"value\":28,\"time\":1526450330123},"
         "\"h\":{\"value\":0,\"time\":1526450330123}}}",
         "1526450330123 p pk/dn t=28 h=0"},
        {"{\"items\":{\"a\":{\"value\":1,\"time\":1526450332000},"
         "\"b\":{\"value\":2,\"time\":1526450331000},\"c\":{\"value\":3,\"time\":1526450332}}}",
         "1526450331000 p pk/dn b=2 | 1526450332000 p pk/dn a=1 c=3"},
        {"{\"gmtCreate\":1526450330000,\"iotId\":\"7\",\"x\":9,\"items\":{\"a\":{\"value\":1}}}",
         "1526450330000 p pk/dn a=1"},
        {"{\"gmtCreate\":\"2018-05-16 13:58:50\",\"items\":{\"a\":{\"value\":1,\"time\":null}}}",
         "1526450330000 p pk/dn a=1"},
        {"{\"items\":{\"a\":{\"value\":1}}}", ROW " a=1"},
        {"{\"items\":{\"g\":{\"value\":{\"x\":1,\"y\":{\"z\":true}},\"time\":1526450330}}}",
         "1526450330000 p pk/dn g.x=1 g.y.z=1"},
        {"{\"items\":{\"a\":{\"value\":\"1.50\"},\"b\":{\"value\":\"x\"},\"c\":{\"value\":null},"
         "\"d\":{\"value\":[1]},\"e\":{\"time\":1},\"f\":6}}",
         ROW " a=1.5"},
        {"{\"items\":{}}", "no-numbers"},
        {"{\"items\":{\"a\":{\"value\":\"x\"}},\"gmtCreate\":1526450330000}", "no-numbers"},
        {"{\"items\":{\"a\":{\"value\":1,\"time\":5},\"b\":{\"value\":2}}}",
         "1526450334377 m! pk/dn a=1 b=2"},
        {"{\"items\":{\"a\":{\"value\":\"x\",\"time\":5},\"b\":{\"value\":2}}}", ROW " b=2"},
        {"{\"items\":{\"a\":{\"value\":1},\"b\":{\"value\":2,\"time\":1526450334377}}}",
         "1526450334377 p pk/dn a=1 b=2"},
        {"{\"items\":{\"a\":{\"value\":1,\"time\":1526450330},\"a\":{\"value\":2,\"time\":"
         "1526450331}}}",
         "1526450331000 p pk/dn a=2"},
        {"{\"items\":{\"a.b\":{\"value\":1},\"a\":{\"value\":{\"b\":2}}}}", ROW " a.b=2"},
        {"{\"items\":{\"time\":{\"value\":1,\"time\":1526450330}}}",
         "1526450330000 p pk/dn time=1"},
        {"{\"items\":3,\"items\":{\"a\":{\"value\":1}}}", ROW " a=1"},
    };
    expect_uploads(*state, table, COUNT_OF(table));
}

static void a_device_secret_is_never_a_metric(void **state)
{
    const struct expectation table[] = {
        {"{\"deviceSecret\":5,\"a\":1}", ROW " a=1"},
        {"{\"deviceSecret\":{\"x\":5},\"b\":{\"deviceSecret\":\"7\",\"c\":1}}", ROW " b.c=1"},
        {"{\"device\\u0053ecret\":5}", "no-numbers"},
        {"{\"items\":{\"deviceSecret\":{\"value\":1},\"a\":{\"value\":{\"deviceSecret\":2}}}}",
         "no-numbers"},
        {"{\"deviceSecrets\":5}", ROW " deviceSecrets=5"},
    };
    expect_uploads(*state, table, COUNT_OF(table));
}

#define EVENT "{\"productKey\":\"pk\",\"deviceName\":\"dn\",\"status\":\"online\""

static void status_events_have_state_time_and_contact(void **state)
{
    const struct expectation table[] = {
        {EVENT "}", "1526450334377 m pk/dn state=1"},
        {EVENT ",\"time\":\"2018-05-16 13:58:44.427\",\"lastTime\":\"2018-05-16 13:58:44.413\"}",
         "1526450324427 p pk/dn state=1 age=14"},
        {"{\"status\":\"offline\",\"deviceName\":\"b\",\"productKey\":\"a\",\"time\":1526450324}",
         "1526450324000 p a/b state=0"},
        {EVENT ",\"time\":\"2018-05-16 13:58:45\",\"utcTime\":\"2018-05-16T05:58:44.427Z\"}",
         "1526450324427 p pk/dn state=1"},
        {EVENT ",\"time\":\"2018-05-16 13:58:45\",\"utcTime\":\"\"}",
         "1526450325000 p pk/dn state=1"},
        {EVENT ",\"time\":\"2018-05-16 13:58:45\",\"utcTime\":77}",
         "1526450325000 p! pk/dn state=1"},
        {EVENT ",\"utcTime\":\"2018-05-16 05:58:44\",\"utcLastTime\":\"2018-05-16 05:58:43\","
               "\"lastTime\":\"2018-05-16 13:58:40\"}",
         "1526450324000 p pk/dn state=1 age=1000"},
        {EVENT ",\"time\":1526450324,\"utcLastTime\":\"?\",\"lastTime\":1526450320}",
         "1526450324000 p pk/dn state=1 age=4000"},
        {EVENT ",\"time\":1526450324,\"lastTime\":\"1970-01-01T00:00Z\"}",
         "1526450324000 p pk/dn state=1 age=1526450324000"},
        {EVENT ",\"time\":1526450324,\"lastTime\":5}", "1526450324000 p pk/dn state=1"},
        {EVENT ",\"status\":\"offline\"}", "1526450334377 m pk/dn state=0"},
        {"{\"productKey\":\"pk\",\"deviceName\":\"dn\",\"status\":\"Online\"}", "bad-status"},
        {"{\"productKey\":\"pk\",\"deviceName\":\"dn\",\"status\":1}", "bad-status"},
        {"{\"productKey\":\"pk\",\"deviceName\":\"dn\"}", "bad-status"},
        {"{\"status\":\"x\"}", "no-device"},
        {"{\"productKey\":\"\",\"deviceName\":\"dn\",\"status\":\"online\"}", "no-device"},
        {"{\"productKey\":\"pk\",\"deviceName\":5,\"status\":\"online\"}", "no-device"},
    };
    expect_statuses(*state, table, COUNT_OF(table));
}

static void status_devices_may_come_from_the_topic(void **state)
{
    const struct expectation table[] = {
        {"\"/as/mqtt/status/pk/dn\"", "1526450334377 m pk/dn state=0"},
        {"\"as/mqtt/status/pk/dn\"", "1526450334377 m pk/dn state=0"},
        {"\"/pk/dn/x\"", "1526450334377 m pk/dn state=0"},
        {"\"/sys/pk/dn/x\"", "1526450334377 m pk/dn state=0"},
        {"\"/as/mqtt/status//dn\"", "no-device"},
        {"\"/as/mqtt/status/pk\"", "no-device"},
        {"null", "no-device"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const char *payload = "{\"status\":\"offline\",\"productKey\":\"only\"}";
        assert_string_equal(
            decode_text(fixture, envelope_of(fixture, "status", table[i].given, payload)),
            table[i].expected);
    }
}

static void the_walkthrough_reads_as_its_vendor_says(void **state)
{
    const struct expectation table[] = {
        {"{\"payload\":"
         "\"eyJsYXN0VGltZSI6IjIwMTgtMDUtMTYgMTM6NTk6MDQuMzgxIiwidGltZSI6IjIwMTgtMDUtMTYgMTM6NTk6"
         "MTMuNTcxIiwicHJvZHVjdEtleSI6ImExam5VRUtZaHc0IiwiZGV2aWNlTmFtZSI6InN1dzh1bU9xZ0o3MnlDQURlc"
         "lpwIiwic3RhdHVzIjoib2ZmbGluZSJ9\",\"messagetype\":\"status\",\"messageid\":"
         "996631134240534528,\"timestamp\":1526450353}",
         "1526450353571 p a1jnUEKYhw4/suw8umOqgJ72yCADerZp state=0 age=9190"},
        {"{\"payload\":\"eyJ0ZW1wZXJhdHVyZSI6MTQsImh1bWlkaXR5IjoxMTZ9\",\"messagetype\":\"upload\","
         "\"topic\":\"/a1jnUEKYhw4/suw8umOqgJ72yCADerZp/update\",\"messageid\":996631053735047169,"
         "\"timestamp\":1526450334}",
         "1526450334377 m a1jnUEKYhw4/suw8umOqgJ72yCADerZp temperature=14 humidity=116"},
    };
    expect_bodies(*state, table, COUNT_OF(table));
}

static void plain_shapes_take_the_fast_path(void **state)
{
    struct fixture *fixture = *state;
    const char *const payloads[] = {
        "{\"temperature\":14.5,\"humidity\":116}", "{\"a\":-0.5,\"b\":true,\"c\":false}",
        "{ \"a\" : 1 , \"time\" : \"2018-05-16 13:58:44\" }", "{\"a\":123456789012345678}"};
    for (size_t i = 0; i < COUNT_OF(payloads); i++)
        (void)decode_upload(fixture, payloads[i]);
    (void)decode_status(fixture, EVENT ",\"time\":\"2018-05-16 13:58:45\",\"clientIp\":\"\"}");
    (void)decode_text(fixture, in_base64("{" TIME "," ID "," TOPIC "," UPLOAD "," PAYLOAD "}"));
    assert_int_equal(fixture->decoder.fast_count, COUNT_OF(payloads) + 2);
    assert_int_equal(fixture->decoder.general_count, 0);
    (void)decode_upload(fixture, "{\"a\":{\"b\":1}}");
    assert_int_equal(fixture->decoder.general_count, 1);
}

/* --- devices that the store holds ------------------------------------------------------------ */

#define LINE_OF(device) "{" PAYLOAD "," UPLOAD ",\"topic\":\"/" device "/update\"," ID "," TIME "}"

static void devices_are_numbered_by_what_all_decoders_know(void **state)
{
    struct fixture *fixture = *state;
    struct row_batch *batch = &fixture->batch;
    OWNED(known_names_release) struct known_names known = {.seed = 0};
    known_names_init(&known);
    static const char *const held[] = {"pk/other", "pk/held"};
    for (uint32_t i = 0; i < COUNT_OF(held); i++) {
        const struct slice name = slice_of_text(held[i]);
        uint32_t number = 0;
        assert_true(known_names_add(&known, known_names_hash(&known, name), name, &number));
        assert_int_equal(number, i);
    }
    batch->known_devices = &known;
    static const char *const lines[] = {LINE_OF("pk/new"), LINE_OF("pk/held"), LINE_OF("pk/new")};
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        assert_int_equal(decoder_decode(&fixture->decoder, slice_of_text(lines[i]), 0, batch, NULL),
                         STATUS_OK);
    assert_int_equal(batch->row_count[TABLE_READINGS], 3);
    const struct row *const rows = batch->rows[TABLE_READINGS];
    assert_int_equal(rows[0].device, ROW_DEVICE_KNOWN | 2);
    assert_int_equal(rows[1].device, ROW_DEVICE_KNOWN | 1);
    assert_int_equal(rows[2].device, ROW_DEVICE_KNOWN | 2);
    assert_int_equal(batch->devices.count, 0);
    assert_true(slice_equal(known_names_name(&known, 2), slice_of_text("pk/new")));
    batch->known_devices = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_reason_that_applies_is_given, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_are_exact_integers_of_64_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(timestamps_are_integers_within_their_range, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(bodies_come_raw_or_in_base64, setup, teardown),
        cmocka_unit_test_setup_teardown(payloads_come_raw_or_in_base64, setup, teardown),
        cmocka_unit_test_setup_teardown(of_equal_names_in_an_envelope_the_last_counts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(devices_come_from_topics_of_every_form, setup, teardown),
        cmocka_unit_test_setup_teardown(names_over_256_bytes_are_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(a_custom_payload_is_one_row_of_its_numbers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(payloads_of_other_json_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_time_member_is_the_time_and_never_a_metric, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(time_fields_are_configurable, setup, teardown),
        cmocka_unit_test_setup_teardown(things_give_a_row_for_each_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_device_secret_is_never_a_metric, setup, teardown),
        cmocka_unit_test_setup_teardown(status_events_have_state_time_and_contact, setup, teardown),
        cmocka_unit_test_setup_teardown(status_devices_may_come_from_the_topic, setup, teardown),
        cmocka_unit_test_setup_teardown(the_walkthrough_reads_as_its_vendor_says, setup, teardown),
        cmocka_unit_test_setup_teardown(plain_shapes_take_the_fast_path, setup, teardown),
        cmocka_unit_test_setup_teardown(devices_are_numbered_by_what_all_decoders_know, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
