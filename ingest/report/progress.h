/*
 * progress.h - a bar on the terminal while messages are taken in.
 *
 *      42 % [##########..............]  1,234,567 messages  8.31 M/s  12.4 s left
 *
 * Share and time left are those of the bytes on disk (compressed ones); a pipe has neither.
 */
#ifndef MNSDB_INGEST_REPORT_PROGRESS_H
#define MNSDB_INGEST_REPORT_PROGRESS_H

#include "ingest/pipeline/pipeline.h"

#include <stdbool.h>

struct progress_bar {
    bool shown; /* stderr is a terminal that can move its cursor */
    int64_t began_ms;
    int64_t drawn_ms;
};

void progress_begin(struct progress_bar *bar, bool wanted);
void progress_draw(struct progress_bar *bar, const struct pipeline_progress *progress);
void progress_end(struct progress_bar *bar);

#define PROGRESS_TEXT_BYTES 256u

/* The bar's text for a terminal of that many columns; `elapsed_ms` of work lie behind. */
void progress_text(char text[PROGRESS_TEXT_BYTES], const struct pipeline_progress *progress,
                   int64_t elapsed_ms, size_t columns);

#endif
