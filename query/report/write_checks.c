/*
 * write_checks.c - what looks wrong, kind by kind.
 *
 * It is bounded: some rows in sight, more in a fold, the rest by a number and a command.
 */
#include "query/report/report_internal.h"

#include "query/markup/markup.h"

#define ROWS_SHOWN 6u  /* of a kind of findings */
#define ROWS_MAX   80u /* of a kind, with the fold */

static const char *kind_heading(enum finding_kind kind)
{
    switch (kind) {
    case FINDING_TOGETHER:
        return "Most devices silent at once";
    case FINDING_OUT_OF_RANGE:
        return "Values that cannot be";
    case FINDING_FROZEN:
        return "Sensors that do not move";
    case FINDING_OFFLINE:
        return "Offline for long";
    case FINDING_SILENT:
        return "Online, and silent";
    case FINDING_GAP:
        return "Gaps much longer than usual";
    case FINDING_UNSTABLE:
        return "Offline far more often than others";
    case FINDING_FLAPPING:
        return "Connections that flap";
    case FINDING_JUMP:
        return "Jumps";
    case FINDING_CLOCK_OFF:
        return "Clocks that are off";
    case FINDING_CLOCK_FAULT:
        return "Broken clocks";
    case FINDING_OFFLINE_ONLY:
        return "Offline without having been online";
    case FINDING_STALE_OFFLINE:
        return "Offline events of earlier connections";
    case FINDING_REJECTS_RISING:
        return "Rejects on the rise";
    case FINDING_REJECTS:
        return "Messages not understood";
    case FINDING_KIND_COUNT:
        break;
    }
    return "";
}

/* --- findings ------------------------------------------------------------------------------ */

static void put_finding(const struct finding *finding, FILE *out)
{
    const char *severity = finding_severity_word(finding->severity);
    (void)fprintf(out, "<tr><td class=\"%s\">%s</td><th scope=\"row\">", severity, severity);
    if (finding->device.len > 0) {
        report_put_name(out, finding->device);
    } else if (finding->kind == FINDING_TOGETHER) {
        report_put_count(out, finding->count);
        (void)fputs(" devices", out);
    } else {
        (void)fputs("the store", out);
    }
    (void)fputs("</th><td>", out);
    if (finding->has_metric)
        report_put_name(out, finding->metric);
    (void)fputs("</td><td class=\"w\">", out);
    markup_put(out, finding->evidence);
    (void)fputs("<details><summary class=\"faint\">command</summary><code>", out);
    markup_put(out, finding->more);
    (void)fputs("</code></details></td></tr>\n", out);
}

static void open_findings(FILE *out, const char *word)
{
    (void)fprintf(out,
                  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Findings: "
                  "%s\">\n<table class=\"findings\">\n<thead><tr><th scope=\"col\">Severity</th>"
                  "<th scope=\"col\">Device</th><th scope=\"col\">Metric</th>"
                  "<th scope=\"col\">Evidence</th></tr></thead>\n<tbody>\n",
                  word);
}

static void close_table(FILE *out)
{
    (void)fputs("</tbody></table></div>\n", out);
}

/* Rows of one kind, from the `from`-th to before the `until`-th of it. */
static void put_rows(const struct report *report, enum finding_kind kind, uint64_t from,
                     uint64_t until, FILE *out)
{
    uint64_t at = 0;
    for (size_t i = 0; i < report->findings.count && at < until; i++) {
        if (report->findings.items[i].kind != kind)
            continue;
        if (at >= from)
            put_finding(&report->findings.items[i], out);
        at++;
    }
}

static void put_kind(const struct report *report, enum finding_kind kind, FILE *out)
{
    const uint64_t count = report->kinds[kind];
    const char *word = finding_kind_word(kind);
    const uint64_t shown = count <= ROWS_SHOWN + 2 ? count : ROWS_SHOWN;
    const uint64_t listed = count < ROWS_MAX ? count : ROWS_MAX;
    (void)fprintf(out, "<h3 id=\"kind-%s\">%s <span class=\"faint\">", word, kind_heading(kind));
    report_put_count(out, count);
    (void)fprintf(out, " \xc2\xb7 %s</span></h3>\n", word);
    open_findings(out, word);
    put_rows(report, kind, 0, shown, out);
    close_table(out);
    if (listed > shown) {
        (void)fprintf(out, "<details><summary>%llu more</summary>\n",
                      (unsigned long long)(listed - shown));
        open_findings(out, word);
        put_rows(report, kind, shown, listed, out);
        close_table(out);
        (void)fputs("</details>\n", out);
    }
    if (count > listed) {
        (void)fputs("<p class=\"note\">", out);
        report_put_count(out, count - listed);
        (void)fputs(" more are not in this page: <code>mnsdb check</code> lists all.</p>\n", out);
    }
}

void report_write_findings(const struct report *report, FILE *out)
{
    if (!report->has_range)
        return;
    (void)fputs("<section id=\"findings\">\n<h2>What looks wrong</h2>\n", out);
    if (report->findings.count == 0) {
        (void)fputs("<p>Nothing that <code>mnsdb check</code> looks for.</p>\n</section>\n", out);
        return;
    }
    (void)fputs("<p>As <code>mnsdb check</code> finds it with its usual limits: ", out);
    bool any = false;
    for (size_t i = 0; i < SEVERITY_COUNT; i++) {
        if (report->severities[i] == 0)
            continue;
        (void)fputs(any ? ", " : "", out);
        report_put_count(out, report->severities[i]);
        (void)fprintf(out, " %s%s", finding_severity_word((enum finding_severity)i),
                      report->severities[i] == 1 ? "" : "s");
        any = true;
    }
    (void)fputs(".</p>\n", out);
    for (size_t kind = 0; kind < FINDING_KIND_COUNT; kind++) {
        if (report->kinds[kind] > 0)
            put_kind(report, (enum finding_kind)kind, out);
    }
    (void)fputs("</section>\n", out);
}
