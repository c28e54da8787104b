/*
 * fast_avx2.c - the fast path where the processor compares 32 bytes at once.
 *
 * Each function here has a portable twin in fast_portable.c, and does what that does. Lines that
 * look like one before go a way of their own (fast_shaped.h).
 */
#include "engine/base/bytes.h"
#include "ingest/decode/base64.h"
#include "ingest/decode/base64_wide.h"
#include "ingest/decode/draft.h"
#include "ingest/decode/fast_internal.h"
#include "ingest/decode/json_scan.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define FAST_TARGET "avx2,bmi,bmi2"
#define FAST_PATH   static inline __attribute__((always_inline, target(FAST_TARGET)))
#define FAST_RARE   static __attribute__((noinline, target(FAST_TARGET)))

/* A bit for each of 32 bytes that is equal. */
FAST_PATH uint32_t equal_bits(const void *a, const void *b)
{
    const __m256i equal = _mm256_cmpeq_epi8(_mm256_loadu_si256(a), _mm256_loadu_si256(b));
    return (uint32_t)_mm256_movemask_epi8(equal);
}

FAST_PATH bool wide_lead_matches(const struct lead *lead, const uint8_t *at, const uint8_t *end)
{
    if (end - at < (ptrdiff_t)LEAD_BYTES_MAX)
        return lead_matches(lead, at, end);
    if ((equal_bits(lead->bytes, at) | (uint32_t)lead->behind) != UINT32_MAX || lead->len == 0)
        return false;
    return lead->len <= 32 ||
           (equal_bits(lead->bytes + 32, at + 32) | (uint32_t)(lead->behind >> 32)) == UINT32_MAX;
}

FAST_PATH bool wide_lead_stands(const struct lead *lead, const uint8_t *at)
{
    return (equal_bits(lead->bytes, at) | (uint32_t)lead->behind) == UINT32_MAX;
}

/*
 * Names are compared in one look: those in lines have readable bytes before and behind them. It is
 * a look at the whole place and no byte more, since others may write to the next one.
 */
FAST_PATH bool wide_known_is(const struct fast_run *run, uint32_t number, struct slice name)
{
    const struct known_names *const known = run->batch->known_devices;
    if (!run->is_line || name.len >= KNOWN_PLACE_BYTES)
        return known_names_is(known, number, name);
    const uint8_t *const place = known_place(known, number);
    const uint32_t different = ~equal_bits(place, name.data - 1) >> 1;
    return *place == name.len && _bzhi_u32(different, (uint32_t)name.len) == 0;
}

FAST_PATH size_t wide_base64_run(struct slice text, uint8_t *room)
{
    return base64_run_avx2(text, room);
}

/* A bit for each of 64 bytes. */
FAST_PATH uint64_t join_bits(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

/* As mark_special: quotes, backslashes, controls, and from 0x80 on, which are negative. */
FAST_PATH __m256i find_special(__m256i bytes)
{
    const __m256i quote = _mm256_cmpeq_epi8(bytes, wide_table(wide_tables.quotes));
    const __m256i backslash = _mm256_cmpeq_epi8(bytes, wide_table(wide_tables.backslashes));
    const __m256i outside = _mm256_cmpgt_epi8(wide_table(wide_tables.blanks), bytes);
    return _mm256_or_si256(_mm256_or_si256(quote, backslash), outside);
}

/* Where "pk/dn" stands in a topic of `len` bytes, by its slashes: as topic_device. */
FAST_PATH struct slice device_by_slashes(const uint8_t *text, unsigned len, uint64_t slashes)
{
    const unsigned start = (unsigned)(slashes & 1);
    slashes &= ~UINT64_C(1);
    const unsigned first = (unsigned)_tzcnt_u64(slashes); /* 64 without any */
    slashes = _blsr_u64(slashes);
    const unsigned second = slashes ? (unsigned)_tzcnt_u64(slashes) : len;
    if (first == start || first >= len || second == first + 1)
        return (struct slice){0};
    return slice_of(text + start, second - start);
}

/* Where the string ends and where its slashes are, in one look at 64 bytes. */
FAST_PATH const uint8_t *wide_scan_topic(const uint8_t *at, const uint8_t *end, struct slice *topic,
                                         struct slice *device)
{
    if (end - at < 65 || *at != '"')
        return fast_scan_topic(at, end, topic, device);
    const uint8_t *const text = at + 1;
    const __m256i low = _mm256_loadu_si256((const void *)text);
    const __m256i high = _mm256_loadu_si256((const void *)(text + 32));
    const __m256i slash = _mm256_set1_epi8('/');
    const uint64_t special = join_bits(find_special(low), find_special(high));
    const uint64_t slashes =
        join_bits(_mm256_cmpeq_epi8(low, slash), _mm256_cmpeq_epi8(high, slash));
    const unsigned len = (unsigned)_tzcnt_u64(special);
    if (special == 0 || memcmp(text + (slashes & 1), "sys/", 4) == 0)
        return fast_scan_topic(at, end, topic, device);
    *topic = slice_of(text, len);
    *device = device_by_slashes(text, len, _bzhi_u64(slashes, len));
    return text[len] == '"' ? text + len + 1 : NULL;
}

/* The number of digits that begin a string of 32 bytes. */
FAST_PATH unsigned count_digits(const uint8_t *at)
{
    const __m256i bytes = _mm256_loadu_si256((const void *)at);
    const __m256i values = _mm256_sub_epi8(bytes, _mm256_set1_epi8('0'));
    const __m256i least = _mm256_min_epu8(values, _mm256_set1_epi8(9));
    const uint32_t digits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(least, values));
    return (unsigned)_tzcnt_u32(~digits);
}

