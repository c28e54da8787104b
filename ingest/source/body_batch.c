/*
 * body_batch.c - taking the bodies out of a batch of lines, or of bodies with known ends.
 *
 * A batch ends at the end of a line, so a body never spans two. The search for
 * line breaks is the libc's; it happens here, in the threads that decode, rather than where
 * the bytes are read.
 */
#include "ingest/source/source.h"

#include "engine/base/mem.h"
#include "ingest/source/plain_set.h"

#include <assert.h>
#include <string.h>

/* Spaces, tabs and nothing else. */
static bool is_blank(struct slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t')
            return false;
    }
    return true;
}

static bool next_excess(struct body_batch *batch, struct body *body)
{
    if (batch->next == batch->len)
        return false;
    *body = (struct body){.bytes = slice_of(batch->bytes, batch->len), .excess = &batch->excess};
    batch->next = batch->len;
    return true;
}

static bool next_framed(struct body_batch *batch, struct body *body)
{
    if (batch->next == batch->end_count)
        return false;
    const size_t from = batch->next == 0 ? 0 : batch->ends[batch->next - 1];
    assert(from <= batch->ends[batch->next] && batch->ends[batch->next] <= batch->len);
    *body = (struct body){.bytes = slice_of(batch->bytes + from, batch->ends[batch->next] - from)};
    batch->next++;
    return true;
}

bool body_batch_next(struct body_batch *batch, struct body *body)
{
    if (batch->ends)
        return next_framed(batch, body);
    assert(batch->next <= batch->len);
    if (batch->is_excess)
        return next_excess(batch, body);
    while (batch->next < batch->len) {
        const uint8_t *start = batch->bytes + batch->next;
        const size_t left = batch->len - batch->next;
        const uint8_t *line_break = memchr(start, '\n', left);
        size_t line_len = line_break ? (size_t)(line_break - start) : left;
        batch->next += line_len + (line_break ? 1 : 0);
        if (line_len > 0 && start[line_len - 1] == '\r')
            line_len--;
        const struct slice line = slice_of(start, line_len);
        if (is_blank(line))
            continue;
        *body = (struct body){.bytes = line};
        return true;
    }
    return false;
}

enum status source_next(struct source *source, struct body_batch *batch, enum source_event *event,
                        struct error *err)
{
    for (;;) {
        batch->input_bytes = 0;
        TRY(body_batch_read_on(batch, event, err));
        if (*event != SOURCE_END)
            return STATUS_OK;
        TRY(source_take(source, batch, event, err));
        if (*event != SOURCE_BODIES || !batch->range.set)
            return STATUS_OK;
    }
}

enum status body_batch_frame(struct body_batch *batch)
{
    return batch->ends ? STATUS_OK
                       : mem_grow(&batch->ends, &batch->end_capacity, 1, sizeof *batch->ends);
}

enum status body_batch_add(struct body_batch *batch, struct slice body)
{
    assert(batch->ends);
    TRY(mem_grow(&batch->ends, &batch->end_capacity, batch->end_count + 1, sizeof *batch->ends));
    TRY(mem_grow(&batch->bytes, &batch->bytes_capacity, batch->len + body.len, 1));
    if (body.len > 0)
        memcpy(batch->bytes + batch->len, body.data, body.len);
    batch->len += body.len;
    batch->ends[batch->end_count++] = batch->len;
    return STATUS_OK;
}

void body_batch_release(struct body_batch *batch)
{
    plain_range_drop(batch);
    mem_free(batch->bytes);
    mem_free(batch->ends);
    *batch = (struct body_batch){0};
}
