/*
 * shape.c - a statement's clauses, and its text written anew.
 *
 * Keywords that begin a clause are no names without quotes, so that clauses are found by looking
 * for these words outside of parentheses. Whatever a clause then does not understand, a subquery's
 * `select` for one, ends the reading.
 *
 * What is not replaced is copied byte by byte, with its comments and spaces.
 */
#include "sql/shape/shape_internal.h"

#include "engine/base/mem.h"

#include <assert.h>

#define SQL_BYTES_MAX ((size_t)1 << 20)

void shape_release(struct shape *shape)
{
    buffer_release(&shape->sql);
    buffer_release(&shape->names);
    *shape = (struct shape){0};
}

/* --- writing --------------------------------------------------------------------------------- */

static bool append(struct reader *reader, struct buffer *out, const void *bytes, size_t len)
{
    if (len > 0 && buffer_append(out, bytes, len) != STATUS_OK)
        reader->no_memory = true;
    return !reader->no_memory;
}

static bool copy_until(struct reader *reader, size_t end)
{
    assert(end >= reader->copied && end <= reader->sql.len);
    const size_t from = reader->copied;
    reader->copied = end;
    return append(reader, &reader->shape->sql, reader->sql.data + from, end - from);
}

bool replace_tokens(struct reader *reader, size_t from, size_t until, const char *text)
{
    const struct token *last = token_at(reader, until - 1);
    if (!copy_until(reader, token_at(reader, from)->start))
        return false;
    reader->copied = last->start + last->len;
    return append(reader, &reader->shape->sql, text, strlen(text));
}

struct slice keep_name(struct reader *reader, const char *name)
{
    // There is room for all from the start, so that slices stay where they are.
    struct buffer *names = &reader->shape->names;
    const size_t len = strlen(name);
    if (names->len + len > names->capacity) {
        reader->no_memory = true;
        return (struct slice){0};
    }
    const struct slice kept = slice_of(names->data + names->len, len);
    buffer_put_bytes(names, name, len);
    return kept;
}

bool forbid_column(struct reader *reader, const struct token *token)
{
    struct shape *shape = reader->shape;
    char name[SHAPE_NAME_BYTES];
    if (shape->not_column_count == SHAPE_NAMES_MAX || !token_name(reader, token, name))
        return false;
    const struct slice kept = keep_name(reader, name);
    shape->not_columns[shape->not_column_count++] = kept;
    return kept.data != NULL;
}

/* --- clauses --------------------------------------------------------------------------------- */

/* The end of a clause that begins at `from`: the next of `words`, or the end. */
static size_t clause_end(const struct reader *reader, size_t from, const char *const *words,
                         size_t count)
{
    size_t depth = 0;
    size_t i = from;
    for (; i < reader->token_count; i++) {
        depth += token_is(reader, i, "(");
        depth -= depth > 0 && token_is(reader, i, ")");
        if (depth == 0 && (token_is(reader, i, ";") || token_is_any(reader, i, words, count)))
            break;
    }
    return i;
}

struct clause_word {
    const char *word;
    const char *second; /* NULL: there is one word */
    size_t offset;      /* of its range in struct reader */
};

/* In the order in which they may come; a select and a from must. */
static bool find_clauses(struct reader *reader, size_t at)
{
    static const char *const words[] = {"from",   "where", "group", "having",
                                        "window", "order", "limit"};
    const struct clause_word clauses[] = {
        {"select", NULL, offsetof(struct reader, select)},
        {"from", NULL, offsetof(struct reader, from)},
        {"where", NULL, offsetof(struct reader, where)},
        {"group", "by", offsetof(struct reader, group)},
        {"having", NULL, offsetof(struct reader, having)},
        {"order", "by", offsetof(struct reader, order)},
        {"limit", NULL, offsetof(struct reader, limit)},
    };
    for (size_t k = 0; k < sizeof clauses / sizeof clauses[0]; k++) {
        struct token_range *range = (void *)((char *)reader + clauses[k].offset);
        if (!token_is(reader, at, clauses[k].word)) {
            if (k < 2)
                return false;
            continue;
        }
        if (clauses[k].second && !token_is(reader, at + 1, clauses[k].second))
            return false;
        range->from = at + (clauses[k].second ? 2 : 1);
        range->until = clause_end(reader, range->from, words, sizeof words / sizeof words[0]);
        at = range->until;
        if (range->from >= range->until)
            return false;
    }
    while (token_is(reader, at, ";"))
        at++;
    return at == reader->token_count;
}

/* --- the select list and the table ----------------------------------------------------------- */

/* Whether an expression may end there, so that a name behind it is one for it. */
static bool ends_expression(const struct reader *reader, size_t i)
{
    static const char *const ends[] = {")", "end", "null", "isnull", "notnull", "true", "false"};
    const enum token_kind kind = token_at(reader, i)->kind;
    return token_is_any(reader, i, ends, sizeof ends / sizeof ends[0]) || kind == TOKEN_NUMBER ||
           kind == TOKEN_STRING || (token_is_name(reader, i) && !is_keyword(reader, i));
}

/* Names that mean something else in the table of parts than in readings, or in any table. */
static bool is_taken(const struct reader *reader, size_t i)
{
    static const char *const taken[] = {SHAPE_PART, "rowid", "oid", "_rowid_"};
    for (size_t k = 0; k < sizeof taken / sizeof taken[0]; k++) {
        if (token_spells(reader, i, taken[k]))
            return true;
    }
    return false;
}

