/*
 * compare_mnsdb.c - mnsdb as a contestant: ingest in a child process, queries in this one.
 */
#include "bench/bench/compare_internal.h"

#include "bench/bench/measure_queries.h"
#include "bench/bench/measure_store.h"
#include "bench/bench/timing.h"
#include "cli/escape.h"
#include "engine/snapshot/snapshot.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_MS 1e6
#define NS_PER_S  1e9

const struct query_definition *contest_query(size_t query)
{
    return &query_set[query_set_find(set_query_names[query])];
}

void mnsdb_describe(struct set_system *system)
{
    system->description = (struct peer_description){
        .name = "mnsdb",
        .form = "in process",
        .version = MNSDB_VERSION,
        .durability = "every commit synced (LMDB, default flags); messages are taken once by id",
        .input = "recorded set",
        .ids = true,
        .available = true,
    };
}

void mnsdb_close(struct contest *contest)
{
    snapshot_close(contest->snapshot);
    contest->snapshot = NULL;
}

static enum status ingest(struct contest *contest, struct ingest_figures *figures,
                          struct error *err)
{
    const struct ingest_job job = {.store = contest->store,
                                   .paths = contest->config->inputs,
                                   .path_count = contest->config->input_count};
    TRY(measure_ingest(&job, figures, err));
    struct set_system *system = &contest->result->systems[0];
    if (figures->usage.peak_bytes > system->peak_bytes)
        system->peak_bytes = figures->usage.peak_bytes;
    return STATUS_OK;
}

enum status mnsdb_load(struct contest *contest, struct error *err)
{
    struct set_result *result = contest->result;
    struct set_system *system = &result->systems[0];
    struct ingest_figures figures;
    directory_remove(contest->store);
    TRY(ingest(contest, &figures, err));
    system->loaded_bytes = figures.file_bytes;
    result->messages = figures.total.received;
    result->stored = figures.total.stored;
    result->input_bytes = figures.input_bytes;
    return series_add(&system->load_seconds, (double)figures.usage.elapsed_ns / NS_PER_S, err);
}

/* --- queries ------------------------------------------------------------------------------- */

static enum status open_store(struct contest *contest, struct error *err)
{
    if (contest->snapshot)
        return STATUS_OK;
    TRY(snapshot_open(&contest->snapshot, contest->store, err));
    snapshot_pause(contest->snapshot);
    return STATUS_OK;
}

static enum status choose_target(struct contest *contest, struct error *err)
{
    TRY(snapshot_resume(contest->snapshot, err));
    query_target_release(&contest->target);
    TRY(query_target_choose(&contest->target, contest->snapshot, contest->config->device, err));
    snapshot_pause(contest->snapshot);
    struct set_result *result = contest->result;
    const struct query_target *target = &contest->target;
    (void)escape_text(slice_of_text(target->device), result->device, sizeof result->device);
    (void)escape_text(slice_of_text(target->metric), result->metric, sizeof result->metric);
    (void)snprintf(result->hour, sizeof result->hour, "%s", target->from);
    return STATUS_OK;
}

static enum status time_query(struct contest *contest, size_t query, struct series *series_ms,
                              struct error *err)
{
    struct query_outcome outcome = {0};
    TRY(open_store(contest, err));
    const int64_t started_ns = timing_now_ns();
    TRY(query_run(contest->snapshot, &contest->target, contest_query(query), &outcome, err));
    const int64_t elapsed_ns = timing_now_ns() - started_ns;
    return series_add(series_ms, (double)elapsed_ns / NS_PER_MS, err);
}

static enum status time_call(struct contest *contest, size_t query, struct series *series_ms,
                             struct error *err)
{
    if (!contest->config->program)
        return STATUS_OK;
    const int64_t started_ns = timing_now_ns();
    TRY(query_call(contest->config->program, contest->store, &contest->target, contest_query(query),
                   err));
    const int64_t elapsed_ns = timing_now_ns() - started_ns;
    return series_add(series_ms, (double)elapsed_ns / NS_PER_MS, err);
}

enum status mnsdb_measure_fresh(struct contest *contest, struct error *err)
{
    TRY(open_store(contest, err));
    TRY(choose_target(contest, err));
    for (size_t query = 0; query < SET_QUERIES; query++) {
        struct query_outcome warming = {0};
        TRY(query_run(contest->snapshot, &contest->target, contest_query(query), &warming, err));
        for (uint64_t run = 0; run < contest->config->runs; run++)
            TRY(time_query(contest, query, &contest->result->systems[0].queries[query].fresh_ms,
                           err));
    }
    mnsdb_close(contest);
    struct ingest_figures figures;
    TRY(ingest(contest, &figures, err));
    if (figures.total.stored != 0)
        return error_set(err, STATUS_CORRUPT, "the same set again stored %llu messages",
                         (unsigned long long)figures.total.stored);
    return series_add(&contest->result->systems[0].again_seconds,
                      (double)figures.usage.elapsed_ns / NS_PER_S, err);
}

enum status mnsdb_compact(struct contest *contest, struct error *err)
{
    struct set_system *system = &contest->result->systems[0];
    struct upkeep_figures settled;
    struct upkeep_figures copied;
    TRY(measure_settle(contest->store, &settled, err));
    TRY(measure_copy(contest->store, contest->workspace.copy, &copied, err));
    directory_remove(contest->workspace.copy);
    system->compact_seconds =
        (double)(settled.usage.elapsed_ns + copied.usage.elapsed_ns) / NS_PER_S;
    system->compacted_bytes = copied.file_bytes;
    return STATUS_OK;
}

enum status mnsdb_answer(struct contest *contest, size_t query, struct error *err)
{
    struct set_query *figures = &contest->result->systems[0].queries[query];
    const struct query_definition *definition = contest_query(query);
    struct query_outcome outcome = {.table = &contest->answers[query],
                                    .columns = definition->columns};
    TRY(open_store(contest, err));
    TRY(query_run(contest->snapshot, &contest->target, definition, &outcome, err));
    figures->rows = outcome.rows;
    figures->verdict = VERDICT_REFERENCE;
    return STATUS_OK;
}

static enum status drop_caches(struct contest *contest, struct error *err)
{
    mnsdb_close(contest);
    TRY(store_drop_cache(contest->store, err));
    const double share = store_cached_share(contest->store);
    if (share > contest->result->cold_cached_share)
        contest->result->cold_cached_share = share;
    return STATUS_OK;
}

enum status mnsdb_query(struct contest *contest, size_t query, bool cold, struct error *err)
{
    struct set_query *figures = &contest->result->systems[0].queries[query];
    if (!cold) {
        TRY(time_query(contest, query, &figures->warm_ms, err));
        if (compare_again(&figures->warm_ms))
            TRY(time_query(contest, query, &figures->warm_ms, err));
        return time_call(contest, query, &figures->call_ms, err);
    }
    TRY(drop_caches(contest, err));
    TRY(time_query(contest, query, &figures->cold_ms, err));
    TRY(drop_caches(contest, err));
    return time_call(contest, query, &figures->call_cold_ms, err);
}
