/*
 * test_exact_aggregate.c - totals, means, standard deviations and ratios, rounded once.
 *
 * The tables were computed with rational numbers of unlimited length. The two properties
 * check the definition of correct rounding itself: the exact result lies no further from the
 * double than half the way to its neighbours.
 */
#include "engine/base/mem.h"
#include "query/exact/exact.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_value(const char *what, struct exact_value value, const char *expected)
{
    char text[EXACT_TEXT_BYTES];
    const size_t len = exact_format(value, text);
    assert_int_equal(len, strlen(text));
    if (strcmp(text, expected) != 0)
        fail_msg("%s: %s, expected %s", what, text, expected);
}

struct sums {
    struct exact_sum sum;
    struct exact_sum squares;
    uint64_t count;
};

static void sums_add(struct sums *sums, struct number number)
{
    assert_int_equal(exact_sum_add(&sums->sum, number), STATUS_OK);
    assert_int_equal(exact_sum_add_square(&sums->squares, number), STATUS_OK);
    sums->count++;
}

static void sums_release(struct sums *sums)
{
    exact_sum_release(&sums->sum);
    exact_sum_release(&sums->squares);
    *sums = (struct sums){0};
}

/* Adds the numbers of a text, one blank between them. */
static void sums_add_texts(struct sums *sums, const char *texts)
{
    while (*texts != '\0') {
        const size_t len = strcspn(texts, " ");
        struct number number = {0};
        assert_true(number_parse(slice_of(texts, len), &number));
        sums_add(sums, number);
        texts += len + (texts[len] == ' ');
    }
}

