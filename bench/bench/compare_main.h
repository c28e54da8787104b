/*
 * compare_main.h - the command line of a comparison, and of "mnsdb-bench report".
 */
#ifndef MNSDB_BENCH_BENCH_COMPARE_MAIN_H
#define MNSDB_BENCH_BENCH_COMPARE_MAIN_H

#include "cli/exit_code.h"
#include "cli/options.h"

#include <stdbool.h>

/* The options that make a run a comparison; a part of the program's. */
extern const struct option_group compare_group;

bool compare_is_wanted(const struct options *options);

/* Measures, and prints the report or writes it; the exit code of the program. */
enum exit_code compare_main(const struct options *options);

/* "mnsdb-bench report DIR": argv[0] is the verb. */
enum exit_code report_main(int argc, char **argv);

#endif
