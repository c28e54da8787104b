/*
 * fuzz_body.h - what fuzz targets of message bodies share: giving up, and putting bodies together.
 */
#ifndef MNSDB_TESTS_FUZZ_FUZZ_BODY_H
#define MNSDB_TESTS_FUZZ_FUZZ_BODY_H

#include "engine/base/bytes.h"
#include "ingest/decode/base64.h"

#include <stdio.h>
#include <stdlib.h>

static inline void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

static inline void append(struct buffer *buffer, struct slice bytes)
{
    check(buffer_append(buffer, bytes.data, bytes.len) == STATUS_OK, "no memory");
}

static inline void append_base64(struct buffer *buffer, struct slice bytes)
{
    const size_t len = base64_encoded_len(bytes.len);
    check(buffer_reserve(buffer, len) == STATUS_OK, "no memory");
    if (len > 0)
        base64_encode(bytes, buffer->data + buffer->len);
    buffer->len += len;
}

#endif
