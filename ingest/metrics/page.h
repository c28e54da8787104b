/*
 * page.h - the Prometheus text format 0.0.4, line by line.
 *
 *      page_family      # HELP and # TYPE, then its samples:
 *      page_count       name{label="value"} 17
 *      page_us, page_ms the same, a time as seconds
 *
 * Values are written by integers alone, so that no locale can put a comma into them. The first
 * failure to get memory stays in `status`, and the rest is left out.
 *
 * Threads: a page is one thread's.
 */
#ifndef MNSDB_INGEST_METRICS_PAGE_H
#define MNSDB_INGEST_METRICS_PAGE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct metrics_page {
    struct buffer *text; /* borrowed */
    enum status status;
};

/* A name and a value that is escaped; names are literals of ours. */
struct page_label {
    const char *name;
    const char *value;
};

#define PAGE_LABELS_MAX 3u

/* A sample's name is the family's and a suffix: "_bucket", or "". */
struct page_series {
    const char *family;
    const char *suffix;
    struct page_label labels[PAGE_LABELS_MAX]; /* up to the first without a name */
};

/* `type` is "counter", "gauge" or "histogram". */
void page_family(struct metrics_page *page, const char *name, const char *type, const char *help);
void page_count(struct metrics_page *page, const struct page_series *series, uint64_t value);
void page_signed(struct metrics_page *page, const struct page_series *series, int64_t value);
void page_us(struct metrics_page *page, const struct page_series *series, uint64_t value_us);
void page_ms(struct metrics_page *page, const struct page_series *series, int64_t value_ms);

#endif
