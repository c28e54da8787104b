/*
 * reply.c - the XML of an answer, as a struct wire_reply.
 *
 *      depth   0                  1                 2
 *              <Messages>         <Message>         fields of a message       1...16
 *              <Message>          fields                                      one
 *              <ChangeVisibility> fields                                      one, in messages[0]
 *              <Error>            Code, Message, RequestId
 *              <Errors>           <Error>           fields of a failure
 *              <Queue>            attributes
 *
 * What stands anywhere else, or has another name, is passed over: the service adds elements.
 *
 * (1) The texts of a document are never longer than the document, since a reference is longer than
 *     what it stands for. So reply->text gets room for all of it before the walk, never moves
 *     during it, and slices into it are good at once.
 * (2) An element that was there, if empty, has data that is not NULL.
 * (3) Whatever breaks a rule fails the whole answer: no half-read batch is acted upon.
 */
#include "ingest/wire/wire.h"

#include "engine/base/mem.h"
#include "ingest/xml/xml.h"

struct wire_parser {
    struct xml_parser *xml; /* owned */
};

/* One walk. */
struct reading {
    struct wire_reply *reply; /* borrowed */
    uint32_t seen;            /* bit i: field i of the open message or failure was there */
    unsigned field_depth;     /* where fields and attributes stand under this root */
    bool in_entry;            /* they belong to the last message or failure */
    uint8_t *record;          /* the message, failure or reply that fields are read into */
};

/* --- fields --------------------------------------------------------------------------------- */

enum field_kind {
    FIELD_TEXT,
    FIELD_BODY, /* text of which every blank counts */
    FIELD_TIME,
    FIELD_COUNT,
};

struct field {
    const char *name;
    size_t name_len;
    size_t offset;
    enum field_kind kind;
};

#define FIELD(name, type, member, kind)                           \
    {                                                             \
        (name), sizeof(name) - 1, offsetof(type, member), (kind), \
    }

static const struct field message_fields[] = {
    FIELD("MessageId", struct wire_message, message_id, FIELD_TEXT),
    FIELD("ReceiptHandle", struct wire_message, receipt_handle, FIELD_TEXT),
    FIELD("MessageBody", struct wire_message, body, FIELD_BODY),
    FIELD("MessageBodyMD5", struct wire_message, body_md5, FIELD_TEXT),
    FIELD("EnqueueTime", struct wire_message, enqueue_ms, FIELD_TIME),
    FIELD("NextVisibleTime", struct wire_message, next_visible_ms, FIELD_TIME),
    FIELD("FirstDequeueTime", struct wire_message, first_dequeue_ms, FIELD_TIME),
    FIELD("DequeueCount", struct wire_message, dequeue_count, FIELD_COUNT),
    FIELD("Priority", struct wire_message, priority, FIELD_COUNT),
    FIELD("ErrorCode", struct wire_message, error_code, FIELD_TEXT),
    FIELD("ErrorMessage", struct wire_message, error_message, FIELD_TEXT),
};

static const struct field failure_fields[] = {
    FIELD("ReceiptHandle", struct wire_failure, receipt_handle, FIELD_TEXT),
    FIELD("ErrorCode", struct wire_failure, code, FIELD_TEXT),
    FIELD("ErrorMessage", struct wire_failure, message, FIELD_TEXT),
};

