/*
 * faults.h - how the queue misbehaves when it is asked to.
 *
 * A plan is drawn for every request before it is looked at, always with the same number of draws:
 * the same seed and the same requests in the same order give the same faults.
 *
 * Faults lose no message: what was received with an answer that never arrived stays invisible
 * until its timeout and comes again, as in life.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_FAULTS_H
#define MNSDB_BENCH_LOCALQUEUE_FAULTS_H

#include "bench/fleet/random.h"
#include "bench/localqueue/call.h"
#include "bench/localqueue/code.h"

#include <stdbool.h>
#include <stdint.h>

/* Shares are probabilities, 0 to 1. All zero: a queue that behaves. */
struct fault_config {
    uint64_t seed;
    double redeliver;
    double fail_deletes;
    double lose_delete_replies;
    double error_rate;
    enum code error_code; /* CODE_NONE: a mixture */
    double deny;
    int64_t deny_for_ms; /* from the start */
    double drop;
    double truncate;
    int64_t delay_ms;        /* mean; half of it to one and a half times as much */
    int64_t clock_offset_ms; /* added to the true time */
    uint32_t reorder_window; /* 0: in order */
};

/* What becomes of the connection. */
enum cut {
    CUT_NONE,
    CUT_BEFORE,   /* closed before anything was done */
    CUT_AFTER,    /* done, and closed without an answer */
    CUT_MIDDLE,   /* closed in the middle of the answer, whose length was announced */
    CUT_SHORT,    /* half an answer that claims to be whole: its length is announced as such */
    CUT_UNFRAMED, /* half an answer without a length; the end of the connection ends it */
};

struct fault_plan {
    int64_t delay_ms; /* before the request is looked at */
    enum code refusal;
    enum cut cut;
};

struct faults {
    struct fault_config config;
    struct random_stream random;
    struct random_stream shuffle; /* for queues */
    int64_t start_ms;
};

void faults_init(struct faults *faults, const struct fault_config *config, int64_t now_ms);

struct fault_plan faults_plan(struct faults *faults, const struct call *call, int64_t now_ms);

/* Does this handle of a delete fail? */
bool faults_fail_delete(struct faults *faults);

/* When a message just received shows itself again; TIME_NEVER: at its proper time. */
int64_t faults_redelivery_ms(struct faults *faults, int64_t now_ms);

#endif
