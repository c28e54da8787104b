/*
 * base64.c - table-driven: a byte's 6 bits, or NO. Eight characters a step while
 * they are plain; what is left (blanks, padding, the tail) goes one by one.
 *
 * Where the processor can look up 16 bytes at once (SSSE3), 16 characters of the
 * standard alphabet are a step; the table takes over where the other alphabet
 * begins, and at the end. The step finds a character's range by its high four bits:
 *
 *      range            + /   0-9   A-Z   a-z
 *      high four bits    2     3    4 5   6 7
 *      add to get value  19 (+), 16 (/)   4   -65   -71
 *
 * and checks it against a bit set by its low four bits.
 */
#include "ingest/decode/base64.h"

#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

#define NO 0xffu /* both top bits: none of the 64 values has them */

static const uint8_t values[256] = {
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, 62, NO, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO, NO, 0,  1,  2,  3,  4,  5,  6,
    7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, 63,
    NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
};

bool base64_is_digit(uint8_t byte)
{
    return values[byte] != NO;
}

#if defined(__x86_64__)
/*
 * Steps of 16 characters to 12 bytes (16 are stored) up to the first character that is
 * not of the standard alphabet. Returns the number of characters before it.
 */
__attribute__((target("ssse3"))) static size_t decode_wide(struct slice text, uint8_t *out)
{
    /* Bit sets: a character is valid if the sets of its two halves have no bit in common. */
    const __m128i low_sets = _mm_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                           0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
    const __m128i high_sets = _mm_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10,
                                            0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
    const __m128i shifts = _mm_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i slash = _mm_set1_epi8('/');
    const __m128i nibble = _mm_set1_epi8(0x0f);
    const __m128i order = _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    size_t taken = 0;
    unsigned right = 16;
    while (right == 16 && text.len - taken >= 16) {
        const void *from = text.data + taken;
        void *to = out + taken / 4 * 3;
        const __m128i characters = _mm_loadu_si128(from);
        const __m128i high = _mm_and_si128(_mm_srli_epi32(characters, 4), nibble);
        const __m128i low = _mm_and_si128(characters, nibble);
        const __m128i wrong =
            _mm_and_si128(_mm_shuffle_epi8(low_sets, low), _mm_shuffle_epi8(high_sets, high));
        const __m128i is_right = _mm_cmpeq_epi8(wrong, _mm_setzero_si128());
        right = (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(is_right));
        const __m128i range = _mm_add_epi8(_mm_cmpeq_epi8(characters, slash), high);
        /* What is wrong counts as 0, so that it leaves alone the bits before it. */
        const __m128i sextets =
            _mm_and_si128(_mm_add_epi8(characters, _mm_shuffle_epi8(shifts, range)), is_right);
        const __m128i pairs = _mm_maddubs_epi16(sextets, _mm_set1_epi32(0x01400140));
        const __m128i triples = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000));
        _mm_storeu_si128(to, _mm_shuffle_epi8(triples, order));
        taken += right;
    }
    return taken;
}

static bool can_decode_wide(void)
{
    return __builtin_cpu_supports("ssse3");
}
#else
static size_t decode_wide(struct slice text, uint8_t *out)
{
    (void)text;
    (void)out;
    return 0;
}

static bool can_decode_wide(void)
{
    return false;
}
#endif

/* By the table: both alphabets, groups of 4, then what there is of one more. */
static size_t decode_narrow(struct slice text, uint8_t *out)
{
    const uint8_t *next = text.data;
    size_t left = text.len;
    while (left >= 8) {
        const uint32_t a = values[next[0]], b = values[next[1]], c = values[next[2]];
        const uint32_t d = values[next[3]], e = values[next[4]], f = values[next[5]];
        const uint32_t g = values[next[6]], h = values[next[7]];
        if ((a | b | c | d | e | f | g | h) & 0xc0u)
            break;
        const uint64_t first = a << 18 | b << 12 | c << 6 | d;
        const uint64_t second = e << 18 | f << 12 | g << 6 | h;
        store_u64_be(out, first << 40 | second << 16);
        next += 8;
        left -= 8;
        out += 6;
    }
    uint32_t bits = 0;
    unsigned held = 0; /* characters of the group that is not full yet */
    for (; left > 0 && values[*next] != NO; next++, left--) {
        bits |= (uint32_t)values[*next] << (26 - 6 * held);
        if (++held == 4) {
            store_u32_be(out, bits);
            out += 3;
            bits = 0;
            held = 0;
        }
    }
    store_u32_be(out, bits);
    return text.len - left;
}

size_t base64_decode_run(struct slice text, uint8_t *out)
{
    const size_t wide = can_decode_wide() ? decode_wide(text, out) : 0;
    if (wide < text.len && values[text.data[wide]] == NO)
        return wide;
    const size_t whole = wide / 4 * 4;
    return whole +
           decode_narrow(slice_of(text.data + whole, text.len - whole), out + whole / 4 * 3);
}

/* Only padding and blanks are left: as many as complete a group of `held` characters. */
static bool is_padding(const uint8_t *next, const uint8_t *end, unsigned held)
{
    unsigned padding = 0;
    for (; next < end; next++) {
        if (*next == '=')
            padding++;
        else if (!is_blank(*next))
            return false;
    }
    return held >= 2 && padding == 4 - held;
}

static size_t put_tail(uint8_t *out, uint32_t bits, unsigned held)
{
    if (held == 2) {
        out[0] = (uint8_t)(bits >> 4);
        return 1;
    }
    if (held == 3) {
        out[0] = (uint8_t)(bits >> 10);
        out[1] = (uint8_t)(bits >> 2);
        return 2;
    }
    return 0;
}

bool base64_decode(struct slice text, uint8_t *out, size_t *out_len)
{
    const uint8_t *next = text.data;
    const uint8_t *end = text.data + text.len;
    uint8_t *const start = out;
    uint32_t bits = 0;
    unsigned held = 0; /* characters of the group that is not full yet */
    while (next < end) {
        if (held == 0) {
            const size_t taken =
                base64_decode_run(slice_of(next, (size_t)(end - next)), out) / 4 * 4;
            next += taken;
            out += taken / 4 * 3;
            if (next == end)
                break;
        }
        const uint8_t byte = *next;
        if (byte == '=')
            break;
        next++;
        if (is_blank(byte))
            continue;
        if (values[byte] == NO)
            return false;
        bits = bits << 6 | values[byte];
        if (++held == 4) {
            store_u32_be(out, bits << 8);
            out += 3;
            held = 0;
        }
    }
    if (next < end && !is_padding(next, end, held))
        return false;
    if (held == 1)
        return false;
    out += put_tail(out, bits, held);
    *out_len = (size_t)(out - start);
    return true;
}

void base64_encode(struct slice bytes, uint8_t *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < bytes.len; at += 3) {
        const size_t left = bytes.len - at;
        const uint32_t second = left > 1 ? bytes.data[at + 1] : 0;
        const uint32_t third = left > 2 ? bytes.data[at + 2] : 0;
        const uint32_t bits = (uint32_t)bytes.data[at] << 16 | second << 8 | third;
        out[0] = (uint8_t)alphabet[bits >> 18];
        out[1] = (uint8_t)alphabet[bits >> 12 & 63];
        out[2] = left > 1 ? (uint8_t)alphabet[bits >> 6 & 63] : (uint8_t)'=';
        out[3] = left > 2 ? (uint8_t)alphabet[bits & 63] : (uint8_t)'=';
        out += 4;
    }
}
