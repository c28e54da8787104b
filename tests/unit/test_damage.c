/*
 * test_damage.c - every value of a store, with bytes flipped: reported, never summed.
 *
 * The store holds parts, a commit log, names, rejects and seen
 * pages. One byte after the other of every value is flipped in place, as
 * LMDB would hand it out from a damaged disk.
 *
 * ctest: fault slow timeout=300
 */
#include "engine/snapshot/snapshot.h"
#include "engine/store/store.h"
#include "tests/unit/store_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGES    3000u
#define ENTRIES_MAX 400u
#define FLIPS_A_VALUE \
    64u /* of larger values a spread of bytes, the first and the last among them */

struct damage {
    char dir[STORE_DIR_BYTES];
    uint64_t rows;        /* what an undamaged scan counts */
    uint64_t fingerprint; /* and what all its rows hash to */
};

static void must(enum status status, const struct error *err)
{
    if (status != STATUS_OK)
        fail_msg("%s", err->message);
}

static void add_reading(struct row_batch *batch, uint32_t number, uint64_t id)
{
    char name[32];
    uint32_t device = 0;
    uint32_t metric = 0;
    struct row *row = NULL;
    snprintf(name, sizeof name, "pk/device-%u", number % 7);
    assert_int_equal(name_table_add(&batch->devices, slice_of_text(name), &device), STATUS_OK);
    assert_int_equal(name_table_add(&batch->metrics, slice_of_text("temperature"), &metric),
                     STATUS_OK);
    const struct row_batch_mark mark = row_batch_mark(batch);
    assert_int_equal(row_batch_add_row(batch, TABLE_READINGS, &row), STATUS_OK);
    row->device = device;
    row->message_id = id;
    row->time_ms = 1526450324000 + (int64_t)number * 997;
    assert_int_equal(row_batch_add_cell(batch, TABLE_READINGS, metric,
                                        number_from_decimal((int64_t)(number * 31 % 4001), -2)),
                     STATUS_OK);
    assert_int_equal(row_batch_add_message(batch, TABLE_READINGS, id, mark), STATUS_OK);
}

static void add_status(struct row_batch *batch, uint32_t number, uint64_t id)
{
    uint32_t device = 0;
    struct row *row = NULL;
    assert_int_equal(name_table_add(&batch->devices, slice_of_text("pk/device-1"), &device),
                     STATUS_OK);
    const struct row_batch_mark mark = row_batch_mark(batch);
    assert_int_equal(row_batch_add_row(batch, TABLE_STATUS, &row), STATUS_OK);
    row->device = device;
    row->message_id = id;
    row->time_ms = 1526450324000 + (int64_t)number * 997;
    assert_int_equal(row_batch_add_cell(batch, TABLE_STATUS, STATUS_METRIC_STATE,
                                        number_from_decimal(number % 2, 0)),
                     STATUS_OK);
    assert_int_equal(row_batch_add_message(batch, TABLE_STATUS, id, mark), STATUS_OK);
}

static void add_reject(struct row_batch *batch, uint32_t number)
{
    struct reject reject = {.body = slice_of_text("not json"), .reason = REJECT_BAD_JSON};
    memcpy(reject.digest, &number, sizeof number);
    assert_int_equal(row_batch_add_reject(batch, NULL, &reject), STATUS_OK);
}

static void commit(struct store *store, uint32_t first, uint32_t count)
{
    struct row_batch batch = {0};
    struct error err = {0};
    for (uint32_t i = first; i < first + count; i++) {
        const uint64_t id = UINT64_C(996631012001751041) + (uint64_t)i * 4199;
        if (i % 50 == 0)
            add_reject(&batch, i);
        else if (i % 20 == 1)
            add_status(&batch, i, id);
        else
            add_reading(&batch, i, id);
    }
    struct row_batch *batches[] = {&batch};
    struct commit_result result;
    must(store_commit(store, batches, 1, &result, &err), &err);
    row_batch_release(&batch);
}

static void fold(struct store *store, bool merge)
{
    struct error err = {0};
    bool more = true;
    must(store_maintain(store, UPKEEP_SETTLE, &more, &err), &err);
    if (merge)
        must(store_maintain(store, UPKEEP_SETTLE, &more, &err), &err);
}

