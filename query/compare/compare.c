/*
 * compare.c - a walk along two ordered answers at once.
 *
 * Rows of an answer are addressed by their place in its order. A join is a merge by keys. For
 * versus, the rows of one name are paired along the list of buckets: each bucket of the range has a
 * row on the left if there is one with its start, and one on the right if there is one with the
 * start of the bucket that it is compared with. Two buckets may be compared with the same one, and
 * not in order (hours that occur twice), so rows are looked up without being used up.
 *
 * Many names have rows in few of very many buckets, so no name goes through all of them: from its
 * rows it finds the buckets that they are about, on the right by an index of the buckets in the
 * order of those that they are compared with.
 */
#include "query/compare/compare.h"

#include "engine/base/bound.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_ROW SIZE_MAX

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the comparison");
}

static size_t key_count(struct compare_keys keys)
{
    return (size_t)keys.has_name + (size_t)keys.has_time;
}

/* --- cells --------------------------------------------------------------------------------- */

static enum status copy_cell(struct answer *into, const struct answer_cell *from,
                             struct answer_cell *cell, struct error *err)
{
    *cell = *from;
    if (from->kind != CELL_NUMBER)
        return STATUS_OK;
    struct exact_value value = exact_null();
    if (exact_copy(cell_number(from), &into->arena, &value) != STATUS_OK)
        return no_memory(err);
    *cell = cell_of_number(value);
    return STATUS_OK;
}

/* What stands in a column of a side that has no row. */
static struct answer_cell missing_cell(const struct answer_column *column,
                                       struct compare_missing missing)
{
    if (column->kind == CELL_COUNT && missing.zero_counts)
        return cell_of_count(0);
    if (column->kind == CELL_DURATION && missing.zero_durations)
        return cell_of_duration(0);
    return (struct answer_cell){0};
}

/* The cell of a row, or of no row. */
static struct answer_cell cell_at(const struct answer *answer, size_t row, size_t column,
                                  struct compare_missing missing)
{
    return row == NO_ROW ? missing_cell(&answer->columns[column], missing)
                         : answer_row(answer, row)[column];
}

static enum status copy_cells(const struct answer *from, size_t row, size_t first_column,
                              struct compare_missing missing, struct answer *into,
                              struct answer_cell *cells)
{
    for (size_t i = first_column; i < from->column_count; i++) {
        const struct answer_cell cell = cell_at(from, row, i, missing);
        TRY(copy_cell(into, &cell, cells++, NULL));
    }
    return STATUS_OK;
}

static enum status add_column(const struct answer_column *like, const char *suffix,
                              struct answer *answer, struct error *err)
{
    const size_t suffix_len = strlen(suffix);
    uint8_t *name = arena_alloc(&answer->arena, like->name.len + suffix_len + 1);
    if (!name)
        return no_memory(err);
    if (like->name.len > 0)
        memcpy(name, like->name.data, like->name.len);
    memcpy(name + like->name.len, suffix, suffix_len);
    return answer_add_column(answer, slice_of(name, like->name.len + suffix_len),
                             (enum cell_kind)like->kind, err);
}

/* --- join ---------------------------------------------------------------------------------- */

static int compare_keys_of(const struct answer_cell *a, const struct answer_cell *b, size_t count)
{
    int order = 0;
    for (size_t i = 0; i < count && order == 0; i++)
        order = cell_compare(&a[i], &b[i]);
    return order;
}

struct join {
    const struct answer *left, *right;
    size_t key_count;
    struct compare_missing missing;
    struct answer *joined;
};

static enum status add_joined(const struct join *join, size_t left, size_t right, struct error *err)
{
    struct answer_cell *cells = NULL;
    TRY(answer_add_row(join->joined, &cells, err));
    const struct answer_cell *keys =
        left == NO_ROW ? answer_row(join->right, right) : answer_row(join->left, left);
    if (join->key_count > 0)
        memcpy(cells, keys, join->key_count * sizeof *cells);
    cells += join->key_count;
    if (copy_cells(join->left, left, join->key_count, join->missing, join->joined, cells) !=
        STATUS_OK)
        return no_memory(err);
    cells += join->left->column_count - join->key_count;
    if (copy_cells(join->right, right, join->key_count, join->missing, join->joined, cells) !=
        STATUS_OK)
        return no_memory(err);
    return STATUS_OK;
}

