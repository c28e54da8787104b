/*
 * findings.c - the order of work, and of what was found.
 *
 *      status events ──▶ timelines ──────────┐
 *      readings ──▶ survey ──▶ second scan ──┴▶ findings ──▶ by severity, kind, device, metric
 *      rejects ──────────────────────────────▲
 *
 * Timelines come from all status events, as everywhere; everything else is inside the range.
 */
#include "query/findings/findings_internal.h"

#include "engine/base/mem.h"
#include "query/view/view.h"

#include <assert.h>
#include <stdlib.h>

#define HOUR_MS   INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)

const char *finding_kind_word(enum finding_kind kind)
{
    static const char *const words[] = {
        [FINDING_TOGETHER] = "silent-together",
        [FINDING_OUT_OF_RANGE] = "out-of-range",
        [FINDING_FROZEN] = "frozen",
        [FINDING_OFFLINE] = "offline",
        [FINDING_SILENT] = "silent",
        [FINDING_GAP] = "gap",
        [FINDING_UNSTABLE] = "unstable",
        [FINDING_FLAPPING] = "flapping",
        [FINDING_JUMP] = "jump",
        [FINDING_CLOCK_OFF] = "clock-off",
        [FINDING_CLOCK_FAULT] = "clock-fault",
        [FINDING_OFFLINE_ONLY] = "offline-without-online",
        [FINDING_STALE_OFFLINE] = "stale-offline",
        [FINDING_REJECTS_RISING] = "rejects-rising",
        [FINDING_REJECTS] = "rejects",
    };
    static_assert(sizeof words / sizeof *words == FINDING_KIND_COUNT, "a word for each kind");
    assert(kind < FINDING_KIND_COUNT);
    return words[kind];
}

const char *finding_severity_word(enum finding_severity severity)
{
    static const char *const words[] = {"error", "warning", "note"};
    assert(severity < SEVERITY_COUNT);
    return words[severity];
}

struct findings_limits findings_limits_default(void)
{
    return (struct findings_limits){
        .frozen_ms = 6 * HOUR_MS,
        .frozen_readings = 30,
        .jump_factor_milli = 10000,
        .gap_factor_milli = 5000,
        .gap_least_ms = 10 * MINUTE_MS,
        .silent_ms = 30 * MINUTE_MS,
        .still_ms = HOUR_MS * 24 * 7,
        .together_devices = 5,
        .together_percent = 50,
        .offline_ms = 24 * HOUR_MS,
        .unstable_failures = 10,
        .unstable_factor_milli = 5000,
        .flap_sessions = 5,
        .flap_ms = HOUR_MS,
        .clock_ahead_ms = 5 * MINUTE_MS,
        .rejects_ms = HOUR_MS,
        .rejects_factor_milli = 3000,
    };
}

void finding_list_release(struct finding_list *list)
{
    mem_free(list->items);
    arena_release(&list->arena);
    *list = (struct finding_list){0};
}

/* --- set up -------------------------------------------------------------------------------- */

static void findings_release(struct findings *findings)
{
    mem_free(findings->devices);
    mem_free(findings->ranks);
    mem_free(findings->metrics);
    mem_free(findings->ranges);
    mem_free(findings->frozen);
    mem_free(findings->peers);
    mem_free(findings->absences);
    mem_free(findings->joints);
    mem_free(findings->jumps);
    device_places_release(&findings->places);
    event_history_release(&findings->history);
    timeline_release(&findings->timeline);
}

static enum status prepare(struct findings *findings)
{
    const struct selection *selection = findings->spec->selection;
    const struct findings_limits *limits = &findings->spec->limits;
    findings->device_count = selection->device_count;
    findings->metric_count = snapshot_metric_count(findings->snapshot);
    findings->devices = mem_alloc_zeroed(findings->device_count, sizeof *findings->devices);
    findings->metrics = mem_alloc_zeroed(findings->metric_count, sizeof *findings->metrics);
    TRY(device_places_init(&findings->places, selection->device_bits,
                           snapshot_device_count(findings->snapshot)));
    findings->ranks = mem_alloc_zeroed(findings->places.count, sizeof *findings->ranks);
    if (!findings->devices || !findings->metrics || !findings->ranks)
        return STATUS_NOMEM;
    for (uint32_t rank = 0; rank < findings->device_count; rank++) {
        findings->ranks[device_place(&findings->places, selection->devices[rank])] = rank;
        findings->devices[rank] = (struct device_facts){
            .device = selection->devices[rank],
            .usual_ms = -1,
            .gap_limit_ms = -1,
            .silent_limit_ms = limits->silent_ms > 0 ? limits->silent_ms : -1};
    }
    for (uint32_t metric = 0; metric < findings->metric_count; metric++) {
        const struct slice name = view_metric_name(selection->view, findings->snapshot, metric);
        const struct value_bounds usual = value_bounds_by_name(name);
        findings->metrics[metric].bounds = value_bounds_of(limits, name);
        findings->metrics[metric].must_move = usual.has_low || usual.has_high;
    }
    return STATUS_OK;
}

enum status findings_timeline(struct findings *findings, uint32_t device, struct error *err)
{
    static const struct timeline_rules rules = {0};
    if (findings->timeline_device == device)
        return STATUS_OK;
    findings->timeline_device = device;
    return event_history_timeline(&findings->history, device, &rules, &findings->timeline, err);
}

/* --- order --------------------------------------------------------------------------------- */

static int compare_findings(const void *left, const void *right)
{
    const struct finding *a = left;
    const struct finding *b = right;
    if (a->severity != b->severity)
        return a->severity < b->severity ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    const int device = slice_compare(a->device, b->device);
    if (device != 0)
        return device;
    const int metric = slice_compare(a->metric, b->metric);
    if (metric != 0)
        return metric;
    if (a->kind == FINDING_TOGETHER && a->first_ms != b->first_ms)
        return a->first_ms < b->first_ms ? -1 : 1;
    return slice_compare(a->evidence, b->evidence);
}

static enum status find(struct findings *findings, struct error *err)
{
    const struct findings_spec *spec = findings->spec;
    if (selection_bounds(spec->selection, findings->snapshot, &findings->range)) {
        TRY(event_history_read(&findings->history, findings->snapshot, spec->selection,
                               findings->statistics, err));
        TRY(findings_survey(findings, err));
        TRY(findings_still(findings));
        TRY(findings_second(findings, err));
        TRY(findings_absences(findings, err));
        TRY(findings_of_readings(findings));
        TRY(findings_of_status(findings, err));
        TRY(findings_of_outages(findings, err));
    }
    return spec->whole_store ? findings_of_rejects(findings, err) : STATUS_OK;
}

enum status findings_query(struct snapshot *snapshot, const struct findings_spec *spec,
                           struct finding_list *list, struct scan_statistics *statistics,
                           struct error *err)
{
    OWNED(findings_release)
    struct findings findings = {.snapshot = snapshot,
                                .spec = spec,
                                .list = list,
                                .statistics = statistics,
                                .timeline_device = UINT32_MAX};
    enum status status = prepare(&findings);
    if (status == STATUS_OK)
        status = find(&findings, err);
    if (status == STATUS_OK && list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_findings);
    return status == STATUS_NOMEM ? error_set(err, status, "no memory for findings") : status;
}
