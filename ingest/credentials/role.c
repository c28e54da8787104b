/*
 * role.c - see role.h.
 *
 * (1) Only the thread fetches, so there is one fetch at a time, and it alone uses the transport;
 *     from elsewhere that is only woken.
 * (2) A key that was fetched serves until another one was: neither a failure nor its expiry takes
 *     it away. Whether it is still good is for the server to say, whose clock counts.
 * (3) Times to fetch are kept by both clocks. The monotonic one does not jump, the other goes on
 *     while the machine is suspended; whichever is there first counts.
 */
#include "ingest/credentials/role.h"

#include "cli/signals.h"
#include "engine/base/mem.h"
#include "engine/civil/civil.h"
#include "ingest/credentials/metadata.h"
#include "ingest/credentials/secret_memory.h"
#include "ingest/log/log.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PAUSE_MS_MIN   1000  /* between a fetch that succeeded and the next */
#define BACKOFF_MS_MIN 1000  /* after a failure; doubled with each in a row */
#define BACKOFF_MS_MAX 60000 /* with a key, and without */
#define DOUBLINGS_MAX  6u

/* The thread looks at the clock at least so often: the wall clock may have been set. */
#define SLEEP_MS_MAX 60000

struct role {
    struct key_store *store; /* borrowed */
    struct credentials_outside outside;
    struct metadata *metadata; /* owned; secret memory; the thread's, but for `stopping` */
    char given[ROLE_NAME_BYTES];
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* of what follows, or of the clock */
    bool stopping;
    bool wanted; /* a newer key is asked for */
    char name[ROLE_NAME_BYTES];

    /* The thread's own. */
    int64_t fetched_monotonic_ms; /* when the last fetch began */
    int64_t due_monotonic_ms;     /* when the next one should */
    int64_t due_utc_ms;
    unsigned failures; /* in a row */
    uint64_t random;
    uint64_t expiry_told; /* generation of the key whose expiry was logged */
};

static int64_t role_utc_ms(struct role *role)
{
    return role->outside.utc_ms(role->outside.context);
}

static int64_t role_monotonic_ms(struct role *role)
{
    return role->outside.monotonic_ms(role->outside.context);
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A number of 0 ... limit - 1: xorshift is good enough to keep instances from marching in step. */
static int64_t role_random(struct role *role, int64_t limit)
{
    role->random ^= role->random << 13;
    role->random ^= role->random >> 7;
    role->random ^= role->random << 17;
    return (int64_t)(role->random % (uint64_t)limit);
}

/* Half of it certain, half of it chance. */
static int64_t backoff_ms(struct role *role)
{
    const unsigned doublings = role->failures < DOUBLINGS_MAX ? role->failures : DOUBLINGS_MAX;
    const int64_t whole_ms = lesser((int64_t)BACKOFF_MS_MIN << doublings, BACKOFF_MS_MAX);
    return whole_ms / 2 + role_random(role, whole_ms / 2);
}

/* Sleeps up to `wait_ms` of real time, or until something changed. With the lock held. */
static void sleep_locked(struct role *role, int64_t wait_ms)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(wait_ms / MS_PER_SECOND);
    until.tv_nsec += (long)(wait_ms % MS_PER_SECOND) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    (void)pthread_cond_timedwait(&role->changed, &role->lock, &until);
}

/* Says once for each key that it has expired. */
static void tell_expiry(struct role *role, int64_t utc_ms)
{
    const uint64_t generation = atomic_load(&role->store->generation);
    const int64_t expires_ms = atomic_load(&role->store->expires_ms);
    if (generation == 0 || generation == role->expiry_told || utc_ms < expires_ms)
        return;
    role->expiry_told = generation;
    log_warning("the role's access key has expired and none replaces it yet",
                LOG_I64("expired_ms_ago", utc_ms - expires_ms),
                LOG_U64("failed_fetches", role->failures));
}

/* How long until a fetch should begin; 0 or less: now. With the lock held. */
static int64_t wait_ms_locked(struct role *role)
{
    const int64_t monotonic_ms = role_monotonic_ms(role);
    const int64_t utc_ms = role_utc_ms(role);
    tell_expiry(role, utc_ms);
    int64_t wait_ms = lesser(role->due_monotonic_ms - monotonic_ms, role->due_utc_ms - utc_ms);
    if (role->wanted)
        wait_ms = lesser(wait_ms, role->fetched_monotonic_ms + ROLE_REFRESH_GAP_MS - monotonic_ms);
    const int64_t expires_ms = atomic_load(&role->store->expires_ms);
    if (wait_ms > 0 && expires_ms > utc_ms)
        return lesser(wait_ms, expires_ms - utc_ms);
    return wait_ms;
}

/* Sleeps until it is time to fetch. False: it is time to end. */
static bool role_wait(struct role *role)
{
    (void)pthread_mutex_lock(&role->lock);
    while (!role->stopping) {
        const int64_t wait_ms = wait_ms_locked(role);
        if (wait_ms <= 0)
            break;
        sleep_locked(role, lesser(wait_ms, SLEEP_MS_MAX));
    }
    role->wanted = false;
    const bool go_on = !role->stopping;
    (void)pthread_mutex_unlock(&role->lock);
    return go_on;
}

static void schedule_retry(struct role *role, const char *reason)
{
    const int64_t wait_ms = backoff_ms(role);
    role->failures++;
    role->due_monotonic_ms = role_monotonic_ms(role) + wait_ms;
    role->due_utc_ms = INT64_MAX;
    log_warning("the role's access key could not be fetched", LOG_TEXT("reason", reason),
                LOG_I64("retry_ms", wait_ms));
}