/* Numbers, and what they come to. */
static const struct {
    const char *numbers;
    const char *sum;
    const char *mean;
    const char *stddev;
} aggregates[] = {
    {"14", "14", "14", "null"},
    {"19.8", "19.8", "19.8", "null"},
    {"19.98 0.02", "20", "10", "14.113851352483488"},
    {"0.1 0.2", "0.3", "0.15", "0.07071067811865475"},
    {"0.1 0.2 0.3", "0.6", "0.2", "0.1"},
    {"20.5 20.5 20.5 20.5", "82", "20.5", "0"},
    {"-0 0 0.00", "0", "0", "0"},
    {"1 2", "3", "1.5", "0.7071067811865476"},
    {"1 2 3 4", "10", "2.5", "1.2909944487358056"},
    {"-1 1", "0", "0", "1.4142135623730951"},
    {"1e127 1e-128",
     "100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000000."
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000001",
     "5e+126", "7.071067811865476e+126"},
    {"1e127 -1e127 1e-128",
     "0."
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000001",
     "3.3333333333333335e-129", "1e+127"},
    {"999999999999999999 999999999999999999 999999999999999999", "2999999999999999997", "1e+18",
     "0"},
    {"999999999999999999e109 999999999999999999e-128",
     "999999999999999999000000000000000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000."
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000999999999999999999",
     "5e+126", "7.071067811865476e+126"},
    {"-999999999999999999e109 -1e-128",
     "-99999999999999999900000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000000."
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000001",
     "-5e+126", "7.071067811865476e+126"},
    {"9007199254740992 1", "9007199254740993", "4503599627370496", "6369051672525772"},
    {"9007199254740993 0", "9007199254740993", "4503599627370496", "6369051672525773"},
    {"9007199254740993 9007199254740993", "18014398509481986", "9007199254740992", "0"},
    {"4503599627370496.5 4503599627370496.5", "9007199254740993", "4503599627370496", "0"},
    {"0.5 4503599627370496", "4503599627370496.5", "2251799813685248", "3184525836262886"},
    {"1.00000000000000011102 1", "2", "1", "0"},
    {"1.0000000000000002220446049250313 1", "2", "1", "1.5700924586837752e-16"},
    {"5e-324 5e-324", "1e-323", "5e-324", "0"},
    {"5e-324 0", "5e-324", "0", "5e-324"},
    {"5e-324 1e-400", "5e-324", "0", "5e-324"},
    {"5e-324 5e-324 5e-324 0", "1.5e-323", "5e-324", "0"},
    {"2.2250738585072014e-308 -5e-324", "2.225073858507201e-308", "1.1125369292536007e-308",
     "1.573364813991359e-308"},
    {"1.7976931348623157e308 1.7976931348623157e308", "null", "1.7976931348623157e+308", "0"},
    {"1.7976931348623157e308 -1.7976931348623157e308", "0", "0", "null"},
    {"1.7976931348623157e308 1e291", "1.7976931348623157e+308", "8.988465674311579e+307",
     "1.2711610061536462e+308"},
    {"1.7976931348623157e308 1e292", "null", "8.98846567431158e+307", "1.2711610061536462e+308"},
    {"1e200 1e-200 1", "1e+200", "3.3333333333333334e+199", "5.773502691896257e+199"},
    {"1e200 -1e200 0.1", "0.1", "0.03333333333333333", "1e+200"},
    {"1e200 -1e200 1e-200 0.1", "0.1", "0.025", "8.16496580927726e+199"},
    {"1e-400 1", "1", "0.5", "0.7071067811865476"},
    {"1e-400", "0", "0", "null"},
    {"1e-400 1e-400", "0", "0", "0"},
    {"12345678901234567890 -12345678901234567890", "0", "0", "1.7459426538829296e+19"},
    {"0.30000000000000004441 0.3", "0.6000000000000001", "0.30000000000000004",
     "3.14018491736755e-17"},
    {"100000000.01 100000000.02 100000000.03", "300000000.06", "100000000.02", "0.01"},
    {"1000000000000000.1 1000000000000000.2 1000000000000000.3", "3000000000000000.6",
     "1000000000000000.2", "0.1"},
    {"123456789012345678 123456789012345677", "246913578024691355", "1.2345678901234568e+17",
     "0.7071067811865476"},
    {"1e17 1.1e17 1e-3", "210000000000000000.001", "7e+16", "6.08276253029822e+16"},
    {"1e100 1e100 1.1e100",
     "310000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000",
     "1.0333333333333334e+100", "5.773502691896257e+98"},
    {"3e-120 7e-120",
     "0."
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000001",
     "5e-120", "2.8284271247461902e-120"},
    {"1e-128 2e-128 4e-128",
     "0."
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000007",
     "2.3333333333333333e-128", "1.5275252316519467e-128"},
    {"-40.5 -40.25 85", "4.25", "1.4166666666666667", "72.38539792895618"},
    {"0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1", "1", "0.1", "0"},
    {"6.07 -4.55", "1.52", "0.76", "7.509474016201135"},
    {"3.39 -8.36 48.09", "43.12", "14.373333333333333", "29.78465768366884"},
    {"46.83 -6.19 20.59 -5.37 -10.62 22.72 -1.95", "66.01", "9.43", "21.191433017456212"},
    {"691 408.5219", "1099.5219", "549.76095", "199.7421800466917"},
    {"679 -342.24770 154", "490.7523", "163.5841", "510.69130344899156"},
    {"568.374806 -110.48 873.71 686.211195 165.033891 145.3 -723.31415", "1604.835742",
     "229.26224885714285", "543.6166085043218"},
    {"6e-2 -36030987012891e1", "-360309870128909.94", "-180154935064454.97", "254777552496596.56"},
    {"1714820043671644e-91 7e106 -0e75",
     "700000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000."
     "0000000000000000000000000000000000000000000000000000000000000000000000000001714820043671644",
     "2.3333333333333332e+106", "4.041451884327381e+106"},
    {"-1.237702436997823e+153 -1.9879240898076152e-195", "-1.237702436997823e+153",
     "-6.188512184989115e+152", "8.751877862922762e+152"},
    {"1.0218249547551094e-264 2.0624212763677724e-134 -4.620871077148207e-113",
     "-4.620871077148207e-113", "-1.5402903590494023e-113", "2.667861160282073e-113"},
    {"4.33418552981089e-57 2.0334393756551988e+216 -3.832693844449159e+248 3.6385217959804806e+259 "
     "-6.826268282489796e-68 -1.86213265976524e+157 39.619502119292974",
     "3.6385217959421534e+259", "5.197888279917363e+258", "1.3752319731527637e+259"},
    {"12.1434213964416871 -6.1662311569157951", "5.977190239525892", "2.988595119762946",
     "12.94687948164866"},
    {"15.6720209539353829999 16.167390532603879999 0.14415620130478382123", "31.983567687844047",
     "10.661189229281348", "9.111384940750225"},
    {"-4.0489867403032619999 14.16338510287047123 -11.832107072679868123 -9.596166036768859999 "
     "0.92363233916817469999 4.6486260224869871 9.8114448688792129999",
     "4.069828483652856", "0.5814040690932651", "9.707745942879937"},
};

