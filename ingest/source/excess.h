/*
 * excess.h - what is remembered of a body that is too long to be held.
 *
 * Its bytes come in pieces. Length, SHA-256 and the search for the word "deviceSecret"
 * span the borders of pieces.
 *
 * Life cycle: begin -> add* -> end, again and again -> release. Zero-initialise.
 */
#ifndef MNSDB_INGEST_SOURCE_EXCESS_H
#define MNSDB_INGEST_SOURCE_EXCESS_H

#include "ingest/source/source.h"

#define SECRET_WORD       "deviceSecret"
#define SECRET_WORD_BYTES (sizeof SECRET_WORD - 1)

struct excess_scan {
    void *digest; /* owned; OpenSSL's context */
    uint64_t total_len;
    bool holds_secret_word;
    uint8_t tail[SECRET_WORD_BYTES - 1]; /* the last bytes before the next piece */
    size_t tail_len;
};

/* STATUS_NOMEM: no context for the digest. */
MUST_CHECK enum status excess_begin(struct excess_scan *scan, struct error *err);
MUST_CHECK enum status excess_add(struct excess_scan *scan, struct slice piece, struct error *err);
/*
 * The same for a line that ends with LF or CRLF: a piece's last byte is held back if it is a CR,
 * until it is known whether it belongs to the line's end. `*held_cr` is false before the first one.
 */
MUST_CHECK enum status excess_add_line(struct excess_scan *scan, struct slice piece, bool *held_cr,
                                       struct error *err);
MUST_CHECK enum status excess_end(struct excess_scan *scan, struct body_excess *excess,
                                  struct error *err);
void excess_release(struct excess_scan *scan);

#endif
