/*
 * fast.c - the ways into the fast path, and what is rare on it.
 *
 * What every message goes through is in fast_path.h.
 */
#include "ingest/decode/fast.h"

#include "ingest/decode/draft.h"
#include "ingest/decode/fast_internal.h"
#include "ingest/decode/json_scan.h"
#include "ingest/decode/layer.h"
#include "ingest/decode/status_shape.h"

#include <string.h>

/* Lines with a longer payload go the way of single bodies, which makes room for theirs. */
#define LINE_PAYLOAD_CHARS ((size_t)64 << 10)

/* --- leads that are new -------------------------------------------------------------------- */

/* What leads up to a value: the opening brace or a comma, then a name and its colon. */
static const uint8_t *scan_lead(const uint8_t *at, const uint8_t *end, bool first,
                                struct slice *name)
{
    at = scan_byte(scan_blanks(at, end), end, first ? '{' : ',');
    return scan_name(scan_blanks(at, end), end, name);
}

/* Where the message that goes on at `at` must end: its line break, or the end of the body. */
static const uint8_t *message_end(const struct fast_run *run, const uint8_t *at)
{
    if (!run->is_line)
        return run->end;
    const uint8_t *const line_break = memchr(at, '\n', (size_t)(run->end - at));
    return line_break ? line_break : at;
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

static bool is_short(const struct lead *lead)
{
    return lead->len > 0 && lead->len <= SHORT_LEAD_BYTES;
}

/* The order in which the platform writes the members. */
static bool is_usual(const struct lead leads[ENVELOPE_LEADS])
{
    static const enum envelope_member usual[ENVELOPE_LEADS] = {
        MEMBER_PAYLOAD, MEMBER_TYPE, MEMBER_TOPIC, MEMBER_ID, MEMBER_TIMESTAMP};
    for (size_t i = 0; i < ENVELOPE_LEADS; i++) {
        if (leads[i].member != usual[i] || !is_short(&leads[i]))
            return false;
    }
    return true;
}

const uint8_t *fast_learn_envelope(struct fast_run *run, struct lead *lead, const uint8_t *at,
                                   bool first)
{
    struct slice name = {0};
    const uint8_t *const after = scan_lead(at, message_end(run, at), first, &name);
    if (!after)
        return NULL;
    lead_keep(lead, at, after, name, (uint8_t)envelope_member_of(name));
    run->decoder->usual_envelope = is_usual(run->decoder->envelope_leads);
    return after;
}

const uint8_t *fast_find_close(const struct fast_run *run, const uint8_t *at)
{
    const uint8_t *const end = message_end(run, at);
    const uint8_t *const close = scan_byte(scan_blanks(at, end), end, '}');
    if (scan_blanks(close, end) != end)
        return NULL;
    return run->is_line ? end + 1 : end;
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

const uint8_t *fast_learn_payload(struct fast_run *run, size_t n, const uint8_t *at,
                                  const uint8_t *end)
{
    struct decoder *const decoder = run->decoder;
    struct lead *const lead = &decoder->payload_leads[n];
    struct slice name = {0};
    const uint8_t *const after = scan_lead(at, end, n == 0, &name);
    if (!after || name.len > NAME_BYTES_MAX || SLICE_IS(name, "deviceSecret"))
        return NULL;
    lead_keep(lead, at, after, name, find_time_field(&decoder->config->time_fields, name));
    if (decoder->distinct_leads > n)
        decoder->distinct_leads = n;
    if (decoder->plain_leads > n)
        decoder->plain_leads = n;
    if (lead->member == LEAD_OF_METRIC && !fast_find_metric(run, lead, name))
        return NULL;
    return after;
}

void fast_note_plain(struct decoder *decoder, size_t n)
{
    size_t plain = 0;
    while (plain < n && plain < FAST_CELLS_MAX && is_short(&decoder->payload_leads[plain]) &&
           decoder->payload_leads[plain].member == LEAD_OF_METRIC &&
           decoder->payload_leads[plain].run == decoder->run)
        plain++;
    decoder->plain_leads = plain;
    decoder->all_plain = plain == n;
}

/*
 * Of so many lines that have not the shape, one is learned from. Those of two kinds in turns make
 * the other kind's shape be forgotten no more often than that.
 */
#define SHAPE_WAIT_LINES 16u

static bool is_learned_from(uint32_t *wait)
{
    if (*wait > 0) {
        --*wait;
        return false;
    }
    *wait = SHAPE_WAIT_LINES;
    return true;
}

static void learn_reading(struct decoder *decoder, struct slice line)
{
    const struct lead *const leads = decoder->envelope_leads;
    const struct envelope_leads envelope = {
        .payload = &leads[0],
        .type = &leads[1],
        .topic = &leads[2],
        .id = &leads[3],
        .timestamp = &leads[4],
        .type_word = "upload",
    };
    if (decoder->usual_envelope && decoder->all_plain)
        (void)line_shape_learn(&decoder->shape, line, &envelope, decoder->payload_leads,
                               decoder->plain_leads);
}

/* Of members in the usual order, or the same without a topic. */
static void learn_status(struct decoder *decoder, struct slice line)
{
    const struct lead *const first = decoder->envelope_leads;
    const struct lead *const rest = decoder->status_leads;
    const bool has_topic = rest[2].member == MEMBER_TOPIC;
    const struct envelope_leads envelope = {
        .payload = &first[0],
        .type = &first[1],
        .topic = has_topic ? &rest[2] : NULL,
        .id = &rest[2 + has_topic],
        .timestamp = &rest[3 + has_topic],
        .type_word = "status",
    };
    if (envelope.payload->member == MEMBER_PAYLOAD && envelope.type->member == MEMBER_TYPE &&
        envelope.id->member == MEMBER_ID && envelope.timestamp->member == MEMBER_TIMESTAMP)
        (void)status_shape_learn(&decoder->status_shape, line, &envelope);
}

void fast_note_line(struct fast_run *run, struct slice line)
{
    struct decoder *const decoder = run->decoder;
    const struct row_batch *const batch = run->batch;
    const bool is_status = batch->messages[batch->message_count - 1].verdict == MESSAGE_STATUS;
    if (!is_learned_from(is_status ? &decoder->status_wait : &decoder->shape_wait))
        return;
    if (is_status)
        learn_status(decoder, line);
    else
        learn_reading(decoder, line);
}

const uint8_t *fast_scan_topic(const uint8_t *at, const uint8_t *end, struct slice *topic,
                               struct slice *device)
{
    at = scan_string(at, end, topic);
    *device = at ? topic_device(*topic, false) : (struct slice){0};
    return at;
}

bool fast_find_metric(struct fast_run *run, struct lead *lead, struct slice name)
{
    run->status = name_table_add(&run->batch->metrics, name, &lead->number);
    if (run->status != STATUS_OK)
        return false;
    lead->run = run->decoder->run;
    return true;
}

bool fast_has_equal_metrics(const struct cell *cells, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (cells[i].metric == cells[j].metric)
                return true;
        }
    }
    return false;
}

