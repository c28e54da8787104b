/*
 * filter_parse.c - from the text of an expression to steps on a stack.
 *
 *      temperature < 100 and not x is null   ->   range(temperature), null(x), NOT, AND
 *
 * One token is looked ahead. A refusal says what could have stood there and where that is; what
 * people write out of habit from elsewhere (&&, =>, single quotes, a unit) gets a hint of its own.
 */
#include "query/filter/filter_internal.h"

#include "engine/base/mem.h"
#include "engine/row/row.h"
#include "query/quoted/quoted.h"

#include <assert.h>
#include <strings.h>

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_NUMBER,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_EQUAL,
    TOKEN_UNEQUAL,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_IS,
    TOKEN_NULL,
    TOKEN_BETWEEN,
};

struct token {
    enum token_kind kind;
    size_t start, len;
    struct number number;         /* TOKEN_NUMBER */
    uint8_t name[NAME_BYTES_MAX]; /* TOKEN_NAME */
    size_t name_len;
};

struct parser {
    struct filter *filter;
    struct slice text;
    struct token token; /* the one looked at */
    unsigned nesting;
    struct filter_place *place;
    struct error *err;
};

/* --- refusals ------------------------------------------------------------------------------ */

static enum status refuse_at(const struct parser *parser, size_t start, size_t len,
                             const char *message)
{
    *parser->place = (struct filter_place){.start = start, .len = len};
    return error_set(parser->err, STATUS_INPUT, "%s", message);
}

/* "expected a number, found 'hot'" at the token. */
static enum status refuse_token(const struct parser *parser, const char *expected)
{
    const struct token *token = &parser->token;
    *parser->place = (struct filter_place){.start = token->start, .len = token->len};
    if (token->kind == TOKEN_END)
        return error_set(parser->err, STATUS_INPUT, "expected %s, found the end", expected);
    return error_set(parser->err, STATUS_INPUT, "expected %s, found '%.*s'", expected,
                     token->len < 64 ? (int)token->len : 64,
                     (const char *)parser->text.data + token->start);
}

/* --- tokens -------------------------------------------------------------------------------- */

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool begins_name(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           byte >= 0x80;
}

static bool goes_on_name(uint8_t byte)
{
    return begins_name(byte) || is_digit(byte) || (byte != 0 && strchr(".-:/@$%", byte) != NULL);
}

static enum token_kind kind_of_word(struct slice word)
{
    static const struct {
        const char *word;
        enum token_kind kind;
    } words[] = {{"and", TOKEN_AND}, {"or", TOKEN_OR},     {"not", TOKEN_NOT},
                 {"is", TOKEN_IS},   {"null", TOKEN_NULL}, {"between", TOKEN_BETWEEN}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (word.len == strlen(words[i].word) &&
            strncasecmp(words[i].word, (const char *)word.data, word.len) == 0)
            return words[i].kind;
    }
    return TOKEN_NAME;
}

static enum status read_word(struct parser *parser)
{
    struct token *token = &parser->token;
    const uint8_t *start = parser->text.data + token->start;
    const size_t left = parser->text.len - token->start;
    while (token->len < left && goes_on_name(start[token->len]))
        token->len++;
    token->kind = kind_of_word(slice_of(start, token->len));
    if (token->len > NAME_BYTES_MAX)
        return refuse_at(parser, token->start, token->len, "a metric's name has at most 256 bytes");
    memcpy(token->name, start, token->len);
    token->name_len = token->len;
    return STATUS_OK;
}

static enum status read_quoted(struct parser *parser)
{
    struct token *token = &parser->token;
    token->kind = TOKEN_NAME;
    const struct slice rest =
        slice_of(parser->text.data + token->start, parser->text.len - token->start);
    switch (quoted_read(rest, token->name, &token->name_len, &token->len)) {
    case QUOTED_OK:
        return STATUS_OK;
    case QUOTED_OPEN:
        return refuse_at(parser, token->start, token->len, "no '\"' ends this name");
    case QUOTED_BAD:
        return refuse_at(parser, token->start + token->len - 2, 2,
                         "in a quoted name, '\\' stands before '\"' and '\\' only");
    case QUOTED_TOO_LONG:
        break;
    }
    return refuse_at(parser, token->start, token->len, "a metric's name has at most 256 bytes");
}

