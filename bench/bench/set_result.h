/*
 * set_result.h - what the systems did with one recorded set, run by run; as JSON and back.
 *
 *      measure ──▶ struct set_result ──▶ SET.json ──▶ struct set_result ──▶ tables, charts
 *
 * Reports are made from the JSON alone, so that they can be made again, and anywhere. It comes from
 * outside then: it is read with suspicion, texts made harmless and cut, counts bounded.
 *
 * Life cycle: zero-initialise -> fill or read -> use -> release. Threads: one.
 */
#ifndef MNSDB_BENCH_BENCH_SET_RESULT_H
#define MNSDB_BENCH_BENCH_SET_RESULT_H

#include "bench/bench/peer_reply.h"
#include "bench/bench/spread.h"
#include "bench/machine/machine.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SET_SYSTEMS_MAX ((size_t)16)
#define SET_QUERIES     8u /* Q1 ... Q8 */
#define SET_NAME_BYTES  ((size_t)64)
#define SET_TEXT_BYTES  PEER_TEXT_BYTES
#define SET_KIND        "set"
#define SET_FORMAT      1u /* of the JSON; a reader takes no other */

extern const char *const set_query_names[SET_QUERIES];
extern const char *const set_query_titles[SET_QUERIES];

/* An answer, held against mnsdb's. */
enum set_verdict {
    VERDICT_NONE,      /* there is no answer: `remark` says why */
    VERDICT_REFERENCE, /* mnsdb's own */
    VERDICT_SAME,
    VERDICT_DIFFERS, /* as the driver said it would: `remark` is its reason */
    VERDICT_WRONG,   /* `remark` says where */
};
#define VERDICT_COUNT 5u

extern const char *const set_verdict_names[VERDICT_COUNT];

struct set_query {
    struct series warm_ms;
    struct series cold_ms;      /* caches dropped, store opened again, first run */
    struct series fresh_ms;     /* mnsdb: warm, before settling */
    struct series call_ms;      /* mnsdb: a whole call, warm */
    struct series call_cold_ms; /* mnsdb: a whole call after dropping caches */
    uint64_t rows;
    enum set_verdict verdict;
    char remark[SET_TEXT_BYTES];
};

struct set_system {
    struct peer_description description; /* of mnsdb as well */
    char failure[SET_TEXT_BYTES];        /* why nothing more was measured; empty: all was */
    struct series load_seconds;
    struct series again_seconds; /* mnsdb: the same set into the store that holds it */
    uint64_t loaded_bytes;       /* 0: not known */
    uint64_t compacted_bytes;
    double compact_seconds;
    uint64_t peak_bytes;
    struct set_query queries[SET_QUERIES];
};

struct set_result {
    char name[SET_NAME_BYTES]; /* of files: letters, digits, '-', '_', '.' */
    char input[SET_TEXT_BYTES];
    char date[SET_NAME_BYTES]; /* when it was measured, UTC */
    char device[SET_TEXT_BYTES];
    char metric[SET_TEXT_BYTES];
    char hour[SET_NAME_BYTES];
    char libraries[SET_TEXT_BYTES]; /* instead of machine.libraries */
    char build[SET_NAME_BYTES];     /* instead of machine.build */
    uint64_t messages;              /* in the set, redelivered ones too */
    uint64_t stored;
    uint64_t input_bytes;
    bool brief; /* a row among others in the report, instead of a section */
    uint64_t rounds;
    uint64_t runs;
    double cold_cached_share; /* of mnsdb's file after dropping it from the cache; < 0: not known */
    struct machine machine;
    struct set_system *systems; /* owned; mnsdb is the first */
    size_t system_count;
};

/* All systems, zeroed. */
MUST_CHECK enum status set_result_make(struct set_result *result, size_t system_count,
                                       struct error *err);
void set_result_release(struct set_result *result);

/* Whether some answer is VERDICT_WRONG. */
bool set_result_is_wrong(const struct set_result *result);

MUST_CHECK enum status set_result_write(const struct set_result *result, FILE *out,
                                        struct error *err);

/* STATUS_INPUT says what is wrong with the JSON. */
MUST_CHECK enum status set_result_read(struct set_result *result, const struct json_node *root,
                                       struct error *err);

#endif
