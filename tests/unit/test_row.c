/*
 * test_row.c - batches of rows, and the numbers of names.
 */
#include "engine/base/mem.h"
#include "engine/row/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t add_name(struct name_table *table, const char *text)
{
    uint32_t number = NAME_UNMAPPED;
    assert_int_equal(name_table_add(table, slice_of_text(text), &number), STATUS_OK);
    return number;
}

static void a_name_has_one_number_for_as_long_as_it_stays(void **state)
{
    (void)state;
    OWNED(name_table_release) struct name_table table = {0};
    char text[300];
    assert_int_equal(name_table_find(&table, slice_of_text("x")), NAME_UNMAPPED);
    for (uint32_t i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "product/device-%u", i);
        assert_int_equal(add_name(&table, text), i);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "product/device-%u", i);
        assert_int_equal(add_name(&table, text), i);
        assert_int_equal(name_table_find(&table, slice_of_text(text)), i);
        assert_true(slice_equal(table.names[i], slice_of_text(text)));
        assert_int_equal(table.global[i], NAME_UNMAPPED);
    }
    assert_int_equal(table.count, 5000);
    assert_int_equal(name_table_find(&table, slice_of_text("product/device")), NAME_UNMAPPED);
}

/* Around the length that a slot holds itself; the last byte makes the difference. */
static void names_of_every_length_are_told_apart(void **state)
{
    (void)state;
    OWNED(name_table_release) struct name_table table = {0};
    uint8_t name[NAME_BYTES_MAX];
    memset(name, 'n', sizeof name);
    for (size_t len = 0; len <= sizeof name; len++) {
        uint32_t number = 0;
        assert_int_equal(name_table_add(&table, slice_of(name, len), &number), STATUS_OK);
        assert_int_equal(number, len);
    }
    for (size_t len = 1; len <= sizeof name; len++) {
        name[len - 1] = 'm';
        assert_int_equal(name_table_find(&table, slice_of(name, len)), NAME_UNMAPPED);
        name[len - 1] = 'n';
        assert_int_equal(name_table_find(&table, slice_of(name, len)), len);
    }
    uint32_t with_nul = 0;
    assert_int_equal(name_table_add(&table, slice_of("n\0", 2), &with_nul), STATUS_OK);
    assert_int_equal(with_nul, NAME_BYTES_MAX + 1);
}

static void clearing_keeps_names_unless_they_are_many(void **state)
{
    (void)state;
    OWNED(row_batch_release) struct row_batch batch = {0};
    assert_int_equal(add_name(&batch.devices, "a/b"), 0);
    const uint64_t generation = batch.devices.generation;
    row_batch_clear(&batch);
    assert_int_equal(batch.devices.count, 1);
    assert_true(batch.devices.generation == generation);
    char text[20];
    for (size_t i = 0; i <= NAME_COUNT_KEPT_MAX; i++) {
        (void)snprintf(text, sizeof text, "%zu", i);
        (void)add_name(&batch.metrics, text);
    }
    row_batch_clear(&batch);
    assert_int_equal(batch.devices.count, 1);
    assert_int_equal(batch.metrics.count, 0);
    assert_true(batch.metrics.generation != 0);
    assert_int_equal(add_name(&batch.metrics, "7"), 0);
}

/* One message of readings with two rows, one of status, one reject. */
static enum status build(struct row_batch *batch)
{
    struct row *row = NULL;
    struct row_batch_mark mark = row_batch_mark(batch);
    uint32_t metric = 0;
    TRY(name_table_add(&batch->metrics, slice_of_text("t"), &metric));
    TRY(row_batch_add_row(batch, TABLE_READINGS, &row));
    TRY(row_batch_add_cell(batch, TABLE_READINGS, metric, number_from_decimal(1998, -2)));
    TRY(row_batch_add_cell(batch, TABLE_READINGS, metric + 1, number_from_real(0.5)));
    TRY(row_batch_add_row(batch, TABLE_READINGS, &row));
    TRY(row_batch_add_cell(batch, TABLE_READINGS, metric, number_from_integer(0)));
    TRY(row_batch_add_message(batch, TABLE_READINGS, 7, mark));
    mark = row_batch_mark(batch);
    TRY(row_batch_add_row(batch, TABLE_STATUS, &row));
    TRY(row_batch_add_cell(batch, TABLE_STATUS, STATUS_METRIC_STATE, number_from_integer(1)));
    TRY(row_batch_add_message(batch, TABLE_STATUS, 8, mark));
    const struct reject reject = {
        .body = slice_of_text("body"), .detail = slice_of_text("why"), .reason = REJECT_BAD_JSON};
    const uint64_t id = 9;
    TRY(row_batch_add_reject(batch, &id, &reject));
    return row_batch_add_reject(batch, NULL, &(const struct reject){.reason = REJECT_BAD_BASE64});
}

