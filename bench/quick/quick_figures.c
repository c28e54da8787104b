/*
 * quick_figures.c - figures, ratios and verdicts: arithmetic without a clock.
 *
 * A neighbour on the same core makes a loop slower by half for seconds at a time, and looks are
 * then either disturbed or not: their median says how busy the machine was, the least what the
 * program takes, if any look met a quiet moment. One that a quarter of the looks came close to was
 * met more than once. So the least is compared, and the margin is how far a quarter of them lay
 * above it, of both sides together.
 */
#include "bench/quick/quick.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct quick_figure *add(struct quick_figures *figures, const char *name,
                                enum quick_kind kind, double value)
{
    assert(figures->count < QUICK_FIGURES_MAX);
    struct quick_figure *figure = &figures->figures[figures->count++];
    *figure = (struct quick_figure){.kind = kind, .value = value, .relative = value};
    (void)snprintf(figure->name, sizeof figure->name, "%s", name);
    return figure;
}

static int compare_numbers(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

void quick_add_time(struct quick_figures *figures, const char *name, enum machine_unit unit,
                    double *samples_ns, size_t count)
{
    assert(count >= 1 && count <= QUICK_SAMPLES_MAX);
    qsort(samples_ns, count, sizeof *samples_ns, compare_numbers);
    struct quick_figure *figure = add(figures, name, QUICK_TIME, samples_ns[0]);
    const double near_ns = samples_ns[(count + 2) / 4];
    figure->unit = unit;
    figure->noise = samples_ns[0] > 0 ? near_ns / samples_ns[0] - 1 : 0;
    figure->relative = 0;
}

void quick_add_size(struct quick_figures *figures, const char *name, double bytes)
{
    (void)add(figures, name, QUICK_SIZE, bytes);
}

void quick_calibrate(struct quick_figures *figures, const struct machine_calibration *calibration)
{
    figures->calibration = *calibration;
    for (size_t i = 0; i < figures->count; i++) {
        struct quick_figure *figure = &figures->figures[i];
        const double unit_ns = calibration->least_ns[figure->unit];
        assert(unit_ns > 0);
        if (figure->kind == QUICK_TIME)
            figure->relative = figure->value / unit_ns;
    }
}

const struct quick_figure *quick_find(const struct quick_figures *figures, const char *name)
{
    for (size_t i = 0; i < figures->count; i++) {
        if (strcmp(figures->figures[i].name, name) == 0)
            return &figures->figures[i];
    }
    return NULL;
}

static enum quick_verdict judge(double ratio, double margin)
{
    if (ratio > 1 + margin)
        return QUICK_WORSE;
    return ratio < 1 / (1 + margin) ? QUICK_BETTER : QUICK_SAME;
}

struct quick_comparison quick_compare(const struct quick_figure *figure,
                                      const struct quick_figures *baseline)
{
    struct quick_comparison comparison = {.verdict = QUICK_NEW};
    const struct quick_figure *other = baseline ? quick_find(baseline, figure->name) : NULL;
    if (!other || other->kind != figure->kind || other->relative <= 0)
        return comparison;
    comparison.ratio = figure->relative / other->relative;
    if (figure->kind == QUICK_TIME) {
        const double noise = figure->noise + other->noise;
        comparison.margin = noise > QUICK_MARGIN_LEAST ? noise : QUICK_MARGIN_LEAST;
    }
    comparison.verdict = judge(comparison.ratio, comparison.margin);
    return comparison;
}

double quick_worst_ratio(const struct quick_figures *figures, const struct quick_figures *baseline)
{
    double worst = 0;
    for (size_t i = 0; i < figures->count; i++) {
        const double ratio = quick_compare(&figures->figures[i], baseline).ratio;
        if (ratio > worst)
            worst = ratio;
    }
    return worst;
}

const char *quick_verdict_word(enum quick_verdict verdict, enum quick_kind kind)
{
    switch (verdict) {
    case QUICK_SAME:
        return "same";
    case QUICK_BETTER:
        return kind == QUICK_TIME ? "faster" : "smaller";
    case QUICK_WORSE:
        return kind == QUICK_TIME ? "slower" : "larger";
    case QUICK_NEW:
        break;
    }
    return "new";
}
