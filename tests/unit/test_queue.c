/*
 * test_queue.c - a queue source against a simulated service: what it receives, when it deletes,
 * how it ends.
 */
#include "ingest/log/log.h"
#include "tests/unit/queue_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)

/* Takes, commits and acknowledges until the source ends; how many bodies there were. */
static size_t consume_all(struct sim *sim)
{
    struct body_batch batch = {0};
    size_t count = 0;
    for (;;) {
        enum source_event event = SOURCE_FAULT;
        assert_int_equal(source_next(&sim->source, &batch, &event, NULL), STATUS_OK);
        if (event == SOURCE_END)
            break;
        assert_int_equal(event, SOURCE_BODIES);
        count += sim_commit(sim, &batch);
        source_acknowledge(&sim->source, batch.token);
    }
    body_batch_release(&batch);
    return count;
}

static size_t take_one(struct sim *sim, struct body_batch *batch)
{
    enum source_event event = SOURCE_FAULT;
    assert_int_equal(source_next(&sim->source, batch, &event, NULL), STATUS_OK);
    assert_int_equal(event, SOURCE_BODIES);
    struct body_batch copy = *batch;
    size_t count = 0;
    for (struct body body; body_batch_next(&copy, &body);)
        count++;
    return count;
}

static bool finish(struct sim *sim, int64_t limit_ms)
{
    bool complete = false;
    assert_int_equal(queue_source_finish(&sim->source, limit_ms, &complete, NULL), STATUS_OK);
    return complete;
}

static struct sim *open_sim(size_t messages, size_t queues)
{
    struct sim *sim = sim_open(7, queues);
    sim->deadline_ms = sim_now(sim) + 24 * HOUR_MS;
    for (unsigned i = 0; i < queues; i++)
        sim_send(sim, i, messages);
    return sim;
}

static void stop_source(struct sim *sim)
{
    queue_source_stop(&sim->source);
}

static void assert_each_deleted_once(const struct sim *sim)
{
    for (size_t i = 0; i < sim->message_count; i++) {
        assert_int_equal(sim->messages[i].deletes, 1);
        assert_int_equal(sim->messages[i].commits, 1);
        assert_int_equal(sim->messages[i].handles_sent, 1);
    }
}

static void once_takes_everything_and_ends(void **state)
{
    (void)state;
    struct sim *sim = open_sim(3000, 3);
    struct queue_source_config config = sim_config(sim);
    config.once = true;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    assert_int_equal(consume_all(sim), 9000);
    assert_true(finish(sim, 10000));
    assert_each_deleted_once(sim);
    assert_int_equal(queue_source_failure(&sim->source), WIRE_DONE);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].received), 3000);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].deleted), 3000);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].in_flight), 0);
    sim_close(sim);
}

static void an_empty_queue_ends_once_within_seconds(void **state)
{
    (void)state;
    struct sim *sim = open_sim(0, 2);
    sim->deadline_ms = sim_now(sim) + 5000;
    struct queue_source_config config = sim_config(sim);
    config.once = true;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    assert_int_equal(consume_all(sim), 0);
    assert_int_equal(sim->requests[SIM_RECEIVE], 2);
    sim_close(sim);
}

static void an_empty_answer_that_comes_early_ends_once(void **state)
{
    (void)state;
    struct sim *sim = open_sim(5, 1);
    sim->deadline_ms = sim_now(sim) + 5000;
    sim->moods[SIM_RECEIVE] = SIM_EARLY_EMPTY;
    struct queue_source_config config = sim_config(sim);
    config.once = true;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    assert_int_equal(consume_all(sim), 0);
    sim_close(sim);
}

static void a_full_queue_is_received_side_by_side_and_an_idle_one_is_not(void **state)
{
    (void)state;
    struct sim *sim = open_sim(4000, 1);
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    sim->event_at_ms = sim_now(sim) + HOUR_MS;
    sim->event = stop_source;
    assert_int_equal(consume_all(sim), 4000);
    assert_int_equal(sim->most_side_by_side, QUEUE_RECEIVES_DEFAULT);
    assert_each_deleted_once(sim);
    // An hour of long polls of 20 s, and the 250 receives before.
    assert_in_range(sim->requests[SIM_RECEIVE], 250 + 150, 250 + 220);
    sim_close(sim);
}

