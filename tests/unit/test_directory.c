/*
 * test_directory.c - summaries written to directory values come back exactly and stay small.
 */
#include "engine/base/mem.h"
#include "engine/block/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ENTRIES 400u

static uint64_t random_state = UINT64_C(0x2545f4914f6cdd1d);

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint32_t random_below(uint32_t limit)
{
    return (uint32_t)(random_next() >> 33) % limit;
}

static struct number random_number(void)
{
    switch (random_below(6)) {
    case 0:
        return number_from_real((double)random_next() * 1e-300);
    case 1:
        return number_from_decimal(-NUMBER_MANTISSA_MAX, (int)random_below(256) - 128);
    case 2:
        return number_from_decimal(0, 0);
    default:
        return number_from_decimal((int64_t)random_below(100000) - 50000, -2);
    }
}

static uint64_t snowflake(int64_t time_ms)
{
    return (uint64_t)(time_ms - INT64_C(1288834974657)) << 22 | random_below(1u << 22);
}

/* The entries of a test, each with summaries that it owns. */
static struct directory_entry entries[ENTRIES];

static void entries_free(void)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        mem_free(entries[i].summary.columns);
        entries[i].summary.columns = NULL;
    }
}

/* Blocks of rows with two metrics, made by a builder: what directories mostly hold. */
static void give_real_entries(void)
{
    struct block_builder *builder = NULL;
    struct buffer out = {0};
    assert_int_equal(block_builder_new(&builder), STATUS_OK);
    uint64_t offset = 0;
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct row_key key = {.device = 10 + i / 5,
                              .time_ms = 1700000000000 + 5120000 * (int64_t)(i % 5)};
        for (uint32_t row = 0; row < 512; row++) {
            key.time_ms += 9500 + random_below(1000);
            key.message_id = snowflake(key.time_ms);
            const struct number values[2] = {number_from_decimal(2000 + random_below(100), -2),
                                             number_from_decimal(500 + random_below(30), -1)};
            struct cell cells[2];
            for (uint32_t c = 0; c < 2; c++)
                cells[c] = (struct cell){.metric = c,
                                         .mantissa = values[c].mantissa,
                                         .exponent = values[c].exponent,
                                         .kind = NUMBER_DECIMAL};
            assert_int_equal(block_builder_append(builder, &key, 1, cells, 2), STATUS_OK);
        }
        const size_t start = out.len;
        struct directory_entry *entry = &entries[i];
        assert_int_equal(block_builder_seal(builder, &out, &entry->summary), STATUS_OK);
        entry->offset = offset;
        entry->bytes_len = (uint32_t)(out.len - start);
        offset += entry->bytes_len;
        const struct column_summary *lent = entry->summary.columns;
        entry->summary.columns = mem_alloc(entry->summary.column_count, sizeof *lent);
        assert_non_null(entry->summary.columns);
        memcpy(entry->summary.columns, lent, entry->summary.column_count * sizeof *lent);
    }
    block_builder_free(builder);
    buffer_release(&out);
}

static int64_t random_time_in(const struct block_summary *block)
{
    const uint64_t span_ms = (uint64_t)block->max_time_ms - (uint64_t)block->min_time_ms;
    const uint64_t ahead_ms = span_ms == UINT64_MAX ? random_next() : random_next() % (span_ms + 1);
    return (int64_t)((uint64_t)block->min_time_ms + ahead_ms);
}

/* Times of a row inside a block. */
static void random_ends(const struct block_summary *block, struct column_summary *column)
{
    column->has_ends = random_below(2) == 0;
    if (!column->has_ends)
        return;
    const bool full = column->count == block->row_count;
    column->first = (struct dated_number){
        .value = random_number(), .time_ms = random_time_in(block), .message_id = random_next()};
    column->last = (struct dated_number){
        .value = random_number(), .time_ms = random_time_in(block), .message_id = random_next()};
    if (full) {
        column->first.time_ms = block->first.time_ms;
        column->first.message_id = block->first.message_id;
        column->last.time_ms = block->last.time_ms;
        column->last.message_id = block->last.message_id;
    }
}

