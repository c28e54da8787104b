/*
 * test_plain_set.c - a plain set read in ranges, by one reader or several in any order: every line
 * comes out once, in the range that it belongs to, wherever the borders fall.
 */
#include "engine/base/mem.h"
#include "ingest/source/plain_set.h"
#include "ingest/source/source.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BATCHES_MAX 64
#define RANGE       ((size_t)PLAIN_RANGE_BYTES_MIN) /* the first one's size */

static char path[] = "/tmp/mnsdb-plain-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    const int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void append(struct buffer *buffer, struct slice bytes)
{
    assert_int_equal(buffer_append(buffer, bytes.data, bytes.len), STATUS_OK);
}

static void append_repeated(struct buffer *buffer, char letter, size_t count)
{
    assert_int_equal(buffer_reserve(buffer, buffer->len + count), STATUS_OK);
    memset(buffer->data + buffer->len, letter, count);
    buffer->len += count;
}

static void write_file(struct slice bytes)
{
    FILE *to = fopen(path, "wbe");
    assert_non_null(to);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, to), bytes.len);
    assert_int_equal(fclose(to), 0);
}

/* --- what ranges give ------------------------------------------------------------------------ */

struct readers {
    struct source source;
    struct body_batch batches[BATCHES_MAX];
    size_t count;
};

static void readers_release(struct readers *readers)
{
    for (size_t i = 0; i < readers->count; i++)
        body_batch_release(&readers->batches[i]);
    source_close(&readers->source);
}

static void open_set(struct readers *readers)
{
    static const char *const paths[] = {path};
    assert_int_equal(file_source_open(&readers->source, paths, 1, NULL), STATUS_OK);
}

/* Claims up to `most` further ranges; the last event. */
static enum source_event claim(struct readers *readers, size_t most)
{
    enum source_event event = SOURCE_BODIES;
    for (size_t i = 0; i < most && event == SOURCE_BODIES; i++) {
        assert_true(readers->count < BATCHES_MAX);
        struct body_batch *batch = &readers->batches[readers->count++];
        assert_int_equal(source_take(&readers->source, batch, &event, NULL), STATUS_OK);
    }
    return event;
}

/* All lines of one batch, each with a line break; counts faults. */
static void read_batch(struct body_batch *batch, struct buffer *lines, size_t *faults)
{
    enum source_event event = SOURCE_BODIES;
    while (event != SOURCE_END) {
        assert_int_equal(body_batch_read_on(batch, &event, NULL), STATUS_OK);
        *faults += event == SOURCE_FAULT;
        struct body body;
        size_t count = 0;
        while (event == SOURCE_BODIES && body_batch_next(batch, &body)) {
            append(lines, body.bytes);
            append(lines, slice_of_text("\n"));
            count++;
        }
        assert_in_range(count, 0, SOURCE_BATCH_BODIES_MAX);
    }
    assert_null(batch->range.set);
}

/* Claims everything, reads from the last range to the first, and joins in order. */
static void lines_come_out(struct slice text, struct slice expected)
{
    write_file(text);
    OWNED(readers_release) struct readers readers = {0};
    struct buffer parts[BATCHES_MAX] = {0};
    OWNED(buffer_release) struct buffer joined = {0};
    size_t faults = 0;
    uint64_t input_bytes = 0;
    open_set(&readers);
    assert_int_equal(claim(&readers, BATCHES_MAX), SOURCE_END);
    for (size_t i = readers.count; i > 0; i--) {
        read_batch(&readers.batches[i - 1], &parts[i - 1], &faults);
        input_bytes += readers.batches[i - 1].input_bytes;
    }
    for (size_t i = 0; i < readers.count; i++) {
        append(&joined, buffer_slice(&parts[i]));
        buffer_release(&parts[i]);
    }
    assert_int_equal(faults, 0);
    assert_int_equal(input_bytes, text.len);
    assert_int_equal(source_progress(&readers.source).raw_bytes, text.len);
    assert_true(slice_equal(buffer_slice(&joined), expected));
}

/* --- borders --------------------------------------------------------------------------------- */

static void a_line_that_ends_at_a_border_or_beside_it_comes_once(void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 5; offset++) {
        OWNED(buffer_release) struct buffer text = {0};
        append_repeated(&text, 'a', RANGE + offset - 3);
        append(&text, slice_of_text("\n"));
        append_repeated(&text, 'b', RANGE - 1);
        append(&text, slice_of_text("\nc\n"));
        lines_come_out(buffer_slice(&text), buffer_slice(&text));
    }
}

