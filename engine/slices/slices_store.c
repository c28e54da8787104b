/*
 * slices_store.c - slices in the store: written after each step of a merge, read by queries.
 *
 * Each step writes all of them anew, over those of the step before. Most often that takes as many
 * values or more; where sums became smaller it takes fewer, and what is left behind them goes.
 */
#include "engine/slices/slices.h"

#include "engine/base/mem.h"
#include "engine/format/format.h"

/* --- writing --------------------------------------------------------------------------------- */

struct slice_writing {
    uint64_t part;
    struct kv_txn *txn;
    struct directory_writer directory;
    uint32_t values;
};

static void release_writing(struct slice_writing *writing)
{
    directory_writer_release(&writing->directory);
}

static enum status no_memory(uint64_t part, struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the slices of part %llu",
                     (unsigned long long)part);
}

static enum status write_value(struct slice_writing *writing, struct error *err)
{
    const struct key key = key_slices(writing->part, writing->values++);
    TRY(kv_put(writing->txn, key_slice(&key), buffer_slice(&writing->directory.bytes), err));
    directory_writer_clear(&writing->directory);
    return STATUS_OK;
}

static enum status write_slice(struct slice_writing *writing, const struct slice_totals *slice,
                               struct error *err)
{
    const struct directory_entry entry = {
        .summary = slice->totals.summary,
        .bytes_len = 1, /* an entry always has a place; here it means nothing */
    };
    bool full = false;
    if (directory_writer_add(&writing->directory, &entry, &full) != STATUS_OK)
        return no_memory(writing->part, err);
    if (!full)
        return STATUS_OK;
    TRY(write_value(writing, err));
    if (directory_writer_add(&writing->directory, &entry, &full) != STATUS_OK)
        return no_memory(writing->part, err);
    return STATUS_OK;
}

/* Removes the values from an ordinal on. */
static enum status remove_from(uint64_t part, uint32_t ordinal, struct kv_txn *txn,
                               struct error *err)
{
    const struct key prefix = key_slices_prefix(part);
    const struct key first = key_slices(part, ordinal);
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    struct kv_entry entry = {0};
    TRY(kv_seek_ceiling(cursor, key_slice(&first), key_slice(&prefix), &entry, err));
    while (entry.found) {
        struct key key;
        if (!key_copy(entry.key, &key))
            return error_set(err, STATUS_CORRUPT, "a part has a key of %zu bytes", entry.key.len);
        TRY(kv_delete(txn, key_slice(&key), err));
        TRY(kv_seek_ceiling(cursor, key_slice(&key), key_slice(&prefix), &entry, err));
    }
    return STATUS_OK;
}

enum status slices_save(struct slices *slices, const struct part *part, struct kv_txn *txn,
                        struct error *err)
{
    if (slices->given_up)
        return slices_remove(part->number, txn, err);
    if (slices_settle(slices) != STATUS_OK)
        return no_memory(part->number, err);
    OWNED(release_writing)
    struct slice_writing writing = {.part = part->number, .txn = txn};
    for (size_t i = 0; i < slices->count; i++)
        TRY(write_slice(&writing, &slices->items[i], err));
    if (slices->count > 0)
        TRY(write_value(&writing, err));
    return remove_from(part->number, writing.values, txn, err);
}

