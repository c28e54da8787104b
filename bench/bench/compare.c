/*
 * compare.c - the order in which everybody is asked.
 *
 * Interleaved, so that a machine that is slower for a minute is so for all; the first place of a
 * round moves on, so that nobody is always the one after the heaviest.
 */
#include "bench/bench/compare.h"

#include "bench/bench/compare_internal.h"
#include "bench/bench/timing.h"
#include "cli/clock.h"
#include "cli/escape.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A query that takes long is not asked as often: three times, then until this is used up. */
#define WARM_RUNS_LEAST ((size_t)3)
#define WARM_BUDGET_MS  10000.0
#define WARM_SHORT_MS   50.0 /* below it a turn has two runs, of which the second counts */

static enum status check_signals(struct error *err)
{
    if (signals_received() != 0)
        return error_set(err, STATUS_STOPPED, "stopped by a signal");
    return STATUS_OK;
}

/* --- before -------------------------------------------------------------------------------- */

/* A report is for others: folders of this machine stay out of it. */
static const char *name_without_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "monday" of "sets/monday.ndjson.gz": what may stand in the name of a file. */
static void put_name(const struct compare_config *config, char name[SET_NAME_BYTES])
{
    const char *from = name_without_folder(config->name ? config->name : config->inputs[0]);
    size_t len = 0;
    const size_t wanted = config->name ? strlen(from) : strcspn(from, ".");
    for (size_t i = 0; i < wanted && len + 1 < SET_NAME_BYTES; i++) {
        const char c = from[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || (c == '.' && len > 0);
        name[len] = '-';
        if (plain)
            name[len] = c;
        len++;
    }
    name[len] = '\0';
    if (len == 0)
        (void)snprintf(name, SET_NAME_BYTES, "set");
}

static void put_date(char date[SET_NAME_BYTES])
{
    const time_t now = (time_t)(clock_utc_ms() / 1000);
    struct tm parts;
    if (!gmtime_r(&now, &parts) ||
        strftime(date, SET_NAME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        date[0] = '\0';
}

static void put_head(const struct contest *contest)
{
    const struct compare_config *config = contest->config;
    struct set_result *result = contest->result;
    put_name(config, result->name);
    put_date(result->date);
    const char *input = name_without_folder(config->inputs[0]);
    (void)escape_text(slice_of_text(input), result->input, sizeof result->input);
    machine_describe(&result->machine, contest->workspace.dir);
    (void)snprintf(result->libraries, sizeof result->libraries, "%s", result->machine.libraries);
    (void)snprintf(result->build, sizeof result->build, "%s", result->machine.build);
    result->brief = config->brief;
    result->rounds = config->rounds;
    result->runs = config->runs;
    result->cold_cached_share = -1;
}

static enum status begin(struct contest *contest, struct error *err)
{
    const struct compare_config *config = contest->config;
    struct set_result *result = contest->result;
    TRY(workspace_make(&contest->workspace, NULL, err));
    TRY(workspace_path(&contest->workspace, "store", contest->store, err));
    if (config->peer_count > 0 && chmod(contest->workspace.dir, 0711) != 0)
        return error_set_errno(err, STATUS_IO, errno, "%s", contest->workspace.dir);
    contest->peers = mem_alloc_zeroed(config->peer_count, sizeof *contest->peers);
    if (!contest->peers)
        return error_set(err, STATUS_NOMEM, "no memory for the peers");
    TRY(set_result_make(result, config->peer_count + 1, err));
    put_head(contest);
    mnsdb_describe(&result->systems[0]);
    for (size_t system = 1; system < result->system_count; system++) {
        message_note("preparing %s ...", config->peers[system - 1]);
        TRY(peer_begin(contest, system, err));
        if (result->systems[system].failure[0] != '\0')
            message_warning("%s is not measured: %s", config->peers[system - 1],
                            result->systems[system].failure);
    }
    return STATUS_OK;
}

/* --- the rounds ---------------------------------------------------------------------------- */

static const char *name_of(const struct contest *contest, size_t system)
{
    return contest->result->systems[system].description.name;
}

static void note_seconds(const struct contest *contest, size_t system)
{
    const struct series *loads = &contest->result->systems[system].load_seconds;
    if (loads->count > 0)
        message_detail("  %s: %.2f s", name_of(contest, system), loads->values[loads->count - 1]);
}

static enum status load_round(struct contest *contest, uint64_t round, struct error *err)
{
    const size_t count = contest->result->system_count;
    for (size_t i = 0; i < count; i++) {
        const size_t system = (i + (size_t)round) % count;
        TRY(check_signals(err));
        // What the one before has left to be written is not to be written in this one's time.
        sync();
        if (system == 0)
            TRY(mnsdb_load(contest, err));
        else
            TRY(peer_load(contest, system, err));
        note_seconds(contest, system);
    }
    return STATUS_OK;
}

static enum status load_all(struct contest *contest, struct error *err)
{
    for (uint64_t round = 0; round < contest->config->rounds; round++) {
        message_note("loading, round %llu of %llu ...", (unsigned long long)round + 1,
                     (unsigned long long)contest->config->rounds);
        TRY(load_round(contest, round, err));
    }
    return STATUS_OK;
}

static enum status compact_all(struct contest *contest, struct error *err)
{
    message_note("asking mnsdb as ingested, compacting ...");
    TRY(mnsdb_measure_fresh(contest, err));
    TRY(mnsdb_compact(contest, err));
    for (size_t system = 1; system < contest->result->system_count; system++) {
        TRY(check_signals(err));
        TRY(peer_compact(contest, system, err));
    }
    return STATUS_OK;
}

static enum status compare_answers(struct contest *contest, struct error *err)
{
    message_note("comparing answers ...");
    for (size_t query = 0; query < SET_QUERIES; query++) {
        TRY(mnsdb_answer(contest, query, err));
        for (size_t system = 1; system < contest->result->system_count; system++) {
            TRY(check_signals(err));
            TRY(peer_answer(contest, system, query, err));
        }
    }
    return STATUS_OK;
}

bool compare_again(struct series *warm_ms)
{
    if (warm_ms->count == 0 || warm_ms->values[warm_ms->count - 1] >= WARM_SHORT_MS)
        return false;
    warm_ms->count--;
    return true;
}

static bool is_tired(const struct contest *contest, size_t system, size_t query)
{
    const struct series *warm = &contest->result->systems[system].queries[query].warm_ms;
    return warm->count >= WARM_RUNS_LEAST && series_sum(warm) > WARM_BUDGET_MS;
}

/* Who loads slowly reads slowly, too: a peer that was loaded once is asked once. */
static bool was_asked_cold(const struct contest *contest, size_t system, size_t query)
{
    const struct set_system *figures = &contest->result->systems[system];
    return system > 0 && figures->load_seconds.count == 1 &&
           figures->queries[query].cold_ms.count > 0;
}

static enum status query_round(struct contest *contest, uint64_t round, bool cold,
                               struct error *err)
{
    const size_t count = contest->result->system_count;
    for (size_t query = 0; query < SET_QUERIES; query++) {
        for (size_t i = 0; i < count; i++) {
            const size_t system = (i + (size_t)round) % count;
            TRY(check_signals(err));
            if (cold ? was_asked_cold(contest, system, query) : is_tired(contest, system, query))
                continue;
            if (system == 0)
                TRY(mnsdb_query(contest, query, cold, err));
            else
                TRY(peer_query(contest, system, query, cold, err));
        }
    }
    return STATUS_OK;
}

static enum status query_all(struct contest *contest, struct error *err)
{
    message_note("asking, warm ...");
    for (uint64_t round = 0; round < contest->config->runs; round++)
        TRY(query_round(contest, round, false, err));
    message_note("asking, cold ...");
    for (uint64_t round = 0; round < contest->config->rounds; round++)
        TRY(query_round(contest, round, true, err));
    return STATUS_OK;
}

static enum status hold(struct contest *contest, struct error *err)
{
    TRY(begin(contest, err));
    // The number of messages must be known before a peer's load is judged.
    TRY(load_all(contest, err));
    TRY(compact_all(contest, err));
    TRY(compare_answers(contest, err));
    return query_all(contest, err);
}

static void release(struct contest *contest)
{
    for (size_t i = 0; contest->peers && i < contest->config->peer_count; i++)
        peer_stop(&contest->peers[i]);
    mem_free(contest->peers);
    mnsdb_close(contest);
    query_target_release(&contest->target);
    for (size_t i = 0; i < SET_QUERIES; i++)
        answer_table_release(&contest->answers[i]);
    workspace_release(&contest->workspace);
}

enum status compare_run(const struct compare_config *config, struct set_result *result,
                        struct error *err)
{
    assert(config->input_count >= 1 && config->peer_count <= COMPARE_PEERS_MAX);
    assert(config->rounds >= 1 && config->rounds <= COMPARE_ROUNDS_MAX);
    assert(config->runs >= 1 && config->runs <= TIMING_RUNS_MAX);
    *result = (struct set_result){0};
    if (config->peer_count > 0 && config->input_count > 1)
        return error_set(err, STATUS_INPUT, "peers take one recorded set, not several files");
    OWNED(release) struct contest contest = {.config = config, .result = result};
    return hold(&contest, err);
}
