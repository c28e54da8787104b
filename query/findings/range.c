/*
 * range.c - what a metric can be: as asked for, else by its name.
 *
 * Names are as devices send them: `temperature`, `env.Temperature`, `indoor_temp2`, `RH`. What
 * follows the last dot counts, in lower case, letters alone, without a number at its end.
 */
#include "query/findings/findings_internal.h"

#include "query/glob/glob.h"

#include <string.h>

#define NAME_LETTERS_MAX 64u

/* What common sensors can measure, and what air can hold. */
#define TEMPERATURE_LOW  (-60)
#define TEMPERATURE_HIGH 125
#define HUMIDITY_LOW     0
#define HUMIDITY_HIGH    100

static struct slice last_part(struct slice name)
{
    size_t from = name.len;
    while (from > 0 && name.data[from - 1] != '.')
        from--;
    return slice_of(name.data + from, name.len - from);
}

/* Letters in lower case; bytes beyond ASCII stay. Names that are longer are no common ones. */
static bool plain_name(struct slice name, char text[NAME_LETTERS_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.data[i];
        if (byte >= 'A' && byte <= 'Z')
            byte = (uint8_t)(byte - 'A' + 'a');
        if (byte < 0x80 && (byte < 'a' || byte > 'z'))
            continue;
        if (len + 1 == NAME_LETTERS_MAX)
            return false;
        text[len++] = (char)byte;
    }
    text[len] = '\0';
    return true;
}

static bool is_any(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
}

static bool ends_with(const char *text, const char *ending)
{
    const size_t len = strlen(text);
    const size_t ending_len = strlen(ending);
    return len >= ending_len && strcmp(text + len - ending_len, ending) == 0;
}

static bool is_temperature(const char *text)
{
    static const char *const words[] = {"temp",         "tempc",       "airtemp",
                                        "temperaturec", "roomtemp",    "envtemp",
                                        "indoortemp",   "outdoortemp", NULL};
    if (strstr(text, "color") || strstr(text, "colour"))
        return false; // of light, in kelvin
    return ends_with(text, "temperature") || ends_with(text, "\xe6\xb8\xa9\xe5\xba\xa6") ||
           is_any(text, words);
}

static bool is_humidity(const char *text)
{
    static const char *const words[] = {"hum", "humi", "humid", "rh", "relhum", NULL};
    if (strstr(text, "absolute"))
        return false; // grams in a cubic metre
    return ends_with(text, "humidity") || ends_with(text, "\xe6\xb9\xbf\xe5\xba\xa6") ||
           is_any(text, words);
}

static struct value_bounds closed(int64_t low, int64_t high)
{
    return (struct value_bounds){.has_low = true,
                                 .has_high = true,
                                 .low = number_from_integer(low),
                                 .high = number_from_integer(high),
                                 .low_real = (double)low,
                                 .high_real = (double)high};
}

static struct value_bounds asked(const struct metric_range *range)
{
    struct value_bounds bounds = {.has_low = range->has_low, .has_high = range->has_high};
    if (range->has_low) {
        bounds.low = range->low;
        bounds.low_real = number_to_double(range->low);
    }
    if (range->has_high) {
        bounds.high = range->high;
        bounds.high_real = number_to_double(range->high);
    }
    return bounds;
}

struct value_bounds value_bounds_by_name(struct slice metric)
{
    char text[NAME_LETTERS_MAX];
    if (!plain_name(last_part(metric), text))
        return (struct value_bounds){0};
    if (is_temperature(text))
        return closed(TEMPERATURE_LOW, TEMPERATURE_HIGH);
    if (is_humidity(text))
        return closed(HUMIDITY_LOW, HUMIDITY_HIGH);
    return (struct value_bounds){0};
}

struct value_bounds value_bounds_of(const struct findings_limits *limits, struct slice metric)
{
    const struct slice part = last_part(metric);
    for (size_t i = limits->range_count; i > 0; i--) {
        const struct slice glob = slice_of_text(limits->ranges[i - 1].glob);
        if (glob_matches(glob, metric) || glob_matches(glob, part))
            return asked(&limits->ranges[i - 1]);
    }
    return value_bounds_by_name(metric);
}
