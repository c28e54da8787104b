/*
 * gaps.c - figures from the intervals of each device; the list by a second scan.
 *
 * The reach is known only once all intervals of a device are: so the first scan keeps a
 * tally of them, from which the sum of what is covered and the number of gaps follow without
 * their order. Only the list needs the times again.
 */
#include "query/gaps/gaps_internal.h"

#include "engine/base/mem.h"
#include "query/tally/tally.h"

#define MILLI 1000

/* The first scan. */
struct survey {
    struct gaps *gaps;
    const struct gaps_spec *spec;
    struct time_range bounds;
    struct tally intervals; /* of the device at hand, the ends of its span not among them */
    uint32_t rank;          /* of the device at hand; UINT32_MAX: none yet */
};

/* The second. */
struct listing {
    struct gaps *gaps;
    uint32_t rank;
    int64_t report_ms;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the gaps of devices");
}

void gaps_release(struct gaps *gaps)
{
    mem_free(gaps->devices);
    mem_free(gaps->list);
    *gaps = (struct gaps){0};
}

struct exact_value device_gaps_coverage(const struct device_gaps *device)
{
    if (device->covered_ms < 0)
        return exact_null();
    return exact_ratio((u128)device->covered_ms,
                       (u128)gaps_between(device->begin_ms, device->end_ms));
}

/* --- one device ---------------------------------------------------------------------------- */

/* factor_milli * usual / 1000, cut; the longest time there is where that is more. */
static int64_t factor_reach(int64_t usual_ms, uint32_t factor_milli)
{
    const i128 reach = (i128)usual_ms * factor_milli / MILLI;
    return reach < INT64_MAX ? (int64_t)reach : INT64_MAX;
}

static void see_interval(struct device_gaps *device, struct gap interval)
{
    const int64_t length_ms = gaps_between(interval.start_ms, interval.until_ms);
    if (device->has_largest &&
        length_ms <= gaps_between(device->largest.start_ms, device->largest.until_ms))
        return;
    device->has_largest = true;
    device->largest = interval;
}

/* An interval at an end of the span; a report at that very end leaves none. */
static void see_end(struct device_gaps *device, struct gap interval)
{
    if (interval.until_ms > interval.start_ms)
        see_interval(device, interval);
}

static struct gap begin_interval(const struct device_gaps *device)
{
    return (struct gap){.start_ms = device->begin_ms,
                        .until_ms = device->first_ms,
                        .device = device->device,
                        .at_begin = true};
}

static struct gap end_interval(const struct device_gaps *device)
{
    return (struct gap){.start_ms = device->last_ms,
                        .until_ms = device->end_ms,
                        .device = device->device,
                        .at_end = true};
}

static void cover(struct device_gaps *device, int64_t length_ms, uint64_t count, bool covers)
{
    const int64_t covered_ms = length_ms < device->reach_ms ? length_ms : device->reach_ms;
    const i128 all_ms = device->covered_ms + (i128)covered_ms * (i128)count;
    if (covers)
        device->covered_ms = all_ms < INT64_MAX ? (int64_t)all_ms : INT64_MAX;
    if (length_ms > device->reach_ms)
        device->gap_count += count;
}

/* All reports of the device are in: what follows from them. */
static enum status finish_device(struct survey *survey)
{
    if (survey->rank == UINT32_MAX)
        return STATUS_OK;
    struct device_gaps *device = &survey->gaps->devices[survey->rank];
    const struct gaps_spec *spec = survey->spec;
    TRY(tally_close(&survey->intervals));
    if (survey->intervals.count > 0)
        device->usual_ms = (int64_t)tally_at(&survey->intervals, 1, 2);
    if (spec->longer_than_ms > 0)
        device->reach_ms = spec->longer_than_ms;
    else if (device->usual_ms >= 0)
        device->reach_ms = factor_reach(
            device->usual_ms, spec->factor_milli > 0 ? spec->factor_milli : GAPS_FACTOR_MILLI);
    see_end(device, end_interval(device));
    if (device->reach_ms >= 0) {
        device->covered_ms = 0;
        cover(device, gaps_between(device->begin_ms, device->first_ms), 1, false);
        cover(device, gaps_between(device->last_ms, device->end_ms), 1, true);
        for (size_t i = 0; i < survey->intervals.waiting_count; i++)
            cover(device, (int64_t)survey->intervals.waiting[i], 1, true);
        for (size_t i = 0; i < survey->intervals.entry_count; i++)
            cover(device, (int64_t)survey->intervals.entries[i].value,
                  survey->intervals.entries[i].count, true);
    }
    tally_clear(&survey->intervals);
    return STATUS_OK;
}

