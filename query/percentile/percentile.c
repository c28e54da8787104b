/*
 * percentile.c - counting where the range is small, radix sort where it is not.
 *
 * (1) Every value added is in exactly one place: a counter, a list, or the others. After a merge
 *     of pools a list may hold values that have counters, and two series one exponent.
 * (2) A series turns to counting when it holds COUNTING_MIN values or more and their
 *     range is at most COUNTERS_PER_VALUE times their number. Values that come later
 *     and lie outside gather in the list, and the counters are made anew, wider, when
 *     those have become as many again and it still pays.
 * (3) With one series, a rank is found by walking its counters and its list side by
 *     side; several series and the others are merged by exact comparison.
 */
#include "query/percentile/percentile.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COUNTING_MIN       ((size_t)4096)
#define COUNTERS_PER_VALUE ((uint64_t)4)
#define COUNTERS_MAX       ((uint64_t)1 << 22) /* 32 MiB */
#define INSERTION_MAX      ((size_t)32)
#define RADIX              ((size_t)256)
#define COUNT_PLACES       ((size_t)4)

static uint64_t distance(int64_t low, int64_t high)
{
    assert(low <= high);
    return (uint64_t)high - (uint64_t)low;
}

/* --- sorting -------------------------------------------------------------------------------- */

static void insertion_sort(int64_t *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const int64_t value = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

static void find_range(const int64_t *values, size_t count, int64_t *low, int64_t *high)
{
    *low = values[0];
    *high = values[0];
    for (size_t i = 1; i < count; i++) {
        *low = values[i] < *low ? values[i] : *low;
        *high = values[i] > *high ? values[i] : *high;
    }
}

/* One pass: `from` into `to`, stably by one byte of the distance from `low`. */
static void radix_pass(const int64_t *from, int64_t *to, size_t count, int64_t low, unsigned shift)
{
    size_t starts[RADIX] = {0};
    for (size_t i = 0; i < count; i++)
        starts[(distance(low, from[i]) >> shift) % RADIX]++;
    size_t start = 0;
    for (size_t digit = 0; digit < RADIX; digit++) {
        const size_t digit_count = starts[digit];
        starts[digit] = start;
        start += digit_count;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[(distance(low, from[i]) >> shift) % RADIX]++] = from[i];
}

/* As many passes as the range has bytes. */
static enum status sort_values(int64_t *values, size_t count)
{
    if (count <= INSERTION_MAX) {
        insertion_sort(values, count);
        return STATUS_OK;
    }
    OWNED(mem_free_owned) int64_t *spare = mem_alloc(count, sizeof *spare);
    if (!spare)
        return STATUS_NOMEM;
    int64_t low = 0;
    int64_t high = 0;
    find_range(values, count, &low, &high);
    int64_t *from = values;
    int64_t *to = spare;
    unsigned shift = 0;
    for (uint64_t range = distance(low, high); range > 0; range >>= 8, shift += 8) {
        radix_pass(from, to, count, low, shift);
        int64_t *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != values)
        memcpy(values, from, count * sizeof *values);
    return STATUS_OK;
}

/* --- adding -------------------------------------------------------------------------------- */

static enum status find_series(struct value_pool *pool, int exponent, struct value_series **series)
{
    for (size_t i = 0; i < pool->series_count; i++) {
        if (pool->series[i].exponent == exponent) {
            *series = &pool->series[i];
            return STATUS_OK;
        }
    }
    TRY(mem_grow(&pool->series, &pool->series_capacity, pool->series_count + 1,
                 sizeof *pool->series));
    *series = &pool->series[pool->series_count++];
    **series = (struct value_series){.exponent = (int16_t)exponent, .look_at_count = COUNTING_MIN};
    return STATUS_OK;
}

static uint64_t counted_values(const struct value_series *series)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < series->counter_len; i++)
        sum += series->counters[i];
    return sum;
}

