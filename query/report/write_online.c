/*
 * write_online.c - availability as a table, and the timeline of every device.
 *
 * The table is short: the worst, more of them in a fold. The timeline has all devices, up to
 * REPORT_LANES_MAX: a fold for each product, worst product first, a fold for each
 * LANES_CHUNK devices behind the first LANES_SHOWN of it. Products of a single device, and those
 * beyond PRODUCTS_MAX, are one group. The more devices there are, the coarser their
 * lanes, so that a page of thousands stays some megabytes.
 */
#include "query/report/report_internal.h"

#include "cli/escape.h"
#include "cli/human.h"
#include "engine/row/row.h"
#include "query/markup/markup.h"

#include <stdio.h>
#include <string.h>

#define ROWS_SHOWN   15u
#define ROWS_MAX     300u
#define LANES_SHOWN  60u
#define LANES_CHUNK  250u
#define NAME_SHORT   24u  /* bytes of a name that fit beside a lane */
#define NAME_TAIL    10u  /* characters of its end that a longer name keeps */
#define LANES_OPEN   200u /* so many lanes are shown without a click */
#define PRODUCTS_MAX 200u
#define STEPS_MOST   720u
#define STEPS_LEAST  180u
#define STEPS_ALL    (STEPS_MOST * 1000u) /* of all lanes together, about */

#define TITLE_BYTES (ESCAPE_BYTES(2 * NAME_BYTES_MAX) + 160u)

/* --- the table ----------------------------------------------------------------------------- */

static void open_table(FILE *out, const char *id, const char *label)
{
    (void)fprintf(out,
                  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n"
                  "<table id=\"%s\">\n",
                  label, id);
    (void)fputs(
        "<thead><tr><th scope=\"col\" class=\"n\">#</th><th scope=\"col\">Device</th>"
        "<th scope=\"col\" class=\"n\">Availability</th><th scope=\"col\" class=\"n\">Online</th>"
        "<th scope=\"col\" class=\"n\">Offline</th><th scope=\"col\" class=\"n\">Unknown</th>"
        "<th scope=\"col\" class=\"n\">Sessions</th>"
        "<th scope=\"col\" class=\"n\">Longest outage</th><th scope=\"col\">It began</th>"
        "<th scope=\"col\">At end</th></tr></thead>\n<tbody>\n",
        out);
}

static void close_table(FILE *out)
{
    (void)fputs("</tbody></table></div>\n", out);
}

static void put_availability(FILE *out, const struct timeline_span *total)
{
    const uint64_t known_ms = report_known_ms(total);
    if (known_ms == 0) {
        (void)fputs("<td class=\"n\">no state known</td>", out);
        return;
    }
    (void)fputs("<td class=\"n\">", out);
    report_put_share(out, (uint64_t)total->online_ms, known_ms);
    (void)fputs("<span class=\"bar\" style=\"--v:", out);
    markup_put_number(out, 100.0 * (double)total->online_ms / (double)known_ms);
    (void)fputs("%\"></span></td>", out);
}

static void put_duration_cell(FILE *out, int64_t duration_ms)
{
    (void)fputs("<td class=\"n\">", out);
    report_put_duration(out, duration_ms);
    (void)fputs("</td>", out);
}

static void put_row(const struct report *report, uint32_t rank, FILE *out)
{
    const uint32_t index = report->online.ranking[rank];
    const struct chart_lane *lane = &report->online.lanes.lanes[index];
    const struct report_device *device = &report->online.devices[index];
    (void)fprintf(out, "<tr><td class=\"n\">%u</td><th scope=\"row\">", rank + 1);
    report_put_name(out, lane->label);
    (void)fputs("</th>", out);
    put_availability(out, &lane->total);
    put_duration_cell(out, lane->total.online_ms);
    put_duration_cell(out, lane->total.offline_ms);
    put_duration_cell(out, lane->total.unknown_ms);
    (void)fputs("<td class=\"n\">", out);
    report_put_count(out, lane->total.sessions);
    (void)fputs("</td>", out);
    put_duration_cell(out, lane->longest_outage_ms);
    (void)fputs("<td>", out);
    if (lane->longest_outage_ms > 0)
        report_put_time(out, report->spec->zone, lane->longest_outage_at_ms);
    (void)fprintf(out, "</td><td>%s</td></tr>\n", timeline_state_word(device->state));
}

