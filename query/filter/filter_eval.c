/*
 * filter_eval.c - the steps of a filter over one row, over many rows, over a summary.
 *
 * Three values: true, false, unknown. Over rows each cell of the stack is two sets of bits, what
 * is true and what is false; what is in neither is unknown:
 *
 *      and     true = a.true & b.true      false = a.false | b.false
 *      or      true = a.true | b.true      false = a.false & b.false
 *      not     true = a.false              false = a.true
 *
 * Over a summary a cell is the set of outcomes that its rows may have. It may be too large, since
 * two tests are taken for independent, but never too small.
 */
#include "query/filter/filter_internal.h"

#include "engine/base/mem.h"

#include <assert.h>

/* Outcomes, and sets of them. */
#define IS_TRUE    1u
#define IS_FALSE   2u
#define IS_UNKNOWN 4u

/* --- sets of outcomes ---------------------------------------------------------------------- */

static unsigned outcome_not(unsigned set)
{
    return (set & IS_UNKNOWN) | (set & IS_TRUE ? IS_FALSE : 0) | (set & IS_FALSE ? IS_TRUE : 0);
}

static unsigned outcome_and(unsigned a, unsigned b)
{
    unsigned both = (a | b) & IS_FALSE;
    if (a & b & IS_TRUE)
        both |= IS_TRUE;
    const bool a_passes = (a & (IS_TRUE | IS_UNKNOWN)) != 0;
    const bool b_passes = (b & (IS_TRUE | IS_UNKNOWN)) != 0;
    if ((a & IS_UNKNOWN && b_passes) || (b & IS_UNKNOWN && a_passes))
        both |= IS_UNKNOWN;
    return both;
}

static unsigned outcome_or(unsigned a, unsigned b)
{
    return outcome_not(outcome_and(outcome_not(a), outcome_not(b)));
}

/* Combines the top of the stack as a step says that is no test. */
static void combine(unsigned *stack, uint32_t *depth, enum filter_kind kind)
{
    if (kind == FILTER_NOT) {
        assert(*depth >= 1);
        stack[*depth - 1] = outcome_not(stack[*depth - 1]);
        return;
    }
    assert(*depth >= 2);
    const unsigned b = stack[--*depth];
    unsigned *a = &stack[*depth - 1];
    *a = kind == FILTER_AND ? outcome_and(*a, b) : outcome_or(*a, b);
}

/* --- one row ------------------------------------------------------------------------------- */

static unsigned outcome_of_value(const struct filter_step *step, struct number value)
{
    const bool has_value = value.kind != NUMBER_NULL;
    if (step->kind == FILTER_NULL)
        return has_value ? IS_FALSE : IS_TRUE;
    if (!has_value)
        return IS_UNKNOWN;
    return filter_range_takes(step, value) ? IS_TRUE : IS_FALSE;
}

bool filter_holds(const struct filter *filter, const struct number *values)
{
    unsigned stack[FILTER_STACK_MAX];
    uint32_t depth = 0;
    for (size_t i = 0; i < filter->step_count; i++) {
        const struct filter_step *step = &filter->steps[i];
        if (step->kind == FILTER_RANGE || step->kind == FILTER_NULL)
            stack[depth++] = outcome_of_value(step, values[step->metric]);
        else
            combine(stack, &depth, step->kind);
    }
    return depth == 0 || stack[0] == IS_TRUE;
}

/* --- summaries ----------------------------------------------------------------------------- */

static unsigned outcomes_of_extent(const struct filter_step *step,
                                   const struct filter_extent *extent)
{
    const bool any = extent->min.kind != NUMBER_NULL;
    const bool some_without = !any || !extent->always;
    if (step->kind == FILTER_NULL)
        return (some_without ? IS_TRUE : 0) | (any ? IS_FALSE : 0);
    unsigned outcomes = some_without ? IS_UNKNOWN : 0;
    if (!any)
        return outcomes;
    if (!filter_is_below(step, extent->max) && !filter_is_above(step, extent->min))
        outcomes |= IS_TRUE;
    if (!filter_range_takes(step, extent->min) || !filter_range_takes(step, extent->max))
        outcomes |= IS_FALSE;
    return outcomes;
}

enum filter_verdict filter_judge(const struct filter *filter, const struct filter_extent *extents)
{
    unsigned stack[FILTER_STACK_MAX];
    uint32_t depth = 0;
    for (size_t i = 0; i < filter->step_count; i++) {
        const struct filter_step *step = &filter->steps[i];
        if (step->kind == FILTER_RANGE || step->kind == FILTER_NULL)
            stack[depth++] = outcomes_of_extent(step, &extents[step->metric]);
        else
            combine(stack, &depth, step->kind);
    }
    if (depth == 0 || stack[0] == IS_TRUE)
        return FILTER_ALL;
    return stack[0] & IS_TRUE ? FILTER_SOME : FILTER_NONE;
}

/* --- rows ---------------------------------------------------------------------------------- */

enum status filter_scratch_init(struct filter_scratch *scratch, const struct filter *filter)
{
    const size_t cells = filter->depth > 0 ? filter->depth : 1;
    scratch->bits = mem_alloc(cells * 2 * FILTER_WORDS, sizeof *scratch->bits);
    return scratch->bits ? STATUS_OK : STATUS_NOMEM;
}

void filter_scratch_release(struct filter_scratch *scratch)
{
    mem_free(scratch->bits);
    scratch->bits = NULL;
}

/* One cell of the stack, and the words of it that are in use. */
struct filter_cell {
    uint64_t *is_true;
    uint64_t *is_false;
};

