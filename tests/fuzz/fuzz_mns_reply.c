/*
 * fuzz_mns_reply.c - whatever a server answers: an answer within all limits, or a refusal.
 *
 * A parser that has seen every input before reads each as a new one does. A cut-off answer is never
 * taken for a whole one.
 */
#include "ingest/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUTS 4u /* of each answer that was taken */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_mns_reply: %s\n", what);
    abort();
}

/* The text lies in the answer's buffer; every byte of it is read. */
static void check_text(const struct wire_reply *reply, struct slice text)
{
    static volatile uint64_t sum;
    if (!text.data) {
        check(text.len == 0, "a text of nothing");
        return;
    }
    const struct slice all = buffer_slice(&reply->text);
    check(text.data >= all.data && text.data + text.len <= all.data + all.len,
          "a text outside of its buffer");
    for (size_t i = 0; i < text.len; i++)
        sum = sum + text.data[i];
}

static void check_messages(const struct wire_reply *reply)
{
    check(reply->message_count <= WIRE_BATCH_MAX, "too many messages");
    for (size_t i = 0; i < reply->message_count; i++) {
        const struct wire_message *message = &reply->messages[i];
        const struct slice texts[] = {message->message_id, message->receipt_handle,
                                      message->body,       message->body_md5,
                                      message->error_code, message->error_message};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            check_text(reply, texts[k]);
        check(message->enqueue_ms >= 0 && message->next_visible_ms >= 0 &&
                  message->first_dequeue_ms >= 0,
              "a negative time");
    }
}

static void check_reply(const struct wire_reply *reply, size_t document_len)
{
    check(reply->text.len <= document_len, "more text than document");
    check(reply->failure_count <= WIRE_BATCH_MAX, "too many failures");
    check(reply->attribute_count <= WIRE_ATTRIBUTES_MAX, "too many attributes");
    check_messages(reply);
    for (size_t i = 0; i < reply->failure_count; i++) {
        check(reply->failures[i].receipt_handle.len > 0, "a failure without a handle");
        check_text(reply, reply->failures[i].receipt_handle);
        check_text(reply, reply->failures[i].code);
        check_text(reply, reply->failures[i].message);
    }
    for (size_t i = 0; i < reply->attribute_count; i++) {
        check_text(reply, reply->attributes[i].name);
        check_text(reply, reply->attributes[i].value);
    }
    check_text(reply, reply->error_code);
    check_text(reply, reply->error_message);
    check_text(reply, reply->request_id);
}

static void check_verdicts(const struct wire_reply *reply)
{
    static const int statuses[] = {0, 200, 201, 204, 301, 400, 403, 404, 408, 429, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        const enum wire_verdict verdict = wire_judge(statuses[i], reply);
        check(wire_verdict_text(verdict)[0] != '\0', "a verdict without a word");
        const bool is_failure = statuses[i] == 0 || statuses[i] >= 300;
        check(verdict != WIRE_DONE || !is_failure, "a failure is done");
        check(verdict != WIRE_DONE || reply, "half a document is done");
    }
}

/* The text of an answer tells its slices apart well enough: they are filled in order. */
static void check_same(const struct wire_reply *a, const struct wire_reply *b)
{
    check(a->root == b->root && a->message_count == b->message_count &&
              a->failure_count == b->failure_count && a->attribute_count == b->attribute_count &&
              slice_equal(buffer_slice(&a->text), buffer_slice(&b->text)),
          "a used parser reads something else");
}

/*
 * True if an end tag is surely among the bytes: without it no document is whole. Comments and
 * instructions, which may stand behind the root and hold anything, are not looked into.
 */
static bool holds_end_tag(const uint8_t *bytes, size_t bytes_len)
{
    bool found = false;
    for (size_t i = 0; i + 1 < bytes_len; i++) {
        if (bytes[i] == '<' && (bytes[i + 1] == '!' || bytes[i + 1] == '?'))
            return false;
        found = found || (bytes[i] == '<' && bytes[i + 1] == '/');
    }
    return found;
}

static void check_cuts(struct wire_parser *parser, const uint8_t *bytes, size_t bytes_len)
{
    static struct wire_reply reply;
    for (size_t i = 1; i <= CUTS && bytes_len > CUTS; i++) {
        const size_t len = bytes_len - bytes_len * i / (CUTS + 1);
        const enum status status = wire_reply_parse(parser, slice_of(bytes, len), &reply, NULL);
        if (status == STATUS_OK && len > 0 && reply.message_count > 0)
            check(!holds_end_tag(bytes + len, bytes_len - len), "a cut-off answer is taken");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    static struct wire_parser *used_parser;
    static struct wire_reply used;
    struct wire_parser *parser = NULL;
    struct wire_reply reply = {0};
    struct error err = {0};
    if (!used_parser)
        check(wire_parser_open(&used_parser, NULL) == STATUS_OK, "memory");
    check(wire_parser_open(&parser, NULL) == STATUS_OK, "memory");

    const struct slice document = slice_of(bytes, bytes_len);
    const enum status status = wire_reply_parse(parser, document, &reply, &err);
    check(wire_reply_parse(used_parser, document, &used, NULL) == status, "another judgement");
    check_same(&reply, &used);
    check_reply(&reply, bytes_len);
    check_verdicts(status == STATUS_OK ? &reply : NULL);
    if (status == STATUS_OK && reply.message_count > 0)
        check_cuts(used_parser, bytes, bytes_len);
    if (status != STATUS_OK) {
        check(status == STATUS_INPUT && err.message[0] != '\0', "a refusal without a reason");
        check(reply.root == WIRE_ROOT_NONE && reply.message_count == 0, "half an answer");
    }
    wire_reply_release(&reply);
    wire_parser_close(parser);
    return 0;
}