enum status compare_join(const struct answer *left, const struct answer *right,
                         struct compare_keys keys, struct compare_missing missing,
                         struct answer *joined, struct error *err)
{
    const struct join join = {.left = left,
                              .right = right,
                              .key_count = key_count(keys),
                              .missing = missing,
                              .joined = joined};
    for (size_t i = 0; i < left->column_count; i++)
        TRY(add_column(&left->columns[i], "", joined, err));
    for (size_t i = join.key_count; i < right->column_count; i++)
        TRY(add_column(&right->columns[i], "", joined, err));
    const size_t left_count = answer_shown_count(left);
    const size_t right_count = answer_shown_count(right);
    for (size_t i = 0, j = 0; i < left_count || j < right_count;) {
        int order = i < left_count ? -1 : 1;
        if (i < left_count && j < right_count)
            order = compare_keys_of(answer_row(left, i), answer_row(right, j), join.key_count);
        TRY(add_joined(&join, order <= 0 ? i : NO_ROW, order >= 0 ? j : NO_ROW, err));
        i += order <= 0;
        j += order >= 0;
    }
    return STATUS_OK;
}

/* --- versus -------------------------------------------------------------------------------- */

/* The rows [first, until) of an answer that have one name. */
struct name_rows {
    const struct answer *answer;
    size_t first, until;
};

struct versus {
    const struct compare_versus_spec *spec;
    const struct answer *now, *before;
    struct answer *compared;
    struct name_rows left, right;
    uint32_t *by_before; /* owned; places of buckets, by (before_ms, place) */
    uint32_t *met;       /* owned; places of the buckets that the rows of one name are about */
    size_t met_count, met_capacity;
};

static void versus_release(struct versus *versus)
{
    mem_free(versus->by_before);
    mem_free(versus->met);
}

static bool has_change(const struct answer_column *column)
{
    return column->kind == CELL_NUMBER || column->kind == CELL_COUNT ||
           column->kind == CELL_DURATION;
}

static bool has_percent(const struct versus *versus, size_t column)
{
    return versus->spec->percent && has_change(&versus->now->columns[column]);
}

/* Whatever the field is, a share of it is a number. */
static enum status add_percent_column(const struct answer_column *like, struct answer *answer,
                                      struct error *err)
{
    struct answer_column number = *like;
    number.kind = CELL_NUMBER;
    return add_column(&number, "_percent", answer, err);
}

static struct exact_value value_of(const struct answer_cell *cell)
{
    if (cell->kind == CELL_NULL)
        return exact_null();
    return cell->kind == CELL_NUMBER ? cell_number(cell) : exact_of_integer(cell->integer);
}

static enum status add_columns(const struct versus *versus, struct error *err)
{
    const struct answer *now = versus->now;
    for (size_t i = 0; i < now->column_count; i++) {
        TRY(add_column(&now->columns[i], "", versus->compared, err));
        if (i < key_count(versus->spec->keys))
            continue;
        TRY(add_column(&now->columns[i], "_before", versus->compared, err));
        if (has_change(&now->columns[i]))
            TRY(add_column(&now->columns[i], "_change", versus->compared, err));
        if (has_percent(versus, i))
            TRY(add_percent_column(&now->columns[i], versus->compared, err));
    }
    return STATUS_OK;
}

static enum status change_cell(struct answer *answer, const struct answer_cell *now,
                               const struct answer_cell *before, struct answer_cell *change,
                               struct error *err)
{
    if (now->kind == CELL_NULL || before->kind == CELL_NULL)
        return STATUS_OK;
    if (now->kind != CELL_NUMBER) {
        *change = *now;
        change->integer = now->integer - before->integer;
        return STATUS_OK;
    }
    struct exact_value value = exact_null();
    if (exact_subtract(cell_number(now), cell_number(before), &answer->arena, &value) != STATUS_OK)
        return no_memory(err);
    *change = cell_of_number(value);
    return STATUS_OK;
}

