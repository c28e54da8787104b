/*
 * request.c - operations as method, target and body.
 *
 *      receive     GET     /queues/Q/messages?numOfMessages=16&waitseconds=10
 *      peek        GET     /queues/Q/messages?peekonly=true&numOfMessages=16
 *      delete      DELETE  /queues/Q/messages?ReceiptHandle=H          one
 *                  DELETE  /queues/Q/messages                          several: <ReceiptHandles>
 *      visibility  PUT     /queues/Q/messages?receiptHandle=H&visibilityTimeout=60
 *      send        POST    /queues/Q/messages                          <Message> or <Messages>
 *      create      PUT     /queues/Q                                   <Queue>
 *      attributes  GET     /queues/Q
 *
 * The target is signed exactly as it stands here, and sent exactly as it is signed. Handles may
 * hold '/', '+' and '=', so in a query all but the unreserved characters of RFC 3986 are escaped.
 */
#include "ingest/wire/wire.h"

#include "ingest/xml/xml.h"

#include <assert.h>
#include <stdio.h>

#define NUMBER_BYTES 16u

#define DOCUMENT_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define NAMESPACE     " xmlns=\"http://mns.aliyuncs.com/doc/v1/\""

void wire_request_release(struct wire_request *request)
{
    buffer_release(&request->target);
    buffer_release(&request->body);
    *request = (struct wire_request){0};
}

static enum status append_text(struct buffer *to, const char *text)
{
    return buffer_append(to, text, strlen(text));
}

static enum status append_number(struct buffer *to, unsigned value)
{
    char text[NUMBER_BYTES];
    (void)snprintf(text, sizeof text, "%u", value);
    return append_text(to, text);
}

/* RFC 3986, 2.3. */
static bool is_unreserved(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

static enum status append_escaped(struct buffer *to, struct slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t byte = text.data[i];
        const char escape[] = {'%', digits[byte >> 4], digits[byte & 15]};
        if (is_unreserved(byte))
            TRY(buffer_append(to, &byte, 1));
        else
            TRY(buffer_append(to, escape, sizeof escape));
    }
    return STATUS_OK;
}

static enum status start(struct wire_request *request, const char *method, const char *queue,
                         const char *rest)
{
    assert(queue[0] != '\0');
    request->method = method;
    buffer_clear(&request->target);
    buffer_clear(&request->body);
    TRY(append_text(&request->target, "/queues/"));
    TRY(append_text(&request->target, queue));
    return append_text(&request->target, rest);
}

enum status wire_request_receive(struct wire_request *request, const char *queue, unsigned count,
                                 unsigned wait_s)
{
    assert(count >= 1 && count <= WIRE_BATCH_MAX);
    assert(wait_s <= WIRE_WAIT_S_MAX);
    TRY(start(request, "GET", queue, "/messages?numOfMessages="));
    TRY(append_number(&request->target, count));
    TRY(append_text(&request->target, "&waitseconds="));
    return append_number(&request->target, wait_s);
}

enum status wire_request_peek(struct wire_request *request, const char *queue, unsigned count)
{
    assert(count >= 1 && count <= WIRE_BATCH_MAX);
    TRY(start(request, "GET", queue, "/messages?peekonly=true&numOfMessages="));
    return append_number(&request->target, count);
}

enum status wire_request_delete(struct wire_request *request, const char *queue,
                                const struct slice *handles, size_t count)
{
    assert(count >= 1 && count <= WIRE_BATCH_MAX);
    if (count == 1) {
        TRY(start(request, "DELETE", queue, "/messages?ReceiptHandle="));
        return append_escaped(&request->target, handles[0]);
    }
    TRY(start(request, "DELETE", queue, "/messages"));
    TRY(append_text(&request->body, DOCUMENT_HEAD "<ReceiptHandles" NAMESPACE ">"));
    for (size_t i = 0; i < count; i++) {
        TRY(append_text(&request->body, "<ReceiptHandle>"));
        TRY(xml_escape(&request->body, handles[i]));
        TRY(append_text(&request->body, "</ReceiptHandle>"));
    }
    return append_text(&request->body, "</ReceiptHandles>");
}

enum status wire_request_visibility(struct wire_request *request, const char *queue,
                                    struct slice handle, unsigned visibility_s)
{
    assert(visibility_s >= 1 && visibility_s <= WIRE_VISIBILITY_S_MAX);
    TRY(start(request, "PUT", queue, "/messages?receiptHandle="));
    TRY(append_escaped(&request->target, handle));
    TRY(append_text(&request->target, "&visibilityTimeout="));
    return append_number(&request->target, visibility_s);
}

static enum status append_message(struct buffer *to, const char *attributes, struct slice body)
{
    TRY(append_text(to, "<Message"));
    TRY(append_text(to, attributes));
    TRY(append_text(to, "><MessageBody>"));
    TRY(xml_escape(to, body));
    return append_text(to, "</MessageBody></Message>");
}

enum status wire_request_send(struct wire_request *request, const char *queue,
                              const struct slice *bodies, size_t count)
{
    assert(count >= 1 && count <= WIRE_BATCH_MAX);
    TRY(start(request, "POST", queue, "/messages"));
    TRY(append_text(&request->body, DOCUMENT_HEAD));
    if (count == 1)
        return append_message(&request->body, NAMESPACE, bodies[0]);

    TRY(append_text(&request->body, "<Messages" NAMESPACE ">"));
    for (size_t i = 0; i < count; i++)
        TRY(append_message(&request->body, "", bodies[i]));
    return append_text(&request->body, "</Messages>");
}

enum status wire_request_create(struct wire_request *request, const char *queue)
{
    TRY(start(request, "PUT", queue, ""));
    return append_text(&request->body, DOCUMENT_HEAD "<Queue" NAMESPACE "></Queue>");
}

enum status wire_request_attributes(struct wire_request *request, const char *queue)
{
    return start(request, "GET", queue, "");
}