/* Moves all values of the list into counters wide enough for old and new. */
static enum status count_values(struct value_series *series, int64_t low, uint64_t range)
{
    const size_t len = (size_t)range + 1;
    uint64_t *counters = mem_alloc_zeroed(len, sizeof *counters);
    if (!counters)
        return STATUS_NOMEM;
    if (series->counters)
        memcpy(counters + distance(low, series->counter_low), series->counters,
               series->counter_len * sizeof *counters);
    for (size_t i = 0; i < series->value_count; i++)
        counters[distance(low, series->values[i])]++;
    mem_free(series->counters);
    series->counters = counters;
    series->counter_low = low;
    series->counter_len = len;
    series->value_count = 0;
    return STATUS_OK;
}

/* Looks whether counting pays for what is in the list. */
static enum status consider_counting(struct value_series *series)
{
    int64_t low = 0;
    int64_t high = 0;
    find_range(series->values, series->value_count, &low, &high);
    uint64_t total = series->value_count;
    if (series->counters) {
        const int64_t counter_high = series->counter_low + (int64_t)series->counter_len - 1;
        low = series->counter_low < low ? series->counter_low : low;
        high = counter_high > high ? counter_high : high;
        total += counted_values(series);
    }
    const uint64_t range = distance(low, high);
    if (range < COUNTERS_MAX && range / COUNTERS_PER_VALUE <= total)
        TRY(count_values(series, low, range));
    series->look_at_count = series->value_count > 0 ? 2 * series->value_count : COUNTING_MIN;
    return STATUS_OK;
}

/*
 * Counts a value that has a counter; another goes to the list at `outside`, whose next place is
 * returned.
 */
static inline int64_t *count_value(const struct value_series *series, int64_t mantissa,
                                   int64_t *outside)
{
    const uint64_t place = (uint64_t)mantissa - (uint64_t)series->counter_low;
    if (__builtin_expect(place < series->counter_len, 1))
        series->counters[place]++;
    else
        *outside++ = mantissa;
    return outside;
}

/*
 * Counts a run; the list has room. Neighbours are often equal or nearly so, and one counter's next
 * step waits for its last: COUNT_PLACES places of the run in turns keep such steps apart.
 */
static void count_run(struct value_series *series, const int64_t *mantissas, size_t count)
{
    const struct value_series counted = *series; /* a copy, so that writing cannot change it */
    int64_t *outside = series->values + series->value_count;
    const size_t share = count / COUNT_PLACES;
    for (size_t i = 0; i < share; i++) {
        for (size_t place = 0; place < COUNT_PLACES; place++)
            outside = count_value(&counted, mantissas[place * share + i], outside);
    }
    for (size_t i = COUNT_PLACES * share; i < count; i++)
        outside = count_value(&counted, mantissas[i], outside);
    series->value_count = (size_t)(outside - series->values);
}

enum status value_pool_add_run(struct value_pool *pool, const int64_t *mantissas, size_t count,
                               int exponent)
{
    assert(!pool->sorted);
    if (count == 0)
        return STATUS_OK;
    struct value_series *series = NULL;
    TRY(find_series(pool, exponent, &series));
    TRY(mem_grow(&series->values, &series->value_capacity, series->value_count + count,
                 sizeof *series->values));
    if (series->counters) {
        count_run(series, mantissas, count);
    } else {
        memcpy(series->values + series->value_count, mantissas, count * sizeof *mantissas);
        series->value_count += count;
    }
    pool->count += count;
    return series->value_count >= series->look_at_count ? consider_counting(series) : STATUS_OK;
}

enum status value_pool_add(struct value_pool *pool, struct number number)
{
    assert(number.kind != NUMBER_NULL);
    if (number.kind == NUMBER_DECIMAL)
        return value_pool_add_run(pool, &number.mantissa, 1, number.exponent);
    assert(!pool->sorted);
    TRY(mem_grow(&pool->others, &pool->other_capacity, pool->other_count + 1,
                 sizeof *pool->others));
    pool->others[pool->other_count++] = number;
    pool->count++;
    return STATUS_OK;
}

void value_pool_add_unseen(struct value_pool *pool, uint64_t count, bool below)
{
    assert(!pool->sorted);
    pool->count += count;
    pool->unseen += count;
    pool->below += below ? count : 0;
}

