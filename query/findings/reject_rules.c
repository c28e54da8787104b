/*
 * reject_rules.c - rejects by reason, and whether there are more of them lately.
 *
 * Rejects belong to no device, and their time is that of their arrival: `from` and `to` are held
 * against it, as by `mnsdb rejects`.
 *
 *      first                                last - rejects_ms          last
 *      |-------------- before -------------------)[------ lately ---------]
 */
#include "query/findings/findings_internal.h"

/* Fewer are no trend. */
#define RISING_MIN 10u
/* What was before must be so many times as long as what is called lately. */
#define BEFORE_SPANS_MIN 3

#define MILLI 1000u

struct reason_facts {
    uint64_t count;
    int64_t first_ms, last_ms;
};

struct rejects {
    const struct findings *findings;
    struct reason_facts reasons[REJECT_REASON_COUNT];
    struct reason_facts all;
    int64_t lately_ms; /* second walk: from here on it is lately */
    uint64_t lately;
};

static bool in_range(const struct findings *findings, int64_t time_ms)
{
    const struct selection *selection = findings->spec->selection;
    return time_ms >= selection->from_ms &&
           (!selection->has_until || time_ms < selection->until_ms);
}

static void see(struct reason_facts *facts, int64_t time_ms)
{
    if (facts->count == 0 || time_ms < facts->first_ms)
        facts->first_ms = time_ms;
    if (facts->count == 0 || time_ms > facts->last_ms)
        facts->last_ms = time_ms;
    facts->count++;
}

static enum status take_reject(void *context, const struct kept_reject *reject)
{
    struct rejects *rejects = context;
    if (!in_range(rejects->findings, reject->received_ms))
        return STATUS_OK;
    see(&rejects->all, reject->received_ms);
    see(&rejects->reasons[reject->reason], reject->received_ms);
    return STATUS_OK;
}

static enum status take_late(void *context, const struct kept_reject *reject)
{
    struct rejects *rejects = context;
    rejects->lately += in_range(rejects->findings, reject->received_ms) &&
                       reject->received_ms >= rejects->lately_ms;
    return STATUS_OK;
}

static enum status add_reason(struct findings *findings, const struct rejects *rejects,
                              enum reject_reason reason)
{
    const struct reason_facts *facts = &rejects->reasons[reason];
    const struct store_counters *counters = snapshot_counters(findings->snapshot);
    if (facts->count == 0)
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_REJECTS, SEVERITY_WARNING);
    draft.finding.has_time = true;
    draft.finding.first_ms = facts->first_ms;
    draft.finding.last_ms = facts->last_ms;
    draft.finding.count = facts->count;
    words_add(&draft.evidence, "%s: ", reject_reason_word(reason));
    words_count(&draft.evidence, facts->count, "body", "bodies");
    words_add(&draft.evidence, " not understood; stored are ");
    words_count(&draft.evidence, counters->stored, "message", "messages");
    words_command(&draft.more, findings->spec, "rejects --order-by reason --limit 20");
    words_span(&draft.more, facts->first_ms, facts->last_ms);
    return draft_end(&draft, findings);
}

/* lately / rejects_ms against before / before_ms, in whole numbers. */
static bool is_rising(const struct rejects *rejects, const struct findings_limits *limits,
                      int64_t before_ms)
{
    const uint64_t before = rejects->all.count - rejects->lately;
    return rejects->lately >= RISING_MIN && before_ms / BEFORE_SPANS_MIN >= limits->rejects_ms &&
           (u128)rejects->lately * (u128)before_ms * MILLI >
               (u128)before * (u128)limits->rejects_ms * limits->rejects_factor_milli;
}

static enum status add_rising(struct findings *findings, struct rejects *rejects, struct error *err)
{
    const struct findings_limits *limits = &findings->spec->limits;
    if (limits->rejects_ms == 0 || limits->rejects_factor_milli == 0 || rejects->all.count == 0)
        return STATUS_OK;
    if (__builtin_sub_overflow(rejects->all.last_ms, limits->rejects_ms - 1, &rejects->lately_ms))
        rejects->lately_ms = INT64_MIN;
    const int64_t before_ms = gaps_between(rejects->all.first_ms, rejects->lately_ms);
    TRY(snapshot_rejects(findings->snapshot, 0, take_late, rejects, err));
    if (!is_rising(rejects, limits, before_ms))
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_REJECTS_RISING, SEVERITY_WARNING);
    draft.finding.has_time = true;
    draft.finding.first_ms = rejects->lately_ms;
    draft.finding.last_ms = rejects->all.last_ms;
    draft.finding.count = rejects->lately;
    words_count(&draft.evidence, rejects->lately, "body", "bodies");
    words_add(&draft.evidence, " rejected in the last ");
    words_duration(&draft.evidence, limits->rejects_ms);
    words_add(&draft.evidence, "; in ");
    words_duration(&draft.evidence, before_ms);
    words_add(&draft.evidence, " before there were ");
    words_count(&draft.evidence, rejects->all.count - rejects->lately, "of them", "of them");
    words_command(&draft.more, findings->spec, "rejects --order-by received_at:desc --limit 20");
    words_span(&draft.more, draft.finding.first_ms, draft.finding.last_ms);
    return draft_end(&draft, findings);
}

/* Counted over the whole store: a range would not fit the count. */
static enum status add_clock_faults(struct findings *findings)
{
    const struct selection *selection = findings->spec->selection;
    const struct store_counters *counters = snapshot_counters(findings->snapshot);
    if (counters->clock_faults == 0 || selection->has_from || selection->has_until)
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_CLOCK_FAULT, SEVERITY_WARNING);
    draft.finding.count = counters->clock_faults;
    words_count(&draft.evidence, counters->clock_faults, "reading or event has",
                "readings and events have");
    words_add(&draft.evidence, " the time of the message instead of a broken clock's");
    words_command(&draft.more, findings->spec, "log --order-by time_source --limit 20");
    return draft_end(&draft, findings);
}

enum status findings_of_rejects(struct findings *findings, struct error *err)
{
    struct rejects rejects = {.findings = findings};
    TRY(add_clock_faults(findings));
    TRY(snapshot_rejects(findings->snapshot, 0, take_reject, &rejects, err));
    for (unsigned reason = 0; reason < REJECT_REASON_COUNT; reason++)
        TRY(add_reason(findings, &rejects, (enum reject_reason)reason));
    return add_rising(findings, &rejects, err);
}
