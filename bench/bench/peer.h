/*
 * peer.h - a driver: another program that speaks for another system, a line of JSON each way.
 *
 *      bench ──{"do":"load","set":...}──▶ driver ──▶ its database
 *            ◀──{"seconds":...}──────────
 *
 * bench/peers/README.md has the protocol. A driver runs in a process group of its own, so that
 * ending it ends what it started. A driver that breaks the protocol, dies or is too slow is not
 * asked again; that is a failure of the peer, never of the benchmark.
 *
 * Life cycle: zero-initialise -> start -> ask* -> stop (in any case). SIGPIPE must be ignored.
 * Threads:    one.
 */
#ifndef MNSDB_BENCH_BENCH_PEER_H
#define MNSDB_BENCH_BENCH_PEER_H

#include "bench/bench/peer_reply.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PEER_REPLY_BYTES_MAX ((size_t)24 << 20) /* a row of 100,000 devices each takes 10 MB */
#define PEER_WORDS_MAX       ((size_t)16)       /* of a driver's command */
#define PEER_STOP_WAIT_MS    60000              /* then it is killed */

struct peer {
    pid_t process; /* and its group; 0: none */
    int to;        /* its standard input; 0 or less: closed */
    int from;      /* its standard output */
    bool broken;   /* no longer in step: not asked again */
    struct buffer line;
    struct arena arena; /* of the last reply */
};

/* `command`: a program (with '/': a path, else in PATH) and its words, parted by blanks. */
MUST_CHECK enum status peer_start(struct peer *peer, const char *command, struct error *err);

/*
 * Sends a request (one line of JSON without its end) and waits for the reply, which lives until
 * the next call. STATUS_INPUT, STATUS_IO: the peer failed; STATUS_STOPPED: a signal came;
 * STATUS_NOMEM.
 */
MUST_CHECK enum status peer_ask(struct peer *peer, const char *request, int timeout_ms,
                                const struct json_node **reply, struct error *err);

/*
 * The largest resident sizes of the driver and its descendants, added up; 0 if they are not known.
 * Pages that they share count several times.
 */
uint64_t peer_peak_bytes(const struct peer *peer);

/* Says "quit", waits, and kills what is left. */
void peer_stop(struct peer *peer);

#endif