static enum status read_number(struct parser *parser)
{
    struct token *token = &parser->token;
    const uint8_t *start = parser->text.data + token->start;
    const uint8_t *end = parser->text.data + parser->text.len;
    token->kind = TOKEN_NUMBER;
    const uint8_t *after = number_parse_prefix(start, end, &token->number);
    const uint8_t *last = after ? after : start;
    while (last < end && (goes_on_name(*last) || *last == '+'))
        last++;
    token->len = (size_t)(last - start);
    if (after && last == after)
        return STATUS_OK;
    if (after && begins_name(*after))
        return refuse_at(parser, (size_t)(after - parser->text.data), (size_t)(last - after),
                         "a number stands without a unit");
    return refuse_at(parser, token->start, token->len ? token->len : 1,
                     "no number: write it as 12, -0.5 or 1e3");
}

/* A sign of one or two bytes; the longer one is tried first. */
static enum status read_sign(struct parser *parser)
{
    static const struct {
        const char *text;
        enum token_kind kind;
        const char *hint; /* it is not ours, but this is what was meant */
    } signs[] = {
        {"<=", TOKEN_LESS_EQUAL, NULL},
        {"<>", TOKEN_UNEQUAL, NULL},
        {">=", TOKEN_GREATER_EQUAL, NULL},
        {"==", TOKEN_EQUAL, NULL},
        {"!=", TOKEN_UNEQUAL, NULL},
        {"=<", TOKEN_END, "write '<='"},
        {"=>", TOKEN_END, "write '>='"},
        {"&&", TOKEN_END, "write 'and'"},
        {"||", TOKEN_END, "write 'or'"},
        {"<", TOKEN_LESS, NULL},
        {">", TOKEN_GREATER, NULL},
        {"=", TOKEN_EQUAL, NULL},
        {"(", TOKEN_OPEN, NULL},
        {")", TOKEN_CLOSE, NULL},
        {"!", TOKEN_END, "write 'not'"},
        {"&", TOKEN_END, "write 'and'"},
        {"|", TOKEN_END, "write 'or'"},
        {"'", TOKEN_END, "names of metrics stand bare or in double quotes"},
        {"`", TOKEN_END, "names of metrics stand bare or in double quotes"},
        {"+", TOKEN_END, "a number has no '+': write it as 12, -0.5 or 1e3"},
        {".", TOKEN_END, "a number begins with a digit: write 0.5"},
        {",", TOKEN_END, "tests are joined with 'and' or 'or'; numbers have a decimal point"},
    };
    struct token *token = &parser->token;
    const struct slice rest =
        slice_of(parser->text.data + token->start, parser->text.len - token->start);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        const size_t len = strlen(signs[i].text);
        if (len > rest.len || memcmp(rest.data, signs[i].text, len) != 0)
            continue;
        token->len = len;
        token->kind = signs[i].kind;
        return signs[i].hint ? refuse_at(parser, token->start, len, signs[i].hint) : STATUS_OK;
    }
    return refuse_at(parser, token->start, 1, "this has no meaning here");
}

/* Moves to the next token. */
static enum status next_token(struct parser *parser)
{
    struct token *token = &parser->token;
    size_t at = token->start + token->len;
    while (at < parser->text.len && is_blank(parser->text.data[at]))
        at++;
    token->start = at;
    token->len = 0;
    token->kind = TOKEN_END;
    if (at == parser->text.len)
        return STATUS_OK;
    const uint8_t byte = parser->text.data[at];
    if (byte == '"')
        return read_quoted(parser);
    if (begins_name(byte))
        return read_word(parser);
    if (is_digit(byte) || byte == '-')
        return read_number(parser);
    return read_sign(parser);
}

/* --- steps --------------------------------------------------------------------------------- */

static enum status no_memory(const struct parser *parser)
{
    return error_set(parser->err, STATUS_NOMEM, "no memory for the expression");
}

static enum status add_step(const struct parser *parser, const struct filter_step *step)
{
    struct filter *filter = parser->filter;
    if (mem_grow(&filter->steps, &filter->step_capacity, filter->step_count + 1,
                 sizeof *filter->steps) != STATUS_OK)
        return no_memory(parser);
    filter->steps[filter->step_count++] = *step;
    return STATUS_OK;
}

static enum status add_operation(const struct parser *parser, enum filter_kind kind)
{
    const struct filter_step step = {.kind = kind};
    return add_step(parser, &step);
}