static const struct field error_fields[] = {
    FIELD("Code", struct wire_reply, error_code, FIELD_TEXT),
    FIELD("Message", struct wire_reply, error_message, FIELD_TEXT),
    FIELD("RequestId", struct wire_reply, request_id, FIELD_TEXT),
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static bool name_is(struct slice name, const char *text)
{
    return slice_equal(name, slice_of_text(text));
}

/* A copy in reply->text, which has the room. */
static struct slice reading_keep(struct reading *reading, struct slice text)
{
    struct buffer *kept = &reading->reply->text;
    const struct slice copy = slice_of(kept->data + kept->len, text.len);
    buffer_put_bytes(kept, text.data, text.len);
    return copy;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct slice trimmed(struct slice text)
{
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    while (text.len > 0 && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    return text;
}

/* Decimal digits up to `max`; an empty text is 0, as an absent one would be. */
static bool read_number(struct slice text, uint64_t max, uint64_t *value)
{
    text = trimmed(text);
    *value = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t byte = text.data[i];
        if (byte < '0' || byte > '9' || *value > max / 10)
            return false;
        *value = *value * 10 + (byte - (unsigned)'0');
        if (*value > max)
            return false;
    }
    return true;
}

/* Reads `text` into the member that `field` names. */
static enum status field_read(const struct field *field, struct reading *reading, struct slice text,
                              struct error *err)
{
    uint8_t *member = reading->record + field->offset;
    uint64_t number = 0;
    if (field->kind == FIELD_TEXT || field->kind == FIELD_BODY) {
        const struct slice kept =
            reading_keep(reading, field->kind == FIELD_BODY ? text : trimmed(text));
        memcpy(member, &kept, sizeof kept);
        return STATUS_OK;
    }
    const uint64_t max = field->kind == FIELD_TIME ? (uint64_t)INT64_MAX : UINT32_MAX;
    if (!read_number(text, max, &number))
        return error_set(err, STATUS_INPUT, "answer: %s is no number: '%.*s'", field->name,
                         (int)(text.len < 40 ? text.len : 40), (const char *)text.data);
    if (field->kind == FIELD_TIME) {
        const int64_t time_ms = (int64_t)number;
        memcpy(member, &time_ms, sizeof time_ms);
    } else {
        const uint32_t count = (uint32_t)number;
        memcpy(member, &count, sizeof count);
    }
    return STATUS_OK;
}

/* What stands in one element: its name, its text, and whether it held elements. */
struct leaf {
    struct slice name;
    struct slice text;
    bool is_leaf;
};

/* Reads one element if one of `fields` has its name. */
static enum status fields_read(const struct field *fields, size_t count, struct reading *reading,
                               const struct leaf *leaf, struct error *err)
{
    size_t i = 0;
    while (i < count && (fields[i].name_len != leaf->name.len ||
                         memcmp(fields[i].name, leaf->name.data, leaf->name.len) != 0))
        i++;
    if (i == count)
        return STATUS_OK;
    if (!leaf->is_leaf)
        return error_set(err, STATUS_INPUT, "answer: elements in %s", fields[i].name);
    if (reading->seen >> i & 1)
        return error_set(err, STATUS_INPUT, "answer: %s twice in one place", fields[i].name);
    reading->seen |= UINT32_C(1) << i;
    return field_read(&fields[i], reading, leaf->text, err);
}

/* --- entries -------------------------------------------------------------------------------- */

static enum status entry_open(struct reading *reading, struct error *err)
{
    struct wire_reply *reply = reading->reply;
    const bool is_failure = reply->root == WIRE_ROOT_FAILURES;
    size_t *count = is_failure ? &reply->failure_count : &reply->message_count;
    if (*count == WIRE_BATCH_MAX)
        return error_set(err, STATUS_INPUT, "answer: more than %u %s", WIRE_BATCH_MAX,
                         is_failure ? "failures" : "messages");
    if (is_failure) {
        reply->failures[*count] = (struct wire_failure){0};
        reading->record = (uint8_t *)&reply->failures[*count];
    } else {
        reply->messages[*count] = (struct wire_message){0};
        reading->record = (uint8_t *)&reply->messages[*count];
    }
    (*count)++;
    reading->seen = 0;
    reading->in_entry = true;
    return STATUS_OK;
}

/*
 * A message that was received or peeked has a time of its enqueuing and a body. What answers a send
 * has neither.
 */
static enum status message_check(const struct wire_reply *reply, struct error *err)
{
    const size_t number = reply->message_count;
    const struct wire_message *message = &reply->messages[number - 1];
    const bool was_sent = message->enqueue_ms == 0 && message->dequeue_count == 0 &&
                          (message->message_id.len > 0 || message->body_md5.len > 0);
    if (message->error_code.len > 0 || message->body.data || was_sent)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "answer: message %zu has no body", number);
}

static enum status entry_close(struct reading *reading, struct error *err)
{
    const struct wire_reply *reply = reading->reply;
    reading->in_entry = false;
    if (reply->root == WIRE_ROOT_MESSAGES)
        return message_check(reply, err);
    if (reply->root == WIRE_ROOT_VISIBILITY && reply->messages[0].receipt_handle.len == 0)
        return error_set(err, STATUS_INPUT, "answer: no handle after a change of visibility");
    if (reply->root == WIRE_ROOT_FAILURES &&
        reply->failures[reply->failure_count - 1].receipt_handle.len == 0)
        return error_set(err, STATUS_INPUT, "answer: failure %zu has no handle",
                         reply->failure_count);
    return STATUS_OK;
}

static enum status attribute_read(struct reading *reading, const struct leaf *leaf,
                                  struct error *err)
{
    struct wire_reply *reply = reading->reply;
    if (!leaf->is_leaf)
        return STATUS_OK;
    if (reply->attribute_count == WIRE_ATTRIBUTES_MAX)
        return error_set(err, STATUS_INPUT, "answer: more than %u attributes", WIRE_ATTRIBUTES_MAX);
    struct wire_attribute *attribute = &reply->attributes[reply->attribute_count++];
    attribute->name = reading_keep(reading, leaf->name);
    attribute->value = reading_keep(reading, trimmed(leaf->text));
    return STATUS_OK;
}

/* --- the walk ------------------------------------------------------------------------------- */

static enum wire_root root_of(struct slice name)
{
    static const struct {
        const char *name;
        enum wire_root root;
    } roots[] = {
        {"Messages", WIRE_ROOT_MESSAGES}, {"Message", WIRE_ROOT_MESSAGES},
        {"Error", WIRE_ROOT_ERROR},       {"Errors", WIRE_ROOT_FAILURES},
        {"Queue", WIRE_ROOT_QUEUE},       {"ChangeVisibility", WIRE_ROOT_VISIBILITY},
    };
    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        if (name_is(name, roots[i].name))
            return roots[i].root;
    }
    return WIRE_ROOT_OTHER;
}

