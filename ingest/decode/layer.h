/*
 * layer.h - one wrapping of a message: JSON as it is, or base64 of something.
 *
 * Told by the first character that is no blank: "{" is JSON. Bodies and payloads
 * are wrapped alike. Private to this folder.
 */
#ifndef MNSDB_INGEST_DECODE_LAYER_H
#define MNSDB_INGEST_DECODE_LAYER_H

#include "ingest/decode/base64.h"

static inline bool layer_is_json(struct slice text)
{
    size_t at = 0;
    while (at < text.len && is_blank(text.data[at]))
        at++;
    return at < text.len && text.data[at] == '{';
}

/* What is inside: `text` itself, or its base64 decoded into `room` (base64_room() bytes). */
static inline bool layer_decode(struct slice text, uint8_t *room, struct slice *inner,
                                bool *was_base64)
{
    *was_base64 = !layer_is_json(text);
    if (!*was_base64) {
        *inner = text;
        return true;
    }
    size_t len = 0;
    if (!base64_decode(text, room, &len))
        return false;
    *inner = slice_of(room, len);
    return true;
}

#endif
