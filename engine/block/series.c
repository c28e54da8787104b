/*
 * series.c - the values of one metric into the body of a column.
 *
 * All values share one exponent, the column's. It is the smallest that the bulk
 * of them needs: a lower one costs every value 3.3 bits per power of ten, a higher one
 * makes exceptions of about EXCEPTION_BITS each. Where that estimate asks for
 * exceptions, both it and the lowest exponent are packed and the smaller stays.
 *
 * (1) An exception is a real, a value finer than the column's exponent, or one
 *     with more than 18 digits at that exponent.
 * (2) Without exceptions the exponent is the smallest of all values but 0,
 *     so that the sum of mantissas is the sum of the values at that exponent.
 */
#include "engine/base/clones.h"
#include "engine/block/block_internal.h"

#include <assert.h>

#define EXCEPTION_BITS      56.0
#define BITS_PER_DIGIT      3.33
#define EXPONENT_COUNT      256
#define SCALE_DIGITS_MAX    18
#define EXCEPTION_BYTES_MAX (VARINT_BYTES_MAX + 1u + VARINT_BYTES_MAX)

/* One way to write a series: its exponent, and which places are exceptions then. */
struct scaling {
    int exponent;
    uint32_t exception_count;
    uint16_t exceptions[BLOCK_ROWS_MAX]; /* places, ascending */
};

struct exponent_counts {
    int lowest; /* of all decimals but 0; lowest > highest: there are none */
    int highest;
    uint16_t count[EXPONENT_COUNT]; /* per exponent - NUMBER_EXPONENT_MIN, from lowest to highest */
};

static void exponents_count(const struct series *series, struct exponent_counts *counts)
{
    counts->lowest = NUMBER_EXPONENT_MAX + 1;
    counts->highest = NUMBER_EXPONENT_MIN - 1;
    for (uint32_t i = 0; i < series->count; i++) {
        const struct number *value = &series->values[i];
        if (value->kind != NUMBER_DECIMAL || value->mantissa == 0)
            continue;
        counts->lowest = value->exponent < counts->lowest ? value->exponent : counts->lowest;
        counts->highest = value->exponent > counts->highest ? value->exponent : counts->highest;
    }
    for (int e = counts->lowest; e <= counts->highest; e++)
        counts->count[e - NUMBER_EXPONENT_MIN] = 0;
    for (uint32_t i = 0; i < series->count; i++) {
        const struct number *value = &series->values[i];
        if (value->kind == NUMBER_DECIMAL && value->mantissa != 0)
            counts->count[value->exponent - NUMBER_EXPONENT_MIN]++;
    }
}

/* The exponent that should cost least; see the top. */
static int exponent_estimate(const struct exponent_counts *counts, uint32_t values)
{
    double least = 0;
    int best = counts->lowest;
    uint32_t finer = 0;
    for (int e = counts->lowest; e <= counts->highest; e++) {
        uint32_t far = 0;
        for (int high = e + SCALE_DIGITS_MAX; high <= counts->highest; high++)
            far += counts->count[high - NUMBER_EXPONENT_MIN];
        const double cost = EXCEPTION_BITS * (finer + far) -
                            BITS_PER_DIGIT * (e - counts->lowest) * (values - finer - far);
        if (e == counts->lowest || (counts->count[e - NUMBER_EXPONENT_MIN] > 0 && cost < least)) {
            least = cost;
            best = e;
        }
        finer += counts->count[e - NUMBER_EXPONENT_MIN];
    }
    return best;
}

/* True if the value fits at `exponent`: then its mantissa there is in *mantissa. */
static bool value_scale(const struct number *value, int exponent, int64_t *mantissa)
{
    if (value->kind != NUMBER_DECIMAL)
        return false;
    *mantissa = value->mantissa;
    const int digits = value->exponent - exponent;
    if (digits == 0 || value->mantissa == 0)
        return true;
    if (digits < 0 || digits >= SCALE_DIGITS_MAX)
        return false;
    const int64_t limit = power_of_ten(SCALE_DIGITS_MAX - digits);
    if (value->mantissa >= limit || value->mantissa <= -limit)
        return false;
    *mantissa = value->mantissa * power_of_ten(digits);
    return true;
}

/* Mantissas at `exponent`, with the one before in the place of exceptions. */
static void series_scale(const struct series *series, int exponent, struct scaling *scaling,
                         int64_t *mantissas)
{
    scaling->exponent = exponent;
    scaling->exception_count = 0;
    int64_t before = 0;
    bool any = false;
    for (uint32_t i = 0; i < series->count; i++) {
        int64_t mantissa = 0;
        if (value_scale(&series->values[i], exponent, &mantissa)) {
            /* Exceptions at the start take the first regular value that follows. */
            for (uint32_t j = 0; !any && j < i; j++)
                mantissas[j] = mantissa;
            any = true;
            before = mantissa;
        } else {
            scaling->exceptions[scaling->exception_count++] = (uint16_t)i;
        }
        mantissas[i] = before;
    }
}

