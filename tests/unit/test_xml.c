/*
 * test_xml.c - what the XML walker hands over, and that it refuses everything else in bounded time.
 */
#include "engine/base/mem.h"
#include "ingest/xml/xml.h"

#include <fcntl.h>
#include <libxml/xmlmemory.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

struct fixture {
    struct xml_parser *parser;
    struct buffer trace; /* "0<a> 1<b> 1</b 'text'> 0</a>" */
    unsigned stop_at;    /* the call that asks to stop; 0: none */
    unsigned calls;
};

static enum status trace(struct fixture *fixture, const char *text)
{
    assert_int_equal(buffer_append(&fixture->trace, text, strlen(text)), STATUS_OK);
    return ++fixture->calls == fixture->stop_at ? STATUS_STOPPED : STATUS_OK;
}

static enum status trace_begin(void *context, struct slice name, unsigned depth, struct error *err)
{
    char text[64];
    (void)err;
    (void)snprintf(text, sizeof text, "%u<%.*s> ", depth, (int)name.len, (const char *)name.data);
    return trace(context, text);
}

static enum status trace_end(void *context, struct slice name, struct slice content, bool is_leaf,
                             unsigned depth, struct error *err)
{
    char text[4096];
    (void)err;
    if (is_leaf)
        (void)snprintf(text, sizeof text, "%u</%.*s '%.*s'> ", depth, (int)name.len,
                       (const char *)name.data, (int)content.len, (const char *)content.data);
    else
        (void)snprintf(text, sizeof text, "%u</%.*s> ", depth, (int)name.len,
                       (const char *)name.data);
    if (!is_leaf)
        assert_int_equal(content.len, 0);
    return trace(context, text);
}

static enum status walk(struct fixture *fixture, struct slice document, struct error *err)
{
    const struct xml_visitor visitor = {fixture, trace_begin, trace_end};
    buffer_clear(&fixture->trace);
    fixture->calls = 0;
    return xml_walk(fixture->parser, document, &visitor, err);
}

