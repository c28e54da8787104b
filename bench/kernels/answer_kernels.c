/*
 * answer_kernels.c - what queries do with values, and checksums.
 */
#include "bench/kernels/kernel.h"

#include "bench/fleet/random.h"
#include "engine/base/mem.h"
#include "query/aggregate/accumulator.h"
#include "query/percentile/percentile.h"

#define VALUES     ((size_t)1 << 18)
#define RUN_ROWS   1024u
#define HASH_BYTES (1u << 20)
#define PAGE_BYTES 4096u
#define SUMS       100000u

/* Readings with two decimals, -10.00 ... 45.00. */
static int64_t *make_mantissas(size_t count)
{
    int64_t *mantissas = mem_alloc(count, sizeof *mantissas);
    struct random_stream random = {.counter = 4};
    for (size_t i = 0; mantissas && i < count; i++)
        mantissas[i] = random_between(&random, -1000, 4500);
    return mantissas;
}

static enum status add_runs(struct accumulator *accumulator, const int64_t *mantissas,
                            struct error *err)
{
    const struct accumulator_needs needs = {.basics = true};
    for (size_t from = 0; from < VALUES; from += RUN_ROWS) {
        const struct column_vector column = {
            .present_count = RUN_ROWS, .mantissas = mantissas + from, .exponent = -2};
        const struct row_vector rows = {
            .count = RUN_ROWS, .one_device = true, .column_count = 1, .columns = &column};
        const struct column_run run = {.column = &column, .rows = &rows, .until_row = RUN_ROWS};
        if (accumulator_add_run(accumulator, &run, &needs) != STATUS_OK)
            return kernel_no_memory(err);
    }
    return STATUS_OK;
}

/* Sum, least and most of decoded columns. */
static enum status measure_aggregate(const struct kernel_data *data, struct kernel_clock *clock,
                                     struct error *err)
{
    (void)data;
    OWNED(mem_free_owned) int64_t *mantissas = make_mantissas(VALUES);
    if (!mantissas)
        return kernel_no_memory(err);
    while (kernel_clock_next(clock)) {
        OWNED(accumulator_release) struct accumulator accumulator = {0};
        kernel_clock_start(clock);
        TRY(add_runs(&accumulator, mantissas, err));
        kernel_use(accumulator.count);
        kernel_clock_stop(clock, VALUES, VALUES * sizeof *mantissas);
    }
    return STATUS_OK;
}

/* To the 95th percentile: every value added, then counted through. */
static enum status measure_percentile(const struct kernel_data *data, struct kernel_clock *clock,
                                      struct error *err)
{
    (void)data;
    OWNED(mem_free_owned) int64_t *mantissas = make_mantissas(VALUES);
    if (!mantissas)
        return kernel_no_memory(err);
    while (kernel_clock_next(clock)) {
        OWNED(value_pool_release) struct value_pool pool = {0};
        kernel_clock_start(clock);
        enum status status = STATUS_OK;
        for (size_t from = 0; from < VALUES && status == STATUS_OK; from += RUN_ROWS)
            status = value_pool_add_run(&pool, mantissas + from, RUN_ROWS, -2);
        struct number number = {0};
        if (status == STATUS_OK)
            status = value_pool_at(&pool, VALUES / 100 * 95, &number);
        kernel_use((uint64_t)number.mantissa);
        kernel_clock_stop(clock, VALUES, VALUES * sizeof *mantissas);
        if (status != STATUS_OK)
            return kernel_no_memory(err);
    }
    return STATUS_OK;
}

/* Number by number, as what fits no run of one exponent is added. */
static enum status measure_exact_sum(const struct kernel_data *data, struct kernel_clock *clock,
                                     struct error *err)
{
    (void)data;
    OWNED(mem_free_owned) struct number *numbers = mem_alloc(SUMS, sizeof *numbers);
    if (!numbers)
        return kernel_no_memory(err);
    struct random_stream random = {.counter = 5};
    for (uint32_t i = 0; i < SUMS; i++)
        numbers[i] = number_from_decimal(random_between(&random, -1000, 4500), -2);
    while (kernel_clock_next(clock)) {
        OWNED(exact_sum_release) struct exact_sum sum = {0};
        enum status status = STATUS_OK;
        kernel_clock_start(clock);
        for (uint32_t i = 0; i < SUMS && status == STATUS_OK; i++)
            status = exact_sum_add(&sum, numbers[i]);
        kernel_use(sum.decimal_count);
        kernel_clock_stop(clock, SUMS, SUMS * sizeof *numbers);
        if (status != STATUS_OK)
            return kernel_no_memory(err);
    }
    return STATUS_OK;
}

/* --- checksums -------------------------------------------------------------------------------- */

static enum status hash_pieces(size_t piece_bytes, struct kernel_clock *clock, struct error *err)
{
    OWNED(mem_free_owned) uint8_t *bytes = mem_alloc(HASH_BYTES, 1);
    if (!bytes)
        return kernel_no_memory(err);
    struct random_stream random = {.counter = 6};
    for (size_t i = 0; i < HASH_BYTES; i++)
        bytes[i] = (uint8_t)random_u64(&random);
    while (kernel_clock_next(clock)) {
        uint64_t sum = 0;
        kernel_clock_start(clock);
        for (size_t from = 0; from + piece_bytes <= HASH_BYTES; from += piece_bytes)
            sum += bytes_hash(bytes + from, piece_bytes, from);
        kernel_use(sum);
        kernel_clock_stop(clock, HASH_BYTES / piece_bytes, HASH_BYTES / piece_bytes * piece_bytes);
    }
    return STATUS_OK;
}

/* The length of a name, and seldom aligned. */
static enum status measure_hash_names(const struct kernel_data *data, struct kernel_clock *clock,
                                      struct error *err)
{
    (void)data;
    return hash_pieces(21, clock, err);
}

static enum status measure_hash_pages(const struct kernel_data *data, struct kernel_clock *clock,
                                      struct error *err)
{
    (void)data;
    return hash_pieces(PAGE_BYTES, clock, err);
}

const struct kernel kernels_of_answers[] = {
    {"aggregate", "value", NULL, measure_aggregate},
    {"percentile", "value", NULL, measure_percentile},
    {"exact-sum", "number", NULL, measure_exact_sum},
    {"checksum-name", "name", NULL, measure_hash_names},
    {"checksum-page", "page", NULL, measure_hash_pages},
    {0},
};
