/*
 * message.h - what programs say on stderr, and how they finish stdout.
 *
 * Data goes to stdout, everything else to stderr, one line each:
 *
 *      mnsdb-ingest: cannot open set.ndjson: No such file or directory
 *      mnsdb-ingest: warning: nothing matched --device 'x*'
 *
 * Everything is escaped (escape.h), so that names from outside may stand in it.
 *
 * Threads: setup by one thread before others start; each message is one write.
 */
#ifndef MNSDB_CLI_MESSAGE_H
#define MNSDB_CLI_MESSAGE_H

#include "cli/exit_code.h"
#include "engine/base/error.h"

#include <stdbool.h>

/* How much is said. Errors always are. */
enum verbosity {
    VERBOSITY_QUIET,  /* errors only */
    VERBOSITY_NORMAL, /* and warnings, notes */
    VERBOSITY_DETAIL, /* and details */
};

/* `program` is kept, not copied. */
void message_setup(const char *program, enum verbosity verbosity);
enum verbosity message_verbosity(void);

void message_error(const char *format, ...) PRINTF_LIKE(1, 2);
void message_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void message_note(const char *format, ...) PRINTF_LIKE(1, 2);   /* without the program's name */
void message_detail(const char *format, ...) PRINTF_LIKE(1, 2); /* only with -v */

/* Tells that a progress bar stands on the terminal's line: the next message wipes it first. */
void message_bar_shown(void);

/* Wipes the bar, if one is shown. */
void message_bar_clear(void);

/* Prints the message of a failure and returns the exit code that belongs to its status. */
enum exit_code message_failure(const struct error *err);

/*
 * SIGPIPE is ignored from here on, so that a closed pipe is a failed write, which
 * message_stdout_finish can tell from a full disk. Call it at the start of main.
 */
void message_ignore_sigpipe(void);

/*
 * Flushes and closes stdout at the end of main. Returns `code`, unless something could
 * not be written: that is an error of its own (EXIT_CODE_PROBLEM if `code` was OK), but a
 * reader that closed its pipe is none.
 */
enum exit_code message_stdout_finish(enum exit_code code);

/* True once a write to stdout failed: whoever prints much stops. */
bool message_stdout_failed(void);

/* Keeps why a write to stdout failed, an errno: what is too long for stdio's buffer leaves nothing
   there that message_stdout_finish could fail to write again. */
void message_stdout_lost(int reason);

#endif
