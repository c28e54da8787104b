/*
 * test_decode_mask.c - what is kept of a rejected body: its bytes, its digest, its secrets hidden.
 */
#include "tests/unit/decode_fixture.h"

#include <openssl/sha.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define CREATED         "device_lifecycle"

static const struct reject *only_reject(const struct fixture *fixture)
{
    assert_int_equal(fixture->batch.reject_count, 1);
    return &fixture->batch.rejects[0];
}

static void expect_kept(struct fixture *fixture, const char *body, const char *kept)
{
    (void)decode_text(fixture, body);
    const struct reject *reject = only_reject(fixture);
    assert_int_equal(reject->body.len, strlen(kept));
    assert_memory_equal(reject->body.data, kept, strlen(kept));
    assert_int_equal(reject->altered, strcmp(body, kept) != 0);
}

static void expect_stars(struct fixture *fixture, const char *body)
{
    char stars[4000];
    assert_true(strlen(body) < sizeof stars);
    memset(stars, '*', strlen(body));
    stars[strlen(body)] = '\0';
    expect_kept(fixture, body, stars);
}

static void a_rejected_body_is_kept_byte_for_byte(void **state)
{
    const char *const bodies[] = {
        "!",
        "{",
        " {} ",
        "{\"messageid\":null}",
        "e30=",
        "{\"a\":\"\\u0000\"}",
        "\xff\x01\x7f",
        "{\"messageid\":1,\"messagetype\":\"ota_event\",\"payload\":\"eyJ4IjoxfQ\"}"};
    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        expect_kept(*state, bodies[i], bodies[i]);
}

static void a_reject_has_the_digest_of_all_bytes_and_its_id(void **state)
{
    struct fixture *fixture = *state;
    const char *body = "{\"messageid\":7,\"deviceSecret\":\"abc\"}";
    uint8_t digest[BODY_DIGEST_BYTES];
    (void)SHA256((const unsigned char *)body, strlen(body), digest);
    assert_string_equal(decode_text(fixture, body), "unknown-type");
    assert_memory_equal(only_reject(fixture)->digest, digest, sizeof digest);
    assert_true(fixture->batch.messages[0].has_id);
    assert_int_equal(fixture->batch.messages[0].id, 7);
}

/* The same payload before and after, in an envelope and in a body of base64. */
static void expect_masked_payload(struct fixture *fixture, const char *payload, const char *masked)
{
    char before[4000];
    char after[4000];
    char before_base64[6000];
    char after_base64[6000];
    (void)snprintf(before, sizeof before, "%.3999s",
                   envelope_of(fixture, CREATED, "null", payload));
    (void)snprintf(after, sizeof after, "%.3999s", envelope_of(fixture, CREATED, "null", masked));
    expect_kept(fixture, before, after);
    (void)snprintf(before_base64, sizeof before_base64, "%.5999s", in_base64(before));
    (void)snprintf(after_base64, sizeof after_base64, "%.5999s", in_base64(after));
    expect_kept(fixture, before_base64, after_base64);
}

