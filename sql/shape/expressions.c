/*
 * expressions.c - expressions over aggregates, groups and constants.
 *
 * They are not parsed: SQLite has read the statement before. What counts is what they look at, so
 * a list of tokens will do, each of which must be known. Columns may be looked at
 *
 *  (1) in an aggregate, which is written anew;
 *  (2) if they have one value in all of a group;
 *  (3) in the form of the bucket that groups are made of, where what stands around it binds no
 *      stronger.
 *
 * Functions are those that always give the same for the same.
 */
#include "sql/shape/shape_internal.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const functions[] = {
    "abs",      "ceil",      "ceiling", "coalesce", "date",    "datetime", "floor",     "format",
    "hex",      "ifnull",    "iif",     "instr",    "length",  "ltrim",    "lower",     "nullif",
    "mnsdb_ms", "printf",    "quote",   "replace",  "round",   "rtrim",    "sign",      "strftime",
    "substr",   "substring", "trim",    "typeof",   "unicode", "upper",    "mnsdb_time"};

static const char *const keywords[] = {
    "and",  "or",   "not",  "is",   "null", "isnull", "notnull", "in",   "between", "like",
    "glob", "case", "when", "then", "else", "end",    "escape",  "true", "false"};

static const char *const order_keywords[] = {"asc", "desc", "nulls"};

/* Keywords that SQLite takes for a column where there is one of that name. */
static const char *const weak_keywords[] = {"end",   "like", "glob", "true",
                                            "false", "asc",  "desc", "nulls"};

static const char *const null_places[] = {"first",
                                          "last"}; /* behind `nulls`, else they are names */

/* Columns that every row has a value of. */
static const char *const never_null[] = {"device", "product", "name",
                                         "time",   "time_ms", "messageid"};

struct aggregate_name {
    const char *name;
    enum figure_kind kind;
};

static const struct aggregate_name aggregates[] = {
    {"count", FIGURE_COUNT}, {"sum", FIGURE_SUM}, {"total", FIGURE_TOTAL},
    {"avg", FIGURE_AVG},     {"min", FIGURE_MIN}, {"max", FIGURE_MAX},
};

static const char *const function_names[FIGURE_KINDS] = {
    [FIGURE_ROWS] = "mnsdb_part_rows",
    [FIGURE_FIRST_MS] = "mnsdb_part_first_ms",
    [FIGURE_LAST_MS] = "mnsdb_part_last_ms",
    [FIGURE_FIRST_TIME] = "mnsdb_part_first_time",
    [FIGURE_LAST_TIME] = "mnsdb_part_last_time",
    [FIGURE_COUNT] = "mnsdb_part_count",
    [FIGURE_SUM] = "mnsdb_part_sum",
    [FIGURE_TOTAL] = "mnsdb_part_total",
    [FIGURE_AVG] = "mnsdb_part_avg",
    [FIGURE_MIN] = "mnsdb_part_min",
    [FIGURE_MAX] = "mnsdb_part_max",
};

const char *figure_function(enum figure_kind kind)
{
    return function_names[kind];
}

bool is_keyword(const struct reader *reader, size_t i)
{
    for (size_t k = 0; k < COUNT(keywords); k++) {
        if (token_names(reader, i, keywords[k]))
            return true;
    }
    for (size_t k = 0; k < COUNT(order_keywords); k++) {
        if (token_names(reader, i, order_keywords[k]))
            return true;
    }
    return false;
}

struct expression {
    struct reader *reader;
    struct token_range range;
    enum clause clause;
    size_t depth; /* of parentheses */
};

/* --- aggregates ------------------------------------------------------------------------------ */

/* What an aggregate of a column that all readings have comes to; false if it is not known. */
static bool of_rows(const struct reader *reader, size_t column, enum figure_kind *kind)
{
    if (*kind == FIGURE_COUNT) {
        *kind = FIGURE_ROWS;
        for (size_t i = 0; i < COUNT(never_null); i++) {
            if (token_names(reader, column, never_null[i]))
                return true;
        }
        return false;
    }
    if (*kind != FIGURE_MIN && *kind != FIGURE_MAX)
        return false;
    const bool least = *kind == FIGURE_MIN;
    if (token_names(reader, column, "time_ms"))
        *kind = least ? FIGURE_FIRST_MS : FIGURE_LAST_MS;
    else if (token_names(reader, column, "time"))
        *kind = least ? FIGURE_FIRST_TIME : FIGURE_LAST_TIME;
    else
        return false;
    return true;
}

