/*
 * test_queue_fault.c - memory gives out at any point: the source says so and nothing is lost.
 */
#include "engine/base/mem.h"
#include "ingest/log/log.h"
#include "tests/unit/queue_sim.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ALLOCATIONS_MAX 3000

/* One run of everything, until memory fails. */
static enum status run(struct sim *sim, struct body_batch *batch, struct error *err)
{
    enum source_event event = SOURCE_BODIES;
    while (event == SOURCE_BODIES) {
        TRY(source_next(&sim->source, batch, &event, err));
        if (event == SOURCE_BODIES) {
            (void)sim_commit(sim, batch);
            source_acknowledge(&sim->source, batch->token);
        }
    }
    bool complete = false;
    TRY(queue_source_finish(&sim->source, 10000, &complete, err));
    return STATUS_OK;
}

static enum status try_mode(enum queue_mode mode, long nth)
{
    struct sim *sim = sim_open(11, 2);
    struct body_batch batch = {0};
    struct error err = {0};
    sim_send(sim, 0, 70);
    sim_send(sim, 1, 30);
    sim->visibility_ms = 2000;
    struct queue_source_config config = sim_config(sim);
    config.mode = mode;
    config.once = true;
    config.backlog_every_ms = 1000;
    mem_fail_at(nth);
    enum status status = sim_open_source(sim, &config, &err);
    if (status == STATUS_OK)
        status = run(sim, &batch, &err);
    mem_fail_at(-1);
    assert_true(status == STATUS_OK || status == STATUS_NOMEM);
    assert_true(status == STATUS_OK || err.message[0] != '\0');
    for (size_t i = 0; i < sim->message_count; i++)
        assert_true(sim->messages[i].deletes == 0 || sim->messages[i].committed);
    body_batch_release(&batch);
    sim_close(sim);
    return status;
}

static void sweep(enum queue_mode mode)
{
    const size_t blocks = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    long nth = 0;
    for (; status != STATUS_OK; nth++) {
        assert_in_range(nth, 0, ALLOCATIONS_MAX);
        status = try_mode(mode, nth);
        assert_int_equal(mem_live_blocks(), blocks);
    }
    assert_in_range(nth, 10, ALLOCATIONS_MAX); // it did allocate
}

static void consuming_survives_every_failed_allocation(void **state)
{
    (void)state;
    sweep(QUEUE_CONSUME);
}

static void a_dry_run_survives_every_failed_allocation(void **state)
{
    (void)state;
    sweep(QUEUE_DRY_RUN);
}

static void peeking_survives_every_failed_allocation(void **state)
{
    (void)state;
    sweep(QUEUE_PEEK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consuming_survives_every_failed_allocation),
        cmocka_unit_test(a_dry_run_survives_every_failed_allocation),
        cmocka_unit_test(peeking_survives_every_failed_allocation),
    };
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
