/*
 * message.h - the text of messages: payloads, base64, envelopes.
 *
 * Threads: plain functions on the caller's buffers.
 */
#ifndef MNSDB_BENCH_FLEET_MESSAGE_H
#define MNSDB_BENCH_FLEET_MESSAGE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdint.h>

#define MESSAGE_TEXT_MAX 2048u /* of a payload or an envelope */

/* A decimal: mantissa / 10^decimals, without trailing zeros. */
void put_decimal(struct buffer *out, int64_t mantissa, uint32_t decimals);
void put_unsigned(struct buffer *out, uint64_t number);
void put_text(struct buffer *out, const char *text);
void put_base64(struct buffer *out, struct slice bytes);

struct envelope {
    struct slice payload; /* as the device sent it */
    const char *messagetype;
    struct slice topic; /* empty: none */
    uint64_t message_id;
    int64_t timestamp_s;
};

/* Appends the envelope as JSON to room that was reserved (asserted). */
void put_envelope(struct buffer *out, const struct envelope *envelope);

#endif
