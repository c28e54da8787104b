/*
 * findings_internal.h - what the rules of findings share.
 *
 *      findings.c        the order of work
 *      range.c           what a metric can be
 *      survey.c          first scan of readings: figures of every device, cases of every metric
 *      metric_watch.c    the values of one metric of one device, one after the other
 *      second.c          second scan, only of devices that have jumps or long intervals
 *      absence.c         long intervals: of one device, or of most at once
 *      still.c           metrics that never moved on a device, held against the other devices
 *      times.c           times in ascending order
 *      reading_words.c   findings about readings
 *      status_rules.c    findings about status events
 *      outage_rules.c    findings about outages
 *      reject_rules.c    findings about rejects
 *      words.c           evidence, and lines for the shell
 */
#ifndef MNSDB_QUERY_FINDINGS_FINDINGS_INTERNAL_H
#define MNSDB_QUERY_FINDINGS_FINDINGS_INTERNAL_H

#include "query/findings/findings.h"
#include "query/gaps/gaps.h"
#include "query/online/online.h"
#include "query/tally/tally.h"
#include "query/timeline/timeline.h"

/* A change over a longer pause is none: nobody saw what was between. */
#define JUMP_WITHIN_MS INT64_C(7200000)
/* So many changes tell what is usual: the greatest 2 of them cannot move the 95th percentile. */
#define JUMP_CHANGES_MIN 50u
/* So many intervals tell what is usual, for gaps. */
#define GAP_INTERVALS_MIN 20u
/* A longest usual interval is this percentile: 19 of 20. */
#define USUAL_NUMERATOR   19u
#define USUAL_DENOMINATOR 20u
/* A metric moves if it changes in a third of so many steps outside its longest stretch. */
#define MOVES_STEPS_MIN 30u
#define MOVES_SHARE     3u
/* So many other devices must move before one that never did is suspect. */
#define MOVES_DEVICES_MIN 2u
/* What has so many different values is measured: it is no switch and no state. */
#define METRIC_DIFFERENT_MAX 5u
/* A peer has readings over a whole day: at night many things stand still. */
#define PEER_SPAN_MS INT64_C(86400000)
/* Beyond this an id tells no time of its own: the clock rule of the store lets none through. */
#define CLOCK_DAY_MS   INT64_C(86400000)
#define CLOCK_ROWS_MIN 10u

/* --- values -------------------------------------------------------------------------------- */

/* As asked for, else by its name. */
struct value_bounds value_bounds_of(const struct findings_limits *limits, struct slice metric);

struct range_case {
    uint64_t count;
    int64_t first_ms, last_ms;
    struct number worst;
    int64_t worst_ms;
    double worst_excess;
    bool worst_is_high;
};

/* Stretches of one value that are long enough to be suspect, of one metric of one device. */
struct frozen_case {
    uint32_t rank;
    uint32_t metric;
    uint64_t stretches;
    int64_t first_ms, last_ms; /* from the first stretch's first reading to the last's last */
    int64_t longest_start_ms, longest_last_ms;
    uint64_t longest_readings;
    struct number value;     /* of the longest */
    uint64_t steps, changes; /* outside the longest */
    bool to_the_end;         /* the last one is not over */
    bool is_peer;            /* it is among the peers of its metric */
    uint8_t decimals;        /* of all its values, the most */
    uint32_t peers;          /* other devices that it was held against; if it never moved */
    uint32_t lively_peers;   /* of these, that never stand for long */
};

/* A device whose readings of a metric tell how long it stands, and how many decimals it has. */
struct metric_peer {
    int64_t longest_ms; /* the longest stretch of one value, whatever its length */
    uint32_t metric;
    uint8_t decimals;
    bool varies; /* it has more than a few different values: no switch, no state */
};

struct jump_case {
    uint32_t device;
    uint32_t rank;
    uint32_t metric;
    double usual;     /* 95 of 100 changes are at most this */
    double threshold; /* a jump is more than this */
    uint64_t count;
    int64_t first_ms, last_ms; /* of the values jumped to */
    double worst;
    struct number before, after;
    int64_t before_ms, after_ms; /* of the worst */
    bool has_latest;
    struct number latest;
    int64_t latest_ms;
};

struct out_of_range {
    uint32_t rank;
    uint32_t metric;
    struct range_case found;
};