static void sums_means_and_deviations_are_exact_or_nearest(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof aggregates / sizeof aggregates[0]; i++) {
        const char *const numbers = aggregates[i].numbers;
        struct sums sums = {0};
        sums_add_texts(&sums, numbers);
        struct exact_value total = exact_null();
        assert_int_equal(exact_of_sum(&sums.sum, &arena, &total), STATUS_OK);
        assert_value(numbers, total, aggregates[i].sum);
        assert_value(numbers, exact_mean(&sums.sum, sums.count), aggregates[i].mean);
        assert_value(numbers, exact_stddev(&sums.sum, &sums.squares, sums.count),
                     aggregates[i].stddev);
        sums_release(&sums);
    }
    arena_release(&arena);
    assert_int_equal(mem_live_blocks(), 0);
}

static const struct {
    const char *numerator;
    const char *denominator;
    const char *ratio;
} ratios[] = {
    {"1", "3", "0.3333333333333333"},
    {"2", "3", "0.6666666666666666"},
    {"1", "10", "0.1"},
    {"29144", "29144", "1"},
    {"19954", "29144", "0.6846692286576997"},
    {"9007199254740993", "1", "9007199254740992"},
    {"9007199254740995", "1", "9007199254740996"},
    {"9007199254740993", "2", "4503599627370496"},
    {"18014398509481986", "1", "1.8014398509481984e+16"},
    {"18014398509481990", "1", "1.801439850948199e+16"},
    {"18446744073709553664", "1", "1.8446744073709552e+19"},
    {"18446744073709553665", "1", "1.8446744073709556e+19"},
    {"170141183460469231731687303715884105727", "3", "5.671372782015641e+37"},
    {"170141183460469231731687303715884105727", "170141183460469231731687303715884105726", "1"},
    {"1", "170141183460469231731687303715884105727", "5.877471754111438e-39"},
    {"85070591730234615865843651857942052864", "85070591730234625310576617597232480256",
     "0.9999999999999999"},
    {"100000000000000000000000000000000000000", "7", "1.4285714285714286e+37"},
    {"0", "5", "0"},
    {"5", "0", "null"},
    {"123456789012345678901234567890", "987654321098765432109876543", "124.9999988609375"},
};

static u128 integer_of(const char *digits)
{
    u128 value = 0;
    for (; *digits != '\0'; digits++)
        value = value * 10 + (unsigned char)(*digits - '0');
    return value;
}

static void ratios_are_the_nearest_double(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++) {
        const u128 numerator = integer_of(ratios[i].numerator);
        const u128 denominator = integer_of(ratios[i].denominator);
        assert_value(ratios[i].numerator, exact_ratio(numerator, denominator), ratios[i].ratio);
    }
}

