/*
 * fast_status.h - the way of status messages in lines that have the shape of one before.
 *
 * (1), (2) and (3) of fast_shaped.h hold here, too.
 * (4) Every value ends at a quote before `behind`, or the line is not taken; looks begin before
 *     `behind` and are within the slack.
 *
 * Included by fast_shaped.h at its end, which has how lines are held against shapes.
 */

#include "ingest/decode/fast_internal.h"
#include "ingest/decode/status_shape.h"

#if defined(FAST_PATH) /* else it is looked at alone */

#define STATUS_TIME_CHARS 23u /* YYYY-MM-DD HH:MM:SS.mmm, or with T; perhaps Z behind it */
#define STATUS_CELLS      2u
#define MINUTES_A_DAY     1440

/* --- values -------------------------------------------------------------------------------- */

/* The place of the quote that ends a plain string, or of what makes it none. */
FAST_PATH const uint8_t *find_text_end(const uint8_t *at, const uint8_t *behind)
{
    while (at < behind) {
        const __m256i special = find_special(_mm256_loadu_si256((const void *)at));
        const uint32_t bits = (uint32_t)_mm256_movemask_epi8(special);
        if (bits != 0)
            return at + _tzcnt_u32(bits);
        at += 32;
    }
    return behind;
}

/* The values of a payload, one for each lead but the last. */
FAST_PATH bool scan_status_texts(const struct line_shape *shape, const uint8_t *at,
                                 const uint8_t *behind, struct slice texts[SHAPE_LEADS_MAX])
{
    for (size_t i = 0;; i++) {
        const struct lead *const lead = &shape->leads[i];
        if (!shaped_lead_stands(lead, at))
            return false;
        at += lead->len;
        if (i + 1 == shape->lead_count)
            return at == behind;
        const uint8_t *const end = find_text_end(at, behind);
        if (end >= behind)
            return false;
        texts[i] = slice_of(at, (size_t)(end - at));
        at = end;
    }
}

/* "online" or "offline". */
FAST_PATH bool read_state(struct slice text, bool *online)
{
    *online = SLICE_IS(text, "online");
    return *online || SLICE_IS(text, "offline");
}

/* True if digits, dashes, colons and the point stand where a time has them. */
FAST_PATH bool is_time_text(const uint8_t *at)
{
    const __m256i bytes = _mm256_loadu_si256((const void *)at);
    const __m256i above = _mm256_sub_epi8(bytes, wide_table(wide_tables.time_low));
    const __m256i least = _mm256_min_epu8(above, wide_table(wide_tables.time_span));
    return are_all_right(_mm256_cmpeq_epi8(least, above)) && (at[10] == ' ' || at[10] == 'T');
}

/* The one form in which the platform writes times. False does not say that it is none. */
FAST_PATH bool read_status_time(struct decoder *decoder, struct slice text, bool utc,
                                int64_t *time_ms)
{
    const struct civil_zone *const zone = &decoder->config->payload_zone;
    struct status_day *const day = &decoder->status_day;
    const uint8_t *const at = text.data;
    const bool has_zone = text.len == STATUS_TIME_CHARS + 1 && at[STATUS_TIME_CHARS] == 'Z';
    if ((text.len != STATUS_TIME_CHARS && !has_zone) || !is_time_text(at))
        return false;
    if ((load_u64(at) != load_u64(day->date) || memcmp(at + 8, day->date + 8, 2) != 0) &&
        !fast_learn_day(day, at))
        return false;
    utc = utc || has_zone;
    if (zone->named && !utc)
        return false;
    /* Pairs of digits, the last of the milliseconds alone; then minutes, milliseconds, and it. */
    const __m128i bytes = _mm_loadu_si128((const void *)(at + 8));
    const __m128i places = _mm_shuffle_epi8(bytes, half_table(wide_tables.time_places));
    const __m128i digits = _mm_and_si128(places, half_table(wide_tables.nibbles));
    const __m128i pairs = _mm_maddubs_epi16(digits, half_table(wide_tables.time_to_pairs));
    const __m128i sums = _mm_madd_epi16(pairs, half_table(wide_tables.time_to_sums));
    const int minutes = _mm_cvtsi128_si32(sums);
    const int64_t rest_ms = _mm_extract_epi32(sums, 1) + _mm_extract_epi32(sums, 2);
    *time_ms = day->from_ms + minutes * MS_PER_MINUTE + rest_ms -
               (utc ? 0 : zone->offset_s * MS_PER_SECOND);
    return minutes < MINUTES_A_DAY;
}

/* --- rows ---------------------------------------------------------------------------------- */

FAST_PATH bool has_status_room(struct fast_run *run)
{
    if (row_batch_has_room(run->batch, TABLE_STATUS, STATUS_CELLS))
        return true;
    run->status = row_batch_make_room(run->batch, TABLE_STATUS, STATUS_CELLS);
    return run->status == STATUS_OK;
}

