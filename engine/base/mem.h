/*
 * mem.h - all heap memory of mnsdb comes from here.
 *
 * Sizes are counts times element sizes, multiplied with an overflow check. A
 * failed allocation returns NULL and is reported by the caller as STATUS_NOMEM.
 * In test builds (MNSDB_TEST_FAULTS) the n-th request can be made to fail.
 *
 * Threads: as malloc; the fault counter is for single-threaded tests.
 */
#ifndef MNSDB_ENGINE_BASE_MEM_H
#define MNSDB_ENGINE_BASE_MEM_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `count` elements of `size` bytes, uninitialised. A zero count yields one byte. */
MUST_CHECK void *mem_alloc(size_t count, size_t size);
MUST_CHECK void *mem_alloc_zeroed(size_t count, size_t size);
/*
 * The same for large memory that is looked at before it is written, as hash tables are: every page
 * is written at once. A page that is read first is a shared page of zeros, and replacing it at the
 * first write interrupts all other threads.
 */
MUST_CHECK void *mem_alloc_cleared(size_t count, size_t size);

/* As realloc; on failure `old` stays valid and owned by the caller. */
MUST_CHECK void *mem_resize(void *old, size_t count, size_t size);

/*
 * Makes room for at least `needed` elements in a growing array: `*items` is
 * resized to at least half as much again, `*capacity` follows. On STATUS_NOMEM nothing changed.
 * `items` points to the array's pointer, of whatever type.
 */
MUST_CHECK enum status mem_grow(void *items, size_t *capacity, size_t needed, size_t size);

/*
 * Room for at least `needed` elements in an array whose elements are not needed any more: nothing
 * is copied. A new array gets a little more, for a slightly larger need the next time. On
 * STATUS_NOMEM the array is gone: NULL, with no capacity.
 */
MUST_CHECK enum status mem_renew(void *items, size_t *capacity, size_t needed, size_t size);

void mem_free(void *memory);

/* For OWNED: frees what the pointer variable at `variable` points to. */
void mem_free_owned(void *variable);

#ifdef MNSDB_TEST_FAULTS
/* The n-th request from now on fails (0: the next); -1 ends it. */
void mem_fail_at(long nth);
/* Blocks handed out and not yet freed. */
size_t mem_live_blocks(void);
#endif

#endif
