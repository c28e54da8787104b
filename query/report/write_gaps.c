/*
 * write_gaps.c - how complete the readings of devices are: as a table, and in cards.
 *
 * Where no device has a known state, readings tell which one drops out: then the table stands in
 * the place of availability, and the cards are of this.
 */
#include "query/report/report_internal.h"

#include "query/markup/markup.h"

#include <assert.h>
#include <stdio.h>

#define GAPS_SHOWN 10u
#define GAPS_MAX   300u /* with the fold */

/* --- the table ----------------------------------------------------------------------------- */

static void open_table(FILE *out, const char *id, const char *more)
{
    (void)fprintf(out,
                  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Coverage of "
                  "readings\">\n<table id=\"%s%s\">\n<thead><tr><th scope=\"col\">Device</th>"
                  "<th scope=\"col\" class=\"n\">Coverage</th>"
                  "<th scope=\"col\" class=\"n\">Readings</th>"
                  "<th scope=\"col\" class=\"n\">Usual interval</th>"
                  "<th scope=\"col\" class=\"n\">Gaps</th>"
                  "<th scope=\"col\" class=\"n\">Largest</th><th scope=\"col\">From</th>"
                  "<th scope=\"col\">To</th></tr></thead>\n<tbody>\n",
                  id, more);
}

static void close_table(FILE *out)
{
    (void)fputs("</tbody></table></div>\n", out);
}

static void put_largest(const struct report *report, const struct device_gaps *device, FILE *out)
{
    if (!device->has_largest) {
        (void)fputs("<td></td><td></td><td></td>", out);
        return;
    }
    (void)fputs("<td class=\"n\">", out);
    report_put_duration(out, device->largest.until_ms - device->largest.start_ms);
    (void)fputs("</td><td>", out);
    report_put_time(out, report->spec->zone, device->largest.start_ms);
    (void)fputs("</td><td>", out);
    report_put_time(out, report->spec->zone, device->largest.until_ms);
    (void)fputs("</td>", out);
}

static void put_coverage(const struct device_gaps *device, FILE *out)
{
    const int64_t span_ms = device->end_ms - device->begin_ms;
    if (!report_has_coverage(device))
        return;
    report_put_share(out, (uint64_t)device->covered_ms, (uint64_t)span_ms);
    (void)fputs("<span class=\"bar\" style=\"--v:", out);
    markup_put_number(out, 100.0 * (double)device->covered_ms / (double)span_ms);
    (void)fputs("%\"></span>", out);
}

static void put_device(const struct report *report, const struct device_gaps *device, FILE *out)
{
    (void)fputs("<tr><th scope=\"row\">", out);
    report_put_name(out, snapshot_device_name(report->snapshot, device->device));
    (void)fputs("</th><td class=\"n\">", out);
    put_coverage(device, out);
    (void)fputs("</td><td class=\"n\">", out);
    report_put_count(out, device->readings);
    (void)fputs("</td><td class=\"n\">", out);
    if (device->usual_ms >= 0)
        report_put_duration(out, device->usual_ms);
    (void)fputs("</td><td class=\"n\">", out);
    report_put_count(out, device->gap_count);
    (void)fputs("</td>", out);
    put_largest(report, device, out);
    (void)fputs("</tr>\n", out);
}

static void put_devices(const struct report *report, const uint32_t *devices, size_t count,
                        FILE *out)
{
    for (size_t i = 0; i < count; i++)
        put_device(report, &report->gaps.devices[devices[i]], out);
}

void report_write_coverage(const struct report *report, const char *id, const uint32_t *devices,
                           size_t count, size_t shown, FILE *out)
{
    const size_t open = count < shown ? count : shown;
    const size_t listed = count < GAPS_MAX ? count : GAPS_MAX;
    open_table(out, id, "");
    put_devices(report, devices, open, out);
    close_table(out);
    if (listed > open) {
        (void)fprintf(out, "<details><summary>%zu more</summary>\n", listed - open);
        open_table(out, id, "-more");
        put_devices(report, devices + open, listed - open, out);
        close_table(out);
        (void)fputs("</details>\n", out);
    }
    if (count > listed)
        (void)fprintf(out,
                      "<p class=\"note\">%zu devices with better coverage are not in this page: "
                      "<code>mnsdb gaps --order-by coverage</code> lists all.</p>\n",
                      count - listed);
}

/* --- the section --------------------------------------------------------------------------- */

/* Devices that have a coverage: the first in the order. */
static size_t count_covered(const struct report *report)
{
    size_t count = 0;
    while (count < report->gaps.device_count &&
           report_has_coverage(&report->gaps.devices[report->gap_order[count]]))
        count++;
    return count;
}

