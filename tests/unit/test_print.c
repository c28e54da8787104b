/*
 * test_print.c - a body as a JSON line: digits and order as they came, safe on a terminal.
 */
#include "ingest/print/print.h"

#include "engine/base/arena.h"
#include "engine/base/mem.h"
#include "ingest/decode/json.h"
#include "tests/unit/decode_fixture.h"

static struct printer *printer;

static int open_printer(void **state)
{
    (void)state;
    return printer_open(&printer, NULL) == STATUS_OK ? 0 : -1;
}

static int close_printer(void **state)
{
    (void)state;
    printer_close(printer);
    return 0;
}

/* The line of these bytes as a text, after a look at what every line must be. */
static const char *line_of(struct slice body)
{
    static char text[TEXT_BYTES_MAX];
    struct slice line = {0};
    assert_int_equal(printer_line(printer, body, &line, NULL), STATUS_OK);
    assert_in_range(line.len, 3, sizeof text - 1);
    assert_int_equal(line.data[line.len - 1], '\n');
    for (size_t i = 0; i + 1 < line.len; i++)
        assert_true(line.data[i] >= 0x20 && line.data[i] != 0x7f);

    struct arena arena = {0};
    struct json_document document = {0};
    assert_int_equal(json_parse(line, &arena, &document), STATUS_OK);
    assert_non_null(document.root);
    assert_int_equal(document.root->type, JSON_OBJECT);
    arena_release(&arena);

    memcpy(text, line.data, line.len - 1);
    text[line.len - 1] = '\0';
    return text;
}

static const char *print_text(const char *body)
{
    return line_of(slice_of_text(body));
}

/* The value of "payload" in the line of an envelope around these bytes. */
static const char *print_payload_bytes(struct slice payload)
{
    static char body[TEXT_BYTES_MAX];
    const char *const start = "{\"payload\":\"";
    const size_t len = base64_encoded_len(payload.len);
    assert_in_range(len, 0, sizeof body - 20);
    memcpy(body, start, strlen(start));
    base64_encode(payload, (uint8_t *)body + strlen(start));
    memcpy(body + strlen(start) + len, "\"}", 3);
    const char *line = print_text(body);
    static char value[TEXT_BYTES_MAX];
    const char *const before = "{\"payload\":";
    assert_memory_equal(line, before, strlen(before));
    const size_t value_len = strlen(line) - strlen(before) - 1;
    memcpy(value, line + strlen(before), value_len);
    value[value_len] = '\0';
    return value;
}

static const char *print_payload(const char *payload)
{
    return print_payload_bytes(slice_of_text(payload));
}

/* --- envelopes ------------------------------------------------------------------------------- */

#define WALKTHROUGH                                                                            \
    "\"payload\":\"eyJ0ZW1wZXJhdHVyZSI6MTQsImh1bWlkaXR5IjoxMTZ9\",\"messagetype\":\"upload\"," \
    "\"topic\":\"/a1jnUEKYhw4/suw/update\",\"messageid\":996631053735047169,"                  \
    "\"timestamp\":1526450334"
#define WALKTHROUGH_LINE                                                               \
    "{\"payload\":{\"temperature\":14,\"humidity\":116},\"messagetype\":\"upload\","   \
    "\"topic\":\"/a1jnUEKYhw4/suw/update\",\"messageid\":996631053735047169,\"timesta" \
    "mp\":1526450334}"

static void the_walkthrough_reads_as_its_consumer_shows_it(void **state)
{
    (void)state;
    assert_string_equal(print_text("{" WALKTHROUGH "}"), WALKTHROUGH_LINE);
    assert_string_equal(print_text(" {" WALKTHROUGH "\n}\n"), WALKTHROUGH_LINE);
    assert_string_equal(print_text(in_base64("{" WALKTHROUGH "}")), WALKTHROUGH_LINE);
}