static void a_secret_is_masked_in_the_payload_and_encoded_again(void **state)
{
    const char *const pairs[][2] = {
        {"{\"deviceSecret\":\"abc\",\"x\":1}", "{\"deviceSecret\":\"***\",\"x\":1}"},
        {"{ \"a\" : [ { \"deviceSecret\" : \"abc\" } ] }",
         "{ \"a\" : [ { \"deviceSecret\" : \"***\" } ] }"},
        {"[{\"deviceSecret\":\"\"}]", "[{\"deviceSecret\":\"\"}]"},
        {"{\"device\\u0053ecret\":\"a\\u0062c\"}", "{\"device\\u0053ecret\":\"***\"}"},
        {"{\"deviceSecret\":\"\xe7\xa7\x98\xe5\xaf\x86!\"}", "{\"deviceSecret\":\"***\"}"},
        {"{\"deviceSecret\":1234}", "{\"deviceSecret\":\"****\"}"},
        {"{\"deviceSecret\":{\"k\":\"v\"}}", "{\"deviceSecret\":\"*********\"}"},
        {"{\"deviceSecret\":\"ab\",\"deviceSecret\":\"cde\"}",
         "{\"deviceSecret\":\"**\",\"deviceSecret\":\"***\"}"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        expect_masked_payload(*state, pairs[i][0], pairs[i][1]);
}

static void a_secret_is_masked_wherever_the_envelope_holds_it(void **state)
{
    const char *const pairs[][2] = {
        {"{\"deviceSecret\":\"abc\"}", "{\"deviceSecret\":\"***\"}"},
        {" {\"payload\":{\"deviceSecret\":\"abc\"},\"b\":1} ",
         " {\"payload\":{\"deviceSecret\":\"***\"},\"b\":1} "},
        {"{\"payload\":\"{\\\"deviceSecret\\\":\\\"abc\\\"}\"}",
         "{\"payload\":\"{\\\"deviceSecret\\\":\\\"***\\\"}\"}"},
        {"{\"payload\":\"eyJkZXZpY2VTZWNyZXQiOiJhYmMifQ\",\"payload\":\"eyJhIjoxfQ==\"}",
         "{\"payload\":\"eyJkZXZpY2VTZWNyZXQiOiIqKioifQ==\",\"payload\":\"eyJhIjoxfQ==\"}"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        expect_kept(*state, pairs[i][0], pairs[i][1]);
}

static void what_cannot_be_parsed_and_holds_the_word_becomes_stars(void **state)
{
    struct fixture *fixture = *state;
    const char *const bodies[] = {
        "deviceSecret=abc!",
        "{\"deviceSecret\":\"abc\"",
        "{\"device\\u0053ecret\":\"abc\"",
        "{\"payload\":\"eyJkZXZpY2VTZWNyZXQiOiJhYmMifQ==\",\"messageid\":1",
        "{\"payload\":\"eyJkZXZp\\nY2VTZWNy ZXQiOiJhYmMifQ==\",\"messageid\":1",
        "{\"payload\":\"xx,eyJkZXZpY2VTZWNyZXQ\"}",
        "{\"payload\":\"{\\\"deviceSecret\\\":\"}",
        "{\"payload\":\"ZGV2aWNlU2VjcmV0\"}",
        "{\"payload\":\"eyJhIjoxLGRldmljZVNlY3JldDo1fQ==\",\"deviceSecret\":\"x\"}",
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        expect_stars(fixture, bodies[i]);

    /* The word behind 0 to 3 bytes, once and twice in base64, the end cut off. */
    char text[200];
    for (int skipped = 0; skipped < 4; skipped++) {
        (void)snprintf(text, sizeof text, "%.*sdeviceSecret", skipped, "xyz");
        char once[400];
        (void)snprintf(once, sizeof once, "%.300s", in_base64(text));
        once[strcspn(once, "=")] = '\0';
        expect_stars(fixture, once);
        char twice[800];
        (void)snprintf(twice, sizeof twice, "{\"%.600s", in_base64(once));
        twice[strcspn(twice, "=")] = '\0';
        expect_stars(fixture, twice);
    }
}

static void a_long_body_keeps_its_first_mebibyte(void **state)
{
    struct fixture *fixture = *state;
    const size_t len = BODY_BYTES_MAX + 5;
    char *body = malloc(len);
    assert_non_null(body);
    memset(body, ' ', len);
    body[0] = '{';
    uint8_t digest[BODY_DIGEST_BYTES];
    (void)SHA256((const unsigned char *)body, len, digest);
    assert_string_equal(decode_bytes(fixture, slice_of(body, len)), "too-long");
    const struct reject *reject = only_reject(fixture);
    assert_int_equal(reject->body.len, BODY_BYTES_MAX);
    assert_memory_equal(reject->body.data, body, BODY_BYTES_MAX);
    assert_memory_equal(reject->digest, digest, sizeof digest);
    assert_true(slice_equal(reject->detail, slice_of_text("1048581")));
    assert_true(reject->altered);
    assert_false(fixture->batch.messages[0].has_id);

    assert_string_equal(decode_bytes(fixture, slice_of(body, BODY_BYTES_MAX)), "bad-json");
    assert_int_equal(only_reject(fixture)->body.len, BODY_BYTES_MAX);
    assert_false(only_reject(fixture)->altered);

    /* The word behind the first mebibyte hides all of it too. */
    memset(body, 'x', len);
    row_batch_clear(&fixture->batch);
    const struct long_body cut = {.first = slice_of(body, BODY_BYTES_MAX),
                                  .total_len = UINT64_C(5000000000),
                                  .digest = digest,
                                  .holds_secret_word = true};
    assert_int_equal(decoder_reject_too_long(&fixture->decoder, &cut, 9, &fixture->batch, NULL),
                     STATUS_OK);
    reject = only_reject(fixture);
    assert_int_equal(reject->body.len, BODY_BYTES_MAX);
    assert_int_equal(reject->body.data[0], '*');
    assert_int_equal(reject->received_ms, 9);
    assert_true(slice_equal(reject->detail, slice_of_text("5000000000")));
    free(body);
}

static void a_body_can_be_masked_for_other_uses(void **state)
{
    struct fixture *fixture = *state;
    struct slice kept = {0};
    bool masked = true;
    const struct slice plain = slice_of_text("{\"a\":1}");
    assert_int_equal(decoder_mask_body(&fixture->decoder, plain, &kept, &masked, NULL), STATUS_OK);
    assert_false(masked);
    assert_ptr_equal(kept.data, plain.data);
    const struct slice secret = slice_of_text("{\"deviceSecret\":\"a\"}");
    assert_int_equal(decoder_mask_body(&fixture->decoder, secret, &kept, &masked, NULL), STATUS_OK);
    assert_true(masked);
    assert_true(slice_equal(kept, slice_of_text("{\"deviceSecret\":\"*\"}")));
    assert_int_equal(decoder_mask_body(&fixture->decoder, (struct slice){0}, &kept, &masked, NULL),
                     STATUS_OK);
    assert_false(masked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rejected_body_is_kept_byte_for_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reject_has_the_digest_of_all_bytes_and_its_id, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_secret_is_masked_in_the_payload_and_encoded_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_secret_is_masked_wherever_the_envelope_holds_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_parsed_and_holds_the_word_becomes_stars,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_body_keeps_its_first_mebibyte, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_can_be_masked_for_other_uses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
