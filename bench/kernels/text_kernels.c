/*
 * text_kernels.c - from bytes to rows: lines, envelopes, base64, decimals, names.
 */
#include "bench/kernels/kernel.h"

#include "bench/fleet/random.h"
#include "engine/base/mem.h"
#include "ingest/decode/base64.h"

#include <stdio.h>
#include <string.h>

#define PAYLOAD_MARK "\"payload\":\""
#define DECIMALS     100000u
#define NAME_LOOKUPS 200000u

/* --- lines and messages ----------------------------------------------------------------------- */

static enum status measure_lines(const struct kernel_data *data, struct kernel_clock *clock,
                                 struct error *err)
{
    (void)err;
    const struct slice first = kernel_first_batch(&data->lines);
    while (kernel_clock_next(clock)) {
        struct body_batch bodies = {.bytes = data->lines.data, .len = first.len};
        struct body body;
        uint64_t count = 0;
        kernel_clock_start(clock);
        while (body_batch_next(&bodies, &body)) {
            kernel_use(body.bytes.len);
            count++;
        }
        kernel_clock_stop(clock, count, first.len);
    }
    return STATUS_OK;
}

enum decode_way {
    WAY_USUAL,
    WAY_PORTABLE, /* without wide instructions */
    WAY_GENERAL,  /* what the fast path leaves */
};

/* The batch of rows keeps its memory and names from run to run. */
static enum status decode_batch(const struct kernel_data *data, const struct buffer *lines,
                                enum decode_way way, struct kernel_clock *clock, struct error *err)
{
    OWNED(decoder_release) struct decoder decoder = {0};
    TRY(decoder_init(&decoder, &data->decoder, err));
    decoder.portable_only = way == WAY_PORTABLE;
    decoder.general_only = way == WAY_GENERAL;
    OWNED(row_batch_release) struct row_batch rows = {0};
    const struct slice first = kernel_first_batch(lines);
    while (kernel_clock_next(clock)) {
        struct body_batch bodies = {.bytes = lines->data, .len = first.len};
        row_batch_clear(&rows);
        kernel_clock_start(clock);
        TRY(kernel_decode(&decoder, &bodies, &rows, err));
        kernel_clock_stop(clock, rows.message_count, first.len);
    }
    return STATUS_OK;
}

static enum status measure_decode(const struct kernel_data *data, struct kernel_clock *clock,
                                  struct error *err)
{
    return decode_batch(data, &data->lines, WAY_USUAL, clock, err);
}

static enum status measure_decode_portable(const struct kernel_data *data,
                                           struct kernel_clock *clock, struct error *err)
{
    return decode_batch(data, &data->lines, WAY_PORTABLE, clock, err);
}

static enum status measure_decode_wide(const struct kernel_data *data, struct kernel_clock *clock,
                                       struct error *err)
{
    return decode_batch(data, &data->wide, WAY_USUAL, clock, err);
}

static enum status measure_decode_general(const struct kernel_data *data,
                                          struct kernel_clock *clock, struct error *err)
{
    return decode_batch(data, &data->lines, WAY_GENERAL, clock, err);
}

/* --- base64 ----------------------------------------------------------------------------------- */

/* The texts of the payloads, one after the other, and where each ends. */
struct payloads {
    struct buffer text;
    uint32_t *ends; /* owned */
    size_t count, capacity;
};

static void release_payloads(struct payloads *payloads)
{
    buffer_release(&payloads->text);
    mem_free(payloads->ends);
}

static enum status find_payloads(const struct kernel_data *data, struct payloads *payloads,
                                 struct error *err)
{
    struct slice left = kernel_first_batch(&data->lines);
    const size_t mark_len = strlen(PAYLOAD_MARK);
    for (;;) {
        const uint8_t *mark = memmem(left.data, left.len, PAYLOAD_MARK, mark_len);
        if (!mark)
            return STATUS_OK;
        const uint8_t *from = mark + mark_len;
        const size_t rest = left.len - (size_t)(from - left.data);
        const uint8_t *until = memchr(from, '"', rest);
        if (!until)
            return STATUS_OK;
        if (buffer_append(&payloads->text, from, (size_t)(until - from)) != STATUS_OK ||
            mem_grow(&payloads->ends, &payloads->capacity, payloads->count + 1,
                     sizeof *payloads->ends) != STATUS_OK)
            return kernel_no_memory(err);
        payloads->ends[payloads->count++] = (uint32_t)payloads->text.len;
        left = slice_of(until, rest - (size_t)(until - from));
    }
}

