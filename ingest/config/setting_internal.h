/*
 * setting_internal.h - every setting of mnsdb-ingest: its name, what it may be, where it is from.
 *
 * A setting's name is its long option, its key in a configuration file and, in capitals behind
 * MNSDB_INGEST_ with underscores, its variable in the environment. options.c has their help.
 *
 * Threads: constant.
 */
#ifndef MNSDB_INGEST_CONFIG_SETTING_INTERNAL_H
#define MNSDB_INGEST_CONFIG_SETTING_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which --check-config shows them. */
enum setting_id {
    SETTING_CONFIG,
    SETTING_DB,
    SETTING_PAYLOAD_TZ,
    SETTING_TIME_FIELD,
    SETTING_THREADS,
    SETTING_RETRY_REJECTS,
    SETTING_SETTLE,
    SETTING_QUEUE,
    SETTING_ONCE,
    SETTING_DRY_RUN,
    SETTING_PRINT,
    SETTING_QUEUE_STATUS,
    SETTING_RECORD,
    SETTING_RECORD_MAX_SIZE,
    SETTING_CREDENTIALS_FILE,
    SETTING_CREDENTIALS_PROFILE,
    SETTING_ECS_ROLE,
    SETTING_METADATA_URL,
    SETTING_METADATA_V2_ONLY,
    SETTING_INSECURE_HTTP,
    SETTING_CA_FILE,
    SETTING_WAIT,
    SETTING_RECEIVES,
    SETTING_COMMIT_WINDOW,
    SETTING_COMMIT_MESSAGES,
    SETTING_IN_FLIGHT,
    SETTING_DRAIN,
    SETTING_LISTEN,
    SETTING_LOG_FORMAT,
    SETTING_LOG_LEVEL,
    SETTING_SUMMARY,
    SETTING_NO_PROGRESS,
    SETTING_CHECK_CONFIG,
    SETTING_COUNT,
};

enum setting_kind {
    SETTING_TEXT,     /* as it is */
    SETTING_FLAG,     /* yes or no; 1 or 0 */
    SETTING_NUMBER,   /* least ... most */
    SETTING_DURATION, /* milliseconds, least ... most; "0" needs no unit */
    SETTING_SECONDS,  /* the same, but whole seconds; its number is milliseconds, too */
    SETTING_SIZE,     /* bytes, least ... most */
    SETTING_WORD,     /* one of `words`; its number is the index */
    SETTING_URL,      /* as it is; user information in it is never shown */
};

#define SETTING_WORDS_MAX 4u

struct setting_spec {
    const char *name;
    enum setting_kind kind;
    bool repeatable; /* several values, by blanks or commas, too */
    bool of_queue;   /* means something only when a queue is read */
    bool of_line;    /* an action or a way: on the command line only */
    bool may_be_empty;
    uint64_t least;
    uint64_t most;
    const char *words[SETTING_WORDS_MAX + 1]; /* NULL ends */
    const char *fallback;                     /* the default as a value, or NULL: not set */
    const char *unset; /* what "not set" means, for people; NULL: nothing is */
    const char
        *environment; /* one more variable, of other programs too; weaker than its own; or NULL */
};

extern const struct setting_spec setting_specs[SETTING_COUNT];

/* SETTING_COUNT: there is none of that name. */
enum setting_id setting_find(const char *name);

#define SETTING_VARIABLE_PREFIX "MNSDB_INGEST_"
#define SETTING_VARIABLE_BYTES  64u

/* "MNSDB_INGEST_IN_FLIGHT" */
void setting_variable(const struct setting_spec *spec, char text[SETTING_VARIABLE_BYTES]);

#endif
