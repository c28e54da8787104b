/*
 * fake_transport.c - see fake_transport.h.
 */
#include "tests/unit/fake_transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void copy_bytes(char *to, size_t room, struct slice from)
{
    assert_true(from.len < room);
    if (from.len > 0)
        memcpy(to, from.data, from.len);
    to[from.len] = '\0';
}

static enum status fake_start(void *context, const struct transport_request *request,
                              transport_done *done, void *done_context, struct error *err)
{
    struct fake_transport *fake = context;
    if (fake->start_fails != STATUS_OK)
        return error_set(err, fake->start_fails, "the fake was told to fail");
    assert_true(fake->request_count < FAKE_REQUESTS_MAX);
    assert_true(request->header_count <= TRANSPORT_HEADERS_MAX);
    struct fake_request *kept = &fake->requests[fake->request_count++];
    *kept = (struct fake_request){
        .header_count = request->header_count,
        .timeout_ms = request->timeout_ms,
        .began_ms = fake->monotonic_ms,
        .no_proxy = request->no_proxy,
        .in_flight = true,
        .done = done,
        .done_context = done_context,
    };
    copy_bytes(kept->method, sizeof kept->method, slice_of_text(request->method));
    copy_bytes(kept->base, sizeof kept->base, slice_of_text(request->base));
    copy_bytes(kept->target, sizeof kept->target, request->target);
    copy_bytes(kept->body, sizeof kept->body, request->body);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct transport_header *header = &request->headers[i];
        copy_bytes(kept->names[i], sizeof kept->names[i], slice_of_text(header->name));
        copy_bytes(kept->values[i], sizeof kept->values[i], slice_of_text(header->value));
    }
    return STATUS_OK;
}

static struct fake_request *oldest_in_flight(struct fake_transport *fake)
{
    for (size_t i = 0; i < fake->request_count; i++) {
        if (fake->requests[i].in_flight)
            return &fake->requests[i];
    }
    return NULL;
}

static void reply_to(struct fake_transport *fake, struct fake_request *request)
{
    const struct fake_reply *from = &fake->script[fake->replied++];
    const struct transport_reply reply = {
        .fault = from->fault,
        .fault_text = from->fault_text ? from->fault_text : "",
        .status = from->status,
        .body = slice_of_text(from->body ? from->body : ""),
        .date_ms = from->date_ms != 0 ? from->date_ms : -1,
        .retry_after_ms = from->retry_after_ms != 0 ? from->retry_after_ms : -1,
        .is_xml = !from->is_not_xml,
        .elapsed_us = 1500,
    };
    request->in_flight = false;
    request->done(request->done_context, &reply);
}

static enum status fake_run(void *context, int64_t wait_ms, struct error *err)
{
    (void)err;
    struct fake_transport *fake = context;
    const size_t before = fake->request_count;
    size_t answered = 0;
    for (size_t i = 0; i < before && fake->replied < fake->script_len; i++) {
        struct fake_request *request = oldest_in_flight(fake);
        if (!request || request >= &fake->requests[before])
            break;
        reply_to(fake, request);
        answered++;
    }
    if (answered == 0) {
        fake->monotonic_ms += wait_ms;
        fake->utc_ms += wait_ms;
    }
    return STATUS_OK;
}

static size_t fake_cancel(void *context, void *done_context)
{
    struct fake_transport *fake = context;
    size_t count = 0;
    for (size_t i = 0; i < fake->request_count; i++) {
        struct fake_request *request = &fake->requests[i];
        count += request->in_flight && request->done_context == done_context;
        if (request->done_context == done_context)
            request->in_flight = false;
    }
    fake->cancelled += count;
    return count;
}

static void fake_wake(void *context)
{
    (void)context;
}

void fake_transport_init(struct fake_transport *fake, const struct fake_reply *script,
                         size_t script_len, int64_t utc_ms)
{
    *fake = (struct fake_transport){
        .transport = {.context = fake,
                      .start = fake_start,
                      .run = fake_run,
                      .cancel = fake_cancel,
                      .wake = fake_wake},
        .script = script,
        .script_len = script_len,
        .utc_ms = utc_ms,
        .monotonic_ms = 1000,
    };
}

static int64_t fake_utc_ms(void *context)
{
    const struct fake_transport *fake = context;
    return fake->utc_ms;
}

static int64_t fake_monotonic_ms(void *context)
{
    const struct fake_transport *fake = context;
    return fake->monotonic_ms;
}

struct mns_clock fake_transport_clock(struct fake_transport *fake)
{
    return (struct mns_clock){
        .context = fake, .utc_ms = fake_utc_ms, .monotonic_ms = fake_monotonic_ms};
}

const char *fake_request_header(const struct fake_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->names[i], name) == 0)
            return request->values[i];
    }
    return NULL;
}
