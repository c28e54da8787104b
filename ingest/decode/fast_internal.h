/*
 * fast_internal.h - between the files of the fast path.
 *
 *      fast.c         ways in; what is rare: leads that are new, status events
 *      fast_path.h    what every message goes through, compiled twice:
 *        fast_portable.c     as it stands
 *        fast_avx2.c         32 bytes at a time, where the processor can
 *      fast_shaped.h  what most messages go through instead, where it can
 *      fast_status.h  the same of status messages
 */
#ifndef MNSDB_INGEST_DECODE_FAST_INTERNAL_H
#define MNSDB_INGEST_DECODE_FAST_INTERNAL_H

#include "ingest/decode/decode.h"
#include "ingest/decode/payload_time.h"

/* Zeros behind a decoded payload: no JSON, so that scans may read many bytes at once. */
#define SLACK_BYTES 32u

#define TIMESTAMP_S_MIN UINT64_C(631152000)
#define TIMESTAMP_S_MAX UINT64_C(4102444799)

/* Leads up to this length are compared in one look. */
#define SHORT_LEAD_BYTES 32u

/*
 * Readable from the start of a line on, and again behind its payload, if the usual way is to be
 * tried. It reads so much without a look at the end: four leads, the type, the longest topic
 * that it takes, two numbers, and some bytes behind them.
 */
#define USUAL_BYTES       512
#define USUAL_TOPIC_BYTES 256u

_Static_assert(4 * SHORT_LEAD_BYTES + USUAL_TOPIC_BYTES + 64 <= USUAL_BYTES, "all of it fits");

enum envelope_member {
    MEMBER_NONE = 0,
    MEMBER_PAYLOAD = 1,
    MEMBER_TYPE = 2,
    MEMBER_ID = 4,
    MEMBER_TOPIC = 8,
    MEMBER_TIMESTAMP = 16,
    MEMBERS_NEEDED = MEMBER_PAYLOAD | MEMBER_TYPE | MEMBER_ID | MEMBER_TIMESTAMP,
};

#define LEAD_OF_METRIC 0xffu /* in a payload lead's `member`; a time field has its index there */

_Static_assert(TIME_FIELDS_MAX < LEAD_OF_METRIC, "an index of a time field is no metric");

struct fast_envelope {
    struct envelope_time time;
    struct slice payload; /* decoded, in the decoder's buffer */
    struct slice topic;
    struct slice device; /* of a reading, in the topic; empty if it names none */
    bool is_status;
};

/* A row whose device is still to be looked up. */
struct pending_device {
    const uint8_t *name; /* borrowed from the message */
    uint32_t len;
    uint32_t row;
};

/* Enough for what is looked up to arrive from memory before it is looked at. */
#define PENDING_MAX 32u

/* Rows in two blocks: those of one arrive while the other fills. */
struct pending_block {
    size_t count;
    enum table table; /* of the rows */
    struct pending_device devices[PENDING_MAX];
    uint64_t hashes[PENDING_MAX]; /* of the names, once the block is full */
};

/* Room for "pk/dn" of a status message, whose payload has it in two parts. */
#define STATUS_PRODUCT_BYTES 31u
#define STATUS_NAME_BYTES    32u
#define STATUS_DEVICE_BYTES  (STATUS_PRODUCT_BYTES + 1 + STATUS_NAME_BYTES)

struct pending_statuses {
    struct pending_block block;
    uint8_t names[PENDING_MAX][STATUS_DEVICE_BYTES];
};

/* One call of the fast path: a run of lines, or a single body. */
struct fast_run {
    struct decoder *decoder;
    struct row_batch *batch;
    const uint8_t *until;          /* a message ends here at the latest */
    const uint8_t *end;            /* nothing is read from here on */
    const uint8_t *shaped_until;   /* lines up to here may be held against the shape; may be NULL */
    bool is_line;                  /* a message ends with a line break, else at `end` */
    size_t payload_chars_max;      /* for which there is room */
    enum status status;            /* not OK once memory gave out */
    struct pending_block *filling; /* of `pending`; the other one is hashed */
    struct pending_block pending[2];
    struct pending_statuses statuses; /* in lines that have the shape */
};

/* --- rare steps (fast.c) --------------------------------------------------------------------- */

/*
 * The lead that stands at `at` in the envelope; the place behind it, NULL if there is none that is
 * plain. The lead remembers it, and what member it is.
 */
const uint8_t *fast_learn_envelope(struct fast_run *run, struct lead *lead, const uint8_t *at,
                                   bool first);
/* The same for the n-th lead of a payload. */
const uint8_t *fast_learn_payload(struct fast_run *run, size_t n, const uint8_t *at,
                                  const uint8_t *end);
/* The place behind the closing brace and the end of the message, or NULL. */
const uint8_t *fast_find_close(const struct fast_run *run, const uint8_t *at);
/* The leads of a reading just taken, n of them: those at the front that the usual way can go by. */
void fast_note_plain(struct decoder *decoder, size_t n);
/* A line was taken that has not the shape: learns from it now and then. */
void fast_note_line(struct fast_run *run, struct slice line);
/* A topic, whatever its length. */
const uint8_t *fast_scan_topic(const uint8_t *at, const uint8_t *end, struct slice *topic,
                               struct slice *device);
/* Looks up the metric of a payload's lead for this run; false without memory. */
bool fast_find_metric(struct fast_run *run, struct lead *lead, struct slice name);
/* True if two of the cells are of one metric. */
bool fast_has_equal_metrics(const struct cell *cells, uint32_t count);
bool fast_take_status(struct fast_run *run, const struct fast_envelope *envelope);
/* A plain string or number as a member that may be a time. `at` may be NULL. */
const uint8_t *fast_scan_time(const uint8_t *at, const uint8_t *end, bool utc,
                              struct time_member *member);
/* Keeps the day that a date names, ten bytes of digits and dashes; false if there is no such. */
bool fast_learn_day(struct status_day *day, const uint8_t *date);
/* Looks up a device wherever it stands, or adds it; false without memory. */
bool fast_resolve_slowly(struct fast_run *run, struct slice name, uint32_t *number);

/* --- what is compiled twice ------------------------------------------------------------------ */

/* Takes messages from `at` on, up to one that is not plain; returns where it stopped. */
const uint8_t *fast_run_portable(struct fast_run *run, const uint8_t *at);
const uint8_t *fast_run_avx2(struct fast_run *run, const uint8_t *at);
bool fast_can_avx2(void);

#endif
