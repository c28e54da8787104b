/*
 * comparisons.c - the where clause: comparisons that all of a part passes or none.
 *
 * Of time, those that the tables answer themselves, with a constant: the range that is read follows
 * from them, and SQLite does not look again. Of the names of devices, whatever can be said: parts
 * are then of one device each, unless the tables answer that exactly, too.
 *
 *      device = 'pk/dn' and time >= '-1d' and (name glob 'a*' or name = 'b')
 */
#include "sql/shape/shape_internal.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const signs[] = {"=", "==", "<", "<=", ">", ">="};

/* A constant: a text, or a number with a sign. How many tokens; 0: none. */
static size_t constant_at(const struct reader *reader, struct token_range range, size_t i,
                          enum token_kind kind)
{
    const bool sign =
        kind == TOKEN_NUMBER && (token_is(reader, i, "-") || token_is(reader, i, "+"));
    const size_t at = i + (sign ? 1 : 0);
    if (at >= range.until || token_at(reader, at)->kind != kind)
        return 0;
    return at + 1 - i;
}

/* The column of a simple comparison, and what kind of constants it is compared with. */
static size_t compared_at(const struct reader *reader, struct token_range range, size_t i,
                          bool *time, enum token_kind *kind)
{
    size_t name = 0;
    const size_t count = column_at(reader, range, i, &name);
    if (count == 0)
        return 0;
    *time = token_names(reader, name, "time") || token_names(reader, name, "time_ms");
    *kind = token_names(reader, name, "time_ms") ? TOKEN_NUMBER : TOKEN_STRING;
    const bool known = *time || token_names(reader, name, "device") ||
                       token_names(reader, name, "product") || token_names(reader, name, "name");
    return known ? count : 0;
}

/* COLUMN = CONSTANT, COLUMN between CONSTANT and CONSTANT, and of names GLOB. */
static bool is_simple(const struct reader *reader, struct token_range range, bool *time)
{
    enum token_kind kind = TOKEN_STRING;
    const size_t at = range.from + compared_at(reader, range, range.from, time, &kind);
    if (at == range.from || at >= range.until)
        return false;
    const size_t first = constant_at(reader, range, at + 1, kind);
    if (first == 0)
        return false;
    const size_t end = at + 1 + first;
    if (token_is_any(reader, at, signs, COUNT(signs)) || (!*time && token_is(reader, at, "glob")))
        return end == range.until;
    if (!token_is(reader, at, "between") || end >= range.until || !token_is(reader, end, "and"))
        return false;
    const size_t second = constant_at(reader, range, end + 1, kind);
    return second > 0 && end + 1 + second == range.until;
}

/* CONSTANT < COLUMN */
static bool is_simple_reversed(const struct reader *reader, struct token_range range, bool *time)
{
    const bool text = token_at(reader, range.from)->kind == TOKEN_STRING;
    const enum token_kind given = text ? TOKEN_STRING : TOKEN_NUMBER;
    enum token_kind kind = given;
    const size_t at = range.from + constant_at(reader, range, range.from, given);
    if (at == range.from || at >= range.until || !token_is_any(reader, at, signs, COUNT(signs)))
        return false;
    const size_t count = compared_at(reader, range, at + 1, time, &kind);
    return count > 0 && kind == given && at + 1 + count == range.until;
}

/* `device in ('a', 'b')` */
static bool is_device_list(const struct reader *reader, struct token_range range)
{
    size_t name = 0;
    const size_t count = column_at(reader, range, range.from, &name);
    size_t at = range.from + count;
    if (count == 0 || !token_names(reader, name, "device") || !token_is(reader, at, "in") ||
        !token_is(reader, at + 1, "("))
        return false;
    for (at += 2; at + 1 < range.until; at += 2) {
        if (token_at(reader, at)->kind != TOKEN_STRING)
            return false;
        if (token_is(reader, at + 1, ")"))
            return at + 2 == range.until;
        if (!token_is(reader, at + 1, ","))
            return false;
    }
    return false;
}

static bool read_term(struct reader *reader, struct token_range range)
{
    bool time = false;
    if (range.from == range.until)
        return false;
    if (is_simple(reader, range, &time) || is_simple_reversed(reader, range, &time) ||
        is_device_list(reader, range))
        return true;
    reader->shape->by_device = true;
    return read_expression(reader, range, CLAUSE_WHERE);
}

/*
 * An `or` outside of parentheses takes what is around it along; the `and`s of a `case` do not part
 * the clause.
 */
static bool is_one_term(const struct reader *reader, struct token_range range)
{
    static const char *const words[] = {"or", "case"};
    size_t depth = 0;
    for (size_t i = range.from; i < range.until; i++) {
        depth += token_is(reader, i, "(");
        depth -= depth > 0 && token_is(reader, i, ")");
        if (depth == 0 && token_is_any(reader, i, words, COUNT(words)))
            return true;
    }
    return false;
}

bool read_where(struct reader *reader)
{
    const struct token_range where = reader->where;
    if (where.from == where.until)
        return true;
    if (is_one_term(reader, where)) {
        reader->shape->by_device = true;
        return read_expression(reader, where, CLAUSE_WHERE);
    }
    size_t depth = 0;
    size_t from = where.from;
    bool between = false;
    for (size_t i = where.from; i < where.until; i++) {
        depth += token_is(reader, i, "(");
        if (token_is(reader, i, ")") && depth-- == 0)
            return false;
        if (depth > 0)
            continue;
        if (between && token_is(reader, i, "between"))
            return false;
        between = between || token_is(reader, i, "between");
        if (!token_is(reader, i, "and"))
            continue;
        if (!between && !read_term(reader, (struct token_range){from, i}))
            return false;
        from = between ? from : i + 1;
        between = false;
    }
    return read_term(reader, (struct token_range){from, where.until});
}
