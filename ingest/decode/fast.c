/*
 * fast.c - the envelope's five members in any order, then a flat payload.
 *
 * (1) Everything is scanned and checked before the batch is touched: a message
 *     that is left to the general path leaves no rows behind.
 * (2) Accepted is only what has no member twice that could matter, and no member
 *     of a custom payload whose value would be passed over: then "the last of
 *     equal names counts" has nothing to decide.
 * (3) Envelopes with other members than the five, and every odd value, fall out.
 */
#include "ingest/decode/fast.h"

#include "ingest/decode/draft.h"
#include "ingest/decode/json_scan.h"
#include "ingest/decode/layer.h"

#include <string.h>

#define TIMESTAMP_S_MIN UINT64_C(631152000)
#define TIMESTAMP_S_MAX UINT64_C(4102444799)

enum envelope_member {
    MEMBER_PAYLOAD = 1,
    MEMBER_TYPE = 2,
    MEMBER_ID = 4,
    MEMBER_TOPIC = 8,
    MEMBER_TIMESTAMP = 16,
    MEMBERS_NEEDED = MEMBER_PAYLOAD | MEMBER_TYPE | MEMBER_ID | MEMBER_TIMESTAMP,
};

struct fast_envelope {
    struct envelope_time time;
    struct slice payload; /* decoded, in the decoder's buffer */
    struct slice topic;
    unsigned seen; /* of enum envelope_member */
    bool is_status;
};

/* --- the envelope -------------------------------------------------------------------------- */

/* What follows a decoded payload in its buffer: no JSON, so that scans may read 8 bytes at once. */
#define SLACK_BYTES 8u

_Static_assert(SLACK_BYTES + 2 <= 16,
               "base64_room() leaves 16 bytes behind what whole groups give");

static const uint8_t *scan_word(const uint8_t *at, const uint8_t *end, const char *word, size_t len)
{
    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0 ? at + len : NULL;
}

/* The payload's string: decoded while it is scanned; only its last few characters one by one. */
static const uint8_t *scan_payload(const uint8_t *at, const uint8_t *end, uint8_t *room,
                                   struct slice *payload)
{
    at = scan_byte(at, end, '"');
    if (!at)
        return NULL;
    const size_t taken = base64_decode_groups(slice_of(at, (size_t)(end - at)), room);
    const uint8_t *const tail = at + taken;
    const uint8_t *quote = tail;
    while (quote < end && *quote != '"') {
        if (quote - tail == 4 || is_blank(*quote))
            return NULL;
        quote++;
    }
    size_t len = taken / 4 * 3;
    size_t tail_len = 0;
    const struct slice rest = slice_of(tail, (size_t)(quote - tail));
    if (rest.len > 0 && !base64_decode(rest, room + len, &tail_len))
        return NULL;
    len += tail_len;
    memset(room + len, 0, SLACK_BYTES);
    *payload = slice_of(room, len);
    return scan_byte(quote, end, '"');
}

static const uint8_t *scan_id(const uint8_t *at, const uint8_t *end, uint64_t *id)
{
    if (!at || at == end)
        return NULL;
    const bool quoted = *at == '"';
    at = scan_unsigned(at + quoted, end, id);
    return quoted ? scan_byte(at, end, '"') : at;
}

static const uint8_t *scan_type(const uint8_t *at, const uint8_t *end, bool *is_status)
{
    struct slice type = {0};
    at = scan_string(at, end, &type);
    if (!at)
        return NULL;
    *is_status = SLICE_IS(type, "status");
    return *is_status || SLICE_IS(type, "upload") ? at : NULL;
}

/* Status messages may have null, which is as good as none. */
static const uint8_t *scan_topic(const uint8_t *at, const uint8_t *end, struct slice *topic)
{
    if (!at || at == end)
        return NULL;
    return *at == 'n' ? scan_word(at, end, "null", 4) : scan_string(at, end, topic);
}

static const uint8_t *scan_timestamp(const uint8_t *at, const uint8_t *end, int64_t *timestamp_s)
{
    uint64_t value = 0;
    at = scan_unsigned(at, end, &value);
    if (!at || value < TIMESTAMP_S_MIN || value > TIMESTAMP_S_MAX)
        return NULL;
    *timestamp_s = (int64_t)value;
    return at;
}

