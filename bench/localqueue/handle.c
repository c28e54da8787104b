/*
 * handle.c - packing and checking; see handle.h.
 */
#include "bench/localqueue/handle.h"

#include "ingest/decode/base64.h"

#include <string.h>

#define MARK_AT       0u
#define SERIAL_AT     2u
#define GENERATION_AT 10u
#define CHECK_AT      14u
#define HANDLE_BYTES  22u

static const uint8_t mark[SERIAL_AT] = {0xfb, 0xff};

/* Veils and unveils: applying it twice changes nothing. */
static void veil(uint8_t bytes[HANDLE_BYTES])
{
    for (unsigned i = SERIAL_AT; i < CHECK_AT; i++)
        bytes[i] ^= bytes[CHECK_AT + (i - SERIAL_AT) % 8];
}

void handle_write(struct handle handle, uint64_t queue_key, uint8_t text[HANDLE_TEXT_BYTES])
{
    uint8_t bytes[HANDLE_BYTES];
    memcpy(bytes + MARK_AT, mark, sizeof mark);
    memcpy(bytes + SERIAL_AT, &handle.serial, sizeof handle.serial);
    memcpy(bytes + GENERATION_AT, &handle.generation, sizeof handle.generation);
    const uint64_t check = bytes_hash(bytes + SERIAL_AT, CHECK_AT - SERIAL_AT, queue_key);
    memcpy(bytes + CHECK_AT, &check, sizeof check);
    veil(bytes);
    base64_encode(slice_of(bytes, sizeof bytes), text);
}

bool handle_read(struct slice text, uint64_t queue_key, struct handle *handle)
{
    uint8_t bytes[HANDLE_TEXT_BYTES / 4 * 3 + 16];
    size_t bytes_len = 0;
    if (text.len != HANDLE_TEXT_BYTES || !base64_decode(text, bytes, &bytes_len) ||
        bytes_len != HANDLE_BYTES || memcmp(bytes, mark, sizeof mark) != 0)
        return false;
    veil(bytes);
    const uint64_t check = bytes_hash(bytes + SERIAL_AT, CHECK_AT - SERIAL_AT, queue_key);
    if (check != load_u64(bytes + CHECK_AT))
        return false;
    handle->serial = load_u64(bytes + SERIAL_AT);
    handle->generation = load_u32(bytes + GENERATION_AT);
    return true;
}
