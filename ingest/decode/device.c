/*
 * device.c - which device a message is of.
 *
 *      upload   /pk/dn/...   pk/dn/...   /sys/pk/dn/...
 *      status   the payload's productKey and deviceName, else the topic as above,
 *               or /as/mqtt/status/pk/dn
 *
 * The leading slash may be missing in every form.
 */
#include "ingest/decode/draft.h"
#include "ingest/decode/json_scan.h"

#include <string.h>

/* True, and the prefix gone, if the text begins with it. Of constant length: every message asks. */
#define SKIP_PREFIX(text, literal) skip_prefix(text, literal, sizeof(literal) - 1)

static inline bool skip_prefix(struct slice *text, const char *prefix, size_t len)
{
    if (text->len < len || memcmp(text->data, prefix, len) != 0)
        return false;
    *text = slice_of(text->data + len, text->len - len);
    return true;
}

/* Bytes up to the next slash or the end: a few, for which a call of memchr would take longer. */
static inline size_t part_len(struct slice text)
{
    size_t at = 0;
    for (; text.len - at >= 8; at += 8) {
        const uint64_t marks = mark_byte(load_u64(text.data + at), '/');
        if (marks != 0)
            return at + first_marked(marks);
    }
    while (at < text.len && text.data[at] != '/')
        at++;
    return at;
}

struct slice topic_device(struct slice topic, bool is_status)
{
    const struct slice none = {0};
    SKIP_PREFIX(&topic, "/");
    if (!is_status || !SKIP_PREFIX(&topic, "as/mqtt/status/"))
        SKIP_PREFIX(&topic, "sys/");
    const size_t product_len = part_len(topic);
    if (product_len == 0 || product_len == topic.len)
        return none;
    const struct slice rest = slice_of(topic.data + product_len + 1, topic.len - product_len - 1);
    const size_t name_len = part_len(rest);
    return name_len == 0 ? none : slice_of(topic.data, product_len + 1 + name_len);
}

static bool is_filled_string(const struct json_node *node)
{
    return node && node->type == JSON_STRING && node->text.len > 0;
}

static bool refuse_long_name(struct draft *draft, size_t len)
{
    return draft_refuse(draft, REJECT_TOO_LONG, "device name of %zu bytes", len);
}

static bool device_from_payload(struct draft *draft, struct slice product, struct slice name)
{
    if (product.len >= NAME_BYTES_MAX || name.len > NAME_BYTES_MAX - 1 - product.len)
        return refuse_long_name(draft, product.len + 1 + name.len);
    memcpy(draft->device, product.data, product.len);
    draft->device[product.len] = '/';
    memcpy(draft->device + product.len + 1, name.data, name.len);
    draft->device_len = product.len + 1 + name.len;
    return true;
}

bool draft_find_device(struct draft *draft, const struct json_node *payload)
{
    if (draft->is_status) {
        const struct json_node *product = json_member(payload, "productKey");
        const struct json_node *name = json_member(payload, "deviceName");
        if (is_filled_string(product) && is_filled_string(name))
            return device_from_payload(draft, product->text, name->text);
    }
    struct slice device = {0};
    if (is_filled_string(draft->topic))
        device = topic_device(draft->topic->text, draft->is_status);
    if (device.len == 0)
        return draft_refuse(draft, REJECT_NO_DEVICE, "neither payload nor topic names a device");
    if (device.len > NAME_BYTES_MAX)
        return refuse_long_name(draft, device.len);
    memcpy(draft->device, device.data, device.len);
    draft->device_len = device.len;
    return true;
}
