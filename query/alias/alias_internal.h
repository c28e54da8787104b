/*
 * alias_internal.h - what the files of query/alias share.
 */
#ifndef MNSDB_QUERY_ALIAS_ALIAS_INTERNAL_H
#define MNSDB_QUERY_ALIAS_ALIAS_INTERNAL_H

#include "query/alias/alias.h"

/* As alias_list_add, of bytes. */
MUST_CHECK enum status alias_list_add_text(struct alias_list *list, struct slice text,
                                           const struct alias_origin *origin, struct error *err);

#endif