static enum status begin_device(struct survey *survey, uint32_t rank, int64_t time_ms)
{
    TRY(finish_device(survey));
    survey->rank = rank;
    struct device_gaps *device = &survey->gaps->devices[rank];
    device->first_ms = time_ms;
    if (!survey->spec->selection->has_from)
        device->begin_ms = time_ms;
    device->last_ms = time_ms;
    see_end(device, begin_interval(device));
    return STATUS_OK;
}

static enum status survey_row(void *context, uint32_t rank)
{
    struct survey *survey = context;
    survey->gaps->devices[rank].readings++;
    return STATUS_OK;
}

static enum status survey_report(void *context, uint32_t rank, int64_t time_ms)
{
    struct survey *survey = context;
    struct device_gaps *device = &survey->gaps->devices[rank];
    if (survey->rank != rank) {
        TRY(begin_device(survey, rank, time_ms));
    } else {
        const struct gap interval = {
            .start_ms = device->last_ms, .until_ms = time_ms, .device = device->device};
        see_interval(device, interval);
        TRY(tally_add(&survey->intervals, (uint64_t)gaps_between(device->last_ms, time_ms)));
        device->last_ms = time_ms;
    }
    device->reports++;
    return STATUS_OK;
}

/* --- the queries --------------------------------------------------------------------------- */

/* Devices without a report: a given range is one gap, unless that is too short to be one. */
static void finish_silent(struct gaps *gaps, const struct gaps_spec *spec)
{
    for (size_t i = 0; i < gaps->device_count; i++) {
        struct device_gaps *device = &gaps->devices[i];
        if (device->reports > 0)
            continue;
        if (!spec->selection->has_from)
            device->begin_ms = device->end_ms;
        if (device->begin_ms == device->end_ms)
            continue;
        device->has_largest = true;
        device->largest = (struct gap){.start_ms = device->begin_ms,
                                       .until_ms = device->end_ms,
                                       .device = device->device,
                                       .at_begin = true,
                                       .at_end = true};
        device->covered_ms = 0;
        device->reach_ms = spec->longer_than_ms;
        device->gap_count = gaps_between(device->begin_ms, device->end_ms) > device->reach_ms;
    }
}

static enum status survey_init(struct survey *survey, const struct snapshot *snapshot)
{
    const struct selection *selection = survey->spec->selection;
    struct gaps *gaps = survey->gaps;
    gaps->devices = mem_alloc_zeroed(selection->device_count, sizeof *gaps->devices);
    if (!gaps->devices)
        return STATUS_NOMEM;
    gaps->device_count = selection->device_count;
    const bool any = selection_bounds(selection, snapshot, &survey->bounds);
    for (uint32_t rank = 0; rank < selection->device_count; rank++) {
        gaps->devices[rank] = (struct device_gaps){.begin_ms = any ? survey->bounds.from_ms : 0,
                                                   .end_ms = any ? survey->bounds.until_ms : 0,
                                                   .usual_ms = -1,
                                                   .reach_ms = -1,
                                                   .covered_ms = -1,
                                                   .device = selection->devices[rank]};
    }
    return STATUS_OK;
}

