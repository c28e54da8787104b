/*
 * test_fleet.c - a simulated fleet: the same bytes for the same seed, and lines of the kinds and in
 * the order that were asked for.
 */
#include "bench/fleet/fleet.h"

#include "engine/base/mem.h"
#include "engine/row/row.h"
#include "ingest/decode/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SNOWFLAKE_EPOCH_MS INT64_C(1288834974657)
#define DELIVERY_GRAIN_MS  128 /* late messages leave in steps */

/* What a run of the fleet wrote. */
struct written {
    struct buffer text; /* owned */
    struct fleet_totals totals;
    uint64_t stop_after;  /* calls of the output; 0: never */
    int64_t milliseconds; /* that its clock was asked for */
};

static enum status collect(void *context, struct slice lines, bool *stop, struct error *err)
{
    (void)err;
    struct written *written = context;
    if (written->stop_after > 0 && --written->stop_after == 0)
        *stop = true;
    return buffer_append(&written->text, lines.data, lines.len);
}

static enum status try_run(const struct fleet_config *config, struct written *written,
                           struct error *err)
{
    const struct fleet_output output = {.context = written, .write = collect};
    return fleet_run(config, &output, &written->totals, err);
}

static void run(const struct fleet_config *config, struct written *written)
{
    struct error err = {0};
    if (try_run(config, written, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

static void written_release(struct written *written)
{
    buffer_release(&written->text);
}

/* The next line without its newline; false at the end. */
static bool next_line(struct slice *rest, struct slice *line)
{
    if (rest->len == 0)
        return false;
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    assert_non_null(end); /* every line ends with a newline */
    line->data = rest->data;
    line->len = (size_t)(end - rest->data);
    rest->data = end + 1;
    rest->len -= line->len + 1;
    return true;
}

/* Every line decoded, in order. */
static void decode_all(const struct written *written, struct row_batch *batch)
{
    struct error err = {0};
    struct decoder_config config;
    struct decoder decoder;
    assert_int_equal(decoder_config_init(&config, &err), STATUS_OK);
    assert_int_equal(decoder_init(&decoder, &config, &err), STATUS_OK);
    struct slice rest = buffer_slice(&written->text);
    struct slice line;
    while (next_line(&rest, &line))
        assert_int_equal(decoder_decode(&decoder, line, 0, batch, &err), STATUS_OK);
    decoder_release(&decoder);
}

struct verdicts {
    uint64_t readings;
    uint64_t status_events;
    uint64_t rejects;
};

static struct verdicts count_verdicts(const struct row_batch *batch)
{
    struct verdicts counts = {0};
    for (size_t i = 0; i < batch->message_count; i++) {
        counts.readings += batch->messages[i].verdict == MESSAGE_READINGS;
        counts.status_events += batch->messages[i].verdict == MESSAGE_STATUS;
        counts.rejects += batch->messages[i].verdict == MESSAGE_REJECT;
    }
    return counts;
}

static int64_t id_ms(uint64_t id)
{
    return (int64_t)(id >> 22) + SNOWFLAKE_EPOCH_MS;
}

static int compare_ids(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* How many of the messages repeat the id of another. */
static size_t count_repeated_ids(const struct row_batch *batch)
{
    uint64_t *ids = mem_alloc(batch->message_count, sizeof *ids);
    assert_non_null(ids);
    size_t count = 0;
    for (size_t i = 0; i < batch->message_count; i++) {
        if (batch->messages[i].has_id)
            ids[count++] = batch->messages[i].id;
    }
    qsort(ids, count, sizeof *ids, compare_ids);
    size_t repeated = 0;
    for (size_t i = 1; i < count; i++)
        repeated += ids[i] == ids[i - 1];
    mem_free(ids);
    return repeated;
}

/* A quiet fleet: nothing late, nothing twice, every disconnect told at once. */
static struct fleet_config quiet_config(void)
{
    struct fleet_config config = fleet_config_default();
    config.devices = 100;
    config.span_ms = 10 * MS_PER_MINUTE;
    config.duplicate_share = 0;
    config.late_share = 0;
    config.timeout_share = 0;
    config.online_mean_ms = MS_PER_MINUTE;
    config.offline_mean_ms = 20 * MS_PER_SECOND;
    return config;
}

/* --- the seed -------------------------------------------------------------------------------- */

static void the_same_seed_writes_the_same_bytes(void **state)
{
    (void)state;
    struct fleet_config config = fleet_config_default();
    config.messages = 20000;
    config.thing_model_share = 0.2;
    config.hostile_share = 0.1;
    struct written first = {0};
    struct written second = {0};
    run(&config, &first);
    run(&config, &second);
    assert_true(slice_equal(buffer_slice(&first.text), buffer_slice(&second.text)));

    struct written other = {0};
    config.seed = 2;
    run(&config, &other);
    assert_false(slice_equal(buffer_slice(&first.text), buffer_slice(&other.text)));
    written_release(&first);
    written_release(&second);
    written_release(&other);
}

static enum status count_milliseconds(void *context, int64_t simulated_ms, bool *stop,
                                      struct error *err)
{
    (void)simulated_ms;
    *stop = false;
    (void)err;
    struct written *written = context;
    written->milliseconds++;
    return STATUS_OK;
}

/* An output with a clock is asked before each millisecond, one without is not. */
static void passing_over_quiet_time_changes_no_byte(void **state)
{
    (void)state;
    struct fleet_config config = fleet_config_default();
    config.devices = 3;
    config.interval_ms = 60000;
    config.online_mean_ms = 120000;
    config.offline_mean_ms = 120000;
    config.duplicate_share = 0.1;
    config.span_ms = 1799937; /* ends between two ticks */
    struct written each = {0};
    struct error err = {0};
    const struct fleet_output paced = {
        .context = &each, .write = collect, .pace = count_milliseconds};
    assert_int_equal(fleet_run(&config, &paced, &each.totals, &err), STATUS_OK);
    assert_int_equal(each.milliseconds, config.span_ms + 1);
    struct written jumped = {0};
    run(&config, &jumped);
    assert_true(jumped.text.len > 0);
    assert_true(slice_equal(buffer_slice(&each.text), buffer_slice(&jumped.text)));
    assert_int_equal(jumped.totals.last_ms, each.totals.last_ms);
    written_release(&each);
    written_release(&jumped);
}

static void as_many_lines_as_asked_for(void **state)
{
    (void)state;
    struct fleet_config config = fleet_config_default();
    static const uint64_t counts[] = {1, 999, 12345};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        config.messages = counts[i];
        struct written written = {0};
        run(&config, &written);
        struct slice rest = buffer_slice(&written.text);
        struct slice line;
        uint64_t lines = 0;
        while (next_line(&rest, &line))
            lines++;
        assert_int_equal(lines, counts[i]);
        assert_int_equal(written.totals.lines, counts[i]);
        assert_int_equal(written.totals.bytes, written.text.len);
        written_release(&written);
    }
}

static void an_output_that_stops_ends_the_run(void **state)
{
    (void)state;
    struct fleet_config config = fleet_config_default();
    config.messages = UINT64_MAX / 2;
    struct written written = {.stop_after = 2};
    run(&config, &written);
    assert_true(written.text.len > 0);
    written_release(&written);
}

/* --- what lines hold ------------------------------------------------------------------------- */

/* Metrics of which some row has a value: a batch may also know names that came to nothing. */
static size_t count_metrics_used(const struct row_batch *batch)
{
    size_t used = 0;
    for (uint32_t metric = 0; metric < batch->metrics.count; metric++) {
        bool found = false;
        for (size_t i = 0; i < batch->row_count[TABLE_READINGS] && !found; i++) {
            const struct row *const row = &batch->rows[TABLE_READINGS][i];
            for (uint32_t c = 0; c < row->cell_count; c++)
                found = found || batch->cells[row->first_cell + c].metric == metric;
        }
        used += found;
    }
    return used;
}

static void expect_all_understood(const struct fleet_config *config)
{
    struct written written = {0};
    struct row_batch batch = {0};
    run(config, &written);
    decode_all(&written, &batch);
    const struct verdicts counts = count_verdicts(&batch);
    assert_true(written.totals.readings > 1000);
    assert_true(written.totals.status_events > 100);
    assert_int_equal(counts.readings, written.totals.readings);
    assert_int_equal(counts.status_events, written.totals.status_events);
    assert_int_equal(counts.rejects, 0);
    assert_int_equal(batch.devices.count, config->devices);
    assert_int_equal(count_metrics_used(&batch), 2);
    assert_true(name_table_find(&batch.metrics, slice_of_text("temperature")) != NAME_UNMAPPED);
    assert_true(name_table_find(&batch.metrics, slice_of_text("humidity")) != NAME_UNMAPPED);
    row_batch_release(&batch);
    written_release(&written);
}

static void every_kind_of_message_is_understood(void **state)
{
    (void)state;
    struct fleet_config config = quiet_config();
    expect_all_understood(&config);
    config.thing_model_share = 1;
    expect_all_understood(&config);
    config.thing_model_share = 0.5;
    config.base64_lines = true;
    expect_all_understood(&config);
    config.products = 3;
    config.profile = FLEET_WALKTHROUGH;
    expect_all_understood(&config);
}

static void the_walkthrough_sends_integers_in_its_ranges(void **state)
{
    (void)state;
    struct fleet_config config = quiet_config();
    config.profile = FLEET_WALKTHROUGH;
    struct written written = {0};
    struct row_batch batch = {0};
    run(&config, &written);
    decode_all(&written, &batch);
    const uint32_t temperature = name_table_find(&batch.metrics, slice_of_text("temperature"));
    for (size_t i = 0; i < batch.row_count[TABLE_READINGS]; i++) {
        const struct row *row = &batch.rows[TABLE_READINGS][i];
        assert_int_equal(row->cell_count, 2);
        for (uint32_t cell = 0; cell < 2; cell++) {
            const struct cell *value = &batch.cells[row->first_cell + cell];
            assert_true(value->exponent >= 0);
            const int64_t number = value->exponent == 0   ? value->mantissa
                                   : value->exponent == 1 ? value->mantissa * 10
                                                          : value->mantissa * 100;
            if (value->metric == temperature)
                assert_in_range(number, 10, 29);
            else
                assert_in_range(number, 20, 119);
        }
    }
    row_batch_release(&batch);
    written_release(&written);
}

static void values_have_the_decimals_asked_for(void **state)
{
    (void)state;
    struct fleet_config config = quiet_config();
    config.temperature_decimals = 3;
    config.humidity_decimals = 0;
    struct written written = {0};
    struct row_batch batch = {0};
    run(&config, &written);
    decode_all(&written, &batch);
    const uint32_t temperature = name_table_find(&batch.metrics, slice_of_text("temperature"));
    bool all_three = false;
    for (size_t i = 0; i < batch.cell_count; i++) {
        const struct cell *value = &batch.cells[i];
        if (value->metric == temperature) {
            assert_true(value->exponent >= -3);
            all_three = all_three || value->exponent == -3;
        } else if (value->metric < batch.metrics.count) {
            assert_true(value->exponent >= 0);
        }
    }
    assert_true(all_three);
    row_batch_release(&batch);
    written_release(&written);
}

static void hostile_lines_end_as_rejects_and_spare_the_others(void **state)
{
    (void)state;
    struct fleet_config config = quiet_config();
    config.hostile_share = 0.2;
    struct written written = {0};
    struct row_batch batch = {0};
    run(&config, &written);
    decode_all(&written, &batch);
    const struct verdicts counts = count_verdicts(&batch);
    assert_true(written.totals.hostile > 500);
    assert_int_equal(counts.rejects, written.totals.hostile);
    assert_int_equal(counts.readings, written.totals.readings);
    assert_int_equal(counts.status_events, written.totals.status_events);

    bool reasons[REJECT_REASON_COUNT] = {false};
    size_t reason_count = 0;
    for (size_t i = 0; i < batch.reject_count; i++) {
        reason_count += !reasons[batch.rejects[i].reason];
        reasons[batch.rejects[i].reason] = true;
    }
    assert_true(reason_count >= 6);
    row_batch_release(&batch);
    written_release(&written);
}

/* --- ids, order, duplicates ------------------------------------------------------------------ */

static void every_message_has_an_id_of_its_own(void **state)
{
    (void)state;
    struct fleet_config config = quiet_config();
    config.devices = 2000;
    config.interval_ms = MS_PER_SECOND;
    config.span_ms = 4 * MS_PER_MINUTE;
    config.timeout_share = 1; /* notices come out of turn */
    config.workers = 2;
    struct written written = {0};
    struct row_batch batch = {0};
    run(&config, &written);
    decode_all(&written, &batch);
    assert_true(written.totals.status_events > 1000);
    assert_int_equal(count_repeated_ids(&batch), 0);
    row_batch_release(&batch);
    written_release(&written);
}

/* More messages in a millisecond than a worker has numbers for. */
static void a_worker_never_runs_out_of_numbers(void **state)
{
    (void)state;
    struct fleet_config config = quiet_config();
    config.devices = 9000;
    config.interval_ms = 1;
    config.jitter_ms = 0;
    config.span_ms = 3;
    config.workers = 1;
    struct written written = {0};
    struct row_batch batch = {0};
    run(&config, &written);
    decode_all(&written, &batch);
    assert_true(batch.message_count > 8000);
    assert_int_equal(count_repeated_ids(&batch), 0);
    row_batch_release(&batch);
    written_release(&written);
}

static void without_late_messages_lines_are_in_order_of_time(void **state)
{
    (void)state;
    const struct fleet_config config = quiet_config();
    struct written written = {0};
    struct row_batch batch = {0};
    run(&config, &written);
    decode_all(&written, &batch);
    for (size_t i = 1; i < batch.message_count; i++)
        assert_true(id_ms(batch.messages[i].id) >= id_ms(batch.messages[i - 1].id));
    row_batch_release(&batch);
    written_release(&written);
}

static void late_messages_come_within_their_window(void **state)
{
    (void)state;
    struct fleet_config config = quiet_config();
    config.late_share = 0.2;
    config.late_ms = 5000;
    struct written written = {0};
    struct row_batch batch = {0};
    run(&config, &written);
    decode_all(&written, &batch);
    int64_t newest_ms = 0;
    int64_t latest_by_ms = 0;
    size_t late = 0;
    for (size_t i = 0; i < batch.message_count; i++) {
        const int64_t ms = id_ms(batch.messages[i].id);
        if (ms > newest_ms)
            newest_ms = ms;
        late += ms < newest_ms;
        if (newest_ms - ms > latest_by_ms)
            latest_by_ms = newest_ms - ms;
    }
    assert_true(latest_by_ms > config.late_ms / 2);
    assert_true(latest_by_ms <= config.late_ms + DELIVERY_GRAIN_MS);
    assert_true(late > batch.message_count / 10);
    assert_in_range(written.totals.late, batch.message_count * 18 / 100,
                    batch.message_count * 22 / 100);
    row_batch_release(&batch);
    written_release(&written);
}

static void duplicates_are_the_share_asked_for_and_repeat_ids(void **state)
{
    (void)state;
    struct fleet_config config = quiet_config();
    config.devices = 1000;
    config.duplicate_share = 0.02;
    struct written written = {0};
    struct row_batch batch = {0};
    run(&config, &written);
    decode_all(&written, &batch);
    const struct fleet_totals *totals = &written.totals;
    const uint64_t first_deliveries = totals->readings + totals->status_events;
    assert_int_equal(totals->lines, first_deliveries + totals->duplicates);
    assert_int_equal(count_repeated_ids(&batch), totals->duplicates);
    assert_in_range(totals->duplicates, first_deliveries * 18 / 1000, first_deliveries * 22 / 1000);
    row_batch_release(&batch);
    written_release(&written);
}

struct known_line {
    uint64_t id;
    struct slice line;
};

static int compare_known(const void *left, const void *right)
{
    const struct known_line *a = left;
    const struct known_line *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

static void a_duplicate_is_the_same_bytes_again(void **state)
{
    (void)state;
    struct fleet_config config = quiet_config();
    config.duplicate_share = 0.1;
    struct written written = {0};
    struct row_batch batch = {0};
    run(&config, &written);
    decode_all(&written, &batch);
    struct known_line *known = mem_alloc(batch.message_count, sizeof *known);
    assert_non_null(known);
    struct slice rest = buffer_slice(&written.text);
    for (size_t i = 0; i < batch.message_count; i++) {
        known[i].id = batch.messages[i].id;
        assert_true(next_line(&rest, &known[i].line));
    }
    qsort(known, batch.message_count, sizeof *known, compare_known);
    size_t repeated = 0;
    for (size_t i = 1; i < batch.message_count; i++) {
        if (known[i].id != known[i - 1].id)
            continue;
        repeated++;
        assert_true(slice_equal(known[i].line, known[i - 1].line));
    }
    assert_int_equal(repeated, written.totals.duplicates);
    mem_free(known);
    row_batch_release(&batch);
    written_release(&written);
}

/* --- memory ---------------------------------------------------------------------------------- */

static void a_run_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct fleet_config config = quiet_config();
    config.devices = 3;
    config.span_ms = 40 * MS_PER_SECOND;
    config.duplicate_share = 0.5;
    const size_t before = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct error err = {0};
        struct written written = {0};
        mem_fail_at(nth);
        status = try_run(&config, &written, &err);
        mem_fail_at(-1);
        written_release(&written);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), before);
        assert_in_range(nth, 0, 1000); /* the sweep must end */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_writes_the_same_bytes),
        cmocka_unit_test(passing_over_quiet_time_changes_no_byte),
        cmocka_unit_test(as_many_lines_as_asked_for),
        cmocka_unit_test(an_output_that_stops_ends_the_run),
        cmocka_unit_test(every_kind_of_message_is_understood),
        cmocka_unit_test(the_walkthrough_sends_integers_in_its_ranges),
        cmocka_unit_test(values_have_the_decimals_asked_for),
        cmocka_unit_test(hostile_lines_end_as_rejects_and_spare_the_others),
        cmocka_unit_test(every_message_has_an_id_of_its_own),
        cmocka_unit_test(a_worker_never_runs_out_of_numbers),
        cmocka_unit_test(without_late_messages_lines_are_in_order_of_time),
        cmocka_unit_test(late_messages_come_within_their_window),
        cmocka_unit_test(duplicates_are_the_share_asked_for_and_repeat_ids),
        cmocka_unit_test(a_duplicate_is_the_same_bytes_again),
        cmocka_unit_test(a_run_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
