/*
 * seen_page.c - the coding of a page of ids: Elias-Fano over the parts of the ids that occur.
 *
 * A page holds strictly ascending ids; the first is the page's key. Each other id becomes a place
 * c on a line, in one of two forms, whichever needs fewer bytes:
 *
 *      plain       c = id - first
 *      snowflake   c = ((ms - first ms) * workers + worker's index) * sequences + sequence
 *
 * where an id is ms (42 bits), worker (10), sequence (12). Both keep the order of the ids. Few
 * workers and small sequences occur, so that the second line is far shorter than the first.
 *
 * Places are coded by Elias and Fano: the low bits of each stand in a row, and for place i (from 0)
 * the bit (c >> low_bits) + i is set in a bitmap. That takes low_bits + 2 to 3 bits an id, within
 * about half a bit of the least possible for ids at random moments, with no outliers to patch.
 * Fields for gap, worker and sequence, each as wide as its widest, take half as much again.
 *
 *      OFFSET  SIZE     MEANING
 *           0     1     form: 0 plain, 1 snowflake
 *           1     1     low bits b: 0 ... 56
 *           2     2     number of ids n, 1 ... 32768, the first included
 *      snowflake only:
 *           4     2     sequences: 1 ... 4096, the largest that occurs + 1
 *           6     2     workers w: 1 ... 64, or 1024 for all of them without a table
 *           8     2 w   the workers that occur, ascending (nothing if w is 1024)
 *      then:
 *           -     *     n - 1 fields of b bits, the lowest bits of a byte first; padded to a byte
 *           -     *     the bitmap, the lowest bits of a byte first, to the end of the page: n - 1
 *                       bits are set, the last of them in the last byte
 *
 * A place in snowflake form is below 2^52, so that dividing by multiplication is exact.
 */
#include "engine/seen/seen_page.h"

#include <assert.h>
#include <string.h>

#define FORM_PLAIN       0u
#define FORM_SNOWFLAKE   1u
#define PLAIN_BYTES      4u /* of the header */
#define SNOWFLAKE_BYTES  8u
#define LOW_BITS_MAX     56u /* a field and up to 7 bits before it fit one load of 8 bytes */
#define TABLE_MAX        64u
#define PLACE_BITS_MAX   52u
#define SEQUENCE_BITS    12u
#define WORKER_BITS      10u
#define TIME_SHIFT       (WORKER_BITS + SEQUENCE_BITS)
#define SEQUENCES        (1u << SEQUENCE_BITS)
#define PAGE_SLACK_BYTES 8u    /* an 8-byte load at the last byte stays inside */
#define STRIDE_MAX       1024u /* a power of 4 */

static_assert(SEEN_WORKERS == 1u << WORKER_BITS, "a worker is 10 bits");

static uint64_t time_of(uint64_t id)
{
    return id >> TIME_SHIFT;
}

static uint32_t worker_of(uint64_t id)
{
    return (uint32_t)(id >> SEQUENCE_BITS) & (SEEN_WORKERS - 1);
}

static uint32_t sequence_of(uint64_t id)
{
    return (uint32_t)id & (SEQUENCES - 1);
}

/* --- planning ------------------------------------------------------------------------------- */

static void radix_add(struct seen_radix *radix, uint64_t id)
{
    const uint32_t worker = worker_of(id);
    const uint64_t bit = (uint64_t)1 << (worker % 64);
    uint64_t *word = &radix->worker_set[worker / 64];
    if ((*word & bit) == 0) { /* seldom: no write for the next id's read to wait for */
        *word |= bit;
        radix->worker_count++;
    }
    const uint32_t sequences = sequence_of(id) + 1;
    if (sequences > radix->sequence_count)
        radix->sequence_count = sequences;
}

/* Workers as the page counts them: too many for a table are all of them. */
static uint32_t workers_of(const struct seen_radix *radix)
{
    return radix->worker_count <= TABLE_MAX ? radix->worker_count : SEEN_WORKERS;
}

static size_t snowflake_header_bytes(uint32_t workers)
{
    return SNOWFLAKE_BYTES + (workers == SEEN_WORKERS ? 0 : 2 * (size_t)workers);
}

