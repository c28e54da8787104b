/*
 * test_queue_threads.c - a queue source with its thread, in real time: a reader, a committer
 * and whoever stops it, side by side.
 *
 * The tests wait for things to happen; how long that takes is not what they test.
 *
 * ctest: threads
 */
#include "ingest/log/log.h"
#include "tests/unit/queue_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define MESSAGES 4000u
#define LINE     64u

/* Deliveries on their way from the reader to the committer. */
struct hand_over {
    struct sim *sim;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t tokens[LINE];
    size_t first;
    size_t last;
    bool ended;
    size_t bodies;
    enum status status;
};

static void *read_all(void *context)
{
    struct hand_over *line = context;
    struct body_batch batch = {0};
    for (;;) {
        enum source_event event = SOURCE_END;
        const enum status status = source_next(&line->sim->source, &batch, &event, NULL);
        (void)pthread_mutex_lock(&line->lock);
        line->status = status;
        line->ended = status != STATUS_OK || event != SOURCE_BODIES;
        if (!line->ended) {
            line->bodies += sim_commit(line->sim, &batch);
            while (line->last - line->first == LINE)
                (void)pthread_cond_wait(&line->changed, &line->lock);
            line->tokens[line->last++ % LINE] = batch.token;
        }
        const bool ended = line->ended;
        (void)pthread_cond_broadcast(&line->changed);
        (void)pthread_mutex_unlock(&line->lock);
        if (ended)
            break;
    }
    body_batch_release(&batch);
    return NULL;
}

/* The next token; false at the end. */
static bool next_token(struct hand_over *line, uint64_t *token)
{
    (void)pthread_mutex_lock(&line->lock);
    while (line->first == line->last && !line->ended)
        (void)pthread_cond_wait(&line->changed, &line->lock);
    const bool got = line->first < line->last;
    if (got)
        *token = line->tokens[line->first++ % LINE];
    (void)pthread_cond_broadcast(&line->changed);
    (void)pthread_mutex_unlock(&line->lock);
    return got;
}

/* Reads and commits until the source ends. */
static void run(struct hand_over *line)
{
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_all, line), 0);
    for (uint64_t token = 0; next_token(line, &token);) {
        (void)queue_source_oldest_ms(&line->sim->source, token);
        source_acknowledge(&line->sim->source, token);
    }
    assert_int_equal(pthread_join(reader, NULL), 0);
}

static struct sim *open_real(struct hand_over *line, bool once)
{
    struct sim *sim = sim_open(12, 2);
    sim->is_real = true;
    sim->latency_ms_max = 2;
    sim_send(sim, 0, MESSAGES);
    sim_send(sim, 1, MESSAGES);
    *line = (struct hand_over){.sim = sim};
    assert_int_equal(pthread_mutex_init(&line->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&line->changed, NULL), 0);
    struct queue_source_config config = sim_config(sim);
    config.once = once;
    config.window_ms = 5;
    config.delivery_messages = 200;
    assert_int_equal(sim_open_source(sim, &config, NULL), STATUS_OK);
    return sim;
}

static void close_real(struct hand_over *line)
{
    (void)pthread_cond_destroy(&line->changed);
    (void)pthread_mutex_destroy(&line->lock);
    sim_close(line->sim);
}

static void once_takes_everything_across_threads(void **state)
{
    (void)state;
    struct hand_over line;
    struct sim *sim = open_real(&line, true);
    run(&line);
    bool complete = false;
    assert_int_equal(queue_source_finish(&sim->source, 60000, &complete, NULL), STATUS_OK);
    assert_true(complete);
    assert_int_equal(line.status, STATUS_OK);
    assert_int_equal(line.bodies, 2 * MESSAGES);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].deleted), MESSAGES);
    assert_int_equal(atomic_load(&sim->metrics.queues[1].deleted), MESSAGES);
    close_real(&line);
}

/* Pauses and resumes again and again, then stops. */
static void *disturb(void *context)
{
    struct hand_over *line = context;
    const struct timespec moment = {.tv_nsec = 3000000};
    for (unsigned i = 0; i < 30; i++) {
        queue_source_pause(&line->sim->source, i % 2 == 0);
        (void)nanosleep(&moment, NULL);
    }
    queue_source_stop(&line->sim->source);
    return NULL;
}

static void a_stop_from_another_thread_drains(void **state)
{
    (void)state;
    struct hand_over line;
    struct sim *sim = open_real(&line, false);
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, disturb, &line), 0);
    run(&line);
    assert_int_equal(pthread_join(other, NULL), 0);
    bool complete = false;
    assert_int_equal(queue_source_finish(&sim->source, 60000, &complete, NULL), STATUS_OK);
    assert_true(complete);
    assert_int_equal(atomic_load(&sim->metrics.queues[0].deleted) +
                         atomic_load(&sim->metrics.queues[1].deleted),
                     line.bodies);
    close_real(&line);
}

static void an_interrupt_from_another_thread_ends_an_idle_wait(void **state)
{
    (void)state;
    struct hand_over line;
    struct sim *sim = open_real(&line, false);
    struct body_batch batch = {0};
    enum source_event event = SOURCE_END;
    assert_int_equal(source_next(&sim->source, &batch, &event, NULL), STATUS_OK);
    body_batch_release(&batch);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_all, &line), 0);
    source_interrupt(&sim->source);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(line.status, STATUS_STOPPED);
    close_real(&line); // without a finish
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_takes_everything_across_threads),
        cmocka_unit_test(a_stop_from_another_thread_drains),
        cmocka_unit_test(an_interrupt_from_another_thread_ends_an_idle_wait),
    };
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
