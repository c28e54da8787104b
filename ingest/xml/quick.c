/*
 * quick.c - one pass over a document, tags by hand and texts by the vector; see quick.h.
 *
 * (1) Whatever is taken here, libxml2 takes as well, and hands over the same. So much is not taken:
 *     attributes (but a namespace of the root), comments, sections, instructions, empty tags,
 *     blanks in tags, CR (which XML turns into LF), '>' in a text (which may end in "]]>"),
 *     references by number, bytes beyond ASCII.
 * (2) Nothing is handed over before the document was read to its end: there is no way back from a
 *     call of a visitor.
 */
#include "ingest/xml/quick.h"

struct reading {
    struct quick *quick;
    const uint8_t *start;
    const uint8_t *next;
    const uint8_t *end;
    struct quick_event open[XML_DEPTH_MAX]; /* the begins of elements that are open */
    unsigned depth;
};

static size_t left(const struct reading *reading)
{
    return (size_t)(reading->end - reading->next);
}

/* Passes over `text` if it is next. */
static bool take(struct reading *reading, const char *text, size_t len)
{
    if (left(reading) < len || memcmp(reading->next, text, len) != 0)
        return false;
    reading->next += len;
    return true;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t';
}

static void pass_blanks(struct reading *reading)
{
    while (reading->next < reading->end && is_blank(*reading->next))
        reading->next++;
}

static bool is_letter(uint8_t byte)
{
    return (uint8_t)((byte | 0x20u) - 'a') < 26;
}

static bool is_letter_or_digit(uint8_t byte)
{
    return is_letter(byte) || (uint8_t)(byte - '0') < 10;
}

/* --- texts ----------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint8_t len;
    char stands_for;
} references[] = {
    {"&quot;", 6, '"'}, {"&amp;", 5, '&'}, {"&lt;", 4, '<'}, {"&gt;", 4, '>'}, {"&apos;", 6, '\''},
};
#define REFERENCES (sizeof references / sizeof references[0])

/* Which reference is at the beginning of a text; REFERENCES if none. */
static size_t reference_at(const uint8_t *text, size_t len)
{
    size_t i = 0;
    while (i < REFERENCES &&
           (len < references[i].len || memcmp(text, references[i].text, references[i].len) != 0))
        i++;
    return i;
}

static bool references_are_known(const uint8_t *text, size_t len)
{
    const uint8_t *end = text + len;
    while ((text = memchr(text, '&', (size_t)(end - text))) != NULL) {
        const size_t found = reference_at(text, (size_t)(end - text));
        if (found == REFERENCES)
            return false;
        text += references[found].len;
    }
    return true;
}

/* Without an early end the loop over a text is one over vectors. */
static bool text_is_quick(const uint8_t *text, size_t len, bool *has_reference)
{
    uint8_t strange = 0;
    uint8_t reference = 0;
    for (size_t i = 0; i < len; i++) {
        const uint8_t byte = text[i];
        const uint8_t control = (uint8_t)((byte < 0x20) & (byte != '\n') & (byte != '\t'));
        strange |= (uint8_t)(control | (byte >= 0x7f) | (byte == '>'));
        reference |= (uint8_t)(byte == '&');
    }
    *has_reference = reference != 0;
    return strange == 0 && (reference == 0 || references_are_known(text, len));
}

enum status quick_unescape(struct slice text, struct buffer *to)
{
    TRY(buffer_reserve(to, text.len));
    const uint8_t *from = text.data;
    const uint8_t *end = from + text.len;
    while (from < end) {
        const uint8_t *mark = memchr(from, '&', (size_t)(end - from));
        const size_t plain_len = (size_t)((mark ? mark : end) - from);
        buffer_put_bytes(to, from, plain_len);
        from += plain_len;
        if (!mark)
            break;
        const size_t found = reference_at(from, (size_t)(end - from));
        if (found == REFERENCES)
            return STATUS_INPUT; /* quick_read has seen to it that there is none such */
        buffer_put_u8(to, (uint8_t)references[found].stands_for);
        from += references[found].len;
    }
    return STATUS_OK;
}

/* --- tags ------------------------------------------------------------------------------------ */

