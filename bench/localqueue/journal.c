/*
 * journal.c - see journal.h.
 */
#include "bench/localqueue/journal.h"

enum status journal_open(struct journal **journal, const char *dir, struct broker *broker,
                         uint64_t *dropped_bytes, struct error *err)
{
    (void)broker;
    *journal = NULL;
    *dropped_bytes = 0;
    return error_set(err, STATUS_CONFIG, "%s: queues are kept in memory only", dir);
}

void journal_close(struct journal *journal)
{
    (void)journal;
}

void journal_queue(struct journal *journal, const struct named_queue *queue)
{
    (void)journal;
    (void)queue;
}

void journal_queue_removed(struct journal *journal, const struct named_queue *queue)
{
    (void)journal;
    (void)queue;
}

void journal_sent(struct journal *journal, const struct named_queue *queue,
                  const struct queued *message)
{
    (void)journal;
    (void)queue;
    (void)message;
}

void journal_received(struct journal *journal, const struct named_queue *queue, int64_t now_ms,
                      struct queued *const *messages, size_t count)
{
    (void)journal;
    (void)queue;
    (void)now_ms;
    (void)messages;
    (void)count;
}

void journal_visibility(struct journal *journal, const struct named_queue *queue,
                        const struct queued *message)
{
    (void)journal;
    (void)queue;
    (void)message;
}

void journal_deleted(struct journal *journal, const struct named_queue *queue,
                     const struct queued *message)
{
    (void)journal;
    (void)queue;
    (void)message;
}

bool journal_must_flush(const struct journal *journal)
{
    return journal != NULL;
}

enum status journal_flush(struct journal *journal, const struct broker *broker, struct error *err)
{
    (void)journal;
    (void)broker;
    (void)err;
    return STATUS_OK;
}