/* --- merging -------------------------------------------------------------------------------- */

/* Widens the counters of a series to hold those of another, if that is no more than may be. */
static enum status widen_counters(struct value_series *series, const struct value_series *other,
                                  bool *fits)
{
    const int64_t high = series->counter_low + (int64_t)series->counter_len - 1;
    const int64_t other_high = other->counter_low + (int64_t)other->counter_len - 1;
    const int64_t low =
        series->counter_low < other->counter_low ? series->counter_low : other->counter_low;
    const uint64_t range = distance(low, high > other_high ? high : other_high);
    *fits = range < COUNTERS_MAX;
    if (!*fits || range + 1 == series->counter_len)
        return STATUS_OK;
    uint64_t *counters = mem_alloc_zeroed((size_t)range + 1, sizeof *counters);
    if (!counters)
        return STATUS_NOMEM;
    memcpy(counters + distance(low, series->counter_low), series->counters,
           series->counter_len * sizeof *counters);
    mem_free(series->counters);
    series->counters = counters;
    series->counter_low = low;
    series->counter_len = (size_t)range + 1;
    return STATUS_OK;
}

static void add_counters(struct value_series *series, const struct value_series *other)
{
    uint64_t *const counters = series->counters + distance(series->counter_low, other->counter_low);
    for (size_t i = 0; i < other->counter_len; i++)
        counters[i] += other->counters[i];
}

/* Makes a series the pool's own, whatever others of its exponent there are. */
static enum status move_series(struct value_pool *pool, struct value_series *from)
{
    TRY(mem_grow(&pool->series, &pool->series_capacity, pool->series_count + 1,
                 sizeof *pool->series));
    pool->series[pool->series_count++] = *from;
    *from = (struct value_series){0};
    return STATUS_OK;
}

static enum status merge_series(struct value_pool *pool, struct value_series *from)
{
    struct value_series *series = NULL;
    for (size_t i = 0; i < pool->series_count && !series; i++) {
        if (pool->series[i].exponent == from->exponent)
            series = &pool->series[i];
    }
    if (!series)
        return move_series(pool, from);
    if (from->counters && !series->counters) {
        series->counters = from->counters;
        series->counter_low = from->counter_low;
        series->counter_len = from->counter_len;
        from->counters = NULL;
    } else if (from->counters) {
        bool fits = false;
        TRY(widen_counters(series, from, &fits));
        if (!fits)
            return move_series(pool, from);
        add_counters(series, from);
    }
    TRY(mem_grow(&series->values, &series->value_capacity, series->value_count + from->value_count,
                 sizeof *series->values));
    if (from->value_count > 0)
        memcpy(series->values + series->value_count, from->values,
               from->value_count * sizeof *from->values);
    series->value_count += from->value_count;
    return STATUS_OK;
}

enum status value_pool_merge(struct value_pool *pool, struct value_pool *from)
{
    assert(!pool->sorted && !from->sorted);
    for (size_t i = 0; i < from->series_count; i++)
        TRY(merge_series(pool, &from->series[i]));
    TRY(mem_grow(&pool->others, &pool->other_capacity, pool->other_count + from->other_count,
                 sizeof *pool->others));
    if (from->other_count > 0)
        memcpy(pool->others + pool->other_count, from->others,
               from->other_count * sizeof *from->others);
    pool->other_count += from->other_count;
    pool->count += from->count;
    pool->unseen += from->unseen;
    pool->below += from->below;
    value_pool_release(from);
    return STATUS_OK;
}

void value_pool_release(struct value_pool *pool)
{
    for (size_t i = 0; i < pool->series_count; i++) {
        mem_free(pool->series[i].values);
        mem_free(pool->series[i].counters);
    }
    mem_free(pool->series);
    mem_free(pool->others);
    *pool = (struct value_pool){0};
}

/* --- ranks --------------------------------------------------------------------------------- */

static int compare_numbers(const void *left, const void *right)
{
    return number_compare(*(const struct number *)left, *(const struct number *)right);
}

