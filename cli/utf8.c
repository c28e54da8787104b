/*
 * utf8.c - see utf8.h.
 */
#include "cli/utf8.h"

#include <assert.h>

size_t utf8_read(struct slice text, uint32_t *character)
{
    assert(text.len > 0);
    const uint8_t first = text.data[0];
    if (first < 0x80) {
        *character = first;
        return 1;
    }
    const size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.len < len)
        return 0;
    uint32_t value = first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xc0u) != 0x80)
            return 0;
        value = value << 6 | (text.data[i] & 0x3fu);
    }
    const uint32_t least = len == 2 ? 0x80 : len == 3 ? 0x800 : 0x10000;
    if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *character = value;
    return len;
}

bool utf8_is_harmful(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
           (character >= 0x200e && character <= 0x200f) ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069) || character == 0xfeff;
}
