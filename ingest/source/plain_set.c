/*
 * plain_set.c - claiming ranges, and reading one piece by piece.
 *
 *      batch   [ the rest of a line ][ read now .................. ]
 *              line line line line line line line line line line li
 *              ^ next                                            ^ len: handed out up to here
 *
 * A piece is decoded right after it was read, by the thread that read it, while it is in that
 * processor's own cache: what the kernel copied need not be fetched a second time from the cache
 * that all share, or from memory.
 *
 * (1) The batch's first `range.held` bytes are the file's before `range.next`.
 * (2) What was not handed out between two calls is the beginning of one line, unless it stands
 *     behind a long line.
 * (3) There is room for SOURCE_BATCH_BYTES, of which only the first piece's are ever touched unless
 *     lines are long.
 */
#include "ingest/source/plain_set.h"

#include "engine/base/mem.h"
#include "ingest/source/excess.h"
#include "ingest/source/input.h"

#include <assert.h>
#include <string.h>

/*
 * Read at once: what stays in the first cache until it is decoded. Much larger pieces are dearer
 * even for the kernel, which copies to where a processor's own caches hold other things by then.
 * The last piece of a range goes a little further, since that is where its last line ends.
 */
#define PIECE_BYTES     ((size_t)31 << 10)
#define LAST_LINE_BYTES ((size_t)4 << 10)

/* With lines shorter than these on average, in so much of a piece, ranges stay small. */
#define SHORT_LINE_BYTES 32u
#define SAMPLE_BYTES     ((size_t)1 << 10)

static_assert(PLAIN_RANGE_BYTES % PIECE_BYTES == 0, "whole pieces");
static_assert((PIECE_BYTES + LAST_LINE_BYTES) / 2 <= SOURCE_BATCH_BODIES_MAX,
              "a piece has no more bodies than a batch, since those have two bytes at least");

struct plain_set {
    struct input *input; /* owned */
    atomic_uint holders;
    atomic_bool has_failed;
    atomic_bool has_ended;     /* a reader met the file's end */
    atomic_ullong range_bytes; /* of the next range */
    atomic_ullong *raw_bytes;  /* borrowed */
    atomic_ullong claimed;     /* offset of the next range */
};

enum status plain_set_new(struct plain_set **made, struct input *input, atomic_ullong *raw_bytes,
                          struct error *err)
{
    assert(input_has_ranges(input));
    struct plain_set *set = mem_alloc_zeroed(1, sizeof *set);
    if (!set) {
        input_close(input);
        return error_set(err, STATUS_NOMEM, "no memory to read files");
    }
    set->input = input;
    set->raw_bytes = raw_bytes;
    atomic_init(&set->claimed, input_start(input));
    atomic_init(&set->holders, 1);
    atomic_init(&set->range_bytes, PLAIN_RANGE_BYTES_MIN);
    *made = set;
    return STATUS_OK;
}

void plain_set_drop(struct plain_set *set)
{
    if (!set || atomic_fetch_sub(&set->holders, 1) > 1)
        return;
    input_close(set->input);
    mem_free(set);
}

void plain_range_drop(struct body_batch *batch)
{
    plain_set_drop(batch->range.set);
    batch->range = (struct plain_range){0};
}

/* --- claiming -------------------------------------------------------------------------------- */

enum source_event plain_set_claim(struct plain_set *set, struct body_batch *batch,
                                  struct error *fault)
{
    assert(!batch->range.set);
    if (atomic_load(&set->has_failed) || atomic_load(&set->has_ended))
        return SOURCE_END;
    const uint64_t from = atomic_load(&set->claimed);
    bool has_bytes = false;
    if (input_has_bytes_at(set->input, from, &has_bytes, fault) != STATUS_OK)
        return atomic_exchange(&set->has_failed, true) ? SOURCE_END : SOURCE_FAULT;
    if (!has_bytes)
        return SOURCE_END;
    const uint64_t until = from + atomic_load_explicit(&set->range_bytes, memory_order_relaxed);
    atomic_store(&set->claimed, until);
    if (atomic_load(&set->has_ended)) // see read_bytes: one of the two sees what the other wrote
        return SOURCE_END;
    atomic_fetch_add(&set->holders, 1);
    batch->range = (struct plain_range){
        .set = set,
        .next = from,
        .until = until,
        .skips_line = from > input_start(set->input),
    };
    return SOURCE_BODIES;
}

