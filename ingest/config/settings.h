/*
 * settings.h - the settings that are fixed when a store is made.
 *
 *      payload-tz    zone of payload times that name none; a fixed one is kept as +HH:MM
 *      time-field    members that hold the business time, or "none"
 *
 * A store keeps them, so that all its messages were understood alike.
 */
#ifndef MNSDB_INGEST_CONFIG_SETTINGS_H
#define MNSDB_INGEST_CONFIG_SETTINGS_H

#include "engine/store/store.h"
#include "ingest/config/options.h"
#include "ingest/decode/decode.h"

struct settings {
    char payload_tz[CIVIL_ZONE_NAME_BYTES]; /* canonical */
    char *time_field;                       /* owned */
    bool payload_tz_given;
    bool time_field_given;
};

/* Checks what was given, and fills in defaults. STATUS_CONFIG says what is wrong. */
MUST_CHECK enum status settings_read(struct settings *settings,
                                     const struct ingest_options *options, struct error *err);
void settings_release(struct settings *settings);

/*
 * Fixes the settings in a store that has none yet, and compares those given with those of a store
 * that has: STATUS_CONFIG if they differ. `config` borrows from the store.
 */
MUST_CHECK enum status settings_apply(const struct settings *settings, struct store *store,
                                      struct decoder_config *config, struct error *err);

#endif
