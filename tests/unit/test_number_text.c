/*
 * test_number_text.c - numbers as text, doubles taken apart and rounded, and exact order.
 */
#include "engine/number/number.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t random_state = UINT64_C(0xda3e39cb94b95bdb);

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static double double_of_bits(uint64_t bits)
{
    double real = 0.0;
    memcpy(&real, &bits, sizeof real);
    return real;
}

/* Any finite double: half of them of everyday size. */
static double random_double(void)
{
    for (;;) {
        const uint64_t bits = random_next();
        if (bits % 2 == 0)
            return (double)(int64_t)(random_next() >> 20) / (double)(bits % 100003 + 1);
        const double real = double_of_bits(random_next());
        if (isfinite(real))
            return real;
    }
}

static void assert_text(struct number number, const char *expected)
{
    char text[NUMBER_TEXT_BYTES];
    const size_t len = number_format(number, text);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
}

static void decimals_are_written_plainly(void **state)
{
    (void)state;
    assert_text(number_from_decimal(198, -1), "19.8");
    assert_text(number_from_decimal(1980, -2), "19.8");
    assert_text(number_from_decimal(-5, -2), "-0.05");
    assert_text(number_from_decimal(12, 2), "1200");
    assert_text(number_from_decimal(0, 5), "0");
    assert_text(number_from_decimal(1, -1), "0.1");
    assert_text(number_from_decimal(-NUMBER_MANTISSA_MAX, -18), "-0.999999999999999999");
    assert_text(number_from_decimal(NUMBER_MANTISSA_MAX, -17), "9.99999999999999999");

    char expected[NUMBER_TEXT_BYTES];
    memset(expected, '0', sizeof expected);
    expected[0] = '1';
    expected[128] = '\0';
    assert_text(number_from_decimal(1, 127), expected);
    memset(expected, '0', sizeof expected);
    memcpy(expected, "-0.", 3);
    memcpy(expected + 130, "1", 2);
    assert_text(number_from_decimal(-1, -128), expected);
}

static void integers_beyond_18_digits_become_doubles(void **state)
{
    (void)state;
    assert_text(number_from_integer(-42), "-42");
    assert_text(number_from_integer(INT64_C(1000000000000000000)), "1000000000000000000");
    assert_int_equal(number_from_integer(INT64_C(1200000000000000000)).kind, NUMBER_DECIMAL);
    assert_int_equal(number_from_integer(INT64_C(1234567890123456789)).kind, NUMBER_REAL);
    assert_text(number_from_integer(INT64_MIN), "-9.223372036854776e+18");
    assert_text(number_from_integer(INT64_MAX), "9.223372036854776e+18");
}

static void minus_zero_is_zero(void **state)
{
    (void)state;
    assert_false(signbit(number_from_real(-0.0).real));
    assert_text(number_from_real(-0.0), "0");
}

static const struct {
    double real;
    const char *text;
} shortest_texts[] = {
    {0x1.999999999999ap-4, "0.1"},
    {0x1.3333333333334p-2, "0.30000000000000004"},
    {0x1.5555555555555p-2, "0.3333333333333333"},
    {0x1.5555555555555p-1, "0.6666666666666666"},
    {0x1.c000000000000p+3, "14"},
    {0x1.3fae147ae147bp+4, "19.98"},
    {0x1.c6bf526340000p+49, "1000000000000000"},
    {0x1.1c37937e07fffp+53, "9999999999999998"},
    {0x1.1c37937e08000p+53, "1e+16"},
    {0x1.12210f47de981p+60, "1.2345678901234568e+18"},
    {0x1.0f0cf064dd592p+73, "1e+22"},
    {0x1.52d02c7e14af6p+76, "1e+23"},
    {0x1.41df5d77c6d9dp+76, "9.5e+22"},
    {0x1.a36e2eb1c432dp-14, "0.0001"},
    {0x1.a36371ea531a8p-14, "9.999e-05"},
    {0x1.02e85be180b74p-13, "0.00012345678901234567"},
    {0x1.4f8b588e368f1p-17, "1e-05"},
    {0x1.421f5f40d8376p-23, "1.5e-07"},
    {0x1.d6f3454000000p+26, "123456789"},
    {0x0.0000000000001p-1022, "5e-324"},
    {0x0.0000000000002p-1022, "1e-323"},
    {0x1.0000000000000p-1022, "2.2250738585072014e-308"},
    {0x0.fffffffffffffp-1022, "2.225073858507201e-308"},
    {0x1.fffffffffffffp+1023, "1.7976931348623157e+308"},
    {-0x1.0000000000000p-1, "-0.5"},
    {-0x1.12e0be826d695p-30, "-1e-09"},
    {-0x1.bc16d674ec800p+57, "-2.5e+17"},
    {0x1.0000000000000p-44, "5.684341886080802e-14"},
    {0x0.0000000000001p-1022, "5e-324"},
    {0x1.0000000000000p-1022, "2.2250738585072014e-308"},
    {0x1.0000000000000p-13, "0.0001220703125"},
    {0x1.0000000000000p+70, "1.1805916207174113e+21"},
    {0x1.0000000000000p+122, "5.316911983139664e+36"},
    {0x1.0000000000000p-24, "5.960464477539063e-08"},
    {0x1.0000000000000p+53, "9007199254740992"},
    {0x1.0000000000002p+52, "4503599627370498"},
    {0x1.fffffffffffffp+51, "4503599627370495.5"},
    {0x1.3333333333333p-2, "0.3"},
    {0x1.9000000000000p+6, "100"},
    {0x1.e848000000000p+19, "1000000"},
    {0x1.c7e83209e90b2p+72, "8.41e+21"},
    {0x1.1666666666666p+2, "4.35"},
    {0x1.0000000000000p-12, "0.000244140625"},
    {0x1.0000000000000p-11, "0.00048828125"},
    {0x1.a36e2eb1c432dp-15, "5e-05"},
    {0x1.24c41d4fdf3b6p+18, "299792.458"},
    {0x1.fe185ca57c517p+78, "6.02214076e+23"},
    {0x1.279a9c8073d8bp-100, "9.109e-31"},
    {0x1.0000000000001p+0, "1.0000000000000002"},
    {0x1.fffffffffffffp-1, "0.9999999999999999"},
    {0x1.ec00000000000p+6, "123"},
    {0x1.249ad2594c37dp+332, "1e+100"},
    {0x1.0000000000000p+1023, "8.98846567431158e+307"},
};

