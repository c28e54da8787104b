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
 *
 * Where blocks span devices, most of them reach into such a bracket. Then all values of a few
 * devices tell about where the ranks lie, and the bracket is narrowed to that. This is a guess: if
 * a rank turns out to lie beyond it, the scan is done again with the bracket that is sure.
 */
#include "query/aggregate/stats_internal.h"

#include "engine/base/mem.h"
#include "query/view/view.h"

#include <math.h>
#include <string.h>

#define KEY_BITS   64u
#define DIGIT_BITS 8u
#define DIGITS     256u

#define SAMPLE_BLOCKS_MIN  4096u /* undecided blocks, from which on a guess is worth it */
#define SAMPLE_DEVICES_MIN 1000u /* fewer tell too little */
#define SAMPLE_SHARE       32u   /* one device of so many */
#define SAMPLE_RUN_MAX     256u  /* neighbours that are taken together: they share blocks */
#define SAMPLE_RUNS_MIN    8u
#define SAMPLE_ROW_STEP    8u  /* a device's rows are much alike */
#define SAMPLE_DEVIATIONS  3.0 /* each side of the guess */

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
    uint32_t skip;                 /* rows before the next one of a sample */
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
                                const struct scan_visitor *visitor, uint32_t count)
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
        surveys->visitors[surveys->count] = *visitor;
        surveys->visitors[surveys->count].context = survey;
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

static bool is_ranked(const struct aggregate *aggregate)
{
    return aggregate->kind == AGGREGATE_MEDIAN || aggregate->kind == AGGREGATE_PERCENTILE;
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
        uint64_t rank = 0;
        struct exact_fraction fraction = {0};
        if (!is_ranked(aggregate) ||
            !exact_percentile_rank(count, aggregate->percent, &rank, &fraction))
            continue;
        const uint64_t low = key_at(samples, false, rank);
        const uint64_t high = key_at(samples, true, rank + (fraction.numerator != 0));
        bracket.low = low < bracket.low ? low : bracket.low;
        bracket.high = high > bracket.high ? high : bracket.high;
    }
    return bracket;
}

/* Reads what `visitor` gathers into the samples of the first survey. */
static enum status gather(struct rank_surveys *surveys, const struct stats *stats,
                          const struct rank_scan *scan, const struct scan_visitor *visitor,
                          struct error *err)
{
    struct scan_statistics unsaid = {0}; // blocks count when their values are used
    if (surveys_init(surveys, stats, visitor, scan->thread_count) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for percentiles");
    const struct view_visitors visitors = {.all = surveys->visitors, .count = surveys->count};
    TRY(view_scan_shared(stats->spec->selection->view, stats->snapshot, scan->spec, &visitors,
                         &unsaid, err));
    for (size_t place = 0; place < stats->name_count; place++) {
        if (join_samples(surveys, place) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for percentiles");
    }
    return STATUS_OK;
}

/* --- a guess ------------------------------------------------------------------------------- */

static enum status sample_column(struct rank_survey *survey, size_t place,
                                 const struct column_vector *column, uint32_t from_row,
                                 uint32_t until_row)
{
    for (uint32_t row = from_row; row < until_row; row += SAMPLE_ROW_STEP) {
        const struct number value = column_vector_get(column, row);
        if (value.kind == NUMBER_NULL)
            continue;
        const uint64_t key = key_of(value);
        const struct rank_sample sample = {.low = key, .high = key, .count = 1};
        TRY(add_sample(survey, place, sample));
    }
    return STATUS_OK;
}

static enum status sample_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                               uint32_t until_row)
{
    struct rank_survey *survey = context;
    size_t next = 0;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        size_t place = 0;
        if (stats_find_place(survey->stats, rows->columns[i].metric, &next, &place))
            TRY(sample_column(survey, place, &rows->columns[i], from_row + survey->skip,
                              until_row));
    }
    const uint32_t passed = until_row - from_row;
    survey->skip = (survey->skip + SAMPLE_ROW_STEP - passed % SAMPLE_ROW_STEP) % SAMPLE_ROW_STEP;
    return STATUS_OK;
}