/* The next ranges grow step by step, unless lines are very short. */
static void note_lines(struct plain_set *set, struct slice piece)
{
    const size_t len = piece.len < SAMPLE_BYTES ? piece.len : SAMPLE_BYTES;
    uint32_t line_breaks = 0;
    for (size_t i = 0; i < len; i++)
        line_breaks += piece.data[i] == '\n';
    const uint64_t now = atomic_load_explicit(&set->range_bytes, memory_order_relaxed);
    uint64_t wanted = 2 * now < PLAIN_RANGE_BYTES ? 2 * now : PLAIN_RANGE_BYTES;
    if ((size_t)line_breaks * SHORT_LINE_BYTES > len)
        wanted = PLAIN_RANGE_BYTES_MIN;
    if (wanted != now)
        atomic_store_explicit(&set->range_bytes, wanted, memory_order_relaxed);
}

/* --- bytes ----------------------------------------------------------------------------------- */

/* How much to read: a piece, or up to where the range's last line is likely to end. */
static size_t next_len(const struct plain_range *range)
{
    const uint64_t aim = range->until + LAST_LINE_BYTES;
    const uint64_t left = range->next < aim ? aim - range->next : LAST_LINE_BYTES;
    const size_t wanted = left <= PIECE_BYTES + LAST_LINE_BYTES ? (size_t)left : PIECE_BYTES;
    const size_t room = SOURCE_BATCH_BYTES - range->held;
    return wanted < room ? wanted : room;
}

/*
 * At the file's end no range is claimed any more, or what a writer appends to this one meanwhile
 * would be left out between its neighbours. If the next one was claimed already, the file has grown
 * since, and what stands before that one is read first.
 */
static enum status read_bytes(const struct plain_range *range, uint8_t *to, size_t len, size_t *got,
                              struct error *fault)
{
    struct plain_set *set = range->set;
    TRY(input_read_at(set->input, range->next, to, len, got, fault));
    if (*got > 0)
        return STATUS_OK;
    atomic_store(&set->has_ended, true);
    if (atomic_load(&set->claimed) == range->until)
        return STATUS_OK;
    return input_read_at(set->input, range->next, to, len, got, fault);
}

/*
 * Reads once, behind the bytes that are held. SOURCE_END: the file ends here. Damage drops the
 * line that it cuts, and is told to one of those who meet it.
 */
static enum source_event read_piece(struct body_batch *batch, size_t len, struct error *fault)
{
    struct plain_range *range = &batch->range;
    size_t got = 0;
    assert(len > 0 && range->held + len <= SOURCE_BATCH_BYTES);
    if (read_bytes(range, batch->bytes + range->held, len, &got, fault) != STATUS_OK) {
        range->held = 0;
        return atomic_exchange(&range->set->has_failed, true) ? SOURCE_END : SOURCE_FAULT;
    }
    range->held += got;
    range->next += got;
    return got > 0 ? SOURCE_BODIES : SOURCE_END;
}

/* Drops the first `len` bytes that are held. */
static void drop_bytes(struct body_batch *batch, size_t len)
{
    struct plain_range *range = &batch->range;
    assert(len <= range->held);
    range->held -= len;
    if (len > 0 && range->held > 0)
        memmove(batch->bytes, batch->bytes + len, range->held);
}

/* Offset in the file of the first byte that is held. */
static uint64_t held_from(const struct plain_range *range)
{
    return range->next - range->held;
}

static void count_input(struct body_batch *batch, uint64_t len)
{
    batch->input_bytes += len;
    atomic_fetch_add_explicit(batch->range.set->raw_bytes, len, memory_order_relaxed);
}

/* --- lines ----------------------------------------------------------------------------------- */

/* Passes over the line that belongs to the range before, as far as it is held. */
static void skip_line(struct body_batch *batch)
{
    struct plain_range *range = &batch->range;
    const uint8_t *line_break = memchr(batch->bytes, '\n', range->held);
    const size_t len = line_break ? (size_t)(line_break - batch->bytes) + 1 : range->held;
    range->is_over = held_from(range) + len > range->until;
    range->skips_line = !line_break;
    if (line_break)
        batch->next = len;
    else
        range->held = 0;
}

