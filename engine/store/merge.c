/*
 * merge.c - merging parts in bounded steps, retiring the inputs on the way.
 *
 *      before      in0 [###########]   in1 [#########]
 *      a step      in0 [....#######]   in1 [..#######]   out [######]
 *                           ^ consumed_key  ^ the same key    ^ rows up to that key
 *      the end                                           out [####################]
 *
 * (1) Each step is one transaction: the output's new rows, the inputs' consumed
 *     keys and the pages that they give back. Every snapshot holds every row once.
 * (2) Inputs are read through a snapshot of their own: what LMDB hands out in a
 *     write transaction does not survive its next write.
 * (3) A crash resumes: the output's record names its inputs, theirs say how far they are consumed.
 * (4) The output has slices (totals by time) of the rows that it has, after each step.
 */
#include "engine/slices/slices.h"
#include "engine/store/merge_policy.h"
#include "engine/store/store_internal.h"

#include "engine/base/mem.h"

#include <assert.h>

#define STEP_BYTES_MIN ((uint64_t)64 << 10)
#define STEP_BYTES_MAX ((uint64_t)4 << 20)
#define STEP_FRACTION  64u /* of the live bytes */
#define RETIRE_VALUES  8192u

/* One step under way. */
struct merge_step {
    struct store *store;
    struct kv_txn *read;
    struct kv_txn *write;
    struct part *output;
    const struct part *inputs[PART_INPUTS_MAX];
    struct row_key last; /* of the rows written */
    bool wrote;          /* at least one */
    bool finished;       /* the inputs have no rows left */
    struct cell *cells;  /* owned; of one row */
    size_t cell_capacity;
    struct slices slices; /* owned; of the output */
};

static struct part *find_part(struct part_list *list, uint64_t number)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->parts[i].number == number)
            return &list->parts[i];
    }
    return NULL;
}

static struct part *find_merging(struct part_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->parts[i].merging)
            return &list->parts[i];
    }
    return NULL;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory to merge parts");
}

static enum status find_inputs(struct merge_step *step, struct part_list *list, struct error *err)
{
    for (uint32_t i = 0; i < step->output->input_count; i++) {
        step->inputs[i] = find_part(list, step->output->inputs[i]);
        if (!step->inputs[i])
            return error_set(err, STATUS_CORRUPT, "part %llu, which a merge reads, is not there",
                             (unsigned long long)step->output->inputs[i]);
    }
    return STATUS_OK;
}

static enum status write_row(struct merge_step *step, const struct row_vector *rows, uint32_t row,
                             struct error *err)
{
    if (mem_grow(&step->cells, &step->cell_capacity, rows->column_count, sizeof *step->cells) !=
        STATUS_OK)
        return no_memory(err);
    uint32_t cells = 0;
    for (uint32_t c = 0; c < rows->column_count; c++) {
        const struct number value = column_vector_get(&rows->columns[c], row);
        if (value.kind == NUMBER_NULL)
            continue;
        step->cells[cells] = (struct cell){
            .metric = rows->columns[c].metric, .exponent = value.exponent, .kind = value.kind};
        memcpy(&step->cells[cells++].mantissa, &value.mantissa, sizeof value.mantissa);
    }
    const struct row_key key = {
        .time_ms = rows->times_ms[row],
        .message_id = rows->message_ids[row],
        .device = row_vector_device(rows, row),
    };
    const struct row_key *before = step->wrote ? &step->last : &step->output->totals.summary.last;
    const bool first = !step->wrote && step->output->totals.summary.row_count == 0;
    if (!first && row_key_compare(before, &key) >= 0)
        return error_set(err, STATUS_CORRUPT, "rows to be merged into part %llu are out of order",
                         (unsigned long long)step->output->number);
    step->last = key;
    step->wrote = true;
    return part_writer_append(step->store->writer, &key, rows->time_sources[row], step->cells,
                              cells, err);
}

static uint64_t step_bytes(struct store *store)
{
    uint64_t live = 0;
    for (int table = 0; table < TABLE_COUNT; table++) {
        for (size_t i = 0; i < store->parts[table].count; i++)
            live += store->parts[table].parts[i].stream_bytes;
    }
    const uint64_t bytes = live / STEP_FRACTION;
    if (bytes < STEP_BYTES_MIN)
        return STEP_BYTES_MIN;
    return bytes > STEP_BYTES_MAX ? STEP_BYTES_MAX : bytes;
}

/* The output's slices as the steps before left them. */
static enum status load_slices(struct merge_step *step, struct error *err)
{
    struct part *output = step->output;
    TRY(slices_load(&step->slices, output, step->read, store_names(step->store, output->table),
                    err));
    for (uint32_t i = 0; i < output->input_count; i++)
        step->slices.rows_expected += step->inputs[i]->totals.summary.row_count;
    return STATUS_OK;
}

