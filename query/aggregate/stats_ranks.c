/*
 * stats_ranks.c - which blocks percentiles have to look into.
 *
 *      blocks     |--a--|                        every block: least, greatest, count
 *                    |----b----|
 *                          |--c--|
 *      bracket          [low  high]              b and c are decoded, a is counted as below
 *
 * The value of a rank is at least what it would be if every value were its block's least, and at
 * most what it would be if every value were its block's greatest. Blocks beyond that bracket are
 * counted; a second scan decodes the others.
 *
 * Bounds are keys that order as doubles do. Rounding to a double keeps the order of decimals, so
 * that what is below as a double is below.
 */
#include "query/aggregate/stats_internal.h"

#include "engine/base/mem.h"
#include "query/view/view.h"

#include <string.h>

#define KEY_BITS   64u
#define DIGIT_BITS 8u
#define DIGITS     256u

/* The values of one column in one block, or in one run of rows. */
struct rank_sample {
    uint64_t low, high; /* keys */
    uint64_t count;
};

struct rank_samples {
    struct rank_sample *items; /* owned */
    size_t count, capacity;
};

/* What one thread gathers; by place of the metric. */
struct rank_survey {
    const struct stats *stats;
    struct rank_samples *by_place; /* owned */
};

struct rank_surveys {
    struct rank_survey *all; /* owned */
    struct scan_visitor *visitors;
    uint32_t count;
};

static uint64_t key_of(struct number number)
{
    const double real = number_to_double(number);
    uint64_t bits = 0;
    memcpy(&bits, &real, sizeof bits);
    const uint64_t sign = UINT64_C(1) << (KEY_BITS - 1);
    return (bits & sign) != 0 ? ~bits : bits | sign;
}

bool stats_wants_brackets(const struct stats *stats)
{
    const struct accumulator_needs *needs = &stats->needs;
    const bool rows_too = needs->times || needs->squares || needs->twa;
    return needs->values && !rows_too && !stats->spec->every && stats->spec->by == STATS_BY_NONE;
}

/* --- the survey ---------------------------------------------------------------------------- */

static enum status add_sample(struct rank_survey *survey, size_t place, struct rank_sample sample)
{
    struct rank_samples *samples = &survey->by_place[place];
    TRY(mem_grow(&samples->items, &samples->capacity, samples->count + 1, sizeof *samples->items));
    samples->items[samples->count++] = sample;
    return STATUS_OK;
}

static enum status survey_summary(void *context, const struct block_summary *summary, bool *taken)
{
    struct rank_survey *survey = context;
    size_t next = 0;
    *taken = true;
    for (uint32_t i = 0; i < summary->column_count; i++) {
        const struct column_summary *column = &summary->columns[i];
        size_t place = 0;
        if (!stats_find_place(survey->stats, column->metric, &next, &place) || column->count == 0)
            continue;
        const struct rank_sample sample = {
            .low = key_of(column->min), .high = key_of(column->max), .count = column->count};
        TRY(add_sample(survey, place, sample));
    }
    return STATUS_OK;
}

static struct rank_sample sample_of(const struct column_vector *column, uint32_t from_row,
                                    uint32_t until_row)
{
    struct rank_sample sample = {.low = UINT64_MAX};
    for (uint32_t row = from_row; row < until_row; row++) {
        const struct number value = column_vector_get(column, row);
        if (value.kind == NUMBER_NULL)
            continue;
        const uint64_t key = key_of(value);
        sample.low = key < sample.low ? key : sample.low;
        sample.high = key > sample.high ? key : sample.high;
        sample.count++;
    }
    return sample;
}

static enum status survey_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                               uint32_t until_row)
{
    struct rank_survey *survey = context;
    size_t next = 0;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        size_t place = 0;
        if (!stats_find_place(survey->stats, rows->columns[i].metric, &next, &place))
            continue;
        const struct rank_sample sample = sample_of(&rows->columns[i], from_row, until_row);
        if (sample.count > 0)
            TRY(add_sample(survey, place, sample));
    }
    return STATUS_OK;
}

static void surveys_release(struct rank_surveys *surveys)
{
    for (uint32_t i = 0; i < surveys->count; i++) {
        const struct rank_survey *survey = &surveys->all[i];
        for (size_t place = 0; survey->by_place && place < survey->stats->name_count; place++)
            mem_free(survey->by_place[place].items);
        mem_free(survey->by_place);
    }
    mem_free(surveys->all);
    mem_free(surveys->visitors);
}

