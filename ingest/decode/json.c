/*
 * json.c - recursive descent; depth is bounded by JSON_DEPTH_MAX, so is the stack.
 *
 * (1) The parser never reads at or past `end`: every look goes through peek().
 * (2) parse_* functions return false once `status` or `failed` is set; the place is `next`.
 * (3) A string without escapes is a slice of the source; only escaped ones are copied.
 */
#include "ingest/decode/json.h"

#include "engine/number/number.h"

#include <string.h>

/* Members up to which equal names are found by comparing all pairs. */
#define PAIRWISE_MAX 8u
/* Without an exponent, fewer bytes than this are a number within the range of doubles. */
#define SURE_NUMBER_BYTES    300u
#define NAME_HASH_SEED       0x6a736f6eu
#define HIGH_SURROGATE_FIRST 0xd800u
#define LOW_SURROGATE_FIRST  0xdc00u
#define LOW_SURROGATE_LAST   0xdfffu

struct parser {
    const uint8_t *next;
    const uint8_t *end;
    struct arena *arena;
    unsigned depth;
    enum status status; /* STATUS_NOMEM once an allocation failed */
};

static bool parse_value(struct parser *parser, struct json_node *node);

static int peek(const struct parser *parser)
{
    return parser->next < parser->end ? *parser->next : -1;
}

static void skip_space(struct parser *parser)
{
    for (;;) {
        const int byte = peek(parser);
        if (byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
            return;
        parser->next++;
    }
}

static bool take(struct parser *parser, int wanted)
{
    if (peek(parser) != wanted)
        return false;
    parser->next++;
    return true;
}

static void *allocate(struct parser *parser, size_t bytes_len)
{
    void *memory = arena_alloc(parser->arena, bytes_len);
    if (!memory)
        parser->status = STATUS_NOMEM;
    return memory;
}

/* --- strings ------------------------------------------------------------------------------- */

static bool is_continuation(const uint8_t *byte, const uint8_t *end, uint8_t lowest,
                            uint8_t highest)
{
    return byte < end && *byte >= lowest && *byte <= highest;
}

/* How a sequence goes on after its first byte; only the second byte's range varies. */
struct utf8_rest {
    size_t len; /* continuation bytes; 0: no sequence starts so */
    uint8_t lowest, highest;
};

static struct utf8_rest utf8_rest_of(uint8_t first)
{
    if (first >= 0xc2 && first <= 0xdf)
        return (struct utf8_rest){1, 0x80, 0xbf};
    if (first == 0xe0)
        return (struct utf8_rest){2, 0xa0, 0xbf}; /* shorter forms exist below */
    if (first == 0xed)
        return (struct utf8_rest){2, 0x80, 0x9f}; /* surrogates lie above */
    if (first >= 0xe1 && first <= 0xef)
        return (struct utf8_rest){2, 0x80, 0xbf};
    if (first == 0xf0)
        return (struct utf8_rest){3, 0x90, 0xbf};
    if (first == 0xf4)
        return (struct utf8_rest){3, 0x80, 0x8f}; /* U+10FFFF is the last */
    if (first >= 0xf1 && first <= 0xf3)
        return (struct utf8_rest){3, 0x80, 0xbf};
    return (struct utf8_rest){0, 0, 0};
}

/* Length of the UTF-8 sequence at `at` (its first byte is not ASCII), 0 if it is none. */
static size_t utf8_sequence_len(const uint8_t *at, const uint8_t *end)
{
    const struct utf8_rest rest = utf8_rest_of(at[0]);
    if (rest.len == 0 || !is_continuation(at + 1, end, rest.lowest, rest.highest))
        return 0;
    for (size_t i = 2; i <= rest.len; i++) {
        if (!is_continuation(at + i, end, 0x80, 0xbf))
            return 0;
    }
    return 1 + rest.len;
}

static int hex_value(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* Four hexadecimal digits. */
static bool parse_code_unit(struct parser *parser, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        const int digit = hex_value(peek(parser));
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)digit;
        parser->next++;
    }
    return true;
}

/* What follows "\u": one code unit, or both halves of a pair. */
static bool parse_code_point(struct parser *parser, uint32_t *point)
{
    if (!parse_code_unit(parser, point))
        return false;
    if (*point < HIGH_SURROGATE_FIRST || *point > LOW_SURROGATE_LAST)
        return true;
    if (*point >= LOW_SURROGATE_FIRST || !take(parser, '\\') || !take(parser, 'u'))
        return false;
    uint32_t low = 0;
    if (!parse_code_unit(parser, &low) || low < LOW_SURROGATE_FIRST || low > LOW_SURROGATE_LAST)
        return false;
    *point = 0x10000 + ((*point - HIGH_SURROGATE_FIRST) << 10) + (low - LOW_SURROGATE_FIRST);
    return true;
}

