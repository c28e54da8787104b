/*
 * mns_internal.h - the state of a queue's user: shared by operations, explanations and calls.
 */
#ifndef MNSDB_INGEST_MNS_MNS_INTERNAL_H
#define MNSDB_INGEST_MNS_MNS_INTERNAL_H

#include "ingest/mns/mns.h"
#include "ingest/mns/signer.h"

#define EXPLANATION_TEXT_BYTES 200u /* of the server's words */

/*
 * Of the server's words this much is looked at: whatever secret begins in what is shown is there
 * in full, and is hidden in full.
 */
#define EXPLANATION_LOOK_BYTES (EXPLANATION_TEXT_BYTES + SECURITY_TOKEN_BYTES)
#define EXPLANATION_BYTES      1280u

/* An operation between its start and its answer. */
struct flight {
    struct flight *next; /* in a list of its queue's */
    struct flight *previous;
    struct mns *mns; /* borrowed */
    mns_done *done;
    void *context;
    enum wire_root expected; /* of the answer's body; WIRE_ROOT_NONE: anything will do */
    bool is_receive;         /* or a peek */
    uint64_t key_generation;
};

struct mns {
    struct mns_config config;
    struct wire_parser *parser; /* owned */
    struct wire_reply reply;    /* owned; of the answer being handed over */
    struct signer signer;
    struct flight *active; /* owned; doubly linked */
    struct flight *idle;   /* owned; singly linked */
    int64_t clock_offset_ms;
    uint64_t random;
    char look[EXPLANATION_LOOK_BYTES + 1];
    char explanation[EXPLANATION_BYTES];
};

/* Writes mns->explanation. `problem`: what was wrong with the body; "" if nothing was. */
void explain_answer(struct mns *mns, const struct transport_reply *reply,
                    const struct mns_answer *answer, const char *problem);

#endif
