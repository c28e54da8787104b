/*
 * exact_sum.c - sums that never round: 192-bit totals, one per exponent.
 *
 * (1) Terms are sorted by exponent, each exponent stands once.
 * (2) Decimals that are zero leave no term; a term may still come to zero later.
 * (3) Reals always leave a term, since a result that involves a real is a double.
 * (4) Exponents of two are rounded down to a multiple of BINARY_STEP and the totals
 *     shifted up to match, so that doubles of all sizes make 64 terms, their squares
 *     130. A square has 106 bits, 137 when shifted: 54 bits are left for their number.
 */
#include "engine/number/number.h"

#include "engine/base/mem.h"

#include <assert.h>

#define BINARY_STEP 32

struct wide wide_negate(struct wide a)
{
    const struct wide negated = {.low = ~a.low + 1,
                                 .high = (int64_t)(~(uint64_t)a.high + (a.low == 0 ? 1u : 0u))};
    return negated;
}

static bool wide_is_zero(struct wide a)
{
    return a.low == 0 && a.high == 0;
}

/* a * 2^bits for 0 <= bits < 64; the caller knows that it fits. */
static struct wide wide_shift(struct wide a, int bits)
{
    if (bits == 0)
        return a;
    return (struct wide){
        .low = a.low << bits,
        .high = (int64_t)((uint64_t)a.high << bits | (uint64_t)(a.low >> (128 - bits))),
    };
}

/* The index of the first term whose exponent is not below. */
static size_t find_term(const struct sum_term *terms, size_t count, int exponent)
{
    size_t from = 0;
    size_t until = count;
    while (from < until) {
        const size_t middle = (from + until) / 2;
        if (terms[middle].exponent < exponent)
            from = middle + 1;
        else
            until = middle;
    }
    return from;
}

static enum status add_term(struct sum_term **terms, uint16_t *count, uint16_t *capacity,
                            const struct sum_term *added)
{
    const size_t index = find_term(*terms, *count, added->exponent);
    if (index < *count && (*terms)[index].exponent == added->exponent) {
        (*terms)[index].total = wide_add((*terms)[index].total, added->total);
        return STATUS_OK;
    }
    if (*count == *capacity) {
        /* Most sums have one term, so growth starts there. */
        const uint16_t wanted = (uint16_t)(*capacity == 0 ? 1 : *capacity * 2);
        assert(wanted > *capacity);
        struct sum_term *grown = mem_resize(*terms, wanted, sizeof *grown);
        if (!grown)
            return STATUS_NOMEM;
        *terms = grown;
        *capacity = wanted;
    }
    memmove(*terms + index + 1, *terms + index, (*count - index) * sizeof **terms);
    (*terms)[index] = *added;
    ++*count;
    return STATUS_OK;
}

enum status exact_sum_add_scaled(struct exact_sum *sum, struct wide total, int exponent)
{
    assert(exponent >= SUM_DECIMAL_EXPONENT_MIN && exponent <= SUM_DECIMAL_EXPONENT_MAX);
    if (wide_is_zero(total))
        return STATUS_OK;
    const struct sum_term term = {.total = total, .exponent = (int16_t)exponent};
    return add_term(&sum->decimals, &sum->decimal_count, &sum->decimal_capacity, &term);
}

enum status exact_sum_add_binary(struct exact_sum *sum, struct wide total, int exponent)
{
    assert(exponent >= SUM_BINARY_EXPONENT_MIN && exponent <= SUM_BINARY_EXPONENT_MAX);
    if (wide_is_zero(total)) {
        if (sum->real_count > 0)
            return STATUS_OK;
        exponent = 0;
    }
    const int offset = (int)((unsigned)(exponent - SUM_BINARY_EXPONENT_MIN) % BINARY_STEP);
    /* A total that is already long may stand at an exponent of its own. */
    const int64_t spare = total.high >> 16;
    if (spare == 0 || spare == -1) {
        total = wide_shift(total, offset);
        exponent -= offset;
    }
    const struct sum_term term = {.total = total, .exponent = (int16_t)exponent};
    return add_term(&sum->reals, &sum->real_count, &sum->real_capacity, &term);
}

enum status exact_sum_add(struct exact_sum *sum, struct number number)
{
    return exact_sum_add_multiple(sum, number, 1);
}

enum status exact_sum_add_square(struct exact_sum *sum, struct number number)
{
    assert(number.kind != NUMBER_NULL);
    if (number.kind == NUMBER_DECIMAL)
        return exact_sum_add_scaled(sum, wide_of((i128)number.mantissa * number.mantissa),
                                    2 * number.exponent);
    int64_t mantissa = 0;
    int exponent = 0;
    double_split(number.real, &mantissa, &exponent);
    return exact_sum_add_binary(sum, wide_of((i128)mantissa * mantissa), 2 * exponent);
}

enum status exact_sum_add_multiple(struct exact_sum *sum, struct number number, int64_t factor)
{
    assert(number.kind != NUMBER_NULL);
    if (number.kind == NUMBER_DECIMAL)
        return exact_sum_add_scaled(sum, wide_of((i128)number.mantissa * factor), number.exponent);
    int64_t mantissa = 0;
    int exponent = 0;
    double_split(number.real, &mantissa, &exponent);
    return exact_sum_add_binary(sum, wide_of((i128)mantissa * factor), exponent);
}

enum status exact_sum_merge(struct exact_sum *into, const struct exact_sum *from)
{
    assert(into != from);
    for (size_t i = 0; i < from->decimal_count; i++)
        TRY(exact_sum_add_scaled(into, from->decimals[i].total, from->decimals[i].exponent));
    for (size_t i = 0; i < from->real_count; i++)
        TRY(exact_sum_add_binary(into, from->reals[i].total, from->reals[i].exponent));
    return STATUS_OK;
}

void exact_sum_clear(struct exact_sum *sum)
{
    sum->decimal_count = 0;
    sum->real_count = 0;
}

void exact_sum_release(struct exact_sum *sum)
{
    mem_free(sum->decimals);
    mem_free(sum->reals);
    *sum = (struct exact_sum){0};
}