static void nothing_comes_of_too_few_values(void **state)
{
    (void)state;
    struct sums sums = {0};
    assert_true(exact_is_null(exact_mean(&sums.sum, 0)));
    assert_true(exact_is_null(exact_stddev(&sums.sum, &sums.squares, 0)));
    sums_add_texts(&sums, "19.8");
    assert_true(exact_is_null(exact_mean(&sums.sum, 0)));
    assert_true(exact_is_null(exact_stddev(&sums.sum, &sums.squares, 1)));
    assert_value("twice", exact_mean(&sums.sum, 2), "9.9");
    sums_release(&sums);
}

/* Sums that do not belong together have a variance below zero. */
static void a_negative_variance_is_null(void **state)
{
    (void)state;
    struct sums sums = {0};
    sums_add_texts(&sums, "1 2 3");
    assert_true(exact_is_null(exact_stddev(&sums.sum, &sums.squares, 2)));
    sums_release(&sums);
}

static void a_borrowed_term_is_a_sum(void **state)
{
    (void)state;
    struct sum_term term = {.total = wide_of(-3961), .exponent = -2};
    const struct exact_sum sum = {.decimals = &term, .decimal_count = 1};
    struct exact_value total = exact_null();
    assert_int_equal(exact_of_sum(&sum, NULL, &total), STATUS_OK);
    assert_value("borrowed", total, "-39.61");
    assert_value("borrowed", exact_mean(&sum, 4), "-9.9025");
    const u128 long_time = (u128)1 << 100;
    assert_value("borrowed", exact_mean(&sum, long_time), "-3.1246780455804277e-29");
}

/* A total of more than 128 bits at one exponent. */
static void a_total_beyond_128_bits_is_exact(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct sum_term term = {.total = {.low = 5, .high = -3}, .exponent = -1};
    const struct exact_sum sum = {.decimals = &term, .decimal_count = 1};
    struct exact_value total = exact_null();
    assert_int_equal(exact_of_sum(&sum, &arena, &total), STATUS_OK);
    assert_int_equal(total.kind, EXACT_LONG);
    assert_value("long", total, "-102084710076281539039012382229530463436.3");
    assert_value("long", exact_mean(&sum, 1), "-1.0208471007628154e+38");
    arena_release(&arena);
}

static uint64_t random_state = UINT64_C(0x2b992ddfa23249d6);

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % limit;
}

static u128 magnitude_of(i128 value)
{
    return value < 0 ? -(u128)value : (u128)value;
}

/*
 * mean = m * 2^e is nearest to total / divisor if
 * |2 * total * 2^-e - 2 * m * divisor| <= divisor, all of them integers for e <= 0.
 */
static void means_are_no_further_than_half_a_step(void **state)
{
    (void)state;
    for (int i = 0; i < 50000; i++) {
        const uint64_t count = 1 + random_below(1000);
        const i128 total = (i128)random_below(UINT64_C(1) << 40) - (INT64_C(1) << 39);
        struct sum_term term = {.total = wide_of(total), .exponent = -3};
        const struct exact_sum sum = {.decimals = &term, .decimal_count = total != 0};
        const struct exact_value mean = exact_mean(&sum, count);
        assert_int_equal(mean.kind, EXACT_REAL);
        int64_t m = 0;
        int e = 0;
        double_split(mean.real, &m, &e);
        if (e < -80) /* next to zero: the integers would not fit */
            continue;
        assert_in_range(-e, 0, 80);
        const i128 divisor = (i128)count * 1000;
        const i128 error = 2 * total * ((i128)1 << -e) - 2 * (i128)m * divisor;
        if (magnitude_of(error) > (u128)divisor)
            fail_msg("mean %.17g of %lld / 1000 / %llu", mean.real, (long long)total,
                     (unsigned long long)count);
    }
}

/*
 * stddev = m * 2^e is nearest to the root of n / d if (2m - 1)^2 * d <= n * 2^(2 - 2e) <=
 * (2m + 1)^2 * d.
 */
