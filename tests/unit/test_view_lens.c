/*
 * test_view_lens.c - rows pulled through a lens, and scans behind a gate.
 *
 * ctest: fault threads
 */
#include "engine/base/mem.h"
#include "query/view/view.h"
#include "tests/unit/query_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a reading looks like, added up: as good as a list for telling two ways of reading apart. */
struct sums {
    uint64_t rows;
    uint64_t ids;
    uint64_t values; /* mantissas of all columns, mixed with their metric */
};

static void add_rows(struct sums *sums, const struct row_vector *rows, uint32_t from_row,
                     uint32_t until_row)
{
    for (uint32_t row = from_row; row < until_row; row++) {
        const uint64_t id = rows->message_ids[row];
        sums->rows++;
        sums->ids += id;
        for (uint32_t i = 0; i < rows->column_count; i++) {
            const struct number value = column_vector_get(&rows->columns[i], row);
            if (value.kind == NUMBER_DECIMAL)
                sums->values += ((uint64_t)value.mantissa + 7 * (uint64_t)(value.exponent + 99)) *
                                (rows->columns[i].metric + 1) * (id % 1009 + 1);
        }
    }
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    add_rows(context, rows, from_row, until_row);
    return STATUS_OK;
}

static struct scan_spec whole_scan(const struct query_store *store)
{
    struct scan_spec spec = selection_scan(&store->selection, TABLE_READINGS);
    spec.columns.all_metrics = true;
    spec.columns.message_ids = true;
    return spec;
}

/* A view in which t is called h's other name, and half of the readings count. */
struct sight {
    struct alias_list aliases;
    struct filter filter;
    struct view view;
};

static void sight_release(struct sight *sight)
{
    view_release(&sight->view);
    filter_release(&sight->filter);
    alias_list_release(&sight->aliases);
}

static enum status sight_init(struct sight *sight, struct snapshot *snapshot, const char *where)
{
    static const struct alias_origin flag = {.source = "--alias"};
    struct filter_place place = {0};
    TRY(alias_list_add(&sight->aliases, "both=t,h", &flag, NULL));
    TRY(filter_add(&sight->filter, where, &place, NULL));
    return view_init(&sight->view, snapshot, &sight->aliases, &sight->filter, NULL);
}

static enum status pull(struct query_store *store, struct sight *sight, struct sums *sums)
{
    const struct scan_spec spec = whole_scan(store);
    struct scan_cursor *cursor = NULL;
    struct view_lens *lens = NULL;
    struct view_run run = {0};
    enum status status = scan_cursor_new(&cursor, store->snapshot, NULL);
    if (status == STATUS_OK)
        status = view_lens_new(&lens, &sight->view, &spec, NULL);
    if (status == STATUS_OK)
        status = scan_cursor_open(cursor, lens ? view_lens_spec(lens) : &spec, NULL);
    while (status == STATUS_OK) {
        status = scan_cursor_next(cursor, &run.rows, &run.from_row, &run.until_row, NULL);
        if (status != STATUS_OK || !run.rows)
            break;
        if (lens)
            status = view_lens_rows(lens, &run, NULL);
        if (status == STATUS_OK && run.rows)
            add_rows(sums, run.rows, run.from_row, run.until_row);
    }
    scan_cursor_free(cursor);
    view_lens_free(lens);
    return status;
}

static void pulled_rows_are_those_of_a_scan(void **state)
{
    static const char *const wheres[] = {"t > 0", "t is null", "not both < 5", "t > 1e30",
                                         "h is null or t between 1 and 50"};
    struct query_store *store = *state;
    const struct scan_spec spec = whole_scan(store);
    for (size_t i = 0; i < sizeof wheres / sizeof wheres[0]; i++) {
        OWNED(sight_release) struct sight sight = {0};
        struct sums pushed = {0};
        struct sums pulled = {0};
        struct scan_statistics statistics = {0};
        const struct scan_visitor visitor = {.context = &pushed, .rows = take_rows};
        assert_int_equal(sight_init(&sight, store->snapshot, wheres[i]), STATUS_OK);
        assert_int_equal(
            view_scan(&sight.view, store->snapshot, &spec, &visitor, &statistics, NULL), STATUS_OK);
        const uint64_t kept = sight.view.statistics.rows_kept;
        assert_int_equal(pull(store, &sight, &pulled), STATUS_OK);
        assert_memory_equal(&pushed, &pulled, sizeof pushed);
        assert_true(sight.view.statistics.rows_kept >= kept + pulled.rows);
    }
}

