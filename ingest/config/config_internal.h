/*
 * config_internal.h - settings in layers: who said what, and what holds.
 *
 *      default < system's file < user's file < shared variables < MNSDB_INGEST_* < -q, -v < options
 *
 * The strongest layer that names a setting decides it alone: queues of a file are not added to
 * those of the command line. --config FILE stands in for both files.
 *
 * Life cycle: config_load -> config_release. Texts borrow from the config.
 * Threads:    one while loading; afterwards read-only.
 */
#ifndef MNSDB_INGEST_CONFIG_CONFIG_INTERNAL_H
#define MNSDB_INGEST_CONFIG_CONFIG_INTERNAL_H

#include "cli/options.h"
#include "engine/base/arena.h"
#include "ingest/config/setting_internal.h"

#define CONFIG_SYSTEM_FILE "/etc/mnsdb/ingest.conf"

enum config_layer {
    CONFIG_DEFAULT,
    CONFIG_SYSTEM,
    CONFIG_USER,
    CONFIG_SHARED, /* variables that other programs read, too */
    CONFIG_ENVIRONMENT,
    CONFIG_VERBOSITY,
    CONFIG_COMMAND_LINE,
};

struct config_text {
    const char *text;
    const char *origin; /* "default", "FILE:12", "environment NAME", "--name" */
};

struct config_value {
    enum config_layer layer;
    struct config_text *texts; /* in the arena; room for one, or for the most queues */
    size_t count;              /* 0: not set */
    uint64_t number;           /* what the last text means, by the setting's kind; 0 if not set */
};

struct config {
    struct arena arena;
    const struct options *options; /* borrowed */
    struct config_value values[SETTING_COUNT];
};

/* Files that are read if they exist and no --config is given; NULL: none. */
struct config_places {
    const char *system;
    const char *user;
};

/*
 * Reads all layers and checks every value that holds. STATUS_INPUT: the command line is wrong;
 * STATUS_CONFIG: a file or the environment is.
 */
MUST_CHECK enum status config_load(struct config *config, const struct options *options,
                                   const struct config_places *places, struct error *err);
void config_release(struct config *config);

/*
 * The places of this machine: `user` is $XDG_CONFIG_HOME/mnsdb/ingest.conf, else the same in
 * ~/.config. It is kept in `arena`.
 */
MUST_CHECK enum status config_places_find(struct config_places *places, struct arena *arena,
                                          struct error *err);

/* Warns of variables MNSDB_INGEST_... that set nothing. */
void config_warn_of_variables(void);

/* The last value, or NULL while the setting is not set. */
const char *config_text(const struct config *config, enum setting_id id);
bool config_is_on(const struct config *config, enum setting_id id);

/*
 * Puts "--queue", "FILE:12: queue" or "MNS_QUEUE_URL" before the message that is in `err`, with
 * the status that a mistake in this place has, and returns it. `config` NULL: "--name".
 */
enum status config_blame(const struct config *config, enum setting_id id, size_t index,
                         struct error *err);

/* `text` with what stands before an '@' of its authority replaced, cut to the room there is. */
#define CONFIG_SHOWN_BYTES 1024u
void config_hide_user(const char *text, char shown[CONFIG_SHOWN_BYTES]);

/* --- of config_judge.c ----------------------------------------------------------------------- */

/* What `text` means for a setting; STATUS_CONFIG with "wants ..., not '...'". */
MUST_CHECK enum status config_judge(const struct setting_spec *spec, const char *text,
                                    uint64_t *number, struct error *err);

/* Why a key of a file or a variable is not a setting: a secret, a near name, or just unknown. */
enum status config_unknown(const char *name, struct error *err);

#endif
