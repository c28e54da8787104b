/*
 * survey.c - the first scan of readings, device after device.
 *
 * What is kept of a device when the next begins are its facts and its cases; intervals and
 * changes are in tallies that the next device reuses.
 */
#include "query/findings/findings_internal.h"

#include "engine/base/mem.h"
#include "query/view/view.h"

#define SNOWFLAKE_EPOCH_MS   INT64_C(1288834974657)
#define SNOWFLAKE_TIME_SHIFT 22
#define MILLI                1000

struct survey {
    struct findings *findings;
    struct metric_watch **watches; /* owned; by metric number; NULL until it is met */
    uint32_t *touched;             /* owned; metrics of the device at hand */
    uint32_t touched_count;
    struct tally intervals;
    uint32_t rank;         /* of the device at hand; UINT32_MAX: none yet */
    uint32_t device_count; /* so far, with the one at hand */
    int64_t report_ms;
};

static void survey_release(struct survey *survey)
{
    for (uint32_t i = 0; survey->watches && i < survey->findings->metric_count; i++) {
        if (survey->watches[i])
            metric_watch_release(survey->watches[i]);
        mem_free(survey->watches[i]);
    }
    mem_free(survey->watches);
    mem_free(survey->touched);
    tally_release(&survey->intervals);
}

/* --- the end of a device ------------------------------------------------------------------- */

