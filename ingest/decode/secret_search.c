/*
 * secret_search.c - search with escapes resolved, then in every run of base64 characters.
 *
 *      bytes --(escapes)--> text --(blanks dropped)--> runs of base64 characters
 *                             |                           | at each of 4 alignments
 *                           search                      decode, search again
 *
 * Layers nest at most LAYERS_MAX deep (a body holds an envelope holds a payload);
 * each decoding shrinks the bytes, so the whole costs some ten passes.
 */
#include "ingest/decode/secret_search.h"

#include "ingest/decode/base64.h"

#include <string.h>

#define LAYERS_MAX    2u
#define RUN_BYTES_MIN 16u /* base64 of the word's 12 bytes */

struct layer {
    struct arena *arena;
    unsigned depth;
};

static enum status search_layer(struct layer layer, struct slice bytes, bool *found);

static bool holds_word(struct slice bytes)
{
    return bytes.len > 0 &&
           memmem(bytes.data, bytes.len, SECRET_WORD, sizeof SECRET_WORD - 1) != NULL;
}

static int hex_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    const uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The character of an escape at `at`, or -1; `*len` is what it takes. Only ASCII matters here. */
static int resolve_escape(struct slice bytes, size_t at, size_t *len)
{
    if (bytes.data[at] != '\\' || at + 1 >= bytes.len)
        return -1;
    const uint8_t kind = bytes.data[at + 1];
    *len = 2;
    if (kind == 'n' || kind == 'r' || kind == 't')
        return ' ';
    if (kind != 'u')
        return kind;
    if (at + 6 > bytes.len)
        return -1;
    int value = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        const int digit = hex_value(bytes.data[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    *len = 6;
    return value < 0x80 ? value : 0x7f;
}

static size_t resolve_escapes(struct slice bytes, uint8_t *out)
{
    size_t count = 0;
    size_t at = 0;
    while (at < bytes.len) {
        size_t len = 1;
        const int resolved = resolve_escape(bytes, at, &len);
        out[count++] = resolved >= 0 ? (uint8_t)resolved : bytes.data[at];
        at += resolved >= 0 ? len : 1;
    }
    return count;
}

static enum status search_run(struct layer layer, struct slice run, bool *found)
{
    layer.depth++;
    for (size_t skipped = 0; skipped < 4 && !*found; skipped++) {
        /* A single character behind the last group holds no byte. */
        const size_t len = run.len - skipped;
        const struct slice text = slice_of(run.data + skipped, len % 4 == 1 ? len - 1 : len);
        uint8_t *decoded = arena_alloc(layer.arena, base64_room(text.len));
        if (!decoded)
            return STATUS_NOMEM;
        size_t decoded_len = 0;
        if (base64_decode(text, decoded, &decoded_len))
            TRY(search_layer(layer, slice_of(decoded, decoded_len), found));
    }
    return STATUS_OK;
}

/* `text` has no blanks; every run of base64 characters in it is searched. */
static enum status search_runs(struct layer layer, struct slice text, bool *found)
{
    size_t start = 0;
    while (start < text.len && !*found) {
        size_t end = start;
        while (end < text.len && base64_is_digit(text.data[end]))
            end++;
        if (end - start >= RUN_BYTES_MIN)
            TRY(search_run(layer, slice_of(text.data + start, end - start), found));
        start = end + 1;
    }
    return STATUS_OK;
}

static enum status search_layer(struct layer layer, struct slice bytes, bool *found)
{
    *found = holds_word(bytes);
    if (*found || bytes.len < sizeof SECRET_WORD - 1)
        return STATUS_OK;
    uint8_t *text = arena_alloc(layer.arena, bytes.len);
    if (!text)
        return STATUS_NOMEM;
    size_t len = resolve_escapes(bytes, text);
    *found = holds_word(slice_of(text, len));
    if (*found || layer.depth == LAYERS_MAX)
        return STATUS_OK;
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_blank(text[i]))
            text[kept++] = text[i];
    }
    return search_runs(layer, slice_of(text, kept), found);
}

enum status secret_may_be_in(struct slice bytes, struct arena *arena, bool *found)
{
    return search_layer((struct layer){.arena = arena}, bytes, found);
}
