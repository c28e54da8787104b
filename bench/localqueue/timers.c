/*
 * timers.c - the heap; see timers.h.
 *
 * heap[i] is due no later than heap[2i + 1] and heap[2i + 2]; heap[i]->slot is i + 1.
 */
#include "bench/localqueue/timers.h"

#include "engine/base/mem.h"

#include <assert.h>

enum status timers_reserve(struct timers *timers, size_t count)
{
    if (count <= timers->capacity)
        return STATUS_OK;
    return mem_grow(&timers->heap, &timers->capacity, count, sizeof *timers->heap);
}

void timers_release(struct timers *timers)
{
    mem_free(timers->heap);
    *timers = (struct timers){0};
}

static void put(struct timers *timers, size_t index, struct timer *timer)
{
    timers->heap[index] = timer;
    timer->slot = index + 1;
}

static void rise(struct timers *timers, size_t index, struct timer *timer)
{
    while (index > 0) {
        const size_t parent = (index - 1) / 2;
        if (timers->heap[parent]->due_ms <= timer->due_ms)
            break;
        put(timers, index, timers->heap[parent]);
        index = parent;
    }
    put(timers, index, timer);
}

static void sink(struct timers *timers, size_t index, struct timer *timer)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= timers->count)
            break;
        if (child + 1 < timers->count &&
            timers->heap[child + 1]->due_ms < timers->heap[child]->due_ms)
            child++;
        if (timers->heap[child]->due_ms >= timer->due_ms)
            break;
        put(timers, index, timers->heap[child]);
        index = child;
    }
    put(timers, index, timer);
}

void timers_add(struct timers *timers, struct timer *timer, int64_t due_ms)
{
    assert(timer->slot == 0);
    assert(timers->count < timers->capacity);
    timer->due_ms = due_ms;
    rise(timers, timers->count++, timer);
}

void timers_remove(struct timers *timers, struct timer *timer)
{
    if (timer->slot == 0)
        return;
    const size_t index = timer->slot - 1;
    assert(timers->heap[index] == timer);
    timer->slot = 0;
    struct timer *last = timers->heap[--timers->count];
    if (last == timer)
        return;
    if (index > 0 && timers->heap[(index - 1) / 2]->due_ms > last->due_ms)
        rise(timers, index, last);
    else
        sink(timers, index, last);
}
