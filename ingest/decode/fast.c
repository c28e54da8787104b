/*
 * fast.c - the envelope's five members in any order, then a flat payload.
 *
 * (1) Everything is scanned and checked before the batch is touched: a message
 *     that is left to the general path leaves no rows behind.
 * (2) Accepted is only what has no member twice that could matter, and no member
 *     of a custom payload whose value would be passed over: then "the last of
 *     equal names counts" has nothing to decide.
 * (3) Envelopes with other members than the five, and every odd value, fall out.
 * (4) What leads up to a value is compared with what stood there in the last message
 *     (lead.h), and scanned only where it differs.
 */
#include "ingest/decode/fast.h"

#include "ingest/decode/draft.h"
#include "ingest/decode/json_scan.h"
#include "ingest/decode/layer.h"

#include <string.h>

#define TIMESTAMP_S_MIN UINT64_C(631152000)
#define TIMESTAMP_S_MAX UINT64_C(4102444799)

enum envelope_member {
    MEMBER_NONE = 0,
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

/* --- both ---------------------------------------------------------------------------------- */

/*
 * What follows a decoded payload in its buffer: no JSON, so that scans may read many bytes at once.
 */
#define SLACK_BYTES 32u

static const uint8_t *scan_word(const uint8_t *at, const uint8_t *end, const char *word, size_t len)
{
    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0 ? at + len : NULL;
}

/* What leads up to a value: the opening brace or a comma, then a name and its colon. */
static const uint8_t *scan_lead(const uint8_t *at, const uint8_t *end, bool first,
                                struct slice *name)
{
    at = scan_byte(scan_blanks(at, end), end, first ? '{' : ',');
    return scan_name(scan_blanks(at, end), end, name);
}

/* The closing brace, and nothing behind it but blanks. */
static bool is_object_end(const uint8_t *at, const uint8_t *end)
{
    return scan_blanks(scan_byte(scan_blanks(at, end), end, '}'), end) == end;
}

/* --- the envelope -------------------------------------------------------------------------- */

/* The payload's string: decoded while it is scanned. Padding may be missing. */
static const uint8_t *scan_payload(const uint8_t *at, const uint8_t *end, uint8_t *room,
                                   struct slice *payload)
{
    at = scan_byte(at, end, '"');
    if (!at)
        return NULL;
    const size_t count = base64_decode_run(slice_of(at, (size_t)(end - at)), room);
    const size_t held = count % 4;
    at += count;
    if (held == 1)
        return NULL;
    if (held > 0 && at < end && *at == '=') {
        const size_t padding = 4 - held;
        at = scan_word(at, end, "==", padding);
    }
    const size_t len = base64_run_bytes(count);
    memset(room + len, 0, SLACK_BYTES);
    *payload = slice_of(room, len);
    return scan_byte(at, end, '"');
}

static const uint8_t *scan_id(const uint8_t *at, const uint8_t *end, uint64_t *id)
{
    if (at == end)
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
    if (at == end)
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

static enum envelope_member envelope_member_of(struct slice name)
{
    if (SLICE_IS(name, "payload"))
        return MEMBER_PAYLOAD;
    if (SLICE_IS(name, "messagetype"))
        return MEMBER_TYPE;
    if (SLICE_IS(name, "messageid"))
        return MEMBER_ID;
    if (SLICE_IS(name, "timestamp"))
        return MEMBER_TIMESTAMP;
    return SLICE_IS(name, "topic") ? MEMBER_TOPIC : MEMBER_NONE;
}

/* The lead of one of the five members, of which the last message had `lead` here. */
static const uint8_t *scan_envelope_lead(const uint8_t *at, const uint8_t *end, bool first,
                                         struct lead *lead, unsigned *member)
{
    if (lead_matches(lead, at, end)) {
        *member = lead->member;
        return at + lead->len;
    }
    struct slice name = {0};
    const uint8_t *const after = scan_lead(at, end, first, &name);
    if (!after)
        return NULL;
    *member = envelope_member_of(name);
    lead_keep(lead, at, after, name, (uint8_t)*member);
    return after;
}

/* A chain of ifs: the order of members repeats and so predicts well, a table of jumps does not. */
static inline const uint8_t *scan_envelope_value(const uint8_t *at, const uint8_t *end,
                                                 unsigned member, uint8_t *room,
                                                 struct fast_envelope *envelope)
{
    if (member == MEMBER_PAYLOAD)
        return scan_payload(at, end, room, &envelope->payload);
    if (member == MEMBER_TYPE)
        return scan_type(at, end, &envelope->is_status);
    if (member == MEMBER_TOPIC)
        return scan_topic(at, end, &envelope->topic);
    if (member == MEMBER_ID)
        return scan_id(at, end, &envelope->time.message_id);
    if (member == MEMBER_TIMESTAMP)
        return scan_timestamp(at, end, &envelope->time.timestamp_s);
    return NULL;
}

static bool scan_envelope(struct decoder *decoder, struct slice text,
                          struct fast_envelope *envelope)
{
    const uint8_t *const end = text.data + text.len;
    const uint8_t *at = text.data;
    for (size_t n = 0; n < ENVELOPE_LEADS; n++) {
        unsigned member = MEMBER_NONE;
        const uint8_t *const value =
            scan_envelope_lead(at, end, n == 0, &decoder->envelope_leads[n], &member);
        if (!value)
            break; /* the end, or something that only the general path knows */
        at = scan_envelope_value(value, end, member, decoder->payload.data, envelope);
        if (!at || (envelope->seen & member))
            return false;
        envelope->seen |= member;
    }
    return (envelope->seen & MEMBERS_NEEDED) == MEMBERS_NEEDED && is_object_end(at, end);
}

/* --- readings ------------------------------------------------------------------------------ */

#define LEAD_OF_METRIC 0xffu /* in a lead's `member`; a time field has its index there */

_Static_assert(TIME_FIELDS_MAX < LEAD_OF_METRIC, "an index of a time field is no metric");

struct fast_reading {
    struct time_member times[TIME_FIELDS_MAX]; /* as many as there are time fields, if has_time */
    struct slice names[FAST_CELLS_MAX];
    struct lead *leads[FAST_CELLS_MAX];
    struct cell cells[FAST_CELLS_MAX];
    uint32_t count;
    bool has_time; /* any of `times` stands in the payload */
};

static inline const uint8_t *scan_cell_value(const uint8_t *at, const uint8_t *end,
                                             struct number *number)
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

/* The index of a time field, or LEAD_OF_METRIC. */
static uint8_t find_time_field(const struct time_fields *fields, struct slice name)
{
    for (size_t index = 0; index < fields->count; index++) {
        if (slice_equal(fields->names[index], name))
            return (uint8_t)index;
    }
    return LEAD_OF_METRIC;
}

/* The n-th lead, of a time field or of a metric. */
static inline const uint8_t *scan_reading_lead(struct decoder *decoder, size_t n, const uint8_t *at,
                                               const uint8_t *end, struct slice *name,
                                               uint8_t *member)
{
    struct lead *const lead = &decoder->payload_leads[n];
    if (lead_matches(lead, at, end)) {
        *name = lead_name(lead);
        *member = lead->member;
        return at + lead->len;
    }
    const uint8_t *const after = scan_lead(at, end, n == 0, name);
    if (!after || name->len > NAME_BYTES_MAX || SLICE_IS(*name, "deviceSecret"))
        return NULL;
    *member = find_time_field(&decoder->config->time_fields, *name);
    lead_keep(lead, at, after, *name, *member);
    return after;
}

static const uint8_t *scan_time_field(const uint8_t *at, const uint8_t *end,
                                      const struct time_fields *fields, struct slice name,
                                      size_t index, struct fast_reading *reading)
{
    if (!reading->has_time)
        memset(reading->times, 0, fields->count * sizeof reading->times[0]);
    reading->has_time = true;
    struct time_member *const member = &reading->times[index];
    return member->form == TIME_FORM_NONE ? scan_time_value(at, end, name, member) : NULL;
}

static inline const uint8_t *scan_metric(const uint8_t *at, const uint8_t *end, struct slice name,
                                         struct lead *lead, struct fast_reading *reading)
{
    if (reading->count == FAST_CELLS_MAX)
        return NULL;
    struct number number;
    at = scan_cell_value(at, end, &number);
    if (!at)
        return NULL;
    reading->names[reading->count] = name;
    reading->leads[reading->count] = lead;
    reading->cells[reading->count++] = (struct cell){
        .mantissa = number.mantissa, .exponent = number.exponent, .kind = number.kind};
    return at;
}

static bool scan_reading(struct decoder *decoder, struct slice payload,
                         struct fast_reading *reading)
{
    const struct time_fields *const fields = &decoder->config->time_fields;
    const uint8_t *const end = payload.data + payload.len + SLACK_BYTES;
    const uint8_t *at = payload.data;
    reading->count = 0;
    reading->has_time = false;
    for (size_t n = 0; n < PAYLOAD_LEADS; n++) {
        struct slice name = {0};
        uint8_t member = LEAD_OF_METRIC;
        const uint8_t *const value = scan_reading_lead(decoder, n, at, end, &name, &member);
        if (!value)
            break; /* as for the envelope */
        if (member == LEAD_OF_METRIC)
            at = scan_metric(value, end, name, &decoder->payload_leads[n], reading);
        else
            at = scan_time_field(value, end, fields, name, member, reading);
        if (!at)
            return false;
    }
    return reading->count > 0 && is_object_end(at, payload.data + payload.len);
}

/* The metric's number: as of this lead last time, if the batch has that name there. */
static enum status find_metric(struct name_table *metrics, struct lead *lead, struct slice name,
                               uint32_t *number)
{
    const uint32_t guess = lead->number;
    if (guess < metrics->count && metrics->names[guess].len == name.len &&
        bytes_same(metrics->names[guess].data, name.data, name.len)) {
        *number = guess;
        return STATUS_OK;
    }
    TRY(name_table_add(metrics, name, number));
    lead->number = *number;
    return STATUS_OK;
}

static bool has_equal_metrics(const struct fast_reading *reading)
{
    for (uint32_t i = 1; i < reading->count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (reading->cells[i].metric == reading->cells[j].metric)
                return true;
        }
    }
    return false;
}

static enum status add_reading(const struct decoder *decoder, struct row_batch *batch,
                               const struct fast_envelope *envelope, struct slice device_name,
                               const struct fast_reading *reading)
{
    const struct decoder_config *config = decoder->config;
    const size_t time_count = reading->has_time ? config->time_fields.count : 0;
    const struct business_time when =
        business_time_choose(reading->times, time_count, &config->payload_zone, envelope->time);
    uint32_t device = 0;
    TRY(name_table_add(&batch->devices, device_name, &device));
    const struct row row = {
        .time_ms = when.time_ms,
        .message_id = envelope->time.message_id,
        .device = device,
        .cell_count = reading->count,
        .time_source = when.source,
        .clock_fault = when.clock_fault,
    };
    return row_batch_add_whole(batch, TABLE_READINGS, &row, reading->cells);
}

static enum status take_reading(struct decoder *decoder, struct row_batch *batch,
                                const struct fast_envelope *envelope, bool *taken)
{
    struct fast_reading reading;
    const struct slice device = topic_device(envelope->topic, false);
    if (device.len == 0 || device.len > NAME_BYTES_MAX ||
        !scan_reading(decoder, envelope->payload, &reading))
        return STATUS_OK;
    for (uint32_t i = 0; i < reading.count; i++)
        TRY(find_metric(&batch->metrics, reading.leads[i], reading.names[i],
                        &reading.cells[i].metric));
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

/* --- either -------------------------------------------------------------------------------- */

static enum status reserve_room(struct buffer *buffer, size_t text_len)
{
    buffer_clear(buffer);
    const size_t room = base64_room(text_len) + SLACK_BYTES;
    return room <= buffer->capacity ? STATUS_OK : buffer_reserve(buffer, room);
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
    if (!scan_envelope(decoder, text, &envelope))
        return STATUS_OK;
    return envelope.is_status ? take_status(decoder, batch, &envelope, taken)
                              : take_reading(decoder, batch, &envelope, taken);
}