/* A row for one bucket of one name. */
static enum status add_compared(const struct versus *versus, size_t left, size_t right,
                                int64_t time_ms, struct error *err)
{
    const struct compare_versus_spec *spec = versus->spec;
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(versus->compared, &cell, err));
    if (spec->keys.has_name)
        *cell++ = left == NO_ROW ? answer_row(versus->before, right)[0]
                                 : answer_row(versus->now, left)[0];
    if (spec->keys.has_time)
        *cell++ = cell_of_time(time_ms);
    for (size_t i = key_count(spec->keys); i < versus->now->column_count; i++) {
        const struct answer_cell now = cell_at(versus->now, left, i, spec->missing);
        const struct answer_cell before = cell_at(versus->before, right, i, spec->missing);
        TRY(copy_cell(versus->compared, &now, cell++, err));
        TRY(copy_cell(versus->compared, &before, cell++, err));
        if (has_change(&versus->now->columns[i]))
            TRY(change_cell(versus->compared, &now, &before, cell++, err));
        if (has_percent(versus, i))
            *cell++ = cell_of_number(exact_percent_change(value_of(&now), value_of(&before)));
    }
    return STATUS_OK;
}

static int64_t row_time_ms(const struct versus *versus, const struct answer *answer, size_t row)
{
    return answer_row(answer, row)[key_count(versus->spec->keys) - 1].integer;
}

/* The row of a bucket, or NO_ROW. */
static size_t find_bucket(const struct versus *versus, const struct name_rows *rows,
                          int64_t start_ms)
{
    size_t low = rows->first;
    size_t high = rows->until;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (row_time_ms(versus, rows->answer, middle) < start_ms)
            low = middle + 1;
        else
            high = middle;
    }
    const bool found = low < rows->until && row_time_ms(versus, rows->answer, low) == start_ms;
    return found ? low : NO_ROW;
}

/* --- the buckets of a name ----------------------------------------------------------------- */

