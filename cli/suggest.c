/*
 * suggest.c - see suggest.h. Distance: Damerau-Levenshtein with adjacent swaps.
 *
 * A distance beyond DISTANCE_MOST is never told apart: only the band of the table around its
 * diagonal matters, and a row of it without a small number ends the work.
 */
#include "cli/suggest.h"

#include <string.h>

#define WORD_BYTES_MAX 96u /* longer ones are no typing errors of ours */
#define DISTANCE_MOST  2u
#define FAR            (DISTANCE_MOST + 1)

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Row i of the table; the rows before it stand in `previous` and `older`. Returns its least. */
static unsigned fill_row(struct slice a, struct slice b, size_t i, unsigned *row,
                         const unsigned *previous, const unsigned *older)
{
    const size_t first = i > DISTANCE_MOST ? i - DISTANCE_MOST : 1;
    const size_t last = i + DISTANCE_MOST < b.len ? i + DISTANCE_MOST : b.len;
    unsigned lowest = FAR;
    row[first - 1] = first == 1 ? least((unsigned)i, FAR) : FAR;
    for (size_t j = first; j <= last; j++) {
        const uint8_t from = lower(a.data[i - 1]);
        const uint8_t to = lower(b.data[j - 1]);
        const unsigned replaced = previous[j - 1] + (from != to);
        row[j] = least(replaced, least(previous[j], row[j - 1]) + 1);
        const bool swapped =
            i > 1 && j > 1 && from == lower(b.data[j - 2]) && lower(a.data[i - 2]) == to;
        if (swapped)
            row[j] = least(row[j], older[j - 2] + 1);
        row[j] = least(row[j], FAR);
        lowest = least(lowest, row[j]);
    }
    if (last < b.len)
        row[last + 1] = FAR;
    return lowest;
}

/* At most FAR. */
static unsigned word_distance(struct slice a, struct slice b)
{
    const size_t apart = a.len < b.len ? b.len - a.len : a.len - b.len;
    if (a.len > WORD_BYTES_MAX || b.len > WORD_BYTES_MAX || apart > DISTANCE_MOST)
        return FAR;
    unsigned rows[3][WORD_BYTES_MAX + 2] = {0};
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = least((unsigned)j, FAR);
    for (size_t i = 1; i <= a.len; i++) {
        if (fill_row(a, b, i, rows[i % 3], rows[(i + 2) % 3], rows[(i + 1) % 3]) == FAR)
            return FAR;
    }
    return rows[a.len % 3][b.len];
}

void suggestion_offer(struct suggestion *suggestion, struct slice word)
{
    const struct slice typed = suggestion->typed;
    const size_t shorter = typed.len < word.len ? typed.len : word.len;
    unsigned distance = word_distance(typed, word);
    if (typed.len >= 2 && word.len >= typed.len && memcmp(typed.data, word.data, typed.len) == 0)
        distance = least(distance, 1);
    else if (2 * (size_t)distance >= shorter + 1)
        return;
    if (distance < FAR && (!suggestion->nearest.data || distance < suggestion->distance)) {
        suggestion->nearest = word;
        suggestion->distance = distance;
    }
}

const char *suggest_word(const char *typed, const char *const *words, size_t word_count)
{
    struct suggestion suggestion = {.typed = slice_of_text(typed)};
    for (size_t i = 0; i < word_count; i++)
        suggestion_offer(&suggestion, slice_of_text(words[i]));
    return (const char *)suggestion.nearest.data;
}