static bool add_item(struct reader *reader, struct token_range range)
{
    if (reader->item_count == ITEMS_MAX || range.from == range.until)
        return false;
    struct select_item *item = &reader->items[reader->item_count++];
    *item = (struct select_item){.expression = range};
    const size_t last = range.until - 1;
    if (range.until - range.from < 2)
        return true;
    const bool with_as = range.until - range.from >= 3 && token_is(reader, last - 1, "as");
    const bool text = token_at(reader, last)->kind == TOKEN_STRING;
    const bool plain = text || (token_is_name(reader, last) && !is_keyword(reader, last));
    if (!plain || (!with_as && !ends_expression(reader, last - 1)))
        return !with_as;
    item->has_name = true;
    item->name = *token_at(reader, last);
    item->expression.until = with_as ? last - 1 : last;
    return !is_taken(reader, last);
}

static bool read_items(struct reader *reader)
{
    const struct token_range select = reader->select;
    size_t depth = 0;
    size_t from = select.from;
    for (size_t i = select.from; i < select.until; i++) {
        depth += token_is(reader, i, "(");
        depth -= depth > 0 && token_is(reader, i, ")");
        if (depth > 0 || !token_is(reader, i, ","))
            continue;
        if (!add_item(reader, (struct token_range){from, i}))
            return false;
        from = i + 1;
    }
    return add_item(reader, (struct token_range){from, select.until});
}

/* `readings`, perhaps under another name. */
static bool read_from(struct reader *reader)
{
    const struct token_range from = reader->from;
    if (!token_names(reader, from.from, "readings"))
        return false;
    const size_t count = from.until - from.from;
    if (count == 1)
        return true;
    const bool with_as = token_is(reader, from.from + 1, "as");
    if (count != (with_as ? 3u : 2u) || !token_is_name(reader, from.until - 1) ||
        is_keyword(reader, from.until - 1))
        return false;
    reader->has_alias = true;
    reader->alias = *token_at(reader, from.until - 1);
    return true;
}

static bool read_limit(const struct reader *reader)
{
    static const char *const signs[] = {",", "-", "+", "offset"};
    for (size_t i = reader->limit.from; i < reader->limit.until; i++) {
        if (token_at(reader, i)->kind != TOKEN_NUMBER && !token_is_any(reader, i, signs, 4))
            return false;
    }
    return true;
}

/* --- the statement --------------------------------------------------------------------------- */

static bool read_prefix(const struct reader *reader, size_t *at)
{
    *at = 0;
    if (!token_is(reader, 0, "explain"))
        return true;
    *at = 1;
    if (!token_is(reader, 1, "query"))
        return true;
    *at = 3;
    return token_is(reader, 2, "plan");
}

static bool write_table(struct reader *reader)
{
    const size_t at = reader->from.from; // in quotes, it may stand between words without a space
    return replace_tokens(reader, at, at + 1,
                          reader->has_alias ? " " SHAPE_TABLE " "
                                            : " " SHAPE_TABLE " as readings ");
}

/* Groups that are told from others by a device's name alone need devices apart. */
static void describe(const struct reader *reader)
{
    struct shape *shape = reader->shape;
    shape->grouped = reader->group.from < reader->group.until;
    shape->by_device = shape->by_device || reader->groups.device || reader->groups.name;
    shape->by_product = reader->groups.product;
    if (!reader->has_bucket)
        return;
    shape->bucket = reader->bucket.bucket;
    shape->bucket_size = reader->bucket.size;
}

static bool read_statement(struct reader *reader)
{
    size_t at = 0;
    if (!read_prefix(reader, &at) || !find_clauses(reader, at) || !read_from(reader) ||
        !read_items(reader) || !read_groups(reader))
        return false;
    for (size_t i = 0; i < reader->item_count; i++) {
        if (!read_expression(reader, reader->items[i].expression, CLAUSE_SELECT))
            return false;
    }
    const bool grouped = reader->group.from < reader->group.until;
    if (!grouped && (reader->shape->figure_count == 0 || reader->having.from > 0))
        return false; // rows, not groups
    if (!write_table(reader) || !read_where(reader) ||
        !read_expression(reader, reader->having, CLAUSE_HAVING) ||
        !read_expression(reader, reader->order, CLAUSE_ORDER) || !read_limit(reader))
        return false;
    describe(reader);
    return copy_until(reader, reader->sql.len) && append(reader, &reader->shape->sql, "", 1);
}

/* False if there are too many tokens, or one that no statement of the shape has. */
static bool read_tokens(struct reader *reader)
{
    for (size_t at = 0;;) {
        const struct token token = token_next(reader->sql, &at);
        reader->tokens[reader->token_count] = token;
        if (token.kind == TOKEN_END)
            return true;
        if (token.kind == TOKEN_OTHER || reader->token_count == SHAPE_TOKENS_MAX)
            return false;
        reader->token_count++;
    }
}

static void release_reader(struct reader *reader)
{
    mem_free(reader->tokens);
}

enum status shape_read(struct shape *shape, const char *sql, bool *recognised)
{
    OWNED(release_reader) struct reader reader = {.sql = slice_of_text(sql), .shape = shape};
    *recognised = false;
    if (reader.sql.len > SQL_BYTES_MAX)
        return STATUS_OK;
    reader.tokens = mem_alloc(SHAPE_TOKENS_MAX + 1, sizeof *reader.tokens);
    if (!reader.tokens)
        return STATUS_NOMEM;
    if (!read_tokens(&reader))
        return STATUS_OK;
    TRY(buffer_reserve(&shape->names, reader.sql.len));
    TRY(buffer_reserve(&shape->sql, reader.sql.len + 1));
    *recognised = read_statement(&reader);
    return reader.no_memory ? STATUS_NOMEM : STATUS_OK;
}
