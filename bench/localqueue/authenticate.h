/*
 * authenticate.h - is this request signed by the holder of the key?
 *
 * The signature covers method, Content-MD5, Content-Type, date, the x-mns- headers and the target,
 * all as sent. Clients sign the same text again and again within a second, so verdicts on whole
 * signed texts are remembered.
 *
 * Life cycle: authenticator_init -> authenticate* -> authenticator_release.
 * Threads:    one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_AUTHENTICATE_H
#define MNSDB_BENCH_LOCALQUEUE_AUTHENTICATE_H

#include "bench/localqueue/code.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "ingest/wire/wire.h"

#include <stdint.h>

#define AUTHENTICATE_SKEW_MS (INT64_C(15) * 60 * 1000)
#define AUTHENTICATE_CACHE   256u /* a power of two */

struct authenticator {
    struct slice key_id;                    /* borrowed */
    struct slice secret;                    /* borrowed */
    struct buffer text;                     /* owned; scratch: what is signed, and the signature */
    struct buffer good[AUTHENTICATE_CACHE]; /* owned; such texts that were verified */
};

/* The headers that matter; empty where absent. */
struct signed_request {
    struct slice method;
    struct slice resource; /* path and query as sent */
    struct slice authorization;
    struct slice content_md5;
    struct slice content_type;
    struct slice date;
    struct slice mns_date;
    struct slice version;
    struct wire_header mns[WIRE_SIGNED_HEADERS_MAX]; /* those that begin with x-mns- */
    size_t mns_count;
};

void authenticator_init(struct authenticator *authenticator, struct slice key_id,
                        struct slice secret);
void authenticator_release(struct authenticator *authenticator);

/* CODE_NONE: it is. */
enum code authenticate(struct authenticator *authenticator, const struct signed_request *request,
                       int64_t now_ms);

/* A Content-MD5 is the digest or its hexadecimal text, either in base64. */
bool content_md5_agrees(struct slice content_md5, struct slice body);

#endif
