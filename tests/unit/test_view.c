/*
 * test_view.c - readings through a view: names put together, rows left out, and no memory lost.
 *
 * ctest: fault threads
 */
#include "engine/store/store.h"
#include "query/aggregate/aggregate.h"
#include "query/listing/listing.h"
#include "query/log/log.h"
#include "query/view/view.h"
#include "tests/unit/fault_sweep.h"
#include "tests/unit/store_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS    600
#define DEVICES 4

struct fixture {
    char dir[STORE_DIR_BYTES];
    struct snapshot *snapshot;
    struct selection selection;
    struct alias_list aliases;
    struct filter filter;
    struct view view;
};

static void add_cell(struct row_batch *batch, const char *name, int64_t mantissa, int exponent)
{
    uint32_t metric = 0;
    assert_int_equal(name_table_add(&batch->metrics, slice_of_text(name), &metric), STATUS_OK);
    assert_int_equal(
        row_batch_add_cell(batch, TABLE_READINGS, metric, number_from_decimal(mantissa, exponent)),
        STATUS_OK);
}

/* Row i: of device i % 4; every third has temp = i/100, every fifth t = i, every fourth x = 1. */
static void add_row(struct row_batch *batch, int i)
{
    const struct row_batch_mark mark = row_batch_mark(batch);
    char name[32];
    struct row *row = NULL;
    assert_int_equal(row_batch_add_row(batch, TABLE_READINGS, &row), STATUS_OK);
    (void)snprintf(name, sizeof name, "pk/d%d", i % DEVICES);
    assert_int_equal(name_table_add(&batch->devices, slice_of_text(name), &row->device), STATUS_OK);
    row->message_id = (uint64_t)i;
    row->time_ms = INT64_C(1526450000000) + i * INT64_C(1000);
    row->time_source = TIME_SOURCE_PAYLOAD;
    if (i % 4 == 0)
        add_cell(batch, "x", 1, 0);
    if (i % 5 == 0)
        add_cell(batch, "t", i, 0);
    if (i % 3 == 0)
        add_cell(batch, "temp", i, -2);
    if (i % 3 != 0 && i % 4 != 0 && i % 5 != 0)
        add_cell(batch, "y", i, 0);
    assert_int_equal(row_batch_add_message(batch, TABLE_READINGS, (uint64_t)i, mark), STATUS_OK);
}

static int make(void **state)
{
    static const struct alias_origin flag = {.source = "--alias"};
    struct fixture *made = calloc(1, sizeof *made);
    assert_non_null(made);
    store_dir_make(made->dir);
    struct row_batch batch = {0};
    for (int i = 1; i <= ROWS; i++)
        add_row(&batch, i);
    struct store *store = NULL;
    struct commit_result result = {0};
    struct row_batch *const batches[] = {&batch};
    assert_int_equal(store_open(&store, made->dir, NULL), STATUS_OK);
    assert_int_equal(store_commit(store, batches, 1, &result, NULL), STATUS_OK);
    store_close(store);
    row_batch_release(&batch);
    const struct selection_spec all = {0};
    struct filter_place place;
    assert_int_equal(snapshot_open(&made->snapshot, made->dir, NULL), STATUS_OK);
    assert_int_equal(selection_init(&made->selection, made->snapshot, &all, NULL), STATUS_OK);
    assert_int_equal(selection_sort(&made->selection, made->snapshot, NULL), STATUS_OK);
    assert_int_equal(alias_list_add(&made->aliases, "temperature=temp,t,never", &flag, NULL),
                     STATUS_OK);
    assert_int_equal(filter_add(&made->filter, "temperature < 100 and x is null", &place, NULL),
                     STATUS_OK);
    *state = made;
    return 0;
}

static int drop(void **state)
{
    struct fixture *made = *state;
    filter_release(&made->filter);
    alias_list_release(&made->aliases);
    selection_release(&made->selection);
    snapshot_close(made->snapshot);
    store_dir_remove(made->dir);
    free(made);
    return 0;
}

/* --- what is seen -------------------------------------------------------------------------- */

/* What row i says of temperature, in hundredths; -1: nothing. */
static int64_t hundredths(int i)
{
    return i % 3 == 0 ? i : i % 5 == 0 ? 100 * i : -1;
}

struct seen {
    uint32_t metric; /* temperature's */
    int rows;
    bool filtered;
};

static enum status see_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                            uint32_t until_row)
{
    struct seen *seen = context;
    for (uint32_t i = 0; i < rows->column_count; i++)
        assert_int_equal(rows->columns[i].metric, seen->metric);
    for (uint32_t row = from_row; row < until_row; row++) {
        const int i = (int)rows->message_ids[row];
        const struct number value = rows->column_count > 0
                                        ? column_vector_get(&rows->columns[0], row)
                                        : (struct number){.kind = NUMBER_NULL};
        assert_int_equal(rows->times_ms[row], INT64_C(1526450000000) + i * INT64_C(1000));
        if (hundredths(i) < 0)
            assert_int_equal(value.kind, NUMBER_NULL);
        else
            assert_int_equal(number_compare(value, number_from_decimal(hundredths(i), -2)), 0);
        if (seen->filtered)
            assert_true(i % 4 != 0 && hundredths(i) >= 0 && hundredths(i) < 10000);
        seen->rows++;
    }
    return STATUS_OK;
}