void report_put_coverage_rule(FILE *out)
{
    (void)fputs("A device's readings cover the time until the next one, but three usual intervals "
                "at most; what is longer is a gap, also that from its last reading to the end.",
                out);
}

void report_write_gaps(const struct report *report, FILE *out)
{
    if (!report->has_range || report_is_by_readings(report))
        return;
    const size_t count = count_covered(report);
    (void)fputs("<section id=\"gaps\">\n<h2>Coverage and gaps, worst first</h2>\n<p>", out);
    if (count == 0) {
        (void)fputs("No device sent enough readings to tell how often it usually does.</p>\n"
                    "</section>\n",
                    out);
        return;
    }
    report_put_coverage_rule(out);
    (void)fputs("</p>\n", out);
    report_write_coverage(report, "coverage", report->gap_order, count, GAPS_SHOWN, out);
    (void)fputs("</section>\n", out);
}

/* --- cards --------------------------------------------------------------------------------- */

static int64_t longest_ms(const struct report *report, uint32_t index)
{
    const struct device_gaps *device = &report->gaps.devices[index];
    return device->has_largest ? device->largest.until_ms - device->largest.start_ms : 0;
}

static struct slice name_of(const struct report *report, uint32_t index)
{
    return report->online.lanes.lanes[index].label;
}

static void put_worst(const struct report *report, uint32_t index, const char *id,
                      const char *title, FILE *out)
{
    const struct device_gaps *device = &report->gaps.devices[index];
    report_open_card(out, id, title);
    report_put_name(out, name_of(report, index));
    report_close_big(out);
    (void)fputs("readings cover ", out);
    report_put_share(out, (uint64_t)device->covered_ms,
                     (uint64_t)(device->end_ms - device->begin_ms));
    (void)fputs(" of its time, with ", out);
    report_put_count(out, device->gap_count);
    (void)fprintf(out, " gap%s", device->gap_count == 1 ? "" : "s");
    if (device->usual_ms >= 0) {
        (void)fputs("; it usually sends every ", out);
        report_put_duration(out, device->usual_ms);
    }
    (void)fprintf(out,
                  ".</p>\n<p class=\"faint\">By readings: no status event says whether %s online.",
                  report_is_by_readings(report) ? "a device was" : "it was");
    report_close_card(out);
}

static void put_silence(const struct report *report, uint32_t index, const char *id,
                        const char *title, FILE *out)
{
    const struct gap *largest = &report->gaps.devices[index].largest;
    report_open_card(out, id, title);
    report_put_duration(out, longest_ms(report, index));
    report_close_big(out);
    (void)fputs("from ", out);
    report_put_time(out, report->spec->zone, largest->start_ms);
    (void)fputs(" to ", out);
    report_put_time(out, report->spec->zone, largest->until_ms);
    if (largest->at_end)
        (void)fputs(", the end of the range", out);
    (void)fputs(": ", out);
    report_put_name(out, name_of(report, index));
    report_close_card(out);
}

static void put_most_gaps(const struct report *report, uint32_t index, FILE *out)
{
    const struct device_gaps *device = &report->gaps.devices[index];
    if (device->gap_count < 2)
        return;
    report_open_card(out, "most-gaps", "Most gaps");
    report_put_count(out, device->gap_count);
    report_close_big(out);
    report_put_name(out, name_of(report, index));
    (void)fputs(", readings cover ", out);
    report_put_share(out, (uint64_t)device->covered_ms,
                     (uint64_t)(device->end_ms - device->begin_ms));
    report_close_card(out);
}

void report_put_coverage_card(const struct report *report, FILE *out)
{
    const struct report_online *online = &report->online;
    if (online->by_readings == 0)
        return;
    const uint32_t worst = online->ranking[online->known];
    const struct device_gaps *device = &report->gaps.devices[worst];
    if (device->covered_ms < device->end_ms - device->begin_ms)
        put_worst(report, worst, "worst-by-readings", "Worst without a known state", out);
}

void report_put_coverage_cards(const struct report *report, FILE *out)
{
    assert(report_is_by_readings(report));
    const uint32_t *ranking = report->online.ranking;
    const uint32_t worst = ranking[0];
    uint32_t longest = worst;
    uint32_t most = worst;
    for (uint32_t i = 1; i < report->online.by_readings; i++) {
        if (longest_ms(report, ranking[i]) > longest_ms(report, longest))
            longest = ranking[i];
        if (report->gaps.devices[ranking[i]].gap_count > report->gaps.devices[most].gap_count)
            most = ranking[i];
    }
    put_worst(report, worst, "worst-device", "Worst device", out);
    if (longest_ms(report, worst) > 0)
        put_silence(report, worst, "longest-silence", "Its longest silence", out);
    if (longest != worst)
        put_silence(report, longest, "longest-of-all", "Longest silence of all", out);
    put_most_gaps(report, most, out);
}