enum status gaps_query(struct snapshot *snapshot, const struct gaps_spec *spec, struct gaps *gaps,
                       struct scan_statistics *statistics, struct error *err)
{
    OWNED(gaps_plan_release) struct gaps_plan plan = {0};
    struct survey survey = {.gaps = gaps, .spec = spec, .rank = UINT32_MAX};
    if (gaps_plan_init(&plan, snapshot, spec) != STATUS_OK ||
        survey_init(&survey, snapshot) != STATUS_OK)
        return no_memory(err);
    const struct report_visitor visitor = {
        .context = &survey, .row = survey_row, .report = survey_report};
    enum status status = gaps_scan(snapshot, &plan, &visitor, statistics, err);
    if (status == STATUS_OK)
        status = finish_device(&survey);
    tally_release(&survey.intervals);
    finish_silent(gaps, spec);
    return status == STATUS_NOMEM ? no_memory(err) : status;
}

/* --- the list ------------------------------------------------------------------------------ */

static enum status list_interval(struct listing *listing, const struct device_gaps *device,
                                 struct gap interval)
{
    struct gaps *gaps = listing->gaps;
    if (device->reach_ms < 0 ||
        gaps_between(interval.start_ms, interval.until_ms) <= device->reach_ms)
        return STATUS_OK;
    TRY(mem_grow(&gaps->list, &gaps->list_capacity, gaps->list_count + 1, sizeof *gaps->list));
    gaps->list[gaps->list_count++] = interval;
    return STATUS_OK;
}

static enum status list_report(void *context, uint32_t rank, int64_t time_ms)
{
    struct listing *listing = context;
    const struct device_gaps *device = &listing->gaps->devices[rank];
    if (listing->rank != rank) {
        listing->rank = rank;
        TRY(list_interval(listing, device, begin_interval(device)));
    } else {
        const struct gap interval = {
            .start_ms = listing->report_ms, .until_ms = time_ms, .device = device->device};
        TRY(list_interval(listing, device, interval));
    }
    listing->report_ms = time_ms;
    return time_ms == device->last_ms ? list_interval(listing, device, end_interval(device))
                                      : STATUS_OK;
}

/* The scan goes by device number, the list by name: the sort by places is stable. */
static enum status order_list(struct gaps *gaps, const struct gaps_plan *plan)
{
    struct gap *ordered = mem_alloc(gaps->list_count, sizeof *ordered);
    size_t *starts = mem_alloc_zeroed(gaps->device_count + 1, sizeof *starts);
    if (!ordered || !starts) {
        mem_free(ordered);
        mem_free(starts);
        return STATUS_NOMEM;
    }
    for (size_t i = 0; i < gaps->list_count; i++)
        starts[plan->ranks[device_place(&plan->places, gaps->list[i].device)] + 1]++;
    for (size_t rank = 0; rank < gaps->device_count; rank++)
        starts[rank + 1] += starts[rank];
    for (size_t i = 0; i < gaps->list_count; i++) {
        const uint32_t rank = plan->ranks[device_place(&plan->places, gaps->list[i].device)];
        ordered[starts[rank]++] = gaps->list[i];
    }
    mem_free(starts);
    mem_free(gaps->list);
    gaps->list = ordered;
    gaps->list_capacity = gaps->list_count;
    return STATUS_OK;
}

enum status gaps_list(struct snapshot *snapshot, const struct gaps_spec *spec, struct gaps *gaps,
                      struct scan_statistics *statistics, struct error *err)
{
    OWNED(gaps_plan_release) struct gaps_plan plan = {0};
    if (gaps_plan_init(&plan, snapshot, spec) != STATUS_OK)
        return no_memory(err);
    struct listing listing = {.gaps = gaps, .rank = UINT32_MAX};
    const struct report_visitor visitor = {.context = &listing, .report = list_report};
    enum status status = gaps_scan(snapshot, &plan, &visitor, statistics, err);
    for (size_t i = 0; status == STATUS_OK && i < gaps->device_count; i++) {
        const struct device_gaps *device = &gaps->devices[i];
        if (device->reports == 0 && device->gap_count > 0)
            status = list_interval(&listing, device, device->largest);
    }
    if (status == STATUS_OK && gaps->list_count > 0)
        status = order_list(gaps, &plan);
    return status == STATUS_NOMEM ? no_memory(err) : status;
}
