/*
 * test_xml_quick.c - documents read quickly are read as libxml2 reads them.
 */
#include "engine/base/mem.h"
#include "ingest/xml/quick.h"
#include "ingest/xml/xml_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char answer[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<Messages xmlns=\"http://mns.aliyuncs.com/doc/v1/\">\n  <Message><MessageId>A-1</MessageId>"
    "<MessageBody>{&quot;a&quot;:&lt;1&amp;&gt;&apos;}\t</MessageBody><Priority>8</Priority>"
    "<Empty></Empty></Message>&amp;<Message></Message>\n</Messages>\n";

struct fixture {
    struct xml_parser *parser;
    struct quick quick;
    struct buffer quick_trace;
    struct buffer general_trace;
};

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
    buffer_release(&fixture->quick_trace);
    buffer_release(&fixture->general_trace);
    mem_free(fixture);
    assert_int_equal(mem_live_blocks(), 0);
    return 0;
}

static enum status trace_begin(void *context, struct slice name, unsigned depth, struct error *err)
{
    const uint8_t mark[] = {'<', (uint8_t)depth};
    (void)err;
    TRY(buffer_append(context, mark, sizeof mark));
    return buffer_append(context, name.data, name.len);
}

static enum status trace_end(void *context, struct slice name, struct slice text, bool is_leaf,
                             unsigned depth, struct error *err)
{
    const uint8_t mark[] = {'/', (uint8_t)depth, (uint8_t)is_leaf};
    (void)err;
    TRY(buffer_append(context, mark, sizeof mark));
    TRY(buffer_append(context, name.data, name.len));
    TRY(buffer_append(context, "=", 1));
    return buffer_append(context, text.data, text.len);
}

/* True if the document is quick; then both walks are the same. */
static bool agrees(struct fixture *fixture, const char *text, size_t len)
{
    uint8_t *copy = mem_alloc(len, 1); /* so that a sanitizer sees a read beyond it */
    assert_non_null(copy);
    memcpy(copy, text, len);
    const struct slice document = slice_of(copy, len);
    const struct xml_visitor quickly = {&fixture->quick_trace, trace_begin, trace_end};
    const struct xml_visitor generally = {&fixture->general_trace, trace_begin, trace_end};
    const bool is_quick = quick_read(&fixture->quick, document);
    if (is_quick) {
        struct error err = {0};
        buffer_clear(&fixture->quick_trace);
        buffer_clear(&fixture->general_trace);
        assert_int_equal(xml_walk(fixture->parser, document, &quickly, NULL), STATUS_OK);
        if (xml_walk_general(fixture->parser, document, &generally, &err) != STATUS_OK)
            fail_msg("%.*s: %s", (int)len, text, err.message);
        if (!slice_equal(buffer_slice(&fixture->quick_trace),
                         buffer_slice(&fixture->general_trace)))
            fail_msg("%.*s: read in two ways", (int)len, text);
    }
    mem_free(copy);
    return is_quick;
}

static void a_usual_answer_is_quick(void **state)
{
    assert_true(agrees(*state, answer, sizeof answer - 1));
    assert_true(agrees(*state, "<a></a>", 7));
    assert_true(agrees(*state, "<?xml version=\"1.0\"?><a1>x</a1>\n", 32));
}

static void a_byte_that_is_another_changes_both_readings_alike(void **state)
{
    static const char others[] = "<>&;/!?\"'= \t\n\rA0]-.:\x01\x7f\x80\xc3\xff";
    char changed[sizeof answer];
    size_t quick_count = 0;
    for (size_t at = 0; at + 1 < sizeof answer; at++) {
        for (size_t i = 0; i < sizeof others; i++) { /* the NUL at the end, too */
            memcpy(changed, answer, sizeof answer);
            changed[at] = others[i];
            quick_count += agrees(*state, changed, sizeof answer - 1);
        }
    }
    assert_true(quick_count > sizeof answer);
}

static void a_byte_more_or_less_changes_both_readings_alike(void **state)
{
    static const char others[] = "<>&;/\" \nA]";
    char changed[sizeof answer + 1];
    for (size_t at = 0; at + 1 < sizeof answer; at++) {
        memcpy(changed, answer, at);
        memcpy(changed + at, answer + at + 1, sizeof answer - at - 1);
        (void)agrees(*state, changed, sizeof answer - 2);
        for (size_t i = 0; i + 1 < sizeof others; i++) {
            changed[at] = others[i];
            memcpy(changed + at + 1, answer + at, sizeof answer - at);
            (void)agrees(*state, changed, sizeof answer);
        }
    }
}

static void a_cut_off_document_is_not_quick(void **state)
{
    struct fixture *fixture = *state;
    for (size_t len = 0; len + 2 < sizeof answer; len++) /* the last byte is a blank */
        assert_false(quick_read(&fixture->quick, slice_of(answer, len)));
}

static void what_libxml2_is_for_is_not_quick(void **state)
{
    static const char *const documents[] = {
        "",
        " ",
        "x<a></a>",
        "<a/>",
        "<a ></a>",
        "<a></a >",
        "<a></b>",
        "<a></a><b></b>",
        "<a></a>x",
        "<!DOCTYPE a><a></a>",
        "<a><!-- x --></a>",
        "<a><![CDATA[x]]></a>",
        "<a>x]]></a>",
        "<a>&#65;</a>",
        "<a>&x;</a>",
        "<a>&amp</a>",
        "<a>\r</a>",
        "<a>\xc3\xa4</a>",
        "<a b='c'></a>",
        "<a xmlns=\"http://&lt;\"></a>",
        "<a><b xmlns=\"http://b\"></b></a>",
        "<x:a></x:a>",
        "\xef\xbb\xbf<a></a>",
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        if (quick_read(&fixture->quick, slice_of_text(documents[i])))
            fail_msg("%s is quick", documents[i]);
    }
}

static void what_is_too_large_is_not_quick(void **state)
{
    struct fixture *fixture = *state;
    static char deep[8 * XML_DEPTH_MAX + 16];
    for (size_t depth = XML_DEPTH_MAX; depth <= XML_DEPTH_MAX + 1; depth++) {
        deep[0] = '\0';
        for (size_t i = 0; i < depth; i++)
            (void)snprintf(deep + 3 * i, 4, "<a>");
        for (size_t i = 0; i < depth; i++)
            (void)snprintf(deep + 3 * depth + 4 * i, 5, "</a>");
        assert_int_equal(agrees(fixture, deep, strlen(deep)), depth == XML_DEPTH_MAX);
    }
    static char wide[7 * QUICK_EVENTS_MAX + 16];
    (void)snprintf(wide, sizeof wide, "<a>");
    for (size_t i = 0; i < QUICK_EVENTS_MAX; i++)
        (void)snprintf(wide + 3 + 7 * i, 8, "<b></b>");
    (void)snprintf(wide + 3 + 7 * QUICK_EVENTS_MAX, 5, "</a>");
    assert_false(agrees(fixture, wide, strlen(wide)));
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_usual_answer_is_quick),
        FIXTURE_TEST(a_byte_that_is_another_changes_both_readings_alike),
        FIXTURE_TEST(a_byte_more_or_less_changes_both_readings_alike),
        FIXTURE_TEST(a_cut_off_document_is_not_quick),
        FIXTURE_TEST(what_libxml2_is_for_is_not_quick),
        FIXTURE_TEST(what_is_too_large_is_not_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
