/*
 * live.c - see live.h.
 */
#include "bench/scenarios/live.h"

#include "bench/bench/timing.h"
#include "bench/bench/workspace.h"
#include "bench/scenarios/live_ingest.h"
#include "cli/clock.h"
#include "engine/base/mem.h"
#include "engine/snapshot/snapshot.h"

#include <stdio.h>
#include <string.h>

#define QUIET_POINTS_MAX 512u
#define QUIET_RUNS       3u
#define NS_PER_S         1e9
#define NS_PER_MS        INT64_C(1000000)
#define RATIO_UNIT       1000000 /* ratios are kept as whole millionths */

/* The store at rest, at one size. */
struct quiet_point {
    uint64_t stored;
    int64_t times_ns[QUERY_SET_COUNT]; /* the middle one of QUIET_RUNS */
};

struct live {
    struct live_report *report;
    struct workspace workspace;
    struct quiet_point quiet[QUIET_POINTS_MAX];
    size_t quiet_count;
    struct query_target target;
    bool has_target;
    struct latencies live_ns[QUERY_SET_COUNT];
    struct latencies quiet_ns[QUERY_SET_COUNT];
    struct latencies ratios[QUERY_SET_COUNT]; /* in millionths */
    unsigned stores;                          /* made so far: each has its own directory */
    char store[WORKSPACE_PATH_BYTES];
};

static void close_snapshot(struct snapshot **snapshot)
{
    snapshot_close(*snapshot);
    *snapshot = NULL;
}

/* --- asking ---------------------------------------------------------------------------------- */

/* Device and hour are those of the first commit, which is the same in each ingest. */
static enum status choose_target(struct live *live, struct error *err)
{
    if (live->has_target)
        return STATUS_OK;
    OWNED(close_snapshot) struct snapshot *snapshot = NULL;
    TRY(snapshot_open(&snapshot, live->store, err));
    live->has_target = true;
    return query_target_choose(&live->target, snapshot, NULL, err);
}

/* One query as a new reader asks it: the store opened, asked, and closed. */
static enum status ask(struct live *live, size_t query, uint64_t *stored, int64_t *elapsed_ns,
                       struct error *err)
{
    const int64_t began_ns = timing_now_ns();
    struct snapshot *snapshot = NULL;
    TRY(snapshot_open(&snapshot, live->store, err));
    struct query_outcome outcome = {0};
    const enum status status = query_set[query].run(snapshot, &live->target, &outcome, err);
    *stored = snapshot_counters(snapshot)->stored;
    snapshot_close(snapshot);
    *elapsed_ns = timing_now_ns() - began_ns;
    return status;
}

