/*
 * test_name_order.c - names sorted by the bytes in which they differ.
 */
#include "engine/name_order/name_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NAMES_MAX  600u
#define NAME_BYTES 96u

static uint8_t storage[NAMES_MAX][NAME_BYTES];
static struct slice names[NAMES_MAX];

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* Every name once, each not below the one before it; equal ones in the order given. */
static void assert_ordered(uint32_t count)
{
    static uint32_t order[NAMES_MAX];
    static bool seen[NAMES_MAX];
    memset(seen, 0, sizeof seen);
    assert_int_equal(name_order(names, count, order), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) {
        assert_in_range(order[i], 0, count - 1);
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
        if (i == 0)
            continue;
        const int compared = slice_compare(names[order[i - 1]], names[order[i]]);
        assert_true(compared < 0 || (compared == 0 && order[i - 1] < order[i]));
    }
}

static void names_of_a_fleet_are_ordered(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (uint32_t i = 0; i < NAMES_MAX; i++) {
        char *text = (char *)storage[i];
        (void)snprintf(text, NAME_BYTES, "a1Product%02u/device-%06u", next_random(&seed) % 12,
                       next_random(&seed) % 1000000);
        names[i] = slice_of_text(text);
    }
    assert_ordered(NAMES_MAX);
}

static void a_shorter_name_stands_before_those_it_begins(void **state)
{
    (void)state;
    const struct slice given[] = {slice_of((const uint8_t *)"a\0b", 3), slice_of_text("ab"),
                                  slice_of((const uint8_t *)"a\0", 2), slice_of_text("a"),
                                  slice_of_text("")};
    uint32_t order[5];
    assert_int_equal(name_order(given, 5, order), STATUS_OK);
    static const uint32_t expected[] = {4, 3, 2, 0, 1};
    assert_memory_equal(order, expected, sizeof expected);
}

/* Few letters, NUL among them, and a long common beginning: keys often tie. */
static void any_names_are_ordered(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (uint32_t round = 0; round < 200; round++) {
        const uint32_t count = next_random(&seed) % 40;
        const uint32_t common = next_random(&seed) % 70;
        const uint32_t letters = 1 + next_random(&seed) % 3;
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t len = common + next_random(&seed) % 24;
            memset(storage[i], 'x', common);
            for (uint32_t j = common; j < len; j++)
                storage[i][j] = (uint8_t)(next_random(&seed) % letters * 0x7F);
            names[i] = slice_of(storage[i], len);
        }
        assert_ordered(count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_a_fleet_are_ordered),
        cmocka_unit_test(a_shorter_name_stands_before_those_it_begins),
        cmocka_unit_test(any_names_are_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
