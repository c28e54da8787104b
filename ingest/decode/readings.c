/*
 * readings.c - rows of readings from a payload's tree (the general path).
 *
 * A custom payload is one row. A thing-model payload (its `items` is an object)
 * gives one row for every business time among its items:
 *
 *      items in order of the document -> (time, order) of each -> sorted by time
 *      -> a row for each run of equal times, cells in order of the document
 *
 * (1) Rows are built one after the other; within a row, cell_serials tells which
 *     metrics it has already, so that of equal names the last counts.
 * (2) An item without a number adds nothing to its row: neither a cell, nor its
 *     time's source, nor a broken clock.
 */
#include "ingest/decode/draft.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_NAME "deviceSecret"

/* A metric's dotted name. Beyond NAME_BYTES_MAX only its length is true. */
struct metric_path {
    uint8_t bytes[NAME_BYTES_MAX];
    size_t len;
    bool dotted; /* a name stands before the next one */
};

static void path_append(struct metric_path *path, struct slice bytes)
{
    if (path->len + bytes.len <= NAME_BYTES_MAX && bytes.len > 0)
        memcpy(path->bytes + path->len, bytes.data, bytes.len);
    path->len += bytes.len;
}

static void path_push(struct metric_path *path, struct slice name)
{
    if (path->dotted)
        path_append(path, slice_of_text("."));
    path_append(path, name);
    path->dotted = true;
}

/* --- cells --------------------------------------------------------------------------------- */

static enum status reserve_metric(struct decoder *decoder, uint32_t metric)
{
    if (metric < decoder->metric_capacity)
        return STATUS_OK;
    size_t serial_capacity = decoder->metric_capacity;
    size_t index_capacity = decoder->metric_capacity;
    TRY(mem_grow(&decoder->cell_serials, &serial_capacity, (size_t)metric + 1,
                 sizeof *decoder->cell_serials));
    TRY(mem_grow(&decoder->cell_indexes, &index_capacity, (size_t)metric + 1,
                 sizeof *decoder->cell_indexes));
    memset(decoder->cell_serials + decoder->metric_capacity, 0,
           (serial_capacity - decoder->metric_capacity) * sizeof *decoder->cell_serials);
    decoder->metric_capacity = serial_capacity;
    return STATUS_OK;
}

/* Adds the cell, or puts the number in place of the one that the row has under this name. */
static enum status put_cell(struct draft *draft, struct slice name, struct number number)
{
    struct decoder *decoder = draft->decoder;
    struct row_batch *batch = draft->batch;
    uint32_t metric = 0;
    draft->number_count++;
    TRY(name_table_add(&batch->metrics, name, &metric));
    TRY(reserve_metric(decoder, metric));
    if (decoder->cell_serials[metric] != decoder->row_serial) {
        TRY(row_batch_add_cell(batch, TABLE_READINGS, metric, number));
        decoder->cell_serials[metric] = decoder->row_serial;
        decoder->cell_indexes[metric] = batch->cell_count - 1;
        return STATUS_OK;
    }
    struct cell *cell = &batch->cells[decoder->cell_indexes[metric]];
    cell->kind = number.kind;
    cell->exponent = number.exponent;
    if (number.kind == NUMBER_REAL)
        cell->real = number.real;
    else
        cell->mantissa = number.mantissa;
    return STATUS_OK;
}

/* The number that a value counts as; false for what is passed over. */
static bool value_as_number(const struct json_node *node, struct number *number)
{
    if (node->type == JSON_TRUE || node->type == JSON_FALSE) {
        *number = number_from_integer(node->type == JSON_TRUE);
        return true;
    }
    if (node->type != JSON_NUMBER && node->type != JSON_STRING)
        return false;
    return number_parse(node->text, number);
}

/* Adds what `node` holds under the path's name; objects give dotted names. */
static enum status add_value(struct draft *draft, const struct json_node *node,
                             struct metric_path *path)
{
    struct number number;
    if (value_as_number(node, &number)) {
        if (path->len <= NAME_BYTES_MAX)
            return put_cell(draft, slice_of(path->bytes, path->len), number);
        draft_refuse(draft, REJECT_TOO_LONG, "metric name of %zu bytes", path->len);
        return STATUS_OK;
    }
    if (node->type != JSON_OBJECT)
        return STATUS_OK;
    const struct metric_path here = {.len = path->len, .dotted = path->dotted};
    for (const struct json_node *member = node->first; member; member = member->next) {
        if (member->shadowed || text_equals(member->name, SECRET_NAME))
            continue;
        path_push(path, member->name);
        TRY(add_value(draft, member, path));
        path->len = here.len;
        path->dotted = here.dotted;
    }
    return STATUS_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

static enum status begin_row(struct draft *draft, uint32_t device, struct business_time when)
{
    struct row *row = NULL;
    TRY(row_batch_add_row(draft->batch, TABLE_READINGS, &row));
    row->time_ms = when.time_ms;
    row->message_id = draft->envelope.message_id;
    row->device = device;
    row->time_source = when.source;
    row->clock_fault = when.clock_fault;
    draft->decoder->row_serial++;
    return STATUS_OK;
}

static bool is_time_field(const struct time_fields *fields, struct slice name)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (slice_equal(fields->names[i], name))
            return true;
    }
    return false;
}

