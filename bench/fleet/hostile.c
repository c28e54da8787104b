/*
 * hostile.c - one kind of broken body after the other, each a different reject.
 */
#include "bench/fleet/hostile.h"

#include "bench/fleet/message.h"

static void put_upload(struct buffer *out, const char *payload, const char *topic,
                       uint64_t message_id, int64_t timestamp_s)
{
    const struct envelope envelope = {
        .payload = slice_of_text(payload),
        .messagetype = "upload",
        .topic = slice_of_text(topic),
        .message_id = message_id,
        .timestamp_s = timestamp_s,
    };
    put_envelope(out, &envelope);
}

static void put_garbage(struct buffer *out, struct random_stream *random)
{
    const uint32_t len = 1 + random_below(random, 200);
    for (uint32_t i = 0; i < len; i++) {
        const uint8_t byte = (uint8_t)random_u64(random);
        buffer_put_u8(out, byte == '\n' || byte == '\r' ? '?' : byte);
    }
    buffer_put_u8(out, '!'); /* no body of blanks alone: that would be a blank line */
}

void put_hostile(struct buffer *out, struct random_stream *random, uint64_t message_id,
                 int64_t timestamp_s)
{
    enum { KINDS = 9 };
    const char *topic = "/a1Fleet/hostile/user/update";
    switch (random_below(random, KINDS)) {
    case 0:
        put_garbage(out, random);
        break;
    case 1:
        put_upload(out, "hello world", topic, message_id, timestamp_s);
        break;
    case 2:
        put_upload(out, "{\"state\":\"fine\"}", topic, message_id, timestamp_s);
        break;
    case 3:
        put_upload(out, "{\"temperature\":1e999}", topic, message_id, timestamp_s);
        break;
    case 4:
        put_upload(out, "{\"temperature\":20}", "//", message_id, timestamp_s);
        break;
    case 5:
        put_upload(out, "{\"temperature\":20}", topic, message_id, 12345);
        break;
    case 6:
        put_text(out, "{\"messagetype\":\"upload\",\"payload\":\"e30=\",\"messageid\":");
        put_unsigned(out, message_id);
        put_text(out, ".5,\"timestamp\":1600000000}");
        break;
    case 7:
        put_text(out, "{\"messagetype\":\"thing_history\",\"payload\":\"e30=\",\"messageid\":");
        put_unsigned(out, message_id);
        put_text(out, ",\"timestamp\":1600000000}");
        break;
    default:
        put_text(out, "{\"messageid\":");
        put_unsigned(out, message_id);
        put_text(out, ",\"messagetype\":\"upload\",\"payload\":\"eyJ0ZW1wZXJhd");
        break;
    }
}