static void nothing_is_deleted_before_it_is_acknowledged(void **state)
{
    (void)state;
    struct sim *sim = open_sim(100, 1);
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    struct body_batch batch = {0};
    assert_int_equal(take_one(sim, &batch), 100);
    assert_true(queue_source_oldest_ms(&sim->source, batch.token) > 0);
    sim_run(sim, 15000);
    assert_int_equal(sim->requests[SIM_DELETE], 0);
    assert_int_equal(sim_commit(sim, &batch), 100);
    source_acknowledge(&sim->source, batch.token);
    assert_int_equal(queue_source_oldest_ms(&sim->source, batch.token), 0);
    assert_true(finish(sim, 1000));
    assert_each_deleted_once(sim);
    assert_int_equal(sim->requests[SIM_DELETE], 7);
    body_batch_release(&batch);
    sim_close(sim);
}

static void a_delivery_waits_for_others_no_longer_than_its_window(void **state)
{
    (void)state;
    struct sim *sim = open_sim(3, 1);
    struct queue_source_config config = sim_config(sim);
    config.window_ms = 700;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    const int64_t from_ms = sim_now(sim);
    struct body_batch batch = {0};
    assert_int_equal(take_one(sim, &batch), 3);
    assert_in_range(sim_now(sim) - from_ms, 700, 700 + 2 * 10);
    body_batch_release(&batch);
    sim_close(sim);
}

static void what_is_in_flight_is_limited_and_handed_out_at_once(void **state)
{
    (void)state;
    struct sim *sim = open_sim(1000, 1);
    struct queue_source_config config = sim_config(sim);
    config.in_flight_max = 64;
    config.window_ms = 60000;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    struct body_batch batch = {0};
    const int64_t from_ms = sim_now(sim);
    assert_int_equal(take_one(sim, &batch), 64);
    assert_in_range(sim_now(sim) - from_ms, 0, 1000);
    sim_run(sim, 5000);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].received), 64);
    body_batch_release(&batch);
    sim_close(sim);
}

static void a_late_commit_keeps_its_messages_invisible(void **state)
{
    (void)state;
    struct sim *sim = open_sim(40, 1);
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    struct body_batch batch = {0};
    assert_int_equal(take_one(sim, &batch), 40);
    queue_source_pause(&sim->source, true);
    sim_run(sim, 300000);
    for (size_t i = 0; i < sim->message_count; i++)
        assert_int_equal(sim->messages[i].dequeues, 1);
    assert_true(atomic_load(&sim->metrics.queues[0].visibility_changes) >= 360);
    assert_int_equal(sim_commit(sim, &batch), 40);
    source_acknowledge(&sim->source, batch.token);
    assert_true(finish(sim, 1000));
    assert_each_deleted_once(sim);
    body_batch_release(&batch);
    sim_close(sim);
}

static void visibility_is_not_extended_for_ever(void **state)
{
    (void)state;
    struct sim *sim = open_sim(1, 1);
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    struct body_batch batch = {0};
    assert_int_equal(take_one(sim, &batch), 1);
    queue_source_pause(&sim->source, true);
    const int64_t from_ms = sim_now(sim);
    sim_run(sim, HOUR_MS);
    assert_in_range(sim->messages[0].visible_at_ms - from_ms, QUEUE_EXTEND_MS_MAX - 3000,
                    QUEUE_EXTEND_MS_MAX + 1000);
    body_batch_release(&batch);
    sim_close(sim);
}

static void while_paused_nothing_is_received(void **state)
{
    (void)state;
    struct sim *sim = open_sim(10, 1);
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    queue_source_pause(&sim->source, true);
    sim_run(sim, HOUR_MS);
    assert_int_equal(sim->requests[SIM_RECEIVE], 0);
    queue_source_pause(&sim->source, false);
    struct body_batch batch = {0};
    assert_int_equal(take_one(sim, &batch), 10);
    body_batch_release(&batch);
    sim_close(sim);
}

