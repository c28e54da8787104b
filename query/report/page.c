/*
 * page.c - the beginning and the end of the page, and how its figures were computed.
 *
 * One column that becomes narrow by itself: grids and tables give way, tables scroll in a
 * box of their own, the page never scrolls sideways. Pictures with text in them come in two
 * widths, of which one is shown. On paper it is the light form, without what only helps a reader
 * at a screen.
 */
#include "query/report/report_internal.h"

#include "cli/human.h"
#include "cli/version.h"
#include "query/markup/markup.h"
#include "query/view/view.h"

#include <string.h>

#ifndef MNSDB_VERSION
#error "cli/version.h defines it"
#endif

static const char style[] =
    "*{box-sizing:border-box}\n"
    "html{background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"
    "'Segoe UI','DejaVu Sans',sans-serif;-webkit-text-size-adjust:100%}\n"
    "body{max-width:74rem;margin:0 auto;padding:1.5rem 1rem 4rem;overflow-wrap:anywhere}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .4rem;text-wrap:balance}\n"
    "h2{font-size:1.3rem;margin:3rem 0 .4rem;padding-top:1rem;border-top:1px solid var(--line)}\n"
    "h3{font-size:1.05rem;margin:2rem 0 .3rem}\n"
    "time{white-space:nowrap}\n"
    "p{margin:.4rem 0 .8rem;max-width:48rem}\n"
    "a{color:var(--c0)}\n"
    ":focus-visible{outline:2px solid var(--c0);outline-offset:2px}\n"
    "code{font:.9em ui-monospace,'DejaVu Sans Mono',monospace;background:var(--quiet);"
    "padding:.1em .3em;border-radius:3px}\n"
    ".faint,figcaption,.note{color:var(--faint)}\n"
    ".brand{color:var(--faint);font-weight:600;margin:0}\n"
    "nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;margin:.8rem "
    "0}\n"
    ".cards{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0 1.4rem;padding:0;"
    "list-style:none}\n"
    ".card{flex:1 1 min(max(15rem,22%),100%)}\n"
    ".card:first-child:nth-last-child(5),.card:first-child:nth-last-child(5)~.card,"
    ".card:first-child:nth-last-child(6),.card:first-child:nth-last-child(6)~.card,"
    ".card:first-child:nth-last-child(9),.card:first-child:nth-last-child(9)~.card"
    "{flex-basis:min(max(15rem,30%),100%)}\n"
    ".card{background:var(--quiet);border:1px solid var(--line);border-radius:8px;"
    "padding:.8rem 1rem;min-width:0}\n"
    ".card h3{margin:0;font-size:.85rem;font-weight:600;color:var(--faint)}\n"
    ".card .big{font-size:1.3rem;line-height:1.25;font-weight:650;margin:.2rem 0 .3rem}\n"
    ".card p{margin:.1rem 0;font-size:.93rem}\n"
    ".scroll{overflow-x:auto;margin:.6rem 0}\n"
    "table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;"
    "min-width:100%}\n"
    "caption{text-align:left;color:var(--faint);padding:.2rem 0}\n"
    "th,td{text-align:left;padding:.32rem .6rem .32rem 0;border-bottom:1px solid var(--line);"
    "vertical-align:baseline;overflow-wrap:normal}\n"
    "thead th{color:var(--faint);font-weight:600;vertical-align:bottom}\n"
    "tbody th{font-weight:600;min-width:13rem;max-width:22rem;overflow-wrap:anywhere}\n"
    "td.n,th.n{text-align:right}\n"
    "td.n,td time{white-space:nowrap}\n"
    "td.w{min-width:16rem}\n"
    ".findings td.w{min-width:22rem}.findings tbody th{min-width:17rem}\n"
    "td details{margin:0}\n"
    "td summary{padding:0;font-weight:400;font-size:.85em}\n"
    ".bar{display:inline-block;width:4rem;height:.6rem;margin-left:.5rem;"
    "background:linear-gradient(var(--on),var(--on)) 0/var(--v) 100% no-repeat var(--line);"
    "border-radius:2px;print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
    "figure{margin:.8rem 0 1.2rem}\n"
    "figure svg{display:block;width:100%;height:auto}\n"
    "figcaption{font-size:.85rem;max-width:48rem}\n"
    "svg.nw,.paper{display:none}\n"
    "details{margin:.5rem 0}\n"
    "summary{cursor:pointer;padding:.3rem 0;font-weight:600}\n"
    "summary .faint{font-weight:400}\n"
    ".lanes{list-style:none;margin:0;padding:0;font-size:.85rem}\n"
    ".lanes li,.times{display:grid;grid-template-columns:minmax(0,15rem) minmax(0,1fr) 5rem;"
    "gap:0 .7rem;align-items:center;min-height:1.35rem}\n"
    ".lanes .n{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}\n"
    ".lanes .l{display:flex}\n"
    ".lanes .l bdi{flex:none;white-space:pre}\n"
    ".lanes .l bdi:first-child{flex:0 1 auto;overflow:hidden;text-overflow:ellipsis}\n"
    ".lanes .v{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    ".lanes svg,.key svg{display:block;width:100%;height:12px;print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}\n"
    ".times svg{grid-column:2;display:block;width:100%;height:auto;overflow:visible}\n"
    ".times svg.nw{display:none}\n"
    ".key{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;padding:0;margin:.5rem 0;list-style:none;"
    "font-size:.85rem}\n"
    ".key li{display:flex;align-items:center;gap:.5rem}\n"
    ".key svg{width:2.2rem}\n"
    ".error{color:var(--mark);font-weight:650}\n"
    ".warning{color:var(--of);font-weight:650}\n"
    "dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.2rem 1.2rem;"
    "font-size:.93rem}\n"
    "dt{color:var(--faint)}\n"
    "dd{margin:0}\n";

