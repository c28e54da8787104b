/*
 * verify.c - reading every byte and balancing every count.
 *
 *      names        pages continuous, none twice, as many as the counters say
 *      parts        directory and stream continuous; each block decoded, its summary and
 *                   the part's totals computed anew; rows in order, numbers known
 *      commit log   records continuous; rows counted
 *      seen set     pages in order and disjoint; ids counted
 *      rejects      pages readable; bodies counted, with and without an id
 *      the whole    rows of all parts and the log, first and last time, ids = stored + rejected
 *
 * A fault is reported and the walk goes on with the next thing.
 */
#include "engine/snapshot/snapshot_internal.h"

#include "engine/base/mem.h"
#include "engine/seen/seen.h"

#include <assert.h>
#include <stdio.h>

#define THING_BYTES 64u

struct verification {
    struct snapshot *snapshot;
    void (*problem)(void *context, const char *thing, const char *what);
    void *context;
    struct block_decoder *decoder;
    uint64_t rows[TABLE_COUNT];
    int64_t first_time_ms, last_time_ms;
    uint64_t rejects, rejects_with_id;
};

static void PRINTF_LIKE(3, 4)
    report(struct verification *verification, const char *thing, const char *format, ...)
{
    char what[ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    verification->problem(verification->context, thing, what);
}

/* Damage is reported and forgotten; any other failure ends the verification. */
static enum status settle(struct verification *verification, const char *thing, enum status status,
                          struct error *err)
{
    if (status != STATUS_CORRUPT)
        return status;
    report(verification, thing, "%s", err->message);
    *err = (struct error){0};
    return STATUS_OK;
}

static void expect_equal(struct verification *verification, const char *thing, const char *what,
                         uint64_t counted, uint64_t expected)
{
    if (counted != expected)
        report(verification, thing, "%llu %s, expected %llu", (unsigned long long)counted, what,
               (unsigned long long)expected);
}

/* What the walk over one part has seen. */
struct part_walk {
    const struct part *part;
    char thing[THING_BYTES];
    struct part_totals totals;
    uint64_t blocks;
    uint64_t stream_end; /* where the next block must begin, if a block was seen */
    bool has_last;
    struct row_key last;
};

static void part_walk_release(struct part_walk *walk)
{
    part_totals_release(&walk->totals);
}

static bool numbers_known(const struct verification *verification, const struct row_vector *rows,
                          enum table table)
{
    const struct snapshot *snapshot = verification->snapshot;
    const uint64_t metrics = table == TABLE_STATUS ? 2 : snapshot->metrics.count;
    for (uint32_t c = 0; c < rows->column_count; c++) {
        if (rows->columns[c].metric >= metrics)
            return false;
    }
    for (uint32_t row = 0; row < rows->count; row++) {
        if (row_vector_device(rows, row) >= snapshot->devices.count)
            return false;
        if (rows->one_device)
            break;
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
        report(verification, walk->thing, "the block at %llu is not what its summary says", offset);
    if (!numbers_known(verification, rows, walk->part->table))
        report(verification, walk->thing,
               "the block at %llu names devices or metrics that are not there", offset);
    if (!rows_in_order(walk, rows))
        report(verification, walk->thing, "the rows of the block at %llu are out of order", offset);
    if (walk->blocks > 0 && entry->offset != walk->stream_end)
        report(verification, walk->thing, "the block at %llu does not follow the one before",
               offset);
    walk->blocks++;
    walk->stream_end = entry->offset + entry->bytes_len;
    count_rows(verification, walk->part, rows);
    if (part_totals_add(&walk->totals, &summary) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to verify totals");
    return STATUS_OK;
}

static void verify_totals(struct verification *verification, const struct part_walk *walk)
{
    const struct part *part = walk->part;
    if (part->consumed)
        return; /* its front is gone already */
    expect_equal(verification, walk->thing, "blocks", walk->blocks, part->block_count);
    if (walk->blocks > 0)
        expect_equal(verification, walk->thing, "bytes of blocks", walk->stream_end,
                     part->stream_bytes);
    if (walk->totals.summary.row_count != part->totals.summary.row_count ||
        (walk->totals.summary.row_count > 0 &&
         !block_summary_equal(&walk->totals.summary, &part->totals.summary)))
        report(verification, walk->thing, "its totals are not those of its blocks");
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
        TRY(settle(verification, walk->thing, verify_block(verification, walk, cursor, entry, err),
                   err));
    }
}

static enum status verify_part(struct verification *verification, const struct part *part,
                               struct error *err)
{
    OWNED(part_walk_release) struct part_walk walk = {.part = part};
    if (part->memory)
        snprintf(walk.thing, sizeof walk.thing, "commit log");
    else
        snprintf(walk.thing, sizeof walk.thing, "part %llu", (unsigned long long)part->number);
    TRY(settle(verification, walk.thing, walk_blocks(verification, &walk, err), err));
    verify_totals(verification, &walk);
    return STATUS_OK;
}

static bool part_known(const struct snapshot *snapshot, uint64_t number)
{
    for (int table = 0; table < TABLE_COUNT; table++) {
        for (size_t i = 0; i < snapshot->parts[table].count; i++) {
            if (snapshot->parts[table].parts[i].number == number)
                return true;
        }
    }
    return false;
}

/* Every value of a key type belongs to a known part; stream values touch each other. */
static enum status verify_values(struct verification *verification, uint8_t key_type,
                                 struct error *err)
{
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(verification->snapshot->txn, &cursor, err));
    const struct key prefix = key_of(key_type);
    struct kv_entry entry = {0};
    uint64_t part = UINT64_MAX;
    uint64_t end = 0;
    TRY(kv_seek_ceiling(cursor, key_slice(&prefix), key_slice(&prefix), &entry, err));
    while (entry.found) {
        const uint64_t number = key_read_u64(entry.key, 1);
        const uint64_t offset = key_read_u64(entry.key, 1 + sizeof number);
        char thing[THING_BYTES];
        snprintf(thing, sizeof thing, "part %llu", (unsigned long long)number);
        if (number != part && !part_known(verification->snapshot, number))
            report(verification, thing, "values '%c' of a part that is not there", key_type);
        if (key_type == KEY_STREAM && number == part && offset != end)
            report(verification, thing, "its stream is broken off at byte %llu",
                   (unsigned long long)end);
        part = number;
        end = offset + entry.value.len;
        TRY(kv_next(cursor, key_slice(&prefix), &entry, err));
    }
    return STATUS_OK;
}

static enum status verify_parts(struct verification *verification, struct error *err)
{
    for (int table = 0; table < TABLE_COUNT; table++) {
        const struct part_list *list = &verification->snapshot->parts[table];
        for (size_t i = 0; i < list->count; i++)
            TRY(verify_part(verification, &list->parts[i], err));
    }
    TRY(verify_values(verification, KEY_DIRECTORY, err));
    return verify_values(verification, KEY_STREAM, err);
}

/* A dictionary loads with a hash of its names, which finds those that stand twice. */
static enum status verify_names(struct verification *verification, uint8_t key_type,
                                uint64_t expected, struct error *err)
{
    struct dictionary dictionary = {0};
    const enum status status =
        dictionary_load(&dictionary, verification->snapshot->txn, key_type, expected, err);
    dictionary_release(&dictionary);
    return settle(verification, "names", status, err);
}

static enum status count_reject(void *context, const struct kept_reject *reject)
{
    struct verification *verification = context;
    verification->rejects++;
    verification->rejects_with_id += reject->has_id ? 1 : 0;
    return STATUS_OK;
}

static enum status verify_bodies(struct verification *verification, struct error *err)
{
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(verification->snapshot->txn, &cursor, err));
    const struct key prefix = key_of(KEY_BODY);
    struct kv_entry entry = {0};
    uint64_t count = 0;
    TRY(kv_seek_ceiling(cursor, key_slice(&prefix), key_slice(&prefix), &entry, err));
    while (entry.found) {
        struct slice payload = {0};
        TRY(settle(verification, "digests", kv_entry_payload(&entry, &payload, err), err));
        count++;
        TRY(kv_next(cursor, key_slice(&prefix), &entry, err));
    }
    expect_equal(verification, "digests", "digests of bodies", count,
                 verification->snapshot->state.counters.seen_bodies);
    return STATUS_OK;
}

