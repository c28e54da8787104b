/*
 * setting.c - see setting_internal.h.
 *
 * Defaults of the queue are those of queue_source.h, which a test compares.
 */
#include "ingest/config/setting_internal.h"

#include "cli/store_dir.h"
#include "ingest/pipeline/pipeline.h"
#include "ingest/queue/queue_source.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define RECEIVES_MAX       32
#define WINDOW_MS_MAX      10000 /* messages become visible again after 30 s, by default */
#define DRAIN_MS_MAX       3600000
#define RECORD_BYTES_LEAST 1024
#define RECORD_BYTES_MOST  (INT64_C(1) << 62)
#define SECOND_MS          1000
#define IN_FLIGHT_LEAST    WIRE_BATCH_MAX

const struct setting_spec setting_specs[SETTING_COUNT] = {
    [SETTING_CONFIG] = {.name = "config",
                        .unset = "/etc/mnsdb/ingest.conf, ~/.config/mnsdb/ingest.conf"},
    [SETTING_DB] = {.name = "db",
                    .fallback = STORE_DIR_DEFAULT,
                    .environment = STORE_DIR_ENVIRONMENT},
    [SETTING_PAYLOAD_TZ] = {.name = "payload-tz", .unset = "the store's, +08:00 for a new one"},
    [SETTING_TIME_FIELD] = {.name = "time-field",
                            .unset = "the store's, time,timestamp,ts for a new one"},
    [SETTING_THREADS] = {.name = "threads",
                         .kind = SETTING_NUMBER,
                         .least = 1,
                         .most = PIPELINE_THREADS_MAX,
                         .unset = "one for each CPU, at most 8"},
    [SETTING_RETRY_REJECTS] = {.name = "retry-rejects", .kind = SETTING_FLAG, .of_line = true},
    [SETTING_SETTLE] = {.name = "settle", .kind = SETTING_FLAG, .of_line = true},
    [SETTING_QUEUE] = {.name = "queue",
                       .kind = SETTING_URL,
                       .repeatable = true,
                       .of_queue = true,
                       .environment = "MNS_QUEUE_URL"},
    [SETTING_ONCE] = {.name = "once", .kind = SETTING_FLAG, .of_queue = true},
    [SETTING_DRY_RUN] = {.name = "dry-run", .kind = SETTING_FLAG, .of_queue = true},
    [SETTING_PRINT] = {.name = "print", .kind = SETTING_FLAG, .of_queue = true},
    [SETTING_QUEUE_STATUS] = {.name = "queue-status",
                              .kind = SETTING_FLAG,
                              .of_queue = true,
                              .of_line = true},
    [SETTING_RECORD] = {.name = "record", .of_queue = true},
    [SETTING_RECORD_MAX_SIZE] = {.name = "record-max-size",
                                 .kind = SETTING_SIZE,
                                 .of_queue = true,
                                 .least = RECORD_BYTES_LEAST,
                                 .most = RECORD_BYTES_MOST,
                                 .fallback = "256M"},
    [SETTING_CREDENTIALS_FILE] = {.name = "credentials-file", .of_queue = true},
    [SETTING_CREDENTIALS_PROFILE] = {.name = "credentials-profile",
                                     .of_queue = true,
                                     .unset = "default"},
    [SETTING_ECS_ROLE] = {.name = "ecs-role", .of_queue = true, .may_be_empty = true},
    [SETTING_METADATA_URL] = {.name = "metadata-url",
                              .kind = SETTING_URL,
                              .of_queue = true,
                              .unset = "http://100.100.100.200"},
    [SETTING_METADATA_V2_ONLY] = {.name = "metadata-v2-only",
                                  .kind = SETTING_FLAG,
                                  .of_queue = true},
    [SETTING_INSECURE_HTTP] = {.name = "insecure-http", .kind = SETTING_FLAG, .of_queue = true},
    [SETTING_CA_FILE] = {.name = "ca-file", .of_queue = true, .unset = "the system's"},
    [SETTING_WAIT] = {.name = "wait",
                      .kind = SETTING_SECONDS,
                      .of_queue = true,
                      .most = (uint64_t)WIRE_WAIT_S_MAX * SECOND_MS,
                      .fallback = "20s"},
    [SETTING_RECEIVES] = {.name = "receives",
                          .kind = SETTING_NUMBER,
                          .of_queue = true,
                          .least = 1,
                          .most = RECEIVES_MAX,
                          .fallback = "8"},
    [SETTING_COMMIT_WINDOW] = {.name = "commit-window",
                               .kind = SETTING_DURATION,
                               .of_queue = true,
                               .most = WINDOW_MS_MAX,
                               .fallback = "250ms"},
    [SETTING_COMMIT_MESSAGES] = {.name = "commit-messages",
                                 .kind = SETTING_NUMBER,
                                 .of_queue = true,
                                 .least = 1,
                                 .most = QUEUE_IN_FLIGHT_MAX,
                                 .fallback = "1024"},
    [SETTING_IN_FLIGHT] = {.name = "in-flight",
                           .kind = SETTING_NUMBER,
                           .of_queue = true,
                           .least = IN_FLIGHT_LEAST,
                           .most = QUEUE_IN_FLIGHT_MAX,
                           .fallback = "3072"},
    [SETTING_DRAIN] = {.name = "drain",
                       .kind = SETTING_DURATION,
                       .of_queue = true,
                       .most = DRAIN_MS_MAX,
                       .fallback = "20s"},
    [SETTING_LISTEN] = {.name = "listen", .of_queue = true, .unset = "no endpoint"},
    [SETTING_LOG_FORMAT] = {.name = "log-format",
                            .kind = SETTING_WORD,
                            .words = {"text", "logfmt", "json"},
                            .unset = "text on a terminal, else logfmt"},
    [SETTING_LOG_LEVEL] = {.name = "log-level",
                           .kind = SETTING_WORD,
                           .words = {"error", "warning", "info", "debug"},
                           .fallback = "info"},
    [SETTING_SUMMARY] = {.name = "summary",
                         .kind = SETTING_WORD,
                         .words = {"json"},
                         .unset = "a line on standard error"},
    [SETTING_NO_PROGRESS] = {.name = "no-progress", .kind = SETTING_FLAG},
    [SETTING_CHECK_CONFIG] = {.name = "check-config", .kind = SETTING_FLAG, .of_line = true},
};

enum setting_id setting_find(const char *name)
{
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(setting_specs[i].name, name) == 0)
            return (enum setting_id)i;
    }
    return SETTING_COUNT;
}

void setting_variable(const struct setting_spec *spec, char text[SETTING_VARIABLE_BYTES])
{
    const size_t prefix_len = sizeof SETTING_VARIABLE_PREFIX - 1;
    const size_t len = strlen(spec->name);
    assert(prefix_len + len < SETTING_VARIABLE_BYTES);
    memcpy(text, SETTING_VARIABLE_PREFIX, prefix_len);
    for (size_t i = 0; i <= len; i++) {
        const char letter = spec->name[i];
        text[prefix_len + i] = (char)(letter == '-' ? '_' : toupper((unsigned char)letter));
    }
}
