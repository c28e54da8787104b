/*
 * fast_path.h - the way of a plain message, from its text to its row.
 *
 * (1) Everything is scanned and checked before the batch counts it: a message
 *     that is left to the general path leaves no rows behind. Cells are written where they
 *     will stand, behind the batch's last one.
 * (2) Accepted is only what has no member twice that could matter, and no member
 *     of a custom payload whose value would be passed over: then "the last of
 *     equal names counts" has nothing to decide.
 * (3) Envelopes with other members than the five, and every odd value, fall out.
 * (4) What leads up to a value is compared with what stood there in the last message
 *     (lead.h), and scanned only where it differs.
 * (5) Devices are looked up at least PENDING_MAX rows later, when what they are looked
 *     up in has come from memory.
 * (6) Nothing reads across the line break that ends a message: strings, numbers, base64 and
 *     leads stop before one, and blanks are skipped only in rare steps that know the line's end.
 *
 * (7) take_usual is a way of nearly all readings, without a branch that depends on the shape; where
 *     whole lines are held against the shape of one before (fast_shaped.h), that comes first and
 *     this is for sets whose lines have no shape that can be kept. Whatever they do not take goes
 *     through take_any, from its start.
 *
 * Included by one file for each kind of processor, which defines before:
 *
 *      FAST_PATH, FAST_RARE  what functions are declared with: inlined, or not
 *      wide_lead_matches     lead_matches
 *      wide_lead_stands      the same of a short lead where SHORT_LEAD_BYTES can be read
 *      wide_base64_run       base64_decode_run
 *      wide_known_is         known_names_is
 *      wide_scan_topic       the topic's string and the device in it
 *      wide_scan_id          an unsigned number, mostly of 19 digits
 *      wide_scan_seconds     an unsigned number, mostly of 10 digits
 *      wide_scan_number      scan_number, at or before the end of a payload
 *
 * and behind:
 *
 *      wide_take_shaped      takes lines that have one of the shapes that are kept
 */

#include "ingest/decode/fast_internal.h"

#if defined(FAST_PATH) /* else it is looked at alone */

/* --- the envelope -------------------------------------------------------------------------- */

/* The payload's string: decoded while it is scanned. Padding may be missing. */
FAST_PATH const uint8_t *scan_payload(const struct fast_run *run, const uint8_t *at,
                                      struct slice *payload)
{
    at = scan_byte(at, run->end, '"');
    if (!at)
        return NULL;
    uint8_t *const room = run->decoder->payload.data;
    const size_t left = (size_t)(run->end - at);
    const size_t most = left < run->payload_chars_max ? left : run->payload_chars_max;
    const size_t count = wide_base64_run(slice_of(at, most), room);
    const size_t held = count % 4;
    const size_t len = base64_run_bytes(count);
    at += count;
    memset(room + len, 0, SLACK_BYTES);
    *payload = slice_of(room, len);
    if (held == 1)
        return NULL;
    if (held > 0 && at < run->end && *at == '=') {
        at = scan_byte(at, run->end, '=');
        if (held == 2)
            at = scan_byte(at, run->end, '=');
    }
    return scan_byte(at, run->end, '"');
}

FAST_PATH const uint8_t *scan_id(const uint8_t *at, const uint8_t *end, uint64_t *id)
{
    if (at == end)
        return NULL;
    if (*at != '"')
        return wide_scan_id(at, end, id);
    return scan_byte(wide_scan_id(at + 1, end, id), end, '"');
}

FAST_PATH const uint8_t *scan_type(const uint8_t *at, const uint8_t *end, bool *is_status)
{
    static const char upload[] = "\"upload\"";
    static const char status[] = "\"status\"";
    if (end - at < 8)
        return NULL;
    *is_status = memcmp(at, status, 8) == 0;
    return *is_status || memcmp(at, upload, 8) == 0 ? at + 8 : NULL;
}

