/*
 * terminal.h - a terminal taken over for a live screen, and given back as it was.
 *
 *      open ──▶ alternate screen, cursor hidden, keys one by one without echo
 *      wait ──▶ a key, a new size, a wish to end, or the time is over
 *      close ─▶ cursor, screen and modes as they were
 *
 * Ctrl-C, SIGTERM and SIGHUP are a wish to end (cli/signals.h, installed by open). Ctrl-Z
 * gives the terminal back for as long as the process is stopped. A crash that a handler explains
 * gives it back through terminal_rescue.
 *
 * Threads: one; there is one terminal a process.
 */
#ifndef MNSDB_QUERY_TERMINAL_TERMINAL_H
#define MNSDB_QUERY_TERMINAL_TERMINAL_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>

enum terminal_event {
    TERMINAL_TIME,    /* the time is over */
    TERMINAL_KEY,     /* `*key` is it; of sequences (arrows, mouse) no byte is told */
    TERMINAL_RESIZED, /* or taken over anew after a stop: draw everything */
    TERMINAL_END,     /* a signal, or the terminal is gone */
};

/* STATUS_INPUT if standard output is no terminal. Keys are read where standard input is one. */
MUST_CHECK enum status terminal_open(struct error *err);
void terminal_close(void); /* any number of times */

/* Waits for `wait_ms` at most. */
enum terminal_event terminal_wait(int wait_ms, char *key);

/* Writes all of it; false if a signal came or the terminal takes no more. */
MUST_CHECK bool terminal_write(struct slice bytes);

/* As terminal_close, from a signal handler. */
void terminal_rescue(void);

#endif