/* Its place among the figures, where it may be already. */
static bool enter_figure(struct reader *reader, enum figure_kind kind, size_t column, size_t *place)
{
    struct shape *shape = reader->shape;
    char name[SHAPE_NAME_BYTES] = "";
    if (!figure_is_of_rows(kind) && !token_name(reader, token_at(reader, column), name))
        return false;
    if (shape->figure_count == SHAPE_FIGURES_MAX)
        return false;
    struct shape_figure *figure = &shape->figures[shape->figure_count];
    *figure = (struct shape_figure){.kind = kind, .name = keep_name(reader, name)};
    *place = shape->figure_count++;
    return figure->name.data != NULL;
}

static bool is_aggregate(const struct reader *reader, size_t i, enum figure_kind *kind)
{
    for (size_t k = 0; k < COUNT(aggregates); k++) {
        if (!token_is(reader, i, aggregates[k].name) || !token_is(reader, i + 1, "("))
            continue;
        *kind = aggregates[k].kind;
        return true;
    }
    return false;
}

/* `avg(COLUMN)` or `count(*)`: how many tokens, 0 if it is not understood. */
static size_t read_aggregate(struct expression *expression, size_t i, enum figure_kind kind)
{
    struct reader *reader = expression->reader;
    size_t column = 0;
    size_t count = column_at(reader, expression->range, i + 2, &column);
    if (kind == FIGURE_COUNT && token_is(reader, i + 2, "*")) {
        kind = FIGURE_ROWS;
        count = 1;
    } else if (count == 0 || (is_fixed_column(reader, column) && !of_rows(reader, column, &kind))) {
        return 0;
    }
    const size_t end = i + 2 + count;
    size_t place = 0;
    char text[96];
    if (end >= expression->range.until || !token_is(reader, end, ")") ||
        expression->clause == CLAUSE_WHERE || !enter_figure(reader, kind, column, &place))
        return 0;
    (void)snprintf(text, sizeof text, "%s(" SHAPE_PART ", %zu)", figure_function(kind), place);
    return replace_tokens(reader, i, end + 1, text) ? end + 1 - i : 0;
}

/* --- columns, buckets, names ------------------------------------------------------------------ */

static bool is_of_group(const struct expression *expression, size_t column)
{
    const struct group_names *groups = &expression->reader->groups;
    const struct reader *reader = expression->reader;
    const bool any = expression->clause == CLAUSE_WHERE;
    const bool whole = any || groups->device || (groups->product && groups->name);
    if (token_names(reader, column, "device"))
        return whole;
    if (token_names(reader, column, "product"))
        return whole || groups->product;
    return token_names(reader, column, "name") && (whole || groups->name);
}

/* Rule 3. */
static bool stands_alone(const struct expression *expression, size_t i, size_t until)
{
    static const char *const before[] = {
        "(",  ",",   "<",  "<=",   ">",    ">=",   "=",    "==",     "<>",
        "!=", "and", "or", "when", "then", "else", "case", "between"};
    static const char *const after[] = {"||", "->", "collate"};
    static const char *const stronger[] = {"*", "/", "%"};
    const struct reader *reader = expression->reader;
    if (i > expression->range.from && !token_is_any(reader, i - 1, before, COUNT(before)))
        return false;
    if (until >= expression->range.until)
        return true;
    if (token_is_any(reader, until, after, COUNT(after)))
        return false;
    // Of time_ms - time_ms % N the last sign goes first.
    return !token_is(reader, until - 2, "%") ||
           !token_is_any(reader, until, stronger, COUNT(stronger));
}

/* How many tokens; 0 if it is no bucket of this statement. */
static size_t read_bucket(const struct expression *expression, size_t i)
{
    const struct reader *reader = expression->reader;
    struct bucket_form form = {0};
    if (expression->clause == CLAUSE_WHERE || !reader->has_bucket ||
        !bucket_at(reader, expression->range, i, &form) || form.bucket != reader->bucket.bucket)
        return 0;
    const bool same = form.bucket == BUCKET_PREFIX ? form.size <= reader->bucket.size
                                                   : form.size == reader->bucket.size;
    if (!same ||
        (form.bucket == BUCKET_QUOTIENT && !stands_alone(expression, i, i + form.token_count)))
        return 0;
    return form.token_count;
}

static bool is_item_name(const struct reader *reader, size_t i)
{
    for (size_t k = 0; k < reader->item_count; k++) {
        if (reader->items[k].has_name &&
            tokens_same_name(reader, &reader->items[k].name, token_at(reader, i)))
            return true;
    }
    return false;
}

/* A whole term of an order by: names of selected expressions come first there. */
static bool is_whole_term(const struct expression *expression, size_t i)
{
    static const char *const ends[] = {",", "asc", "desc", "nulls", "collate"};
    const struct reader *reader = expression->reader;
    const bool begins = i == expression->range.from || token_is(reader, i - 1, ",");
    return expression->clause == CLAUSE_ORDER && expression->depth == 0 && begins &&
           (i + 1 == expression->range.until || token_is_any(reader, i + 1, ends, COUNT(ends)));
}

