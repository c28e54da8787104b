/*
 * wide_tables.h - vectors that the wide code reads from memory.
 *
 * Compilers would make them anew from numbers at each use, in two or three instructions each.
 *
 * Private to this folder.
 */
#ifndef MNSDB_INGEST_DECODE_WIDE_TABLES_H
#define MNSDB_INGEST_DECODE_WIDE_TABLES_H

#include <stdint.h>

struct wide_tables {
    _Alignas(32) uint8_t quotes[32];
    uint8_t backslashes[32];
    uint8_t slashes[32];
    uint8_t points[32];
    uint8_t blanks[32]; /* the first character that is no control */
    uint8_t zeros[32];  /* the digit */
    uint8_t nines[32];  /* 9, not the digit */
    /* Digits to numbers, pairwise: tens and ones, hundreds and ones, ten thousands and ones. */
    uint8_t to_pairs[32];
    uint16_t to_fours[16];
    uint16_t to_eights[16];
    /* Of base64: see base64_step_avx2. */
    uint8_t nibbles[32];
    uint8_t low_sets[32];
    uint8_t high_sets[32];
    uint8_t shifts[32];
    uint8_t to_twelve_bits[32];
    uint16_t to_three_bytes[16];
    uint8_t byte_order[32];
    uint32_t together[8];
    /* Of a line's tail: see tail_values. */
    uint8_t tail_nibbles[32];
    uint16_t tail_eights[16];
    /* Of a time in a status message: see read_status_time. */
    uint8_t time_low[32];
    uint8_t time_span[32];
    uint8_t time_places[16];
    uint8_t time_to_pairs[16];
    uint16_t time_to_sums[8];
};

extern const struct wide_tables wide_tables;

#endif
