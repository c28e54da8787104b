/*
 * collect_gaps.c - how complete the readings are, and when those of a device cover the time.
 *
 *      reports    |  |  |           |  |  |
 *      covered    ---------...      ---------...      as far as each of them reaches
 *      lane       ============######============####  online: covered; offline: not
 *
 * A device without a known state has a lane of its readings. It is a timeline like the others, so
 * what is drawn and summed up is, too: covered time is held as online, time that is not as offline,
 * and what lies before its first report as unknown. Its share is the coverage of `mnsdb gaps`.
 */
#include "query/report/report_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdlib.h>

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the gaps of the report");
}

void report_release_gaps(struct report *report)
{
    gaps_release(&report->gaps);
    mem_free(report->gap_order);
}

/* Least covered first; those of which nothing can be said come last. */
static int compare_coverage(const void *left, const void *right, void *context)
{
    const struct gaps *gaps = context;
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    const int order = exact_compare(device_gaps_coverage(&gaps->devices[a]),
                                    device_gaps_coverage(&gaps->devices[b]));
    return order != 0 ? order : (a > b) - (a < b);
}

enum status report_collect_gaps(struct report *report, struct snapshot *snapshot,
                                struct scan_statistics *statistics, struct error *err)
{
    const struct gaps_spec spec = {.selection = report->spec->selection};
    TRY(gaps_query(snapshot, &spec, &report->gaps, statistics, err));
    report->gap_order = mem_alloc(report->gaps.device_count, sizeof *report->gap_order);
    if (!report->gap_order)
        return no_memory(err);
    for (uint32_t i = 0; i < report->gaps.device_count; i++)
        report->gap_order[i] = i;
    qsort_r(report->gap_order, report->gaps.device_count, sizeof *report->gap_order,
            compare_coverage, &report->gaps);
    return STATUS_OK;
}

enum status report_collect_gap_list(struct report *report, struct snapshot *snapshot,
                                    struct scan_statistics *statistics, struct error *err)
{
    const struct gaps_spec spec = {.selection = report->spec->selection};
    return gaps_list(snapshot, &spec, &report->gaps, statistics, err);
}

/* --- covered time as a timeline ------------------------------------------------------------ */

static enum status add_covered(struct timeline *covered, int64_t from_ms, int64_t until_ms)
{
    TRY(mem_grow(&covered->sessions, &covered->session_capacity, covered->session_count + 1,
                 sizeof *covered->sessions));
    covered->sessions[covered->session_count++] =
        (struct session){.start_ms = from_ms, .until_ms = until_ms};
    return STATUS_OK;
}

/* Up to each gap, as far as the report before it reaches. */
static enum status cover(const struct device_gaps *device, const struct gap *list,
                         struct timeline *covered)
{
    int64_t from_ms = device->first_ms;
    bool open = device->reports > 0;
    for (uint64_t i = 0; i < device->gap_count; i++) {
        const struct gap *gap = &list[i];
        assert(gap->device == device->device);
        if (gap->at_begin)
            continue;
        assert(open);
        TRY(add_covered(covered, from_ms, gap->start_ms + device->reach_ms));
        from_ms = gap->until_ms;
        open = !gap->at_end;
    }
    return open ? add_covered(covered, from_ms, TIMELINE_OPEN_UNTIL_MS) : STATUS_OK;
}

enum status report_cover(const struct report *report, uint32_t index, size_t first_gap,
                         struct timeline *covered, struct error *err)
{
    const struct device_gaps *device = &report->gaps.devices[index];
    assert(report_has_coverage(device));
    covered->session_count = 0;
    covered->repeat_count = 0;
    covered->stale_count = 0;
    covered->has_change = true;
    covered->first_change_ms = device->begin_ms;
    assert(first_gap + device->gap_count <= report->gaps.list_count);
    const struct gap *list = device->gap_count > 0 ? &report->gaps.list[first_gap] : NULL;
    return cover(device, list, covered) == STATUS_OK ? STATUS_OK : no_memory(err);
}
