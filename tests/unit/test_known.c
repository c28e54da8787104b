/*
 * test_known.c - names that threads look up while others add.
 *
 * ctest: threads
 */
#include "engine/base/mem.h"
#include "engine/known/known.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAME_COUNT   20000u
#define READER_COUNT 3u
#define ADDER_COUNT  3u

struct name_text {
    char text[KNOWN_NAME_BYTES_MAX + 2];
};

static struct slice name_of(struct name_text *room, uint32_t index)
{
    (void)snprintf(room->text, sizeof room->text, "product/device-%u", index);
    return slice_of_text(room->text);
}

/* As decoders do: a guess that is looked at later, and a search where it was wrong. */
static bool find(const struct known_names *known, struct slice name, uint32_t *number)
{
    const uint64_t hash = known_names_hash(known, name);
    known_names_prefetch(known, hash);
    uint32_t guess = UINT32_MAX;
    if (known_names_guess(known, hash, &guess) && known_names_is(known, guess, name)) {
        *number = guess;
        return true;
    }
    return known_names_hit(known, hash, name, number);
}

/* The number that a name gets, or UINT32_MAX. */
static uint32_t add(struct known_names *known, struct slice name)
{
    uint32_t number = UINT32_MAX;
    const bool taken = known_names_add(known, known_names_hash(known, name), name, &number);
    return taken ? number : UINT32_MAX;
}

static void only_names_that_were_added_are_known(void **state)
{
    (void)state;
    OWNED(known_names_release) struct known_names known = {.seed = 0};
    known_names_init(&known);
    struct name_text room;
    uint32_t number = 0;
    assert_false(find(&known, name_of(&room, 0), &number));
    for (uint32_t i = 0; i < NAME_COUNT; i += 2)
        assert_int_equal(add(&known, name_of(&room, i)), i / 2);
    for (uint32_t i = 0; i < NAME_COUNT; i++) {
        assert_int_equal(find(&known, name_of(&room, i), &number), i % 2 == 0);
        if (i % 2 == 0)
            assert_int_equal(number, i / 2);
    }
    assert_int_equal(known_names_end(&known), NAME_COUNT / 2);
}

static void a_name_keeps_its_number_when_it_is_added_again(void **state)
{
    (void)state;
    OWNED(known_names_release) struct known_names known = {.seed = 0};
    known_names_init(&known);
    known_names_reserve(&known, 300);
    struct name_text room;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 1000; i++)
            assert_int_equal(add(&known, name_of(&room, i)), i);
    }
    assert_int_equal(known_names_end(&known), 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(slice_equal(known_names_name(&known, i), name_of(&room, i)));
}

static void a_name_is_found_though_the_guess_is_another(void **state)
{
    (void)state;
    OWNED(known_names_release) struct known_names known = {.seed = 0};
    known_names_init(&known);
    known.seed = 1; /* the same guesses each time */
    struct name_text room;
    for (uint32_t i = 0; i < NAME_COUNT; i++)
        assert_int_equal(add(&known, name_of(&room, i)), i);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < NAME_COUNT; i++) {
        const struct slice name = name_of(&room, i);
        const uint64_t hash = known_names_hash(&known, name);
        uint32_t number = UINT32_MAX;
        assert_true(known_names_guess(&known, hash, &number));
        assert_int_equal(known_names_is(&known, number, name), number == i);
        wrong += number != i;
        assert_true(known_names_hit(&known, hash, name, &number));
        assert_int_equal(number, i);
    }
    assert_in_range(wrong, 1, NAME_COUNT / 100);
}

