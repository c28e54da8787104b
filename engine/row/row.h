/*
 * row.h - rows as they come in: a batch of decoded messages on its way to a commit.
 *
 * A message is stored (it became rows of one table), or it is a reject (its body is
 * kept with a reason). The store decides later which messages are duplicates. A
 * batch holds messages in order of arrival:
 *
 *      messages  [ m0 ][ m1 ][ m2 ]...        one per body received
 *                  |     |      \__ rejects[]         if verdict is MESSAGE_REJECT
 *                  |     \_________ rows[first..+n)   of the table readings
 *                  \_______________ rows[first..+n)   of the table status
 *      rows      [ r0 ][ r1 ]...    cells [first_cell..+cell_count) of each
 *
 * Devices and metrics stand as numbers local to the batch. `row_batch_clear`
 * forgets messages, rows and rejects but keeps those names (up to a limit), so that a reused
 * batch costs one hash lookup a name; the store maps local numbers to its own.
 *
 * The table `status` uses two fixed metrics: STATUS_METRIC_STATE (0 offline,
 * 1 online) and STATUS_METRIC_CONTACT_AGE, time_ms minus the last contact (absent
 * when there was none). They are no names and no dictionary entries.
 *
 * Threads: a batch belongs to one thread at a time; hand it over whole.
 */
#ifndef MNSDB_ENGINE_ROW_ROW_H
#define MNSDB_ENGINE_ROW_ROW_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/known/known.h"
#include "engine/number/number.h"

#include <stdbool.h>
#include <stdint.h>

enum table {
    TABLE_READINGS = 0,
    TABLE_STATUS = 1,
    TABLE_COUNT = 2,
};

enum time_source {
    TIME_SOURCE_PAYLOAD = 0,
    TIME_SOURCE_MESSAGEID = 1,
    TIME_SOURCE_ENVELOPE = 2,
};

/* Bounds of a range of business time [from, until). */
#define TIME_MS_MIN INT64_MIN /* no lower bound */
#define TIME_MS_MAX INT64_MAX /* no upper bound: rows at any time are in range */

/*
 * Times of rows and rejects: from the year 1000 on, 4459 years. What comes in lies far inside, and
 * whatever calendars, zones and widths of buckets make of such a time is a date with four digits.
 * A store that says another one is damaged; its readers check that, and no one behind them.
 */
#define ROW_TIME_MS_FIRST INT64_C(-30610224000000)
#define ROW_TIME_BITS     47
#define ROW_TIME_MS_LAST  (ROW_TIME_MS_FIRST + (INT64_C(1) << ROW_TIME_BITS) - 1)

static inline bool row_time_is_possible(int64_t time_ms)
{
    return ((uint64_t)time_ms - (uint64_t)ROW_TIME_MS_FIRST) >> ROW_TIME_BITS == 0;
}

#define STATUS_METRIC_STATE       0u
#define STATUS_METRIC_CONTACT_AGE 1u
#define STATUS_METRIC_COUNT       2u
#define STATUS_OFFLINE            0
#define STATUS_ONLINE             1

/* Of "pk/dn" and of a metric; longer ones are rejected before they come here. */
#define NAME_BYTES_MAX 256u

/* Why a body was rejected. The words of reject_reason_word() are stable. */
enum reject_reason {
    REJECT_TOO_LONG = 0,
    REJECT_BAD_BASE64,
    REJECT_BAD_JSON,
    REJECT_NO_MESSAGEID,
    REJECT_BAD_MESSAGEID,
    REJECT_UNKNOWN_TYPE,
    REJECT_BAD_TIME,
    REJECT_PAYLOAD_NOT_JSON,
    REJECT_NO_DEVICE,
    REJECT_BAD_STATUS,
    REJECT_NO_NUMBERS,
    REJECT_REASON_COUNT,
};

const char *reject_reason_word(enum reject_reason reason);

struct cell {
    union {
        int64_t mantissa;
        double real;
    };
    uint32_t metric; /* local to the batch, or a STATUS_METRIC_ */
    int8_t exponent;
    uint8_t kind; /* enum number_kind, never NUMBER_NULL */
    uint16_t unused;
};

struct row {
    int64_t time_ms; /* UTC */
    uint64_t message_id;
    uint32_t device;     /* local to the batch, or a known name's with ROW_DEVICE_KNOWN set */
    uint32_t first_cell; /* in row_batch.cells */
    uint32_t cell_count;
    uint8_t time_source; /* enum time_source */
    uint8_t clock_fault; /* 1 if a broken clock was passed over */
    uint16_t unused;
};

