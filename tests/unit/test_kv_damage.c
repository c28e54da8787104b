/*
 * test_kv_damage.c - stores that were changed, cut short or left half made.
 */
#include "engine/kv/kv.h"
#include "tests/unit/kv_place.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void overwrite(const char *path, off_t offset, const void *bytes, size_t bytes_len)
{
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, bytes, bytes_len, offset), bytes_len);
    assert_int_equal(close(file), 0);
}

/* Finds `text` in the file and flips one bit of its first byte. */
static void damage_text(const char *path, const char *text)
{
    static uint8_t bytes[1 << 20];
    const int file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    const ssize_t got = pread(file, bytes, sizeof bytes, 0);
    assert_true(got > 0);
    const uint8_t *found = memmem(bytes, (size_t)got, text, strlen(text));
    assert_non_null(found);
    const uint8_t flipped = (uint8_t)(*found ^ 1);
    assert_int_equal(pwrite(file, &flipped, 1, found - bytes), 1);
    assert_int_equal(close(file), 0);
}

static void a_changed_value_fails_its_checksum(void **state)
{
    const struct place *place = *state;
    struct kv *kv = open_store(place, true);
    store_text(kv, "Akey", "a value to be damaged");
    kv_close(kv);
    damage_text(place->data, "a value to be damaged");

    kv = open_store(place, false);
    struct kv_txn *txn = begin(kv, false);
    struct slice payload;
    bool found = false;
    struct error err = {0};
    assert_int_equal(kv_get(txn, slice_of_text("Akey"), &payload, &found, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, place->dir));
    assert_non_null(strstr(err.message, "416b6579"));
    kv_abort(txn);
    kv_close(kv);
}

static void a_value_under_another_key_fails_its_checksum(void **state)
{
    struct kv *kv = open_store(*state, true);
    store_text(kv, "Akey", "value");
    struct kv_txn *txn = begin(kv, true);
    struct slice value;
    bool found = false;
    assert_int_equal(kv_get_raw(txn, slice_of_text("Akey"), &value, &found, NULL), STATUS_OK);
    uint8_t copy[64];
    assert_in_range(value.len, 8, sizeof copy);
    memcpy(copy, value.data, value.len);
    assert_int_equal(kv_put_raw(txn, slice_of_text("Bkey"), slice_of(copy, value.len), NULL),
                     STATUS_OK);
    assert_int_equal(kv_put_raw(txn, slice_of_text("Ckey"), slice_of(copy, 7), NULL), STATUS_OK);
    struct slice payload;
    assert_int_equal(kv_get(txn, slice_of_text("Bkey"), &payload, &found, NULL), STATUS_CORRUPT);
    assert_int_equal(kv_get(txn, slice_of_text("Ckey"), &payload, &found, NULL), STATUS_CORRUPT);
    kv_abort(txn);
    kv_close(kv);
}

static void a_truncated_file_is_refused_at_every_length(void **state)
{
    const struct place *place = *state;
    const off_t full = fill_store(place, 40);
    struct error err;
    for (off_t length = full - 1; length > 0; length -= length > 9000 ? 4999 : 501) {
        assert_int_equal(truncate(place->data, length), 0);
        assert_int_equal(open_status(place, false, &err), STATUS_CORRUPT);
        assert_non_null(strstr(err.message, "cut short"));
        assert_int_equal(open_status(place, true, &err), STATUS_CORRUPT);
    }
}

static void a_file_that_ends_before_free_pages_is_whole(void **state)
{
    /* The pages of deleted values become free; the next commits move what lives to the front. */
    const struct place *place = *state;
    const off_t full = fill_store(place, 40);
    struct kv *kv = open_store(place, true);
    struct kv_txn *txn = begin(kv, true);
    for (uint64_t i = 0; i < 40; i++) {
        uint8_t key[8];
        store_u64_be(key, i);
        assert_int_equal(kv_delete(txn, slice_of(key, sizeof key), NULL), STATUS_OK);
    }
    assert_int_equal(kv_commit(txn, NULL), STATUS_OK);
    for (int i = 0; i < 3; i++)
        store_text(kv, "Akey", "kept");
    kv_close(kv);

    /* Cut away what is free, as if it had never been written. */
    off_t length = full - 4096;
    struct error err;
    for (; length >= 8192; length -= 4096) {
        assert_int_equal(truncate(place->data, length + 5), 0);
        if (open_status(place, false, &err) != STATUS_OK)
            break;
        kv = open_store(place, false);
        assert_true(store_holds_text(kv, "Akey", "kept"));
        kv_close(kv);
        assert_int_equal(open_status(place, true, &err), STATUS_OK);
    }
    assert_in_range(length, 8192, full / 2);
    assert_non_null(strstr(err.message, "cut short"));
}

static void damaged_headers_are_refused(void **state)
{
    const struct place *place = *state;
    (void)fill_store(place, 2);
    struct error err;
    const uint8_t wrong = 0x5a;
    const off_t offsets[] = {10, 16, 20, 41, 4096 + 10, 4096 + 17, 4096 + 21, 4096 + 43};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        const int file = open(place->data, O_RDONLY | O_CLOEXEC);
        uint8_t right = 0;
        assert_int_equal(pread(file, &right, 1, offsets[i]), 1);
        assert_int_equal(close(file), 0);
        overwrite(place->data, offsets[i], &wrong, 1);
        assert_int_equal(open_status(place, false, &err), STATUS_CORRUPT);
        assert_non_null(strstr(err.message, "header page"));
        overwrite(place->data, offsets[i], &right, 1);
        assert_int_equal(open_status(place, false, &err), STATUS_OK);
    }
}

static void an_empty_file_of_a_creation_cut_short_is_begun_again(void **state)
{
    const struct place *place = *state;
    static const uint8_t zeros[8192];
    struct error err;
    for (size_t length = 0; length <= sizeof zeros; length += 4096) {
        const int file = open(place->data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(file >= 0);
        assert_int_equal(write(file, zeros, length), length);
        assert_int_equal(close(file), 0);
        assert_int_equal(open_status(place, false, &err), STATUS_MISSING);
        assert_int_equal(open_status(place, true, &err), STATUS_OK);
        assert_int_equal(open_status(place, false, &err), STATUS_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_changed_value_fails_its_checksum),
        IN_PLACE(a_value_under_another_key_fails_its_checksum),
        IN_PLACE(a_truncated_file_is_refused_at_every_length),
        IN_PLACE(a_file_that_ends_before_free_pages_is_whole),
        IN_PLACE(damaged_headers_are_refused),
        IN_PLACE(an_empty_file_of_a_creation_cut_short_is_begun_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