static void a_line_over_many_ranges_belongs_to_its_first(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer text = {0};
    append(&text, slice_of_text("one\n"));
    append_repeated(&text, 'x', 5 * RANGE);
    append(&text, slice_of_text("\ntwo"));
    OWNED(buffer_release) struct buffer expected = {0};
    append(&expected, buffer_slice(&text));
    append(&expected, slice_of_text("\n"));
    lines_come_out(buffer_slice(&text), buffer_slice(&expected));
}

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void random_lines_come_once_each(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (size_t round = 0; round < 24; round++) {
        OWNED(buffer_release) struct buffer text = {0};
        const size_t line_max = (size_t)1 << (1 + round % 18);
        while (text.len < 6 * RANGE) {
            append_repeated(&text, (char)('a' + random_next(&seed) % 26),
                            1 + random_next(&seed) % line_max);
            append(&text, slice_of_text("\n"));
        }
        lines_come_out(buffer_slice(&text), buffer_slice(&text));
    }
}

static void ranges_stay_small_while_lines_are_short(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer text = {0};
    while (text.len < 16 * RANGE)
        append(&text, slice_of_text("x\n"));
    write_file(buffer_slice(&text));
    OWNED(readers_release) struct readers readers = {0};
    OWNED(buffer_release) struct buffer lines = {0};
    size_t faults = 0;
    open_set(&readers);
    while (claim(&readers, 1) == SOURCE_BODIES) {
        struct body_batch *batch = &readers.batches[readers.count - 1];
        read_batch(batch, &lines, &faults);
        assert_in_range(batch->input_bytes, 1, RANGE + 2);
    }
    assert_true(slice_equal(buffer_slice(&lines), buffer_slice(&text)));
}

/* --- files that change ----------------------------------------------------------------------- */

static void a_file_that_grows_is_read_to_its_end(void **state)
{
    (void)state;
    write_file(slice_of_text("one\n"));
    OWNED(readers_release) struct readers readers = {0};
    OWNED(buffer_release) struct buffer text = {0};
    OWNED(buffer_release) struct buffer lines = {0};
    size_t faults = 0;
    open_set(&readers);
    assert_int_equal(claim(&readers, 1), SOURCE_BODIES);
    append(&text, slice_of_text("one\n"));
    append_repeated(&text, 'y', RANGE);
    append(&text, slice_of_text("\nlast\n"));
    write_file(buffer_slice(&text));
    assert_int_equal(claim(&readers, BATCHES_MAX - 1), SOURCE_END);
    for (size_t i = 0; i < readers.count; i++)
        read_batch(&readers.batches[i], &lines, &faults);
    assert_true(slice_equal(buffer_slice(&lines), buffer_slice(&text)));
}

/* Nobody comes back to a range that was read to its end. */
static void what_is_appended_behind_an_end_that_was_met_leaves_no_gap(void **state)
{
    (void)state;
    write_file(slice_of_text("one\n"));
    OWNED(readers_release) struct readers readers = {0};
    OWNED(buffer_release) struct buffer text = {0};
    OWNED(buffer_release) struct buffer lines = {0};
    size_t faults = 0;
    open_set(&readers);
    assert_int_equal(claim(&readers, 1), SOURCE_BODIES);
    read_batch(&readers.batches[0], &lines, &faults);
    append(&text, slice_of_text("one\ntwo\n"));
    append_repeated(&text, 'y', RANGE);
    append(&text, slice_of_text("\nlast\n"));
    write_file(buffer_slice(&text));
    assert_int_equal(claim(&readers, 1), SOURCE_END);
    assert_true(slice_equal(buffer_slice(&lines), slice_of_text("one\n")));
}

