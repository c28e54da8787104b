/*
 * civil.h - civil (wall-clock) time and time zones.
 *
 * Instants are UTC milliseconds since 1970-01-01T00:00:00Z, without leap
 * seconds, years 0001 ... 9999. The calendar is the proleptic Gregorian one.
 * A zone is a fixed offset, or an IANA name that glibc's tz code reads from
 * the system's zone files.
 *
 * glibc keeps one zone a process: civil_zone_open with a name sets TZ, and all
 * named zones of one process must be the same name (asserted). Fixed offsets and UTC are free.
 *
 * Threads: open before threads start; afterwards read-only and shared.
 */
#ifndef MNSDB_ENGINE_CIVIL_CIVIL_H
#define MNSDB_ENGINE_CIVIL_CIVIL_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR   (60 * MS_PER_MINUTE)
#define MS_PER_DAY    (24 * MS_PER_HOUR)

#define CIVIL_ZONE_NAME_BYTES 64u

struct civil_zone {
    bool named;                       /* an IANA zone: offsets vary */
    int32_t offset_s;                 /* of a fixed zone, east of Greenwich */
    char name[CIVIL_ZONE_NAME_BYTES]; /* as given */
};

/* Fields as people write them: month 1 ... 12, day 1 ... 31. */
struct civil_time {
    int32_t year;
    uint8_t month, day, hour, minute, second; /* second 0 ... 59 */
    uint16_t millisecond;
};

/* What a wall-clock time means where the zone's clocks were put forward or back. */
enum civil_choice {
    CIVIL_EARLIER, /* the earlier of the two instants; in a gap the one that the larger offset gives
                    */
    CIVIL_AFTER_GAP, /* ambiguous: the earlier; in a gap: the first instant after it */
};

/*
 * "UTC", "Z", "+08:00", "-0530", or an IANA name (letters, digits, "_+-/", no
 * "..", a file of the zone database). STATUS_CONFIG names what is wrong.
 */
MUST_CHECK enum status civil_zone_open(struct civil_zone *zone, const char *text,
                                       struct error *err);

/* Offset from UTC at an instant, in seconds east. */
int32_t civil_zone_offset_s(const struct civil_zone *zone, int64_t utc_ms);

/* False if the fields are no date or time of day (February 30, 24:00:00). */
bool civil_is_valid(const struct civil_time *time);

/* Days since 1970-01-01 of a date, and back. */
int64_t civil_days_from_date(int32_t year, unsigned month, unsigned day);
void civil_date_from_days(int64_t days, struct civil_time *time);

/* Fields taken as UTC. */
int64_t civil_to_utc_ms(const struct civil_time *time);

/* The instant at which clocks in `zone` show `time`. */
int64_t civil_zone_to_utc_ms(const struct civil_zone *zone, const struct civil_time *time,
                             enum civil_choice choice);

/* What clocks in `zone` show at an instant. */
void civil_zone_from_utc_ms(const struct civil_zone *zone, int64_t utc_ms, struct civil_time *time);

/* RFC 3339 with milliseconds and the zone's offset, "Z" when that is zero and the zone is UTC.
 * NUL-terminated; returns the length. */
#define CIVIL_RFC3339_BYTES 40u
size_t civil_format_rfc3339(const struct civil_zone *zone, int64_t utc_ms,
                            char text[CIVIL_RFC3339_BYTES]);

/*
 * The same for many instants: a clock remembers days that it has shown, since the times of one
 * answer lie on few days. A clock belongs to one thread at a time; the zone is borrowed.
 */
#define CIVIL_CLOCK_DAYS 32u

struct civil_clock {
    const struct civil_zone *zone;
    struct {
        int64_t day;             /* since the epoch, in UTC */
        int32_t offset_min;      /* from UTC, all that day */
    } offsets[CIVIL_CLOCK_DAYS]; /* by day; of a named zone */
    struct {
        int64_t day;           /* since the epoch, on the clock */
        char text[16];         /* "2018-05-16T" */
    } dates[CIVIL_CLOCK_DAYS]; /* by day */
};

void civil_clock_init(struct civil_clock *clock, const struct civil_zone *zone);
size_t civil_clock_format(struct civil_clock *clock, int64_t utc_ms,
                          char text[CIVIL_RFC3339_BYTES]);

#endif
