/*
 * measure_queries.c - see measure_queries.h.
 */
#include "bench/bench/measure_queries.h"

#include "bench/bench/program_call.h"
#include "bench/bench/workspace.h"
#include "cli/signals.h"
#include "engine/snapshot/snapshot.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void close_snapshot(struct snapshot **snapshot)
{
    snapshot_close(*snapshot);
    *snapshot = NULL;
}

static enum status check_signals(struct error *err)
{
    if (signals_received() != 0)
        return error_set(err, STATUS_STOPPED, "stopped by a signal");
    return STATUS_OK;
}

static bool is_asked(const struct query_job *job, size_t query)
{
    return (job->query_bits >> query & 1) != 0;
}

/* --- in process ---------------------------------------------------------------------------- */

enum status query_run(struct snapshot *snapshot, const struct query_target *target,
                      const struct query_definition *query, struct query_outcome *outcome,
                      struct error *err)
{
    TRY(snapshot_resume(snapshot, err));
    const enum status status = query->run(snapshot, target, outcome, err);
    snapshot_pause(snapshot);
    if (status != STATUS_OK)
        error_add_context(err, "%s", query->name);
    return status;
}

/* Parts of the readings, as the query over all of them sees them. */
static enum status count_parts(struct snapshot *snapshot, const struct query_target *target,
                               uint64_t *parts, struct error *err)
{
    struct query_outcome outcome = {0};
    TRY(query_set[0].run(snapshot, target, &outcome, err));
    *parts = outcome.statistics.parts_total;
    return STATUS_OK;
}

/* FNV-1a: does not depend on how the text is cut. */
static ssize_t digest_text(void *context, const char *text, size_t len)
{
    uint64_t *digest = context;
    uint64_t hash = *digest;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    *digest = hash;
    return (ssize_t)len;
}

/* Runs the query once more, not timed, for a digest of its answer. */
static enum status digest_answer(struct snapshot *snapshot, const struct query_target *target,
                                 const struct query_definition *query, uint64_t *digest,
                                 struct error *err)
{
    *digest = UINT64_C(0xcbf29ce484222325);
    const cookie_io_functions_t functions = {.write = digest_text};
    FILE *text = fopencookie(digest, "w", functions);
    if (!text)
        return error_set(err, STATUS_NOMEM, "no memory for an answer's text");
    struct query_outcome outcome = {.text = text};
    const enum status status = query_run(snapshot, target, query, &outcome, err);
    (void)fclose(text);
    return status;
}

static enum status time_query(struct snapshot *snapshot, const struct query_target *target,
                              const struct query_definition *query, size_t runs,
                              struct query_figures *figures, struct error *err)
{
    struct stopwatch watch = {0};
    for (size_t run = 0; run <= runs; run++) {
        TRY(check_signals(err));
        struct query_outcome outcome = {0};
        stopwatch_start(&watch);
        TRY(query_run(snapshot, target, query, &outcome, err));
        stopwatch_stop(&watch);
        figures->rows = outcome.rows;
        figures->statistics = outcome.statistics;
    }
    figures->in_process = stopwatch_timing(&watch);
    return digest_answer(snapshot, target, query, &figures->digest, err);
}

/* --- calls --------------------------------------------------------------------------------- */

enum status query_call(const char *program, const char *store, const struct query_target *target,
                       const struct query_definition *query, struct error *err)
{
    const char *words[QUERY_WORDS_MAX + 8] = {program, "--db", store, "--format",
                                              "csv",   "--tz", "UTC", "--quiet"};
    size_t count = 0;
    while (words[count])
        count++;
    for (size_t i = 0; i < QUERY_WORDS_MAX && query->words[i]; i++)
        words[count++] = query_word(query->words[i], target);
    assert(count < sizeof words / sizeof words[0]);
    return program_call(words, err);
}

static enum status time_start(const struct query_job *job, struct timing *timing, struct error *err)
{
    const char *const words[] = {job->program, "--version", NULL};
    struct stopwatch watch = {0};
    for (size_t run = 0; run <= job->runs; run++) {
        TRY(check_signals(err));
        stopwatch_start(&watch);
        TRY(program_call(words, err));
        stopwatch_stop(&watch);
    }
    *timing = stopwatch_timing(&watch);
    return STATUS_OK;
}

static enum status time_query_call(const struct query_job *job, const struct query_target *target,
                                   const struct query_definition *query, struct timing *timing,
                                   struct error *err)
{
    struct stopwatch watch = {0};
    for (size_t run = 0; run <= job->runs; run++) {
        TRY(check_signals(err));
        stopwatch_start(&watch);
        TRY(query_call(job->program, job->store, target, query, err));
        stopwatch_stop(&watch);
    }
    *timing = stopwatch_timing(&watch);
    return STATUS_OK;
}

static enum status time_calls(const struct query_job *job, const struct query_target *target,
                              struct query_phase *phase, struct error *err)
{
    TRY(time_start(job, &phase->call_start, err));
    for (size_t i = 0; i < QUERY_SET_COUNT; i++) {
        if (is_asked(job, i))
            TRY(time_query_call(job, target, &query_set[i], &phase->queries[i].call, err));
    }
    return STATUS_OK;
}

enum status measure_queries(const struct query_job *job, struct query_target *target,
                            struct query_phase *phase, struct error *err)
{
    assert(job->runs >= 1 && job->runs <= TIMING_RUNS_MAX);
    TRY(store_file_bytes(job->store, &phase->file_bytes, err));
    phase->cached_share = store_cached_share(job->store);
    OWNED(close_snapshot) struct snapshot *snapshot = NULL;
    TRY(snapshot_open(&snapshot, job->store, err));
    query_target_release(target);
    TRY(query_target_choose(target, snapshot, job->device, err));
    TRY(count_parts(snapshot, target, &phase->parts, err));
    snapshot_pause(snapshot);
    for (size_t i = 0; i < QUERY_SET_COUNT; i++) {
        if (is_asked(job, i))
            TRY(time_query(snapshot, target, &query_set[i], job->runs, &phase->queries[i], err));
    }
    return job->program ? time_calls(job, target, phase, err) : STATUS_OK;
}
