/*
 * part_source.c - descending to directory values and stream bytes of a part.
 *
 * A stream value's key is the offset of its first byte, so the value that holds
 * an offset is the last one at or below it. Blocks that lie in one value are
 * handed out in place; one that spans values is put together in scratch memory.
 */
#include "engine/part/part_source.h"

#include <assert.h>

enum status part_source_open(struct part_source *source, const struct part *part,
                             struct kv_txn *txn, struct error *err)
{
    struct buffer scratch = source->scratch;
    source->scratch = (struct buffer){0};
    part_source_release(source);
    *source = (struct part_source){
        .part = part,
        .directory_prefix = key_directory_prefix(part->number),
        .stream_prefix = key_stream_prefix(part->number),
        .scratch = scratch,
    };
    if (part->memory)
        return STATUS_OK;
    TRY(kv_cursor_open(txn, &source->directory, err));
    return kv_cursor_open(txn, &source->stream, err);
}

void part_source_release(struct part_source *source)
{
    kv_cursor_close(source->directory);
    kv_cursor_close(source->stream);
    buffer_release(&source->scratch);
    *source = (struct part_source){0};
}

static struct slice memory_payload(const struct part_memory *memory, size_t value)
{
    return slice_of(memory->directory.data + memory->values[value].offset,
                    memory->values[value].len);
}

