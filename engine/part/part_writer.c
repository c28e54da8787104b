/*
 * part_writer.c - rows in key order become blocks, directory and totals.
 *
 *      append -> block_builder -> stream (32,752 bytes a value) -> 'B' values
 *                      \-> summary -> directory_writer          -> 'I' values
 *                               \-> totals of the part          -> 'P' record
 *
 * (1) A block ends with its device once it has PART_BLOCK_ROWS_MIN rows, or if it began in the
 *     middle of the device, and at the part's maximum at the latest: one device is then read
 *     without its neighbours.
 * (2) A stream value's key is the offset of its first byte, so values may be cut
 *     short (a merge step ends) without leaving holes.
 */
#include "engine/part/part_writer_internal.h"

#include "engine/base/mem.h"
#include "engine/format/format.h"

#include <assert.h>

struct part_writer {
    struct part *part;  /* borrowed */
    struct kv_txn *txn; /* borrowed; NULL for a part in memory */
    struct block_builder *builder;
    struct directory_writer directory;
    struct buffer stream; /* bytes of blocks not written yet; they begin at stream_start */
    uint64_t stream_start;
    uint32_t newest_device;
    bool continues; /* the current block began in the middle of a device's rows */
    uint64_t bytes_written;
    bool unfinished; /* begun and not finished: a failure may have left rows in the builder */
};

enum status part_writer_new(struct part_writer **writer)
{
    *writer = mem_alloc_zeroed(1, sizeof **writer);
    if (!*writer)
        return STATUS_NOMEM;
    const enum status status = block_builder_new(&(*writer)->builder);
    if (status != STATUS_OK) {
        part_writer_free(*writer);
        *writer = NULL;
    }
    return status;
}

void part_writer_free(struct part_writer *writer)
{
    if (!writer)
        return;
    block_builder_free(writer->builder);
    directory_writer_release(&writer->directory);
    buffer_release(&writer->stream);
    mem_free(writer);
}

void part_writer_free_owned(struct part_writer *const *writer)
{
    part_writer_free(*writer);
}

/* A builder without the rows of a transaction that failed: they must not come back in the next. */
static enum status renew_builder(struct part_writer *writer)
{
    struct block_builder *fresh = NULL;
    TRY(block_builder_new(&fresh));
    block_builder_free(writer->builder);
    writer->builder = fresh;
    writer->unfinished = false;
    return STATUS_OK;
}

enum status part_writer_begin(struct part_writer *writer, struct part *part, struct kv_txn *txn,
                              struct error *err)
{
    assert((txn == NULL) == (part->memory != NULL));
    if (writer->unfinished && renew_builder(writer) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for part %llu",
                         (unsigned long long)part->number);
    assert(block_builder_rows(writer->builder) == 0);
    writer->continues = false;
    writer->unfinished = true;
    writer->part = part;
    writer->txn = txn;
    writer->stream_start = part->stream_bytes;
    writer->bytes_written = 0;
    buffer_clear(&writer->stream);
    directory_writer_clear(&writer->directory);
    return STATUS_OK;
}

uint64_t part_writer_bytes(const struct part_writer *writer)
{
    return writer->bytes_written + writer->stream.len;
}

static enum status no_memory(const struct part_writer *writer, struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for part %llu",
                     (unsigned long long)writer->part->number);
}

/* Writes whole values of the stream; with `all` also the rest, as a short one. */
static enum status write_stream(struct part_writer *writer, bool all, struct error *err)
{
    size_t written = 0;
    while (writer->stream.len - written >= KV_VALUE_BYTES_MAX ||
           (all && writer->stream.len > written)) {
        size_t len = writer->stream.len - written;
        if (len > KV_VALUE_BYTES_MAX)
            len = KV_VALUE_BYTES_MAX;
        const struct key key = key_stream(writer->part->number, writer->stream_start);
        TRY(kv_put_raw(writer->txn, key_slice(&key), slice_of(writer->stream.data + written, len),
                       err));
        written += len;
        writer->stream_start += len;
    }
    writer->bytes_written += written;
    if (written == 0)
        return STATUS_OK;
    memmove(writer->stream.data, writer->stream.data + written, writer->stream.len - written);
    writer->stream.len -= written;
    return STATUS_OK;
}

static enum status keep_directory_in_memory(struct part_writer *writer)
{
    struct part_memory *memory = writer->part->memory;
    const struct slice bytes = buffer_slice(&writer->directory.bytes);
    TRY(mem_grow(&memory->values, &memory->value_capacity, memory->value_count + 1,
                 sizeof *memory->values));
    const size_t offset = memory->directory.len;
    TRY(buffer_append(&memory->directory, bytes.data, bytes.len));
    memory->values[memory->value_count++] = (struct part_memory_value){
        .first = writer->directory.first,
        .offset = offset,
        .len = bytes.len,
    };
    return STATUS_OK;
}

static enum status write_directory(struct part_writer *writer, struct error *err)
{
    if (writer->directory.entry_count == 0)
        return STATUS_OK;
    if (!writer->txn) {
        if (keep_directory_in_memory(writer) != STATUS_OK)
            return no_memory(writer, err);
    } else {
        const struct key key = key_directory(writer->part->number, &writer->directory.first,
                                             (uint32_t)writer->part->directory_values);
        TRY(kv_put(writer->txn, key_slice(&key), buffer_slice(&writer->directory.bytes), err));
    }
    writer->bytes_written += writer->directory.bytes.len;
    writer->part->directory_values++;
    directory_writer_clear(&writer->directory);
    return STATUS_OK;
}

