/*
 * file_source.c - recorded sets, one after the other, cut into batches of whole lines.
 *
 * Plain sets in regular files are handed out in ranges that are read elsewhere (plain_set.h).
 * Pipes and compressed sets are read here, into batches that are large:
 *
 *      batch   [ carried over ][ read now .................. ]
 *                    line line line line line line li
 *                                                   ^ cut: the rest is carried over
 *
 * (1) A batch holds lines of one input only, and ends after a line break or at the
 *     input's end.
 * (2) A batch has at most SOURCE_BATCH_BODIES_MAX line breaks. If lines are that short, less
 *     is read for the next one, so that little is carried.
 * (3) A line that does not fit a batch is read to its end and becomes a batch of its own, which
 *     holds its first SOURCE_BODY_BYTES_MAX bytes (excess.h).
 * (4) Damage is reported after the whole lines before it; the line it cuts is dropped.
 * (5) From pipes, what has come is handed out after FILL_WAIT_MS, so that a
 *     slow writer's messages do not wait for a full batch.
 */
#include "ingest/source/source.h"

#include "cli/clock.h"
#include "engine/base/mem.h"
#include "ingest/source/excess.h"
#include "ingest/source/input.h"
#include "ingest/source/plain_set.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FILL_BYTES_MIN ((size_t)64 << 10)
/* Read at once, and its line breaks counted while it is in the processor's second cache. */
#define PIECE_BYTES  ((size_t)128 << 10)
#define FILL_WAIT_MS 200

static_assert(SOURCE_BATCH_BYTES >= 2 * SOURCE_BODY_BYTES_MAX,
              "a long line's later pieces are read behind its kept beginning");

struct file_source {
    const char *const *paths; /* borrowed */
    size_t path_count;
    size_t path_next;
    int wake_file;         /* owned; an eventfd, readable after an interrupt */
    struct plain_set *set; /* owned; an input that has ranges */
    struct input *input;   /* owned; any other; NULL between inputs */
    bool input_ended;      /* nothing more can be read from it */
    struct error fault;    /* why it ended, if not well; reported once its lines are out */
    struct buffer carried; /* bytes read beyond the last cut, from carried_next on */
    size_t carried_next;
    size_t fill_bytes; /* what the next batch aims at */
    uint64_t token;
    struct excess_scan excess;
    uint64_t raw_bytes_total;
    atomic_ullong raw_bytes_before; /* of the inputs that are closed, and of ranges */
    atomic_ullong raw_bytes_input;  /* of the open one */
};

/* --- filling a batch ------------------------------------------------------------------------- */

/* Reads once into the batch, behind what it holds. Damage becomes the input's end and its fault. */
static enum status read_more(struct file_source *source, struct body_batch *batch, size_t len_max,
                             int wait_ms, enum input_event *event, struct error *err)
{
    assert(batch->len < len_max && len_max <= SOURCE_BATCH_BYTES);
    struct input_read request = {
        .to = batch->bytes + batch->len, .len = len_max - batch->len, .wait_ms = wait_ms};
    struct error fault = {0};
    const enum status status = input_read(source->input, &request, &fault);
    atomic_store_explicit(&source->raw_bytes_input, input_raw_bytes(source->input),
                          memory_order_relaxed);
    if (status == STATUS_INPUT) {
        source->fault = fault;
        request.event = INPUT_END;
    } else if (status != STATUS_OK) {
        return error_set(err, status, "%s", fault.message);
    }
    batch->len += request.got;
    *event = request.event;
    if (*event == INPUT_END)
        source->input_ended = true;
    return STATUS_OK;
}

static size_t carried_len(const struct file_source *source)
{
    return source->carried.len - source->carried_next;
}

static bool is_exhausted(const struct file_source *source)
{
    return source->input_ended && carried_len(source) == 0;
}

/* Moves carried bytes to the end of the batch, until it holds `len_max`. */
static void take_carried(struct file_source *source, struct body_batch *batch, size_t len_max)
{
    const size_t room = len_max - batch->len;
    const size_t taken = carried_len(source) < room ? carried_len(source) : room;
    memcpy(batch->bytes + batch->len, source->carried.data + source->carried_next, taken);
    batch->len += taken;
    source->carried_next += taken;
}

