/*
 * fuzz_number.c - any bytes as a JSON number.
 *
 * Held against the C library and against itself: the double of what was read is that of the
 * same text by strtod; a decimal formatted and read again is itself, a real reads back as the same
 * double; whole text and prefix agree; order and sum agree with the kinds.
 */
#include "engine/number/number.h"
#include "query/exact/exact.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* strtod takes more than JSON does, so it judges only the value of what was taken. */
static void agrees_with_strtod(const uint8_t *bytes, size_t bytes_len, struct number number)
{
    char *text = malloc(bytes_len + 1);
    require(text != NULL);
    memcpy(text, bytes, bytes_len);
    text[bytes_len] = '\0';
    char *end = NULL;
    require(strtod(text, &end) == number_to_double(number));
    require(end == text + bytes_len);
    free(text);
}

static void comes_back(struct number number)
{
    char text[NUMBER_TEXT_BYTES];
    const size_t len = number_format(number, text);
    require(len == strlen(text));
    struct number again = {0};
    require(number_parse(slice_of(text, len), &again));
    require(number_to_double(again) == number_to_double(number));
    if (number.kind == NUMBER_DECIMAL) {
        require(again.kind == NUMBER_DECIMAL && again.mantissa == number.mantissa &&
                again.exponent == number.exponent);
        require(number_compare(number, again) == 0);
    }
}

/* Twice the number less itself, its own mean and middle are the number. */
static void arithmetic_is_exact(struct number number)
{
    struct arena arena = {0};
    struct exact_sum sum = {0};
    require(exact_sum_add_multiple(&sum, number, 2) == STATUS_OK);
    require(exact_sum_add_multiple(&sum, number, -1) == STATUS_OK);
    struct exact_value value = exact_null();
    require(exact_of_sum(&sum, &arena, &value) == STATUS_OK);
    require(exact_compare(value, exact_of_number(number)) == 0);
    require(exact_mean(&sum, 1).real == number_to_double(number));

    const struct exact_fraction third = {.numerator = 333, .digits = 3};
    require(exact_interpolate(number, number, third, &arena, &value) == STATUS_OK);
    require(exact_compare(value, exact_of_number(number)) == 0);
    exact_sum_release(&sum);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    struct number number = {0};
    struct number prefix = {0};
    const uint8_t *const end = bytes + bytes_len;
    const bool whole = number_parse(slice_of(bytes, bytes_len), &number);
    const uint8_t *const after = number_parse_prefix(bytes, end, &prefix);
    require(whole == (after == end && bytes_len > 0));
    if (!after)
        return 0;
    require(after > bytes && after <= end);
    agrees_with_strtod(bytes, (size_t)(after - bytes), prefix);
    comes_back(prefix);
    arithmetic_is_exact(prefix);
    return 0;
}
