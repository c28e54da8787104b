/*
 * write_overview.c - the top of the page: what a reader wants to know first, in words.
 *
 * Cards hold one answer each: the worst device, its longest outage, the longest of all where
 * that is another device's, the highest hour of each metric, what was not understood. Where no
 * state is known, readings tell the worst device (write_gaps.c).
 */
#include "query/report/report_internal.h"

#include "cli/human.h"
#include "query/markup/markup.h"

#include <string.h>

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* --- cards --------------------------------------------------------------------------------- */

void report_open_card(FILE *out, const char *id, const char *title)
{
    (void)fprintf(out, "<li class=\"card\" id=\"%s\"><h3>%s</h3>\n<div class=\"big\">", id, title);
}

void report_close_big(FILE *out)
{
    (void)fputs("</div>\n<p>", out);
}

void report_close_card(FILE *out)
{
    (void)fputs("</p></li>\n", out);
}

static void put_worst(const struct report *report, FILE *out)
{
    const uint32_t index = report->online.ranking[0];
    const struct chart_lane *lane = &report->online.lanes.lanes[index];
    const struct report_device *device = &report->online.devices[index];
    const struct timeline_span *total = &lane->total;
    report_open_card(out, "worst-device", "Worst device");
    report_put_name(out, lane->label);
    report_close_big(out);
    report_put_share(out, (uint64_t)total->online_ms, report_known_ms(total));
    (void)fputs(" available: online ", out);
    report_put_duration(out, total->online_ms);
    (void)fputs(", offline ", out);
    report_put_duration(out, total->offline_ms);
    (void)fputs(", ", out);
    report_put_count(out, lane->outages);
    (void)fprintf(out, " outage%s. At the end it is %s", plural(lane->outages),
                  timeline_state_word(device->state));
    if (device->state != TIMELINE_UNKNOWN) {
        (void)fputs(" since ", out);
        report_put_time(out, report->spec->zone, device->since_ms);
    }
    (void)fputs(".", out);
    report_close_card(out);
}

static void put_outage(const struct report *report, FILE *out, const char *title, const char *id,
                       uint32_t index)
{
    const struct chart_lane *lane = &report->online.lanes.lanes[index];
    const int64_t until_ms = lane->longest_outage_at_ms + lane->longest_outage_ms;
    report_open_card(out, id, title);
    if (lane->longest_outage_ms == 0) {
        (void)fputs("none", out);
        report_close_big(out);
        (void)fputs("It was never offline in the range.", out);
        report_close_card(out);
        return;
    }
    report_put_duration(out, lane->longest_outage_ms);
    report_close_big(out);
    (void)fputs("from ", out);
    report_put_time(out, report->spec->zone, lane->longest_outage_at_ms);
    (void)fputs(" to ", out);
    report_put_time(out, report->spec->zone, until_ms);
    if (until_ms == report->range.until_ms)
        (void)fputs(", the end of the range", out);
    (void)fputs(": ", out);
    report_put_name(out, lane->label);
    report_close_card(out);
}

/* The device with the longest outage, by name the first of several; UINT32_MAX: there is none. */
static uint32_t longest_outage(const struct report *report)
{
    const struct chart_lanes *lanes = &report->online.lanes;
    uint32_t found = UINT32_MAX;
    for (uint32_t i = 0; i < lanes->count; i++) {
        const int64_t best = found == UINT32_MAX ? 0 : lanes->lanes[found].longest_outage_ms;
        if (report->online.devices[i].basis == BASIS_STATUS &&
            lanes->lanes[i].longest_outage_ms > best)
            found = i;
    }
    return found;
}

static uint32_t most_outages(const struct report *report)
{
    const struct chart_lanes *lanes = &report->online.lanes;
    uint32_t found = report->online.ranking[0];
    for (uint32_t i = 0; i < lanes->count; i++) {
        if (report->online.devices[i].basis == BASIS_STATUS &&
            (lanes->lanes[i].outages > lanes->lanes[found].outages ||
             (lanes->lanes[i].outages == lanes->lanes[found].outages && i < found)))
            found = i;
    }
    return found;
}

static void put_most_outages(const struct report *report, FILE *out)
{
    const uint32_t index = most_outages(report);
    const struct chart_lane *lane = &report->online.lanes.lanes[index];
    if (lane->outages < 2)
        return;
    report_open_card(out, "most-outages", "Most outages");
    report_put_count(out, lane->outages);
    report_close_big(out);
    report_put_name(out, lane->label);
    (void)fputs(", ", out);
    report_put_share(out, (uint64_t)lane->total.online_ms, report_known_ms(&lane->total));
    (void)fputs(" available", out);
    report_close_card(out);
}

