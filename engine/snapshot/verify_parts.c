/*
 * verify_parts.c - every row of every part and of the commit log, and what is said about them.
 *
 *      a block     decoded; its summary computed anew; rows in order; states known
 *      a part      blocks continuous, as many as the record says; totals computed anew
 *      a merge     inputs consumed up to the last row of their output, and by no other
 */
#include "engine/snapshot/verify_internal.h"

#include "engine/base/mem.h"
#include "engine/slices/slices.h"

#include <stdio.h>

/* What the walk over one part has seen. */
struct part_walk {
    const struct part *part;
    char thing[THING_BYTES];
    struct part_totals totals;
    struct slices slices; /* of its rows, anew, if it has some */
    uint64_t blocks;
    uint64_t stream_end; /* where the next block must begin, if a block was seen */
    bool has_last;
    struct row_key last;
};

static void part_walk_release(struct part_walk *walk)
{
    part_totals_release(&walk->totals);
    slices_release(&walk->slices);
}

/* Every status row says online or offline; an age is a number of milliseconds. */
static bool states_known(const struct row_vector *rows)
{
    if (rows->column_count == 0 || rows->columns[0].metric != STATUS_METRIC_STATE)
        return false;
    for (uint32_t row = 0; row < rows->count; row++) {
        const struct number state = column_vector_get(&rows->columns[0], row);
        if (state.kind != NUMBER_DECIMAL || state.exponent != 0 ||
            (state.mantissa != STATUS_OFFLINE && state.mantissa != STATUS_ONLINE))
            return false;
    }
    for (uint32_t row = 0; rows->column_count > 1 && row < rows->count; row++) {
        const struct number age = column_vector_get(&rows->columns[1], row);
        if (age.kind == NUMBER_DECIMAL && age.exponent < 0)
            return false;
    }
    return true;
}

/* Rows ascend strictly, within the block and behind the one before. */
static bool rows_in_order(struct part_walk *walk, const struct row_vector *rows)
{
    for (uint32_t row = 0; row < rows->count; row++) {
        const struct row_key key = {
            .time_ms = rows->times_ms[row],
            .message_id = rows->message_ids[row],
            .device = row_vector_device(rows, row),
        };
        if (walk->has_last && row_key_compare(&walk->last, &key) >= 0)
            return false;
        walk->last = key;
        walk->has_last = true;
    }
    return true;
}

/* Counts the rows that no merge has consumed. */
static void count_rows(struct verification *verification, const struct part *part,
                       const struct row_vector *rows)
{
    for (uint32_t row = 0; row < rows->count; row++) {
        const struct row_key key = {
            .time_ms = rows->times_ms[row],
            .message_id = rows->message_ids[row],
            .device = row_vector_device(rows, row),
        };
        if (part->consumed && row_key_compare(&key, &part->consumed_key) <= 0)
            continue;
        verification->rows[part->table]++;
        if (key.time_ms < verification->first_time_ms)
            verification->first_time_ms = key.time_ms;
        if (key.time_ms > verification->last_time_ms)
            verification->last_time_ms = key.time_ms;
    }
}

