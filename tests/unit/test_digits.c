/*
 * test_digits.c - whole numbers as digits are what printf makes of them.
 */
#include "engine/base/digits.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect_as_printed(uint64_t value)
{
    char printed[DIGITS_MAX + 1];
    char text[DIGITS_MAX + 1];
    (void)snprintf(printed, sizeof printed, "%" PRIu64, value);
    memset(text, '?', sizeof text);
    const size_t len = digits_put(value, text);
    assert_int_equal(len, strlen(printed));
    assert_int_equal(digits_count(value), len);
    assert_memory_equal(text, printed, len);
    assert_int_equal(text[len], '?');
}

static void numbers_of_every_length_are_as_printf_writes_them(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 100000; value++)
        expect_as_printed(value);
    uint64_t power = 1;
    for (unsigned i = 0; i < DIGITS_MAX; i++, power *= 10) {
        expect_as_printed(power - 1);
        expect_as_printed(power);
        expect_as_printed(power + 1);
        expect_as_printed(power * 9);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        expect_as_printed(UINT64_C(1) << bit);
        expect_as_printed((UINT64_C(1) << bit) - 1);
        expect_as_printed(UINT64_MAX >> bit);
    }
}

static void every_pair_has_its_two_digits(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 100; number++) {
        char printed[3];
        (void)snprintf(printed, sizeof printed, "%02u", number);
        assert_memory_equal(digits_pair(number), printed, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_every_length_are_as_printf_writes_them),
        cmocka_unit_test(every_pair_has_its_two_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
