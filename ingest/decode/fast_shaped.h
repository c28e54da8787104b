/*
 * fast_shaped.h - the way of lines that have the shape of one before, 32 bytes at a time.
 *
 * (1) A line that this takes is one that take_any would take, and with the same rows. Whatever is
 *     not as in the shape is left to that, with no trace in the batch but bytes behind its ends.
 * (2) The lines end with a line break (`shaped_until`), which no pattern has but at a line's end:
 *     whatever was found right stands before that break. So nothing asks for the end of the lines:
 *     a look of 64 bytes from there on is within the slack.
 * (3) Of the decoded payload too: what is read behind its end was decoded from what follows, or is
 *     zero. No byte of it is taken, for a payload is one only if its last value ends at its end.
 *
 * Included by fast_avx2.c behind fast_path.h, which has how rows are made.
 */

#include "ingest/decode/fast_internal.h"
#include "ingest/decode/line_shape.h"

#if defined(FAST_PATH) /* else it is looked at alone */

/* 16 bytes of a table. */
FAST_PATH __m128i half_table(const void *table)
{
    return _mm_load_si128(table);
}

/* Each byte that is right is 0xff. */
FAST_PATH __m256i match_pattern(const struct line_pattern *pattern, unsigned from,
                                const uint8_t *at)
{
    const __m256i bytes = _mm256_loadu_si256((const void *)(at + from));
    const __m256i above =
        _mm256_sub_epi8(bytes, _mm256_loadu_si256((const void *)(pattern->low + from)));
    const __m256i least =
        _mm256_min_epu8(above, _mm256_loadu_si256((const void *)(pattern->span + from)));
    return _mm256_cmpeq_epi8(least, above);
}

FAST_PATH bool are_all_right(__m256i right)
{
    return (uint32_t)_mm256_movemask_epi8(right) == UINT32_MAX;
}

FAST_PATH bool has_pattern(const struct line_pattern *pattern, const uint8_t *at)
{
    return are_all_right(
        _mm256_and_si256(match_pattern(pattern, 0, at), match_pattern(pattern, 32, at)));
}

/* --- the payload --------------------------------------------------------------------------- */

/*
 * Decodes the characters at `at` to `*room`, which is then the place behind the last byte. The
 * place of the payload's closing quote, or NULL.
 */
FAST_PATH const uint8_t *decode_shaped(const uint8_t *at, size_t chars_max, uint8_t **room)
{
    unsigned right = base64_step_avx2(at, *room);
    size_t count = right;
    while (right == 32 && count + 64 <= chars_max) {
        right = base64_step_avx2(at + count, *room + count / 4 * 3);
        count += right;
    }
    *room += count * 3 / 4;
    const size_t missing = -count % 4; /* in the last group: 3 would be half a byte */
    if (missing == 3)
        return NULL;
    const uint8_t *const end = at + count;
    /* Nothing waits for the padding: it is only found to be right. */
    const uint32_t padding = (uint32_t)load_u16(end) ^ ('=' << 8 | '=');
    if (_bzhi_u32(padding, (uint32_t)(8 * missing)) != 0)
        return *end == '"' ? end : NULL;
    return end + missing;
}

/*
 * A number of at most seven characters; trailing zeros are shifted out. For others the places of
 * its digits are not known.
 */