static void put_rows(const struct report *report, uint32_t from, uint32_t until, FILE *out)
{
    for (uint32_t rank = from; rank < until; rank++)
        put_row(report, rank, out);
}

/* Devices with a known state. */
static void put_ranking(const struct report *report, FILE *out)
{
    const uint32_t count = report->online.known;
    const uint32_t shown = count < ROWS_SHOWN ? count : ROWS_SHOWN;
    const uint32_t listed = count < ROWS_MAX ? count : ROWS_MAX;
    open_table(out, "ranking", "Availability of devices");
    put_rows(report, 0, shown, out);
    close_table(out);
    if (listed > shown) {
        (void)fprintf(out, "<details><summary>Ranks %u to %u</summary>\n", shown + 1, listed);
        open_table(out, "ranking-more", "Availability of more devices");
        put_rows(report, shown, listed, out);
        close_table(out);
        (void)fputs("</details>\n", out);
    }
    if (count > listed) {
        (void)fputs("<p class=\"note\">", out);
        report_put_count(out, count - listed);
        (void)fputs(" devices with better figures are not in this table: "
                    "<code>mnsdb online --order-by availability</code> lists all.</p>\n",
                    out);
    }
}

/* Devices without one: last, or all there is. */
static void put_by_readings(const struct report *report, FILE *out)
{
    const struct report_online *online = &report->online;
    const bool all = online->known == 0;
    if (!all)
        (void)fputs("<h3>Devices without a known state, by coverage of readings</h3>\n", out);
    (void)fprintf(out,
                  "<p>No status event says whether %s online. What their readings cover tells "
                  "which %s out instead. ",
                  all ? "a device was" : "these devices were", all ? "one drops" : "of them drop");
    report_put_coverage_rule(out);
    (void)fputs("</p>\n", out);
    report_write_coverage(report, all ? "coverage" : "ranking-readings",
                          online->ranking + online->known, online->by_readings, ROWS_SHOWN, out);
}

static void put_rest(const struct report *report, FILE *out)
{
    const struct report_online *online = &report->online;
    const size_t ranked = (size_t)online->known + online->by_readings;
    const size_t rest = online->lanes.count - ranked;
    if (ranked > 0 && rest > 0)
        (void)fprintf(out,
                      "<p class=\"note\">%zu device%s with neither a known state nor enough "
                      "readings %s not ranked.</p>\n",
                      rest, rest == 1 ? "" : "s", rest == 1 ? "is" : "are");
}

void report_write_availability(const struct report *report, FILE *out)
{
    if (!report->has_range)
        return;
    const struct report_online *online = &report->online;
    (void)fprintf(out, "<section id=\"availability\">\n<h2>%s, worst first</h2>\n",
                  report_is_by_readings(report) ? "Coverage of readings" : "Availability");
    if (online->lanes.count == 0)
        (void)fputs("<p>No device matches the selection.</p>\n", out);
    else if (online->known == 0 && online->by_readings == 0)
        (void)fputs(
            "<p>No status event says whether a device was online, and no device sent enough "
            "readings to tell how often it usually does.</p>\n",
            out);
    if (online->known > 0)
        put_ranking(report, out);
    if (online->by_readings > 0)
        put_by_readings(report, out);
    put_rest(report, out);
    (void)fputs("</section>\n", out);
}

/* --- lanes --------------------------------------------------------------------------------- */

struct lane_writer {
    const struct report *report;
    FILE *out;
    unsigned steps; /* of a lane */
    uint32_t shown; /* without a fold being opened */
};

static void put_coverage_title(const struct device_gaps *device, const char *share, char *title,
                               size_t size)
{
    char longest[HUMAN_BYTES];
    const int64_t longest_ms =
        device->has_largest ? device->largest.until_ms - device->largest.start_ms : 0;
    (void)snprintf(title, size, ": %s covered by readings, %llu gap%s, the longest silence %s",
                   share, (unsigned long long)device->gap_count, device->gap_count == 1 ? "" : "s",
                   human_duration(longest_ms, longest));
}

