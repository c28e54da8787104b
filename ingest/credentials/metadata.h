/*
 * metadata.h - asks the metadata service for a role's key: one fetch, a few requests in a row.
 *
 *      PUT api/token ─> (session token) ─> GET .../security-credentials/ ─> role's name
 *                                          GET .../security-credentials/NAME ─> key
 *
 * A session token proves that the asker can send a PUT, which requests that somebody tricked a
 * program into cannot. Where the service does not give one, the rest goes without, unless that is
 * forbidden.
 *
 * Threads: one; `stopping` may be set by another, together with a transport_wake.
 */
#ifndef MNSDB_INGEST_CREDENTIALS_METADATA_H
#define MNSDB_INGEST_CREDENTIALS_METADATA_H

#include "ingest/credentials/credentials.h"
#include "ingest/credentials/key_file.h"
#include "ingest/credentials/role_reply.h"
#include "ingest/transport/transport.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Lives in secret memory. */
struct metadata {
    struct transport transport;     /* owned */
    char base[METADATA_BASE_BYTES]; /* "http://host:port" */
    bool v2_only;
    atomic_bool stopping; /* ends a fetch at once */
    char session_token[SESSION_TOKEN_BYTES];
    size_t body_len;
    uint8_t body[ROLE_REPLY_BYTES_MAX + 1]; /* of the last reply, and room for a NUL */
    struct access_key key;                  /* what was fetched */
};

/*
 * Fetches the key of `role` into metadata->key; "" is replaced by the name that the service tells.
 * STATUS_STOPPED: `stopping` was set. Other failures are worth another try later.
 */
MUST_CHECK enum status metadata_fetch(struct metadata *metadata, char role[ROLE_NAME_BYTES],
                                      struct error *err);

#endif
