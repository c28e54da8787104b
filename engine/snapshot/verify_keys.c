/*
 * verify_keys.c - one walk over all keys: each of a known shape, each value where it belongs.
 *
 *      parts       'I' values as many as the record says, each under the key of its first row;
 *                  'B' values touching each other, up to the record's length
 *      digests     of bodies that were rejected
 *      the rest    is looked at by who knows it (names, log, rejects, seen set)
 *
 * What a merge has consumed of its inputs may be gone already, from the front.
 */
#include "engine/snapshot/verify_internal.h"

#include "engine/seen/seen.h"

#include <stdio.h>

/* The values of one part and one type, while the walk goes over them. */
struct value_run {
    uint8_t type; /* 0: none yet */
    uint64_t number;
    const struct part *part; /* NULL: there is no such part */
    uint64_t values;
    uint64_t end; /* of the stream so far */
};

struct key_walk {
    struct verification *verification;
    struct directory_reader directory; /* owned */
    struct value_run run;
    uint64_t digests;
};

static void key_walk_release(struct key_walk *walk)
{
    directory_reader_release(&walk->directory);
}

/* The length of a key of a type; 0: there is no such type. */
static size_t key_length(uint8_t type)
{
    switch (type) {
    case KEY_CATALOGUE:
        return 1;
    case KEY_DEVICES:
    case KEY_METRICS:
        return 1 + 4;
    case KEY_PART:
        return 1 + 1 + 8;
    case KEY_DIRECTORY:
        return 1 + 8 + 4 + 8 + 8 + 4;
    case KEY_STREAM:
        return 1 + 8 + 8;
    case KEY_SLICES:
        return 1 + 8 + 4;
    case KEY_LOG:
        return 1 + 8 + 2;
    case KEY_REJECTS:
    case KEY_SEEN:
        return 1 + 8;
    case KEY_BODY:
        return 1 + BODY_DIGEST_BYTES;
    default:
        return 0;
    }
}

static bool key_is_known(struct slice key)
{
    const size_t len = key.len > 0 ? key_length(key.data[0]) : 0;
    if (len == 0 || key.len != len)
        return false;
    return key.data[0] != KEY_PART || key.data[1] < TABLE_COUNT;
}

static const struct part *find_part(const struct snapshot *snapshot, uint64_t number)
{
    for (int table = 0; table < TABLE_COUNT; table++) {
        const struct part_list *list = &snapshot->parts[table];
        for (size_t i = 0; i < list->count; i++) {
            if (list->parts[i].number == number && !list->parts[i].memory)
                return &list->parts[i];
        }
    }
    return NULL;
}

static void part_text(uint64_t number, char thing[THING_BYTES])
{
    (void)snprintf(thing, THING_BYTES, "part %llu", (unsigned long long)number);
}

/* Balances what the walk has seen of a part's values of one type. */
static void end_run(struct key_walk *walk)
{
    const struct value_run *run = &walk->run;
    char thing[THING_BYTES];
    part_text(run->number, thing);
    if (run->type != 0 && run->part && run->type == KEY_STREAM)
        verify_equal(walk->verification, thing, "bytes in its stream", run->end,
                     run->part->stream_bytes);
    if (run->type != 0 && run->part && run->type == KEY_DIRECTORY && !run->part->consumed)
        verify_equal(walk->verification, thing, "values of its directory", run->values,
                     run->part->directory_values);
    if (run->type == KEY_SLICES && run->part && !run->part->sliced)
        verify_report(walk->verification, thing, "it has slices that its record does not know of");
}

static void begin_run(struct key_walk *walk, uint8_t type, uint64_t number)
{
    const struct part *part = find_part(walk->verification->snapshot, number);
    walk->run = (struct value_run){.type = type, .number = number, .part = part};
    if (part)
        return;
    char thing[THING_BYTES];
    part_text(number, thing);
    verify_report(walk->verification, thing, "values '%c' of a part that is not there", type);
}

