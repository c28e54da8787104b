/*
 * delivery.c - a time wheel for lines that come late or again.
 */
#include "bench/fleet/delivery.h"

#include "engine/base/mem.h"

#define SLOT_MS      64
#define DUPLICATE_MS 60000 /* a redelivery follows within this time */
#define LINES_BYTES  ((size_t)1 << 20)

struct held_line {
    struct held_line *next;
    size_t len;
    uint8_t bytes[];
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the lines of the fleet");
}

enum status delivery_init(struct delivery *delivery, const struct fleet_config *config,
                          const struct fleet_output *output, struct fleet_totals *totals,
                          struct error *err)
{
    const int64_t longest = config->late_ms > DUPLICATE_MS ? config->late_ms : DUPLICATE_MS;
    *delivery = (struct delivery){
        .config = config,
        .output = output,
        .totals = totals,
        .random = {.counter = config->seed ^ UINT64_C(0x64656c6976657279)},
        .late_threshold = config->late_ms > 0 ? random_threshold(config->late_share) : 0,
        .duplicate_threshold = random_threshold(config->duplicate_share),
        .slot_count = (size_t)(longest / SLOT_MS) + 2,
        .now_slot = config->start_ms / SLOT_MS,
    };
    delivery->slots = mem_alloc_zeroed(delivery->slot_count, sizeof(struct held_line *));
    if (!delivery->slots || buffer_reserve(&delivery->lines, 2 * LINES_BYTES) != STATUS_OK)
        return no_memory(err);
    return STATUS_OK;
}

static void free_lines(struct held_line *line)
{
    while (line) {
        struct held_line *next = line->next;
        mem_free(line);
        line = next;
    }
}

void delivery_release(struct delivery *delivery)
{
    for (size_t i = 0; delivery->slots && i < delivery->slot_count; i++)
        free_lines(delivery->slots[i]);
    mem_free(delivery->slots);
    buffer_release(&delivery->lines);
    *delivery = (struct delivery){0};
}

static enum status flush(struct delivery *delivery, struct error *err)
{
    const struct slice lines = buffer_slice(&delivery->lines);
    if (lines.len == 0 || delivery->stopped)
        return STATUS_OK;
    TRY(delivery->output->write(delivery->output->context, lines, &delivery->stopped, err));
    buffer_clear(&delivery->lines);
    return STATUS_OK;
}

static enum status release(struct delivery *delivery, struct slice line, struct error *err)
{
    const uint64_t lines_max = delivery->config->messages;
    if (lines_max > 0 && delivery->totals->lines == lines_max)
        return STATUS_OK; /* the last tick brought more than was asked for */
    if (buffer_append(&delivery->lines, line.data, line.len) != STATUS_OK)
        return no_memory(err);
    delivery->totals->lines++;
    delivery->totals->bytes += line.len;
    return delivery->lines.len >= LINES_BYTES ? flush(delivery, err) : STATUS_OK;
}

static enum status hold(struct delivery *delivery, struct slice line, int64_t until_ms,
                        struct error *err)
{
    struct held_line *held = mem_alloc(1, sizeof *held + line.len);
    if (!held)
        return no_memory(err);
    int64_t slot = until_ms / SLOT_MS;
    if (slot <= delivery->now_slot)
        slot = delivery->now_slot + 1;
    struct held_line **place = &delivery->slots[(uint64_t)slot % delivery->slot_count];
    *held = (struct held_line){.next = *place, .len = line.len};
    memcpy(held->bytes, line.data, line.len);
    *place = held;
    delivery->held++;
    return STATUS_OK;
}

enum status delivery_pace(struct delivery *delivery, int64_t now_ms, struct error *err)
{
    const struct fleet_output *output = delivery->output;
    if (!output->pace)
        return STATUS_OK;
    TRY(flush(delivery, err));
    return delivery->stopped ? STATUS_OK
                             : output->pace(output->context, now_ms, &delivery->stopped, err);
}

enum status delivery_advance(struct delivery *delivery, int64_t now_ms, struct error *err)
{
    while (delivery->now_slot < now_ms / SLOT_MS) {
        delivery->now_slot++;
        struct held_line **place =
            &delivery->slots[(uint64_t)delivery->now_slot % delivery->slot_count];
        while (*place) {
            struct held_line *line = *place;
            *place = line->next;
            const enum status status = release(delivery, slice_of(line->bytes, line->len), err);
            mem_free(line);
            delivery->held--;
            TRY(status);
        }
    }
    return STATUS_OK;
}

enum status delivery_send(struct delivery *delivery, struct slice line, int64_t now_ms,
                          struct error *err)
{
    if (random_chance(&delivery->random, delivery->duplicate_threshold)) {
        delivery->totals->duplicates++;
        TRY(hold(delivery, line, now_ms + random_between(&delivery->random, 1, DUPLICATE_MS), err));
    }
    if (!random_chance(&delivery->random, delivery->late_threshold))
        return release(delivery, line, err);
    delivery->totals->late++;
    return hold(delivery, line,
                now_ms + random_between(&delivery->random, 1, delivery->config->late_ms), err);
}

enum status delivery_finish(struct delivery *delivery, struct error *err)
{
    const int64_t end_slot = delivery->now_slot + (int64_t)delivery->slot_count;
    TRY(delivery_advance(delivery, end_slot * SLOT_MS, err));
    return flush(delivery, err);
}
