/*
 * second.c - the second scan: where the jumps and the long intervals are.
 *
 * Only devices that have some are read again, of their metrics only those that jump. Intervals at
 * the ends of the range, and devices without any reading, need no scan.
 */
#include "query/findings/findings_internal.h"

#include "engine/base/mem.h"
#include "query/view/view.h"

#include <math.h>

struct second {
    struct findings *findings;
    struct error *err;
    uint64_t *device_bits; /* owned */
    uint32_t *metrics;     /* owned; ascending */
    uint32_t metric_count;
    bool has_device;
    uint32_t device; /* at hand */
    uint32_t rank;
    size_t jump_from, jump_until; /* its cases */
    int64_t report_ms;
};

static void second_release(struct second *second)
{
    mem_free(second->device_bits);
    mem_free(second->metrics);
}

/* --- intervals ----------------------------------------------------------------------------- */

enum status findings_judge_interval(struct findings *findings, uint32_t rank,
                                    struct time_range interval, struct error *err)
{
    const struct device_facts *device = &findings->devices[rank];
    const int64_t length_ms = gaps_between(interval.from_ms, interval.until_ms);
    if ((device->gap_limit_ms < 0 || length_ms <= device->gap_limit_ms) &&
        (device->silent_limit_ms < 0 || length_ms <= device->silent_limit_ms))
        return STATUS_OK;
    TRY(findings_timeline(findings, device->device, err));
    const struct timeline_span span =
        timeline_cut(&findings->timeline, interval.from_ms, interval.until_ms);
    const bool at_end = interval.until_ms == findings->range.until_ms;
    int64_t since_ms = 0;
    const enum timeline_state state =
        timeline_state_at(&findings->timeline, interval.until_ms, &since_ms);
    // Before its first reading a device may not have been there, unless the range was asked for.
    const bool unborn = interval.from_ms == findings->range.from_ms &&
                        !findings->spec->selection->has_from &&
                        interval.until_ms == device->first_ms;
    const bool silent = device->silent_limit_ms >= 0 && span.longest_ms > device->silent_limit_ms;
    const bool gap = device->gap_limit_ms >= 0 && !unborn && span.unknown_ms > device->gap_limit_ms;
    TRY(mem_grow(&findings->absences, &findings->absence_capacity, findings->absence_count + 1,
                 sizeof *findings->absences));
    findings->absences[findings->absence_count++] =
        (struct absence_case){.interval = interval,
                              .gap_ms = gap ? span.unknown_ms : -1,
                              .silent_ms = silent ? span.longest_ms : -1,
                              .rank = rank,
                              .gap_lasts = at_end && state == TIMELINE_UNKNOWN,
                              .silent_lasts = at_end && state == TIMELINE_ONLINE};
    return STATUS_OK;
}

/* Before the first and after the last reading, or the whole range where there is none. */
static enum status judge_ends(struct findings *findings, uint32_t rank, struct error *err)
{
    const struct device_facts *device = &findings->devices[rank];
    const struct time_range *range = &findings->range;
    if (device->readings == 0)
        return findings_judge_interval(findings, rank, *range, err);
    const struct time_range before = {range->from_ms, device->first_ms};
    const struct time_range after = {device->last_ms, range->until_ms};
    TRY(findings_judge_interval(findings, rank, before, err));
    return findings_judge_interval(findings, rank, after, err);
}

/* --- jumps --------------------------------------------------------------------------------- */

static void take_value(struct jump_case *jump, struct number value, int64_t time_ms)
{
    if (jump->has_latest && gaps_between(jump->latest_ms, time_ms) <= JUMP_WITHIN_MS) {
        const double size = fabs(number_to_double(value) - number_to_double(jump->latest));
        if (size > jump->threshold) {
            if (jump->count++ == 0)
                jump->first_ms = time_ms;
            jump->last_ms = time_ms;
            if (size > jump->worst) {
                jump->worst = size;
                jump->before = jump->latest;
                jump->before_ms = jump->latest_ms;
                jump->after = value;
                jump->after_ms = time_ms;
            }
        }
    }
    jump->has_latest = true;
    jump->latest = value;
    jump->latest_ms = time_ms;
}

static void take_column(struct jump_case *jump, const struct row_vector *rows,
                        const struct column_vector *column, uint32_t from_row, uint32_t until_row)
{
    for (uint32_t row = from_row; row < until_row; row++) {
        const struct number value = column_vector_get(column, row);
        if (value.kind != NUMBER_NULL)
            take_value(jump, value, rows->times_ms[row]);
    }
}

