/*
 * quoted.h - names of metrics as they are typed: bare, or in double quotes with \" and \\ inside.
 *
 * Threads: pure.
 */
#ifndef MNSDB_QUERY_QUOTED_QUOTED_H
#define MNSDB_QUERY_QUOTED_QUOTED_H

#include "engine/base/bytes.h"
#include "engine/row/row.h"

#include <stddef.h>
#include <stdint.h>

enum quoted_outcome {
    QUOTED_OK,
    QUOTED_OPEN,     /* no quote ends it */
    QUOTED_BAD,      /* a backslash before something else */
    QUOTED_TOO_LONG, /* over NAME_BYTES_MAX bytes */
};

/*
 * Reads the quoted name that `text` begins with (its first byte is a quote: asserted) into `name`.
 * `*used` are the bytes read, quotes included, up to what is wrong.
 */
enum quoted_outcome quoted_read(struct slice text, uint8_t name[NAME_BYTES_MAX], size_t *name_len,
                                size_t *used);

#endif
