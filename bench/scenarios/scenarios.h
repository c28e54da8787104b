/*
 * scenarios.h - measuring verbs of mnsdb-bench that play a part of a store's life.
 *
 *      commits    an hour of a queue's small commits, against the same rows in bulk
 *      ids        the seen set as it grows to 10^8 ids
 *      live       queries while ingest runs at full speed
 *      growth     what a message costs in a set of ten times as many
 *
 * Each prints a table, or JSON: one object with "kind", "machine" and the verb's figures; times in
 * milliseconds, sizes in bytes.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_SCENARIOS_SCENARIOS_H
#define MNSDB_BENCH_SCENARIOS_SCENARIOS_H

#include "cli/exit_code.h"

/* "mnsdb-bench VERB ...": argv[0] is the verb (asserted). */
enum exit_code scenario_main(int argc, char **argv);

#endif
