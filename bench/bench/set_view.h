/*
 * set_view.h - a set's results as the reader of a report wants them: medians, best peers, aims.
 *
 * Life cycle: make -> read -> release; the result must outlive it. Threads: one.
 */
#ifndef MNSDB_BENCH_BENCH_SET_VIEW_H
#define MNSDB_BENCH_BENCH_SET_VIEW_H

#include "bench/bench/figure_text.h"
#include "bench/bench/set_result.h"
#include "bench/bench/spread.h"

#include <stdbool.h>
#include <stddef.h>

/* What systems are compared by. Q1 ... Q8 follow MEASURE_QUERY, warm. */
enum measure {
    MEASURE_RATE, /* messages a second */
    MEASURE_LOADED,
    MEASURE_COMPACTED, /* bytes a message */
    MEASURE_PEAK,      /* bytes */
    MEASURE_QUERY,
};
#define MEASURE_COUNT ((unsigned)MEASURE_QUERY + SET_QUERIES)

struct view_query {
    struct spread warm;
    struct spread cold;
    struct spread fresh;
    struct spread call;
    struct spread call_cold;
};

struct view_system {
    struct spread measures[MEASURE_COUNT]; /* count 0: not known */
    struct spread again;                   /* messages a second */
    struct view_query queries[SET_QUERIES];
};

struct set_view {
    const struct set_result *result;
    struct view_system *systems; /* owned; as many as the result has */
};

MUST_CHECK enum status set_view_make(struct set_view *view, const struct set_result *result,
                                     struct error *err);
void set_view_release(struct set_view *view);

/* "DuckDB, one-off bulk load": the name and the form up to its first comma; returns `label`. */
const char *set_view_label(const struct set_view *view, size_t system, char label[SET_TEXT_BYTES]);

/* "messages/s", "Q1" */
const char *measure_name(unsigned measure);
enum figure_kind measure_kind(unsigned measure);
static inline bool measure_is_more(unsigned measure)
{
    return measure == MEASURE_RATE;
}

/*
 * The best peer: 0 if there is none. Rates and sizes: among those that keep message ids, since
 * taking each message once is the work that is compared; queries: among those whose answer is
 * the same as mnsdb's. Memory is not compared: drivers count differently.
 */
size_t set_view_best(const struct set_view *view, unsigned measure);

/* How many times better mnsdb is than the best peer; negative: not known. */
double set_view_ratio(const struct set_view *view, unsigned measure);

/* --- aims ---------------------------------------------------------------------------------- */

/* What mnsdb is to reach on a set of that name, on two CPUs. */
struct aim {
    double aim;   /* negative: none */
    double floor; /* negative: none */
};

/* `view`: for aims that are a share of what the best peer does. */
struct aim set_view_aim(const struct set_view *view, unsigned measure);

/* "met", "above the floor", "missed"; "" without an aim or a figure. */
const char *aim_verdict(const struct aim *aim, unsigned measure, const struct spread *figure);

#endif
