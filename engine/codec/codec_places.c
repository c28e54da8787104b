/*
 * codec_places.c - what a column packs at each place, in the form that was chosen; see
 * codec_internal.h.
 *
 * The packed places of the lanes' first rows do not exist; those of rows beyond the last hold 0.
 */
#include "engine/codec/codec_internal.h"

#include <assert.h>

HOT_CLONES static void places_of_frame(const int64_t *restrict values, uint32_t count,
                                       uint64_t base, uint64_t *restrict places)
{
    for (uint32_t row = 0; row < count; row++)
        places[row] = (uint64_t)values[row] - base;
}

HOT_CLONES static void places_of_line(const int64_t *restrict values, uint32_t count,
                                      const struct plan *plan, uint64_t *restrict places)
{
    const uint64_t base = plan->base;
    const uint64_t slope = plan->slope;
    uint64_t line = 0;
    for (uint32_t row = 0; row < count; row++) {
        places[row] = (uint64_t)values[row] - base - (line >> LINE_SHIFT);
        line += slope;
    }
}

/* Lane by lane becomes step by step. `deltas` has a value for all rows of all lanes. */
HOT_CLONES static void places_of_lanes(const int64_t *restrict deltas, uint32_t steps,
                                       uint64_t base, uint64_t *restrict places)
{
    for (uint32_t step = 1; step < steps; step++) {
        for (uint32_t lane = 0; lane < CODEC_LANES; lane++)
            places[(size_t)(step - 1) * CODEC_LANES + lane] =
                (uint64_t)deltas[(size_t)lane * steps + step] - base;
    }
}

uint32_t plan_places(struct column *column, const struct plan *plan, uint64_t *places)
{
    assert(column->count >= 1 && column->count <= CODEC_VALUES_MAX);
    if (plan->head == HEAD_LINE) {
        places_of_line(column->values, column->count, plan, places);
        return column->count;
    }
    if (plan->head == HEAD_FRAME || plan->head == HEAD_FRAME_PATCHED) {
        places_of_frame(column->values, column->count, plan->base, places);
        return column->count;
    }
    if (column->lanes.count == 1) {
        places_of_frame(column->deltas + 1, column->count - 1, plan->base, places);
        return column->count - 1;
    }
    const uint32_t steps = column->lanes.steps;
    for (uint32_t row = column->count; row < steps * CODEC_LANES; row++)
        column->deltas[row] = (int64_t)plan->base; /* those hold 0 */
    places_of_lanes(column->deltas, steps, plan->base, places);
    return (steps - 1) * CODEC_LANES;
}
