/*
 * verify.c - reading every byte and balancing every count.
 *
 *      names        pages continuous, none twice, as many as the counters say
 *      parts        verify_parts.c: every row of them and of the commit log
 *      keys         verify_keys.c: every key of a known kind, every value where it belongs
 *      seen set     pages in order and disjoint; ids counted, those of the commit log too
 *      rejects      pages readable; bodies counted, with and without an id; in order
 *      the whole    rows of all parts and the log, first and last time, ids = stored + rejected
 *
 * A fault is reported and the walk goes on with the next thing.
 */
#include "engine/snapshot/verify_internal.h"

#include "engine/base/mem.h"
#include "engine/seen/seen.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void verify_report(struct verification *verification, const char *thing, const char *format, ...)
{
    char what[ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    verification->problem(verification->context, thing, what);
}

enum status verify_settle(struct verification *verification, const char *thing, enum status status,
                          struct error *err)
{
    if (status != STATUS_CORRUPT)
        return status;
    verify_report(verification, thing, "%s", err->message);
    *err = (struct error){0};
    return STATUS_OK;
}

void verify_equal(struct verification *verification, const char *thing, const char *what,
                  uint64_t counted, uint64_t expected)
{
    if (counted != expected)
        verify_report(verification, thing, "%llu %s, expected %llu", (unsigned long long)counted,
                      what, (unsigned long long)expected);
}

/* A dictionary loads with a hash of its names, which finds those that stand twice. */
static enum status verify_names(struct verification *verification, uint8_t key_type,
                                uint64_t expected, struct error *err)
{
    struct dictionary dictionary = {0};
    const enum status status =
        dictionary_load(&dictionary, verification->snapshot->txn, key_type, expected, err);
    dictionary_release(&dictionary);
    return verify_settle(verification, "names", status, err);
}

static enum status count_reject(void *context, const struct kept_reject *reject)
{
    struct verification *verification = context;
    if (reject->sequence < verification->next_reject)
        verify_report(verification, "rejects", "body %llu is out of order",
                      (unsigned long long)reject->sequence);
    verification->next_reject = reject->sequence + 1;
    verification->rejects++;
    verification->rejects_with_id += reject->has_id ? 1 : 0;
    return STATUS_OK;
}

static enum status verify_rejects(struct verification *verification, struct error *err)
{
    TRY(verify_settle(verification, "rejects",
                      rejects_walk(verification->snapshot->txn, 0, count_reject, verification, err),
                      err));
    verify_equal(verification, "rejects", "rejected bodies", verification->rejects,
                 verification->snapshot->state.counters.rejected);
    if (verification->next_reject > verification->snapshot->state.next_reject)
        verify_report(verification, "rejects", "body %llu was never rejected",
                      (unsigned long long)verification->next_reject - 1);
    return STATUS_OK;
}

struct seen_report {
    struct verification *verification;
};

static void seen_problem(void *context, const char *what)
{
    const struct seen_report *seen = context;
    verify_report(seen->verification, "seen set", "%s", what);
}

static int compare_ids(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* How many different ids the commit log holds. */
static enum status count_log_ids(struct row_set *set, uint64_t *count, struct error *err)
{
    size_t needed = set->id_count;
    for (int table = 0; table < TABLE_COUNT; table++)
        needed += set->row_count[table];
    if (mem_grow(&set->ids, &set->id_capacity, needed, sizeof *set->ids) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to verify the ids of the commit log");
    for (int table = 0; table < TABLE_COUNT; table++) {
        for (size_t i = 0; i < set->row_count[table]; i++)
            set->ids[set->id_count++] = set->rows[table][i].message_id;
    }
    if (set->id_count > 0)
        qsort(set->ids, set->id_count, sizeof *set->ids, compare_ids);
    *count = 0;
    for (size_t i = 0; i < set->id_count; i++)
        *count += i == 0 || set->ids[i] != set->ids[i - 1] ? 1 : 0;
    return STATUS_OK;
}

static enum status verify_log_ids(struct verification *verification, struct error *err)
{
    const struct store_state *state = &verification->snapshot->state;
    OWNED(row_set_release) struct row_set set = {0};
    uint64_t count = 0;
    TRY(log_read_all(verification->snapshot->txn, state, &set, err));
    TRY(count_log_ids(&set, &count, err));
    verify_equal(verification, "commit log", "message ids", count,
                 state->counters.seen_ids - state->seen_paged);
    return STATUS_OK;
}

static enum status verify_seen(struct verification *verification, struct error *err)
{
    OWNED(seen_free_owned) struct seen *seen = NULL;
    if (seen_new(&seen) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to verify the seen set");
    struct seen_report context = {.verification = verification};
    uint64_t total = 0;
    TRY(verify_settle(
        verification, "seen set",
        seen_verify(seen, verification->snapshot->txn, seen_problem, &context, &total, err), err));
    verify_equal(verification, "seen set", "ids in pages", total,
                 verification->snapshot->state.seen_paged);
    return verify_settle(verification, "commit log", verify_log_ids(verification, err), err);
}

static void verify_balance(struct verification *verification)
{
    const struct store_counters *counters = &verification->snapshot->state.counters;
    verify_equal(verification, "store", "readings", verification->rows[TABLE_READINGS],
                 counters->rows[TABLE_READINGS]);
    verify_equal(verification, "store", "status events", verification->rows[TABLE_STATUS],
                 counters->rows[TABLE_STATUS]);
    verify_equal(verification, "store", "message ids", counters->seen_ids,
                 counters->stored + verification->rejects_with_id);
    const uint64_t rows = counters->rows[TABLE_READINGS] + counters->rows[TABLE_STATUS];
    if (counters->stored > rows || counters->clock_faults > rows)
        verify_report(verification, "store", "its counters contradict each other");
    if (verification->first_time_ms != counters->first_time_ms ||
        verification->last_time_ms != counters->last_time_ms)
        verify_report(verification, "store", "its first or last time is not that of its rows");
}

static enum status verify_all(struct verification *verification, struct error *err)
{
    const struct store_counters *counters = &verification->snapshot->state.counters;
    TRY(verify_names(verification, KEY_DEVICES, counters->devices, err));
    TRY(verify_names(verification, KEY_METRICS, counters->metrics, err));
    TRY(verify_parts(verification, err));
    TRY(verify_keys(verification, err));
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
