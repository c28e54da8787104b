/*
 * lead.h - what leads up to a value, remembered from message to message.
 *
 *      {"temperature":24.87,"humidity":46.2}
 *      ^^^^^^^^^^^^^^^     ^^^^^^^^^^^^
 *      first lead          second
 *
 * Messages look alike: where the n-th lead of the last message stands again, byte for
 * byte, the same member follows, and neither its name nor the blanks around it need
 * to be scanned. A lead that is too long to keep is scanned each time.
 *
 * Private to this folder. Threads: leads belong to their decoder's thread.
 */
#ifndef MNSDB_INGEST_DECODE_LEAD_H
#define MNSDB_INGEST_DECODE_LEAD_H

#include "engine/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define LEAD_BYTES_MAX 40u

struct lead {
    uint8_t bytes[LEAD_BYTES_MAX]; /* opening brace or comma, name, colon, blanks */
    uint8_t len;                   /* 0: none is kept */
    uint8_t name_from;             /* of the name, without its quotes, in `bytes` */
    uint8_t name_len;
    uint8_t member;  /* which member it is: the caller's */
    uint32_t number; /* of a metric: the caller's */
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

/* Keeps the bytes [at, after), in which `name` stands, if they are few. */
static inline void lead_keep(struct lead *lead, const uint8_t *at, const uint8_t *after,
                             struct slice name, uint8_t member)
{
    const size_t len = (size_t)(after - at);
    lead->len = 0;
    if (len > LEAD_BYTES_MAX)
        return;
    memcpy(lead->bytes, at, len);
    lead->len = (uint8_t)len;
    lead->name_from = (uint8_t)(name.data - at);
    lead->name_len = (uint8_t)name.len;
    lead->member = member;
}

#endif