static enum status surveys_init(struct rank_surveys *surveys, const struct stats *stats,
                                uint32_t count)
{
    surveys->all = mem_alloc(count, sizeof *surveys->all);
    surveys->visitors = mem_alloc(count, sizeof *surveys->visitors);
    if (!surveys->all || !surveys->visitors)
        return STATUS_NOMEM;
    for (; surveys->count < count; surveys->count++) {
        struct rank_survey *survey = &surveys->all[surveys->count];
        *survey = (struct rank_survey){
            .stats = stats,
            .by_place = mem_alloc_zeroed(stats->name_count, sizeof *survey->by_place)};
        surveys->visitors[surveys->count] = (struct scan_visitor){
            .context = survey, .summary = survey_summary, .rows = survey_rows};
        if (!survey->by_place)
            return STATUS_NOMEM;
    }
    return STATUS_OK;
}

/* Puts what all threads gathered of a metric into the samples of the first. */
static enum status join_samples(struct rank_surveys *surveys, size_t place)
{
    struct rank_samples *into = &surveys->all[0].by_place[place];
    for (uint32_t i = 1; i < surveys->count; i++) {
        const struct rank_samples *from = &surveys->all[i].by_place[place];
        if (from->count == 0)
            continue;
        TRY(mem_grow(&into->items, &into->capacity, into->count + from->count,
                     sizeof *into->items));
        memcpy(into->items + into->count, from->items, from->count * sizeof *from->items);
        into->count += from->count;
    }
    return STATUS_OK;
}

/* --- from the survey to brackets ----------------------------------------------------------- */

/* The key at a rank if all values were their block's greatest, or least: digit by digit. */
static uint64_t key_at(const struct rank_samples *samples, bool greatest, uint64_t rank)
{
    uint64_t known = 0; // digits found so far
    uint64_t mask = 0;
    for (unsigned shift = KEY_BITS; shift > 0;) {
        shift -= DIGIT_BITS;
        uint64_t counts[DIGITS] = {0};
        for (size_t i = 0; i < samples->count; i++) {
            const struct rank_sample *sample = &samples->items[i];
            const uint64_t key = greatest ? sample->high : sample->low;
            if ((key & mask) == known)
                counts[(key >> shift) % DIGITS] += sample->count;
        }
        uint64_t digit = 0;
        while (digit + 1 < DIGITS && rank >= counts[digit])
            rank -= counts[digit++];
        known |= digit << shift;
        mask |= (uint64_t)(DIGITS - 1) << shift;
    }
    return known;
}

/* One bracket around all percentiles that are asked for. */
static struct rank_bracket bracket_of(const struct stats *stats, const struct rank_samples *samples)
{
    struct rank_bracket bracket = {.low = UINT64_MAX};
    const struct aggregate_list *aggregates = stats->spec->aggregates;
    uint64_t count = 0;
    for (size_t i = 0; i < samples->count; i++)
        count += samples->items[i].count;
    for (size_t i = 0; i < aggregates->count && count > 0; i++) {
        const struct aggregate *aggregate = &aggregates->items[i];
        const bool ranked =
            aggregate->kind == AGGREGATE_MEDIAN || aggregate->kind == AGGREGATE_PERCENTILE;
        uint64_t rank = 0;
        struct exact_fraction fraction = {0};
        if (!ranked || !exact_percentile_rank(count, aggregate->percent, &rank, &fraction))
            continue;
        const uint64_t low = key_at(samples, false, rank);
        const uint64_t high = key_at(samples, true, rank + (fraction.numerator != 0));
        bracket.low = low < bracket.low ? low : bracket.low;
        bracket.high = high > bracket.high ? high : bracket.high;
    }
    return bracket;
}

enum status stats_find_brackets(struct stats *stats, const struct scan_spec *scan,
                                uint32_t thread_count, struct error *err)
{
    OWNED(surveys_release) struct rank_surveys surveys = {0};
    struct scan_statistics unsaid = {0}; // blocks count when their values are used
    stats->brackets = mem_alloc_zeroed(stats->name_count, sizeof *stats->brackets);
    if (!stats->brackets || surveys_init(&surveys, stats, thread_count) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for percentiles");
    const struct view_visitors visitors = {.all = surveys.visitors, .count = surveys.count};
    TRY(view_scan_shared(stats->spec->selection->view, stats->snapshot, scan, &visitors, &unsaid,
                         err));
    for (size_t place = 0; place < stats->name_count; place++) {
        if (join_samples(&surveys, place) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for percentiles");
        stats->brackets[place] = bracket_of(stats, &surveys.all[0].by_place[place]);
    }
    return STATUS_OK;
}

enum rank_side stats_side(const struct rank_bracket *bracket, const struct column_summary *column)
{
    if (column->count == 0 || key_of(column->max) < bracket->low)
        return RANK_BELOW;
    return key_of(column->min) > bracket->high ? RANK_ABOVE : RANK_WITHIN;
}