static void names_are_known_up_to_the_length_of_two_places(void **state)
{
    (void)state;
    OWNED(known_names_release) struct known_names known = {.seed = 0};
    known_names_init(&known);
    uint8_t bytes[KNOWN_NAME_BYTES_MAX + 1];
    memset(bytes, 'n', sizeof bytes);
    uint32_t numbers[KNOWN_NAME_BYTES_MAX + 1];
    uint32_t number = 0;
    for (uint32_t len = 0; len <= KNOWN_NAME_BYTES_MAX; len++) {
        numbers[len] = add(&known, slice_of(bytes, len));
        assert_int_equal(numbers[len], number);
        number += len < KNOWN_PLACE_BYTES ? 1 : 2;
    }
    assert_int_equal(known_names_end(&known), number);
    assert_int_equal(add(&known, slice_of(bytes, sizeof bytes)), UINT32_MAX);
    for (uint32_t len = 0; len <= KNOWN_NAME_BYTES_MAX; len++) {
        assert_true(find(&known, slice_of(bytes, len), &number));
        assert_int_equal(number, numbers[len]);
        assert_true(slice_equal(known_names_name(&known, number), slice_of(bytes, len)));
    }
    assert_false(find(&known, slice_of(bytes, sizeof bytes), &number));
    bytes[KNOWN_NAME_BYTES_MAX - 1] = 'm';
    assert_false(find(&known, slice_of(bytes, KNOWN_NAME_BYTES_MAX), &number));
}

/* Every other one takes two places, and one of these meets the end of a chunk. */
static struct slice long_or_short(struct name_text *room, uint32_t index)
{
    if (index % 2 == 0)
        (void)snprintf(room->text, sizeof room->text, "pk/%05u", index);
    else
        (void)snprintf(room->text, sizeof room->text, "product/a-device-with-a-long-name-%05u",
                       index);
    return slice_of_text(room->text);
}

static void long_names_and_short_ones_share_chunks(void **state)
{
    (void)state;
    OWNED(known_names_release) struct known_names known = {.seed = 0};
    known_names_init(&known);
    struct name_text room;
    static uint32_t numbers[NAME_COUNT];
    uint32_t left_out = 0;
    for (uint32_t i = 0, next = 0; i < NAME_COUNT; i++) {
        const uint32_t count = i % 2 == 0 ? 1 : 2;
        numbers[i] = add(&known, long_or_short(&room, i));
        left_out += numbers[i] - next;
        assert_in_range(numbers[i], next, next + count - 1);
        assert_int_equal(numbers[i] / KNOWN_CHUNK_PLACES,
                         (numbers[i] + count - 1) / KNOWN_CHUNK_PLACES);
        next = numbers[i] + count;
    }
    assert_true(left_out > 0);
    for (uint32_t i = 0; i < NAME_COUNT; i++) {
        uint32_t number = 0;
        assert_true(find(&known, long_or_short(&room, i), &number));
        assert_int_equal(number, numbers[i]);
        assert_true(slice_equal(known_names_name(&known, number), long_or_short(&room, i)));
    }
}

/* --- threads ------------------------------------------------------------------------------- */

struct reader {
    pthread_t thread;
    const struct known_names *known;
    _Atomic uint32_t *added;
    bool wrong;
};

struct adder {
    pthread_t thread;
    struct known_names *known;
    uint32_t stride; /* shares no divisor with NAME_COUNT */
    uint32_t numbers[NAME_COUNT];
};

/* What was added before is found with its number; nothing has another. */
static void *read_names(void *context)
{
    struct reader *const reader = context;
    struct name_text room;
    uint32_t added = 0;
    while (added < NAME_COUNT) {
        added = atomic_load_explicit(reader->added, memory_order_acquire);
        for (uint32_t i = 0; i < NAME_COUNT; i += 61) {
            uint32_t number = UINT32_MAX;
            const bool found = find(reader->known, name_of(&room, i), &number);
            reader->wrong = reader->wrong || (i < added && !found) || (found && number != i);
        }
    }
    return NULL;
}

/* Meets all names, in an order of its own, and adds those that are not known. */
static void *add_names(void *context)
{
    struct adder *const adder = context;
    struct name_text room;
    for (uint32_t i = 0; i < NAME_COUNT; i++) {
        const uint32_t index = i * adder->stride % NAME_COUNT;
        const struct slice name = name_of(&room, index);
        if (!find(adder->known, name, &adder->numbers[index]))
            adder->numbers[index] = add(adder->known, name);
    }
    return NULL;
}