/* The value of 16 digits from 0 to 9: pairs, then fours, then eights. */
FAST_PATH uint64_t value_of_16(__m128i digits)
{
    const __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    const __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
    const __m128i packed = _mm_packus_epi32(fours, fours);
    const __m128i eights = _mm_madd_epi16(packed, _mm_set1_epi32(0x00012710));
    const uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (both & UINT32_MAX) * 100000000 + (both >> 32);
}

/* 16 bytes less '0', and a bit for each that is no digit. */
FAST_PATH __m128i load_digits(const uint8_t *at, uint32_t *others)
{
    const __m128i bytes = _mm_loadu_si128((const void *)at);
    const __m128i values = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    const __m128i least = _mm_min_epu8(values, _mm_set1_epi8(9));
    *others = 0xffffu & ~(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(least, values));
    return values;
}

/*
 * Whole and fraction in one look, the point taken out while the digits are moved to the right:
 *
 *      2 4 . 0 7 , "      ->      0 ... 0 2 4 0 7
 */
FAST_PATH const uint8_t *wide_scan_number(const uint8_t *at, const uint8_t *end,
                                          struct number *number)
{
    const bool negative = *at == '-';
    const uint8_t *const start = at + negative;
    uint32_t others = 0;
    const __m128i digits = load_digits(start, &others);
    const unsigned whole = (unsigned)_tzcnt_u32(others);
    const bool has_point = others != 0 && start[whole] == '.';
    if (has_point)
        others = _blsr_u32(others);
    const unsigned used = (unsigned)_tzcnt_u32(others);
    const unsigned count = used - has_point;
    if (others == 0 || whole == 0 || (has_point && count == whole) ||
        (*start == '0' && whole > 1) || start[used - 1] == '0')
        return scan_number(at, end, number);
    const __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i moved = _mm_sub_epi8(places, _mm_set1_epi8((char)(16 - count)));
    const __m128i behind = _mm_cmpgt_epi8(moved, _mm_set1_epi8((char)(whole - 1)));
    const __m128i from = _mm_sub_epi8(moved, behind); /* below 0: a zero */
    const int64_t magnitude = (int64_t)value_of_16(_mm_shuffle_epi8(digits, from));
    *number = (struct number){.mantissa = negative ? -magnitude : magnitude,
                              .exponent = (int8_t)((int)whole - (int)count),
                              .kind = NUMBER_DECIMAL};
    return start + used;
}

FAST_PATH const uint8_t *wide_scan_id(const uint8_t *at, const uint8_t *end, uint64_t *id)
{
    if (end - at < 32 || *at == '0' || count_digits(at) != 19)
        return scan_unsigned(at, end, id);
    const unsigned tail = (at[16] - 48u) * 100 + (at[17] - 48u) * 10 + (at[18] - 48u);
    uint32_t others = 0;
    *id = value_of_16(load_digits(at, &others)) * 1000 + tail;
    return at + 19;
}

FAST_PATH const uint8_t *wide_scan_seconds(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    const __m128i to_the_right =
        _mm_setr_epi8(-1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    if (end - at < 16 || *at == '0')
        return scan_unsigned(at, end, value);
    uint32_t others = 0;
    const __m128i digits = load_digits(at, &others);
    if (_tzcnt_u32(others) != 10)
        return scan_unsigned(at, end, value);
    *value = value_of_16(_mm_shuffle_epi8(digits, to_the_right));
    return at + 10;
}

#include "ingest/decode/fast_path.h"
/* Behind it, since that has how rows are made. */
#include "ingest/decode/fast_shaped.h"

__attribute__((target(FAST_TARGET))) const uint8_t *fast_run_avx2(struct fast_run *run,
                                                                  const uint8_t *at)
{
    return take_messages(run, at);
}

bool fast_can_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

#else

const uint8_t *fast_run_avx2(struct fast_run *run, const uint8_t *at)
{
    return fast_run_portable(run, at);
}

bool fast_can_avx2(void)
{
    return false;
}

#endif