static void put_online_cards(const struct report *report, FILE *out)
{
    if (report_is_by_readings(report)) {
        report_put_coverage_cards(report, out);
        return;
    }
    if (report->online.known == 0) {
        report_open_card(out, "worst-device", "Worst device");
        (void)fputs("not known", out);
        report_close_big(out);
        (void)fputs("No status event says whether a device was online, and no device sent enough "
                    "readings to tell how often it usually does.",
                    out);
        report_close_card(out);
        return;
    }
    const uint32_t worst = report->online.ranking[0];
    const uint32_t longest = longest_outage(report);
    put_worst(report, out);
    put_outage(report, out, "Its longest outage", "longest-outage", worst);
    if (longest != UINT32_MAX && report->online.lanes.lanes[longest].longest_outage_ms >
                                     report->online.lanes.lanes[worst].longest_outage_ms)
        put_outage(report, out, "Longest outage of all", "longest-of-all", longest);
    put_most_outages(report, out);
    report_put_coverage_card(report, out);
}

/* "Most humid hour", "Hottest hour", "Highest hour of pressure" */
static void put_hour_title(FILE *out, struct slice metric)
{
    if (slice_equal(metric, slice_of_text("humidity"))) {
        (void)fputs("Most humid hour", out);
    } else if (slice_equal(metric, slice_of_text("temperature"))) {
        (void)fputs("Hottest hour", out);
    } else {
        (void)fputs("Highest hour of ", out);
        markup_put(out, metric);
    }
}

static void put_set_aside(const struct report *report, const struct report_metric *metric,
                          FILE *out)
{
    (void)fprintf(out,
                  "</p>\n<p class=\"faint\">%s%zu hour%s with impossible values %s set aside, ",
                  metric->set_aside_count == 1 ? "" : "All ", metric->set_aside_count,
                  plural(metric->set_aside_count), metric->set_aside_count == 1 ? "is" : "are");
    (void)fputs(metric->set_aside_count == 1 ? "" : "the highest ", out);
    report_put_time(out, report->spec->zone, metric->set_aside.from_ms);
    (void)fputs(" with up to ", out);
    report_put_value(out, metric->set_aside.most);
    (void)fputs(".", out);
}

static void put_hour(const struct report *report, size_t index, FILE *out)
{
    const struct report_metric *metric = &report->readings.metrics[index];
    const struct report_hour *hour = &metric->highest;
    if (!hour->found && metric->set_aside_count == 0)
        return;
    (void)fprintf(out, "<li class=\"card\" id=\"hour-%zu\"><h3>", index);
    put_hour_title(out, metric->name);
    (void)fputs("</h3>\n<div class=\"big\">", out);
    if (hour->found)
        report_put_time(out, report->spec->zone, hour->from_ms);
    else
        (void)fputs("none that is possible", out);
    report_close_big(out);
    if (hour->found) {
        markup_put(out, metric->name);
        (void)fputs(" ", out);
        report_put_value(out, hour->average);
        (void)fputs(" on average of ", out);
        report_put_count(out, hour->count);
        (void)fprintf(out, " reading%s; highest with ", plural(hour->count));
        report_put_value(out, hour->device_average);
        (void)fputs(": ", out);
        report_put_name(out, hour->device);
    }
    if (metric->set_aside_count > 0)
        put_set_aside(report, metric, out);
    report_close_card(out);
}

/* How much of what, and the gravest in words. */
static void put_findings(const struct report *report, FILE *out)
{
    report_open_card(out, "wrong", "What looks wrong");
    if (report->findings.count == 0) {
        (void)fputs("nothing", out);
        report_close_big(out);
        (void)fputs("No check found anything.", out);
        report_close_card(out);
        return;
    }
    bool any = false;
    for (size_t i = 0; i < SEVERITY_COUNT; i++) {
        if (report->severities[i] == 0)
            continue;
        (void)fputs(any ? ", " : "", out);
        report_put_count(out, report->severities[i]);
        (void)fprintf(out, " %s%s", finding_severity_word((enum finding_severity)i),
                      plural(report->severities[i]));
        any = true;
    }
    report_close_big(out);
    const struct finding *first = &report->findings.items[0];
    if (first->device.len > 0) {
        report_put_name(out, first->device);
        (void)fputs(": ", out);
    }
    if (first->has_metric) {
        report_put_name(out, first->metric);
        (void)fputs(", ", out);
    }
    markup_put(out, first->evidence);
    (void)fputs(". <a href=\"#findings\">All of them</a>", out);
    report_close_card(out);
}