FAST_PATH const uint8_t *scan_shaped_number(const struct decoder *decoder, const uint8_t *at,
                                            const uint8_t *end, struct number *number)
{
    const bool negative = *at == '-';
    const uint8_t *const start = at + negative;
    const __m128i bytes = _mm_loadl_epi64((const void *)start);
    const __m128i values = _mm_sub_epi8(bytes, half_table(wide_tables.zeros));
    const __m128i least = _mm_min_epu8(values, half_table(wide_tables.nines));
    const uint32_t others = ~(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(least, values));
    const unsigned whole = (unsigned)_tzcnt_u32(others); /* 8 at most: zeros stand behind */
    /* The lowest is no end if it is a point: no branch on what is random. */
    const __m128i is_point = _mm_cmpeq_epi8(bytes, half_table(wide_tables.points));
    const uint32_t point = _blsi_u32(others) & (uint32_t)_mm_movemask_epi8(is_point);
    const unsigned used = (unsigned)_tzcnt_u32(others ^ point);
    const struct digit_places *const known = &decoder->digit_places[whole][used];
    if (known->places == 0 || (*start == '0' && whole > 1))
        return wide_scan_number(at, end, number);
    const __m128i places = _mm_cvtsi64_si128((int64_t)known->places);
    /* The last digit is the highest byte. */
    const uint64_t digits = (uint64_t)_mm_cvtsi128_si64(_mm_shuffle_epi8(values, places));
    const int64_t zeros = __builtin_clzll(digits | 1) / 8;
    const __m128i shifted = _mm_cvtsi64_si128((int64_t)(digits << 8 * zeros));
    const __m128i pairs = _mm_maddubs_epi16(shifted, half_table(wide_tables.to_pairs));
    const __m128i fours = _mm_madd_epi16(pairs, half_table(wide_tables.to_fours));
    const __m128i packed = _mm_packus_epi32(fours, fours);
    const __m128i eight = _mm_madd_epi16(packed, half_table(wide_tables.to_eights));
    const int64_t magnitude = _mm_cvtsi128_si32(eight);
    *number = (struct number){
        .mantissa = (magnitude ^ -(int64_t)negative) + negative,
        .exponent = (int8_t)(digits != 0 ? zeros - (int64_t)known->decimals : 0),
        .kind = NUMBER_DECIMAL,
    };
    return start + used;
}

/*
 * As wide_lead_stands, with a look no wider than needed: one that is wider than what was stored
 * just before waits until that has reached the cache.
 */
FAST_PATH bool shaped_lead_stands(const struct lead *lead, const uint8_t *at)
{
    if ((uint32_t)lead->behind == UINT32_MAX)
        return true; /* all of it is in the head */
    if (lead->len > 16)
        return wide_lead_stands(lead, at);
    const __m128i bytes = _mm_loadu_si128((const void *)at);
    const __m128i equal = _mm_cmpeq_epi8(bytes, _mm_loadu_si128((const void *)lead->bytes));
    return (((uint32_t)_mm_movemask_epi8(equal) | (uint32_t)lead->behind) & 0xffff) == 0xffff;
}

/* The cells of a payload that ends at `behind`; how many, or 0. */
FAST_PATH uint32_t scan_shaped_cells(const struct decoder *decoder, const uint8_t *at,
                                     const uint8_t *behind, struct cell *cell)
{
    const struct line_shape *const shape = &decoder->shape;
    const uint8_t *const end = behind + SLACK_BYTES;
    uint32_t count = 0;
    do {
        const struct lead *const lead = &shape->leads[count];
        struct number number;
        if (count == shape->lead_count || !shaped_lead_stands(lead, at))
            return 0;
        at = scan_shaped_number(decoder, at + lead->len, end, &number);
        if (!at)
            return 0;
        cell[count++] = (struct cell){.mantissa = number.mantissa,
                                      .metric = lead->number,
                                      .exponent = number.exponent,
                                      .kind = number.kind};
    } while (*at != '}');
    return at + 1 == behind ? count : 0;
}

/* --- the envelope -------------------------------------------------------------------------- */

/* As wide_scan_topic, of a topic whose end is in sight. The place of its closing quote, or NULL. */
FAST_PATH const uint8_t *scan_shaped_topic(const uint8_t *text, struct slice *device)
{
    const __m256i low = _mm256_loadu_si256((const void *)text);
    const __m256i high = _mm256_loadu_si256((const void *)(text + 32));
    const __m256i slash = wide_table(wide_tables.slashes);
    const uint64_t special = join_bits(find_special(low), find_special(high));
    const uint64_t slashes =
        join_bits(_mm256_cmpeq_epi8(low, slash), _mm256_cmpeq_epi8(high, slash));
    const unsigned len = (unsigned)_tzcnt_u64(special);
    *device = device_by_slashes(text, len, _bzhi_u64(slashes, len));
    return special != 0 && memcmp(text + (slashes & 1), "sys/", 4) != 0 ? text + len : NULL;
}

