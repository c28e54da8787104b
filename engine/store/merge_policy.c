/*
 * merge_policy.c - size tiers over neighbours in time; see merge_policy.h.
 */
#include "engine/store/merge_policy.h"

#include "engine/base/mem.h"

#include <stdlib.h>

struct candidate {
    int64_t time_ms;
    uint64_t number;
    uint64_t rows;
    bool dense;
};

static int by_time(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;
    if (left->time_ms != right->time_ms)
        return left->time_ms < right->time_ms ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static unsigned tier_of(uint64_t rows)
{
    unsigned tier = 0;
    for (uint64_t limit = TIER_ROWS_FIRST; rows >= limit; limit *= MERGE_FAN_IN)
        tier++;
    return tier;
}

struct choice {
    size_t first, count;
};

/* The longest run of neighbours from `first` on that stays below the cap. */
static size_t run_below_cap(const struct candidate *parts, size_t count, size_t first,
                            size_t count_max)
{
    uint64_t rows = 0;
    size_t taken = 0;
    while (first + taken < count && taken < count_max &&
           rows + parts[first + taken].rows <= PART_ROWS_CAP)
        rows += parts[first + taken++].rows;
    return taken;
}

static uint64_t rows_of(const struct candidate *parts, struct choice choice)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < choice.count; i++)
        rows += parts[choice.first + i].rows;
    return rows;
}

/*
 * True if all are of a tier or below, and the merged part is much larger than any of them: else a
 * large part would be rewritten for the sake of a few small neighbours, again and again.
 */
static bool pays(const struct candidate *parts, struct choice choice, unsigned tier)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < choice.count; i++) {
        const uint64_t rows = parts[choice.first + i].rows;
        largest = rows > largest ? rows : largest;
    }
    const uint64_t rows = rows_of(parts, choice);
    return tier_of(largest) <= tier &&
           rows >= (tier == 0 ? MERGE_GROWTH_LOW : MERGE_GROWTH) * largest && rows <= PART_ROWS_MAX;
}

/* Neighbours of one tier or below, as many as it merges, lowest tier first. */
static struct choice pick_tier(const struct candidate *parts, size_t count)
{
    const unsigned tiers = tier_of(PART_ROWS_CAP);
    for (unsigned tier = 0; tier < tiers; tier++) {
        const size_t fan_in = tier == 0 ? MERGE_FAN_IN_LOW : MERGE_FAN_IN;
        for (size_t first = 0; first + fan_in <= count; first++) {
            const struct choice choice = {.first = first, .count = fan_in};
            if (pays(parts, choice, tier))
                return choice;
        }
    }
    return (struct choice){0};
}

/*
 * The first `fan_in` neighbours that fit a part and have the fewest rows, but for an eighth: parts
 * of a bulk load are much alike, and taken from the front no few are left between merged ones.
 */
static struct choice pick_fewest_rows(const struct candidate *parts, size_t count, size_t fan_in)
{
    struct choice best = {0};
    uint64_t best_rows = 0;
    for (size_t first = 0; first + fan_in <= count; first++) {
        const struct choice choice = {.first = first, .count = fan_in};
        const uint64_t rows = rows_of(parts, choice);
        if (rows > PART_ROWS_MAX || (best.count > 0 && rows + rows / 8 >= best_rows))
            continue;
        best_rows = rows;
        best = choice;
    }
    return best;
}

static size_t count_below(const struct candidate *parts, size_t count, uint64_t rows)
{
    size_t below = 0;
    for (size_t i = 0; i < count; i++)
        below += parts[i].rows < rows;
    return below;
}

/* Keeps only parts of fewer rows, in their order; returns how many. */
static size_t keep_below(struct candidate *parts, size_t count, uint64_t rows)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].rows < rows)
            parts[kept++] = parts[i];
    }
    return kept;
}

/* Everything below the cap becomes one; what is not dense yet is rewritten. */
static struct choice pick_all(const struct candidate *parts, size_t count)
{
    for (size_t first = 0; first < count; first++) {
        const size_t run = run_below_cap(parts, count, first, PART_INPUTS_MAX);
        if (run >= 2)
            return (struct choice){.first = first, .count = run};
        if (!parts[first].dense)
            return (struct choice){.first = first, .count = 1};
    }
    return (struct choice){0};
}

/* May leave only those of `parts` that the choice is among. */
static struct choice choose(struct candidate *parts, size_t count, enum upkeep upkeep)
{
    if (upkeep == UPKEEP_SETTLE)
        return pick_all(parts, count);
    struct choice choice = {0};
    if (upkeep == UPKEEP_STEADY)
        choice = pick_tier(parts, count);
    const uint64_t rows = upkeep == UPKEEP_STEADY ? PART_ROWS_CAP : TIER_ROWS_FIRST;
    if (choice.count == 0 && count_below(parts, count, rows) > PARTS_MAX)
        choice = pick_fewest_rows(parts, keep_below(parts, count, rows), MERGE_FAN_IN);
    else if (choice.count == 0 && count > LARGE_PARTS_MAX)
        choice = pick_fewest_rows(parts, count, MERGE_FAN_IN_MAX);
    return choice;
}

enum status merge_pick(const struct part_list *parts, enum upkeep upkeep,
                       uint64_t chosen[PART_INPUTS_MAX], uint32_t *count)
{
    *count = 0;
    OWNED(mem_free_owned)
    struct candidate *candidates = mem_alloc(parts->count, sizeof *candidates);
    if (!candidates)
        return STATUS_NOMEM;
    for (size_t i = 0; i < parts->count; i++) {
        const struct block_summary *totals = &parts->parts[i].totals.summary;
        candidates[i] = (struct candidate){
            .time_ms = totals->min_time_ms,
            .number = parts->parts[i].number,
            .rows = totals->row_count,
            .dense = parts->parts[i].dense,
        };
    }
    qsort(candidates, parts->count, sizeof *candidates, by_time);
    const struct choice choice = choose(candidates, parts->count, upkeep);
    for (size_t i = 0; i < choice.count; i++)
        chosen[i] = candidates[choice.first + i].number;
    *count = (uint32_t)choice.count;
    qsort(chosen, *count, sizeof *chosen, by_number);
    return STATUS_OK;
}
