/*
 * xml.c - libxml2's SAX2 parser, with everything switched off that an answer of a queue has no
 * use for.
 *
 *      document ─quick──────────────────────────────────────────────────> visitor
 *          └─prescan─> (copy without illegal references) ─libxml2─> on_begin, on_text, on_end
 *
 * Answers as servers usually write them are read by quick.c; what follows is about the others.
 *
 * (1) No tree is built: only the handlers below are installed, so that libxml2 has nothing to call
 *     for entities, notations, external subsets or attribute defaults.
 * (2) Never XML_PARSE_NOENT (reads files), DTDLOAD, HUGE (lifts limits) or RECOVER (takes a cut-off
 *     document for a whole one).
 * (3) Declared encodings are ignored: everything is UTF-8, and what is not is refused.
 * (4) The context is kept between documents, as making one costs more than most documents. Its
 *     dictionary keeps every name it ever saw, for which libxml2 has a limit that would end all
 *     parsing: after a document that was refused, and once the dictionary has grown, the next walk
 *     begins with a new context.
 * (5) Whether the prefix of a name was declared is nobody's concern: libxml2 complains of it, but
 *     goes on, and only a complaint that ends its reading is heard.
 * (6) libxml2 complains to a handler of ours that remembers the first complaint; nothing reaches
 *     stderr.
 */
#include "ingest/xml/xml.h"

#include "engine/base/mem.h"
#include "ingest/xml/prescan.h"
#include "ingest/xml/quick.h"
#include "ingest/xml/xml_internal.h"

#include <assert.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <pthread.h>
#include <stdint.h>

#define DICTIONARY_BYTES_MAX ((size_t)256 << 10)
#define PARSE_OPTIONS \
    (XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)

struct xml_parser {
    xmlParserCtxt *context; /* owned; NULL: made by the next walk */
    struct buffer text;     /* owned; of the innermost element that is open */
    struct buffer copy;     /* owned; a document whose references were mended */
    struct quick quick;     /* of the walk that is under way, if it is a quick one */

    /* Of the walk that is under way: */
    const struct xml_visitor *visitor; /* borrowed */
    struct error *err;                 /* borrowed; of the caller */
    struct error complaint;            /* libxml2's first */
    enum status status;                /* of the visitor, or what stopped the walk */
    unsigned depth;                    /* of elements that are open */
    bool is_leaf;                      /* the innermost open element has had no children */
    bool is_complete;                  /* the root was closed */
};

/* --- what libxml2 calls --------------------------------------------------------------------- */

/* Ends the walk if `status`, of a visitor or of ours, is a failure. */
static void parser_obey(struct xml_parser *parser, enum status status)
{
    if (status == STATUS_OK)
        return;
    parser->status = status;
    xmlStopParser(parser->context);
}

static void parser_refuse(struct xml_parser *parser, const char *why)
{
    const int line = parser->context->input ? parser->context->input->line : 0;
    parser_obey(parser, error_set(parser->err, STATUS_INPUT, "xml: line %d: %s", line, why));
}

/* True once the walk is over: libxml2 may deliver what it had read already. */
static bool parser_is_stopped(const struct xml_parser *parser)
{
    return parser->status != STATUS_OK;
}

static struct slice slice_of_xml(const xmlChar *text)
{
    return slice_of(text, (size_t)xmlStrlen(text));
}

/* The parameters are libxml2's. */
static void on_begin(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespace_count, const xmlChar **namespaces, int attribute_count,
                     int defaulted_count, const xmlChar **attributes)
{
    (void)prefix;
    (void)uri;
    (void)namespace_count;
    (void)namespaces;
    (void)attribute_count;
    (void)defaulted_count;
    (void)attributes;
    struct xml_parser *parser = context;
    if (parser_is_stopped(parser))
        return;
    if (parser->depth == XML_DEPTH_MAX) {
        parser_refuse(parser, "elements nested too deeply");
        return;
    }
    buffer_clear(&parser->text);
    parser->is_leaf = true;
    const unsigned depth = parser->depth++;
    const struct xml_visitor *visitor = parser->visitor;
    if (visitor->begin)
        parser_obey(parser,
                    visitor->begin(visitor->context, slice_of_xml(name), depth, parser->err));
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)prefix;
    (void)uri;
    struct xml_parser *parser = context;
    if (parser_is_stopped(parser))
        return;
    assert(parser->depth > 0);
    const unsigned depth = --parser->depth;
    const bool is_leaf = parser->is_leaf;
    const struct slice text = is_leaf ? buffer_slice(&parser->text) : (struct slice){0};
    const struct xml_visitor *visitor = parser->visitor;
    parser->is_leaf = false; /* what is open now has had this child */
    parser->is_complete = depth == 0;
    if (visitor->end)
        parser_obey(parser, visitor->end(visitor->context, slice_of_xml(name), text, is_leaf, depth,
                                         parser->err));
}

