/*
 * mask.c - finds the members to hide in the trees of envelope and payload, then
 * copies the text around them.
 *
 *      text   {"a":1,"deviceSecret":"xyz","b":2}
 *             [--- copied ---------][***][copied]
 *
 * (1) All members count here, those that a later equal name shadows too.
 * (2) Nothing is changed in a body without such a member: `kept` is the body.
 */
#include "ingest/decode/mask.h"

#include "ingest/decode/base64.h"
#include "ingest/decode/json.h"
#include "ingest/decode/layer.h"
#include "ingest/decode/secret_search.h"

#include <string.h>

/* A `payload` member of the envelope that could be read, and what is in it. */
struct payload_layer {
    struct payload_layer *next;
    const struct json_node *member;
    const struct json_node *root;
    struct slice text; /* decoded */
    bool was_base64;
};

/* Copies source text up to the places that are replaced. */
struct copier {
    struct buffer *out;
    struct slice left; /* of the source */
};

static enum status copy_until(struct copier *copier, const uint8_t *end)
{
    const size_t len = (size_t)(end - copier->left.data);
    TRY(buffer_append(copier->out, copier->left.data, len));
    copier->left = slice_of(end, copier->left.len - len);
    return STATUS_OK;
}

/* Leaves out what stands in the source: its replacement was appended. */
static void skip_source(struct copier *copier, struct slice raw)
{
    const size_t len = (size_t)(raw.data + raw.len - copier->left.data);
    copier->left = slice_of(copier->left.data + len, copier->left.len - len);
}

/* A member with something to hide: an empty string is left as it is. */
static bool is_secret(const struct json_node *member)
{
    const bool is_empty = member->type == JSON_STRING && member->text.len == 0;
    return member->name.data && !is_empty && text_equals(member->name, SECRET_WORD);
}

static bool holds_secret(const struct json_node *node)
{
    for (const struct json_node *child = node->first; child; child = child->next) {
        if (is_secret(child) || holds_secret(child))
            return true;
    }
    return false;
}

static enum status append_stars(struct buffer *out, size_t count)
{
    TRY(buffer_reserve(out, count));
    memset(out->data + out->len, '*', count);
    out->len += count;
    return STATUS_OK;
}

/* Characters, not bytes: those that do not continue a UTF-8 sequence. */
static size_t count_characters(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += (text.data[i] & 0xc0) != 0x80;
    return count;
}

static enum status mask_value(struct copier *copier, const struct json_node *node)
{
    TRY(copy_until(copier, node->raw.data));
    TRY(buffer_append(copier->out, "\"", 1));
    TRY(append_stars(copier->out, count_characters(node->text)));
    TRY(buffer_append(copier->out, "\"", 1));
    skip_source(copier, node->raw);
    return STATUS_OK;
}

static enum status append_json_string(struct buffer *out, struct slice text)
{
    static const char digits[] = "0123456789abcdef";
    TRY(buffer_append(out, "\"", 1));
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t byte = text.data[i];
        const char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
        if (byte < 0x20)
            TRY(buffer_append(out, escape, sizeof escape));
        else if (byte == '"' || byte == '\\')
            TRY(buffer_append(out, (const char[]){'\\', (char)byte}, 2));
        else
            TRY(buffer_append(out, &byte, 1));
    }
    return buffer_append(out, "\"", 1);
}

static enum status append_base64(struct buffer *out, struct slice bytes)
{
    const size_t len = base64_encoded_len(bytes.len);
    TRY(buffer_reserve(out, len));
    base64_encode(bytes, out->data + out->len);
    out->len += len;
    return STATUS_OK;
}

/* Copies the source of `node` into the copier's buffer with all secrets below it hidden. */
static enum status mask_members(struct copier *copier, const struct json_node *node)
{
    for (const struct json_node *child = node->first; child; child = child->next) {
        if (is_secret(child))
            TRY(mask_value(copier, child));
        else
            TRY(mask_members(copier, child));
    }
    return STATUS_OK;
}

static enum status mask_text(struct buffer *out, struct slice text, const struct json_node *root)
{
    struct copier copier = {.out = out, .left = text};
    buffer_clear(out);
    TRY(mask_members(&copier, root));
    return copy_until(&copier, text.data + text.len);
}

