/*
 * role.h - the key of an ECS instance's RAM role: a thread that fetches it before it expires.
 *
 *      sleep ─(80 % of its life, asked for, time to try again)─> fetch ─> key_store_put ─> sleep
 *
 * Life cycle: open -> (refresh | name)* -> close, which waits for the thread and is quick.
 * Threads:    any, but for open and close.
 */
#ifndef MNSDB_INGEST_CREDENTIALS_ROLE_H
#define MNSDB_INGEST_CREDENTIALS_ROLE_H

#include "ingest/credentials/credentials.h"
#include "ingest/credentials/credentials_internal.h"
#include "ingest/credentials/key_file.h"
#include "ingest/credentials/key_store.h"

struct role;

struct role_config {
    const char *name; /* "": whichever the instance has */
    const char *base; /* of the metadata service, as metadata_base_parse leaves it */
    bool v2_only;
    struct key_store *store;                   /* borrowed */
    const struct credentials_outside *outside; /* copied */
};

MUST_CHECK enum status role_open(struct role **role, const struct role_config *config,
                                 struct error *err);
void role_close(struct role *role);

/* Fetch soon: at once, or when the last fetch is ROLE_REFRESH_GAP_MS ago. */
void role_refresh(struct role *role);

/* The thread looks at the clock again. */
void role_nudge(struct role *role);

/* The name given or found; "" while it is unknown. */
void role_name(struct role *role, char name[ROLE_NAME_BYTES]);

#endif