struct filter_run {
    uint32_t from_row, until_row;
    uint32_t from_word, until_word;
    uint64_t *bits;
};

static struct filter_cell cell_at(const struct filter_run *run, uint32_t depth)
{
    uint64_t *bits = run->bits + (size_t)depth * 2 * FILTER_WORDS;
    return (struct filter_cell){.is_true = bits, .is_false = bits + FILTER_WORDS};
}

static void set_bit(uint64_t *bits, uint32_t row, bool value)
{
    const uint64_t bit = UINT64_C(1) << (row % 64);
    bits[row / 64] = value ? bits[row / 64] | bit : bits[row / 64] & ~bit;
}

/* 64 mantissas at most: which are within the range. */
static uint64_t word_within(const int64_t *mantissas, uint32_t count, struct mantissa_range range)
{
    uint64_t word = 0;
    for (uint32_t i = 0; i < count; i++)
        word |= (uint64_t)((mantissas[i] >= range.low) & (mantissas[i] <= range.high)) << i;
    return word;
}

/* Which rows are within the bounds, whether they have a value or not. */
static void test_mantissas(const struct filter_run *run, const struct filter_step *step,
                           const struct column_vector *column, uint64_t *within)
{
    struct mantissa_range range;
    if (!filter_range_at(step, column->exponent, &range)) {
        for (uint32_t row = run->from_row; row < run->until_row; row++) {
            const struct number value = column_vector_get(column, row);
            set_bit(within, row, value.kind != NUMBER_NULL && filter_range_takes(step, value));
        }
        return;
    }
    for (uint32_t word = run->from_word; word < run->until_word; word++) {
        const uint32_t first = word * 64 > run->from_row ? word * 64 : run->from_row;
        const uint32_t end = word * 64 + 64 < run->until_row ? word * 64 + 64 : run->until_row;
        within[word] = word_within(column->mantissas + first, end - first, range) << (first % 64);
    }
    for (uint32_t i = 0; i < column->exception_count; i++) {
        const struct column_exception *exception = &column->exceptions[i];
        if (exception->row >= run->from_row && exception->row < run->until_row)
            set_bit(within, exception->row, filter_range_takes(step, exception->value));
    }
}

static void test_rows(const struct filter_run *run, const struct filter_step *step,
                      const struct column_vector *column, struct filter_cell cell)
{
    const bool is_range = step->kind == FILTER_RANGE;
    if (is_range && column)
        test_mantissas(run, step, column, cell.is_true);
    for (uint32_t word = run->from_word; word < run->until_word; word++) {
        const uint64_t present = !column ? 0 : column->present ? column->present[word] : UINT64_MAX;
        const uint64_t within = !is_range ? ~present : column ? cell.is_true[word] & present : 0;
        cell.is_true[word] = within;
        cell.is_false[word] = present & ~within;
    }
}

static void combine_rows(const struct filter_run *run, uint32_t *depth, enum filter_kind kind)
{
    const struct filter_cell b = cell_at(run, *depth - 1);
    if (kind == FILTER_NOT) {
        for (uint32_t word = run->from_word; word < run->until_word; word++) {
            const uint64_t was_true = b.is_true[word];
            b.is_true[word] = b.is_false[word];
            b.is_false[word] = was_true;
        }
        return;
    }
    assert(*depth >= 2);
    const struct filter_cell a = cell_at(run, --*depth - 1);
    for (uint32_t word = run->from_word; word < run->until_word; word++) {
        const bool both = kind == FILTER_AND;
        a.is_true[word] =
            both ? a.is_true[word] & b.is_true[word] : a.is_true[word] | b.is_true[word];
        a.is_false[word] =
            both ? a.is_false[word] | b.is_false[word] : a.is_false[word] & b.is_false[word];
    }
}

/* The bits of a word that are rows of the run. */
static uint64_t rows_of_word(const struct filter_run *run, uint32_t word)
{
    uint64_t rows = UINT64_MAX;
    if (word == run->from_word)
        rows &= UINT64_MAX << (run->from_row % 64);
    if (word + 1 == run->until_word && run->until_row % 64 != 0)
        rows &= UINT64_MAX >> (64 - run->until_row % 64);
    return rows;
}

uint32_t filter_rows(const struct filter *filter, const struct column_vector *const *columns,
                     uint32_t from_row, uint32_t until_row, struct filter_scratch *scratch,
                     uint64_t holds[FILTER_WORDS])
{
    assert(from_row < until_row && until_row <= BLOCK_ROWS_MAX);
    const struct filter_run run = {.from_row = from_row,
                                   .until_row = until_row,
                                   .from_word = from_row / 64,
                                   .until_word = (until_row + 63) / 64,
                                   .bits = scratch->bits};
    uint32_t depth = 0;
    for (size_t i = 0; i < filter->step_count; i++) {
        const struct filter_step *step = &filter->steps[i];
        if (step->kind == FILTER_RANGE || step->kind == FILTER_NULL)
            test_rows(&run, step, columns[step->metric], cell_at(&run, depth++));
        else
            combine_rows(&run, &depth, step->kind);
    }
    const uint64_t *is_true = cell_at(&run, 0).is_true;
    uint32_t count = 0;
    for (uint32_t word = run.from_word; word < run.until_word; word++) {
        holds[word] = rows_of_word(&run, word) & (depth > 0 ? is_true[word] : UINT64_MAX);
        count += (uint32_t)__builtin_popcountll(holds[word]);
    }
    return count;
}
