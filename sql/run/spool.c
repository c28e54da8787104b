/*
 * spool.c - see spool.h.
 *
 *      row     length of what follows, u64; then each cell
 *      cell    kind, u8; count or double: 8 bytes; text: length, u32, and its bytes
 *
 * The file has no name, so it goes with the process, however that ends. Nobody else writes to
 * it; a length that does not fit nevertheless is taken for a failing disk.
 */
#include "sql/run/spool.h"

#include "cli/unnamed_file.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#define READ_BYTES   ((size_t)256 * 1024)
#define LENGTH_BYTES 8u
#define CELL_BYTES   9u /* at most, but for the bytes of a text */

void spool_release(struct spool *spool)
{
    if (spool->has_file)
        (void)close(spool->file);
    buffer_release(&spool->bytes);
    *spool = (struct spool){0};
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the answer");
}

/* --- the file -------------------------------------------------------------------------------- */

static enum status write_out(struct spool *spool, struct error *err)
{
    if (!spool->has_file) {
        TRY(unnamed_file_open(&spool->file, err));
        spool->has_file = true;
    }
    for (size_t done = 0; done < spool->bytes.len;) {
        const ssize_t written =
            write(spool->file, spool->bytes.data + done, spool->bytes.len - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(err, STATUS_FULL, errno,
                                   "cannot write the temporary file of the answer");
        done += (size_t)written;
    }
    spool->file_bytes += spool->bytes.len;
    buffer_clear(&spool->bytes);
    return STATUS_OK;
}

/* --- putting --------------------------------------------------------------------------------- */

static uint64_t row_bytes(const struct answer_cell *cells, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += CELL_BYTES + (cells[i].kind == CELL_TEXT ? cells[i].text_len : 0);
    return bytes;
}

static void put_cell(struct buffer *out, const struct answer_cell *cell)
{
    uint64_t bits = 0;
    buffer_put_u8(out, cell->kind);
    switch ((enum cell_kind)cell->kind) {
    case CELL_TEXT:
        buffer_put_u32(out, cell->text_len);
        buffer_put_bytes(out, cell->text, cell->text_len);
        break;
    case CELL_NUMBER:
        assert(cell->exact_kind == EXACT_REAL);
        memcpy(&bits, &cell->real, sizeof bits);
        buffer_put_u64(out, bits);
        break;
    case CELL_COUNT:
        buffer_put_u64(out, (uint64_t)cell->integer);
        break;
    case CELL_NULL:
    case CELL_TIME:
    case CELL_DURATION:
    case CELL_ID:
    case CELL_BOOL:
        assert(cell->kind == CELL_NULL);
        break;
    }
}

enum status spool_put(struct spool *spool, const struct answer_cell *cells, size_t count,
                      struct error *err)
{
    const size_t limit = spool->memory_bytes ? spool->memory_bytes : SPOOL_MEMORY_BYTES;
    const uint64_t bytes = row_bytes(cells, count);
    if (spool->bytes.len > 0 && spool->bytes.len + bytes > limit)
        TRY(write_out(spool, err));
    if (buffer_reserve(&spool->bytes, LENGTH_BYTES + bytes) != STATUS_OK)
        return no_memory(err);
    const size_t start = spool->bytes.len;
    buffer_put_u64(&spool->bytes, 0);
    for (size_t i = 0; i < count; i++)
        put_cell(&spool->bytes, &cells[i]);
    const uint64_t len = spool->bytes.len - start - LENGTH_BYTES;
    memcpy(spool->bytes.data + start, &len, sizeof len);
    spool->row_count++;
    return STATUS_OK;
}

enum status spool_rewind(struct spool *spool, struct error *err)
{
    spool->used = 0;
    spool->file_read = 0;
    return spool->has_file ? write_out(spool, err) : STATUS_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static enum status damaged(struct error *err)
{
    return error_set(err, STATUS_IO, "the temporary file of the answer cannot be read back");
}

/* Reads on until `wanted` bytes are there to be used; false if they are not. */
static enum status refill(struct spool *spool, size_t wanted, bool *there, struct error *err)
{
    struct buffer *bytes = &spool->bytes;
    *there = true;
    if (bytes->len - spool->used >= wanted)
        return STATUS_OK;
    if (spool->used > 0) {
        memmove(bytes->data, bytes->data + spool->used, bytes->len - spool->used);
        bytes->len -= spool->used;
        spool->used = 0;
    }
    if (buffer_reserve(bytes, wanted + READ_BYTES) != STATUS_OK)
        return no_memory(err);
    while (bytes->len < wanted && spool->file_read < spool->file_bytes) {
        const ssize_t got = pread(spool->file, bytes->data + bytes->len,
                                  bytes->capacity - bytes->len, (off_t)spool->file_read);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return damaged(err);
        bytes->len += (size_t)got;
        spool->file_read += (uint64_t)got;
    }
    *there = bytes->len >= wanted;
    return STATUS_OK;
}

static void get_cell(struct cursor *cursor, struct answer_cell *cell)
{
    const uint8_t kind = cursor_u8(cursor);
    if (kind == CELL_TEXT) {
        const uint32_t len = cursor_u32(cursor);
        *cell = cell_of_text(cursor_bytes(cursor, len));
    } else if (kind == CELL_COUNT) {
        *cell = cell_of_count(cursor_u64(cursor));
    } else if (kind == CELL_NUMBER) {
        const uint64_t bits = cursor_u64(cursor);
        double real = 0;
        memcpy(&real, &bits, sizeof real);
        *cell = cell_of_number(exact_of_real(real));
    } else {
        *cell = (struct answer_cell){.kind = CELL_NULL};
    }
}

enum status spool_next(struct spool *spool, struct answer_cell *cells, size_t count, bool *more,
                       struct error *err)
{
    uint64_t len = 0;
    TRY(refill(spool, LENGTH_BYTES, more, err));
    if (!*more)
        return STATUS_OK;
    memcpy(&len, spool->bytes.data + spool->used, sizeof len);
    if (len > SIZE_MAX / 2)
        return damaged(err);
    bool whole = false;
    TRY(refill(spool, LENGTH_BYTES + (size_t)len, &whole, err));
    if (!whole)
        return damaged(err);
    const uint8_t *start = spool->bytes.data + spool->used + LENGTH_BYTES;
    struct cursor cursor = cursor_of(slice_of(start, (size_t)len));
    for (size_t i = 0; i < count; i++)
        get_cell(&cursor, &cells[i]);
    spool->used += LENGTH_BYTES + (size_t)len;
    return cursor_finished(&cursor) ? STATUS_OK : damaged(err);
}
