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

/* The payload's string: decoded while it is scanned; only its last few characters one by one. */
static bool scan_payload(struct scanner *scanner, uint8_t *room, struct slice *payload)
{
    if (!scan_byte(scanner, '"'))
        return false;
    const size_t left = (size_t)(scanner->end - scanner->next);
    const size_t taken = base64_decode_groups(slice_of(scanner->next, left), room);
    const uint8_t *const tail = scanner->next + taken;
    const uint8_t *quote = tail;
    while (quote < scanner->end && *quote != '"') {
        if (quote - tail == 4 || is_blank(*quote))
            return false;
        quote++;
    }
    if (quote == scanner->end)
        return false;
    size_t len = taken / 4 * 3;
    size_t tail_len = 0;
    const struct slice rest = slice_of(tail, (size_t)(quote - tail));
    if (rest.len > 0 && !base64_decode(rest, room + len, &tail_len))
        return false;
    len += tail_len;
    *payload = slice_of(room, len);
    scanner->next = quote + 1;
    return true;
}

static bool scan_id(struct scanner *scanner, uint64_t *id)
{
    const bool quoted = scan_byte(scanner, '"');
    return scan_unsigned(scanner, id) && (!quoted || scan_byte(scanner, '"'));
}

static bool scan_type(struct scanner *scanner, bool *is_status)
{
    struct slice type = {0};
    if (!scan_string(scanner, &type))
        return false;
    *is_status = SLICE_IS(type, "status");
    return *is_status || SLICE_IS(type, "upload");
}

static bool scan_timestamp(struct scanner *scanner, int64_t *timestamp_s)
{
    uint64_t value = 0;
    if (!scan_unsigned(scanner, &value) || value < TIMESTAMP_S_MIN || value > TIMESTAMP_S_MAX)
        return false;
    *timestamp_s = (int64_t)value;
    return true;
}

static bool scan_envelope_member(struct scanner *scanner, uint8_t *room,
                                 struct fast_envelope *envelope)
{
    struct slice name = {0};
    unsigned member = 0;
    bool valid = false;
    if (!scan_name(scanner, &name))
        return false;
    if (SLICE_IS(name, "payload")) {
        member = MEMBER_PAYLOAD;
        valid = scan_payload(scanner, room, &envelope->payload);
    } else if (SLICE_IS(name, "messagetype")) {
        member = MEMBER_TYPE;
        valid = scan_type(scanner, &envelope->is_status);
    } else if (SLICE_IS(name, "topic")) {
        member = MEMBER_TOPIC;
        valid = scan_string(scanner, &envelope->topic);
    } else if (SLICE_IS(name, "messageid")) {
        member = MEMBER_ID;
        valid = scan_id(scanner, &envelope->time.message_id);
    } else if (SLICE_IS(name, "timestamp")) {
        member = MEMBER_TIMESTAMP;
        valid = scan_timestamp(scanner, &envelope->time.timestamp_s);
    }
    if (!valid || (envelope->seen & member))
        return false;
    envelope->seen |= member;
    return true;
}

static bool scan_envelope(struct slice text, uint8_t *room, struct fast_envelope *envelope)
{
    struct scanner scanner = scanner_of(text);
    if (!scan_object_start(&scanner))
        return false;
    bool more = true;
    while (more) {
        if (!scan_envelope_member(&scanner, room, envelope) || !scan_separator(&scanner, &more))
            return false;
    }
    return scan_end(&scanner) && (envelope->seen & MEMBERS_NEEDED) == MEMBERS_NEEDED;
}

/* --- readings ------------------------------------------------------------------------------ */

struct fast_reading {
    struct time_member times[TIME_FIELDS_MAX]; /* as many as there are time fields */
    struct slice names[FAST_CELLS_MAX];
    struct number numbers[FAST_CELLS_MAX];
    uint32_t metrics[FAST_CELLS_MAX];
    size_t count;
};

static bool scan_word(struct scanner *scanner, const char *word, size_t len)
{
    if ((size_t)(scanner->end - scanner->next) < len || memcmp(scanner->next, word, len) != 0)
        return false;
    scanner->next += len;
    return true;
}

static bool scan_cell_value(struct scanner *scanner, struct number *number)
{
    if (scan_number(scanner, number))
        return true;
    const bool is_true = scan_word(scanner, "true", 4);
    if (!is_true && !scan_word(scanner, "false", 5))
        return false;
    *number = normal_decimal(is_true, 0);
    return true;
}

/* A plain string or number, as the member of a time. */
static bool scan_time_value(struct scanner *scanner, struct slice name, struct time_member *member)
{
    const uint8_t *start = scanner->next;
    struct number number;
    if (scan_byte(scanner, '"')) {
        member->form = TIME_FORM_STRING;
        if (!scan_string_rest(scanner, &member->text))
            return false;
    } else {
        member->form = TIME_FORM_NUMBER;
        if (!scan_number(scanner, &number))
            return false;
        member->text = slice_of(start, (size_t)(scanner->next - start));
    }
    member->utc = name.len >= 3 && memcmp(name.data, "utc", 3) == 0;
    return true;
}

/* The index of a time field, or fields->count. */
static size_t find_time_field(const struct time_fields *fields, struct slice name)
{
    size_t index = 0;
    while (index < fields->count && !slice_equal(fields->names[index], name))
        index++;
    return index;
}

static bool scan_reading_member(struct scanner *scanner, const struct time_fields *fields,
                                struct fast_reading *reading)
{
    struct slice name = {0};
    if (!scan_name(scanner, &name))
        return false;
    const size_t field = find_time_field(fields, name);
    if (field < fields->count) {
        struct time_member *member = &reading->times[field];
        return member->form == TIME_FORM_NONE && scan_time_value(scanner, name, member);
    }
    if (reading->count == FAST_CELLS_MAX || name.len > NAME_BYTES_MAX ||
        SLICE_IS(name, "deviceSecret"))
        return false;
    reading->names[reading->count] = name;
    return scan_cell_value(scanner, &reading->numbers[reading->count++]);
}

static bool scan_reading(struct slice payload, const struct time_fields *fields,
                         struct fast_reading *reading)
{
    struct scanner scanner = scanner_of(payload);
    reading->count = 0;
    for (size_t i = 0; i < fields->count; i++)
        reading->times[i] = (struct time_member){0};
    if (!scan_object_start(&scanner))
        return false;
    bool more = true;
    while (more) {
        if (!scan_reading_member(&scanner, fields, reading) || !scan_separator(&scanner, &more))
            return false;
    }
    return scan_end(&scanner) && reading->count > 0;
}

/* The metric's number: payloads of a set look alike, so the n-th name is mostly that of last time. */
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
    const struct business_time when = business_time_choose(
        reading->times, config->time_fields.count, &config->payload_zone, envelope->time);
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
    struct scanner scanner = scanner_of(payload);
    if (!scan_object_start(&scanner))
        return false;
    bool more = true;
    while (more) {
        struct slice name = {0};
        struct time_member value = {0};
        if (!scan_name(&scanner, &name) || !scan_time_value(&scanner, name, &value) ||
            !scan_separator(&scanner, &more))
            return false;
        const enum status_member member = status_member_of(name);
        if (member == STATUS_OTHER)
            continue;
        if (members[member].form != TIME_FORM_NONE)
            return false;
        members[member] = value;
    }
    return scan_end(&scanner);
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