static void messages_own_the_rows_since_their_mark(void **state)
{
    (void)state;
    OWNED(row_batch_release) struct row_batch batch = {0};
    for (int round = 0; round < 2; round++) {
        row_batch_clear(&batch);
        assert_int_equal(build(&batch), STATUS_OK);
        assert_int_equal(build(&batch), STATUS_OK);
        assert_int_equal(batch.message_count, 8);
        const struct message *second = &batch.messages[4];
        assert_int_equal(second->verdict, MESSAGE_READINGS);
        assert_int_equal(second->first, 2);
        assert_int_equal(second->count, 2);
        const struct row *row = &batch.rows[TABLE_READINGS][2];
        assert_int_equal(row->cell_count, 2);
        assert_int_equal(batch.cells[row->first_cell].mantissa, 1998);
        assert_int_equal(batch.cells[row->first_cell].exponent, -2);
        assert_true(batch.cells[row->first_cell + 1].kind == NUMBER_DECIMAL ||
                    batch.cells[row->first_cell + 1].kind == NUMBER_REAL);
        assert_int_equal(batch.messages[5].verdict, MESSAGE_STATUS);
        assert_int_equal(batch.messages[5].first, 1);
        assert_true(batch.messages[6].has_id && batch.messages[6].id == 9);
        assert_int_equal(batch.messages[6].first, 2);
        assert_true(slice_equal(batch.rejects[2].body, slice_of_text("body")));
        assert_true(slice_equal(batch.rejects[2].detail, slice_of_text("why")));
        assert_false(batch.messages[7].has_id);
        assert_int_equal(batch.rejects[3].body.len, 0);
    }
}

/* A message of one row in one step, as decoders do it. */
static enum status add_whole(struct row_batch *batch, enum table table, const struct row *row,
                             const struct cell *cells)
{
    if (!row_batch_has_room(batch, table, row->cell_count))
        TRY(row_batch_make_room(batch, table, row->cell_count));
    memcpy(batch->cells + batch->cell_count, cells, row->cell_count * sizeof *cells);
    row_batch_put_whole(batch, table, row);
    return STATUS_OK;
}

static void a_message_of_one_row_may_come_in_one_step(void **state)
{
    (void)state;
    OWNED(row_batch_release) struct row_batch batch = {0};
    assert_int_equal(build(&batch), STATUS_OK);
    const struct cell cells[] = {{.mantissa = 5, .metric = 3, .kind = NUMBER_DECIMAL},
                                 {.mantissa = 7, .metric = 4, .kind = NUMBER_DECIMAL}};
    const struct row row = {.time_ms = 1, .message_id = 11, .device = 2, .cell_count = 2};
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(add_whole(&batch, TABLE_READINGS, &row, cells), STATUS_OK);
    const struct message *last = &batch.messages[batch.message_count - 1];
    assert_int_equal(batch.message_count, 104);
    assert_int_equal(last->id, 11);
    assert_true(last->has_id);
    assert_int_equal(last->verdict, MESSAGE_READINGS);
    assert_int_equal(last->count, 1);
    const struct row *added = &batch.rows[TABLE_READINGS][last->first];
    assert_int_equal(added->device, 2);
    assert_int_equal(added->first_cell + added->cell_count, batch.cell_count);
    assert_memory_equal(batch.cells + added->first_cell, cells, sizeof cells);
    assert_int_equal(add_whole(&batch, TABLE_STATUS, &row, cells), STATUS_OK);
    assert_int_equal(batch.messages[batch.message_count - 1].verdict, MESSAGE_STATUS);
}

