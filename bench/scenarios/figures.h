/*
 * figures.h - what the scenarios' reports share: numbers into JSON, ratios.
 *
 * All that adds is false without memory. Threads: plain functions.
 */
#ifndef MNSDB_BENCH_SCENARIOS_FIGURES_H
#define MNSDB_BENCH_SCENARIOS_FIGURES_H

#include "bench/bench/timing.h"
#include "bench/scenarios/latency.h"

#include <stdbool.h>
#include <stdint.h>

struct cJSON;

bool figures_number(struct cJSON *object, const char *name, double number);
bool figures_count(struct cJSON *object, const char *name, uint64_t count);
bool figures_latency(struct cJSON *object, const char *name, const struct latency *latency);
/* A new object at the end of an array; NULL without memory. */
struct cJSON *figures_append(struct cJSON *array);

/* Median by median; 0 if the second is 0. */
double figures_ratio(const struct timing *timing, const struct timing *base);

#endif
