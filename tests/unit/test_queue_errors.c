/*
 * test_queue_errors.c - whatever a queue answers: few requests, the right word about it, and all
 * is well again once the queue is.
 */
#include "ingest/log/log.h"
#include "tests/unit/queue_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MINUTE_MS INT64_C(60000)

static void set_moods(struct sim *sim, enum sim_mood mood)
{
    for (size_t i = 0; i < SIM_OPERATIONS; i++)
        sim->moods[i] = mood;
}

static void commit_one(struct sim *sim, struct body_batch *batch)
{
    enum source_event event = SOURCE_FAULT;
    assert_int_equal(source_next(&sim->source, batch, &event, NULL), STATUS_OK);
    assert_int_equal(event, SOURCE_BODIES);
    assert_true(sim_commit(sim, batch) > 0);
    source_acknowledge(&sim->source, batch->token);
}

/* What a trouble looks like from outside. */
struct trouble {
    enum sim_mood mood;
    uint64_t requests_max; /* in ten minutes, of receives */
    enum wire_verdict verdict;
    enum ingest_pause pause; /* shown meanwhile */
    int64_t recovery_ms;     /* after which messages flow again, at most */
};

static const struct trouble troubles[] = {
    {SIM_BUSY, 50, WIRE_BUSY, PAUSE_QUEUE, MINUTE_MS + 1000},
    {SIM_THROTTLED, 50, WIRE_BUSY, PAUSE_QUEUE, MINUTE_MS + 1000},
    {SIM_DENIED, 25, WIRE_DENIED, PAUSE_CREDENTIALS, MINUTE_MS + 1000},
    {SIM_NO_QUEUE, 30, WIRE_NO_QUEUE, PAUSE_QUEUE, MINUTE_MS + 1000},
    {SIM_REFUSED, 25, WIRE_REFUSED, PAUSE_QUEUE, MINUTE_MS + 1000},
    {SIM_BROKEN, 50, WIRE_BROKEN, PAUSE_QUEUE, MINUTE_MS + 1000},
    {SIM_UNREACHABLE, 50, WIRE_BUSY, PAUSE_QUEUE, MINUTE_MS + 1000},
    {SIM_CLOCK, 50, WIRE_CLOCK, PAUSE_QUEUE, MINUTE_MS + 1000},
    {SIM_EARLY_EMPTY, 250, WIRE_EMPTY, PAUSE_NONE, 6000},
};
#define TROUBLES (sizeof troubles / sizeof troubles[0])

static void check_trouble(const struct trouble *trouble)
{
    struct sim *sim = sim_open(3, 1);
    const struct queue_metrics *metrics = &sim->metrics.queues[0];
    sim_send(sim, 0, 100);
    set_moods(sim, trouble->mood);
    struct queue_source_config config = sim_config(sim);
    config.backlog_every_ms = 60000;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    sim_run(sim, 10 * MINUTE_MS);
    assert_in_range(sim->requests[SIM_RECEIVE], 2, trouble->requests_max);
    assert_in_range(sim_requests(sim), 2, trouble->requests_max + 50);
    assert_true(atomic_load(&metrics->receives[trouble->verdict]) > 0);
    assert_int_equal(atomic_load(&sim->metrics.pause), trouble->pause);
    assert_int_equal(atomic_load(&metrics->refused_since_ms) != 0, trouble->verdict == WIRE_DENIED);

    set_moods(sim, SIM_GOOD);
    const int64_t from_ms = sim_now(sim);
    struct body_batch batch = {0};
    commit_one(sim, &batch);
    assert_in_range(sim_now(sim) - from_ms, 0, trouble->recovery_ms);
    assert_int_equal(atomic_load(&sim->metrics.pause), PAUSE_NONE);
    assert_int_equal(atomic_load(&metrics->refused_since_ms), 0);
    body_batch_release(&batch);
    sim_close(sim);
}

static void no_trouble_makes_a_hot_loop_and_each_is_recovered_from(void **state)
{
    (void)state;
    for (size_t i = 0; i < TROUBLES; i++)
        check_trouble(&troubles[i]);
}

static void troubles_end_once_with_their_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < TROUBLES; i++) {
        if (troubles[i].mood == SIM_EARLY_EMPTY)
            continue;
        struct sim *sim = sim_open(4, 2);
        sim->deadline_ms = sim_now(sim) + MINUTE_MS;
        sim_send(sim, 0, 10);
        set_moods(sim, troubles[i].mood);
        struct queue_source_config config = sim_config(sim);
        config.once = true;
        assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
        struct body_batch batch = {0};
        enum source_event event = SOURCE_END;
        struct error err = {0};
        assert_int_equal(source_next(&sim->source, &batch, &event, &err), STATUS_IO);
        assert_true(strncmp(err.message, "queue q", 7) == 0);
        assert_int_equal(queue_source_failure(&sim->source), troubles[i].verdict);
        body_batch_release(&batch);
        sim_close(sim);
    }
}

/* Deletes fail for an hour, in each way. What is received meanwhile does not pile up. */
static void deletes_in_trouble_are_tried_again_and_hold_receives_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < TROUBLES; i++) {
        struct sim *sim = sim_open(5, 1);
        sim_send(sim, 0, 2000);
        sim->visibility_ms = 300000;
        sim->moods[SIM_DELETE] = troubles[i].mood;
        struct queue_source_config config = sim_config(sim);
        assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
        struct body_batch batch = {0};
        commit_one(sim, &batch);
        sim_run(sim, 4 * MINUTE_MS);
        const bool by_handle =
            troubles[i].mood == SIM_REFUSED || troubles[i].mood == SIM_EARLY_EMPTY;
        assert_in_range(sim->requests[SIM_DELETE], 1, by_handle ? 2500 : 60);
        assert_int_equal(sim_deleted(sim), 0);
        sim->moods[SIM_DELETE] = SIM_GOOD;
        sim_run(sim, MINUTE_MS + 1000);
        if (!by_handle)
            assert_true(sim_deleted(sim) > 0);
        body_batch_release(&batch);
        sim_close(sim);
    }
}

