/*
 * excursion_reader.c - an ordered scan, cut into devices.
 *
 * Rows come by device, time and id. Those of one device are gathered, a series a metric; when
 * the device changes, the visitor gets it. So memory is that of the device with most readings.
 */
#include "query/excursion/excursion_internal.h"

#include "engine/base/mem.h"
#include "query/view/view.h"

#include <stdlib.h>

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the readings");
}

void excursion_reader_release(struct excursion_reader *reader)
{
    for (size_t i = 0; i < reader->metric_count; i++)
        excursion_series_release(&reader->metrics[i].series);
    mem_free(reader->metrics);
    mem_free(reader->numbers);
    *reader = (struct excursion_reader){0};
}

static int compare_numbers(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static bool has_metric(const struct excursion_reader *reader, struct slice name)
{
    for (size_t i = 0; i < reader->metric_count; i++) {
        if (slice_equal(reader->metrics[i].name, name))
            return true;
    }
    return false;
}

enum status excursion_reader_init(struct excursion_reader *reader, struct snapshot *snapshot,
                                  const struct excursion_spec *spec, struct error *err)
{
    *reader = (struct excursion_reader){.spec = spec, .snapshot = snapshot, .device = NO_DEVICE};
    reader->metrics = mem_alloc_zeroed(spec->metric_count, sizeof *reader->metrics);
    reader->numbers = mem_alloc(spec->metric_count, sizeof *reader->numbers);
    if (!reader->metrics || !reader->numbers)
        return no_memory(err);
    for (size_t i = 0; i < spec->metric_count; i++) {
        const struct slice name = view_canonical(spec->selection->view, spec->metrics[i]);
        if (has_metric(reader, name))
            continue;
        struct excursion_metric *metric = &reader->metrics[reader->metric_count++];
        metric->name = name;
        metric->known = view_find_metric(spec->selection->view, snapshot, name, &metric->number);
        if (metric->known)
            reader->numbers[reader->number_count++] = metric->number;
    }
    qsort(reader->numbers, reader->number_count, sizeof *reader->numbers, compare_numbers);
    return STATUS_OK;
}

/* The device at hand has all its rows. */
static enum status finish_device(struct excursion_reader *reader)
{
    if (reader->device == NO_DEVICE)
        return STATUS_OK;
    TRY(reader->visitor->device(reader->visitor->context, reader->device, reader->err));
    for (size_t i = 0; i < reader->metric_count; i++)
        reader->metrics[i].series.count = 0;
    reader->device = NO_DEVICE;
    return STATUS_OK;
}

static enum status gather(struct excursion_metric *metric, const struct row_vector *rows,
                          uint32_t from_row, uint32_t until_row)
{
    const struct column_vector *column =
        metric->known ? view_find_column(rows, metric->number) : NULL;
    if (!column)
        return STATUS_OK;
    struct excursion_series *series = &metric->series;
    TRY(mem_grow(&series->readings, &series->capacity, series->count + (until_row - from_row),
                 sizeof *series->readings));
    for (uint32_t row = from_row; row < until_row; row++) {
        const struct number value = column_vector_get(column, row);
        if (value.kind != NUMBER_NULL)
            series->readings[series->count++] =
                (struct excursion_reading){.time_ms = rows->times_ms[row], .value = value};
    }
    return STATUS_OK;
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    struct excursion_reader *reader = context;
    for (uint32_t row = from_row; row < until_row;) {
        const uint32_t device = row_vector_device(rows, row);
        const uint32_t end = row_vector_device_end(rows, row, until_row);
        if (device != reader->device)
            TRY(finish_device(reader));
        reader->device = device;
        for (size_t i = 0; i < reader->metric_count; i++)
            TRY(gather(&reader->metrics[i], rows, row, end));
        row = end;
    }
    return STATUS_OK;
}

enum status excursion_read(struct excursion_reader *reader, int64_t from_ms, int64_t until_ms,
                           const struct excursion_visitor *visitor,
                           struct scan_statistics *statistics, struct error *err)
{
    const struct selection *selection = reader->spec->selection;
    if (selection->device_count == 0 || reader->number_count == 0 || from_ms >= until_ms)
        return STATUS_OK;
    reader->visitor = visitor;
    reader->err = err;
    const struct scan_spec scan = {
        .table = TABLE_READINGS,
        .device_bits = selection->device_bits,
        .from_ms = from_ms,
        .until_ms = until_ms,
        .columns = {.metrics = reader->numbers, .metric_count = reader->number_count},
        .ordered = true,
    };
    const struct scan_visitor rows = {.context = reader, .rows = take_rows};
    TRY(view_scan(selection->view, reader->snapshot, &scan, &rows, statistics, err));
    return finish_device(reader);
}
