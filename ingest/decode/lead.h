/*
 * lead.h - what leads up to a value, remembered from message to message.
 *
 *      {"temperature":24.87,"humidity":46.2}
 *      ^^^^^^^^^^^^^^^     ^^^^^^^^^^^^
 *      first lead          second
 *
 * Messages look alike: where the n-th lead of the last message stands again, byte for
 * byte, the same member follows, and neither its name nor the blanks around it need
 * to be scanned. A lead that is too long to keep is scanned each time, and so is one with a
 * line break, which would match across the end of a line.
 *
 * Private to this folder. Threads: leads belong to their decoder's thread.
 */
#ifndef MNSDB_INGEST_DECODE_LEAD_H
#define MNSDB_INGEST_DECODE_LEAD_H

#include "engine/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define LEAD_BYTES_MAX 64u

struct lead {
    uint8_t bytes[LEAD_BYTES_MAX]; /* opening brace or comma, name, colon, blanks */
    uint64_t behind;               /* a bit for each of `bytes` that is none of the lead's */
    uint8_t len;                   /* 0: none is kept */
    uint8_t name_from;             /* of the name, without its quotes, in `bytes` */
    uint8_t name_len;
    uint8_t member;  /* which member it is: the caller's; set though no lead is kept */
    bool utc;        /* the name begins with "utc" */
    uint32_t number; /* of a metric, in the run of messages that `run` names */
    uint64_t run;
};

/* True if the lead stands at `at`. */
static inline bool lead_matches(const struct lead *lead, const uint8_t *at, const uint8_t *end)
{
    return lead->len > 0 && (size_t)(end - at) >= lead->len &&
           bytes_same(lead->bytes, at, lead->len);
}

static inline struct slice lead_name(const struct lead *lead)
{
    return slice_of(lead->bytes + lead->name_from, lead->name_len);
}

/* Keeps the bytes [at, after), in which `name` stands, if they are few and in one line. */
static inline void lead_keep(struct lead *lead, const uint8_t *at, const uint8_t *after,
                             struct slice name, uint8_t member)
{
    const size_t len = (size_t)(after - at);
    *lead = (struct lead){.member = member};
    lead->utc = name.len >= 3 && memcmp(name.data, "utc", 3) == 0;
    if (len > LEAD_BYTES_MAX || memchr(at, '\n', len))
        return;
    memcpy(lead->bytes, at, len);
    lead->behind = len < 64 ? UINT64_MAX << len : 0;
    lead->len = (uint8_t)len;
    lead->name_from = (uint8_t)(name.data - at);
    lead->name_len = (uint8_t)name.len;
}

#endif
