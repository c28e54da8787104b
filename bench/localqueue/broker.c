/*
 * broker.c - the list of queues; see broker.h.
 *
 * A sorted array: lists of queues come out in order, a look-up is a binary search.
 */
#include "bench/localqueue/broker.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <string.h>

void broker_init(struct broker *broker)
{
    *broker = (struct broker){.next_number = 1};
}

static void queue_free(struct named_queue *queue)
{
    message_queue_release(&queue->queue);
    mem_free(queue);
}

void broker_release(struct broker *broker)
{
    for (size_t i = 0; i < broker->count; i++)
        queue_free(broker->queues[i]);
    mem_free(broker->queues);
    *broker = (struct broker){0};
}

size_t broker_index(const struct broker *broker, struct slice name)
{
    size_t low = 0;
    size_t high = broker->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (slice_compare(slice_of_text(broker->queues[middle]->name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct named_queue *broker_find(const struct broker *broker, struct slice name)
{
    const size_t index = broker_index(broker, name);
    if (index == broker->count || !slice_equal(slice_of_text(broker->queues[index]->name), name))
        return NULL;
    return broker->queues[index];
}

struct named_queue *broker_find_number(const struct broker *broker, uint32_t number)
{
    for (size_t i = 0; i < broker->count; i++) {
        if (broker->queues[i]->number == number)
            return broker->queues[i];
    }
    return NULL;
}

enum status broker_add(struct broker *broker, const struct queue_spec *spec,
                       struct named_queue **queue)
{
    assert(spec->name.len > 0 && spec->name.len <= CALL_NAME_MAX);
    assert(!broker_find(broker, spec->name));
    TRY(mem_grow(&broker->queues, &broker->capacity, broker->count + 1, sizeof *broker->queues));
    struct named_queue *added = mem_alloc_zeroed(1, sizeof *added);
    if (!added)
        return STATUS_NOMEM;
    memcpy(added->name, spec->name.data, spec->name.len);
    added->number = spec->number;
    added->create_ms = spec->create_ms;
    added->modify_ms = spec->modify_ms;
    message_queue_init(&added->queue, &spec->attributes, spec->key);
    added->queue.shuffle = broker->shuffle;
    added->queue.shuffle_window = broker->shuffle_window;

    const size_t index = broker_index(broker, spec->name);
    memmove(broker->queues + index + 1, broker->queues + index,
            (broker->count - index) * sizeof *broker->queues);
    broker->queues[index] = added;
    broker->count++;
    if (spec->number >= broker->next_number)
        broker->next_number = spec->number + 1;
    *queue = added;
    return STATUS_OK;
}

void broker_remove(struct broker *broker, struct named_queue *queue)
{
    while (queue->first_waiter) {
        struct waiter *waiter = queue->first_waiter;
        broker_unwait(broker, waiter);
        waiter->after = broker->orphans;
        broker->orphans = waiter;
    }
    const size_t index = broker_index(broker, slice_of_text(queue->name));
    assert(broker->queues[index] == queue);
    broker->count--;
    memmove(broker->queues + index, broker->queues + index + 1,
            (broker->count - index) * sizeof *broker->queues);
    queue_free(queue);
}

uint64_t broker_bytes(const struct broker *broker)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < broker->count; i++)
        bytes += broker->queues[i]->queue.bytes;
    return bytes;
}

void broker_advance(struct broker *broker, int64_t now_ms)
{
    for (size_t i = 0; i < broker->count; i++)
        message_queue_advance(&broker->queues[i]->queue, now_ms);
}

int64_t broker_next_ms(const struct broker *broker)
{
    int64_t first_ms = TIME_NEVER;
    for (size_t i = 0; i < broker->count; i++) {
        const int64_t next_ms = message_queue_next_ms(&broker->queues[i]->queue);
        if (next_ms < first_ms)
            first_ms = next_ms;
    }
    return first_ms;
}

void broker_wait(struct broker *broker, struct named_queue *queue, struct waiter *waiter)
{
    assert(!waiter->queue);
    *waiter = (struct waiter){.queue = queue, .before = queue->last_waiter};
    if (waiter->before)
        waiter->before->after = waiter;
    else
        queue->first_waiter = waiter;
    queue->last_waiter = waiter;
    broker->waiter_count++;
}

void broker_unwait(struct broker *broker, struct waiter *waiter)
{
    struct named_queue *queue = waiter->queue;
    if (!queue)
        return;
    if (waiter->before)
        waiter->before->after = waiter->after;
    else
        queue->first_waiter = waiter->after;
    if (waiter->after)
        waiter->after->before = waiter->before;
    else
        queue->last_waiter = waiter->before;
    *waiter = (struct waiter){0};
    broker->waiter_count--;
}

struct waiter *broker_take_orphan(struct broker *broker)
{
    struct waiter *orphan = broker->orphans;
    if (orphan) {
        broker->orphans = orphan->after;
        *orphan = (struct waiter){0};
    }
    return orphan;
}