/* Line breaks in the bytes; the inner loop is one that compilers turn into vectors. */
static size_t count_line_breaks(const uint8_t *bytes, size_t len)
{
    enum { STRIDE = 240 }; // fits a byte
    size_t count = 0;
    size_t i = 0;
    for (; i + STRIDE <= len; i += STRIDE) {
        uint8_t in_stride = 0;
        for (size_t j = 0; j < STRIDE; j++)
            in_stride = (uint8_t)(in_stride + (bytes[i + j] == '\n'));
        count += in_stride;
    }
    for (; i < len; i++)
        count += bytes[i] == '\n';
    return count;
}

/* How long reading may wait when the batch holds a whole line already. */
static int wait_left_ms(int64_t *deadline_ms)
{
    const int64_t now_ms = clock_monotonic_ms();
    if (*deadline_ms == 0)
        *deadline_ms = now_ms + FILL_WAIT_MS;
    return now_ms < *deadline_ms ? (int)(*deadline_ms - now_ms) : 0;
}

/*
 * Fills the batch up to its aim, or up to one whole line if lines are longer than that; it has
 * `*line_breaks` then. What is still carried over comes before anything new is read.
 */
static enum status fill_bytes(struct file_source *source, struct body_batch *batch,
                              size_t *line_breaks, struct error *err)
{
    int64_t deadline_ms = 0; // set once a line has come
    *line_breaks = 0;
    while (batch->len < SOURCE_BATCH_BYTES && !is_exhausted(source)) {
        const bool whole_line = *line_breaks > 0;
        if ((whole_line && batch->len >= source->fill_bytes) ||
            *line_breaks > SOURCE_BATCH_BODIES_MAX)
            break;
        const size_t before = batch->len;
        const size_t aim = before < source->fill_bytes ? source->fill_bytes : SOURCE_BATCH_BYTES;
        const size_t piece = aim - before < PIECE_BYTES ? aim - before : PIECE_BYTES;
        enum input_event event = INPUT_BYTES;
        if (carried_len(source) > 0) {
            take_carried(source, batch, before + piece);
        } else {
            const int wait_ms = whole_line ? wait_left_ms(&deadline_ms) : INPUT_WAIT_FOREVER;
            TRY(read_more(source, batch, before + piece, wait_ms, &event, err));
        }
        if (event == INPUT_WAITING)
            break;
        *line_breaks += count_line_breaks(batch->bytes + before, batch->len - before);
    }
    return STATUS_OK;
}

/* --- cutting it ------------------------------------------------------------------------------ */

/* Length of the first `count` lines; there are that many. */
static size_t lines_len(const uint8_t *bytes, size_t len, size_t count)
{
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *line_break = memchr(bytes + end, '\n', len - end);
        assert(line_break);
        end = (size_t)(line_break - bytes) + 1;
    }
    return end;
}

/* How much of the batch are whole lines, at most SOURCE_BATCH_BODIES_MAX of them. */
static size_t cut_len(const struct file_source *source, const struct body_batch *batch,
                      size_t line_breaks)
{
    if (line_breaks > SOURCE_BATCH_BODIES_MAX)
        return lines_len(batch->bytes, batch->len, SOURCE_BATCH_BODIES_MAX);
    if (is_exhausted(source) && source->fault.status == STATUS_OK)
        return batch->len; // a last line without line break counts
    const uint8_t *last = memrchr(batch->bytes, '\n', batch->len);
    return last ? (size_t)(last - batch->bytes) + 1 : 0;
}

