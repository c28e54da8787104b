/*
 * summary.c - what a column amounts to: count, exact sum, extremes.
 *
 * The sum stands at the smallest exponent that any value but 0 has, and exists only if
 * no value is a real and the exponents lie at most 18 apart. Both ways to
 * compute it, from numbers and from mantissas at that exponent, give the same.
 */
#include "engine/block/block_internal.h"

#include <assert.h>
#include <math.h>

#define SUM_DIGITS_MAX 18 /* 18 digits shifted up by as many fit an i128 */

bool number_is_valid(const struct number *number)
{
    if (number->kind == NUMBER_REAL)
        return isfinite(number->real) && !(number->real == 0.0 && signbit(number->real));
    if (number->kind != NUMBER_DECIMAL)
        return false;
    if (number->mantissa == 0)
        return number->exponent == 0;
    return number->mantissa >= -NUMBER_MANTISSA_MAX && number->mantissa <= NUMBER_MANTISSA_MAX &&
           number->mantissa % 10 != 0;
}

/* Odd mantissas, half of all, are told from multiples of ten without a division. */
bool number_from_scaled(int64_t mantissa, int exponent, struct number *number)
{
    if (mantissa == 0) {
        *number = (struct number){.kind = NUMBER_DECIMAL};
        return exponent <= NUMBER_EXPONENT_MAX + 18;
    }
    while ((mantissa & 1) == 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        exponent++;
    }
    *number =
        (struct number){.mantissa = mantissa, .exponent = (int8_t)exponent, .kind = NUMBER_DECIMAL};
    return exponent <= NUMBER_EXPONENT_MAX && mantissa >= -NUMBER_MANTISSA_MAX &&
           mantissa <= NUMBER_MANTISSA_MAX;
}

/* True if the values can be added up exactly; then the exponent to do it at is in *exponent. */
static bool sum_exponent(const struct number *values, uint32_t count, int *exponent)
{
    int lowest = NUMBER_EXPONENT_MAX + 1;
    int highest = NUMBER_EXPONENT_MIN - 1;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].kind != NUMBER_DECIMAL)
            return false;
        if (values[i].mantissa == 0)
            continue;
        lowest = values[i].exponent < lowest ? values[i].exponent : lowest;
        highest = values[i].exponent > highest ? values[i].exponent : highest;
    }
    *exponent = lowest <= highest ? lowest : 0;
    return highest - lowest <= SUM_DIGITS_MAX;
}

void summary_add_up(const struct number *values, uint32_t count, struct column_summary *summary)
{
    assert(count >= 1);

    summary->count = count;
    summary->min = values[0];
    summary->max = values[0];
    for (uint32_t i = 1; i < count; i++) {
        if (number_compare(values[i], summary->min) < 0)
            summary->min = values[i];
        if (number_compare(values[i], summary->max) > 0)
            summary->max = values[i];
    }
    int exponent = 0;
    summary->sum = wide_of(0);
    summary->sum_exponent = 0;
    summary->has_sum = sum_exponent(values, count, &exponent);
    if (!summary->has_sum)
        return;
    summary->sum_exponent = (int16_t)exponent;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].mantissa == 0)
            continue;
        const i128 scale = power_of_ten(values[i].exponent - exponent);
        summary->sum = wide_add(summary->sum, wide_of(values[i].mantissa * scale));
    }
}

void summary_add_up_scaled(const struct number *values, const int64_t *mantissas, uint32_t count,
                           int exponent, struct column_summary *summary)
{
    assert(count >= 1);

    i128 sum = 0;
    uint32_t min_place = 0;
    uint32_t max_place = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += mantissas[i];
        min_place = mantissas[i] < mantissas[min_place] ? i : min_place;
        max_place = mantissas[i] > mantissas[max_place] ? i : max_place;
    }
    summary->count = count;
    summary->min = values[min_place];
    summary->max = values[max_place];
    summary->has_sum = true;
    summary->sum = wide_of(sum);
    summary->sum_exponent = (int16_t)exponent;
}

static bool number_same(struct number a, struct number b)
{
    if (a.kind != b.kind)
        return false;
    if (a.kind == NUMBER_REAL)
        return a.real == b.real; /* finite, and never -0.0 */
    return a.mantissa == b.mantissa && a.exponent == b.exponent;
}

static bool dated_number_same(const struct dated_number *a, const struct dated_number *b)
{
    return number_same(a->value, b->value) && a->time_ms == b->time_ms &&
           a->message_id == b->message_id;
}

static bool column_summary_same(const struct column_summary *a, const struct column_summary *b)
{
    if (a->metric != b->metric || a->count != b->count || a->has_sum != b->has_sum ||
        a->has_ends != b->has_ends)
        return false;
    if (!number_same(a->min, b->min) || !number_same(a->max, b->max))
        return false;
    if (a->has_sum && (a->sum_exponent != b->sum_exponent || a->sum.low != b->sum.low ||
                       a->sum.high != b->sum.high))
        return false;
    return !a->has_ends ||
           (dated_number_same(&a->first, &b->first) && dated_number_same(&a->last, &b->last));
}

bool block_summary_equal(const struct block_summary *a, const struct block_summary *b)
{
    if (row_key_compare(&a->first, &b->first) != 0 || row_key_compare(&a->last, &b->last) != 0)
        return false;
    if (a->min_time_ms != b->min_time_ms || a->max_time_ms != b->max_time_ms ||
        a->row_count != b->row_count || a->column_count != b->column_count)
        return false;
    for (uint32_t i = 0; i < a->column_count; i++) {
        if (!column_summary_same(&a->columns[i], &b->columns[i]))
            return false;
    }
    return true;
}