static void a_file_cut_short_ends_where_it_ends(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer text = {0};
    append_repeated(&text, 'z', 6 * RANGE);
    for (size_t i = 9; i < text.len; i += 10)
        text.data[i] = '\n';
    write_file(buffer_slice(&text));
    OWNED(readers_release) struct readers readers = {0};
    OWNED(buffer_release) struct buffer lines = {0};
    size_t faults = 0;
    open_set(&readers);
    assert_int_equal(claim(&readers, 4), SOURCE_BODIES);
    assert_int_equal(truncate(path, 1003), 0);
    for (size_t i = 0; i < readers.count; i++)
        read_batch(&readers.batches[i], &lines, &faults);
    assert_int_equal(claim(&readers, 1), SOURCE_END);
    assert_int_equal(faults, 0);
    assert_int_equal(lines.len, 1004); // the last line lost its end, and counts
    assert_memory_equal(lines.data, text.data, 1003);
}

static void standard_input_is_read_from_where_it_stands_and_left_at_its_end(void **state)
{
    (void)state;
    static const char *const paths[] = {"-"};
    write_file(slice_of_text("before\none\ntwo\n"));
    const int kept = dup(STDIN_FILENO);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(kept >= 0 && file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO);
    assert_int_equal(lseek(file, 7, SEEK_SET), 7);
    OWNED(readers_release) struct readers readers = {0};
    OWNED(buffer_release) struct buffer lines = {0};
    size_t faults = 0;
    assert_int_equal(file_source_open(&readers.source, paths, 1, NULL), STATUS_OK);
    assert_int_equal(claim(&readers, BATCHES_MAX), SOURCE_END);
    for (size_t i = 0; i < readers.count; i++)
        read_batch(&readers.batches[i], &lines, &faults);
    assert_true(slice_equal(buffer_slice(&lines), slice_of_text("one\ntwo\n")));
    assert_int_equal(lseek(file, 0, SEEK_CUR), 15);
    assert_true(dup2(kept, STDIN_FILENO) == STDIN_FILENO);
    (void)close(kept);
    (void)close(file);
}

/* --- damage and memory ----------------------------------------------------------------------- */

/* The memory of the process itself is a regular file whose first bytes cannot be read. */
static void a_file_that_cannot_be_read_is_a_fault_and_no_line(void **state)
{
    (void)state;
    static const char *const paths[] = {"/proc/self/mem"};
    OWNED(readers_release) struct readers readers = {0};
    struct error err = {0};
    enum source_event event = SOURCE_BODIES;
    readers.count = 1;
    assert_int_equal(file_source_open(&readers.source, paths, 1, NULL), STATUS_OK);
    assert_int_equal(source_next(&readers.source, &readers.batches[0], &event, &err), STATUS_OK);
    assert_int_equal(event, SOURCE_FAULT);
    assert_non_null(strstr(err.message, "cannot read /proc/self/mem"));
    assert_int_equal(source_next(&readers.source, &readers.batches[0], &event, &err), STATUS_OK);
    assert_int_equal(event, SOURCE_END);
}

/* What a range is read from is put in the place of the set's file: a folder cannot be read. */
static void damage_within_ranges_is_told_once_and_ends_the_claims(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer text = {0};
    append_repeated(&text, 'z', 6 * RANGE);
    write_file(buffer_slice(&text));
    OWNED(readers_release) struct readers readers = {0};
    OWNED(buffer_release) struct buffer lines = {0};
    size_t faults = 0;
    open_set(&readers);
    const int free_before = dup(STDIN_FILENO); // the next one is the set's
    assert_int_equal(close(free_before), 0);
    assert_int_equal(claim(&readers, 3), SOURCE_BODIES);
    const int folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder > free_before);
    assert_int_equal(dup2(folder, free_before), free_before);
    assert_int_equal(close(folder), 0);
    for (size_t i = 0; i < readers.count; i++)
        read_batch(&readers.batches[i], &lines, &faults);
    assert_int_equal(faults, 1);
    assert_int_equal(lines.len, 0);
    assert_int_equal(claim(&readers, 1), SOURCE_END);
}

static int replace_stdin(const char *file_path, off_t offset)
{
    const int kept = dup(STDIN_FILENO);
    const int file = open(file_path, O_RDONLY | O_CLOEXEC);
    assert_true(kept >= 0 && file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO);
    assert_int_equal(close(file), 0);
    assert_int_equal(lseek(STDIN_FILENO, offset, SEEK_SET), offset);
    return kept;
}

static void restore_stdin(int kept)
{
    assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(kept), 0);
}

