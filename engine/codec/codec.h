/*
 * codec.h - columns of 64-bit integers as few bits, in 16 lanes.
 *
 * A column of `count` integers is coded in the smallest of several forms: frame
 * of reference (minimum + packed differences to it; a constant takes no bits);
 * deltas above the smallest delta; either with outliers patched; a straight line with what lies
 * above it; multiples of a common step; indices into a dictionary. All
 * arithmetic is modulo 2^64, so any int64 (or uint64 cast to it) comes back exactly.
 *
 * Threads: pure functions.
 */
#ifndef MNSDB_ENGINE_CODEC_CODEC_H
#define MNSDB_ENGINE_CODEC_CODEC_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define CODEC_LANES      16u
#define CODEC_VALUES_MAX 2048u
#define CODEC_ROOM       (CODEC_VALUES_MAX + CODEC_LANES) /* slots that a decode may write to */

/* Appends the smallest coding of 1 ... CODEC_VALUES_MAX values (asserted). */
MUST_CHECK enum status codec_encode(const int64_t *values, uint32_t count, struct buffer *out);

/*
 * Whether the coding of these values might take fewer than `bytes_max` bytes: a guess by a sample,
 * for who would encode them only to compare. It says yes unless they would take clearly more.
 */
bool codec_may_fit(const int64_t *values, uint32_t count, size_t bytes_max);

/*
 * Decodes one column of `count` values (known from elsewhere) from untrusted
 * bytes and leaves the cursor behind it. `values` has CODEC_ROOM slots, or `count` rounded
 * up to CODEC_LANES: what lies behind `count` may be overwritten.
 */
MUST_CHECK enum status codec_decode(struct cursor *in, uint32_t count, int64_t *values,
                                    struct error *err);

/*
 * Leaves the cursor behind a column of untrusted bytes: where codec_decode would, if that can
 * decode it.
 */
MUST_CHECK enum status codec_skip(struct cursor *in, uint32_t count, struct error *err);

#endif