static void members_keep_their_order_and_digits(void **state)
{
    (void)state;
    assert_string_equal(
        print_text("{ \"z\" : 1.50 , \"a\" : 18446744073709551616, \"m\":[1e2, -0 ,{}, []],"
                   "\"n\":null,\"t\":true,\"f\":false, \"o\":{\"b\":1,\"a\":\"x\"}}"),
        "{\"z\":1.50,\"a\":18446744073709551616,\"m\":[1e2,-0,{},[]],"
        "\"n\":null,\"t\":true,\"f\":false,\"o\":{\"b\":1,\"a\":\"x\"}}");
    assert_string_equal(print_text("{}"), "{}");
}

static void of_equal_names_the_one_that_counts_is_printed(void **state)
{
    (void)state;
    assert_string_equal(print_text("{\"a\":1,\"b\":2,\"\\u0061\":3}"), "{\"b\":2,\"a\":3}");
    assert_string_equal(print_text("{\"a\":1,\"a\":2}"), "{\"a\":2}");
    assert_string_equal(print_payload("{\"a\":{\"x\":1,\"x\":2},\"a\":{\"x\":3,\"x\":4}}"),
                        "{\"a\":{\"x\":4}}");
}

static void what_is_no_envelope_is_printed_as_base64(void **state)
{
    (void)state;
    assert_string_equal(print_text("hello world"), "{\"body\":\"aGVsbG8gd29ybGQ=\"}");
    assert_string_equal(print_text("{\"a\":"), "{\"body\":\"eyJhIjo=\"}");
    assert_string_equal(print_text(in_base64("[1]")), "{\"body\":\"V3pGZA==\"}");
    assert_string_equal(print_text(""), "{\"body\":\"\"}");
    assert_string_equal(line_of(slice_of("\x1b[2J\0\xff", 6)), "{\"body\":\"G1sySgD/\"}");
}

/* --- payloads -------------------------------------------------------------------------------- */

static void a_payload_of_json_is_embedded(void **state)
{
    (void)state;
    assert_string_equal(print_payload("{ \"a\" : 19.80 }"), "{\"a\":19.80}");
    assert_string_equal(print_payload("[1, 2]"), "[1,2]");
    assert_string_equal(print_payload("1e400000"), "\"1e400000\""); /* beyond doubles: no JSON */
    assert_string_equal(print_payload(" 12 "), "12");
    assert_string_equal(print_payload("null"), "null");
    assert_string_equal(print_payload("\"text\""), "\"text\"");
}

static void a_payload_of_text_is_a_string(void **state)
{
    (void)state;
    assert_string_equal(print_payload("hello world"), "\"hello world\"");
    assert_string_equal(print_payload("{\"cut\":"), "\"{\\\"cut\\\":\"");
    assert_string_equal(print_payload("a\"b\\c\n\t\x1b[31m\x7f"),
                        "\"a\\\"b\\\\c\\n\\t\\u001b[31m\\u007f\"");
    assert_string_equal(print_payload("\xe6\xb8\xa9\xe5\xba\xa6"), "\"\xe6\xb8\xa9\xe5\xba\xa6\"");
    assert_string_equal(print_payload_bytes(slice_of("a\0b", 3)), "\"a\\u0000b\"");
    assert_string_equal(print_payload(""), "\"\"");
}

