/*
 * fast_portable.c - the fast path for any processor: eight bytes at a time, 16 where the
 * compiler's target has them.
 */
#include "engine/base/bytes.h"
#include "ingest/decode/base64.h"
#include "ingest/decode/draft.h"
#include "ingest/decode/fast_internal.h"
#include "ingest/decode/json_scan.h"

#define FAST_PATH static inline __attribute__((always_inline))
#define FAST_RARE static __attribute__((noinline))

FAST_PATH bool wide_lead_matches(const struct lead *lead, const uint8_t *at, const uint8_t *end)
{
    return lead_matches(lead, at, end);
}

FAST_PATH bool wide_lead_stands(const struct lead *lead, const uint8_t *at)
{
    return bytes_same(lead->bytes, at, lead->len);
}

FAST_PATH size_t wide_base64_run(struct slice text, uint8_t *room)
{
    return base64_decode_run(text, room);
}

FAST_PATH bool wide_known_is(const struct fast_run *run, uint32_t number, struct slice name)
{
    return known_names_is(run->batch->known_devices, number, name);
}

FAST_PATH const uint8_t *wide_scan_topic(const uint8_t *at, const uint8_t *end, struct slice *topic,
                                         struct slice *device)
{
    return fast_scan_topic(at, end, topic, device);
}

FAST_PATH const uint8_t *wide_scan_id(const uint8_t *at, const uint8_t *end, uint64_t *id)
{
    return scan_unsigned(at, end, id);
}

FAST_PATH const uint8_t *wide_scan_seconds(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    return scan_unsigned(at, end, value);
}

FAST_PATH const uint8_t *wide_scan_number(const uint8_t *at, const uint8_t *end,
                                          struct number *number)
{
    return scan_number(at, end, number);
}

#include "ingest/decode/fast_path.h"

FAST_PATH const uint8_t *wide_take_shaped(struct fast_run *run, const uint8_t *at)
{
    (void)run; /* no shape is kept */
    return at;
}

const uint8_t *fast_run_portable(struct fast_run *run, const uint8_t *at)
{
    return take_messages(run, at);
}
