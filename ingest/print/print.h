/*
 * print.h - a received body as a JSON line for people and tools, its payload decoded.
 *
 *      {"payload":{"temperature":14,"humidity":116},"messagetype":"upload",
 *       "topic":"/a1jnUEKYhw4/suw/update","messageid":996631053735047169,"timestamp":1526450334}
 *
 * (one line). Members stand in the order and with the digits they came with; a payload that is
 * no JSON is a string, or {"base64":"..."} where it is no UTF-8. A body that is no JSON object is
 * {"body":"...base64..."}. Secrets are masked.
 *
 * Threads: one printer a thread.
 */
#ifndef MNSDB_INGEST_PRINT_PRINT_H
#define MNSDB_INGEST_PRINT_PRINT_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

struct printer;

MUST_CHECK enum status printer_open(struct printer **printer, struct error *err);
void printer_close(struct printer *printer); /* NULL is fine */

/* The line, with its line break; valid until the next call. STATUS_NOMEM is the only failure. */
MUST_CHECK enum status printer_line(struct printer *printer, struct slice body, struct slice *line,
                                    struct error *err);

#endif