/* --- presence ----------------------------------------------------------------------------- */

/* The rows at which presence changes. Returns their number. */
static uint32_t toggles_of(const struct series *series, int64_t *toggles)
{
    uint32_t count = 0;
    uint32_t run_end = 0; /* behind the present rows so far */
    for (uint32_t i = 0; i < series->count; i++) {
        const uint32_t row = series->rows[i];
        if (i == 0) {
            toggles[count++] = row;
        } else if (row != run_end) {
            toggles[count++] = run_end;
            toggles[count++] = row;
        }
        run_end = row + 1;
    }
    if (run_end < series->rows_total)
        toggles[count++] = run_end;
    return count;
}

static enum status bitmap_put(const struct series *series, struct buffer *out)
{
    const size_t bytes_len = (series->rows_total + 7) / 8;
    TRY(buffer_reserve(out, bytes_len));
    uint8_t *const bitmap = out->data + out->len;
    memset(bitmap, 0, bytes_len);
    for (uint32_t i = 0; i < series->count; i++)
        bitmap[series->rows[i] / 8] |= (uint8_t)(1u << series->rows[i] % 8);
    out->len += bytes_len;
    return STATUS_OK;
}

/* Appends the presence in its smallest form. */
static enum status presence_encode(const struct series *series, struct buffer *out,
                                   enum presence_form *form)
{
    *form = PRESENCE_ALL;
    if (series->count == series->rows_total)
        return STATUS_OK;

    int64_t places[BLOCK_ROWS_MAX + 1];
    uint32_t count = toggles_of(series, places);
    *form = PRESENCE_TOGGLES;
    if (series->count <= count) {
        for (uint32_t i = 0; i < series->count; i++)
            places[i] = series->rows[i];
        count = series->count;
        *form = PRESENCE_LIST;
    }
    const size_t start = out->len;
    TRY(buffer_reserve(out, VARINT_BYTES_MAX));
    buffer_put_varint(out, count);
    TRY(codec_encode(places, count, out));
    if (out->len - start <= (series->rows_total + 7) / 8)
        return STATUS_OK;
    out->len = start;
    *form = PRESENCE_BITMAP;
    return bitmap_put(series, out);
}

/* --- body --------------------------------------------------------------------------------- */

static enum status exceptions_encode(const struct series *series, const struct scaling *scaling,
                                     struct buffer *out)
{
    const size_t bytes_max = (size_t)scaling->exception_count * EXCEPTION_BYTES_MAX;
    TRY(buffer_reserve(out, VARINT_BYTES_MAX + bytes_max));
    buffer_put_varint(out, scaling->exception_count);
    uint32_t next_place = 0;
    for (uint32_t i = 0; i < scaling->exception_count; i++) {
        const uint32_t place = scaling->exceptions[i];
        const struct number *value = &series->values[place];
        const bool real = value->kind == NUMBER_REAL;
        buffer_put_varint(out, (uint64_t)(place - next_place) << 1 | real);
        if (real) {
            buffer_put_bytes(out, &value->real, sizeof value->real);
        } else {
            buffer_put_u8(out, (uint8_t)value->exponent);
            buffer_put_signed_varint(out, value->mantissa);
        }
        next_place = place + 1;
    }
    return STATUS_OK;
}

static enum status body_encode(const struct series *series, const struct scaling *scaling,
                               const int64_t *mantissas, struct buffer *out)
{
    const size_t flags_place = out->len;
    TRY(buffer_reserve(out, 2));
    const int biased = scaling->exponent + EXPONENT_BIAS;
    const bool escaped = biased < 0 || biased >= (int)EXPONENT_ESCAPE;
    unsigned flags = (escaped ? EXPONENT_ESCAPE : (unsigned)biased) << COLUMN_EXPONENT_SHIFT;
    flags |= scaling->exception_count > 0 ? COLUMN_EXCEPTIONS : 0;
    buffer_put_u8(out, 0);
    if (escaped)
        buffer_put_u8(out, (uint8_t)scaling->exponent);

    enum presence_form form = PRESENCE_ALL;
    TRY(presence_encode(series, out, &form));
    TRY(codec_encode(mantissas, series->count, out));
    if (scaling->exception_count > 0)
        TRY(exceptions_encode(series, scaling, out));
    out->data[flags_place] = (uint8_t)(flags | (unsigned)form);
    return STATUS_OK;
}

/* Keeps the smaller of [start, middle) and [middle, end). True if it is the second. */
static bool keep_smaller(struct buffer *out, size_t start, size_t middle)
{
    const size_t second_len = out->len - middle;
    if (middle - start <= second_len) {
        out->len = middle;
        return false;
    }
    memmove(out->data + start, out->data + middle, second_len);
    out->len = start + second_len;
    return true;
}