enum status slices_remove(uint64_t part, struct kv_txn *txn, struct error *err)
{
    return remove_from(part, 0, txn, err);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Slices ascend, and each lies within its quarter of an hour. */
static bool slice_is_sound(const struct slices *slices, const struct block_summary *summary,
                           struct part_names names)
{
    if (!part_summary_is_sound(summary, names) || summary->min_time_ms < SLICE_TIME_MIN)
        return false;
    const int64_t from_ms = slice_start_ms(summary->min_time_ms);
    const bool ascends = slices->count == 0 || slices->items[slices->count - 1].from_ms < from_ms;
    const uint64_t span_ms = (uint64_t)summary->max_time_ms - (uint64_t)from_ms;
    return ascends && span_ms < (uint64_t)SLICE_MS && slices->count < SLICES_MAX;
}

static enum status take_slice(struct slices *slices, const struct block_summary *summary)
{
    TRY(mem_grow(&slices->items, &slices->capacity, slices->count + 1, sizeof *slices->items));
    struct slice_totals *slice = &slices->items[slices->count++];
    *slice = (struct slice_totals){.from_ms = slice_start_ms(summary->min_time_ms)};
    slices->rows += summary->row_count;
    return part_totals_add(&slice->totals, summary);
}

enum status slices_read(struct slices *slices, struct slice payload, struct part_names names,
                        struct error *err)
{
    OWNED(directory_reader_release) struct directory_reader reader = {0};
    TRY(directory_reader_open(&reader, payload, err));
    for (;;) {
        bool more = false;
        TRY(directory_reader_next(&reader, &more, err));
        if (!more)
            return STATUS_OK;
        if (!slice_is_sound(slices, &reader.entry.summary, names))
            return error_set(err, STATUS_CORRUPT,
                             "its slices contradict themselves or name what is not there");
        if (take_slice(slices, &reader.entry.summary) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for slices");
    }
}

static enum status read_all(struct slices *slices, const struct part *part, struct kv_txn *txn,
                            struct part_names names, struct error *err)
{
    const struct key prefix = key_slices_prefix(part->number);
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    struct kv_entry entry = {0};
    TRY(kv_seek_ceiling(cursor, key_slice(&prefix), key_slice(&prefix), &entry, err));
    while (entry.found) {
        struct slice payload = {0};
        TRY(kv_entry_payload(&entry, &payload, err));
        TRY(slices_read(slices, payload, names, err));
        TRY(kv_next(cursor, key_slice(&prefix), &entry, err));
    }
    return STATUS_OK;
}

enum status slices_load(struct slices *slices, const struct part *part, struct kv_txn *txn,
                        struct part_names names, struct error *err)
{
    slices->given_up = !part->sliced && part->totals.summary.row_count > 0;
    if (!part->sliced)
        return STATUS_OK;
    enum status status = read_all(slices, part, txn, names, err);
    if (status == STATUS_OK && slices->rows != part->totals.summary.row_count)
        status = error_set(err, STATUS_CORRUPT, "its slices have %llu rows, expected %u",
                           (unsigned long long)slices->rows, part->totals.summary.row_count);
    if (status != STATUS_OK) {
        slices_release(slices);
        error_add_context(err, "part %llu", (unsigned long long)part->number);
    }
    return status;
}

/* --- comparing ------------------------------------------------------------------------------- */

static bool number_same(struct number a, struct number b)
{
    return a.kind == b.kind && number_compare(a, b) == 0;
}

static bool dated_same(const struct dated_number *a, const struct dated_number *b)
{
    return a->time_ms == b->time_ms && a->message_id == b->message_id &&
           number_same(a->value, b->value);
}

static bool column_same(const struct column_summary *a, const struct column_summary *b)
{
    return a->metric == b->metric && a->count == b->count && number_same(a->min, b->min) &&
           number_same(a->max, b->max) && a->has_ends == b->has_ends &&
           (!a->has_ends || (dated_same(&a->first, &b->first) && dated_same(&a->last, &b->last)));
}

/*
 * Sums may stand at different exponents: one less the other must be nothing. Whether there is a sum
 * at all depends on how the rows were grouped while they were added, which is not what is compared.
 */
static enum status sums_same(const struct block_summary *a, const struct block_summary *b,
                             bool *same)
{
    OWNED(part_totals_release) struct part_totals rest = {0};
    TRY(part_totals_add(&rest, a));
    for (uint32_t i = 0; i < rest.summary.column_count; i++)
        rest.summary.columns[i].sum = wide_negate(rest.summary.columns[i].sum);
    TRY(part_totals_add(&rest, b));
    for (uint32_t i = 0; i < rest.summary.column_count; i++) {
        const struct column_summary *left = &rest.summary.columns[i];
        *same = *same && (!left->has_sum || (left->sum.low == 0 && left->sum.high == 0));
    }
    return STATUS_OK;
}

static enum status summary_same(const struct block_summary *a, const struct block_summary *b,
                                bool *same)
{
    *same = a->row_count == b->row_count && a->column_count == b->column_count &&
            a->min_time_ms == b->min_time_ms && a->max_time_ms == b->max_time_ms &&
            row_key_compare(&a->first, &b->first) == 0 && row_key_compare(&a->last, &b->last) == 0;
    for (uint32_t i = 0; *same && i < a->column_count; i++)
        *same = column_same(&a->columns[i], &b->columns[i]);
    return *same ? sums_same(a, b, same) : STATUS_OK;
}

enum status slices_compare(const struct slices *a, const struct slices *b, bool *equal)
{
    bool same = a->count == b->count && a->rows == b->rows;
    for (size_t i = 0; same && i < a->count; i++) {
        same = a->items[i].from_ms == b->items[i].from_ms;
        if (same)
            TRY(summary_same(&a->items[i].totals.summary, &b->items[i].totals.summary, &same));
    }
    *equal = same;
    return STATUS_OK;
}
