/*
 * quoted.c - see quoted.h.
 */
#include "query/quoted/quoted.h"

#include <assert.h>

enum quoted_outcome quoted_read(struct slice text, uint8_t name[NAME_BYTES_MAX], size_t *name_len,
                                size_t *used)
{
    assert(text.len > 0 && text.data[0] == '"');
    *name_len = 0;
    for (size_t at = 1; at < text.len; at++) {
        *used = at + 1;
        uint8_t byte = text.data[at];
        if (byte == '"')
            return QUOTED_OK;
        if (byte == '\\') {
            if (++at == text.len)
                return QUOTED_OPEN;
            byte = text.data[at];
            *used = at + 1;
            if (byte != '"' && byte != '\\')
                return QUOTED_BAD;
        }
        if (*name_len == NAME_BYTES_MAX)
            return QUOTED_TOO_LONG;
        name[(*name_len)++] = byte;
    }
    *used = text.len;
    return QUOTED_OPEN;
}