/* The first 8 bytes of what may be a name and its quote; `end` is further away. */
static inline bool begins_with(const uint8_t *at, const char *word)
{
    return memcmp(at, word, 8) == 0;
}

#define ENVELOPE_NAME_BYTES_MAX 16 /* a quoted name of the five and what follows it */

/* What follows a name's quotes: the colon. */
static inline const uint8_t *scan_colon(const uint8_t *at, const uint8_t *end)
{
    return scan_blanks(scan_byte(scan_blanks(at, end), end, ':'), end);
}

/*
 * One of the five members. Their names differ within 8 bytes, so one load and
 * five compares tell them apart; a chain of ifs, since the order of members
 * repeats and so predicts well, where a table of jumps does not.
 */
static const uint8_t *scan_envelope_member(const uint8_t *at, const uint8_t *end, uint8_t *room,
                                           struct fast_envelope *envelope)
{
    unsigned member = 0;
    if (end - at < ENVELOPE_NAME_BYTES_MAX || *at++ != '"')
        return NULL;
    if (begins_with(at, "payload\"")) {
        member = MEMBER_PAYLOAD;
        at = scan_payload(scan_colon(at + 8, end), end, room, &envelope->payload);
    } else if (begins_with(at, "messaget") && memcmp(at + 8, "ype\"", 4) == 0) {
        member = MEMBER_TYPE;
        at = scan_type(scan_colon(at + 12, end), end, &envelope->is_status);
    } else if (begins_with(at, "messagei") && memcmp(at + 8, "d\"", 2) == 0) {
        member = MEMBER_ID;
        at = scan_id(scan_colon(at + 10, end), end, &envelope->time.message_id);
    } else if (begins_with(at, "timestam") && memcmp(at + 8, "p\"", 2) == 0) {
        member = MEMBER_TIMESTAMP;
        at = scan_timestamp(scan_colon(at + 10, end), end, &envelope->time.timestamp_s);
    } else if (memcmp(at, "topic\"", 6) == 0) {
        member = MEMBER_TOPIC;
        at = scan_topic(scan_colon(at + 6, end), end, &envelope->topic);
    }
    if (!member || (envelope->seen & member))
        return NULL;
    envelope->seen |= member;
    return at;
}

static bool scan_envelope(struct slice text, uint8_t *room, struct fast_envelope *envelope)
{
    const uint8_t *const end = text.data + text.len;
    const uint8_t *at = scan_object_start(text.data, end);
    bool more = true;
    while (more && at) {
        at = scan_envelope_member(at, end, room, envelope);
        at = scan_separator(at, end, &more);
    }
    return at && scan_blanks(at, end) == end && (envelope->seen & MEMBERS_NEEDED) == MEMBERS_NEEDED;
}

/* --- readings ------------------------------------------------------------------------------ */

struct fast_reading {
    struct time_member times[TIME_FIELDS_MAX]; /* as many as there are time fields */
    struct slice names[FAST_CELLS_MAX];
    struct number numbers[FAST_CELLS_MAX];
    uint32_t metrics[FAST_CELLS_MAX];
    size_t count;
    bool has_time; /* any of `times` stands in the payload */
};

static const uint8_t *scan_cell_value(const uint8_t *at, const uint8_t *end, struct number *number)
{
    if (at == end || (*at != 't' && *at != 'f'))
        return scan_number(at, end, number);
    const bool is_true = *at == 't';
    *number = normal_decimal(is_true, 0);
    return is_true ? scan_word(at, end, "true", 4) : scan_word(at, end, "false", 5);
}

/* A plain string or number, as the member of a time. */
static const uint8_t *scan_time_value(const uint8_t *at, const uint8_t *end, struct slice name,
                                      struct time_member *member)
{
    if (at == end)
        return NULL;
    member->utc = name.len >= 3 && memcmp(name.data, "utc", 3) == 0;
    if (*at == '"') {
        member->form = TIME_FORM_STRING;
        return scan_string_rest(at + 1, end, &member->text);
    }
    const uint8_t *const start = at;
    struct number number;
    member->form = TIME_FORM_NUMBER;
    at = scan_number(at, end, &number);
    member->text = slice_of(start, at ? (size_t)(at - start) : 0);
    return at;
}