static int compare_places(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static int compare_before(const void *left, const void *right, void *context)
{
    const struct versus *versus = context;
    const struct compare_bucket *buckets = versus->spec->buckets;
    const int64_t a_ms = buckets[*(const uint32_t *)left].before_ms;
    const int64_t b_ms = buckets[*(const uint32_t *)right].before_ms;
    return a_ms != b_ms ? (a_ms > b_ms) - (a_ms < b_ms) : compare_places(left, right);
}

static enum status index_buckets(struct versus *versus, struct error *err)
{
    const struct compare_versus_spec *spec = versus->spec;
    bool ascend = true;
    assert(spec->bucket_count <= UINT32_MAX);
    versus->by_before = mem_alloc(spec->bucket_count, sizeof *versus->by_before);
    if (!versus->by_before)
        return no_memory(err);
    for (size_t i = 0; i < spec->bucket_count; i++) {
        versus->by_before[i] = (uint32_t)i;
        ascend = ascend && (i == 0 || spec->buckets[i - 1].before_ms <= spec->buckets[i].before_ms);
    }
    if (!ascend)
        qsort_r(versus->by_before, spec->bucket_count, sizeof *versus->by_before, compare_before,
                versus);
    return STATUS_OK;
}

static enum status add_met(struct versus *versus, uint32_t place)
{
    TRY(mem_grow(&versus->met, &versus->met_capacity, versus->met_count + 1, sizeof *versus->met));
    versus->met[versus->met_count++] = place;
    return STATUS_OK;
}

static int64_t bucket_now_ms(const void *items, size_t place)
{
    const struct compare_bucket *buckets = items;
    return buckets[place].now_ms;
}

/* The bucket that starts at `time_ms`. */
static enum status meet_now(struct versus *versus, int64_t time_ms)
{
    const struct compare_bucket *buckets = versus->spec->buckets;
    const size_t count = versus->spec->bucket_count;
    const size_t place = bound_find(buckets, count, time_ms, bucket_now_ms);
    const bool found = place < count && buckets[place].now_ms == time_ms;
    return found ? add_met(versus, (uint32_t)place) : STATUS_OK;
}

static int64_t bucket_before_ms(const void *items, size_t place)
{
    const struct versus *versus = items;
    return versus->spec->buckets[versus->by_before[place]].before_ms;
}

/* All buckets that are compared with the one that starts at `time_ms`. */
static enum status meet_before(struct versus *versus, int64_t time_ms)
{
    const struct compare_bucket *buckets = versus->spec->buckets;
    const size_t count = versus->spec->bucket_count;
    assert(versus->by_before);
    size_t low = bound_find(versus, count, time_ms, bucket_before_ms);
    for (; low < count && buckets[versus->by_before[low]].before_ms == time_ms; low++)
        TRY(add_met(versus, versus->by_before[low]));
    return STATUS_OK;
}

/* The buckets that the rows of a name are about: in order, each once. */
static enum status list_met(struct versus *versus, struct error *err)
{
    enum status status = STATUS_OK;
    versus->met_count = 0;
    for (size_t i = versus->left.first; status == STATUS_OK && i < versus->left.until; i++)
        status = meet_now(versus, row_time_ms(versus, versus->now, i));
    for (size_t i = versus->right.first; status == STATUS_OK && i < versus->right.until; i++)
        status = meet_before(versus, row_time_ms(versus, versus->before, i));
    if (status != STATUS_OK)
        return no_memory(err);
    if (versus->met_count > 1)
        qsort(versus->met, versus->met_count, sizeof *versus->met, compare_places);
    size_t kept = 0;
    for (size_t i = 0; i < versus->met_count; i++) {
        if (i == 0 || versus->met[i] != versus->met[kept - 1])
            versus->met[kept++] = versus->met[i];
    }
    versus->met_count = kept;
    return STATUS_OK;
}

/* Rows of one name, on either side or both. */
static enum status compare_name(struct versus *versus, struct error *err)
{
    const struct compare_versus_spec *spec = versus->spec;
    const struct name_rows *left_rows = &versus->left;
    const struct name_rows *right_rows = &versus->right;
    if (!spec->keys.has_time)
        return add_compared(versus, left_rows->first < left_rows->until ? left_rows->first : NO_ROW,
                            right_rows->first < right_rows->until ? right_rows->first : NO_ROW, 0,
                            err);
    TRY(list_met(versus, err));
    for (size_t i = 0; i < versus->met_count; i++) {
        const struct compare_bucket bucket = spec->buckets[versus->met[i]];
        const size_t left = find_bucket(versus, left_rows, bucket.now_ms);
        const size_t right = find_bucket(versus, right_rows, bucket.before_ms);
        assert(left != NO_ROW || right != NO_ROW);
        TRY(add_compared(versus, left, right, bucket.now_ms, err));
    }
    return STATUS_OK;
}

/* The rows from `next` on that have the same name as the first of them. */
static size_t name_end(const struct versus *versus, const struct answer *answer, size_t next)
{
    const size_t count = answer_shown_count(answer);
    size_t end = next;
    while (end < count && (!versus->spec->keys.has_name ||
                           cell_compare(answer_row(answer, next), answer_row(answer, end)) == 0))
        end++;
    return end;
}

enum status compare_versus(const struct answer *now, const struct answer *before,
                           const struct compare_versus_spec *spec, struct answer *compared,
                           struct error *err)
{
    assert(now->column_count == before->column_count);
    OWNED(versus_release)
    struct versus versus = {.spec = spec, .now = now, .before = before, .compared = compared};
    TRY(add_columns(&versus, err));
    if (spec->keys.has_time)
        TRY(index_buckets(&versus, err));
    const size_t now_count = answer_shown_count(now);
    const size_t before_count = answer_shown_count(before);
    for (size_t i = 0, j = 0; i < now_count || j < before_count;) {
        int order = i < now_count ? -1 : 1;
        if (i < now_count && j < before_count)
            order =
                spec->keys.has_name ? cell_compare(answer_row(now, i), answer_row(before, j)) : 0;
        const size_t i_end = order <= 0 ? name_end(&versus, now, i) : i;
        const size_t j_end = order >= 0 ? name_end(&versus, before, j) : j;
        versus.left = (struct name_rows){.answer = now, .first = i, .until = i_end};
        versus.right = (struct name_rows){.answer = before, .first = j, .until = j_end};
        TRY(compare_name(&versus, err));
        i = i_end;
        j = j_end;
    }
    return STATUS_OK;
}
