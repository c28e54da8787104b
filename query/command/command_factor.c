/*
 * command_factor.c - factors such as "3" and "2.5", as whole thousandths.
 *
 * Thousandths keep limits exact: 2.5 times 60 s is 150 s, whatever doubles make of it.
 */
#include "query/command/command_internal.h"

#include "engine/number/number.h"

#define MILLI_EXPONENT (-3)

/* False if the number has finer digits than thousandths, is negative, or too large. */
static bool milli_of(struct number number, uint64_t most, uint64_t *milli)
{
    if (number.kind != NUMBER_DECIMAL || number.mantissa < 0 || number.exponent < MILLI_EXPONENT ||
        number.exponent - MILLI_EXPONENT > NUMBER_DIGITS_MAX)
        return false;
    int64_t value = 0;
    if (__builtin_mul_overflow(number.mantissa, power_of_ten(number.exponent - MILLI_EXPONENT),
                               &value))
        return false;
    *milli = (uint64_t)value;
    return *milli <= most;
}

enum status command_factor(const char *text, const char *name, uint64_t least_milli,
                           uint64_t most_milli, uint64_t *milli, struct error *err)
{
    struct number number = {0};
    uint64_t value = 0;
    if (!number_parse(slice_of_text(text), &number) || !milli_of(number, most_milli, &value) ||
        value < least_milli) {
        char least[NUMBER_TEXT_BYTES];
        char most[NUMBER_TEXT_BYTES];
        (void)number_format(number_from_decimal((int64_t)least_milli, MILLI_EXPONENT), least);
        (void)number_format(number_from_decimal((int64_t)most_milli, MILLI_EXPONENT), most);
        return error_set(err, STATUS_INPUT,
                         "--%s takes a number from %s to %s, 3 decimals at most, not '%s'", name,
                         least, most, text);
    }
    *milli = value;
    return STATUS_OK;
}
