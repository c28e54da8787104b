/*
 * peer_reply.h - what a driver says, read with suspicion.
 *
 * A driver is another program: its lines are bytes from outside. A reply is one JSON object; what
 * it should hold is checked member by member, and texts are cut and made harmless.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_BENCH_BENCH_PEER_REPLY_H
#define MNSDB_BENCH_BENCH_PEER_REPLY_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "ingest/decode/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_TEXT_BYTES ((size_t)256) /* of a text, with its NUL; a longer one is cut */

struct peer_description {
    char name[PEER_TEXT_BYTES]; /* never empty */
    char form[PEER_TEXT_BYTES];
    char version[PEER_TEXT_BYTES];
    char durability[PEER_TEXT_BYTES];
    char input[PEER_TEXT_BYTES];
    char notes[PEER_TEXT_BYTES];
    bool ids; /* message ids are kept */
    bool available;
    char why[PEER_TEXT_BYTES]; /* not available */
};

struct peer_load {
    double seconds;
    uint64_t messages;
    uint64_t bytes;
};

struct peer_answer {
    bool unsupported; /* the rest but `remark` is nothing then */
    bool differs;     /* in meaning, which the driver knows */
    char remark[PEER_TEXT_BYTES];
    double ms;
    uint64_t rows;
    const struct json_node *answer; /* in the arena; NULL: was not asked for */
};

/*
 * The reply's object, which lives in the arena and borrows from `line`. STATUS_INPUT if it is none,
 * or if the driver says "error": the message then has its words.
 */
MUST_CHECK enum status peer_reply_parse(struct slice line, struct arena *arena,
                                        const struct json_node **reply, struct error *err);

/* STATUS_INPUT names the member that is missing or wrong. */
MUST_CHECK enum status peer_description_read(const struct json_node *reply,
                                             struct peer_description *description,
                                             struct error *err);
MUST_CHECK enum status peer_load_read(const struct json_node *reply, struct peer_load *load,
                                      struct error *err);
/* Of a load without messages. */
MUST_CHECK enum status peer_compact_read(const struct json_node *reply, struct peer_load *load,
                                         struct error *err);
MUST_CHECK enum status peer_answer_read(const struct json_node *reply, struct peer_answer *answer,
                                        struct error *err);

#endif
