/*
 * test_number_sum.c - exact sums keep every digit, whatever the order and the exponents.
 */
#include "engine/base/mem.h"
#include "engine/number/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct number parse(const char *text)
{
    struct number number = {0};
    assert_true(number_parse(slice_of_text(text), &number));
    return number;
}

static void assert_term(const struct sum_term *term, i128 total, int exponent)
{
    assert_true(term->total.low == (u128)total);
    assert_int_equal(term->total.high, total < 0 ? -1 : 0);
    assert_int_equal(term->exponent, exponent);
}

static void add_texts(struct exact_sum *sum, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(exact_sum_add(sum, parse(texts[i])), STATUS_OK);
}

static void a_term_holds_each_exponent_and_they_are_sorted(void **state)
{
    (void)state;
    const char *const texts[] = {"19.8", "0.02", "3", "0.1", "-7", "1e3", "19.98", "0", "0.00"};
    struct exact_sum sum = {0};
    add_texts(&sum, texts, sizeof texts / sizeof texts[0]);
    assert_int_equal(sum.real_count, 0);
    assert_int_equal(sum.decimal_count, 4);
    assert_term(&sum.decimals[0], 2000, -2);
    assert_term(&sum.decimals[1], 199, -1);
    assert_term(&sum.decimals[2], -4, 0);
    assert_term(&sum.decimals[3], 1, 3);

    exact_sum_clear(&sum);
    assert_int_equal(sum.decimal_count, 0);
    assert_int_equal(exact_sum_add(&sum, parse("5e-128")), STATUS_OK);
    assert_term(&sum.decimals[0], 5, -128);
    exact_sum_release(&sum);
    assert_int_equal(mem_live_blocks(), 0);
}

static void a_real_leaves_a_term_even_if_it_is_zero(void **state)
{
    (void)state;
    struct exact_sum sum = {0};
    assert_int_equal(exact_sum_add(&sum, number_from_real(0.0)), STATUS_OK);
    assert_int_equal(exact_sum_add(&sum, number_from_real(0.0)), STATUS_OK);
    assert_int_equal(sum.real_count, 1);
    assert_term(&sum.reals[0], 0, 0);
    exact_sum_release(&sum);
}

/* Doubles of all sizes make few terms, and adding the opposites brings each to zero. */
static void doubles_of_all_sizes_cancel_exactly(void **state)
{
    (void)state;
    struct exact_sum sum = {0};
    struct exact_sum squares = {0};
    for (int sign = 1; sign >= -1; sign -= 2) {
        for (int bits = -1074; bits < 1022; bits++) {
            const struct number number = number_from_real(sign * ldexp(1.7, bits));
            assert_int_equal(exact_sum_add(&sum, number), STATUS_OK);
            assert_int_equal(exact_sum_add_square(&squares, number), STATUS_OK);
        }
    }
    assert_in_range(sum.real_count, 2, 70);
    assert_in_range(squares.real_count, 2, 140);
    for (size_t i = 0; i < sum.real_count; i++)
        assert_true(sum.reals[i].total.low == 0 && sum.reals[i].total.high == 0);
    for (size_t i = 1; i < squares.real_count; i++)
        assert_true(squares.reals[i - 1].exponent < squares.reals[i].exponent);
    exact_sum_release(&sum);
    exact_sum_release(&squares);
}

static void squares_and_multiples_are_exact(void **state)
{
    (void)state;
    struct exact_sum sum = {0};
    const struct number largest = number_from_decimal(-NUMBER_MANTISSA_MAX, -128);
    const i128 square = (i128)NUMBER_MANTISSA_MAX * NUMBER_MANTISSA_MAX;
    assert_int_equal(exact_sum_add_square(&sum, largest), STATUS_OK);
    assert_term(&sum.decimals[0], square, -256);
    assert_int_equal(exact_sum_add_multiple(&sum, largest, INT64_MAX), STATUS_OK);
    assert_term(&sum.decimals[1], -(i128)NUMBER_MANTISSA_MAX * INT64_MAX, -128);

    assert_int_equal(exact_sum_add_multiple(&sum, number_from_real(-1.5), 1000), STATUS_OK);
    assert_int_equal(exact_sum_add_square(&sum, number_from_real(0x1p-10)), STATUS_OK);
    assert_int_equal(sum.real_count, 2);
    assert_term(&sum.reals[0], (i128)1 << 108, -128);
    assert_term(&sum.reals[1], -((i128)1500 << 64), -64);
    exact_sum_release(&sum);
}

