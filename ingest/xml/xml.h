/*
 * xml.h - walking over a small XML document from outside.
 *
 *      bytes --(libxml2, hardened)--> begin "Messages", begin "Message", text, end, ...
 *
 * Elements are told by their local names: namespaces and prefixes are not looked at, attributes
 * are passed over. The walk calls back once for each begin, once for each end with all the text
 * of the element (entities and character references resolved, CDATA included; of elements with
 * children the text between them is dropped).
 *
 * Refused, before anything of it is used: a document type declaration (and with it entities of
 * its own, external ones, bombs), nesting over XML_DEPTH_MAX, more than XML_BYTES_MAX bytes, and
 * whatever is not well-formed, a cut-off document above all. A character reference that XML
 * does not allow (&#x1;) is read as U+FFFD: real servers send them.
 *
 * Life cycle: open -> walk* -> close; a parser is reused, since making one costs more than a walk.
 * Threads:    one parser a thread.
 */
#ifndef MNSDB_INGEST_XML_XML_H
#define MNSDB_INGEST_XML_XML_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define XML_BYTES_MAX ((size_t)4 << 20)
#define XML_DEPTH_MAX 16u

struct xml_parser;

/* Any function may be NULL. A status other than OK ends the walk and is its result. */
struct xml_visitor {
    void *context;
    /* `depth` is 0 for the root. `name` lives until the call returns. */
    enum status (*begin)(void *context, struct slice name, unsigned depth, struct error *err);
    /* `text` lives until the call returns; `is_leaf` false: the element has children. */
    enum status (*end)(void *context, struct slice name, struct slice text, bool is_leaf,
                       unsigned depth, struct error *err);
};

MUST_CHECK enum status xml_open(struct xml_parser **parser, struct error *err);
void xml_close(struct xml_parser *parser); /* NULL is fine */

/* STATUS_INPUT says what is wrong with the document and where. */
MUST_CHECK enum status xml_walk(struct xml_parser *parser, struct slice document,
                                const struct xml_visitor *visitor, struct error *err);

/* Appends `text` so that it can stand between tags or in an attribute. */
MUST_CHECK enum status xml_escape(struct buffer *to, struct slice text);

#endif
