/*
 * test_number_parse.c - JSON numbers become exact decimals or the nearest double.
 */
#include "engine/base/mem.h"
#include "engine/number/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct number parse(const char *text)
{
    struct number number = {0};
    if (!number_parse(slice_of_text(text), &number))
        fail_msg("no number: %s", text);
    return number;
}

static void assert_decimal(const char *text, int64_t mantissa, int exponent)
{
    const struct number number = parse(text);
    if (number.kind != NUMBER_DECIMAL || number.mantissa != mantissa || number.exponent != exponent)
        fail_msg("%s: kind %d, %lld e %d", text, number.kind, (long long)number.mantissa,
                 number.exponent);
}

static void assert_real(const char *text, double real)
{
    const struct number number = parse(text);
    if (number.kind != NUMBER_REAL || number.real != real || signbit(number.real) != signbit(real))
        fail_msg("%s: kind %d, %.17g", text, number.kind, number.real);
}

static void digits_are_kept_exactly(void **state)
{
    (void)state;
    assert_decimal("19.98", 1998, -2);
    assert_decimal("-23.51", -2351, -2);
    assert_decimal("14", 14, 0);
    assert_decimal("0.05", 5, -2);
    assert_decimal("1.5e3", 15, 2);
    assert_decimal("1.5E+3", 15, 2);
    assert_decimal("15e-4", 15, -4);
    assert_decimal("999999999999999999", NUMBER_MANTISSA_MAX, 0);
    assert_decimal("-0.999999999999999999", -NUMBER_MANTISSA_MAX, -18);
    assert_decimal("12345678.9012345678", INT64_C(123456789012345678), -10);
}

static void zeros_at_either_end_are_not_kept(void **state)
{
    (void)state;
    assert_decimal("19.80", 198, -1);
    assert_decimal("1200", 12, 2);
    assert_decimal("20.00", 2, 1);
    assert_decimal("0.000000000000000000000000000123", 123, -30);
    assert_decimal("1230000000000000000000000000000", 123, 28);
    assert_decimal("1000000000000000000.0000000000000000000", 1, 18);
    assert_decimal("0.100000000000000000000000000000000000000", 1, -1);
    assert_decimal("0.00000000000000000000000000000000000000001e41", 1, 0);
}

static void every_zero_is_the_decimal_0(void **state)
{
    (void)state;
    const char *const zeros[] = {"0",     "-0",     "0.0",       "-0.00",
                                 "0e999", "-0E-99", "0.000e+12", "0e99999999999999999999999999"};
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++)
        assert_decimal(zeros[i], 0, 0);
}

static void exactness_ends_at_18_digits_and_at_its_exponents(void **state)
{
    (void)state;
    assert_decimal("1e127", 1, 127);
    assert_decimal("1e-128", 1, -128);
    assert_decimal("999999999999999999e127", NUMBER_MANTISSA_MAX, 127);
    assert_decimal("10e126", 1, 127);
    assert_decimal("10e-129", 1, -128);
    assert_real("1e128", 1e128);
    assert_real("10e127", 1e128);
    assert_real("1e-129", 1e-129);
    assert_real("1234567890123456789", 1234567890123456789.0);
    assert_real("-0.1234567890123456789", -0.1234567890123456789);
    assert_real("9007199254740993.0000000000000000001", 9007199254740994.0);
}

static void what_is_no_json_number_is_refused(void **state)
{
    (void)state;
    const char *const texts[] = {
        "",     "-",    "+1",   "01",      "-01",    "00",  "1.",    ".5",   "-.5",
        "1.e3", "1e",   "1e+",  "1e-",     "NaN",    "nan", "1e5.0", "0x10", "Infinity",
        "1 ",   " 1",   "--1",  "1.5.2",   "1_0",    "1,0", "0e",    "1.0e", "-Infinity",
        "1\n",  "e1",   "1e1e", "1.5e+-3", "1.5ee3", "0.",  "-0.",   "1d",   "1-",
        "1+1",  "01.5", "1.2.", "1.5e3 ",  "\t1",    "1f",  "inf",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct number number = {.mantissa = 7, .kind = NUMBER_DECIMAL};
        if (number_parse(slice_of_text(texts[i]), &number))
            fail_msg("\"%s\"", texts[i]);
        assert_int_equal(number.mantissa, 7);
    }
    struct number number = {0};
    assert_false(number_parse(slice_of("1\0", 2), &number));
    assert_false(number_parse(slice_of(NULL, 0), &number));
}

