/*
 * timers.h - what becomes due, in order: a binary heap of timers that live in their owners.
 *
 * Adding and removing are O(log n), looking at the first is O(1). Room is reserved before, so that
 * adding cannot fail. Times are milliseconds.
 *
 * Life cycle: zero-initialise -> reserve, add, remove -> release. A timer is out of the heap before
 * its owner goes away.
 * Threads:    one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_TIMERS_H
#define MNSDB_BENCH_LOCALQUEUE_TIMERS_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_NEVER INT64_MAX

/* Zero-initialise. */
struct timer {
    int64_t due_ms;
    size_t slot; /* its place in the heap, from 1; 0: it is not in */
};

struct timers {
    struct timer **heap; /* owned array of borrowed timers; [0] is the first */
    size_t count;
    size_t capacity;
};

/* The owner of a timer, as in TIMER_OWNER(timer, struct queued, timer). */
#define TIMER_OWNER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Room for `count` timers in all. */
MUST_CHECK enum status timers_reserve(struct timers *timers, size_t count);
void timers_release(struct timers *timers);

/* The timer is not in, and there is room (both asserted). */
void timers_add(struct timers *timers, struct timer *timer, int64_t due_ms);

/* A timer that is not in is left alone. */
void timers_remove(struct timers *timers, struct timer *timer);

/* The first timer that is due at `now_ms`, or NULL; it stays in. */
static inline struct timer *timers_due(const struct timers *timers, int64_t now_ms)
{
    return timers->count > 0 && timers->heap[0]->due_ms <= now_ms ? timers->heap[0] : NULL;
}

static inline int64_t timers_next_ms(const struct timers *timers)
{
    return timers->count > 0 ? timers->heap[0]->due_ms : TIME_NEVER;
}

#endif