static void schedule_next(struct role *role, int64_t expires_ms)
{
    const int64_t utc_ms = role_utc_ms(role);
    if (expires_ms <= utc_ms) {
        schedule_retry(role, "it has expired by this machine's clock");
        return;
    }
    int64_t pause_ms = (expires_ms - utc_ms) / 10 * 8;
    if (pause_ms < PAUSE_MS_MIN)
        pause_ms = PAUSE_MS_MIN;
    role->failures = 0;
    role->due_monotonic_ms = role_monotonic_ms(role) + pause_ms;
    role->due_utc_ms = utc_ms + pause_ms;
}

/* Makes the fetched key current. */
static void adopt(struct role *role, const char *name)
{
    struct access_key *key = &role->metadata->key;
    static const struct civil_zone utc = {.name = "UTC"};
    char expires[CIVIL_RFC3339_BYTES];
    (void)civil_format_rfc3339(&utc, key->expires_ms, expires);

    (void)pthread_mutex_lock(&role->lock);
    (void)snprintf(role->name, sizeof role->name, "%s", name);
    (void)pthread_mutex_unlock(&role->lock);
    key_store_put(role->store, key);
    log_info("access key of the role fetched", LOG_TEXT("role", name),
             LOG_TEXT("expires", expires));
}

static void role_fetch(struct role *role)
{
    char name[ROLE_NAME_BYTES];
    memcpy(name, role->given, sizeof name);
    struct error err = {0};
    role->fetched_monotonic_ms = role_monotonic_ms(role);
    const enum status status = metadata_fetch(role->metadata, name, &err);
    if (status == STATUS_STOPPED)
        return;
    if (status == STATUS_OK) {
        /* In this order: who sees the new key may count on when the next one is fetched. */
        schedule_next(role, role->metadata->key.expires_ms);
        adopt(role, name);
    } else {
        schedule_retry(role, err.message);
    }
    access_key_wipe(&role->metadata->key);
}

static void *role_main(void *context)
{
    struct role *role = context;
    while (role_wait(role))
        role_fetch(role);
    return NULL;
}

static enum status init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return STATUS_NOMEM;
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    const int failure = pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return failure == 0 ? STATUS_OK : STATUS_NOMEM;
}

static enum status start_thread(struct role *role, struct error *err)
{
    const int failure = signals_thread_create(&role->thread, role_main, role);
    if (failure != 0)
        return error_set_errno(err, STATUS_NOMEM, failure, "cannot start the credentials' thread");
    return STATUS_OK;
}

static void role_free(struct role **role)
{
    if (!*role)
        return;
    if ((*role)->metadata)
        transport_close(&(*role)->metadata->transport);
    secret_free((*role)->metadata, sizeof *(*role)->metadata);
    mem_free(*role);
}

enum status role_open(struct role **role, const struct role_config *config, struct error *err)
{
    assert(strlen(config->name) < ROLE_NAME_BYTES && strlen(config->base) < METADATA_BASE_BYTES);
    OWNED(role_free) struct role *opened = mem_alloc_zeroed(1, sizeof *opened);
    if (opened)
        opened->metadata = secret_alloc(sizeof *opened->metadata);
    if (!opened || !opened->metadata)
        return error_set(err, STATUS_NOMEM, "no memory for the role's access key");
    opened->store = config->store;
    opened->outside = *config->outside;
    opened->metadata->v2_only = config->v2_only;
    (void)snprintf(opened->given, sizeof opened->given, "%s", config->name);
    memcpy(opened->name, opened->given, sizeof opened->name);
    (void)snprintf(opened->metadata->base, sizeof opened->metadata->base, "%s", config->base);
    if (getrandom(&opened->random, sizeof opened->random, GRND_NONBLOCK) < 0 || opened->random == 0)
        opened->random = (uint64_t)role_utc_ms(opened) | 1;
    opened->due_monotonic_ms = INT64_MIN / 2; /* at once */
    opened->due_utc_ms = INT64_MAX / 2;
    opened->fetched_monotonic_ms = INT64_MIN / 2;

    TRY(opened->outside.transport_open(opened->outside.context, &opened->metadata->transport, err));
    if (pthread_mutex_init(&opened->lock, NULL) != 0 ||
        init_condition(&opened->changed) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the credentials' thread");
    TRY(start_thread(opened, err));
    *role = opened;
    opened = NULL;
    return STATUS_OK;
}

void role_close(struct role *role)
{
    if (!role)
        return;
    atomic_store(&role->metadata->stopping, true);
    (void)pthread_mutex_lock(&role->lock);
    role->stopping = true;
    (void)pthread_cond_broadcast(&role->changed);
    (void)pthread_mutex_unlock(&role->lock);
    transport_wake(&role->metadata->transport);
    (void)pthread_join(role->thread, NULL);
    (void)pthread_cond_destroy(&role->changed);
    (void)pthread_mutex_destroy(&role->lock);
    role_free(&role);
}

void role_refresh(struct role *role)
{
    (void)pthread_mutex_lock(&role->lock);
    role->wanted = true;
    (void)pthread_cond_broadcast(&role->changed);
    (void)pthread_mutex_unlock(&role->lock);
}

void role_nudge(struct role *role)
{
    (void)pthread_mutex_lock(&role->lock);
    (void)pthread_cond_broadcast(&role->changed);
    (void)pthread_mutex_unlock(&role->lock);
}

void role_name(struct role *role, char name[ROLE_NAME_BYTES])
{
    (void)pthread_mutex_lock(&role->lock);
    memcpy(name, role->name, ROLE_NAME_BYTES);
    (void)pthread_mutex_unlock(&role->lock);
}
