/*
 * message_table.h - the messages that were received and are not deleted yet.
 *
 * A fixed number of slots and an index by identity. The identity of a message is its queue, the
 * id that the queue gave it, and its body: an id alone is trusted with nothing, since a message
 * that is taken for another one would be deleted without having been stored.
 *
 * Slots keep the memory of their texts for the next message, so that a steady flow allocates
 * nothing.
 *
 * Life cycle: init -> (add | find | remove)* -> release. Zero-initialise.
 * Threads:    under the source's lock.
 */
#ifndef MNSDB_INGEST_QUEUE_MESSAGE_TABLE_H
#define MNSDB_INGEST_QUEUE_MESSAGE_TABLE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_ID_BYTES_MAX     1024u
#define MESSAGE_HANDLE_BYTES_MAX 4096u

struct consumer;

enum message_state {
    MESSAGE_FREE,
    MESSAGE_DELIVERED, /* in a delivery that is not acknowledged */
    MESSAGE_DELETABLE, /* acknowledged, in its consumer's list of what is to be deleted */
    MESSAGE_DELETING,  /* in a batch delete that is under way */
    MESSAGE_HELD,      /* of a dry run: acknowledged, to be made visible again at the end */
};

/* What identifies a message. */
struct message_key {
    const struct consumer *consumer;
    struct slice id;
    uint64_t hash; /* of all of it, the body included */
};

/* A message in flight. */
struct parcel {
    struct parcel *next; /* in its delivery, its consumer's list, or the free ones */
    struct consumer *consumer;
    uint64_t hash;
    struct buffer text; /* owned; the id, and behind it the newest handle */
    size_t id_len;
    size_t body_len;
    int64_t received_ms;     /* monotonic; first time */
    int64_t valid_until_ms;  /* monotonic; the newest handle serves until then */
    int64_t extend_at_ms;    /* monotonic; INT64_MAX: no more */
    int64_t next_visible_ms; /* by the server's clock: tells newer handles from older ones */
    uint32_t dequeue_count;
    uint32_t handle_serial; /* grows with each new handle */
    enum message_state state;
    bool extending;       /* a change of its visibility is under way */
    bool acknowledged;    /* while extending: what to do with it then */
    bool delete_alone;    /* a batch that held it was refused as a whole */
    uint8_t delete_tries; /* that were not answered, at most UINT8_MAX */
};

struct message_table {
    struct parcel *slots; /* owned; `capacity` */
    size_t capacity;
    struct parcel *free;
    uint32_t *index; /* owned; slot number + 1, 0: empty; linear probing */
    size_t index_mask;
};

MUST_CHECK enum status message_table_init(struct message_table *table, size_t capacity,
                                          struct error *err);
void message_table_release(struct message_table *table);

struct message_key message_key_of(const struct consumer *consumer, size_t consumer_index,
                                  struct slice id, struct slice body);

/* The message with this identity, or NULL. */
struct parcel *message_table_find(const struct message_table *table, const struct message_key *key);

/*
 * A new message in a free slot (there is one: asserted). NULL: no memory, nothing changed. Its
 * consumer, times and state are the caller's to set.
 */
MUST_CHECK struct parcel *message_table_add(struct message_table *table,
                                            const struct message_key *key, struct slice handle);
void message_table_remove(struct message_table *table, struct parcel *message);

static inline struct slice message_id(const struct parcel *message)
{
    return slice_of(message->text.data, message->id_len);
}

static inline struct slice message_handle(const struct parcel *message)
{
    return slice_of(message->text.data + message->id_len, message->text.len - message->id_len);
}

/* STATUS_NOMEM: the old handle stays. */
MUST_CHECK enum status message_set_handle(struct parcel *message, struct slice handle);

#endif