/* In row.device: the other bits are a number of the batch's known_devices. */
#define ROW_DEVICE_KNOWN KNOWN_NUMBER_LIMIT

#define BODY_DIGEST_BYTES 32u

struct reject {
    struct slice body;   /* what is kept: masked and cut already; lives in the batch's arena */
    struct slice detail; /* for people; may be empty */
    int64_t received_ms; /* UTC, by the clock of this machine */
    uint8_t digest[BODY_DIGEST_BYTES]; /* SHA-256 of all bytes received; used if the message has no
                                          id */
    uint8_t reason;                    /* enum reject_reason */
    bool altered;                      /* cut or masked: never put through the rules again */
};

enum message_verdict {
    MESSAGE_READINGS = 0,
    MESSAGE_STATUS = 1,
    MESSAGE_REJECT = 2,
};

/* Small: there is one for every row, mostly, and half a million wait for a commit. */
struct message {
    uint64_t id;          /* if has_id */
    uint32_t first;       /* first row of its table, or index of the reject */
    uint32_t count : 29;  /* rows; 1 for a reject */
    uint32_t verdict : 2; /* enum message_verdict; equals enum table for the first two */
    bool has_id : 1;      /* false only for rejects */
};

#define MESSAGE_ROWS_MAX ((UINT32_C(1) << 29) - 1)

#define NAME_INLINE_BYTES 48u

/* One cache line: the start of a name stands beside its hash, so that a hit costs one miss. */
struct name_slot {
    uint64_t hash;
    uint32_t number_plus_one; /* local number + 1, or 0: the slot is free */
    uint32_t len;
    uint8_t head[NAME_INLINE_BYTES]; /* the name if it fits, else its first bytes */
};

/*
 * Names and their numbers within a batch, by open addressing on a 64-bit hash.
 * A name stays although its message may turn out to be a reject or a duplicate:
 * only rows say which names are in use.
 */
struct name_table {
    struct slice *names; /* owned array, index = local number; bytes in `arena` */
    uint32_t *global;    /* owned, parallel to names: the store's number, or NAME_UNMAPPED; the
                            store fills it in */
    size_t count, capacity;
    struct name_slot *slots; /* borrowed from slot_memory, aligned to a cache line */
    void *slot_memory;       /* owned */
    size_t slot_count;       /* a power of two, or 0 */
    uint64_t seed;           /* of the hashes, once there are slots */
    uint64_t generation;     /* changes when the table was emptied */
    struct arena arena;
};

/* A batch that is cleared with more names than this in a table forgets them. */
#define NAME_COUNT_KEPT_MAX ((size_t)1 << 18)
/* The same of devices where the store's are known: by then these are among them. */
#define NAME_COUNT_KEPT_KNOWN 1024u

#define NAME_UNMAPPED UINT32_MAX

struct row_batch {
    struct message *messages; /* owned arrays */
    struct row *rows[TABLE_COUNT];
    struct cell *cells;
    struct reject *rejects;
    size_t message_count, message_capacity;
    size_t row_count[TABLE_COUNT], row_capacity[TABLE_COUNT];
    size_t cell_count, cell_capacity;
    size_t reject_count, reject_capacity;
    struct name_table devices;
    struct name_table metrics;
    /* Devices that need not enter `devices`; borrowed, may be NULL. */
    struct known_names *known_devices;
    struct arena arena; /* bodies and details of the rejects */
};

/* How much a batch holds. */
struct row_batch_size {
    size_t messages;
    size_t rows[TABLE_COUNT];
    size_t cells;
    size_t devices; /* that have a name in it */
};
struct row_batch_size row_batch_size(const struct row_batch *batch);
/*
 * Room for so much, and a little more, in a batch without messages: it is taken at once and not
 * step by step.
 */
MUST_CHECK enum status row_batch_reserve(struct row_batch *batch, struct row_batch_size size);

/* Zero-initialise a batch; this forgets its messages and keeps memory and names. */
void row_batch_clear(struct row_batch *batch);
void row_batch_release(struct row_batch *batch);

/*
 * The local number of a name (0 ... NAME_BYTES_MAX bytes; a metric may have the empty
 * name, a device never), added when new; the bytes are copied.
 */
MUST_CHECK enum status name_table_add(struct name_table *table, struct slice name,
                                      uint32_t *number);