static const char style_of_media[] =
    "@media (max-width:40rem){\n"
    "svg.w,.times svg.w{display:none}\n"
    "svg.nw,.times svg.nw{display:block}\n"
    ".lanes li{grid-template-columns:minmax(0,1fr) auto;padding:.25rem 0}\n"
    ".lanes li svg{grid-column:1/-1;grid-row:2}\n"
    ".times{grid-template-columns:minmax(0,1fr)}\n"
    ".times svg{grid-column:1}\n"
    "dl{grid-template-columns:minmax(0,1fr)}\n"
    "dd{margin:0 0 .5rem}\n"
    "}\n"
    "@media print{\n"
    "html{font-size:10.5pt}\n"
    "body{max-width:none;padding:0}\n"
    "nav{display:none}.paper{display:block}\n"
    "h2{break-after:avoid;margin-top:1.5rem}\n"
    "h3,summary{break-after:avoid}\n"
    "figure,.card,tr,.lanes li{break-inside:avoid}\n"
    ".scroll{overflow:visible}\n"
    "table{font-size:8pt}\n"
    "tbody th,td.w,.findings td.w,.findings tbody th{min-width:0}\n"
    ".bar{display:none}\n"
    "a{color:inherit;text-decoration:none}\n"
    "}\n";

/* --- the beginning ------------------------------------------------------------------------- */

/* Plain text, for the browser's bar. */
static void put_title(const struct report *report, FILE *out)
{
    char text[CHART_RANGE_BYTES];
    char count[HUMAN_BYTES];
    if (report->spec->title) {
        markup_put_text(out, report->spec->title);
        return;
    }
    if (!report->has_range) {
        (void)fputs("An empty store", out);
        return;
    }
    const uint32_t devices = report->spec->selection->device_count;
    (void)fprintf(out, "%s device%s, ", human_count(devices, count), devices == 1 ? "" : "s");
    markup_put_text(out, chart_range_format(report->spec->zone, report->range.from_ms,
                                            report->range.until_ms, text));
}

static void put_heading(const struct report *report, FILE *out)
{
    if (report->spec->title || !report->has_range) {
        put_title(report, out);
        return;
    }
    const uint32_t devices = report->spec->selection->device_count;
    report_put_count(out, devices);
    (void)fprintf(out, " device%s, ", devices == 1 ? "" : "s");
    report_put_time(out, report->spec->zone, report->range.from_ms / MS_PER_MINUTE * MS_PER_MINUTE);
    (void)fputs(" to ", out);
    report_put_time(out, report->spec->zone,
                    report->range.until_ms / MS_PER_MINUTE * MS_PER_MINUTE);
}

static void put_navigation(const struct report *report, FILE *out)
{
    static const struct {
        const char *id, *words, *by_readings;
        bool always;
    } sections[] = {
        {"overview", "At a glance", "At a glance", true},
        {"availability", "Availability", "Coverage", false},
        {"timeline", "Timeline", "Timeline", false},
        {"readings", "Readings", "Readings", false},
        {"findings", "What looks wrong", "What looks wrong", false},
        {"gaps", "Gaps", NULL, false},
        {"rejects", "Rejects", "Rejects", true},
        {"method", "How it was computed", "How it was computed", true},
    };
    (void)fputs("<nav aria-label=\"Sections\"><ul>\n", out);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        // Gaps stand in the place of availability where that is not known.
        const char *words =
            report_is_by_readings(report) ? sections[i].by_readings : sections[i].words;
        if ((report->has_range || sections[i].always) && words)
            (void)fprintf(out, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id, words);
    }
    (void)fputs("</ul></nav>\n", out);
}