static int64_t times(int64_t usual_ms, uint64_t factor_milli)
{
    const i128 product = (i128)usual_ms * (i128)factor_milli / MILLI;
    return product < INT64_MAX ? (int64_t)product : INT64_MAX;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static enum status finish_intervals(struct survey *survey, struct device_facts *device)
{
    const struct findings_limits *limits = &survey->findings->spec->limits;
    struct tally *intervals = &survey->intervals;
    TRY(tally_close(intervals));
    int64_t long_ms = 0;
    if (intervals->count > 0) {
        device->usual_ms = (int64_t)tally_at(intervals, USUAL_NUMERATOR, USUAL_DENOMINATOR);
        long_ms = times(device->usual_ms, limits->gap_factor_milli);
    }
    if (limits->gap_factor_milli > 0 && intervals->count >= GAP_INTERVALS_MIN)
        device->gap_limit_ms = greater(limits->gap_least_ms, long_ms);
    if (limits->silent_ms > 0)
        device->silent_limit_ms = greater(limits->silent_ms, long_ms);
    const bool gaps = device->gap_limit_ms >= 0 &&
                      tally_count_above(intervals, (uint64_t)device->gap_limit_ms) > 0;
    const bool silences = device->silent_limit_ms >= 0 &&
                          tally_count_above(intervals, (uint64_t)device->silent_limit_ms) > 0;
    device->second = gaps || silences;
    tally_clear(intervals);
    return STATUS_OK;
}

static bool moves(const struct frozen_case *frozen)
{
    return frozen->steps >= MOVES_STEPS_MIN && frozen->changes * MOVES_SHARE >= frozen->steps;
}

static enum status keep_range(struct findings *findings, uint32_t rank, uint32_t metric,
                              const struct range_case *found)
{
    TRY(mem_grow(&findings->ranges, &findings->range_capacity, findings->range_count + 1,
                 sizeof *findings->ranges));
    findings->ranges[findings->range_count++] =
        (struct out_of_range){.rank = rank, .metric = metric, .found = *found};
    return STATUS_OK;
}

static enum status keep_frozen(struct findings *findings, uint32_t rank, uint32_t metric,
                               const struct frozen_case *found)
{
    TRY(mem_grow(&findings->frozen, &findings->frozen_capacity, findings->frozen_count + 1,
                 sizeof *findings->frozen));
    struct frozen_case *frozen = &findings->frozen[findings->frozen_count++];
    *frozen = *found;
    frozen->rank = rank;
    frozen->metric = metric;
    return STATUS_OK;
}

static enum status keep_peer(struct findings *findings, uint32_t metric,
                             const struct metric_watch *watch)
{
    TRY(mem_grow(&findings->peers, &findings->peer_capacity, findings->peer_count + 1,
                 sizeof *findings->peers));
    findings->peers[findings->peer_count++] =
        (struct metric_peer){.longest_ms = watch->longest_ms,
                             .metric = metric,
                             .decimals = watch->decimals,
                             .varies = watch->different_count == METRIC_DIFFERENT_MAX};
    return STATUS_OK;
}

static enum status keep_jumps(struct findings *findings, uint32_t rank, uint32_t metric,
                              struct metric_watch *watch)
{
    double usual = 0;
    double threshold = 0;
    if (!metric_watch_jumps(watch, &usual, &threshold))
        return STATUS_OK;
    TRY(mem_grow(&findings->jumps, &findings->jump_capacity, findings->jump_count + 1,
                 sizeof *findings->jumps));
    findings->jumps[findings->jump_count++] =
        (struct jump_case){.device = findings->devices[rank].device,
                           .rank = rank,
                           .metric = metric,
                           .usual = usual,
                           .threshold = threshold};
    findings->devices[rank].second = true;
    return STATUS_OK;
}

static enum status finish_metric(struct survey *survey, uint32_t metric)
{
    struct findings *findings = survey->findings;
    struct metric_watch *watch = survey->watches[metric];
    TRY(metric_watch_end(watch));
    const struct frozen_case *frozen = &watch->frozen;
    findings->metrics[metric].devices_judged += frozen->steps >= MOVES_STEPS_MIN;
    findings->metrics[metric].devices_moving += moves(frozen);
    if (watch->range.count > 0)
        TRY(keep_range(findings, survey->rank, metric, &watch->range));
    if (frozen->is_peer && findings->spec->limits.frozen_ms > 0)
        TRY(keep_peer(findings, metric, watch));
    // One that hardly ever moves tells nothing by standing still.
    if (frozen->stretches > 0 && (frozen->steps < MOVES_STEPS_MIN || moves(frozen)))
        TRY(keep_frozen(findings, survey->rank, metric, frozen));
    return keep_jumps(findings, survey->rank, metric, watch);
}

static enum status finish_device(struct survey *survey)
{
    if (survey->rank == UINT32_MAX)
        return STATUS_OK;
    TRY(finish_intervals(survey, &survey->findings->devices[survey->rank]));
    for (uint32_t i = 0; i < survey->touched_count; i++)
        TRY(finish_metric(survey, survey->touched[i]));
    survey->touched_count = 0;
    return STATUS_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

static void take_clock(struct device_facts *device, const struct findings_limits *limits,
                       const struct row_vector *rows, uint32_t row)
{
    const int64_t time_ms = rows->times_ms[row];
    if (rows->time_sources[row] != TIME_SOURCE_PAYLOAD) {
        if (device->lent_times++ == 0)
            device->lent_first_ms = time_ms;
        device->lent_last_ms = time_ms;
        return;
    }
    const int64_t id_ms =
        (int64_t)(rows->message_ids[row] >> SNOWFLAKE_TIME_SHIFT) + SNOWFLAKE_EPOCH_MS;
    const int64_t behind_ms = gaps_between(time_ms, id_ms);
    if (device->own_times++ == 0 || behind_ms < device->behind_least_ms)
        device->behind_least_ms = behind_ms;
    const int64_t ahead_ms = -behind_ms;
    if (ahead_ms <= limits->clock_ahead_ms || ahead_ms > CLOCK_DAY_MS)
        return;
    if (device->ahead++ == 0)
        device->ahead_first_ms = time_ms;
    device->ahead_last_ms = time_ms;
    device->ahead_most_ms = greater(device->ahead_most_ms, ahead_ms);
}

static enum status take_times(struct survey *survey, struct device_facts *device,
                              const struct row_vector *rows, uint32_t from_row, uint32_t until_row)
{
    const struct findings_limits *limits = &survey->findings->spec->limits;
    for (uint32_t row = from_row; row < until_row; row++) {
        const int64_t time_ms = rows->times_ms[row];
        if (limits->clock_ahead_ms > 0)
            take_clock(device, limits, rows, row);
        if (device->readings++ == 0) {
            device->first_ms = time_ms;
            survey->report_ms = time_ms;
        } else if (gaps_between(survey->report_ms, time_ms) >= GAPS_REPORT_MS) {
            TRY(tally_add(&survey->intervals, (uint64_t)gaps_between(survey->report_ms, time_ms)));
            survey->report_ms = time_ms;
        }
    }
    device->last_ms = survey->report_ms;
    return STATUS_OK;
}

static enum status watch_of(struct survey *survey, uint32_t metric, struct metric_watch **watch)
{
    struct findings *findings = survey->findings;
    if (!survey->watches[metric]) {
        survey->watches[metric] = mem_alloc_zeroed(1, sizeof *survey->watches[metric]);
        if (!survey->watches[metric])
            return STATUS_NOMEM;
    }
    *watch = survey->watches[metric];
    if ((*watch)->device_count != survey->device_count) {
        survey->touched[survey->touched_count++] = metric;
        metric_watch_begin(*watch, &findings->metrics[metric].bounds, &findings->spec->limits);
        (*watch)->device_count = survey->device_count;
    }
    return STATUS_OK;
}

/* Rows of one device. */
static enum status take_device(struct survey *survey, const struct row_vector *rows,
                               uint32_t from_row, uint32_t until_row)
{
    struct findings *findings = survey->findings;
    const uint32_t device = row_vector_device(rows, from_row);
    const uint32_t rank = findings->ranks[device_place(&findings->places, device)];
    if (rank != survey->rank) {
        TRY(finish_device(survey));
        survey->rank = rank;
        survey->device_count++;
    }
    TRY(take_times(survey, &findings->devices[rank], rows, from_row, until_row));
    for (uint32_t i = 0; i < rows->column_count; i++) {
        struct metric_watch *watch = NULL;
        TRY(watch_of(survey, rows->columns[i].metric, &watch));
        TRY(metric_watch_take(watch, rows, &rows->columns[i], from_row, until_row));
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

enum status findings_survey(struct findings *findings, struct error *err)
{
    OWNED(survey_release) struct survey survey = {.findings = findings, .rank = UINT32_MAX};
    survey.watches = mem_alloc_zeroed(findings->metric_count, sizeof *survey.watches);
    survey.touched = mem_alloc(findings->metric_count, sizeof *survey.touched);
    if (!survey.watches || !survey.touched)
        return STATUS_NOMEM;
    if (selection_is_empty(findings->spec->selection))
        return STATUS_OK;
    struct scan_spec scan = selection_scan(findings->spec->selection, TABLE_READINGS);
    scan.columns.all_metrics = true;
    scan.columns.message_ids = true;
    scan.columns.time_sources = true;
    scan.ordered = true;
    const struct scan_visitor visitor = {.context = &survey, .rows = take_rows};
    TRY(view_scan(findings->spec->selection->view, findings->snapshot, &scan, &visitor,
                  findings->statistics, err));
    return finish_device(&survey);
}
