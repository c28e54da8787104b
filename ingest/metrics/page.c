/*
 * page.c - see page.h.
 */
#include "ingest/metrics/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct metrics_page *page, const char *text, size_t len)
{
    if (page->status == STATUS_OK)
        page->status = buffer_append(page->text, text, len);
}

static void put_text(struct metrics_page *page, const char *text)
{
    put(page, text, strlen(text));
}

/* Of a label's value: backslash, quote and line feed; in a help text a quote stays. */
static void put_escaped(struct metrics_page *page, const char *text, bool is_label)
{
    for (; *text; text++) {
        if (*text == '\\')
            put(page, "\\\\", 2);
        else if (*text == '\n')
            put(page, "\\n", 2);
        else if (*text == '"' && is_label)
            put(page, "\\\"", 2);
        else
            put(page, text, 1);
    }
}

void page_family(struct metrics_page *page, const char *name, const char *type, const char *help)
{
    put_text(page, "# HELP ");
    put_text(page, name);
    put(page, " ", 1);
    put_escaped(page, help, false);
    put_text(page, "\n# TYPE ");
    put_text(page, name);
    put(page, " ", 1);
    put_text(page, type);
    put(page, "\n", 1);
}

static void put_series(struct metrics_page *page, const struct page_series *series)
{
    put_text(page, series->family);
    put_text(page, series->suffix ? series->suffix : "");
    for (size_t i = 0; i < PAGE_LABELS_MAX && series->labels[i].name; i++) {
        put(page, i == 0 ? "{" : ",", 1);
        put_text(page, series->labels[i].name);
        put_text(page, "=\"");
        put_escaped(page, series->labels[i].value, true);
        put(page, "\"", 1);
    }
    put_text(page, series->labels[0].name ? "} " : " ");
}

static void put_line(struct metrics_page *page, const struct page_series *series, const char *value)
{
    put_series(page, series);
    put_text(page, value);
    put(page, "\n", 1);
}

void page_count(struct metrics_page *page, const struct page_series *series, uint64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    put_line(page, series, text);
}

void page_signed(struct metrics_page *page, const struct page_series *series, int64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    put_line(page, series, text);
}

void page_us(struct metrics_page *page, const struct page_series *series, uint64_t value_us)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%" PRIu64 ".%06" PRIu64, value_us / 1000000,
                   value_us % 1000000);
    put_line(page, series, text);
}

void page_ms(struct metrics_page *page, const struct page_series *series, int64_t value_ms)
{
    char text[40];
    const uint64_t ms = value_ms < 0 ? 0 - (uint64_t)value_ms : (uint64_t)value_ms;
    (void)snprintf(text, sizeof text, "%s%" PRIu64 ".%03" PRIu64, value_ms < 0 ? "-" : "",
                   ms / 1000, ms % 1000);
    put_line(page, series, text);
}
