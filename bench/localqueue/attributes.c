/*
 * attributes.c - the table of attributes; see attributes.h.
 */
#include "bench/localqueue/attributes.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

struct attribute_spec {
    const char *name;
    uint32_t least;
    uint32_t most;
    uint32_t initial;
};

static const struct attribute_spec specs[ATTRIBUTE_COUNT] = {
    [ATTRIBUTE_DELAY_S] = {"DelaySeconds", 0, 604800, 0},
    [ATTRIBUTE_MESSAGE_BYTES_MAX] = {"MaximumMessageSize", 1024, 65536, 65536},
    /* The range of today goes to 604800; older documents and their clients go to 1296000. */
    [ATTRIBUTE_RETENTION_S] = {"MessageRetentionPeriod", 60, 1296000, 345600},
    [ATTRIBUTE_VISIBILITY_S] = {"VisibilityTimeout", 1, 43200, 30},
    [ATTRIBUTE_POLLING_WAIT_S] = {"PollingWaitSeconds", 0, 30, 0},
    [ATTRIBUTE_LOGGING] = {"LoggingEnabled", 0, 1, 0},
};

struct attributes attributes_default(void)
{
    struct attributes attributes = {0};
    for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++)
        attributes.values[i] = specs[i].initial;
    return attributes;
}

const char *attribute_name(enum attribute attribute)
{
    assert(attribute < ATTRIBUTE_COUNT);
    return specs[attribute].name;
}

bool text_equal_any_case(struct slice text, const char *other)
{
    const size_t len = strlen(other);
    return text.len == len && (len == 0 || strncasecmp((const char *)text.data, other, len) == 0);
}

bool decimal_parse(struct slice text, uint32_t most, uint32_t *number)
{
    if (text.len == 0 || text.len > 10)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t byte = text.data[i];
        if (byte < '0' || byte > '9')
            return false;
        value = value * 10 + (uint64_t)(byte - '0');
    }
    if (value > most)
        return false;
    *number = (uint32_t)value;
    return true;
}

static bool parse_value(enum attribute attribute, struct slice text, uint32_t *value)
{
    if (attribute == ATTRIBUTE_LOGGING) {
        *value = text_equal_any_case(text, "true");
        return *value == 1 || text_equal_any_case(text, "false");
    }
    return decimal_parse(text, specs[attribute].most, value) && *value >= specs[attribute].least;
}

enum attribute_verdict attributes_set(struct attributes *attributes, struct slice name,
                                      struct slice value)
{
    for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (!text_equal_any_case(name, specs[i].name))
            continue;
        uint32_t number = 0;
        if (!parse_value((enum attribute)i, value, &number))
            return ATTRIBUTE_REFUSED;
        attributes->values[i] = number;
        attributes->given |= 1u << i;
        return ATTRIBUTE_TAKEN;
    }
    return ATTRIBUTE_UNKNOWN;
}

bool attributes_are_sound(const struct attributes *attributes)
{
    for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (attributes->values[i] < specs[i].least || attributes->values[i] > specs[i].most)
            return false;
    }
    return true;
}

bool attributes_agree(const struct attributes *have, const struct attributes *wanted)
{
    for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++) {
        if ((wanted->given >> i & 1) && have->values[i] != wanted->values[i])
            return false;
    }
    return true;
}

void attributes_update(struct attributes *have, const struct attributes *wanted)
{
    for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (wanted->given >> i & 1)
            have->values[i] = wanted->values[i];
    }
}
