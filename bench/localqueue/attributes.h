/*
 * attributes.h - what can be set about a queue, with the bounds of the protocol.
 *
 * Durations are seconds, as in the protocol.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_ATTRIBUTES_H
#define MNSDB_BENCH_LOCALQUEUE_ATTRIBUTES_H

#include "engine/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum attribute {
    ATTRIBUTE_DELAY_S,
    ATTRIBUTE_MESSAGE_BYTES_MAX,
    ATTRIBUTE_RETENTION_S,
    ATTRIBUTE_VISIBILITY_S,
    ATTRIBUTE_POLLING_WAIT_S,
    ATTRIBUTE_LOGGING, /* 0 or 1; "False" and "True" on the wire */
    ATTRIBUTE_COUNT
};

struct attributes {
    uint32_t values[ATTRIBUTE_COUNT];
    uint32_t given; /* a bit for each that was set */
};

enum attribute_verdict {
    ATTRIBUTE_TAKEN,
    ATTRIBUTE_UNKNOWN, /* not an attribute that can be set */
    ATTRIBUTE_REFUSED, /* no number, or out of its range */
};

/* The values of a new queue; none of them counts as given. */
struct attributes attributes_default(void);

/* The name on the wire: "VisibilityTimeout". */
const char *attribute_name(enum attribute attribute);

/* Sets one by its name on the wire, in any case. */
enum attribute_verdict attributes_set(struct attributes *attributes, struct slice name,
                                      struct slice value);

/* True if every value is within its range: what came from a file may be anything. */
bool attributes_are_sound(const struct attributes *attributes);

/* True if all that `wanted` gives is so in `have`. */
bool attributes_agree(const struct attributes *have, const struct attributes *wanted);

/* Takes over what `wanted` gives. */
void attributes_update(struct attributes *have, const struct attributes *wanted);

/* A whole number of decimal digits up to `most`. */
bool decimal_parse(struct slice text, uint32_t most, uint32_t *number);

/* Equal but for the case of ASCII letters. */
bool text_equal_any_case(struct slice text, const char *other);

#endif
