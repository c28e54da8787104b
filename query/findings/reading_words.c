/*
 * reading_words.c - what was found in readings, with evidence and the way to more.
 */
#include "query/findings/findings_internal.h"

#include "cli/human.h"
#include "query/view/view.h"

#include <string.h>

#define DAY_MS INT64_C(86400000)

/* More silences of most devices than these are told as one. */
#define JOINTS_TOLD_MAX 5u

/* Beyond its range by so much of it, a value is no matter of calibration: a twentieth. */
#define RANGE_SLACK 20.0

static struct slice device_name(const struct findings *findings, uint32_t rank)
{
    return snapshot_device_name(findings->snapshot, findings->devices[rank].device);
}

static void about(struct draft *draft, const struct findings *findings, uint32_t rank,
                  int64_t first_ms, int64_t last_ms)
{
    draft->finding.device = device_name(findings, rank);
    draft->finding.has_time = true;
    draft->finding.first_ms = first_ms;
    draft->finding.last_ms = last_ms;
}

static void about_metric(struct draft *draft, const struct findings *findings, uint32_t metric)
{
    draft->finding.metric =
        view_metric_name(findings->spec->selection->view, findings->snapshot, metric);
    draft->finding.has_metric = true;
}

static void command_for(struct draft *draft, const struct findings *findings, const char *command,
                        int64_t from_ms, int64_t last_ms)
{
    words_command(&draft->more, findings->spec, command);
    words_device(&draft->more, draft->finding.device);
    words_values(&draft->more, findings->spec);
    words_span(&draft->more, from_ms, last_ms);
}

/* --- out of range -------------------------------------------------------------------------- */

/* `log` writes some names with a prefix: those cannot be ordered by as they are. */
static bool is_log_field(struct slice metric)
{
    static const char *const fields[] = {"time", "device", "kind", "messageid", "time_source"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (slice_equal(metric, slice_of_text(fields[i])))
            return true;
    }
    return (metric.len >= 7 && memcmp(metric.data, "metric:", 7) == 0) ||
           (metric.len > 0 && memchr(metric.data, 0, metric.len));
}

static void more_of_range(struct draft *draft, const struct findings *findings,
                          const struct range_case *range)
{
    const struct slice metric = draft->finding.metric;
    command_for(draft, findings, "log", range->first_ms, range->last_ms);
    if (is_log_field(metric))
        return;
    words_add(&draft->more, " --order-by ");
    char name[NAME_BYTES_MAX + sizeof ":desc"];
    memcpy(name, metric.data, metric.len);
    memcpy(name + metric.len, ":desc", sizeof ":desc");
    words_shell(&draft->more, slice_of(name, metric.len + (range->worst_is_high ? 5 : 0)));
    words_add(&draft->more, " --limit 20");
}

static void range_words(struct words *words, const struct value_bounds *bounds)
{
    if (bounds->has_low && bounds->has_high) {
        words_add(words, "outside ");
        words_number(words, bounds->low);
        words_add(words, " to ");
        words_number(words, bounds->high);
    } else {
        words_add(words, bounds->has_low ? "below " : "above ");
        words_number(words, bounds->has_low ? bounds->low : bounds->high);
    }
}

static enum status add_range(struct findings *findings, const struct out_of_range *found)
{
    const struct range_case *range = &found->found;
    const struct value_bounds *bounds = &findings->metrics[found->metric].bounds;
    const bool slight = bounds->has_low && bounds->has_high &&
                        range->worst_excess * RANGE_SLACK <= bounds->high_real - bounds->low_real;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_OUT_OF_RANGE, slight ? SEVERITY_WARNING : SEVERITY_ERROR);
    about(&draft, findings, found->rank, range->first_ms, range->last_ms);
    about_metric(&draft, findings, found->metric);
    draft.finding.count = range->count;
    words_count(&draft.evidence, range->count, "value ", "values ");
    range_words(&draft.evidence, bounds);
    words_add(&draft.evidence, range->count == 1 ? ": " : ", the worst ");
    words_number(&draft.evidence, range->worst);
    words_add(&draft.evidence, " at ");
    words_time(&draft.evidence, range->worst_ms);
    more_of_range(&draft, findings, range);
    return draft_end(&draft, findings);
}

/* --- frozen -------------------------------------------------------------------------------- */

/* At the end of its range a value can stand: air is saturated, and a sensor says so. */
static bool is_saturated(const struct value_bounds *bounds, struct number value)
{
    return bounds->has_high && number_compare(value, bounds->high) == 0;
}

