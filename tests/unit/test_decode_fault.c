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

#define LINES 300u

/* Long ids, as the platform's are: such lines have a shape that is kept. */
#define FIRST_LONG_ID UINT64_C(1741610223959076864)

/* A device a line, so that tables grow while others still wait for their numbers. */
static void build_lines(struct buffer *lines, uint64_t first_id)
{
    for (uint32_t i = 0; i < LINES; i++) {
        char line[512];
        const unsigned long long id = first_id + i;
        const int len = snprintf(line, sizeof line,
                                 "{\"payload\":\"eyJ0IjoxfQ==\",\"messagetype\":\"upload\","
                                 "\"topic\":\"/pk/d%u/x\",\"messageid\":%llu,\"timestamp\":%s}\n",
                                 i, id, TEST_TIMESTAMP);
        assert_in_range(len, 1, sizeof line - 1);
        assert_int_equal(buffer_append(lines, line, (size_t)len), STATUS_OK);
    }
    assert_int_equal(buffer_reserve(lines, DECODE_SLACK_BYTES), STATUS_OK);
    memset(lines->data + lines->len, 0, DECODE_SLACK_BYTES);
}

static void assert_lines(const struct row_batch *batch, size_t from)
{
    const uint64_t first_id = batch->messages[from].id;
    assert_int_equal(batch->message_count, from + LINES);
    assert_int_equal(batch->row_count[TABLE_READINGS], from + LINES);
    assert_int_equal(batch->cell_count, from + LINES);
    for (uint32_t i = 0; i < LINES; i++) {
        const struct row *row = &batch->rows[TABLE_READINGS][from + i];
        char name[32];
        (void)snprintf(name, sizeof name, "pk/d%u", i);
        assert_int_equal(row->message_id, first_id + i);
        assert_true(slice_equal(batch->devices.names[row->device], slice_of_text(name)));
    }
}

static enum status take_lines(struct fixture *fixture, struct slice lines)
{
    size_t taken = 0;
    struct error err = {0};
    const enum status status =
        decoder_take_lines(&fixture->decoder, lines, &fixture->batch, &taken, &err);
    assert_int_equal(err.status, status);
    assert_int_equal(taken, status == STATUS_OK ? lines.len : 0);
    return status;
}

/* Decoder and batch, which holds a line already, go on after the failure. */
static enum status take_lines_without_memory(struct slice lines, bool portable, long nth)
{
    void *state = NULL;
    assert_int_equal(setup(&state), 0);
    struct fixture *fixture = state;
    fixture->decoder.portable_only = portable;
    const uint8_t *const line_break = memchr(lines.data, '\n', lines.len);
    const size_t first_len = (size_t)(line_break - lines.data) + 1;
    assert_int_equal(take_lines(fixture, slice_of(lines.data, first_len)), STATUS_OK);
    mem_fail_at(nth);
    const enum status status = take_lines(fixture, lines);
    mem_fail_at(-1);
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_NOMEM);
        assert_int_equal(fixture->batch.message_count, 1);
        assert_int_equal(fixture->batch.row_count[TABLE_READINGS], 1);
        assert_int_equal(fixture->batch.cell_count, 1);
        assert_int_equal(take_lines(fixture, lines), STATUS_OK);
    }
    assert_lines(&fixture->batch, 1);
    (void)teardown(&state);
    return status;
}

static void sweep_lines(struct slice lines, bool portable)
{
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        assert_in_range(nth, 0, 200);
        status = take_lines_without_memory(lines, portable, nth);
    }
}

static void a_run_of_lines_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    static const uint64_t first_ids[] = {1, FIRST_LONG_ID};
    for (size_t i = 0; i < sizeof first_ids / sizeof first_ids[0]; i++) {
        OWNED(buffer_release) struct buffer lines = {0};
        build_lines(&lines, first_ids[i]);
        sweep_lines(buffer_slice(&lines), false);
        sweep_lines(buffer_slice(&lines), true);
    }
}

