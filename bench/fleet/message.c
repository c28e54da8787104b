/*
 * message.c - writing numbers, base64 and envelopes without printf: it is the
 * generator's inner loop.
 */
#include "bench/fleet/message.h"

#define DIGITS_MAX 20

void put_text(struct buffer *out, const char *text)
{
    buffer_put_bytes(out, text, strlen(text));
}

void put_unsigned(struct buffer *out, uint64_t number)
{
    uint8_t digits[DIGITS_MAX];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buffer_put_bytes(out, digits + at, sizeof digits - at);
}

void put_decimal(struct buffer *out, int64_t mantissa, uint32_t decimals)
{
    while (decimals > 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        decimals--;
    }
    uint64_t magnitude = (uint64_t)mantissa;
    if (mantissa < 0) {
        buffer_put_u8(out, '-');
        magnitude = 0 - magnitude;
    }
    uint64_t scale = 1;
    for (uint32_t i = 0; i < decimals; i++)
        scale *= 10;
    put_unsigned(out, magnitude / scale);
    if (decimals == 0)
        return;
    buffer_put_u8(out, '.');
    for (scale /= 10; scale > 0; scale /= 10)
        buffer_put_u8(out, (uint8_t)('0' + magnitude / scale % 10));
}

void put_base64(struct buffer *out, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *from = bytes.data;
    size_t left = bytes.len;
    for (; left >= 3; left -= 3, from += 3) {
        const uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        const char text[4] = {digits[group >> 18], digits[group >> 12 & 63],
                              digits[group >> 6 & 63], digits[group & 63]};
        buffer_put_bytes(out, text, sizeof text);
    }
    if (left == 0)
        return;
    const uint32_t group = (uint32_t)from[0] << 16 | (left > 1 ? (uint32_t)from[1] << 8 : 0);
    const char text[4] = {digits[group >> 18], digits[group >> 12 & 63],
                          (char)(left > 1 ? digits[group >> 6 & 63] : '='), '='};
    buffer_put_bytes(out, text, sizeof text);
}

void put_envelope(struct buffer *out, const struct envelope *envelope)
{
    put_text(out, "{\"payload\":\"");
    put_base64(out, envelope->payload);
    put_text(out, "\",\"messagetype\":\"");
    put_text(out, envelope->messagetype);
    if (envelope->topic.len > 0) {
        put_text(out, "\",\"topic\":\"");
        buffer_put_bytes(out, envelope->topic.data, envelope->topic.len);
    }
    put_text(out, "\",\"messageid\":");
    put_unsigned(out, envelope->message_id);
    put_text(out, ",\"timestamp\":");
    put_unsigned(out, (uint64_t)envelope->timestamp_s);
    buffer_put_u8(out, '}');
}
