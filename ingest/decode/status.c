/*
 * status.c - status events: a device went online or offline.
 */
#include "ingest/decode/draft.h"

#include <string.h>

struct time_member time_member_of(const struct json_node *node)
{
    struct time_member member = {0};
    if (!node || (node->type != JSON_NUMBER && node->type != JSON_STRING))
        return member;
    member.form = node->type == JSON_NUMBER ? TIME_FORM_NUMBER : TIME_FORM_STRING;
    member.utc = node->name.len >= 3 && memcmp(node->name.data, "utc", 3) == 0;
    member.text = node->text;
    return member;
}

/* The last contact has no clock rule: the first member that can be read is taken. */
static bool read_contact(const struct decoder *decoder, const struct status_event *event,
                         int64_t *contact_ms)
{
    const struct civil_zone *zone = &decoder->config->payload_zone;
    return time_member_read(&event->contacts[0], zone, contact_ms) == TIME_READ ||
           time_member_read(&event->contacts[1], zone, contact_ms) == TIME_READ;
}

enum status status_event_add(struct decoder *decoder, struct row_batch *batch,
                             struct envelope_time envelope, const struct status_event *event)
{
    const struct row_batch_mark mark = row_batch_mark(batch);
    const struct business_time when =
        business_time_choose(event->times, 2, &decoder->config->payload_zone, envelope);
    uint32_t device = 0;
    TRY(row_batch_device(batch, event->device, &device));
    struct row *row = NULL;
    TRY(row_batch_add_row(batch, TABLE_STATUS, &row));
    row->time_ms = when.time_ms;
    row->message_id = envelope.message_id;
    row->device = device;
    row->time_source = when.source;
    row->clock_fault = when.clock_fault;
    const int64_t state = event->online ? STATUS_ONLINE : STATUS_OFFLINE;
    TRY(row_batch_add_cell(batch, TABLE_STATUS, STATUS_METRIC_STATE, number_from_integer(state)));
    int64_t contact_ms = 0;
    if (read_contact(decoder, event, &contact_ms))
        TRY(row_batch_add_cell(batch, TABLE_STATUS, STATUS_METRIC_CONTACT_AGE,
                               number_from_integer(when.time_ms - contact_ms)));
    return row_batch_add_message(batch, TABLE_STATUS, envelope.message_id, mark);
}

enum status draft_add_status(struct draft *draft, const struct json_node *payload)
{
    const struct json_node *state = json_member(payload, "status");
    const bool is_string = state && state->type == JSON_STRING;
    const bool online = is_string && text_equals(state->text, "online");
    if (!online && !(is_string && text_equals(state->text, "offline"))) {
        draft_refuse(draft, REJECT_BAD_STATUS, "status is neither online nor offline");
        return STATUS_OK;
    }
    const struct status_event event = {
        .device = slice_of(draft->device, draft->device_len),
        .online = online,
        .times = {time_member_of(json_member(payload, "utcTime")),
                  time_member_of(json_member(payload, "time"))},
        .contacts = {time_member_of(json_member(payload, "utcLastTime")),
                     time_member_of(json_member(payload, "lastTime"))},
    };
    return status_event_add(draft->decoder, draft->batch, draft->envelope, &event);
}
