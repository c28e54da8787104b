/*
 * fuzz_decode.c - both paths of the decoder give the same for every input.
 *
 * The first byte says how the rest is wrapped: as a body, or as the payload of a good
 * envelope (so that mutations reach the payload too), plain or in base64; and whether
 * time fields are configured. Bodies go in twice, so that names are known the second time.
 */
#include "engine/base/mem.h"
#include "ingest/decode/base64.h"
#include "ingest/decode/decode.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRAP_PAYLOAD = 1, /* the input is a payload, not a body */
    WRAP_BODY = 2,    /* the body is base64 */
    WRAP_STATUS = 4,  /* the envelope is a status message */
    NO_TIME_FIELDS = 8,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_decode: the paths differ: %s\n", what);
    abort();
}

static void append(struct buffer *buffer, struct slice bytes)
{
    check(buffer_append(buffer, bytes.data, bytes.len) == STATUS_OK, "no memory");
}

static void append_base64(struct buffer *buffer, struct slice bytes)
{
    const size_t len = base64_encoded_len(bytes.len);
    check(buffer_reserve(buffer, len) == STATUS_OK, "no memory");
    if (len > 0)
        base64_encode(bytes, buffer->data + buffer->len);
    buffer->len += len;
}

static void build_body(struct buffer *body, uint8_t flags, struct slice input)
{
    OWNED(buffer_release) struct buffer envelope = {0};
    if (flags & WRAP_PAYLOAD) {
        append(&envelope, slice_of_text("{\"payload\":\""));
        append_base64(&envelope, input);
        append(&envelope, slice_of_text("\",\"messagetype\":\""));
        append(&envelope, slice_of_text(flags & WRAP_STATUS ? "status" : "upload"));
        append(&envelope, slice_of_text("\",\"topic\":\"/pk/dn/update\",\"messageid\":"
                                        "996631053735047169,\"timestamp\":1526450334}"));
    } else {
        append(&envelope, input);
    }
    if (flags & WRAP_BODY)
        append_base64(body, buffer_slice(&envelope));
    else
        append(body, buffer_slice(&envelope));
}

static void compare_rows(const struct row_batch *fast, const struct row_batch *general,
                         enum table table)
{
    check(fast->row_count[table] == general->row_count[table], "row count");
    for (size_t i = 0; i < fast->row_count[table]; i++) {
        const struct row *a = &fast->rows[table][i];
        const struct row *b = &general->rows[table][i];
        check(a->time_ms == b->time_ms && a->message_id == b->message_id, "time or id");
        check(a->time_source == b->time_source, "time source");
        check(a->clock_fault == b->clock_fault, "clock fault");
        check(a->cell_count == b->cell_count && a->first_cell == b->first_cell, "cells of a row");
        check(slice_equal(fast->devices.names[a->device], general->devices.names[b->device]),
              "device");
        for (uint32_t c = a->first_cell; c < a->first_cell + a->cell_count; c++) {
            const struct cell *x = &fast->cells[c];
            const struct cell *y = &general->cells[c];
            check(x->kind == y->kind && x->exponent == y->exponent && x->mantissa == y->mantissa,
                  "number");
            if (table == TABLE_STATUS)
                check(x->metric == y->metric, "status metric");
            else
                check(
                    slice_equal(fast->metrics.names[x->metric], general->metrics.names[y->metric]),
                    "metric");
        }
    }
}

static void compare_batches(const struct row_batch *fast, const struct row_batch *general)
{
    check(fast->message_count == general->message_count, "message count");
    for (size_t i = 0; i < fast->message_count; i++) {
        const struct message *a = &fast->messages[i];
        const struct message *b = &general->messages[i];
        check(a->id == b->id && a->has_id == b->has_id, "message id");
        check(a->verdict == b->verdict && a->first == b->first && a->count == b->count, "verdict");
    }
    check(fast->cell_count == general->cell_count, "cell count");
    compare_rows(fast, general, TABLE_READINGS);
    compare_rows(fast, general, TABLE_STATUS);
    check(fast->reject_count == general->reject_count, "reject count");
    for (size_t i = 0; i < fast->reject_count; i++) {
        const struct reject *a = &fast->rejects[i];
        const struct reject *b = &general->rejects[i];
        check(a->reason == b->reason && a->altered == b->altered, "reason");
        check(slice_equal(a->body, b->body) && slice_equal(a->detail, b->detail), "kept body");
    }
}

static void decode_all(const struct decoder_config *config, bool general_only, struct slice body,
                       struct row_batch *batch)
{
    OWNED(decoder_release) struct decoder decoder = {0};
    check(decoder_init(&decoder, config, NULL) == STATUS_OK, "no memory");
    decoder.general_only = general_only;
    for (int i = 0; i < 2; i++)
        check(decoder_decode(&decoder, body, 0, batch, NULL) == STATUS_OK, "no memory");
    check(batch->message_count == 2, "one message a body");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    if (bytes_len == 0)
        return 0;
    struct decoder_config config;
    check(decoder_config_init(&config, NULL) == STATUS_OK, "configuration");
    if (bytes[0] & NO_TIME_FIELDS)
        config.time_fields.count = 0;

    OWNED(buffer_release) struct buffer built = {0};
    build_body(&built, bytes[0], slice_of(bytes + 1, bytes_len - 1));
    /* A block of exactly its length, so that a sanitizer sees the first byte read beyond it. */
    OWNED(mem_free_owned) uint8_t *body = mem_alloc(built.len, 1);
    check(body != NULL, "no memory");
    if (built.len > 0)
        memcpy(body, built.data, built.len);

    OWNED(row_batch_release) struct row_batch fast = {0};
    OWNED(row_batch_release) struct row_batch general = {0};
    decode_all(&config, false, slice_of(body, built.len), &fast);
    decode_all(&config, true, slice_of(body, built.len), &general);
    compare_batches(&fast, &general);
    return 0;
}
