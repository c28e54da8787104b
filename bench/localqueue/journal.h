/*
 * journal.h - what happens to queues and messages, kept in a file that survives the process.
 *
 *      broker changes ──journal_*──> buffer ──journal_flush──> DIR/journal, synced
 *
 * Each change is noted in memory as it is made. journal_flush writes what was noted and, if any of
 * it was promised to somebody (a send, a delete, a queue), waits until it is on disk; answers go
 * out after it. A receive alone is not waited for: if the machine dies, its messages come again.
 *
 * All calls but open take a NULL journal, and then do nothing. A failure while noting is kept and
 * reported by the next flush; nothing may be answered after it.
 *
 * Life cycle: journal_open (which fills the broker) -> (changes* -> flush)* -> journal_close.
 * Threads:    one; the folder is locked against other processes.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_JOURNAL_H
#define MNSDB_BENCH_LOCALQUEUE_JOURNAL_H

#include "bench/localqueue/broker.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal;

/*
 * Opens `dir`, which is made if it is missing (mode 0700), and brings its queues and messages into
 * an empty broker. What a crash left unfinished at the end of the file is cut off:
 * `*dropped_bytes` says how much. STATUS_LOCKED: another process has it.
 */
MUST_CHECK enum status journal_open(struct journal **journal, const char *dir,
                                    struct broker *broker, uint64_t *dropped_bytes,
                                    struct error *err);
void journal_close(struct journal *journal);

/* A queue as it now is: new, or with other attributes. */
void journal_queue(struct journal *journal, const struct named_queue *queue);
void journal_queue_removed(struct journal *journal, const struct named_queue *queue);

void journal_sent(struct journal *journal, const struct named_queue *queue,
                  const struct queued *message);

/* Messages of one receive, which have their new state already. */
void journal_received(struct journal *journal, const struct named_queue *queue, int64_t now_ms,
                      struct queued *const *messages, size_t count);

void journal_visibility(struct journal *journal, const struct named_queue *queue,
                        const struct queued *message);

/* Before the message goes away. */
void journal_deleted(struct journal *journal, const struct named_queue *queue,
                     const struct queued *message);

/* True if answers must wait for a flush. */
bool journal_must_flush(const struct journal *journal);

/*
 * Everything noted is written, and on disk if it must be. A journal that grew far beyond what the
 * broker holds is written anew, which takes as long as writing that much.
 */
MUST_CHECK enum status journal_flush(struct journal *journal, const struct broker *broker,
                                     struct error *err);

#endif
