/*
 * queue_status.c - what queues say of themselves.
 *
 *      a pipe        queue<TAB>iot-a1             a terminal    queue     iot-a1
 *                    active<TAB>17                              active    17
 *                    ...                                        ...
 *
 * A queue that does not answer is reported, and the others are still asked.
 */
#include "ingest/service/service_internal.h"

#include "cli/escape.h"
#include "cli/signals.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MS   10000
#define PATIENCE_MS 5000
#define NAME_WIDTH  24

/* The counts people look for, and what the protocol calls them. */
static const struct {
    const char *word;
    const char *attribute;
} counts[] = {
    {"active", "ActiveMessages"},
    {"inactive", "InactiveMessages"},
    {"delayed", "DelayMessages"},
};

struct status_call {
    const struct wire_url *url;
    enum wire_verdict verdict;
    bool is_first; /* no queue was printed before */
    struct error *err;
};

static void print_line(struct slice name, struct slice value)
{
    char name_text[ESCAPE_BYTES(128)];
    char value_text[ESCAPE_BYTES(512)];
    (void)escape_text(name, name_text, sizeof name_text);
    (void)escape_text(value, value_text, sizeof value_text);
    if (isatty(STDOUT_FILENO))
        (void)printf("%-*s  %s\n", NAME_WIDTH, name_text, value_text);
    else
        (void)printf("%s\t%s\n", name_text, value_text);
}

static struct slice attribute_value(const struct wire_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->attribute_count; i++) {
        if (slice_equal(reply->attributes[i].name, slice_of_text(name)))
            return reply->attributes[i].value;
    }
    return slice_of_text("0");
}

static void print_queue(const struct status_call *call, const struct wire_reply *reply)
{
    if (!call->is_first && isatty(STDOUT_FILENO))
        (void)putchar('\n');
    print_line(slice_of_text("queue"), slice_of_text(call->url->queue));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        print_line(slice_of_text(counts[i].word), attribute_value(reply, counts[i].attribute));
    for (size_t i = 0; i < reply->attribute_count; i++)
        print_line(reply->attributes[i].name, reply->attributes[i].value);
}

static void take_answer(void *context, const struct mns_answer *answer)
{
    struct status_call *call = context;
    call->verdict = answer->verdict;
    if (answer->verdict == WIRE_DONE)
        print_queue(call, answer->reply);
    else
        (void)error_set(call->err, STATUS_IO, "queue %s: %s", call->url->queue,
                        answer->explanation[0] != '\0' ? answer->explanation
                                                       : wire_verdict_text(answer->verdict));
}

static enum exit_code ask_queue(struct mns *mns, const struct queue_options *options, bool is_first)
{
    struct error err = {0};
    struct status_call call = {
        .url = mns_url(mns), .verdict = WIRE_BUSY, .is_first = is_first, .err = &err};
    OWNED(wire_request_release) struct wire_request request = {0};
    const struct mns_operation operation = {
        .request = &request, .timeout_ms = ANSWER_MS, .done = take_answer, .context = &call};
    enum status status = wire_request_attributes(&request, call.url->queue);
    if (status == STATUS_OK)
        status = mns_call(mns, &operation, PATIENCE_MS, &err);
    if (status == STATUS_OK && call.verdict == WIRE_DONE)
        return EXIT_CODE_OK;
    if (signals_received() != 0)
        return EXIT_CODE_SIGNAL + (enum exit_code)signals_received();
    service_report_failure(options, &err);
    return status == STATUS_OK ? service_exit_of(call.verdict) : EXIT_CODE_PROBLEM;
}

enum exit_code service_queue_status(const struct ingest_options *options)
{
    credentials_harden_process();
    struct error err = {0};
    OWNED(queue_link_close) struct queue_link link = {0};
    const enum status status = queue_link_open(&link, &options->queue, &err);
    if (status != STATUS_OK) {
        service_report_failure(&options->queue, &err);
        return exit_code_of(status);
    }
    enum exit_code worst = EXIT_CODE_OK;
    for (size_t i = 0; i < link.queue_count; i++) {
        const enum exit_code code = ask_queue(link.queues[i], &options->queue, i == 0);
        worst = code > worst ? code : worst;
    }
    return worst;
}
