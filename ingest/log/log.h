/*
 * log.h - what a running ingest reports on stderr: a line an event, for machines and people.
 *
 *      logfmt  time=2026-11-22T12:06:42.123Z level=info msg="queue drained" queue=iot-a1
 *              messages=42
 *      json    {"time":"2026-11-22T12:06:42.123Z","level":"info","msg":"queue drained",...}
 *      text    12:06:42 queue drained (queue iot-a1, messages 42)
 *
 * A line is one write(2), so lines of several threads and processes do not mix. Values are escaped;
 * whatever log_hide was told is replaced by "***" wherever it appears. Lines over
 * LOG_LINE_BYTES_MAX are cut.
 * The same event (by its message's address) is written at most LOG_BURST times a
 * minute; what was left out is counted in the next line that is written ("suppressed").
 *
 * Threads: any; setup and hide by one before others start (a role's new key may be hidden later).
 */
#ifndef MNSDB_INGEST_LOG_LOG_H
#define MNSDB_INGEST_LOG_LOG_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_BYTES_MAX 4096u
#define LOG_BURST          20u
#define LOG_HIDDEN_MAX     32u

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

enum log_kind { LOG_KIND_TEXT, LOG_KIND_SIGNED, LOG_KIND_UNSIGNED, LOG_KIND_BOOL };

/* Made by the macros below. */
struct log_field {
    const char *name;
    enum log_kind kind;
    const char *text; /* NULL is written as empty */
    int64_t number;
};

#define LOG_TEXT(field_name, value) \
    ((struct log_field){.name = (field_name), .kind = LOG_KIND_TEXT, .text = (value)})
#define LOG_I64(field_name, value) \
    ((struct log_field){.name = (field_name), .kind = LOG_KIND_SIGNED, .number = (int64_t)(value)})
#define LOG_U64(field_name, value) \
    ((struct log_field){           \
        .name = (field_name), .kind = LOG_KIND_UNSIGNED, .number = (int64_t)(uint64_t)(value)})
#define LOG_BOOL(field_name, value) \
    ((struct log_field){.name = (field_name), .kind = LOG_KIND_BOOL, .number = (value) ? 1 : 0})

void log_setup(enum log_level level, enum log_format format);
void log_set_level(enum log_level level); /* any thread */
enum log_level log_level(void);
bool log_level_parse(const char *text, enum log_level *level); /* error warning info debug */
bool log_format_parse(const char *text, enum log_format *format);

/* `message` is a literal: a stable sentence without values; those are fields. */
void log_event(enum log_level level, const char *message, const struct log_field *fields,
               size_t field_count);

/*
 * log_info("queue drained", LOG_TEXT("queue", name), LOG_U64("messages", n)); at least one field.
 */
#define LOG_FIELDS_(...)                     \
    (const struct log_field[]){__VA_ARGS__}, \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)
#define log_error(message, ...)   log_event(LOG_ERROR, (message), LOG_FIELDS_(__VA_ARGS__))
#define log_warning(message, ...) log_event(LOG_WARNING, (message), LOG_FIELDS_(__VA_ARGS__))
#define log_info(message, ...)    log_event(LOG_INFO, (message), LOG_FIELDS_(__VA_ARGS__))
#define log_debug(message, ...)   log_event(LOG_DEBUG, (message), LOG_FIELDS_(__VA_ARGS__))

/* From now on no line shows this text (a copy is kept in locked memory). Under 6 bytes: ignored. */
void log_hide(const char *secret);

/* Replaces hidden texts in place: for messages that leave by other ways. */
void log_redact(char *text);

#endif
