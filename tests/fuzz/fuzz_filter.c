/*
 * fuzz_filter.c - whatever is typed as an expression or as aliases: a refusal with a place, or
 * steps that judge one row, many rows and a summary alike.
 *
 * The first byte chooses the values of the rows. An expression that is read is also tried on rows
 * with it: what a block's rows say must be what each row says alone, and what a summary says must
 * not be against any of them.
 */
#include "engine/base/mem.h"
#include "query/alias/alias.h"
#include "query/filter/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)4096)
#define ROW_COUNT      70u /* more than a word of bits */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_filter: %s\n", what);
    abort();
}

/* The columns of a small block, one for each metric of a filter. */
struct block {
    struct column_vector columns[FILTER_TESTS_MAX];
    const struct column_vector *borrowed[FILTER_TESTS_MAX];
    struct filter_extent extents[FILTER_TESTS_MAX];
    int64_t mantissas[ROW_COUNT];
    uint64_t present[2];
    struct column_exception exception;
};

static void fill_block(struct block *block, size_t metric_count, uint8_t choice)
{
    for (uint32_t row = 0; row < ROW_COUNT; row++)
        block->mantissas[row] = ((int64_t)row - 35) * (choice % 16 + 1);
    block->present[0] = UINT64_C(0x5555555555555555) << (choice % 2);
    block->present[1] = UINT64_MAX;
    block->mantissas[66] = 0;
    block->exception =
        (struct column_exception){.row = 66, .value = number_from_real(choice % 3 ? 0.1 : 1e300)};
    for (size_t i = 0; i < metric_count; i++) {
        block->columns[i] = (struct column_vector){.present = i % 3 == 1 ? block->present : NULL,
                                                   .mantissas = block->mantissas,
                                                   .exponent = (int16_t)(choice / 16 % 8 - 4),
                                                   .exception_count = i % 2,
                                                   .exceptions = &block->exception};
        block->borrowed[i] = i % 5 == 4 ? NULL : &block->columns[i];
    }
}

static struct number value_at(const struct block *block, size_t metric, uint32_t row)
{
    if (!block->borrowed[metric])
        return (struct number){.kind = NUMBER_NULL};
    return column_vector_get(block->borrowed[metric], row);
}

static void summarize(struct block *block, size_t metric)
{
    struct filter_extent extent = {.always = true};
    for (uint32_t row = 0; row < ROW_COUNT; row++) {
        const struct number value = value_at(block, metric, row);
        if (value.kind == NUMBER_NULL) {
            extent.always = false;
            continue;
        }
        if (extent.min.kind == NUMBER_NULL || number_compare(value, extent.min) < 0)
            extent.min = value;
        if (extent.max.kind == NUMBER_NULL || number_compare(value, extent.max) > 0)
            extent.max = value;
    }
    block->extents[metric] = extent;
}

static void judge(const struct filter *filter, uint8_t choice)
{
    static struct block block;
    uint64_t holds[FILTER_WORDS];
    struct filter_scratch scratch;
    fill_block(&block, filter->metric_count, choice);
    for (size_t i = 0; i < filter->metric_count; i++)
        summarize(&block, i);
    check(filter_scratch_init(&scratch, filter) == STATUS_OK, "memory");
    const uint32_t from = choice % 7;
    const uint32_t count = filter_rows(filter, block.borrowed, from, ROW_COUNT, &scratch, holds);
    filter_scratch_release(&scratch);
    const enum filter_verdict verdict = filter_judge(filter, block.extents);
    uint32_t found = 0;
    for (uint32_t row = from; row < ROW_COUNT; row++) {
        struct number values[FILTER_TESTS_MAX];
        for (size_t i = 0; i < filter->metric_count; i++)
            values[i] = value_at(&block, i, row);
        const bool alone = filter_holds(filter, values);
        check(alone == (bool)(holds[row / 64] >> (row % 64) & 1), "a row among others");
        check(!alone || verdict != FILTER_NONE, "a summary hides a row");
        check(alone || verdict != FILTER_ALL, "a summary adds a row");
        found += alone;
    }
    check(found == count, "the number of rows");
}

static void read_expression(const char *text, uint8_t choice)
{
    struct filter filter = {0};
    struct filter_place place = {0};
    struct error err = {0};
    for (int times = 0; times < 2; times++) {
        if (filter_add(&filter, text, &place, &err) != STATUS_OK) {
            check(err.status == STATUS_INPUT && err.message[0] != '\0', "a refusal without a word");
            check(place.start <= strlen(text) && place.len <= strlen(text) - place.start,
                  "a place outside the text");
            break;
        }
    }
    judge(&filter, choice);
    filter_release(&filter);
}

static void read_aliases(const char *text)
{
    static const struct alias_origin flag = {.source = "--alias"};
    struct alias_list list = {0};
    struct error err = {0};
    if (alias_list_add(&list, text, &flag, &err) != STATUS_OK)
        check(err.status == STATUS_INPUT && err.message[0] != '\0', "a refusal without a word");
    alias_list_release(&list);
    err = (struct error){0};
    if (alias_list_read(&list, slice_of_text(text), "file", ALIAS_SOURCE_USER, &err) != STATUS_OK)
        check(err.status == STATUS_CONFIG && strncmp(err.message, "file:", 5) == 0,
              "a refusal without a line");
    for (size_t i = 0; i < list.count; i++) {
        const struct slice name = list.items[i].name;
        check(slice_equal(alias_list_canonical(&list, name), name), "a name of another's");
        for (size_t k = 0; k < list.items[i].name_count; k++)
            check(slice_equal(alias_list_canonical(&list, list.items[i].names[k]), name),
                  "another name that leads elsewhere");
    }
    alias_list_release(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    if (bytes_len == 0 || bytes_len > TEXT_BYTES_MAX)
        return 0;
    char *text = malloc(bytes_len);
    check(text != NULL, "memory");
    memcpy(text, bytes + 1, bytes_len - 1);
    text[bytes_len - 1] = '\0';
    read_expression(text, bytes[0]);
    read_aliases(text);
    free(text);
    return 0;
}