static enum status ask_quiet(struct live *live, struct error *err)
{
    if (live->quiet_count == QUIET_POINTS_MAX)
        return STATUS_OK;
    struct quiet_point *point = &live->quiet[live->quiet_count++];
    for (size_t query = 0; query < QUERY_SET_COUNT; query++) {
        OWNED(latencies_release) struct latencies times = {0};
        for (unsigned run = 0; run < QUIET_RUNS; run++) {
            int64_t elapsed_ns = 0;
            TRY(ask(live, query, &point->stored, &elapsed_ns, err));
            TRY(latencies_add(&times, elapsed_ns, err));
        }
        point->times_ns[query] = latencies_read(&times).median_ns;
    }
    return STATUS_OK;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static const struct quiet_point *nearest_point(const struct live *live, uint64_t stored)
{
    const struct quiet_point *nearest = &live->quiet[0];
    for (size_t i = 1; i < live->quiet_count; i++) {
        if (distance(live->quiet[i].stored, stored) < distance(nearest->stored, stored))
            nearest = &live->quiet[i];
    }
    return nearest;
}

static enum status ask_live(struct live *live, size_t query, struct error *err)
{
    uint64_t stored = 0;
    int64_t elapsed_ns = 0;
    TRY(ask(live, query, &stored, &elapsed_ns, err));
    const int64_t quiet_ns = nearest_point(live, stored)->times_ns[query];
    TRY(latencies_add(&live->live_ns[query], elapsed_ns, err));
    TRY(latencies_add(&live->quiet_ns[query], quiet_ns, err));
    const double ratio = quiet_ns > 0 ? (double)elapsed_ns / (double)quiet_ns : 0;
    return latencies_add(&live->ratios[query], (int64_t)(ratio * RATIO_UNIT), err);
}

/* --- ingests --------------------------------------------------------------------------------- */

static enum status start(struct live *live, bool stops, struct live_ingest *ingest,
                         struct error *err)
{
    (void)snprintf(live->store, sizeof live->store, "%.*s/store-%u", (int)sizeof live->store / 2,
                   live->workspace.dir, live->stores++);
    const struct live_ingest_config config = {
        .store = live->store,
        .paths = live->report->config.paths,
        .path_count = live->report->config.path_count,
        .stops = stops,
    };
    return live_ingest_start(ingest, &config, err);
}

static enum status run_quiet(struct live *live, struct error *err)
{
    OWNED(live_ingest_end) struct live_ingest ingest = {0};
    TRY(start(live, true, &ingest, err));
    for (;;) {
        struct live_note note;
        TRY(live_ingest_wait(&ingest, -1, &note, err));
        if (note.event == LIVE_ENDED) {
            live->report->messages = note.received;
            return STATUS_OK;
        }
        TRY(choose_target(live, err));
        TRY(ask_quiet(live, err));
        TRY(live_ingest_go_on(&ingest, err));
    }
}

static enum status run_alone(struct live *live, int64_t *elapsed_ns, struct error *err)
{
    OWNED(live_ingest_end) struct live_ingest ingest = {0};
    TRY(start(live, false, &ingest, err));
    struct live_note note;
    do {
        TRY(live_ingest_wait(&ingest, -1, &note, err));
    } while (note.event != LIVE_ENDED);
    *elapsed_ns = note.elapsed_ns;
    return STATUS_OK;
}

/* The first query is due with the first commit: before it there is nothing to ask. */
static enum status run_live(struct live *live, int64_t *elapsed_ns, struct error *err)
{
    OWNED(live_ingest_end) struct live_ingest ingest = {0};
    TRY(start(live, false, &ingest, err));
    const int64_t period_ns = (int64_t)(NS_PER_S / live->report->config.queries_per_second);
    int64_t due_ns = INT64_MAX;
    for (;;) {
        const int64_t now_ns = timing_now_ns();
        const bool is_due = due_ns <= now_ns;
        const int wait_ms = due_ns == INT64_MAX ? -1
                            : is_due            ? 0
                                                : (int)((due_ns - now_ns) / NS_PER_MS) + 1;
        struct live_note note;
        TRY(live_ingest_wait(&ingest, wait_ms, &note, err));
        if (note.event == LIVE_ENDED) {
            *elapsed_ns = note.elapsed_ns;
            return STATUS_OK;
        }
        if (note.event == LIVE_COMMITTED && due_ns == INT64_MAX)
            due_ns = now_ns;
        if (note.event != LIVE_TIMEOUT || !is_due)
            continue;
        TRY(ask_live(live, live->report->asked++ % QUERY_SET_COUNT, err));
        due_ns += period_ns; /* a late one is made up for: the rate is fixed */
    }
}

static void keep_least(int64_t *least_ns, int64_t elapsed_ns)
{
    if (*least_ns == 0 || elapsed_ns < *least_ns)
        *least_ns = elapsed_ns;
}

static enum status run_all(struct live *live, struct error *err)
{
    struct live_report *report = live->report;
    TRY(workspace_make(&live->workspace, NULL, err));
    TRY(run_quiet(live, err));
    if (live->quiet_count == 0)
        return error_set(err, STATUS_INPUT, "the recorded set holds nothing to ask about");
    report->quiet_points = live->quiet_count;
    for (size_t round = 0; round < report->config.rounds; round++) {
        int64_t elapsed_ns = 0;
        TRY(run_alone(live, &elapsed_ns, err));
        keep_least(&report->alone_ns, elapsed_ns);
        TRY(run_live(live, &elapsed_ns, err));
        keep_least(&report->live_ns, elapsed_ns);
    }
    for (size_t query = 0; query < QUERY_SET_COUNT; query++) {
        struct live_query *figures = &report->queries[query];
        figures->live = latencies_read(&live->live_ns[query]);
        figures->quiet = latencies_read(&live->quiet_ns[query]);
        figures->ratio = (double)latencies_read(&live->ratios[query]).median_ns / RATIO_UNIT;
    }
    return STATUS_OK;
}

enum status live_run(const struct live_config *config, struct live_report *report,
                     struct error *err)
{
    *report = (struct live_report){.config = *config};
    static struct live live; /* too large for comfort on the stack */
    live = (struct live){.report = report};
    const enum status status = run_all(&live, err);
    query_target_release(&live.target);
    for (size_t query = 0; query < QUERY_SET_COUNT; query++) {
        latencies_release(&live.live_ns[query]);
        latencies_release(&live.quiet_ns[query]);
        latencies_release(&live.ratios[query]);
    }
    workspace_release(&live.workspace);
    return status;
}

double live_loss(const struct live_report *report)
{
    return report->live_ns <= 0 ? 0 : 1 - (double)report->alone_ns / (double)report->live_ns;
}
