/*
 * store_dir.h - a directory for the store of one test, in $TMPDIR or /tmp.
 *
 * Failures end the test. Threads: any, each its own directory.
 */
#ifndef MNSDB_TESTS_UNIT_STORE_DIR_H
#define MNSDB_TESTS_UNIT_STORE_DIR_H

#define STORE_DIR_BYTES 256

/* Makes an empty one. */
void store_dir_make(char dir[STORE_DIR_BYTES]);
/* Removes the files of a store that nobody has open, and the directory if nothing else is in it. */
void store_dir_remove(const char *dir);

#endif