static enum status verify_rejects(struct verification *verification, struct error *err)
{
    TRY(settle(verification, "rejects",
               rejects_walk(verification->snapshot->txn, 0, count_reject, verification, err), err));
    expect_equal(verification, "rejects", "rejected bodies", verification->rejects,
                 verification->snapshot->state.counters.rejected);
    return verify_bodies(verification, err);
}

struct seen_report {
    struct verification *verification;
};

static void seen_problem(void *context, const char *what)
{
    const struct seen_report *seen = context;
    report(seen->verification, "seen set", "%s", what);
}

static enum status verify_seen(struct verification *verification, struct error *err)
{
    OWNED(seen_free_owned) struct seen *seen = NULL;
    if (seen_new(&seen) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to verify the seen set");
    struct seen_report context = {.verification = verification};
    uint64_t total = 0;
    TRY(settle(verification, "seen set",
               seen_verify(seen, verification->snapshot->txn, seen_problem, &context, &total, err),
               err));
    expect_equal(verification, "seen set", "ids in pages", total,
                 verification->snapshot->state.seen_paged);
    return STATUS_OK;
}

static void verify_balance(struct verification *verification)
{
    const struct store_counters *counters = &verification->snapshot->state.counters;
    expect_equal(verification, "store", "readings", verification->rows[TABLE_READINGS],
                 counters->rows[TABLE_READINGS]);
    expect_equal(verification, "store", "status events", verification->rows[TABLE_STATUS],
                 counters->rows[TABLE_STATUS]);
    expect_equal(verification, "store", "message ids", counters->seen_ids,
                 counters->stored + verification->rejects_with_id);
    if (verification->first_time_ms != counters->first_time_ms ||
        verification->last_time_ms != counters->last_time_ms)
        report(verification, "store", "its first or last time is not that of its rows");
}

static enum status verify_all(struct verification *verification, struct error *err)
{
    const struct store_counters *counters = &verification->snapshot->state.counters;
    TRY(verify_names(verification, KEY_DEVICES, counters->devices, err));
    TRY(verify_names(verification, KEY_METRICS, counters->metrics, err));
    TRY(verify_parts(verification, err));
    TRY(verify_seen(verification, err));
    TRY(verify_rejects(verification, err));
    verify_balance(verification);
    return STATUS_OK;
}

enum status snapshot_verify(struct snapshot *snapshot,
                            void (*problem)(void *context, const char *thing, const char *what),
                            void *context, struct error *err)
{
    assert(snapshot->txn);
    struct verification verification = {
        .snapshot = snapshot,
        .problem = problem,
        .context = context,
        .first_time_ms = INT64_MAX,
        .last_time_ms = INT64_MIN,
    };
    struct error own = {0};
    if (!err)
        err = &own; /* damage is told by its message */
    if (block_decoder_new(&verification.decoder) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to verify the store");
    const enum status status = verify_all(&verification, err);
    block_decoder_free(verification.decoder);
    return status;
}
