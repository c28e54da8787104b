/*
 * log.c - see log.h.
 *
 *      level? ── rate? ── line { time, level, msg, suppressed, fields } ── one write(2)
 *
 * A line is put together on the stack of the thread that reports, so threads meet only at the
 * table of rates and at the hidden texts. The line's limit keeps room for what closes it,
 * so a line that was cut is still whole: JSON stays JSON, quotes are closed. A value is
 * redacted before it is escaped and cut.
 *
 * Rates are counted by the address of the message in a table of fixed size; if ever more
 * different messages than its slots are in use, the rest go unlimited.
 */
#include "ingest/log/log.h"

#include "cli/clock.h"
#include "cli/message.h"
#include "engine/civil/civil.h"
#include "ingest/log/log_internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RATE_SLOTS     256u /* a power of two; a program has far fewer messages */
#define RATE_WINDOW_MS MS_PER_MINUTE

/* Of one value in the line, so that a long one leaves room for those after it. */
#define VALUE_BYTES_MAX 1536u

/* Room for: dots of a cut value, its quote, the line's closing bracket, the line's end. */
#define LINE_END_BYTES 6u

#define NUMBER_BYTES 24u
#define LEAD_BYTES   64u /* of a field: its name and what stands around it */

/* Where RFC 3339 has "12:06:42". */
#define TIME_OF_DAY_AT    11u
#define TIME_OF_DAY_BYTES 8u

struct rate {
    const char *message; /* NULL: free */
    int64_t window_ms;   /* when it began */
    uint32_t count;
    uint64_t suppressed;
};

static atomic_int level_now = LOG_INFO;
static atomic_int format_now = LOG_FORMAT_TEXT;
static atomic_int output_now = STDERR_FILENO;
static struct rate rates[RATE_SLOTS];
static pthread_mutex_t rates_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
static const char *const format_names[] = {
    [LOG_FORMAT_TEXT] = "text", [LOG_FORMAT_LOGFMT] = "logfmt", [LOG_FORMAT_JSON] = "json"};

static const struct log_clock system_clock = {clock_utc_ms, clock_monotonic_ms};
static const struct log_clock *clock_now = &system_clock;

void log_set_clock(const struct log_clock *clock)
{
    clock_now = clock ? clock : &system_clock;
}

void log_set_output(int descriptor)
{
    atomic_store(&output_now, descriptor);
}

void log_forget(void)
{
    (void)pthread_mutex_lock(&rates_lock);
    memset(rates, 0, sizeof rates);
    (void)pthread_mutex_unlock(&rates_lock);
    log_hidden_forget();
}

void log_setup(enum log_level level, enum log_format format)
{
    atomic_store(&level_now, (int)level);
    atomic_store(&format_now, (int)format);
}

void log_set_level(enum log_level level)
{
    atomic_store(&level_now, (int)level);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load(&level_now);
}