static void on_text(void *context, const xmlChar *text, int len)
{
    struct xml_parser *parser = context;
    if (parser_is_stopped(parser) || !parser->is_leaf || parser->depth == 0)
        return;
    const enum status status = buffer_append(&parser->text, text, (size_t)len);
    if (status != STATUS_OK)
        parser_obey(parser, error_set(parser->err, status, "xml: no memory"));
}

static void on_type_declaration(void *context, const xmlChar *name, const xmlChar *public_id,
                                const xmlChar *system_id)
{
    (void)name;
    (void)public_id;
    (void)system_id;
    struct xml_parser *parser = context;
    if (!parser_is_stopped(parser))
        parser_refuse(parser, "a document type declaration");
}

/*
 * After its first fatal complaint libxml2 reads on in search of more, which takes it seconds for
 * some documents. It looks at its state between any two pieces; xmlStopParser would do too
 * much here, as it frees the input that the complaining function is still reading.
 */
static void on_complaint(void *context, xmlErrorPtr complaint)
{
    struct xml_parser *parser = context;
    if (complaint->level != XML_ERR_FATAL)
        return;
    parser->context->instate = XML_PARSER_EOF;
    if (parser->complaint.status != STATUS_OK)
        return;
    if (complaint->code == XML_ERR_NO_MEMORY) {
        (void)error_set(&parser->complaint, STATUS_NOMEM, "xml: no memory");
        return;
    }
    const char *text = complaint->message ? complaint->message : "not well-formed";
    (void)error_set(&parser->complaint, STATUS_INPUT, "xml: line %d: %.*s", complaint->line,
                    (int)strcspn(text, "\n"), text);
}

/* --- libxml2 as a whole --------------------------------------------------------------------- */

/* For complaints without a context: about conversions and memory. */
static void ignore_complaint(void *context, xmlErrorPtr complaint)
{
    (void)context;
    (void)complaint;
}

static xmlParserInputPtr load_nothing(const char *url, const char *id, xmlParserCtxtPtr context)
{
    (void)url;
    (void)id;
    (void)context;
    return NULL;
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_prepare(void)
{
    xmlInitParser();
    xmlSetExternalEntityLoader(load_nothing);
}

/* --- the parser ----------------------------------------------------------------------------- */

static void parser_drop_context(struct xml_parser *parser)
{
    if (parser->context)
        xmlFreeParserCtxt(parser->context);
    parser->context = NULL;
}

/* A context, if there is none, and a thread in which libxml2 keeps silent. */
static enum status parser_make_context(struct xml_parser *parser, struct error *err)
{
    xmlSetStructuredErrorFunc(NULL, ignore_complaint); /* of this thread */
    if (parser->context)
        return STATUS_OK;
    parser->context = xmlNewParserCtxt();
    if (!parser->context)
        return error_set(err, STATUS_NOMEM, "xml: no memory for a parser");
    *parser->context->sax = (xmlSAXHandler){
        .initialized = XML_SAX2_MAGIC, /* without it `serror` is not called */
        .internalSubset = on_type_declaration,
        .startElementNs = on_begin,
        .endElementNs = on_end,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .serror = on_complaint,
    };
    parser->context->userData = parser;
    return STATUS_OK;
}

enum status xml_open(struct xml_parser **parser, struct error *err)
{
    (void)pthread_once(&library_once, library_prepare);
    *parser = mem_alloc_zeroed(1, sizeof **parser);
    if (!*parser)
        return error_set(err, STATUS_NOMEM, "xml: no memory for a parser");
    const enum status status = parser_make_context(*parser, err);
    if (status != STATUS_OK) {
        xml_close(*parser);
        *parser = NULL;
    }
    return status;
}

void xml_close(struct xml_parser *parser)
{
    if (!parser)
        return;
    parser_drop_context(parser);
    buffer_release(&parser->text);
    buffer_release(&parser->copy);
    mem_free(parser);
}

/* Replaces `*document` by a copy without illegal references, if it holds any references. */
static enum status parser_mend(struct xml_parser *parser, struct slice *document, struct error *err)
{
    if (!prescan_has_reference(*document))
        return STATUS_OK;
    buffer_clear(&parser->copy);
    if (buffer_append(&parser->copy, document->data, document->len) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "xml: no memory for %zu bytes", document->len);
    parser->copy.len = prescan_neutralise(parser->copy.data, parser->copy.len);
    *document = buffer_slice(&parser->copy);
    return STATUS_OK;
}

/* What came of the walk: the visitor's word first, then libxml2's. */
static enum status parser_judge(const struct xml_parser *parser, struct error *err)
{
    if (parser->status != STATUS_OK)
        return parser->status;
    if (parser->complaint.status != STATUS_OK)
        return error_set(err, parser->complaint.status, "%s", parser->complaint.message);
    if (!parser->context->wellFormed)
        return error_set(err, STATUS_INPUT, "xml: not well-formed");
    /* A parse that never began leaves no complaint: memory for its input was missing. */
    if (!parser->is_complete)
        return error_set(err, STATUS_NOMEM, "xml: no memory");
    return STATUS_OK;
}

/* A byte order mark says nothing that is not known. */
static struct slice without_mark(struct slice document)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    if (document.len < sizeof mark || memcmp(document.data, mark, sizeof mark) != 0)
        return document;
    return slice_of(document.data + sizeof mark, document.len - sizeof mark);
}

