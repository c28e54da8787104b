/*
 * report.c - the table; figures with as many digits as they deserve.
 */
#include "bench/bench/report.h"

#include "cli/escape.h"
#include "cli/human.h"

#include <inttypes.h>
#include <math.h>

#define NAME_BYTES   200u
#define MS_BYTES     24u
#define NS_PER_MS    1e6
#define NS_PER_S     1e9
#define CALL_PROGRAM "mnsdb"

double report_bytes_per_message(uint64_t bytes, uint64_t messages)
{
    return messages == 0 ? 0 : (double)bytes / (double)messages;
}

double report_rate(uint64_t messages, int64_t elapsed_ns)
{
    return elapsed_ns <= 0 ? 0 : (double)messages * NS_PER_S / (double)elapsed_ns;
}

/* "0.021", "1.93", "52.1", "1312" */
static const char *put_ms(int64_t elapsed_ns, char text[MS_BYTES])
{
    const double ms = (double)elapsed_ns / NS_PER_MS;
    const int digits = ms < 0.9995 ? 3 : ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0;
    (void)snprintf(text, MS_BYTES, "%.*f", digits, ms);
    return text;
}

static const char *put_seconds(int64_t elapsed_ns, char text[MS_BYTES])
{
    (void)snprintf(text, MS_BYTES, "%.*f s", elapsed_ns < 9995000000 ? 2 : 1,
                   (double)elapsed_ns / NS_PER_S);
    return text;
}

/* --- ingest -------------------------------------------------------------------------------- */

static void print_counts(const struct commit_result *total, FILE *out)
{
    char received[HUMAN_BYTES];
    char stored[HUMAN_BYTES];
    char duplicates[HUMAN_BYTES];
    char rejected[HUMAN_BYTES];
    (void)fprintf(out, "  messages     %12s    stored %s, duplicates %s, rejected %s\n",
                  human_count(total->received, received), human_count(total->stored, stored),
                  human_count(total->duplicates, duplicates),
                  human_count(total->rejected, rejected));
}

static void print_time(const char *label, const struct ingest_figures *figures, FILE *out)
{
    char seconds[MS_BYTES];
    char rate[HUMAN_BYTES];
    char bytes[HUMAN_BYTES];
    const struct child_usage *usage = &figures->usage;
    const double bytes_per_s = report_rate(figures->input_bytes, usage->elapsed_ns);
    const uint64_t received = figures->total.received;
    (void)fprintf(out, "  %-12s %12s    %s messages, %s of input a second\n", label,
                  put_seconds(usage->elapsed_ns, seconds),
                  human_rate(report_rate(received, usage->elapsed_ns), rate),
                  human_bytes((uint64_t)bytes_per_s, bytes));
    (void)fprintf(out, "  %-12s %12s    %.0f ns a message, %.1f CPUs busy\n", "  CPU time",
                  put_seconds(usage->cpu_ns, seconds),
                  received > 0 ? (double)usage->cpu_ns / (double)received : 0.0,
                  usage->elapsed_ns > 0 ? (double)usage->cpu_ns / (double)usage->elapsed_ns : 0.0);
}

static void print_size(const char *label, uint64_t bytes, const struct bench_report *report,
                       const char *remark, FILE *out)
{
    char size[HUMAN_BYTES];
    (void)fprintf(out, "  %-12s %12s    %.2f bytes a message%s\n", label, human_bytes(bytes, size),
                  report_bytes_per_message(bytes, report->ingest.total.stored), remark);
}

static void print_again(const struct bench_report *report, FILE *out)
{
    char text[HUMAN_BYTES];
    print_time("second time", &report->again, out);
    (void)fprintf(out, "  %-12s %12s    duplicates, %s stored\n", "",
                  human_count(report->again.total.duplicates, text),
                  report->again.total.stored == 0 ? "none" : "SOME WERE");
}

static void print_ingest(const struct bench_report *report, FILE *out)
{
    const struct ingest_figures *ingest = &report->ingest;
    char text[HUMAN_BYTES];
    char seconds[MS_BYTES];
    (void)fprintf(out, "\nIngest\n");
    print_counts(&ingest->total, out);
    (void)fprintf(out, "  input        %12s    uncompressed, in %" PRIu64 " commits\n",
                  human_bytes(ingest->input_bytes, text), ingest->commits);
    print_time("time", ingest, out);
    (void)fprintf(out, "  peak memory  %12s    resident, mapped pages of the store included\n",
                  human_bytes(ingest->usage.peak_bytes, text));
    if (report->has_again)
        print_again(report, out);
    (void)fprintf(out, "  settling     %12s    in %" PRIu64 " transactions, peak memory %s\n",
                  put_seconds(report->settle.usage.elapsed_ns, seconds), report->settle.steps,
                  human_bytes(report->settle.usage.peak_bytes, text));
    (void)fprintf(out, "\nSize\n");
    print_size("as ingested", ingest->file_bytes, report, "", out);
    print_size("settled", report->settle.file_bytes, report, ", free pages included", out);
    print_size("compacted", report->copy.file_bytes, report, " (a backup of the settled store)",
               out);
}

/* --- queries ------------------------------------------------------------------------------- */

static void print_ms(int64_t elapsed_ns, FILE *out)
{
    char text[MS_BYTES];
    (void)fprintf(out, " %8s", put_ms(elapsed_ns, text));
}

