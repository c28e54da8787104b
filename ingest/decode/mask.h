/*
 * mask.h - hides the deviceSecret in a body before it is kept, recorded or printed.
 *
 * In a body that can be read (envelope and payload are JSON), the value of every
 * member named deviceSecret, at any depth, becomes as many '*' as it has
 * characters; a value that is no string becomes a string of as many '*' as its
 * text. Payload and body are encoded again the way they were. In all other
 * bodies the word anywhere turns the whole body into '*': plain, written with
 * JSON escapes, or inside anything that looks like base64, twice if need be.
 *
 * Private to this folder. Threads: a decoder's own.
 */
#ifndef MNSDB_INGEST_DECODE_MASK_H
#define MNSDB_INGEST_DECODE_MASK_H

#include "ingest/decode/decode.h"

/* `*kept` is `body` itself (nothing to hide), or points into the decoder's `masked`. */
MUST_CHECK enum status mask_body(struct decoder *decoder, struct slice body, struct slice *kept,
                                 bool *masked);

/* For a body that cannot be read whole: all '*' if the word may be in it or `must_hide`. */
MUST_CHECK enum status mask_unread(struct decoder *decoder, struct slice body, bool must_hide,
                                   struct slice *kept, bool *masked);

#endif
