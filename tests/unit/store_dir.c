/*
 * store_dir.c - see store_dir.h.
 */
#include "tests/unit/store_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

void store_dir_make(char dir[STORE_DIR_BYTES])
{
    const char *parent = getenv("TMPDIR");
    const int len =
        snprintf(dir, STORE_DIR_BYTES, "%s/mnsdb-test-XXXXXX", parent ? parent : "/tmp");
    assert_in_range(len, 1, STORE_DIR_BYTES - 1);
    assert_non_null(mkdtemp(dir));
}

void store_dir_remove(const char *dir)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "writer.lock", "lock"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[STORE_DIR_BYTES + 16];
        (void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}
