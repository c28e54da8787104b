/*
 * record_line.c - choosing the form of a line; see record_line.h.
 *
 * Room is taken once, for the longest form, so that a failure leaves nothing half done.
 */
#include "ingest/record/record_line.h"

#include "ingest/decode/base64.h"

static bool is_line_break(uint8_t byte)
{
    return byte == '\n' || byte == '\r';
}

static bool holds_line_break(struct slice body)
{
    return body.len > 0 && (memchr(body.data, '\n', body.len) || memchr(body.data, '\r', body.len));
}

/* The first byte that is no blank, or 0 if there is none. */
static uint8_t first_byte(struct slice body)
{
    size_t at = 0;
    while (at < body.len && is_blank(body.data[at]))
        at++;
    return at < body.len ? body.data[at] : 0;
}

static bool is_all_blank(struct slice body)
{
    size_t at = 0;
    while (at < body.len && is_blank(body.data[at]))
        at++;
    return at == body.len;
}

bool record_looks_compressed(struct slice bytes)
{
    static const uint8_t gzip[] = {0x1f, 0x8b};
    static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    static const uint8_t skippable[] = {0x2a, 0x4d, 0x18}; /* behind 0x50 to 0x5f */
    if (bytes.len >= sizeof gzip && memcmp(bytes.data, gzip, sizeof gzip) == 0)
        return true;
    if (bytes.len < sizeof zstd)
        return false;
    return memcmp(bytes.data, zstd, sizeof zstd) == 0 ||
           ((bytes.data[0] & 0xf0u) == 0x50 &&
            memcmp(bytes.data + 1, skippable, sizeof skippable) == 0);
}

static void put_base64(struct buffer *out, struct slice body)
{
    base64_encode(body, out->data + out->len);
    out->len += base64_encoded_len(body.len);
}

static void put_without_breaks(struct buffer *out, struct slice body)
{
    for (size_t i = 0; i < body.len; i++) {
        if (!is_line_break(body.data[i]))
            buffer_put_u8(out, body.data[i]);
    }
}

static void put_line(struct buffer *out, struct slice body)
{
    if (is_all_blank(body)) {
        put_base64(out, body.len > 0 ? body : slice_of(" ", 1));
    } else if (!holds_line_break(body)) {
        buffer_put_bytes(out, body.data, body.len);
    } else if (first_byte(body) == '{') {
        put_base64(out, body);
    } else {
        put_without_breaks(out, body);
    }
}

enum status record_line_append(struct buffer *out, struct slice body)
{
    const size_t line_break = 1;
    const size_t blank = 1;
    TRY(buffer_reserve(out, base64_encoded_len(body.len + 1) + blank + line_break));
    const size_t start = out->len;
    put_line(out, body);
    const size_t len = out->len - start;
    if (record_looks_compressed(slice_of(out->data + start, len))) {
        memmove(out->data + start + 1, out->data + start, len);
        out->data[start] = ' ';
        out->len++;
    }
    buffer_put_u8(out, '\n');
    return STATUS_OK;
}