/* The last value that begins at or below the key, or the first of all. */
static void seek_in_memory(struct part_source *source, const struct row_key *key,
                           struct slice *payload, bool *found)
{
    const struct part_memory *memory = source->part->memory;
    size_t low = 0;
    size_t high = memory->value_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (row_key_compare(&memory->values[middle].first, key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    source->memory_value = low > 0 ? low - 1 : 0;
    *found = memory->value_count > 0;
    if (*found)
        *payload = memory_payload(memory, source->memory_value);
}

static enum status broken_directory(const struct part_source *source, struct error *err)
{
    return error_set(err, STATUS_CORRUPT,
                     "part %llu: its directory is broken off at value %u of %llu",
                     (unsigned long long)source->part->number, source->ordinal,
                     (unsigned long long)source->part->directory_values);
}

/*
 * Values of a directory count up without gaps, so that one whose key was damaged
 * is missed: from 0, or from where a merge has consumed the part, to the last.
 */
static enum status note_directory_value(struct part_source *source, const struct kv_entry *entry,
                                        struct slice *payload, struct error *err)
{
    struct row_key first = {0};
    if (!key_read_directory(entry->key, &first, &source->ordinal) ||
        source->ordinal >= source->part->directory_values)
        return broken_directory(source, err);
    return kv_entry_payload(entry, payload, err);
}

enum status part_source_seek(struct part_source *source, const struct row_key *key,
                             struct slice *payload, bool *found, struct error *err)
{
    const struct part *part = source->part;
    if (part->memory) {
        seek_in_memory(source, key, payload, found);
        return STATUS_OK;
    }
    const struct slice prefix = key_slice(&source->directory_prefix);
    const struct key wanted = key_directory(part->number, key, UINT32_MAX);
    struct kv_entry entry = {0};
    source->peeked = false;
    TRY(kv_seek_floor(source->directory, key_slice(&wanted), prefix, &entry, err));
    const bool is_first = !entry.found;
    if (is_first)
        TRY(kv_seek_ceiling(source->directory, key_slice(&wanted), prefix, &entry, err));
    *found = entry.found;
    if (entry.found)
        TRY(note_directory_value(source, &entry, payload, err));
    const bool complete = part->consumed || (entry.found && (!is_first || source->ordinal == 0));
    return complete ? STATUS_OK : broken_directory(source, err);
}

static enum status peek(struct part_source *source, struct error *err)
{
    if (source->peeked)
        return STATUS_OK;
    TRY(kv_next(source->directory, key_slice(&source->directory_prefix), &source->next_value, err));
    source->peeked = true;
    return STATUS_OK;
}

static enum status next_in_store(struct part_source *source, struct slice *payload, bool *found,
                                 struct error *err)
{
    TRY(peek(source, err));
    source->peeked = false;
    *found = source->next_value.found;
    const uint32_t expected = source->ordinal + 1;
    if (!*found)
        return expected == source->part->directory_values ? STATUS_OK
                                                          : broken_directory(source, err);
    TRY(note_directory_value(source, &source->next_value, payload, err));
    return source->ordinal == expected ? STATUS_OK : broken_directory(source, err);
}

enum status part_source_next(struct part_source *source, struct slice *payload, bool *found,
                             struct error *err)
{
    const struct part_memory *memory = source->part->memory;
    if (!memory)
        return next_in_store(source, payload, found, err);
    *found = source->memory_value + 1 < memory->value_count;
    if (*found)
        *payload = memory_payload(memory, ++source->memory_value);
    return STATUS_OK;
}

enum status part_source_reaches(struct part_source *source, const struct row_key *key,
                                bool *reaches, struct error *err)
{
    const struct part_memory *memory = source->part->memory;
    if (memory) {
        const size_t next = source->memory_value + 1;
        *reaches =
            next >= memory->value_count || row_key_compare(key, &memory->values[next].first) <= 0;
        return STATUS_OK;
    }
    TRY(peek(source, err));
    const struct kv_entry *next = &source->next_value;
    struct row_key first = {0};
    uint32_t ordinal = 0;
    if (next->found && !key_read_directory(next->key, &first, &ordinal))
        return broken_directory(source, err);
    *reaches = !next->found || row_key_compare(key, &first) <= 0;
    return STATUS_OK;
}

static enum status lost(const struct part_source *source, uint64_t offset, struct error *err)
{
    return error_set(err, STATUS_CORRUPT, "part %llu: the stream is broken off at byte %llu",
                     (unsigned long long)source->part->number, (unsigned long long)offset);
}

/* Notes the value that the stream's cursor stands on. */
static enum status note_value(struct part_source *source, const struct kv_entry *entry,
                              uint64_t offset, struct error *err)
{
    if (!entry->found)
        return lost(source, offset, err);
    source->value = entry->value;
    source->value_offset = key_read_u64(entry->key, source->stream_prefix.len);
    if (offset < source->value_offset || offset - source->value_offset >= entry->value.len)
        return lost(source, offset, err);
    return STATUS_OK;
}

/* Makes `source->value` the one that holds a byte. */
static enum status find_value(struct part_source *source, uint64_t offset, struct error *err)
{
    const struct slice prefix = key_slice(&source->stream_prefix);
    struct kv_entry entry = {0};
    if (source->value.len > 0 && offset >= source->value_offset) {
        const uint64_t distance = offset - source->value_offset;
        if (distance < source->value.len)
            return STATUS_OK;
        if (distance == source->value.len) {
            TRY(kv_next(source->stream, prefix, &entry, err));
            return note_value(source, &entry, offset, err);
        }
    }
    const struct key key = key_stream(source->part->number, offset);
    TRY(kv_seek_floor(source->stream, key_slice(&key), prefix, &entry, err));
    return note_value(source, &entry, offset, err);
}

enum status part_source_block(struct part_source *source, uint64_t offset, uint32_t bytes_len,
                              struct slice *bytes, struct error *err)
{
    const struct part_memory *memory = source->part->memory;
    if (memory) {
        assert(offset + bytes_len <= memory->stream.len);
        *bytes = slice_of(memory->stream.data + offset, bytes_len);
        return STATUS_OK;
    }
    buffer_clear(&source->scratch);
    uint32_t missing = bytes_len;
    while (missing > 0) {
        const uint64_t at = offset + (bytes_len - missing);
        TRY(find_value(source, at, err));
        const size_t skip = (size_t)(at - source->value_offset);
        const size_t held = source->value.len - skip;
        const size_t take = held < missing ? held : missing;
        if (take == bytes_len) {
            *bytes = slice_of(source->value.data + skip, bytes_len);
            return STATUS_OK;
        }
        if (buffer_append(&source->scratch, source->value.data + skip, take) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for a block of %u bytes", bytes_len);
        missing -= (uint32_t)take;
    }
    *bytes = buffer_slice(&source->scratch);
    return STATUS_OK;
}
