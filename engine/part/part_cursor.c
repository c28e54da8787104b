/*
 * part_cursor.c - walking over the blocks of one part that may hold wanted rows.
 *
 * The directory is read value by value; an entry whose keys or times cannot
 * meet the filter is passed over without a look at its block, one of lower devices without a look
 * at its columns. Where the next selected device lies far ahead, the walk descends to it instead of
 * reading on.
 *
 * Untrusted: everything read. Entries must ascend, places must lie in the stream, numbers
 * must have names. A decoded block's devices ascend from its summary's first to its
 * last, so that the summary vouches for them.
 */
#include "engine/part/part.h"

#include "engine/base/mem.h"
#include "engine/format/format.h"
#include "engine/part/part_source.h"

#include <assert.h>

struct part_cursor {
    const struct part *part;          /* borrowed */
    const struct part_filter *filter; /* borrowed */
    struct part_source source;
    struct directory_reader directory;
    bool started; /* the directory stands on a value */
    bool ended;
    bool has_previous;
    struct row_key previous; /* last key of the entry before */
    struct block_decoder *decoder;
    struct row_vector rows;
};

enum status part_cursor_new(struct part_cursor **cursor)
{
    *cursor = mem_alloc_zeroed(1, sizeof **cursor);
    if (!*cursor)
        return STATUS_NOMEM;
    const enum status status = block_decoder_new(&(*cursor)->decoder);
    if (status != STATUS_OK) {
        part_cursor_free(*cursor);
        *cursor = NULL;
    }
    return status;
}

void part_cursor_free(struct part_cursor *cursor)
{
    if (!cursor)
        return;
    part_source_release(&cursor->source);
    directory_reader_release(&cursor->directory);
    block_decoder_free(cursor->decoder);
    mem_free(cursor);
}

void part_cursor_free_owned(struct part_cursor *const *cursor)
{
    part_cursor_free(*cursor);
}

enum status part_cursor_open(struct part_cursor *cursor, const struct part *part,
                             struct kv_txn *txn, const struct part_filter *filter,
                             struct error *err)
{
    cursor->part = part;
    cursor->filter = filter;
    cursor->started = false;
    cursor->ended = part->totals.summary.row_count == 0;
    cursor->has_previous = false;
    cursor->directory.one_device_only = filter->summaries_of_ones;
    return part_source_open(&cursor->source, part, txn, err);
}

static enum status damaged(const struct part_cursor *cursor, const char *what, struct error *err)
{
    return error_set(err, STATUS_CORRUPT, "part %llu: %s", (unsigned long long)cursor->part->number,
                     what);
}

/* The first selected device at or after `device`; false if there is none. */
static bool next_selected(const struct part_filter *filter, uint32_t device, uint32_t *selected)
{
    const uint64_t until =
        filter->device_until > 0 ? filter->device_until : UINT32_MAX + UINT64_C(1);
    device = device > filter->device_from ? device : filter->device_from;
    *selected = device;
    if (!filter->device_bits || device >= until)
        return device < until;
    const uint64_t words = (filter->names.devices + 63) / 64;
    uint32_t word = device / 64;
    if (word >= words)
        return false;
    uint64_t bits = filter->device_bits[word] & (UINT64_MAX << (device % 64));
    while (bits == 0) {
        if (++word >= words)
            return false;
        bits = filter->device_bits[word];
    }
    *selected = word * 64 + (uint32_t)__builtin_ctzll(bits);
    return *selected < filter->names.devices && *selected < until;
}

/* The lowest key that a wanted row can have, at or after `floor`. False if there is none. */
static bool lowest_wanted(const struct part_cursor *cursor, const struct row_key *floor,
                          struct row_key *lowest)
{
    uint32_t device = 0;
    if (!next_selected(cursor->filter, floor->device, &device))
        return false;
    *lowest = (struct row_key){.device = device, .time_ms = cursor->filter->from_ms};
    if (row_key_compare(lowest, floor) < 0)
        *lowest = *floor;
    return true;
}

/* Opens the directory value that can hold `key`, or the first one behind it. */
static enum status open_value_for(struct part_cursor *cursor, const struct row_key *key,
                                  struct error *err)
{
    struct slice payload = {0};
    bool found = false;
    TRY(part_source_seek(&cursor->source, key, &payload, &found, err));
    cursor->started = found;
    cursor->ended = !found;
    cursor->has_previous = false;
    if (found)
        TRY(directory_reader_open(&cursor->directory, payload, err));
    cursor->directory.device_from = key->device;
    return STATUS_OK;
}

static enum status open_next_value(struct part_cursor *cursor, struct error *err)
{
    struct slice payload = {0};
    bool found = false;
    TRY(part_source_next(&cursor->source, &payload, &found, err));
    cursor->ended = !found;
    const uint32_t device_from = cursor->directory.device_from;
    if (found)
        TRY(directory_reader_open(&cursor->directory, payload, err));
    cursor->directory.device_from = device_from;
    return STATUS_OK;
}