/*
 * As push_device, of the row added last. Both parts of the name are copied 32 bytes at once: as
 * many are readable.
 */
FAST_PATH bool push_status_device(struct fast_run *run, struct slice product, struct slice name)
{
    struct pending_block *const block = &run->statuses.block;
    uint8_t *const room = run->statuses.names[block->count];
    _mm256_storeu_si256((void *)room, _mm256_loadu_si256((const void *)product.data));
    room[product.len] = '/';
    _mm256_storeu_si256((void *)(room + product.len + 1),
                        _mm256_loadu_si256((const void *)name.data));
    block->devices[block->count++] =
        (struct pending_device){.name = room,
                                .len = (uint32_t)(product.len + 1 + name.len),
                                .row = (uint32_t)run->batch->row_count[TABLE_STATUS] - 1};
    return block->count < PENDING_MAX || resolve_statuses(run);
}

FAST_PATH struct cell status_cell(uint32_t metric, int64_t value)
{
    const struct number number = normal_decimal(value, 0);
    return (struct cell){.mantissa = number.mantissa,
                         .metric = metric,
                         .exponent = number.exponent,
                         .kind = number.kind};
}

struct status_values {
    struct slice product;
    struct slice name;
    int64_t time_ms;
    int64_t contact_ms; /* if has_contact */
    bool has_contact;
    bool online;
};

/* What the values of a payload say; false if any is not as it mostly is. */
FAST_PATH bool read_status_values(struct decoder *decoder, const struct slice *texts,
                                  struct status_values *values)
{
    const struct status_shape *const shape = &decoder->status_shape;
    const struct lead *const leads = shape->line.leads;
    values->product = texts[shape->product];
    values->name = texts[shape->name];
    values->contact_ms = 0;
    values->has_contact = shape->contact != STATUS_NO_VALUE;
    return values->product.len > 0 && values->product.len <= STATUS_PRODUCT_BYTES &&
           values->name.len > 0 && values->name.len <= STATUS_NAME_BYTES &&
           read_state(texts[shape->state], &values->online) &&
           read_status_time(decoder, texts[shape->time], leads[shape->time].utc,
                            &values->time_ms) &&
           (!values->has_contact ||
            read_status_time(decoder, texts[shape->contact], leads[shape->contact].utc,
                             &values->contact_ms));
}

/* In place: there is room. */
FAST_PATH void put_status_row(struct row_batch *batch, uint64_t id,
                              const struct status_values *values)
{
    const size_t index = batch->row_count[TABLE_STATUS]++;
    struct cell *const cells = batch->cells + batch->cell_count;
    cells[0] = status_cell(STATUS_METRIC_STATE, values->online ? STATUS_ONLINE : STATUS_OFFLINE);
    if (values->has_contact)
        cells[1] = status_cell(STATUS_METRIC_CONTACT_AGE, values->time_ms - values->contact_ms);
    const uint32_t cell_count = values->has_contact ? 2 : 1;
    batch->rows[TABLE_STATUS][index] = (struct row){
        .time_ms = values->time_ms,
        .message_id = id,
        .first_cell = (uint32_t)batch->cell_count,
        .cell_count = cell_count,
        .time_source = TIME_SOURCE_PAYLOAD,
    };
    batch->messages[batch->message_count++] = (struct message){
        .id = id,
        .first = (uint32_t)index,
        .count = 1,
        .verdict = MESSAGE_STATUS,
        .has_id = true,
    };
    batch->cell_count += cell_count;
}

/* The place behind the line, or NULL: it is not taken. */
FAST_RARE const uint8_t *take_shaped_status(struct fast_run *run, const uint8_t *at)
{
    struct decoder *const decoder = run->decoder;
    const struct line_shape *const shape = &decoder->status_shape.line;
    if (shape->lead_count == 0 || !are_all_right(match_pattern(&shape->head, 0, at)))
        return NULL;
    uint8_t *behind = decoder->payload.data + shape->skipped;
    at = decode_shaped(at + shape->head.len, run->payload_chars_max, &behind);
    if (!at || !has_pattern(&shape->middle, at))
        return NULL;
    at += shape->middle.len;
    struct slice device; /* of the topic: the payload's counts */
    if (shape->has_topic)
        at = scan_shaped_topic(at, &device);
    if (!at || !has_pattern(&shape->tail, at))
        return NULL;
    const struct envelope_time time = tail_values(shape, at);
    struct slice texts[SHAPE_LEADS_MAX];
    struct status_values values;
    if (time.timestamp_s > (int64_t)TIMESTAMP_S_MAX ||
        !scan_status_texts(shape, decoder->payload.data, behind, texts) ||
        !read_status_values(decoder, texts, &values) ||
        is_broken_clock(values.time_ms, time.timestamp_s) || !has_status_room(run))
        return NULL;
    put_status_row(run->batch, time.message_id, &values);
    return push_status_device(run, values.product, values.name) ? at + shape->tail.len : NULL;
}

#endif