/* The digits of a tail that has the pattern. */
FAST_PATH struct envelope_time tail_values(const struct line_shape *shape, const uint8_t *tail)
{
    const uint8_t *const id = tail + shape->id_from;
    const uint8_t *const timestamp = tail + shape->timestamp_from;
    /* Low half: the id's first digits at the end of four places, two places, the timestamp; high
     * half: the id's last sixteen. */
    const uint64_t first = (uint64_t)load_u32(id)
                           << 8 * (SHAPE_ID_DIGITS_MIN + 4 - shape->id_digits);
    const __m128i second = _mm_loadu_si128((const void *)(timestamp - 6));
    const __m128i both = _mm_insert_epi32(second, (int)(uint32_t)first, 0);
    const __m128i last =
        _mm_loadu_si128((const void *)(id + shape->id_digits - SHAPE_ID_DIGITS_MIN));
    const __m256i joined = _mm256_inserti128_si256(_mm256_castsi128_si256(both), last, 1);
    const __m256i digits = _mm256_and_si256(joined, wide_table(wide_tables.tail_nibbles));
    const __m256i pairs = _mm256_maddubs_epi16(digits, wide_table(wide_tables.to_pairs));
    const __m256i fours = _mm256_madd_epi16(pairs, wide_table(wide_tables.to_fours));
    const __m256i packed = _mm256_packus_epi32(fours, fours);
    /* The first four places of the low half stand alone. */
    const __m256i eights = _mm256_madd_epi16(packed, wide_table(wide_tables.tail_eights));
    const uint64_t top = (uint16_t)_mm_extract_epi16(_mm256_castsi256_si128(packed), 0);
    const uint64_t time = (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(eights));
    const uint64_t rest = (uint64_t)_mm_cvtsi128_si64(_mm256_extracti128_si256(eights, 1));
    return (struct envelope_time){
        .message_id =
            top * UINT64_C(10000000000000000) + (rest & UINT32_MAX) * 100000000 + (rest >> 32),
        .timestamp_s = (int64_t)((time & UINT32_MAX) * 100000000 + (time >> 32)),
    };
}

/* --- lines --------------------------------------------------------------------------------- */

/* Where the next row, its message, its cells and its device go. */
struct shaped_places {
    struct row *row;
    struct message *message;
    struct cell *cells;
    struct pending_device *device;
    uint32_t row_index;
    uint32_t cell_index;
};

static inline struct shaped_places places_of(const struct fast_run *run)
{
    const struct row_batch *const batch = run->batch;
    const size_t row = batch->row_count[TABLE_READINGS];
    return (struct shaped_places){
        .row = batch->rows[TABLE_READINGS] + row,
        .message = batch->messages + batch->message_count,
        .cells = batch->cells + batch->cell_count,
        .device = run->filling->devices + run->filling->count,
        .row_index = (uint32_t)row,
        .cell_index = (uint32_t)batch->cell_count,
    };
}

/* Counts the rows from before `places`. */
static inline void count_rows(struct fast_run *run, const struct shaped_places *places)
{
    struct row_batch *const batch = run->batch;
    const size_t added = places->row_index - batch->row_count[TABLE_READINGS];
    batch->row_count[TABLE_READINGS] += added;
    batch->message_count += added;
    batch->cell_count = places->cell_index;
    run->filling->count += added;
}

