/*
 * xml_internal.h - the walk by libxml2 alone, which tests hold the quick one against.
 */
#ifndef MNSDB_INGEST_XML_XML_INTERNAL_H
#define MNSDB_INGEST_XML_XML_INTERNAL_H

#include "ingest/xml/xml.h"

/* As xml_walk, whatever the document. */
MUST_CHECK enum status xml_walk_general(struct xml_parser *parser, struct slice document,
                                        const struct xml_visitor *visitor, struct error *err);

#endif
