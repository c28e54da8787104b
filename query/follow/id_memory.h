/*
 * id_memory.h - the message ids of rows that were seen; for query/follow only.
 *
 *      fresh   of the look under way, as they come        not held yet
 *      held    sorted, each once                          8 bytes an id
 *
 * Ids that are noted become held when the look is over: a message may have several rows, all
 * stored at once.
 *
 * Life cycle: zero-initialise -> (has, note)* -> settle -> ... -> release.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_FOLLOW_ID_MEMORY_H
#define MNSDB_QUERY_FOLLOW_ID_MEMORY_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_memory {
    uint64_t *held; /* owned */
    size_t held_count, held_capacity;
    uint64_t *fresh; /* owned */
    size_t fresh_count, fresh_capacity;
    size_t hint; /* where the last search ended: the next one is near it */
};

bool id_memory_has(struct id_memory *memory, uint64_t id);
MUST_CHECK enum status id_memory_note(struct id_memory *memory, uint64_t id);
MUST_CHECK enum status id_memory_settle(struct id_memory *memory);
void id_memory_release(struct id_memory *memory);

#endif