/* Sets the bits of the devices of the sample; returns how many they are. */
static uint32_t choose_devices(const struct stats *stats, const uint64_t *wanted, uint64_t *bits)
{
    const uint32_t devices = snapshot_device_count(stats->snapshot);
    uint32_t run = devices / (SAMPLE_SHARE * SAMPLE_RUNS_MIN);
    run = run < 1 ? 1 : run;
    run = run > SAMPLE_RUN_MAX ? SAMPLE_RUN_MAX : run;
    uint32_t chosen = 0;
    for (uint32_t device = 0; device < devices; device++) {
        if (device / run % SAMPLE_SHARE != 0 || !device_bit(wanted, device))
            continue;
        bits[device / 64] |= UINT64_C(1) << (device % 64);
        chosen++;
    }
    return chosen;
}

/* How many blocks reach into the bracket of the metric that has most of them. */
static uint64_t count_within(const struct stats *stats, const struct rank_surveys *surveys)
{
    uint64_t most = 0;
    for (size_t place = 0; place < stats->name_count; place++) {
        const struct rank_bracket *bracket = &stats->brackets[place];
        const struct rank_samples *samples = &surveys->all[0].by_place[place];
        uint64_t within = 0;
        for (size_t i = 0; i < samples->count; i++)
            within +=
                samples->items[i].high >= bracket->low && samples->items[i].low <= bracket->high;
        most = within > most ? within : most;
    }
    return most;
}

/* Widens `guess` by where a percentile lies, as `devices` of a sample have it. */
static void widen_guess(struct rank_bracket *guess, const struct rank_samples *samples,
                        double percent, uint32_t devices)
{
    const double share = percent / 100.0;
    const double slack = SAMPLE_DEVIATIONS * sqrt(share * (1.0 - share) / devices);
    const double count = (double)samples->count;
    const double low = (share - slack) * count - 1.0;
    const double high = (share + slack) * count + 1.0;
    const uint64_t low_key = low <= 0.0 ? 0 : key_at(samples, false, (uint64_t)low);
    const uint64_t high_key = high >= count ? UINT64_MAX : key_at(samples, false, (uint64_t)high);
    guess->low = low_key < guess->low ? low_key : guess->low;
    guess->high = high_key > guess->high ? high_key : guess->high;
}

/* Cuts the bracket of a metric to what the sample says; true if there is less of it then. */
static bool narrow_bracket(const struct stats *stats, const struct rank_samples *samples,
                           uint32_t devices, struct rank_bracket *bracket)
{
    const struct aggregate_list *aggregates = stats->spec->aggregates;
    struct rank_bracket guess = {.low = UINT64_MAX};
    for (size_t i = 0; i < aggregates->count && samples->count > 0; i++) {
        const struct aggregate *aggregate = &aggregates->items[i];
        uint64_t rank = 0;
        struct exact_fraction fraction = {0};
        if (is_ranked(aggregate) &&
            exact_percentile_rank(samples->count, aggregate->percent, &rank, &fraction))
            widen_guess(&guess, samples, number_to_double(aggregate->percent), devices);
    }
    if (guess.low > guess.high || guess.low > bracket->high || guess.high < bracket->low)
        return false;
    const struct rank_bracket sure = *bracket;
    bracket->low = guess.low > sure.low ? guess.low : sure.low;
    bracket->high = guess.high < sure.high ? guess.high : sure.high;
    return bracket->low > sure.low || bracket->high < sure.high;
}