/* Bytes of the name before its last characters. */
static size_t head_of_name(struct slice name)
{
    size_t at = name.len;
    for (unsigned characters = 0; at > 0 && characters < NAME_TAIL; characters++) {
        at--;
        while (at > 0 && (name.data[at] & 0xc0) == 0x80)
            at--;
    }
    return at;
}

/* Names of a fleet differ at their end: where one is too long, its middle is left out. */
static void put_lane_name(FILE *out, struct slice name)
{
    if (name.len <= NAME_SHORT) {
        (void)fputs("<span class=\"n\">", out);
        report_put_name(out, name);
    } else {
        const size_t head = head_of_name(name);
        (void)fputs("<span class=\"n l\">", out);
        report_put_name(out, slice_of(name.data, head));
        report_put_name(out, slice_of(name.data + head, name.len - head));
    }
    (void)fputs("</span>", out);
}

/* What the picture shows, for those who cannot see it, or rest on it. */
static void put_lane(const struct lane_writer *writer, uint32_t index, bool whole_name)
{
    const struct chart_lane *lane = &writer->report->online.lanes.lanes[index];
    char share[REPORT_SHARE_BYTES];
    char longest[HUMAN_BYTES];
    char title[TITLE_BYTES];
    const uint64_t known_ms = report_known_ms(&lane->total);
    (void)report_share_text((uint64_t)lane->total.online_ms, known_ms, share);
    size_t used = escape_text(lane->label, title, ESCAPE_BYTES(2 * NAME_BYTES_MAX));
    if (known_ms == 0)
        (void)snprintf(title + used, sizeof title - used, ": %s", share);
    else if (writer->report->online.devices[index].basis == BASIS_READINGS)
        put_coverage_title(&writer->report->gaps.devices[index], share, title + used,
                           sizeof title - used);
    else
        (void)snprintf(
            title + used, sizeof title - used, ": %s online, %llu outages, the longest %s", share,
            (unsigned long long)lane->outages, human_duration(lane->longest_outage_ms, longest));
    (void)fputs("<li>", writer->out);
    put_lane_name(writer->out, whole_name ? lane->label : device_short_name(lane->label));
    svg_write_lane(writer->out, lane, &writer->report->online.axis, writer->steps, title);
    (void)fprintf(writer->out, "<span class=\"v\">%s</span></li>\n",
                  known_ms == 0        ? "\xe2\x80\x93"
                  : strchr(share, '>') ? "&gt; 99.99 %"
                  : strchr(share, '<') ? "&lt; 0.01 %"
                                       : share);
}

static void put_lanes(const struct lane_writer *writer, const uint32_t *lanes, uint32_t count,
                      bool whole_names)
{
    (void)fputs("<div class=\"times\">", writer->out);
    svg_write_axis(writer->out, &writer->report->online.axis, 740, "w");
    svg_write_axis(writer->out, &writer->report->online.axis, 358, "nw");
    (void)fputs("</div>\n<ul class=\"lanes\">\n", writer->out);
    for (uint32_t i = 0; i < count; i++)
        put_lane(writer, lanes[i], whole_names);
    (void)fputs("</ul>\n", writer->out);
}

/* The first of them, and folds with the others. */
static void put_chunks(const struct lane_writer *writer, const uint32_t *lanes, uint32_t count,
                       bool whole_names)
{
    const uint32_t first = count <= LANES_SHOWN + LANES_SHOWN / 2 ? count : LANES_SHOWN;
    put_lanes(writer, lanes, first, whole_names);
    for (uint32_t at = first; at < count;) {
        const uint32_t chunk = count - at < LANES_CHUNK ? count - at : LANES_CHUNK;
        (void)fprintf(writer->out, "<details><summary>Devices %u to %u of %u</summary>\n", at + 1,
                      at + chunk, count);
        put_lanes(writer, lanes + at, chunk, whole_names);
        (void)fputs("</details>\n", writer->out);
        at += chunk;
    }
}

static uint32_t count_basis(const struct lane_writer *writer, const uint32_t *lanes, uint32_t count,
                            enum report_basis basis)
{
    uint32_t found = 0;
    while (found < count && writer->report->online.devices[lanes[found]].basis == basis)
        found++;
    return found;
}

