/*
 * fuzz_localqueue_journal.c - payloads of journal records, each led by a byte with its length.
 *
 * Whatever they say, every message is in one place, and the queue still works.
 */
#include "bench/localqueue/journal_internal.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void use_queue(struct message_queue *queue)
{
    struct queued *messages[16];
    const int64_t now_ms = INT64_C(1700000000000);
    message_queue_advance(queue, now_ms);
    check(queue->visible_count + queue->pending.count == message_queue_count(queue));
    check(queue->delayed_count <= queue->pending.count);
    const size_t count = message_queue_receive(queue, 16, now_ms, messages);
    for (size_t i = 0; i < count; i++)
        message_queue_delete(queue, messages[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    struct broker broker;
    uint64_t whole_bytes = 0;
    broker_init(&broker);
    (void)!records_replay(&broker, slice_of(bytes, bytes_len), &whole_bytes, NULL);
    struct cursor cursor = cursor_of(slice_of(bytes, bytes_len));
    while (cursor_left(&cursor) > 0) {
        const size_t wanted = cursor_u8(&cursor);
        const size_t len = wanted < cursor_left(&cursor) ? wanted : cursor_left(&cursor);
        if (record_apply(&broker, cursor_bytes(&cursor, len), NULL) != STATUS_OK)
            break;
    }
    for (size_t i = 0; i < broker.count; i++)
        use_queue(&broker.queues[i]->queue);
    broker_release(&broker);
    return 0;
}
