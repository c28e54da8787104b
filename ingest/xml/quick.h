/*
 * quick.h - the documents that answers usually are, read without libxml2.
 *
 *      <?xml version="1.0" ...?>
 *      <Messages xmlns="..."><Message><MessageId>...</MessageId> ... </Message> ... </Messages>
 *
 * Plain tags, text in ASCII, the five references that XML defines. Of such a document libxml2 says
 * the same, at many times the cost. Everything else is not quick, and left to libxml2, with no
 * word on whether it is right.
 *
 * Threads: one a struct.
 */
#ifndef MNSDB_INGEST_XML_QUICK_H
#define MNSDB_INGEST_XML_QUICK_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "ingest/xml/xml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUICK_EVENTS_MAX ((size_t)1024) /* five batches of messages */
#define QUICK_NAME_BYTES ((size_t)64)

enum quick_kind {
    QUICK_BEGIN,
    QUICK_LEAF, /* begin and end of an element without children */
    QUICK_END,
};

struct quick_event {
    uint32_t name_at;
    uint32_t text_at; /* of a leaf; of a begin, where its text would be */
    uint32_t text_len;
    uint8_t name_len;
    uint8_t depth;
    uint8_t kind;       /* enum quick_kind */
    bool has_reference; /* in the text of a leaf */
};

struct quick {
    size_t count;
    struct quick_event events[QUICK_EVENTS_MAX];
};

/* False: not quick, `quick` means nothing. Else it holds the document's events, in order. */
bool quick_read(struct quick *quick, struct slice document);

/* Appends a text of a quick document as what it stands for. */
MUST_CHECK enum status quick_unescape(struct slice text, struct buffer *to);

#endif