/* Walks a copy of exactly the document's length, so that a sanitizer sees a read beyond it. */
static enum status walk_exact(struct fixture *fixture, const char *text, size_t len,
                              struct error *err)
{
    uint8_t *copy = mem_alloc(len, 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    const enum status status = walk(fixture, slice_of(copy, len), err);
    mem_free(copy);
    return status;
}

static int setup(void **state)
{
    struct fixture *fixture = mem_alloc_zeroed(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(xml_open(&fixture->parser, NULL), STATUS_OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    xml_close(fixture->parser);
    buffer_release(&fixture->trace);
    mem_free(fixture);
    assert_int_equal(mem_live_blocks(), 0);
    return 0;
}

static void assert_walk(struct fixture *fixture, const char *document, const char *expected)
{
    struct error err = {0};
    if (walk_exact(fixture, document, strlen(document), &err) != STATUS_OK)
        fail_msg("%s: %s", document, err.message);
    assert_int_equal(buffer_append(&fixture->trace, "", 1), STATUS_OK);
    assert_string_equal((const char *)fixture->trace.data, expected);
}

static void elements_come_with_their_depth_and_text(void **state)
{
    const char *const table[][2] = {
        {"<a/>", "0<a> 0</a ''> "},
        {"<a></a>", "0<a> 0</a ''> "},
        {" \n<a> x </a>\n ", "0<a> 0</a ' x '> "},
        {"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>x</a>", "0<a> 0</a 'x'> "},
        {"<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>\n<a>x</a>",
         "0<a> 0</a 'x'> "},
        {"<a>one<b>two</b>three</a>", "0<a> 1<b> 1</b 'two'> 0</a> "},
        {"<a>\n  <b>1</b>\n  <c/>\n  <b>2</b>\n</a>",
         "0<a> 1<b> 1</b '1'> 1<c> 1</c ''> 1<b> 1</b '2'> 0</a> "},
        {"<a><b><c><d>x</d></c></b>y</a>", "0<a> 1<b> 2<c> 3<d> 3</d 'x'> 2</c> 1</b> 0</a> "},
        {"<a>1<!-- > < & -->2<?pi < > & ?>3</a>", "0<a> 0</a '123'> "},
        {"<!-- first --><a>x</a><!-- last --><?and so on?>", "0<a> 0</a 'x'> "},
        {"\xef\xbb\xbf<a>x</a>", "0<a> 0</a 'x'> "},
        {"<a>x\r\ny\rz</a>", "0<a> 0</a 'x\ny\nz'> "},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_walk(*state, table[i][0], table[i][1]);
}

static void names_lose_their_namespaces(void **state)
{
    const char *const table[] = {
        "<a xmlns=\"http://mns.aliyuncs.com/doc/v1/\"><b>x</b></a>",
        "<a xmlns='http://mns.aliyuncs.com/doc/v1'><b>x</b></a>",
        "<m:a xmlns:m=\"http://mns.aliyuncs.com/doc/v1/\"><m:b>x</m:b></m:a>",
        "<m:a><n:b k='v' n:k='v'>x</n:b></m:a>",
        "<a xmlns='' xmlns:x='not a uri %%%'><b>x</b></a>",
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_walk(*state, table[i], "0<a> 1<b> 1</b 'x'> 0</a> ");
}

static void references_and_cdata_are_resolved(void **state)
{
    const char *const table[][2] = {
        {"<a>&lt;&gt;&amp;&quot;&apos;</a>", "0<a> 0</a '<>&\"''> "},
        {"<a>&#65;&#x42;&#x43;</a>", "0<a> 0</a 'ABC'> "},
        {"<a>&#13;&#10;&#9;</a>", "0<a> 0</a '\r\n\t'> "},
        {"<a>&#x4f60;&#x1F600;\xe5\xa5\xbd</a>",
         "0<a> 0</a '\xe4\xbd\xa0\xf0\x9f\x98\x80\xe5\xa5\xbd'> "},
        {"<a><![CDATA[<b>&amp;&#1;</b>]]></a>", "0<a> 0</a '<b>&amp;&#1;</b>'> "},
        {"<a>1<![CDATA[2]]>3<![CDATA[]]>4<![CDATA[]]]]><![CDATA[>]]></a>", "0<a> 0</a '1234]]>'> "},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_walk(*state, table[i][0], table[i][1]);
}

#define FFFD "\xef\xbf\xbd"

static void references_that_xml_forbids_become_replacement_characters(void **state)
{
    const char *const table[][2] = {
        {"<a>&#0;</a>", "0<a> 0</a '" FFFD "'> "},
        {"<a>x&#1;y&#x1;z&#x1F;</a>", "0<a> 0</a 'x" FFFD "y" FFFD "z" FFFD "'> "},
        {"<a>&#8;&#9;&#11;</a>", "0<a> 0</a '" FFFD "\t" FFFD "'> "},
        {"<a>&#xD7FF;&#xD800;&#xDFFF;&#xE000;</a>",
         "0<a> 0</a '\xed\x9f\xbf" FFFD FFFD "\xee\x80\x80'> "},
        {"<a>&#xFFFD;&#xFFFE;&#xffff;&#65536;</a>",
         "0<a> 0</a '" FFFD FFFD FFFD "\xf0\x90\x80\x80'> "},
        {"<a>&#x10FFFF;&#x110000;</a>", "0<a> 0</a '\xf4\x8f\xbf\xbf" FFFD "'> "},
        {"<a>&#4294967361;&#x100000041;&#18446744073709551681;</a>",
         "0<a> 0</a '" FFFD FFFD FFFD "'> "},
        {"<a b='&#1;'><!-- &#1; --><?p &#1; ?><![CDATA[&#1;]]>&#1;</a>",
         "0<a> 0</a '&#1;" FFFD "'> "},
        {"<a>&#00000000000000000000000000000000000065;</a>", "0<a> 0</a 'A'> "},
        {"<a>&amp;#1;</a>", "0<a> 0</a '&#1;'> "},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_walk(*state, table[i][0], table[i][1]);
}

struct hostile {
    const char *document;
    const char *message; /* its beginning */
};

static const struct hostile hostiles[] = {
    {"", "xml: line 1: the document is empty"},
    {" \r\n\t ", "xml: line 2: the document is empty"},
    {"x", "xml: line 1: it does not begin with '<'"},
    {"404 page not found", "xml: line 1: it does not begin with '<'"},
    {"{\"a\":1}", "xml: line 1: it does not begin with '<'"},
    {"\xef\xbb\xbf\xef\xbb\xbf<a/>", "xml: line 1: it does not begin with '<'"},
    {"\xef\xbb\xbf", "xml: line 1: the document is empty"},
    {"\xef\xbb", "xml: line 1: it does not begin with '<'"},
    {"\xfe\xff", "xml: line 1: it does not begin with '<'"},
    {"<", "xml: line 1: "},
    {"<a", "xml: line 1: "},
    {"<a>", "xml: line 1: "},
    {"<a>text", "xml: line 1: "},
    {"<a>text</a", "xml: line 1: "},
    {"<a><b></a>", "xml: line 1: "},
    {"<a>\n<b>x</b>\n", "xml: line 3: "},
    {"<a>\n\n</b>", "xml: line 3: "},
    {"<a/>x", "xml: line 1: "},
    {"<a/><a/>", "xml: line 1: "},
    {"<a/>\n<b/>", "xml: line 2: "},
    {"<a>]]></a>", "xml: line 1: "},
    {"<a><![CDATA[x</a>", "xml: line 1: "},
    {"<a><!-- x</a>", "xml: line 1: "},
    {"<a><?x</a>", "xml: line 1: "},
    {"<a><!-- -- --></a>", "xml: line 1: "},
    {"<!-- x -->", "xml: line 1: "},
    {"<?xml version='1.0'?>", "xml: line 1: "},
    {"<?xml version='1.0'?", "xml: line 1: "},
    {" <?xml version='1.0'?><a/>", "xml: line 1: "},
    {"<a b=c/>", "xml: line 1: "},
    {"<a b='1' b='2'/>", "xml: line 1: "},
    {"<a b='<'/>", "xml: line 1: "},
    {"<a b='1", "xml: line 1: "},
    {"<1/>", "xml: line 1: "},
    {"< a/>", "xml: line 1: "},
    {"<a>&</a>", "xml: line 1: "},
    {"<a>&amp</a>", "xml: line 1: "},
    {"<a>&nbsp;</a>", "xml: line 1: "},
    {"<a b='&x;'/>", "xml: line 1: "},
    {"<a>&#;</a>", "xml: line 1: "},
    {"<a>&#x;</a>", "xml: line 1: "},
    {"<a>&#65</a>", "xml: line 1: "},
    {"<a>&#6x5;</a>", "xml: line 1: "},
    {"<a>&#X41;</a>", "xml: line 1: "},
    {"<a>&#", "xml: line 1: "},
    {"<a>\n&#1", "xml: line 2: "},
    {"<a>\x01</a>", "xml: line 1: "},
    {"<a>\n\x1b[31m</a>", "xml: line 2: "},
    {"<a>\x7f\x0b</a>", "xml: line 1: "},
    {"<a>\xff</a>", "xml: line 1: "},
    {"<a>\x80</a>", "xml: line 1: "},
    {"<a>\xc0\xaf</a>", "xml: line 1: "},
    {"<a>\xed\xa0\x80</a>", "xml: line 1: "},
    {"<a>\xef\xbf\xbf</a>", "xml: line 1: "},
    {"<a>\xf4\x90\x80\x80</a>", "xml: line 1: "},
    {"<a>\xe4\xbd", "xml: line 1: "},
    {"<a>\xe4\xbd</a>", "xml: line 1: "},
    {"<?xml version='1.0' encoding='GBK'?><a>\xc4\xe3\xba\xc3</a>", "xml: line 1: "},
    {"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "xml: line 1: "},
    {"+ADw-a/>", "xml: line 1: it does not begin with '<'"},
    {"L\x6f\xa7\x94", "xml: line 1: it does not begin with '<'"},
    {"<!DOCTYPE a><a/>", "xml: line 1: a document type declaration"},
    {"<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" "
     "\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\"><html/>",
     "xml: line 2: a document type declaration"},
    {"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><a>&x;</a>",
     "xml: line 1: a document type declaration"},
    {"<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/evil.dtd\"><a/>",
     "xml: line 1: a document type declaration"},
    {"<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/evil.dtd\"> %p;]><a/>",
     "xml: line 1: a document type declaration"},
    {"<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;&lol;&lol;&lol;\">"
     "<!ENTITY lol3 \"&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;\">]><lolz>&lol3;</lolz>",
     "xml: line 1: a document type declaration"},
    {"<!doctype html><html><body>It works<br></body></html>",
     "xml: line 1: a document type declaration"},
    {"<a><!ELEMENT a ANY></a>", "xml: line 1: a document type declaration"},
    {"<!-- <a> --><!DOCTYPE a><a/>", "xml: line 1: a document type declaration"},
    {"<html><body>It works<br></body></html>", "xml: line 1: "},
};

/* Every one of them is refused, and the parser is as good as new afterwards. */
static void hostile_documents_are_refused_with_the_place(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(hostiles); i++) {
        const struct hostile *hostile = &hostiles[i];
        struct error err = {0};
        const enum status status =
            walk_exact(fixture, hostile->document, strlen(hostile->document), &err);
        if (status != STATUS_INPUT || err.status != STATUS_INPUT ||
            strncmp(err.message, hostile->message, strlen(hostile->message)) != 0)
            fail_msg("%s: %d %s", hostile->document, (int)status, err.message);
        assert_true(err.message[strlen("xml: line 1: ")] != '\0');
        assert_walk(fixture, "<a>x</a>", "0<a> 0</a 'x'> ");
    }
}

static void nul_bytes_are_refused_wherever_they_stand(void **state)
{
    static const char document[] = "<a b='c'>\n<!-- x --><![CDATA[y]]>z</a>\n";
    for (size_t at = 0; at < sizeof document - 1; at++) {
        char copy[sizeof document];
        struct error err = {0};
        memcpy(copy, document, sizeof copy);
        copy[at] = '\0';
        assert_int_equal(walk_exact(*state, copy, sizeof copy - 1, &err), STATUS_INPUT);
        assert_non_null(strstr(err.message, "a NUL"));
    }
    static const char utf16[] = "<\0a\0/\0>\0";
    assert_int_equal(walk_exact(*state, utf16, sizeof utf16 - 1, NULL), STATUS_INPUT);
}

static void every_cut_off_document_is_refused(void **state)
{
    static const char document[] =
        "<?xml version=\"1.0\"?><m:a xmlns:m=\"http://mns.aliyuncs.com/doc/v1/\"><!-- c -->"
        "<b>x&amp;&#1;<![CDATA[y]]>\xe4\xbd\xa0</b><?p i?><c k='v'/></m:a>";
    for (size_t len = 0; len < sizeof document - 1; len++) {
        struct error err = {0};
        assert_int_equal(walk_exact(*state, document, len, &err), STATUS_INPUT);
        assert_int_equal(err.status, STATUS_INPUT);
    }
    assert_int_equal(walk_exact(*state, document, sizeof document - 1, NULL), STATUS_OK);
}

/* `count` times `unit` between `before` and `after`. */
static struct buffer repeat(const char *before, const char *unit, size_t count, const char *after)
{
    struct buffer text = {0};
    const size_t unit_len = strlen(unit);
    assert_int_equal(buffer_reserve(&text, strlen(before) + unit_len * count + strlen(after)),
                     STATUS_OK);
    buffer_put_bytes(&text, before, strlen(before));
    for (size_t i = 0; i < count; i++)
        buffer_put_bytes(&text, unit, unit_len);
    buffer_put_bytes(&text, after, strlen(after));
    return text;
}

static void nesting_has_a_limit(void **state)
{
    struct fixture *fixture = *state;
    for (size_t depth = 1; depth < 5000; depth += depth / 8 + 1) {
        OWNED(buffer_release) struct buffer opened = repeat("", "<a>", depth, "");
        OWNED(buffer_release) struct buffer closed = repeat("", "</a>", depth, "");
        struct error err = {0};
        assert_int_equal(buffer_append(&opened, closed.data, closed.len), STATUS_OK);
        const enum status status = walk(fixture, buffer_slice(&opened), &err);
        assert_int_equal(status, depth <= XML_DEPTH_MAX ? STATUS_OK : STATUS_INPUT);
        if (status != STATUS_OK)
            assert_string_equal(err.message, "xml: line 1: elements nested too deeply");
    }
}

static void documents_have_a_longest_length(void **state)
{
    struct error err = {0};
    OWNED(buffer_release) struct buffer largest = repeat("<a>", "x", XML_BYTES_MAX - 7, "</a>");
    const struct xml_visitor nobody = {0};
    struct fixture *fixture = *state;
    assert_int_equal(largest.len, XML_BYTES_MAX);
    assert_int_equal(xml_walk(fixture->parser, buffer_slice(&largest), &nobody, &err), STATUS_OK);
    OWNED(buffer_release) struct buffer larger = repeat("<a>", "x", XML_BYTES_MAX - 6, "</a>");
    assert_int_equal(xml_walk(fixture->parser, buffer_slice(&larger), &nobody, &err), STATUS_INPUT);
    assert_string_equal(err.message, "xml: 4194305 bytes, 4194304 at most");
}

static void tags_have_a_longest_length(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    OWNED(buffer_release) struct buffer fits = repeat("<a b='", ">", 1024 - 9, "'/>");
    assert_int_equal(walk(fixture, buffer_slice(&fits), &err), STATUS_OK);
    OWNED(buffer_release) struct buffer longer = repeat("<a b='", ">", 1024 - 8, "'/>");
    assert_int_equal(walk(fixture, buffer_slice(&longer), &err), STATUS_INPUT);
    assert_string_equal(err.message, "xml: line 1: a tag that is too long");
    /* The '>' at the limit stands in quotes: the tag goes on behind it. */
    OWNED(buffer_release) struct buffer quoted = repeat("<a b='", ">", 2048, "'/>");
    assert_int_equal(walk(fixture, buffer_slice(&quoted), &err), STATUS_INPUT);
    assert_string_equal(err.message, "xml: line 1: a tag that is too long");
    OWNED(buffer_release) struct buffer lines = repeat("<b>\n\n<a b='", "\n", 1024, "'/></b>");
    assert_int_equal(walk(fixture, buffer_slice(&lines), &err), STATUS_INPUT);
    assert_string_equal(err.message, "xml: line 3: a tag that is too long");
}

/* Each would take minutes or gigabytes if its cost grew faster than its length. */
static void large_hostile_documents_cost_little(void **state)
{
    static const struct {
        const char *before, *unit, *after;
        enum status status;
    } table[] = {
        {"<a>", "&amp;", "</a>", STATUS_OK},
        {"<a>", "&#1;", "</a>", STATUS_OK},
        {"<a>", "&#", "</a>", STATUS_INPUT},
        {"<a>&#", "1", ";</a>", STATUS_OK},
        {"<a>&#", "0", "65;</a>", STATUS_OK},
        {"<a>", "<b/>", "</a>", STATUS_OK},
        {"<a>", "<b>\xe4\xbd\xa0</b>", "</a>", STATUS_OK},
        {"<a>", "<![CDATA[]]>", "</a>", STATUS_OK},
        {"<a>", "<!---->", "</a>", STATUS_OK},
        {"<a>", "<?p?>", "</a>", STATUS_OK},
        {"<a>", "<!--", "</a>", STATUS_INPUT},
        {"<a>", "<![CDATA[", "</a>", STATUS_INPUT},
        {"<a>", "<?p", "</a>", STATUS_INPUT},
        {"<a>", "<", "</a>", STATUS_INPUT},
        {"<a>", "&", "</a>", STATUS_INPUT},
        {"<a>", "]]", "</a>", STATUS_OK},
        {"<a>", "\r\n", "</a>", STATUS_OK},
        {"<a ", "b=\"\" ", "/>", STATUS_INPUT},
        {"<a b='", "&amp;", "'/>", STATUS_INPUT},
        {"<", "a", "/>", STATUS_INPUT},
        {"<a>&", "x", ";</a>", STATUS_INPUT},
        {"", " ", "<a/>", STATUS_OK},
        {"<?p ", "? ", "?><a/>", STATUS_OK},
        {"<!-- ", "- ", "--><a/>", STATUS_OK},
    };
    struct fixture *fixture = *state;
    const struct xml_visitor nobody = {0};
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const size_t count = (XML_BYTES_MAX - 64) / strlen(table[i].unit);
        OWNED(buffer_release)
        struct buffer text = repeat(table[i].before, table[i].unit, count, table[i].after);
        struct error err = {0};
        const enum status status = xml_walk(fixture->parser, buffer_slice(&text), &nobody, &err);
        if (status != table[i].status)
            fail_msg("%s%s: %d %s", table[i].before, table[i].unit, (int)status, err.message);
    }
}

/* libxml2 remembers names for ever, up to a limit that ends all parsing. */
static void names_never_seen_before_do_not_wear_the_parser_out(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 40; i++) {
        OWNED(buffer_release) struct buffer text = repeat("<a>", "", 0, "");
        for (unsigned k = 0; k < 4000; k++) {
            char name[128];
            const int len = snprintf(name, sizeof name, "<name-of-some-length-%u-%u-%u-%u/>", i, k,
                                     i * 7919, k * 104729);
            assert_int_equal(buffer_append(&text, name, (size_t)len), STATUS_OK);
        }
        assert_int_equal(buffer_append(&text, "</a>", 4), STATUS_OK);
        struct error err = {0};
        const struct xml_visitor nobody = {0};
        if (xml_walk(fixture->parser, buffer_slice(&text), &nobody, &err) != STATUS_OK)
            fail_msg("round %u: %s", i, err.message);
    }
}

static void a_visitor_may_end_the_walk_at_any_call(void **state)
{
    struct fixture *fixture = *state;
    for (fixture->stop_at = 1; fixture->stop_at <= 6; fixture->stop_at++) {
        struct error err = {0};
        assert_int_equal(walk(fixture, slice_of_text("<a><b>x</b><c>&#65;y</c></a>"), &err),
                         STATUS_STOPPED);
        assert_int_equal(fixture->calls, fixture->stop_at);
        assert_int_equal(err.status, STATUS_OK);
    }
    fixture->stop_at = 0;
    assert_walk(fixture, "<a>x</a>", "0<a> 0</a 'x'> ");
}

static void a_refused_document_leaves_an_older_message_in_place(void **state)
{
    struct fixture *fixture = *state;
    const struct xml_visitor nobody = {0};
    assert_int_equal(xml_walk(fixture->parser, slice_of_text("<a"), &nobody, NULL), STATUS_INPUT);
    assert_int_equal(xml_walk(fixture->parser, slice_of_text("<a/>"), &nobody, NULL), STATUS_OK);
}

/* Whatever libxml2 has to say, it says it in the error. */
static void nothing_is_written_to_stderr(void **state)
{
    struct fixture *fixture = *state;
    char path[] = "/tmp/test_xml.XXXXXX";
    const int file = mkstemp(path);
    const int saved = dup(STDERR_FILENO);
    assert_true(file >= 0 && saved >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    const char *const table[] = {"<a",
                                 "<a>\xff</a>",
                                 "<!DOCTYPE a [<!ENTITY x SYSTEM 'y'>]><a/>",
                                 "<a xmlns:x='%%%'/>",
                                 "<?xml version='9.9' encoding='x'?><a/>",
                                 "<a>&x;</a>"};
    for (size_t i = 0; i < COUNT_OF(table); i++)
        (void)walk_exact(fixture, table[i], strlen(table[i]), NULL);
    (void)fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_int_equal(lseek(file, 0, SEEK_END), 0);
    (void)close(saved);
    (void)close(file);
    (void)unlink(path);
}

static void escaped_text_is_safe_in_any_place(void **state)
{
    (void)state;
    const char *const table[][2] = {
        {"", ""},
        {"plain text 123", "plain text 123"},
        {"<a b=\"c\" d='e'>&</a>", "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;&lt;/a&gt;"},
        {"\t\r\n", "&#9;&#13;&#10;"},
        {"\x01\x1f\x7f", FFFD FFFD "\x7f"},
        {"\xe4\xbd\xa0\xe5\xa5\xbd", "\xe4\xbd\xa0\xe5\xa5\xbd"},
        {"\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"},
        {"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd\xf0\x90\x80\x80",
         "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd\xf0\x90\x80\x80"},
        {"\x80", FFFD},
        {"\xc0\xaf", FFFD FFFD},
        {"\xc1\xbf", FFFD FFFD},
        {"\xe0\x9f\xbf", FFFD FFFD FFFD},
        {"\xed\xa0\x80", FFFD FFFD FFFD},
        {"\xef\xbf\xbe", FFFD FFFD FFFD},
        {"\xf0\x8f\xbf\xbf", FFFD FFFD FFFD FFFD},
        {"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD},
        {"\xf5\x80\x80\x80", FFFD FFFD FFFD FFFD},
        {"\xff<", FFFD "&lt;"},
        {"\xe4\xbd", FFFD FFFD},
        {"\xe4\xbd<", FFFD FFFD "&lt;"},
        {"\xf0\x9f\x98", FFFD FFFD FFFD},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        OWNED(buffer_release) struct buffer escaped = {0};
        assert_int_equal(buffer_append(&escaped, "[", 1), STATUS_OK);
        assert_int_equal(xml_escape(&escaped, slice_of_text(table[i][0])), STATUS_OK);
        assert_int_equal(buffer_append(&escaped, "", 1), STATUS_OK);
        assert_string_equal((const char *)escaped.data + 1, table[i][1]);
    }
}

static enum status keep_text(void *context, struct slice name, struct slice text, bool is_leaf,
                             unsigned depth, struct error *err)
{
    (void)name;
    (void)is_leaf;
    (void)depth;
    (void)err;
    struct buffer *kept = context;
    buffer_clear(kept);
    return buffer_append(kept, text.data, text.len);
}

/* Every pair of bytes around a character that XML allows: what is escaped can be read again. */
static void escaped_text_comes_back(void **state)
{
    struct fixture *fixture = *state;
    OWNED(buffer_release) struct buffer kept = {0};
    OWNED(buffer_release) struct buffer document = {0};
    const struct xml_visitor visitor = {&kept, NULL, keep_text};
    for (unsigned i = 0; i < 256; i++) {
        for (unsigned k = 0; k < 256; k += i < 128 ? 5 : 1) {
            const uint8_t text[] = {(uint8_t)i, (uint8_t)k, 'x', '\r', '\n'};
            buffer_clear(&document);
            assert_int_equal(buffer_append(&document, "<a>", 3), STATUS_OK);
            assert_int_equal(xml_escape(&document, slice_of(text, sizeof text)), STATUS_OK);
            assert_int_equal(buffer_append(&document, "</a>", 4), STATUS_OK);
            assert_int_equal(xml_walk(fixture->parser, buffer_slice(&document), &visitor, NULL),
                             STATUS_OK);
            const bool is_text = (i == '\t' || i == '\n' || i == '\r' || (i >= 32 && i < 128)) &&
                                 (k == '\t' || k == '\n' || k == '\r' || (k >= 32 && k < 128));
            const bool is_pair = i >= 0xc2 && i <= 0xdf && k >= 0x80 && k <= 0xbf;
            assert_int_equal(slice_equal(buffer_slice(&kept), slice_of(text, sizeof text)),
                             is_text || is_pair);
        }
    }
}

static void memory_may_give_out_at_any_request(void **state)
{
    (void)state;
    static const char document[] = "<a><b>&#1;x</b><c>y</c></a>";
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct xml_parser *parser = NULL;
        struct buffer escaped = {0};
        struct error err = {0};
        const struct xml_visitor nobody = {0};
        mem_fail_at(nth);
        status = xml_open(&parser, &err);
        if (status == STATUS_OK)
            status = xml_walk(parser, slice_of_text(document), &nobody, &err);
        const enum status escape_status = xml_escape(&escaped, slice_of_text("<&x>"));
        mem_fail_at(-1);
        if (status != STATUS_OK) {
            assert_int_equal(status, STATUS_NOMEM);
            assert_int_equal(err.status, STATUS_NOMEM);
        } else if (escape_status != STATUS_OK) {
            assert_int_equal(escape_status, STATUS_NOMEM);
            assert_int_equal(escaped.len, 0);
            status = STATUS_NOMEM;
        }
        buffer_release(&escaped);
        xml_close(parser);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 50);
    }
}

/* Requests of libxml2 itself that still succeed; -1: all. */
static long library_requests_left = -1;

static bool library_may_have_memory(void)
{
    if (library_requests_left > 0)
        library_requests_left--;
    return library_requests_left != 0;
}

static void *library_alloc(size_t size)
{
    return library_may_have_memory() ? malloc(size) : NULL;
}

static void *library_resize(void *old, size_t size)
{
    return library_may_have_memory() ? realloc(old, size) : NULL;
}

static char *library_copy(const char *text)
{
    return library_may_have_memory() ? strdup(text) : NULL;
}

/* A walk that libxml2 had no memory for is never a document without elements. */
static void libxml2_may_run_out_of_memory_too(void **state)
{
    struct fixture *fixture = *state;
    enum status status = STATUS_NOMEM;
    long nth = 1;
    for (; status != STATUS_OK; nth++) {
        struct xml_parser *parser = NULL;
        struct error err = {0};
        fixture->calls = 0;
        buffer_clear(&fixture->trace);
        const struct xml_visitor visitor = {fixture, trace_begin, trace_end};
        library_requests_left = nth;
        status = xml_open(&parser, &err);
        if (status == STATUS_OK)
            status = xml_walk(parser, slice_of_text("<a x='y'><b>&lt;</b></a>"), &visitor, &err);
        library_requests_left = -1;
        xml_close(parser);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM || status == STATUS_INPUT);
        assert_int_equal(err.status, status);
        assert_in_range(nth, 1, 500);
    }
    assert_true(nth > 5);
    assert_int_equal(fixture->calls, 4);
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(libxml2_may_run_out_of_memory_too),
        FIXTURE_TEST(elements_come_with_their_depth_and_text),
        FIXTURE_TEST(names_lose_their_namespaces),
        FIXTURE_TEST(references_and_cdata_are_resolved),
        FIXTURE_TEST(references_that_xml_forbids_become_replacement_characters),
        FIXTURE_TEST(hostile_documents_are_refused_with_the_place),
        FIXTURE_TEST(nul_bytes_are_refused_wherever_they_stand),
        FIXTURE_TEST(every_cut_off_document_is_refused),
        FIXTURE_TEST(nesting_has_a_limit),
        FIXTURE_TEST(documents_have_a_longest_length),
        FIXTURE_TEST(tags_have_a_longest_length),
        FIXTURE_TEST(large_hostile_documents_cost_little),
        FIXTURE_TEST(names_never_seen_before_do_not_wear_the_parser_out),
        FIXTURE_TEST(a_visitor_may_end_the_walk_at_any_call),
        FIXTURE_TEST(a_refused_document_leaves_an_older_message_in_place),
        FIXTURE_TEST(nothing_is_written_to_stderr),
        FIXTURE_TEST(escaped_text_is_safe_in_any_place),
        FIXTURE_TEST(escaped_text_comes_back),
        FIXTURE_TEST(memory_may_give_out_at_any_request),
    };
    if (xmlMemSetup(free, library_alloc, library_resize, library_copy) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