static size_t read_name(struct expression *expression, size_t i)
{
    struct reader *reader = expression->reader;
    size_t column = 0;
    const size_t count = column_at(reader, expression->range, i, &column);
    if (count == 0 || token_is(reader, i + count, "("))
        return 0; // "sum"(...) is a call, too
    if (is_of_group(expression, column))
        return count;
    const bool named = expression->clause == CLAUSE_HAVING || expression->clause == CLAUSE_ORDER;
    if (count > 1 || !named || !is_item_name(reader, i))
        return 0;
    if (is_whole_term(expression, i))
        return 1;
    return !is_fixed_column(reader, i) && forbid_column(reader, token_at(reader, i)) ? 1 : 0;
}

/* --- tokens ---------------------------------------------------------------------------------- */

/* A sign that may stand there; a star must have something to multiply. */
static bool read_sign(struct expression *expression, size_t i)
{
    static const char *const signs[] = {
        "+",  "-", "*",  "/", "%", "||", "=", "==", "<>", "!=", "<",
        "<=", ">", ">=", ",", "(", ")",  "&", "|",  "~",  "<<", ">>"};
    static const char *const openings[] = {"(", ","};
    const struct reader *reader = expression->reader;
    if (token_is(reader, i, "("))
        expression->depth++;
    if (token_is(reader, i, ")") && expression->depth-- == 0)
        return false;
    if (token_is(reader, i, "*") &&
        (i == expression->range.from || token_is_any(reader, i - 1, openings, COUNT(openings))))
        return false;
    return token_is_any(reader, i, signs, COUNT(signs));
}

/* `cast(`, `as TYPE`, `collate NAME`: how many tokens. */
static size_t read_wordy(const struct expression *expression, size_t i)
{
    static const char *const types[] = {"integer", "int", "real", "text", "numeric"};
    static const char *const collations[] = {"binary", "nocase", "rtrim"};
    const struct reader *reader = expression->reader;
    if (token_is(reader, i, "cast") && token_is(reader, i + 1, "("))
        return 1;
    if (token_is(reader, i, "as") && expression->depth > 0 &&
        token_is_any(reader, i + 1, types, COUNT(types)) && token_is(reader, i + 2, ")"))
        return 2;
    if (token_is(reader, i, "collate") &&
        token_is_any(reader, i + 1, collations, COUNT(collations)))
        return 2;
    return 0;
}

static bool is_expected_keyword(const struct expression *expression, size_t i)
{
    const struct reader *reader = expression->reader;
    if (token_is_any(reader, i, keywords, COUNT(keywords)))
        return true;
    return expression->clause == CLAUSE_ORDER &&
           (token_is_any(reader, i, order_keywords, COUNT(order_keywords)) ||
            (i > expression->range.from && token_is(reader, i - 1, "nulls") &&
             token_is_any(reader, i, null_places, COUNT(null_places))));
}

static size_t read_word(struct expression *expression, size_t i)
{
    struct reader *reader = expression->reader;
    enum figure_kind kind = FIGURE_ROWS;
    if (is_aggregate(reader, i, &kind))
        return read_aggregate(expression, i, kind);
    const size_t bucket = read_bucket(expression, i);
    if (bucket > 0)
        return bucket;
    if (is_expected_keyword(expression, i))
        return !token_is_any(reader, i, weak_keywords, COUNT(weak_keywords)) ||
               forbid_column(reader, token_at(reader, i));
    const size_t wordy = read_wordy(expression, i);
    if (wordy > 0)
        return wordy;
    if (token_is(reader, i + 1, "("))
        return token_is_any(reader, i, functions, COUNT(functions)) ? 1 : 0;
    return read_name(expression, i);
}

/* How many tokens were understood from `i` on; 0: none. */
static size_t read_token(struct expression *expression, size_t i)
{
    switch (token_at(expression->reader, i)->kind) {
    case TOKEN_NUMBER:
    case TOKEN_STRING:
        return 1;
    case TOKEN_SIGN:
        return read_sign(expression, i) ? 1 : 0;
    case TOKEN_WORD:
        return read_word(expression, i);
    case TOKEN_QUOTED: {
        const size_t bucket = read_bucket(expression, i);
        return bucket > 0 ? bucket : read_name(expression, i);
    }
    case TOKEN_END:
    case TOKEN_OTHER:
        break;
    }
    return 0;
}

bool read_expression(struct reader *reader, struct token_range range, enum clause clause)
{
    struct expression expression = {.reader = reader, .range = range, .clause = clause};
    for (size_t i = range.from; i < range.until;) {
        const size_t count = read_token(&expression, i);
        if (count == 0 || i + count > range.until)
            return false;
        i += count;
    }
    return expression.depth == 0;
}
