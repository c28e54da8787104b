/*
 * prescan.c - what libxml2 would spend too much on or do too much with, found beforehand.
 *
 *      text  <tag a="...">  text  &#x1;  <!-- ... -->  <![CDATA[ ... ]]>  <? ... ?>
 *
 * (1) libxml2 compares every attribute of a tag with every other: a tag of a megabyte costs it
 *     minutes. So the length of a tag is limited; answers of the queue have hardly any attributes.
 * (2) Without a NUL and with '<' in front a document is in none of the encodings that
 *     libxml2 guesses, but UTF-8.
 * (3) A document type declaration is refused here and, in case this file and libxml2 ever read
 *     something differently, by xml.c once more.
 * (4) References are told from the same characters in comments, CDATA sections and instructions,
 *     where they are plain text.
 */
#include "ingest/xml/prescan.h"

struct scan {
    const uint8_t *start;
    const uint8_t *next;
    const uint8_t *end;
};

static size_t scan_left(const struct scan *scan)
{
    return (size_t)(scan->end - scan->next);
}

static bool scan_at(const struct scan *scan, const char *text)
{
    const size_t len = strlen(text);
    return scan_left(scan) >= len && memcmp(scan->next, text, len) == 0;
}

/* To behind the next `text`, which ends in '>', or to the end. */
static void scan_past(struct scan *scan, const char *text)
{
    const size_t len = strlen(text);
    const uint8_t *from = scan->next;
    const uint8_t *found = NULL;
    do {
        found = memchr(scan->next, '>', scan_left(scan));
        scan->next = found ? found + 1 : scan->end;
    } while (found &&
             ((size_t)(scan->next - from) < len || memcmp(scan->next - len, text, len) != 0));
}

/* To behind the tag's '>', which quotes may hold too, or to the end. False: the tag is too long. */
static bool scan_past_tag(struct scan *scan)
{
    const bool is_limited = scan_left(scan) > XML_TAG_BYTES_MAX;
    const uint8_t *limit = is_limited ? scan->next + XML_TAG_BYTES_MAX : scan->end;
    uint8_t quote = 0;
    for (; scan->next < limit; scan->next++) {
        const uint8_t byte = *scan->next;
        if (byte > '>') /* letters, so most; quotes are below */
            continue;
        if (quote != 0) {
            quote = byte == quote ? 0 : quote;
        } else if (byte == '"' || byte == '\'') {
            quote = byte;
        } else if (byte == '>') {
            scan->next++;
            return true;
        }
    }
    return !is_limited;
}

/* Whether what begins here is passed over unread: a comment, a CDATA section, an instruction. */
static bool scan_past_opaque(struct scan *scan)
{
    static const char *const kinds[][2] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
    if (scan_left(scan) < 2 || (scan->next[1] != '!' && scan->next[1] != '?'))
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (scan_at(scan, kinds[i][0])) {
            scan->next += strlen(kinds[i][0]);
            scan_past(scan, kinds[i][1]);
            return true;
        }
    }
    return false;
}

static size_t line_of(const struct scan *scan)
{
    size_t line = 1;
    for (const uint8_t *byte = scan->start; byte < scan->next; byte++)
        line += *byte == '\n';
    return line;
}

static enum status refuse(const struct scan *scan, const char *why, struct error *err)
{
    return error_set(err, STATUS_INPUT, "xml: line %zu: %s", line_of(scan), why);
}

static enum status check_beginning(struct scan *scan, struct error *err)
{
    const size_t len = scan_left(scan);
    const uint8_t *nul = len > 0 ? memchr(scan->next, '\0', len) : NULL;
    if (nul) {
        scan->next = nul;
        return refuse(scan, "a NUL", err);
    }
    while (scan->next < scan->end && strchr(" \t\r\n", (int)*scan->next))
        scan->next++;
    if (scan->next == scan->end)
        return refuse(scan, "the document is empty", err);
    if (*scan->next != '<')
        return refuse(scan, "it does not begin with '<'", err);
    return STATUS_OK;
}

enum status prescan_check(struct slice document, struct error *err)
{
    struct scan scan = {document.data, document.data, document.data + document.len};
    TRY(check_beginning(&scan, err));

    while (scan.next < scan.end) {
        const uint8_t *tag = memchr(scan.next, '<', scan_left(&scan));
        if (!tag)
            break;
        scan.next = tag;
        if (scan_past_opaque(&scan))
            continue;
        if (scan_at(&scan, "<!"))
            return refuse(&scan, "a document type declaration", err);
        if (!scan_past_tag(&scan)) {
            scan.next = tag;
            return refuse(&scan, "a tag that is too long", err);
        }
    }
    return STATUS_OK;
}

/* A character of XML 1.0, production 2. */
static bool is_character(uint32_t code)
{
    if (code < 0x20)
        return code == '\t' || code == '\n' || code == '\r';
    return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) ||
           (code >= 0x10000 && code <= 0x10ffff);
}

static unsigned digit_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - (unsigned)'0';
    if (byte >= 'a' && byte <= 'f')
        return byte - (unsigned)'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - (unsigned)'A' + 10;
    return UINT8_MAX;
}

/* Length of an illegal reference "&#...;" at `next`; 0 if it is legal, or no reference at all. */
static size_t illegal_len(const uint8_t *next, const uint8_t *end)
{
    const uint8_t *digit = next + 2;
    unsigned base = 10;
    if (digit < end && *digit == 'x') {
        base = 16;
        digit++;
    }
    const uint8_t *first = digit;
    uint32_t code = 0;
    for (; digit < end && digit_value(*digit) < base; digit++) {
        if (code <= 0x10ffff) /* beyond, more digits change nothing */
            code = code * base + digit_value(*digit);
    }
    if (digit == first || digit == end || *digit != ';' || is_character(code))
        return 0;
    return (size_t)(digit + 1 - next);
}

bool prescan_has_reference(struct slice document)
{
    const uint8_t *next = document.data;
    const uint8_t *end = next + document.len;
    while (next < end && (next = memchr(next, '&', (size_t)(end - next))) != NULL) {
        next++;
        if (next < end && *next == '#')
            return true;
    }
    return false;
}

/* Length of what can hold no reference: text up to '&' or '<', or something passed over unread. */
static size_t unread_len(const uint8_t *next, const uint8_t *end)
{
    struct scan scan = {next, next, end};
    if (*next == '<' && scan_past_opaque(&scan))
        return (size_t)(scan.next - next);
    scan.next++;
    while (scan.next < end && *scan.next != '&' && *scan.next != '<')
        scan.next++;
    return (size_t)(scan.next - next);
}

size_t prescan_neutralise(uint8_t *document, size_t len)
{
    static const uint8_t replacement[] = {0xef, 0xbf, 0xbd};
    const uint8_t *from = document;
    const uint8_t *end = document + len;
    uint8_t *to = document;
    while (from < end) {
        size_t taken = 0;
        if (from[0] == '&' && end - from >= 2 && from[1] == '#')
            taken = illegal_len(from, end);
        if (taken > 0) {
            /* The shortest, "&#0;", is longer than what takes its place. */
            memcpy(to, replacement, sizeof replacement);
            to += sizeof replacement;
        } else {
            taken = unread_len(from, end);
            memmove(to, from, taken);
            to += taken;
        }
        from += taken;
    }
    return (size_t)(to - document);
}
