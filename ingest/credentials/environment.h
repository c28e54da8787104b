/*
 * environment.h - the access key in the environment, and the switches there.
 *
 * Threads: one, before others start.
 */
#ifndef MNSDB_INGEST_CREDENTIALS_ENVIRONMENT_H
#define MNSDB_INGEST_CREDENTIALS_ENVIRONMENT_H

#include "ingest/credentials/credentials.h"

#include <stdbool.h>

/*
 * Reads the key, and wipes and removes its variables in any case: other users read them in /proc,
 * children inherit them. `*found` false: neither is set. STATUS_CONFIG: only a part of a key, or
 * one that cannot be used.
 */
MUST_CHECK enum status environment_take_key(struct access_key *key, bool *found, struct error *err);

/* The value of a variable that is set and not empty, or NULL. */
const char *environment_text(const char *name);
bool environment_is_true(const char *name); /* "true" in any case, or "1" */

#endif
