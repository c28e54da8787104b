/*
 * tokens.c - SQLite's lexical rules, as far as statements that are recognised need them.
 *
 * White space is what SQLite takes for it; comments are that, too. What is in doubt becomes
 * TOKEN_OTHER, with which no statement is recognised.
 */
#include "sql/shape/shape_internal.h"

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r' && byte != '\v');
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Every byte beyond ASCII is a letter. */
static bool begins_word(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           byte >= 0x80;
}

static bool continues_word(uint8_t byte)
{
    return begins_word(byte) || is_digit(byte) || byte == '$';
}

static uint8_t byte_at(struct slice sql, size_t at)
{
    return at < sql.len ? sql.data[at] : 0;
}

/* Behind white space and comments; false if a comment does not end. */
static bool skip_space(struct slice sql, size_t *at)
{
    for (;;) {
        while (is_space(byte_at(sql, *at)))
            ++*at;
        if (byte_at(sql, *at) == '-' && byte_at(sql, *at + 1) == '-') {
            while (*at < sql.len && sql.data[*at] != '\n')
                ++*at;
        } else if (byte_at(sql, *at) == '/' && byte_at(sql, *at + 1) == '*') {
            size_t end = *at + 2;
            while (end < sql.len && !(sql.data[end] == '*' && byte_at(sql, end + 1) == '/'))
                end++;
            if (end >= sql.len)
                return false;
            *at = end + 2;
        } else {
            return true;
        }
    }
}

/* Behind the closing quote, which stands for itself where it is doubled; 0: there is none. */
static size_t quoted_end(struct slice sql, size_t at, uint8_t quote)
{
    const bool bracket = quote == ']';
    for (at++; at < sql.len; at++) {
        if (sql.data[at] != quote)
            continue;
        if (bracket || byte_at(sql, at + 1) != quote)
            return at + 1;
        at++;
    }
    return 0;
}

/* Behind a number; 0 if it is none, such as 1x. */
static size_t number_end(struct slice sql, size_t at)
{
    while (is_digit(byte_at(sql, at)))
        at++;
    if (byte_at(sql, at) == '.') {
        at++;
        while (is_digit(byte_at(sql, at)))
            at++;
    }
    if (byte_at(sql, at) == 'e' || byte_at(sql, at) == 'E') {
        const uint8_t sign = byte_at(sql, at + 1);
        const size_t digits = at + (sign == '+' || sign == '-' ? 2 : 1);
        if (!is_digit(byte_at(sql, digits)))
            return 0;
        for (at = digits; is_digit(byte_at(sql, at));)
            at++;
    }
    return continues_word(byte_at(sql, at)) ? 0 : at;
}

static size_t sign_end(struct slice sql, size_t at)
{
    static const char *const twos[] = {"||", "<=", ">=", "<>", "!=", "==", "<<", ">>", "->"};
    for (size_t i = 0; i < sizeof twos / sizeof twos[0]; i++) {
        if (byte_at(sql, at) == (uint8_t)twos[i][0] && byte_at(sql, at + 1) == (uint8_t)twos[i][1])
            return at + 2;
    }
    static const char ones[] = "+-*/%<>=(),.;&|~";
    return memchr(ones, sql.data[at], sizeof ones - 1) ? at + 1 : 0;
}

static size_t word_end(struct slice sql, size_t at)
{
    while (continues_word(byte_at(sql, at)))
        at++;
    return byte_at(sql, at) == '\'' ? 0 : at; // x'00', or nothing sensible
}

