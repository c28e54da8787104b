/*
 * wide_tables.c - see wide_tables.h. A file of its own, so that the values are not known elsewhere.
 */
#include "ingest/decode/wide_tables.h"

#define FOUR(...)    __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define EIGHT(...)   FOUR(__VA_ARGS__), FOUR(__VA_ARGS__)
#define SIXTEEN(...) EIGHT(__VA_ARGS__), EIGHT(__VA_ARGS__)
#define BYTES(byte)  SIXTEEN(byte, byte)
#define TWICE(...)   __VA_ARGS__, __VA_ARGS__

const struct wide_tables wide_tables = {
    .quotes = {BYTES('"')},
    .backslashes = {BYTES('\\')},
    .slashes = {BYTES('/')},
    .points = {BYTES('.')},
    .blanks = {BYTES(' ')},
    .zeros = {BYTES('0')},
    .nines = {BYTES(9)},
    .to_pairs = {SIXTEEN(10, 1)},
    .to_fours = {EIGHT(100, 1)},
    .to_eights = {EIGHT(10000, 1)},
    .nibbles = {BYTES(0x0f)},
    /* Bit sets: a character is valid if the sets of its two halves have no bit in common. */
    .low_sets = {TWICE(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b,
                       0x1b, 0x1b, 0x1a)},
    .high_sets = {TWICE(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10,
                        0x10, 0x10, 0x10, 0x10)},
    /* From a character to its six bits, by its high half: 16, 19, 4, -65, -65, -71, -71. */
    .shifts = {TWICE(0, 16, 19, 4, 191, 191, 185, 185, 0, 0, 0, 0, 0, 0, 0, 0)},
    .to_twelve_bits = {SIXTEEN(0x40, 0x01)},
    .to_three_bytes = {EIGHT(0x1000, 0x0001)},
    .byte_order = {TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 255, 255, 255, 255)},
    .together = {0, 1, 2, 4, 5, 6, 3, 7},
    .tail_nibbles = {FOUR(0x0f), 0, 0, FOUR(0x0f), FOUR(0x0f), 0x0f, 0x0f, SIXTEEN(0x0f)},
    .tail_eights = {0, 1, 10000, 1, FOUR(10000, 1), 10000, 1, 10000, 1},
    /* The least of each byte of "YYYY-MM-DD HH:MM:SS.mmm", and how far above it one may be. */
    .time_low = {FOUR('0'), '-', '0', '0', '-', '0', '0', 0,   '0', '0',
                 ':',       '0', '0', ':', '0', '0', '.', '0', '0', '0'},
    .time_span = {FOUR(9), 0, 9, 9, 0, 9, 9, 255, 2, 9,          0,
                  5,       9, 0, 5, 9, 0, 9, 9,   9, EIGHT(255), 255},
    .time_places = {3, 4, 6, 7, 9, 10, 12, 13, 14, FOUR(255), 255, 255, 255},
    .time_to_pairs = {10, 1, 10, 1, 10, 1, 100, 10, 1},
    .time_to_sums = {60, 1, 1000, 1, 1},
};