/* Summaries that no block may have, but any of whose parts one may. */
static void give_random_entries(void)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct block_summary *block = &entries[i].summary;
        const int64_t one_ms = (int64_t)random_next();
        const int64_t other_ms = (int64_t)random_next();
        *block = (struct block_summary){
            .first = {.device = (uint32_t)random_next(), .message_id = random_next()},
            .last = {.device = (uint32_t)random_next(), .message_id = random_next()},
            .min_time_ms = one_ms < other_ms ? one_ms : other_ms,
            .max_time_ms = one_ms < other_ms ? other_ms : one_ms,
            .row_count = 1 + random_below(BLOCK_ROWS_MAX),
            .column_count = random_below(random_below(10) == 0 ? 200 : 5),
        };
        block->first.time_ms = random_time_in(block);
        block->last.time_ms = random_time_in(block);
        entries[i].offset = random_next();
        entries[i].bytes_len = (uint32_t)random_next();
        block->columns = mem_alloc(block->column_count, sizeof *block->columns);
        assert_non_null(block->columns);
        uint32_t metric = 0;
        for (uint32_t c = 0; c < block->column_count; c++) {
            struct column_summary *column = &block->columns[c];
            metric += random_below(3) == 0 ? random_below(1000000) : 0;
            *column = (struct column_summary){.metric = metric++,
                                              .count = 1 + random_below(block->row_count),
                                              .has_sum = random_below(3) > 0,
                                              .min = random_number(),
                                              .max = random_number()};
            if (column->has_sum) {
                column->sum_exponent = (int16_t)((int)random_below(256) - 128);
                column->sum.low = (u128)random_next() << random_below(64);
                column->sum.high = random_below(2) == 0 ? 0 : (int64_t)random_next();
            }
            random_ends(block, column);
        }
    }
}

static void assert_entry_is(const struct directory_entry *found,
                            const struct directory_entry *entry)
{
    assert_true(block_summary_equal(&found->summary, &entry->summary));
    assert_int_equal(found->offset, entry->offset);
    assert_int_equal(found->bytes_len, entry->bytes_len);
}

/*
 * Reads a value again from a device on: entries that end below are passed over, and no others.
 * Columns of entries of several devices may be declined.
 */
static void read_value_from(struct directory_reader *reader, const struct buffer *value,
                            unsigned first_entry, unsigned count)
{
    const uint32_t device = entries[first_entry + random_below(count)].summary.last.device;
    uint8_t *bytes = mem_alloc(value->len, 1);
    assert_non_null(bytes);
    memcpy(bytes, value->data, value->len);
    struct error err = {0};
    assert_int_equal(directory_reader_open(reader, slice_of(bytes, value->len), &err), STATUS_OK);
    reader->device_from = device + (device < UINT32_MAX ? random_below(2) : 0);
    reader->one_device_only = random_below(2) == 0;
    bool more = true;
    for (unsigned i = 0; i < count; i++) {
        struct directory_entry expected = entries[first_entry + i];
        if (expected.summary.last.device < reader->device_from)
            continue;
        if (reader->one_device_only &&
            expected.summary.first.device != expected.summary.last.device)
            expected.summary.column_count = 0;
        assert_int_equal(directory_reader_next(reader, &more, &err), STATUS_OK);
        assert_true(more);
        assert_entry_is(&reader->entry, &expected);
    }
    reader->one_device_only = false;
    assert_int_equal(directory_reader_next(reader, &more, &err), STATUS_OK);
    assert_false(more);
    mem_free(bytes);
}

/* Reads a value from a block of exactly its size; returns how many entries it held. */
static unsigned read_value(struct directory_reader *reader, const struct buffer *value,
                           unsigned first_entry)
{
    uint8_t *bytes = mem_alloc(value->len, 1);
    assert_non_null(bytes);
    memcpy(bytes, value->data, value->len);
    struct error err = {0};
    assert_int_equal(directory_reader_open(reader, slice_of(bytes, value->len), &err), STATUS_OK);
    unsigned count = 0;
    for (bool more = true; more;) {
        assert_int_equal(directory_reader_next(reader, &more, &err), STATUS_OK);
        if (more)
            assert_entry_is(&reader->entry, &entries[first_entry + count++]);
    }
    mem_free(bytes);
    for (unsigned i = 0; i < 10; i++)
        read_value_from(reader, value, first_entry, count);
    return count;
}

/* Writes all entries, reads each value back once it is full. Returns the bytes of all values. */
static size_t round_trip(void)
{
    struct directory_writer writer = {0};
    struct directory_reader reader = {0};
    size_t bytes_len = 0;
    unsigned read = 0;
    for (unsigned i = 0; i < ENTRIES; i++) {
        bool full = false;
        assert_int_equal(directory_writer_add(&writer, &entries[i], &full), STATUS_OK);
        if (!full)
            continue;
        assert_true(writer.bytes.len <= DIRECTORY_BYTES_MAX || writer.entry_count == 1);
        assert_int_equal(row_key_compare(&writer.first, &entries[read].summary.first), 0);
        bytes_len += writer.bytes.len;
        read += read_value(&reader, &writer.bytes, read);
        assert_int_equal(read, i);
        directory_writer_clear(&writer);
        assert_int_equal(directory_writer_add(&writer, &entries[i], &full), STATUS_OK);
        assert_false(full);
    }
    bytes_len += writer.bytes.len;
    read += read_value(&reader, &writer.bytes, read);
    assert_int_equal(read, ENTRIES);
    directory_writer_release(&writer);
    directory_reader_release(&reader);
    return bytes_len;
}

