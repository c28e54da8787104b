/*
 * credentials.c - finds the place that has a key, and asks it again when a newer one is wanted.
 *
 * The environment is read first and wiped in any case. A place that was asked for and cannot be
 * used is an error, never a reason to look at the next: nobody should find out later that another
 * key was used than the one they gave.
 */
#include "ingest/credentials/credentials.h"

#include "cli/clock.h"
#include "engine/base/mem.h"
#include "ingest/credentials/credentials_internal.h"
#include "ingest/credentials/environment.h"
#include "ingest/credentials/key_file.h"
#include "ingest/credentials/key_store.h"
#include "ingest/credentials/role.h"
#include "ingest/credentials/role_reply.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define METADATA_URL      "http://100.100.100.200"
#define SYSTEMD_FILE      "mnsdb-credentials"
#define PROFILE_DEFAULT   "default"
#define DESCRIPTION_BYTES 256u

/* libinih knows no longer names of sections. */
#define PROFILE_BYTES_MAX 49u

#define CONNECT_TIMEOUT_MS 2000

struct credentials {
    enum credentials_origin origin;
    struct key_store store;
    struct credentials_config config; /* texts borrowed */
    struct credentials_outside outside;
    char *path; /* owned; of the file, or NULL */
    bool path_of_systemd;
    pthread_mutex_t reading; /* of the file, by one at a time */
    struct role *role;       /* owned, or NULL */
};

static enum status system_transport_open(void *context, struct transport *transport,
                                         struct error *err)
{
    (void)context;
    const struct curl_transport_config config = {.connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                                 .connections_max = 2};
    return curl_transport_open(transport, &config, err);
}

static int64_t system_utc_ms(void *context)
{
    (void)context;
    return clock_utc_ms();
}

static int64_t system_monotonic_ms(void *context)
{
    (void)context;
    return clock_monotonic_ms();
}

/* --- the role --------------------------------------------------------------------------------- */

static enum status open_role(struct credentials *credentials, const char *name, struct error *err)
{
    if (environment_is_true("ALIBABA_CLOUD_ECS_METADATA_DISABLED"))
        return error_set(err, STATUS_CONFIG,
                         "a RAM role's key is wanted, but ALIBABA_CLOUD_ECS_METADATA_DISABLED "
                         "switches the metadata service off");
    if (name[0] != '\0' && !role_name_is_valid(slice_of_text(name)))
        return error_set(err, STATUS_CONFIG, "RAM role: '%s' is no name of a role", name);
    const struct credentials_config *config = &credentials->config;
    char base[METADATA_BASE_BYTES];
    TRY(metadata_base_parse(config->metadata_url ? config->metadata_url : METADATA_URL, base, err));
    const struct role_config role = {
        .name = name,
        .base = base,
        .v2_only = config->metadata_v2_only || environment_is_true("ALIBABA_CLOUD_IMDSV1_DISABLED"),
        .store = &credentials->store,
        .outside = &credentials->outside};
    TRY(role_open(&credentials->role, &role, err));
    credentials->origin = CREDENTIALS_ROLE;
    return STATUS_OK;
}

/* --- the file --------------------------------------------------------------------------------- */

