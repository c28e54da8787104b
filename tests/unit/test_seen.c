/*
 * test_seen.c - the set of ids: damage, hostile pages, failing memory, and its size.
 *
 * ctest: fault
 */
#include "engine/base/mem.h"
#include "engine/seen/seen.h"
#include "tests/unit/scratch_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IDS_MAX 300000u

struct bench {
    struct scratch_store store;
    struct seen *seen;
    uint64_t *ids; /* IDS_MAX */
    bool *held;
};

static int make_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    scratch_store_open(&bench->store);
    assert_int_equal(seen_new(&bench->seen), STATUS_OK);
    bench->ids = calloc(IDS_MAX, sizeof *bench->ids);
    bench->held = calloc(IDS_MAX, sizeof *bench->held);
    assert_true(bench->ids && bench->held);
    *state = bench;
    return 0;
}

static int drop_bench(void **state)
{
    struct bench *bench = *state;
    seen_free(bench->seen);
    scratch_store_drop(&bench->store);
    free(bench->ids);
    free(bench->held);
    free(bench);
    return 0;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static void add_ids(struct bench *bench, size_t count)
{
    struct error err = {0};
    struct kv_txn *txn = scratch_store_begin(&bench->store, true);
    uint64_t added = 0;
    const enum status status =
        seen_add(bench->seen, txn, (struct id_list){bench->ids, count}, bench->held, &added, &err);
    if (status != STATUS_OK)
        fail_msg("%s", err.message);
    assert_int_equal(kv_commit(txn, NULL), STATUS_OK);
}

/* Ids in order, 5 to 14 ms apart, of four workers. */
static void fill_snowflakes(struct bench *bench, size_t count)
{
    uint64_t ms = 240000000000;
    for (size_t i = 0; i < count; i++) {
        ms += 5 + mix(i) % 10;
        bench->ids[i] = ms << 22 | (mix(i + 7) % 4 * 100) << 12 | (mix(i + 9) % 16 == 0);
    }
}

static void fill_plain(struct bench *bench, size_t count)
{
    uint64_t id = 1;
    for (size_t i = 0; i < count; i++) {
        bench->ids[i] = id;
        id += 1 + mix(i) % 100000;
    }
}

struct seen_key {
    uint8_t bytes[9];
};

static struct seen_key key_of(uint64_t first)
{
    struct seen_key key = {.bytes = {KEY_SEEN}};
    store_u64_be(key.bytes + 1, first);
    return key;
}

static void count_problem(void *context, const char *what)
{
    size_t *problems = context;
    assert_true(strlen(what) > 0);
    ++*problems;
}

static size_t problems_in(struct bench *bench, struct kv_txn *txn, uint64_t *total)
{
    size_t problems = 0;
    assert_int_equal(seen_verify(bench->seen, txn, count_problem, &problems, total, NULL),
                     STATUS_OK);
    return problems;
}

/* --- size ----------------------------------------------------------------------------------- */

static void expect_bytes_per_id_below(struct bench *bench, size_t count, double limit)
{
    struct kv_space space;
    assert_int_equal(kv_space(bench->store.kv, &space, NULL), STATUS_OK);
    const double bytes = (double)space.used_bytes / (double)count;
    if (bytes >= limit)
        fail_msg("%.2f bytes an id, expected less than %.2f", bytes, limit);
}

static void snowflakes_in_order_take_little_more_than_a_byte(void **state)
{
    struct bench *bench = *state;
    fill_snowflakes(bench, 200000);
    add_ids(bench, 200000);
    expect_bytes_per_id_below(bench, 200000, 1.2);
}

static void a_second_recording_of_the_same_span_leaves_full_pages(void **state)
{
    struct bench *bench = *state;
    fill_snowflakes(bench, 100000);
    add_ids(bench, 100000);
    for (size_t i = 0; i < 100000; i++)
        bench->ids[i] += 50 << 12;
    add_ids(bench, 100000);
    expect_bytes_per_id_below(bench, 200000, 1.2);
}

/* The fewest ids of a page, the last one left out, and the number of pages. */
static size_t fewest_ids(struct bench *bench, size_t *pages)
{
    static uint64_t ids[SEEN_PAGE_IDS_MAX];
    struct kv_txn *txn = scratch_store_begin(&bench->store, false);
    struct kv_cursor *cursor = NULL;
    assert_int_equal(kv_cursor_open(txn, &cursor, NULL), STATUS_OK);
    struct kv_entry entry;
    const struct slice all = slice_of_text("S");
    assert_int_equal(kv_seek_ceiling(cursor, all, all, &entry, NULL), STATUS_OK);
    size_t fewest = SIZE_MAX;
    size_t last = SIZE_MAX;
    for (*pages = 0; entry.found; ++*pages) {
        struct slice payload;
        size_t count = 0;
        assert_int_equal(kv_entry_payload(&entry, &payload, NULL), STATUS_OK);
        assert_int_equal(
            seen_page_decode(payload, load_u64_be(entry.key.data + 1), ids, &count, NULL),
            STATUS_OK);
        fewest = last < fewest ? last : fewest;
        last = count;
        assert_int_equal(kv_next(cursor, all, &entry, NULL), STATUS_OK);
    }
    kv_cursor_close(cursor);
    kv_abort(txn);
    return fewest;
}

static void a_full_page_that_takes_late_ids_splits_evenly(void **state)
{
    struct bench *bench = *state;
    size_t pages = 0;
    fill_snowflakes(bench, 50000);
    add_ids(bench, 50000);
    const size_t full = fewest_ids(bench, &pages);
    const size_t pages_before = pages;
    for (size_t i = 0; i < 100; i++)
        bench->ids[i] = bench->ids[25000 + i] + 2;
    add_ids(bench, 100);
    const size_t fewest = fewest_ids(bench, &pages);
    assert_int_equal(pages, pages_before + 1);
    assert_in_range(fewest, full * 2 / 5, full * 3 / 5);

    /* Each half has room: the next late ids split nothing. */
    for (size_t i = 0; i < 100; i++)
        bench->ids[i] = bench->ids[25200 + i] + 2;
    add_ids(bench, 100);
    (void)fewest_ids(bench, &pages);
    assert_int_equal(pages, pages_before + 1);
}

static void random_ids_take_less_than_their_eight_bytes(void **state)
{
    struct bench *bench = *state;
    const uint64_t step = UINT64_MAX / 100000;
    for (size_t i = 0; i < 100000; i++)
        bench->ids[i] = i * step + mix(i) % step;
    add_ids(bench, 100000);
    expect_bytes_per_id_below(bench, 100000, 6.6);
}

static void neighbours_take_a_quarter_of_a_byte(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < IDS_MAX; i++)
        bench->ids[i] = i;
    add_ids(bench, IDS_MAX);
    expect_bytes_per_id_below(bench, IDS_MAX, 0.3);
    struct kv_txn *txn = scratch_store_begin(&bench->store, false);
    uint64_t total = 0;
    assert_int_equal(problems_in(bench, txn, &total), 0);
    assert_int_equal(total, IDS_MAX);
    kv_abort(txn);
}

