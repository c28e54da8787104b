/*
 * digits.c - see digits.h.
 *
 * The count of digits is known first, so that they are written where they stay. Pairs halve the
 * divisions; what fits 32 bits is divided there, where it costs a third.
 */
#include "engine/base/digits.h"

#include <string.h>

#define ROW(tens)                                                                         \
#tens "0" #tens "1" #tens "2" #tens "3" #tens "4" #tens "5" #tens "6" #tens "7" #tens \
          "8" #tens "9"

// The literal has as many characters as the array: its NUL has no place, and needs none.
const char digits_pairs[200] =
    ROW(0) ROW(1) ROW(2) ROW(3) ROW(4) ROW(5) ROW(6) ROW(7) ROW(8) ROW(9);

size_t digits_count(uint64_t value)
{
    static const uint64_t powers[] = {
        UINT64_C(0),
        UINT64_C(10),
        UINT64_C(100),
        UINT64_C(1000),
        UINT64_C(10000),
        UINT64_C(100000),
        UINT64_C(1000000),
        UINT64_C(10000000),
        UINT64_C(100000000),
        UINT64_C(1000000000),
        UINT64_C(10000000000),
        UINT64_C(100000000000),
        UINT64_C(1000000000000),
        UINT64_C(10000000000000),
        UINT64_C(100000000000000),
        UINT64_C(1000000000000000),
        UINT64_C(10000000000000000),
        UINT64_C(100000000000000000),
        UINT64_C(1000000000000000000),
        UINT64_C(10000000000000000000),
    };
    // 1233 / 4096 is a little less than log10(2): the count, or one too few.
    const unsigned bits = 64u - (unsigned)__builtin_clzll(value | 1);
    const unsigned guess = bits * 1233 >> 12;
    return guess + (value >= powers[guess]);
}

size_t digits_put(uint64_t value, char *text)
{
    const size_t count = digits_count(value);
    size_t end = count;
    for (; value > UINT32_MAX; value /= 100)
        memcpy(text + (end -= 2), digits_pair((unsigned)(value % 100)), 2);
    uint32_t small = (uint32_t)value;
    for (; small >= 100; small /= 100)
        memcpy(text + (end -= 2), digits_pair(small % 100), 2);
    if (end == 2)
        memcpy(text, digits_pair(small), 2);
    else
        text[0] = (char)('0' + small);
    return count;
}
