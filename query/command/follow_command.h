/*
 * follow_command.h - `log --follow`, for the command `log` alone.
 */
#ifndef MNSDB_QUERY_COMMAND_FOLLOW_COMMAND_H
#define MNSDB_QUERY_COMMAND_FOLLOW_COMMAND_H

#include "cli/exit_code.h"
#include "cli/options.h"

enum exit_code command_log_follow(const struct options *options);

#endif