static void an_empty_batch_and_an_empty_set_are_fine(void **state)
{
    struct bench *bench = *state;
    struct kv_txn *txn = scratch_store_begin(&bench->store, true);
    uint64_t added = 1;
    uint64_t total = 1;
    assert_int_equal(seen_add(bench->seen, txn, (struct id_list){NULL, 0}, NULL, &added, NULL),
                     STATUS_OK);
    assert_int_equal(added, 0);
    assert_int_equal(problems_in(bench, txn, &total), 0);
    assert_int_equal(total, 0);
    bench->ids[0] = 5;
    bench->held[0] = true;
    assert_int_equal(
        seen_check(bench->seen, txn, (struct id_list){bench->ids, 1}, bench->held, NULL),
        STATUS_OK);
    assert_false(bench->held[0]);
    kv_abort(txn);
}

/* --- damage --------------------------------------------------------------------------------- */

static void expect_each_flip_found(struct bench *bench, size_t count)
{
    add_ids(bench, count);
    const struct seen_key key_bytes = key_of(bench->ids[0]);
    const struct slice key = slice_of(key_bytes.bytes, sizeof key_bytes.bytes);
    struct kv_txn *txn = scratch_store_begin(&bench->store, true);
    struct slice value;
    bool found = false;
    assert_int_equal(kv_get_raw(txn, key, &value, &found, NULL), STATUS_OK);
    assert_true(found);
    uint8_t copy[SEEN_PAGE_BYTES_MAX + KV_CHECKSUM_BYTES];
    const size_t copy_len = value.len;
    assert_in_range(copy_len, KV_CHECKSUM_BYTES, sizeof copy);
    memcpy(copy, value.data, copy_len);

    for (size_t i = 0; i < copy_len; i++) {
        copy[i] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(kv_put_raw(txn, key, slice_of(copy, copy_len), NULL), STATUS_OK);
        uint64_t total = 0;
        assert_int_equal(problems_in(bench, txn, &total), 1);
        assert_int_equal(
            seen_check(bench->seen, txn, (struct id_list){bench->ids, 1}, bench->held, NULL),
            STATUS_CORRUPT);
        copy[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(kv_put_raw(txn, key, slice_of(copy, copy_len), NULL), STATUS_OK);
    uint64_t total = 0;
    assert_int_equal(problems_in(bench, txn, &total), 0);
    assert_int_equal(total, count);
    kv_abort(txn);
}

static void verify_finds_each_flipped_byte_of_a_page(void **state)
{
    struct bench *bench = *state;
    fill_snowflakes(bench, 5000);
    expect_each_flip_found(bench, 5000);
}

static void verify_finds_pages_that_overlap(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < 10; i++)
        bench->ids[i] = 1000 + i;
    add_ids(bench, 10);
    struct kv_txn *txn = scratch_store_begin(&bench->store, true);
    const struct seen_key low = key_of(1000);
    const struct seen_key middle = key_of(1005);
    struct slice payload;
    bool found = false;
    uint8_t copy[SEEN_PAGE_BYTES_MAX];
    assert_int_equal(kv_get(txn, slice_of(low.bytes, 9), &payload, &found, NULL), STATUS_OK);
    assert_true(found && payload.len <= sizeof copy);
    memcpy(copy, payload.data, payload.len);
    /* The page holds distances from its key: under another key it is as valid. */
    assert_int_equal(kv_put(txn, slice_of(middle.bytes, 9), slice_of(copy, payload.len), NULL),
                     STATUS_OK);
    uint64_t total = 0;
    assert_int_equal(problems_in(bench, txn, &total), 1);
    assert_int_equal(total, 20);
    assert_int_equal(
        seen_check(bench->seen, txn, (struct id_list){bench->ids, 10}, bench->held, NULL),
        STATUS_CORRUPT);
    uint64_t added = 0;
    assert_int_equal(
        seen_add(bench->seen, txn, (struct id_list){bench->ids, 10}, bench->held, &added, NULL),
        STATUS_CORRUPT);
    kv_abort(txn);
}

static void verify_finds_keys_of_a_wrong_length(void **state)
{
    struct bench *bench = *state;
    struct kv_txn *txn = scratch_store_begin(&bench->store, true);
    assert_int_equal(kv_put(txn, slice_of_text("S123"), slice_of_text("x"), NULL), STATUS_OK);
    uint64_t total = 0;
    assert_int_equal(problems_in(bench, txn, &total), 1);
    kv_abort(txn);
}

static void verify_says_nothing_of_the_keys_of_others(void **state)
{
    struct bench *bench = *state;
    fill_snowflakes(bench, 10);
    add_ids(bench, 10);
    struct kv_txn *txn = scratch_store_begin(&bench->store, true);
    assert_int_equal(kv_put(txn, slice_of_text("R123"), slice_of_text("x"), NULL), STATUS_OK);
    assert_int_equal(kv_put(txn, slice_of_text("T"), slice_of_text("x"), NULL), STATUS_OK);
    uint64_t total = 0;
    assert_int_equal(problems_in(bench, txn, &total), 0);
    assert_int_equal(total, 10);
    assert_int_equal(
        seen_check(bench->seen, txn, (struct id_list){bench->ids, 10}, bench->held, NULL),
        STATUS_OK);
    assert_true(bench->held[0] && bench->held[9]);
    kv_abort(txn);
}

/* --- hostile pages -------------------------------------------------------------------------- */

static uint64_t decoded[SEEN_PAGE_IDS_MAX];

/* Whatever the bytes: refused, or ids that ascend from the first. */
static bool decodes(const uint8_t *bytes, size_t bytes_len, uint64_t first)
{
    uint8_t *exact = malloc(bytes_len > 0 ? bytes_len : 1); /* its end is where ASan looks */
    assert_non_null(exact);
    memcpy(exact, bytes, bytes_len);
    size_t count = 0;
    const enum status status =
        seen_page_decode(slice_of(exact, bytes_len), first, decoded, &count, NULL);
    free(exact);
    assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
    if (status != STATUS_OK)
        return false;
    assert_in_range(count, 1, SEEN_PAGE_IDS_MAX);
    assert_int_equal(decoded[0], first);
    for (size_t i = 1; i < count; i++)
        assert_true(decoded[i] > decoded[i - 1]);
    return true;
}

static void damaged_pages_never_decode_to_disorder(void **state)
{
    struct bench *bench = *state;
    void (*const fills[])(struct bench *, size_t) = {fill_snowflakes, fill_plain};
    for (size_t kind = 0; kind < 2; kind++) {
        fills[kind](bench, 1000);
        add_ids(bench, 1000);
        const struct seen_key key = key_of(bench->ids[0]);
        struct kv_txn *txn = scratch_store_begin(&bench->store, false);
        struct slice payload;
        bool found = false;
        assert_int_equal(kv_get(txn, slice_of(key.bytes, 9), &payload, &found, NULL), STATUS_OK);
        assert_true(found && decodes(payload.data, payload.len, bench->ids[0]));
        assert_int_equal(memcmp(decoded, bench->ids, 1000 * sizeof *decoded), 0);
        assert_int_equal(payload.data[0], kind == 0); /* its form */

        uint8_t copy[SEEN_PAGE_BYTES_MAX];
        for (uint64_t i = 0; i < 40000; i++) {
            memcpy(copy, payload.data, payload.len);
            const size_t where = mix(i) % (i % 2 == 0 ? 32 : payload.len);
            copy[where] = (uint8_t)mix(i + 1);
            (void)decodes(copy, payload.len, i % 3 == 0 ? mix(i + 2) : bench->ids[0]);
            (void)decodes(copy, mix(i + 3) % payload.len, bench->ids[0]);
        }
        assert_false(decodes(payload.data, payload.len - 1, bench->ids[0]));
        assert_false(decodes(payload.data, 0, bench->ids[0]));
        kv_abort(txn);
    }
}

static void pages_that_break_a_rule_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        uint8_t bytes[48];
        size_t bytes_len;
        uint64_t first;
        bool valid;
    } cases[] = {
        {"a single id", {0, 0, 1, 0}, 4, UINT64_MAX, true},
        {"no ids", {0, 0, 0, 0}, 4, 0, false},
        {"an unknown form", {2, 0, 1, 0}, 4, 0, false},
        {"bytes after a single id", {0, 0, 1, 0, 1}, 5, 0, false},
        {"too many low bits", {0, 57, 1, 0}, 4, 0, false},
        {"two ids, one apart", {0, 0, 2, 0, 2}, 5, 0, true},
        {"two ids, equal", {0, 0, 2, 0, 1}, 5, 0, false},
        {"two bits for one place", {0, 0, 2, 0, 3}, 5, 0, false},
        {"no bit for a place", {0, 0, 2, 0, 0}, 5, 0, false},
        {"a last byte of zero", {0, 0, 2, 0, 2, 0}, 6, 0, false},
        {"the largest id", {0, 0, 2, 0, 2}, 5, UINT64_MAX - 1, true},
        {"beyond the largest id", {0, 0, 2, 0, 2}, 5, UINT64_MAX, false},
        {"a place of 64 bits", {0, 56, 2, 0, 1, [42] = 128}, 43, 0, true},
        {"a place of 65 bits", {0, 56, 2, 0, 1, [43] = 1}, 44, 0, false},
        {"a snowflake", {1, 0, 2, 0, 1, 0, 1, 0, 0, 0, 2}, 11, 0, true},
        {"no sequences", {1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}, 11, 0, false},
        {"4097 sequences", {1, 0, 2, 0, 1, 16, 1, 0, 0, 0, 2}, 11, 0, false},
        {"no workers", {1, 0, 2, 0, 1, 0, 0, 0, 2}, 9, 0, false},
        {"65 workers", {1, 0, 2, 0, 1, 0, 65, 0, 2}, 9, 0, false},
        {"1024 workers, no table", {1, 0, 2, 0, 1, 0, 0, 4, 2}, 9, 0, true},
        {"a worker over 1023", {1, 0, 2, 0, 1, 0, 2, 0, 0, 0, 0, 4, 2}, 13, 0, false},
        {"workers that descend", {1, 0, 2, 0, 1, 0, 2, 0, 1, 0, 0, 0, 8}, 13, 0, false},
        {"the first id's worker is absent", {1, 0, 2, 0, 1, 0, 1, 0, 5, 0, 2}, 11, 0, false},
        {"the first id's sequence is absent", {1, 0, 2, 0, 1, 0, 1, 0, 0, 0, 2}, 11, 7, false},
        {"a time beyond 42 bits", {1, 0, 2, 0, 1, 0, 1, 0, 255, 3, 2}, 11, ~(uint64_t)4095, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (decodes(cases[i].bytes, cases[i].bytes_len, cases[i].first) != cases[i].valid)
            fail_msg("%s", cases[i].rule);
    }
}

