/*
 * plot_spark.c - a series in one line of text.
 *
 * A character is the mean of the buckets that begin in its slice of time; where buckets are
 * wider than a character, it is the bucket that covers it.
 */
#include "query/plot/plot_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <math.h>

struct spark_slot {
    double sum;
    size_t count;
};

static void fill_slots(struct spark_slot *slots, const struct chart_series *series,
                       const struct plot_spark_frame *frame)
{
    for (size_t i = 0; i < series->point_count; i++) {
        const struct chart_point *point = &series->points[i];
        size_t first =
            plot_place_of(frame->from_ms, frame->until_ms, point->from_ms, frame->columns);
        size_t until =
            plot_place_of(frame->from_ms, frame->until_ms, point->until_ms, frame->columns);
        if (until == first)
            until++;
        for (; point->at.has_value && first < until && first < frame->columns; first++) {
            slots[first].sum += point->at.value;
            slots[first].count++;
        }
    }
}

static struct plot_spark_scale find_scale(const struct spark_slot *slots, size_t columns)
{
    struct plot_spark_scale scale = {0};
    for (size_t i = 0; i < columns; i++) {
        if (slots[i].count == 0)
            continue;
        const double mean = slots[i].sum / (double)slots[i].count;
        scale.low = scale.has_values ? fmin(scale.low, mean) : mean;
        scale.high = scale.has_values ? fmax(scale.high, mean) : mean;
        scale.has_values = true;
    }
    return scale;
}

/* Equal values stand in the middle. */
static size_t level_of(double value, double low, double high, size_t levels)
{
    if (!(high > low))
        return levels / 2 - 1;
    const double share = (value / 2 - low / 2) / (high / 2 - low / 2); // halves: no overflow
    const size_t level = (size_t)(share * (double)levels);
    return level < levels ? level : levels - 1;
}

enum status plot_spark(const struct screen *screen, struct buffer *out,
                       const struct chart_series *series, const struct plot_spark_frame *frame,
                       struct plot_spark_scale *scale)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {"_", ".", "-", "=", "+", "*", "#", "@"};
    const size_t levels = sizeof blocks / sizeof *blocks;
    assert(frame->from_ms < frame->until_ms);
    OWNED(mem_free_owned)
    struct spark_slot *slots = mem_alloc_zeroed(frame->columns, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    fill_slots(slots, series, frame);
    *scale = find_scale(slots, frame->columns);
    for (size_t i = 0; i < frame->columns; i++) {
        const char *text = " ";
        if (slots[i].count > 0) {
            const double mean = slots[i].sum / (double)slots[i].count;
            const size_t level = level_of(mean, scale->low, scale->high, levels);
            text = screen->utf8 ? blocks[level] : ascii[level];
        }
        TRY(screen_put_repeated(out, text, 1));
    }
    return STATUS_OK;
}
