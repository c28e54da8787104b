/*
 * ingest_page.h - what the page of an ingest's metrics says that a person wants to see.
 *
 * The page is in Prometheus' text format 0.0.4 and comes from outside: anything may stand in it.
 * Lines that are not understood are passed over; numbers are whole, from 0 to 2^63 - 1.
 *
 * Threads: pure.
 */
#ifndef MNSDB_QUERY_WATCH_INGEST_PAGE_H
#define MNSDB_QUERY_WATCH_INGEST_PAGE_H

#include "engine/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INGEST_QUEUES_MAX 8u /* more are not kept */
#define INGEST_NAME_BYTES 129u

/* Texts are as sent, and cut: never printed raw. */
struct ingest_queue {
    char name[INGEST_NAME_BYTES];
    size_t name_len;
    int64_t active; /* messages; -1: the page does not tell; likewise the next two */
    int64_t inactive;
    int64_t delayed;
};

struct ingest_figures {
    struct ingest_queue queues[INGEST_QUEUES_MAX];
    size_t queue_count;
    bool paused;
    char reason[INGEST_NAME_BYTES]; /* why */
    size_t reason_len;
    bool is_ingest; /* the page has a metric of mnsdb-ingest at all */
};

void ingest_page_read(struct slice page, struct ingest_figures *figures);

#endif
