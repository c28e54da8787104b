/*
 * markup.c - see markup.h.
 *
 * One character at a time: either it is shown as it is, or it is one of the five of
 * markup, or it is escaped. U+FFFE and U+FFFF are no characters of XML; U+061C turns text
 * as those do that utf8_is_harmful knows.
 */
#include "query/markup/markup.h"

#include "cli/escape.h"
#include "cli/utf8.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define ELLIPSIS    "\xe2\x80\xa6"
#define NUMBER_MOST 1e9
#define PIECE_BYTES 16u

static bool is_left_out_of_text(uint32_t character)
{
    return utf8_is_harmful(character) || (character & 0xfffeu) == 0xfffeu || character == 0x61c;
}

/* A character that escape_text() takes as harmless. */
static void put_by_number(FILE *out, uint32_t character)
{
    (void)fprintf(out, "\\u{%x}", (unsigned)character);
}

/* Writes the first character of a text that is not empty; returns its length. */
static size_t put_first(FILE *out, struct slice text)
{
    char piece[PIECE_BYTES];
    uint32_t character = text.data[0];
    const size_t len = utf8_read(text, &character);
    const size_t taken = len > 0 ? len : 1;
    const char *reference = escape_markup(character);
    if (reference) {
        (void)fputs(reference, out);
    } else if (len > 0 && !is_left_out_of_text(character)) {
        (void)fwrite(text.data, 1, len, out);
    } else if (len > 0 && !utf8_is_harmful(character)) {
        put_by_number(out, character);
    } else {
        const size_t escaped = escape_text(slice_of(text.data, taken), piece, sizeof piece);
        (void)fwrite(piece, 1, escaped, out);
    }
    return taken;
}

static struct slice behind(struct slice text, size_t len)
{
    return slice_of(text.data + len, text.len - len);
}

void markup_put(FILE *out, struct slice text)
{
    while (text.len > 0)
        text = behind(text, put_first(out, text));
}

void markup_put_text(FILE *out, const char *text)
{
    markup_put(out, slice_of_text(text));
}

static size_t first_length(struct slice text)
{
    uint32_t character = 0;
    const size_t len = utf8_read(text, &character);
    return len > 0 ? len : 1;
}

static size_t count_characters(struct slice text, size_t count_max)
{
    size_t count = 0;
    while (text.len > 0 && count < count_max) {
        text = behind(text, first_length(text));
        count++;
    }
    return count;
}

void markup_put_clipped(FILE *out, struct slice text, size_t characters_max)
{
    const bool fits = count_characters(text, characters_max + 1) <= characters_max;
    for (size_t i = 0; text.len > 0 && (fits || i + 1 < characters_max); i++)
        text = behind(text, put_first(out, text));
    if (!fits)
        (void)fputs(ELLIPSIS, out);
}

void markup_put_number(FILE *out, double number)
{
    const double bounded = isnan(number) ? 0 : fmax(fmin(number, NUMBER_MOST), -NUMBER_MOST);
    const long tenths = lround(bounded * 10);
    const unsigned long magnitude =
        tenths < 0 ? 0ul - (unsigned long)tenths : (unsigned long)tenths;
    (void)fprintf(out, "%s%lu", tenths < 0 ? "-" : "", magnitude / 10);
    if (magnitude % 10 != 0)
        (void)fprintf(out, ".%lu", magnitude % 10);
}