/* Status messages in lines of one shape, a device each, and readings between them. */
static void build_statuses(struct buffer *lines)
{
    for (uint32_t i = 0; i < LINES; i++) {
        char payload[256];
        uint8_t coded[512] = {0};
        char line[1024];
        (void)snprintf(payload, sizeof payload,
                       i % 7 == 6 ? "{\"t\":%u}"
                                  : "{\"time\":\"2018-05-16 13:58:44.427\",\"productKey\":\"pk\","
                                    "\"deviceName\":\"d%u\",\"status\":\"online\"}",
                       i);
        base64_encode(slice_of_text(payload), coded);
        const unsigned long long id = FIRST_LONG_ID + i;
        const int len =
            snprintf(line, sizeof line,
                     "{\"payload\":\"%s\",\"messagetype\":\"%s\",\"topic\":\"/pk/d%u\","
                     "\"messageid\":%llu,\"timestamp\":%s}\n",
                     (const char *)coded, i % 7 == 6 ? "upload" : "status", i, id, TEST_TIMESTAMP);
        assert_in_range(len, 1, sizeof line - 1);
        assert_int_equal(buffer_append(lines, line, (size_t)len), STATUS_OK);
    }
    assert_int_equal(buffer_reserve(lines, DECODE_SLACK_BYTES), STATUS_OK);
    memset(lines->data + lines->len, 0, DECODE_SLACK_BYTES);
}

/* Each row has the device of its message, whichever way that was looked up. */
static void assert_statuses(const struct row_batch *batch)
{
    assert_int_equal(batch->message_count, LINES);
    for (uint32_t i = 0; i < LINES; i++) {
        const struct message *const message = &batch->messages[i];
        assert_int_equal(message->verdict, i % 7 == 6 ? MESSAGE_READINGS : MESSAGE_STATUS);
        const struct row *const row = &batch->rows[message->verdict][message->first];
        char name[32];
        (void)snprintf(name, sizeof name, "pk/d%u", i);
        assert_int_equal(row->message_id, FIRST_LONG_ID + i);
        assert_true(slice_equal(batch->devices.names[row->device], slice_of_text(name)));
    }
}

static void a_run_of_statuses_is_taken_whole_or_not_at_all(void **state)
{
    struct fixture *fixture = *state;
    OWNED(buffer_release) struct buffer lines = {0};
    build_statuses(&lines);
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        assert_in_range(nth, 0, 200);
        row_batch_release(&fixture->batch);
        fixture->batch = (struct row_batch){0};
        mem_fail_at(nth);
        status = take_lines(fixture, buffer_slice(&lines));
        mem_fail_at(-1);
        if (status != STATUS_OK) {
            assert_int_equal(status, STATUS_NOMEM);
            assert_int_equal(fixture->batch.message_count, 0);
            assert_int_equal(fixture->batch.row_count[TABLE_STATUS], 0);
            assert_int_equal(fixture->batch.cell_count, 0);
            assert_int_equal(take_lines(fixture, buffer_slice(&lines)), STATUS_OK);
        }
        assert_statuses(&fixture->batch);
    }
}

/* The shape's metrics have to be added to each new batch. */
static void a_shape_without_memory_for_its_metrics_takes_nothing(void **state)
{
    struct fixture *fixture = *state;
    OWNED(buffer_release) struct buffer lines = {0};
    build_lines(&lines, FIRST_LONG_ID);
    enum status status = take_lines(fixture, buffer_slice(&lines));
    assert_int_equal(status, STATUS_OK);
    for (long nth = 0; nth == 0 || status != STATUS_OK; nth++) {
        assert_in_range(nth, 0, 200);
        row_batch_release(&fixture->batch);
        fixture->batch = (struct row_batch){0};
        mem_fail_at(nth);
        status = take_lines(fixture, buffer_slice(&lines));
        mem_fail_at(-1);
        if (status != STATUS_OK) {
            assert_int_equal(status, STATUS_NOMEM);
            assert_int_equal(fixture->batch.message_count, 0);
            assert_int_equal(take_lines(fixture, buffer_slice(&lines)), STATUS_OK);
        }
        assert_lines(&fixture->batch, 0);
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
        cmocka_unit_test(a_run_of_lines_is_taken_whole_or_not_at_all),
        cmocka_unit_test_setup_teardown(a_run_of_statuses_is_taken_whole_or_not_at_all, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_shape_without_memory_for_its_metrics_takes_nothing, setup,
                                        teardown),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