static void more_of_frozen(struct draft *draft, const struct findings *findings,
                           const struct frozen_case *frozen)
{
    const int64_t length_ms = gaps_between(frozen->longest_start_ms, frozen->longest_last_ms);
    if (draft->finding.metric.len > 0 &&
        memchr(draft->finding.metric.data, 0, draft->finding.metric.len)) {
        command_for(draft, findings, "log", frozen->longest_start_ms, frozen->longest_last_ms);
        return;
    }
    command_for(draft, findings,
                length_ms > 7 * DAY_MS ? "stats --every 1d --agg count,min,max"
                                       : "stats --every 1h --agg count,min,max",
                frozen->longest_start_ms, frozen->longest_last_ms);
    (void)words_metric(&draft->more, draft->finding.metric);
}

/* Why one that never moved is suspect. */
static void others_words(struct words *words, const struct metric_facts *metric,
                         const struct frozen_case *frozen)
{
    if (metric->devices_moving >= MOVES_DEVICES_MIN &&
        2 * (uint64_t)metric->devices_moving > metric->devices_judged)
        words_add(words, "; it moves on %u other devices", (unsigned)metric->devices_moving);
    else if (frozen->peers > 0)
        words_add(words, "; on %u of %u other devices it never stands for a fifth as long",
                  (unsigned)frozen->lively_peers, (unsigned)frozen->peers);
    else
        words_add(words, "; no other device tells how long it can stand");
}

static void frozen_words(struct words *words, const struct findings *findings,
                         const struct frozen_case *frozen)
{
    words_number(words, frozen->value);
    words_add(words, " in ");
    words_count(words, frozen->longest_readings, "reading", "readings");
    words_add(words, " over ");
    words_duration(words, gaps_between(frozen->longest_start_ms, frozen->longest_last_ms));
    words_add(words, " from ");
    words_time(words, frozen->longest_start_ms);
    if (frozen->steps >= MOVES_STEPS_MIN)
        words_add(words, "; else it changes in %u of 100 readings",
                  (unsigned)(frozen->changes * 100 / frozen->steps));
    else
        others_words(words, &findings->metrics[frozen->metric], frozen);
    if (frozen->stretches > 1) {
        words_add(words, "; ");
        words_count(words, frozen->stretches, "such stretch", "such stretches");
    }
}

static enum status add_frozen(struct findings *findings, const struct frozen_case *frozen)
{
    const struct metric_facts *metric = &findings->metrics[frozen->metric];
    if (!frozen_is_suspect(findings, frozen))
        return STATUS_OK;
    struct draft draft;
    // One that never moved may have no such sensor; one that did, and still stands, is broken.
    const bool moved = frozen->steps >= MOVES_STEPS_MIN;
    const bool saturated = is_saturated(&metric->bounds, frozen->value);
    const enum finding_severity severity = saturated                     ? SEVERITY_NOTE
                                           : moved && frozen->to_the_end ? SEVERITY_ERROR
                                                                         : SEVERITY_WARNING;
    draft_begin(&draft, findings, FINDING_FROZEN, severity);
    about(&draft, findings, frozen->rank, frozen->first_ms, frozen->last_ms);
    about_metric(&draft, findings, frozen->metric);
    draft.finding.count = frozen->stretches;
    frozen_words(&draft.evidence, findings, frozen);
    more_of_frozen(&draft, findings, frozen);
    return draft_end(&draft, findings);
}

/* --- jumps --------------------------------------------------------------------------------- */

static enum status add_jump(struct findings *findings, const struct jump_case *jump)
{
    if (jump->count == 0)
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_JUMP, SEVERITY_WARNING);
    about(&draft, findings, jump->rank, jump->first_ms, jump->last_ms);
    about_metric(&draft, findings, jump->metric);
    draft.finding.count = jump->count;
    struct words *words = &draft.evidence;
    words_add(words, "from ");
    words_number(words, jump->before);
    words_add(words, " to ");
    words_number(words, jump->after);
    words_add(words, " within ");
    words_duration(words, gaps_between(jump->before_ms, jump->after_ms));
    words_add(words, " at ");
    words_time(words, jump->after_ms);
    words_add(words, "; 95 of 100 changes are at most ");
    words_real(words, jump->usual);
    if (jump->count > 1) {
        words_add(words, "; ");
        words_count(words, jump->count, "such jump", "such jumps");
    }
    command_for(&draft, findings, "log", jump->before_ms, jump->after_ms);
    return draft_end(&draft, findings);
}

/* --- absences ------------------------------------------------------------------------------ */

static void absence_words(struct words *words, const struct device_facts *device,
                          const struct absence *absence, const char *one, const char *many)
{
    words_add(words, " between ");
    words_time(words, absence->longest_start_ms);
    words_add(words, " and ");
    words_time(words, absence->longest_until_ms);
    if (device->usual_ms >= 0) {
        words_add(words, "; 95 of 100 intervals are at most ");
        words_duration(words, device->usual_ms);
    }
    if (absence->count > 1) {
        words_add(words, "; ");
        words_count(words, absence->count, one, many);
    }
    if (absence->lasts)
        words_add(words, "; it lasts");
}

