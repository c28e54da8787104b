/*
 * test_decode_fault.c - whichever request for memory fails, decoding says so and adds no message.
 */
#include "engine/base/mem.h"
#include "tests/unit/decode_fixture.h"

#ifdef MNSDB_TEST_FAULTS
static const char *const bodies[] = {
    "{\"payload\":\"eyJ0IjoxfQ==\",\"messagetype\":\"upload\",\"topic\":\"/pk/dn/x\","
    "\"messageid\":" TEST_ID ",\"timestamp\":" TEST_TIMESTAMP "}",
    "{\"payload\":\"{\\\"t\\\":{\\\"a\\\":1,\\\"b\\\":2}}\",\"messagetype\":\"upload\",\"topic\":"
    "\"/pk/dn/x\",\"messageid\":" TEST_ID ",\"timestamp\":" TEST_TIMESTAMP "}",
    "{\"payload\":\"{\\\"items\\\":{\\\"a\\\":{\\\"value\\\":1}}}\",\"messagetype\":\"upload\","
    "\"topic\":\"/pk/dn/x\",\"messageid\":" TEST_ID ",\"timestamp\":" TEST_TIMESTAMP "}",
    "{\"payload\":\"{\\\"status\\\":\\\"online\\\"}\",\"messagetype\":\"status\","
    "\"topic\":\"/pk/dn/x\",\"messageid\":" TEST_ID ",\"timestamp\":" TEST_TIMESTAMP "}",
    "{\"payload\":\"eyJkZXZpY2VTZWNyZXQiOiJhYmMifQ==\",\"messageid\":1}",
    "eyJkZXZpY2VTZWNyZXQiOiJhYmMifQ==",
    "{\"payload\":\"deviceSecret!\"}",
    "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10}",
};

/* One body from nothing to released, the nth request failing. */
static enum status decode_once(const struct decoder_config *config, const char *body, long nth,
                               size_t *messages)
{
    struct decoder decoder = {0};
    struct row_batch batch = {0};
    struct error err = {0};
    assert_int_equal(decoder_init(&decoder, config, NULL), STATUS_OK);
    mem_fail_at(nth);
    const enum status status = decoder_decode(&decoder, slice_of_text(body), 0, &batch, &err);
    mem_fail_at(-1);
    *messages = batch.message_count;
    assert_int_equal(err.status, status);
    if (status != STATUS_OK)
        assert_int_equal(batch.cell_count, 0);
    decoder_release(&decoder);
    row_batch_release(&batch);
    return status;
}

static void decoding_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct decoder_config config;
    assert_int_equal(decoder_config_init(&config, NULL), STATUS_OK);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        enum status status = STATUS_NOMEM;
        for (long nth = 0; status != STATUS_OK; nth++) {
            size_t messages = 0;
            status = decode_once(&config, bodies[i], nth, &messages);
            assert_true(status == STATUS_OK || status == STATUS_NOMEM);
            assert_int_equal(messages, status == STATUS_OK ? 1 : 0);
            assert_int_equal(mem_live_blocks(), 0);
            assert_in_range(nth, 0, 200);
        }
    }
}
#endif

static void a_length_that_overflows_is_no_memory(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(decode_text(fixture, "{}"), "no-messageid");
    OWNED(buffer_release) struct buffer buffer = {0};
    assert_int_equal(buffer_append(&buffer, "x", 1), STATUS_OK);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), STATUS_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_length_that_overflows_is_no_memory, setup, teardown),
#ifdef MNSDB_TEST_FAULTS
        cmocka_unit_test(decoding_survives_every_failed_allocation),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
