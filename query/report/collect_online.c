/*
 * collect_online.c - a lane for each selected device, ranked by availability.
 *
 * Worst first: the lower availability, of equal ones the longer offline, then the name. Devices of
 * which no state is known come behind them, ranked by the coverage of their readings, as `mnsdb
 * gaps --order-by coverage` does; then those without either. Products are ranked alike, by the sums
 * over their devices.
 */
#include "query/report/report_internal.h"

#include "engine/base/mem.h"
#include "query/online/online.h"

#include <stdlib.h>

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the timelines of the report");
}

void report_release_online(struct report_online *online)
{
    chart_lanes_release(&online->lanes);
    mem_free(online->devices);
    mem_free(online->ranking);
    mem_free(online->order);
    mem_free(online->products);
}

/* --- ranking ------------------------------------------------------------------------------- */

/* < 0: `a` is worse. */
static int compare_spans(const struct timeline_span *a, const struct timeline_span *b)
{
    const uint64_t known_a = report_known_ms(a);
    const uint64_t known_b = report_known_ms(b);
    if (known_a == 0 || known_b == 0)
        return (known_a == 0) - (known_b == 0);
    const u128 left = (u128)(uint64_t)a->online_ms * known_b;
    const u128 right = (u128)(uint64_t)b->online_ms * known_a;
    if (left != right)
        return left < right ? -1 : 1;
    return (a->offline_ms < b->offline_ms) - (a->offline_ms > b->offline_ms);
}

/* Lanes are in the order of names. */
static int compare_lanes(const void *left, const void *right, void *context)
{
    const struct report *report = context;
    const struct report_online *online = &report->online;
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    const enum report_basis basis = online->devices[a].basis;
    if (basis != online->devices[b].basis)
        return basis < online->devices[b].basis ? -1 : 1;
    int order = 0;
    if (basis == BASIS_STATUS)
        order = compare_spans(&online->lanes.lanes[a].total, &online->lanes.lanes[b].total);
    else if (basis == BASIS_READINGS)
        order = exact_compare(device_gaps_coverage(&report->gaps.devices[a]),
                              device_gaps_coverage(&report->gaps.devices[b]));
    return order != 0 ? order : (a > b) - (a < b);
}

static int compare_products(const void *left, const void *right)
{
    const struct report_product *a = left;
    const struct report_product *b = right;
    int order = compare_spans(&a->total, &b->total);
    if (order == 0)
        order = compare_spans(&a->covered, &b->covered);
    return order != 0 ? order : slice_compare(a->name, b->name);
}

static void rank(struct report *report)
{
    struct report_online *online = &report->online;
    for (uint32_t i = 0; i < online->lanes.count; i++)
        online->ranking[i] = i;
    qsort_r(online->ranking, online->lanes.count, sizeof *online->ranking, compare_lanes, report);
    for (uint32_t i = 0; i < online->lanes.count; i++)
        online->devices[online->ranking[i]].rank = i;
}

/* --- products ------------------------------------------------------------------------------ */

static void add_to_total(struct timeline_span *total, const struct timeline_span *span)
{
    total->online_ms += span->online_ms;
    total->offline_ms += span->offline_ms;
    total->unknown_ms += span->unknown_ms;
    total->sessions += span->sessions;
    total->repeats += span->repeats;
    total->stale += span->stale;
    if (span->longest_ms > total->longest_ms)
        total->longest_ms = span->longest_ms;
}

static void add_to_sums(struct report_online *online, struct report_product *product,
                        const struct chart_lane *lane, enum report_basis basis)
{
    if (basis == BASIS_STATUS) {
        product->known++;
        online->known++;
        add_to_total(&product->total, &lane->total);
        add_to_total(&online->total, &lane->total);
    } else if (basis == BASIS_READINGS) {
        product->by_readings++;
        online->by_readings++;
        add_to_total(&product->covered, &lane->total);
        add_to_total(&online->covered, &lane->total);
    }
}

/* Devices are in the order of names, and so are their products. */
static void sum_products(struct report_online *online)
{
    struct report_product *product = NULL;
    for (uint32_t i = 0; i < online->lanes.count; i++) {
        const struct chart_lane *lane = &online->lanes.lanes[i];
        const struct slice name = device_product(lane->label);
        if (!product || !slice_equal(product->name, name)) {
            product = &online->products[online->product_count++];
            *product = (struct report_product){.name = name, .first = i};
        }
        product->count++;
        add_to_sums(online, product, lane, online->devices[i].basis);
    }
}

