/*
 * json_scan.h - the fast path's looks at JSON text, inlined into its loops.
 *
 * A scan_ function moves the scanner over one plain token and returns true, or
 * returns false: something unusual stands there, valid or not, and the general
 * path decides. Nothing is read at or past `end`.
 *
 * Plain strings hold ASCII from 0x20 on, without escapes. Plain numbers have at
 * most 18 digits and no exponent.
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

#define ID_DIGITS_SURE 19 /* as many digits always fit 64 bits */

struct scanner {
    const uint8_t *next;
    const uint8_t *end;
};

static inline struct scanner scanner_of(struct slice text)
{
    return (struct scanner){.next = text.data, .end = text.data + text.len};
}

static inline void scan_blanks(struct scanner *scanner)
{
    while (scanner->next < scanner->end && is_blank(*scanner->next))
        scanner->next++;
}

static inline bool scan_byte(struct scanner *scanner, uint8_t wanted)
{
    if (scanner->next == scanner->end || *scanner->next != wanted)
        return false;
    scanner->next++;
    return true;
}

/* The top bit of each of 8 bytes that ends a plain string or must not be in one. */
static inline uint64_t special_bytes(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    const uint64_t quote = word ^ ones * '"';
    const uint64_t backslash = word ^ ones * '\\';
    const uint64_t control = (word - ones * 0x20) & ~word;
    /* A borrow can only mark bytes above a true mark, and the lowest mark is the one looked at. */
    return (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | control | word) & tops;
}

/* The rest of a plain string whose opening quote was taken, and its closing quote. */
static inline bool scan_string_rest(struct scanner *scanner, struct slice *text)
{
    const uint8_t *start = scanner->next;
    const uint8_t *at = start;
    while (scanner->end - at >= 8) {
        const uint64_t special = special_bytes(load_u64(at));
        if (special != 0) {
            at += __builtin_ctzll(special) / 8;
            break;
        }
        at += 8;
    }
    while (at < scanner->end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    if (at == scanner->end || *at != '"')
        return false;
    *text = slice_of(start, (size_t)(at - start));
    scanner->next = at + 1;
    return true;
}

static inline bool scan_string(struct scanner *scanner, struct slice *text)
{
    return scan_byte(scanner, '"') && scan_string_rest(scanner, text);
}

/* Digits without a leading zero, few enough for 64 bits. What follows is the caller's to check. */
static inline bool scan_unsigned(struct scanner *scanner, uint64_t *value)
{
    const uint8_t *start = scanner->next;
    const uint8_t *at = start;
    uint64_t sum = 0;
    while (at < scanner->end && *at >= '0' && *at <= '9')
        sum = sum * 10 + (uint64_t)(*at++ - '0');
    if (at == start || at - start > ID_DIGITS_SURE || (*start == '0' && at - start > 1))
        return false;
    *value = sum;
    scanner->next = at;
    return true;
}

static inline struct number normal_decimal(int64_t mantissa, int exponent)
{
    while (mantissa != 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        exponent++;
    }
    return (struct number){.mantissa = mantissa,
                           .exponent = (int8_t)(mantissa == 0 ? 0 : exponent),
                           .kind = NUMBER_DECIMAL};
}

/* A plain number; an exponent behind it is no end of a value, so that the caller falls out. */
static inline bool scan_number(struct scanner *scanner, struct number *number)
{
    const uint8_t *at = scanner->next;
    const uint8_t *const end = scanner->end;
    const bool negative = at < end && *at == '-';
    at += negative;
    const uint8_t *const digits = at;
    uint64_t mantissa = 0;
    while (at < end && *at >= '0' && *at <= '9')
        mantissa = mantissa * 10 + (uint64_t)(*at++ - '0');
    const ptrdiff_t whole_digits = at - digits;
    if (whole_digits == 0 || (*digits == '0' && whole_digits > 1))
        return false;
    ptrdiff_t fraction_digits = 0;
    if (at < end && *at == '.') {
        const uint8_t *const fraction = ++at;
        while (at < end && *at >= '0' && *at <= '9')
            mantissa = mantissa * 10 + (uint64_t)(*at++ - '0');
        fraction_digits = at - fraction;
        if (fraction_digits == 0)
            return false;
    }
    /* Beyond this the mantissa may have wrapped. */
    if (whole_digits + fraction_digits > NUMBER_DIGITS_MAX)
        return false;
    const int64_t magnitude = (int64_t)mantissa;
    *number = normal_decimal(negative ? -magnitude : magnitude, -(int)fraction_digits);
    scanner->next = at;
    return true;
}

/* Behind a member's value: true and `*more` if another one follows, true if the object ended. */
static inline bool scan_separator(struct scanner *scanner, bool *more)
{
    scan_blanks(scanner);
    *more = scan_byte(scanner, ',');
    if (*more) {
        scan_blanks(scanner);
        return true;
    }
    return scan_byte(scanner, '}');
}

/* A member's name and its colon. */
static inline bool scan_name(struct scanner *scanner, struct slice *name)
{
    if (!scan_string(scanner, name))
        return false;
    scan_blanks(scanner);
    if (!scan_byte(scanner, ':'))
        return false;
    scan_blanks(scanner);
    return true;
}

/* "{" with at least one member behind it. */
static inline bool scan_object_start(struct scanner *scanner)
{
    scan_blanks(scanner);
    if (!scan_byte(scanner, '{'))
        return false;
    scan_blanks(scanner);
    return true;
}

static inline bool scan_end(struct scanner *scanner)
{
    scan_blanks(scanner);
    return scanner->next == scanner->end;
}

/* Compares with a literal: the length is a constant, so this becomes a few wide compares. */
#define SLICE_IS(slice, literal) \
    ((slice).len == sizeof(literal) - 1 && memcmp((slice).data, literal, sizeof(literal) - 1) == 0)

#endif