enum status xml_walk_general(struct xml_parser *parser, struct slice document,
                             const struct xml_visitor *visitor, struct error *err)
{
    if (document.len > XML_BYTES_MAX)
        return error_set(err, STATUS_INPUT, "xml: %zu bytes, %zu at most", document.len,
                         XML_BYTES_MAX);
    document = without_mark(document);
    TRY(prescan_check(document, err));
    TRY(parser_mend(parser, &document, err));
    TRY(parser_make_context(parser, err));

    parser->visitor = visitor;
    parser->err = err;
    parser->complaint = (struct error){0};
    parser->status = STATUS_OK;
    parser->depth = 0;
    parser->is_leaf = false;
    parser->is_complete = false;
    xmlDocPtr tree = xmlCtxtReadMemory(parser->context, (const char *)document.data,
                                       (int)document.len, NULL, NULL, PARSE_OPTIONS);
    assert(!tree);
    (void)tree;

    const enum status status = parser_judge(parser, err);
    if (status != STATUS_OK || xmlDictGetUsage(parser->context->dict) > DICTIONARY_BYTES_MAX)
        parser_drop_context(parser);
    return status;
}

/* --- quick documents ------------------------------------------------------------------------- */

static enum status quick_end(struct xml_parser *parser, const struct quick_event *event,
                             struct slice document, const struct xml_visitor *visitor,
                             struct error *err)
{
    const bool is_leaf = event->kind == QUICK_LEAF;
    struct slice text = {0};
    if (is_leaf)
        text = slice_of(document.data + event->text_at, event->text_len);
    if (event->has_reference) {
        buffer_clear(&parser->text);
        if (quick_unescape(text, &parser->text) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "xml: no memory");
        text = buffer_slice(&parser->text);
    }
    const struct slice name = slice_of(document.data + event->name_at, event->name_len);
    return visitor->end(visitor->context, name, text, is_leaf, event->depth, err);
}

static enum status quick_visit(struct xml_parser *parser, struct slice document,
                               const struct xml_visitor *visitor, struct error *err)
{
    for (size_t i = 0; i < parser->quick.count; i++) {
        const struct quick_event *event = &parser->quick.events[i];
        const struct slice name = slice_of(document.data + event->name_at, event->name_len);
        if (event->kind != QUICK_END && visitor->begin)
            TRY(visitor->begin(visitor->context, name, event->depth, err));
        if (event->kind != QUICK_BEGIN && visitor->end)
            TRY(quick_end(parser, event, document, visitor, err));
    }
    return STATUS_OK;
}

enum status xml_walk(struct xml_parser *parser, struct slice document,
                     const struct xml_visitor *visitor, struct error *err)
{
    if (quick_read(&parser->quick, document))
        return quick_visit(parser, document, visitor, err);
    return xml_walk_general(parser, document, visitor, err);
}
