/*
 * seen_ids.h - which of the last SEEN_IDS messages were looked at already, for peeking.
 *
 * Hashes of 64 bits stand for the messages: peeking is for people, and one message in 10^14 that
 * is not shown harms nothing.
 *
 * Life cycle: open -> add* -> close. Threads: one at a time.
 */
#ifndef MNSDB_INGEST_QUEUE_SEEN_IDS_H
#define MNSDB_INGEST_QUEUE_SEEN_IDS_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define SEEN_IDS 65536u

struct seen_ids;

MUST_CHECK enum status seen_ids_open(struct seen_ids **seen, struct error *err);
void seen_ids_close(struct seen_ids *seen); /* NULL is fine */

/* Remembers an id, forgetting the oldest one if there are too many. False: it was known. */
bool seen_ids_add(struct seen_ids *seen, uint64_t hash);

#endif