static void put_rejects(const struct report *report, FILE *out)
{
    report_open_card(out, "rejected", "Not understood");
    report_put_count(out, report->reject_count);
    report_close_big(out);
    if (report->reject_count == 0) {
        (void)fputs("Every message was understood.", out);
        report_close_card(out);
        return;
    }
    size_t most = 0;
    for (size_t i = 1; i < REJECT_REASON_COUNT; i++) {
        if (report->rejects[i].count > report->rejects[most].count)
            most = i;
    }
    (void)fprintf(
        out, "message%s kept aside, mostly <code>%s</code>: <a href=\"#rejects\">by reason</a>",
        plural(report->reject_count), reject_reason_word((enum reject_reason)most));
    report_close_card(out);
}

/* --- words --------------------------------------------------------------------------------- */

static void put_counts(const struct report *report, FILE *out)
{
    const uint32_t devices = report->spec->selection->device_count;
    (void)fputs("<p>From ", out);
    report_put_time(out, report->spec->zone, report->range.from_ms);
    (void)fputs(" to ", out);
    report_put_time(out, report->spec->zone, report->range.until_ms);
    (void)fputs(" (", out);
    report_put_duration(out, report->range.until_ms - report->range.from_ms);
    (void)fputs(", ", out);
    markup_put_text(out, report->spec->zone->name);
    (void)fputs(") ", out);
    report_put_count(out, report->active_devices);
    (void)fputs(" of ", out);
    report_put_count(out, devices);
    (void)fprintf(out, " device%s in ", plural(devices));
    report_put_count(out, report->online.product_count);
    (void)fprintf(out, " product%s sent ", plural(report->online.product_count));
    report_put_count(out, report->rows[TABLE_READINGS]);
    (void)fprintf(out, " reading%s and ", plural(report->rows[TABLE_READINGS]));
    report_put_count(out, report->rows[TABLE_STATUS]);
    (void)fprintf(out, " status event%s.</p>\n", plural(report->rows[TABLE_STATUS]));
}

/* Devices of which readings tell what no status event does. */
static void put_by_readings(const struct report *report, FILE *out)
{
    const struct report_online *online = &report->online;
    if (online->by_readings == 0)
        return;
    (void)fputs("<p>Of ", out);
    report_put_count(out, online->by_readings);
    (void)fprintf(out,
                  " device%s no status event says when %s online: over all of them, readings "
                  "cover ",
                  plural(online->by_readings), online->by_readings == 1 ? "it was" : "they were");
    report_put_share(out, (uint64_t)online->covered.online_ms, report_known_ms(&online->covered));
    (void)fputs(" of the time. What is missing may be an outage, or just no reading.</p>\n", out);
}

static void put_fleet(const struct report *report, FILE *out)
{
    const struct report_online *online = &report->online;
    const struct timeline_span *total = &online->total;
    uint32_t offline = 0;
    uint32_t spotless = 0;
    for (uint32_t i = 0; i < online->lanes.count; i++) {
        offline += online->devices[i].state == TIMELINE_OFFLINE;
        spotless += online->devices[i].basis == BASIS_STATUS &&
                    online->lanes.lanes[i].total.offline_ms == 0;
    }
    if (online->known == 0)
        return;
    (void)fputs("<p>Of ", out);
    report_put_count(out, online->known);
    (void)fprintf(out, " device%s with a known state, ", plural(online->known));
    report_put_count(out, spotless);
    (void)fprintf(out, " %s never offline; ", spotless == 1 ? "was" : "were");
    report_put_count(out, offline);
    (void)fprintf(out, " %s offline at the end. Over all of them, availability was ",
                  offline == 1 ? "is" : "are");
    report_put_share(out, (uint64_t)total->online_ms, report_known_ms(total));
    (void)fputs(".</p>\n", out);
}

void report_write_overview(const struct report *report, FILE *out)
{
    (void)fputs("<section id=\"overview\">\n<h2>At a glance</h2>\n", out);
    if (!report->has_range) {
        (void)fputs("<p>The store holds no reading and no status event.</p>\n", out);
        (void)fputs("<ul class=\"cards\">\n", out);
        put_rejects(report, out);
        (void)fputs("</ul>\n</section>\n", out);
        return;
    }
    (void)fputs("<ul class=\"cards\">\n", out);
    if (report->spec->selection->device_count > 0)
        put_online_cards(report, out);
    for (size_t i = report->readings.count; i-- > 0;) // humidity before temperature
        put_hour(report, i, out);
    put_findings(report, out);
    put_rejects(report, out);
    (void)fputs("</ul>\n", out);
    put_counts(report, out);
    put_fleet(report, out);
    put_by_readings(report, out);
    (void)fputs("</section>\n", out);
}
