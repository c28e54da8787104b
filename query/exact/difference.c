/*
 * difference.c - values taken from each other, and copied from one arena to another.
 */
#include "query/exact/exact.h"

#include "query/exact/rational.h"

#include <assert.h>
#include <string.h>

enum status exact_subtract(struct exact_value a, struct exact_value b, struct arena *arena,
                           struct exact_value *value)
{
    *value = exact_null();
    if (exact_is_null(a) || exact_is_null(b))
        return STATUS_OK;
    const bool is_real = a.kind == EXACT_REAL || b.kind == EXACT_REAL;
    struct scale scale = scale_of_both(scale_of_value(a), scale_of_value(b));
    scale = scale_of_both(scale, (struct scale){0});
    struct big difference;
    struct big taken;
    big_set_value(&difference, a, scale);
    big_set_value(&taken, b, scale);
    big_subtract(&difference, &taken);
    if (!is_real)
        return value_of_big(&difference, -scale.tens, arena, value);
    struct big one;
    big_set_u128(&one, 1, false);
    *value = exact_of_real(nearest_quotient(&difference, &one, scale));
    return STATUS_OK;
}

struct exact_value exact_percent_change(struct exact_value now, struct exact_value before)
{
    if (exact_is_null(now) || exact_is_null(before))
        return exact_null();
    const struct scale scale = scale_of_both(scale_of_value(now), scale_of_value(before));
    struct big change;
    struct big base;
    big_set_value(&change, now, scale);
    big_set_value(&base, before, scale);
    if (base.len == 0)
        return exact_null();
    big_subtract(&change, &base);
    big_multiply_small(&change, 100);
    base.negative = false;
    return exact_of_real(nearest_quotient(&change, &base, (struct scale){0}));
}

enum status exact_copy(struct exact_value value, struct arena *arena, struct exact_value *copy)
{
    *copy = value;
    if (value.kind != EXACT_LONG)
        return STATUS_OK;
    const size_t bytes_len =
        offsetof(struct exact_long, limbs) + value.digits->len * sizeof value.digits->limbs[0];
    struct exact_long *digits = arena_alloc(arena, bytes_len);
    if (!digits)
        return STATUS_NOMEM;
    memcpy(digits, value.digits, bytes_len);
    copy->digits = digits;
    return STATUS_OK;
}
