/*
 * json_scan.h - the fast path's looks at JSON text, inlined into its loops.
 *
 * A scan_ function takes the place `at` and returns the place behind one plain
 * token, or NULL: something unusual stands there, valid or not, and the general
 * path decides. Nothing is read at or past `end`. NULL may be handed on: every
 * function returns it again, so that a chain is checked once.
 *
 * Plain strings hold ASCII from 0x20 on, without escapes. Plain numbers have at
 * most 18 digits and no exponent. Eight bytes are looked at in one step where as
 * many may be read: branches that depend on every byte cost more than the bytes.
 *
 * Private to this folder.
 */
#ifndef MNSDB_INGEST_DECODE_JSON_SCAN_H
#define MNSDB_INGEST_DECODE_JSON_SCAN_H

#include "engine/base/bytes.h"
#include "engine/number/number.h"
#include "ingest/decode/base64.h"

#include <stdbool.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define UNSIGNED_DIGITS_SURE 19 /* as many digits always fit 64 bits */
#define EACH_BYTE(value)     (UINT64_C(0x0101010101010101) * (value))

/* Compares with a literal: the length is a constant, so this becomes a few wide compares. */
#define SLICE_IS(slice, literal) \
    ((slice).len == sizeof(literal) - 1 && memcmp((slice).data, literal, sizeof(literal) - 1) == 0)

/* --- eight bytes at once ------------------------------------------------------------------- */

/*
 * In both functions the lowest mark is exact; a carry or borrow can only disturb
 * the bytes above a true mark.
 */

/* Marks the bytes that end a plain string or must not be in one. */
static inline uint64_t mark_special(uint64_t word)
{
    const uint64_t ones = EACH_BYTE(1);
    const uint64_t quote = word ^ EACH_BYTE('"');
    const uint64_t backslash = word ^ EACH_BYTE('\\');
    const uint64_t control = (word - EACH_BYTE(0x20)) & ~word;
    const uint64_t marks =
        ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | control | word;
    return marks & EACH_BYTE(0x80);
}

/* Marks the bytes that equal `wanted`; of these too only the lowest mark is exact. */
static inline uint64_t mark_byte(uint64_t word, uint8_t wanted)
{
    const uint64_t other = word ^ EACH_BYTE(wanted);
    return (other - EACH_BYTE(1)) & ~other & EACH_BYTE(0x80);
}

#if defined(__SSE2__)
/* mark_special() of 16 bytes, a bit for each. Signed, bytes from 0x80 on are below 0x20 too. */
static inline unsigned mark_special_wide(const void *at)
{
    const __m128i bytes = _mm_loadu_si128(at);
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const __m128i outside = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), outside));
}
#endif

/* Non-zero in the bytes that are no digits. */
static inline uint64_t mark_nondigits(uint64_t word)
{
    const uint64_t high = EACH_BYTE(0xf0);
    const uint64_t threes = EACH_BYTE(0x30);
    return ((word & high) ^ threes) | (((word + EACH_BYTE(0x06)) & high) ^ threes);
}

static inline unsigned first_marked(uint64_t marks)
{
    return (unsigned)__builtin_ctzll(marks) / 8;
}

/* The value of the first `count` (1 to 8) bytes, all digits; the first is the most significant. */
static inline uint64_t digits_value(uint64_t word, unsigned count)
{
    word <<= 64 - 8 * count; /* what is shifted in reads as leading zeros */
    word &= EACH_BYTE(0x0f);
    word = word * 10 + (word >> 8); /* pairs, in every other byte */
    const uint64_t pairs = UINT64_C(0x000000ff000000ff);
    return ((word & pairs) * UINT64_C(0x000f424000000064) +
            (word >> 16 & pairs) * UINT64_C(0x0000271000000001)) >>
           32;
}

/* --- tokens -------------------------------------------------------------------------------- */

static inline const uint8_t *scan_blanks(const uint8_t *at, const uint8_t *end)
{
    while (at && at < end && *at <= ' ' && is_blank(*at))
        at++;
    return at;
}

static inline const uint8_t *scan_byte(const uint8_t *at, const uint8_t *end, uint8_t wanted)
{
    return at && at < end && *at == wanted ? at + 1 : NULL;
}

/* The rest of a plain string behind its opening quote, and the closing quote. */
static inline const uint8_t *scan_string_rest(const uint8_t *at, const uint8_t *end,
                                              struct slice *text)
{
    const uint8_t *const start = at;
    if (!at)
        return NULL;
#if defined(__SSE2__)
    while (end - at >= 16) {
        const unsigned marks = mark_special_wide(at);
        if (marks != 0) {
            at += __builtin_ctz(marks);
            *text = slice_of(start, (size_t)(at - start));
            return *at == '"' ? at + 1 : NULL;
        }
        at += 16;
    }
#endif
    while (end - at >= 8) {
        const uint64_t marks = mark_special(load_u64(at));
        if (marks != 0) {
            at += first_marked(marks);
            *text = slice_of(start, (size_t)(at - start));
            return *at == '"' ? at + 1 : NULL;
        }
        at += 8;
    }
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    *text = slice_of(start, (size_t)(at - start));
    return scan_byte(at, end, '"');
}

static inline const uint8_t *scan_string(const uint8_t *at, const uint8_t *end, struct slice *text)
{
    return scan_string_rest(scan_byte(at, end, '"'), end, text);
}

