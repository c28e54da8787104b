/*
 * fuzz_xml.c - begins and ends match at every depth, what is read quickly is what libxml2 reads,
 * and
 * what is escaped can be read again.
 */
#include "ingest/xml/xml_internal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 64u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_xml: %s\n", what);
    abort();
}

/* The elements that are open. */
struct path {
    uint8_t names[XML_DEPTH_MAX][NAME_BYTES];
    size_t name_lens[XML_DEPTH_MAX];
    bool has_children[XML_DEPTH_MAX];
    unsigned depth;
    struct buffer text;  /* of the last end */
    struct buffer trace; /* of all calls */
};

static void note(struct path *path, char mark, struct slice text)
{
    check(buffer_append(&path->trace, &mark, 1) == STATUS_OK, "memory");
    check(buffer_append(&path->trace, text.data, text.len) == STATUS_OK, "memory");
}

static enum status on_begin(void *context, struct slice name, unsigned depth, struct error *err)
{
    struct path *path = context;
    (void)err;
    check(depth == path->depth && depth < XML_DEPTH_MAX, "a begin at another depth");
    const size_t kept = name.len < NAME_BYTES ? name.len : NAME_BYTES;
    memcpy(path->names[depth], name.data, kept);
    path->name_lens[depth] = name.len;
    path->has_children[depth] = false;
    if (depth > 0)
        path->has_children[depth - 1] = true;
    path->depth++;
    note(path, '<', name);
    return STATUS_OK;
}

static enum status on_end(void *context, struct slice name, struct slice text, bool is_leaf,
                          unsigned depth, struct error *err)
{
    struct path *path = context;
    (void)err;
    check(path->depth == depth + 1, "an end at another depth");
    path->depth--;
    const size_t kept = name.len < NAME_BYTES ? name.len : NAME_BYTES;
    check(name.len == path->name_lens[depth] && memcmp(name.data, path->names[depth], kept) == 0,
          "an end of another element");
    check(is_leaf != path->has_children[depth], "a leaf with children");
    check(is_leaf || text.len == 0, "text between elements");
    note(path, '/', text);
    buffer_clear(&path->text);
    return buffer_append(&path->text, text.data, text.len);
}

/* Twice: as it comes, and by libxml2 in any case. */
static enum status walk(struct slice document, struct path *path, struct error *err)
{
    static struct xml_parser *parser;
    static struct path general;
    if (!parser)
        check(xml_open(&parser, NULL) == STATUS_OK, "memory");
    path->depth = 0;
    buffer_clear(&path->trace);
    general.depth = 0;
    buffer_clear(&general.trace);
    const struct xml_visitor visitor = {path, on_begin, on_end};
    const struct xml_visitor general_visitor = {&general, on_begin, on_end};
    const enum status status = xml_walk(parser, document, &visitor, err);
    check(xml_walk_general(parser, document, &general_visitor, NULL) == status,
          "refused in one way only");
    check(slice_equal(buffer_slice(&path->trace), buffer_slice(&general.trace)),
          "two ways to read a document");
    return status;
}

static void escape_document(struct slice text, struct buffer *document)
{
    buffer_clear(document);
    check(buffer_append(document, "<a b='", 6) == STATUS_OK, "memory");
    if (text.len < 100) /* tags have a limit */
        check(xml_escape(document, text) == STATUS_OK, "memory");
    check(buffer_append(document, "'>", 2) == STATUS_OK, "memory");
    check(xml_escape(document, text) == STATUS_OK, "memory");
    check(buffer_append(document, "</a>", 4) == STATUS_OK, "memory");
}

/* Escaped, read and escaped again it is the same: nothing is lost but what XML cannot hold. */
static void check_escape(struct slice text, struct path *path)
{
    static struct buffer first;
    static struct buffer second;
    struct error err = {0};
    escape_document(text, &first);
    if (first.len > XML_BYTES_MAX)
        return;
    check(walk(buffer_slice(&first), path, &err) == STATUS_OK, err.message);
    const struct slice once = buffer_slice(&path->text);
    escape_document(once, &second);
    if ((text.len < 100) == (once.len < 100))
        check(slice_equal(buffer_slice(&first), buffer_slice(&second)), "escaping changed a text");
    bool plain = true;
    for (size_t i = 0; i < text.len; i++)
        plain = plain && text.data[i] >= 0x20 && text.data[i] < 0x80;
    check(!plain || slice_equal(text, once), "a plain text came back changed");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    static struct path path;
    struct error err = {0};
    const enum status status = walk(slice_of(bytes, bytes_len), &path, &err);
    if (status == STATUS_OK)
        check(path.depth == 0, "something stayed open");
    else
        check(status == STATUS_INPUT && strncmp(err.message, "xml: ", 5) == 0,
              "a refusal without a reason");
    check_escape(slice_of(bytes, bytes_len), &path);
    return 0;
}
