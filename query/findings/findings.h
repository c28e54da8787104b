/*
 * findings.h - what looks wrong in the data, each with its evidence and a command that shows more.
 *
 * Every kind has a rule with limits in `struct findings_limits`; docs/checks.md states the rules.
 * A finding sums up all cases of one kind of one device (and metric): how many, from when to
 * when, the worst in words. Nothing depends on the clock: the end is `to`, else the store's last
 * business time.
 *
 * Life cycle: findings_limits_default -> findings_query -> read -> finding_list_release.
 * Memory:     by devices, their metrics and long intervals, and findings; not by rows.
 * Threads:    one query a snapshot at a time.
 */
#ifndef MNSDB_QUERY_FINDINGS_FINDINGS_H
#define MNSDB_QUERY_FINDINGS_FINDINGS_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "engine/number/number.h"
#include "engine/snapshot/snapshot.h"
#include "query/answer/answer.h"
#include "query/selection/selection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the list within a severity. */
enum finding_kind {
    FINDING_TOGETHER,     /* most devices fell silent together */
    FINDING_OUT_OF_RANGE, /* a value that the metric cannot have */
    FINDING_FROZEN,       /* the same value for long, of a metric that else moves */
    FINDING_OFFLINE,      /* offline for long */
    FINDING_SILENT,       /* online, and no reading */
    FINDING_GAP,          /* no reading for much longer than usual, with no word of being offline */
    FINDING_UNSTABLE,     /* goes offline far more often than its peers */
    FINDING_FLAPPING,     /* many sessions in a short time */
    FINDING_JUMP,         /* a change far beyond the usual ones */
    FINDING_CLOCK_OFF,    /* a device's clock is ahead of its messages, or hours behind */
    FINDING_CLOCK_FAULT,  /* a broken clock was passed over */
    FINDING_OFFLINE_ONLY, /* offline again without having been online */
    FINDING_STALE_OFFLINE,  /* offlines of earlier connections */
    FINDING_REJECTS_RISING, /* more rejects lately than before */
    FINDING_REJECTS,        /* bodies not understood, by reason */
    FINDING_KIND_COUNT,
};

enum finding_severity {
    SEVERITY_ERROR,   /* the data is wrong, or is missing now: exit code 1 */
    SEVERITY_WARNING, /* likely wrong: look */
    SEVERITY_NOTE,    /* good to know */
    SEVERITY_COUNT,
};

/* "out-of-range", "frozen", ...: stable words */
const char *finding_kind_word(enum finding_kind kind);
const char *finding_severity_word(enum finding_severity severity);

struct finding {
    enum finding_kind kind;
    enum finding_severity severity;
    struct slice device; /* bytes as sent; empty: the whole store */
    struct slice metric; /* bytes as sent; if has_metric */
    bool has_metric;     /* a metric's name can be empty */
    bool has_time;
    int64_t first_ms, last_ms; /* when it was seen first and last; if has_time */
    uint64_t count;            /* how often: values, stretches, events, bodies */
    struct slice evidence;     /* words with figures, valid UTF-8 without control characters */
    struct slice more;         /* a line for the shell: printable as it is, works when pasted */
};

struct finding_list {
    struct finding *items; /* owned; by severity, kind, device, metric */
    size_t count, capacity;
    struct arena arena;
};

/* "NAME=LOW..HIGH": what a metric can be. Either end may be open. */
struct metric_range {
    const char *glob; /* of the whole metric name or of what follows its last dot */
    bool has_low, has_high;
    struct number low, high;
};

struct findings_limits {
    const struct metric_range *ranges; /* the last that matches counts; else the defaults by name */
    size_t range_count;
    int64_t frozen_ms;
    uint64_t frozen_readings;
    uint64_t jump_factor_milli; /* thousandths; 0: no finding, as for all others */
    uint64_t gap_factor_milli;  /* thousandths of the usual interval */
    int64_t gap_least_ms;       /* and never shorter */
    int64_t silent_ms;
    int64_t still_ms;               /* so long may what must move stand with nothing to compare */
    uint64_t together_devices;      /* so many devices ... */
    uint64_t together_percent;      /* ... and more than this of those that send, at once */
    int64_t offline_ms;             /* a longer outage is one too long */
    uint64_t unstable_failures;     /* at least so many ... */
    uint64_t unstable_factor_milli; /* ... and so many times as often as is usual */
    uint64_t flap_sessions;         /* so many sessions that start ... */
    int64_t flap_ms;                /* ... in less than this */
    int64_t clock_ahead_ms;
    int64_t rejects_ms;            /* the last part, held against what was before */
    uint64_t rejects_factor_milli; /* how many times the rate before */
};

struct findings_spec {
    const struct selection *selection; /* its devices listed (selection_sort) */
    bool whole_store;                  /* no glob was given: rejects and clock faults count */
    struct findings_limits limits;
    const char *store_dir;     /* for the commands that show more, as given; NULL: none was given */
    const char *const *values; /* words of the line that say which readings count, and */
    size_t value_count;        /* their names: for commands that show readings */
    const struct civil_zone *zone; /* of the times in evidence; NULL: UTC */
    bool ascii; /* lines for the shell are ASCII: the terminal shows nothing else */
};

struct findings_limits findings_limits_default(void);

/* What a metric can be; the doubles stand in for the limits until they are met exactly. */
struct value_bounds {
    bool has_low, has_high;
    struct number low, high;
    double low_real, high_real;
};

/* As its name alone tells, of temperatures and humidities; else there are none. */
struct value_bounds value_bounds_by_name(struct slice metric);

/* Fills an empty list. */
MUST_CHECK enum status findings_query(struct snapshot *snapshot, const struct findings_spec *spec,
                                      struct finding_list *list, struct scan_statistics *statistics,
                                      struct error *err);
void finding_list_release(struct finding_list *list);

/* Fills an empty answer with the fields of `mnsdb check`. Borrows the list. */
MUST_CHECK enum status findings_answer(const struct finding_list *list, struct answer *answer,
                                       struct error *err);

#endif
