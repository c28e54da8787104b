/*
 * options.h - what mnsdb-ingest is to do: settings of files, environment and command line.
 *
 *      /etc/mnsdb/ingest.conf < ~/.config/mnsdb/ingest.conf < environment < command line
 *
 * --config FILE stands in for both files. Every option but the actions of a moment (--settle,
 * --check-config, ...) is also a key of the files and, in capitals with underscores, a
 * variable MNSDB_INGEST_NAME; MNSDB_DB and MNS_QUEUE_URL are read, too. Secrets are no settings.
 *
 * Life cycle: ingest_options_read -> ingest_options_release.
 * Threads:    one while reading; afterwards read-only.
 */
#ifndef MNSDB_INGEST_CONFIG_OPTIONS_H
#define MNSDB_INGEST_CONFIG_OPTIONS_H

#include "cli/options.h"
#include "ingest/credentials/credentials.h"
#include "ingest/log/log.h"
#include "ingest/queue/queue_source.h"
#include "ingest/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Continuous ingest. `url_count` 0: no queue is read, and the rest does not matter. */
struct queue_options {
    struct wire_url urls[QUEUE_COUNT_MAX];
    size_t url_count;
    struct credentials_config credentials;
    const char *ca_file; /* PEM, or NULL: the system's */
    bool once;
    bool dry_run;
    bool print;
    bool status;               /* --queue-status */
    const char *record_path;   /* or NULL */
    uint64_t record_bytes_max; /* of a recorded file, before the next one is begun */
    unsigned receives_max;
    unsigned wait_s;
    int64_t window_ms;
    unsigned delivery_messages; /* of a commit, at most */
    unsigned in_flight_max;
    int64_t drain_ms;   /* how long the end may take after SIGTERM */
    const char *listen; /* "127.0.0.1:9469", or NULL: no endpoint */
    enum log_level log_level;
    enum log_format log_format;
};

struct config;

struct ingest_options {
    struct config *config; /* owned; what the texts below borrow from */
    const char *store_dir;
    const char *const *files; /* recorded sets, "-" is standard input */
    size_t file_count;
    const char *payload_tz; /* as given, or NULL */
    const char *time_field; /* as given, or NULL */
    bool retry_rejects;
    bool settle;
    bool summary_json; /* on stdout, instead of a line on stderr */
    bool progress;     /* a bar, if stderr is a terminal */
    unsigned threads;  /* 0: as many as there are CPUs */
    bool check_config; /* print the settings and where they come from, and end */
    struct queue_options queue;
};

extern const struct program_spec ingest_program;

/*
 * `options` lives as long as the result. STATUS_INPUT: a usage error; STATUS_CONFIG: a file or
 * the environment is wrong, or an address is refused. `ingest` is then empty.
 */
MUST_CHECK enum status ingest_options_read(struct ingest_options *ingest,
                                           const struct options *options, struct error *err);
void ingest_options_release(struct ingest_options *ingest);

/*
 * --check-config: prints settings, values, origins and whose access key would be used on stdout,
 * and what is wrong on stderr. Secrets and user information of addresses are not shown.
 */
enum exit_code ingest_options_check(const struct ingest_options *ingest);

/*
 * For SIGHUP: reads all layers again and returns the log level that holds now. A failure leaves
 * `*level` alone; nothing else of what was read before changes.
 */
MUST_CHECK enum status ingest_options_log_level(const struct ingest_options *ingest,
                                                enum log_level *level, struct error *err);

#endif