/* Status messages may have null, which is as good as none. */
FAST_PATH const uint8_t *scan_topic(const uint8_t *at, const uint8_t *end,
                                    struct fast_envelope *envelope)
{
    if (at == end)
        return NULL;
    if (*at == 'n')
        return end - at >= 4 && memcmp(at, "null", 4) == 0 ? at + 4 : NULL;
    return wide_scan_topic(at, end, &envelope->topic, &envelope->device);
}

FAST_PATH const uint8_t *scan_timestamp(const uint8_t *at, const uint8_t *end, int64_t *timestamp_s)
{
    uint64_t value = 0;
    at = wide_scan_seconds(at, end, &value);
    if (!at || value < TIMESTAMP_S_MIN || value > TIMESTAMP_S_MAX)
        return NULL;
    *timestamp_s = (int64_t)value;
    return at;
}

/* A chain of ifs: the order of members repeats and so predicts well, a table of jumps does not. */
FAST_PATH const uint8_t *scan_envelope_value(const struct fast_run *run, const uint8_t *at,
                                             unsigned member, struct fast_envelope *envelope)
{
    if (member == MEMBER_PAYLOAD)
        return scan_payload(run, at, &envelope->payload);
    if (member == MEMBER_TYPE)
        return scan_type(at, run->end, &envelope->is_status);
    if (member == MEMBER_TOPIC)
        return scan_topic(at, run->end, envelope);
    if (member == MEMBER_ID)
        return scan_id(at, run->end, &envelope->time.message_id);
    if (member == MEMBER_TIMESTAMP)
        return scan_timestamp(at, run->end, &envelope->time.timestamp_s);
    return NULL;
}

/*
 * The place behind the message, or NULL. Status messages have other members behind their type than
 * readings, and leads of their own there, so that neither kind learns anew after the other.
 */
FAST_RARE const uint8_t *scan_envelope(struct fast_run *run, const uint8_t *at,
                                       struct fast_envelope *envelope)
{
    unsigned seen = 0;
    for (size_t n = 0; n < ENVELOPE_LEADS; n++) {
        struct decoder *const decoder = run->decoder;
        struct lead *const lead =
            envelope->is_status ? &decoder->status_leads[n] : &decoder->envelope_leads[n];
        const uint8_t *const value = wide_lead_matches(lead, at, run->end)
                                         ? at + lead->len
                                         : fast_learn_envelope(run, lead, at, n == 0);
        if (!value)
            break; /* the end, or something that only the general path knows */
        const unsigned member = lead->member;
        at = scan_envelope_value(run, value, member, envelope);
        if (!at || (seen & member))
            return NULL;
        seen |= member;
        if (at < run->end && *at == '}')
            break;
    }
    if ((seen & MEMBERS_NEEDED) != MEMBERS_NEEDED)
        return NULL;
    if (run->is_line && run->end - at >= 2 && at[0] == '}' && at[1] == '\n')
        return at + 2;
    return fast_find_close(run, at);
}

/* --- readings ------------------------------------------------------------------------------ */

struct fast_reading {
    struct time_member times[TIME_FIELDS_MAX]; /* as many as there are time fields, if has_time */
    uint32_t count;                            /* of cells */
    bool has_time;                             /* any of `times` stands in the payload */
};

FAST_PATH const uint8_t *scan_cell_value(const uint8_t *at, const uint8_t *end,
                                         struct number *number)
{
    if (*at != 't' && *at != 'f')
        return wide_scan_number(at, end, number);
    const bool is_true = *at == 't';
    *number = normal_decimal(is_true, 0);
    return memcmp(at, is_true ? "true" : "fals", 4) != 0 ? NULL
           : is_true                                     ? at + 4
                                                         : scan_byte(at + 4, end, 'e');
}

FAST_PATH const uint8_t *scan_metric(struct fast_run *run, const uint8_t *at, const uint8_t *end,
                                     const struct lead *lead, struct fast_reading *reading)
{
    if (reading->count == FAST_CELLS_MAX)
        return NULL;
    struct number number;
    at = scan_cell_value(at, end, &number);
    if (!at)
        return NULL;
    run->batch->cells[run->batch->cell_count + reading->count++] =
        (struct cell){.mantissa = number.mantissa,
                      .metric = lead->number,
                      .exponent = number.exponent,
                      .kind = number.kind};
    return at;
}