/* The CPU time of a call is not this thread's. */
static void print_timing(const struct timing *timing, bool with_cpu, FILE *out)
{
    (void)fprintf(out, "  ");
    print_ms(timing->first_ns, out);
    print_ms(timing->min_ns, out);
    print_ms(timing->median_ns, out);
    print_ms(timing->max_ns, out);
    if (with_cpu)
        print_ms(timing->cpu_ns, out);
}

static void print_heading(const struct bench_report *report, bool with_cpu, FILE *out)
{
    (void)fprintf(out, "  %-28s %9s", "", "");
    for (size_t i = 0; i < report->phase_count; i++)
        (void)fprintf(out, "   %*s", with_cpu ? 44 : 35, report->phases[i].name);
    (void)fprintf(out, "\n  %-28s %9s", "", "rows");
    for (size_t i = 0; i < report->phase_count; i++)
        (void)fprintf(out, "   %8s %8s %8s %8s%s", "first", "min", "median", "max",
                      with_cpu ? "      CPU" : "");
    (void)fprintf(out, "\n");
}

/* A line a query, in process (with CPU time) or as whole calls. */
static void print_query_lines(const struct bench_report *report, bool in_process, FILE *out)
{
    for (size_t i = 0; i < QUERY_SET_COUNT; i++) {
        if (!query_was_asked(&report->phases[0].queries[i]))
            continue;
        (void)fprintf(out, "  %-4s%-24s %9" PRIu64, query_set[i].name, query_set[i].title,
                      report->phases[0].queries[i].rows);
        for (size_t phase = 0; phase < report->phase_count; phase++) {
            const struct query_figures *query = &report->phases[phase].queries[i];
            print_timing(in_process ? &query->in_process : &query->call, in_process, out);
        }
        (void)fprintf(out, "\n");
    }
}

static void print_queries(const struct bench_report *report, FILE *out)
{
    (void)fprintf(
        out,
        "\nQueries in process: milliseconds; a first run, then %zu warm ones; CPU time: the "
        "least of a run\n",
        report->runs);
    print_heading(report, true, out);
    print_query_lines(report, true, out);
}

static void print_calls(const struct bench_report *report, FILE *out)
{
    if (report->phases[0].call_start.runs == 0) {
        (void)fprintf(out, "\nNo %s beside this program: whole calls were not measured.\n",
                      CALL_PROGRAM);
        return;
    }
    (void)fprintf(out, "\nWhole calls of %s: milliseconds until it has ended, CSV to /dev/null\n",
                  CALL_PROGRAM);
    print_heading(report, false, out);
    (void)fprintf(out, "  %-28s %9s", "--version", "");
    for (size_t phase = 0; phase < report->phase_count; phase++)
        print_timing(&report->phases[phase].call_start, false, out);
    (void)fprintf(out, "\n");
    print_query_lines(report, false, out);
}

static void print_work(const struct bench_report *report, FILE *out)
{
    const struct query_phase *phase = &report->phases[report->phase_count - 1];
    (void)fprintf(out, "\nWhat the queries read, %s\n  %-28s %9s %12s %9s %12s\n", phase->name, "",
                  "parts", "summaries", "blocks", "rows");
    for (size_t i = 0; i < QUERY_SET_COUNT; i++) {
        if (!query_was_asked(&report->phases[0].queries[i]))
            continue;
        const struct scan_statistics *did = &phase->queries[i].statistics;
        (void)fprintf(out, "  %-4s%-24s %9" PRIu64 " %12" PRIu64 " %9" PRIu64 " %12" PRIu64 "\n",
                      query_set[i].name, query_set[i].title, did->parts_read,
                      did->parts_from_totals + did->blocks_from_summary, did->blocks_read,
                      did->rows_decoded + did->log_rows);
    }
}

static void print_phases(const struct bench_report *report, FILE *out)
{
    char size[HUMAN_BYTES];
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct query_phase *phase = &report->phases[i];
        (void)fprintf(out, "  %-12s %12s    %" PRIu64 " parts of readings; ", phase->name,
                      human_bytes(phase->file_bytes, size), phase->parts);
        if (phase->cached_share < 0)
            (void)fprintf(out, "share in the page cache not known\n");
        else
            (void)fprintf(out, "%.0f %% in the page cache before the first query\n",
                          floor(phase->cached_share * 100));
    }
}

void report_print_table(const struct bench_report *report, FILE *out)
{
    char name[ESCAPE_BYTES(NAME_BYTES)];
    (void)fprintf(out, "mnsdb-bench %s on %u CPUs; the store on %s\n", report->version,
                  report->cpus, report->file_system);
    if (report->has_ingest)
        print_ingest(report, out);
    (void)fprintf(out, "\nStore while it was asked\n");
    print_phases(report, out);
    (void)escape_text(slice_of_text(report->device), name, sizeof name);
    (void)fprintf(out, "  one device: %s", name);
    (void)escape_text(slice_of_text(report->metric), name, sizeof name);
    (void)fprintf(out, "; metric: %s; the hour of Q8 begins %s\n", name, report->from);
    print_queries(report, out);
    print_calls(report, out);
    print_work(report, out);
    if (report->answers_differ)
        (void)fprintf(out, "\nTHE ANSWERS DIFFER before and after settling.\n");
}