static int scan(struct fixture *fixture, bool filtered, bool ordered)
{
    struct scan_statistics statistics = {0};
    struct seen seen = {.filtered = filtered};
    assert_int_equal(view_init(&fixture->view, fixture->snapshot, &fixture->aliases,
                               filtered ? &fixture->filter : NULL, NULL),
                     STATUS_OK);
    assert_true(
        view_find_metric(&fixture->view, fixture->snapshot, slice_of_text("t"), &seen.metric));
    assert_true(slice_equal(view_metric_name(&fixture->view, fixture->snapshot, seen.metric),
                            slice_of_text("temperature")));
    struct scan_spec spec = selection_scan(&fixture->selection, TABLE_READINGS);
    spec.columns =
        (struct block_selection){.metrics = &seen.metric, .metric_count = 1, .message_ids = true};
    spec.ordered = ordered;
    const struct scan_visitor visitor = {.context = &seen, .rows = see_rows};
    assert_int_equal(
        view_scan(&fixture->view, fixture->snapshot, &spec, &visitor, &statistics, NULL),
        STATUS_OK);
    if (filtered)
        assert_int_equal(fixture->view.statistics.rows_kept, seen.rows);
    view_release(&fixture->view);
    return seen.rows;
}

static void the_first_name_in_order_gives_the_value(void **state)
{
    assert_int_equal(scan(*state, false, false), ROWS);
    assert_int_equal(scan(*state, false, true), ROWS);
}

static void rows_that_do_not_count_never_arrive(void **state)
{
    int expected = 0;
    for (int i = 1; i <= ROWS; i++)
        expected += i % 4 != 0 && hundredths(i) >= 0 && hundredths(i) < 10000;
    assert_true(expected > 0);
    assert_int_equal(scan(*state, true, false), expected);
    assert_int_equal(scan(*state, true, true), expected);
}

static void a_view_of_nothing_sees_the_store(void **state)
{
    struct fixture *fixture = *state;
    uint32_t metric = 0;
    assert_int_equal(view_init(&fixture->view, fixture->snapshot, NULL, NULL, NULL), STATUS_OK);
    assert_false(view_filters(&fixture->view));
    assert_true(view_takes_empty(&fixture->view));
    assert_true(view_takes_empty(NULL));
    for (uint32_t i = 0; i < snapshot_metric_count(fixture->snapshot); i++)
        assert_true(view_shows(&fixture->view, i) && view_shows(NULL, i));
    assert_false(
        view_find_metric(&fixture->view, fixture->snapshot, slice_of_text("temperature"), &metric));
    view_release(&fixture->view);
}

static void an_event_counts_where_nothing_is_asked_of_its_values(void **state)
{
    struct fixture *fixture = *state;
    struct filter filter = {0};
    struct filter_place place;
    assert_int_equal(filter_add(&filter, "x is null or t < 3", &place, NULL), STATUS_OK);
    assert_int_equal(view_init(&fixture->view, fixture->snapshot, NULL, &filter, NULL), STATUS_OK);
    assert_true(view_takes_empty(&fixture->view));
    view_release(&fixture->view);
    assert_int_equal(view_init(&fixture->view, fixture->snapshot, NULL, &fixture->filter, NULL),
                     STATUS_OK);
    assert_false(view_takes_empty(&fixture->view));
    view_release(&fixture->view);
    filter_release(&filter);
}

/* --- memory -------------------------------------------------------------------------------- */

static enum status ask(struct fixture *fixture, int question, struct answer *answer)
{
    static struct aggregate_list list;
    struct scan_statistics statistics = {0};
    const struct selection *selection = &fixture->selection;
    if (question == 0)
        return metrics_query(fixture->snapshot, selection, answer, &statistics, NULL);
    if (question == 1) {
        const struct last_spec last = {.selection = selection};
        return last_query(fixture->snapshot, &last, answer, &statistics, NULL);
    }
    if (question == 2) {
        struct log *log = NULL;
        const struct log_spec spec = {.selection = selection};
        const enum status status = log_collect(&log, fixture->snapshot, &spec, &statistics, NULL);
        log_release(log);
        return status;
    }
    static const char *const aggregates[] = {"count,min,avg,max", "p90,first,twa", "p90,first"};
    TRY(aggregate_list_parse(aggregates[question - 3], &list, NULL));
    const struct stats_spec spec = {.selection = selection, .aggregates = &list};
    return stats_query(fixture->snapshot, &spec, answer, &statistics, NULL);
}

static enum status ask_through_view(struct fixture *fixture, int question, struct answer *answer)
{
    TRY(view_init(&fixture->view, fixture->snapshot, &fixture->aliases, &fixture->filter, NULL));
    fixture->selection.view = &fixture->view;
    const enum status status = ask(fixture, question, answer);
    fixture->selection.view = NULL;
    view_release(&fixture->view);
    return status;
}

struct asking {
    struct fixture *fixture;
    int question;
};

static enum status ask_once(void *context)
{
    const struct asking *asking = context;
    struct answer answer = {0};
    const enum status status = ask_through_view(asking->fixture, asking->question, &answer);
    answer_release(&answer);
    return status;
}

static void queries_through_a_view_survive_every_failed_allocation(void **state)
{
    struct fixture *fixture = *state;
    for (int question = 0; question < 6; question++) {
        struct asking asking = {fixture, question};
        snapshot_set_threads(fixture->snapshot, question == 5 ? 3 : 0);
        fault_sweep_run(
            &(struct fault_sweep){.attempt = ask_once, .context = &asking, .most = 2000});
    }
    snapshot_set_threads(fixture->snapshot, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_name_in_order_gives_the_value),
        cmocka_unit_test(rows_that_do_not_count_never_arrive),
        cmocka_unit_test(a_view_of_nothing_sees_the_store),
        cmocka_unit_test(an_event_counts_where_nothing_is_asked_of_its_values),
        cmocka_unit_test(queries_through_a_view_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
