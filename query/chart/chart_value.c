/*
 * chart_value.c - nice ticks for values, and numbers beside them.
 *
 * Steps are 1, 2 or 5 times a power of ten. The smallest step wins that covers the values with no
 * more ticks than allowed. Steps never fall below a trillionth of the values: below that, doubles
 * cannot tell ticks apart.
 */
#include "query/chart/chart.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define VALUE_MAX      1e300  /* so that the difference of two values is finite */
#define VALUE_LEAST    1e-290 /* nearer to zero is drawn as zero: its steps are no doubles */
#define STEP_SHARE_MIN 1e-12
#define EQUAL_SHARE    0.05 /* the room around values that are all equal */
#define SUFFIX_LEAST   1e6
#define SUFFIX_MOST    1e15
#define EXPONENT_BELOW 1e-4
#define ROUNDING       1e-9 /* of a step: what floor and ceil take for a whole one */
#define TICKS_LEAST    3u   /* two cannot cover values on both sides of zero */

/* 1, 2, 5, 10, 20 ...: the i-th, i may be negative. */
static double nice_step(int i)
{
    static const double mantissas[] = {1, 2, 5};
    const int mantissa = (i % 3 + 3) % 3;
    const int exponent = (i - mantissa) / 3;
    return mantissas[mantissa] * pow(10, exponent);
}

static double clamp_value(double value)
{
    return fabs(value) < VALUE_LEAST ? 0 : fmin(fmax(value, -VALUE_MAX), VALUE_MAX);
}

struct chart_value_scale chart_value_scale_make(double low, double high, size_t ticks_max,
                                                bool with_zero)
{
    low = clamp_value(with_zero ? fmin(low, 0) : low);
    high = clamp_value(with_zero ? fmax(high, 0) : high);
    assert(low <= high);
    if (ticks_max < TICKS_LEAST)
        ticks_max = TICKS_LEAST;
    const double magnitude = fmax(fabs(low), fabs(high));
    double range = high - low;
    if (range <= magnitude * STEP_SHARE_MIN) {
        const double room = magnitude > 0 ? magnitude * EQUAL_SHARE : 1;
        low = low == 0 ? 0 : low - room;
        high = high + room;
        range = high - low;
    }
    const double least = fmax(range / (double)(ticks_max - 1), 1e-300);
    for (int i = (int)floor(log10(least) * 3) - 3;; i++) {
        const double step = nice_step(i);
        if (step < least * (1 - ROUNDING))
            continue;
        const double first = floor(low / step + ROUNDING);
        const double last = ceil(high / step - ROUNDING);
        const double count = last - first + 1;
        if (count <= (double)ticks_max && count >= 2)
            return (struct chart_value_scale){.low = first * step,
                                              .high = last * step,
                                              .step = step,
                                              .tick_count = (size_t)count};
    }
}

double chart_value_tick(const struct chart_value_scale *scale, size_t i)
{
    const double tick = scale->low + (double)i * scale->step;
    return fabs(tick) < scale->step * ROUNDING ? 0 : tick;
}

double chart_value_share(const struct chart_value_scale *scale, double value)
{
    const double share = (clamp_value(value) - scale->low) / (scale->high - scale->low);
    return fmin(fmax(share, 0), 1);
}

/* Divides by the power of 1000 below `magnitude` and names it: "k", "M". */
static double take_suffix(double magnitude, const char **suffix)
{
    static const char *const suffixes[] = {"", "k", "M", "G", "T"};
    size_t power = 0;
    double divisor = 1;
    while (power + 1 < sizeof suffixes / sizeof *suffixes && magnitude >= divisor * 1000) {
        divisor *= 1000;
        power++;
    }
    *suffix = suffixes[power];
    return divisor;
}

static int decimals_of_step(double step)
{
    const double digits = ceil(-log10(step) - ROUNDING);
    return digits < 0 ? 0 : digits > 15 ? 15 : (int)digits;
}

const char *chart_value_format(const struct chart_value_scale *scale, double value,
                               char text[CHART_TEXT_BYTES])
{
    const double magnitude = fmax(fabs(scale->low), fabs(scale->high));
    if (fabs(value) < scale->step * ROUNDING)
        value = 0;
    if (magnitude >= SUFFIX_MOST || magnitude < EXPONENT_BELOW) {
        const int digits = (int)(floor(log10(magnitude)) - floor(log10(scale->step))) + 1;
        (void)snprintf(text, CHART_TEXT_BYTES, "%.*g", digits < 15 ? digits : 15, value);
        return text;
    }
    const char *suffix = "";
    const double divisor = magnitude >= SUFFIX_LEAST ? take_suffix(magnitude, &suffix) : 1;
    (void)snprintf(text, CHART_TEXT_BYTES, "%.*f%s", decimals_of_step(scale->step / divisor),
                   value / divisor, value == 0 ? "" : suffix);
    return text;
}

/* "21.50" becomes "21.5", "20.0" becomes "20". */
static void strip_zeros(char *text)
{
    if (!strchr(text, '.'))
        return;
    size_t len = strlen(text);
    while (text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    text[len] = '\0';
}

const char *chart_number_format(double value, char text[CHART_TEXT_BYTES])
{
    const double magnitude = fabs(value);
    if (magnitude >= SUFFIX_MOST || (magnitude > 0 && magnitude < EXPONENT_BELOW)) {
        (void)snprintf(text, CHART_TEXT_BYTES, "%.4g", value);
        return text;
    }
    const char *suffix = "";
    const double divisor = magnitude >= SUFFIX_LEAST ? take_suffix(magnitude, &suffix) : 1;
    const double shown = magnitude / divisor;
    const int decimals = shown < 0.1 ? 6 : shown < 10 ? 3 : shown < 100 ? 2 : shown < 1e5 ? 1 : 0;
    (void)snprintf(text, CHART_TEXT_BYTES, "%.*f", decimals, value / divisor);
    strip_zeros(text);
    if (strcmp(text, "-0") == 0)
        memcpy(text, "0", 2);
    const size_t len = strlen(text);
    (void)snprintf(text + len, CHART_TEXT_BYTES - len, "%s", suffix);
    return text;
}
