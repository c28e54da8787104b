/*
 * log_sorter.c - an external sort: sorted runs in an unnamed file, merged at the end.
 *
 * (1) Records are a multiple of 16 bytes and lie aligned, in memory and in runs.
 * (2) A run is written when memory is full. With a limit, only so many records of
 *     a run are kept; if that is few of them, they stay in memory instead.
 * (3) Everything in one memory: no file is made.
 * (4) The merge looks at the first record of each run. Equal keys come from the
 *     earlier run first, so the whole is stable.
 */
#include "query/log/log_internal.h"

#include "cli/unnamed_file.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_READ_BYTES ((size_t)256 * 1024)
#define WRITE_BYTES    ((size_t)1024 * 1024)

_Static_assert(sizeof(struct log_record) == 32, "records and cells stay aligned to 16 bytes");
_Static_assert(sizeof(struct log_record) % sizeof(struct cell) == 0, "cells follow a record");

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory to sort the log");
}

static const struct log_record *record_at(const struct buffer *bytes, uint64_t offset)
{
    return (const void *)(bytes->data + offset);
}

static int compare_keys(const void *left, const void *right)
{
    const struct log_key *a = left;
    const struct log_key *b = right;
    if (a->key_ms != b->key_ms)
        return a->key_ms < b->key_ms ? -1 : 1;
    if (a->message_id != b->message_id)
        return a->message_id < b->message_id ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* --- the file of runs ---------------------------------------------------------------------- */

static enum status write_all(struct log_sorter *sorter, struct buffer *bytes, struct error *err)
{
    for (size_t done = 0; done < bytes->len;) {
        const ssize_t written = write(sorter->file, bytes->data + done, bytes->len - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(err, STATUS_FULL, errno,
                                   "cannot write the temporary file of the log");
        done += (size_t)written;
    }
    sorter->file_bytes += bytes->len;
    buffer_clear(bytes);
    return STATUS_OK;
}

static enum status write_records(struct log_sorter *sorter, size_t count, struct error *err)
{
    OWNED(buffer_release) struct buffer out = {0};
    for (size_t i = 0; i < count; i++) {
        const struct log_record *record = record_at(&sorter->records, sorter->keys[i].offset);
        if (buffer_append(&out, record, log_record_bytes(record)) != STATUS_OK)
            return no_memory(err);
        if (out.len >= WRITE_BYTES)
            TRY(write_all(sorter, &out, err));
    }
    return write_all(sorter, &out, err);
}

/* --- filling ------------------------------------------------------------------------------- */

static size_t kept_count(const struct log_sorter *sorter)
{
    return sorter->has_limit && sorter->limit < sorter->key_count ? (size_t)sorter->limit
                                                                  : sorter->key_count;
}

/* The first key at or after `from` that is less than the one before it. */
static size_t ascent_end(const struct log_sorter *sorter, size_t from)
{
    size_t end = from + 1;
    while (end < sorter->key_count && compare_keys(&sorter->keys[end - 1], &sorter->keys[end]) < 0)
        end++;
    return end;
}

/* Merges keys that ascend up to `middle`, and from there on. False if there was no memory. */
static bool merge_halves(struct log_sorter *sorter, size_t middle)
{
    struct log_key *const keys = sorter->keys;
    OWNED(mem_free_owned)
    struct log_key *later = mem_alloc(sorter->key_count - middle, sizeof *later);
    if (!later)
        return false;
    size_t later_left = sorter->key_count - middle;
    memcpy(later, keys + middle, later_left * sizeof *later);
    size_t earlier_left = middle;
    for (size_t to = sorter->key_count; later_left > 0;) {
        const bool take_earlier =
            earlier_left > 0 && compare_keys(&keys[earlier_left - 1], &later[later_left - 1]) > 0;
        keys[--to] = take_earlier ? keys[--earlier_left] : later[--later_left];
    }
    return true;
}

/* What is asked most often, rows of one device, comes as its readings in order, then its events. */
static void sort_keys(struct log_sorter *sorter)
{
    if (sorter->key_count < 2)
        return;
    const size_t middle = ascent_end(sorter, 0);
    if (middle == sorter->key_count)
        return;
    if (ascent_end(sorter, middle) < sorter->key_count || !merge_halves(sorter, middle))
        qsort(sorter->keys, sorter->key_count, sizeof *sorter->keys, compare_keys);
}

/* Keeps the first `count` records of the sorted keys, in memory. */
static enum status compact(struct log_sorter *sorter, size_t count, struct error *err)
{
    struct buffer kept = {0};
    for (size_t i = 0; i < count; i++) {
        const struct log_record *record = record_at(&sorter->records, sorter->keys[i].offset);
        sorter->keys[i].offset = kept.len;
        if (buffer_append(&kept, record, log_record_bytes(record)) != STATUS_OK) {
            buffer_release(&kept);
            return no_memory(err);
        }
    }
    buffer_release(&sorter->records);
    sorter->records = kept;
    sorter->key_count = count;
    return STATUS_OK;
}

static enum status make_room(struct log_sorter *sorter, struct error *err)
{
    sort_keys(sorter);
    const size_t count = kept_count(sorter);
    if (count <= sorter->key_count / 2)
        return compact(sorter, count, err);
    if (sorter->run_count == 0)
        TRY(unnamed_file_open(&sorter->file, err));
    if (mem_grow(&sorter->runs, &sorter->run_capacity, sorter->run_count + 1,
                 sizeof *sorter->runs) != STATUS_OK)
        return no_memory(err);
    struct log_run run = {.next_offset = sorter->file_bytes};
    sorter->runs[sorter->run_count++] = run; // now, so that a failed write closes the file
    TRY(write_records(sorter, count, err));
    sorter->runs[sorter->run_count - 1].end_offset = sorter->file_bytes;
    buffer_clear(&sorter->records);
    sorter->key_count = 0;
    return STATUS_OK;
}

/* Room for all of the record is made at once, so that its cells are only copied. */
enum status log_sorter_begin(struct log_sorter *sorter, const struct log_record *record,
                             uint32_t cell_count_max)
{
    assert(record->cell_count == 0);
    struct buffer *const records = &sorter->records;
    TRY(mem_grow(&sorter->keys, &sorter->key_capacity, sorter->key_count + 1,
                 sizeof *sorter->keys));
    TRY(buffer_reserve(records, sizeof *record + cell_count_max * sizeof(struct cell)));
    sorter->keys[sorter->key_count] = (struct log_key){
        .key_ms = record->key_ms, .message_id = record->message_id, .offset = records->len};
    memcpy(records->data + records->len, record, sizeof *record);
    records->len += sizeof *record;
    return STATUS_OK;
}

void log_sorter_cell(struct log_sorter *sorter, const struct cell *cell)
{
    struct buffer *const records = &sorter->records;
    assert(records->capacity - records->len >= sizeof *cell);
    memcpy(records->data + records->len, cell, sizeof *cell);
    records->len += sizeof *cell;
    struct log_record *record = (void *)(records->data + sorter->keys[sorter->key_count].offset);
    record->cell_count++;
}

enum status log_sorter_end(struct log_sorter *sorter, struct error *err)
{
    sorter->key_count++;
    if (sorter->records.len < sorter->memory_bytes)
        return STATUS_OK;
    return make_room(sorter, err);
}

enum status log_sorter_finish(struct log_sorter *sorter, struct error *err)
{
    if (sorter->run_count > 0 && sorter->key_count > 0) {
        // What is left becomes a run like the others, whatever the limit would spare.
        sort_keys(sorter);
        if (mem_grow(&sorter->runs, &sorter->run_capacity, sorter->run_count + 1,
                     sizeof *sorter->runs) != STATUS_OK)
            return no_memory(err);
        struct log_run run = {.next_offset = sorter->file_bytes};
        TRY(write_records(sorter, kept_count(sorter), err));
        run.end_offset = sorter->file_bytes;
        sorter->runs[sorter->run_count++] = run;
        sorter->key_count = 0;
        buffer_release(&sorter->records);
    }
    sort_keys(sorter);
    return STATUS_OK;
}

/* --- merging ------------------------------------------------------------------------------- */

static enum status read_more(const struct log_sorter *sorter, struct log_run *run,
                             struct error *err)
{
    const size_t left = run->bytes.len - run->used;
    if (left > 0)
        memmove(run->bytes.data, run->bytes.data + run->used, left);
    run->bytes.len = left;
    run->used = 0;
    const uint64_t in_file = run->end_offset - run->next_offset;
    const size_t wanted = in_file < RUN_READ_BYTES ? (size_t)in_file : RUN_READ_BYTES;
    if (buffer_reserve(&run->bytes, wanted) != STATUS_OK)
        return no_memory(err);
    for (size_t done = 0; done < wanted;) {
        const ssize_t got = pread(sorter->file, run->bytes.data + left + done, wanted - done,
                                  (off_t)(run->next_offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set_errno(err, STATUS_IO, got < 0 ? errno : EIO,
                                   "cannot read the temporary file of the log");
        done += (size_t)got;
    }
    run->bytes.len += wanted;
    run->next_offset += wanted;
    return STATUS_OK;
}

/* The record at the head of a run, read in whole; NULL if the run is used up. */
static enum status run_head(const struct log_sorter *sorter, struct log_run *run,
                            const struct log_record **record, struct error *err)
{
    for (;;) {
        const size_t left = run->bytes.len - run->used;
        *record = left > 0 ? record_at(&run->bytes, run->used) : NULL;
        if (left >= sizeof **record && left >= log_record_bytes(*record))
            return STATUS_OK;
        if (run->next_offset == run->end_offset) {
            assert(left == 0);
            *record = NULL;
            return STATUS_OK;
        }
        TRY(read_more(sorter, run, err));
    }
}

static bool comes_before(const struct log_record *a, const struct log_record *b)
{
    if (a->key_ms != b->key_ms)
        return a->key_ms < b->key_ms;
    return a->message_id < b->message_id;
}

static enum status next_merged(struct log_sorter *sorter, const struct log_record **record,
                               struct error *err)
{
    if (sorter->latest) {
        const struct log_record *used = record_at(&sorter->latest->bytes, sorter->latest->used);
        sorter->latest->used += log_record_bytes(used);
        sorter->latest = NULL;
    }
    *record = NULL;
    for (size_t i = 0; i < sorter->run_count; i++) {
        const struct log_record *head = NULL;
        TRY(run_head(sorter, &sorter->runs[i], &head, err));
        if (head && (!*record || comes_before(head, *record))) {
            *record = head;
            sorter->latest = &sorter->runs[i];
        }
    }
    return STATUS_OK;
}

enum status log_sorter_next(struct log_sorter *sorter, const struct log_record **record,
                            struct error *err)
{
    *record = NULL;
    if (sorter->has_limit && sorter->handed_out >= sorter->limit)
        return STATUS_OK;
    if (sorter->run_count > 0)
        TRY(next_merged(sorter, record, err));
    else if (sorter->next_key < sorter->key_count)
        *record = record_at(&sorter->records, sorter->keys[sorter->next_key++].offset);
    sorter->handed_out += *record != NULL;
    return STATUS_OK;
}

void log_sorter_release(struct log_sorter *sorter)
{
    if (sorter->run_count > 0)
        (void)close(sorter->file);
    for (size_t i = 0; i < sorter->run_count; i++)
        buffer_release(&sorter->runs[i].bytes);
    mem_free(sorter->runs);
    mem_free(sorter->keys);
    buffer_release(&sorter->records);
    *sorter = (struct log_sorter){0};
}