bool fast_resolve_slowly(struct fast_run *run, struct slice name, uint32_t *number)
{
    run->status = row_batch_device(run->batch, name, number);
    return run->status == STATUS_OK;
}

/* --- times in payloads --------------------------------------------------------------------- */

static bool is_utc(struct slice name)
{
    return name.len >= 3 && memcmp(name.data, "utc", 3) == 0;
}

const uint8_t *fast_scan_time(const uint8_t *at, const uint8_t *end, bool utc,
                              struct time_member *member)
{
    if (!at || at == end)
        return NULL;
    member->utc = utc;
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

/* --- status events ------------------------------------------------------------------------- */

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
            at = scan_separator(fast_scan_time(at, end, is_utc(name), &value), end, &more);
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

bool fast_take_status(struct fast_run *run, const struct fast_envelope *envelope)
{
    struct time_member members[STATUS_OTHER] = {0};
    uint8_t room[NAME_BYTES_MAX];
    if (!scan_status(envelope->payload, members))
        return false;
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
        return false;
    const struct row_batch_mark mark = row_batch_mark(run->batch);
    run->status = status_event_add(run->decoder, run->batch, envelope->time, &event);
    if (run->status != STATUS_OK)
        row_batch_rewind(run->batch, mark);
    return run->status == STATUS_OK;
}

bool fast_learn_day(struct status_day *day, const uint8_t *date)
{
    const uint8_t *const d = date;
    const struct civil_time time = {
        .year = (d[0] - '0') * 1000 + (d[1] - '0') * 100 + (d[2] - '0') * 10 + (d[3] - '0'),
        .month = (uint8_t)((d[5] - '0') * 10 + (d[6] - '0')),
        .day = (uint8_t)((d[8] - '0') * 10 + (d[9] - '0')),
    };
    if (!civil_is_valid(&time))
        return false;
    memcpy(day->date, date, sizeof day->date);
    day->from_ms = civil_to_utc_ms(&time);
    return true;
}

/* --- ways in ------------------------------------------------------------------------------- */

static enum status reserve_room(struct buffer *buffer, size_t text_len)
{
    buffer_clear(buffer);
    const size_t room = base64_room(text_len) + SLACK_BYTES;
    return room <= buffer->capacity ? STATUS_OK : buffer_reserve(buffer, room);
}

/* All but the devices of `pending`, which are written before they are read. */
static void run_begin(struct fast_run *run, struct decoder *decoder, struct row_batch *batch,
                      struct slice messages)
{
    run->decoder = decoder;
    run->batch = batch;
    run->until = messages.data + messages.len;
    run->end = run->until;
    run->shaped_until = NULL;
    run->is_line = false;
    run->payload_chars_max = 0;
    run->status = STATUS_OK;
    run->filling = &run->pending[0];
    run->pending[0].count = 0;
    run->pending[1].count = 0;
    run->pending[0].table = TABLE_READINGS;
    run->pending[1].table = TABLE_READINGS;
    run->statuses.block.count = 0;
    run->statuses.block.table = TABLE_STATUS;
}

/* The shape's metrics get their numbers in the run's batch: mostly those that they had before. */
static enum status find_shape_metrics(const struct fast_run *run)
{
    struct line_shape *const shape = &run->decoder->shape;
    struct name_table *const metrics = &run->batch->metrics;
    for (size_t i = 0; i < shape->lead_count; i++) {
        struct lead *const lead = &shape->leads[i];
        if (lead->number >= metrics->count ||
            !slice_equal(metrics->names[lead->number], lead_name(lead)))
            TRY(name_table_add(metrics, lead_name(lead), &lead->number));
    }
    return STATUS_OK;
}

/* Takes what it can; without memory nothing is taken. */
static enum status take_run(struct fast_run *run, const uint8_t *messages, size_t *taken_len)
{
    struct decoder *const decoder = run->decoder;
    struct row_batch *const batch = run->batch;
    const struct row_batch_mark mark = row_batch_mark(batch);
    const size_t messages_before = batch->message_count;
    TRY(reserve_room(&decoder->payload, run->payload_chars_max));
    TRY(name_table_prepare(&batch->devices));
    decoder->run++;
    decoder->plain_leads = 0;
    const bool wide = fast_can_avx2() && !decoder->portable_only;
    if (run->is_line && wide && run->until[-1] == '\n') {
        TRY(find_shape_metrics(run));
        run->shaped_until = run->until;
    }
    const uint8_t *const stopped =
        wide ? fast_run_avx2(run, messages) : fast_run_portable(run, messages);
    if (run->status != STATUS_OK) {
        row_batch_rewind(batch, mark);
        batch->message_count = messages_before;
        return run->status;
    }
    decoder->fast_count += batch->message_count - messages_before;
    *taken_len = (size_t)(stopped - messages);
    return STATUS_OK;
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
    struct fast_run run;
    run_begin(&run, decoder, batch, text);
    run.payload_chars_max = text.len;
    size_t taken_len = 0;
    TRY(take_run(&run, text.data, &taken_len));
    *taken = taken_len > 0;
    return STATUS_OK;
}

enum status fast_take_lines(struct decoder *decoder, struct slice lines, struct row_batch *batch,
                            size_t *taken_len)
{
    *taken_len = 0;
    if (lines.len == 0)
        return STATUS_OK;
    struct fast_run run;
    run_begin(&run, decoder, batch, lines);
    run.is_line = true;
    run.end += DECODE_SLACK_BYTES;
    run.payload_chars_max = LINE_PAYLOAD_CHARS;
    return take_run(&run, lines.data, taken_len);
}
