/*
 * summary.h - what became of the messages, in one line.
 */
#ifndef MNSDB_INGEST_REPORT_SUMMARY_H
#define MNSDB_INGEST_REPORT_SUMMARY_H

#include "engine/store/store.h"

#include <stdint.h>
#include <stdio.h>

struct summary {
    struct commit_result counts;
    uint64_t input_bytes; /* uncompressed */
    int64_t duration_ms;
};

/* One JSON object and a line break. */
void summary_print_json(FILE *to, const struct summary *summary);

#define SUMMARY_TEXT_BYTES 1024u

/* One line for people, without line break. */
void summary_text(char text[SUMMARY_TEXT_BYTES], const struct summary *summary);

#endif
