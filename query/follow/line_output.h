/*
 * line_output.h - standard output for those who write for ever: a signal ends a write that blocks.
 *
 * A write to a pipe that nobody empties would hold the process against SIGTERM. Here it waits for
 * room and for signals at once, and writes no more than there is room for.
 *
 * Life cycle: open -> write to the file -> close. signals_install came before.
 * Threads:    one.
 */
#ifndef MNSDB_QUERY_FOLLOW_LINE_OUTPUT_H
#define MNSDB_QUERY_FOLLOW_LINE_OUTPUT_H

#include "engine/base/error.h"

#include <stdio.h>

struct line_output {
    int file;    /* descriptor; borrowed */
    FILE *out;   /* owned */
    int failure; /* errno of the write that failed; 0: none, or a signal came */
};

/* `output` stays where it is until it is closed. */
MUST_CHECK enum status line_output_open(struct line_output *output, int file, struct error *err);
void line_output_close(struct line_output *output);

enum line_wait {
    LINE_WAIT_OVER,   /* the time is */
    LINE_WAIT_SIGNAL, /* signals_received tells which */
    LINE_WAIT_CLOSED, /* nobody reads any more */
};

/* Waits for `wait_ms`, a signal, or the end of the reader. */
enum line_wait line_output_wait(const struct line_output *output, int wait_ms);

#endif
