/*
 * number_parse.c - JSON numbers, digits straight to (mantissa, exponent).
 *
 * Two paths that agree. Numbers without an exponent part and with at most 18 digits in
 * all, which is what devices send, take one loop. The general path marks out the parts of
 * the text first:
 *
 *      -  12 . 3400 e -5
 *         ^^   ^^^^   ^^
 *       whole  fraction, exponent
 *
 * then walks over whole and fraction as one string of digits, cut at both ends to the
 * significant ones. A text may be a megabyte: every step is linear in it.
 *
 * Eight bytes at once, without a branch per digit, were weighed and lost: readings of one
 * metric have the same length most of the time, so the loop's branches are guessed right.
 */
#include "engine/number/number.h"

#include "engine/number/number_internal.h"

#include <assert.h>
#include <math.h>

/* No exponent beyond this makes a difference, whatever the number of digits in a text. */
#define EXPONENT_LIMIT (INT64_C(1) << 60)

struct number_text {
    struct slice whole;
    struct slice fraction;
    int64_t exponent;
    bool negative;
};

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static const uint8_t *skip_digits(const uint8_t *next, const uint8_t *end)
{
    while (next < end && is_digit(*next))
        next++;
    return next;
}

/* Digits after "e", with their sign; NULL without any. */
static const uint8_t *scan_exponent(const uint8_t *next, const uint8_t *end, int64_t *exponent)
{
    const bool negative = next < end && *next == '-';
    if (next < end && (*next == '-' || *next == '+'))
        next++;
    if (next == end || !is_digit(*next))
        return NULL;
    int64_t value = 0;
    for (; next < end && is_digit(*next); next++) {
        if (value < EXPONENT_LIMIT / 10)
            value = value * 10 + (*next - '0');
    }
    *exponent = negative ? -value : value;
    return next;
}

/* The grammar of RFC 8259; returns the end of the number, NULL if it is none. */
static const uint8_t *scan_number(const uint8_t *next, const uint8_t *end,
                                  struct number_text *parts)
{
    *parts = (struct number_text){0};
    if (next < end && *next == '-') {
        parts->negative = true;
        next++;
    }
    const uint8_t *start = next;
    next = skip_digits(next, end);
    parts->whole = slice_of(start, (size_t)(next - start));
    parts->fraction = slice_of(next, 0);
    if (parts->whole.len == 0 || (*start == '0' && parts->whole.len > 1))
        return NULL;
    if (next < end && *next == '.') {
        start = next + 1;
        next = skip_digits(start, end);
        parts->fraction = slice_of(start, (size_t)(next - start));
        if (parts->fraction.len == 0)
            return NULL;
    }
    if (next < end && (*next == 'e' || *next == 'E'))
        next = scan_exponent(next + 1, end, &parts->exponent);
    return next;
}

/* The digit at `index` of whole and fraction read as one. */
static uint8_t digit_at(const struct number_text *parts, size_t index)
{
    return index < parts->whole.len ? parts->whole.data[index]
                                    : parts->fraction.data[index - parts->whole.len];
}

/* The significant digits from `first` until `until`; a unit of the last one is 10^exponent. */
static bool convert_real(const struct number_text *parts, size_t first, size_t until,
                         int64_t exponent, struct number *number)
{
    struct long_digits digits;
    digits.len = until - first < LONG_DIGITS_MAX ? until - first : LONG_DIGITS_MAX;
    for (size_t i = 0; i < digits.len; i++)
        digits.text[i] = (char)digit_at(parts, first + i);

    const size_t rest = until - first - digits.len;
    if (rest > 0) { /* the last digit is not 0: the value lies above the digits taken */
        digits.text[digits.len++] = '1';
        exponent += (int64_t)rest - 1;
    }
    const double real = long_digits_to_double(&digits, exponent);
    if (isinf(real))
        return false;
    *number = number_from_real(parts->negative ? -real : real);
    return true;
}

static bool convert(const struct number_text *parts, struct number *number)
{
    size_t first = 0;
    size_t until = parts->whole.len + parts->fraction.len;
    int64_t exponent = parts->exponent - (int64_t)parts->fraction.len;
    while (first < until && digit_at(parts, first) == '0')
        first++;
    if (first == until) {
        *number = number_from_decimal(0, 0);
        return true;
    }
    for (; digit_at(parts, until - 1) == '0'; until--)
        exponent++;

    if (until - first > NUMBER_DIGITS_MAX || exponent < NUMBER_EXPONENT_MIN ||
        exponent > NUMBER_EXPONENT_MAX)
        return convert_real(parts, first, until, exponent, number);
    int64_t mantissa = 0;
    for (size_t i = first; i < until; i++)
        mantissa = mantissa * 10 + (digit_at(parts, i) - '0');
    *number = number_from_decimal(parts->negative ? -mantissa : mantissa, (int)exponent);
    return true;
}

static const uint8_t *parse_general(const uint8_t *text, const uint8_t *end, struct number *number)
{
    struct number_text parts;
    const uint8_t *after = scan_number(text, end, &parts);
    return after && convert(&parts, number) ? after : NULL;
}

const uint8_t *number_parse_prefix(const uint8_t *text, const uint8_t *end, struct number *number)
{
    assert(text <= end);
    const uint8_t *next = text;
    const bool negative = next < end && *next == '-';
    next += negative;
    const uint8_t *const start = next;

    /* More than 18 digits wrap here, and the count of bytes sends them to the general path. */
    uint64_t mantissa = 0;
    for (; next < end && is_digit(*next); next++)
        mantissa = mantissa * 10 + (uint64_t)(*next - '0');
    const ptrdiff_t whole_len = next - start;
    ptrdiff_t digits_len = whole_len;
    ptrdiff_t fraction_len = 0;
    if (next < end && *next == '.') {
        const uint8_t *const fraction = ++next;
        for (; next < end && is_digit(*next); next++)
            mantissa = mantissa * 10 + (uint64_t)(*next - '0');
        fraction_len = next - fraction;
        digits_len += fraction_len;
        if (fraction_len == 0)
            return NULL;
    }
    if (whole_len == 0 || (whole_len > 1 && *start == '0'))
        return NULL;
    if (digits_len > NUMBER_DIGITS_MAX || (next < end && (*next == 'e' || *next == 'E')))
        return parse_general(text, end, number);
    const int64_t value = negative ? -(int64_t)mantissa : (int64_t)mantissa;
    if (next[-1] == '0')
        *number = number_from_decimal(value, -(int)fraction_len);
    else /* normal as it stands */
        *number = (struct number){
            .mantissa = value, .exponent = (int8_t)-fraction_len, .kind = NUMBER_DECIMAL};
    return next;
}

bool number_parse(struct slice text, struct number *number)
{
    if (text.len == 0)
        return false;
    const uint8_t *const end = text.data + text.len;
    struct number found = {0};
    if (number_parse_prefix(text.data, end, &found) != end)
        return false;
    *number = found;
    return true;
}
