/*
 * suggest.c - see suggest.h. Distance: Damerau-Levenshtein with adjacent swaps.
 */
#include "cli/suggest.h"

#include <string.h>

#define WORD_BYTES_MAX 32u /* longer ones are no typing errors of ours */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned word_distance(const char *a, const char *b)
{
    const size_t a_len = strlen(a);
    const size_t b_len = strlen(b);
    if (a_len > WORD_BYTES_MAX || b_len > WORD_BYTES_MAX)
        return WORD_BYTES_MAX;

    unsigned cost[WORD_BYTES_MAX + 1][WORD_BYTES_MAX + 1];
    for (size_t i = 0; i <= a_len; i++)
        cost[i][0] = (unsigned)i;
    for (size_t j = 0; j <= b_len; j++)
        cost[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        for (size_t j = 1; j <= b_len; j++) {
            const unsigned replaced = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            cost[i][j] = least(replaced, least(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a_len][b_len];
}

const char *suggest_word(const char *typed, const char *const *words, size_t word_count)
{
    const size_t typed_len = strlen(typed);
    const char *nearest = NULL;
    unsigned nearest_distance = 3;
    for (size_t i = 0; i < word_count; i++) {
        const size_t word_len = strlen(words[i]);
        const size_t shorter = typed_len < word_len ? typed_len : word_len;
        unsigned distance = word_distance(typed, words[i]);
        if (typed_len >= 2 && strncmp(typed, words[i], typed_len) == 0)
            distance = least(distance, 1);
        else if (2 * (size_t)distance >= shorter + 1)
            continue;
        if (distance < nearest_distance) {
            nearest = words[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
