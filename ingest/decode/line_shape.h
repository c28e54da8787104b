/*
 * line_shape.h - what a whole line looked like, so that the next can be held against it.
 *
 *      {"payload":"eyJ0ZW1wZXJhdHVyZSI6MjAuNTEsImh1bWlkaXR5Ijo2Ni4zfQ==","messagetype":"upload",
 *      ^^^^^^^^^^^^^^ head ^^^^^^^^^^^^^                                ^^^^^^^^ middle ^^^^^^^^^^
 *      "topic":"/a1Fleet0001/device-000260/user/update","messageid":1741610223959076864,
 *      ^^^^^^^^^                                       ^^^^^^^^^^^^^^ tail ^^^^^^^^^^^^^^
 *      "timestamp":1704067209}
 *      ^^^^^^^^^^^^^^^^^^^^^^^ and the line break
 *
 * Lines of a fleet differ in the rest of the payload, in the topic, and in the digits of the tail,
 * of which there are always as many. The head reaches into the payload's base64: what leads up to
 * the first value begins with the same characters each time.
 *
 * A shape is kept of a reading that the fast path took and whose payload is numbers alone: a line
 * that has it is such a reading too, if its topic names a device and its values are plain numbers.
 * Status messages have a shape of their own (status_shape.h).
 *
 * Private to this folder. Threads: a shape belongs to its decoder's thread.
 */
#ifndef MNSDB_INGEST_DECODE_LINE_SHAPE_H
#define MNSDB_INGEST_DECODE_LINE_SHAPE_H

#include "ingest/decode/lead.h"

#define PATTERN_BYTES    64u
#define SHAPE_HEAD_BYTES 32u /* of the longest head */
#define SHAPE_LEADS_MAX  16u

/* Digits of an id: more than fit one look of 16 bytes, at most by four. */
#define SHAPE_ID_DIGITS_MIN    16u
#define SHAPE_ID_DIGITS_MAX    19u
#define SHAPE_TIMESTAMP_DIGITS 10u
/* The longest topic and its closing quote are one look. */
#define SHAPE_TOPIC_BYTES 63u

/* The byte at `i` is right from low[i] to low[i] + span[i]; behind `len` any is. */
struct line_pattern {
    uint8_t low[PATTERN_BYTES];
    uint8_t span[PATTERN_BYTES];
    uint32_t len;
};

struct line_shape {
    struct line_pattern head; /* up to the first character of the payload that is decoded */
    /* From the payload's closing quote to the topic's opening one; without a topic to what comes
     * before the type's closing quote, at which the tail then begins. */
    struct line_pattern middle;
    struct line_pattern tail; /* from the topic's closing quote to the line break */
    bool has_topic;
    uint32_t id_from; /* in the tail */
    uint32_t id_digits;
    uint32_t timestamp_from;
    uint32_t skipped; /* bytes of the payload that the head has in base64: of its first lead */
    /* The payload's, `behind` of the first says that what is skipped is no more to be looked at. */
    struct lead leads[SHAPE_LEADS_MAX];
    size_t lead_count; /* 0: no shape is kept */
};

/* What leads up to the members of an envelope, which come in this order. */
struct envelope_leads {
    const struct lead *payload;
    const struct lead *type;
    const struct lead *topic; /* NULL: there is none */
    const struct lead *id;
    const struct lead *timestamp;
    const char *type_word; /* the type's value */
};

/*
 * Keeps the shape of a line, its line break included, that the fast path took; `payload` are the
 * `payload_count` leads of its payload: of a reading with plain numbers alone, one before each (of
 * a status message see status_shape.h). False, and no shape is kept, if a part of it is longer than
 * is looked at.
 */
bool line_shape_learn(struct line_shape *shape, struct slice line,
                      const struct envelope_leads *envelope, const struct lead *payload,
                      size_t payload_count);

#endif
