/*
 * file_marks.c - how fast a cached file is read, and how soon something is on disk.
 */
#include "bench/machine/marks_internal.h"

#include "bench/machine/best.h"
#include "cli/clock.h"
#include "engine/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)1 << 20)
#define PAGE_BYTES  ((size_t)4096)
#define SYNC_PAGES  64u /* that are written over in turn */
#define PATH_BYTES  4096

static void close_file(const int *file)
{
    if (*file >= 0)
        (void)close(*file);
}

/* Nobody else finds it, and it goes with its descriptor. */
static enum status open_file(const char *dir, int *file, struct error *err)
{
    char path[PATH_BYTES];
    const int len = snprintf(path, sizeof path, "%s/mnsdb-marks-XXXXXX", dir);
    if (len < 0 || (size_t)len >= sizeof path)
        return error_set(err, STATUS_INPUT, "%s: the path is too long", dir);
    *file = mkostemp(path, O_CLOEXEC);
    if (*file < 0)
        return error_set_errno(err, STATUS_FULL, errno, "cannot make a file in %s", dir);
    (void)unlink(path);
    return STATUS_OK;
}

static enum status write_at(int file, const uint8_t *bytes, size_t len, size_t offset,
                            struct error *err)
{
    while (len > 0) {
        const ssize_t done = pwrite(file, bytes, len, (off_t)offset);
        if (done < 0 && errno != EINTR)
            return error_set_errno(err, STATUS_FULL, errno, "cannot write a file of marks");
        if (done > 0) {
            bytes += done;
            len -= (size_t)done;
            offset += (size_t)done;
        }
    }
    return STATUS_OK;
}