/*
 * The gaps that the limit lets through, as `gaps --list` shows them. What was before the first
 * reading is a gap only of a range that is given.
 */
static void more_of_absence(struct draft *draft, const struct findings *findings, uint32_t rank,
                            int64_t limit_ms)
{
    const struct device_facts *device = &findings->devices[rank];
    const struct selection *selection = findings->spec->selection;
    const bool from_start = draft->finding.first_ms == findings->range.from_ms;
    words_command(&draft->more, findings->spec, device->readings == 0 ? "sessions" : "gaps --list");
    words_device(&draft->more, draft->finding.device);
    if (device->readings > 0) {
        words_values(&draft->more, findings->spec);
        words_add(&draft->more, " --longer-than ");
        words_length(&draft->more, limit_ms);
    }
    if (selection->has_from || selection->has_until || from_start)
        words_span(&draft->more, findings->range.from_ms,
                   findings->range.until_ms - (selection->has_until ? 1 : 0));
}

static enum status add_gap(struct findings *findings, uint32_t rank)
{
    const struct device_facts *device = &findings->devices[rank];
    const struct absence *gap = &device->gap;
    if (gap->count == 0)
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_GAP, gap->lasts ? SEVERITY_ERROR : SEVERITY_WARNING);
    about(&draft, findings, rank, gap->first_ms, gap->last_ms);
    draft.finding.count = gap->count;
    words_add(&draft.evidence, "no reading for ");
    words_duration(&draft.evidence, gaps_between(gap->longest_start_ms, gap->longest_until_ms));
    absence_words(&draft.evidence, device, gap, "such gap", "such gaps");
    more_of_absence(&draft, findings, rank, device->gap_limit_ms);
    return draft_end(&draft, findings);
}

static enum status add_silent(struct findings *findings, uint32_t rank)
{
    const struct device_facts *device = &findings->devices[rank];
    const struct absence *silent = &device->silent;
    if (silent->count == 0)
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_SILENT,
                silent->lasts ? SEVERITY_ERROR : SEVERITY_WARNING);
    about(&draft, findings, rank, silent->first_ms, silent->last_ms);
    draft.finding.count = silent->count;
    words_add(&draft.evidence, "online for ");
    words_duration(&draft.evidence, silent->longest_ms);
    words_add(&draft.evidence, " without a reading");
    absence_words(&draft.evidence, device, silent, "such silence", "such silences");
    more_of_absence(&draft, findings, rank, device->silent_limit_ms);
    return draft_end(&draft, findings);
}

/* --- together ------------------------------------------------------------------------------ */

static bool joint_lasts(const struct joint_silence *joint)
{
    return 2 * joint->lasting > joint->devices;
}

static void together_words(struct words *words, const struct joint_silence *joint)
{
    char text[HUMAN_BYTES];
    words_add(words, "%s of ", human_count(joint->devices, text));
    words_count(words, joint->expected, "device", "devices");
    words_add(words, " silent from ");
    words_time(words, joint->from_ms);
    words_add(words, " to ");
    words_time(words, joint->until_ms);
    words_add(words, " (");
    words_duration(words, gaps_between(joint->from_ms, joint->until_ms));
    words_add(words, "): probably the platform, the queue or the ingest");
}

/* A device without a reading in the time that is shown has it as one gap, listed first. */
static void more_of_together(struct draft *draft, const struct findings *findings,
                             const struct joint_silence *joint)
{
    const bool open = gaps_between(joint->from_ms, joint->until_ms) > 1;
    words_command(&draft->more, findings->spec, "gaps --list --order-by duration_ms:desc");
    words_span(&draft->more, joint->from_ms + (open ? 1 : 0), joint->until_ms - 1);
}

/* What `sum` says of all of them, of which `joint` is shown. */
static enum status add_together(struct findings *findings, const struct joint_silence *joint,
                                const struct joint_silence *sum, size_t count)
{
    const bool lasts = joint_lasts(joint);
    struct draft draft;
    draft_begin(&draft, findings, FINDING_TOGETHER, lasts ? SEVERITY_ERROR : SEVERITY_WARNING);
    draft.finding.has_time = true;
    draft.finding.first_ms = sum->first_ms;
    draft.finding.last_ms = sum->last_ms;
    draft.finding.count = sum->devices;
    together_words(&draft.evidence, joint);
    if (lasts)
        words_add(&draft.evidence, "; it lasts");
    if (count > 1) {
        words_add(&draft.evidence, "; ");
        words_count(&draft.evidence, count, "such silence", "such silences");
    }
    more_of_together(&draft, findings, joint);
    return draft_end(&draft, findings);
}