static enum status mask_payload(struct decoder *decoder, struct copier *copier,
                                const struct payload_layer *layer)
{
    TRY(mask_text(&decoder->masked_payload, layer->text, layer->root));
    const struct slice masked = buffer_slice(&decoder->masked_payload);
    TRY(copy_until(copier, layer->member->raw.data));
    if (layer->was_base64) {
        TRY(buffer_append(copier->out, "\"", 1));
        TRY(append_base64(copier->out, masked));
        TRY(buffer_append(copier->out, "\"", 1));
    } else {
        TRY(append_json_string(copier->out, masked));
    }
    skip_source(copier, layer->member->raw);
    return STATUS_OK;
}

/* `layers` are the payloads that hold a secret, in order of the text. */
static enum status mask_envelope(struct decoder *decoder, struct slice text,
                                 const struct json_node *root, const struct payload_layer *layers)
{
    struct copier copier = {.out = &decoder->masked, .left = text};
    buffer_clear(copier.out);
    for (const struct json_node *child = root->first; child; child = child->next) {
        if (is_secret(child)) {
            TRY(mask_value(&copier, child));
        } else if (layers && layers->member == child) {
            TRY(mask_payload(decoder, &copier, layers));
            layers = layers->next;
        } else {
            TRY(mask_members(&copier, child));
        }
    }
    return copy_until(&copier, text.data + text.len);
}

/*
 * Reads every payload of the envelope; those with a secret are listed. False in
 * `*readable` if the word may be in one that cannot be read.
 */
static enum status collect_layers(struct decoder *decoder, const struct json_node *root,
                                  struct payload_layer **layers, bool *readable)
{
    *layers = NULL;
    *readable = true;
    struct payload_layer **link = layers;
    for (const struct json_node *child = root->first; child; child = child->next) {
        if (child->type != JSON_STRING || !child->name.data || !text_equals(child->name, "payload"))
            continue;
        struct payload_layer *layer = arena_alloc(&decoder->arena, sizeof *layer);
        uint8_t *room = arena_alloc(&decoder->arena, base64_room(child->text.len));
        if (!layer || !room)
            return STATUS_NOMEM;
        *layer = (struct payload_layer){.member = child};
        struct json_document document = {0};
        if (layer_decode(child->text, room, &layer->text, &layer->was_base64))
            TRY(json_parse(layer->text, &decoder->arena, &document));
        layer->root = document.root;
        if (!layer->root) {
            bool found = false;
            TRY(secret_may_be_in(child->text, &decoder->arena, &found));
            *readable = *readable && !found;
        } else if (holds_secret(layer->root)) {
            *link = layer;
            link = &layer->next;
        }
    }
    return STATUS_OK;
}

static enum status hide_all(struct decoder *decoder, size_t len, struct slice *kept)
{
    buffer_clear(&decoder->masked);
    TRY(append_stars(&decoder->masked, len));
    *kept = buffer_slice(&decoder->masked);
    return STATUS_OK;
}

enum status mask_unread(struct decoder *decoder, struct slice body, bool must_hide,
                        struct slice *kept, bool *masked)
{
    *kept = body;
    *masked = must_hide;
    if (!must_hide)
        TRY(secret_may_be_in(body, &decoder->arena, masked));
    return *masked ? hide_all(decoder, body.len, kept) : STATUS_OK;
}

enum status mask_body(struct decoder *decoder, struct slice body, struct slice *kept, bool *masked)
{
    arena_reset(&decoder->arena);
    buffer_clear(&decoder->body);
    TRY(buffer_reserve(&decoder->body, base64_room(body.len)));
    struct slice text = {0};
    bool was_base64 = false;
    struct json_document document = {0};
    if (layer_decode(body, decoder->body.data, &text, &was_base64))
        TRY(json_parse(text, &decoder->arena, &document));
    if (!document.root)
        return mask_unread(decoder, body, false, kept, masked);

    struct payload_layer *layers = NULL;
    bool readable = true;
    TRY(collect_layers(decoder, document.root, &layers, &readable));
    if (!readable)
        return mask_unread(decoder, body, true, kept, masked);
    *kept = body;
    *masked = layers || holds_secret(document.root);
    if (!*masked)
        return STATUS_OK;
    TRY(mask_envelope(decoder, text, document.root, layers));
    *kept = buffer_slice(&decoder->masked);
    if (!was_base64)
        return STATUS_OK;
    buffer_clear(&decoder->masked_payload);
    TRY(append_base64(&decoder->masked_payload, buffer_slice(&decoder->masked)));
    *kept = buffer_slice(&decoder->masked_payload);
    return STATUS_OK;
}
