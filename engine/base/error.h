/*
 * error.h - how a function of mnsdb says that something failed.
 *
 * Three kinds of failure: an expected outcome (a duplicate id, the end of a
 * cursor) is a value in the signature; an operating failure (disk, memory,
 * damaged bytes) is an `enum status` with a message in the caller's
 * `struct error`; a bug of ours is an assert.
 *
 * Messages are lower case, without a full stop, and name the thing:
 * "block 17 of part 3: checksum 0badf00d, expected 5a11c0de".
 *
 * Threads: a `struct error` belongs to one thread at a time.
 */
#ifndef MNSDB_ENGINE_BASE_ERROR_H
#define MNSDB_ENGINE_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))

/* Releases the variable with `fn(&variable)` when its scope ends. */
#define OWNED(fn) __attribute__((cleanup(fn)))

/* Evaluates a call that returns `enum status` and returns its failure. */
#define TRY(call)                               \
    do {                                        \
        const enum status try_status_ = (call); \
        if (try_status_ != STATUS_OK)           \
            return try_status_;                 \
    } while (0)

enum status {
    STATUS_OK = 0,
    STATUS_NOMEM,   /* no memory: nothing was changed */
    STATUS_CORRUPT, /* bytes that fail their checksum or their format */
    STATUS_IO,      /* the operating system refused: the process should end */
    STATUS_FULL,    /* disk or map full: retry after space was made */
    STATUS_MISSING, /* the store does not exist */
    STATUS_LOCKED,  /* another process writes to the store */
    STATUS_VERSION, /* written by a newer version */
    STATUS_CONFIG,  /* a setting that contradicts what the store was made with */
    STATUS_INPUT,   /* bytes or arguments from outside that break their rules */
    STATUS_STOPPED, /* a callback or a signal asked to stop */
};

#define ERROR_MESSAGE_BYTES 512u

struct error {
    enum status status; /* STATUS_OK while nothing failed */
    char message[ERROR_MESSAGE_BYTES];
};

/*
 * Records a failure and returns `status`. `err` may be NULL. A message that is
 * too long is cut; control characters in it are replaced by '?', since names
 * from outside may stand in it and messages reach terminals.
 */
enum status error_set(struct error *err, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The same for a failed system call: appends ": " and the text of `errno_value`. */
enum status error_set_errno(struct error *err, enum status status, int errno_value,
                            const char *format, ...) PRINTF_LIKE(4, 5);

/* Puts "context: " before the message that is already there. */
void error_add_context(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* A short name for logs: "no memory", "damaged", ... */
const char *status_text(enum status status);

#endif