static enum status keep_path(struct credentials *credentials, const char *folder, const char *name,
                             struct error *err)
{
    const size_t bytes = strlen(folder) + strlen(name) + 2;
    credentials->path = mem_alloc(bytes, 1);
    if (!credentials->path)
        return error_set(err, STATUS_NOMEM, "no memory for the path of the credentials file");
    (void)snprintf(credentials->path, bytes, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
    return STATUS_OK;
}

/* Which file there is: the one given, or one that the surroundings tell of. */
static enum status find_file(struct credentials *credentials, struct error *err)
{
    const char *given = credentials->config.file;
    if (!given)
        given = environment_text("ALIBABA_CLOUD_CREDENTIALS_FILE");
    if (given)
        return keep_path(credentials, "", given, err);
    const char *folder = environment_text("CREDENTIALS_DIRECTORY");
    if (!folder)
        return STATUS_OK;
    TRY(keep_path(credentials, folder, SYSTEMD_FILE, err));
    credentials->path_of_systemd = true;
    /* The folder holds whatever the unit loads; ours need not be among it. */
    if (access(credentials->path, F_OK) != 0) {
        mem_free(credentials->path);
        credentials->path = NULL;
    }
    return STATUS_OK;
}

static enum status read_file(struct credentials *credentials, struct key_file *file,
                             struct error *err)
{
    const char *profile = credentials->config.profile;
    return key_file_read(credentials->path, profile ? profile : PROFILE_DEFAULT,
                         credentials->path_of_systemd, file, err);
}

static enum status open_file(struct credentials *credentials, struct error *err)
{
    const char *profile = credentials->config.profile;
    if (profile && (profile[0] == '\0' || strlen(profile) > PROFILE_BYTES_MAX))
        return error_set(err, STATUS_CONFIG, "a profile's name has 1 to %u bytes",
                         PROFILE_BYTES_MAX);
    OWNED(key_file_free) struct key_file *file = key_file_new();
    if (!file)
        return error_set(err, STATUS_NOMEM, "no memory for the credentials file");
    TRY(read_file(credentials, file, err));
    if (file->is_role)
        return open_role(credentials, file->role, err);
    key_store_put(&credentials->store, &file->key);
    credentials->origin = CREDENTIALS_FILE;
    return STATUS_OK;
}

/* A file that turns to a role needs a thread, which only open starts. */
static enum status refresh_from_file(struct credentials *credentials, struct error *err)
{
    OWNED(key_file_free) struct key_file *file = key_file_new();
    if (!file)
        return error_set(err, STATUS_NOMEM, "no memory for the credentials file");
    TRY(read_file(credentials, file, err));
    if (file->is_role)
        return error_set(err, STATUS_CONFIG,
                         "credentials file %s asks for a role now: that needs a new start",
                         credentials->path);
    key_store_put(&credentials->store, &file->key);
    return STATUS_OK;
}

/* --- all places ------------------------------------------------------------------------------- */

static enum status open_environment(struct credentials *credentials, struct error *err)
{
    OWNED(access_key_free) struct access_key *key = access_key_new();
    if (!key)
        return error_set(err, STATUS_NOMEM, "no memory for the access key");
    bool found = false;
    TRY(environment_take_key(key, &found, err));
    if (found) {
        key_store_put(&credentials->store, key);
        credentials->origin = CREDENTIALS_ENVIRONMENT;
    }
    return STATUS_OK;
}

static enum status open_first_place(struct credentials *credentials, struct error *err)
{
    TRY(open_environment(credentials, err));
    if (credentials->origin != CREDENTIALS_NONE)
        return STATUS_OK;
    TRY(find_file(credentials, err));
    if (credentials->path)
        return open_file(credentials, err);
    const char *role = credentials->config.role;
    if (!role && !environment_is_true("ALIBABA_CLOUD_ECS_METADATA_DISABLED"))
        role = environment_text("ALIBABA_CLOUD_ECS_METADATA");
    if (role)
        return open_role(credentials, role, err);
    return error_set(err, STATUS_CONFIG,
                     "no credentials: set ALIBABA_CLOUD_ACCESS_KEY_ID and "
                     "ALIBABA_CLOUD_ACCESS_KEY_SECRET, or name a credentials file "
                     "(ALIBABA_CLOUD_CREDENTIALS_FILE) or a RAM role (ALIBABA_CLOUD_ECS_METADATA)");
}

static void credentials_close_owned(struct credentials **credentials)
{
    credentials_close(*credentials);
}

enum status credentials_open_with(struct credentials **credentials,
                                  const struct credentials_config *config,
                                  const struct credentials_outside *outside, struct error *err)
{
    *credentials = NULL;
    OWNED(credentials_close_owned)
    struct credentials *opened = mem_alloc_zeroed(1, sizeof *opened);
    if (!opened)
        return error_set(err, STATUS_NOMEM, "no memory for the credentials");
    opened->config = *config;
    opened->outside = *outside;
    (void)pthread_mutex_init(&opened->reading, NULL);
    TRY(key_store_init(&opened->store, err));
    TRY(open_first_place(opened, err));
    assert(opened->origin != CREDENTIALS_NONE);
    *credentials = opened;
    opened = NULL;
    return STATUS_OK;
}

enum status credentials_open(struct credentials **credentials,
                             const struct credentials_config *config, struct error *err)
{
    static const struct credentials_outside system = {.transport_open = system_transport_open,
                                                      .utc_ms = system_utc_ms,
                                                      .monotonic_ms = system_monotonic_ms};
    return credentials_open_with(credentials, config, &system, err);
}

void credentials_close(struct credentials *credentials)
{
    if (!credentials)
        return;
    role_close(credentials->role);
    key_store_release(&credentials->store);
    (void)pthread_mutex_destroy(&credentials->reading);
    mem_free(credentials->path);
    mem_free(credentials);
}

void credentials_take(struct credentials *credentials, struct access_key *key, bool *ready)
{
    *ready = key_store_take(&credentials->store, key);
}

uint64_t credentials_generation(const struct credentials *credentials)
{
    return atomic_load(&credentials->store.generation);
}

int64_t credentials_expires_ms(const struct credentials *credentials)
{
    return atomic_load(&credentials->store.expires_ms);
}

enum status credentials_refresh(struct credentials *credentials, struct error *err)
{
    if (credentials->role) {
        role_refresh(credentials->role);
        return STATUS_OK;
    }
    if (credentials->origin != CREDENTIALS_FILE)
        return STATUS_OK; /* the environment was wiped, and nobody can change it from outside */
    (void)pthread_mutex_lock(&credentials->reading);
    const enum status status = refresh_from_file(credentials, err);
    (void)pthread_mutex_unlock(&credentials->reading);
    return status;
}

void credentials_nudge(struct credentials *credentials)
{
    if (credentials->role)
        role_nudge(credentials->role);
}

enum credentials_origin credentials_origin(const struct credentials *credentials)
{
    return credentials->origin;
}

void credentials_describe(const struct credentials *credentials, char text[DESCRIPTION_BYTES])
{
    char name[ROLE_NAME_BYTES] = "";
    switch (credentials->origin) {
    case CREDENTIALS_ENVIRONMENT:
        (void)snprintf(text, DESCRIPTION_BYTES, "environment");
        break;
    case CREDENTIALS_FILE:
        (void)snprintf(text, DESCRIPTION_BYTES, "file %s", credentials->path);
        break;
    case CREDENTIALS_ROLE:
        role_name(credentials->role, name);
        if (name[0] != '\0')
            (void)snprintf(text, DESCRIPTION_BYTES, "role %s", name);
        else
            (void)snprintf(text, DESCRIPTION_BYTES, "role of this instance");
        break;
    case CREDENTIALS_NONE:
        (void)snprintf(text, DESCRIPTION_BYTES, "none");
        break;
    }
}