/* Looks at all values of some devices, if they are enough to tell about the others. */
static enum status guess_brackets(struct stats *stats, const struct rank_scan *scan, bool *guessed,
                                  struct error *err)
{
    OWNED(surveys_release) struct rank_surveys surveys = {0};
    const uint32_t device_count = snapshot_device_count(stats->snapshot);
    OWNED(mem_free_owned)
    uint64_t *bits = mem_alloc_zeroed((size_t)device_count / 64 + 1, sizeof *bits);
    if (!bits)
        return error_set(err, STATUS_NOMEM, "no memory for percentiles");
    const uint32_t devices = choose_devices(stats, scan->spec->device_bits, bits);
    if (devices < 1 || (stats->spec->guess_blocks == 0 && devices < SAMPLE_DEVICES_MIN))
        return STATUS_OK;
    struct scan_spec spec = *scan->spec;
    spec.device_bits = bits;
    const struct rank_scan sample = {.spec = &spec, .thread_count = scan->thread_count};
    const struct scan_visitor visitor = {.rows = sample_rows};
    TRY(gather(&surveys, stats, &sample, &visitor, err));
    for (size_t place = 0; place < stats->name_count; place++)
        *guessed |= narrow_bracket(stats, &surveys.all[0].by_place[place], devices,
                                   &stats->brackets[place]);
    return STATUS_OK;
}

enum status stats_find_brackets(struct stats *stats, const struct rank_scan *scan, bool may_guess,
                                bool *guessed, struct error *err)
{
    OWNED(surveys_release) struct rank_surveys surveys = {0};
    const struct scan_visitor visitor = {.summary = survey_summary, .rows = survey_rows};
    *guessed = false;
    if (!stats->brackets)
        stats->brackets = mem_alloc_zeroed(stats->name_count, sizeof *stats->brackets);
    if (!stats->brackets)
        return error_set(err, STATUS_NOMEM, "no memory for percentiles");
    TRY(gather(&surveys, stats, scan, &visitor, err));
    for (size_t place = 0; place < stats->name_count; place++)
        stats->brackets[place] = bracket_of(stats, &surveys.all[0].by_place[place]);
    const uint32_t asked = stats->spec->guess_blocks;
    if (!may_guess || count_within(stats, &surveys) < (asked > 0 ? asked : SAMPLE_BLOCKS_MIN))
        return STATUS_OK;
    return guess_brackets(stats, scan, guessed, err);
}

/*
 * Whether the value at a rank is one that was seen, and lies in the bracket: only then all that was
 * counted below, or above, is so. Values beside the bracket are seen, too, if they share a block
 * with some in it; what stands between them was not.
 */
static enum status is_rank_within(struct value_pool *values, uint64_t rank,
                                  const struct rank_bracket *bracket, bool *within)
{
    *within = false;
    if (rank < values->below || rank - values->below >= values->count - values->unseen)
        return STATUS_OK;
    struct number value = {0};
    TRY(value_pool_at(values, rank, &value));
    const uint64_t key = key_of(value);
    *within = key >= bracket->low && key <= bracket->high;
    return STATUS_OK;
}

static enum status check_ranks(const struct stats *stats, const struct accumulator *accumulator,
                               const struct rank_bracket *bracket, bool *right)
{
    const struct aggregate_list *aggregates = stats->spec->aggregates;
    for (size_t i = 0; i < aggregates->count && accumulator->count > 0 && *right; i++) {
        struct value_pool *values = &accumulator->more->values;
        uint64_t rank = 0;
        struct exact_fraction fraction = {0};
        if (!is_ranked(&aggregates->items[i]) ||
            !exact_percentile_rank(values->count, aggregates->items[i].percent, &rank, &fraction))
            continue;
        TRY(is_rank_within(values, rank, bracket, right));
        if (*right && fraction.numerator != 0)
            TRY(is_rank_within(values, rank + 1, bracket, right));
    }
    return STATUS_OK;
}

enum status stats_check_guess(struct stats *stats, bool *right, struct error *err)
{
    *right = true;
    for (size_t entry = 0; entry < stats->groups.count; entry++) {
        for (size_t place = 0; place < stats->name_count && *right; place++) {
            if (check_ranks(stats, stats_groups_at(&stats->groups, entry, place),
                            &stats->brackets[place], right) != STATUS_OK)
                return error_set(err, STATUS_NOMEM, "no memory for percentiles");
        }
    }
    return STATUS_OK;
}

enum rank_side stats_side(const struct rank_bracket *bracket, const struct column_summary *column)
{
    if (column->count == 0 || key_of(column->max) < bracket->low)
        return RANK_BELOW;
    return key_of(column->min) > bracket->high ? RANK_ABOVE : RANK_WITHIN;
}
