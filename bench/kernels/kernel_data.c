/*
 * kernel_data.c - the fleet's messages, decoded once and brought into the order of a part.
 */
#include "bench/kernels/kernel.h"

#include "bench/fleet/fleet.h"
#include "engine/arrange/arrange.h"
#include "engine/base/mem.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDE_DEVICES     100000u
#define WIDE_INTERVAL_MS 300000
#define WIDE_MESSAGES    45000u /* a batch of the file source */
#define LINE_BYTES_GUESS 224u
#define OPEN_FILES_MAX   8

enum status kernel_no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the data of the kernels");
}

/* --- lines ------------------------------------------------------------------------------------ */

static enum status take_lines(void *context, struct slice lines, bool *stop, struct error *err)
{
    *stop = false;
    if (buffer_append(context, lines.data, lines.len) != STATUS_OK)
        return kernel_no_memory(err);
    return STATUS_OK;
}

static enum status make_lines(const struct fleet_config *config, struct buffer *lines,
                              struct error *err)
{
    if (buffer_reserve(lines, config->messages * LINE_BYTES_GUESS) != STATUS_OK)
        return kernel_no_memory(err);
    const struct fleet_output output = {.context = lines, .write = take_lines};
    struct fleet_totals totals;
    TRY(fleet_run(config, &output, &totals, err));
    if (buffer_reserve(lines, SOURCE_SLACK_BYTES) != STATUS_OK)
        return kernel_no_memory(err);
    memset(lines->data + lines->len, 0, SOURCE_SLACK_BYTES); // a decoder may look at it
    return STATUS_OK;
}

struct slice kernel_first_batch(const struct buffer *lines)
{
    struct slice batch = buffer_slice(lines);
    if (batch.len <= SOURCE_BATCH_BYTES)
        return batch;
    const uint8_t *last = memrchr(batch.data, '\n', SOURCE_BATCH_BYTES);
    return slice_of(batch.data, last ? (size_t)(last + 1 - batch.data) : 0);
}

static enum status take_plain_lines(struct decoder *decoder, struct body_batch *bodies,
                                    struct row_batch *rows, struct error *err)
{
    size_t taken_len = 0;
    TRY(decoder_take_lines(decoder, body_batch_lines(bodies), rows, &taken_len, err));
    body_batch_skip(bodies, taken_len);
    return STATUS_OK;
}

enum status kernel_decode(struct decoder *decoder, struct body_batch *bodies,
                          struct row_batch *rows, struct error *err)
{
    struct body body;
    TRY(take_plain_lines(decoder, bodies, rows, err));
    while (body_batch_next(bodies, &body)) {
        TRY(decoder_decode(decoder, body.bytes, bodies->received_ms, rows, err));
        TRY(take_plain_lines(decoder, bodies, rows, err));
    }
    return STATUS_OK;
}

static enum status decode_lines(struct kernel_data *data, struct error *err)
{
    OWNED(decoder_release) struct decoder decoder = {0};
    TRY(decoder_init(&decoder, &data->decoder, err));
    // Borrowed bytes: the batch is never released.
    struct body_batch bodies = {.bytes = data->lines.data, .len = data->lines.len};
    TRY(kernel_decode(&decoder, &bodies, &data->rows, err));
    data->messages = data->rows.message_count;
    return STATUS_OK;
}

/* --- rows and ids ----------------------------------------------------------------------------- */

static struct row_key key_of(const struct block_row *row)
{
    return (struct row_key){
        .time_ms = row->time_ms, .message_id = row->message_id, .device = row->device};
}

static int compare_rows(const void *left, const void *right)
{
    const struct row_key a = key_of(left);
    const struct row_key b = key_of(right);
    return row_key_compare(&a, &b);
}

static int compare_cells(const void *left, const void *right)
{
    const struct cell *a = left;
    const struct cell *b = right;
    return (a->metric > b->metric) - (a->metric < b->metric);
}

/* One batch holds all, so its numbers serve as the store's. */
static enum status order_rows(struct kernel_data *data, struct error *err)
{
    struct row_batch *batch = &data->rows;
    const size_t count = batch->row_count[TABLE_READINGS];
    data->readings = mem_alloc(count, sizeof *data->readings);
    if (!data->readings)
        return kernel_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &batch->rows[TABLE_READINGS][i];
        struct cell *cells = batch->cells + row->first_cell;
        qsort(cells, row->cell_count, sizeof *cells, compare_cells);
        block_row_put(&data->readings[i], row, cells);
        data->readings[i].device = row->device;
    }
    data->reading_count = count;
    qsort(data->readings, count, sizeof *data->readings, compare_rows);
    return STATUS_OK;
}

static int compare_ids(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static enum status order_ids(struct kernel_data *data, struct error *err)
{
    const struct row_batch *batch = &data->rows;
    data->ids = mem_alloc(batch->message_count, sizeof *data->ids);
    if (!data->ids)
        return kernel_no_memory(err);
    for (size_t i = 0; i < batch->message_count; i++)
        data->ids[i] = batch->messages[i].id;
    qsort(data->ids, batch->message_count, sizeof *data->ids, compare_ids);
    for (size_t i = 0; i < batch->message_count; i++) {
        if (data->id_count == 0 || data->ids[i] != data->ids[data->id_count - 1])
            data->ids[data->id_count++] = data->ids[i];
    }
    return STATUS_OK;
}

enum status kernel_data_make(struct kernel_data *data, const char *dir, uint64_t messages,
                             struct error *err)
{
    *data = (struct kernel_data){.dir = dir};
    TRY(decoder_config_init(&data->decoder, err));
    struct fleet_config narrow = fleet_config_default();
    narrow.messages = messages;
    TRY(make_lines(&narrow, &data->lines, err));
    struct fleet_config wide = fleet_config_default();
    wide.devices = WIDE_DEVICES;
    wide.interval_ms = WIDE_INTERVAL_MS;
    wide.messages = messages < WIDE_MESSAGES ? messages : WIDE_MESSAGES;
    TRY(make_lines(&wide, &data->wide, err));
    TRY(decode_lines(data, err));
    TRY(order_rows(data, err));
    return order_ids(data, err);
}

void kernel_data_release(struct kernel_data *data)
{
    buffer_release(&data->lines);
    buffer_release(&data->wide);
    row_batch_release(&data->rows);
    mem_free(data->readings);
    mem_free(data->ids);
    *data = (struct kernel_data){0};
}

/* --- directories ------------------------------------------------------------------------------ */

enum status scratch_dir_make(struct scratch_dir *scratch, const char *dir, struct error *err)
{
    const int len = snprintf(scratch->path, sizeof scratch->path, "%s/mnsdb-kernels-XXXXXX", dir);
    if (len < 0 || (size_t)len >= sizeof scratch->path) {
        scratch->path[0] = '\0';
        return error_set(err, STATUS_INPUT, "%s: the path is too long", dir);
    }
    if (!mkdtemp(scratch->path)) {
        scratch->path[0] = '\0';
        return error_set_errno(err, STATUS_FULL, errno, "cannot make a directory in %s", dir);
    }
    return STATUS_OK;
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    (void)remove(path);
    return 0;
}

void scratch_dir_release(struct scratch_dir *scratch)
{
    if (scratch->path[0] != '\0')
        (void)nftw(scratch->path, remove_entry, OPEN_FILES_MAX, FTW_DEPTH | FTW_PHYS);
    scratch->path[0] = '\0';
}
