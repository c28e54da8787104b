/*
 * excursion_command.h - the options of limits, for `stats` and `excursions`.
 */
#ifndef MNSDB_QUERY_COMMAND_EXCURSION_COMMAND_H
#define MNSDB_QUERY_COMMAND_EXCURSION_COMMAND_H

#include "query/command/command_internal.h"
#include "query/excursion/excursion.h"

/* --above, --below and --hold into a spec that points to `limits`, which may stay empty. */
MUST_CHECK enum status command_limits(const struct options *options,
                                      struct excursion_limits *limits, struct excursion_spec *spec,
                                      struct error *err);

#endif
