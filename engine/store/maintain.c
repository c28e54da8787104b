/*
 * maintain.c - what a store does between commits: fold the log, merge parts.
 */
#include "engine/store/store_internal.h"

/* The log is folded beyond this many rows or values: it is what every reader decodes anew. */
#define FOLD_ROWS_MAX    8192u
#define FOLD_CELLS_MAX   ((size_t)1 << 20)
#define FOLD_RECORDS_MAX 4096u

static bool fold_is_due(const struct store *store, enum upkeep upkeep)
{
    const struct store_state *state = &store->state;
    if (state->log_records == 0)
        return false;
    return upkeep == UPKEEP_SETTLE || state->log_rows >= FOLD_ROWS_MAX ||
           state->log_records >= FOLD_RECORDS_MAX || store->log_cells >= FOLD_CELLS_MAX;
}

enum status store_maintain(struct store *store, enum upkeep upkeep, bool *more, struct error *err)
{
    *more = false;
    TRY(store_refresh(store, err));
    if (!fold_is_due(store, upkeep))
        return store_merge_step(store, upkeep, more, err);
    TRY(store_fold(store, err));
    *more = true;
    return STATUS_OK;
}