/* The place behind the n-th lead and its value. */
FAST_PATH const uint8_t *scan_member(struct fast_run *run, const uint8_t *at, const uint8_t *end,
                                     struct lead *lead, struct fast_reading *reading)
{
    if (lead->member == LEAD_OF_METRIC) {
        if (lead->run != run->decoder->run && !fast_find_metric(run, lead, lead_name(lead)))
            return NULL;
        return scan_metric(run, at, end, lead, reading);
    }
    const struct time_fields *const fields = &run->decoder->config->time_fields;
    if (!reading->has_time)
        memset(reading->times, 0, fields->count * sizeof reading->times[0]);
    reading->has_time = true;
    struct time_member *const member = &reading->times[lead->member];
    return member->form == TIME_FORM_NONE ? fast_scan_time(at, end, lead->utc, member) : NULL;
}

FAST_RARE bool scan_reading(struct fast_run *run, struct slice payload,
                            struct fast_reading *reading)
{
    struct decoder *const decoder = run->decoder;
    const uint8_t *const behind = payload.data + payload.len;
    const uint8_t *const end = behind + SLACK_BYTES;
    const uint8_t *at = payload.data;
    size_t n = 0;
    for (; n < PAYLOAD_LEADS; n++) {
        struct lead *const lead = &decoder->payload_leads[n];
        const uint8_t *const value =
            wide_lead_matches(lead, at, end) ? at + lead->len : fast_learn_payload(run, n, at, end);
        if (!value)
            break; /* as for the envelope */
        at = scan_member(run, value, end, lead, reading);
        if (!at)
            return false;
        if (*at == '}') {
            n++;
            break;
        }
    }
    if (reading->count == 0)
        return false;
    if (n > decoder->distinct_leads) {
        if (fast_has_equal_metrics(run->batch->cells + run->batch->cell_count, reading->count))
            return false;
        decoder->distinct_leads = n;
    }
    fast_note_plain(decoder, n);
    return scan_blanks(scan_byte(scan_blanks(at, behind), behind, '}'), behind) == behind;
}

/* Values of metrics alone, as in the last message: `*count` cells. False does not say that it is no
 * reading. */
FAST_PATH bool scan_plain_reading(const struct fast_run *run, struct slice payload, uint32_t *count)
{
    const struct decoder *const decoder = run->decoder;
    const uint8_t *const behind = payload.data + payload.len;
    const uint8_t *const end = behind + SLACK_BYTES;
    const uint8_t *at = payload.data;
    struct cell *cell = run->batch->cells + run->batch->cell_count;
    const struct lead *lead = decoder->payload_leads;
    for (size_t left = decoder->plain_leads; left > 0; left--, lead++, cell++) {
        if (!wide_lead_stands(lead, at))
            return false;
        struct number number;
        at = wide_scan_number(at + lead->len, end, &number);
        if (!at)
            return false;
        *cell = (struct cell){.mantissa = number.mantissa,
                              .metric = lead->number,
                              .exponent = number.exponent,
                              .kind = number.kind};
        if (*at == '}') {
            *count = (uint32_t)(lead - decoder->payload_leads) + 1;
            return at + 1 == behind;
        }
    }
    return false;
}

/* Has what the names of a block are looked up in come from memory. */
FAST_PATH void hash_devices(const struct fast_run *run, struct pending_block *block)
{
    const struct known_names *const known = run->batch->known_devices;
    const struct name_table *const devices = &run->batch->devices;
    const uint64_t seed = known ? known->seed : devices->seed;
    const size_t count = block->count;
    for (size_t i = 0; i < count; i++) {
        const struct pending_device *const device = &block->devices[i];
        block->hashes[i] = bytes_hash_inline(device->name, device->len, seed);
        if (known)
            known_names_prefetch(known, block->hashes[i]);
        else
            name_table_prefetch(devices, block->hashes[i]);
    }
}