static enum status write_rows(struct merge_step *step, struct error *err)
{
    static const struct block_selection all = {
        .all_metrics = true, .message_ids = true, .time_sources = true};
    struct store *store = step->store;
    const struct part_filter everything = {
        .names = store_names(store, step->output->table),
        .from_ms = TIME_MS_MIN,
        .until_ms = TIME_MS_MAX,
    };
    const uint64_t bytes_max = step_bytes(store);
    const struct part_reading reading = {
        .txn = step->read, .filter = &everything, .selection = &all};
    TRY(part_merge_open(store->merge, step->inputs, step->output->input_count, &reading, err));
    TRY(part_writer_begin(store->writer, step->output, step->write, err));
    while (part_writer_bytes(store->writer) < bytes_max) {
        const struct row_vector *rows = NULL;
        uint32_t from = 0;
        uint32_t until = 0;
        TRY(part_merge_next(store->merge, &rows, &from, &until, err));
        if (!rows) {
            step->finished = true;
            break;
        }
        for (uint32_t row = from; row < until; row++)
            TRY(write_row(step, rows, row, err));
        if (slices_add_rows(&step->slices, rows, from, until) != STATUS_OK)
            return no_memory(err);
    }
    step->output->sliced = slices_are_kept(&step->slices);
    TRY(part_writer_finish(store->writer, err));
    return slices_save(&step->slices, step->output, step->write, err);
}

/* Notes how far the inputs are consumed and gives back their pages. */
static enum status retire_inputs(struct merge_step *step, struct part_list *list, struct error *err)
{
    for (uint32_t i = 0; i < step->output->input_count; i++) {
        struct part *input = find_part(list, step->output->inputs[i]);
        input->consumed = true;
        input->consumed_key = step->last;
        bool done = false;
        TRY(part_retire(input, step->write, RETIRE_VALUES, &done, err));
        TRY(part_save(input, step->write, err));
    }
    return STATUS_OK;
}

static void drop_part(struct part_list *list, uint64_t number)
{
    struct part *part = find_part(list, number);
    part_release(part);
    const size_t behind = (size_t)(list->parts + list->count - part) - 1;
    memmove(part, part + 1, behind * sizeof *part);
    list->count--;
}

/* All rows are in the output: the inputs go, and the output is a part like any other. */
static enum status remove_inputs(struct merge_step *step, struct part_list *list, struct error *err)
{
    const uint64_t output = step->output->number;
    bool all_done = true;
    for (uint32_t i = 0; i < step->output->input_count; i++) {
        bool done = false;
        TRY(slices_remove(step->output->inputs[i], step->write, err));
        TRY(part_remove(find_part(list, step->output->inputs[i]), step->write, RETIRE_VALUES, &done,
                        err));
        all_done = all_done && done;
    }
    if (!all_done)
        return error_set(err, STATUS_CORRUPT, "a merge into part %llu left too much behind",
                         (unsigned long long)output);
    uint64_t inputs[PART_INPUTS_MAX];
    const uint32_t input_count = step->output->input_count;
    memcpy(inputs, step->output->inputs, sizeof inputs);
    step->output->merging = false;
    step->output->input_count = 0;
    TRY(part_save(step->output, step->write, err));
    for (uint32_t i = 0; i < input_count; i++)
        drop_part(list, inputs[i]);
    step->output = find_part(list, output);
    return STATUS_OK;
}

static enum status fill_transaction(struct merge_step *step, struct part_list *list,
                                    struct error *err)
{
    TRY(find_inputs(step, list, err));
    TRY(load_slices(step, err));
    TRY(write_rows(step, err));
    if (step->wrote)
        TRY(retire_inputs(step, list, err));
    return step->finished ? remove_inputs(step, list, err) : STATUS_OK;
}

static enum status run_step(struct merge_step *step, struct part_list *list, struct error *err)
{
    struct store *store = step->store;
    TRY(kv_begin(store->kv, false, &step->read, err));
    enum status status = kv_begin(store->kv, true, &step->write, err);
    if (status == STATUS_OK)
        status = fill_transaction(step, list, err);
    kv_abort(step->read);
    if (status != STATUS_OK)
        return store_abandon(store, step->write, status);
    return store_finish(store, step->write, err);
}

/* A new output for the parts that the policy chose; NULL if it chose none. */
static enum status begin_merge(struct store *store, struct part_list *list, enum upkeep upkeep,
                               struct part **output, struct error *err)
{
    uint64_t chosen[PART_INPUTS_MAX];
    uint32_t count = 0;
    *output = NULL;
    if (merge_pick(list, upkeep, chosen, &count) != STATUS_OK)
        return no_memory(err);
    if (count == 0)
        return STATUS_OK;
    if (part_list_add(list, output) != STATUS_OK)
        return no_memory(err);
    (*output)->number = store->state.next_part++;
    (*output)->table = list->parts[0].table;
    (*output)->dense = true;
    (*output)->merging = true;
    (*output)->input_count = count;
    memcpy((*output)->inputs, chosen, count * sizeof *chosen);
    return STATUS_OK;
}

enum status store_merge_step(struct store *store, enum upkeep upkeep, bool *more, struct error *err)
{
    *more = false;
    for (int table = 0; table < TABLE_COUNT; table++) {
        struct part_list *list = &store->parts[table];
        struct part *output = find_merging(list);
        if (!output)
            TRY(begin_merge(store, list, upkeep, &output, err));
        if (!output)
            continue;
        struct merge_step step = {.store = store, .output = output};
        const enum status status = run_step(&step, list, err);
        mem_free(step.cells);
        slices_release(&step.slices);
        *more = true;
        if (status != STATUS_OK)
            store->stale = true;
        return status;
    }
    return STATUS_OK;
}