/* Puts the bytes behind the cut before those still carried over. */
static enum status carry_over(struct file_source *source, struct body_batch *batch, size_t cut,
                              struct error *err)
{
    const size_t rest_len = batch->len - cut;
    batch->len = cut;
    if (source->carried_next >= rest_len) {
        // They came from there: give them back, or they fit into the room of what was taken.
        source->carried_next -= rest_len;
        if (rest_len > 0)
            memcpy(source->carried.data + source->carried_next, batch->bytes + cut, rest_len);
        return STATUS_OK;
    }
    assert(carried_len(source) == 0); // else nothing new was read
    buffer_clear(&source->carried);
    source->carried_next = 0;
    if (buffer_append(&source->carried, batch->bytes + cut, rest_len) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to read on");
    return STATUS_OK;
}

static void set_next_aim(struct file_source *source, size_t cut, size_t filled)
{
    size_t aim = SOURCE_BATCH_BYTES;
    if (cut < filled / 2)
        aim = cut * 2;
    else if (source->fill_bytes < SOURCE_BATCH_BYTES / 2)
        aim = source->fill_bytes * 2;
    source->fill_bytes = aim < FILL_BYTES_MIN ? FILL_BYTES_MIN : aim;
}

/* --- a line that fits no batch --------------------------------------------------------------- */

/*
 * The batch is full and holds no line break: reads to the line's end. Afterwards the batch holds
 * the line's beginning, or nothing if damage cut the line.
 */
static enum status read_long_line(struct file_source *source, struct body_batch *batch,
                                  struct error *err)
{
    assert(batch->len == SOURCE_BATCH_BYTES);
    bool held_cr = false;
    TRY(excess_begin(&source->excess, err));
    TRY(excess_add_line(&source->excess, slice_of(batch->bytes, batch->len), &held_cr, err));
    batch->input_bytes = batch->len;

    const uint8_t *line_break = NULL;
    while (!line_break && !source->input_ended) {
        batch->len = SOURCE_BODY_BYTES_MAX;
        enum input_event event = INPUT_END;
        TRY(read_more(source, batch, SOURCE_BATCH_BYTES, INPUT_WAIT_FOREVER, &event, err));
        const uint8_t *piece = batch->bytes + SOURCE_BODY_BYTES_MAX;
        const size_t piece_len = batch->len - SOURCE_BODY_BYTES_MAX;
        line_break = memchr(piece, '\n', piece_len);
        const size_t line_len = line_break ? (size_t)(line_break - piece) : piece_len;
        TRY(excess_add_line(&source->excess, slice_of(piece, line_len), &held_cr, err));
        const size_t taken = line_len + (line_break ? 1 : 0);
        batch->input_bytes += taken;
        TRY(carry_over(source, batch, SOURCE_BODY_BYTES_MAX + taken, err));
    }
    batch->is_excess = true;
    batch->len = SOURCE_BODY_BYTES_MAX;
    if (!line_break && source->fault.status != STATUS_OK)
        batch->len = 0;
    return excess_end(&source->excess, &batch->excess, err);
}

/* --- one input after the other --------------------------------------------------------------- */

static enum status next_batch(struct file_source *source, struct body_batch *batch,
                              struct error *err)
{
    size_t line_breaks = 0;
    TRY(fill_bytes(source, batch, &line_breaks, err));
    batch->received_ms = clock_utc_ms();
    batch->token = ++source->token;
    if (batch->len == SOURCE_BATCH_BYTES && line_breaks == 0)
        return read_long_line(source, batch, err);

