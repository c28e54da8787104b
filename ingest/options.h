/*
 * options.h - the command line of mnsdb-ingest.
 *
 * Threads: one.
 */
#ifndef MNSDB_INGEST_OPTIONS_H
#define MNSDB_INGEST_OPTIONS_H

#include "cli/options.h"

#include <stdbool.h>
#include <stddef.h>

struct ingest_options {
    const char *store_dir;
    const char *const *files; /* recorded sets, "-" is standard input */
    size_t file_count;
    const char *payload_tz; /* as given, or NULL */
    const char *time_field; /* as given, or NULL */
    bool retry_rejects;
    bool settle;
    bool summary_json; /* on stdout, instead of a line on stderr */
    bool progress;     /* a bar, if stderr is a terminal */
    unsigned threads;  /* 0: as many as there are CPUs */
};

extern const struct program_spec ingest_program;

/* Texts borrow from `options`. STATUS_INPUT: a usage error. */
MUST_CHECK enum status ingest_options_read(struct ingest_options *ingest,
                                           const struct options *options, struct error *err);

#endif
