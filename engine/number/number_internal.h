/*
 * number_internal.h - decimal digits between the files of this folder.
 *
 * A double's text depends on no more than its first 768 significant digits and
 * on whether anything follows them, so texts of any length fit a fixed buffer:
 * what lies beyond is told by one more digit, a 1.
 */
#ifndef MNSDB_ENGINE_NUMBER_NUMBER_INTERNAL_H
#define MNSDB_ENGINE_NUMBER_NUMBER_INTERNAL_H

#include "engine/number/number.h"

#define LONG_DIGITS_MAX 800u

struct long_digits {
    size_t len;                          /* 1 ... LONG_DIGITS_MAX + 1 */
    char text[LONG_DIGITS_MAX + 1 + 24]; /* room for the exponent that is appended */
};

/*
 * The double nearest to digits * 10^exponent, +infinity beyond the range. Appends
 * the exponent to the digits' text.
 */
double long_digits_to_double(struct long_digits *digits, int64_t exponent);

#endif
