/*
 * source.h - where message bodies come from.
 *
 * A source hands out batches of bodies, in order, to a pipeline that decodes
 * several of them at the same time and commits them in order:
 *
 *      source_take (one thread at a time)    a batch, or what it is to be read from
 *      body_batch_read_on (any thread)       reads the next bodies of such a one
 *      body_batch_next (any thread)          takes bodies out, one by one
 *      source_acknowledge (the committer)    they are on disk
 *
 * An acknowledged batch may be deleted where it came from (a queue); for recorded
 * sets that means nothing. A batch that is never acknowledged may be handed out again by
 * a later run.
 *
 * The file source reads recorded sets: lines with LF or CRLF, plain, gzip or zstd
 * (told by the first bytes), files in order, "-" for standard input. Blank lines
 * (nothing but spaces and tabs) are no bodies; a last line without line break counts. Bodies
 * over SOURCE_BODY_BYTES_MAX are never held whole if they do not fit a batch.
 *
 * Life cycle: open -> take* -> close; a body_batch is zero-initialised and reused. It is read to
 *             its end, taken anew or released before its source is closed.
 * Threads:    source_take by one thread at a time; acknowledge by one; the others by any.
 */
#ifndef MNSDB_INGEST_SOURCE_SOURCE_H
#define MNSDB_INGEST_SOURCE_SOURCE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_BODY_BYTES_MAX ((size_t)1 << 20)

/*
 * A batch is some 40,000 messages. Smaller ones decode no faster, but each batch carries the
 * names of its devices with it: with 100,000 devices few large ones take half the memory of many
 * small ones. The number of bodies is bounded too, since lines of two bytes are lines.
 */
#define SOURCE_BATCH_BYTES      ((size_t)8 << 20)
#define SOURCE_BATCH_BODIES_MAX ((size_t)1 << 16)

#define SOURCE_SLACK_BYTES \
    ((size_t)64) /* behind the lines of a batch, so that they can be read wide */

#define SOURCE_DIGEST_BYTES 32u

/* What is known of a body that was too long to be held. */
struct body_excess {
    uint64_t total_len;
    uint8_t digest[SOURCE_DIGEST_BYTES]; /* SHA-256 of the whole body */
    bool holds_secret_word;              /* "deviceSecret" stands somewhere in it */
};

struct body {
    struct slice bytes;               /* borrowed from the batch */
    const struct body_excess *excess; /* NULL: `bytes` is the whole body; else they are its first
                                         SOURCE_BODY_BYTES_MAX */
};

struct plain_set;

/* Lines of a file that are read by whoever takes them out (plain_set.h). */
struct plain_range {
    struct plain_set *set; /* held; NULL: the batch is no range, or was read to its end */
    uint64_t next;         /* offset in the file of what is read next */
    uint64_t until;        /* lines that begin behind it are not the range's */
    size_t held;           /* bytes of the file that stand in the batch */
    size_t rest;           /* those from here on were not handed out yet */
    bool skips_line;       /* the line that stands first is not the range's */
    bool is_over;          /* nothing more is to be read */
};

struct body_batch {
    uint8_t *bytes; /* owned; a file's: SOURCE_BATCH_BYTES of room once filled */
    size_t len;
    /*
     * Where each body ends in `bytes`, if bodies are not lines (a queue's may hold line breaks and
     * be blank); NULL: they are lines.
     */
    size_t *ends;     /* owned */
    size_t end_count; /* bodies of a batch with ends */
    size_t end_capacity;
    size_t bytes_capacity; /* of a batch with ends */
    size_t next;           /* where body_batch_next goes on: an offset, with ends an index */
    uint64_t input_bytes;  /* uncompressed bytes of input that this batch stands for so far */
    int64_t received_ms;   /* UTC */
    uint64_t token;        /* for source_acknowledge */
    bool is_excess;        /* the batch is the beginning of one long body */
    struct body_excess excess;
    struct plain_range range;
};

enum source_event {
    SOURCE_BODIES, /* the batch was filled */
    SOURCE_FAULT,  /* an input failed, the error says how; others follow */
    SOURCE_END,    /* nothing more will come */
};

/* How far reading has come, for people. Raw bytes are those before decompression. */
struct source_progress {
    uint64_t raw_bytes;
    uint64_t raw_bytes_total; /* 0: not known */
};

struct source {
    void *context;
    enum status (*next)(void *context, struct body_batch *batch, enum source_event *event,
                        struct error *err);
    void (*acknowledge)(void *context, uint64_t token);
    void (*interrupt)(void *context);
    struct source_progress (*progress)(const void *context);
    void (*close)(void *context);
};

/*
 * The next batch, fault or the end. Waits for input; STATUS_STOPPED when a signal or
 * source_interrupt asked to end meanwhile. After a fault the next call goes on behind it. Further
 * bodies of the batch may come with body_batch_read_on, even if it has none yet.
 */
static inline MUST_CHECK enum status source_take(struct source *source, struct body_batch *batch,
                                                 enum source_event *event, struct error *err)
{
    return source->next(source->context, batch, event, err);
}

/*
 * For a thread that takes and reads alone: the next bodies, fault or the end. Several calls may
 * give parts of one batch, `input_bytes` of each.
 */
MUST_CHECK enum status source_next(struct source *source, struct body_batch *batch,
                                   enum source_event *event, struct error *err);

/* The batch with this token, and all before it, are on disk. */
static inline void source_acknowledge(struct source *source, uint64_t token)
{
    source->acknowledge(source->context, token);
}

/* Ends a wait in source_next, now or later, with STATUS_STOPPED. Any thread. */
static inline void source_interrupt(struct source *source)
{
    source->interrupt(source->context);
}

static inline struct source_progress source_progress(const struct source *source)
{
    return source->progress(source->context);
}

/* Opens recorded sets, without touching them yet; `paths` is borrowed until source_close. */
MUST_CHECK enum status file_source_open(struct source *source, const char *const *paths,
                                        size_t path_count, struct error *err);
void source_close(struct source *source);

/*
 * Reads further bodies of a batch, in place of those that it held. SOURCE_FAULT: the file that they
 * are in failed, the error says how. SOURCE_END: these were all.
 */
MUST_CHECK enum status body_batch_read_on(struct body_batch *batch, enum source_event *event,
                                          struct error *err);

/* The next body of those that a batch holds; false at their end. */
bool body_batch_next(struct body_batch *batch, struct body *body);

/*
 * The lines that are left of a batch whose bodies are lines, SOURCE_SLACK_BYTES that may be read
 * behind them; empty if there are none or the bodies are no lines. Who takes the first `len` bytes
 * of them, which are whole lines, says so with body_batch_skip.
 */
static inline struct slice body_batch_lines(const struct body_batch *batch)
{
    if (batch->ends || batch->is_excess)
        return (struct slice){0};
    return slice_of(batch->bytes + batch->next, batch->len - batch->next);
}

static inline void body_batch_skip(struct body_batch *batch, size_t len)
{
    batch->next += len;
}

void body_batch_release(struct body_batch *batch);

/* Makes a batch one whose bodies are not lines: add them with body_batch_add. */
MUST_CHECK enum status body_batch_frame(struct body_batch *batch);
/* Appends a body, whatever its bytes. STATUS_NOMEM: the batch is as before. */
MUST_CHECK enum status body_batch_add(struct body_batch *batch, struct slice body);

#endif