static void doubles_are_written_as_short_as_can_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shortest_texts / sizeof shortest_texts[0]; i++)
        assert_text(number_from_real(shortest_texts[i].real), shortest_texts[i].text);
}

/* The digits of a text as an integer, without point and exponent. */
static int count_digits(const char *text)
{
    int count = 0;
    int zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9')
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        count += count > 0 || *text != '0';
    }
    return count > zeros ? count - zeros : count;
}

/* Every text reads back equal, and no text with one digit less does. */
static void no_shorter_text_reads_back_equal(void **state)
{
    (void)state;
    for (int i = 0; i < 60000; i++) {
        const double real = random_double();
        if (real == 0.0)
            continue;
        char text[NUMBER_TEXT_BYTES];
        (void)double_format(real, text);
        if (strtod(text, NULL) != real)
            fail_msg("%a became %s", real, text);
        const int digits = count_digits(text);
        char shorter[64];
        (void)snprintf(shorter, sizeof shorter, "%.*e", digits > 1 ? digits - 2 : 0, real);
        if (digits > 1 && strtod(shorter, NULL) == real)
            fail_msg("%s is shorter than %s", shorter, text);
    }
}

static void powers_of_two_read_back(void **state)
{
    (void)state;
    for (int exponent = -1074; exponent <= 1023; exponent++) {
        const double power = ldexp(1.0, exponent);
        char text[NUMBER_TEXT_BYTES];
        (void)double_format(power, text);
        if (strtod(text, NULL) != power)
            fail_msg("2^%d became %s", exponent, text);
    }
}

static void a_split_double_is_its_parts(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const double real = i == 0 ? 5e-324 : i == 1 ? -DBL_MAX : random_double();
        int64_t mantissa = 0;
        int exponent = 0;
        double_split(real, &mantissa, &exponent);
        assert_true(mantissa < INT64_C(1) << 53 && mantissa > -(INT64_C(1) << 53));
        assert_true(ldexp((double)mantissa, exponent) == real);
    }
}

static void rounding_goes_to_even_and_knows_what_follows(void **state)
{
    (void)state;
    const u128 one = (u128)1 << 53;
    assert_true(double_round(one + 1, false, 0) == 9007199254740992.0);
    assert_true(double_round(one + 3, false, 0) == 9007199254740996.0);
    assert_true(double_round((one + 1) << 10, true, -10) == 9007199254740994.0);
    assert_true(double_round((one + 1) << 10, false, -10) == 9007199254740992.0);
    assert_true(double_round(((u128)1 << 127) + 1, false, 0) == 0x1p127);
    assert_true(double_round(~(u128)0, false, 0) == 0x1p128);
    assert_true(double_round(0, false, 77) == 0.0);
    assert_true(isinf(double_round(1, false, 1024)));
    assert_true(double_round((one << 1) - 2, false, 970) == DBL_MAX);
    assert_true(isinf(double_round((one << 1) - 1, false, 970)));
    /* Subnormals: fewer bits are kept, and a half of the least is a tie. */
    assert_true(double_round(1, false, -1074) == 5e-324);
    assert_true(double_round(1, false, -1075) == 0.0);
    assert_true(double_round(3, false, -1075) == 1e-323);
    assert_true(double_round(((u128)1 << 60) + 1, false, -1135) == 5e-324);
    assert_true(double_round((u128)1 << 60, true, -1135) == 5e-324);
    assert_true(double_round((u128)1 << 60, false, -1135) == 0.0);
    assert_true(double_round((u128)1 << 127, false, -1202) == 0.0);
    assert_true(double_round(((u128)1 << 127) + 1, false, -1202) == 5e-324);
    assert_true(double_round(~(u128)0, false, -1203) == 0.0);
    assert_true(double_round(~(u128)0, false, -5000) == 0.0);
}

