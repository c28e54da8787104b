/*
 * secret_memory.c - see secret_memory.h.
 */
#include "ingest/credentials/secret_memory.h"

#include "ingest/credentials/credentials.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define LOOKED_INTO_BY_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(leak_sanitizer)
#define LOOKED_INTO_BY_SANITIZER 1
#endif
#endif

static size_t whole_pages(size_t bytes)
{
    const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

void *secret_alloc(size_t bytes)
{
    assert(bytes > 0);
    const size_t len = whole_pages(bytes);
    void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    (void)mlock(memory, len);
    (void)madvise(memory, len, MADV_DONTDUMP);
    (void)madvise(memory, len, MADV_WIPEONFORK);
    return memory;
}

void secret_free(void *memory, size_t bytes)
{
    if (!memory)
        return;
    explicit_bzero(memory, bytes);
    (void)munmap(memory, whole_pages(bytes));
}

void credentials_harden_process(void)
{
#ifndef LOOKED_INTO_BY_SANITIZER
    const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
#endif
}