static void beyond_the_range_of_doubles_is_no_number(void **state)
{
    (void)state;
    const char *const texts[] = {
        "1e999", "-1e999", "1e309", "1.8e308", "1e99999999999999999999", "1.7976931348623159e308"};
    struct number number = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(number_parse(slice_of_text(texts[i]), &number));
    assert_real("1.7976931348623157e308", 1.7976931348623157e308);
    assert_real("1.79769313486231580e308", 1.7976931348623157e308);
}

static void below_the_least_double_is_the_double_0(void **state)
{
    (void)state;
    assert_real("1e-400", 0.0);
    assert_real("-1e-400", 0.0);
    assert_real("1e-99999999999999999999999999", 0.0);
    assert_real("5e-324", 5e-324);
    assert_real("-2.4703282292062328e-324", -5e-324);
    assert_real("2.4703282292062327e-324", 0.0);
}

/* The scanner's view: a number ends where its grammar ends, the rest is not looked at. */
static void a_prefix_ends_after_the_number(void **state)
{
    (void)state;
    const struct {
        const char *text;
        size_t len; /* 0: no number starts here */
    } cases[] = {
        {"23.51,", 5},  {"23.51}", 5},  {"-7 ", 2},
        {"0,1", 1},     {"1e5]", 3},    {"12", 2},
        {"1.", 0},      {"1.,", 0},     {"01", 0},
        {"-", 0},       {"1e,", 0},     {"1e999,", 0},
        {"1.5e3x", 5},  {"1234567", 7}, {"1.25.3", 4},
        {"x", 0},       {"-x", 0},      {"12345678.5,", 10},
        {"1-2", 1},     {"0.5e", 0},    {"00.5", 0},
        {"0.0001]", 6}, {"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t *const text = (const uint8_t *)cases[i].text;
        struct number number = {0};
        const uint8_t *const after =
            number_parse_prefix(text, text + strlen(cases[i].text), &number);
        const uint8_t *const expected = cases[i].len > 0 ? text + cases[i].len : NULL;
        if (after != expected)
            fail_msg("\"%s\"", cases[i].text);
    }
}

/* Nothing beyond `end` counts, although digits stand there. */
static void a_prefix_ends_at_the_end_given(void **state)
{
    (void)state;
    const uint8_t text[] = "123456789.25e2";
    for (size_t len = 1; len < sizeof text; len++) {
        struct number number = {0};
        const uint8_t *const after = number_parse_prefix(text, text + len, &number);
        const bool breaks_off = text[len - 1] == '.' || text[len - 1] == 'e';
        assert_ptr_equal(after, breaks_off ? NULL : text + len);
    }
}

/* A megabyte of digits is read in linear time and rounded as exactly as a short text. */
static void long_texts_are_read_exactly(void **state)
{
    (void)state;
    const size_t len = 1u << 20;
    OWNED(mem_free_owned) char *text = mem_alloc(len + 32, 1);
    assert_non_null(text);
    memset(text, '0', len);
    memcpy(text, "1", 1);
    memcpy(text + len, "e-1048575", 10);
    assert_decimal(text, 1, 0);

    memcpy(text, "0.", 2);
    memcpy(text + len - 2, "25e1048570", 11);
    assert_decimal(text, 25, 1048570 - (1048576 - 2));

    /* Halfway between two doubles, and a 1 a million digits further. */
    memset(text, '0', len);
    memcpy(text, "9007199254740993.", 17);
    memcpy(text + len - 1, "1", 2);
    assert_real(text, 9007199254740994.0);
    memcpy(text, "9007199254740991.", 17);
    assert_real(text, 9007199254740991.0);
    memset(text + 17, '9', len - 17);
    assert_real(text, 9007199254740992.0);
}

/*
 * The longest digits that matter: halfway between the least doubles, written out with all
 * its 752 digits, with one more digit that is above or below.
 */
static void seven_hundred_digits_are_looked_at(void **state)
{
    (void)state;
    char text[1200];
    const int len = snprintf(text, sizeof text, "%.1074f", 5e-324);
    assert_int_equal(len, 1076);
    assert_real(text, 5e-324);

    /* 2^-1074 / 2 ends in one digit more, a 5: take twice the digits times ten, times 5. */
    char half[1200] = "0.";
    int carry = 0;
    for (int i = 1075; i >= 2; i--) {
        const int digit = (text[i] - '0') * 5 + carry;
        half[i + 1] = (char)('0' + digit % 10);
        carry = digit / 10;
    }
    half[2] = (char)('0' + carry);
    half[1077] = '\0';
    assert_real(half, 0.0); /* a tie goes to the even one */
    memcpy(half + 1077, "0000001", 8);
    assert_real(half, 5e-324);
    half[1076]--;
    assert_real(half, 0.0);
}

static uint64_t random_state = UINT64_C(0x853c49e6748fea9b);

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % limit;
}

