/*
 * md5.c - MD5 in four rounds of sixteen steps; see md5.h.
 *
 * The names a, b, c, d and the tables are those of RFC 1321. Bytes are little-endian, as are
 * all machines this project runs on (engine/base/bytes.h says so).
 */
#include "bench/localqueue/md5.h"

#include <string.h>

#define BLOCK_BYTES  64u
#define LENGTH_BYTES 8u /* at the end of the last block: the length in bits */

/* floor(2^32 * |sin(i + 1)|) */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static inline uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

/* One step: `mixed` is the round's function of b, c and d. Returns the new b. */
static inline uint32_t step(uint32_t a, uint32_t b, uint32_t mixed, uint32_t word, unsigned bits)
{
    return b + rotate(a + mixed + word, bits);
}

/* One step in each role; four of them bring the roles back to where they were. */
#define STEP(mix, a, b, c, d, word_index, sine_index, bits) \
    (a) = step((a), (b), mix((b), (c), (d)), words[word_index] + sines[sine_index], (bits))
#define MIX_1(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define MIX_2(x, y, z) ((y) ^ ((z) & ((x) ^ (y))))
#define MIX_3(x, y, z) ((x) ^ (y) ^ (z))
#define MIX_4(x, y, z) ((y) ^ ((x) | ~(z)))

static void take_block(uint32_t state[4], const uint8_t *block)
{
    uint32_t words[16];
    memcpy(words, block, sizeof words);
    uint32_t a = state[0];
    uint32_t b = state[1];
    uint32_t c = state[2];
    uint32_t d = state[3];
    for (unsigned i = 0; i < 16; i += 4) {
        STEP(MIX_1, a, b, c, d, i, i, 7);
        STEP(MIX_1, d, a, b, c, i + 1, i + 1, 12);
        STEP(MIX_1, c, d, a, b, i + 2, i + 2, 17);
        STEP(MIX_1, b, c, d, a, i + 3, i + 3, 22);
    }
    for (unsigned i = 0; i < 16; i += 4) {
        STEP(MIX_2, a, b, c, d, (5 * i + 1) % 16, i + 16, 5);
        STEP(MIX_2, d, a, b, c, (5 * i + 6) % 16, i + 17, 9);
        STEP(MIX_2, c, d, a, b, (5 * i + 11) % 16, i + 18, 14);
        STEP(MIX_2, b, c, d, a, (5 * i) % 16, i + 19, 20);
    }
    for (unsigned i = 0; i < 16; i += 4) {
        STEP(MIX_3, a, b, c, d, (3 * i + 5) % 16, i + 32, 4);
        STEP(MIX_3, d, a, b, c, (3 * i + 8) % 16, i + 33, 11);
        STEP(MIX_3, c, d, a, b, (3 * i + 11) % 16, i + 34, 16);
        STEP(MIX_3, b, c, d, a, (3 * i + 14) % 16, i + 35, 23);
    }
    for (unsigned i = 0; i < 16; i += 4) {
        STEP(MIX_4, a, b, c, d, (7 * i) % 16, i + 48, 6);
        STEP(MIX_4, d, a, b, c, (7 * i + 7) % 16, i + 49, 10);
        STEP(MIX_4, c, d, a, b, (7 * i + 14) % 16, i + 50, 15);
        STEP(MIX_4, b, c, d, a, (7 * i + 5) % 16, i + 51, 21);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void md5_digest(struct slice bytes, uint8_t digest[MD5_BYTES])
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    size_t at = 0;
    for (; bytes.len - at >= BLOCK_BYTES; at += BLOCK_BYTES)
        take_block(state, bytes.data + at);

    /* What is left, a one bit, zeros, the length: one block, or two where it does not fit. */
    uint8_t last[2 * BLOCK_BYTES] = {0};
    const size_t left = bytes.len - at;
    if (left > 0)
        memcpy(last, bytes.data + at, left);
    last[left] = 0x80;
    const size_t last_len = left + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    const uint64_t bits = (uint64_t)bytes.len * 8;
    memcpy(last + last_len - LENGTH_BYTES, &bits, sizeof bits);
    for (size_t i = 0; i < last_len; i += BLOCK_BYTES)
        take_block(state, last + i);
    memcpy(digest, state, MD5_BYTES);
}

void md5_hex(const uint8_t digest[MD5_BYTES], const char *digits, uint8_t hex[MD5_HEX_BYTES])
{
    for (unsigned i = 0; i < MD5_BYTES; i++) {
        hex[(size_t)2 * i] = (uint8_t)digits[digest[i] >> 4];
        hex[(size_t)2 * i + 1] = (uint8_t)digits[digest[i] & 15];
    }
}