/* --- memory --------------------------------------------------------------------------------- */

static enum status add_with_new_set(struct bench *bench, size_t count)
{
    struct seen *seen = NULL;
    struct kv_txn *txn = NULL;
    uint64_t added = 0;
    enum status status = seen_new(&seen);
    if (status == STATUS_OK)
        status = kv_begin(bench->store.kv, true, &txn, NULL);
    if (status == STATUS_OK)
        status =
            seen_add(seen, txn, (struct id_list){bench->ids, count}, bench->held, &added, NULL);
    if (status == STATUS_OK)
        status = seen_check(seen, txn, (struct id_list){bench->ids, count}, bench->held, NULL);
    kv_abort(txn);
    seen_free(seen);
    return status;
}

static void every_failed_allocation_gives_everything_back(void **state)
{
    struct bench *bench = *state;
    fill_snowflakes(bench, 20000);
    enum status status = STATUS_NOMEM;
    const size_t live = mem_live_blocks();
    for (long nth = 0; status != STATUS_OK; nth++) {
        mem_fail_at(nth);
        status = add_with_new_set(bench, 20000);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 100); /* the sweep must end */
    }
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, make_bench, drop_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(snowflakes_in_order_take_little_more_than_a_byte),
        ON_BENCH(a_second_recording_of_the_same_span_leaves_full_pages),
        ON_BENCH(a_full_page_that_takes_late_ids_splits_evenly),
        ON_BENCH(random_ids_take_less_than_their_eight_bytes),
        ON_BENCH(neighbours_take_a_quarter_of_a_byte),
        ON_BENCH(an_empty_batch_and_an_empty_set_are_fine),
        ON_BENCH(verify_finds_each_flipped_byte_of_a_page),
        ON_BENCH(verify_finds_pages_that_overlap),
        ON_BENCH(verify_finds_keys_of_a_wrong_length),
        ON_BENCH(verify_says_nothing_of_the_keys_of_others),
        ON_BENCH(damaged_pages_never_decode_to_disorder),
        cmocka_unit_test(pages_that_break_a_rule_are_refused),
        ON_BENCH(every_failed_allocation_gives_everything_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
