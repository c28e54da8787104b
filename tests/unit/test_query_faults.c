/*
 * test_query_faults.c - whichever request for memory fails, a query says so and gives all back.
 *
 * ctest: fault threads
 */
#include "query/aggregate/aggregate.h"
#include "query/listing/listing.h"
#include "query/log/log.h"
#include "query/online/online.h"
#include "tests/unit/fault_sweep.h"
#include "tests/unit/query_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef enum status query_function(struct query_store *store, struct answer *answer);

/* A query may allocate often; beyond this many faults only some are tried. */
#define FAULTS_MAX 20000
#define ALL_FAULTS 300

struct question {
    struct query_store *store;
    query_function *query;
};

static enum status ask_once(void *context)
{
    const struct question *question = context;
    struct answer answer = {0};
    const enum status status = question->query(question->store, &answer);
    answer_release(&answer);
    return status;
}

static void sweep(struct query_store *store, query_function *query)
{
    struct question question = {store, query};
    fault_sweep_run(&(struct fault_sweep){.attempt = ask_once,
                                          .context = &question,
                                          .most = FAULTS_MAX,
                                          .each_below = ALL_FAULTS,
                                          .step = 37});
}

static enum status all_aggregates(struct query_store *store, struct answer *answer)
{
    static struct aggregate_list list;
    struct bucket_width width;
    struct civil_zone zone;
    struct scan_statistics statistics = {0};
    TRY(aggregate_list_parse("count,sum,avg,first,last,stddev,p95,min_time,twa", &list, NULL));
    TRY(bucket_width_parse("1s", &width, NULL));
    TRY(civil_zone_open(&zone, "UTC", NULL));
    const struct stats_spec spec = {.selection = &store->selection,
                                    .aggregates = &list,
                                    .every = &width,
                                    .zone = &zone,
                                    .by = STATS_BY_PRODUCT,
                                    .fill = STATS_FILL_LINEAR};
    return stats_query(store->snapshot, &spec, answer, &statistics, NULL);
}

static enum status basics_by_device(struct query_store *store, struct answer *answer)
{
    static struct aggregate_list list;
    struct scan_statistics statistics = {0};
    TRY(aggregate_list_parse("count,min,avg,max,spread", &list, NULL));
    const struct stats_spec spec = {
        .selection = &store->selection, .aggregates = &list, .by = STATS_BY_DEVICE};
    return stats_query(store->snapshot, &spec, answer, &statistics, NULL);
}

static enum status ranks_and_ends(struct query_store *store, struct answer *answer)
{
    static struct aggregate_list list;
    struct scan_statistics statistics = {0};
    TRY(aggregate_list_parse("median,p95,first,last,min_time,stddev", &list, NULL));
    const struct stats_spec spec = {.selection = &store->selection, .aggregates = &list};
    return stats_query(store->snapshot, &spec, answer, &statistics, NULL);
}

/* Brackets, narrowed by a guess. */
static enum status ranks_alone(struct query_store *store, struct answer *answer)
{
    static struct aggregate_list list;
    struct scan_statistics statistics = {0};
    TRY(aggregate_list_parse("median,p95", &list, NULL));
    const struct stats_spec spec = {
        .selection = &store->selection, .aggregates = &list, .guess_blocks = 1};
    return stats_query(store->snapshot, &spec, answer, &statistics, NULL);
}

static enum status online(struct query_store *store, struct answer *answer)
{
    struct scan_statistics statistics = {0};
    const struct online_spec spec = {.selection = &store->selection};
    return online_query(store->snapshot, &spec, answer, &statistics, NULL);
}

/* Row by row, which gives what the answer as a whole gives. */
static enum status online_in_rows(struct query_store *store, struct answer *answer)
{
    struct scan_statistics statistics = {0};
    OWNED(answer_release) struct answer whole = {0};
    struct bucket_width width;
    struct civil_zone zone;
    TRY(bucket_width_parse("1m", &width, NULL));
    TRY(civil_zone_open(&zone, "UTC", NULL));
    const struct online_spec spec = {.selection = &store->selection,
                                     .every = &width,
                                     .zone = &zone,
                                     .reliability = true,
                                     .flap_ms = 1000};
    TRY(online_query(store->snapshot, &spec, &whole, &statistics, NULL));
    struct online_rows *rows = NULL;
    TRY(online_rows_open(&rows, store->snapshot, &spec, answer, &statistics, NULL));
    enum status status = STATUS_OK;
    size_t count = 0;
    for (;; count++) {
        const struct answer_cell *cells = NULL;
        status = online_rows_next(rows, &cells, NULL);
        if (status != STATUS_OK || !cells)
            break;
        for (size_t i = 0; i < whole.column_count; i++)
            assert_int_equal(cell_compare(&cells[i], &answer_row(&whole, count)[i]), 0);
    }
    online_rows_free(rows);
    if (status == STATUS_OK)
        assert_int_equal(count, answer_shown_count(&whole));
    return status;
}

