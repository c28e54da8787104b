/*
 * fast.h - the fast path: one pass over the plain shapes that nearly all messages have.
 *
 * It takes a message and does exactly what the general path would do with it, or
 * it leaves the message alone without a trace in the batch, names apart. It never
 * rejects, so that reasons come from one place.
 *
 * Private to this folder.
 */
#ifndef MNSDB_INGEST_DECODE_FAST_H
#define MNSDB_INGEST_DECODE_FAST_H

#include "ingest/decode/decode.h"

MUST_CHECK enum status fast_decode(struct decoder *decoder, struct slice body,
                                   struct row_batch *batch, bool *taken);

/* As decoder_take_lines. */
MUST_CHECK enum status fast_take_lines(struct decoder *decoder, struct slice lines,
                                       struct row_batch *batch, size_t *taken_len);

#endif
