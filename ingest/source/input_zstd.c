/*
 * input_zstd.c - zstd: frames one after the other, skippable ones between them.
 *
 * A call of the decompressor that meets damage gives no account of what it wrote before. So
 * each call gets only as many raw bytes as the one before asked for (a block), or
 * none while bytes made earlier wait for room: damage then stands in a call of its own, and
 * nothing before it is lost.
 */
#include "ingest/source/input_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <zstd.h>

struct zstd_state {
    ZSTD_DStream *stream; /* owned */
    size_t wanted;        /* raw bytes the next call should get */
    bool between_frames;
    bool holds_output; /* the last call ran out of room */
};

enum status input_zstd_open(struct input *input, struct error *err)
{
    struct zstd_state *state = mem_alloc_zeroed(1, sizeof *state);
    ZSTD_DStream *stream = state ? ZSTD_createDStream() : NULL;
    if (!stream) {
        mem_free(state);
        return error_set(err, STATUS_NOMEM, "no memory to decompress %s", input->name);
    }
    state->stream = stream;
    state->wanted = ZSTD_initDStream(stream);
    state->between_frames = true;
    input->codec_state = state;
    input->codec = &input_zstd_codec;
    return STATUS_OK;
}

static void zstd_close(struct input *input)
{
    struct zstd_state *state = input->codec_state;
    (void)ZSTD_freeDStream(state->stream);
    mem_free(state);
}

static enum status zstd_damaged(const struct input *input, const char *what, struct error *err)
{
    return error_set(err, STATUS_INPUT,
                     "%s is damaged: %s (zstd, near byte %" PRIu64 " of the file)", input->name,
                     what, input_position(input));
}

/* One call of the decompressor from the raw window into `to`. */
static enum status decompress_some(struct input *input, struct input_read *request,
                                   struct error *err)
{
    struct zstd_state *state = input->codec_state;
    size_t raw_len = input->raw_len - input->raw_next;
    if (state->holds_output)
        raw_len = 0;
    else if (raw_len > state->wanted)
        raw_len = state->wanted;
    ZSTD_inBuffer in = {.src = input->raw + input->raw_next, .size = raw_len};
    ZSTD_outBuffer out = {.dst = request->to, .size = request->len};
    const size_t result = ZSTD_decompressStream(state->stream, &out, &in);
    if (ZSTD_isError(result))
        return zstd_damaged(input, ZSTD_getErrorName(result), err);
    input->raw_next += in.pos;
    request->got = out.pos;
    state->holds_output = result > 0 && out.pos == out.size;
    state->between_frames = result == 0;
    state->wanted = result > 0 ? result : ZSTD_initDStream(state->stream);
    return STATUS_OK;
}

static enum status zstd_read(struct input *input, struct input_read *request, struct error *err)
{
    struct zstd_state *state = input->codec_state;
    for (;;) {
        enum input_event raw_event = INPUT_BYTES;
        if (input->raw_next == input->raw_len && !state->holds_output)
            TRY(input_refill(input, request->wait_ms, &raw_event, err));
        if (raw_event == INPUT_WAITING || (raw_event == INPUT_END && state->between_frames)) {
            request->event = raw_event;
            return STATUS_OK;
        }
        TRY(decompress_some(input, request, err));
        if (request->got > 0) {
            request->event = INPUT_BYTES;
            return STATUS_OK;
        }
        if (raw_event == INPUT_END && !state->between_frames)
            return zstd_damaged(input, "it ends too early", err);
    }
}

const struct input_codec input_zstd_codec = {.read = zstd_read, .close = zstd_close};
