/*
 * shape_internal.h - a statement as tokens, and who reads which of them.
 */
#ifndef MNSDB_SQL_SHAPE_SHAPE_INTERNAL_H
#define MNSDB_SQL_SHAPE_SHAPE_INTERNAL_H

#include "sql/shape/shape.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* a keyword or a name */
    TOKEN_QUOTED, /* a name in quotes */
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_SIGN,
    TOKEN_OTHER, /* a parameter, a blob, what never ends, what is no SQL */
};

struct token {
    enum token_kind kind;
    uint32_t start; /* bytes of the statement */
    uint32_t len;
};

/* The token at or behind `*at`, which moves behind it. At the end of `sql` it is TOKEN_END. */
struct token token_next(struct slice sql, size_t *at);

/* Tokens [from, until). */
struct token_range {
    size_t from, until;
};

struct select_item {
    struct token_range expression;
    bool has_name;
    struct token name;
};

#define ITEMS_MAX  64u
#define GROUPS_MAX 16u

/* A bucket as it is written. */
struct bucket_form {
    enum shape_bucket bucket;
    int64_t size;
    size_t token_count;
};

/* What a group by names. */
struct group_names {
    bool device, product, name;
};

/* What an expression may look at. */
enum clause {
    CLAUSE_SELECT,
    CLAUSE_HAVING,
    CLAUSE_ORDER,
    CLAUSE_WHERE, /* the names of devices, and no aggregates */
};

struct reader {
    struct slice sql;
    struct token *tokens; /* owned; token_count of them, then TOKEN_END */
    size_t token_count;
    struct shape *shape; /* borrowed */
    struct token alias;  /* the table's, if has_alias; else it is readings */
    bool has_alias;
    struct token_range select, from, where, group, having, order, limit; /* clauses; may be empty */
    struct select_item items[ITEMS_MAX];
    size_t item_count;
    struct group_names groups;
    struct bucket_form bucket; /* of the group by, if has_bucket */
    bool has_bucket;
    size_t copied; /* bytes of the statement that were written */
    bool no_memory;
};

/* --- tokens ---------------------------------------------------------------------------------- */

static inline const struct token *token_at(const struct reader *reader, size_t i)
{
    return &reader->tokens[i < reader->token_count ? i : reader->token_count];
}

/* A keyword, a sign: letters compare in either case. */
bool token_is(const struct reader *reader, size_t i, const char *text);
bool token_is_any(const struct reader *reader, size_t i, const char *const *texts, size_t count);
/* A word or a quoted name. */
bool token_is_name(const struct reader *reader, size_t i);
/* The name that it stands for, without quotes (a text can name an expression); false: too long. */
bool token_name(const struct reader *reader, const struct token *token,
                char name[SHAPE_NAME_BYTES]);
/* True if a name, or a text, stands for `name`. */
bool token_spells(const struct reader *reader, size_t i, const char *name);
/* Names only. */
bool token_names(const struct reader *reader, size_t i, const char *name);
bool tokens_same_name(const struct reader *reader, const struct token *a, const struct token *b);
/* A whole number that is written with digits only. */
bool token_integer(const struct reader *reader, size_t i, int64_t *value);

/* --- columns and buckets --------------------------------------------------------------------- */

/* `[readings.]name`: how many tokens, 0 if there is none; `*name` is the last of them. */
size_t column_at(const struct reader *reader, struct token_range range, size_t i, size_t *name);
/* True if there is a bucket in one of its forms, whatever stands around it. */
bool bucket_at(const struct reader *reader, struct token_range range, size_t i,
               struct bucket_form *form);
/* One of the columns that all of `readings` have. */
bool is_fixed_column(const struct reader *reader, size_t i);

/* --- clauses --------------------------------------------------------------------------------- */

/* A word, quoted or not, that expressions take for a keyword: no name for anything selected. */
bool is_keyword(const struct reader *reader, size_t i);

/* Each returns false if something is not understood, or no memory is left. */
bool read_groups(struct reader *reader);
bool read_where(struct reader *reader);
/* Writes aggregates anew as it meets them, so clauses are read in their order. */
bool read_expression(struct reader *reader, struct token_range range, enum clause clause);

/* A name that must not be one of a column. */
bool forbid_column(struct reader *reader, const struct token *token);
/* Puts `text` in the place of the tokens [from, until). */
bool replace_tokens(struct reader *reader, size_t from, size_t until, const char *text);
/* Keeps a name in the shape; data is NULL if no memory is left. */
struct slice keep_name(struct reader *reader, const char *name);

#endif