static void a_message_received_twice_is_deleted_once_by_its_newest_handle(void **state)
{
    (void)state;
    struct sim *sim = open_sim(1, 1);
    sim->moods[SIM_EXTEND] = SIM_REFUSED;
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    struct body_batch batch = {0};
    assert_int_equal(take_one(sim, &batch), 1);
    sim_run(sim, 40000);
    assert_int_equal(sim->messages[0].dequeues, 2);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].redelivered), 1);
    assert_int_equal(sim_commit(sim, &batch), 1);
    source_acknowledge(&sim->source, batch.token);
    assert_int_equal(take_one(sim, &batch), 1); // the second delivery, which is to be counted
    assert_int_equal(sim_commit(sim, &batch), 1);
    source_acknowledge(&sim->source, batch.token);
    assert_true(finish(sim, 1000));
    assert_int_equal(sim->messages[0].handles_sent, 1);
    assert_int_equal(sim->messages[0].deletes, 1);
    assert_int_equal(sim->deletes_of_dead_handles, 0);
    body_batch_release(&batch);
    sim_close(sim);
}

static void a_handle_that_expired_is_let_go(void **state)
{
    (void)state;
    struct sim *sim = open_sim(20, 1);
    sim->moods[SIM_EXTEND] = SIM_REFUSED;
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    struct body_batch batch = {0};
    assert_int_equal(take_one(sim, &batch), 20);
    queue_source_pause(&sim->source, true);
    sim_run(sim, 60000);
    assert_int_equal(sim_commit(sim, &batch), 20);
    source_acknowledge(&sim->source, batch.token);
    assert_true(finish(sim, 10000));
    assert_int_equal(sim_deleted(sim), 0);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].deletes_failed), 20);
    body_batch_release(&batch);
    sim_close(sim);
}

static void entries_that_fail_are_deleted_later(void **state)
{
    (void)state;
    struct sim *sim = open_sim(500, 1);
    sim->failed_entry_percent = 30;
    struct queue_source_config config = sim_config(sim);
    config.once = true;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    assert_int_equal(consume_all(sim), 500);
    assert_int_equal(sim_deleted(sim), 500);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].deletes_failed), 0);
    assert_true(atomic_load(&sim->metrics.queues[0].deletes[WIRE_PARTIAL]) > 0);
    sim_close(sim);
}

static void a_stop_hands_out_what_was_received_and_ends_soon(void **state)
{
    (void)state;
    struct sim *sim = open_sim(40, 1);
    struct queue_source_config config = sim_config(sim);
    config.window_ms = 60000;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    sim->event_at_ms = sim_now(sim) + 5000;
    sim->event = stop_source;
    const int64_t from_ms = sim_now(sim);
    assert_int_equal(consume_all(sim), 40);
    assert_true(finish(sim, 1000));
    assert_in_range(sim_now(sim) - from_ms, 5000, 5000 + QUEUE_STOP_MS + 100);
    assert_each_deleted_once(sim);
    sim_close(sim);
}

static void an_interrupt_ends_the_wait_and_deletes_go_on(void **state)
{
    (void)state;
    struct sim *sim = open_sim(16, 1);
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    struct body_batch batch = {0};
    assert_int_equal(take_one(sim, &batch), 16);
    source_interrupt(&sim->source);
    enum source_event event = SOURCE_END;
    assert_int_equal(source_next(&sim->source, &batch, &event, NULL), STATUS_STOPPED);
    assert_int_equal(sim_commit(sim, &batch), 16);
    source_acknowledge(&sim->source, batch.token);
    assert_true(finish(sim, 1000));
    assert_each_deleted_once(sim);
    body_batch_release(&batch);
    sim_close(sim);
}

