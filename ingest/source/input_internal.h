/*
 * input_internal.h - shared by the parts of an input: reading, gzip, zstd.
 *
 *      file --read()--> raw window --inflate or zstd--> the caller's buffer
 *                            \________ plain __________/
 */
#ifndef MNSDB_INGEST_SOURCE_INPUT_INTERNAL_H
#define MNSDB_INGEST_SOURCE_INPUT_INTERNAL_H

#include "ingest/source/input.h"

#include <stdatomic.h>
#include <stdbool.h>

#define RAW_WINDOW_BYTES ((size_t)256 << 10)

struct input;

/* How to make bytes out of raw ones. */
struct input_codec {
    /* As input_read. */
    enum status (*read)(struct input *input, struct input_read *read, struct error *err);
    void (*close)(struct input *input);
};

struct input {
    const struct input_codec *codec;
    void *codec_state; /* owned by the codec */
    const char *name;  /* borrowed; for messages */
    int file;
    int wake_file;    /* borrowed */
    bool is_borrowed; /* standard input */
    bool waits;       /* no regular file: poll before reading */
    bool has_ranges;  /* input_has_ranges */
    uint64_t start;   /* if so */
    bool ended;       /* read() said so */
    uint8_t *raw;     /* owned; RAW_WINDOW_BYTES */
    size_t raw_next;  /* bytes not taken yet: raw[raw_next .. raw_len) */
    size_t raw_len;
    atomic_ullong raw_bytes; /* read from the file so far */
};

/* Reads from the file itself. */
MUST_CHECK enum status input_read_file(struct input *input, struct input_read *read,
                                       struct error *err);

/* How many bytes of the file were used up, for messages. */
uint64_t input_position(const struct input *input);

/* Refills the empty raw window. */
MUST_CHECK enum status input_refill(struct input *input, int wait_ms, enum input_event *event,
                                    struct error *err);

/* Codecs; open makes codec_state. */
extern const struct input_codec input_gzip_codec;
extern const struct input_codec input_zstd_codec;
MUST_CHECK enum status input_gzip_open(struct input *input, struct error *err);
MUST_CHECK enum status input_zstd_open(struct input *input, struct error *err);

#endif