static void check_stream(struct key_walk *walk, const struct kv_entry *entry, const char *thing)
{
    struct value_run *run = &walk->run;
    const uint64_t offset = key_read_u64(entry->key, 1 + sizeof(uint64_t));
    const bool may_lack_front = run->values == 0 && run->part && run->part->consumed;
    if (offset != run->end && !may_lack_front)
        verify_report(walk->verification, thing, "its stream is broken off at byte %llu",
                      (unsigned long long)run->end);
    run->end = offset + entry->value.len;
}

/* A value of a directory is found by the key of its first row. */
static enum status check_directory(struct key_walk *walk, const struct kv_entry *entry,
                                   const char *thing, struct error *err)
{
    struct slice payload = {0};
    struct row_key first = {0};
    uint32_t ordinal = 0;
    bool more = false;
    TRY(kv_entry_payload(entry, &payload, err));
    TRY(directory_reader_open(&walk->directory, payload, err));
    TRY(directory_reader_next(&walk->directory, &more, err));
    if (!more || !key_read_directory(entry->key, &first, &ordinal) ||
        row_key_compare(&first, &walk->directory.entry.summary.first) != 0)
        verify_report(walk->verification, thing,
                      "a value of its directory is not under the key of its first row");
    return STATUS_OK;
}

static enum status check_part_value(struct key_walk *walk, const struct kv_entry *entry,
                                    struct error *err)
{
    const uint8_t type = entry->key.data[0];
    const uint64_t number = key_read_u64(entry->key, 1);
    if (walk->run.type != type || walk->run.number != number) {
        end_run(walk);
        begin_run(walk, type, number);
    }
    char thing[THING_BYTES];
    part_text(number, thing);
    if (type == KEY_STREAM)
        check_stream(walk, entry, thing);
    else if (type == KEY_DIRECTORY)
        TRY(verify_settle(walk->verification, thing, check_directory(walk, entry, thing, err),
                          err));
    walk->run.values++;
    return STATUS_OK;
}

/* A digest leads to the reject that it was first seen with; that one may have been stored since. */
static enum status check_digest(struct key_walk *walk, const struct kv_entry *entry,
                                struct error *err)
{
    struct slice payload = {0};
    walk->digests++;
    TRY(kv_entry_payload(entry, &payload, err));
    if (payload.len != sizeof(uint64_t) ||
        load_u64(payload.data) >= walk->verification->snapshot->state.next_reject)
        return error_set(err, STATUS_CORRUPT, "a digest of a body that was never rejected");
    return STATUS_OK;
}

static enum status check_entry(struct key_walk *walk, const struct kv_entry *entry,
                               struct error *err)
{
    if (!key_is_known(entry->key)) {
        verify_report(walk->verification, "store", "a key of %zu bytes of no known kind",
                      entry->key.len);
        return STATUS_OK;
    }
    switch (entry->key.data[0]) {
    case KEY_DIRECTORY:
    case KEY_SLICES:
    case KEY_STREAM:
        return check_part_value(walk, entry, err);
    case KEY_BODY:
        return verify_settle(walk->verification, "digests", check_digest(walk, entry, err), err);
    default:
        return STATUS_OK;
    }
}

enum status verify_keys(struct verification *verification, struct error *err)
{
    OWNED(key_walk_release) struct key_walk walk = {.verification = verification};
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(verification->snapshot->txn, &cursor, err));
    const uint8_t lowest = 0;
    const struct slice any = {0};
    struct kv_entry entry = {0};
    TRY(kv_seek_ceiling(cursor, slice_of(&lowest, sizeof lowest), any, &entry, err));
    while (entry.found) {
        TRY(check_entry(&walk, &entry, err));
        TRY(kv_next(cursor, any, &entry, err));
    }
    end_run(&walk);
    verify_equal(verification, "digests", "digests of bodies", walk.digests,
                 verification->snapshot->state.counters.seen_bodies);
    return STATUS_OK;
}
