/*
 * directory_skip.c - passing over columns of a directory's entries (see directory.c).
 *
 * Who asks for one device of many walks over the entries of those before it: what is in their
 * columns does not matter, only where they end. Untrusted: the cursor's end is the bound. What is
 * passed over is not checked, as the value's checksum was, and verify reads everything.
 */
#include "engine/block/directory_internal.h"

#include <string.h>

/* Passes over varints, eight bytes at a time: each ends with a byte without its highest bit. */
static void varints_skip(struct cursor *in, unsigned count)
{
    while (count > 0 && cursor_left(in) >= sizeof(uint64_t)) {
        uint64_t bytes = 0;
        memcpy(&bytes, in->next, sizeof bytes);
        uint64_t ends = ~bytes & UINT64_C(0x8080808080808080);
        while (count > 1 && ends != 0) {
            ends &= ends - 1;
            count--;
        }
        if (ends == 0) {
            in->next += sizeof bytes;
            continue;
        }
        in->next += (unsigned)__builtin_ctzll(ends) / 8 + 1;
        return;
    }
    while (count > 0 && !in->failed)
        count -= !(cursor_u8(in) & 0x80u);
}

static void number_skip(struct cursor *in)
{
    const uint8_t kind = cursor_u8(in);
    if (kind == NUMBER_REAL) {
        (void)cursor_bytes(in, sizeof(double));
        return;
    }
    (void)cursor_u8(in); // the exponent
    varints_skip(in, 1);
}

static void key_skip(struct cursor *in)
{
    varints_skip(in, 2);
    (void)cursor_bytes(in, 3);
}

/* As column_get, from the metric on. */
static void column_skip(struct cursor *in, const struct block_summary *block)
{
    varints_skip(in, 1);
    const unsigned flags = cursor_u8(in);
    const bool full = flags & COLUMN_FULL;
    if (flags >> COLUMN_FLAGS_BITS == SUM_EXPONENT_MASK)
        (void)cursor_u8(in);
    unsigned varints = !full;
    if (flags & COLUMN_PLAIN)
        varints += flags & COLUMN_ENDS ? 5 : 3;
    varints_skip(in, varints);
    if (!(flags & COLUMN_PLAIN)) {
        number_skip(in);
        number_skip(in);
        if (flags & COLUMN_SUM)
            (void)cursor_bytes(in, sizeof(i128) + sizeof(uint64_t));
        for (unsigned ends = flags & COLUMN_ENDS ? 2 : 0; ends > 0; ends--)
            number_skip(in);
    }
    if (flags & COLUMN_ENDS && !ends_are_the_blocks(block, full)) {
        key_skip(in);
        key_skip(in);
    }
}

void directory_columns_skip(struct cursor *in, const struct block_summary *block)
{
    for (uint32_t i = 0; i < block->column_count && !in->failed; i++)
        column_skip(in, block);
}