static struct business_time custom_time(const struct draft *draft, const struct json_node *payload)
{
    const struct decoder_config *config = draft->decoder->config;
    struct time_member members[TIME_FIELDS_MAX] = {0};
    for (const struct json_node *node = payload->first; node; node = node->next) {
        for (size_t i = 0; i < config->time_fields.count && !node->shadowed; i++) {
            if (slice_equal(config->time_fields.names[i], node->name))
                members[i] = time_member_of(node);
        }
    }
    return business_time_choose(members, config->time_fields.count, &config->payload_zone,
                                draft->envelope);
}

static enum status add_custom_row(struct draft *draft, const struct json_node *payload,
                                  uint32_t device)
{
    TRY(begin_row(draft, device, custom_time(draft, payload)));
    struct metric_path path = {0};
    for (const struct json_node *member = payload->first; member; member = member->next) {
        if (member->shadowed || text_equals(member->name, SECRET_NAME) ||
            is_time_field(&draft->decoder->config->time_fields, member->name))
            continue;
        path.len = 0;
        path.dotted = false;
        path_push(&path, member->name);
        TRY(add_value(draft, member, &path));
    }
    return STATUS_OK;
}

/* --- thing-model payloads ------------------------------------------------------------------ */

struct timed_item {
    const struct json_node *id_node; /* the member of `items`; its name is the metric's */
    const struct json_node *value;
    struct business_time when;
    size_t order;
};

static int compare_items(const void *left, const void *right)
{
    const struct timed_item *a = left;
    const struct timed_item *b = right;
    if (a->when.time_ms != b->when.time_ms)
        return a->when.time_ms < b->when.time_ms ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static size_t count_members(const struct json_node *object)
{
    size_t count = 0;
    for (const struct json_node *node = object->first; node; node = node->next)
        count++;
    return count;
}

/* The items that have a value, with their times, sorted. `items` has room for all members. */
static size_t collect_items(const struct draft *draft, const struct json_node *payload,
                            const struct json_node *object, struct timed_item *items)
{
    const struct time_member created = time_member_of(json_member(payload, "gmtCreate"));
    size_t count = 0;
    for (const struct json_node *node = object->first; node; node = node->next) {
        const struct json_node *value = json_member(node, "value");
        if (!value || node->shadowed || text_equals(node->name, SECRET_NAME))
            continue;
        const struct time_member times[2] = {time_member_of(json_member(node, "time")), created};
        items[count] = (struct timed_item){
            .id_node = node,
            .value = value,
            .when = business_time_choose(times, 2, &draft->decoder->config->payload_zone,
                                         draft->envelope),
            .order = count,
        };
        count++;
    }
    if (count > 1)
        qsort(items, count, sizeof *items, compare_items);
    return count;
}

/* Adds an item's cells to the newest row, which takes over how its time was found. */
static enum status add_item(struct draft *draft, const struct timed_item *item)
{
    struct row_batch *batch = draft->batch;
    const size_t numbers_before = draft->number_count;
    struct metric_path path = {0};
    path_push(&path, item->id_node->name);
    TRY(add_value(draft, item->value, &path));
    if (draft->number_count == numbers_before)
        return STATUS_OK;
    struct row *row = &batch->rows[TABLE_READINGS][batch->row_count[TABLE_READINGS] - 1];
    if (item->when.source < row->time_source)
        row->time_source = item->when.source;
    if (item->when.clock_fault)
        row->clock_fault = true;
    return STATUS_OK;
}

/* One row of `count` items that share a time; none if no item has a number. */
static enum status add_item_row(struct draft *draft, const struct timed_item *items, size_t count,
                                uint32_t device)
{
    const struct row_batch_mark before = row_batch_mark(draft->batch);
    const struct business_time when = {.time_ms = items[0].when.time_ms,
                                       .source = TIME_SOURCE_ENVELOPE};
    TRY(begin_row(draft, device, when));
    for (size_t i = 0; i < count && !draft->refused; i++)
        TRY(add_item(draft, &items[i]));
    if (draft->batch->cell_count == before.cell_count)
        row_batch_rewind(draft->batch, before);
    return STATUS_OK;
}

static enum status add_item_rows(struct draft *draft, const struct json_node *payload,
                                 const struct json_node *object, uint32_t device)
{
    struct timed_item *items =
        arena_alloc(&draft->decoder->arena, count_members(object) * sizeof *items);
    if (!items)
        return STATUS_NOMEM;
    const size_t count = collect_items(draft, payload, object, items);
    size_t first = 0;
    while (first < count && !draft->refused) {
        size_t end = first + 1;
        while (end < count && items[end].when.time_ms == items[first].when.time_ms)
            end++;
        TRY(add_item_row(draft, items + first, end - first, device));
        first = end;
    }
    return STATUS_OK;
}

enum status draft_add_readings(struct draft *draft, const struct json_node *payload)
{
    const struct row_batch_mark mark = row_batch_mark(draft->batch);
    uint32_t device = 0;
    TRY(row_batch_device(draft->batch, slice_of(draft->device, draft->device_len), &device));
    const struct json_node *items = json_member(payload, "items");
    if (items && items->type == JSON_OBJECT)
        TRY(add_item_rows(draft, payload, items, device));
    else
        TRY(add_custom_row(draft, payload, device));
    if (draft->refused)
        return STATUS_OK;
    if (draft->batch->cell_count == mark.cell_count) {
        draft_refuse(draft, REJECT_NO_NUMBERS, "nothing in the payload is a number");
        return STATUS_OK;
    }
    return row_batch_add_message(draft->batch, TABLE_READINGS, draft->envelope.message_id, mark);
}
