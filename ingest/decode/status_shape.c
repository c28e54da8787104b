/*
 * status_shape.c - learning the shape of a status message: rare, and in no hurry.
 *
 * The payload is decoded and scanned anew; nothing is believed of the line but that the fast path
 * took it.
 */
#include "ingest/decode/status_shape.h"

#include "ingest/decode/base64.h"
#include "ingest/decode/json_scan.h"

#include <string.h>

#define PAYLOAD_CHARS_MAX 1024u /* in base64 */
#define PAYLOAD_ROOM      (PAYLOAD_CHARS_MAX / 4 * 3 + 16)

enum status_member status_member_of(struct slice name)
{
    if (SLICE_IS(name, "productKey"))
        return STATUS_PRODUCT;
    if (SLICE_IS(name, "deviceName"))
        return STATUS_NAME;
    if (SLICE_IS(name, "status"))
        return STATUS_STATE;
    if (SLICE_IS(name, "utcTime"))
        return STATUS_UTC_TIME;
    if (SLICE_IS(name, "time"))
        return STATUS_TIME;
    if (SLICE_IS(name, "utcLastTime"))
        return STATUS_UTC_LAST_TIME;
    if (SLICE_IS(name, "lastTime"))
        return STATUS_LAST_TIME;
    return STATUS_OTHER;
}

/* The payload of a line, decoded into `room`; empty if it is none or too long. */
static struct slice decode_payload(struct slice line, const struct lead *lead,
                                   uint8_t room[PAYLOAD_ROOM])
{
    const size_t from = (size_t)lead->len + 1; /* behind the opening quote */
    const uint8_t *const start = line.data + from;
    const uint8_t *const quote = line.len > from ? memchr(start, '"', line.len - from) : NULL;
    size_t len = 0;
    if (!quote || (size_t)(quote - start) > PAYLOAD_CHARS_MAX ||
        !base64_decode(slice_of(start, (size_t)(quote - start)), room, &len))
        return (struct slice){0};
    return slice_of(room, len);
}

/* What stands before a value in quotes, from the end of the one before; the place behind it. */
static const uint8_t *learn_lead(struct lead *lead, const uint8_t *from, const uint8_t *end,
                                 bool first)
{
    struct slice name = {0};
    const uint8_t *at = first ? from : scan_byte(from, end, '"');
    at = scan_byte(scan_blanks(at, end), end, first ? '{' : ',');
    at = scan_name(scan_blanks(at, end), end, &name);
    at = scan_byte(at, end, '"');
    if (at)
        lead_keep(lead, from, at, name, (uint8_t)status_member_of(name));
    return at;
}

static bool is_end(const uint8_t *at, const uint8_t *end)
{
    at = scan_byte(scan_blanks(scan_byte(at, end, '"'), end), end, '}');
    return at && scan_blanks(at, end) == end;
}

/* The leads of a payload: one for each value, and the end. Their number, or 0. */
static size_t learn_leads(struct lead leads[SHAPE_LEADS_MAX], struct slice payload)
{
    const uint8_t *const end = payload.data + payload.len;
    const uint8_t *at = payload.data;
    for (size_t count = 0; count + 1 < SHAPE_LEADS_MAX; count++) {
        struct slice value = {0};
        at = learn_lead(&leads[count], at, end, count == 0);
        at = scan_string_rest(at, end, &value);
        if (!at)
            return 0;
        at--; /* the quote belongs to the next lead */
        if (is_end(at, end)) {
            lead_keep(&leads[count + 1], at, end, slice_of(at, 0), STATUS_OTHER);
            return count + 2;
        }
    }
    return 0;
}

/* False if a member of interest comes twice. */
static bool find_values(const struct lead *leads, size_t count, uint8_t values[STATUS_OTHER])
{
    memset(values, STATUS_NO_VALUE, STATUS_OTHER);
    for (size_t i = 0; i + 1 < count; i++) {
        const uint8_t member = leads[i].member;
        if (member == STATUS_OTHER)
            continue;
        if (values[member] != STATUS_NO_VALUE)
            return false;
        values[member] = (uint8_t)i;
    }
    return true;
}

static bool are_short(const struct lead *leads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (leads[i].len == 0 || leads[i].len > STATUS_LEAD_BYTES)
            return false;
    }
    return count > 0;
}

static uint8_t first_of(uint8_t value, uint8_t other)
{
    return value != STATUS_NO_VALUE ? value : other;
}

bool status_shape_learn(struct status_shape *shape, struct slice line,
                        const struct envelope_leads *envelope)
{
    uint8_t room[PAYLOAD_ROOM];
    struct lead leads[SHAPE_LEADS_MAX];
    uint8_t values[STATUS_OTHER];
    shape->line.lead_count = 0;
    const size_t count = learn_leads(leads, decode_payload(line, envelope->payload, room));
    if (!are_short(leads, count) || !find_values(leads, count, values))
        return false;
    shape->product = values[STATUS_PRODUCT];
    shape->name = values[STATUS_NAME];
    shape->state = values[STATUS_STATE];
    shape->time = first_of(values[STATUS_UTC_TIME], values[STATUS_TIME]);
    shape->contact = first_of(values[STATUS_UTC_LAST_TIME], values[STATUS_LAST_TIME]);
    if (shape->product == STATUS_NO_VALUE || shape->name == STATUS_NO_VALUE ||
        shape->state == STATUS_NO_VALUE || shape->time == STATUS_NO_VALUE)
        return false;
    return line_shape_learn(&shape->line, line, envelope, leads, count);
}
