/*
 * base64.h - base64 as message bodies and payloads use it.
 *
 * Both alphabets (+/ and -_) are read, even mixed. Blanks (space, tab, CR, LF)
 * are ignored wherever they stand. Padding may be missing; where it stands it
 * completes the last group and nothing but blanks follows it. A group of padding
 * alone ("====") is no base64; no characters at all are zero bytes. The unused
 * bits of a last group may be anything.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_INGEST_DECODE_BASE64_H
#define MNSDB_INGEST_DECODE_BASE64_H

#include "engine/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room that decoding may write to: whole words are stored, so a little more than the result. */
static inline size_t base64_room(size_t text_len)
{
    return text_len / 4 * 3 + 16;
}

/* Space, tab, CR, LF: what the rules of the input mean by a blank. */
static inline bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* True for a character of either alphabet. */
bool base64_is_digit(uint8_t byte);

/* Decodes a whole text into `out` (base64_room() bytes); false if it is no base64. */
bool base64_decode(struct slice text, uint8_t *out, size_t *out_len);

/*
 * Decodes characters of either alphabet from the start of `text` up to the first byte
 * that is none, and returns their number n. Written are base64_run_bytes(n) bytes,
 * and some more that mean nothing, within base64_room().
 */
size_t base64_decode_run(struct slice text, uint8_t *out);

/* The bytes that are complete after `count` characters. */
static inline size_t base64_run_bytes(size_t count)
{
    const size_t held = count % 4;
    return count / 4 * 3 + (held > 0 ? held - 1 : 0);
}

/* Length of the padded text of `len` bytes. */
static inline size_t base64_encoded_len(size_t len)
{
    return (len + 2) / 3 * 4;
}

/* Writes base64_encoded_len(bytes.len) characters: the standard alphabet, padded. */
void base64_encode(struct slice bytes, uint8_t *out);

#endif
