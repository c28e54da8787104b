/*
 * part_record.c - the record of a part and the list of parts; format in part.h.
 */
#include "engine/part/part.h"

#include "engine/base/mem.h"
#include "engine/format/format.h"

#include <assert.h>

enum part_flag {
    FLAG_DENSE = 1,
    FLAG_CONSUMED = 2,
    FLAG_MERGING = 4,
    FLAG_SLICED = 8,
    FLAGS_KNOWN = 15,
};

void part_release(struct part *part)
{
    part_totals_release(&part->totals);
    *part = (struct part){0};
}

void part_memory_release(struct part_memory *memory)
{
    buffer_release(&memory->stream);
    buffer_release(&memory->directory);
    mem_free(memory->values);
    *memory = (struct part_memory){0};
}

void part_list_clear(struct part_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        part_release(&list->parts[i]);
    list->count = 0;
}

void part_list_release(struct part_list *list)
{
    part_list_clear(list);
    mem_free(list->parts);
    *list = (struct part_list){0};
}

enum status part_list_add(struct part_list *list, struct part **part)
{
    TRY(mem_grow(&list->parts, &list->capacity, list->count + 1, sizeof *list->parts));
    *part = &list->parts[list->count++];
    **part = (struct part){0};
    return STATUS_OK;
}

static enum status put_totals(const struct part *part, struct buffer *out)
{
    struct directory_writer writer = {0};
    const struct directory_entry entry = {
        .summary = part->totals.summary,
        .bytes_len = 1, /* an entry always has a place; here it means nothing */
    };
    bool full = false;
    enum status status = directory_writer_add(&writer, &entry, &full);
    assert(!full);
    if (status == STATUS_OK)
        status = buffer_append(out, writer.bytes.data, writer.bytes.len);
    directory_writer_release(&writer);
    return status;
}

static enum status encode_part(const struct part *part, struct buffer *out)
{
    TRY(buffer_reserve(out, 64 + part->input_count * sizeof(uint64_t)));
    buffer_put_u8(out,
                  (uint8_t)((part->dense ? FLAG_DENSE : 0) | (part->consumed ? FLAG_CONSUMED : 0) |
                            (part->merging ? FLAG_MERGING : 0) | (part->sliced ? FLAG_SLICED : 0)));
    buffer_put_u64(out, part->block_count);
    buffer_put_u64(out, part->stream_bytes);
    buffer_put_u64(out, part->directory_values);
    buffer_put_u32(out, part->consumed_key.device);
    buffer_put_u64(out, (uint64_t)part->consumed_key.time_ms);
    buffer_put_u64(out, part->consumed_key.message_id);
    buffer_put_u16(out, (uint16_t)part->input_count);
    for (uint32_t i = 0; i < part->input_count; i++)
        buffer_put_u64(out, part->inputs[i]);
    return part->totals.summary.row_count > 0 ? put_totals(part, out) : STATUS_OK;
}

enum status part_save(const struct part *part, struct kv_txn *txn, struct error *err)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    if (encode_part(part, &bytes) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the record of part %llu",
                         (unsigned long long)part->number);
    const struct key key = key_part(part->table, part->number);
    return kv_put(txn, key_slice(&key), buffer_slice(&bytes), err);
}

/* The ends of columns were compared with these when they were read. */
static bool times_are_sound(const struct block_summary *summary)
{
    const int64_t min_ms = summary->min_time_ms;
    const int64_t max_ms = summary->max_time_ms;
    return row_time_is_possible(min_ms) && row_time_is_possible(max_ms) &&
           min_ms <= summary->first.time_ms && summary->first.time_ms <= max_ms &&
           min_ms <= summary->last.time_ms && summary->last.time_ms <= max_ms;
}

bool part_summary_is_sound(const struct block_summary *summary, struct part_names names)
{
    const uint32_t columns = summary->column_count; /* by metric, ascending */
    return summary->row_count > 0 && row_key_compare(&summary->first, &summary->last) <= 0 &&
           times_are_sound(summary) && summary->last.device < names.devices &&
           (columns == 0 || summary->columns[columns - 1].metric < names.metrics);
}

