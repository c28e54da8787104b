/*
 * fuzz_print.c - whatever comes in, out goes one line that is a JSON object, without equal names
 * and without a byte that a terminal obeys; and printing a printed line changes nothing.
 *
 * The first byte says how the rest is wrapped: as a body or as the payload of an envelope, plain
 * or in base64.
 */
#include "engine/base/arena.h"
#include "engine/base/mem.h"
#include "ingest/decode/json.h"
#include "ingest/print/print.h"
#include "tests/fuzz/fuzz_body.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WRAP_PAYLOAD = 1, /* the input is a payload, not a body */
    WRAP_BODY = 2,    /* the body is base64 */
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void build_body(struct buffer *body, uint8_t flags, struct slice input)
{
    OWNED(buffer_release) struct buffer envelope = {0};
    if (flags & WRAP_PAYLOAD) {
        append(&envelope, slice_of_text("{\"payload\":\""));
        append_base64(&envelope, input);
        append(&envelope, slice_of_text("\",\"messageid\":996631053735047169}"));
    } else {
        append(&envelope, input);
    }
    if (flags & WRAP_BODY)
        append_base64(body, buffer_slice(&envelope));
    else
        append(body, buffer_slice(&envelope));
}

static void check_no_equal_names(const struct json_node *node)
{
    for (const struct json_node *child = node->first; child; child = child->next) {
        check(!child->shadowed, "two members of a line have the same name");
        check_no_equal_names(child);
    }
}

/* True if printing the line again must give the same: a payload that is text would be decoded. */
static bool check_line(struct slice line)
{
    check(line.len > 2 && line.data[line.len - 1] == '\n', "a line without line break");
    for (size_t i = 0; i + 1 < line.len; i++)
        check(line.data[i] >= 0x20 && line.data[i] != 0x7f, "a control character");
    OWNED(arena_release) struct arena arena = {0};
    struct json_document document = {0};
    check(json_parse(line, &arena, &document) == STATUS_OK, "no memory");
    check(document.root && document.root->type == JSON_OBJECT, "no JSON object");
    check_no_equal_names(document.root);
    const struct json_node *payload = json_member(document.root, "payload");
    return !payload || payload->type != JSON_STRING;
}

static void print_into(struct printer *printer, struct buffer *out, struct slice body)
{
    struct slice line = {0};
    check(printer_line(printer, body, &line, NULL) == STATUS_OK, "no memory");
    append(out, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    if (bytes_len == 0)
        return 0;
    OWNED(buffer_release) struct buffer body = {0};
    OWNED(buffer_release) struct buffer line = {0};
    OWNED(buffer_release) struct buffer again = {0};
    struct printer *printer = NULL;
    check(printer_open(&printer, NULL) == STATUS_OK, "no memory");
    build_body(&body, bytes[0], slice_of(bytes + 1, bytes_len - 1));
    print_into(printer, &line, buffer_slice(&body));
    if (check_line(buffer_slice(&line))) {
        print_into(printer, &again, buffer_slice(&line));
        check(slice_equal(buffer_slice(&line), buffer_slice(&again)), "printing again differs");
    }
    printer_close(printer);
    return 0;
}
