/*
 * part_merge.c - several parts as one sequence of rows in key order.
 *
 * Each part has a cursor that stands on a run of wanted rows. The lowest head
 * goes first; as many rows of its run go at once as sort before every other head. Parts
 * follow arrival and rarely overlap, so most runs are whole blocks.
 *
 *      heap of heads    [p3: 17,0900][p0: 17,0905][p2: 18,0100] ...
 *                        `-- emits rows up to 17,0905 of p0, then is put back
 */
#include "engine/part/part.h"

#include "engine/base/mem.h"

#include <assert.h>

struct merge_input {
    struct part_cursor *cursor; /* owned */
    const struct row_vector *rows;
    uint32_t from, until; /* the run still to be emitted */
    struct row_key head;  /* key of row `from` */
};

struct part_merge {
    struct merge_input *inputs; /* owned */
    size_t input_capacity;
    size_t input_count;
    uint32_t *heap; /* owned; indices of inputs that have rows, lowest head first */
    size_t heap_capacity;
    size_t heap_count;
    struct block_selection selection; /* with message ids */
    bool emitted;                     /* the top of the heap was emitted up to its `from` */
    uint64_t blocks, row_count;
};

enum status part_merge_new(struct part_merge **merge)
{
    *merge = mem_alloc_zeroed(1, sizeof **merge);
    return *merge ? STATUS_OK : STATUS_NOMEM;
}

void part_merge_free(struct part_merge *merge)
{
    if (!merge)
        return;
    for (size_t i = 0; i < merge->input_capacity; i++)
        part_cursor_free(merge->inputs[i].cursor);
    mem_free(merge->inputs);
    mem_free(merge->heap);
    mem_free(merge);
}

void part_merge_counts(const struct part_merge *merge, uint64_t *blocks, uint64_t *rows)
{
    *blocks = merge->blocks;
    *rows = merge->row_count;
}

static void note_head(struct merge_input *input)
{
    input->head = (struct row_key){
        .device = row_vector_device(input->rows, input->from),
        .time_ms = input->rows->times_ms[input->from],
        .message_id = input->rows->message_ids[input->from],
    };
}

/* Stands the input on its next run; `*more` false at its end. */
static enum status input_advance(struct part_merge *merge, struct merge_input *input, bool *more,
                                 struct error *err)
{
    *more = true;
    for (;;) {
        if (input->rows && part_cursor_run(input->cursor, &input->from, &input->until)) {
            note_head(input);
            return STATUS_OK;
        }
        const struct directory_entry *entry = NULL;
        TRY(part_cursor_next(input->cursor, &entry, err));
        if (!entry) {
            *more = false;
            return STATUS_OK;
        }
        TRY(part_cursor_rows(input->cursor, &merge->selection, &input->rows, err));
        merge->blocks++;
        merge->row_count += input->rows->count;
        input->from = 0;
        input->until = 0;
    }
}

static bool heap_less(const struct part_merge *merge, size_t a, size_t b)
{
    const struct merge_input *left = &merge->inputs[merge->heap[a]];
    const struct merge_input *right = &merge->inputs[merge->heap[b]];
    return row_key_compare(&left->head, &right->head) < 0;
}

static void heap_swap(struct part_merge *merge, size_t a, size_t b)
{
    const uint32_t kept = merge->heap[a];
    merge->heap[a] = merge->heap[b];
    merge->heap[b] = kept;
}

static void heap_sink(struct part_merge *merge, size_t at)
{
    for (;;) {
        size_t least = at;
        const size_t left = 2 * at + 1;
        if (left < merge->heap_count && heap_less(merge, left, least))
            least = left;
        if (left + 1 < merge->heap_count && heap_less(merge, left + 1, least))
            least = left + 1;
        if (least == at)
            return;
        heap_swap(merge, at, least);
        at = least;
    }
}

