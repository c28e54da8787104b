/*
 * base64_wide.h - base64 32 characters a step, inlined where the processor has AVX2.
 *
 * The step is that of base64.c, twice as wide: a character's range by its high four bits, and a
 * bit set by its low four bits that says whether it is valid. Private to this folder.
 */
#ifndef MNSDB_INGEST_DECODE_BASE64_WIDE_H
#define MNSDB_INGEST_DECODE_BASE64_WIDE_H

#include "ingest/decode/base64.h"
#include "ingest/decode/wide_tables.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define BASE64_AVX2 __attribute__((target("avx2,bmi,bmi2")))

/* 32 bytes of a table. */
BASE64_AVX2 static inline __m256i wide_table(const void *table)
{
    return _mm256_load_si256(table);
}

/* 32 characters to 24 bytes (32 are stored); how many of the first are of the alphabet. */
BASE64_AVX2 static inline unsigned base64_step_avx2(const void *from, void *to)
{
    const struct wide_tables *const tables = &wide_tables;
    const __m256i nibbles = wide_table(tables->nibbles);
    const __m256i characters = _mm256_loadu_si256(from);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi32(characters, 4), nibbles);
    const __m256i low = _mm256_and_si256(characters, nibbles);
    const __m256i wrong =
        _mm256_and_si256(_mm256_shuffle_epi8(wide_table(tables->low_sets), low),
                         _mm256_shuffle_epi8(wide_table(tables->high_sets), high));
    const __m256i is_right = _mm256_cmpeq_epi8(wrong, _mm256_setzero_si256());
    const unsigned right = _tzcnt_u32(~(unsigned)_mm256_movemask_epi8(is_right));
    const __m256i is_slash = _mm256_cmpeq_epi8(characters, wide_table(tables->slashes));
    const __m256i range = _mm256_add_epi8(is_slash, high);
    const __m256i shift = _mm256_shuffle_epi8(wide_table(tables->shifts), range);
    /* What is wrong counts as 0, so that it leaves alone the bits before it. */
    const __m256i sextets = _mm256_and_si256(_mm256_add_epi8(characters, shift), is_right);
    const __m256i pairs = _mm256_maddubs_epi16(sextets, wide_table(tables->to_twelve_bits));
    const __m256i triples = _mm256_madd_epi16(pairs, wide_table(tables->to_three_bytes));
    /* 12 bytes in each half */
    const __m256i in_halves = _mm256_shuffle_epi8(triples, wide_table(tables->byte_order));
    _mm256_storeu_si256(to, _mm256_permutevar8x32_epi32(in_halves, wide_table(tables->together)));
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
