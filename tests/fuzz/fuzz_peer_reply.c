/*
 * fuzz_peer_reply.c - any bytes as a driver's reply: values within their bounds, or a refusal that
 * says why. An answer that was taken agrees with itself.
 */
#include "bench/bench/answer_table.h"
#include "bench/bench/peer_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_peer_reply: %s\n", what);
    abort();
}

static void check_text(const char *text)
{
    check(memchr(text, '\0', PEER_TEXT_BYTES) != NULL, "a text without end");
    for (const char *c = text; *c != '\0'; c++)
        check((unsigned char)*c >= 0x20 && *c != 0x7f, "a control character");
}

static void check_status(enum status status, const struct error *err)
{
    check(status == STATUS_OK || (status == STATUS_INPUT && err->message[0] != '\0'),
          "a silent refusal");
}

static void read_description(const struct json_node *reply)
{
    struct peer_description description;
    struct error err = {0};
    const enum status status = peer_description_read(reply, &description, &err);
    check_status(status, &err);
    if (status != STATUS_OK)
        return;
    check(description.name[0] != '\0', "no name");
    check_text(description.name);
    check_text(description.form);
    check_text(description.durability);
    check_text(description.notes);
    check_text(description.why);
}

static void read_load(const struct json_node *reply)
{
    struct peer_load load;
    struct error err = {0};
    check_status(peer_compact_read(reply, &load, &err), &err);
    const enum status status = peer_load_read(reply, &load, &err);
    check_status(status, &err);
    if (status == STATUS_OK)
        check(load.seconds > 0 && load.seconds <= 1e7, "the time of a load");
}

static void compare_with_itself(const struct json_node *answer)
{
    OWNED(answer_table_release) struct answer_table one = {0};
    OWNED(answer_table_release) struct answer_table other = {0};
    struct error err = {0};
    char difference[ANSWER_DIFFERENCE_BYTES];
    const enum status status = answer_table_read(&one, answer, &err);
    check_status(status, &err);
    if (status != STATUS_OK)
        return;
    check(answer_table_read(&other, answer, &err) == STATUS_OK, "read once, and never again");
    /* The column's kind is that of its first row: what is converted must stay comparable. */
    const bool agree = answer_tables_agree(&one, &other, difference);
    check(agree == (difference[0] == '\0'), "a difference without words");
    check_text(difference);
}

static void read_answer(const struct json_node *reply)
{
    struct peer_answer answer;
    struct error err = {0};
    const enum status status = peer_answer_read(reply, &answer, &err);
    check_status(status, &err);
    if (status != STATUS_OK)
        return;
    check_text(answer.remark);
    check(answer.unsupported || (answer.ms >= 0 && answer.ms <= 1e10), "the time of a query");
    if (answer.answer)
        compare_with_itself(answer.answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    OWNED(arena_release) struct arena arena = {0};
    const struct json_node *reply = NULL;
    struct error err = {0};
    const enum status status = peer_reply_parse(slice_of(bytes, bytes_len), &arena, &reply, &err);
    check_status(status, &err);
    if (status != STATUS_OK) {
        check_text(err.message);
        return 0;
    }
    read_description(reply);
    read_load(reply);
    read_answer(reply);
    return 0;
}