/* The devices of each product by rank, in the order of products. */
static void order_by_product(struct report_online *online)
{
    qsort(online->products, online->product_count, sizeof *online->products, compare_products);
    uint32_t next = 0;
    for (uint32_t p = 0; p < online->product_count; p++) {
        struct report_product *product = &online->products[p];
        for (uint32_t i = 0; i < product->count; i++)
            online->devices[product->first + i].product = p;
        product->first = next;
        next += product->count;
        product->count = 0;
    }
    for (uint32_t i = 0; i < online->lanes.count; i++) {
        struct report_product *product =
            &online->products[online->devices[online->ranking[i]].product];
        online->order[product->first + product->count++] = online->ranking[i];
    }
}

/* --- lanes --------------------------------------------------------------------------------- */

/* True in `*any` if some device has to be told by its readings. */
static enum status find_bases(struct report *report, const struct event_history *history, bool *any,
                              struct error *err)
{
    OWNED(timeline_release) struct timeline timeline = {0};
    const struct selection *selection = report->spec->selection;
    for (uint32_t i = 0; i < selection->device_count; i++) {
        struct report_device *device = &report->online.devices[i];
        TRY(event_history_timeline(history, selection->devices[i], &report->spec->rules, &timeline,
                                   err));
        const struct timeline_span span =
            timeline_cut(&timeline, report->range.from_ms, report->range.until_ms);
        device->basis = BASIS_NONE;
        if (report_known_ms(&span) > 0)
            device->basis = BASIS_STATUS;
        else if (report_has_coverage(&report->gaps.devices[i]))
            device->basis = BASIS_READINGS;
        *any = *any || device->basis == BASIS_READINGS;
        device->state = timeline_state_at(&timeline, report->range.until_ms, &device->since_ms);
    }
    return STATUS_OK;
}

static enum status add_devices(struct report *report, const struct snapshot *snapshot,
                               const struct event_history *history, struct error *err)
{
    OWNED(timeline_release) struct timeline timeline = {0};
    struct report_online *online = &report->online;
    const struct selection *selection = report->spec->selection;
    size_t first_gap = 0;
    for (uint32_t i = 0; i < selection->device_count; i++) {
        const uint32_t device = selection->devices[i];
        if (online->devices[i].basis == BASIS_READINGS)
            TRY(report_cover(report, i, first_gap, &timeline, err));
        else
            TRY(event_history_timeline(history, device, &report->spec->rules, &timeline, err));
        first_gap += report->gaps.devices[i].gap_count;
        TRY(chart_lanes_add(&online->lanes, snapshot_device_name(snapshot, device), &timeline,
                            err));
    }
    return STATUS_OK;
}

static void make_axis(struct report *report)
{
    struct svg_activity activity;
    svg_activity_init(&activity, report->range.from_ms, report->range.until_ms);
    svg_activity_note_lanes(&activity, &report->online.lanes);
    svg_axis_init_busy(&report->online.axis, report->spec->zone, &activity);
}

enum status report_collect_online(struct report *report, struct snapshot *snapshot,
                                  struct scan_statistics *statistics, struct error *err)
{
    OWNED(event_history_release) struct event_history history = {0};
    struct report_online *online = &report->online;
    const size_t count = report->spec->selection->device_count;
    TRY(event_history_read(&history, snapshot, report->spec->selection, statistics, err));
    online->devices = mem_alloc_zeroed(count, sizeof *online->devices);
    online->ranking = mem_alloc(count, sizeof *online->ranking);
    online->order = mem_alloc(count, sizeof *online->order);
    online->products = mem_alloc(count, sizeof *online->products);
    if (!online->devices || !online->ranking || !online->order || !online->products)
        return no_memory(err);
    online->lanes.from_ms = report->range.from_ms;
    online->lanes.until_ms = report->range.until_ms;
    bool by_readings = false;
    TRY(find_bases(report, &history, &by_readings, err));
    if (by_readings)
        TRY(report_collect_gap_list(report, snapshot, statistics, err));
    TRY(add_devices(report, snapshot, &history, err));
    rank(report);
    sum_products(online);
    order_by_product(online);
    make_axis(report);
    return STATUS_OK;
}
