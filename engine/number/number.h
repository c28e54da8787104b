/*
 * number.h - readings: exact decimals, and the doubles that fit no decimal.
 *
 * A decimal is mantissa * 10^exponent. Exact is every number with at most 18
 * significant digits (zeros at either end not counted) whose last significant
 * digit has an exponent of -128 ... 127; every other number becomes the nearest
 * double. Decimals are normal: the mantissa is no multiple of ten, and zero is 0 * 10^0.
 *
 * Sums are exact: one 192-bit integer per power of ten (of two, for doubles), combined
 * by the reader.
 *
 * Threads: plain values.
 */
#ifndef MNSDB_ENGINE_NUMBER_NUMBER_H
#define MNSDB_ENGINE_NUMBER_NUMBER_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define NUMBER_DIGITS_MAX   18
#define NUMBER_MANTISSA_MAX INT64_C(999999999999999999) /* 18 digits */
#define NUMBER_EXPONENT_MIN (-128)
#define NUMBER_EXPONENT_MAX 127
#define NUMBER_TEXT_BYTES   400u /* the longest text of number_format, with its NUL */

enum number_kind {
    NUMBER_NULL = 0,
    NUMBER_DECIMAL = 1,
    NUMBER_REAL = 2,
};

struct number {
    union {
        int64_t mantissa; /* NUMBER_DECIMAL; |mantissa| <= NUMBER_MANTISSA_MAX */
        double real;      /* NUMBER_REAL; finite, never -0.0 */
    };
    int8_t exponent; /* NUMBER_DECIMAL */
    uint8_t kind;    /* enum number_kind */
};

/* mantissa * 10^exponent with trailing zeros moved into the exponent; the result must be in range
 * (asserted). */
struct number number_from_decimal(int64_t mantissa, int exponent);
/*
 * The same of what a block holds. A damaged one, whose checksum is right nevertheless, may hold any
 * mantissa: one that is no decimal is the real number next to the mantissa.
 */
struct number number_from_sealed(int64_t mantissa, int exponent);
struct number number_from_integer(
    int64_t integer);                        /* any int64; beyond 18 digits: the nearest double */
struct number number_from_real(double real); /* finite (asserted); -0.0 becomes 0.0 */

/*
 * Reads a whole JSON number (RFC 8259 grammar, nothing around it). False if the
 * text is no JSON number or lies beyond the range of doubles ("1e999").
 * Correctly rounded where it becomes a double; "-0" is the decimal 0.
 */
bool number_parse(struct slice text, struct number *number);

/*
 * The same for scanners: reads the number that starts at `text` and returns the
 * byte after it, or NULL if none starts there, if it breaks off ("1.", "1e+",
 * "-", "012") or if it is beyond the range of doubles. What follows the number is the
 * caller's to judge. A few ns for plain numbers such as 23.51.
 */
const uint8_t *number_parse_prefix(const uint8_t *text, const uint8_t *end, struct number *number);

/* The nearest double of either kind: for a decimal what strtod makes of its text. */
double number_to_double(struct number number);

/* Exact order across both kinds: < 0, 0, > 0. Neither is NULL. */
int number_compare(struct number a, struct number b);

/*
 * A decimal in plain notation without trailing zeros ("19.8", "-0.05", "1200"),
 * a real as double_format writes it. Returns the length; NUL-terminated.
 */
size_t number_format(struct number number, char text[NUMBER_TEXT_BYTES]);

/*
 * Shortest text of a finite double that reads back equal (17 digits at most), valid
 * JSON in every locale: plain from 0.0001 up to below 1e16 ("0.1", "14"), else "1e+16", "1.5e-07".
 */
size_t double_format(double real, char text[NUMBER_TEXT_BYTES]);

/*
 * Plain notation of digits * 10^exponent, the digits being `digits_len` characters
 * '0'...'9', the first and last of them not '0' (or just "0" with exponent 0).
 * Writes no NUL; returns the length: at most digits_len + |exponent| + 3.
 */
size_t digits_format(bool negative, const char *digits, size_t digits_len, int exponent,
                     char *text);

/* 10^exponent for 0 <= exponent <= 18. */
int64_t power_of_ten(int exponent);

/* A signed integer of 192 bits, two's complement: high:low. */
struct wide {
    u128 low;
    int64_t high;
};

static inline struct wide wide_of(i128 value)
{
    return (struct wide){.low = (u128)value, .high = value < 0 ? -1 : 0};
}

static inline struct wide wide_add(struct wide a, struct wide b)
{
    struct wide sum = {.low = a.low + b.low};
    sum.high = (int64_t)((uint64_t)a.high + (uint64_t)b.high + (sum.low < a.low ? 1u : 0u));
    return sum;
}

struct wide wide_negate(struct wide a);

/* Exponents of terms: from those of one reading to those of its square. */
#define SUM_DECIMAL_EXPONENT_MIN (-256)
#define SUM_DECIMAL_EXPONENT_MAX 254
#define SUM_BINARY_EXPONENT_MIN  (-2176)
#define SUM_BINARY_EXPONENT_MAX  1984

/* One power of a base and what was added up under it. */
struct sum_term {
    struct wide total;
    int16_t exponent;
};

/*
 * An exact sum of decimals and reals: sum over terms of total * 10^exponent,
 * plus total * 2^exponent for the reals. Terms are sorted by exponent and stay
 * few: one for a well-behaved column. Zero-initialise, release.
 *
 * `real_count` is 0 if and only if no real was added, be it 0.0. Totals hold 2^54
 * squares, and far more values, before they could overflow.
 *
 * Every function that adds leaves the sum unchanged on STATUS_NOMEM, but for
 * exact_sum_merge, which may have added a part.
 */
struct exact_sum {
    struct sum_term *decimals; /* owned */
    struct sum_term *reals;    /* owned */
    uint16_t decimal_count, decimal_capacity;
    uint16_t real_count, real_capacity;
};

/* Adds total * 10^exponent; the exponent is in SUM_DECIMAL_EXPONENT_MIN ... MAX (asserted). */
MUST_CHECK enum status exact_sum_add_scaled(struct exact_sum *sum, struct wide total, int exponent);
/* Adds total * 2^exponent: what a real is made of. The exponent is in range (asserted). */
MUST_CHECK enum status exact_sum_add_binary(struct exact_sum *sum, struct wide total, int exponent);
/* Adds a number, its square, a multiple of it. It is not NULL (asserted). */
MUST_CHECK enum status exact_sum_add(struct exact_sum *sum, struct number number);
MUST_CHECK enum status exact_sum_add_square(struct exact_sum *sum, struct number number);
MUST_CHECK enum status exact_sum_add_multiple(struct exact_sum *sum, struct number number,
                                              int64_t factor);
MUST_CHECK enum status exact_sum_merge(struct exact_sum *into, const struct exact_sum *from);
void exact_sum_clear(struct exact_sum *sum); /* keeps its memory */
void exact_sum_release(struct exact_sum *sum);

/* Splits a finite double: real == *mantissa * 2^*exponent, |mantissa| < 2^53. */
void double_split(double real, int64_t *mantissa, int *exponent);

/*
 * The double nearest to magnitude * 2^exponent, ties to even, subnormals
 * included; +infinity beyond the range. `inexact` says that the true value lies a little
 * above, by less than one unit of `magnitude`, which then has 55 bits at least (asserted).
 */
double double_round(u128 magnitude, bool inexact, int exponent);

#endif