/* First all guesses, then all looks at the names: these have come from memory by then. */
FAST_PATH bool resolve_known(struct fast_run *run, const struct pending_block *block)
{
    const struct known_names *const known = run->batch->known_devices;
    struct row *const rows = run->batch->rows[block->table];
    const size_t count = block->count;
    uint32_t guesses[PENDING_MAX];
    for (size_t i = 0; i < count; i++) {
        if (!known_names_guess(known, block->hashes[i], &guesses[i]))
            guesses[i] = KNOWN_NUMBER_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        const struct pending_device *const device = &block->devices[i];
        const struct slice name = slice_of(device->name, device->len);
        uint32_t number = guesses[i] | ROW_DEVICE_KNOWN;
        if ((guesses[i] == KNOWN_NUMBER_LIMIT || !wide_known_is(run, guesses[i], name)) &&
            !fast_resolve_slowly(run, name, &number))
            return false;
        rows[device->row].device = number;
    }
    return true;
}

FAST_PATH bool resolve_in_batch(struct fast_run *run, const struct pending_block *block)
{
    struct row *const rows = run->batch->rows[block->table];
    for (size_t i = 0; i < block->count; i++) {
        const struct pending_device *const device = &block->devices[i];
        const struct slice name = slice_of(device->name, device->len);
        uint32_t number = 0;
        if (!name_table_hit(&run->batch->devices, block->hashes[i], name, &number) &&
            !fast_resolve_slowly(run, name, &number))
            return false;
        rows[device->row].device = number;
    }
    return true;
}

FAST_PATH bool resolve_devices(struct fast_run *run, struct pending_block *block)
{
    const bool resolved =
        run->batch->known_devices ? resolve_known(run, block) : resolve_in_batch(run, block);
    block->count = 0;
    return resolved;
}

/* The block that fills is full, or the last: the other one has had its time. */
FAST_RARE bool turn_blocks(struct fast_run *run)
{
    struct pending_block *const filled = run->filling;
    run->filling = filled == run->pending ? &run->pending[1] : &run->pending[0];
    hash_devices(run, filled);
    return resolve_devices(run, run->filling);
}

/* The devices of status messages, which are fewer, wait in one block. */
FAST_RARE bool resolve_statuses(struct fast_run *run)
{
    hash_devices(run, &run->statuses.block);
    return resolve_devices(run, &run->statuses.block);
}

/* The row that is added next has this device; its number will be known later. */
FAST_PATH bool push_device(struct fast_run *run, struct slice name)
{
    struct pending_block *const block = run->filling;
    block->devices[block->count++] =
        (struct pending_device){.name = name.data,
                                .len = (uint32_t)name.len,
                                .row = (uint32_t)run->batch->row_count[TABLE_READINGS]};
    return block->count < PENDING_MAX || turn_blocks(run);
}

FAST_PATH struct business_time reading_time(const struct fast_run *run,
                                            const struct fast_reading *reading,
                                            struct envelope_time envelope)
{
    if (!reading->has_time)
        return business_time_of_envelope(envelope);
    const struct decoder_config *const config = run->decoder->config;
    return business_time_choose(reading->times, config->time_fields.count, &config->payload_zone,
                                envelope);
}

FAST_PATH bool has_room(struct fast_run *run)
{
    if (row_batch_has_room(run->batch, TABLE_READINGS, FAST_CELLS_MAX))
        return true;
    run->status = row_batch_make_room(run->batch, TABLE_READINGS, FAST_CELLS_MAX);
    return run->status == STATUS_OK;
}

FAST_RARE bool take_reading(struct fast_run *run, const struct fast_envelope *envelope)
{
    struct row_batch *const batch = run->batch;
    struct fast_reading reading;
    reading.count = 0;
    reading.has_time = false;
    if (envelope->device.len == 0 || envelope->device.len > NAME_BYTES_MAX)
        return false;
    if (!has_room(run) || !scan_reading(run, envelope->payload, &reading) ||
        !push_device(run, envelope->device))
        return false;
    const struct business_time when = reading_time(run, &reading, envelope->time);
    const struct row row = {
        .time_ms = when.time_ms,
        .message_id = envelope->time.message_id,
        .cell_count = reading.count,
        .time_source = when.source,
        .clock_fault = when.clock_fault,
    };
    row_batch_put_whole(batch, TABLE_READINGS, &row);
    return true;
}

