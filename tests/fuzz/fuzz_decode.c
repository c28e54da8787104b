/*
 * fuzz_decode.c - all paths of the decoder give the same for every input: the general one, the fast
 * one with wide instructions and without, and the fast one over lines.
 *
 * The first byte says how the rest is wrapped: as a body, or as the payload of a good
 * envelope (so that mutations reach the payload too), plain or in base64; and whether
 * time fields are configured. A byte 0x1e splits the rest into two inputs. They go in in turns,
 * into two batches: what is remembered of the message before, and of names, then holds or not.
 */
#include "engine/base/mem.h"
#include "ingest/decode/decode.h"
#include "tests/fuzz/fuzz_body.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRAP_PAYLOAD = 1, /* the input is a payload, not a body */
    WRAP_BODY = 2,    /* the body is base64 */
    WRAP_STATUS = 4,  /* the envelope is a status message */
    NO_TIME_FIELDS = 8,
    NO_TOPIC = 16, /* as most status messages */
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void build_body(struct buffer *body, uint8_t flags, struct slice input)
{
    OWNED(buffer_release) struct buffer envelope = {0};
    if (flags & WRAP_PAYLOAD) {
        append(&envelope, slice_of_text("{\"payload\":\""));
        append_base64(&envelope, input);
        append(&envelope, slice_of_text("\",\"messagetype\":\""));
        append(&envelope, slice_of_text(flags & WRAP_STATUS ? "status" : "upload"));
        append(&envelope, slice_of_text("\""));
        if (!(flags & NO_TOPIC))
            append(&envelope, slice_of_text(",\"topic\":\"/pk/dn/update\""));
        append(&envelope, slice_of_text(",\"messageid\":996631053735047169,"
                                        "\"timestamp\":1526450334}"));
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

#define BATCHES   2
#define INPUT_END 0x1e

/* Which body goes into which batch, in this order. */
static const struct {
    size_t body;
    size_t batch;
} turns[] = {{0, 0}, {0, 0}, {1, 1}, {1, 0}, {0, 1}, {0, 0}};

enum path {
    PATH_GENERAL,
    PATH_FAST,
    PATH_PORTABLE,
    PATH_COUNT,
};

static void begin(struct decoder *decoder, const struct decoder_config *config, enum path path)
{
    check(decoder_init(decoder, config, NULL) == STATUS_OK, "no memory");
    decoder->general_only = path == PATH_GENERAL;
    decoder->portable_only = path == PATH_PORTABLE;
}

static void decode_all(const struct decoder_config *config, enum path path,
                       const struct slice bodies[2], struct row_batch batches[BATCHES])
{
    OWNED(decoder_release) struct decoder decoder = {0};
    begin(&decoder, config, path);
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++)
        check(decoder_decode(&decoder, bodies[turns[i].body], 0, &batches[turns[i].batch], NULL) ==
                  STATUS_OK,
              "no memory");
    check(batches[0].message_count == 4 && batches[1].message_count == 2, "one message a body");
}

static void compare_paths(const struct decoder_config *config, const struct slice bodies[2])
{
    struct row_batch general[BATCHES] = {0};
    decode_all(config, PATH_GENERAL, bodies, general);
    for (enum path path = PATH_FAST; path < PATH_COUNT; path++) {
        struct row_batch fast[BATCHES] = {0};
        decode_all(config, path, bodies, fast);
        for (size_t i = 0; i < BATCHES; i++) {
            compare_batches(&fast[i], &general[i]);
            row_batch_release(&fast[i]);
        }
    }
    for (size_t i = 0; i < BATCHES; i++)
        row_batch_release(&general[i]);
}

/* --- lines --------------------------------------------------------------------------------- */

/* Bodies as lines; a line break in a body makes two lines of it, for every path alike. */
static const size_t line_order[] = {0, 0, 1, 0, 1, 1, 0};

/* The lines in a block that ends where the slack does. */
static uint8_t *build_lines(const struct slice bodies[2], size_t *len)
{
    OWNED(buffer_release) struct buffer lines = {0};
    for (size_t i = 0; i < sizeof line_order / sizeof line_order[0]; i++) {
        append(&lines, bodies[line_order[i]]);
        append(&lines, slice_of_text("\n"));
    }
    uint8_t *copy = mem_alloc(lines.len + DECODE_SLACK_BYTES, 1);
    check(copy != NULL, "no memory");
    memcpy(copy, lines.data, lines.len);
    memset(copy + lines.len, '9', DECODE_SLACK_BYTES);
    *len = lines.len;
    return copy;
}

static void decode_lines(const struct decoder_config *config, enum path path, struct slice lines,
                         struct row_batch *batch)
{
    OWNED(decoder_release) struct decoder decoder = {0};
    begin(&decoder, config, path);
    for (size_t at = 0; at < lines.len;) {
        const struct slice left = slice_of(lines.data + at, lines.len - at);
        size_t taken = 0;
        check(decoder_take_lines(&decoder, left, batch, &taken, NULL) == STATUS_OK, "no memory");
        check(taken <= left.len && (taken == 0 || left.data[taken - 1] == '\n'), "whole lines");
        at += taken;
        if (at == lines.len)
            break;
        const uint8_t *const line_break = memchr(lines.data + at, '\n', lines.len - at);
        check(line_break != NULL, "a last line without line break");
        const size_t line_len = (size_t)(line_break - lines.data) - at;
        check(decoder_decode(&decoder, slice_of(lines.data + at, line_len), 0, batch, NULL) ==
                  STATUS_OK,
              "no memory");
        at += line_len + 1;
    }
}

static void compare_lines(const struct decoder_config *config, const struct slice bodies[2])
{
    size_t len = 0;
    OWNED(mem_free_owned) uint8_t *lines = build_lines(bodies, &len);
    OWNED(row_batch_release) struct row_batch general = {0};
    decode_lines(config, PATH_GENERAL, slice_of(lines, len), &general);
    for (enum path path = PATH_FAST; path < PATH_COUNT; path++) {
        OWNED(row_batch_release) struct row_batch fast = {0};
        decode_lines(config, path, slice_of(lines, len), &fast);
        compare_batches(&fast, &general);
    }
}

/* The body of an input in a block of exactly its length: a sanitizer sees any byte read beyond. */
static uint8_t *exact_body(uint8_t flags, struct slice input, size_t *len)
{
    OWNED(buffer_release) struct buffer built = {0};
    build_body(&built, flags, input);
    uint8_t *body = mem_alloc(built.len, 1);
    check(body != NULL, "no memory");
    if (built.len > 0)
        memcpy(body, built.data, built.len);
    *len = built.len;
    return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    if (bytes_len == 0)
        return 0;
    struct decoder_config config;
    check(decoder_config_init(&config, NULL) == STATUS_OK, "configuration");
    if (bytes[0] & NO_TIME_FIELDS)
        config.time_fields.count = 0;

    const uint8_t *const first = bytes + 1;
    const size_t len = bytes_len - 1;
    const uint8_t *const split = len > 0 ? memchr(first, INPUT_END, len) : NULL;
    const size_t first_len = split ? (size_t)(split - first) : len;
    const size_t second_from = split ? first_len + 1 : 0; /* without a split, the same again */
    size_t lens[2] = {0};
    OWNED(mem_free_owned)
    uint8_t *body = exact_body(bytes[0], slice_of(first, first_len), &lens[0]);
    OWNED(mem_free_owned)
    uint8_t *other =
        exact_body(bytes[0], slice_of(first + second_from, len - second_from), &lens[1]);
    const struct slice bodies[2] = {slice_of(body, lens[0]), slice_of(other, lens[1])};
    compare_paths(&config, bodies);
    compare_lines(&config, bodies);
    return 0;
}
