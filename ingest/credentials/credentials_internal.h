/*
 * credentials_internal.h - what credentials need of the world outside: tests bring their own.
 */
#ifndef MNSDB_INGEST_CREDENTIALS_CREDENTIALS_INTERNAL_H
#define MNSDB_INGEST_CREDENTIALS_CREDENTIALS_INTERNAL_H

#include "ingest/credentials/credentials.h"
#include "ingest/transport/transport.h"

#include <stdint.h>

/* At most one fetch in this time, however often a newer key is asked for. */
#define ROLE_REFRESH_GAP_MS 5000

/* Called by the role's thread, but for transport_open. */
struct credentials_outside {
    void *context;
    enum status (*transport_open)(void *context, struct transport *transport, struct error *err);
    int64_t (*utc_ms)(void *context);
    int64_t (*monotonic_ms)(void *context);
};

MUST_CHECK enum status credentials_open_with(struct credentials **credentials,
                                             const struct credentials_config *config,
                                             const struct credentials_outside *outside,
                                             struct error *err);

/* The clock was moved. */
void credentials_nudge(struct credentials *credentials);

#endif
