/*
 * json.h - strict JSON (RFC 8259, UTF-8) as a tree in an arena.
 *
 * Refused are: anything around the one value but white space (a byte order mark
 * too), raw control characters, bytes that are no UTF-8 (overlong forms and
 * surrogates too), half a surrogate pair in escapes, numbers beyond the range of
 * doubles, NaN and Infinity, and nesting over JSON_DEPTH_MAX.
 *
 * Numbers keep their digits; strings are unescaped and may hold NUL bytes, so
 * that no two names collide. Of equal names in one object the last counts: the
 * ones before it stay in the tree, marked `shadowed`.
 *
 * Life cycle: nodes live in the arena and point into the text.
 * Threads: one at a time for an arena.
 */
#ifndef MNSDB_INGEST_DECODE_JSON_H
#define MNSDB_INGEST_DECODE_JSON_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 64u /* the outermost array or object counts 1 */

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_node {
    struct json_node *next;  /* the sibling after it, or NULL */
    struct json_node *first; /* of an array's or object's children, or NULL */
    struct slice name;       /* of a member, unescaped; .data is NULL in arrays */
    struct slice text;       /* a string's characters, unescaped; else as `raw` */
    struct slice raw;        /* as it stands in the source, with a string's quotes */
    uint8_t type;            /* enum json_type */
    bool shadowed;           /* a later member of the object has the same name */
};

struct json_document {
    struct json_node *root; /* NULL if the text is no JSON */
    size_t error_offset;    /* where it ceased to be JSON */
};

/* Reads a whole text. Text that is no JSON is no failure: `document->root` is NULL. */
MUST_CHECK enum status json_parse(struct slice text, struct arena *arena,
                                  struct json_document *document);

/* The member that counts under this name, or NULL. `object` may be NULL or no object. */
const struct json_node *json_member(const struct json_node *object, const char *name);

/* True for a string or member name that equals a C string. */
static inline bool text_equals(struct slice text, const char *wanted)
{
    return slice_equal(text, slice_of_text(wanted));
}

#endif