static enum status online_by_product(struct query_store *store, struct answer *answer)
{
    struct scan_statistics statistics = {0};
    const struct online_spec spec = {.selection = &store->selection, .by = ONLINE_BY_PRODUCT};
    return online_query(store->snapshot, &spec, answer, &statistics, NULL);
}

static enum status reliability_by_product(struct query_store *store, struct answer *answer)
{
    struct scan_statistics statistics = {0};
    const struct online_spec spec = {.selection = &store->selection,
                                     .by = ONLINE_BY_PRODUCT,
                                     .reliability = true,
                                     .flap_ms = 1000};
    return online_query(store->snapshot, &spec, answer, &statistics, NULL);
}

static enum status sessions(struct query_store *store, struct answer *answer)
{
    struct scan_statistics statistics = {0};
    const struct online_spec spec = {.selection = &store->selection};
    return sessions_query(store->snapshot, &spec, answer, &statistics, NULL);
}

static enum status devices(struct query_store *store, struct answer *answer)
{
    struct scan_statistics statistics = {0};
    return devices_query(store->snapshot, &store->selection, answer, &statistics, NULL);
}

static enum status metrics(struct query_store *store, struct answer *answer)
{
    struct scan_statistics statistics = {0};
    return metrics_query(store->snapshot, &store->selection, answer, &statistics, NULL);
}

static enum status last(struct query_store *store, struct answer *answer)
{
    struct scan_statistics statistics = {0};
    const struct last_spec spec = {.selection = &store->selection};
    return last_query(store->snapshot, &spec, answer, &statistics, NULL);
}

static enum status read_log(struct log *log, struct answer *answer)
{
    const struct answer_cell *cells = NULL;
    TRY(log_add_columns(log, answer, NULL));
    do
        TRY(log_next(log, &cells, NULL));
    while (cells);
    return STATUS_OK;
}

static enum status spilled_log(struct query_store *store, struct answer *answer)
{
    struct scan_statistics statistics = {0};
    struct log *log = NULL;
    const struct log_spec spec = {.selection = &store->selection, .memory_bytes = 16384};
    TRY(log_collect(&log, store->snapshot, &spec, &statistics, NULL));
    const enum status status = read_log(log, answer);
    log_release(log);
    return status;
}

static void stats_with_all_aggregates_survive(void **state)
{
    sweep(*state, all_aggregates);
}
static void stats_by_device_survive(void **state)
{
    sweep(*state, basics_by_device);
}
static void percentiles_of_all_survive(void **state)
{
    sweep(*state, ranks_alone);
}
static void stats_read_by_threads_survive(void **state)
{
    struct query_store *store = *state;
    snapshot_set_threads(store->snapshot, 3);
    sweep(store, ranks_and_ends);
    sweep(store, ranks_alone);
    sweep(store, basics_by_device);
    snapshot_set_threads(store->snapshot, 0);
}

static void online_survives(void **state)
{
    sweep(*state, online);
    sweep(*state, online_in_rows);
}
static void online_by_product_survives(void **state)
{
    sweep(*state, online_by_product);
    sweep(*state, reliability_by_product);
}
static void sessions_survive(void **state)
{
    sweep(*state, sessions);
}
static void devices_survive(void **state)
{
    sweep(*state, devices);
}
static void metrics_survive(void **state)
{
    sweep(*state, metrics);
}
static void last_survives(void **state)
{
    sweep(*state, last);
}
static void a_log_in_runs_survives(void **state)
{
    sweep(*state, spilled_log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stats_with_all_aggregates_survive),
        cmocka_unit_test(stats_by_device_survive),
        cmocka_unit_test(percentiles_of_all_survive),
        cmocka_unit_test(stats_read_by_threads_survive),
        cmocka_unit_test(online_survives),
        cmocka_unit_test(online_by_product_survives),
        cmocka_unit_test(sessions_survive),
        cmocka_unit_test(devices_survive),
        cmocka_unit_test(metrics_survive),
        cmocka_unit_test(last_survives),
        cmocka_unit_test(a_log_in_runs_survives),
    };
    return cmocka_run_group_tests(tests, query_store_make, query_store_drop);
}
