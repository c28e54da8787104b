/*
 * decode_fixture.h - a decoder whose results are texts, for tables of tests.
 *
 *      readings    "1526450334377 m pk/dn temperature=14 humidity=116"
 *      status      "1526450324427 p pk/dn state=1 age=14"
 *      a reject    "no-device"
 *
 * The letter is the time's source: p(ayload), m(essageid), e(nvelope); "!" behind it is
 * a broken clock. Rows of one message are separated by " | ".
 */
#ifndef MNSDB_TESTS_UNIT_DECODE_FIXTURE_H
#define MNSDB_TESTS_UNIT_DECODE_FIXTURE_H

#include "ingest/decode/base64.h"
#include "ingest/decode/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_BYTES_MAX (1u << 16)

/* The id of the walkthrough's reading: 377 ms into second 1526450334. */
#define TEST_ID        "996631053735047169"
#define TEST_TIMESTAMP "1526450334"

struct fixture {
    struct decoder_config config;
    struct decoder decoder;
    struct row_batch batch;
    char body[TEXT_BYTES_MAX];
    char result[TEXT_BYTES_MAX];
    size_t result_len;
};

static inline int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(decoder_config_init(&fixture->config, NULL), STATUS_OK);
    assert_int_equal(decoder_init(&fixture->decoder, &fixture->config, NULL), STATUS_OK);
    *state = fixture;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;
    decoder_release(&fixture->decoder);
    row_batch_release(&fixture->batch);
    free(fixture);
    return 0;
}

static inline void say(struct fixture *fixture, const char *format, ...) PRINTF_LIKE(2, 3);
static inline void say(struct fixture *fixture, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(fixture->result + fixture->result_len,
                              TEXT_BYTES_MAX - fixture->result_len, format, args);
    va_end(args);
    assert_in_range(len, 0, TEXT_BYTES_MAX - fixture->result_len - 1);
    fixture->result_len += (size_t)len;
}

static inline void say_cell(struct fixture *fixture, const struct cell *cell, enum table table)
{
    static const char *const status_metrics[] = {"state", "age"};
    struct number number = {.exponent = cell->exponent, .kind = cell->kind};
    char text[NUMBER_TEXT_BYTES];
    if (cell->kind == NUMBER_REAL)
        number.real = cell->real;
    else
        number.mantissa = cell->mantissa;
    number_format(number, text);
    if (table == TABLE_STATUS) {
        say(fixture, " %s=%s", status_metrics[cell->metric], text);
        return;
    }
    const struct slice name = fixture->batch.metrics.names[cell->metric];
    say(fixture, " %.*s=%s", (int)name.len, (const char *)name.data, text);
}

static inline void say_row(struct fixture *fixture, const struct row *row, enum table table)
{
    const struct slice device = fixture->batch.devices.names[row->device];
    say(fixture, "%lld %c%s %.*s", (long long)row->time_ms, "pme"[row->time_source],
        row -> clock_fault ? "!" : "", (int)device.len, (const char *)device.data);
    for (uint32_t i = 0; i < row->cell_count; i++)
        say_cell(fixture, &fixture->batch.cells[row->first_cell + i], table);
}

/* Decodes one body into an empty batch; the text of what became of it. */
static inline const char *decode_bytes(struct fixture *fixture, struct slice body)
{
    struct row_batch *batch = &fixture->batch;
    row_batch_clear(batch);
    fixture->result_len = 0;
    fixture->result[0] = '\0';
    assert_int_equal(decoder_decode(&fixture->decoder, body, 0, batch, NULL), STATUS_OK);
    assert_int_equal(batch->message_count, 1);
    const struct message *message = &batch->messages[0];
    if (message->verdict == MESSAGE_REJECT) {
        assert_int_equal(batch->reject_count, 1);
        assert_int_equal(batch->cell_count, 0);
        say(fixture, "%s", reject_reason_word(batch->rejects[message->first].reason));
        return fixture->result;
    }
    const enum table table = message->verdict == MESSAGE_STATUS ? TABLE_STATUS : TABLE_READINGS;
    assert_int_equal(message->count, batch->row_count[table]);
    for (uint32_t i = 0; i < message->count; i++) {
        say(fixture, "%s", i > 0 ? " | " : "");
        assert_int_equal(batch->rows[table][i].message_id, message->id);
        say_row(fixture, &batch->rows[table][i], table);
    }
    return fixture->result;
}

static inline const char *decode_text(struct fixture *fixture, const char *body)
{
    return decode_bytes(fixture, slice_of_text(body));
}

/* Base64 of a text, in a static buffer. */
static inline const char *in_base64(const char *text)
{
    static char encoded[TEXT_BYTES_MAX];
    const struct slice bytes = slice_of_text(text);
    assert_true(base64_encoded_len(bytes.len) < sizeof encoded);
    base64_encode(bytes, (uint8_t *)encoded);
    encoded[base64_encoded_len(bytes.len)] = '\0';
    return encoded;
}

/* A good envelope of this type and topic around a payload. `topic` is JSON. */
static inline const char *envelope_of(struct fixture *fixture, const char *type, const char *topic,
                                      const char *payload)
{
    const int len =
        snprintf(fixture->body, sizeof fixture->body,
                 "{\"payload\":\"%s\",\"messagetype\":\"%s\",\"topic\":%s,\"messageid\":" TEST_ID
                 ",\"timestamp\":" TEST_TIMESTAMP "}",
                 in_base64(payload), type, topic);
    assert_in_range(len, 1, sizeof fixture->body - 1);
    return fixture->body;
}

static inline const char *decode_upload(struct fixture *fixture, const char *payload)
{
    return decode_text(fixture, envelope_of(fixture, "upload", "\"/pk/dn/update\"", payload));
}

static inline const char *decode_status(struct fixture *fixture, const char *payload)
{
    return decode_text(fixture, envelope_of(fixture, "status", "null", payload));
}

#endif