static enum status hash_rows(void *context, const struct row_vector *rows, uint32_t from,
                             uint32_t until)
{
    struct damage *seen = context;
    for (uint32_t row = from; row < until; row++) {
        uint64_t fields[4] = {(uint64_t)rows->times_ms[row], rows->message_ids[row],
                              row_vector_device(rows, row), rows->time_sources[row]};
        uint64_t hash = bytes_hash(fields, sizeof fields, 0);
        for (uint32_t c = 0; c < rows->column_count; c++) {
            const struct number value = column_vector_get(&rows->columns[c], row);
            const int64_t parts[3] = {value.mantissa, value.exponent, rows->columns[c].metric};
            hash ^= bytes_hash(parts, sizeof parts, c);
        }
        seen->fingerprint += hash; /* the order of parts does not matter */
        seen->rows++;
    }
    return STATUS_OK;
}

static void note_problem(void *context, const char *thing, const char *what)
{
    (void)thing;
    (void)what;
    (*(unsigned *)context)++;
}

/* Scans both tables; *read is false if the store said that it is damaged. */
static struct damage scan_all(const char *dir, bool *read, unsigned *problems)
{
    struct damage seen = {0};
    struct error err = {0};
    struct snapshot *snapshot = NULL;
    *read = snapshot_open(&snapshot, dir, &err) == STATUS_OK;
    if (!*read) {
        (*problems)++;
        return seen;
    }
    for (int table = 0; table < TABLE_COUNT; table++) {
        const struct scan_spec spec = {
            .table = (enum table)table,
            .from_ms = TIME_MS_MIN,
            .until_ms = TIME_MS_MAX,
            .columns = {.all_metrics = true, .message_ids = true, .time_sources = true},
        };
        const struct scan_visitor visitor = {.context = &seen, .rows = hash_rows};
        struct scan_statistics statistics = {0};
        *read = *read && snapshot_scan(snapshot, &spec, &visitor, &statistics, &err) == STATUS_OK;
    }
    if (snapshot_verify(snapshot, note_problem, problems, &err) != STATUS_OK)
        (*problems)++;
    snapshot_close(snapshot);
    return seen;
}

static int make_store(void **state)
{
    struct damage *damage = calloc(1, sizeof *damage);
    assert_non_null(damage);
    store_dir_make(damage->dir);
    struct store *store = NULL;
    struct error err = {0};
    must(store_open(&store, damage->dir, &err), &err);
    commit(store, 0, MESSAGES);
    fold(store, true);
    commit(store, MESSAGES, MESSAGES / 2);
    fold(store, false);
    commit(store, 2 * MESSAGES, 200); /* stays in the log */
    store_close(store);
    bool read = false;
    unsigned problems = 0;
    const struct damage whole = scan_all(damage->dir, &read, &problems);
    assert_true(read);
    assert_int_equal(problems, 0);
    assert_true(whole.rows > MESSAGES);
    damage->rows = whole.rows;
    damage->fingerprint = whole.fingerprint;
    *state = damage;
    return 0;
}

static int drop_store(void **state)
{
    struct damage *damage = *state;
    store_dir_remove(damage->dir);
    free(damage);
    return 0;
}

struct stored_value {
    uint8_t key[64];
    size_t key_len;
    uint8_t *bytes; /* owned */
    size_t len;
};

static size_t read_values(const char *dir, struct stored_value values[ENTRIES_MAX])
{
    struct error err = {0};
    struct kv *kv = NULL;
    struct kv_txn *txn = NULL;
    struct kv_cursor *cursor = NULL;
    must(kv_open(&kv, dir, false, &err), &err);
    must(kv_begin(kv, false, &txn, &err), &err);
    must(kv_cursor_open(txn, &cursor, &err), &err);
    const struct slice none = {0};
    const uint8_t lowest = 0;
    struct kv_entry entry = {0};
    size_t count = 0;
    must(kv_seek_ceiling(cursor, slice_of(&lowest, 1), none, &entry, &err), &err);
    while (entry.found) {
        assert_in_range(count, 0, ENTRIES_MAX - 1);
        struct stored_value *value = &values[count++];
        memcpy(value->key, entry.key.data, entry.key.len);
        value->key_len = entry.key.len;
        value->len = entry.value.len;
        value->bytes = malloc(value->len + 1);
        assert_non_null(value->bytes);
        memcpy(value->bytes, entry.value.data, value->len);
        must(kv_next(cursor, none, &entry, &err), &err);
    }
    kv_cursor_close(cursor);
    kv_abort(txn);
    kv_close(kv);
    return count;
}

