/*
 * test_bytes_hash.c - hashes are the library's, whatever vectors they are made with.
 */
#include "engine/base/bytes.h"
#include "engine/base/bytes_hash.h"
#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <xxhash.h>

#define BYTES_MAX 5000u

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Of bytes of exactly that many, at any address. */
static void compare_hashes(size_t len)
{
    const size_t before = random_next() % 64;
    uint8_t *const bytes = mem_alloc(before + len + 1, 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < before + len; i++)
        bytes[i] = (uint8_t)random_next();
    const uint64_t seed = random_next() % 4 == 0 ? 0 : random_next();
    const uint64_t expected = XXH3_64bits_withSeed(bytes + before, len, seed);
    assert_true(bytes_hash(bytes + before, len, seed) == expected);
    if (len >= BYTES_HASH_WIDE_MIN && bytes_hash_can_avx2())
        assert_true(bytes_hash_avx2(bytes + before, len, seed) == expected);
    mem_free(bytes);
}

static void hashes_are_those_of_the_library_at_every_length(void **state)
{
    (void)state;
    for (size_t len = 0; len <= BYTES_MAX; len++)
        compare_hashes(len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_the_library_at_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
