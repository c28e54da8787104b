/*
 * mem.c - the one place that calls malloc.
 *
 * Large blocks ask for huge pages: they are first touched, and later read at random, with a
 * fraction of the page faults and of the misses in the processor's table of pages. Memory that is
 * renewed is filled anew from its start and gains nothing by them; where a hypervisor takes unused
 * huge pages back, as some do, a first touch of one is dear.
 */
#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES        ((uintptr_t)4096)
#define LARGE_BLOCK_BYTES ((size_t)4 << 20)

#define RENEWED_SPARE_PART 10u

#ifdef MNSDB_TEST_FAULTS
#include <stdatomic.h>

static atomic_long fail_countdown = -1;
static atomic_size_t live_blocks;

void mem_fail_at(long nth)
{
    atomic_store(&fail_countdown, nth);
}

size_t mem_live_blocks(void)
{
    return atomic_load(&live_blocks);
}

/* Counts down to the request that was chosen to fail; -1 means none is. */
static bool fault_due(void)
{
    long left = atomic_load(&fail_countdown);
    if (left < 0)
        return false;
    atomic_store(&fail_countdown, left - 1);
    return left == 0;
}

static void count_live(const void *memory, bool added)
{
    if (memory && added)
        atomic_fetch_add(&live_blocks, 1);
    else if (memory)
        atomic_fetch_sub(&live_blocks, 1);
}
#else
static bool fault_due(void)
{
    return false;
}

static void count_live(const void *memory, bool added)
{
    (void)memory;
    (void)added;
}
#endif

static bool total_bytes(size_t count, size_t size, size_t *total)
{
    if (__builtin_mul_overflow(count, size, total))
        return false;
    if (*total == 0)
        *total = 1;
    return true;
}

/*
 * Only a hint: where there are no huge pages, nothing changes. It is given for all pages of the
 * block: were it for those alone that huge pages can hold, the block would be several mappings to
 * the kernel, which realloc cannot move as one: it would copy a block each time that it grows.
 */
static void advise_large(void *memory, size_t total)
{
    if (!memory || total < LARGE_BLOCK_BYTES)
        return;
    const size_t before = (uintptr_t)memory & (PAGE_BYTES - 1);
    const size_t whole = (before + total + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    (void)madvise((uint8_t *)memory - before, whole, MADV_HUGEPAGE);
}

static void *allocate_plain(size_t count, size_t size)
{
    size_t total = 0;
    if (!total_bytes(count, size, &total) || fault_due())
        return NULL;
    void *memory = malloc(total);
    count_live(memory, true);
    return memory;
}

void *mem_alloc(size_t count, size_t size)
{
    void *memory = allocate_plain(count, size);
    if (memory)
        advise_large(memory, count * size);
    return memory;
}

void *mem_alloc_zeroed(size_t count, size_t size)
{
    size_t total = 0;
    if (!total_bytes(count, size, &total) || fault_due())
        return NULL;
    void *memory = calloc(1, total);
    advise_large(memory, total);
    count_live(memory, true);
    return memory;
}

void *mem_alloc_cleared(size_t count, size_t size)
{
    void *memory = mem_alloc(count, size);
    if (memory)
        memset(memory, 0, count * size);
    return memory;
}

void *mem_resize(void *old, size_t count, size_t size)
{
    size_t total = 0;
    if (!total_bytes(count, size, &total) || fault_due())
        return NULL;
    void *memory = realloc(old, total);
    advise_large(memory, total);
    if (!old)
        count_live(memory, true);
    return memory;
}

enum status mem_grow(void *items, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return STATUS_OK;
    const size_t floor = 16;
    size_t wanted = *capacity + *capacity / 2;
    if (wanted < needed)
        wanted = needed;
    if (wanted < floor)
        wanted = floor;
    void *old = NULL;
    memcpy(&old, items, sizeof old);
    void *grown = mem_resize(old, wanted, size);
    if (!grown)
        return STATUS_NOMEM;
    memcpy(items, &grown, sizeof grown);
    *capacity = wanted;
    return STATUS_OK;
}

enum status mem_renew(void *items, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return STATUS_OK;
    const size_t wanted = needed + needed / RENEWED_SPARE_PART;
    void *memory = NULL;
    memcpy(&memory, items, sizeof memory);
    mem_free(memory);
    memory = allocate_plain(wanted, size);
    memcpy(items, &memory, sizeof memory);
    *capacity = memory ? wanted : 0;
    return memory ? STATUS_OK : STATUS_NOMEM;
}

void mem_free(void *memory)
{
    count_live(memory, false);
    free(memory);
}

void mem_free_owned(void *variable)
{
    void *memory = NULL;
    memcpy(&memory, variable, sizeof memory);
    mem_free(memory);
}