static void write_value(const char *dir, const struct stored_value *value)
{
    struct error err = {0};
    struct kv *kv = NULL;
    struct kv_txn *txn = NULL;
    must(kv_open(&kv, dir, true, &err), &err);
    must(kv_begin(kv, true, &txn, &err), &err);
    must(kv_put_raw(txn, slice_of(value->key, value->key_len), slice_of(value->bytes, value->len),
                    &err),
         &err);
    must(kv_commit(txn, &err), &err);
    kv_close(kv);
}

static void flip(const struct damage *damage, struct stored_value *value, size_t at)
{
    value->bytes[at] ^= (uint8_t)(1u << (at % 8));
    write_value(damage->dir, value);
    bool read = false;
    unsigned problems = 0;
    const struct damage seen = scan_all(damage->dir, &read, &problems);
    if (problems == 0)
        fail_msg("byte %zu of a value '%c' was flipped and verify found nothing", at,
                 value->key[0]);
    if (read && (seen.rows != damage->rows || seen.fingerprint != damage->fingerprint))
        fail_msg("byte %zu of a value '%c' was flipped and other rows came back", at,
                 value->key[0]);
    value->bytes[at] ^= (uint8_t)(1u << (at % 8));
}

static void every_flipped_byte_of_a_value_is_reported_and_no_row_changes(void **state)
{
    const struct damage *damage = *state;
    struct stored_value *values = calloc(ENTRIES_MAX, sizeof *values);
    assert_non_null(values);
    const size_t count = read_values(damage->dir, values);
    char types[64] = "";
    size_t type_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct stored_value *value = &values[i];
        if (type_count == 0 || types[type_count - 1] != (char)value->key[0])
            types[type_count++] = (char)value->key[0]; /* values come by their keys */
        const bool sampled = i % 8 != 0 && (value->key[0] == 'X' || value->key[0] == 'R');
        const size_t flips = sampled ? 2 : FLIPS_A_VALUE;
        const size_t step = value->len > flips ? value->len / flips : 1;
        for (size_t at = 0; at < value->len; at += step)
            flip(damage, value, at);
        flip(damage, value, value->len - 1);
        write_value(damage->dir, value);
    }
    assert_string_equal(types, "BCDILMPRSTX"); /* every kind of value was there */
    for (size_t i = 0; i < count; i++)
        free(values[i].bytes);
    free(values);
}

static void a_missing_value_of_any_kind_is_reported(void **state)
{
    const struct damage *damage = *state;
    struct stored_value *values = calloc(ENTRIES_MAX, sizeof *values);
    assert_non_null(values);
    const size_t count = read_values(damage->dir, values);
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        struct kv *kv = NULL;
        struct kv_txn *txn = NULL;
        must(kv_open(&kv, damage->dir, true, &err), &err);
        must(kv_begin(kv, true, &txn, &err), &err);
        must(kv_delete(txn, slice_of(values[i].key, values[i].key_len), &err), &err);
        must(kv_commit(txn, &err), &err);
        kv_close(kv);
        bool read = false;
        unsigned problems = 0;
        (void)scan_all(damage->dir, &read, &problems);
        if (problems == 0)
            fail_msg("a value '%c' was deleted and nothing was reported", values[i].key[0]);
        write_value(damage->dir, &values[i]);
        free(values[i].bytes);
    }
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_of_a_value_is_reported_and_no_row_changes),
        cmocka_unit_test(a_missing_value_of_any_kind_is_reported),
    };
    return cmocka_run_group_tests(tests, make_store, drop_store);
}