static enum status measure_base64(const struct kernel_data *data, struct kernel_clock *clock,
                                  struct error *err)
{
    OWNED(release_payloads) struct payloads payloads = {0};
    TRY(find_payloads(data, &payloads, err));
    OWNED(mem_free_owned) uint8_t *out = mem_alloc(base64_room(payloads.text.len), 1);
    if (!out)
        return kernel_no_memory(err);
    while (kernel_clock_next(clock)) {
        size_t from = 0;
        kernel_clock_start(clock);
        for (size_t i = 0; i < payloads.count; i++) {
            const struct slice text = slice_of(payloads.text.data + from, payloads.ends[i] - from);
            size_t len = 0;
            if (!base64_decode(text, out, &len))
                return error_set(err, STATUS_INPUT, "a payload that is no base64");
            kernel_use(len);
            from = payloads.ends[i];
        }
        kernel_clock_stop(clock, payloads.count, payloads.text.len);
    }
    return STATUS_OK;
}

/* --- decimals --------------------------------------------------------------------------------- */

static enum status make_decimals(struct buffer *text, struct error *err)
{
    struct random_stream random = {.counter = 1};
    for (uint32_t i = 0; i < DECIMALS; i++) {
        char number[32];
        const uint32_t whole = random_below(&random, 100);
        const int len =
            i % 2 ? snprintf(number, sizeof number, "%u.%02u,", whole, random_below(&random, 100))
                  : snprintf(number, sizeof number, "%u.%u,", whole, random_below(&random, 10));
        if (buffer_append(text, number, (size_t)len) != STATUS_OK)
            return kernel_no_memory(err);
    }
    return STATUS_OK;
}

static enum status measure_decimals(const struct kernel_data *data, struct kernel_clock *clock,
                                    struct error *err)
{
    (void)data;
    OWNED(buffer_release) struct buffer text = {0};
    TRY(make_decimals(&text, err));
    while (kernel_clock_next(clock)) {
        const uint8_t *at = text.data;
        const uint8_t *end = text.data + text.len;
        uint64_t sum = 0;
        kernel_clock_start(clock);
        while (at < end) {
            struct number number;
            at = number_parse_prefix(at, end, &number);
            if (!at)
                return error_set(err, STATUS_INPUT, "a decimal that is none");
            sum += (uint64_t)number.mantissa;
            at++; // the comma
        }
        kernel_use(sum);
        kernel_clock_stop(clock, DECIMALS, text.len);
    }
    return STATUS_OK;
}

/* --- names ------------------------------------------------------------------------------------ */

#define NAME_BYTES 32u

struct names {
    char (*texts)[NAME_BYTES]; /* owned; all of the same length */
    size_t len;
    uint32_t *order; /* owned; which name is looked up when */
    struct name_table table;
};

static void release_names(struct names *names)
{
    mem_free(names->texts);
    mem_free(names->order);
    name_table_release(&names->table);
}

static enum status make_names(struct names *names, uint32_t count, struct error *err)
{
    names->texts = mem_alloc(count, sizeof *names->texts);
    names->order = mem_alloc(NAME_LOOKUPS, sizeof *names->order);
    if (!names->texts || !names->order)
        return kernel_no_memory(err);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = 0;
        const int len = snprintf(names->texts[i], NAME_BYTES, "a1Zz9XyWv/dev-%06u", i);
        names->len = (size_t)len;
        if (name_table_add(&names->table, slice_of_text(names->texts[i]), &number) != STATUS_OK)
            return kernel_no_memory(err);
    }
    struct random_stream random = {.counter = 2};
    for (uint32_t i = 0; i < NAME_LOOKUPS; i++)
        names->order[i] = random_below(&random, count);
    return STATUS_OK;
}

/* The texts come from memory as well, so a miss of the table's is not the only one. */
static enum status look_up(uint32_t count, struct kernel_clock *clock, struct error *err)
{
    OWNED(release_names) struct names names = {0};
    TRY(make_names(&names, count, err));
    const size_t len = names.len;
    while (kernel_clock_next(clock)) {
        uint64_t sum = 0;
        kernel_clock_start(clock);
        for (uint32_t i = 0; i < NAME_LOOKUPS; i++)
            sum += name_table_find(&names.table, slice_of(names.texts[names.order[i]], len));
        kernel_use(sum);
        kernel_clock_stop(clock, NAME_LOOKUPS, NAME_LOOKUPS * len);
    }
    return STATUS_OK;
}

static enum status measure_names_few(const struct kernel_data *data, struct kernel_clock *clock,
                                     struct error *err)
{
    (void)data;
    return look_up(1000, clock, err);
}

static enum status measure_names_many(const struct kernel_data *data, struct kernel_clock *clock,
                                      struct error *err)
{
    (void)data;
    return look_up(100000, clock, err);
}

const struct kernel kernels_of_text[] = {
    {"lines", "message", NULL, measure_lines},
    {"decode", "message", NULL, measure_decode},
    {"decode-portable", "message", "portable", measure_decode_portable},
    {"decode-wide", "message", NULL, measure_decode_wide},
    {"decode-general", "message", NULL, measure_decode_general},
    {"base64", "payload", NULL, measure_base64},
    {"decimals", "number", NULL, measure_decimals},
    {"names-1000", "lookup", NULL, measure_names_few},
    {"names-100000", "lookup", NULL, measure_names_many},
    {0},
};