static void what_was_reserved_does_not_move(void **state)
{
    (void)state;
    OWNED(row_batch_release) struct row_batch batch = {0};
    OWNED(row_batch_release) struct row_batch model = {0};
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(build(&model), STATUS_OK);
    assert_int_equal(row_batch_reserve(&batch, row_batch_size(&model)), STATUS_OK);
    const struct message *messages = batch.messages;
    const struct cell *cells = batch.cells;
    const struct row *rows = batch.rows[TABLE_READINGS];
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(build(&batch), STATUS_OK);
    assert_ptr_equal(batch.messages, messages);
    assert_ptr_equal(batch.cells, cells);
    assert_ptr_equal(batch.rows[TABLE_READINGS], rows);
}

static void a_rewound_message_leaves_nothing(void **state)
{
    (void)state;
    OWNED(row_batch_release) struct row_batch batch = {0};
    assert_int_equal(build(&batch), STATUS_OK);
    const struct row_batch_mark mark = row_batch_mark(&batch);
    struct row *row = NULL;
    assert_int_equal(row_batch_add_row(&batch, TABLE_READINGS, &row), STATUS_OK);
    assert_int_equal(row_batch_add_cell(&batch, TABLE_READINGS, 0, number_from_integer(5)),
                     STATUS_OK);
    row_batch_rewind(&batch, mark);
    assert_int_equal(batch.row_count[TABLE_READINGS], 2);
    assert_int_equal(batch.cell_count, 4);
    assert_int_equal(batch.message_count, 4);
}

static void every_reason_has_its_word(void **state)
{
    (void)state;
    for (int reason = 0; reason < REJECT_REASON_COUNT; reason++)
        assert_non_null(reject_reason_word((enum reject_reason)reason));
    assert_string_equal(reject_reason_word(REJECT_TOO_LONG), "too-long");
    assert_string_equal(reject_reason_word(REJECT_PAYLOAD_NOT_JSON), "payload-not-json");
}

#ifdef MNSDB_TEST_FAULTS
static void a_step_without_memory_adds_nothing(void **state)
{
    (void)state;
    const struct cell cell = {.mantissa = 5, .kind = NUMBER_DECIMAL};
    const struct row row = {.message_id = 11, .cell_count = 1};
    for (long nth = 0; nth < 3; nth++) { /* rows, cells, messages */
        OWNED(row_batch_release) struct row_batch batch = {0};
        mem_fail_at(nth);
        assert_int_equal(add_whole(&batch, TABLE_READINGS, &row, &cell), STATUS_NOMEM);
        mem_fail_at(-1);
        assert_int_equal(batch.message_count + batch.cell_count, 0);
        assert_int_equal(batch.row_count[TABLE_READINGS], 0);
        assert_int_equal(add_whole(&batch, TABLE_READINGS, &row, &cell), STATUS_OK);
        assert_int_equal(batch.message_count, 1);
    }
}

static void building_survives_every_failed_allocation(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct row_batch batch = {0};
        mem_fail_at(nth);
        status = build(&batch);
        mem_fail_at(-1);
        row_batch_release(&batch);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_one_number_for_as_long_as_it_stays),
        cmocka_unit_test(names_of_every_length_are_told_apart),
        cmocka_unit_test(clearing_keeps_names_unless_they_are_many),
        cmocka_unit_test(messages_own_the_rows_since_their_mark),
        cmocka_unit_test(a_message_of_one_row_may_come_in_one_step),
        cmocka_unit_test(what_was_reserved_does_not_move),
        cmocka_unit_test(a_rewound_message_leaves_nothing),
        cmocka_unit_test(every_reason_has_its_word),
#ifdef MNSDB_TEST_FAULTS
        cmocka_unit_test(a_step_without_memory_adds_nothing),
        cmocka_unit_test(building_survives_every_failed_allocation),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
