/*
 * signer.h - the headers that make a request an authorised one.
 *
 * A signature covers method, Content-Type, Date, version and target, and the Date has whole
 * seconds: all requests of a second with the same method and target have the same one. The last
 * SIGNER_KEPT are kept, which spares receives and batch deletes the HMAC.
 *
 *      entry: (date_s, key generation, method, has body, target) -> "MNS id:signature"
 *
 * The keys themselves are never kept. Threads: one.
 */
#ifndef MNSDB_INGEST_MNS_SIGNER_H
#define MNSDB_INGEST_MNS_SIGNER_H

#include "ingest/credentials/credentials.h"
#include "ingest/transport/transport.h"
#include "ingest/wire/wire.h"

#include <stdbool.h>
#include <stdint.h>

#define SIGNER_KEPT                4u
#define SIGNER_TARGET_BYTES        512u /* longer targets carry a handle: never the same twice */
#define SIGNER_AUTHORIZATION_BYTES (4u + ACCESS_KEY_ID_BYTES + 1u + WIRE_SIGNATURE_BYTES)
#define SIGNER_HEADERS_MAX         5u

struct signer_entry {
    int64_t date_s;
    uint64_t generation; /* 0: the entry is free */
    const char *method;  /* static */
    bool has_body;
    size_t target_len;
    uint8_t target[SIGNER_TARGET_BYTES];
    char authorization[SIGNER_AUTHORIZATION_BYTES];
};

struct signer {
    int64_t date_s; /* of `date` */
    char date[WIRE_DATE_BYTES];
    struct signer_entry entries[SIGNER_KEPT];
    unsigned next; /* the entry to be replaced */
    struct signer_entry unkept;
    struct transport_header headers[SIGNER_HEADERS_MAX];
    size_t header_count;
};

void signer_init(struct signer *signer);

/*
 * Sets `headers` for this request at this time (of the server's clock). They borrow from the
 * signer and from `key`, and live until the next call.
 */
MUST_CHECK enum status signer_sign(struct signer *signer, const struct wire_request *request,
                                   const struct access_key *key, int64_t time_ms,
                                   struct error *err);

#endif
