/*
 * role_reply.h - what the metadata service of an ECS instance answers, as bytes.
 *
 * Pure: nothing here knows of sockets or clocks.
 */
#ifndef MNSDB_INGEST_CREDENTIALS_ROLE_REPLY_H
#define MNSDB_INGEST_CREDENTIALS_ROLE_REPLY_H

#include "engine/base/bytes.h"
#include "ingest/credentials/credentials.h"
#include "ingest/credentials/key_file.h"
#include "ingest/wire/wire.h"

#include <stdbool.h>

#define METADATA_BASE_BYTES  WIRE_BASE_BYTES
#define SESSION_TOKEN_BYTES  1025u
#define ROLE_REPLY_BYTES_MAX 32768u

/*
 * "http://100.100.100.200", "https://[fd00::1]:8443/": scheme, host, port, and no more, by the
 * rules of queues' addresses. `base` is what requests go to. STATUS_CONFIG: it is anything else.
 */
MUST_CHECK enum status metadata_base_parse(const char *url, char base[METADATA_BASE_BYTES],
                                           struct error *err);

/* The first line of the list of roles. False: it is no role's name. */
bool role_list_parse(struct slice body, char role[ROLE_NAME_BYTES]);

/* False: no token that could stand in a header. */
bool session_token_parse(struct slice body, char token[SESSION_TOKEN_BYTES]);

/*
 * A role's key, JSON: {"Code": "Success", "AccessKeyId", "AccessKeySecret", "SecurityToken",
 * "Expiration": "2026-11-22T12:06:42Z", ...}. STATUS_INPUT: it is something else; the message says
 * what is wrong and shows nothing of it. `body` has room for a NUL at its end, and is wiped.
 */
MUST_CHECK enum status role_reply_parse(uint8_t *body, size_t body_len, struct access_key *key,
                                        struct error *err);

#endif
