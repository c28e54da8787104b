/*
 * key_store.c - see key_store.h.
 */
#include "ingest/credentials/key_store.h"

#include "ingest/credentials/secret_memory.h"
#include "ingest/log/log.h"

#include <assert.h>
#include <string.h>

/* Ids are half public; a short one of somebody's test setup would mask words in the log. */
#define ID_HIDDEN_BYTES_MIN 12u

void access_key_wipe(struct access_key *key)
{
    explicit_bzero(key, sizeof *key);
}

struct access_key *access_key_new(void)
{
    return secret_alloc(sizeof(struct access_key));
}

void access_key_free(struct access_key **key)
{
    secret_free(*key, sizeof **key);
    *key = NULL;
}

const char *access_key_set(char *part, size_t room, struct slice value)
{
    if (value.len == 0)
        return "is empty";
    if (value.len >= room)
        return "is too long";
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] <= ' ' || value.data[i] > '~')
            return "has a blank or a character that no key has";
    }
    memcpy(part, value.data, value.len);
    part[value.len] = '\0';
    return NULL;
}

enum status key_store_init(struct key_store *store, struct error *err)
{
    *store = (struct key_store){.lock = PTHREAD_MUTEX_INITIALIZER};
    store->key = access_key_new();
    if (!store->key)
        return error_set(err, STATUS_NOMEM, "no memory for the access key");
    return STATUS_OK;
}

void key_store_release(struct key_store *store)
{
    access_key_free(&store->key);
    (void)pthread_mutex_destroy(&store->lock);
}

static bool is_same_key(const struct access_key *a, const struct access_key *b)
{
    return strcmp(a->id, b->id) == 0 && strcmp(a->secret, b->secret) == 0 &&
           strcmp(a->token, b->token) == 0;
}

void key_store_put(struct key_store *store, const struct access_key *key)
{
    assert(key->id[0] != '\0' && key->secret[0] != '\0');
    log_hide(key->secret);
    log_hide(key->token);
    if (strlen(key->id) >= ID_HIDDEN_BYTES_MIN)
        log_hide(key->id);

    (void)pthread_mutex_lock(&store->lock);
    uint64_t generation = atomic_load(&store->generation);
    if (generation == 0 || !is_same_key(store->key, key))
        generation++;
    *store->key = *key;
    store->key->generation = generation;
    atomic_store(&store->expires_ms, key->expires_ms);
    atomic_store(&store->generation, generation);
    (void)pthread_mutex_unlock(&store->lock);
}

bool key_store_take(struct key_store *store, struct access_key *key)
{
    (void)pthread_mutex_lock(&store->lock);
    *key = *store->key;
    (void)pthread_mutex_unlock(&store->lock);
    return key->generation > 0;
}
