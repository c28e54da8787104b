/*
 * convert.c - the pipeline of mnsdb-ingest with files in the place of the store.
 */
#include "bench/peers/convert/convert.h"

#include "bench/fleet/line_file.h"
#include "ingest/decode/decode.h"
#include "ingest/pipeline/pipeline.h"
#include "ingest/source/source.h"

#include <limits.h>
#include <stdio.h>

struct converter {
    enum row_format format;
    struct line_file files[TABLE_COUNT];
    size_t file_count; /* CSV has one a table, lines have one in all */
    char paths[TABLE_COUNT][PATH_MAX];
    struct buffer text; /* of one row */
    struct convert_totals *totals;
};

static const char *const csv_names[TABLE_COUNT] = {"readings.csv", "status.csv"};

static enum status open_file(struct converter *converter, const char *dir, const char *name,
                             struct error *err)
{
    char *path = converter->paths[converter->file_count];
    const int len = snprintf(path, PATH_MAX, "%s/%s", dir, name);
    if (len < 0 || len >= PATH_MAX)
        return error_set(err, STATUS_INPUT, "the name of the directory is too long");
    TRY(line_file_open(&converter->files[converter->file_count], path, err));
    converter->file_count++;
    return STATUS_OK;
}

static enum status open_files(struct converter *converter, const char *dir, struct error *err)
{
    if (converter->format == ROW_FORMAT_LINES)
        return open_file(converter, dir, "rows.lines", err);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        TRY(open_file(converter, dir, csv_names[i], err));
    return STATUS_OK;
}

static enum status close_files(struct converter *converter, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < converter->file_count; i++) {
        struct error ignored = {0};
        const enum status closed =
            line_file_close(&converter->files[i], status == STATUS_OK ? err : &ignored);
        if (status == STATUS_OK)
            status = closed;
    }
    buffer_release(&converter->text);
    return status;
}

static void count_row(struct convert_totals *totals, enum table table, const struct row *row)
{
    const bool is_first = totals->rows[TABLE_READINGS] + totals->rows[TABLE_STATUS] == 0;
    if (is_first || row->time_ms < totals->first_ms)
        totals->first_ms = row->time_ms;
    if (is_first || row->time_ms > totals->last_ms)
        totals->last_ms = row->time_ms;
    totals->rows[table]++;
}

static enum status write_row(struct converter *converter, const struct row_batch *batch,
                             enum table table, const struct row *row,
                             const struct row_metrics *metrics, struct error *err)
{
    struct line_file *file =
        &converter->files[converter->format == ROW_FORMAT_CSV ? (size_t)table : 0];
    buffer_clear(&converter->text);
    row_text_put(&converter->text, converter->format, batch, table, row, metrics);
    count_row(converter->totals, table, row);
    return line_file_write(file, buffer_slice(&converter->text), err);
}

static enum status write_batch(struct converter *converter, const struct row_batch *batch,
                               struct commit_result *result, struct error *err)
{
    const struct row_metrics metrics = row_metrics_of(batch);
    for (size_t i = 0; i < batch->message_count; i++) {
        const struct message *message = &batch->messages[i];
        result->received++;
        if (message->verdict == MESSAGE_REJECT) {
            result->rejected++;
            continue;
        }
        result->stored++;
        const enum table table = (enum table)message->verdict;
        for (uint32_t k = 0; k < message->count; k++)
            TRY(write_row(converter, batch, table, &batch->rows[table][message->first + k],
                          &metrics, err));
    }
    return STATUS_OK;
}

static enum status write_batches(void *context, struct row_batch *const *batches,
                                 size_t batch_count, struct commit_result *result,
                                 struct error *err)
{
    struct converter *converter = context;
    for (size_t i = 0; i < batch_count; i++)
        TRY(write_batch(converter, batches[i], result, err));
    return STATUS_OK;
}

static enum status maintain_nothing(void *context, bool *more, struct error *err)
{
    (void)context;
    (void)err;
    *more = false;
    return STATUS_OK;
}

static enum status run_pipeline(struct converter *converter, struct source *source,
                                struct error *err)
{
    struct decoder_config decoder;
    TRY(decoder_config_init(&decoder, err));
    const struct pipeline_config config = {
        .source = source,
        .sink = {.context = converter, .commit = write_batches, .maintain = maintain_nothing},
        .decoder = &decoder,
    };
    struct pipeline_result result = {0};
    TRY(pipeline_run(&config, &result, err));
    if (result.faults > 0)
        return error_set(err, STATUS_INPUT, "an input could not be read to its end");
    converter->totals->messages = result.total.received;
    converter->totals->rejected = result.total.rejected;
    return STATUS_OK;
}

enum status convert_run(const char *const *paths, size_t path_count, const char *dir,
                        enum row_format format, struct convert_totals *totals, struct error *err)
{
    *totals = (struct convert_totals){0};
    struct converter converter = {.format = format, .totals = totals};
    struct source source = {0};
    TRY(file_source_open(&source, paths, path_count, err));
    enum status status = open_files(&converter, dir, err);
    if (status == STATUS_OK && buffer_reserve(&converter.text, ROW_TEXT_BYTES_MAX) != STATUS_OK)
        status = error_set(err, STATUS_NOMEM, "no memory for a row");
    if (status == STATUS_OK)
        status = run_pipeline(&converter, &source, err);
    source_close(&source);
    struct error at_close = {0};
    const enum status closed = close_files(&converter, status == STATUS_OK ? err : &at_close);
    return status == STATUS_OK ? closed : status;
}