static enum status add_entry(struct part_writer *writer, const struct directory_entry *entry,
                             struct error *err)
{
    bool full = false;
    if (directory_writer_add(&writer->directory, entry, &full) != STATUS_OK)
        return no_memory(writer, err);
    if (full) {
        TRY(write_directory(writer, err));
        if (directory_writer_add(&writer->directory, entry, &full) != STATUS_OK)
            return no_memory(writer, err);
        assert(!full);
    }
    if (part_totals_add(&writer->part->totals, &entry->summary) != STATUS_OK)
        return no_memory(writer, err);
    return STATUS_OK;
}

/* A block whose bytes end the stream already: its summary joins the directory. */
static enum status enter_block(struct part_writer *writer, size_t bytes_len,
                               const struct block_summary *summary, struct error *err)
{
    if (bytes_len > UINT32_MAX)
        return error_set(err, STATUS_INPUT, "a block of %zu bytes is too large", bytes_len);
    const struct directory_entry entry = {
        .summary = *summary,
        .offset = writer->part->stream_bytes,
        .bytes_len = (uint32_t)bytes_len,
    };
    TRY(add_entry(writer, &entry, err));
    writer->part->stream_bytes += bytes_len;
    writer->part->block_count++;
    return writer->txn ? write_stream(writer, false, err) : STATUS_OK;
}

/* Ends the current block: its bytes join the stream. */
static enum status seal_block(struct part_writer *writer, struct error *err)
{
    if (block_builder_rows(writer->builder) == 0)
        return STATUS_OK;
    struct buffer *stream = writer->txn ? &writer->stream : &writer->part->memory->stream;
    const size_t before = stream->len;
    struct block_summary summary;
    if (block_builder_seal(writer->builder, stream, &summary) != STATUS_OK)
        return no_memory(writer, err);
    return enter_block(writer, stream->len - before, &summary, err);
}

bool part_writer_is_between_blocks(const struct part_writer *writer)
{
    return writer->txn && block_builder_rows(writer->builder) == 0;
}

uint32_t part_writer_rows_max(const struct part_writer *writer)
{
    return writer->part->dense ? PART_BLOCK_ROWS_DENSE : PART_BLOCK_ROWS_FRESH;
}

enum status part_writer_take_block(struct part_writer *writer, struct slice bytes,
                                   const struct block_summary *summary, struct error *err)
{
    assert(part_writer_is_between_blocks(writer));
    if (buffer_append(&writer->stream, bytes.data, bytes.len) != STATUS_OK)
        return no_memory(writer, err);
    return enter_block(writer, bytes.len, summary, err);
}

void part_writer_go_on(struct part_writer *writer, uint32_t device, bool continues)
{
    assert(part_writer_is_between_blocks(writer));
    writer->newest_device = device;
    writer->continues = continues;
}

static bool block_ends_before(const struct part_writer *writer, uint32_t device)
{
    const uint32_t rows = block_builder_rows(writer->builder);
    if (rows >= part_writer_rows_max(writer) || block_builder_full(writer->builder))
        return true;
    return device != writer->newest_device && (rows >= PART_BLOCK_ROWS_MIN || writer->continues);
}

enum status part_writer_append(struct part_writer *writer, const struct row_key *key,
                               uint8_t time_source, const struct cell *cells, uint32_t cell_count,
                               struct error *err)
{
    if (block_ends_before(writer, key->device)) {
        writer->continues = key->device == writer->newest_device;
        TRY(seal_block(writer, err));
    }
    if (block_builder_append(writer->builder, key, time_source, cells, cell_count) != STATUS_OK)
        return no_memory(writer, err);
    writer->newest_device = key->device;
    return STATUS_OK;
}

enum status block_add_rows(struct block_builder *builder, const struct block_row *rows,
                           size_t count, uint32_t count_max, uint32_t *added)
{
    *added = block_builder_append_alike(builder, rows, count, count_max);
    for (; *added < count_max && !block_builder_full(builder); ++*added) {
        const struct block_row *row = &rows[*added];
        const struct row_key key = {
            .time_ms = row->time_ms, .message_id = row->message_id, .device = row->device};
        struct cell room[BRIEF_CELLS_MAX];
        uint32_t cell_count = 0;
        const struct cell *const cells = block_row_cells(row, room, &cell_count);
        TRY(block_builder_append(builder, &key, block_row_source(row), cells, cell_count));
    }
    return STATUS_OK;
}

enum status part_writer_append_rows(struct part_writer *writer, const struct block_row *rows,
                                    size_t count, struct error *err)
{
    while (count > 0) {
        if (block_ends_before(writer, rows[0].device)) {
            writer->continues = rows[0].device == writer->newest_device;
            TRY(seal_block(writer, err));
        }
        const struct block_progress block = {
            .held = block_builder_rows(writer->builder),
            .rows_max = part_writer_rows_max(writer),
            .continues = writer->continues,
        };
        const uint32_t count_max = block_rows_until_end(block, rows, count);
        uint32_t added = 0;
        if (block_add_rows(writer->builder, rows, count, count_max, &added) != STATUS_OK)
            return no_memory(writer, err);
        writer->newest_device = rows[added - 1].device;
        rows += added;
        count -= added;
    }
    return STATUS_OK;
}

enum status part_writer_finish(struct part_writer *writer, struct error *err)
{
    TRY(seal_block(writer, err));
    TRY(write_directory(writer, err));
    if (writer->txn) {
        TRY(write_stream(writer, true, err));
        TRY(part_save(writer->part, writer->txn, err));
    }
    writer->unfinished = false;
    return STATUS_OK;
}
