/*
 * status_shape.h - what a line with a status message looked like.
 *
 *      {"lastTime":"2018-05-16 13:58:44.413","time":"2018-05-16 13:58:44.427","productKey":"a1...
 *      ^^^^^^^^^^^^^                       ^^^^^^^^^^                       ^^^^^^^^^^^^^^^^
 *      first lead                          second                          third
 *
 * The line around the payload is that of a reading (line_shape.h), mostly without a topic. Each
 * value of the payload is a plain string, so that a lead goes from the quote that closes one to the
 * quote that opens the next, and a last one from there to the end.
 *
 * A shape is kept of messages whose payload names the device and a time. What stands where a time
 * is looked for may still be something else: whoever reads it finds out.
 *
 * Private to this folder. Threads: a shape belongs to its decoder's thread.
 */
#ifndef MNSDB_INGEST_DECODE_STATUS_SHAPE_H
#define MNSDB_INGEST_DECODE_STATUS_SHAPE_H

#include "ingest/decode/line_shape.h"

/* Members that say something. */
enum status_member {
    STATUS_PRODUCT,
    STATUS_NAME,
    STATUS_STATE,
    STATUS_UTC_TIME,
    STATUS_TIME,
    STATUS_UTC_LAST_TIME,
    STATUS_LAST_TIME,
    STATUS_OTHER, /* passed over; may come more than once */
};

enum status_member status_member_of(struct slice name);

#define STATUS_NO_VALUE   UINT8_MAX
#define STATUS_LEAD_BYTES 32u /* of the longest lead: one look */

struct status_shape {
    struct line_shape line; /* without a shape its lead_count is 0; one lead more than values */
    /* Which of the values, counted from the first, it is. */
    uint8_t product;
    uint8_t name;
    uint8_t state;
    uint8_t time;    /* that is preferred */
    uint8_t contact; /* the same; STATUS_NO_VALUE if there is none */
};

/* Keeps the shape of a line that the fast path took as a status message; as line_shape_learn. */
bool status_shape_learn(struct status_shape *shape, struct slice line,
                        const struct envelope_leads *envelope);

#endif
