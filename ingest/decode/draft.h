/*
 * draft.h - the message that is being decoded: shared by the steps of the general path.
 *
 * Steps return false when the message is refused, with the reason in the draft.
 * Private to this folder. Threads: a draft belongs to its decoder's thread.
 */
#ifndef MNSDB_INGEST_DECODE_DRAFT_H
#define MNSDB_INGEST_DECODE_DRAFT_H

#include "ingest/decode/decode.h"
#include "ingest/decode/json.h"
#include "ingest/decode/payload_time.h"

#include <stdbool.h>
#include <stdint.h>

#define DETAIL_BYTES_MAX 80u

struct draft {
    struct decoder *decoder; /* borrowed */
    struct row_batch *batch; /* borrowed */
    /* From the envelope. */
    bool has_id;
    bool is_status;
    struct envelope_time envelope;
    const struct json_node *topic;   /* NULL if absent */
    const struct json_node *payload; /* NULL if absent */
    /* "pk/dn" */
    uint8_t device[NAME_BYTES_MAX];
    size_t device_len;
    size_t number_count; /* numbers found so far, those that replaced an equal name too */
    /* Why it was refused. */
    bool refused;
    enum reject_reason reason;
    char detail[DETAIL_BYTES_MAX];
};

/* Refuses the message; returns false. The detail is cut to its room. */
bool draft_refuse(struct draft *draft, enum reject_reason reason, const char *detail, ...)
    PRINTF_LIKE(3, 4);

/* Envelope (envelope.c): the members that count, checked in the order of the reasons. */
bool draft_read_envelope(struct draft *draft, const struct json_node *root);

/* Device (device.c): from the topic, or a status payload's own members. */
bool draft_find_device(struct draft *draft, const struct json_node *payload);

/* Rows (status.c, readings.c). The device is known; a refused message leaves rows in the batch. */
MUST_CHECK enum status draft_add_status(struct draft *draft, const struct json_node *payload);
MUST_CHECK enum status draft_add_readings(struct draft *draft, const struct json_node *payload);

/* The member as a time that may be read; NULL gives one that is missing. */
struct time_member time_member_of(const struct json_node *node);

/* Where "pk/dn" stands in a topic; an empty slice if it names no device. */
struct slice topic_device(struct slice topic, bool is_status);

/*
 * Adds a status event: one row with its state and, if `contact` can be read, its
 * age. Shared by both paths.
 */
struct status_event {
    struct slice device;
    bool online;
    struct time_member times[2];    /* utcTime, time */
    struct time_member contacts[2]; /* utcLastTime, lastTime */
};
MUST_CHECK enum status status_event_add(struct decoder *decoder, struct row_batch *batch,
                                        struct envelope_time envelope,
                                        const struct status_event *event);

#endif
