/*
 * collect_checks.c - what looks wrong.
 *
 * Findings about a metric that is shown become marks on its picture: where a value was
 * seen first, and where it was seen last.
 */
#include "query/report/report_internal.h"

#include "engine/base/mem.h"

#define MARKS_MAX 60u /* of a metric */

void report_release_checks(struct report *report)
{
    finding_list_release(&report->findings);
}

static enum status add_mark(struct report_metric *metric, int64_t time_ms)
{
    if (metric->mark_count == MARKS_MAX)
        return STATUS_OK;
    TRY(mem_grow(&metric->marks, &metric->mark_capacity, metric->mark_count + 1,
                 sizeof *metric->marks));
    metric->marks[metric->mark_count++] = (struct svg_mark){.time_ms = time_ms};
    return STATUS_OK;
}

static enum status mark_metric(struct report *report, const struct finding *finding)
{
    for (size_t m = 0; m < report->readings.count; m++) {
        struct report_metric *metric = &report->readings.metrics[m];
        if (!finding->has_metric || !finding->has_time ||
            !slice_equal(metric->name, finding->metric))
            continue;
        TRY(add_mark(metric, finding->first_ms));
        if (finding->last_ms != finding->first_ms)
            TRY(add_mark(metric, finding->last_ms));
    }
    return STATUS_OK;
}

static enum status count_findings(struct report *report, struct error *err)
{
    for (size_t i = 0; i < report->findings.count; i++) {
        const struct finding *finding = &report->findings.items[i];
        report->severities[finding->severity]++;
        report->kinds[finding->kind]++;
        if (mark_metric(report, finding) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for the marks of the report");
    }
    return STATUS_OK;
}

enum status report_collect_checks(struct report *report, struct snapshot *snapshot,
                                  struct scan_statistics *statistics, struct error *err)
{
    const struct selection_spec *request = report->spec->request;
    const struct findings_spec findings = {
        .selection = report->spec->selection,
        .whole_store = request->device_glob_count + request->product_glob_count == 0,
        .limits = findings_limits_default(),
        .store_dir = report->spec->store_dir,
        .values = report->spec->values,
        .value_count = report->spec->value_count,
        .zone = report->spec->zone};
    TRY(findings_query(snapshot, &findings, &report->findings, statistics, err));
    return count_findings(report, err);
}