struct token token_next(struct slice sql, size_t *at)
{
    struct token token = {.kind = TOKEN_OTHER};
    const bool clear = skip_space(sql, at);
    const size_t start = *at;
    size_t end = 0;
    const uint8_t byte = byte_at(sql, start);
    if (clear && start >= sql.len) {
        token.kind = TOKEN_END;
        end = start;
    } else if (clear && byte == '\'') {
        token.kind = TOKEN_STRING;
        end = quoted_end(sql, start, byte);
    } else if (clear && (byte == '"' || byte == '`' || byte == '[')) {
        token.kind = TOKEN_QUOTED;
        end = quoted_end(sql, start, byte == '[' ? ']' : byte);
    } else if (clear && (is_digit(byte) || (byte == '.' && is_digit(byte_at(sql, start + 1))))) {
        token.kind = TOKEN_NUMBER;
        end = number_end(sql, start);
    } else if (clear && begins_word(byte)) {
        token.kind = TOKEN_WORD;
        end = word_end(sql, start);
    } else if (clear) {
        token.kind = TOKEN_SIGN;
        end = sign_end(sql, start);
    }
    if (end == 0 && token.kind != TOKEN_END) {
        token.kind = TOKEN_OTHER;
        end = sql.len;
    }
    token.start = (uint32_t)start;
    token.len = (uint32_t)(end - start);
    *at = end;
    return token;
}

/* --- what a token says ----------------------------------------------------------------------- */

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

bool token_is(const struct reader *reader, size_t i, const char *text)
{
    const struct token *token = token_at(reader, i);
    if ((token->kind != TOKEN_WORD && token->kind != TOKEN_SIGN) || token->len != strlen(text))
        return false;
    for (size_t k = 0; k < token->len; k++) {
        if (lower(reader->sql.data[token->start + k]) != (uint8_t)text[k])
            return false;
    }
    return true;
}

bool token_is_any(const struct reader *reader, size_t i, const char *const *texts, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (token_is(reader, i, texts[k]))
            return true;
    }
    return false;
}

bool token_is_name(const struct reader *reader, size_t i)
{
    const enum token_kind kind = token_at(reader, i)->kind;
    return kind == TOKEN_WORD || kind == TOKEN_QUOTED;
}

bool token_name(const struct reader *reader, const struct token *token, char name[SHAPE_NAME_BYTES])
{
    const uint8_t *bytes = reader->sql.data + token->start;
    size_t from = 0;
    size_t until = token->len;
    uint8_t quote = 0;
    if (token->kind == TOKEN_QUOTED || token->kind == TOKEN_STRING) {
        quote = bytes[until - 1];
        from++;
        until--;
    }
    size_t len = 0;
    for (size_t i = from; i < until; i++) {
        if (len + 1 >= SHAPE_NAME_BYTES || bytes[i] == '\0')
            return false;
        name[len++] = (char)bytes[i];
        i += bytes[i] == quote && quote != ']'; // doubled
    }
    name[len] = '\0';
    return len > 0;
}

static bool same_letters(const char *a, const char *b)
{
    while (*a != '\0' && lower((uint8_t)*a) == lower((uint8_t)*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

bool token_spells(const struct reader *reader, size_t i, const char *name)
{
    char own[SHAPE_NAME_BYTES];
    return token_name(reader, token_at(reader, i), own) && same_letters(own, name);
}

bool token_names(const struct reader *reader, size_t i, const char *name)
{
    return token_is_name(reader, i) && token_spells(reader, i, name);
}

bool tokens_same_name(const struct reader *reader, const struct token *a, const struct token *b)
{
    char left[SHAPE_NAME_BYTES];
    char right[SHAPE_NAME_BYTES];
    return token_name(reader, a, left) && token_name(reader, b, right) && same_letters(left, right);
}

bool token_integer(const struct reader *reader, size_t i, int64_t *value)
{
    const struct token *token = token_at(reader, i);
    if (token->kind != TOKEN_NUMBER || token->len > 15)
        return false;
    *value = 0;
    for (size_t k = 0; k < token->len; k++) {
        const uint8_t byte = reader->sql.data[token->start + k];
        if (!is_digit(byte))
            return false;
        *value = *value * 10 + (byte - '0');
    }
    return true;
}
