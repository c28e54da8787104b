/*
 * machine.h - what a figure was measured on: the machine in words, and its physical marks.
 *
 *      describe     CPU, caches, memory, kernel, compiler, file system, libraries
 *      marks        what this machine can do at best: memory, page cache, disk, one core's clock
 *      calibration  fixed pieces of work, so that times of two machines can be compared
 *
 * Rates are bytes a second by the wall clock, the best of several runs; what a core does alone
 * (clock, calibration) is work time (struct work_clock), the least of several runs: so neighbours
 * disturb it little.
 *
 * Threads: one caller; the marks of memory start one thread of their own for a while.
 */
#ifndef MNSDB_BENCH_MACHINE_MACHINE_H
#define MNSDB_BENCH_MACHINE_MACHINE_H

#include "cli/clock.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_TEXT_BYTES 128u

/*
 * How long one thread worked: by the wall clock if that was short, else by its CPU time.
 *
 * The kernel's account of CPU time is not made for short sections: where a host takes time from a
 * virtual machine, it is booked in lumps, and a section of 50 us may show as none. A section that
 * took less than a time slice was hardly interrupted, so the wall clock tells its time; one that
 * took longer may have waited for the CPU, and then the lumps are small beside it.
 */
struct work_clock {
    int64_t began_ns;
    int64_t began_cpu_ns;
};

#define WORK_SHORT_NS INT64_C(2000000) /* below the time slice of a busy CPU */

static inline struct work_clock work_clock_start(void)
{
    const int64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    return (struct work_clock){.began_ns = clock_ns(CLOCK_MONOTONIC), .began_cpu_ns = cpu_ns};
}

/* Since start, at least 1 ns. */
static inline int64_t work_clock_ns(const struct work_clock *clock)
{
    const int64_t elapsed_ns = clock_ns(CLOCK_MONOTONIC) - clock->began_ns;
    if (elapsed_ns < WORK_SHORT_NS)
        return elapsed_ns > 0 ? elapsed_ns : 1;
    const int64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - clock->began_cpu_ns;
    return cpu_ns > 0 ? cpu_ns : elapsed_ns;
}

/* Texts are empty and sizes 0 where the system does not say. */
struct machine {
    char cpu[MACHINE_TEXT_BYTES]; /* model name */
    unsigned cpus;                /* that this process may use */
    uint64_t l1_bytes;            /* of one cache; of level 1 that for data */
    uint64_t l2_bytes;
    uint64_t l3_bytes;
    uint64_t memory_bytes;
    char kernel[MACHINE_TEXT_BYTES];   /* "Linux 6.1.0 x86_64" */
    char compiler[MACHINE_TEXT_BYTES]; /* of this program */
    char libc[MACHINE_TEXT_BYTES];
    char file_system[MACHINE_TEXT_BYTES]; /* "ext4", of the directory */
    const char *libraries;                /* "lmdb 0.9.24, libxxhash 0.8.1", as built with */
    const char *build;                    /* "Release" */
};

/* Never fails: what it cannot find out stays empty. `dir` is where stores will be. */
void machine_describe(struct machine *machine, const char *dir);

struct memory_marks {
    double read; /* bytes a second, of a buffer that fits no cache */
    double write;
    double copy; /* bytes copied: twice as many are moved */
};

struct machine_marks {
    double core_hz;           /* cycles a second of one core while it computes: machine_core_hz() */
    double tsc_hz;            /* of the time stamp counter; 0: there is none */
    double calibration_ns;    /* machine_calibrate(), MACHINE_BOTH */
    struct memory_marks one;  /* thread */
    struct memory_marks two;  /* threads, both together; zeros on one CPU */
    double page_cache_pread;  /* bytes a second of a cached file: copied out by pread */
    double page_cache_map;    /* through a fresh map, page faults included */
    double page_cache_mapped; /* through a map whose pages were touched before */
    double sync_least_ns;     /* a page written over, then fdatasync */
    double sync_median_ns;
    double sync_p95_ns;
    double synced_write; /* bytes a second of a growing file, fdatasync every MARKS_SYNC_BYTES */
};

#define MARKS_SYNC_BYTES ((size_t)16 << 20) /* a bulk commit writes about so much at once */

/* How much work the marks are. */
struct machine_marks_config {
    const char *dir;     /* where files are made: unnamed ones */
    size_t memory_bytes; /* of a buffer, there are two; several times the last cache */
    size_t file_bytes;
    unsigned runs;  /* of which the best counts; at least 1 */
    unsigned syncs; /* to find the latency; 1 ... MARKS_SYNCS_MAX */
};

#define MARKS_SYNCS_MAX 1000u

/* For this machine: some five seconds of work, and 1 GiB of memory at most. */
struct machine_marks_config machine_marks_config_default(const struct machine *machine,
                                                         const char *dir);

/* STATUS_NOMEM, or STATUS_FULL if `dir` cannot be written. */
MUST_CHECK enum status machine_marks(const struct machine_marks_config *config,
                                     struct machine_marks *marks, struct error *err);

/*
 * Cycles a second of one core, found by a chain of additions, each of which waits for the one
 * before it and takes one cycle on every current CPU. So it is the clock that the core really
 * runs at, boost included, which counters of time stamps are not.
 */
double machine_core_hz(void);

/* Ticks a second of the time stamp counter, over some 20 ms; 0 where there is none. */
double machine_tsc_hz(void);

/* What a fixed piece of work is made of; times of work of a kind are compared in its unit. */
enum machine_unit {
    MACHINE_CORE,   /* integer arithmetic, tables in the L1 cache, branches hard to foresee */
    MACHINE_SYSTEM, /* fresh pages of memory, and reads of a cached file */
    MACHINE_BOTH,   /* one after the other */
    MACHINE_UNITS,
};

/* "core" */
const char *machine_unit_word(enum machine_unit unit);

/* In ns, the least that each took. Zero-initialise. */
struct machine_calibration {
    double least_ns[MACHINE_UNITS];
};

/*
 * Runs each kind `runs` times, some ms together, and keeps the least seen in this call and those
 * before. It depends on the machine and the compiler, not on anything else in this project.
 */
MUST_CHECK enum status machine_calibrate(unsigned runs, struct machine_calibration *calibration,
                                         struct error *err);

/* Adds "machine" or "marks" to an object of cJSON; false without memory. */
struct cJSON;
MUST_CHECK bool machine_json(struct cJSON *parent, const struct machine *machine);
MUST_CHECK bool machine_marks_json(struct cJSON *parent, const struct machine_marks *marks);

#endif
