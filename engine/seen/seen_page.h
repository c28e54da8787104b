/*
 * seen_page.h - one page of the set: how many ids fit, and their bytes. For engine/seen only.
 *
 * Use: plan how many ids of an ascending run fit a page, then encode them.
 * Threads: pure functions.
 */
#ifndef MNSDB_ENGINE_SEEN_SEEN_PAGE_H
#define MNSDB_ENGINE_SEEN_SEEN_PAGE_H

#include "engine/seen/seen.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_WORKERS 1024u /* a snowflake has 10 bits for them */

/* The parts of snowflakes that occur in a run of ids: a mixed-radix number needs no others. */
struct seen_radix {
    uint64_t worker_set[SEEN_WORKERS / 64]; /* a bit per worker that occurs */
    uint32_t worker_count;                  /* how many */
    uint32_t sequence_count;                /* the largest sequence + 1 */
};

struct seen_plan {
    size_t count; /* ids that go into the page */
    bool snowflake;
    unsigned low_bits;
    struct seen_radix radix; /* of these ids */
};

/* The most of `count` (at least 1) strictly ascending ids that fit a page; at least 1. */
void seen_page_plan(const uint64_t *ids, size_t count, struct seen_plan *plan);

/* Encodes the ids of `plan` into `page` (SEEN_PAGE_BYTES_MAX bytes) and returns the length. */
size_t seen_page_encode(const uint64_t *ids, const struct seen_plan *plan, uint8_t *page);

#endif
