/*
 * catalogue.h - what a store says about itself: version, settings, state.
 *
 *      OFFSET  SIZE  MEANING (payload of key 'C'; little-endian)
 *           0     8  "mnsdb" and three zero bytes
 *           8     4  format version
 *          12     4  number of settings
 *           .     .  each: length of the name u8, name, length of the value u16, value
 *           .   168  state (format.h)
 *
 * Magic and version keep their places for ever, so that any version can tell that a
 * store is newer than itself.
 *
 * Threads: plain values.
 */
#ifndef MNSDB_ENGINE_CATALOGUE_CATALOGUE_H
#define MNSDB_ENGINE_CATALOGUE_CATALOGUE_H

#include "engine/base/error.h"
#include "engine/format/format.h"
#include "engine/kv/kv.h"

#include <stdbool.h>
#include <stdint.h>

#define SETTINGS_MAX        8u
#define SETTING_NAME_BYTES  32u   /* with its NUL */
#define SETTING_VALUE_BYTES 1024u /* with its NUL */

struct setting {
    char name[SETTING_NAME_BYTES];
    char value[SETTING_VALUE_BYTES];
};

struct catalogue {
    uint32_t version; /* as read; saving always writes STORE_FORMAT_VERSION */
    struct setting settings[SETTINGS_MAX];
    uint32_t setting_count;
    struct store_state state; /* the catalogue's own: the log may know a newer one */
};

/*
 * `*found` false: the database is empty (one that lost its catalogue is STATUS_CORRUPT).
 * STATUS_VERSION: a newer version wrote it.
 */
MUST_CHECK enum status catalogue_load(struct catalogue *catalogue, struct kv_txn *txn, bool *found,
                                      struct error *err);
MUST_CHECK enum status catalogue_save(const struct catalogue *catalogue, struct kv_txn *txn,
                                      struct error *err);

/* The value of a setting, or NULL. */
const char *catalogue_setting(const struct catalogue *catalogue, const char *name);
/* Adds a setting; STATUS_INPUT if it does not fit. */
MUST_CHECK enum status catalogue_add_setting(struct catalogue *catalogue, const char *name,
                                             const char *value, struct error *err);

#endif