/* --- rows ---------------------------------------------------------------------------------- */

static void begin_device(struct second *second, uint32_t device, int64_t time_ms)
{
    const struct findings *findings = second->findings;
    second->has_device = true;
    second->device = device;
    second->rank = findings->ranks[device_place(&findings->places, device)];
    second->report_ms = time_ms;
    second->jump_from = second->jump_until;
    while (second->jump_from < findings->jump_count &&
           findings->jumps[second->jump_from].device < device)
        second->jump_from++;
    second->jump_until = second->jump_from;
    while (second->jump_until < findings->jump_count &&
           findings->jumps[second->jump_until].device == device)
        second->jump_until++;
}

static enum status take_device(struct second *second, const struct row_vector *rows,
                               uint32_t from_row, uint32_t until_row)
{
    struct findings *findings = second->findings;
    const uint32_t device = row_vector_device(rows, from_row);
    if (!second->has_device || second->device != device)
        begin_device(second, device, rows->times_ms[from_row]);
    for (uint32_t row = from_row; row < until_row; row++) {
        const struct time_range interval = {second->report_ms, rows->times_ms[row]};
        if (gaps_between(interval.from_ms, interval.until_ms) < GAPS_REPORT_MS)
            continue;
        TRY(findings_judge_interval(findings, second->rank, interval, second->err));
        second->report_ms = rows->times_ms[row];
    }
    for (uint32_t i = 0; i < rows->column_count; i++) {
        for (size_t at = second->jump_from; at < second->jump_until; at++) {
            if (findings->jumps[at].metric == rows->columns[i].metric)
                take_column(&findings->jumps[at], rows, &rows->columns[i], from_row, until_row);
        }
    }
    return STATUS_OK;
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    for (uint32_t row = from_row, end = from_row; row < until_row; row = end) {
        end = row_vector_device_end(rows, row, until_row);
        TRY(take_device(context, rows, row, end));
    }
    return STATUS_OK;
}

/* --- what to read -------------------------------------------------------------------------- */

static enum status choose_metrics(struct second *second)
{
    const struct findings *findings = second->findings;
    OWNED(mem_free_owned) bool *wanted = mem_alloc_zeroed(findings->metric_count, sizeof *wanted);
    second->metrics = mem_alloc(findings->metric_count, sizeof *second->metrics);
    if (!wanted || !second->metrics)
        return STATUS_NOMEM;
    for (size_t i = 0; i < findings->jump_count; i++)
        wanted[findings->jumps[i].metric] = true;
    for (uint32_t metric = 0; metric < findings->metric_count; metric++) {
        if (wanted[metric])
            second->metrics[second->metric_count++] = metric;
    }
    return STATUS_OK;
}

static enum status choose_devices(struct second *second, bool *any)
{
    const struct findings *findings = second->findings;
    const size_t words = (size_t)snapshot_device_count(findings->snapshot) / 64 + 1;
    second->device_bits = mem_alloc_zeroed(words, sizeof *second->device_bits);
    if (!second->device_bits)
        return STATUS_NOMEM;
    for (uint32_t rank = 0; rank < findings->device_count; rank++) {
        const struct device_facts *device = &findings->devices[rank];
        if (device->second)
            second->device_bits[device->device / 64] |= UINT64_C(1) << (device->device % 64);
        *any = *any || device->second;
    }
    return STATUS_OK;
}

enum status findings_second(struct findings *findings, struct error *err)
{
    OWNED(second_release) struct second second = {.findings = findings, .err = err};
    bool any = false;
    TRY(choose_devices(&second, &any));
    TRY(choose_metrics(&second));
    if (any && !selection_is_empty(findings->spec->selection)) {
        struct scan_spec scan = selection_scan(findings->spec->selection, TABLE_READINGS);
        scan.device_bits = second.device_bits;
        scan.columns.metrics = second.metrics;
        scan.columns.metric_count = second.metric_count;
        scan.ordered = true;
        const struct scan_visitor visitor = {.context = &second, .rows = take_rows};
        TRY(view_scan(findings->spec->selection->view, findings->snapshot, &scan, &visitor,
                      findings->statistics, err));
    }
    for (uint32_t rank = 0; rank < findings->device_count; rank++)
        TRY(judge_ends(findings, rank, err));
    return STATUS_OK;
}