static size_t put_utf8(uint8_t *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xc0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (point & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (point & 63));
    return 4;
}

static int simple_escape(int byte)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *found = byte > 0 ? strchr(names, byte) : NULL;
    return found ? meanings[found - names] : -1;
}

/* The escape whose backslash was taken; 1 to 4 bytes, never more than it took in the source. */
static bool parse_escape(struct parser *parser, uint8_t *out, size_t *written)
{
    if (take(parser, 'u')) {
        uint32_t point = 0;
        if (!parse_code_point(parser, &point))
            return false;
        *written = put_utf8(out, point);
        return true;
    }
    const int meaning = simple_escape(peek(parser));
    if (meaning < 0)
        return false;
    parser->next++;
    *out = (uint8_t)meaning;
    *written = 1;
    return true;
}

/* Moves over characters that stand for themselves, up to a quote or a backslash. */
static bool skip_plain(struct parser *parser)
{
    for (;;) {
        const int byte = peek(parser);
        if (byte < 0x20)
            return false; /* a raw control character, or the end */
        if (byte == '"' || byte == '\\')
            return true;
        const size_t len = byte < 0x80 ? 1 : utf8_sequence_len(parser->next, parser->end);
        if (len == 0)
            return false;
        parser->next += len;
    }
}

/* Length of the source up to the closing quote: what an unescaped copy needs at most. */
static size_t string_bytes_max(const struct parser *parser)
{
    const uint8_t *at = parser->next;
    while (at < parser->end && *at != '"')
        at += *at == '\\' && at + 1 < parser->end ? 2 : 1;
    return (size_t)(at - parser->next);
}

/* The rest of a string from its first escape on; `start` is its first character. */
static bool parse_escaped(struct parser *parser, const uint8_t *start, struct slice *text)
{
    const size_t plain_len = (size_t)(parser->next - start);
    uint8_t *copy = allocate(parser, plain_len + string_bytes_max(parser));
    if (!copy)
        return false;
    if (plain_len > 0)
        memcpy(copy, start, plain_len);
    size_t len = plain_len;
    while (take(parser, '\\')) {
        size_t written = 0;
        if (!parse_escape(parser, copy + len, &written))
            return false;
        len += written;
        const uint8_t *run = parser->next;
        if (!skip_plain(parser))
            return false;
        memcpy(copy + len, run, (size_t)(parser->next - run));
        len += (size_t)(parser->next - run);
    }
    *text = slice_of(copy, len);
    return take(parser, '"');
}

static bool parse_string(struct parser *parser, struct slice *text)
{
    if (!take(parser, '"'))
        return false;
    const uint8_t *start = parser->next;
    if (!skip_plain(parser))
        return false;
    if (peek(parser) == '\\')
        return parse_escaped(parser, start, text);
    *text = slice_of(start, (size_t)(parser->next - start));
    return take(parser, '"');
}

/* --- numbers and literals ------------------------------------------------------------------ */

static size_t skip_digits(struct parser *parser)
{
    const uint8_t *start = parser->next;
    while (parser->next < parser->end && *parser->next >= '0' && *parser->next <= '9')
        parser->next++;
    return (size_t)(parser->next - start);
}

static bool parse_number(struct parser *parser)
{
    const uint8_t *start = parser->next;
    take(parser, '-');
    if (!take(parser, '0') && skip_digits(parser) == 0)
        return false;
    if (take(parser, '.') && skip_digits(parser) == 0)
        return false;
    const bool has_exponent = take(parser, 'e') || take(parser, 'E');
    if (has_exponent) {
        if (!take(parser, '+'))
            take(parser, '-');
        if (skip_digits(parser) == 0)
            return false;
    }
    const struct slice text = slice_of(start, (size_t)(parser->next - start));
    struct number number;
    return (!has_exponent && text.len < SURE_NUMBER_BYTES) || number_parse(text, &number);
}

static bool parse_word(struct parser *parser, const char *word)
{
    for (; *word; word++) {
        if (!take(parser, *word))
            return false;
    }
    return true;
}

/* --- arrays and objects -------------------------------------------------------------------- */

static void shadow_equal_names_pairwise(struct json_node *first)
{
    for (struct json_node *node = first; node; node = node->next) {
        for (const struct json_node *later = node->next; later; later = later->next) {
            if (slice_equal(node->name, later->name))
                node->shadowed = true;
        }
    }
}