/* The place behind the last line break that the range owns and that stands behind `from`, or 0. */
static size_t find_end(struct body_batch *batch, size_t from)
{
    struct plain_range *range = &batch->range;
    const uint8_t *line_break = NULL;
    if (range->next > range->until) {
        // The last line is the one in which the range ends, or that begins with the next.
        const uint64_t before = held_from(range);
        const size_t last = range->until > before ? (size_t)(range->until - before) : 0;
        const size_t first = last > from ? last : from;
        line_break = memchr(batch->bytes + first, '\n', range->held - first);
        range->is_over = line_break != NULL;
    }
    if (!line_break)
        line_break = memrchr(batch->bytes + from, '\n', range->held - from);
    return line_break ? (size_t)(line_break - batch->bytes) + 1 : 0;
}

static enum source_event hand_out(struct body_batch *batch, size_t len)
{
    assert(batch->next < len && len <= batch->range.held);
    batch->len = len;
    batch->range.rest = len;
    count_input(batch, len - batch->next);
    return SOURCE_BODIES;
}

/*
 * The batch is full and holds no line break: reads to the line's end. Afterwards the batch holds
 * the line's beginning, or nothing if damage cut the line.
 */
static enum status read_long_line(struct body_batch *batch, enum source_event *event,
                                  struct error *err)
{
    struct plain_range *range = &batch->range;
    OWNED(excess_release) struct excess_scan excess = {0};
    bool held_cr = false;
    TRY(excess_begin(&excess, err));
    TRY(excess_add_line(&excess, slice_of(batch->bytes, range->held), &held_cr, err));
    uint64_t len = range->held;
    const uint8_t *line_break = NULL;
    *event = SOURCE_BODIES;
    while (!line_break && *event == SOURCE_BODIES) {
        range->held = SOURCE_BODY_BYTES_MAX;
        *event = read_piece(batch, PIECE_BYTES, err);
        range->is_over = *event != SOURCE_BODIES;
        if (*event == SOURCE_FAULT || range->held == 0)
            return STATUS_OK;
        const uint8_t *piece = batch->bytes + SOURCE_BODY_BYTES_MAX;
        const size_t piece_len = range->held - SOURCE_BODY_BYTES_MAX;
        line_break = memchr(piece, '\n', piece_len);
        const size_t line_len = line_break ? (size_t)(line_break - piece) : piece_len;
        TRY(excess_add_line(&excess, slice_of(piece, line_len), &held_cr, err));
        len += line_len + (line_break ? 1 : 0);
    }
    *event = SOURCE_BODIES;
    batch->is_excess = true;
    batch->len = SOURCE_BODY_BYTES_MAX;
    range->rest = line_break ? (size_t)(line_break - batch->bytes) + 1 : range->held;
    range->is_over = range->is_over || held_from(range) + range->rest > range->until;
    count_input(batch, len);
    return excess_end(&excess, &batch->excess, err);
}

/* --- piece by piece -------------------------------------------------------------------------- */

/* Reads until there are whole lines to hand out, or nothing that is the range's. */
static enum status read_lines(struct body_batch *batch, enum source_event *event, struct error *err)
{
    struct plain_range *range = &batch->range;
    size_t searched = 0;
    *event = SOURCE_BODIES;
    while (*event == SOURCE_BODIES && !range->is_over) {
        const size_t end = range->skips_line ? 0 : find_end(batch, searched);
        if (end > 0) {
            *event = hand_out(batch, end);
            return STATUS_OK;
        }
        drop_bytes(batch, batch->next);
        batch->next = 0;
        if (range->held == SOURCE_BATCH_BYTES)
            return read_long_line(batch, event, err);
        searched = range->held;
        *event = read_piece(batch, next_len(range), err);
        if (*event == SOURCE_BODIES)
            note_lines(range->set, slice_of(batch->bytes + searched, range->held - searched));
        if (range->skips_line && *event == SOURCE_BODIES) {
            skip_line(batch);
            searched = batch->next;
        }
    }
    if (*event == SOURCE_BODIES)
        *event = SOURCE_END;
    else if (*event == SOURCE_END && range->held > 0)
        *event = hand_out(batch, range->held); // a last line without line break counts
    range->is_over = true;
    return STATUS_OK;
}

enum status body_batch_read_on(struct body_batch *batch, enum source_event *event,
                               struct error *err)
{
    struct plain_range *range = &batch->range;
    *event = SOURCE_END;
    if (!range->set)
        return STATUS_OK;
    drop_bytes(batch, range->rest);
    range->rest = 0;
    batch->next = 0;
    batch->len = 0;
    batch->is_excess = false;
    if (!range->is_over)
        TRY(read_lines(batch, event, err));
    if (*event == SOURCE_END)
        plain_range_drop(batch);
    return STATUS_OK;
}