/* Many are a habit, as of what the sun drives: one finding for those that are over. */
static enum status add_habit(struct findings *findings, size_t count)
{
    const struct joint_silence *longest = NULL;
    struct joint_silence sum = {0};
    for (size_t i = 0; i < findings->joint_count; i++) {
        const struct joint_silence *joint = &findings->joints[i];
        if (joint_lasts(joint))
            continue;
        if (!longest || gaps_between(joint->from_ms, joint->until_ms) >
                            gaps_between(longest->from_ms, longest->until_ms))
            longest = joint;
        if (sum.devices == 0 || joint->first_ms < sum.first_ms)
            sum.first_ms = joint->first_ms;
        if (sum.devices == 0 || joint->last_ms > sum.last_ms)
            sum.last_ms = joint->last_ms;
        sum.devices += joint->devices;
    }
    return longest ? add_together(findings, longest, &sum, count) : STATUS_OK;
}

static enum status add_joints(struct findings *findings)
{
    size_t over = 0;
    for (size_t i = 0; i < findings->joint_count; i++)
        over += !joint_lasts(&findings->joints[i]);
    for (size_t i = 0; i < findings->joint_count; i++) {
        const struct joint_silence *joint = &findings->joints[i];
        if (over <= JOINTS_TOLD_MAX || joint_lasts(joint))
            TRY(add_together(findings, joint, joint, 1));
    }
    return over > JOINTS_TOLD_MAX ? add_habit(findings, over) : STATUS_OK;
}

/* --- clocks -------------------------------------------------------------------------------- */

static enum status add_clock_off(struct findings *findings, uint32_t rank)
{
    const struct device_facts *device = &findings->devices[rank];
    const int64_t limit_ms = findings->spec->limits.clock_ahead_ms;
    const bool behind = device->own_times >= CLOCK_ROWS_MIN && device->behind_least_ms > limit_ms &&
                        device->behind_least_ms <= CLOCK_DAY_MS;
    if (limit_ms == 0 || (device->ahead == 0 && !behind))
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_CLOCK_OFF, SEVERITY_WARNING);
    if (device->ahead > 0) {
        about(&draft, findings, rank, device->ahead_first_ms, device->ahead_last_ms);
        draft.finding.count = device->ahead;
        words_count(&draft.evidence, device->ahead, "reading was", "readings were");
        words_add(&draft.evidence, " sent before their own time, by up to ");
        words_duration(&draft.evidence, device->ahead_most_ms);
    } else {
        about(&draft, findings, rank, device->first_ms, device->last_ms);
        draft.finding.count = device->own_times;
        words_add(&draft.evidence, "no reading arrived sooner than ");
        words_duration(&draft.evidence, device->behind_least_ms);
        words_add(&draft.evidence, " after its own time: a clock or a time zone that is off");
    }
    command_for(&draft, findings, "log --limit 20", draft.finding.first_ms, draft.finding.last_ms);
    return draft_end(&draft, findings);
}

static enum status add_clock_fault(struct findings *findings, uint32_t rank)
{
    const struct device_facts *device = &findings->devices[rank];
    if (device->lent_times == 0 || device->own_times <= device->lent_times ||
        snapshot_counters(findings->snapshot)->clock_faults == 0)
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_CLOCK_FAULT, SEVERITY_WARNING);
    about(&draft, findings, rank, device->lent_first_ms, device->lent_last_ms);
    draft.finding.count = device->lent_times;
    words_count(&draft.evidence, device->lent_times, "reading has", "readings have");
    words_add(&draft.evidence, " no usable time of the device, which else has one");
    command_for(&draft, findings, "log --order-by time_source --limit 20", device->lent_first_ms,
                device->lent_last_ms);
    return draft_end(&draft, findings);
}

enum status findings_of_readings(struct findings *findings)
{
    for (size_t i = 0; i < findings->range_count; i++)
        TRY(add_range(findings, &findings->ranges[i]));
    for (size_t i = 0; i < findings->frozen_count; i++)
        TRY(add_frozen(findings, &findings->frozen[i]));
    for (size_t i = 0; i < findings->jump_count; i++)
        TRY(add_jump(findings, &findings->jumps[i]));
    TRY(add_joints(findings));
    for (uint32_t rank = 0; rank < findings->device_count; rank++) {
        TRY(add_gap(findings, rank));
        TRY(add_silent(findings, rank));
        TRY(add_clock_off(findings, rank));
        TRY(add_clock_fault(findings, rank));
    }
    return STATUS_OK;
}