/* So many rows have room, and their devices too. */
static inline size_t rows_with_room(const struct fast_run *run)
{
    const struct row_batch *const batch = run->batch;
    const size_t rows = batch->row_capacity[TABLE_READINGS] - batch->row_count[TABLE_READINGS];
    const size_t messages = batch->message_capacity - batch->message_count;
    const size_t in_cells = (batch->cell_capacity - batch->cell_count) / FAST_CELLS_MAX;
    const size_t devices = PENDING_MAX - run->filling->count;
    const size_t first = rows < messages ? rows : messages;
    const size_t second = in_cells < devices ? in_cells : devices;
    return first < second ? first : second;
}

FAST_PATH void put_row(struct shaped_places *places, struct envelope_time time, uint32_t cell_count,
                       struct slice device)
{
    const struct business_time when = business_time_of_envelope(time);
    *places->row = (struct row){
        .time_ms = when.time_ms,
        .message_id = time.message_id,
        .first_cell = places->cell_index,
        .cell_count = cell_count,
        .time_source = when.source,
    };
    *places->message = (struct message){
        .id = time.message_id,
        .first = places->row_index,
        .count = 1,
        .verdict = MESSAGE_READINGS,
        .has_id = true,
    };
    *places->device = (struct pending_device){
        .name = device.data, .len = (uint32_t)device.len, .row = places->row_index};
    places->row++;
    places->message++;
    places->cells += cell_count;
    places->device++;
    places->row_index++;
    places->cell_index += cell_count;
}

/* The place behind the line, or NULL: it is not taken. There is room for its row. */
FAST_PATH const uint8_t *take_shaped(const struct fast_run *run, const uint8_t *at,
                                     struct shaped_places *places)
{
    const struct decoder *const decoder = run->decoder;
    const struct line_shape *const shape = &decoder->shape;
    if (!are_all_right(match_pattern(&shape->head, 0, at)))
        return NULL;
    uint8_t *behind = decoder->payload.data + shape->skipped;
    at = decode_shaped(at + shape->head.len, run->payload_chars_max, &behind);
    if (!at || !has_pattern(&shape->middle, at))
        return NULL;
    struct slice device;
    at = scan_shaped_topic(at + shape->middle.len, &device);
    if (!at || !has_pattern(&shape->tail, at) || device.len == 0)
        return NULL;
    const struct envelope_time time = tail_values(shape, at);
    if (time.timestamp_s > (int64_t)TIMESTAMP_S_MAX)
        return NULL;
    const uint32_t cell_count =
        scan_shaped_cells(decoder, decoder->payload.data, behind, places->cells);
    if (cell_count == 0)
        return NULL;
    put_row(places, time, cell_count, device);
    return at + shape->tail.len;
}

/* Up to `count` lines, to one that has not the shape. */
FAST_PATH const uint8_t *take_shaped_rows(struct fast_run *run, const uint8_t *at, size_t count)
{
    struct shaped_places places = places_of(run);
    for (; count > 0 && at < run->shaped_until; count--) {
        const uint8_t *const behind = take_shaped(run, at, &places);
        if (!behind)
            break;
        at = behind;
    }
    count_rows(run, &places);
    return at;
}

/* A line with a status message (fast_status.h). */
FAST_RARE const uint8_t *take_shaped_status(struct fast_run *run, const uint8_t *at);

FAST_PATH const uint8_t *wide_take_shaped(struct fast_run *run, const uint8_t *at)
{
    const bool has_reading = run->decoder->shape.lead_count > 0;
    while (at < run->shaped_until && has_room(run)) {
        const size_t wanted = has_reading ? rows_with_room(run) : 0;
        const size_t before = run->batch->message_count;
        at = take_shaped_rows(run, at, wanted);
        const size_t taken = run->batch->message_count - before;
        if (run->filling->count == PENDING_MAX && !turn_blocks(run))
            break;
        if (at == run->shaped_until || (taken > 0 && taken == wanted))
            continue;
        const uint8_t *const behind = take_shaped_status(run, at);
        if (!behind)
            break;
        at = behind;
    }
    return at;
}

#include "ingest/decode/fast_status.h"

#endif
