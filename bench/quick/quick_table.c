/*
 * quick_table.c - figures beside the baseline's, for people.
 */
#include "bench/quick/quick.h"

#include "cli/human.h"

#define NS_PER_MS 1e6

/* In the unit that suits it. */
static void print_value(const struct quick_figure *figure, FILE *out)
{
    if (figure->kind == QUICK_SIZE)
        (void)fprintf(out, " %10.3f B ", figure->value);
    else if (figure->value >= NS_PER_MS / 100)
        (void)fprintf(out, " %10.3f ms", figure->value / NS_PER_MS);
    else
        (void)fprintf(out, " %10.2f ns", figure->value);
}

static void print_figure(const struct quick_figure *figure, const struct quick_figures *baseline,
                         FILE *out)
{
    (void)fprintf(out, "%-26s", figure->name);
    print_value(figure, out);
    if (figure->kind == QUICK_TIME)
        (void)fprintf(out, " %6.1f%%", 100 * figure->noise);
    else
        (void)fprintf(out, " %7s", "");
    if (baseline) {
        const struct quick_comparison comparison = quick_compare(figure, baseline);
        if (comparison.verdict == QUICK_NEW)
            (void)fprintf(out, " %8s %8s", "", "");
        else
            (void)fprintf(out, " %8.3f %7.1f%%", comparison.ratio, 100 * comparison.margin);
        (void)fprintf(out, "  %s", quick_verdict_word(comparison.verdict, figure->kind));
    }
    (void)fprintf(out, "\n");
}

static void print_units(const char *title, const struct machine_calibration *calibration, FILE *out)
{
    (void)fprintf(out, "%s:", title);
    for (unsigned unit = 0; unit < MACHINE_UNITS; unit++)
        (void)fprintf(out, "%s %s %.3f ms", unit > 0 ? "," : "",
                      machine_unit_word((enum machine_unit)unit),
                      calibration->least_ns[unit] / NS_PER_MS);
    (void)fprintf(out, "\n");
}

void quick_print_table(const struct quick_figures *figures, const struct quick_figures *baseline,
                       FILE *out)
{
    char count[HUMAN_BYTES];
    (void)fprintf(out, "%s messages; %s, %u CPUs\n", human_count(figures->messages, count),
                  figures->machine.cpu, figures->machine.cpus);
    print_units("calibration", &figures->calibration, out);
    if (baseline) {
        print_units("the baseline's", &baseline->calibration, out);
        (void)fprintf(out, "ratios: multiples of the calibration of their kind, this run by the "
                           "baseline; below 1 is better\n");
    }
    (void)fprintf(out, "%-26s %13s %7s", "", "least time", "noise");
    (void)fprintf(out, "%s\n", baseline ? "    ratio   margin" : "");
    for (size_t i = 0; i < figures->count; i++)
        print_figure(&figures->figures[i], baseline, out);
}
