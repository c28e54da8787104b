/*
 * arguments.h - the command line of mnsdb-localqueue as a server's configuration.
 *
 * Life cycle: zero-initialise -> arguments_read -> use -> arguments_release.
 * Threads:    one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_ARGUMENTS_H
#define MNSDB_BENCH_LOCALQUEUE_ARGUMENTS_H

#include "bench/localqueue/server.h"
#include "cli/options.h"

struct arguments {
    struct server_config server; /* points into this struct and into the options */
    struct buffer secret;        /* owned; overwritten before it is released */
    const char **queues;         /* owned */
};

extern const struct program_spec arguments_program;

/* STATUS_INPUT: the line makes no sense. STATUS_CONFIG: the secret's file. */
MUST_CHECK enum status arguments_read(struct arguments *arguments, const struct options *options,
                                      struct error *err);
void arguments_release(struct arguments *arguments);

#endif
