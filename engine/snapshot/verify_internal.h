/*
 * verify_internal.h - one verification under way; for the verify*.c of engine/snapshot only.
 */
#ifndef MNSDB_ENGINE_SNAPSHOT_VERIFY_INTERNAL_H
#define MNSDB_ENGINE_SNAPSHOT_VERIFY_INTERNAL_H

#include "engine/snapshot/snapshot_internal.h"

#define THING_BYTES 64u

struct verification {
    struct snapshot *snapshot;
    void (*problem)(void *context, const char *thing, const char *what);
    void *context;
    struct block_decoder *decoder; /* owned; whose memory computes summaries anew */
    uint64_t rows[TABLE_COUNT];    /* that no merge has consumed */
    int64_t first_time_ms, last_time_ms;
    uint64_t rejects, rejects_with_id;
    uint64_t next_reject; /* the lowest sequence that the next one may have */
};

void verify_report(struct verification *verification, const char *thing, const char *format, ...)
    PRINTF_LIKE(3, 4);
void verify_equal(struct verification *verification, const char *thing, const char *what,
                  uint64_t counted, uint64_t expected);

/* Damage is reported and forgotten; any other failure ends the verification. */
MUST_CHECK enum status verify_settle(struct verification *verification, const char *thing,
                                     enum status status, struct error *err);

/* Every row of every part and of the commit log (verify_parts.c). */
MUST_CHECK enum status verify_parts(struct verification *verification, struct error *err);

/* Every key, and the values of parts that stand behind them (verify_keys.c). */
MUST_CHECK enum status verify_keys(struct verification *verification, struct error *err);

#endif
