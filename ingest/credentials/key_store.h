/*
 * key_store.h - the key that is current, replaced by one thread and copied by others.
 */
#ifndef MNSDB_INGEST_CREDENTIALS_KEY_STORE_H
#define MNSDB_INGEST_CREDENTIALS_KEY_STORE_H

#include "engine/base/bytes.h"
#include "ingest/credentials/credentials.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct key_store {
    pthread_mutex_t lock;
    struct access_key *key; /* owned; secret memory */
    _Atomic uint64_t generation;
    _Atomic int64_t expires_ms;
};

MUST_CHECK enum status key_store_init(struct key_store *store, struct error *err);
void key_store_release(struct key_store *store);

/*
 * Makes `key` current and hides its texts from the log. The same key again only takes over when it
 * expires, so that nobody signs anew for nothing.
 */
void key_store_put(struct key_store *store, const struct access_key *key);

/* False: there is none yet, and `key` is wiped. */
bool key_store_take(struct key_store *store, struct access_key *key);

/* Room for a key in secret memory; NULL: no memory. For OWNED: access_key_free. */
MUST_CHECK struct access_key *access_key_new(void);
void access_key_free(struct access_key **key);

/*
 * Copies a part of a key, of `room` bytes with its NUL: 1 to room - 1 visible characters of ASCII,
 * as all go into headers. Returns NULL, or what is wrong, as the end of a sentence that begins
 * with the name of the part.
 */
MUST_CHECK const char *access_key_set(char *part, size_t room, struct slice value);

#endif
