/*
 * credentials.h - the access key that requests are signed with, kept fresh and kept secret.
 *
 * The first place that has one is used:
 *
 *      environment   ALIBABA_CLOUD_ACCESS_KEY_ID, ..._ACCESS_KEY_SECRET, ..._SECURITY_TOKEN
 *                    (wiped from the environment once read)
 *      file          given, or ALIBABA_CLOUD_CREDENTIALS_FILE, or
 *                    $CREDENTIALS_DIRECTORY/mnsdb-credentials (systemd's LoadCredential=)
 *      RAM role      of the ECS instance, from its metadata service: role given, or
 *                    ALIBABA_CLOUD_ECS_METADATA
 *
 * A file is read if only its owner can read it (mode, owner, no symbolic link). A role's key is
 * fetched by a thread of its own at 80 % of its life, and the old one serves until a new one is
 * there. Keys live in locked memory that core dumps leave out, and are wiped when dropped.
 *
 * Life cycle: open -> (take | refresh)* -> close.
 * Threads:    any, but for open and close.
 */
#ifndef MNSDB_INGEST_CREDENTIALS_CREDENTIALS_H
#define MNSDB_INGEST_CREDENTIALS_CREDENTIALS_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCESS_KEY_ID_BYTES     129u /* with the NUL, as the others */
#define ACCESS_KEY_SECRET_BYTES 129u
#define SECURITY_TOKEN_BYTES    8193u

struct access_key {
    char id[ACCESS_KEY_ID_BYTES];
    char secret[ACCESS_KEY_SECRET_BYTES];
    char token[SECURITY_TOKEN_BYTES]; /* "": none */
    int64_t expires_ms;               /* UTC; 0: never */
    uint64_t generation;              /* grows with each key that replaced one */
};

/* What is given; NULL: not given. Texts are borrowed for the life of the credentials. */
struct credentials_config {
    const char *file;
    const char *profile;      /* section of the file; NULL: "default" */
    const char *role;         /* of the ECS instance; "": whichever it has; NULL: none */
    const char *metadata_url; /* NULL: the service's well-known address */
    bool metadata_v2_only;    /* never fall back to requests without a session token */
};

enum credentials_origin {
    CREDENTIALS_NONE,
    CREDENTIALS_ENVIRONMENT,
    CREDENTIALS_FILE,
    CREDENTIALS_ROLE,
};

struct credentials;

/*
 * STATUS_CONFIG: a place has something that cannot be used, or no place has anything (the message
 * names the places). For a role the first fetch is only begun: take waits for it.
 */
MUST_CHECK enum status credentials_open(struct credentials **credentials,
                                        const struct credentials_config *config, struct error *err);
void credentials_close(struct credentials *credentials); /* NULL is fine */

/*
 * Copies the newest key. `*ready` false: there is none yet (a role's is being fetched).
 * The caller wipes its copy with access_key_wipe.
 */
void credentials_take(struct credentials *credentials, struct access_key *key, bool *ready);
void access_key_wipe(struct access_key *key);

/* Cheap: the generation of the newest key, 0 while there is none. */
uint64_t credentials_generation(const struct credentials *credentials);

/*
 * The key of this generation was refused, or SIGHUP came: look for a newer one. A file is read
 * again now, a role's key is fetched by the thread. A file that cannot be used any more
 * leaves the old key and says why in `err`.
 */
MUST_CHECK enum status credentials_refresh(struct credentials *credentials, struct error *err);

enum credentials_origin credentials_origin(const struct credentials *credentials);

/* For people, without secrets: "environment", "file /etc/...", "role mnsdb-reader". */
void credentials_describe(const struct credentials *credentials, char text[256]);

/* When the newest key expires, UTC; 0: never. */
int64_t credentials_expires_ms(const struct credentials *credentials);

/*
 * From now on this process leaves no core dump, and no other of the same user may look into it.
 * Call it before keys are read. Builds with address or leak sanitizer, which look into it, do
 * without.
 */
void credentials_harden_process(void);

#endif
