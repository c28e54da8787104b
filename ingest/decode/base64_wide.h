/*
 * base64_wide.h - base64 32 characters a step, inlined where the processor has AVX2.
 *
 * The step is that of base64.c, twice as wide: a character's range by its high four bits, and a
 * bit set by its low four bits that says whether it is valid. Private to this folder.
 */
#ifndef MNSDB_INGEST_DECODE_BASE64_WIDE_H
#define MNSDB_INGEST_DECODE_BASE64_WIDE_H

#include "ingest/decode/base64.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define BASE64_AVX2 __attribute__((target("avx2,bmi,bmi2")))

/* The same 16 bytes in both halves. */
#define BOTH_HALVES(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))

/* 32 characters to 24 bytes (32 are stored); how many of the first are of the alphabet. */
BASE64_AVX2 static inline unsigned base64_step_avx2(const void *from, void *to)
{
    /* Bit sets: a character is valid if the sets of its two halves have no bit in common. */
    const __m256i low_sets = BOTH_HALVES(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                         0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
    const __m256i high_sets = BOTH_HALVES(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10,
                                          0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
    const __m256i shifts = BOTH_HALVES(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i order = BOTH_HALVES(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i nibble = _mm256_set1_epi8(0x0f);
    const __m256i characters = _mm256_loadu_si256(from);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi32(characters, 4), nibble);
    const __m256i low = _mm256_and_si256(characters, nibble);
    const __m256i wrong =
        _mm256_and_si256(_mm256_shuffle_epi8(low_sets, low), _mm256_shuffle_epi8(high_sets, high));
    const __m256i is_right = _mm256_cmpeq_epi8(wrong, _mm256_setzero_si256());
    const unsigned right = _tzcnt_u32(~(unsigned)_mm256_movemask_epi8(is_right));
    const __m256i is_slash = _mm256_cmpeq_epi8(characters, _mm256_set1_epi8('/'));
    const __m256i range = _mm256_add_epi8(is_slash, high);
    /* What is wrong counts as 0, so that it leaves alone the bits before it. */
    const __m256i sextets =
        _mm256_and_si256(_mm256_add_epi8(characters, _mm256_shuffle_epi8(shifts, range)), is_right);
    const __m256i pairs = _mm256_maddubs_epi16(sextets, _mm256_set1_epi32(0x01400140));
    const __m256i triples = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
    const __m256i in_halves = _mm256_shuffle_epi8(triples, order); /* 12 bytes in each */
    const __m256i together = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    _mm256_storeu_si256(to, _mm256_permutevar8x32_epi32(in_halves, together));
    return right;
}

/* As base64_decode_run. */
BASE64_AVX2 static inline size_t base64_run_avx2(struct slice text, uint8_t *out)
{
    size_t taken = 0;
    while (text.len - taken >= 32) {
        const unsigned right = base64_step_avx2(text.data + taken, out + taken / 4 * 3);
        taken += right;
        if (right == 32)
            continue;
        const uint8_t byte = text.data[taken];
        if (byte == '"' || byte == '=' || !base64_is_digit(byte))
            return taken;
        break; /* the other alphabet */
    }
    const size_t whole = taken / 4 * 4;
    return whole +
           base64_decode_run(slice_of(text.data + whole, text.len - whole), out + whole / 4 * 3);
}

#endif
#endif