static enum status read_totals(struct part *part, struct slice bytes, struct part_names names,
                               struct error *err)
{
    OWNED(directory_reader_release) struct directory_reader reader = {0};
    TRY(directory_reader_open(&reader, bytes, err));
    bool more = false;
    TRY(directory_reader_next(&reader, &more, err));
    if (!more || !part_summary_is_sound(&reader.entry.summary, names))
        return error_set(err, STATUS_CORRUPT,
                         "its totals are empty, contradict themselves or name what is not there");
    if (part_totals_add(&part->totals, &reader.entry.summary) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for totals");
    TRY(directory_reader_next(&reader, &more, err));
    return more ? error_set(err, STATUS_CORRUPT, "it has totals twice") : STATUS_OK;
}

/* An output has inputs, each older than itself, and is not an input at the same time. */
static bool merge_is_sound(const struct part *part)
{
    if (part->merging != (part->input_count > 0) || (part->merging && part->consumed))
        return false;
    for (uint32_t i = 0; i < part->input_count; i++) {
        const uint64_t next = i + 1 < part->input_count ? part->inputs[i + 1] : part->number;
        if (part->inputs[i] >= next)
            return false;
    }
    return true;
}

enum status part_decode(struct part *part, struct slice payload, struct part_names names,
                        struct error *err)
{
    struct cursor cursor = cursor_of(payload);
    const uint8_t flags = cursor_u8(&cursor);
    part->dense = flags & FLAG_DENSE;
    part->consumed = flags & FLAG_CONSUMED;
    part->merging = flags & FLAG_MERGING;
    part->sliced = flags & FLAG_SLICED;
    part->block_count = cursor_u64(&cursor);
    part->stream_bytes = cursor_u64(&cursor);
    part->directory_values = cursor_u64(&cursor);
    part->consumed_key.device = cursor_u32(&cursor);
    part->consumed_key.time_ms = (int64_t)cursor_u64(&cursor);
    part->consumed_key.message_id = cursor_u64(&cursor);
    part->input_count = cursor_u16(&cursor);
    if (part->input_count > PART_INPUTS_MAX || (flags & ~FLAGS_KNOWN))
        return error_set(err, STATUS_CORRUPT, "its record has unknown flags or too many inputs");
    for (uint32_t i = 0; i < part->input_count; i++)
        part->inputs[i] = cursor_u64(&cursor);
    if (cursor.failed)
        return error_set(err, STATUS_CORRUPT, "its record is cut short");
    if (!merge_is_sound(part))
        return error_set(err, STATUS_CORRUPT, "its merge cannot be");
    if (cursor_left(&cursor) == 0)
        return STATUS_OK;
    return read_totals(part, slice_of(cursor.next, cursor_left(&cursor)), names, err);
}

static enum status load_entry(struct part_list *list, const struct kv_entry *entry,
                              enum table table, struct part_names names, struct error *err)
{
    struct slice payload = {0};
    const struct key expected = key_part(table, key_read_u64(entry->key, 2));
    if (!slice_equal(entry->key, key_slice(&expected)))
        return error_set(err, STATUS_CORRUPT, "a part's record has a key of %zu bytes",
                         entry->key.len);
    TRY(kv_entry_payload(entry, &payload, err));
    struct part *part = NULL;
    if (part_list_add(list, &part) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the list of parts");
    part->table = table;
    part->number = key_read_u64(entry->key, 2);
    const enum status status = part_decode(part, payload, names, err);
    if (status != STATUS_OK)
        error_add_context(err, "part %llu", (unsigned long long)part->number);
    return status;
}

enum status part_list_load(struct part_list *list, struct kv_txn *txn, enum table table,
                           struct part_names names, struct error *err)
{
    part_list_clear(list);
    struct key prefix = key_of(KEY_PART);
    key_add_u8(&prefix, (uint8_t)table);
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    struct kv_entry entry = {0};
    TRY(kv_seek_ceiling(cursor, key_slice(&prefix), key_slice(&prefix), &entry, err));
    while (entry.found) {
        TRY(load_entry(list, &entry, table, names, err));
        TRY(kv_next(cursor, key_slice(&prefix), &entry, err));
    }
    return STATUS_OK;
}

enum status part_list_expect(const struct part_list *list, enum table table, uint64_t expected,
                             struct error *err)
{
    if (list->count == expected)
        return STATUS_OK;
    return error_set(err, STATUS_CORRUPT, "the table of %s has %zu parts, expected %llu",
                     table == TABLE_STATUS ? "status events" : "readings", list->count,
                     (unsigned long long)expected);
}
