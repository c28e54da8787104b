/*
 * line_shape.c - learning the shape of a line: rare, and in no hurry.
 *
 * (1) Nothing is believed of the leads: each is compared with what stands in the line.
 * (2) A pattern has no line break but the tail's last byte, and what stands between patterns stops
 *     before one: a line that has the shape ends at its own line break.
 */
#include "ingest/decode/line_shape.h"

#include "ingest/decode/base64.h"

#include <string.h>

#define DIGITS_A_GROUP 4u /* of base64: three bytes */
#define BYTES_A_GROUP  3u

/* A line and how far it was read. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static size_t left_of(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static void pass_lead(struct reader *reader, const struct lead *lead)
{
    reader->failed = reader->failed || !lead_matches(lead, reader->at, reader->end);
    reader->at += reader->failed ? 0 : lead->len;
}

static void pass_text(struct reader *reader, const char *text)
{
    const size_t len = strlen(text);
    reader->failed = reader->failed || left_of(reader) < len || memcmp(reader->at, text, len) != 0;
    reader->at += reader->failed ? 0 : len;
}

/* Up to the next quote. */
static struct slice pass_string(struct reader *reader)
{
    const uint8_t *const from = reader->at;
    const uint8_t *const quote = reader->failed ? NULL : memchr(from, '"', left_of(reader));
    reader->failed = !quote;
    reader->at = quote ? quote : from;
    return slice_of(from, (size_t)(reader->at - from));
}

static uint32_t pass_digits(struct reader *reader)
{
    const uint8_t *const from = reader->at;
    while (!reader->failed && left_of(reader) > 0 && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return (uint32_t)(reader->at - from);
}

static bool set_pattern(struct line_pattern *pattern, const uint8_t *from, const uint8_t *until,
                        size_t len_max)
{
    const size_t len = (size_t)(until - from);
    if (len > len_max)
        return false;
    memcpy(pattern->low, from, len);
    memset(pattern->span, 0, len);
    memset(pattern->low + len, 0, PATTERN_BYTES - len);
    memset(pattern->span + len, UINT8_MAX, PATTERN_BYTES - len);
    pattern->len = (uint32_t)len;
    return true;
}

/* Any digits will do here, but no leading zero. */
static void free_digits(struct line_pattern *pattern, uint32_t from, uint32_t count)
{
    memset(pattern->low + from, '0', count);
    memset(pattern->span + from, 9, count);
    pattern->low[from] = '1';
    pattern->span[from] = 8;
}

/* How many of the payload's characters are in the head: those of whole groups, all of the lead. */
static size_t characters_in_head(struct slice payload, const struct lead *lead, size_t head_len)
{
    uint8_t coded[SHAPE_HEAD_BYTES];
    size_t groups = lead->len / BYTES_A_GROUP;
    if (groups > (SHAPE_HEAD_BYTES - head_len) / DIGITS_A_GROUP)
        groups = (SHAPE_HEAD_BYTES - head_len) / DIGITS_A_GROUP;
    if (groups > payload.len / DIGITS_A_GROUP)
        groups = payload.len / DIGITS_A_GROUP;
    base64_encode(slice_of(lead->bytes, groups * BYTES_A_GROUP), coded);
    const size_t count = groups * DIGITS_A_GROUP;
    return memcmp(payload.data, coded, count) == 0 ? count : 0;
}

static bool learn_head(struct line_shape *shape, struct reader *reader, const struct lead *lead,
                       const struct lead *first)
{
    const uint8_t *const from = reader->at;
    pass_lead(reader, lead);
    pass_text(reader, "\"");
    const size_t len = (size_t)(reader->at - from);
    const struct slice payload = pass_string(reader);
    if (reader->failed || len > SHAPE_HEAD_BYTES)
        return false;
    const size_t count = characters_in_head(payload, first, len);
    shape->skipped = (uint32_t)(count / DIGITS_A_GROUP * BYTES_A_GROUP);
    return set_pattern(&shape->head, from, from + len + count, SHAPE_HEAD_BYTES);
}

static bool learn_middle(struct line_shape *shape, struct reader *reader,
                         const struct envelope_leads *envelope)
{
    const uint8_t *const from = reader->at;
    pass_text(reader, "\"");
    pass_lead(reader, envelope->type);
    pass_text(reader, "\"");
    pass_text(reader, envelope->type_word);
    shape->has_topic = envelope->topic != NULL;
    if (shape->has_topic) {
        pass_text(reader, "\"");
        pass_lead(reader, envelope->topic);
        pass_text(reader, "\"");
    }
    return !reader->failed && set_pattern(&shape->middle, from, reader->at, PATTERN_BYTES);
}

static bool learn_tail(struct line_shape *shape, struct reader *reader, const struct lead *id,
                       const struct lead *timestamp)
{
    const uint8_t *const from = reader->at;
    pass_text(reader, "\"");
    pass_lead(reader, id);
    shape->id_from = (uint32_t)(reader->at - from);
    shape->id_digits = pass_digits(reader);
    pass_lead(reader, timestamp);
    shape->timestamp_from = (uint32_t)(reader->at - from);
    if (pass_digits(reader) != SHAPE_TIMESTAMP_DIGITS || reader->failed ||
        shape->id_digits < SHAPE_ID_DIGITS_MIN || shape->id_digits > SHAPE_ID_DIGITS_MAX ||
        !set_pattern(&shape->tail, from, reader->end, PATTERN_BYTES))
        return false;
    free_digits(&shape->tail, shape->id_from, shape->id_digits);
    free_digits(&shape->tail, shape->timestamp_from, SHAPE_TIMESTAMP_DIGITS);
    return true;
}

static bool learn_line(struct line_shape *shape, struct slice line,
                       const struct envelope_leads *envelope, const struct lead *payload)
{
    struct reader reader = {.at = line.data, .end = line.data + line.len};
    if (!learn_head(shape, &reader, envelope->payload, &payload[0]) ||
        !learn_middle(shape, &reader, envelope))
        return false;
    if (shape->has_topic && pass_string(&reader).len > SHAPE_TOPIC_BYTES)
        return false;
    return learn_tail(shape, &reader, envelope->id, envelope->timestamp);
}

bool line_shape_learn(struct line_shape *shape, struct slice line,
                      const struct envelope_leads *envelope, const struct lead *payload,
                      size_t payload_count)
{
    shape->lead_count = 0;
    if (payload_count == 0 || payload_count > SHAPE_LEADS_MAX ||
        !learn_line(shape, line, envelope, payload))
        return false;
    memcpy(shape->leads, payload, payload_count * sizeof *payload);
    shape->leads[0].behind |= (UINT64_C(1) << shape->skipped) - 1;
    shape->lead_count = payload_count;
    return true;
}
