/*
 * log_internal.h - what log.c is made of, and what its tests turn.
 */
#ifndef MNSDB_INGEST_LOG_LOG_INTERNAL_H
#define MNSDB_INGEST_LOG_LOG_INTERNAL_H

#include "engine/base/bytes.h"
#include "ingest/log/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line while it is put together. */
struct log_line {
    char text[LOG_LINE_BYTES_MAX];
    size_t len;
    size_t
        limit; /* log_line_put may not reach beyond: room for what closes the line is kept free */
    bool cut;  /* something did not fit */
};

/* Whole or not at all. */
void log_line_put(struct log_line *line, const char *text, size_t text_len);

/* How a value appears. */
enum log_style {
    LOG_STYLE_PLAIN,  /* for people: harmful characters as cli/escape.h shows them */
    LOG_STYLE_QUOTED, /* inside the quotes of JSON and logfmt, escapes as in JSON */
};

/* Appends the text in this style; what does not fit is left out, never half a character. */
void log_line_put_escaped(struct log_line *line, struct slice text, enum log_style style);

/* True if logfmt needs no quotes for the text. */
bool log_text_is_bare(struct slice text);

/*
 * The first stretch of `text` that must not be shown, as [*begin, *end): hidden texts that overlap
 * are one stretch, and so is the beginning of one at the text's end, where somebody cut it. False:
 * there is none. Any thread.
 */
bool log_hidden_find(struct slice text, size_t *begin, size_t *end);

/* For tests: where lines go, what time it is (NULL: the system's), and all forgotten. */
struct log_clock {
    int64_t (*utc_ms)(void);
    int64_t (*monotonic_ms)(void);
};
void log_set_output(int descriptor);
void log_set_clock(const struct log_clock *clock);
void log_forget(void);
void log_hidden_forget(void);

#endif