void report_write_head(const struct report *report, FILE *out)
{
    (void)fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                "<meta name=\"generator\" content=\"mnsdb " MNSDB_VERSION "\"/>\n"
                "<link rel=\"icon\" href=\"data:,\"/>\n<title>",
                out);
    put_title(report, out);
    (void)fputs("</title>\n<style>\n", out);
    svg_write_style(out);
    (void)fputs(style, out);
    (void)fputs(style_of_media, out);
    (void)fputs("</style>\n</head>\n<body>\n<header>\n<p class=\"brand\">mnsdb report</p>\n<h1>",
                out);
    put_heading(report, out);
    (void)fputs("</h1>\n", out);
    put_navigation(report, out);
    (void)fputs("<p class=\"paper note\">What is folded away on the screen is not on paper.</p>\n",
                out);
    (void)fputs("</header>\n<main>\n", out);
}

/* --- how it was computed ------------------------------------------------------------------- */

static void put_term(FILE *out, const char *term)
{
    (void)fprintf(out, "<dt>%s</dt><dd>", term);
}

static void end_term(FILE *out)
{
    (void)fputs("</dd>\n", out);
}

static void put_globs(FILE *out, const char *const *globs, size_t count, const char *option)
{
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "<code>--%s ", option);
        markup_put_text(out, globs[i]);
        (void)fputs("</code> ", out);
    }
}

static void put_bound(const struct report *report, FILE *out, bool given, int64_t time_ms)
{
    report_put_time(out, report->spec->zone, time_ms);
    (void)fputs(given ? " (as asked for)" : " (the store's, none was given)", out);
}

static void put_range(const struct report *report, FILE *out)
{
    const struct selection *selection = report->spec->selection;
    put_term(out, "Range");
    if (report->has_range) {
        (void)fputs("from ", out);
        put_bound(report, out, selection->has_from, report->range.from_ms);
        (void)fputs(" to ", out);
        put_bound(report, out, selection->has_until, report->range.until_ms);
        (void)fputs(", the end not included", out);
    } else {
        (void)fputs("none: the store has no reading and no status event", out);
    }
    end_term(out);
    put_term(out, "Time zone");
    (void)fputs("times are shown in ", out);
    markup_put_text(out, report->spec->zone->name);
    (void)fputs("; hours and days are those of its clocks", out);
    end_term(out);
}

static void put_selection(const struct report *report, FILE *out)
{
    const struct selection_spec *request = report->spec->request;
    put_term(out, "Devices");
    if (request->device_glob_count + request->product_glob_count == 0)
        (void)fputs("all of the store", out);
    put_globs(out, request->device_globs, request->device_glob_count, "device");
    put_globs(out, request->product_globs, request->product_glob_count, "product");
    end_term(out);
}

/* Which readings count, where not all do. */
static void put_expressions(const struct report *report, FILE *out)
{
    const struct report_spec *spec = report->spec;
    if (!view_filters(spec->selection->view))
        return;
    put_term(out, "Readings that count");
    (void)fputs("those of which this holds; the others are as if they were not there:", out);
    for (size_t i = 0; i + 1 < spec->value_count; i++) {
        if (strcmp(spec->values[i], "--where") != 0)
            continue;
        (void)fputs(" <code>--where ", out);
        markup_put_text(out, spec->values[++i]);
        (void)fputs("</code>", out);
    }
    end_term(out);
}

/* Names that stand for others in this store. */
static void put_aliases(const struct report *report, FILE *out)
{
    const struct view *view = report->spec->selection->view;
    if (!view || view->aliases.group_count == 0)
        return;
    put_term(out, "Names of metrics");
    for (size_t i = 0; i < view->aliases.group_count; i++) {
        const struct alias_group *group = &view->aliases.groups[i];
        (void)fputs(i > 0 ? "; " : "", out);
        report_put_name(out, group->name);
        (void)fputs(" is the first that a reading has of ", out);
        for (uint32_t member = 0; member < group->member_count; member++) {
            (void)fputs(member > 0 ? ", " : "", out);
            report_put_name(out, snapshot_metric_name(report->snapshot, group->members[member]));
        }
    }
    end_term(out);
}