/* --- devices ------------------------------------------------------------------------------- */

/* An interval without a reading that is longer than a limit of its device. */
struct absence_case {
    struct time_range interval;
    int64_t gap_ms, silent_ms; /* how much of it counts as such; -1: it is none */
    uint32_t rank;
    bool gap_lasts, silent_lasts; /* it reaches the end of the range, in that state */
    bool joint;                   /* part of a joint silence */
};

/* Most devices fell silent together. */
struct joint_silence {
    int64_t first_ms, last_ms; /* from the first one's start to the last one's end */
    int64_t from_ms, until_ms; /* from the last one's start until half of them were back */
    uint64_t devices, expected;
    uint64_t lasting; /* devices for which it reaches the end of the range */
};

/* Stretches without a reading. */
struct absence {
    uint64_t count;
    int64_t first_ms, last_ms; /* from the first's start to the last's end */
    int64_t longest_start_ms, longest_until_ms;
    int64_t longest_ms; /* how much of it counts */
    bool lasts;         /* the last one reaches the end of the range */
};

struct device_facts {
    uint32_t device;
    bool second; /* the second scan reads it */
    bool limits_known;
    uint64_t readings;
    int64_t first_ms, last_ms; /* of the readings; if there are any */
    int64_t usual_ms;          /* 95 of 100 intervals are at most this; -1: there is none */
    int64_t gap_limit_ms;      /* -1: no finding */
    int64_t silent_limit_ms;   /* -1: no finding */
    struct absence gap, silent;
    uint64_t own_times;  /* readings with a time of the device's own */
    uint64_t lent_times; /* readings without */
    int64_t lent_first_ms, lent_last_ms;
    uint64_t ahead;
    int64_t ahead_first_ms, ahead_last_ms, ahead_most_ms;
    int64_t behind_least_ms; /* over all own times; if there are any */
};

/* How many devices have values of a metric that move, and how many enough to tell. */
struct metric_facts {
    struct value_bounds bounds;
    bool must_move; /* by its name it is of air: nowhere the same for long */
    uint32_t devices_moving;
    uint32_t devices_judged;
};

struct findings {
    struct snapshot *snapshot;
    const struct findings_spec *spec;
    struct finding_list *list;
    struct time_range range;
    struct scan_statistics *statistics;
    struct device_facts *devices; /* owned; by rank: the selection's order */
    uint32_t device_count;
    struct device_places places;
    uint32_t *ranks;              /* owned; by place */
    struct metric_facts *metrics; /* owned; by number */
    uint32_t metric_count;
    struct event_history history;
    struct timeline timeline;    /* of `timeline_device` */
    uint32_t timeline_device;    /* UINT32_MAX: none yet */
    struct out_of_range *ranges; /* owned */
    size_t range_count, range_capacity;
    struct frozen_case *frozen; /* owned */
    size_t frozen_count, frozen_capacity;
    struct metric_peer *peers; /* owned */
    size_t peer_count, peer_capacity;
    struct absence_case *absences; /* owned; of a device ascending, the range's ends last */
    size_t absence_count, absence_capacity;
    struct joint_silence *joints; /* owned; ascending */
    size_t joint_count, joint_capacity;
    struct jump_case *jumps; /* owned; by device number */
    size_t jump_count, jump_capacity;
};

/* Builds findings->timeline for a device. */
MUST_CHECK enum status findings_timeline(struct findings *findings, uint32_t device,
                                         struct error *err);

/* --- one metric of the device at hand ------------------------------------------------------ */

struct metric_watch {
    const struct value_bounds *bounds;
    const struct findings_limits *limits;
    uint32_t device_count; /* of the survey, when the device at hand began */
    bool has_latest;
    struct number latest;
    double latest_real;
    int64_t latest_ms;
    struct range_case range;
    struct frozen_case frozen;
    int64_t start_ms; /* of the first value */
    int64_t run_start_ms;
    uint64_t run_readings;
    int64_t longest_ms; /* of all runs, however short */
    uint8_t decimals;
    uint8_t different_count;                       /* METRIC_DIFFERENT_MAX: maybe more */
    struct number different[METRIC_DIFFERENT_MAX]; /* the first values that differ */
    uint64_t steps, changes;                       /* all of them */
    struct tally sizes; /* bits of the sizes of changes, which order as the sizes do */
};