/* Lanes of readings among those of states say what they are. */
static void put_readings_note(const struct lane_writer *writer)
{
    if (!report_is_by_readings(writer->report))
        (void)fputs("<p class=\"note\">By readings: tall where they cover the time, low where "
                    "they leave a gap, a thin line before the first.</p>\n",
                    writer->out);
}

/* Devices of a product, by rank: those with a state, those with readings, those with neither. */
static void put_devices(const struct lane_writer *writer, const uint32_t *lanes, uint32_t count)
{
    const uint32_t known = count_basis(writer, lanes, count, BASIS_STATUS);
    const uint32_t covered = count_basis(writer, lanes + known, count - known, BASIS_READINGS);
    const uint32_t rest = count - known - covered;
    if (known > 0)
        put_chunks(writer, lanes, known, false);
    if (covered > 0) {
        if (known > 0)
            (void)fprintf(writer->out,
                          "<details><summary>%u device%s without a known state</summary>\n",
                          covered, covered == 1 ? "" : "s");
        put_readings_note(writer);
        put_chunks(writer, lanes + known, covered, false);
        (void)fputs(known > 0 ? "</details>\n" : "", writer->out);
    }
    if (rest == 0)
        return;
    if (rest < count)
        (void)fprintf(writer->out,
                      "<details><summary>%u device%s with neither a known state nor enough "
                      "readings</summary>\n",
                      rest, rest == 1 ? "" : "s");
    put_chunks(writer, lanes + known + covered, rest, false);
    (void)fputs(rest < count ? "</details>\n" : "", writer->out);
}

static void open_group(struct lane_writer *writer, uint32_t lanes, bool known)
{
    const bool open = known && (writer->shown == 0 || writer->shown + lanes <= LANES_OPEN);
    if (open)
        writer->shown += lanes;
    (void)fputs(open ? "<details open=\"open\"><summary>" : "<details><summary>", writer->out);
}

static void put_product(struct lane_writer *writer, const struct report_product *product,
                        uint32_t left)
{
    const uint32_t count = product->count < left ? product->count : left;
    const uint64_t known_ms = report_known_ms(&product->total);
    const bool by_readings = report_is_by_readings(writer->report) && product->by_readings > 0;
    open_group(writer, count, known_ms > 0 || by_readings);
    report_put_name(writer->out, product->name);
    (void)fputs(" <span class=\"faint\">", writer->out);
    report_put_count(writer->out, product->count);
    (void)fprintf(writer->out, " device%s", product->count == 1 ? "" : "s");
    if (known_ms > 0) {
        (void)fputs(", ", writer->out);
        report_put_share(writer->out, (uint64_t)product->total.online_ms, known_ms);
        (void)fputs(" available", writer->out);
    } else if (!by_readings) {
        (void)fputs(", no state known", writer->out);
    }
    if (known_ms == 0 && product->by_readings > 0) {
        (void)fputs(", readings cover ", writer->out);
        report_put_share(writer->out, (uint64_t)product->covered.online_ms,
                         report_known_ms(&product->covered));
    }
    (void)fputs("</span></summary>\n", writer->out);
    if (count < product->count)
        (void)fprintf(writer->out, "<p class=\"note\">The worst %u of them.</p>\n", count);
    put_devices(writer, writer->report->online.order + product->first, count);
    (void)fputs("</details>\n", writer->out);
}

/* --- the section --------------------------------------------------------------------------- */

static void put_key(bool by_readings, FILE *out)
{
    static const struct {
        const char *word, *of_readings, *path;
    } states[] = {
        {"online: tall", "covered by readings: tall", "<path class=\"on\" d=\"M0 6H18\"/>"},
        {"offline: low", "a gap: low", "<path class=\"of\" d=\"M0 9H18\"/>"},
        {"both within one step", "both within one step",
         "<path class=\"on\" d=\"M0 6H18\"/><path class=\"of\" d=\"M6 9H12\"/>"},
        {"unknown: a thin line", "before the first reading: a thin line",
         "<path class=\"un\" d=\"M0 6H18\"/>"},
    };
    (void)fputs("<ul class=\"key\">\n", out);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        (void)fprintf(out,
                      "<li><svg viewBox=\"0 0 18 12\" preserveAspectRatio=\"none\" "
                      "aria-hidden=\"true\">%s</svg>%s</li>\n",
                      states[i].path, by_readings ? states[i].of_readings : states[i].word);
    (void)fputs("</ul>\n", out);
}

