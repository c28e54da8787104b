/*
 * print.c - the tree of an envelope written again, with the payload's tree in it.
 *
 * Names and strings are spelled anew, numbers stand as they came. Of equal names in an object only
 * the one that counts is written. Bodies and payloads are read as the decoder reads them: one that
 * begins with "{" is JSON, any other is base64.
 *
 * (1) A line is one JSON object within the nesting that our own strict reader takes: a payload
 *     that is too deep to stand inside the envelope is written as a string.
 * (2) What is printed was masked first, so the tree is that of the masked body.
 */
#include "ingest/print/print.h"

#include "engine/base/arena.h"
#include "engine/base/mem.h"
#include "ingest/decode/base64.h"
#include "ingest/decode/decode.h"
#include "ingest/decode/json.h"
#include "ingest/print/json_text.h"

#include <assert.h>

struct printer {
    struct decoder_config config;
    struct decoder decoder; /* masks */
    struct arena arena;     /* trees and decoded texts of one body */
    struct buffer line;     /* owned */
};

enum status printer_open(struct printer **printer, struct error *err)
{
    *printer = NULL;
    struct printer *opened = mem_alloc_zeroed(1, sizeof *opened);
    if (!opened)
        return error_set(err, STATUS_NOMEM, "no memory for printing");
    enum status status = decoder_config_init(&opened->config, err);
    if (status == STATUS_OK)
        status = decoder_init(&opened->decoder, &opened->config, err);
    if (status != STATUS_OK) {
        mem_free(opened);
        return status;
    }
    *printer = opened;
    return STATUS_OK;
}

void printer_close(struct printer *printer)
{
    if (!printer)
        return;
    decoder_release(&printer->decoder);
    arena_release(&printer->arena);
    buffer_release(&printer->line);
    mem_free(printer);
}

/* --- layers ---------------------------------------------------------------------------------- */

static bool begins_with_brace(struct slice text)
{
    size_t at = 0;
    while (at < text.len && is_blank(text.data[at]))
        at++;
    return at < text.len && text.data[at] == '{';
}

/* What is inside a body or payload; `*is_read` false: it is neither JSON nor base64. */
static enum status open_layer(struct printer *printer, struct slice text, struct slice *inner,
                              bool *is_read)
{
    *inner = text;
    *is_read = true;
    if (begins_with_brace(text))
        return STATUS_OK;
    uint8_t *room = arena_alloc(&printer->arena, base64_room(text.len));
    if (!room)
        return STATUS_NOMEM;
    size_t len = 0;
    *is_read = base64_decode(text, room, &len);
    if (*is_read)
        *inner = slice_of(room, len);
    return STATUS_OK;
}

static unsigned depth_of(const struct json_node *node)
{
    unsigned deepest = 0;
    for (const struct json_node *child = node->first; child; child = child->next) {
        const unsigned depth = depth_of(child);
        if (depth > deepest)
            deepest = depth;
    }
    return node->type == JSON_ARRAY || node->type == JSON_OBJECT ? deepest + 1 : 0;
}

/* --- writing --------------------------------------------------------------------------------- */

static enum status put(struct buffer *out, const char *text)
{
    return buffer_append(out, text, strlen(text));
}

static enum status put_string(struct buffer *out, struct slice text)
{
    bool is_text = false;
    TRY(json_text_append(out, text, &is_text));
    assert(is_text); /* the parser lets no other strings through */
    return STATUS_OK;
}

/* {"name":"...base64..."}: bytes that are no text. */
static enum status put_bytes_object(struct buffer *out, const char *name, struct slice bytes)
{
    const size_t len = base64_encoded_len(bytes.len);
    TRY(put(out, "{\""));
    TRY(put(out, name));
    TRY(put(out, "\":\""));
    TRY(buffer_reserve(out, len));
    base64_encode(bytes, out->data + out->len);
    out->len += len;
    return put(out, "\"}");
}

static enum status put_node(struct buffer *out, const struct json_node *node);

static enum status put_children(struct buffer *out, const struct json_node *node)
{
    bool is_first = true;
    for (const struct json_node *child = node->first; child; child = child->next) {
        if (child->shadowed)
            continue;
        if (!is_first)
            TRY(put(out, ","));
        is_first = false;
        if (child->name.data) {
            TRY(put_string(out, child->name));
            TRY(put(out, ":"));
        }
        TRY(put_node(out, child));
    }
    return STATUS_OK;
}

static enum status put_node(struct buffer *out, const struct json_node *node)
{
    switch (node->type) {
    case JSON_STRING:
        return put_string(out, node->text);
    case JSON_ARRAY:
        TRY(put(out, "["));
        TRY(put_children(out, node));
        return put(out, "]");
    case JSON_OBJECT:
        TRY(put(out, "{"));
        TRY(put_children(out, node));
        return put(out, "}");
    default:
        return buffer_append(out, node->raw.data, node->raw.len);
    }
}

static enum status put_payload(struct printer *printer, const struct json_node *member)
{
    struct buffer *out = &printer->line;
    struct slice bytes = {0};
    bool is_read = false;
    TRY(open_layer(printer, member->text, &bytes, &is_read));
    if (!is_read)
        return put_string(out, member->text);
    struct json_document document = {0};
    TRY(json_parse(bytes, &printer->arena, &document));
    if (document.root && depth_of(document.root) < JSON_DEPTH_MAX)
        return put_node(out, document.root);
    bool is_text = false;
    TRY(json_text_append(out, bytes, &is_text));
    return is_text ? STATUS_OK : put_bytes_object(out, "base64", bytes);
}

static bool is_payload(const struct json_node *member)
{
    return member->type == JSON_STRING && text_equals(member->name, "payload");
}

static enum status put_envelope(struct printer *printer, const struct json_node *root)
{
    struct buffer *out = &printer->line;
    const char *before = "{";
    for (const struct json_node *child = root->first; child; child = child->next) {
        if (child->shadowed)
            continue;
        TRY(put(out, before));
        before = ",";
        TRY(put_string(out, child->name));
        TRY(put(out, ":"));
        TRY(is_payload(child) ? put_payload(printer, child) : put_node(out, child));
    }
    return put(out, root->first ? "}" : "{}");
}

static enum status put_line(struct printer *printer, struct slice body)
{
    struct slice kept = {0};
    bool masked = false;
    TRY(decoder_mask_body(&printer->decoder, body, &kept, &masked, NULL));
    arena_reset(&printer->arena);
    buffer_clear(&printer->line);
    struct slice text = {0};
    bool is_read = false;
    struct json_document document = {0};
    TRY(open_layer(printer, kept, &text, &is_read));
    if (is_read)
        TRY(json_parse(text, &printer->arena, &document));
    if (document.root && document.root->type == JSON_OBJECT)
        TRY(put_envelope(printer, document.root));
    else
        TRY(put_bytes_object(&printer->line, "body", kept));
    return put(&printer->line, "\n");
}

enum status printer_line(struct printer *printer, struct slice body, struct slice *line,
                         struct error *err)
{
    if (put_line(printer, body) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to print a message");
    *line = buffer_slice(&printer->line);
    return STATUS_OK;
}