static void a_finish_that_gets_no_answer_counts_what_is_left(void **state)
{
    (void)state;
    struct sim *sim = open_sim(16, 1);
    sim->moods[SIM_DELETE] = SIM_BUSY;
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    struct body_batch batch = {0};
    assert_int_equal(take_one(sim, &batch), 16);
    assert_int_equal(sim_commit(sim, &batch), 16);
    source_acknowledge(&sim->source, batch.token);
    const int64_t from_ms = sim_now(sim);
    assert_false(finish(sim, 3000));
    assert_in_range(sim_now(sim) - from_ms, 3000, 3100);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].deletes_failed), 16);
    body_batch_release(&batch);
    sim_close(sim);
}

static void a_dry_run_deletes_nothing_and_gives_back_what_it_held(void **state)
{
    (void)state;
    struct sim *sim = open_sim(500, 1);
    struct queue_source_config config = sim_config(sim);
    config.mode = QUEUE_DRY_RUN;
    config.in_flight_max = 100;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    assert_int_equal(consume_all(sim), 100);
    assert_true(finish(sim, 10000));
    assert_int_equal(sim->requests[SIM_DELETE], 0);
    assert_int_equal(sim->last_visibility_s, 1);
    sim_run(sim, 1100);
    for (size_t i = 0; i < sim->message_count; i++)
        assert_true(sim->messages[i].visible_at_ms <= sim_now(sim));
    sim_close(sim);
}

static void a_peek_changes_nothing_and_shows_each_message_once(void **state)
{
    (void)state;
    struct sim *sim = open_sim(12, 2);
    struct queue_source_config config = sim_config(sim);
    config.mode = QUEUE_PEEK;
    config.once = true;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    assert_int_equal(consume_all(sim), 24);
    for (size_t i = 0; i < sim->message_count; i++)
        assert_int_equal(sim->messages[i].dequeues, 0);
    assert_int_equal(sim->requests[SIM_PEEK], 6);
    assert_int_equal(sim_requests(sim), 6);
    sim_close(sim);
}

static void the_backlog_is_asked_for_and_shown(void **state)
{
    (void)state;
    struct sim *sim = open_sim(25, 1);
    sim->moods[SIM_RECEIVE] = SIM_BUSY;
    struct queue_source_config config = sim_config(sim);
    config.backlog_every_ms = 10000;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    sim_run(sim, 60000);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].active), 25);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].delayed), -1);
    assert_in_range(sim->requests[SIM_ATTRIBUTES], 6, 7);
    sim_close(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_takes_everything_and_ends),
        cmocka_unit_test(an_empty_queue_ends_once_within_seconds),
        cmocka_unit_test(an_empty_answer_that_comes_early_ends_once),
        cmocka_unit_test(a_full_queue_is_received_side_by_side_and_an_idle_one_is_not),
        cmocka_unit_test(nothing_is_deleted_before_it_is_acknowledged),
        cmocka_unit_test(a_delivery_waits_for_others_no_longer_than_its_window),
        cmocka_unit_test(what_is_in_flight_is_limited_and_handed_out_at_once),
        cmocka_unit_test(a_late_commit_keeps_its_messages_invisible),
        cmocka_unit_test(visibility_is_not_extended_for_ever),
        cmocka_unit_test(while_paused_nothing_is_received),
        cmocka_unit_test(a_message_received_twice_is_deleted_once_by_its_newest_handle),
        cmocka_unit_test(a_handle_that_expired_is_let_go),
        cmocka_unit_test(entries_that_fail_are_deleted_later),
        cmocka_unit_test(a_stop_hands_out_what_was_received_and_ends_soon),
        cmocka_unit_test(an_interrupt_ends_the_wait_and_deletes_go_on),
        cmocka_unit_test(a_finish_that_gets_no_answer_counts_what_is_left),
        cmocka_unit_test(a_dry_run_deletes_nothing_and_gives_back_what_it_held),
        cmocka_unit_test(a_peek_changes_nothing_and_shows_each_message_once),
        cmocka_unit_test(the_backlog_is_asked_for_and_shown),
    };
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