/* A declaration that changes nothing. */
static void pass_declaration(struct reading *reading)
{
    static const char upper[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    static const char lower[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
    static const char brief[] = "<?xml version=\"1.0\"?>";
    if (!take(reading, upper, sizeof upper - 1) && !take(reading, lower, sizeof lower - 1))
        (void)take(reading, brief, sizeof brief - 1);
}

/* The only attribute taken: a namespace of the root, whose characters have no meaning to XML. */
static bool pass_namespace(struct reading *reading)
{
    static const char name[] = " xmlns=\"http://";
    if (reading->depth > 0 || !take(reading, name, sizeof name - 1))
        return false;
    const uint8_t *from = reading->next;
    while (reading->next < reading->end &&
           (is_letter_or_digit(*reading->next) || *reading->next == '/' || *reading->next == '.') &&
           (size_t)(reading->next - from) < QUICK_NAME_BYTES)
        reading->next++;
    return take(reading, "\"", 1);
}

static struct quick_event *event_add(struct reading *reading, const struct quick_event *event)
{
    struct quick *quick = reading->quick;
    if (quick->count == QUICK_EVENTS_MAX)
        return NULL;
    struct quick_event *added = &quick->events[quick->count++];
    *added = *event;
    return added;
}

/* At "<Name". */
static bool read_begin(struct reading *reading)
{
    const uint8_t *name = reading->next + 1;
    const uint8_t *at = name;
    while (at < reading->end && is_letter_or_digit(*at))
        at++;
    const size_t name_len = (size_t)(at - name);
    reading->next = at;
    if (name_len == 0 || name_len > QUICK_NAME_BYTES || !is_letter(*name) ||
        reading->depth == XML_DEPTH_MAX)
        return false;
    if (at < reading->end && *at == ' ' && !pass_namespace(reading))
        return false;
    if (!take(reading, ">", 1))
        return false;
    struct quick_event *begin = &reading->open[reading->depth];
    *begin = (struct quick_event){
        .name_at = (uint32_t)(name - reading->start),
        .text_at = (uint32_t)(reading->next - reading->start),
        .name_len = (uint8_t)name_len,
        .depth = (uint8_t)reading->depth,
        .kind = QUICK_BEGIN,
    };
    reading->depth++;
    return event_add(reading, begin) != NULL;
}

/* At "</Name>", of the innermost element that is open. */
static bool read_end(struct reading *reading, bool has_reference)
{
    const uint8_t *tag = reading->next;
    struct quick_event *begin = &reading->open[reading->depth - 1];
    reading->next += 2;
    if (left(reading) <= begin->name_len ||
        !bytes_same(reading->next, reading->start + begin->name_at, begin->name_len))
        return false;
    reading->next += begin->name_len;
    if (!take(reading, ">", 1))
        return false;
    reading->depth--;
    struct quick_event *last = &reading->quick->events[reading->quick->count - 1];
    if (last->kind == QUICK_BEGIN) { /* so it is this one's: nothing stood in between */
        last->kind = QUICK_LEAF;
        last->text_len = (uint32_t)((size_t)(tag - reading->start) - last->text_at);
        last->has_reference = has_reference;
        return true;
    }
    begin->kind = QUICK_END;
    return event_add(reading, begin) != NULL;
}

/* A text and the tag behind it. */
static bool read_step(struct reading *reading)
{
    const uint8_t *text = reading->next;
    const uint8_t *tag = memchr(text, '<', left(reading));
    bool has_reference = false;
    if (!tag || reading->end - tag < 2 ||
        !text_is_quick(text, (size_t)(tag - text), &has_reference))
        return false;
    reading->next = tag;
    return tag[1] == '/' ? read_end(reading, has_reference) : read_begin(reading);
}

bool quick_read(struct quick *quick, struct slice document)
{
    if (document.len == 0 || document.len > XML_BYTES_MAX)
        return false;
    struct reading reading;
    reading.quick = quick;
    reading.start = document.data;
    reading.next = document.data;
    reading.end = document.data + document.len;
    reading.depth = 0;
    quick->count = 0;

    pass_declaration(&reading);
    pass_blanks(&reading);
    if (left(&reading) < 2 || *reading.next != '<' || !read_begin(&reading))
        return false;
    while (reading.depth > 0) {
        if (!read_step(&reading))
            return false;
    }
    pass_blanks(&reading);
    return reading.next == reading.end;
}
