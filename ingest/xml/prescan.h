/*
 * prescan.h - a first look at an XML document, before libxml2 sees it (for this folder only).
 *
 * It tells text, tags, comments, CDATA sections and processing instructions apart exactly as far
 * as the document is well-formed; behind the first fault it may say anything, since libxml2 stops
 * there.
 */
#ifndef MNSDB_INGEST_XML_PRESCAN_H
#define MNSDB_INGEST_XML_PRESCAN_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XML_TAG_BYTES_MAX ((size_t)1024)

/*
 * STATUS_INPUT for what must not reach libxml2: a NUL, a beginning other than '<', a
 * document type declaration, a tag over XML_TAG_BYTES_MAX.
 */
MUST_CHECK enum status prescan_check(struct slice document, struct error *err);

/* Whether "&#" stands anywhere. */
bool prescan_has_reference(struct slice document);

/*
 * Overwrites character references that XML does not allow with U+FFFD; returns the new length,
 * which is never larger.
 */
size_t prescan_neutralise(uint8_t *document, size_t len);

#endif
