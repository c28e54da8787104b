/*
 * workspace.h - where a benchmark works: a directory that goes when it ends.
 *
 * Life cycle: make -> use -> release. Threads: one.
 */
#ifndef MNSDB_BENCH_BENCH_WORKSPACE_H
#define MNSDB_BENCH_BENCH_WORKSPACE_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define WORKSPACE_PATH_BYTES 4096u

struct workspace {
    char dir[WORKSPACE_PATH_BYTES];   /* $TMPDIR/mnsdb-bench-XXXXXX; empty: not made */
    char store[WORKSPACE_PATH_BYTES]; /* the measured store: in `dir`, or as given */
    char copy[WORKSPACE_PATH_BYTES];  /* of the store, compacted: always in `dir` */
    bool keep;                        /* release leaves the directory */
};

/* `store`: NULL for one in the workspace. Fails if what is to be a fresh store exists. */
MUST_CHECK enum status workspace_make(struct workspace *workspace, const char *store,
                                      struct error *err);

/* Removes the directory with all in it, unless it is to be kept. A given store stays. */
void workspace_release(struct workspace *workspace);

/* A path in the workspace. */
MUST_CHECK enum status workspace_path(const struct workspace *workspace, const char *name,
                                      char path[WORKSPACE_PATH_BYTES], struct error *err);

/* Removes a directory with all in it; one that is not there is fine. */
void directory_remove(const char *dir);

/* Writes the data file out and asks the kernel to forget its pages. */
MUST_CHECK enum status store_drop_cache(const char *store, struct error *err);

/* Bytes of a store's data file. */
MUST_CHECK enum status store_file_bytes(const char *store, uint64_t *bytes, struct error *err);

/* Which share of the data file is in the page cache, 0 ... 1; negative if that is not known. */
double store_cached_share(const char *store);

/* "ext4", "xfs", "tmpfs", ... or "a file system of type 0x..."; valid until the next call. */
const char *file_system_name(const char *path);

#endif
