/*
 * collect_online.c - a lane for each selected device, ranked by availability.
 *
 * Worst first: the lower availability, of equal ones the longer offline, then the name.
 * Devices of which no state is known have no availability and come last. Products are ranked
 * alike, by the sums over their devices.
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
    const struct report_online *online = context;
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    const int order = compare_spans(&online->lanes.lanes[a].total, &online->lanes.lanes[b].total);
    return order != 0 ? order : (a > b) - (a < b);
}

static int compare_products(const void *left, const void *right)
{
    const struct report_product *a = left;
    const struct report_product *b = right;
    const int order = compare_spans(&a->total, &b->total);
    return order != 0 ? order : slice_compare(a->name, b->name);
}

static void rank(struct report_online *online)
{
    for (uint32_t i = 0; i < online->lanes.count; i++)
        online->ranking[i] = i;
    qsort_r(online->ranking, online->lanes.count, sizeof *online->ranking, compare_lanes, online);
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
        product->known += report_known_ms(&lane->total) > 0;
        online->known += report_known_ms(&lane->total) > 0;
        add_to_total(&product->total, &lane->total);
        add_to_total(&online->total, &lane->total);
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

static enum status add_devices(struct report *report, const struct snapshot *snapshot,
                               const struct event_history *history, struct error *err)
{
    OWNED(timeline_release) struct timeline timeline = {0};
    struct report_online *online = &report->online;
    const struct selection *selection = report->spec->selection;
    for (uint32_t i = 0; i < selection->device_count; i++) {
        const uint32_t device = selection->devices[i];
        TRY(event_history_timeline(history, device, &report->spec->rules, &timeline, err));
        TRY(chart_lanes_add(&online->lanes, snapshot_device_name(snapshot, device), &timeline,
                            err));
        online->devices[i].state =
            timeline_state_at(&timeline, report->range.until_ms, &online->devices[i].since_ms);
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
    TRY(add_devices(report, snapshot, &history, err));
    rank(online);
    sum_products(online);
    order_by_product(online);
    make_axis(report);
    return STATUS_OK;
}