static enum status grow_inputs(struct part_merge *merge, size_t count)
{
    const size_t before = merge->input_capacity;
    TRY(mem_grow(&merge->heap, &merge->heap_capacity, count, sizeof *merge->heap));
    TRY(mem_grow(&merge->inputs, &merge->input_capacity, count, sizeof *merge->inputs));
    if (merge->input_capacity > before)
        memset(merge->inputs + before, 0, (merge->input_capacity - before) * sizeof *merge->inputs);
    return STATUS_OK;
}

static enum status open_input(struct part_merge *merge, const struct part *part,
                              const struct part_reading *reading, struct error *err)
{
    struct merge_input *input = &merge->inputs[merge->input_count++];
    if (!input->cursor && part_cursor_new(&input->cursor) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a part's cursor");
    input->rows = NULL;
    bool more = false;
    TRY(part_cursor_open(input->cursor, part, reading->txn, reading->filter, err));
    TRY(input_advance(merge, input, &more, err));
    if (more)
        merge->heap[merge->heap_count++] = (uint32_t)(merge->input_count - 1);
    return STATUS_OK;
}

enum status part_merge_open(struct part_merge *merge, const struct part *const *parts, size_t count,
                            const struct part_reading *reading, struct error *err)
{
    merge->selection = *reading->selection;
    merge->selection.message_ids = true;
    merge->input_count = 0;
    merge->heap_count = 0;
    merge->emitted = false;
    if (grow_inputs(merge, count) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to merge %zu parts", count);
    for (size_t i = 0; i < count; i++)
        TRY(open_input(merge, parts[i], reading, err));
    for (size_t i = merge->heap_count / 2; i-- > 0;)
        heap_sink(merge, i);
    return STATUS_OK;
}

/* The lowest head but the top's; NULL if the top is alone. */
static const struct row_key *runner_up(const struct part_merge *merge)
{
    if (merge->heap_count < 2)
        return NULL;
    size_t second = 1;
    if (merge->heap_count > 2 && heap_less(merge, 2, 1))
        second = 2;
    return &merge->inputs[merge->heap[second]].head;
}

static bool row_before(const struct row_vector *rows, uint32_t row, const struct row_key *key)
{
    const struct row_key own = {
        .device = row_vector_device(rows, row),
        .time_ms = rows->times_ms[row],
        .message_id = rows->message_ids[row],
    };
    return row_key_compare(&own, key) <= 0;
}

/* The end of the rows of [from, until) at or before `key`: gallop, then bisect. */
static uint32_t rows_up_to(const struct merge_input *input, const struct row_key *key)
{
    uint32_t low = input->from + 1; /* the head itself goes in any case */
    uint32_t step = 1;
    while (low < input->until && row_before(input->rows, low, key)) {
        const uint32_t left = input->until - low;
        if (step >= left || !row_before(input->rows, low + step, key))
            break;
        low += step;
        step *= 2;
    }
    uint32_t high = low + step < input->until ? low + step + 1 : input->until;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (row_before(input->rows, middle, key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Puts the input that was emitted last back into the heap, or takes it out. */
static enum status restore_heap(struct part_merge *merge, struct error *err)
{
    struct merge_input *top = &merge->inputs[merge->heap[0]];
    bool more = true;
    if (top->from < top->until)
        note_head(top);
    else
        TRY(input_advance(merge, top, &more, err));
    if (!more)
        merge->heap[0] = merge->heap[--merge->heap_count];
    heap_sink(merge, 0);
    return STATUS_OK;
}

enum status part_merge_next(struct part_merge *merge, const struct row_vector **rows,
                            uint32_t *from, uint32_t *until, struct error *err)
{
    *rows = NULL;
    if (merge->emitted)
        TRY(restore_heap(merge, err));
    merge->emitted = false;
    if (merge->heap_count == 0)
        return STATUS_OK;
    struct merge_input *top = &merge->inputs[merge->heap[0]];
    const struct row_key *limit = runner_up(merge);
    *rows = top->rows;
    *from = top->from;
    *until = limit ? rows_up_to(top, limit) : top->until;
    assert(*until > *from);
    top->from = *until;
    merge->emitted = true;
    return STATUS_OK;
}