/* By a hash table of the members seen so far: the cost must not grow with the square. */
static bool shadow_equal_names_hashed(struct parser *parser, struct json_node *first, size_t count)
{
    size_t slot_count = 16;
    while (slot_count < 2 * count)
        slot_count *= 2;
    struct json_node **slots = allocate(parser, slot_count * sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0, slot_count * sizeof *slots);
    for (struct json_node *node = first; node; node = node->next) {
        const uint64_t hash = bytes_hash(node->name.data, node->name.len, NAME_HASH_SEED);
        size_t index = (size_t)hash & (slot_count - 1);
        while (slots[index] && !slice_equal(slots[index]->name, node->name))
            index = (index + 1) & (slot_count - 1);
        if (slots[index])
            slots[index]->shadowed = true;
        slots[index] = node;
    }
    return true;
}

static bool parse_member(struct parser *parser, struct json_node *node)
{
    if (!parse_string(parser, &node->name))
        return false;
    skip_space(parser);
    if (!take(parser, ':'))
        return false;
    skip_space(parser);
    return parse_value(parser, node);
}

/* Children up to the closing bracket; the opening one was taken. */
static bool parse_children(struct parser *parser, struct json_node *parent, size_t *count)
{
    const bool is_object = parent->type == JSON_OBJECT;
    const int close = is_object ? '}' : ']';
    struct json_node **link = &parent->first;
    skip_space(parser);
    if (take(parser, close))
        return true;
    for (;;) {
        struct json_node *node = allocate(parser, sizeof *node);
        if (!node)
            return false;
        *node = (struct json_node){0};
        if (!(is_object ? parse_member(parser, node) : parse_value(parser, node)))
            return false;
        *link = node;
        link = &node->next;
        (*count)++;
        skip_space(parser);
        if (take(parser, close))
            return true;
        if (!take(parser, ','))
            return false;
        skip_space(parser);
    }
}

static bool parse_container(struct parser *parser, struct json_node *node)
{
    if (parser->depth == JSON_DEPTH_MAX)
        return false;
    parser->depth++;
    node->type = *parser->next++ == '{' ? JSON_OBJECT : JSON_ARRAY;
    size_t count = 0;
    if (!parse_children(parser, node, &count))
        return false;
    parser->depth--;
    if (node->type == JSON_ARRAY)
        return true;
    if (count > PAIRWISE_MAX)
        return shadow_equal_names_hashed(parser, node->first, count);
    shadow_equal_names_pairwise(node->first);
    return true;
}

static bool parse_typed(struct parser *parser, struct json_node *node)
{
    switch (peek(parser)) {
    case '{':
    case '[':
        return parse_container(parser, node);
    case '"':
        node->type = JSON_STRING;
        return parse_string(parser, &node->text);
    case 't':
        node->type = JSON_TRUE;
        return parse_word(parser, "true");
    case 'f':
        node->type = JSON_FALSE;
        return parse_word(parser, "false");
    case 'n':
        node->type = JSON_NULL;
        return parse_word(parser, "null");
    default:
        node->type = JSON_NUMBER;
        return parse_number(parser);
    }
}

static bool parse_value(struct parser *parser, struct json_node *node)
{
    const uint8_t *start = parser->next;
    if (!parse_typed(parser, node))
        return false;
    node->raw = slice_of(start, (size_t)(parser->next - start));
    if (node->type != JSON_STRING)
        node->text = node->raw;
    return true;
}

enum status json_parse(struct slice text, struct arena *arena, struct json_document *document)
{
    *document = (struct json_document){0};
    if (text.len == 0)
        return STATUS_OK;
    struct parser parser = {
        .next = text.data, .end = text.data + text.len, .arena = arena, .status = STATUS_OK};
    struct json_node *root = allocate(&parser, sizeof *root);
    if (!root)
        return STATUS_NOMEM;
    *root = (struct json_node){0};
    skip_space(&parser);
    bool valid = parse_value(&parser, root);
    if (valid) {
        skip_space(&parser);
        valid = parser.next == parser.end;
    }
    if (valid)
        document->root = root;
    else
        document->error_offset = (size_t)(parser.next - text.data);
    return parser.status;
}

const struct json_node *json_member(const struct json_node *object, const char *name)
{
    if (!object || object->type != JSON_OBJECT)
        return NULL;
    for (const struct json_node *node = object->first; node; node = node->next) {
        if (!node->shadowed && text_equals(node->name, name))
            return node;
    }
    return NULL;
}