/* --- messages ------------------------------------------------------------------------------ */

FAST_RARE const uint8_t *take_any(struct fast_run *run, const uint8_t *at)
{
    struct fast_envelope envelope = {0};
    const uint8_t *const behind = scan_envelope(run, at, &envelope);
    if (!behind || behind > run->until || (size_t)(behind - at) > BODY_BYTES_MAX)
        return NULL;
    const bool taken =
        envelope.is_status ? fast_take_status(run, &envelope) : take_reading(run, &envelope);
    return taken ? behind : NULL;
}

/*
 * A reading whose envelope has the five members in their usual order. NULL does not say that it
 * is none.
 */
FAST_PATH const uint8_t *take_usual(struct fast_run *run, const uint8_t *at)
{
    const struct lead *const leads = run->decoder->envelope_leads;
    const uint8_t *const end = run->end;
    if (end - at < USUAL_BYTES || !wide_lead_stands(&leads[0], at))
        return NULL;
    struct slice payload;
    at = scan_payload(run, at + leads[0].len, &payload);
    if (!at || end - at < USUAL_BYTES || !wide_lead_stands(&leads[1], at))
        return NULL;
    at += leads[1].len;
    if (memcmp(at, "\"upload\"", 8) != 0 || !wide_lead_stands(&leads[2], at + 8))
        return NULL;
    struct slice topic;
    struct slice device;
    at = wide_scan_topic(at + 8 + leads[2].len, end, &topic, &device);
    if (!at || topic.len > USUAL_TOPIC_BYTES || !wide_lead_stands(&leads[3], at))
        return NULL;
    struct envelope_time time;
    at = wide_scan_id(at + leads[3].len, end, &time.message_id);
    if (!at || !wide_lead_stands(&leads[4], at))
        return NULL;
    at = scan_timestamp(at + leads[4].len, end, &time.timestamp_s);
    if (!at || at[0] != '}' || at[1] != '\n' || at + 2 > run->until || !has_room(run) ||
        device.len == 0 || device.len > NAME_BYTES_MAX)
        return NULL;
    struct row row = {.message_id = time.message_id};
    if (!scan_plain_reading(run, payload, &row.cell_count) || !push_device(run, device))
        return NULL;
    const struct business_time when = business_time_of_envelope(time);
    row.time_ms = when.time_ms;
    row.time_source = when.source;
    row_batch_put_whole(run->batch, TABLE_READINGS, &row);
    return at + 2;
}

FAST_PATH const uint8_t *wide_take_shaped(struct fast_run *run, const uint8_t *at);

/* True if a shape of either kind is kept. */
FAST_PATH bool has_shape(const struct decoder *decoder)
{
    return (decoder->shape.lead_count | decoder->status_shape.line.lead_count) > 0;
}

FAST_PATH const uint8_t *take_messages(struct fast_run *run, const uint8_t *at)
{
    const struct decoder *const decoder = run->decoder;
    while (run->status == STATUS_OK) {
        const bool is_shaped = run->shaped_until && decoder->shape.lead_count > 0;
        if (run->shaped_until && has_shape(decoder))
            at = wide_take_shaped(run, at);
        if (at == run->until || run->status != STATUS_OK)
            break;
        const uint8_t *behind = NULL;
        if (!is_shaped && run->is_line && decoder->usual_envelope)
            behind = take_usual(run, at);
        if (!behind && run->status == STATUS_OK)
            behind = take_any(run, at);
        if (!behind)
            break;
        if (run->shaped_until)
            fast_note_line(run, slice_of(at, (size_t)(behind - at)));
        at = behind;
    }
    if (run->status == STATUS_OK && turn_blocks(run) && turn_blocks(run))
        (void)resolve_statuses(run);
    return at;
}

#endif