static void more_messages_than_were_asked_for_are_not_taken(void **state)
{
    (void)state;
    struct sim *sim = sim_open(6, 1);
    sim_send(sim, 0, 96);
    sim->moods[SIM_RECEIVE] = SIM_TOO_MANY;
    struct queue_source_config config = sim_config(sim);
    config.in_flight_max = 5;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    sim_run(sim, MINUTE_MS);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].received), 0);
    assert_true(atomic_load(&sim->metrics.queues[0].receives[WIRE_BROKEN]) > 1);
    assert_in_range(sim->requests[SIM_RECEIVE], 2, 30);
    sim_close(sim);
}

static void what_a_server_asks_for_in_retry_after_is_given(void **state)
{
    (void)state;
    struct sim *sim = sim_open(7, 1);
    sim_send(sim, 0, 1);
    sim->moods[SIM_RECEIVE] = SIM_THROTTLED;
    sim->retry_after_ms = 120000;
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    sim_run(sim, 119000);
    assert_int_equal(sim->requests[SIM_RECEIVE], 1);
    sim_run(sim, 2000);
    assert_int_equal(sim->requests[SIM_RECEIVE], 2);
    // A server that never wants to be asked again is asked all the same.
    sim->retry_after_ms = INT64_MAX / 4;
    sim_run(sim, 120000 + 3 * QUEUE_RETRY_AFTER_MS);
    assert_in_range(sim->requests[SIM_RECEIVE], 4, 6);
    sim_close(sim);
}

static void a_clock_that_is_off_is_corrected_at_once(void **state)
{
    (void)state;
    struct sim *sim = sim_open(8, 1);
    sim_send(sim, 0, 30);
    sim->clock_ahead_ms = INT64_C(3) * 3600 * 1000;
    struct queue_source_config config = sim_config(sim);
    config.once = true;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    const int64_t from_ms = sim_now(sim);
    struct body_batch batch = {0};
    commit_one(sim, &batch);
    assert_in_range(sim_now(sim) - from_ms, 0, 1500);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].receives[WIRE_CLOCK]), 1);
    assert_in_range(atomic_load(&sim->metrics.queues[0].clock_offset_ms),
                    sim->clock_ahead_ms - 2000, sim->clock_ahead_ms + 2000);
    body_batch_release(&batch);
    sim_close(sim);
}

/* --- keys ------------------------------------------------------------------------------------ */

static char key_path[64];

static void write_key(const char *id)
{
    FILE *file = fopen(key_path, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "[default]\naccess_key_id = %s\naccess_key_secret = s-%s\n", id, id) >
                0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(key_path, S_IRUSR | S_IWUSR), 0);
}

/* A sim whose key comes from a file. */
static struct sim *open_sim_with_key(const char *id)
{
    (void)snprintf(key_path, sizeof key_path, "/tmp/mnsdb-test-key-%ld", (long)getpid());
    (void)unlink(key_path);
    write_key(id);
    struct sim *sim = sim_open_with_key_file(9, 1, key_path);
    sim_send(sim, 0, 10);
    return sim;
}

static void a_refused_key_is_looked_up_again_at_once(void **state)
{
    (void)state;
    struct sim *sim = open_sim_with_key("old-key");
    sim->good_key = "new-key";
    write_key("new-key");
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    const int64_t from_ms = sim_now(sim);
    struct body_batch batch = {0};
    commit_one(sim, &batch);
    assert_in_range(sim_now(sim) - from_ms, 0, 1000);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].receives[WIRE_DENIED]), 1);
    body_batch_release(&batch);
    sim_close(sim);
    assert_int_equal(unlink(key_path), 0);
}

static void a_key_that_comes_later_is_used_within_a_second(void **state)
{
    (void)state;
    struct sim *sim = open_sim_with_key("old-key");
    sim->good_key = "new-key";
    struct queue_source_config config = sim_config(sim);
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    sim_run(sim, 10 * MINUTE_MS);
    assert_in_range(sim->requests[SIM_RECEIVE], 10, 22);
    write_key("new-key");
    assert_int_equal(credentials_refresh(sim->credentials, NULL), STATUS_OK);
    const int64_t from_ms = sim_now(sim);
    struct body_batch batch = {0};
    commit_one(sim, &batch);
    assert_in_range(sim_now(sim) - from_ms, 0, QUEUE_KEY_WATCH_MS + 1000);
    body_batch_release(&batch);
    sim_close(sim);
    assert_int_equal(unlink(key_path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_trouble_makes_a_hot_loop_and_each_is_recovered_from),
        cmocka_unit_test(troubles_end_once_with_their_verdict),
        cmocka_unit_test(deletes_in_trouble_are_tried_again_and_hold_receives_back),
        cmocka_unit_test(more_messages_than_were_asked_for_are_not_taken),
        cmocka_unit_test(what_a_server_asks_for_in_retry_after_is_given),
        cmocka_unit_test(a_clock_that_is_off_is_corrected_at_once),
        cmocka_unit_test(a_refused_key_is_looked_up_again_at_once),
        cmocka_unit_test(a_key_that_comes_later_is_used_within_a_second),
    };
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