static unsigned bit_length(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

/* The low bits that make `places` of them, the last at `top`, shortest. */
static unsigned best_low_bits(uint64_t top, size_t places)
{
    const uint64_t twice = 2 * (uint64_t)places;
    const unsigned top_length = bit_length(top);
    const unsigned twice_length = bit_length(twice);
    unsigned bits = top_length > twice_length ? top_length - twice_length : 0;
    while (bits < LOW_BITS_MAX && (top >> bits) > twice)
        bits++;
    return bits < LOW_BITS_MAX ? bits : LOW_BITS_MAX;
}

static size_t bytes_of_bits(uint64_t bits)
{
    return (size_t)((bits + 7) / 8);
}

static size_t coded_bytes(uint64_t top, size_t places, unsigned low_bits)
{
    if (places == 0)
        return 0;
    return bytes_of_bits((uint64_t)places * low_bits) +
           bytes_of_bits((top >> low_bits) + (uint64_t)places);
}

/* The end of the line in snowflake form; false if it is too far away. */
static bool snowflake_top(uint64_t first, uint64_t last, const struct seen_radix *radix,
                          uint64_t *top)
{
    const uint64_t per_ms = (uint64_t)workers_of(radix) * radix->sequence_count;
    const uint64_t span_ms = time_of(last) - time_of(first) + 1;
    uint64_t places = 0;
    if (__builtin_mul_overflow(span_ms, per_ms, &places))
        return false;
    *top = places - 1;
    return *top >> PLACE_BITS_MAX == 0;
}

/* Completes a plan for its `count` ids; false if they do not fit a page. */
static bool plan_fits(const uint64_t *ids, struct seen_plan *plan)
{
    const uint64_t first = ids[0];
    const uint64_t last = ids[plan->count - 1];
    const size_t places = plan->count - 1;
    const uint64_t plain_top = last - first;
    plan->snowflake = false;
    plan->low_bits = best_low_bits(plain_top, places);
    size_t bytes = PLAIN_BYTES + coded_bytes(plain_top, places, plan->low_bits);

    uint64_t top = 0;
    if (snowflake_top(first, last, &plan->radix, &top)) {
        const unsigned low_bits = best_low_bits(top, places);
        const size_t snowflake_bytes =
            snowflake_header_bytes(workers_of(&plan->radix)) + coded_bytes(top, places, low_bits);
        if (snowflake_bytes < bytes) {
            plan->snowflake = true;
            plan->low_bits = low_bits;
            bytes = snowflake_bytes;
        }
    }
    return bytes <= SEEN_PAGE_BYTES_MAX && plan->count <= SEEN_PAGE_IDS_MAX;
}

/* Extends `plan` by strides of `stride` ids as long as they fit. */
static void plan_extend(const uint64_t *ids, size_t count, size_t stride, struct seen_plan *plan)
{
    while (plan->count < count) {
        struct seen_plan longer = *plan;
        const size_t left = count - plan->count;
        longer.count += left < stride ? left : stride;
        for (size_t i = plan->count; i < longer.count; i++)
            radix_add(&longer.radix, ids[i]);
        if (!plan_fits(ids, &longer))
            return;
        *plan = longer;
    }
}

void seen_page_plan(const uint64_t *ids, size_t count, struct seen_plan *plan)
{
    assert(count > 0);
    *plan = (struct seen_plan){.count = 1};
    radix_add(&plan->radix, ids[0]);
    const bool fits = plan_fits(ids, plan);
    assert(fits);
    (void)fits;
    for (size_t stride = STRIDE_MAX; stride > 0; stride /= 4)
        plan_extend(ids, count, stride, plan);
}

/* --- encoding ------------------------------------------------------------------------------- */

/* Writes fields of up to LOW_BITS_MAX bits one after the other. */
struct bit_writer {
    uint8_t *next;
    uint64_t bits; /* not yet written, lowest first */
    unsigned bits_count;
};

static void put_bits(struct bit_writer *writer, uint64_t value, unsigned count)
{
    writer->bits |= value << writer->bits_count;
    writer->bits_count += count;
    if (writer->bits_count < 64)
        return;
    memcpy(writer->next, &writer->bits, sizeof writer->bits);
    writer->next += sizeof writer->bits;
    writer->bits_count -= 64;
    writer->bits = value >> (count - writer->bits_count);
}

static void flush_bits(struct bit_writer *writer)
{
    const size_t bytes_len = bytes_of_bits(writer->bits_count);
    memcpy(writer->next, &writer->bits, bytes_len);
    writer->next += bytes_len;
    writer->bits_count = 0;
}

/* Sets ascending bits, a word of them at a time. */
struct bitmap_writer {
    uint8_t *bytes;
    uint64_t word;
    uint64_t word_index;
};

static void set_bit(struct bitmap_writer *writer, uint64_t bit)
{
    if (bit / 64 != writer->word_index) {
        memcpy(writer->bytes + writer->word_index * 8, &writer->word, sizeof writer->word);
        writer->word = 0;
        writer->word_index = bit / 64;
    }
    writer->word |= (uint64_t)1 << bit % 64;
}

/* Returns the length in bytes, up to the last that is not zero. */
static size_t finish_bitmap(const struct bitmap_writer *writer)
{
    const size_t bytes_len = bytes_of_bits(bit_length(writer->word));
    const size_t offset = (size_t)writer->word_index * 8;
    memcpy(writer->bytes + offset, &writer->word, bytes_len);
    return offset + bytes_len;
}

/* The mixed radix of a page, with the index of each worker that occurs. */
struct place_map {
    bool snowflake;
    uint64_t base; /* the first id, or its ms */
    uint64_t workers;
    uint64_t sequences;
    uint16_t index_of[SEEN_WORKERS];
};

static uint64_t place_of(const struct place_map *map, uint64_t id)
{
    if (!map->snowflake)
        return id - map->base;
    const uint64_t worker = map->index_of[worker_of(id)];
    return ((time_of(id) - map->base) * map->workers + worker) * map->sequences + sequence_of(id);
}

static void store_u16(uint8_t *to, uint32_t value)
{
    const uint16_t narrow = (uint16_t)value;
    memcpy(to, &narrow, sizeof narrow);
}

/* Writes what only the snowflake form has, and numbers its workers. */
static void encode_radix(const struct seen_radix *radix, uint8_t *page, struct place_map *map)
{
    const uint32_t workers = workers_of(radix);
    map->workers = workers;
    map->sequences = radix->sequence_count;
    store_u16(page + 4, radix->sequence_count);
    store_u16(page + 6, workers);
    if (workers == SEEN_WORKERS) {
        for (uint32_t worker = 0; worker < SEEN_WORKERS; worker++)
            map->index_of[worker] = (uint16_t)worker;
        return;
    }
    uint32_t index = 0;
    for (uint32_t word = 0; word < SEEN_WORKERS / 64; word++) {
        for (uint64_t set = radix->worker_set[word]; set != 0; set &= set - 1) {
            const uint32_t worker = 64 * word + (uint32_t)__builtin_ctzll(set);
            store_u16(page + SNOWFLAKE_BYTES + 2 * (size_t)index, worker);
            map->index_of[worker] = (uint16_t)index++;
        }
    }
}

size_t seen_page_encode(const uint64_t *ids, const struct seen_plan *plan, uint8_t *page)
{
    const size_t places_count = plan->count - 1;
    const unsigned low_bits = plan->low_bits;
    struct place_map map = {.snowflake = plan->snowflake,
                            .base = plan->snowflake ? time_of(ids[0]) : ids[0]};

    memset(page, 0, SEEN_PAGE_BYTES_MAX);
    page[0] = plan->snowflake ? FORM_SNOWFLAKE : FORM_PLAIN;
    page[1] = (uint8_t)low_bits;
    store_u16(page + 2, (uint32_t)plan->count);
    size_t header_bytes = PLAIN_BYTES;
    if (plan->snowflake) {
        encode_radix(&plan->radix, page, &map);
        header_bytes = snowflake_header_bytes(workers_of(&plan->radix));
    }

    struct bit_writer low = {.next = page + header_bytes};
    struct bitmap_writer high = {.bytes =
                                     low.next + bytes_of_bits((uint64_t)places_count * low_bits)};
    const uint64_t low_mask = ((uint64_t)1 << low_bits) - 1;
    for (size_t i = 0; i < places_count; i++) {
        const uint64_t place = place_of(&map, ids[i + 1]);
        put_bits(&low, place & low_mask, low_bits);
        set_bit(&high, (place >> low_bits) + i);
    }
    flush_bits(&low);
    assert(low.next == high.bytes);
    const size_t bytes_len = (size_t)(high.bytes - page) + finish_bitmap(&high);
    assert(bytes_len <= SEEN_PAGE_BYTES_MAX);
    return bytes_len;
}

/* --- decoding ------------------------------------------------------------------------------- */

/* Untrusted bytes, copied so that loads of 8 bytes never leave the buffer. */
struct page_reader {
    uint8_t bytes[SEEN_PAGE_BYTES_MAX + PAGE_SLACK_BYTES];
    size_t bytes_len;
    bool snowflake;
    unsigned low_bits;
    size_t count;
    uint64_t sequences;
    uint64_t workers;
    uint16_t worker_at[SEEN_WORKERS];
    size_t low_offset;
    size_t bitmap_offset;
};

/* Reads the table of workers: ascending, and the first id's among them. */
static bool read_radix(struct page_reader *page, uint64_t first, uint64_t *first_place)
{
    if (page->bytes_len < SNOWFLAKE_BYTES)
        return false;
    page->sequences = load_u16(page->bytes + 4);
    page->workers = load_u16(page->bytes + 6);
    const bool all = page->workers == SEEN_WORKERS;
    if (page->sequences == 0 || page->sequences > SEQUENCES || page->workers == 0 ||
        (page->workers > TABLE_MAX && !all))
        return false;
    page->low_offset = snowflake_header_bytes((uint32_t)page->workers);
    if (page->bytes_len < page->low_offset)
        return false;

    uint64_t index_of_first = SEEN_WORKERS;
    for (size_t i = 0; i < page->workers; i++) {
        const uint16_t worker = all ? (uint16_t)i : load_u16(page->bytes + SNOWFLAKE_BYTES + 2 * i);
        if (worker >= SEEN_WORKERS || (i > 0 && worker <= page->worker_at[i - 1]))
            return false;
        page->worker_at[i] = worker;
        if (worker == worker_of(first))
            index_of_first = i;
    }
    *first_place = index_of_first * page->sequences + sequence_of(first);
    return index_of_first < SEEN_WORKERS && sequence_of(first) < page->sequences;
}

static bool read_header(struct page_reader *page, uint64_t first, uint64_t *first_place)
{
    if (page->bytes_len < PLAIN_BYTES)
        return false;
    page->snowflake = page->bytes[0] == FORM_SNOWFLAKE;
    page->low_bits = page->bytes[1];
    page->count = load_u16(page->bytes + 2);
    page->low_offset = PLAIN_BYTES;
    *first_place = 0;
    if (page->bytes[0] > FORM_SNOWFLAKE || page->low_bits > LOW_BITS_MAX || page->count == 0 ||
        page->count > SEEN_PAGE_IDS_MAX)
        return false;
    if (page->snowflake && !read_radix(page, first, first_place))
        return false;
    page->bitmap_offset =
        page->low_offset + bytes_of_bits((uint64_t)(page->count - 1) * page->low_bits);
    if (page->count == 1)
        return page->bytes_len == page->bitmap_offset;
    return page->bytes_len > page->bitmap_offset && page->bytes[page->bytes_len - 1] != 0;
}

/* High parts of the places from the bitmap; false unless it has exactly as many bits as places. */
static bool read_bitmap(const struct page_reader *page, uint64_t *places)
{
    const size_t places_count = page->count - 1;
    size_t found = 0;
    uint64_t high = 0;
    for (size_t offset = page->bitmap_offset; offset < page->bytes_len; offset += 8) {
        uint64_t word = load_u64(page->bytes + offset);
        if ((size_t)__builtin_popcountll(word) > places_count - found)
            return false;
        const uint64_t word_bit = 8 * (uint64_t)(offset - page->bitmap_offset);
        for (; word != 0; word &= word - 1) {
            high = word_bit + (uint64_t)__builtin_ctzll(word) - found;
            places[found++] = high << page->low_bits;
        }
    }
    /* The last is the highest: it must not have lost bits. */
    return found == places_count && (page->low_bits == 0 || high >> (64 - page->low_bits) == 0);
}

/* Adds the low parts; false unless the places ascend from `previous`. */
static bool read_low(const struct page_reader *page, uint64_t previous, uint64_t *places)
{
    const unsigned low_bits = page->low_bits;
    const uint64_t mask = ((uint64_t)1 << low_bits) - 1;
    const uint8_t *low = page->bytes + page->low_offset;
    bool ascending = true;
    uint64_t bit = 0;
    for (size_t i = 0; i + 1 < page->count; i++) {
        const uint64_t place = places[i] | (load_u64(low + bit / 8) >> bit % 8 & mask);
        ascending &= place > previous;
        previous = place;
        places[i] = place;
        bit += low_bits;
    }
    return ascending;
}

/* Exact for dividends below 2^52 and divisors up to 4096: see Granlund and Montgomery. */
struct divider {
    uint64_t divisor;
    uint64_t factor; /* 2^64 / divisor, rounded up; 0 stands for 2^64 */
};

static struct divider divider_of(uint64_t divisor)
{
    return (struct divider){.divisor = divisor,
                            .factor = divisor == 1 ? 0 : UINT64_MAX / divisor + 1};
}

static inline uint64_t divide(const struct divider *divider, uint64_t value)
{
    if (divider->factor == 0)
        return value;
    return (uint64_t)((u128)value * divider->factor >> 64);
}

/* Places to ids, in their place; false if one would be beyond 64 bits. */
static bool ids_of_plain(uint64_t first, size_t count, uint64_t *ids)
{
    if (count > 0 && ids[count - 1] > UINT64_MAX - first)
        return false;
    for (size_t i = 0; i < count; i++)
        ids[i] += first;
    return true;
}

static bool ids_of_snowflakes(const struct page_reader *page, uint64_t first, uint64_t *ids)
{
    const size_t count = page->count - 1;
    if (count > 0 && ids[count - 1] >> PLACE_BITS_MAX != 0)
        return false;
    const struct divider by_sequences = divider_of(page->sequences);
    const struct divider by_workers = divider_of(page->workers);
    const uint64_t first_ms = time_of(first);
    uint64_t ms = first_ms;
    for (size_t i = 0; i < count; i++) {
        const uint64_t place = ids[i];
        const uint64_t slot = divide(&by_sequences, place);
        const uint64_t gap_ms = divide(&by_workers, slot);
        const uint64_t sequence = place - slot * by_sequences.divisor;
        const uint64_t worker = page->worker_at[slot - gap_ms * by_workers.divisor];
        ms = first_ms + gap_ms;
        ids[i] = ms << TIME_SHIFT | worker << SEQUENCE_BITS | sequence;
    }
    return ms >> (64 - TIME_SHIFT) == 0; /* they ascend: the last speaks for all */
}

enum status seen_page_decode(struct slice payload, uint64_t first, uint64_t *ids, size_t *count,
                             struct error *err)
{
    struct page_reader page;
    if (payload.len > SEEN_PAGE_BYTES_MAX)
        return error_set(err, STATUS_CORRUPT, "ids from %lu: a page of %zu bytes", first,
                         payload.len);
    if (payload.len > 0)
        memcpy(page.bytes, payload.data, payload.len);
    memset(page.bytes + payload.len, 0, PAGE_SLACK_BYTES);
    page.bytes_len = payload.len;

    uint64_t first_place = 0;
    uint64_t *const others = ids + 1;
    const bool valid = read_header(&page, first, &first_place) && read_bitmap(&page, others) &&
                       read_low(&page, first_place, others) &&
                       (page.snowflake ? ids_of_snowflakes(&page, first, others)
                                       : ids_of_plain(first, page.count - 1, others));
    if (!valid)
        return error_set(err, STATUS_CORRUPT, "ids from %lu: the page breaks its format", first);
    ids[0] = first;
    *count = page.count;
    return STATUS_OK;
}