/* A member's name, its colon and the blanks around it. */
static inline const uint8_t *scan_name(const uint8_t *at, const uint8_t *end, struct slice *name)
{
    at = scan_blanks(scan_string(at, end, name), end);
    return scan_blanks(scan_byte(at, end, ':'), end);
}

/* Digits without a leading zero, few enough for 64 bits. What follows is the caller's to check. */
static inline const uint8_t *scan_unsigned(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    if (!at)
        return NULL;
    const uint8_t *const start = at;
    uint64_t sum = 0;
    unsigned step = 8;
    while (step == 8 && end - at >= 8 && at - start <= UNSIGNED_DIGITS_SURE) {
        const uint64_t word = load_u64(at);
        const uint64_t marks = mark_nondigits(word);
        step = marks ? first_marked(marks) : 8;
        if (step > 0)
            sum = sum * (step == 8 ? 100000000 : powers[step]) + digits_value(word, step);
        at += step;
    }
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        sum = sum * 10 + (uint64_t)(*at - '0');
    const ptrdiff_t digits = at - start;
    if (digits == 0 || digits > UNSIGNED_DIGITS_SURE || (*start == '0' && digits > 1))
        return NULL;
    *value = sum;
    return at;
}

/* --- numbers ------------------------------------------------------------------------------- */

static inline struct number normal_decimal(int64_t mantissa, int exponent)
{
    while (mantissa % 10 == 0 && mantissa != 0) {
        mantissa /= 10;
        exponent++;
    }
    return (struct number){.mantissa = mantissa,
                           .exponent = (int8_t)(mantissa == 0 ? 0 : exponent),
                           .kind = NUMBER_DECIMAL};
}

/* The digits of a plain number, its point taken out. */
struct plain_digits {
    uint64_t mantissa;
    ptrdiff_t whole;    /* digits before the point */
    ptrdiff_t fraction; /* digits behind it */
};

/* Digit by digit: numbers that 8 bytes do not hold. */
static inline const uint8_t *scan_digits_slowly(const uint8_t *at, const uint8_t *end,
                                                struct plain_digits *digits)
{
    const uint8_t *const start = at;
    uint64_t mantissa = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        mantissa = mantissa * 10 + (uint64_t)(*at - '0');
    digits->whole = at - start;
    digits->fraction = 0;
    if (at < end && *at == '.') {
        const uint8_t *const fraction = ++at;
        for (; at < end && *at >= '0' && *at <= '9'; at++)
            mantissa = mantissa * 10 + (uint64_t)(*at - '0');
        digits->fraction = at - fraction;
        if (digits->fraction == 0)
            return NULL;
    }
    digits->mantissa = mantissa;
    /* With more digits the mantissa may have wrapped. */
    return digits->whole + digits->fraction <= NUMBER_DIGITS_MAX ? at : NULL;
}

/* At most 7 digits with or without a point, what ends them included in the same 8 bytes. */
static inline const uint8_t *scan_digits(const uint8_t *at, const uint8_t *end,
                                         struct plain_digits *digits)
{
    if (end - at < 8)
        return scan_digits_slowly(at, end, digits);
    uint64_t word = load_u64(at);
    const uint64_t marks = mark_nondigits(word);
    if (marks == 0)
        return scan_digits_slowly(at, end, digits);
    const unsigned whole = first_marked(marks);
    if (whole == 0)
        return NULL;
    unsigned used = whole;
    unsigned count = whole;
    if (at[whole] == '.') {
        const uint64_t below = (UINT64_C(1) << 8 * whole) - 1;
        const uint64_t behind = marks & ~(below << 8 | 0xff);
        if (behind == 0)
            return scan_digits_slowly(at, end, digits);
        used = first_marked(behind);
        count = used - 1;
        if (count == whole)
            return NULL;
        word = (word & below) | (word >> 8 & ~below);
    }
    digits->mantissa = digits_value(word, count);
    digits->whole = whole;
    digits->fraction = count - whole;
    return at + used;
}

/* A plain number; an exponent behind it is no end of a value, so that the caller falls out. */
static inline const uint8_t *scan_number(const uint8_t *at, const uint8_t *end,
                                         struct number *number)
{
    if (!at || at == end)
        return NULL;
    const bool negative = *at == '-';
    at += negative;
    const uint8_t *const start = at;
    struct plain_digits digits;
    at = scan_digits(at, end, &digits);
    if (!at || digits.whole == 0 || (*start == '0' && digits.whole > 1))
        return NULL;
    const int64_t magnitude = (int64_t)digits.mantissa;
    const int64_t mantissa = negative ? -magnitude : magnitude;
    if (at[-1] == '0') /* rare, while even mantissas are not: no branch on what is random */
        *number = normal_decimal(mantissa, -(int)digits.fraction);
    else
        *number = (struct number){
            .mantissa = mantissa, .exponent = (int8_t)-digits.fraction, .kind = NUMBER_DECIMAL};
    return at;
}

/* --- objects ------------------------------------------------------------------------------- */

/* "{" and the blanks around it. */
static inline const uint8_t *scan_object_start(const uint8_t *at, const uint8_t *end)
{
    return scan_blanks(scan_byte(scan_blanks(at, end), end, '{'), end);
}

/* Behind a member's value: a comma (`*more`), or the object's end. */
static inline const uint8_t *scan_separator(const uint8_t *at, const uint8_t *end, bool *more)
{
    at = scan_blanks(at, end);
    if (!at || at == end)
        return NULL;
    *more = *at == ',';
    if (!*more && *at != '}')
        return NULL;
    return scan_blanks(at + 1, end);
}

#endif
