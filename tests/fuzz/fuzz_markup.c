/*
 * fuzz_markup.c - whatever a name holds, a document with it in text and in an attribute is
 * well-formed to another parser, holds nothing but that text, and says the same in both places.
 */
#include "query/markup/markup.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHARACTERS_MAX ((size_t)20)
#define ESCAPE_MAX     ((size_t)10) /* "\u{10ffff}" stands for one */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_markup: %s\n", what);
    abort();
}

static size_t characters_of(const xmlChar *text)
{
    size_t count = 0;
    for (; *text != 0; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

static void check_text(const xmlChar *text)
{
    for (; *text != 0; text++)
        check(*text >= 0x20 && *text != 0x7f, "a control character is shown");
}

/* <a b="NAME">NAME</a>, where both are written by `clipped` or whole. */
static void check_document(struct slice name, bool clipped)
{
    char *text = NULL;
    size_t text_len = 0;
    FILE *out = open_memstream(&text, &text_len);
    check(out, "memory");
    const char *const around[] = {"<a b=\"", "\">", "</a>"};
    for (unsigned i = 0; i < 3; i++) {
        (void)fputs(around[i], out);
        if (i < 2 && clipped)
            markup_put_clipped(out, name, CHARACTERS_MAX);
        else if (i < 2)
            markup_put(out, name);
    }
    check(fclose(out) == 0, "memory");

    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE;
    xmlDoc *document = xmlReadMemory(text, (int)text_len, "a.xml", "UTF-8", options);
    check(document, "not well-formed");
    xmlNode *root = xmlDocGetRootElement(document);
    check(root && !root->next && !root->prev && strcmp((const char *)root->name, "a") == 0,
          "another root");
    check(root->properties && !root->properties->next, "other attributes");
    for (const xmlNode *child = root->children; child; child = child->next)
        check(child->type == XML_TEXT_NODE, "something other than text");
    xmlChar *content = xmlNodeGetContent(root);
    xmlChar *attribute = xmlGetNoNsProp(root, (const xmlChar *)"b");
    check(content && attribute && xmlStrEqual(content, attribute), "not the same in both places");
    check_text(content);
    check(!clipped || characters_of(content) <= CHARACTERS_MAX * ESCAPE_MAX, "more than its width");
    check(clipped || (*content == 0) == (name.len == 0), "nothing is left of it");
    xmlFree(content);
    xmlFree(attribute);
    xmlFreeDoc(document);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    const struct slice name = slice_of(bytes, bytes_len);
    check_document(name, false);
    check_document(name, true);
    return 0;
}
