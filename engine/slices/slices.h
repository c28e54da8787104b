/*
 * slices.h - totals of a merged part by quarter of an hour, over all devices together.
 *
 * A part's rows are sorted by device: a device's hours lie apart, and a block holds many hours.
 * What asks for all devices by hour would decode everything. Slices answer it: quarters of an
 * hour, for longer buckets begin with one in every zone of today. (Zones of long ago do not keep to
 * quarters: there a slice is not taken where a bucket cuts it.)
 *
 *      value 'T'  part u64, ordinal u32     [ summary | summary | ... ]  as a directory's, <= 4 KiB
 *
 * Summaries are those of engine/block, over the rows of one quarter; they ascend by time, and
 * quarters without rows have none. Only parts that a merge wrote have slices, and only if
 * their rows fill them: a part of few rows over a long time has none. The part's record says
 * whether it has some, so that a lost value is missed.
 *
 * Life cycle: zero-initialise -> (load) -> add* -> save -> release; or load -> read -> release.
 * Threads: one at a time; within a kv transaction, by its thread.
 */
#ifndef MNSDB_ENGINE_SLICES_SLICES_H
#define MNSDB_ENGINE_SLICES_SLICES_H

#include "engine/base/error.h"
#include "engine/block/block.h"
#include "engine/kv/kv.h"
#include "engine/part/part.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLICE_MS         INT64_C(900000)
#define SLICES_MAX       4096u /* of a part */
#define SLICE_ROWS_LEAST 512u  /* of a slice on average, beyond the first SLICES_ALWAYS */
#define SLICES_ALWAYS    16u

/* One column of a slice while rows are added: at the exponent of the rows' own column. */
struct slice_column {
    uint32_t metric;
    uint32_t count; /* 0: nothing yet */
    int16_t exponent;
    i128 sum;
    int64_t min, max;
    struct {
        int64_t time_ms;
        uint64_t message_id;
        int64_t mantissa;
    } first, last;
};

struct slice_totals {
    int64_t from_ms;              /* a multiple of SLICE_MS */
    struct part_totals totals;    /* without the rows in `added` */
    struct block_summary added;   /* row_count rows; its columns are not used, but those below */
    struct slice_column *columns; /* owned; by metric */
    size_t column_count, column_capacity;
};

struct slices {
    struct slice_totals *items; /* owned; by from_ms */
    size_t count, capacity;
    size_t newest;          /* the one that rows were added to last */
    uint64_t rows;          /* in all of them */
    uint64_t rows_expected; /* that the part will have; the caller's to set */
    bool given_up;          /* the rows do not fill them: there are none */
};

/* The beginning of the quarter of an hour that a time, SLICE_TIME_MIN at least, lies in. */
#define SLICE_TIME_MIN (INT64_MIN + 2 * SLICE_MS)
static inline int64_t slice_start_ms(int64_t time_ms)
{
    const int64_t into = time_ms % SLICE_MS;
    return time_ms - (into < 0 ? into + SLICE_MS : into);
}

void slices_release(struct slices *slices);

/* Adds rows [from, until): all metrics, with message ids, in key order over all calls. */
MUST_CHECK enum status slices_add_rows(struct slices *slices, const struct row_vector *rows,
                                       uint32_t from, uint32_t until);

/* Brings `totals` up to date with all rows added: before they are read. */
MUST_CHECK enum status slices_settle(struct slices *slices);

/* Whether a part with these has slices: for its record. */
static inline bool slices_are_kept(const struct slices *slices)
{
    return slices->count > 0 && !slices->given_up;
}

/* Writes the slices of a part, or removes those that it has if they were given up. */
MUST_CHECK enum status slices_save(struct slices *slices, const struct part *part,
                                   struct kv_txn *txn, struct error *err);

/*
 * Reads the slices of a part into the empty `slices`; those of a part with rows that has none are
 * given up. STATUS_CORRUPT if they contradict themselves or the part's record.
 */
MUST_CHECK enum status slices_load(struct slices *slices, const struct part *part,
                                   struct kv_txn *txn, struct part_names names, struct error *err);

/* Reads one value, behind those that were read before. STATUS_CORRUPT as above. */
MUST_CHECK enum status slices_read(struct slices *slices, struct slice payload,
                                   struct part_names names, struct error *err);

/* Removes those of a part. */
MUST_CHECK enum status slices_remove(uint64_t part, struct kv_txn *txn, struct error *err);

/*
 * Both settled: true if they say the same of the same rows, as far as both have sums.
 * STATUS_NOMEM leaves *equal alone.
 */
MUST_CHECK enum status slices_compare(const struct slices *a, const struct slices *b, bool *equal);

#endif