/*
 * The oracle of exact order: all digits of a number, 200 before the point and 1100
 * after it. Doubles are written out in full by the C library.
 */
#define PLACES 1100
#define WIDTH  1400

static void write_out(struct number number, char text[WIDTH])
{
    if (number.kind == NUMBER_REAL) {
        (void)snprintf(text, WIDTH, "%0*.*f", PLACES + 201, PLACES, fabs(number.real));
        return;
    }
    char plain[NUMBER_TEXT_BYTES];
    (void)number_format(number, plain);
    const char *digits = plain + (plain[0] == '-');
    const size_t whole_len = strcspn(digits, ".");
    memset(text, '0', WIDTH);
    memcpy(text + 200 - whole_len, digits, whole_len);
    text[200] = '.';
    if (digits[whole_len] == '.')
        memcpy(text + 201, digits + whole_len + 1, strlen(digits + whole_len + 1));
    text[201 + PLACES] = '\0';
}

static bool is_negative(struct number number)
{
    return number.kind == NUMBER_REAL ? number.real < 0.0 : number.mantissa < 0;
}

static int order_of(struct number a, struct number b)
{
    if (is_negative(a) != is_negative(b))
        return is_negative(a) ? -1 : 1;
    char left[WIDTH];
    char right[WIDTH];
    write_out(a, left);
    write_out(b, right);
    assert_int_equal(strlen(left), strlen(right));
    const int order = strcmp(left, right);
    const int sign = (order > 0) - (order < 0);
    return is_negative(a) ? -sign : sign;
}

/* Of up to 10^145, so that its digits fit the oracle. */
static struct number random_number(void)
{
    const uint64_t choice = random_next() >> 60;
    if (choice < 6) {
        const int64_t mantissa = (int64_t)(random_next() % (2 * (uint64_t)NUMBER_MANTISSA_MAX));
        return number_from_decimal((mantissa - NUMBER_MANTISSA_MAX) >> (random_next() % 58),
                                   (int)(random_next() % 237) - 128);
    }
    if (choice < 12) /* decimals and doubles that lie close together */
        return number_from_decimal((int64_t)(random_next() % 2001) - 1000,
                                   (int)(random_next() % 4) - 3);
    if (choice < 15)
        return number_from_real(((double)(random_next() % 2001) - 1000.0) / 1000.0);
    return number_from_real(
        ldexp((double)(int64_t)random_next(), (int)(random_next() % 500) - 300));
}

static void order_is_that_of_the_written_out_digits(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const struct number a = random_number();
        struct number b = random_number();
        if (i % 2 == 0) /* a neighbour, often the same double and not the same number */
            b = number_from_real(number_to_double(a));
        const int order = number_compare(a, b);
        const int expected = order_of(a, b);
        if ((order > 0) - (order < 0) != expected || number_compare(b, a) != -order)
            fail_msg("%d: %d, expected %d", i, order, expected);
    }
}

static void order_across_kinds_does_not_round(void **state)
{
    (void)state;
    const struct number tenth = number_from_decimal(1, -1);
    assert_true(number_compare(tenth, number_from_real(0.1)) < 0);
    assert_true(number_compare(number_from_real(0.1), tenth) > 0);
    assert_true(number_compare(number_from_decimal(5, -1), number_from_real(0.5)) == 0);
    assert_true(number_compare(number_from_decimal(INT64_C(9007199254740993), 0),
                               number_from_real(9007199254740992.0)) > 0);
    assert_true(number_compare(number_from_decimal(0, 0), number_from_real(0.0)) == 0);
    assert_true(number_compare(number_from_decimal(1, -128), number_from_real(5e-324)) > 0);
    assert_true(number_compare(number_from_decimal(1, 127), number_from_real(DBL_MAX)) < 0);
    assert_true(number_compare(number_from_decimal(1, 127), number_from_decimal(1, -128)) > 0);
    assert_true(number_compare(number_from_decimal(1, 1), number_from_decimal(-1, 2)) > 0);
    assert_true(number_compare(number_from_decimal(0, 0), number_from_decimal(1, -128)) < 0);
    assert_true(number_compare(number_from_decimal(-1, 127), number_from_decimal(0, 0)) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_written_plainly),
        cmocka_unit_test(integers_beyond_18_digits_become_doubles),
        cmocka_unit_test(minus_zero_is_zero),
        cmocka_unit_test(doubles_are_written_as_short_as_can_be),
        cmocka_unit_test(no_shorter_text_reads_back_equal),
        cmocka_unit_test(powers_of_two_read_back),
        cmocka_unit_test(a_split_double_is_its_parts),
        cmocka_unit_test(rounding_goes_to_even_and_knows_what_follows),
        cmocka_unit_test(order_is_that_of_the_written_out_digits),
        cmocka_unit_test(order_across_kinds_does_not_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
