/*
 * test_queue_property.c - random histories: faults of all kinds, redeliveries, late commits, and
 * then a service that works again. Whatever happened, every message is stored and then deleted
 * once.
 *
 * What must hold at every step (no delete before the commit, no handle twice in a batch, never
 * more in flight than allowed) is asserted by the sim.
 */
#include "ingest/log/log.h"
#include "tests/unit/queue_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HISTORIES  60u
#define PENDING    6u /* deliveries that are committed in order, later */
#define HOUR_MS    INT64_C(3600000)
#define FAULTS_MS  (HOUR_MS / 4)
#define HISTORY_MS (HOUR_MS * 2)

struct history {
    struct sim *sim;
    uint64_t random;
    uint64_t tokens[PENDING];
    struct body_batch batches[PENDING];
    size_t pending;
    size_t sent;
    size_t total;
};

static uint64_t below(struct history *history, uint64_t limit)
{
    history->random = history->random * 6364136223846793005u + 1442695040888963407u;
    return (history->random >> 33) % limit;
}

/* Some of the faults, each kind with its own odds. */
static void draw_faults(struct history *history)
{
    struct sim *sim = history->sim;
    sim->lost_percent = (unsigned)below(history, 3) * 10;
    sim->busy_percent = (unsigned)below(history, 3) * 10;
    sim->broken_percent = (unsigned)below(history, 3) * 5;
    sim->failed_entry_percent = (unsigned)below(history, 3) * 10;
    for (size_t i = 0; i < SIM_OPERATIONS; i++)
        sim->moods[i] = SIM_GOOD;
    if (below(history, 3) == 0)
        sim->moods[below(history, SIM_OPERATIONS)] = (enum sim_mood)below(history, SIM_TOO_MANY);
}

static void end_faults(struct sim *sim)
{
    sim->lost_percent = 0;
    sim->busy_percent = 0;
    sim->broken_percent = 0;
    sim->failed_entry_percent = 0;
    for (size_t i = 0; i < SIM_OPERATIONS; i++)
        sim->moods[i] = SIM_GOOD;
}

static void commit_oldest(struct history *history)
{
    (void)sim_commit(history->sim, &history->batches[0]);
    source_acknowledge(&history->sim->source, history->tokens[0]);
    struct body_batch used = history->batches[0];
    history->pending--;
    for (size_t i = 0; i < history->pending; i++) {
        history->tokens[i] = history->tokens[i + 1];
        history->batches[i] = history->batches[i + 1];
    }
    history->batches[history->pending] = used;
}

/* Sends, pauses, waits or commits; false: there is no room for one more delivery. */
static bool step(struct history *history)
{
    struct sim *sim = history->sim;
    if (history->sent < history->total && below(history, 4) == 0) {
        size_t count = 1 + below(history, 200);
        if (count > history->total - history->sent)
            count = history->total - history->sent;
        sim_send(sim, (unsigned)below(history, sim->queue_count), count);
        history->sent += count;
    }
    if (below(history, 20) == 0)
        draw_faults(history);
    if (below(history, 30) == 0) {
        queue_source_pause(&sim->source, true);
        sim_run(sim, (int64_t)below(history, 100000));
        queue_source_pause(&sim->source, false);
    }
    sim_run(sim, 1 + (int64_t)below(history, below(history, 20) == 0 ? 60000 : 2000));
    if (history->pending == PENDING || (history->pending > 0 && below(history, 2) == 0))
        commit_oldest(history);
    return history->pending < PENDING;
}

/* False at the source's end. */
static bool take(struct history *history)
{
    struct sim *sim = history->sim;
    // Somebody who holds all that may be in flight would wait for himself.
    while (history->pending > 0 && sim_in_flight(sim) * 2 > (int64_t)sim->in_flight_max)
        commit_oldest(history);
    enum source_event event = SOURCE_END;
    struct body_batch *batch = &history->batches[history->pending];
    if (source_next(&sim->source, batch, &event, NULL) != STATUS_OK || event != SOURCE_BODIES)
        return false;
    history->tokens[history->pending++] = batch->token;
    return true;
}

/* Nobody changes anything while source_next waits: so that it gets something. */
static void keep_going(struct sim *sim)
{
    end_faults(sim);
    sim_send(sim, 0, 1);
    sim->event_at_ms = sim_now(sim) + 5000;
}

static void run_with_faults(struct history *history)
{
    struct sim *sim = history->sim;
    const int64_t until_ms = sim_now(sim) + FAULTS_MS;
    sim->event = keep_going;
    sim->event_at_ms = sim_now(sim) + 5000;
    while (sim_now(sim) < until_ms) {
        if (step(history))
            assert_true(take(history));
    }
    sim->event_at_ms = -1;
}

static void stop_source(struct sim *sim)
{
    queue_source_stop(&sim->source);
}

static void run_to_the_end(struct history *history)
{
    struct sim *sim = history->sim;
    end_faults(sim);
    sim_send(sim, 0, history->total - history->sent);
    sim->event = stop_source;
    sim->event_at_ms = sim_now(sim) + HOUR_MS;
    for (;;) {
        while (history->pending > 0)
            commit_oldest(history);
        if (!take(history))
            break;
    }
}

static void run_history(uint64_t seed)
{
    struct sim *sim = sim_open(seed, 1 + seed % 3);
    struct history history = {.sim = sim, .random = seed, .total = 500 + seed * 17 % 1000};
    sim->visibility_ms = 2000 + (int64_t)below(&history, 30) * 1000;
    sim->latency_ms_max = (unsigned)below(&history, 400);
    sim->deadline_ms = sim_now(sim) + HISTORY_MS;
    struct queue_source_config config = sim_config(sim);
    config.in_flight_max = 20 + (unsigned)below(&history, 300);
    config.delivery_messages = 1 + (unsigned)below(&history, 100);
    config.receives_max = 1 + (unsigned)below(&history, 10);
    config.backlog_every_ms = below(&history, 2) == 0 ? 0 : 30000;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    run_with_faults(&history);
    run_to_the_end(&history);
    bool complete = false;
    assert_int_equal(queue_source_finish(&sim->source, 60000, &complete, NULL), STATUS_OK);
    assert_true(complete);
    for (size_t i = 0; i < sim->message_count; i++) {
        if (sim->messages[i].deletes != 1 || !sim->messages[i].committed)
            fail_msg("seed %llu: message %zu: %u deletes, %u commits, %u receives",
                     (unsigned long long)seed, i, sim->messages[i].deletes,
                     sim->messages[i].commits, sim->messages[i].dequeues);
    }
    for (size_t i = 0; i < PENDING; i++)
        body_batch_release(&history.batches[i]);
    sim_close(sim);
}

static void every_message_is_stored_and_then_deleted_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        run_history(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_stored_and_then_deleted_once),
    };
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
