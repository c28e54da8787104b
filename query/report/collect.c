/*
 * collect.c - all that a page needs, read once, so that writing it reads nothing.
 *
 * Figures come from the queries behind the commands: those of devices from the same timelines as
 * `online`, those of metrics from `stats`. What is asked for more than once is kept as it came.
 */
#include "query/report/report_internal.h"

#include "cli/escape.h"
#include "engine/base/mem.h"

#include <string.h>

void report_free(struct report *report)
{
    if (!report)
        return;
    report_release_checks(report);
    report_release_gaps(report);
    report_release_online(&report->online);
    report_release_readings(&report->readings);
    mem_free(report);
}

static void free_owned(struct report **report)
{
    report_free(*report);
}

/* --- rejects ------------------------------------------------------------------------------- */

/* Rejects belong to no device; bounds that were given are about their arrival. */
static enum status take_reject(void *context, const struct kept_reject *kept)
{
    struct report *report = context;
    const struct selection *selection = report->spec->selection;
    struct report_rejects *rejects = &report->rejects[kept->reason];
    if (kept->received_ms < selection->from_ms ||
        (selection->has_until && kept->received_ms >= selection->until_ms))
        return STATUS_OK;
    if (rejects->count == 0 || kept->received_ms < rejects->first_ms)
        rejects->first_ms = kept->received_ms;
    if (rejects->count == 0 || kept->received_ms > rejects->last_ms)
        rejects->last_ms = kept->received_ms;
    if (kept->detail.len > 0)
        (void)escape_text(kept->detail, rejects->detail, sizeof rejects->detail);
    rejects->count++;
    report->reject_count++;
    return STATUS_OK;
}

/* --- all of it ----------------------------------------------------------------------------- */

static enum status collect(struct report *report, struct snapshot *snapshot,
                           struct scan_statistics *statistics, struct error *err)
{
    report->snapshot = snapshot;
    report->counters = *snapshot_counters(snapshot);
    TRY(snapshot_rejects(snapshot, 0, take_reject, report, err));
    report->has_range = selection_bounds(report->spec->selection, snapshot, &report->range);
    if (!report->has_range)
        return STATUS_OK;
    TRY(report_collect_gaps(report, snapshot, statistics, err));
    TRY(report_collect_online(report, snapshot, statistics, err));
    TRY(report_collect_readings(report, snapshot, statistics, err));
    return report_collect_checks(report, snapshot, statistics, err);
}

enum status report_collect(struct report **report, struct snapshot *snapshot,
                           const struct report_spec *spec, struct scan_statistics *statistics,
                           struct error *err)
{
    *report = NULL;
    OWNED(free_owned) struct report *made = mem_alloc_zeroed(1, sizeof *made);
    if (!made)
        return error_set(err, STATUS_NOMEM, "no memory for the report");
    made->spec = spec;
    TRY(collect(made, snapshot, statistics, err));
    *report = made;
    made = NULL;
    return STATUS_OK;
}

void report_write(const struct report *report, FILE *out)
{
    report_write_head(report, out);
    report_write_overview(report, out);
    report_write_availability(report, out);
    report_write_timeline(report, out);
    report_write_readings(report, out);
    report_write_findings(report, out);
    report_write_gaps(report, out);
    report_write_rejects(report, out);
    report_write_method(report, out);
}