static void threads_that_add_the_same_names_agree_on_their_numbers(void **state)
{
    (void)state;
    static const uint32_t strides[ADDER_COUNT] = {1, 7, 19999};
    static struct adder adders[ADDER_COUNT];
    OWNED(known_names_release) struct known_names known = {.seed = 0};
    known_names_init(&known);
    for (size_t i = 0; i < ADDER_COUNT; i++) {
        adders[i].known = &known;
        adders[i].stride = strides[i];
        assert_int_equal(pthread_create(&adders[i].thread, NULL, add_names, &adders[i]), 0);
    }
    for (size_t i = 0; i < ADDER_COUNT; i++)
        assert_int_equal(pthread_join(adders[i].thread, NULL), 0);
    assert_int_equal(known_names_end(&known), NAME_COUNT);
    struct name_text room;
    for (uint32_t i = 0; i < NAME_COUNT; i++) {
        for (size_t a = 0; a < ADDER_COUNT; a++)
            assert_int_equal(adders[a].numbers[i], adders[0].numbers[i]);
        assert_true(slice_equal(known_names_name(&known, adders[0].numbers[i]), name_of(&room, i)));
    }
}

static void names_are_found_while_others_are_added(void **state)
{
    (void)state;
    OWNED(known_names_release) struct known_names known = {.seed = 0};
    known_names_init(&known);
    _Atomic uint32_t added = 0;
    struct reader readers[READER_COUNT];
    for (size_t i = 0; i < READER_COUNT; i++) {
        readers[i] = (struct reader){.known = &known, .added = &added};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_names, &readers[i]), 0);
    }
    struct name_text room;
    bool all_taken = true;
    for (uint32_t i = 0; i < NAME_COUNT; i++) {
        all_taken = add(&known, name_of(&room, i)) == i && all_taken;
        atomic_store_explicit(&added, i + 1, memory_order_release);
    }
    for (size_t i = 0; i < READER_COUNT; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_false(readers[i].wrong);
    }
    assert_true(all_taken);
}

/* --- memory -------------------------------------------------------------------------------- */

#ifdef MNSDB_TEST_FAULTS
static void without_memory_a_name_stays_unknown_and_the_others_known(void **state)
{
    (void)state;
    for (long nth = 0; nth < 6; nth++) {
        uint32_t failed = 0;
        OWNED(known_names_release) struct known_names known = {.seed = 0};
        known_names_init(&known);
        struct name_text room;
        uint32_t numbers[200];
        mem_fail_at(nth);
        for (uint32_t i = 0; i < 200; i++)
            numbers[i] = add(&known, name_of(&room, i));
        mem_fail_at(-1);
        for (uint32_t i = 0; i < 200; i++) {
            uint32_t number = 0;
            const bool taken = numbers[i] != UINT32_MAX;
            assert_int_equal(find(&known, name_of(&room, i), &number), taken);
            failed += !taken;
            if (taken)
                assert_int_equal(number, numbers[i]);
        }
        assert_true(failed > 0);
    }
    assert_int_equal(mem_live_blocks(), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_that_were_added_are_known),
        cmocka_unit_test(a_name_keeps_its_number_when_it_is_added_again),
        cmocka_unit_test(a_name_is_found_though_the_guess_is_another),
        cmocka_unit_test(names_are_known_up_to_the_length_of_two_places),
        cmocka_unit_test(long_names_and_short_ones_share_chunks),
        cmocka_unit_test(threads_that_add_the_same_names_agree_on_their_numbers),
        cmocka_unit_test(names_are_found_while_others_are_added),
#ifdef MNSDB_TEST_FAULTS
        cmocka_unit_test(without_memory_a_name_stays_unknown_and_the_others_known),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