/* A number of 1 ... 40 digits, mostly with a dot, sometimes with an exponent. */
static void random_text(char *text, size_t room)
{
    const uint64_t digit_count = 1 + random_below(random_below(4) == 0 ? 40 : 18);
    const uint64_t whole_len = random_below(digit_count + 1);
    size_t len = 0;
    if (random_below(2) == 0)
        text[len++] = '-';
    if (whole_len == 0)
        text[len++] = '0';
    for (uint64_t i = 0; i < digit_count; i++) {
        if (i == whole_len)
            text[len++] = '.';
        const uint64_t least = i == 0 && whole_len > 1 ? 1 : 0;
        text[len++] = (char)('0' + least + random_below(10 - least));
    }
    text[len] = '\0';
    if (random_below(3) == 0)
        (void)snprintf(text + len, room - len, "e%d", (int)random_below(300) - 150);
}

/* Whatever a text becomes, its double is what the C library makes of the same text. */
static void the_nearest_double_is_that_of_the_text(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        char text[80];
        random_text(text, sizeof text);
        const struct number number = parse(text);
        const double expected = strtod(text, NULL);
        if (number_to_double(number) != expected)
            fail_msg("%s: %.17g, expected %.17g", text, number_to_double(number), expected);
    }
}

static void a_decimal_comes_back_from_its_own_text(void **state)
{
    (void)state;
    for (int i = 0; i < 50000; i++) {
        char text[80];
        char formatted[NUMBER_TEXT_BYTES];
        random_text(text, sizeof text);
        const struct number number = parse(text);
        (void)number_format(number, formatted);
        const struct number again = parse(formatted);
        if (number.kind == NUMBER_DECIMAL &&
            (again.kind != NUMBER_DECIMAL || again.mantissa != number.mantissa ||
             again.exponent != number.exponent))
            fail_msg("%s -> %s", text, formatted);
        assert_true(number_to_double(again) == number_to_double(number));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_kept_exactly),
        cmocka_unit_test(zeros_at_either_end_are_not_kept),
        cmocka_unit_test(every_zero_is_the_decimal_0),
        cmocka_unit_test(exactness_ends_at_18_digits_and_at_its_exponents),
        cmocka_unit_test(what_is_no_json_number_is_refused),
        cmocka_unit_test(beyond_the_range_of_doubles_is_no_number),
        cmocka_unit_test(below_the_least_double_is_the_double_0),
        cmocka_unit_test(a_prefix_ends_after_the_number),
        cmocka_unit_test(a_prefix_ends_at_the_end_given),
        cmocka_unit_test(long_texts_are_read_exactly),
        cmocka_unit_test(seven_hundred_digits_are_looked_at),
        cmocka_unit_test(the_nearest_double_is_that_of_the_text),
        cmocka_unit_test(a_decimal_comes_back_from_its_own_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
