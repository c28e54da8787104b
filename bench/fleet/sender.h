/*
 * sender.h - lines to a queue: batches, several in flight, tried again until the queue has them.
 *
 *      line -> filling batch -> in flight -> acknowledged -> ledger
 *                    ^              |
 *                    └── waiting <──┘ (busy, no answer, failed in part)
 *
 * A line counts as sent once the queue has acknowledged it. An answer that got lost makes the
 * queue hold a message twice, as with any producer. A line that no XML can carry goes out as
 * base64 of itself.
 *
 * Life cycle: open -> (add | flush | wait)* -> finish -> close.
 * Threads:    one, the transport's.
 */
#ifndef MNSDB_BENCH_FLEET_SENDER_H
#define MNSDB_BENCH_FLEET_SENDER_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "ingest/mns/mns.h"

#include <stdbool.h>
#include <stdint.h>

#define SENDER_SENDS_DEFAULT 8u
#define SENDER_SENDS_MAX     64u

struct sender_config {
    struct mns *mns;                 /* borrowed */
    struct transport *transport;     /* borrowed; that of `mns` */
    struct credentials *credentials; /* borrowed; that of `mns` */
    unsigned sends_max;              /* batches in flight, 1...SENDER_SENDS_MAX */
    int64_t patience_ms;             /* how long nothing may succeed before it gives up */
    /* Acknowledged lines as they were sent, each with its newline; or NULL. */
    void *context;
    enum status (*acknowledged)(void *context, struct slice lines, struct error *err);
};

struct sender;

struct sender_totals {
    uint64_t lines;   /* acknowledged */
    uint64_t retries; /* batches that were sent again */
};

MUST_CHECK enum status sender_open(struct sender **sender, const struct sender_config *config,
                                   struct error *err);
void sender_close(struct sender *sender); /* NULL is fine; drops what is not acknowledged */

/*
 * Takes a line without its newline; waits while all batches are under way. STATUS_STOPPED: a
 * signal came. STATUS_IO: the queue will not have it, see sender_verdict.
 */
MUST_CHECK enum status sender_add(struct sender *sender, struct slice line, struct error *err);

/* Lets a batch go that is not full yet. */
MUST_CHECK enum status sender_flush(struct sender *sender, struct error *err);

/* Moves things on until `until_ms` of the monotonic clock. */
MUST_CHECK enum status sender_wait(struct sender *sender, int64_t until_ms, struct error *err);

/* Waits until everything is acknowledged; after a signal for `drain_ms` more (STATUS_STOPPED). */
MUST_CHECK enum status sender_finish(struct sender *sender, int64_t drain_ms, struct error *err);

struct sender_totals sender_totals(const struct sender *sender);

/* What the queue said when it would not go on; WIRE_DONE: nothing of the kind. */
enum wire_verdict sender_verdict(const struct sender *sender);

#endif
