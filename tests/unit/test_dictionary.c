/*
 * test_dictionary.c - names and numbers survive pages, reloading and transactions that failed.
 */
#include "engine/dictionary/dictionary.h"
#include "engine/format/format.h"
#include "tests/unit/scratch_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NAMES 3000u

static struct scratch_store store;

static int open_store(void **state)
{
    (void)state;
    store = (struct scratch_store){0};
    scratch_store_open(&store);
    return 0;
}

static int drop_store(void **state)
{
    (void)state;
    scratch_store_drop(&store);
    return 0;
}

static void must(enum status status, const struct error *err)
{
    if (status != STATUS_OK)
        fail_msg("%s", err->message);
}

/* The n-th name, of 0 to NAME_BYTES_MAX bytes, any bytes in it. */
static struct slice name_of(uint32_t number, uint8_t bytes[NAME_BYTES_MAX])
{
    if (number == 0)
        return slice_of(bytes, 0);
    const size_t len = 4 + (size_t)number * 131 % (NAME_BYTES_MAX - 3);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)((size_t)number * 17 + i * 5);
    memcpy(bytes, &number, sizeof number);
    return slice_of(bytes, len);
}

static void give_numbers(struct dictionary *dictionary, struct kv_txn *txn, uint32_t from,
                         uint32_t until)
{
    struct error err = {0};
    uint8_t bytes[NAME_BYTES_MAX];
    for (uint32_t n = from; n < until; n++) {
        uint32_t number = 0;
        must(dictionary_number(dictionary, txn, name_of(n, bytes), &number, &err), &err);
        assert_int_equal(number, n);
    }
    must(dictionary_flush(dictionary, txn, &err), &err);
}

static void commit(struct kv_txn *txn)
{
    struct error err = {0};
    must(kv_commit(txn, &err), &err);
}

static void load(struct dictionary *dictionary, uint64_t expected)
{
    struct error err = {0};
    struct kv_txn *txn = scratch_store_begin(&store, false);
    must(dictionary_load(dictionary, txn, KEY_DEVICES, expected, &err), &err);
    kv_abort(txn);
}

static void names_keep_their_numbers_over_pages_and_reloads(void **state)
{
    (void)state;
    struct dictionary dictionary = {.key_type = KEY_DEVICES};
    struct name_list list = {0};
    uint8_t bytes[NAME_BYTES_MAX];
    struct error err = {0};
    for (uint32_t from = 0; from < NAMES; from += 300) {
        struct kv_txn *txn = scratch_store_begin(&store, true);
        give_numbers(&dictionary, txn, from, from + 300);
        commit(txn);
        if (from % 600 == 0)
            load(&dictionary, from + 300);
    }
    struct kv_txn *txn = scratch_store_begin(&store, false);
    must(name_list_load(&list, txn, KEY_DEVICES, NAMES, &err), &err);
    for (uint32_t n = 0; n < NAMES; n++) {
        assert_true(slice_equal(list.names[n], name_of(n, bytes)));
        assert_int_equal(name_table_find(&dictionary.table, list.names[n]), n);
    }
    assert_int_equal(name_list_load(&list, txn, KEY_DEVICES, NAMES - 1, &err), STATUS_CORRUPT);
    assert_int_equal(name_list_load(&list, txn, KEY_DEVICES, NAMES + 1, &err), STATUS_CORRUPT);
    kv_abort(txn);
    name_list_release(&list);
    dictionary_release(&dictionary);
}

static void names_of_a_transaction_that_failed_are_given_again(void **state)
{
    (void)state;
    struct dictionary dictionary = {.key_type = KEY_DEVICES};
    struct kv_txn *txn = scratch_store_begin(&store, true);
    give_numbers(&dictionary, txn, 0, 100);
    commit(txn);
    txn = scratch_store_begin(&store, true);
    give_numbers(&dictionary, txn, 100, 700);
    kv_abort(txn);
    load(&dictionary, 100);
    txn = scratch_store_begin(&store, true);
    give_numbers(&dictionary, txn, 100, 500);
    commit(txn);
    load(&dictionary, 500);
    dictionary_release(&dictionary);
}

static void a_name_that_stands_twice_is_damage(void **state)
{
    (void)state;
    const uint8_t page[] = {1, 'a', 1, 'b', 1, 'a'};
    struct dictionary dictionary = {0};
    struct error err = {0};
    struct kv_txn *txn = scratch_store_begin(&store, true);
    struct key key = key_of(KEY_DEVICES);
    key_add_u32(&key, 0);
    must(kv_put(txn, key_slice(&key), slice_of(page, sizeof page), &err), &err);
    assert_int_equal(dictionary_load(&dictionary, txn, KEY_DEVICES, 3, &err), STATUS_CORRUPT);
    must(kv_put(txn, key_slice(&key), slice_of(page, sizeof page - 1), &err), &err);
    assert_int_equal(dictionary_load(&dictionary, txn, KEY_DEVICES, 3, &err), STATUS_CORRUPT);
    must(kv_put(txn, key_slice(&key), slice_of(page, 4), &err), &err);
    must(dictionary_load(&dictionary, txn, KEY_DEVICES, 2, &err), &err);
    kv_abort(txn);
    dictionary_release(&dictionary);
}