/* A total passes 128 bits and comes back. */
static void totals_have_192_bits(void **state)
{
    (void)state;
    struct exact_sum sum = {0};
    const struct wide half = {.low = (u128)1 << 127, .high = 0};
    for (int i = 0; i < 6; i++)
        assert_int_equal(exact_sum_add_scaled(&sum, half, -4), STATUS_OK);
    assert_true(sum.decimals[0].total.low == 0 && sum.decimals[0].total.high == 3);
    for (int i = 0; i < 7; i++)
        assert_int_equal(exact_sum_add_scaled(&sum, wide_negate(half), -4), STATUS_OK);
    assert_true(sum.decimals[0].total.low == (u128)1 << 127);
    assert_int_equal(sum.decimals[0].total.high, -1);
    exact_sum_release(&sum);

    const struct wide zero = {0};
    assert_true(wide_negate(zero).low == 0 && wide_negate(zero).high == 0);
    assert_int_equal(wide_negate(wide_of(1)).high, -1);
}

/* Halves of a list summed apart and merged are the whole, whichever way it is cut. */
static void merged_parts_are_the_whole(void **state)
{
    (void)state;
    const char *const texts[] = {"19.8",  "1e200",  "0.02",  "-1e-200",
                                 "3e100", "1e-400", "-7",    "1e3",
                                 "19.98", "5e-324", "1e300", "0.30000000000000001"};
    const size_t count = sizeof texts / sizeof texts[0];
    struct exact_sum whole = {0};
    add_texts(&whole, texts, count);
    for (size_t cut = 0; cut <= count; cut++) {
        struct exact_sum part = {0};
        struct exact_sum rest = {0};
        add_texts(&part, texts, cut);
        add_texts(&rest, texts + cut, count - cut);
        assert_int_equal(exact_sum_merge(&part, &rest), STATUS_OK);
        assert_int_equal(part.decimal_count, whole.decimal_count);
        assert_int_equal(part.real_count, whole.real_count);
        for (size_t i = 0; i < whole.decimal_count; i++) {
            assert_int_equal(part.decimals[i].exponent, whole.decimals[i].exponent);
            assert_true(part.decimals[i].total.low == whole.decimals[i].total.low);
        }
        for (size_t i = 0; i < whole.real_count; i++) {
            assert_int_equal(part.reals[i].exponent, whole.reals[i].exponent);
            assert_true(part.reals[i].total.low == whole.reals[i].total.low);
        }
        exact_sum_release(&part);
        exact_sum_release(&rest);
    }
    exact_sum_release(&whole);
}

static void a_failed_allocation_leaves_the_sum_as_it_was(void **state)
{
    (void)state;
    const char *const texts[] = {"1", "0.1", "1e200", "0.01", "1e-200", "0.001"};
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct exact_sum sum = {0};
        size_t added = 0;
        status = STATUS_OK;
        mem_fail_at(nth);
        for (; added < sizeof texts / sizeof texts[0] && status == STATUS_OK; added++)
            status = exact_sum_add(&sum, parse(texts[added]));
        mem_fail_at(-1);
        const size_t terms = (size_t)sum.decimal_count + sum.real_count;
        assert_int_equal(terms, status == STATUS_OK ? added : added - 1);
        exact_sum_release(&sum);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_term_holds_each_exponent_and_they_are_sorted),
        cmocka_unit_test(a_real_leaves_a_term_even_if_it_is_zero),
        cmocka_unit_test(doubles_of_all_sizes_cancel_exactly),
        cmocka_unit_test(squares_and_multiples_are_exact),
        cmocka_unit_test(totals_have_192_bits),
        cmocka_unit_test(merged_parts_are_the_whole),
        cmocka_unit_test(a_failed_allocation_leaves_the_sum_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
