/*
 * mns.h - one MNS queue as its user sees it: operations out, judged answers back.
 *
 *      wire_request --(date, signature, security token)--> transport --> reply --> answer
 *
 * Several queues may share a transport and credentials. The difference between our clock and the
 * server's is learnt from its Date header when it refuses our time, and kept for the queue's
 * endpoint. A signature is reused while date, method and target are the same.
 *
 * Life cycle: open -> (start | call)* -> close, before the transport's and the credentials'.
 * Threads:    the transport's.
 */
#ifndef MNSDB_INGEST_MNS_MNS_H
#define MNSDB_INGEST_MNS_MNS_H

#include "ingest/credentials/credentials.h"
#include "ingest/transport/transport.h"
#include "ingest/wire/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct mns;

/* What time it is: replaced in tests. */
struct mns_clock {
    void *context;
    int64_t (*utc_ms)(void *context);
    int64_t (*monotonic_ms)(void *context);
};
struct mns_clock mns_system_clock(void);

struct mns_config {
    struct wire_url url;             /* with a queue */
    struct transport *transport;     /* borrowed */
    struct credentials *credentials; /* borrowed */
    struct mns_clock clock;
};

/* What came of one operation. Everything lives until done() returns. */
struct mns_answer {
    enum wire_verdict verdict;
    int http_status;                /* 0: no answer */
    const struct wire_reply *reply; /* never NULL; root NONE if there was nothing to parse */
    const char *explanation;        /* for people; "" if all is well; without secrets */
    enum transport_fault fault;
    int64_t retry_after_ms; /* -1: not said */
    int64_t elapsed_us;
    uint64_t key_generation; /* of the key that signed it */
};

typedef void mns_done(void *context, const struct mns_answer *answer);

/* What is to be done, and who is told. */
struct mns_operation {
    const struct wire_request *request; /* borrowed until the function it is given to returns */
    int64_t timeout_ms;                 /* for the whole, a long poll's wait included */
    mns_done *done;
    void *context; /* handed to done(); names the operation to mns_cancel */
};

MUST_CHECK enum status mns_open(struct mns **mns, const struct mns_config *config,
                                struct error *err);
void mns_close(struct mns *mns); /* NULL is fine; cancels what is in flight */

const struct wire_url *mns_url(const struct mns *mns);
const struct mns_clock *mns_clock_of(const struct mns *mns);

/* How far the server's clock is ahead of ours, as learnt. */
int64_t mns_clock_offset_ms(const struct mns *mns);

/*
 * Signs and starts an operation; done() is called from transport_run. While credentials are not
 * ready yet, `*started` is false and nothing happens: ask again later.
 */
MUST_CHECK enum status mns_start(struct mns *mns, const struct mns_operation *operation,
                                 bool *started, struct error *err);

/* Drops what is in flight with this context. */
size_t mns_cancel(struct mns *mns, void *context);

/*
 * The same for programs that ask one thing at a time: waits for the answer, tries again as long as
 * `patience_ms` lasts where that helps (busy, clock, a queue just made), and then calls done()
 * once. `timeout_ms` is for each try.
 * STATUS_STOPPED: a signal came. Runs the transport meanwhile.
 */
MUST_CHECK enum status mns_call(struct mns *mns, const struct mns_operation *operation,
                                int64_t patience_ms, struct error *err);

/*
 * The wait before the n-th try in a row (0: the first after a failure): full jitter,
 * a random part of base_ms * 2^n, at most MNS_BACKOFF_MS_MAX. `random` is a state of the caller's.
 */
#define MNS_BACKOFF_MS_BASE 100
#define MNS_BACKOFF_MS_MAX  60000
int64_t mns_backoff_ms(unsigned failures, uint64_t *random);

#endif