static enum status sync_file(int file, struct error *err)
{
    if (fdatasync(file) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot sync a file of marks");
    return STATUS_OK;
}

/* --- the page cache --------------------------------------------------------------------------- */

static enum status read_all(int file, size_t bytes, uint8_t *piece, struct error *err)
{
    size_t offset = 0;
    while (offset < bytes) {
        const ssize_t got = pread(file, piece, PIECE_BYTES, (off_t)offset);
        if (got <= 0)
            return error_set(err, STATUS_IO, "a file of marks cannot be read");
        offset += (size_t)got;
    }
    return STATUS_OK;
}

/* Reads all words through a fresh map, and again through the same. */
static enum status read_map(int file, size_t bytes, struct error *err, int64_t *fresh_ns,
                            int64_t *touched_ns)
{
    const int64_t began_ns = clock_ns(CLOCK_MONOTONIC);
    void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        return error_set_errno(err, STATUS_IO, errno, "cannot map a file of marks");
    uint64_t sum = marks_sum_words(map, bytes / sizeof(uint64_t));
    const int64_t touched_since_ns = clock_ns(CLOCK_MONOTONIC);
    sum += marks_sum_words(map, bytes / sizeof(uint64_t));
    const int64_t ended_ns = clock_ns(CLOCK_MONOTONIC);
    __asm__ volatile("" : : "r"(sum) : "memory");
    (void)munmap(map, bytes);
    keep_least(fresh_ns, touched_since_ns - began_ns);
    keep_least(touched_ns, ended_ns - touched_since_ns);
    return STATUS_OK;
}

static size_t whole_pieces(size_t bytes)
{
    return bytes < PIECE_BYTES ? PIECE_BYTES : bytes - bytes % PIECE_BYTES;
}

enum status marks_of_page_cache(const struct machine_marks_config *config,
                                struct machine_marks *marks, struct error *err)
{
    OWNED(close_file) int file = -1;
    OWNED(mem_free_owned) uint8_t *piece = mem_alloc(PIECE_BYTES, 1);
    if (!piece)
        return error_set(err, STATUS_NOMEM, "no memory for the marks of the page cache");
    TRY(open_file(config->dir, &file, err));
    const size_t bytes = whole_pieces(config->file_bytes);
    memset(piece, 1, PIECE_BYTES);
    for (size_t offset = 0; offset < bytes; offset += PIECE_BYTES)
        TRY(write_at(file, piece, PIECE_BYTES, offset, err));
    int64_t pread_ns = 0;
    int64_t fresh_ns = 0;
    int64_t touched_ns = 0;
    for (unsigned run = 0; run < config->runs; run++) {
        const int64_t began_ns = clock_ns(CLOCK_MONOTONIC);
        TRY(read_all(file, bytes, piece, err));
        keep_least(&pread_ns, clock_ns(CLOCK_MONOTONIC) - began_ns);
        TRY(read_map(file, bytes, err, &fresh_ns, &touched_ns));
    }
    marks->page_cache_pread = rate_of((double)bytes, pread_ns);
    marks->page_cache_map = rate_of((double)bytes, fresh_ns);
    marks->page_cache_mapped = rate_of((double)bytes, touched_ns);
    return STATUS_OK;
}

/* --- the disk --------------------------------------------------------------------------------- */

static int compare_times(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static enum status time_syncs(const struct machine_marks_config *config, const uint8_t *piece,
                              struct machine_marks *marks, struct error *err)
{
    OWNED(close_file) int file = -1;
    TRY(open_file(config->dir, &file, err));
    TRY(write_at(file, piece, SYNC_PAGES * PAGE_BYTES, 0, err));
    TRY(sync_file(file, err));
    int64_t times_ns[MARKS_SYNCS_MAX];
    unsigned count = config->syncs < 1 ? 1 : config->syncs;
    if (count > MARKS_SYNCS_MAX)
        count = MARKS_SYNCS_MAX;
    for (unsigned i = 0; i < count; i++) {
        const int64_t began_ns = clock_ns(CLOCK_MONOTONIC);
        TRY(write_at(file, piece, PAGE_BYTES, i % SYNC_PAGES * PAGE_BYTES, err));
        TRY(sync_file(file, err));
        times_ns[i] = clock_ns(CLOCK_MONOTONIC) - began_ns;
    }
    qsort(times_ns, count, sizeof *times_ns, compare_times);
    const unsigned middle = count / 2;
    const unsigned high = (count - 1) * 95 / 100;
    marks->sync_least_ns = (double)times_ns[0];
    marks->sync_median_ns = (double)times_ns[middle];
    marks->sync_p95_ns = (double)times_ns[high];
    return STATUS_OK;
}

static enum status time_growing(const struct machine_marks_config *config, const uint8_t *piece,
                                int64_t *least_ns, struct error *err)
{
    OWNED(close_file) int file = -1;
    TRY(open_file(config->dir, &file, err));
    const size_t bytes = whole_pieces(config->file_bytes);
    const int64_t began_ns = clock_ns(CLOCK_MONOTONIC);
    for (size_t offset = 0; offset < bytes; offset += PIECE_BYTES) {
        TRY(write_at(file, piece, PIECE_BYTES, offset, err));
        if ((offset + PIECE_BYTES) % MARKS_SYNC_BYTES == 0)
            TRY(sync_file(file, err));
    }
    TRY(sync_file(file, err));
    keep_least(least_ns, clock_ns(CLOCK_MONOTONIC) - began_ns);
    return STATUS_OK;
}

enum status marks_of_disk(const struct machine_marks_config *config, struct machine_marks *marks,
                          struct error *err)
{
    OWNED(mem_free_owned) uint8_t *piece = mem_alloc(PIECE_BYTES, 1);
    if (!piece)
        return error_set(err, STATUS_NOMEM, "no memory for the marks of the disk");
    memset(piece, 1, PIECE_BYTES);
    TRY(time_syncs(config, piece, marks, err));
    int64_t least_ns = 0;
    for (unsigned run = 0; run < config->runs; run++)
        TRY(time_growing(config, piece, &least_ns, err));
    marks->synced_write = rate_of((double)whole_pieces(config->file_bytes), least_ns);
    return STATUS_OK;
}
