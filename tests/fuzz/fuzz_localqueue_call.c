/*
 * fuzz_localqueue_call.c - requests of whoever.
 *
 * The first line is method and target, the rest a body.
 * What parses keeps within the bounds of the protocol.
 */
#include "bench/localqueue/authenticate.h"
#include "bench/localqueue/call.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_call(const struct call *call)
{
    check(call->handle_count <= CALL_BATCH_MAX && call->message_count <= CALL_BATCH_MAX);
    check(call->wait_s <= CALL_WAIT_S_MAX && call->queue.len <= CALL_NAME_MAX);
    check(attributes_are_sound(&call->attributes));
    check(call->operation != OPERATION_RECEIVE || (call->count >= 1 && call->count <= 16));
    check(call->operation != OPERATION_DELETE || call->handle_count > 0);
    check(call->operation != OPERATION_SEND || call->message_count > 0);
    for (size_t i = 0; i < call->message_count; i++)
        check(call->messages[i].body.len <= CALL_BATCH_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    static struct xml_parser *parser;
    if (!parser)
        check(xml_open(&parser, NULL) == STATUS_OK);
    const uint8_t *line_end = bytes_len > 0 ? memchr(bytes, '\n', bytes_len) : NULL;
    const size_t line_len = line_end ? (size_t)(line_end - bytes) : bytes_len;
    const uint8_t *blank = line_len > 0 ? memchr(bytes, ' ', line_len) : NULL;
    if (!blank)
        return 0;
    const size_t method_len = (size_t)(blank - bytes);
    const size_t body_at = line_end ? line_len + 1 : line_len;
    const struct slice method = slice_of(bytes, method_len);
    const struct slice target = slice_of(blank + 1, line_len - method_len - 1);
    const struct slice body = slice_of(bytes + body_at, bytes_len - body_at);
    const struct call_headers headers = {.list_count = target, .prefix = method};

    struct call call = {0};
    enum code code = call_parse(&call, method, call_resource(target), &headers, body.len);
    if (code == CODE_NONE && call_wants_body(&call))
        code = call_parse_body(&call, parser, body);
    if (code == CODE_NONE)
        check_call(&call);
    (void)content_md5_agrees(target, body);
    call_release(&call);
    return 0;
}
