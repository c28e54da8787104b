/*
 * envelope.c - what the general path takes from an envelope, and refusals.
 */
#include "ingest/decode/draft.h"

#include <stdarg.h>
#include <stdio.h>

#define TIMESTAMP_S_MIN INT64_C(631152000)  /* 1990-01-01 */
#define TIMESTAMP_S_MAX INT64_C(4102444799) /* the last second of 2099 */

bool draft_refuse(struct draft *draft, enum reject_reason reason, const char *detail, ...)
{
    draft->refused = true;
    draft->reason = reason;
    va_list args;
    va_start(args, detail);
    vsnprintf(draft->detail, sizeof draft->detail, detail, args);
    va_end(args);
    return false;
}

/*
 * An integer in JSON's syntax, 0 ... 2^64-1. "-0" is such an integer and its value
 * is 0; a leading zero, a fraction or an exponent is no integer syntax.
 */
static bool parse_id(struct slice text, uint64_t *id)
{
    if (text_equals(text, "-0") || text_equals(text, "0")) {
        *id = 0;
        return true;
    }
    if (text.len == 0 || text.data[0] == '0')
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t byte = text.data[i];
        if (byte < '0' || byte > '9' || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(byte - '0'), &value))
            return false;
    }
    *id = value;
    return true;
}

static bool read_id(struct draft *draft, const struct json_node *node)
{
    if (!node)
        return draft_refuse(draft, REJECT_NO_MESSAGEID, "the envelope has no messageid");
    const bool readable = (node->type == JSON_NUMBER || node->type == JSON_STRING) &&
                          parse_id(node->text, &draft->envelope.message_id);
    if (!readable)
        return draft_refuse(draft, REJECT_BAD_MESSAGEID, "not an integer of 0 to 2^64-1");
    draft->has_id = true;
    return true;
}

static bool read_type(struct draft *draft, const struct json_node *node)
{
    if (!node || node->type != JSON_STRING)
        return draft_refuse(draft, REJECT_UNKNOWN_TYPE, "the envelope has no messagetype");
    draft->is_status = text_equals(node->text, "status");
    if (draft->is_status || text_equals(node->text, "upload"))
        return true;
    /* Only a plain short word is shown: what else stands there may be anything. */
    bool plain = node->text.len <= DETAIL_BYTES_MAX / 2;
    for (size_t i = 0; plain && i < node->text.len; i++) {
        const uint8_t byte = node->text.data[i];
        plain = (byte >= 'a' && byte <= 'z') || byte == '_';
    }
    return plain ? draft_refuse(draft, REJECT_UNKNOWN_TYPE, "messagetype %.*s", (int)node->text.len,
                                (const char *)node->text.data)
                 : draft_refuse(draft, REJECT_UNKNOWN_TYPE, "not a known messagetype");
}

static bool read_timestamp(struct draft *draft, const struct json_node *node)
{
    uint64_t value = 0;
    const bool readable = node && node->type == JSON_NUMBER && parse_id(node->text, &value) &&
                          value >= (uint64_t)TIMESTAMP_S_MIN && value <= (uint64_t)TIMESTAMP_S_MAX;
    if (!readable)
        return draft_refuse(draft, REJECT_BAD_TIME, "timestamp is no integer of %lld to %lld",
                            (long long)TIMESTAMP_S_MIN, (long long)TIMESTAMP_S_MAX);
    draft->envelope.timestamp_s = (int64_t)value;
    return true;
}

bool draft_read_envelope(struct draft *draft, const struct json_node *root)
{
    draft->topic = json_member(root, "topic");
    draft->payload = json_member(root, "payload");
    return read_id(draft, json_member(root, "messageid")) &&
           read_type(draft, json_member(root, "messagetype")) &&
           read_timestamp(draft, json_member(root, "timestamp"));
}
