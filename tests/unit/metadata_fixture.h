/*
 * metadata_fixture.h - a metadata service and a clock that are the test's, for the keys of roles.
 *
 *      metadata_begin -> behaviour set in `metadata` -> metadata_open_role -> ... -> metadata_end
 *
 * What is logged is kept; metadata_end fails if it shows any part of a key. Waiting ends when what
 * is waited for happens, or after a minute with the test's failure.
 *
 * Threads: the test's and that of the credentials; once that runs, `metadata` is locked.
 */
#ifndef MNSDB_TESTS_UNIT_METADATA_FIXTURE_H
#define MNSDB_TESTS_UNIT_METADATA_FIXTURE_H

#include "ingest/credentials/credentials.h"
#include "ingest/credentials/credentials_internal.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define METADATA_NOW_MS INT64_C(1795349202000) /* 2026-11-22T12:06:42Z */

#define METADATA_LIST_PATH "/latest/meta-data/ram/security-credentials/"

/* The metadata service, behind a transport that answers one request at a time. */
struct metadata_service {
    pthread_mutex_t lock;
    pthread_cond_t changed;

    /* How it behaves. */
    enum transport_fault session_fault;
    int session_status;
    const char *session_body;
    const char *list_body;
    int key_status;
    enum transport_fault key_fault;
    unsigned key_number;    /* in the key's texts */
    const char *expiration; /* "2026-11-22T13:06:42Z" */
    const char *raw_body;   /* instead of a key, or NULL */
    bool is_silent;         /* takes requests and never answers */

    /* What it saw. */
    unsigned sessions, lists, keys;
    unsigned with_token; /* of lists and keys, those with the session's token */
    unsigned cancelled;
    char last_target[256];
    char last_base[128];
    bool last_no_proxy;

    /* The request in flight. */
    bool is_pending;
    bool is_woken;
    transport_done *done;
    void *done_context;
    enum transport_fault fault;
    int status;
    char body[1024];

    /* The clock. */
    int64_t utc_ms, monotonic_ms;
    unsigned looks;
    bool is_open;
};

extern struct metadata_service metadata;
extern const struct credentials_outside metadata_outside;

/* For cmocka: setup and teardown of a test. */
int metadata_begin(void **state);
int metadata_end(void **state);

void metadata_lock(void);
void metadata_unlock(void);

/* A counter, read under the lock. */
unsigned metadata_seen(const unsigned *counter);

/* Opens and expects a role. */
struct credentials *metadata_open_role(const struct credentials_config *config);

/* The key that serves is the one of this number. */
void metadata_assert_key(struct credentials *credentials, unsigned number);

/* Waits until a counter, the key's generation or the log is there. */
void metadata_wait_for(const unsigned *counter, unsigned least);
void metadata_wait_for_key(const struct credentials *credentials, uint64_t generation);
void metadata_wait_for_log(const char *text);

/*
 * Until the thread has looked at the clock and gone back to sleep: a fetch that it decides on at
 * one look is begun before the next look.
 */
void metadata_let_it_look(struct credentials *credentials);

/* Moves both clocks, and lets it look. */
void metadata_advance(struct credentials *credentials, int64_t by_ms);

/* What was logged so far. */
const char *metadata_logged(void);

#endif