/* The place of the metric that the token names. */
static enum status find_metric(const struct parser *parser, uint32_t *metric)
{
    struct filter *filter = parser->filter;
    const struct slice name = slice_of(parser->token.name, parser->token.name_len);
    for (*metric = 0; *metric < filter->metric_count; ++*metric) {
        if (slice_equal(filter->metrics[*metric].name, name))
            return STATUS_OK;
    }
    if (mem_grow(&filter->metrics, &filter->metric_capacity, filter->metric_count + 1,
                 sizeof *filter->metrics) != STATUS_OK)
        return no_memory(parser);
    const struct slice copy = arena_copy(&filter->arena, name);
    if (!copy.data)
        return no_memory(parser);
    filter->metrics[filter->metric_count++] =
        (struct filter_metric){.name = copy,
                               .expression = filter->expression_count,
                               .start = parser->token.start,
                               .len = parser->token.len};
    return STATUS_OK;
}

/* --- tests --------------------------------------------------------------------------------- */

static enum status read_bound(struct parser *parser, struct number *bound)
{
    if (parser->token.kind == TOKEN_NAME)
        return refuse_token(parser, "a number (metrics are compared with numbers only)");
    if (parser->token.kind != TOKEN_NUMBER)
        return refuse_token(parser, "a number");
    *bound = parser->token.number;
    return next_token(parser);
}

static enum status parse_comparison(struct parser *parser, struct filter_step *step)
{
    const enum token_kind sign = parser->token.kind;
    struct number bound;
    TRY(next_token(parser));
    TRY(read_bound(parser, &bound));
    step->kind = FILTER_RANGE;
    if (sign != TOKEN_LESS && sign != TOKEN_LESS_EQUAL)
        step->low = bound;
    if (sign != TOKEN_GREATER && sign != TOKEN_GREATER_EQUAL)
        step->high = bound;
    step->high_open = sign == TOKEN_LESS;
    step->low_open = sign == TOKEN_GREATER;
    TRY(add_step(parser, step));
    return sign == TOKEN_UNEQUAL ? add_operation(parser, FILTER_NOT) : STATUS_OK;
}

static enum status parse_between(struct parser *parser, struct filter_step *step)
{
    TRY(next_token(parser));
    const size_t start = parser->token.start;
    TRY(read_bound(parser, &step->low));
    if (parser->token.kind != TOKEN_AND)
        return refuse_token(parser, "'and' and the upper bound");
    TRY(next_token(parser));
    const size_t end = parser->token.start + parser->token.len;
    TRY(read_bound(parser, &step->high));
    if (number_compare(step->low, step->high) > 0)
        return refuse_at(parser, start, end - start, "the lower bound comes first");
    step->kind = FILTER_RANGE;
    return add_step(parser, step);
}

static enum status parse_is(struct parser *parser, struct filter_step *step)
{
    TRY(next_token(parser));
    const bool negated = parser->token.kind == TOKEN_NOT;
    if (negated)
        TRY(next_token(parser));
    if (parser->token.kind != TOKEN_NULL)
        return refuse_token(parser, negated ? "'null'" : "'null' or 'not null'");
    TRY(next_token(parser));
    step->kind = FILTER_NULL;
    TRY(add_step(parser, step));
    return negated ? add_operation(parser, FILTER_NOT) : STATUS_OK;
}

static bool is_comparison(enum token_kind kind)
{
    return kind >= TOKEN_LESS && kind <= TOKEN_UNEQUAL;
}

static enum status parse_test(struct parser *parser)
{
    static const char expected[] = "a comparison, such as '< 100', 'between 1 and 5' or 'is null'";
    struct filter_step step = {.kind = FILTER_NULL};
    if (parser->token.kind == TOKEN_NUMBER)
        return refuse_token(parser, "a metric (it comes first: 'temperature > 10')");
    if (parser->token.kind >= TOKEN_AND)
        return refuse_token(parser, "a metric (one called so stands in double quotes)");
    if (parser->token.kind != TOKEN_NAME)
        return refuse_token(parser, "a metric");
    if (++parser->filter->test_count > FILTER_TESTS_MAX)
        return refuse_at(parser, parser->token.start, parser->token.len,
                         "there are more than 256 tests");
    TRY(find_metric(parser, &step.metric));
    TRY(next_token(parser));
    if (is_comparison(parser->token.kind))
        return parse_comparison(parser, &step);
    if (parser->token.kind == TOKEN_BETWEEN)
        return parse_between(parser, &step);
    if (parser->token.kind == TOKEN_IS)
        return parse_is(parser, &step);
    if (parser->token.kind != TOKEN_NOT)
        return refuse_token(parser, expected);
    TRY(next_token(parser));
    if (parser->token.kind != TOKEN_BETWEEN)
        return refuse_token(parser, "'between' (or 'not' before the metric)");
    TRY(parse_between(parser, &step));
    return add_operation(parser, FILTER_NOT);
}

