/*
 * faults.c - drawing lots; see faults.h.
 */
#include "bench/localqueue/faults.h"

#include "bench/localqueue/timers.h"

#define REDELIVERY_MS_MAX 1000 /* half of the early ones come at once, half within this time */

void faults_init(struct faults *faults, const struct fault_config *config, int64_t now_ms)
{
    *faults = (struct faults){
        .config = *config,
        .random = {config->seed},
        .shuffle = {~config->seed},
        .start_ms = now_ms,
    };
}

static bool draw(struct faults *faults, double share)
{
    return random_chance(&faults->random, random_threshold(share));
}

static enum code draw_error(struct faults *faults)
{
    static const enum code mixture[] = {CODE_INTERNAL, CODE_UNAVAILABLE, CODE_TOO_MANY_REQUESTS,
                                        CODE_BAD_GATEWAY, CODE_GATEWAY_TIMEOUT};
    const uint32_t pick = random_below(&faults->random, sizeof mixture / sizeof mixture[0]);
    return faults->config.error_code != CODE_NONE ? faults->config.error_code : mixture[pick];
}

struct fault_plan faults_plan(struct faults *faults, const struct call *call, int64_t now_ms)
{
    static const enum cut drops[] = {CUT_BEFORE, CUT_AFTER, CUT_MIDDLE};
    static const enum cut halves[] = {CUT_MIDDLE, CUT_SHORT, CUT_UNFRAMED};
    const struct fault_config *config = &faults->config;

    struct fault_plan plan = {0};
    const int64_t delay_ms =
        random_between(&faults->random, config->delay_ms / 2, config->delay_ms * 3 / 2);
    const enum code error = draw_error(faults);
    const bool is_error = draw(faults, config->error_rate);
    const bool is_denied = draw(faults, config->deny);
    const bool is_lost = draw(faults, config->lose_delete_replies);
    const enum cut half = halves[random_below(&faults->random, 3)];
    const bool is_half = draw(faults, config->truncate);
    const enum cut drop = drops[random_below(&faults->random, 3)];
    const bool is_dropped = draw(faults, config->drop);

    plan.delay_ms = delay_ms;
    if (is_error)
        plan.refusal = error;
    if (is_denied || now_ms - faults->start_ms < config->deny_for_ms)
        plan.refusal = CODE_ACCESS_DENIED;
    if (is_half)
        plan.cut = half;
    if (is_lost && call->operation == OPERATION_DELETE)
        plan.cut = CUT_AFTER;
    if (is_dropped)
        plan.cut = drop;
    return plan;
}

bool faults_fail_delete(struct faults *faults)
{
    return draw(faults, faults->config.fail_deletes);
}

int64_t faults_redelivery_ms(struct faults *faults, int64_t now_ms)
{
    const bool is_early = draw(faults, faults->config.redeliver);
    const bool is_at_once = draw(faults, 0.5);
    const int64_t wait_ms = random_between(&faults->random, 1, REDELIVERY_MS_MAX);
    if (!is_early)
        return TIME_NEVER;
    return is_at_once ? now_ms : now_ms + wait_ms;
}