static void standard_input_named_twice_is_read_once(void **state)
{
    (void)state;
    static const char *const paths[] = {"-", "-"};
    write_file(slice_of_text("one\ntwo\n"));
    const int kept = replace_stdin(path, 0);
    OWNED(readers_release) struct readers readers = {0};
    OWNED(buffer_release) struct buffer lines = {0};
    size_t faults = 0;
    assert_int_equal(file_source_open(&readers.source, paths, 2, NULL), STATUS_OK);
    assert_int_equal(claim(&readers, BATCHES_MAX), SOURCE_END); // before anything is read
    for (size_t i = 0; i < readers.count; i++)
        read_batch(&readers.batches[i], &lines, &faults);
    assert_true(slice_equal(buffer_slice(&lines), slice_of_text("one\ntwo\n")));
    restore_stdin(kept);
}

/*
 * A mapped file in the process's memory: where the file ends, reading that fails, and goes on once
 * the file is longer.
 */
static void the_rest_of_a_long_line_that_damage_cut_is_no_line(void **state)
{
    (void)state;
    static const char *const paths[] = {"-"};
    OWNED(buffer_release) struct buffer text = {0};
    append_repeated(&text, 'x', SOURCE_BATCH_BYTES + RANGE);
    write_file(buffer_slice(&text));
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *memory = mmap(NULL, text.len + RANGE, PROT_READ, MAP_SHARED, file, 0);
    assert_true(file >= 0 && memory != MAP_FAILED);
    const int kept = replace_stdin("/proc/self/mem", (off_t)(uintptr_t)memory);
    OWNED(readers_release) struct readers readers = {0};
    OWNED(buffer_release) struct buffer lines = {0};
    enum source_event event = SOURCE_END;
    size_t faults = 0;
    assert_int_equal(file_source_open(&readers.source, paths, 1, NULL), STATUS_OK);
    assert_int_equal(claim(&readers, 1), SOURCE_BODIES);
    assert_int_equal(body_batch_read_on(&readers.batches[0], &event, NULL), STATUS_OK);
    assert_int_equal(event, SOURCE_FAULT);
    append_repeated(&text, 'y', RANGE - 1);
    append(&text, slice_of_text("\n"));
    const int longer = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(longer, text.data, text.len, 0), text.len);
    read_batch(&readers.batches[0], &lines, &faults);
    assert_int_equal(faults, 0);
    assert_int_equal(lines.len, 0);
    restore_stdin(kept);
    assert_int_equal(munmap(memory, SOURCE_BATCH_BYTES + 2 * RANGE), 0);
    assert_int_equal(close(longer), 0);
    assert_int_equal(close(file), 0);
}

static void ranges_survive_every_failed_allocation(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer text = {0};
    append_repeated(&text, 'x', SOURCE_BATCH_BYTES + RANGE); // a long line takes memory of its own
    write_file(buffer_slice(&text));
    const size_t blocks_before = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        static const char *const paths[] = {path};
        struct source source = {0};
        struct body_batch batch = {0};
        enum source_event event = SOURCE_BODIES;
        mem_fail_at(nth);
        status = file_source_open(&source, paths, 1, NULL);
        while (status == STATUS_OK && event != SOURCE_END)
            status = source_next(&source, &batch, &event, NULL);
        mem_fail_at(-1);
        source_close(&source);
        body_batch_release(&batch);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), blocks_before);
        assert_in_range(nth, 0, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_ends_at_a_border_or_beside_it_comes_once),
        cmocka_unit_test(a_line_over_many_ranges_belongs_to_its_first),
        cmocka_unit_test(random_lines_come_once_each),
        cmocka_unit_test(ranges_stay_small_while_lines_are_short),
        cmocka_unit_test(a_file_that_grows_is_read_to_its_end),
        cmocka_unit_test(what_is_appended_behind_an_end_that_was_met_leaves_no_gap),
        cmocka_unit_test(a_file_cut_short_ends_where_it_ends),
        cmocka_unit_test(standard_input_is_read_from_where_it_stands_and_left_at_its_end),
        cmocka_unit_test(a_file_that_cannot_be_read_is_a_fault_and_no_line),
        cmocka_unit_test(damage_within_ranges_is_told_once_and_ends_the_claims),
        cmocka_unit_test(standard_input_named_twice_is_read_once),
        cmocka_unit_test(the_rest_of_a_long_line_that_damage_cut_is_no_line),
        cmocka_unit_test(ranges_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