static enum status verify_block(struct verification *verification, struct part_walk *walk,
                                struct part_cursor *cursor, const struct directory_entry *entry,
                                struct error *err)
{
    static const struct block_selection all = {
        .all_metrics = true, .message_ids = true, .time_sources = true};
    const struct row_vector *rows = NULL;
    TRY(part_cursor_rows(cursor, &all, &rows, err));
    struct block_summary summary;
    if (block_summarize(verification->decoder, rows, &summary) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to verify a block");
    const unsigned long long offset = (unsigned long long)entry->offset;
    if (!block_summary_equal(&summary, &entry->summary))
        verify_report(verification, walk->thing, "the block at %llu is not what its summary says",
                      offset);
    if (walk->part->table == TABLE_STATUS && !states_known(rows))
        verify_report(verification, walk->thing,
                      "the block at %llu has a status that is neither online nor offline", offset);
    if (!rows_in_order(walk, rows))
        verify_report(verification, walk->thing, "the rows of the block at %llu are out of order",
                      offset);
    if (walk->blocks > 0 && entry->offset != walk->stream_end)
        verify_report(verification, walk->thing, "the block at %llu does not follow the one before",
                      offset);
    walk->blocks++;
    walk->stream_end = entry->offset + entry->bytes_len;
    count_rows(verification, walk->part, rows);
    if (part_totals_add(&walk->totals, &summary) != STATUS_OK ||
        slices_add_rows(&walk->slices, rows, 0, rows->count) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to verify totals");
    return STATUS_OK;
}

static void verify_totals(struct verification *verification, const struct part_walk *walk)
{
    const struct part *part = walk->part;
    if (part->consumed)
        return; /* its front is gone already */
    verify_equal(verification, walk->thing, "blocks", walk->blocks, part->block_count);
    if (walk->blocks > 0)
        verify_equal(verification, walk->thing, "bytes of blocks", walk->stream_end,
                     part->stream_bytes);
    if (walk->totals.summary.row_count != part->totals.summary.row_count ||
        (walk->totals.summary.row_count > 0 &&
         !block_summary_equal(&walk->totals.summary, &part->totals.summary)))
        verify_report(verification, walk->thing, "its totals are not those of its blocks");
}

/* Those of a part that is being consumed are of rows that have left it. */
static enum status verify_slices(struct verification *verification, struct part_walk *walk,
                                 struct error *err)
{
    if (walk->part->memory || walk->part->consumed)
        return STATUS_OK;
    OWNED(slices_release) struct slices kept = {0};
    TRY(slices_load(&kept, walk->part, verification->snapshot->txn,
                    snapshot_names(verification->snapshot, walk->part->table), err));
    if (kept.count == 0)
        return STATUS_OK;
    bool equal = false;
    if (slices_settle(&walk->slices) != STATUS_OK ||
        slices_compare(&kept, &walk->slices, &equal) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to verify slices");
    if (!equal)
        verify_report(verification, walk->thing, "its slices are not those of its rows");
    return STATUS_OK;
}

static enum status walk_blocks(struct verification *verification, struct part_walk *walk,
                               struct error *err)
{
    const struct part_filter everything = {
        .names = snapshot_names(verification->snapshot, walk->part->table),
        .from_ms = TIME_MS_MIN,
        .until_ms = TIME_MS_MAX,
    };
    struct part_cursor *cursor = verification->snapshot->cursor;
    TRY(part_cursor_open(cursor, walk->part, verification->snapshot->txn, &everything, err));
    for (;;) {
        const struct directory_entry *entry = NULL;
        TRY(part_cursor_next(cursor, &entry, err));
        if (!entry)
            return STATUS_OK;
        TRY(verify_settle(verification, walk->thing,
                          verify_block(verification, walk, cursor, entry, err), err));
    }
}

static enum status verify_part(struct verification *verification, const struct part *part,
                               struct error *err)
{
    /* Where the part has slices there are no more of them than its rows allow. */
    OWNED(part_walk_release)
    struct part_walk walk = {
        .part = part,
        .slices = {.rows_expected = UINT64_MAX, .given_up = !part->sliced || part->consumed},
    };
    if (part->memory)
        snprintf(walk.thing, sizeof walk.thing, "commit log");
    else
        snprintf(walk.thing, sizeof walk.thing, "part %llu", (unsigned long long)part->number);
    TRY(verify_settle(verification, walk.thing, walk_blocks(verification, &walk, err), err));
    verify_totals(verification, &walk);
    return verify_settle(verification, walk.thing, verify_slices(verification, &walk, err), err);
}

/* The output of the merge that has consumed an input, or NULL. */
static const struct part *find_output(const struct part_list *list, uint64_t input)
{
    for (size_t i = 0; i < list->count; i++) {
        for (uint32_t n = 0; n < list->parts[i].input_count; n++) {
            if (list->parts[i].inputs[n] == input)
                return &list->parts[i];
        }
    }
    return NULL;
}

/* Every input is there; what is consumed is so by a merge, up to where its output has come. */
static void verify_merge(struct verification *verification, const struct part_list *list,
                         const struct part *part)
{
    char thing[THING_BYTES];
    snprintf(thing, sizeof thing, "part %llu", (unsigned long long)part->number);
    uint32_t inputs = 0;
    for (size_t i = 0; i < list->count; i++)
        inputs += find_output(list, list->parts[i].number) == part ? 1 : 0;
    verify_equal(verification, thing, "parts that it is merged from", inputs, part->input_count);
    const struct part *output = find_output(list, part->number);
    const bool consumed_by_it =
        output && output->totals.summary.row_count > 0 &&
        row_key_compare(&part->consumed_key, &output->totals.summary.last) == 0;
    if (part->consumed != (output != NULL) || (part->consumed && !consumed_by_it))
        verify_report(verification, thing, "its rows are not consumed as far as a merge has come");
}

static void verify_number(struct verification *verification, const struct part *part)
{
    char thing[THING_BYTES];
    snprintf(thing, sizeof thing, "part %llu", (unsigned long long)part->number);
    if (part->number >= verification->snapshot->state.next_part)
        verify_report(verification, thing, "its number was never given");
}

enum status verify_parts(struct verification *verification, struct error *err)
{
    for (int table = 0; table < TABLE_COUNT; table++) {
        const struct part_list *list = &verification->snapshot->parts[table];
        for (size_t i = 0; i < list->count; i++) {
            const struct part *part = &list->parts[i];
            TRY(verify_part(verification, part, err));
            if (part->memory)
                continue;
            verify_number(verification, part);
            verify_merge(verification, list, part);
        }
    }
    return STATUS_OK;
}
