/*
 * message_table.c - see message_table.h.
 *
 * The index is at most half full. Removal shifts later entries of the same run back, so that
 * there are no tombstones to sweep in a table that lives for months.
 */
#include "ingest/queue/message_table.h"

#include "engine/base/mem.h"

#include <assert.h>

enum status message_table_init(struct message_table *table, size_t capacity, struct error *err)
{
    size_t index_count = 16;
    while (index_count < 2 * capacity)
        index_count *= 2;
    *table = (struct message_table){.capacity = capacity, .index_mask = index_count - 1};
    table->slots = mem_alloc_zeroed(capacity, sizeof *table->slots);
    table->index = mem_alloc_zeroed(index_count, sizeof *table->index);
    if (!table->slots || !table->index) {
        message_table_release(table);
        return error_set(err, STATUS_NOMEM, "no memory for %zu messages in flight", capacity);
    }
    for (size_t i = capacity; i > 0; i--) {
        table->slots[i - 1].next = table->free;
        table->free = &table->slots[i - 1];
    }
    return STATUS_OK;
}

void message_table_release(struct message_table *table)
{
    for (size_t i = 0; table->slots && i < table->capacity; i++)
        buffer_release(&table->slots[i].text);
    mem_free(table->slots);
    mem_free(table->index);
    *table = (struct message_table){0};
}

struct message_key message_key_of(const struct consumer *consumer, size_t consumer_index,
                                  struct slice id, struct slice body)
{
    const uint64_t body_hash = bytes_hash(body.data, body.len, consumer_index);
    return (struct message_key){
        .consumer = consumer, .id = id, .hash = bytes_hash(id.data, id.len, body_hash)};
}

static struct parcel *slot_at(const struct message_table *table, size_t place)
{
    const uint32_t number = table->index[place];
    return number == 0 ? NULL : &table->slots[number - 1];
}

struct parcel *message_table_find(const struct message_table *table, const struct message_key *key)
{
    size_t place = key->hash & table->index_mask;
    for (struct parcel *message; (message = slot_at(table, place)) != NULL;) {
        if (message->hash == key->hash && message->consumer == key->consumer &&
            slice_equal(message_id(message), key->id))
            return message;
        place = (place + 1) & table->index_mask;
    }
    return NULL;
}

enum status message_set_handle(struct parcel *message, struct slice handle)
{
    const size_t old_len = message->text.len;
    assert(old_len >= message->id_len);
    message->text.len = message->id_len;
    if (buffer_reserve(&message->text, handle.len) != STATUS_OK) {
        message->text.len = old_len;
        return STATUS_NOMEM;
    }
    buffer_put_bytes(&message->text, handle.data, handle.len);
    message->handle_serial++;
    return STATUS_OK;
}

struct parcel *message_table_add(struct message_table *table, const struct message_key *key,
                                 struct slice handle)
{
    struct parcel *message = table->free;
    assert(message && message->state == MESSAGE_FREE);
    buffer_clear(&message->text);
    if (buffer_reserve(&message->text, key->id.len + handle.len) != STATUS_OK)
        return NULL;
    buffer_put_bytes(&message->text, key->id.data, key->id.len);
    buffer_put_bytes(&message->text, handle.data, handle.len);
    table->free = message->next;
    const uint32_t serial = message->handle_serial + 1;
    const struct buffer text = message->text;
    *message = (struct parcel){
        .hash = key->hash, .text = text, .id_len = key->id.len, .handle_serial = serial};

    size_t place = key->hash & table->index_mask;
    while (table->index[place] != 0)
        place = (place + 1) & table->index_mask;
    table->index[place] = (uint32_t)(message - table->slots) + 1;
    return message;
}

/* Empties a place of the index and closes the gap. */
static void index_remove(struct message_table *table, size_t place)
{
    size_t gap = place;
    for (;;) {
        place = (place + 1) & table->index_mask;
        const struct parcel *message = slot_at(table, place);
        if (!message)
            break;
        // An entry may move back to the gap unless that is before its own place.
        const size_t home = message->hash & table->index_mask;
        if (((place - home) & table->index_mask) >= ((place - gap) & table->index_mask)) {
            table->index[gap] = table->index[place];
            gap = place;
        }
    }
    table->index[gap] = 0;
}

void message_table_remove(struct message_table *table, struct parcel *message)
{
    assert(message->state != MESSAGE_FREE);
    size_t place = message->hash & table->index_mask;
    while (slot_at(table, place) != message)
        place = (place + 1) & table->index_mask;
    index_remove(table, place);
    message->state = MESSAGE_FREE;
    message->next = table->free;
    table->free = message;
}