struct found {
    uint32_t numbers[8];
    size_t count;
};

static enum status note_found(void *context, uint32_t number, struct slice name, struct error *err)
{
    struct found *found = context;
    (void)err;
    assert_true(name.len > 0);
    assert_in_range(found->count, 0, 7);
    found->numbers[found->count++] = number;
    return STATUS_OK;
}

static void the_last_page_tells_how_many_names_there_are(void **state)
{
    (void)state;
    struct dictionary dictionary = {.key_type = KEY_DEVICES};
    struct error err = {0};
    struct kv_txn *txn = scratch_store_begin(&store, true);
    must(dictionary_check(txn, KEY_DEVICES, 0, &err), &err);
    assert_int_equal(dictionary_check(txn, KEY_DEVICES, 1, &err), STATUS_CORRUPT);
    give_numbers(&dictionary, txn, 0, NAMES);
    must(dictionary_check(txn, KEY_DEVICES, NAMES, &err), &err);
    assert_int_equal(dictionary_check(txn, KEY_DEVICES, NAMES - 1, &err), STATUS_CORRUPT);
    assert_int_equal(dictionary_check(txn, KEY_DEVICES, NAMES + 1, &err), STATUS_CORRUPT);
    must(dictionary_check(txn, KEY_METRICS, 0, &err), &err);
    kv_abort(txn);
    dictionary_release(&dictionary);
}

static void names_are_found_by_how_they_end(void **state)
{
    (void)state;
    const uint8_t first[] = {3, 'a', '/', 'b', 0, 1, 'b'};
    const uint8_t second[] = {4, 'c', '/', 'b', 'b', 2, 'b', 'c'};
    const uint32_t ending_in_b[] = {0, 2, 3};
    struct error err = {0};
    struct kv_txn *txn = scratch_store_begin(&store, true);
    struct key key = key_of(KEY_DEVICES);
    key_add_u32(&key, 0);
    must(kv_put(txn, key_slice(&key), slice_of(first, sizeof first), &err), &err);
    key = key_of(KEY_DEVICES);
    key_add_u32(&key, 3);
    must(kv_put(txn, key_slice(&key), slice_of(second, sizeof second), &err), &err);

    struct found found = {0};
    struct name_search search = {
        .ending = slice_of_text("b"), .context = &found, .found = note_found};
    must(dictionary_search(txn, KEY_DEVICES, 5, &search, &err), &err);
    assert_int_equal(found.count, 3);
    assert_memory_equal(found.numbers, ending_in_b, sizeof ending_in_b);
    search.ending = slice_of_text("c/bb");
    found.count = 0;
    must(dictionary_search(txn, KEY_DEVICES, 5, &search, &err), &err);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.numbers[0], 3);
    assert_int_equal(dictionary_search(txn, KEY_DEVICES, 4, &search, &err), STATUS_CORRUPT);

    /* a length beyond the page, in one byte and in two */
    const uint8_t broken[] = {4, 'c', '/', 'b', 'b', 3, 'b', 'c'};
    must(kv_put(txn, key_slice(&key), slice_of(broken, sizeof broken), &err), &err);
    assert_int_equal(dictionary_search(txn, KEY_DEVICES, 5, &search, &err), STATUS_CORRUPT);
    assert_int_equal(dictionary_check(txn, KEY_DEVICES, 5, &err), STATUS_CORRUPT);
    const uint8_t cut[] = {4, 'c', '/', 'b', 'b', 0x82};
    must(kv_put(txn, key_slice(&key), slice_of(cut, sizeof cut), &err), &err);
    assert_int_equal(dictionary_search(txn, KEY_DEVICES, 5, &search, &err), STATUS_CORRUPT);
    must(kv_delete(txn, key_slice(&key), &err), &err);
    assert_int_equal(dictionary_search(txn, KEY_DEVICES, 5, &search, &err), STATUS_CORRUPT);
    kv_abort(txn);
}

#define IN_A_STORE(test) cmocka_unit_test_setup_teardown(test, open_store, drop_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(names_keep_their_numbers_over_pages_and_reloads),
        IN_A_STORE(names_of_a_transaction_that_failed_are_given_again),
        IN_A_STORE(a_name_that_stands_twice_is_damage),
        IN_A_STORE(the_last_page_tells_how_many_names_there_are),
        IN_A_STORE(names_are_found_by_how_they_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