static enum status sort_pool(struct value_pool *pool)
{
    for (size_t i = 0; i < pool->series_count; i++)
        TRY(sort_values(pool->series[i].values, pool->series[i].value_count));
    if (pool->other_count > 0)
        qsort(pool->others, pool->other_count, sizeof *pool->others, compare_numbers);
    pool->sorted = true;
    return STATUS_OK;
}

/* A walk over the values of a series in ascending order, equal ones together. */
struct series_walk {
    const struct value_series *series;
    size_t next_value;
    size_t next_counter;
    int64_t mantissa; /* the value at hand */
    uint64_t count;   /* how often it occurs; 0: the walk is over */
};

static void walk_next(struct series_walk *walk)
{
    const struct value_series *series = walk->series;
    while (walk->next_counter < series->counter_len && series->counters[walk->next_counter] == 0)
        walk->next_counter++;
    const bool has_counter = walk->next_counter < series->counter_len;
    const bool has_value = walk->next_value < series->value_count;
    const int64_t counted = series->counter_low + (int64_t)walk->next_counter;
    walk->count = 0;
    if (has_counter && (!has_value || counted <= series->values[walk->next_value])) {
        walk->mantissa = counted;
        walk->count = series->counters[walk->next_counter++];
    } else if (has_value) {
        walk->mantissa = series->values[walk->next_value++];
        walk->count = 1;
    }
}

static struct series_walk walk_begin(const struct value_series *series)
{
    struct series_walk walk = {.series = series};
    walk_next(&walk);
    return walk;
}

static struct number walk_number(const struct series_walk *walk)
{
    return number_from_sealed(walk->mantissa, walk->series->exponent);
}

static struct number rank_in_series(const struct value_series *series, uint64_t rank)
{
    if (series->counter_len == 0)
        return number_from_sealed(series->values[rank], series->exponent);
    struct series_walk walk = walk_begin(series);
    while (rank >= walk.count) {
        rank -= walk.count;
        walk_next(&walk);
        assert(walk.count > 0);
    }
    return walk_number(&walk);
}

/* The walk with the least value at hand; NULL if all are over. */
static struct series_walk *least_walk(struct series_walk *walks, size_t count)
{
    struct series_walk *least = NULL;
    for (size_t i = 0; i < count; i++) {
        if (walks[i].count == 0)
            continue;
        if (!least || number_compare(walk_number(&walks[i]), walk_number(least)) < 0)
            least = &walks[i];
    }
    return least;
}

static enum status rank_in_all(const struct value_pool *pool, uint64_t rank, struct number *number)
{
    OWNED(mem_free_owned)
    struct series_walk *walks = mem_alloc(pool->series_count, sizeof *walks);
    if (!walks)
        return STATUS_NOMEM;
    for (size_t i = 0; i < pool->series_count; i++)
        walks[i] = walk_begin(&pool->series[i]);
    size_t next_other = 0;
    for (;;) {
        struct series_walk *least = least_walk(walks, pool->series_count);
        const bool has_other = next_other < pool->other_count;
        assert(least || has_other);
        uint64_t count = 1;
        if (!least ||
            (has_other && number_compare(pool->others[next_other], walk_number(least)) < 0)) {
            *number = pool->others[next_other++];
        } else {
            *number = walk_number(least);
            count = least->count;
            walk_next(least);
        }
        if (rank < count)
            return STATUS_OK;
        rank -= count;
    }
}

enum status value_pool_at(struct value_pool *pool, uint64_t rank, struct number *number)
{
    assert(rank < pool->count);
    if (rank < pool->below || rank - pool->below >= pool->count - pool->unseen)
        return STATUS_CORRUPT;
    const uint64_t seen_rank = rank - pool->below;
    if (!pool->sorted)
        TRY(sort_pool(pool));
    if (pool->series_count != 1 || pool->other_count > 0)
        return rank_in_all(pool, seen_rank, number);
    *number = rank_in_series(&pool->series[0], seen_rank);
    return STATUS_OK;
}