static void a_payload_of_bytes_is_base64(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *value;
    } cases[] = {
        {"\xff", "{\"base64\":\"/w==\"}"},
        {"a\x80", "{\"base64\":\"YYA=\"}"},
        {"\xc0\xaf", "{\"base64\":\"wK8=\"}"},
        {"\xe0\x80\xaf", "{\"base64\":\"4ICv\"}"},
        {"\xed\xa0\x80", "{\"base64\":\"7aCA\"}"},
        {"\xf0\x80\x80\x80", "{\"base64\":\"8ICAgA==\"}"},
        {"\xf4\x90\x80\x80", "{\"base64\":\"9JCAgA==\"}"},
        {"\xe6\xb8", "{\"base64\":\"5rg=\"}"},
        {"\xf8\x88\x80\x80\x80", "{\"base64\":\"+IiAgIA=\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(print_payload(cases[i].bytes), cases[i].value);
}

static void other_payloads_stay_as_they_are(void **state)
{
    (void)state;
    assert_string_equal(print_text("{\"payload\":\"no base64!\"}"), "{\"payload\":\"no base64!\"}");
    assert_string_equal(print_text("{\"payload\":\"{\\\"raw\\\":1}\"}"),
                        "{\"payload\":{\"raw\":1}}");
    assert_string_equal(print_text("{\"payload\":[1]}"), "{\"payload\":[1]}");
    assert_string_equal(print_text("{\"o\":{\"payload\":\"e30=\"}}"),
                        "{\"o\":{\"payload\":\"e30=\"}}");
}

static void what_a_terminal_would_obey_is_escaped(void **state)
{
    (void)state;
    assert_string_equal(print_text("{\"\\u001b]0;x\\u0007\":\"\\u0000\xc2\x9b"
                                   "31m\xe2\x80\xae\xe2\x80\xa8\xef\xbb\xbf\"}"),
                        "{\"\\u001b]0;x\\u0007\":\"\\u0000\\u009b31m\\u202e\\u2028\\ufeff\"}");
}

/* The envelope takes one level of what our reader allows. */
static void a_payload_too_deep_to_embed_is_a_string(void **state)
{
    (void)state;
    char deep[2 * JSON_DEPTH_MAX + 1] = {0};
    memset(deep, '[', JSON_DEPTH_MAX - 1);
    memset(deep + JSON_DEPTH_MAX - 1, ']', JSON_DEPTH_MAX - 1);
    assert_string_equal(print_payload(deep), deep);
    memset(deep, '[', JSON_DEPTH_MAX);
    memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    char quoted[sizeof deep + 2];
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", deep);
    assert_string_equal(print_payload(deep), quoted);
}

/* --- secrets --------------------------------------------------------------------------------- */

static void secrets_are_masked_in_every_layer(void **state)
{
    (void)state;
    assert_string_equal(print_payload("{\"deviceSecret\":\"abc\",\"a\":[{\"deviceSecret\":12}]}"),
                        "{\"deviceSecret\":\"***\",\"a\":[{\"deviceSecret\":\"**\"}]}");
    assert_string_equal(print_text("{\"deviceSecret\":\"abc\",\"a\":1}"),
                        "{\"deviceSecret\":\"***\",\"a\":1}");
    assert_string_equal(print_text(in_base64("{\"deviceSecret\":\"abc\"}")),
                        "{\"deviceSecret\":\"***\"}");
    assert_string_equal(print_payload("[{\"device\\u0053ecret\":\"abc\"}]"),
                        "[{\"deviceSecret\":\"***\"}]");
    assert_string_equal(print_text("deviceSecret!"), "{\"body\":\"KioqKioqKioqKioqKg==\"}");
}

/* --- memory ---------------------------------------------------------------------------------- */

static enum status try_printing(void)
{
    struct printer *tried = NULL;
    struct slice line = {0};
    enum status status = printer_open(&tried, NULL);
    if (status == STATUS_OK)
        status = printer_line(tried, slice_of_text("{" WALKTHROUGH "}"), &line, NULL);
    if (status == STATUS_OK)
        status = printer_line(tried, slice_of_text("no envelope"), &line, NULL);
    printer_close(tried);
    return status;
}

static void printing_survives_every_failed_allocation(void **state)
{
    (void)state;
    const size_t before = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        mem_fail_at(nth);
        status = try_printing();
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), before);
        assert_in_range(nth, 0, 200); /* the sweep must end */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_walkthrough_reads_as_its_consumer_shows_it),
        cmocka_unit_test(members_keep_their_order_and_digits),
        cmocka_unit_test(of_equal_names_the_one_that_counts_is_printed),
        cmocka_unit_test(what_is_no_envelope_is_printed_as_base64),
        cmocka_unit_test(a_payload_of_json_is_embedded),
        cmocka_unit_test(a_payload_of_text_is_a_string),
        cmocka_unit_test(a_payload_of_bytes_is_base64),
        cmocka_unit_test(other_payloads_stay_as_they_are),
        cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
        cmocka_unit_test(a_payload_too_deep_to_embed_is_a_string),
        cmocka_unit_test(secrets_are_masked_in_every_layer),
        cmocka_unit_test(printing_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, open_printer, close_printer);
}
