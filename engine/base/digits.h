/*
 * digits.h - whole numbers as decimal digits, two digits at a time.
 *
 * Large answers are full of numbers, and printf is slow at them.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_ENGINE_BASE_DIGITS_H
#define MNSDB_ENGINE_BASE_DIGITS_H

#include <stddef.h>
#include <stdint.h>

#define DIGITS_MAX 20u /* of UINT64_MAX */

extern const char digits_pairs[200]; /* "00" "01" ... "99" */

/* The two digits of a number below 100; not terminated. */
static inline const char *digits_pair(unsigned number)
{
    return &digits_pairs[(size_t)number * 2];
}

/* How many digits a value has: 1 ... DIGITS_MAX. */
size_t digits_count(uint64_t value);

/* Writes a value without leading zeros ("0" for 0), not terminated; returns how many digits. */
size_t digits_put(uint64_t value, char *text);

#endif
