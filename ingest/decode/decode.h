/*
 * decode.h - one message body in, its rows or a reject out.
 *
 *      body --(base64)-- envelope JSON --(base64)-- payload JSON -- rows of a batch
 *
 * Every body appends exactly one message to the batch. A body that breaks a rule
 * becomes a reject with the first reason that applies; only operating failures
 * (no memory) are a status, and leave the batch without the message.
 *
 * Bodies can carry a `deviceSecret`. What is kept of a reject is masked here;
 * whoever records, prints or logs a body masks it with decoder_mask_body first.
 *
 * Life cycle: init -> (decode | reject_too_long | mask_body)* -> release.
 * Threads: one decoder a thread; a configuration is read-only and shared.
 */
#ifndef MNSDB_INGEST_DECODE_DECODE_H
#define MNSDB_INGEST_DECODE_DECODE_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "engine/row/row.h"
#include "ingest/decode/lead.h"
#include "ingest/decode/line_shape.h"
#include "ingest/decode/status_shape.h"

#include <stdbool.h>
#include <stdint.h>

#define BODY_BYTES_MAX \
    ((size_t)1 << 20) /* a longer body is a reject that keeps this much of itself */
#define TIME_FIELDS_MAX 16u
#define FAST_CELLS_MAX  16u /* metrics of a payload that the fast path takes */
#define ENVELOPE_LEADS  5u  /* members of an envelope that it takes */
/* That may be read behind lines, whatever they are (decoder_take_lines). */
#define DECODE_SLACK_BYTES 64u
#define PAYLOAD_LEADS      (FAST_CELLS_MAX + TIME_FIELDS_MAX)
#define DIGIT_PLACES_WHOLE 9u  /* digits before a point: up to 8 */
#define DIGIT_PLACES_USED  10u /* characters: up to 9 */

/* Which members of a custom payload hold its business time, in order of preference. */
struct time_fields {
    struct slice names[TIME_FIELDS_MAX]; /* borrowed */
    size_t count;
};

struct decoder_config {
    struct civil_zone payload_zone; /* of payload times that name no zone */
    struct time_fields time_fields;
};

/*
 * Where the digits of a number stand that has w digits before its point and u characters in all: at
 * [w][u] of the decoder's table. No places: there is no such number, or it is longer than seven.
 */
struct digit_places {
    uint64_t places;   /* a byte for each of eight digits, 0x80 before the first; 0: none */
    uint64_t decimals; /* digits behind the point */
};

/* The day of the last time in a status message: most are of the same. */
struct status_day {
    uint8_t date[10]; /* YYYY-MM-DD */
    int64_t from_ms;  /* its midnight, taken as UTC */
};

struct evp_md_ctx_st; /* OpenSSL's digest context */

struct decoder {
    const struct decoder_config *config; /* borrowed */
    struct buffer body;                  /* owned; the envelope, where the body was base64 */
    struct buffer payload;               /* owned; the decoded payload */
    struct buffer masked;                /* owned; a body whose secret is masked */
    struct buffer masked_payload;        /* owned */
    struct arena arena;                  /* JSON trees of one message */
    struct evp_md_ctx_st *digest;        /* owned */
    /* In the row being built: where the newest cell of a metric is, by local metric number. */
    uint64_t *cell_serials; /* owned; the row's serial if it has the metric */
    size_t *cell_indexes;   /* owned */
    size_t metric_capacity; /* of both */
    uint64_t row_serial;
    struct lead envelope_leads[ENVELOPE_LEADS]; /* of the last message that the fast path took */
    struct lead status_leads[ENVELOPE_LEADS];   /* the same behind the type of a status message */
    struct lead payload_leads[PAYLOAD_LEADS];
    size_t distinct_leads; /* of payload_leads: so many, the first, name different metrics */
    size_t plain_leads;    /* so many, the first, are of metrics, and their numbers good */
    bool all_plain;        /* those are all that the payload had */
    bool usual_envelope;   /* envelope_leads are short and in the usual order */
    struct line_shape shape;
    struct status_shape status_shape;
    /* Lines that are not to be learned from: few come that have the shape. */
    uint32_t shape_wait;
    uint32_t status_wait; /* the same of status messages */
    struct status_day status_day;
    struct digit_places digit_places[DIGIT_PLACES_WHOLE][DIGIT_PLACES_USED];
    uint64_t run; /* of the fast path, counted: numbers in leads are good for one */
    struct row_batch_size batch_size; /* of the batch that the last message went to */
    bool general_only;                /* take the general path always: tests compare the two */
    bool portable_only;               /* no wide instructions on the fast path: tests again */
    uint64_t fast_count;              /* messages that the fast path took */
    uint64_t general_count;
};

/* The defaults: payload zone +08:00; time, timestamp, ts. */
MUST_CHECK enum status decoder_config_init(struct decoder_config *config, struct error *err);

/*
 * Reads "NAME[,NAME...]" or "none" into `fields`, whose names then borrow from
 * `text`. STATUS_CONFIG names what is wrong: an empty or repeated name, too many.
 */
MUST_CHECK enum status time_fields_parse(struct time_fields *fields, const char *text,
                                         struct error *err);

/* `config` must live as long as the decoder. */
MUST_CHECK enum status decoder_init(struct decoder *decoder, const struct decoder_config *config,
                                    struct error *err);
void decoder_release(struct decoder *decoder);

/*
 * Appends one message to the batch: the rows of the body, or a reject. A body
 * over BODY_BYTES_MAX that is given whole becomes the reject `too-long`.
 */
MUST_CHECK enum status decoder_decode(struct decoder *decoder, struct slice body,
                                      int64_t received_ms, struct row_batch *batch,
                                      struct error *err);

/*
 * The same for many bodies that are lines: takes them from the start, as long as they are plain,
 * and says how many bytes that were (`*taken_len`: whole lines). The next line, if there is one
 * with a line break, needs decoder_decode; then this can go on behind it. The lines end with LF or
 * CRLF, and DECODE_SLACK_BYTES of whatever bytes may be read behind `lines`. Faster than line by
 * line: nobody searches for the line breaks, and names are looked up while others arrive from
 * memory. STATUS_NOMEM: none were taken.
 */
MUST_CHECK enum status decoder_take_lines(struct decoder *decoder, struct slice lines,
                                          struct row_batch *batch, size_t *taken_len,
                                          struct error *err);

/* A body over BODY_BYTES_MAX of which a source kept only the beginning. */
struct long_body {
    struct slice first;     /* its first BODY_BYTES_MAX bytes */
    uint64_t total_len;     /* of the whole body */
    const uint8_t *digest;  /* SHA-256 of the whole body, BODY_DIGEST_BYTES; borrowed */
    bool holds_secret_word; /* "deviceSecret" stands somewhere in the whole body */
};

MUST_CHECK enum status decoder_reject_too_long(struct decoder *decoder,
                                               const struct long_body *body, int64_t received_ms,
                                               struct row_batch *batch, struct error *err);

/*
 * What may be kept, recorded or printed of a body: the body itself, or a copy
 * with its secret masked, valid until the decoder's next call. `*masked` says which.
 */
MUST_CHECK enum status decoder_mask_body(struct decoder *decoder, struct slice body,
                                         struct slice *kept, bool *masked, struct error *err);

#endif
