/*
 * json_fields.c - see json_fields.h.
 */
#include "bench/bench/json_fields.h"

#include "cli/escape.h"
#include "cli/quantity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES ((size_t)512)

/* The digits with a closing NUL; false if it is no number, or a longer one than any of ours. */
static bool copy_number(const struct json_node *node, char digits[NUMBER_BYTES])
{
    if (!node || node->type != JSON_NUMBER || node->raw.len >= NUMBER_BYTES)
        return false;
    memcpy(digits, node->raw.data, node->raw.len);
    digits[node->raw.len] = '\0';
    return true;
}

bool json_real(const struct json_node *node, double *real)
{
    char digits[NUMBER_BYTES];
    *real = 0;
    if (!copy_number(node, digits))
        return false;
    *real = strtod(digits, NULL);
    return isfinite(*real);
}

bool json_count(const struct json_node *node, uint64_t *count)
{
    char digits[NUMBER_BYTES];
    *count = 0;
    return copy_number(node, digits) && count_parse(digits, count);
}

bool json_bool(const struct json_node *node, bool *truth)
{
    *truth = node && node->type == JSON_TRUE;
    return node && (node->type == JSON_TRUE || node->type == JSON_FALSE);
}

bool json_text(const struct json_node *node, char *text, size_t text_bytes)
{
    text[0] = '\0';
    if (!node || node->type != JSON_STRING)
        return false;
    (void)escape_text(node->text, text, text_bytes);
    return true;
}
