/*
 * payload_time.h - times that devices and the platform write into payloads.
 *
 * All are read alike: an epoch (an integer or a string of digits: 10 digits are
 * seconds, 13 milliseconds) or text, YYYY-MM-DD HH:MM[:SS[.fff]] with T or a
 * blank between and an optional zone (Z, +HH:MM). Blanks around the time, before
 * its dot and before its zone are ignored; fractions finer than 1 ms are cut.
 * Text without a zone is UTC in members named "utc...", else in the payload zone.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_INGEST_DECODE_PAYLOAD_TIME_H
#define MNSDB_INGEST_DECODE_PAYLOAD_TIME_H

#include "engine/base/bytes.h"
#include "engine/civil/civil.h"
#include "engine/row/row.h"

#include <stdbool.h>
#include <stdint.h>

enum time_form {
    TIME_FORM_NONE = 0, /* missing, or a value that is neither number nor string */
    TIME_FORM_NUMBER,   /* `text` is a JSON number as it was written */
    TIME_FORM_STRING,   /* `text` is a string's content */
};

/* A member that may hold a time. */
struct time_member {
    enum time_form form;
    bool utc; /* text without a zone is UTC: the member is named "utc..." */
    struct slice text;
};

enum time_reading {
    TIME_UNREADABLE, /* missing or no time: gives way quietly */
    TIME_READ,
    TIME_NO_EPOCH, /* a number or a string of digits that is no epoch: a broken clock */
};

enum time_reading time_member_read(const struct time_member *member,
                                   const struct civil_zone *payload_zone, int64_t *utc_ms);

/* The business time of a row and where it came from. */
struct business_time {
    int64_t time_ms;
    uint8_t source;   /* enum time_source */
    bool clock_fault; /* a candidate that was tried held a broken clock */
};

struct envelope_time {
    uint64_t message_id;
    int64_t timestamp_s; /* within the range that envelopes allow */
};

#define SNOWFLAKE_EPOCH_MS   INT64_C(1288834974657)
#define SNOWFLAKE_SHIFT      22
#define SNOWFLAKE_OFF_MS_MAX (10 * MS_PER_MINUTE)

/* Of a message without a time of its own: the millisecond in the id, or the envelope's second. */
static inline struct business_time business_time_of_envelope(struct envelope_time envelope)
{
    const int64_t envelope_ms = envelope.timestamp_s * MS_PER_SECOND;
    const int64_t id_ms = (int64_t)(envelope.message_id >> SNOWFLAKE_SHIFT) + SNOWFLAKE_EPOCH_MS;
    const int64_t off_ms = id_ms - envelope_ms;
    const bool by_id = off_ms >= -SNOWFLAKE_OFF_MS_MAX && off_ms <= SNOWFLAKE_OFF_MS_MAX;
    return (struct business_time){
        .time_ms = by_id ? id_ms : envelope_ms,
        .source = by_id ? TIME_SOURCE_MESSAGEID : TIME_SOURCE_ENVELOPE,
    };
}

/* Before 1990-01-01 a clock was never set; a day is how far one may be ahead of the platform. */
#define CLOCK_EARLIEST_MS  INT64_C(631152000000)
#define CLOCK_AHEAD_MS_MAX MS_PER_DAY

static inline bool is_broken_clock(int64_t utc_ms, int64_t timestamp_s)
{
    return utc_ms < CLOCK_EARLIEST_MS || utc_ms > timestamp_s * MS_PER_SECOND + CLOCK_AHEAD_MS_MAX;
}

/* Tries the members in order, then the millisecond in the id, then the envelope's timestamp. */
struct business_time business_time_choose(const struct time_member *members, size_t count,
                                          const struct civil_zone *payload_zone,
                                          struct envelope_time envelope);

#endif
