/*
 * glob.c - matching with one step of backtracking.
 *
 * Only the last '*' seen is ever reconsidered: if the rest fails, that star takes
 * one character more and the rest is tried again. Earlier stars need no retry,
 * since whatever they could give up the last one can take.
 */
#include "query/glob/glob.h"

#include <stdint.h>

/* The character at *at, which moves behind it. A byte that begins no UTF-8 sequence is itself. */
static uint32_t next_character(struct slice text, size_t *at)
{
    const uint8_t lead = text.data[(*at)++];
    if (lead < 0xC0)
        return lead;
    const size_t extra = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    uint32_t character = lead & (0x3Fu >> extra);
    for (size_t i = 0; i < extra && *at < text.len && (text.data[*at] & 0xC0) == 0x80; i++)
        character = character << 6 | (text.data[(*at)++] & 0x3Fu);
    return character;
}

/* A character of a bracket expression: '\' makes the next one plain. */
static uint32_t next_member(struct slice pattern, size_t *at)
{
    if (pattern.data[*at] == '\\' && *at + 1 < pattern.len)
        ++*at;
    return next_character(pattern, at);
}

/*
 * Matches the bracket expression at *at (behind its '[') and moves behind its ']'.
 * False as the result if it has no end: the '[' is then plain.
 */
static bool match_bracket(struct slice pattern, size_t *at, uint32_t character, bool *inside)
{
    size_t next = *at;
    const bool negated =
        next < pattern.len && (pattern.data[next] == '!' || pattern.data[next] == '^');
    if (negated)
        next++;
    bool found = false;
    for (bool first = true;; first = false) {
        if (next >= pattern.len)
            return false;
        if (pattern.data[next] == ']' && !first)
            break;
        const uint32_t low = next_member(pattern, &next);
        uint32_t high = low;
        if (next + 1 < pattern.len && pattern.data[next] == '-' && pattern.data[next + 1] != ']') {
            next++;
            high = next_member(pattern, &next);
        }
        found = found || (low <= character && character <= high);
    }
    *at = next + 1;
    *inside = found != negated;
    return true;
}

/* Matches one pattern element that is no '*' against the character at *name_at. */
static bool match_one(struct slice pattern, size_t *at, struct slice name, size_t *name_at)
{
    const uint32_t character = next_character(name, name_at);
    if (pattern.data[*at] == '?') {
        ++*at;
        return true;
    }
    if (pattern.data[*at] == '[') {
        size_t behind = *at + 1;
        bool inside = false;
        if (match_bracket(pattern, &behind, character, &inside)) {
            *at = behind;
            return inside;
        }
    } else if (pattern.data[*at] == '\\' && *at + 1 < pattern.len) {
        ++*at;
    }
    return next_character(pattern, at) == character;
}

bool glob_matches(struct slice pattern, struct slice name)
{
    size_t at = 0;
    size_t name_at = 0;
    size_t star_at = SIZE_MAX; /* behind the last star; SIZE_MAX: none yet */
    size_t star_name_at = 0;   /* where that star ends so far */
    for (;;) {
        if (at < pattern.len && pattern.data[at] == '*') {
            star_at = ++at;
            star_name_at = name_at;
            continue;
        }
        if (name_at == name.len && at == pattern.len)
            return true;
        if (name_at < name.len && at < pattern.len && match_one(pattern, &at, name, &name_at))
            continue;
        if (star_at == SIZE_MAX || star_name_at == name.len)
            return false;
        next_character(name, &star_name_at);
        at = star_at;
        name_at = star_name_at;
    }
}

bool glob_is_plain(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        const uint8_t byte = pattern.data[i];
        if (byte == '*' || byte == '?' || byte == '[' || byte == '\\')
            return false;
    }
    return true;
}
