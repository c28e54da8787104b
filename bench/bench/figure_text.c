/*
 * figure_text.c - see figure_text.h.
 */
#include "bench/bench/figure_text.h"

#include "cli/human.h"

#include <string.h>

#define UNKNOWN "–"

/* Three digits that count, as far as there are three before the point. */
static void put_digits(double figure, const char *unit, char text[FIGURE_BYTES])
{
    const int digits = figure < 0.9995 ? 3 : figure < 9.995 ? 2 : figure < 99.95 ? 1 : 0;
    (void)snprintf(text, FIGURE_BYTES, "%.*f%s", digits, figure, unit);
}

/* Counts with a power of a thousand. */
static void put_rate(double rate, char text[FIGURE_BYTES])
{
    if (rate >= 999500)
        put_digits(rate / 1e6, " M", text);
    else if (rate >= 999.5)
        put_digits(rate / 1e3, " k", text);
    else
        put_digits(rate, "", text);
}

const char *figure_text(enum figure_kind kind, double figure, char text[FIGURE_BYTES])
{
    if (!(figure >= 0) || figure > SERIES_VALUE_MOST) {
        (void)snprintf(text, FIGURE_BYTES, UNKNOWN);
        return text;
    }
    char size[HUMAN_BYTES];
    switch (kind) {
    case FIGURE_MS:
    case FIGURE_SECONDS:
    case FIGURE_BYTES_A_MESSAGE:
        put_digits(figure, "", text);
        break;
    case FIGURE_MEMORY:
        (void)snprintf(text, FIGURE_BYTES, "%s", human_bytes((uint64_t)figure, size));
        break;
    case FIGURE_RATE:
        put_rate(figure, text);
        break;
    }
    return text;
}

const char *spread_text(enum figure_kind kind, const struct spread *spread,
                        char text[2 * FIGURE_BYTES])
{
    char median[FIGURE_BYTES];
    char min[FIGURE_BYTES];
    char max[FIGURE_BYTES];
    if (spread->count == 0) {
        (void)snprintf(text, 2 * FIGURE_BYTES, UNKNOWN);
    } else if (spread->count == 1) {
        (void)snprintf(text, 2 * FIGURE_BYTES, "%s", figure_text(kind, spread->median, median));
    } else {
        (void)snprintf(text, 2 * FIGURE_BYTES, "%s (%.20s–%.20s)",
                       figure_text(kind, spread->median, median),
                       figure_text(kind, spread->min, min), figure_text(kind, spread->max, max));
    }
    return text;
}

const char *ratio_text(double ratio, char text[FIGURE_BYTES])
{
    const int digits = ratio < 0.0995 ? 3 : ratio < 0.995 ? 2 : ratio < 9.95 ? 1 : 0;
    if (!(ratio >= 0) || ratio > SERIES_VALUE_MOST)
        (void)snprintf(text, FIGURE_BYTES, UNKNOWN);
    else
        (void)snprintf(text, FIGURE_BYTES, "%.*f×", digits, ratio);
    return text;
}

/* --- texts in documents -------------------------------------------------------------------- */

static void put_plain(char c, FILE *out)
{
    const unsigned char byte = (unsigned char)c;
    (void)fputc(byte < 0x20 || byte == 0x7f ? '?' : byte, out);
}

static bool put_entity(char c, FILE *out)
{
    switch (c) {
    case '&':
        return fputs("&amp;", out) >= 0;
    case '<':
        return fputs("&lt;", out) >= 0;
    case '>':
        return fputs("&gt;", out) >= 0;
    default:
        return false;
    }
}

void markdown_text(const char *text, FILE *out)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (put_entity(*c, out))
            continue;
        if (strchr("\\`*_[]#|~$", *c))
            (void)fputc('\\', out);
        put_plain(*c, out);
    }
}