static unsigned choose_steps(uint32_t lanes)
{
    const uint32_t steps = STEPS_ALL / (lanes > 0 ? lanes : 1);
    return steps > STEPS_MOST ? STEPS_MOST : steps < STEPS_LEAST ? STEPS_LEAST : steps;
}

/* The length of a step where time runs evenly. */
static void put_step(const struct lane_writer *writer)
{
    const struct svg_axis *axis = &writer->report->online.axis;
    int64_t longest_ms = 0;
    for (size_t i = 0; i < axis->count; i++) {
        const struct svg_stretch *stretch = &axis->stretches[i];
        const double steps = (stretch->until_share - stretch->from_share) * writer->steps;
        const double step_ms = (double)(stretch->until_ms - stretch->from_ms) / steps;
        if (!stretch->silent && steps > 0 && step_ms > (double)longest_ms)
            longest_ms = (int64_t)step_ms;
    }
    (void)fputs("A step is at most ", writer->out);
    report_put_duration(writer->out, longest_ms);
    (void)fputs(" long.", writer->out);
    if (svg_axis_is_broken(axis))
        (void)fputs(" Where nothing changed for long, time is drawn short and grey.", writer->out);
}

static void put_intro(const struct lane_writer *writer, uint32_t lanes)
{
    const uint32_t all = (uint32_t)writer->report->online.lanes.count;
    (void)fputs("<p>Every product, and within it every device, from the worst to the best. ",
                writer->out);
    if (report_is_by_readings(writer->report))
        (void)fputs("No status event says when a device was online: the lanes show when its "
                    "readings cover the time, and when they leave a gap. ",
                    writer->out);
    put_step(writer);
    (void)fputs("</p>\n", writer->out);
    if (all > lanes) {
        (void)fputs("<p class=\"note\">Drawn are ", writer->out);
        report_put_count(writer->out, lanes);
        (void)fputs(" devices; ", writer->out);
        report_put_count(writer->out, all - lanes);
        (void)fputs(" are left out here, and counted in all sums. <code>--device</code> and "
                    "<code>--product</code> make a report of fewer.</p>\n",
                    writer->out);
    }
}

/* Products beyond the bound: their devices by rank, with whole names. */
static void put_others(struct lane_writer *writer, uint32_t from_product, uint32_t left)
{
    const struct report_online *online = &writer->report->online;
    const uint32_t first = online->products[from_product].first;
    uint32_t count = (uint32_t)online->lanes.count - first;
    count = count < left ? count : left;
    open_group(writer, count, true);
    (void)fprintf(writer->out,
                  "%zu other products <span class=\"faint\">%u devices</span></summary>\n",
                  online->product_count - from_product, count);
    put_chunks(writer, online->order + first, count, true);
    (void)fputs("</details>\n", writer->out);
}

void report_write_timeline(const struct report *report, FILE *out)
{
    const struct report_online *online = &report->online;
    const uint32_t all = (uint32_t)online->lanes.count;
    const uint32_t lanes = all < REPORT_LANES_MAX ? all : REPORT_LANES_MAX;
    if (!report->has_range || all == 0)
        return;
    struct lane_writer writer = {.report = report, .out = out, .steps = choose_steps(lanes)};
    (void)fputs("<section id=\"timeline\">\n<h2>Timeline of every device</h2>\n", out);
    put_intro(&writer, lanes);
    put_key(report_is_by_readings(report), out);
    uint32_t left = lanes;
    uint32_t p = 0;
    for (; p < online->product_count && p < PRODUCTS_MAX && left > 0; p++) {
        const struct report_product *product = &online->products[p];
        put_product(&writer, product, left);
        left -= product->count < left ? product->count : left;
    }
    if (p < online->product_count && left > 0)
        put_others(&writer, p, left);
    (void)fputs("</section>\n", out);
}