/* The index of a time field, or fields->count. */
static size_t find_time_field(const struct time_fields *fields, struct slice name)
{
    size_t index = 0;
    while (index < fields->count && !slice_equal(fields->names[index], name))
        index++;
    return index;
}

static const uint8_t *scan_reading_member(const uint8_t *at, const uint8_t *end,
                                          const struct time_fields *fields,
                                          struct fast_reading *reading)
{
    struct slice name = {0};
    at = scan_name(at, end, &name);
    if (!at)
        return NULL;
    const size_t field = find_time_field(fields, name);
    if (field < fields->count) {
        struct time_member *member = &reading->times[field];
        reading->has_time = true;
        return member->form == TIME_FORM_NONE ? scan_time_value(at, end, name, member) : NULL;
    }
    if (reading->count == FAST_CELLS_MAX || name.len > NAME_BYTES_MAX ||
        SLICE_IS(name, "deviceSecret"))
        return NULL;
    reading->names[reading->count] = name;
    return scan_cell_value(at, end, &reading->numbers[reading->count++]);
}

static bool scan_reading(struct slice payload, const struct time_fields *fields,
                         struct fast_reading *reading)
{
    const uint8_t *const end = payload.data + payload.len + SLACK_BYTES;
    const uint8_t *at = scan_object_start(payload.data, end);
    reading->count = 0;
    reading->has_time = false;
    for (size_t i = 0; i < fields->count; i++)
        reading->times[i] = (struct time_member){0};
    bool more = true;
    while (more && at) {
        at = scan_reading_member(at, end, fields, reading);
        at = scan_separator(at, end, &more);
    }
    return at == payload.data + payload.len && reading->count > 0;
}

/* The metric's number: payloads look alike, so the n-th name is mostly that of last time. */
static enum status find_metric(struct decoder *decoder, struct name_table *metrics, size_t nth,
                               struct slice name, uint32_t *number)
{
    const uint32_t guess = decoder->metric_guess[nth];
    if (guess < metrics->count && slice_equal(metrics->names[guess], name)) {
        *number = guess;
        return STATUS_OK;
    }
    TRY(name_table_add(metrics, name, number));
    decoder->metric_guess[nth] = *number;
    return STATUS_OK;
}

static bool has_equal_metrics(const struct fast_reading *reading)
{
    for (size_t i = 1; i < reading->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (reading->metrics[i] == reading->metrics[j])
                return true;
        }
    }
    return false;
}

static enum status add_reading(struct decoder *decoder, struct row_batch *batch,
                               const struct fast_envelope *envelope, struct slice device_name,
                               const struct fast_reading *reading)
{
    const struct decoder_config *config = decoder->config;
    const struct row_batch_mark mark = row_batch_mark(batch);
    const size_t time_count = reading->has_time ? config->time_fields.count : 0;
    const struct business_time when =
        business_time_choose(reading->times, time_count, &config->payload_zone, envelope->time);
    uint32_t device = 0;
    TRY(name_table_add(&batch->devices, device_name, &device));
    struct row *row = NULL;
    TRY(row_batch_add_row(batch, TABLE_READINGS, &row));
    row->time_ms = when.time_ms;
    row->message_id = envelope->time.message_id;
    row->device = device;
    row->time_source = when.source;
    row->clock_fault = when.clock_fault;
    for (size_t i = 0; i < reading->count; i++)
        TRY(row_batch_add_cell(batch, TABLE_READINGS, reading->metrics[i], reading->numbers[i]));
    return row_batch_add_message(batch, TABLE_READINGS, envelope->time.message_id, mark);
}

static enum status take_reading(struct decoder *decoder, struct row_batch *batch,
                                const struct fast_envelope *envelope, bool *taken)
{
    struct fast_reading reading;
    const struct slice device = topic_device(envelope->topic, false);
    if (device.len == 0 || device.len > NAME_BYTES_MAX ||
        !scan_reading(envelope->payload, &decoder->config->time_fields, &reading))
        return STATUS_OK;
    for (size_t i = 0; i < reading.count; i++)
        TRY(find_metric(decoder, &batch->metrics, i, reading.names[i], &reading.metrics[i]));
    if (has_equal_metrics(&reading))
        return STATUS_OK;
    *taken = true;
    return add_reading(decoder, batch, envelope, device, &reading);
}