/* --- and, or, not -------------------------------------------------------------------------- */

static enum status parse_or(struct parser *parser);

static enum status parse_not(struct parser *parser)
{
    const enum token_kind kind = parser->token.kind;
    if (kind != TOKEN_NOT && kind != TOKEN_OPEN)
        return parse_test(parser);
    const size_t start = parser->token.start;
    if (++parser->nesting > FILTER_DEPTH_MAX)
        return refuse_at(parser, start, parser->token.len, "nested deeper than 64");
    TRY(next_token(parser));
    if (kind == TOKEN_NOT) {
        TRY(parse_not(parser));
        TRY(add_operation(parser, FILTER_NOT));
    } else {
        TRY(parse_or(parser));
        if (parser->token.kind == TOKEN_END)
            return refuse_at(parser, start, 1, "no ')' closes this '('");
        if (parser->token.kind != TOKEN_CLOSE)
            return refuse_token(parser, "'and', 'or' or ')'");
        TRY(next_token(parser));
    }
    parser->nesting--;
    return STATUS_OK;
}

static enum status parse_and(struct parser *parser)
{
    TRY(parse_not(parser));
    while (parser->token.kind == TOKEN_AND) {
        TRY(next_token(parser));
        TRY(parse_not(parser));
        TRY(add_operation(parser, FILTER_AND));
    }
    return STATUS_OK;
}

static enum status parse_or(struct parser *parser)
{
    TRY(parse_and(parser));
    while (parser->token.kind == TOKEN_OR) {
        TRY(next_token(parser));
        TRY(parse_and(parser));
        TRY(add_operation(parser, FILTER_OR));
    }
    return STATUS_OK;
}

static enum status parse_all(struct parser *parser)
{
    const bool is_first = parser->filter->step_count == 0;
    TRY(next_token(parser));
    TRY(parse_or(parser));
    if (is_comparison(parser->token.kind))
        return refuse_token(parser, "'and', 'or' or the end (a range is 'between 10 and 30')");
    if (parser->token.kind != TOKEN_END)
        return refuse_token(parser, "'and', 'or' or the end");
    return is_first ? STATUS_OK : add_operation(parser, FILTER_AND);
}

/* --- the filter ---------------------------------------------------------------------------- */

static uint32_t stack_depth(const struct filter *filter)
{
    uint32_t depth = 0;
    uint32_t greatest = 0;
    for (size_t i = 0; i < filter->step_count; i++) {
        const enum filter_kind kind = filter->steps[i].kind;
        if (kind == FILTER_RANGE || kind == FILTER_NULL)
            depth++;
        else if (kind != FILTER_NOT)
            depth--;
        greatest = depth > greatest ? depth : greatest;
    }
    assert(depth == 1);
    return greatest;
}

enum status filter_add(struct filter *filter, const char *text, struct filter_place *place,
                       struct error *err)
{
    const struct filter before = *filter;
    struct parser parser = {
        .filter = filter, .text = slice_of_text(text), .place = place, .err = err};
    *place = (struct filter_place){0};
    if (parser.text.len > FILTER_TEXT_BYTES_MAX)
        return error_set(err, STATUS_INPUT, "an expression has at most %zu bytes",
                         FILTER_TEXT_BYTES_MAX);
    const enum status status = parse_all(&parser);
    if (status != STATUS_OK) {
        filter->step_count = before.step_count;
        filter->metric_count = before.metric_count;
        filter->test_count = before.test_count;
        return status;
    }
    filter->expression_count++;
    filter->depth = stack_depth(filter);
    assert(filter->depth <= FILTER_STACK_MAX);
    return STATUS_OK;
}

void filter_release(struct filter *filter)
{
    mem_free(filter->steps);
    mem_free(filter->metrics);
    arena_release(&filter->arena);
    *filter = (struct filter){0};
}
