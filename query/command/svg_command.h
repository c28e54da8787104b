/*
 * svg_command.h - commands that draw into a file: --svg FILE.
 *
 * Threads: one.
 */
#ifndef MNSDB_QUERY_COMMAND_SVG_COMMAND_H
#define MNSDB_QUERY_COMMAND_SVG_COMMAND_H

#include "cli/exit_code.h"
#include "cli/options.h"

#include <stdbool.h>

/* True if the line asks for a file rather than rows. */
bool svg_is_wanted(const struct options *options);

enum exit_code svg_of_stats(const struct options *options);
enum exit_code svg_of_online(const struct options *options);
enum exit_code svg_of_sessions(const struct options *options);

#endif