/* --- status events ------------------------------------------------------------------------- */

enum status_member {
    STATUS_PRODUCT,
    STATUS_NAME,
    STATUS_STATE,
    STATUS_UTC_TIME,
    STATUS_TIME,
    STATUS_UTC_LAST_TIME,
    STATUS_LAST_TIME,
    STATUS_OTHER, /* passed over; may come more than once */
};

static enum status_member status_member_of(struct slice name)
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

/* Scans every member, those of interest into `members`: a value that is no time is a string. */
static bool scan_status(struct slice payload, struct time_member members[STATUS_OTHER])
{
    const uint8_t *const end = payload.data + payload.len + SLACK_BYTES;
    const uint8_t *at = scan_object_start(payload.data, end);
    bool more = true;
    while (more && at) {
        struct slice name = {0};
        struct time_member value = {0};
        at = scan_name(at, end, &name);
        if (at)
            at = scan_separator(scan_time_value(at, end, name, &value), end, &more);
        const enum status_member member = status_member_of(name);
        if (member == STATUS_OTHER)
            continue;
        if (members[member].form != TIME_FORM_NONE)
            return false;
        members[member] = value;
    }
    return at == payload.data + payload.len;
}

static bool is_filled_string(const struct time_member *member)
{
    return member->form == TIME_FORM_STRING && member->text.len > 0;
}

/* From the payload if both parts stand there, else from the topic; empty if neither will do. */
static struct slice status_device(const struct time_member *members, struct slice topic,
                                  uint8_t room[NAME_BYTES_MAX])
{
    if (!is_filled_string(&members[STATUS_PRODUCT]) || !is_filled_string(&members[STATUS_NAME]))
        return topic_device(topic, true);
    const struct slice product = members[STATUS_PRODUCT].text;
    const struct slice name = members[STATUS_NAME].text;
    if (product.len >= NAME_BYTES_MAX || name.len > NAME_BYTES_MAX - 1 - product.len)
        return (struct slice){0};
    memcpy(room, product.data, product.len);
    room[product.len] = '/';
    memcpy(room + product.len + 1, name.data, name.len);
    return slice_of(room, product.len + 1 + name.len);
}

static enum status take_status(struct decoder *decoder, struct row_batch *batch,
                               const struct fast_envelope *envelope, bool *taken)
{
    struct time_member members[STATUS_OTHER] = {0};
    uint8_t room[NAME_BYTES_MAX];
    if (!scan_status(envelope->payload, members))
        return STATUS_OK;
    const struct time_member *state = &members[STATUS_STATE];
    const bool online = state->form == TIME_FORM_STRING && SLICE_IS(state->text, "online");
    const bool offline = state->form == TIME_FORM_STRING && SLICE_IS(state->text, "offline");
    const struct status_event event = {
        .device = status_device(members, envelope->topic, room),
        .online = online,
        .times = {members[STATUS_UTC_TIME], members[STATUS_TIME]},
        .contacts = {members[STATUS_UTC_LAST_TIME], members[STATUS_LAST_TIME]},
    };
    if ((!online && !offline) || event.device.len == 0 || event.device.len > NAME_BYTES_MAX)
        return STATUS_OK;
    *taken = true;
    return status_event_add(decoder, batch, envelope->time, &event);
}

/* --- both ---------------------------------------------------------------------------------- */

static enum status reserve_room(struct buffer *buffer, size_t text_len)
{
    buffer_clear(buffer);
    return buffer_reserve(buffer, base64_room(text_len));
}

enum status fast_decode(struct decoder *decoder, struct slice body, struct row_batch *batch,
                        bool *taken)
{
    *taken = false;
    struct slice text = body;
    if (!layer_is_json(body)) {
        bool was_base64 = false;
        TRY(reserve_room(&decoder->body, body.len));
        if (!layer_decode(body, decoder->body.data, &text, &was_base64))
            return STATUS_OK;
    }
    TRY(reserve_room(&decoder->payload, text.len));
    struct fast_envelope envelope = {0};
    if (!scan_envelope(text, decoder->payload.data, &envelope))
        return STATUS_OK;
    return envelope.is_status ? take_status(decoder, batch, &envelope, taken)
                              : take_reading(decoder, batch, &envelope, taken);
}