/*
 * The same in two steps, for tables larger than the caches: hash and prefetch many names, then
 * look them up. name_table_prepare comes first and fixes the table's seed.
 */
MUST_CHECK enum status name_table_prepare(struct name_table *table);
MUST_CHECK enum status name_table_add_hashed(struct name_table *table, uint64_t hash,
                                             struct slice name, uint32_t *number);

static inline uint64_t name_table_hash(const struct name_table *table, struct slice name)
{
    return bytes_hash_inline(name.data, name.len, table->seed);
}

static inline void name_table_prefetch(const struct name_table *table, uint64_t hash)
{
    __builtin_prefetch(&table->slots[(size_t)hash & (table->slot_count - 1)]);
}

/* True if the table holds the name and the name is short, as nearly all are. */
static inline bool name_table_hit(const struct name_table *table, uint64_t hash, struct slice name,
                                  uint32_t *number)
{
    const size_t mask = table->slot_count - 1;
    size_t index = (size_t)hash & mask;
    while (table->slots[index].hash != hash && table->slots[index].number_plus_one != 0)
        index = (index + 1) & mask;
    const struct name_slot *const slot = &table->slots[index];
    *number = slot->number_plus_one - 1;
    return slot->number_plus_one != 0 && slot->len == name.len && name.len <= NAME_INLINE_BYTES &&
           bytes_same(slot->head, name.data, name.len);
}

/*
 * The number of a device, for row.device: of known_devices, if there are any and they take the
 * name, else local.
 */
MUST_CHECK enum status row_batch_device(struct row_batch *batch, struct slice name,
                                        uint32_t *number);

/* The local number, or NAME_UNMAPPED when the table does not hold the name. */
uint32_t name_table_find(const struct name_table *table, struct slice name);
void name_table_release(struct name_table *table);

/*
 * Building a message: begin a row, add its cells, then the message that owns
 * the rows. A message that turns out to be a reject after all takes its rows
 * back with row_batch_rewind.
 */
struct row_batch_mark {
    size_t row_count[TABLE_COUNT];
    size_t cell_count;
};
struct row_batch_mark row_batch_mark(const struct row_batch *batch);
void row_batch_rewind(struct row_batch *batch, struct row_batch_mark mark);

/* Appends a row without cells and returns it in `*row`, valid until the next one. */
MUST_CHECK enum status row_batch_add_row(struct row_batch *batch, enum table table,
                                         struct row **row);
/* Appends a cell to the newest row of `table`. `number` is not NULL. */
MUST_CHECK enum status row_batch_add_cell(struct row_batch *batch, enum table table,
                                          uint32_t metric, struct number number);
/*
 * Closes a message whose rows are those since `mark` in `table`: all with its id, the times of a
 * device's rows ascending, each metric once a row. (device, time, id) so names one row.
 */
MUST_CHECK enum status row_batch_add_message(struct row_batch *batch, enum table table, uint64_t id,
                                             struct row_batch_mark mark);
/* Room for one more message of one row of up to `cells` values, which are then put in place. */
MUST_CHECK enum status row_batch_make_room(struct row_batch *batch, enum table table, size_t cells);

static inline bool row_batch_has_room(const struct row_batch *batch, enum table table, size_t cells)
{
    return batch->row_count[table] < batch->row_capacity[table] &&
           batch->cell_capacity - batch->cell_count >= cells &&
           batch->message_count < batch->message_capacity;
}

/*
 * Adds a message of one row whose `row->cell_count` cells stand behind the batch's last cell
 * already. There is room (row_batch_make_room).
 */
static inline void row_batch_put_whole(struct row_batch *batch, enum table table,
                                       const struct row *row)
{
    const size_t index = batch->row_count[table]++;
    struct row *const added = &batch->rows[table][index];
    *added = *row;
    added->first_cell = (uint32_t)batch->cell_count;
    batch->cell_count += row->cell_count;
    batch->messages[batch->message_count++] = (struct message){
        .id = row->message_id,
        .first = (uint32_t)index,
        .count = 1,
        .verdict = table == TABLE_STATUS ? MESSAGE_STATUS : MESSAGE_READINGS,
        .has_id = true,
    };
}

/* Adds a rejected body. `id` may be NULL: none could be read. Body and detail are copied into the
 * batch. */
MUST_CHECK enum status row_batch_add_reject(struct row_batch *batch, const uint64_t *id,
                                            const struct reject *reject);

#endif
