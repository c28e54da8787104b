/*
 * secret_memory.h - pages for keys: locked, not in core dumps nor in children, wiped at the end.
 *
 * What the system refuses of that (a limit on locked memory, an old kernel) is done without.
 */
#ifndef MNSDB_INGEST_CREDENTIALS_SECRET_MEMORY_H
#define MNSDB_INGEST_CREDENTIALS_SECRET_MEMORY_H

#include "engine/base/error.h"

#include <stddef.h>

/* Zeroed memory in pages of its own; NULL: no memory. */
MUST_CHECK void *secret_alloc(size_t bytes);
void secret_free(void *memory, size_t bytes); /* NULL is fine */

#endif
