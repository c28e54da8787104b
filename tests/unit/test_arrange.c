/*
 * test_arrange.c - rows of any order come out by device, time and id; all of them, once.
 */
#include "engine/arrange/arrange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS_MAX 5000u

static uint64_t random_state = 7;

static uint32_t draw(uint32_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % limit);
}

/* Rows nearly in order, in random order, backwards, or all alike but for their ids. */
static void make_rows(struct row *rows, size_t count, uint32_t devices, int kind)
{
    for (size_t i = 0; i < count; i++) {
        int64_t time_ms = (int64_t)i * 10 - (draw(10) == 0 ? draw(500) : 0);
        if (kind == 1)
            time_ms = draw(2) == 0 ? INT64_MIN + draw(100) : INT64_MAX - draw(100);
        if (kind == 2)
            time_ms = -(int64_t)i;
        if (kind == 3)
            time_ms = 5;
        rows[i] = (struct row){
            .device = draw(devices),
            .time_ms = time_ms,
            .message_id = (uint64_t)(i * 7919 % 5003),
            .first_cell = (uint32_t)i, /* tells which row it was */
        };
    }
}

static bool in_order(const struct block_row *a, const struct block_row *b)
{
    if (a->device != b->device)
        return a->device < b->device;
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms;
    return a->message_id <= b->message_id;
}

static const struct cell cells[ROWS_MAX];

static void check(const struct arrangement *arrangement, const struct row *rows, size_t count)
{
    static bool seen[ROWS_MAX];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < count; i++) {
        const struct block_row *arranged = &arrangement->rows[i];
        const size_t index = (size_t)(arranged->cells - cells);
        assert_in_range(index, 0, count - 1);
        const struct row *row = &rows[index];
        assert_int_equal(arranged->device, row->device);
        assert_int_equal(arranged->time_ms, row->time_ms);
        assert_true(arranged->message_id == row->message_id);
        assert_false(seen[index]);
        seen[index] = true;
        assert_true(i == 0 || in_order(&arrangement->rows[i - 1], arranged));
    }
}

static void rows_of_any_order_come_out_sorted_and_complete(void **state)
{
    (void)state;
    static struct row rows[ROWS_MAX];
    struct arrangement arrangement = {0};
    const size_t counts[] = {0, 1, 2, 3, 17, 1000, ROWS_MAX};
    const uint32_t devices[] = {1, 2, 40, 1000, 1000000}; /* the last: too many to count */
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (size_t d = 0; d < sizeof devices / sizeof devices[0]; d++) {
            for (int kind = 0; kind < 4; kind++) {
                make_rows(rows, counts[c], devices[d], kind);
                assert_int_equal(arrangement_add_rows(&arrangement, rows, counts[c], cells),
                                 STATUS_OK);
                assert_int_equal(arrange_rows(&arrangement, devices[d]), STATUS_OK);
                assert_int_equal(arrangement.count, counts[c]);
                check(&arrangement, rows, counts[c]);
            }
        }
    }
    arrangement_release(&arrangement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_any_order_come_out_sorted_and_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