static void summaries_of_blocks_come_back_small(void **state)
{
    (void)state;
    give_real_entries();
    assert_in_range(round_trip() / ENTRIES, 30, 64);
    entries_free();
}

static void arbitrary_summaries_come_back(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        give_random_entries();
        (void)round_trip();
        entries_free();
    }
}

/* Reads back an entry whose one column, of some rows, has its ends at these distances. */
static enum status read_ends(int64_t first_ms, int64_t last_ms)
{
    const struct row_key key = {.device = 1, .time_ms = 1700000000000};
    struct column_summary column = {
        .count = 1,
        .min = number_from_decimal(1, 0),
        .max = number_from_decimal(1, 0),
        .has_ends = true,
        .first = {.value = number_from_decimal(1, 0), .time_ms = key.time_ms + first_ms},
        .last = {.value = number_from_decimal(1, 0), .time_ms = key.time_ms + last_ms},
    };
    struct directory_entry entry = {
        .summary = {.first = key,
                    .last = {.device = 1, .time_ms = key.time_ms + 1000},
                    .min_time_ms = key.time_ms,
                    .max_time_ms = key.time_ms + 1000,
                    .row_count = 2,
                    .column_count = 1,
                    .columns = &column},
        .bytes_len = 1,
    };
    struct directory_writer writer = {0};
    struct directory_reader reader = {0};
    bool full = false;
    bool more = false;
    assert_int_equal(directory_writer_add(&writer, &entry, &full), STATUS_OK);
    assert_int_equal(directory_reader_open(&reader, buffer_slice(&writer.bytes), NULL), STATUS_OK);
    const enum status status = directory_reader_next(&reader, &more, NULL);
    directory_writer_release(&writer);
    directory_reader_release(&reader);
    return status;
}

static void a_column_begins_and_ends_within_its_block(void **state)
{
    (void)state;
    assert_int_equal(read_ends(0, 1000), STATUS_OK);
    assert_int_equal(read_ends(-1, 1000), STATUS_CORRUPT);
    assert_int_equal(read_ends(0, 1001), STATUS_CORRUPT);
    assert_int_equal(read_ends(0, INT64_MAX / 2), STATUS_CORRUPT);
}

static void an_empty_value_has_no_entries(void **state)
{
    (void)state;
    struct directory_reader reader = {0};
    bool more = true;
    assert_int_equal(directory_reader_open(&reader, slice_of("\0\0", 2), NULL), STATUS_OK);
    assert_int_equal(directory_reader_next(&reader, &more, NULL), STATUS_OK);
    assert_false(more);
    directory_reader_release(&reader);
}

static void a_cut_value_is_refused(void **state)
{
    (void)state;
    give_real_entries();
    struct directory_writer writer = {0};
    struct directory_reader reader = {0};
    bool full = false;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(directory_writer_add(&writer, &entries[i], &full), STATUS_OK);
    for (size_t len = 0; len < writer.bytes.len; len++) {
        struct error err = {0};
        bool more = true;
        enum status status = directory_reader_open(&reader, slice_of(writer.bytes.data, len), &err);
        while (status == STATUS_OK && more)
            status = directory_reader_next(&reader, &more, &err);
        assert_int_equal(status, STATUS_CORRUPT);
        status = directory_reader_open(&reader, slice_of(writer.bytes.data, len), &err);
        reader.device_from = UINT32_MAX;
        more = true;
        while (status == STATUS_OK && more)
            status = directory_reader_next(&reader, &more, &err);
        assert_int_equal(status, STATUS_CORRUPT);
    }
    directory_writer_release(&writer);
    directory_reader_release(&reader);
    entries_free();
}

static enum status write_and_read(struct directory_writer *writer, struct directory_reader *reader)
{
    for (unsigned i = 0; i < 20; i++) {
        bool full = false;
        TRY(directory_writer_add(writer, &entries[i], &full));
        if (full)
            break;
    }
    TRY(directory_reader_open(reader, buffer_slice(&writer->bytes), NULL));
    for (bool more = true; more;)
        TRY(directory_reader_next(reader, &more, NULL));
    return STATUS_OK;
}

static void directories_survive_every_failed_allocation(void **state)
{
    (void)state;
    give_random_entries();
    const size_t live_blocks = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct directory_writer writer = {0};
        struct directory_reader reader = {0};
        mem_fail_at(nth);
        status = write_and_read(&writer, &reader);
        mem_fail_at(-1);
        directory_writer_release(&writer);
        directory_reader_release(&reader);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live_blocks);
        assert_in_range(nth, 0, 200);
    }
    entries_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summaries_of_blocks_come_back_small),
        cmocka_unit_test(arbitrary_summaries_come_back),
        cmocka_unit_test(a_column_begins_and_ends_within_its_block),
        cmocka_unit_test(an_empty_value_has_no_entries),
        cmocka_unit_test(a_cut_value_is_refused),
        cmocka_unit_test(directories_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
