/*
 * call_body.c - the XML of a request's body; see call.h.
 *
 *      <Message> fields </Message>                 send
 *      <Messages><Message>...</Message>...</Messages>
 *      <ReceiptHandles><ReceiptHandle>...          batch delete
 *      <Queue> attributes </Queue>                 create, set attributes
 *
 * What is wrong with the call as a whole ends the walk with its code in `body_code`; what is wrong
 * with one message is noted with it.
 */
#include "bench/localqueue/call.h"

static enum status refuse(struct call *call, enum code code, struct error *err)
{
    call->body_code = code;
    return error_set(err, STATUS_INPUT, "%s", code_info(code)->name);
}

/* A copy of `text` in the call's own, which has room for it. */
static bool keep(struct call *call, struct slice text, struct slice *kept)
{
    if (call->text.capacity - call->text.len < text.len)
        return false;
    const size_t begin = call->text.len;
    buffer_put_bytes(&call->text, text.data, text.len);
    *kept = slice_of(call->text.data + begin, text.len);
    return true;
}

static enum status begin_message(struct call *call, struct error *err)
{
    if (call->message_count == CALL_BATCH_MAX)
        return refuse(call, CODE_INVALID_ARGUMENT, err);
    call->messages[call->message_count++] = (struct call_message){0};
    return STATUS_OK;
}

static enum status begin_root(struct call *call, struct slice name, struct error *err)
{
    const char *wanted = NULL;
    if (call->operation == OPERATION_SEND) {
        call->is_batch = text_equal_any_case(name, "Messages");
        if (call->is_batch)
            return STATUS_OK;
        wanted = "Message";
    } else {
        wanted = call->operation == OPERATION_DELETE ? "ReceiptHandles" : "Queue";
    }
    if (!text_equal_any_case(name, wanted))
        return refuse(call, CODE_MALFORMED_XML, err);
    return call->operation == OPERATION_SEND ? begin_message(call, err) : STATUS_OK;
}

static enum status begin(void *context, struct slice name, unsigned depth, struct error *err)
{
    struct call *call = context;
    if (depth == 0)
        return begin_root(call, name, err);
    const bool is_entry = call->operation == OPERATION_SEND && call->is_batch && depth == 1;
    if (!is_entry)
        return STATUS_OK;
    if (!text_equal_any_case(name, "Message"))
        return refuse(call, CODE_MALFORMED_XML, err);
    return begin_message(call, err);
}

static enum status end_message_field(struct call *call, struct slice name, struct slice text,
                                     bool is_leaf, struct error *err)
{
    struct call_message *message = &call->messages[call->message_count - 1];
    if (text_equal_any_case(name, "MessageBody")) {
        if (!is_leaf || !keep(call, text, &message->body))
            return refuse(call, CODE_MALFORMED_XML, err);
        message->has_body = true;
    } else if (text_equal_any_case(name, "DelaySeconds")) {
        message->has_delay = decimal_parse(text, CALL_DELAY_S_MAX, &message->delay_s);
        message->is_bad = message->is_bad || !message->has_delay;
    } else if (text_equal_any_case(name, "Priority")) {
        const bool is_number = decimal_parse(text, CALL_PRIORITY_MAX, &message->priority);
        message->is_bad = message->is_bad || !is_number || message->priority == 0;
    }
    return STATUS_OK;
}

static enum status end_handle(struct call *call, struct slice name, struct slice text,
                              struct error *err)
{
    if (!text_equal_any_case(name, "ReceiptHandle"))
        return STATUS_OK;
    if (call->handle_count == CALL_BATCH_MAX)
        return refuse(call, CODE_INVALID_ARGUMENT, err);
    if (!keep(call, text, &call->handles[call->handle_count]))
        return refuse(call, CODE_MALFORMED_XML, err);
    call->handle_count++;
    return STATUS_OK;
}

static enum status end_attribute(struct call *call, struct slice name, struct slice text,
                                 struct error *err)
{
    if (attributes_set(&call->attributes, name, text) == ATTRIBUTE_REFUSED)
        return refuse(call, CODE_INVALID_ARGUMENT, err);
    return STATUS_OK;
}

static enum status end(void *context, struct slice name, struct slice text, bool is_leaf,
                       unsigned depth, struct error *err)
{
    struct call *call = context;
    if (call->operation == OPERATION_SEND)
        return depth == (call->is_batch ? 2u : 1u)
                   ? end_message_field(call, name, text, is_leaf, err)
                   : STATUS_OK;
    if (depth != 1)
        return STATUS_OK;
    return call->operation == OPERATION_DELETE ? end_handle(call, name, text, err)
                                               : end_attribute(call, name, text, err);
}

/* What only the whole body can show. */
static enum code check_whole(const struct call *call)
{
    if (call->operation == OPERATION_DELETE)
        return call->handle_count > 0 ? CODE_NONE : CODE_MISSING_HANDLE;
    if (call->operation != OPERATION_SEND)
        return CODE_NONE;
    size_t bytes = 0;
    for (size_t i = 0; i < call->message_count; i++) {
        if (!call->messages[i].has_body)
            return CODE_MALFORMED_XML;
        bytes += call->messages[i].body.len;
    }
    return call->message_count > 0 && bytes <= CALL_BATCH_BYTES_MAX ? CODE_NONE
                                                                    : CODE_INVALID_ARGUMENT;
}

enum code call_parse_body(struct call *call, struct xml_parser *parser, struct slice body)
{
    if (body.len == 0) {
        if (call->operation == OPERATION_DELETE)
            return CODE_MISSING_HANDLE;
        return call->operation == OPERATION_SEND ? CODE_MALFORMED_XML : CODE_NONE;
    }
    const struct xml_visitor visitor = {.context = call, .begin = begin, .end = end};
    call->body_code = CODE_NONE;
    const enum status status = xml_walk(parser, body, &visitor, NULL);
    if (status == STATUS_OK)
        return check_whole(call);
    if (call->body_code != CODE_NONE)
        return call->body_code;
    return status == STATUS_NOMEM ? CODE_INTERNAL : CODE_MALFORMED_XML;
}