/* An entry must follow the one before it, within itself and in the stream. */
static enum status check_entry(struct part_cursor *cursor, struct error *err)
{
    const struct directory_entry *entry = &cursor->directory.entry;
    const struct block_summary *summary = &entry->summary;
    if (!part_summary_is_sound(summary, cursor->filter->names))
        return damaged(cursor, "a directory entry contradicts itself or names what is not there",
                       err);
    if (cursor->has_previous && row_key_compare(&cursor->previous, &summary->first) >= 0)
        return damaged(cursor, "its directory is out of order", err);
    if (entry->offset > cursor->part->stream_bytes ||
        entry->bytes_len > cursor->part->stream_bytes - entry->offset)
        return damaged(cursor, "a block lies outside its stream", err);
    cursor->previous = summary->last;
    cursor->has_previous = true;
    return STATUS_OK;
}

/* Moves to the next entry of the directory, over the ends of its values. */
static enum status next_entry(struct part_cursor *cursor, bool *more, struct error *err)
{
    *more = false;
    while (!cursor->ended) {
        TRY(directory_reader_next(&cursor->directory, more, err));
        if (*more)
            return check_entry(cursor, err);
        TRY(open_next_value(cursor, err));
    }
    return STATUS_OK;
}

static bool has_consumed(const struct part_cursor *cursor, const struct row_key *key)
{
    return cursor->part->consumed && row_key_compare(key, &cursor->part->consumed_key) <= 0;
}

/* False if no row of the entry can be wanted. */
static bool may_match(const struct part_cursor *cursor, const struct block_summary *summary)
{
    const struct part_filter *filter = cursor->filter;
    if (summary->max_time_ms < filter->from_ms || has_consumed(cursor, &summary->last))
        return false;
    if (filter->until_ms != TIME_MS_MAX && summary->min_time_ms >= filter->until_ms)
        return false;
    uint32_t device = 0;
    return next_selected(filter, summary->first.device, &device) && device <= summary->last.device;
}

/*
 * After a miss: descend where the next wanted key lies behind this directory
 * value's reach, rather than reading on entry by entry.
 */
static enum status skip_ahead(struct part_cursor *cursor, struct error *err)
{
    const struct block_summary *summary = &cursor->directory.entry.summary;
    struct row_key floor = summary->last;
    const struct part_filter *filter = cursor->filter;
    if (filter->until_ms != TIME_MS_MAX && summary->first.device == summary->last.device &&
        summary->min_time_ms >= filter->until_ms) {
        if (floor.device == UINT32_MAX) {
            cursor->ended = true;
            return STATUS_OK;
        }
        floor = (struct row_key){.device = floor.device + 1, .time_ms = INT64_MIN};
    }
    struct row_key wanted = {0};
    if (!lowest_wanted(cursor, &floor, &wanted)) {
        cursor->ended = true;
        return STATUS_OK;
    }
    if (wanted.device == summary->last.device && row_key_compare(&wanted, &floor) == 0)
        return STATUS_OK;
    bool reaches = false;
    TRY(part_source_reaches(&cursor->source, &wanted, &reaches, err));
    cursor->directory.device_from = wanted.device;
    return reaches ? STATUS_OK : open_value_for(cursor, &wanted, err);
}

static enum status start(struct part_cursor *cursor, struct error *err)
{
    const struct row_key floor = cursor->part->consumed ? cursor->part->consumed_key
                                                        : (struct row_key){.time_ms = INT64_MIN};
    struct row_key wanted = {0};
    if (!lowest_wanted(cursor, &floor, &wanted)) {
        cursor->ended = true;
        return STATUS_OK;
    }
    return open_value_for(cursor, &wanted, err);
}

enum status part_cursor_next(struct part_cursor *cursor, const struct directory_entry **entry,
                             struct error *err)
{
    *entry = NULL;
    if (!cursor->started && !cursor->ended)
        TRY(start(cursor, err));
    while (!cursor->ended) {
        bool more = false;
        TRY(next_entry(cursor, &more, err));
        if (!more)
            return STATUS_OK;
        if (may_match(cursor, &cursor->directory.entry.summary)) {
            *entry = &cursor->directory.entry;
            return STATUS_OK;
        }
        TRY(skip_ahead(cursor, err));
    }
    return STATUS_OK;
}

static bool all_selected(const struct part_filter *filter, uint32_t first, uint32_t last)
{
    if (first < filter->device_from || (filter->device_until > 0 && last >= filter->device_until))
        return false;
    if (!filter->device_bits)
        return true;
    assert(last < filter->names.devices);
    for (uint64_t device = first; device <= last;) {
        const uint64_t left_in_word = 64 - device % 64;
        const uint64_t left = last - device + 1;
        const uint64_t count = left < left_in_word ? left : left_in_word;
        const uint64_t wanted = UINT64_MAX >> (64 - count) << (device % 64);
        if ((filter->device_bits[device / 64] & wanted) != wanted)
            return false;
        device += count;
    }
    return true;
}

