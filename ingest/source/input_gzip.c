/*
 * input_gzip.c - gzip: members one after the other, as `cat a.gz b.gz` makes them.
 *
 * Zeros after a member are padding (tapes, block devices); anything else that is no
 * member is damage, and so is an end within one.
 */
#include "ingest/source/input_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#define WINDOW_BITS_GZIP (15 + 16) /* the largest window; gzip header and checksum */

struct gzip_state {
    z_stream stream;
    bool between_members;
    bool holds_output; /* the last call ran out of room */
};

static void *zlib_alloc(void *context, unsigned count, unsigned size)
{
    (void)context;
    return mem_alloc_zeroed(count, size);
}

static void zlib_free(void *context, void *memory)
{
    (void)context;
    mem_free(memory);
}

enum status input_gzip_open(struct input *input, struct error *err)
{
    struct gzip_state *state = mem_alloc_zeroed(1, sizeof *state);
    if (!state)
        return error_set(err, STATUS_NOMEM, "no memory to decompress %s", input->name);
    state->stream.zalloc = zlib_alloc;
    state->stream.zfree = zlib_free;
    if (inflateInit2(&state->stream, WINDOW_BITS_GZIP) != Z_OK) {
        mem_free(state);
        return error_set(err, STATUS_NOMEM, "no memory to decompress %s", input->name);
    }
    input->codec_state = state;
    input->codec = &input_gzip_codec;
    return STATUS_OK;
}

static void gzip_close(struct input *input)
{
    struct gzip_state *state = input->codec_state;
    (void)inflateEnd(&state->stream);
    mem_free(state);
}

static enum status gzip_damaged(const struct input *input, const char *what, struct error *err)
{
    const struct gzip_state *state = input->codec_state;
    return error_set(err, STATUS_INPUT,
                     "%s is damaged: %s (gzip, near byte %" PRIu64 " of the file)", input->name,
                     state->stream.msg ? state->stream.msg : what, input_position(input));
}

/* Between members, with raw bytes at hand: passes over padding and prepares the next member. */
static enum status begin_member(struct input *input, struct error *err)
{
    struct gzip_state *state = input->codec_state;
    while (input->raw_next < input->raw_len && input->raw[input->raw_next] == 0)
        input->raw_next++;
    if (input->raw_next == input->raw_len)
        return STATUS_OK;
    state->stream.msg = NULL;
    if (input->raw[input->raw_next] != 0x1f)
        return gzip_damaged(input, "bytes behind its end", err);
    if (inflateReset(&state->stream) != Z_OK)
        return gzip_damaged(input, "cannot go on", err);
    state->between_members = false;
    return STATUS_OK;
}

/* One call of inflate from the raw window into `to`. */
static enum status inflate_some(struct input *input, struct input_read *request, struct error *err)
{
    struct gzip_state *state = input->codec_state;
    const size_t room = request->len < UINT_MAX ? request->len : UINT_MAX;
    state->stream.next_in = input->raw + input->raw_next;
    state->stream.avail_in = (unsigned)(input->raw_len - input->raw_next);
    state->stream.next_out = request->to;
    state->stream.avail_out = (unsigned)room;
    const int result = inflate(&state->stream, Z_NO_FLUSH);
    input->raw_next = input->raw_len - state->stream.avail_in;
    request->got = room - state->stream.avail_out;
    state->holds_output = result != Z_STREAM_END && state->stream.avail_out == 0;

    if (result == Z_STREAM_END)
        state->between_members = true;
    // Bytes made before the damage come first: the next call meets the same damage again.
    if (request->got > 0 || result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
        return STATUS_OK;
    if (result == Z_MEM_ERROR)
        return error_set(err, STATUS_NOMEM, "no memory to decompress %s", input->name);
    return gzip_damaged(input, "not what gzip writes", err);
}

static enum status gzip_read(struct input *input, struct input_read *request, struct error *err)
{
    struct gzip_state *state = input->codec_state;
    for (;;) {
        enum input_event raw_event = INPUT_BYTES;
        if (input->raw_next == input->raw_len && !state->holds_output)
            TRY(input_refill(input, request->wait_ms, &raw_event, err));
        if (raw_event == INPUT_WAITING || (raw_event == INPUT_END && state->between_members)) {
            request->event = raw_event;
            return STATUS_OK;
        }
        if (state->between_members) {
            TRY(begin_member(input, err));
            continue;
        }
        TRY(inflate_some(input, request, err));
        if (request->got > 0) {
            request->event = INPUT_BYTES;
            return STATUS_OK;
        }
        if (raw_event == INPUT_END && !state->between_members)
            return gzip_damaged(input, "it ends too early", err);
    }
}

const struct input_codec input_gzip_codec = {.read = gzip_read, .close = gzip_close};