enum status series_encode(const struct series *series, struct buffer *out, int64_t *mantissas,
                          int *exponent, bool *exact)
{
    assert(series->count >= 1 && series->count <= series->rows_total);

    struct exponent_counts counts;
    exponents_count(series, &counts);
    const bool any = counts.lowest <= counts.highest;
    const int first = any ? exponent_estimate(&counts, series->count) : 0;

    const size_t start = out->len;
    struct scaling scaling;
    series_scale(series, first, &scaling, mantissas);
    TRY(body_encode(series, &scaling, mantissas, out));
    if (any && first != counts.lowest) {
        const size_t middle = out->len;
        series_scale(series, counts.lowest, &scaling, mantissas);
        TRY(body_encode(series, &scaling, mantissas, out));
        if (!keep_smaller(out, start, middle))
            series_scale(series, first, &scaling, mantissas);
    }
    *exponent = scaling.exponent;
    *exact = scaling.exception_count == 0;
    return STATUS_OK;
}

/* --- plain series ------------------------------------------------------------------------- */

struct exponent_range {
    int lowest;
    int highest;
};

HOT_CLONES static struct exponent_range exponents_of(const int8_t *exponents, uint32_t count)
{
    int8_t lowest = exponents[0];
    int8_t highest = exponents[0];
    for (uint32_t i = 1; i < count; i++) {
        const int8_t exponent = exponents[i];
        if (exponent < lowest)
            lowest = exponent;
        if (exponent > highest)
            highest = exponent;
    }
    return (struct exponent_range){.lowest = lowest, .highest = highest};
}

struct totals {
    int64_t min;
    int64_t max;
    uint64_t sum; /* modulo 2^64 */
};

HOT_CLONES static struct totals totals_of(const int64_t *values, uint32_t count)
{
    struct totals totals = {.min = values[0], .max = values[0]};
    for (uint32_t i = 0; i < count; i++) {
        totals.min = values[i] < totals.min ? values[i] : totals.min;
        totals.max = values[i] > totals.max ? values[i] : totals.max;
        totals.sum += (uint64_t)values[i];
    }
    return totals;
}

static i128 exact_sum(const struct totals *totals, const int64_t *values, uint32_t count)
{
    const int64_t limit = INT64_MAX / (int64_t)BLOCK_ROWS_MAX;
    if (totals->min > -limit && totals->max < limit)
        return (int64_t)totals->sum;
    i128 sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

/* How many values need the lowest exponent; those that are 0 need none. */
HOT_CLONES static uint32_t count_lowest(const struct plain_series *series, int lowest)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < series->count; i++)
        found += (series->exponents[i] == lowest) & (series->mantissas[i] != 0);
    return found;
}

HOT_CLONES static void scale_up(const struct plain_series *series, int lowest,
                                const int64_t *restrict powers, int64_t *restrict scaled)
{
    for (uint32_t i = 0; i < series->count; i++)
        scaled[i] = series->mantissas[i] * powers[series->exponents[i] - lowest];
}

/*
 * Brings all values to the lowest exponent; false if that is not surely the best one (see
 * exponent_estimate), if it is that of a 0 only, or if a value may have too many digits there.
 */
static bool plain_series_scale(const struct plain_series *series, struct exponent_range range,
                               int64_t *scaled)
{
    const int digits = range.highest - range.lowest;
    const uint32_t lowest_count = count_lowest(series, range.lowest);
    if (digits >= SCALE_DIGITS_MAX || lowest_count == 0 ||
        EXCEPTION_BITS * lowest_count < BITS_PER_DIGIT * digits * series->count)
        return false;
    const struct totals totals = totals_of(series->mantissas, series->count);
    const int64_t limit = power_of_ten(SCALE_DIGITS_MAX - digits);
    if (totals.min <= -limit || totals.max >= limit)
        return false;
    int64_t powers[SCALE_DIGITS_MAX] = {1};
    for (int i = 0; i <= digits; i++)
        powers[i] = power_of_ten(i);
    scale_up(series, range.lowest, powers, scaled);
    return true;
}

enum status plain_series_encode(const struct plain_series *plain, struct buffer *out,
                                int64_t *scratch, struct column_summary *summary, bool *done)
{
    const struct exponent_range range = exponents_of(plain->exponents, plain->count);
    const int64_t *values = plain->mantissas;
    *done = false;
    if (range.lowest != range.highest) {
        if (!plain_series_scale(plain, range, scratch))
            return STATUS_OK;
        values = scratch;
    }
    *done = true;
    const struct totals totals = totals_of(values, plain->count);
    summary->count = plain->count;
    summary->has_sum = true;
    summary->sum_exponent = (int16_t)range.lowest;
    summary->sum = wide_of(exact_sum(&totals, values, plain->count));
    const bool valid = number_from_scaled(totals.min, range.lowest, &summary->min) &&
                       number_from_scaled(totals.max, range.lowest, &summary->max);
    assert(valid);
    (void)valid;

    const struct series series = {.count = plain->count, .rows_total = plain->count};
    struct scaling scaling;
    scaling.exponent = range.lowest;
    scaling.exception_count = 0;
    return body_encode(&series, &scaling, values, out);
}