bool log_level_parse(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_format_parse(const char *text, enum log_format *format)
{
    for (size_t i = 0; i < sizeof format_names / sizeof format_names[0]; i++) {
        if (strcmp(text, format_names[i]) == 0) {
            *format = (enum log_format)i;
            return true;
        }
    }
    return false;
}

/* The message's slot; NULL: all are taken by others. With the lock held. */
static struct rate *rate_slot(const char *message)
{
    const size_t start = (size_t)(((uintptr_t)message * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
    for (size_t i = 0; i < RATE_SLOTS; i++) {
        struct rate *slot = &rates[(start + i) % RATE_SLOTS];
        if (!slot->message)
            slot->message = message;
        if (slot->message == message)
            return slot;
    }
    return NULL;
}

/* Whether the event may be written; `*suppressed`: how many of its kind were not, up to now. */
static bool rate_admit(const char *message, uint64_t *suppressed)
{
    const int64_t now_ms = clock_now->monotonic_ms();
    bool admitted = true;
    *suppressed = 0;
    (void)pthread_mutex_lock(&rates_lock);
    struct rate *rate = rate_slot(message);
    if (rate) {
        if (rate->count == 0 || now_ms - rate->window_ms >= RATE_WINDOW_MS) {
            rate->window_ms = now_ms;
            rate->count = 0;
        }
        admitted = rate->count < LOG_BURST;
        if (admitted) {
            rate->count++;
            *suppressed = rate->suppressed;
            rate->suppressed = 0;
        } else {
            rate->suppressed++;
        }
    }
    (void)pthread_mutex_unlock(&rates_lock);
    return admitted;
}

static void put_text(struct log_line *line, const char *text)
{
    log_line_put(line, text, strlen(text));
}

/* What closes a value or the line: the limit kept room for it. */
static void put_end(struct log_line *line, const char *text)
{
    const size_t text_len = strlen(text);
    assert(line->len + text_len <= sizeof line->text);
    memcpy(line->text + line->len, text, text_len);
    line->len += text_len;
}

/* The value with hidden texts masked, escaped, cut to VALUE_BYTES_MAX. */
static void put_value(struct log_line *line, struct slice value, enum log_style style)
{
    const size_t limit = line->limit;
    if (line->len + VALUE_BYTES_MAX < limit)
        line->limit = line->len + VALUE_BYTES_MAX;
    size_t begin = 0;
    size_t end = 0;
    while (!line->cut && log_hidden_find(value, &begin, &end)) {
        log_line_put_escaped(line, slice_of(value.data, begin), style);
        put_text(line, "***");
        value = slice_of(value.data + end, value.len - end);
    }
    log_line_put_escaped(line, value, style);
    if (line->cut)
        put_end(line, "...");
    line->limit = limit;
    line->cut = false;
}

static void put_quoted(struct log_line *line, struct slice value)
{
    put_end(line, "\"");
    put_value(line, value, LOG_STYLE_QUOTED);
    put_end(line, "\"");
}

/* A value that is a text; JSON quotes all of them, logfmt those that need it. */
static void put_text_value(struct log_line *line, enum log_format format, struct slice value)
{
    if (format == LOG_FORMAT_JSON || (format == LOG_FORMAT_LOGFMT && !log_text_is_bare(value)))
        put_quoted(line, value);
    else if (value.len == 0)
        put_end(line, "\"\"");
    else
        put_value(line, value, LOG_STYLE_PLAIN);
}

/* The text of a value that is none; returns it. */
static const char *number_text(const struct log_field *field, char text[NUMBER_BYTES])
{
    if (field->kind == LOG_KIND_BOOL)
        return field->number != 0 ? "true" : "false";
    if (field->kind == LOG_KIND_UNSIGNED)
        (void)snprintf(text, NUMBER_BYTES, "%" PRIu64, (uint64_t)field->number);
    else
        (void)snprintf(text, NUMBER_BYTES, "%" PRId64, field->number);
    return text;
}

/* The separator, the name and what stands before the value. Names are ours: letters and '_'. */
static size_t field_lead(enum log_format format, bool is_first, const char *name,
                         char text[LEAD_BYTES])
{
    int len = 0;
    if (format == LOG_FORMAT_JSON)
        len = snprintf(text, LEAD_BYTES, ",\"%s\":", name);
    else if (format == LOG_FORMAT_LOGFMT)
        len = snprintf(text, LEAD_BYTES, " %s=", name);
    else
        len = snprintf(text, LEAD_BYTES, "%s%s ", is_first ? " (" : ", ", name);
    assert(len > 0 && (size_t)len < LEAD_BYTES);
    return (size_t)len;
}

/* False: there is no room for a field, and the line ends. */
static bool put_field(struct log_line *line, enum log_format format, const struct log_field *field,
                      bool is_first)
{
    char lead[LEAD_BYTES];
    const size_t lead_len = field_lead(format, is_first, field->name, lead);
    if (line->len + lead_len + NUMBER_BYTES > line->limit)
        return false;
    log_line_put(line, lead, lead_len);

    char number[NUMBER_BYTES];
    const bool is_text = field->kind == LOG_KIND_TEXT;
    const char *value = is_text ? field->text : number_text(field, number);
    const struct slice bytes = value ? slice_of_text(value) : slice_of(NULL, 0);
    size_t begin = 0;
    size_t end = 0;
    if (is_text || log_hidden_find(bytes, &begin, &end))
        put_text_value(line, format, bytes);
    else
        log_line_put(line, value, bytes.len);
    return true;
}

/* Time, level and message. */
static void put_head(struct log_line *line, enum log_format format, enum log_level level,
                     const char *message)
{
    static const struct civil_zone utc = {.name = "UTC"};
    char time[CIVIL_RFC3339_BYTES];
    const size_t time_len = civil_format_rfc3339(&utc, clock_now->utc_ms(), time);

    if (format == LOG_FORMAT_TEXT) {
        log_line_put(line, time + TIME_OF_DAY_AT, TIME_OF_DAY_BYTES);
        put_text(line, " ");
        if (level != LOG_INFO) {
            put_text(line, level_names[level]);
            put_text(line, ": ");
        }
        put_value(line, slice_of_text(message), LOG_STYLE_PLAIN);
        return;
    }
    const bool is_json = format == LOG_FORMAT_JSON;
    put_text(line, is_json ? "{\"time\":\"" : "time=");
    log_line_put(line, time, time_len);
    put_text(line, is_json ? "\",\"level\":\"" : " level=");
    put_text(line, level_names[level]);
    put_text(line, is_json ? "\",\"msg\":" : " msg=");
    put_text_value(line, format, slice_of_text(message));
}

static void put_fields(struct log_line *line, enum log_format format,
                       const struct log_field *fields, size_t field_count, uint64_t suppressed)
{
    bool is_first = true;
    if (suppressed > 0)
        is_first = !put_field(line, format, &LOG_U64("suppressed", suppressed), true);
    for (size_t i = 0; i < field_count; i++) {
        if (!put_field(line, format, &fields[i], is_first))
            break;
        is_first = false;
    }
    if (format == LOG_FORMAT_JSON)
        put_end(line, "}");
    else if (format == LOG_FORMAT_TEXT && !is_first)
        put_end(line, ")");
}

/* One write: what a full disk or a closed pipe leaves out is lost, there is nobody to tell. */
static void line_write(const struct log_line *line)
{
    const int output = atomic_load(&output_now);
    ssize_t written = 0;
    do {
        written = write(output, line->text, line->len);
    } while (written < 0 && errno == EINTR);
}

void log_event(enum log_level level, const char *message, const struct log_field *fields,
               size_t field_count)
{
    if (level > log_level())
        return;
    const int errno_before = errno;
    uint64_t suppressed = 0;
    if (rate_admit(message, &suppressed)) {
        const enum log_format format = (enum log_format)atomic_load(&format_now);
        struct log_line line = {.limit = LOG_LINE_BYTES_MAX - LINE_END_BYTES};
        put_head(&line, format, level, message);
        put_fields(&line, format, fields, field_count, suppressed);
        put_end(&line, "\n");
        if (format == LOG_FORMAT_TEXT)
            message_bar_clear();
        line_write(&line);
    }
    errno = errno_before;
}
