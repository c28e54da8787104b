/*
 * counters.h - what a store holds, in numbers, and the version of its format.
 *
 * Threads: plain values.
 */
#ifndef MNSDB_ENGINE_COUNTERS_COUNTERS_H
#define MNSDB_ENGINE_COUNTERS_COUNTERS_H

#include "engine/row/row.h"

#include <stdint.h>

#define STORE_FORMAT_VERSION 2u

/* What the store holds; part of every commit. */
struct store_counters {
    uint64_t stored;            /* messages */
    uint64_t duplicates;        /* deliveries */
    uint64_t rejected;          /* bodies kept */
    uint64_t rows[TABLE_COUNT]; /* readings, status events */
    uint64_t clock_faults;      /* rows and events whose payload carried a broken clock */
    uint64_t seen_ids;
    uint64_t seen_bodies; /* digests of rejected bodies without an id */
    uint64_t devices;
    uint64_t metrics;
    int64_t first_time_ms; /* business time over both tables; if any row exists */
    int64_t last_time_ms;
};

#endif