/* --- gates --------------------------------------------------------------------------------- */

struct gatekeeper {
    uint64_t offered;
    bool takes;
};

static enum status count_summary(void *context, const struct block_summary *summary, bool *taken)
{
    struct gatekeeper *keeper = context;
    keeper->offered += summary->row_count;
    *taken = keeper->takes;
    return STATUS_OK;
}

static enum status scan_behind(struct query_store *store, struct sight *sight,
                               struct gatekeeper *keeper, struct sums *sums)
{
    const struct scan_spec spec = whole_scan(store);
    const struct scan_visitor visitor = {.context = sums, .rows = take_rows};
    const struct view_gate gate = {.context = keeper, .summary = count_summary};
    const struct view_visitors visitors = {.all = &visitor, .count = 1, .gate = &gate};
    struct scan_statistics statistics = {0};
    return view_scan_shared(sight ? &sight->view : NULL, store->snapshot, &spec, &visitors,
                            &statistics, NULL);
}

static void a_gate_is_offered_what_a_view_decides_nothing_of(void **state)
{
    struct query_store *store = *state;
    OWNED(sight_release) struct sight sight = {0};
    struct gatekeeper plain = {0};
    struct gatekeeper seen = {0};
    struct sums all = {0};
    struct sums some = {0};
    assert_int_equal(sight_init(&sight, store->snapshot, "t > 5"), STATUS_OK);
    assert_int_equal(scan_behind(store, NULL, &plain, &all), STATUS_OK);
    assert_int_equal(scan_behind(store, &sight, &seen, &some), STATUS_OK);
    assert_int_equal(seen.offered, plain.offered);
    assert_in_range(some.rows, 1, all.rows - 1);
}

static void what_a_gate_takes_reaches_nobody(void **state)
{
    struct query_store *store = *state;
    struct gatekeeper open = {0};
    struct gatekeeper closed = {.takes = true};
    struct sums all = {0};
    struct sums left = {0};
    OWNED(sight_release) struct sight sight = {0};
    assert_int_equal(sight_init(&sight, store->snapshot, "t > 5"), STATUS_OK);
    assert_int_equal(scan_behind(store, NULL, &open, &all), STATUS_OK);
    assert_int_equal(scan_behind(store, NULL, &closed, &left), STATUS_OK);
    assert_true(open.offered == 0 || left.rows < all.rows);
    struct sums seen = {0};
    assert_int_equal(scan_behind(store, &sight, &closed, &seen), STATUS_OK);
    assert_true(seen.rows <= left.rows);
}

/* --- faults -------------------------------------------------------------------------------- */

static enum status all_of_it(struct query_store *store, struct sums *sums)
{
    OWNED(sight_release) struct sight sight = {0};
    struct gatekeeper keeper = {0};
    TRY(sight_init(&sight, store->snapshot, "not both < 5"));
    TRY(scan_behind(store, &sight, &keeper, sums));
    return pull(store, &sight, sums);
}

static void looking_survives_every_failed_allocation(void **state)
{
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct sums sums = {0};
        mem_fail_at(nth);
        status = all_of_it(*state, &sums);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_true(status != STATUS_OK || sums.rows > 0);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pulled_rows_are_those_of_a_scan),
        cmocka_unit_test(a_gate_is_offered_what_a_view_decides_nothing_of),
        cmocka_unit_test(what_a_gate_takes_reaches_nobody),
        cmocka_unit_test(looking_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, query_store_make_values, query_store_drop);
}