static enum status on_begin(void *context, struct slice name, unsigned depth, struct error *err)
{
    struct reading *reading = context;
    struct wire_reply *reply = reading->reply;
    if (depth == 0) {
        reply->root = root_of(name);
        const bool is_list = name_is(name, "Messages") || reply->root == WIRE_ROOT_FAILURES;
        reading->field_depth = is_list ? 2 : 1;
    }
    if (depth + 1 != reading->field_depth)
        return STATUS_OK;
    const bool is_entry = (reply->root == WIRE_ROOT_MESSAGES && name_is(name, "Message")) ||
                          (reply->root == WIRE_ROOT_FAILURES && name_is(name, "Error")) ||
                          reply->root == WIRE_ROOT_VISIBILITY;
    return is_entry ? entry_open(reading, err) : STATUS_OK;
}

static enum status leaf_read(struct reading *reading, const struct leaf *leaf, struct error *err)
{
    struct wire_reply *reply = reading->reply;
    if (reply->root == WIRE_ROOT_QUEUE)
        return attribute_read(reading, leaf, err);
    if (reply->root == WIRE_ROOT_ERROR)
        return fields_read(error_fields, COUNT_OF(error_fields), reading, leaf, err);
    if (!reading->in_entry)
        return STATUS_OK;
    if (reply->root == WIRE_ROOT_FAILURES)
        return fields_read(failure_fields, COUNT_OF(failure_fields), reading, leaf, err);
    return fields_read(message_fields, COUNT_OF(message_fields), reading, leaf, err);
}

static enum status on_end(void *context, struct slice name, struct slice text, bool is_leaf,
                          unsigned depth, struct error *err)
{
    struct reading *reading = context;
    const struct leaf leaf = {name, text, is_leaf};
    if (depth == reading->field_depth)
        return leaf_read(reading, &leaf, err);
    if (depth + 1 == reading->field_depth && reading->in_entry)
        return entry_close(reading, err);
    return STATUS_OK;
}

/* --- the parser ----------------------------------------------------------------------------- */

enum status wire_parser_open(struct wire_parser **parser, struct error *err)
{
    struct wire_parser *opened = mem_alloc_zeroed(1, sizeof *opened);
    *parser = NULL;
    if (!opened)
        return error_set(err, STATUS_NOMEM, "answer: no memory for a parser");
    const enum status status = xml_open(&opened->xml, err);
    if (status != STATUS_OK) {
        mem_free(opened);
        return status;
    }
    *parser = opened;
    return STATUS_OK;
}

void wire_parser_close(struct wire_parser *parser)
{
    if (!parser)
        return;
    xml_close(parser->xml);
    mem_free(parser);
}

void wire_reply_clear(struct wire_reply *reply)
{
    reply->root = WIRE_ROOT_NONE;
    reply->message_count = 0;
    reply->failure_count = 0;
    reply->attribute_count = 0;
    reply->error_code = (struct slice){0};
    reply->error_message = (struct slice){0};
    reply->request_id = (struct slice){0};
    buffer_clear(&reply->text);
}

enum status wire_reply_parse(struct wire_parser *parser, struct slice document,
                             struct wire_reply *reply, struct error *err)
{
    wire_reply_clear(reply);
    if (document.len == 0)
        return STATUS_OK;
    if (document.len > XML_BYTES_MAX)
        return error_set(err, STATUS_INPUT, "answer: %zu bytes, %zu at most", document.len,
                         XML_BYTES_MAX);
    if (buffer_reserve(&reply->text, document.len) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "answer: no memory for %zu bytes", document.len);

    struct reading reading = {.reply = reply, .record = (uint8_t *)reply};
    const struct xml_visitor visitor = {&reading, on_begin, on_end};
    const enum status status = xml_walk(parser->xml, document, &visitor, err);
    if (status != STATUS_OK)
        wire_reply_clear(reply);
    return status;
}

void wire_reply_release(struct wire_reply *reply)
{
    buffer_release(&reply->text);
    *reply = (struct wire_reply){0};
}
