/*
 * delivery.c - messages on their way to the pipeline and back.
 *
 *      tokens  ...  acknowledged ]  taken ]  sealed ]  open
 *                                 handed out  ready     fills
 *
 * (1) A message is in one delivery, from its receive until the acknowledgement. What is received
 *     again meanwhile adds its body alone: whatever the queue delivers counts.
 * (2) Bodies change hands without being copied: the caller's old batch becomes a spare one here.
 * (3) While nobody asks, the open delivery grows up to its limits: the window only ends the
 *     wait of somebody who would otherwise get nothing.
 */
#include "ingest/queue/queue_internal.h"

#include "engine/base/mem.h"

#include <assert.h>

/* Larger ones are not worth keeping. */
#define SPARE_BYTES_MAX ((size_t)8 << 20)

enum status delivery_line_init(struct delivery_line *line, struct error *err)
{
    *line = (struct delivery_line){0};
    line->ring = mem_alloc_zeroed(DELIVERY_RING, sizeof(struct delivery *));
    return line->ring ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory for deliveries");
}

static void delivery_free(struct delivery *delivery)
{
    if (delivery)
        body_batch_release(&delivery->bodies);
    mem_free(delivery);
}

void delivery_line_release(struct delivery_line *line)
{
    for (uint64_t token = line->acknowledged + 1; token <= line->sealed; token++)
        delivery_free(line->ring[token % DELIVERY_RING]);
    delivery_free(line->open);
    while (line->free) {
        struct delivery *delivery = line->free;
        line->free = delivery->next;
        delivery_free(delivery);
    }
    for (size_t i = 0; i < line->spare_count; i++)
        body_batch_release(&line->spares[i]);
    mem_free(line->ring);
    *line = (struct delivery_line){0};
}

/* --- filling --------------------------------------------------------------------------------- */

static enum status open_delivery(struct queue_source *queue)
{
    struct delivery_line *line = &queue->line;
    struct delivery *delivery = line->free;
    if (delivery)
        line->free = delivery->next;
    else
        delivery = mem_alloc_zeroed(1, sizeof *delivery);
    if (!delivery)
        return STATUS_NOMEM;
    *delivery = (struct delivery){
        .token = line->sealed + 1,
        .opened_ms = queue->now_ms,
        .received_ms = queue->clock.utc_ms(queue->clock.context),
    };
    if (line->spare_count > 0)
        delivery->bodies = line->spares[--line->spare_count];
    line->open = delivery;
    return body_batch_frame(&delivery->bodies);
}

static enum status add_body(struct queue_source *queue, struct slice body)
{
    if (!queue->line.open && open_delivery(queue) != STATUS_OK)
        return STATUS_NOMEM;
    TRY(body_batch_add(&queue->line.open->bodies, body));
    queue->bytes += body.len;
    return STATUS_OK;
}

static void seal_if_full(struct queue_source *queue)
{
    const struct delivery *delivery = queue->line.open;
    if (delivery->bodies.end_count >= queue->config.delivery_messages ||
        delivery->bodies.len >= QUEUE_DELIVERY_BYTES)
        delivery_seal(queue);
}

enum status delivery_add(struct queue_source *queue, struct parcel *message,
                         const struct wire_message *received)
{
    TRY(add_body(queue, received->body));
    struct delivery *delivery = queue->line.open;
    message_list_push(&delivery->messages, message);
    message->state = MESSAGE_DELIVERED;
    message->body_len = received->body.len;
    if (received->enqueue_ms > 0 &&
        (delivery->oldest_ms == 0 || received->enqueue_ms < delivery->oldest_ms))
        delivery->oldest_ms = received->enqueue_ms;
    seal_if_full(queue);
    return STATUS_OK;
}

enum status delivery_add_repeat(struct queue_source *queue, struct slice body)
{
    const struct delivery_line *line = &queue->line;
    if (line->sealed - line->acknowledged >= DELIVERIES_FOR_REPEATS)
        return STATUS_OK;
    TRY(add_body(queue, body));
    line->open->repeat_bytes += body.len;
    seal_if_full(queue);
    return STATUS_OK;
}

/* Nothing will be added to the open delivery, as things stand. */
static bool nothing_comes(const struct queue_source *queue)
{
    if (queue->receives > 0)
        return false;
    if (queue_is_over(queue) || queue->paused)
        return true;
    // Deletes that are under way make room in a moment.
    return !receive_is_open(queue) && queue->deleting == 0;
}

bool delivery_is_due(const struct queue_source *queue)
{
    const struct delivery *open = queue->line.open;
    if (!open || open->bodies.end_count == 0)
        return false;
    return queue->now_ms - open->opened_ms >= queue->config.window_ms || nothing_comes(queue);
}

void delivery_seal(struct queue_source *queue)
{
    struct delivery_line *line = &queue->line;
    assert(line->open && line->open->bodies.end_count > 0);
    assert(line->sealed - line->acknowledged < DELIVERY_RING);
    line->sealed++;
    assert(line->open->token == line->sealed);
    line->ring[line->sealed % DELIVERY_RING] = line->open;
    line->open = NULL;
}

/* --- handing out and taking back ------------------------------------------------------------- */

static void keep_spare(struct delivery_line *line, struct body_batch *batch)
{
    if (line->spare_count == QUEUE_SPARES_MAX || batch->bytes_capacity > SPARE_BYTES_MAX ||
        !batch->ends) {
        body_batch_release(batch);
        return;
    }
    line->spares[line->spare_count++] = (struct body_batch){
        .bytes = batch->bytes,
        .bytes_capacity = batch->bytes_capacity,
        .ends = batch->ends,
        .end_capacity = batch->end_capacity,
    };
    *batch = (struct body_batch){0};
}

void delivery_take(struct queue_source *queue, struct body_batch *batch)
{
    struct delivery_line *line = &queue->line;
    assert(line->taken < line->sealed);
    line->taken++;
    struct delivery *delivery = line->ring[line->taken % DELIVERY_RING];
    keep_spare(line, batch);
    *batch = delivery->bodies;
    batch->token = delivery->token;
    batch->received_ms = delivery->received_ms;
    batch->input_bytes = batch->len;
    delivery->bodies = (struct body_batch){0};
}

static void settle(struct queue_source *queue, struct delivery *delivery)
{
    for (struct parcel *message; (message = message_list_pop(&delivery->messages)) != NULL;) {
        assert(message->state == MESSAGE_DELIVERED);
        queue->bytes -= message->body_len;
        delete_message(message);
    }
    queue->bytes -= delivery->repeat_bytes;
}

void delivery_acknowledge(struct queue_source *queue, uint64_t token)
{
    struct delivery_line *line = &queue->line;
    assert(token <= line->taken);
    while (line->acknowledged < token) {
        line->acknowledged++;
        struct delivery *delivery = line->ring[line->acknowledged % DELIVERY_RING];
        line->ring[line->acknowledged % DELIVERY_RING] = NULL;
        settle(queue, delivery);
        delivery->next = line->free;
        line->free = delivery;
    }
}