    const size_t filled = batch->len;
    const size_t cut = cut_len(source, batch, line_breaks);
    TRY(carry_over(source, batch, cut, err));
    set_next_aim(source, cut, filled);
    batch->input_bytes = batch->len;
    return STATUS_OK;
}

static void close_input(struct file_source *source)
{
    if (source->input)
        atomic_fetch_add(&source->raw_bytes_before, input_raw_bytes(source->input));
    atomic_store(&source->raw_bytes_input, 0);
    input_close(source->input);
    source->input = NULL;
    plain_set_drop(source->set);
    source->set = NULL;
    source->input_ended = false;
    source->fault = (struct error){0};
    buffer_clear(&source->carried);
    source->carried_next = 0;
}

/* Opens the next input; one that cannot be opened ends at once, with its fault. */
static enum status open_next(struct file_source *source, struct error *err)
{
    struct error fault = {0};
    const enum status status =
        input_open(&source->input, source->paths[source->path_next++], source->wake_file, &fault);
    if (status == STATUS_OK && input_has_ranges(source->input)) {
        struct input *input = source->input;
        source->input = NULL;
        return plain_set_new(&source->set, input, &source->raw_bytes_before, err);
    }
    if (status == STATUS_OK)
        return STATUS_OK;
    if (status != STATUS_INPUT)
        return error_set(err, status, "%s", fault.message);
    source->input_ended = true;
    source->fault = fault;
    return STATUS_OK;
}

static bool input_is_used_up(const struct file_source *source)
{
    if (!source->input || is_exhausted(source))
        return true;
    // What damage left of a line is no line.
    return source->input_ended && source->fault.status != STATUS_OK &&
           !memchr(source->carried.data + source->carried_next, '\n', carried_len(source));
}

/* The next range of a set; the input is closed once there is none. */
static enum source_event claim_range(struct file_source *source, struct body_batch *batch,
                                     struct error *fault)
{
    const enum source_event event = plain_set_claim(source->set, batch, fault);
    if (event != SOURCE_BODIES)
        close_input(source);
    batch->received_ms = clock_utc_ms();
    batch->token = ++source->token;
    return event;
}

/* An input has ended: its fault, the next one, or the end of all. True if there is something to
 * tell. */
static enum status next_input(struct file_source *source, enum source_event *event, bool *tell,
                              struct error *err)
{
    const struct error fault = source->fault;
    close_input(source);
    *tell = true;
    if (fault.status != STATUS_OK) {
        *event = SOURCE_FAULT;
        (void)error_set(err, fault.status, "%s", fault.message);
        return STATUS_OK;
    }
    *event = SOURCE_END;
    if (source->path_next == source->path_count)
        return STATUS_OK;
    *tell = false;
    return open_next(source, err);
}

static enum status file_source_take(void *context, struct body_batch *batch,
                                    enum source_event *event, struct error *err)
{
    struct file_source *source = context;
    plain_range_drop(batch);
    uint8_t *bytes =
        batch->bytes ? batch->bytes : mem_alloc(SOURCE_BATCH_BYTES + SOURCE_SLACK_BYTES, 1);
    if (!bytes)
        return error_set(err, STATUS_NOMEM, "no memory for a batch of lines");
    *batch = (struct body_batch){.bytes = bytes};

    for (;;) {
        if (source->set) {
            *event = claim_range(source, batch, err);
            if (*event != SOURCE_END)
                return STATUS_OK;
        }
        if (input_is_used_up(source)) {
            bool tell = false;
            TRY(next_input(source, event, &tell, err));
            if (tell)
                return STATUS_OK;
            continue;
        }
        TRY(next_batch(source, batch, err));
        if (batch->len > 0) {
            *event = SOURCE_BODIES;
            return STATUS_OK;
        }
    }
}

static void file_source_acknowledge(void *context, uint64_t token)
{
    (void)context; // a recorded set stays what it is
    (void)token;
}

static void file_source_interrupt(void *context)
{
    const struct file_source *source = context;
    const uint64_t one = 1;
    const ssize_t written = write(source->wake_file, &one, sizeof one);
    (void)written; // it can only fail once the count is at its end, when the file is readable
}

static struct source_progress file_source_progress(const void *context)
{
    const struct file_source *source = context;
    return (struct source_progress){
        .raw_bytes = atomic_load(&source->raw_bytes_before) + atomic_load(&source->raw_bytes_input),
        .raw_bytes_total = source->raw_bytes_total,
    };
}

static void file_source_close(void *context)
{
    struct file_source *source = context;
    close_input(source);
    excess_release(&source->excess);
    buffer_release(&source->carried);
    (void)close(source->wake_file);
    mem_free(source);
}

enum status file_source_open(struct source *source, const char *const *paths, size_t path_count,
                             struct error *err)
{
    struct file_source *files = mem_alloc_zeroed(1, sizeof *files);
    if (!files)
        return error_set(err, STATUS_NOMEM, "no memory to read files");
    files->wake_file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (files->wake_file < 0) {
        mem_free(files);
        return error_set_errno(err, STATUS_IO, errno, "cannot make an event file");
    }
    files->paths = paths;
    files->path_count = path_count;
    files->fill_bytes = FILL_BYTES_MIN;
    for (size_t i = 0; i < path_count; i++) {
        const uint64_t size = input_size(paths[i]);
        if (size == 0) { // one of unknown size spoils the sum
            files->raw_bytes_total = 0;
            break;
        }
        files->raw_bytes_total += size;
    }
    *source = (struct source){
        .context = files,
        .next = file_source_take,
        .acknowledge = file_source_acknowledge,
        .interrupt = file_source_interrupt,
        .progress = file_source_progress,
        .close = file_source_close,
    };
    return STATUS_OK;
}

void source_close(struct source *source)
{
    if (source->close)
        source->close(source->context);
    *source = (struct source){0};
}
