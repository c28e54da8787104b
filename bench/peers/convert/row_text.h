/*
 * row_text.h - decoded rows as text that other databases read.
 *
 *      CSV     readings.csv   device,time_ms,messageid,temperature,humidity
 *              status.csv     device,time_ms,messageid,state,contact_ms
 *      lines   rows.lines     reading,device=D temperature=T,humidity=H TIME_MS
 *                             status,device=D state=1i,contact_ms=Ci TIME_MS
 *
 * An absent value is an empty CSV field and a missing line-protocol field; a reading that has
 * neither metric has no line. state is 1 for online. Times are UTC milliseconds.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_BENCH_PEERS_CONVERT_ROW_TEXT_H
#define MNSDB_BENCH_PEERS_CONVERT_ROW_TEXT_H

#include "engine/base/bytes.h"
#include "engine/row/row.h"

enum row_format {
    ROW_FORMAT_CSV,
    ROW_FORMAT_LINES,
};

/* The metrics that are written, as numbers of a batch: NAME_UNMAPPED where it has none. */
#define ROW_METRIC_COUNT 2u
struct row_metrics {
    uint32_t numbers[ROW_METRIC_COUNT]; /* temperature, humidity */
};

extern const char *const row_metric_names[ROW_METRIC_COUNT];

struct row_metrics row_metrics_of(const struct row_batch *batch);

/* The longest text of one row: names are escaped, so they may double. */
#define ROW_TEXT_BYTES_MAX \
    (2u * NAME_BYTES_MAX + (ROW_METRIC_COUNT + 1u) * NUMBER_TEXT_BYTES + 160u)

/* Appends the line of a row; the buffer has ROW_TEXT_BYTES_MAX of room. */
void row_text_put(struct buffer *out, enum row_format format, const struct row_batch *batch,
                  enum table table, const struct row *row, const struct row_metrics *metrics);

#endif