bool part_cursor_whole(const struct part_cursor *cursor)
{
    const struct block_summary *summary = &cursor->directory.entry.summary;
    const struct part_filter *filter = cursor->filter;
    if (summary->min_time_ms < filter->from_ms || has_consumed(cursor, &summary->first))
        return false;
    if (filter->until_ms != TIME_MS_MAX && summary->max_time_ms >= filter->until_ms)
        return false;
    return all_selected(filter, summary->first.device, summary->last.device);
}

static bool same_key(const struct row_vector *rows, uint32_t row, const struct row_key *key)
{
    return row_vector_device(rows, row) == key->device &&
           (!rows->times_ms || rows->times_ms[row] == key->time_ms) &&
           (!rows->message_ids || rows->message_ids[row] == key->message_id);
}

enum status part_cursor_rows(struct part_cursor *cursor, const struct block_selection *selection,
                             const struct row_vector **rows, struct error *err)
{
    const struct directory_entry *entry = &cursor->directory.entry;
    const struct block_summary *summary = &entry->summary;
    struct slice bytes = {0};
    TRY(part_source_block(&cursor->source, entry->offset, entry->bytes_len, &bytes, err));
    /* A consumed key lies inside the block only if ids tell its rows apart. */
    struct block_selection wanted = *selection;
    wanted.message_ids |= cursor->part->consumed;
    /* Where only some rows are wanted, times may tell which. */
    wanted.without_times &= !wanted.message_ids && part_cursor_whole(cursor);
    const enum status status = block_decode(cursor->decoder, bytes, &wanted, &cursor->rows, err);
    if (status != STATUS_OK) {
        error_add_context(err, "part %llu, block at %llu", (unsigned long long)cursor->part->number,
                          (unsigned long long)entry->offset);
        return status;
    }
    if (cursor->rows.count != summary->row_count || !same_key(&cursor->rows, 0, &summary->first) ||
        !same_key(&cursor->rows, cursor->rows.count - 1, &summary->last))
        return damaged(cursor, "a block is not the one that its directory names", err);
    const uint32_t columns = cursor->rows.column_count; /* by metric, ascending */
    if (columns > 0 && cursor->rows.columns[columns - 1].metric >= cursor->filter->names.metrics)
        return damaged(cursor, "a block names metrics that are not there", err);
    *rows = &cursor->rows;
    return STATUS_OK;
}

static struct row_key key_at(const struct row_vector *rows, uint32_t row)
{
    return (struct row_key){
        .device = row_vector_device(rows, row),
        .time_ms = rows->times_ms[row],
        .message_id = rows->message_ids ? rows->message_ids[row] : 0,
    };
}

/* The first row behind the consumed key. */
static uint32_t first_unconsumed(const struct part_cursor *cursor)
{
    uint32_t low = 0;
    uint32_t high = cursor->rows.count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct row_key key = key_at(&cursor->rows, middle);
        if (has_consumed(cursor, &key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first row of [from, until) at or after a time; times in it ascend. */
static uint32_t lower_bound(const int64_t *times_ms, uint32_t from, uint32_t until, int64_t time_ms)
{
    while (from < until) {
        const uint32_t middle = from + (until - from) / 2;
        if (times_ms[middle] < time_ms)
            from = middle + 1;
        else
            until = middle;
    }
    return from;
}

/* Where the rows of the device at `row` end. */
static uint32_t device_end(const struct row_vector *rows, uint32_t row)
{
    if (rows->one_device)
        return rows->count;
    const uint32_t device = rows->devices[row];
    while (row < rows->count && rows->devices[row] == device)
        row++;
    return row;
}

bool part_cursor_run(const struct part_cursor *cursor, uint32_t *from, uint32_t *until)
{
    const struct row_vector *rows = &cursor->rows;
    const struct part_filter *filter = cursor->filter;
    uint32_t row = *until;
    if (row == 0 && cursor->part->consumed)
        row = first_unconsumed(cursor);
    if (row < rows->count && part_cursor_whole(cursor)) {
        *from = row;
        *until = rows->count;
        return true;
    }
    while (row < rows->count) {
        const uint32_t end = device_end(rows, row);
        uint32_t selected = 0;
        const uint32_t device = row_vector_device(rows, row);
        const bool wanted = next_selected(filter, device, &selected) && selected == device;
        const uint32_t low = lower_bound(rows->times_ms, row, end, filter->from_ms);
        const uint32_t high = filter->until_ms == TIME_MS_MAX
                                  ? end
                                  : lower_bound(rows->times_ms, low, end, filter->until_ms);
        if (wanted && low < high) {
            *from = low;
            *until = high;
            return true;
        }
        row = end;
    }
    return false;
}
