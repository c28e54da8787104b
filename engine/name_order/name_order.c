/*
 * name_order.c - a radix sort by the few bytes in which names differ.
 *
 * Names of a fleet are alike: "pk/device-000017". Columns of bytes that are the same
 * in all names say nothing about their order; the first eight that differ make a
 * 64-bit key, and mostly decide it. Where they do not, names are compared as a whole.
 *
 *      a1Fleet0001/device-000017
 *                          ^^^^^^      key "000017"
 *
 * (1) A name's missing bytes count as 0. Two keys that differ order their names: all
 *     earlier columns are equal, and a name that ended before the deciding column is
 *     the shorter one.
 * (2) Equal keys say nothing, be it for a NUL in a name or for what lies behind.
 */
#include "engine/name_order/name_order.h"

#include "engine/base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 64u /* of a name's bytes; keys are not made of later ones */
#define KEY_BYTES   8u
#define RADIX       256u

struct keyed_name {
    uint64_t key;
    uint32_t index;
};

static size_t column_count(struct slice name)
{
    return name.len < COLUMNS_MAX ? name.len : COLUMNS_MAX;
}

/* Marks the columns in which a name differs from `first`, which is padded with zeros. */
static void mark_columns(const uint8_t first[COLUMNS_MAX], size_t first_len, struct slice name,
                         uint8_t differs[COLUMNS_MAX])
{
    const size_t len = column_count(name);
    for (size_t i = 0; i < len; i++)
        differs[i] |= first[i] ^ name.data[i];
    for (size_t i = len; i < first_len; i++)
        differs[i] |= first[i];
}

/* The first columns that are not the same in all names; returns how many, KEY_BYTES at most. */
static size_t choose_columns(const struct slice *names, uint32_t count, uint8_t columns[KEY_BYTES])
{
    uint8_t first[COLUMNS_MAX] = {0};
    uint8_t differs[COLUMNS_MAX] = {0};
    const size_t first_len = column_count(names[0]);
    if (first_len > 0)
        memcpy(first, names[0].data, first_len);
    for (uint32_t i = 1; i < count; i++)
        mark_columns(first, first_len, names[i], differs);
    size_t chosen = 0;
    for (uint8_t column = 0; column < COLUMNS_MAX && chosen < KEY_BYTES; column++) {
        if (differs[column] != 0)
            columns[chosen++] = column;
    }
    return chosen;
}

static void make_keys(const struct slice *names, uint32_t count, struct keyed_name *keyed)
{
    uint8_t columns[KEY_BYTES];
    const size_t chosen = choose_columns(names, count, columns);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = 0;
        for (size_t j = 0; j < chosen; j++)
            key = key << 8 | (columns[j] < names[i].len ? names[i].data[columns[j]] : 0u);
        keyed[i] = (struct keyed_name){.key = key, .index = i};
    }
}

/* One stable pass by one byte of the key. False if all have the same byte: nothing moved. */
static bool radix_pass(const struct keyed_name *from, struct keyed_name *to, uint32_t count,
                       unsigned shift)
{
    uint32_t starts[RADIX] = {0};
    for (uint32_t i = 0; i < count; i++)
        starts[(from[i].key >> shift) % RADIX]++;
    if (starts[(from[0].key >> shift) % RADIX] == count)
        return false;
    uint32_t start = 0;
    for (size_t digit = 0; digit < RADIX; digit++) {
        const uint32_t digit_count = starts[digit];
        starts[digit] = start;
        start += digit_count;
    }
    for (uint32_t i = 0; i < count; i++)
        to[starts[(from[i].key >> shift) % RADIX]++] = from[i];
    return true;
}

/* Sorts by key; returns the one of the two arrays that holds the result. */
static const struct keyed_name *sort_keys(struct keyed_name *keyed, struct keyed_name *spare,
                                          uint32_t count)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (!radix_pass(keyed, spare, count, shift))
            continue;
        struct keyed_name *sorted = spare;
        spare = keyed;
        keyed = sorted;
    }
    return keyed;
}

/* Tied names are compared through this: qsort_r hands on no pointer to const. */
struct named_view {
    const struct slice *names;
};

static int compare_names(const void *left, const void *right, void *context)
{
    const struct slice *names = ((const struct named_view *)context)->names;
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    const int order = slice_compare(names[a], names[b]);
    return order != 0 ? order : (a > b) - (a < b);
}

enum status name_order(const struct slice *names, uint32_t count, uint32_t *order)
{
    if (count == 0)
        return STATUS_OK;
    OWNED(mem_free_owned) struct keyed_name *keyed = mem_alloc(count, sizeof *keyed);
    OWNED(mem_free_owned) struct keyed_name *spare = mem_alloc(count, sizeof *spare);
    if (!keyed || !spare)
        return STATUS_NOMEM;
    make_keys(names, count, keyed);
    struct named_view view = {.names = names};
    const struct keyed_name *sorted = sort_keys(keyed, spare, count);
    for (uint32_t i = 0; i < count; i++)
        order[i] = sorted[i].index;
    for (uint32_t first = 0, until = 0; first < count; first = until) {
        while (until < count && sorted[until].key == sorted[first].key)
            until++;
        if (until - first > 1)
            qsort_r(order + first, until - first, sizeof *order, compare_names, &view);
    }
    return STATUS_OK;
}