static void put_rules(const struct report *report, FILE *out)
{
    const struct timeline_rules *rules = &report->spec->rules;
    put_term(out, "Online, offline");
    (void)fputs("a device's state after a status event is that event's; before its first event it "
                "is unknown. Online while online goes on with the session, offline while offline "
                "changes nothing. A session still open at the end counts up to the end. Online, "
                "offline and unknown time add up to the range exactly.",
                out);
    end_term(out);
    put_term(out, "Late offline events");
    if (rules->keep_stale)
        (void)fputs("every offline event is believed (<code>--keep-stale</code>).", out);
    else
        (void)fputs("an offline event whose last contact lies more than one second before the "
                    "latest online event speaks of an earlier connection: it is passed over and "
                    "counted as stale.",
                    out);
    end_term(out);
    put_term(out, "End of a session");
    (void)fputs(rules->end_at_last_contact
                    ? "the last contact that the offline event tells (<code>--offline-at "
                      "last-contact</code>)."
                    : "the time of its offline event.",
                out);
    end_term(out);
    put_term(out, "Availability");
    (void)fputs("online time divided by online and offline time together; unknown time is left "
                "out. The worst device is that with the lowest availability; of equal ones, that "
                "offline for longer.",
                out);
    end_term(out);
    if (report->online.by_readings > 0) {
        put_term(out, "Without a known state");
        (void)fputs("devices without a known state are ranked by the coverage of their readings. ",
                    out);
        report_put_coverage_rule(out);
        (void)fputs(" Time before the first reading is left out, unless the range was asked for "
                    "from then.",
                    out);
        end_term(out);
    }
}

static void put_arithmetic(FILE *out)
{
    put_term(out, "Readings");
    (void)fputs("minimum, maximum, median and percentiles are exact decimals, averages the "
                "nearest double. An average over devices counts every reading once. The highest "
                "hour is the clock hour with the highest average over all devices; hours that hold "
                "an impossible value (humidity outside 0 to 100, temperature outside "
                "&#8722;60 to 125) are set aside for that, and for that alone.",
                out);
    end_term(out);
    put_term(out, "Pictures");
    (void)fputs("pictures are rounded to their steps, tables are not. A step that holds several "
                "states shows each of them, so short outages stay visible. Long stretches in which "
                "nothing happened are drawn short, with a sign.",
                out);
    end_term(out);
}

static void put_store(const struct report *report, FILE *out)
{
    const struct store_counters *counters = &report->counters;
    put_term(out, "The store");
    report_put_count(out, counters->stored);
    (void)fputs(" messages stored, ", out);
    report_put_count(out, counters->duplicates);
    (void)fputs(" duplicates left out, ", out);
    report_put_count(out, counters->rejected);
    (void)fputs(" rejected and kept; ", out);
    report_put_count(out, counters->rows[TABLE_READINGS]);
    (void)fputs(" readings and ", out);
    report_put_count(out, counters->rows[TABLE_STATUS]);
    (void)fputs(" status events of ", out);
    report_put_count(out, counters->devices);
    (void)fputs(" devices, ", out);
    report_put_count(out, counters->clock_faults);
    (void)fputs(" with a broken clock passed over. These figures are of the whole store, whatever "
                "was selected.",
                out);
    end_term(out);
    const char *payload_zone = snapshot_setting(report->snapshot, "payload-tz");
    if (payload_zone) {
        put_term(out, "Times in messages");
        (void)fputs("times without a zone were read in ", out);
        markup_put_text(out, payload_zone);
        end_term(out);
    }
}

void report_write_method(const struct report *report, FILE *out)
{
    (void)fputs("<section id=\"method\">\n<h2>How these figures were computed</h2>\n"
                "<p>The tables hold what <code>mnsdb online</code>, <code>mnsdb stats</code>, "
                "<code>mnsdb gaps</code>, <code>mnsdb check</code> and <code>mnsdb rejects</code> "
                "answer for the same range, devices, zone and rules. "
                "The same store and options make this page again, byte for byte.</p>\n<dl>\n",
                out);
    put_range(report, out);
    put_selection(report, out);
    put_expressions(report, out);
    put_aliases(report, out);
    put_rules(report, out);
    put_arithmetic(out);
    put_store(report, out);
    put_term(out, "Written by");
    (void)fprintf(out, "mnsdb %s, store format %u", MNSDB_VERSION,
                  (unsigned)snapshot_format_version(report->snapshot));
    end_term(out);
    (void)fputs("</dl>\n</section>\n</main>\n</body>\n</html>\n", out);
}
