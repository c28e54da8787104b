/*
 * store_place.h - whether the store that was opened still stands under its name.
 *
 * A program that stays with a store would go on with a file that was deleted, or that a backup took
 * the place of, and never see anything new.
 *
 * Life cycle: note, after the store was opened; then check as often as wanted. Nothing is owned.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_COMMAND_STORE_PLACE_H
#define MNSDB_QUERY_COMMAND_STORE_PLACE_H

#include "engine/base/error.h"

#include <sys/types.h>

struct store_place {
    const char *dir; /* borrowed */
    dev_t device;
    ino_t inode;
};

MUST_CHECK enum status store_place_note(struct store_place *place, const char *dir,
                                        struct error *err);

/* STATUS_MISSING when it was removed, or another store is there. */
MUST_CHECK enum status store_place_check(const struct store_place *place, struct error *err);

#endif
