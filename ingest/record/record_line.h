/*
 * record_line.h - a body as a line of a recorded set. Private to this folder.
 *
 *      body                          line
 *      raw JSON with line breaks     base64 of it
 *      anything else with them       without them: they are blanks in base64
 *      nothing but blanks            base64 of it, or of one blank, as blank lines are no bodies
 *      what starts like gzip, zstd   a blank before it, as it would make the whole file one
 *      all the rest                  as it is
 *
 * Reading the line again gives the same message, or a reject for the same reason. (Of a body
 * beyond three quarters of BODY_BYTES_MAX with line breaks, the base64 is too long to be read
 * again; queues hold no such bodies.)
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_INGEST_RECORD_RECORD_LINE_H
#define MNSDB_INGEST_RECORD_RECORD_LINE_H

#include "engine/base/bytes.h"

#include <stdbool.h>

/* True for bytes that tell the reader of a file that it is compressed. */
bool record_looks_compressed(struct slice bytes);

/* Appends the line and its line break. STATUS_NOMEM: nothing was appended. */
MUST_CHECK enum status record_line_append(struct buffer *out, struct slice body);

#endif