static void deviations_are_no_further_than_half_a_step(void **state)
{
    (void)state;
    for (int i = 0; i < 50000; i++) {
        const uint64_t count = 2 + random_below(3);
        struct sums sums = {0};
        i128 total = 0;
        i128 squares = 0;
        for (uint64_t k = 0; k < count; k++) {
            const int64_t value = (int64_t)random_below(512);
            total += value;
            squares += (i128)value * value;
            sums_add(&sums, number_from_integer(value));
        }
        const struct exact_value stddev = exact_stddev(&sums.sum, &sums.squares, count);
        sums_release(&sums);
        const u128 n = (u128)((i128)count * squares - total * total);
        const u128 d = (u128)count * (count - 1);
        assert_int_equal(stddev.kind, EXACT_REAL);
        if (n == 0) {
            assert_true(stddev.real == 0.0);
            continue;
        }
        int64_t m = 0;
        int e = 0;
        double_split(stddev.real, &m, &e);
        assert_in_range(-e, 30, 54);
        const u128 scaled = n << (2 - 2 * e);
        assert_true(scaled >> (2 - 2 * e) == n);
        const u128 below = (u128)(2 * m - 1) * (u128)(2 * m - 1) * d;
        const u128 above = (u128)(2 * m + 1) * (u128)(2 * m + 1) * d;
        if (scaled < below || scaled > above)
            fail_msg("stddev %.17g", stddev.real);
    }
}

static void no_memory_for_a_long_sum_is_said(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct sums sums = {0};
    sums_add_texts(&sums, "1e127 1e-128");
    struct exact_value total = exact_null();
    mem_fail_at(0);
    assert_int_equal(exact_of_sum(&sums.sum, &arena, &total), STATUS_NOMEM);
    mem_fail_at(-1);
    assert_true(exact_is_null(total));
    sums_release(&sums);
    arena_release(&arena);
    assert_int_equal(mem_live_blocks(), 0);
}

/* Totals on either side of where one division of doubles is exact. */
static void a_mean_of_a_total_is_that_of_its_sum(void **state)
{
    (void)state;
    static const int64_t totals[] = {0,
                                     1,
                                     -1,
                                     7,
                                     -22321,
                                     (INT64_C(1) << 53) - 1,
                                     INT64_C(1) << 53,
                                     (INT64_C(1) << 53) + 1,
                                     INT64_MIN,
                                     INT64_MAX};
    static const int16_t exponents[] = {3, 0, -2, -15, -16, -128};
    static const uint64_t divisors[] = {0, 1, 3, 9804708, UINT64_C(1) << 53, UINT64_MAX};
    for (size_t t = 0; t < sizeof totals / sizeof totals[0]; t++) {
        for (size_t e = 0; e < sizeof exponents / sizeof exponents[0]; e++) {
            struct sum_term term = {.total = wide_of(totals[t]), .exponent = exponents[e]};
            const struct exact_sum sum = {.decimals = &term, .decimal_count = 1};
            for (size_t d = 0; d < sizeof divisors / sizeof divisors[0]; d++) {
                char expected[EXACT_TEXT_BYTES];
                (void)exact_format(exact_mean(&sum, divisors[d]), expected);
                assert_value("mean", exact_mean_of_total(totals[t], exponents[e], divisors[d]),
                             expected);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_means_and_deviations_are_exact_or_nearest),
        cmocka_unit_test(ratios_are_the_nearest_double),
        cmocka_unit_test(nothing_comes_of_too_few_values),
        cmocka_unit_test(a_negative_variance_is_null),
        cmocka_unit_test(a_borrowed_term_is_a_sum),
        cmocka_unit_test(a_total_beyond_128_bits_is_exact),
        cmocka_unit_test(a_mean_of_a_total_is_that_of_its_sum),
        cmocka_unit_test(means_are_no_further_than_half_a_step),
        cmocka_unit_test(deviations_are_no_further_than_half_a_step),
        cmocka_unit_test(no_memory_for_a_long_sum_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