/* For the next device; keeps memory. */
void metric_watch_begin(struct metric_watch *watch, const struct value_bounds *bounds,
                        const struct findings_limits *limits);
/* The values of rows [from_row, until_row), all of one device. */
MUST_CHECK enum status metric_watch_take(struct metric_watch *watch, const struct row_vector *rows,
                                         const struct column_vector *column, uint32_t from_row,
                                         uint32_t until_row);
/* After the device's last value. */
MUST_CHECK enum status metric_watch_end(struct metric_watch *watch);
/* False: too few changes, or none that is a jump. */
bool metric_watch_jumps(struct metric_watch *watch, double *usual, double *threshold);
void metric_watch_release(struct metric_watch *watch);

/* --- the steps of findings_query ----------------------------------------------------------- */

MUST_CHECK enum status findings_survey(struct findings *findings, struct error *err);
MUST_CHECK enum status findings_second(struct findings *findings, struct error *err);
/* After the survey: what never moved on a device, against the other devices. */
MUST_CHECK enum status findings_still(struct findings *findings);
/* After the second scan: silences of most, and what is left to the devices. */
MUST_CHECK enum status findings_absences(struct findings *findings, struct error *err);
/* True if a stretch is a finding. */
bool frozen_is_suspect(const struct findings *findings, const struct frozen_case *frozen);
/* An interval without a reading, against the limits and the device's timeline. */
MUST_CHECK enum status findings_judge_interval(struct findings *findings, uint32_t rank,
                                               struct time_range interval, struct error *err);
MUST_CHECK enum status findings_of_readings(struct findings *findings);
MUST_CHECK enum status findings_of_status(struct findings *findings, struct error *err);
MUST_CHECK enum status findings_of_outages(struct findings *findings, struct error *err);
MUST_CHECK enum status findings_of_rejects(struct findings *findings, struct error *err);

/* --- times in ascending order --------------------------------------------------------------- */

struct times {
    int64_t *ms; /* owned */
    size_t count;
};

/* Room for so many; the caller fills in and sorts. */
MUST_CHECK enum status times_init(struct times *times, size_t capacity);
void times_release(struct times *times);
void times_sort(struct times *times);
size_t times_before(const struct times *times, int64_t until_ms);
size_t times_upto(const struct times *times, int64_t last_ms); /* inclusive */

/* --- words --------------------------------------------------------------------------------- */

/* A text that grows; a failure is kept and told at the end. */
struct words {
    struct buffer bytes; /* owned */
    enum status status;
    const struct civil_zone *zone;
    bool ascii; /* nothing else in lines for the shell */
};

void words_add(struct words *words, const char *format, ...) PRINTF_LIKE(2, 3);
void words_time(struct words *words, int64_t time_ms);
void words_duration(struct words *words, int64_t duration_ms);
void words_count(struct words *words, uint64_t count, const char *one, const char *many);
void words_number(struct words *words, struct number number);
void words_real(struct words *words, double real);
/* A word for the shell: quoted where needed, printable whatever its bytes. */
void words_shell(struct words *words, struct slice word);
void words_release(struct words *words);

/* "mnsdb [-d DIR] COMMAND", " --device GLOB", " --from T --to T" for [from_ms, last_ms]. */
void words_command(struct words *words, const struct findings_spec *spec, const char *command);
void words_device(struct words *words, struct slice device);
/* Which readings count, as findings_spec.values has it. */
void words_values(struct words *words, const struct findings_spec *spec);
void words_span(struct words *words, int64_t from_ms, int64_t last_ms);
/* As `--longer-than` reads it: "2h6m5s980ms". */
void words_length(struct words *words, int64_t length_ms);
/* " -- METRIC"; false if no command line can hold it. */
bool words_metric(struct words *words, struct slice metric);

/* A finding in the making. */
struct draft {
    struct finding finding;
    struct words evidence;
    struct words more;
};

void draft_begin(struct draft *draft, const struct findings *findings, enum finding_kind kind,
                 enum finding_severity severity);
/* Adds it to the list; releases the draft. */
MUST_CHECK enum status draft_end(struct draft *draft, struct findings *findings);

#endif
