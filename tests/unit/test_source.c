/*
 * test_source.c - recorded sets in, bodies out: whatever the packing, the same bodies as a
 * plain split at line breaks gives.
 */
#include "engine/base/mem.h"
#include "ingest/source/excess.h"
#include "ingest/source/source.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

/* A long line is read in such pieces once it has filled a batch. */
#define PIECE_BYTES (SOURCE_BATCH_BYTES - SOURCE_BODY_BYTES_MAX)

static char folder[] = "/tmp/mnsdb-source-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* --- files of the tests ---------------------------------------------------------------------- */

struct file {
    char path[64];
};

static struct file file_at(const char *name)
{
    struct file file;
    (void)snprintf(file.path, sizeof file.path, "%s/%s", folder, name);
    return file;
}

static struct file write_file(const char *name, struct slice bytes)
{
    const struct file file = file_at(name);
    FILE *to = fopen(file.path, "wbe");
    assert_non_null(to);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, to), bytes.len);
    assert_int_equal(fclose(to), 0);
    return file;
}

static void append(struct buffer *buffer, struct slice bytes)
{
    assert_int_equal(buffer_append(buffer, bytes.data, bytes.len), STATUS_OK);
}

static void add_gzip(struct buffer *packed, struct slice bytes)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t bound = deflateBound(&stream, bytes.len);
    assert_int_equal(buffer_reserve(packed, bound), STATUS_OK);
    uint8_t *copy = malloc(bytes.len + 1); // zlib's next_in is not const
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.len);
    stream.next_in = copy;
    stream.avail_in = (unsigned)bytes.len;
    stream.next_out = packed->data + packed->len;
    stream.avail_out = (unsigned)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed->len += stream.total_out;
    (void)deflateEnd(&stream);
    free(copy);
}

static void add_zstd(struct buffer *packed, struct slice bytes)
{
    const size_t bound = ZSTD_compressBound(bytes.len);
    assert_int_equal(buffer_reserve(packed, bound), STATUS_OK);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    const size_t len =
        ZSTD_compress2(context, packed->data + packed->len, bound, bytes.data, bytes.len);
    assert_false(ZSTD_isError(len));
    (void)ZSTD_freeCCtx(context);
    packed->len += len;
}

/* --- what comes out -------------------------------------------------------------------------- */

#define FAULTS_MAX 8

struct taken {
    struct buffer bodies; /* each body and a line break */
    size_t count;
    size_t excess_count;
    struct body_excess excess; /* the last one */
    uint64_t input_bytes;
    size_t batch_count;
    size_t fault_count;
    struct error faults[FAULTS_MAX];
    size_t count_at_fault; /* bodies before the first fault */
    enum status status;
};

static void taken_release(struct taken *taken)
{
    buffer_release(&taken->bodies);
}

static void take_body(struct taken *taken, const struct body *body)
{
    static const uint8_t line_break = '\n';
    taken->count++;
    append(&taken->bodies, body->bytes);
    append(&taken->bodies, slice_of(&line_break, 1));
    if (body->excess) {
        taken->excess = *body->excess;
        taken->excess_count++;
    }
}

static void take_batch(struct taken *taken, struct body_batch *batch)
{
    struct body body;
    size_t in_batch = 0;
    while (body_batch_next(batch, &body)) {
        take_body(taken, &body);
        in_batch++;
    }
    assert_in_range(in_batch, 0, SOURCE_BATCH_BODIES_MAX);
    taken->input_bytes += batch->input_bytes;
    taken->batch_count++;
}

static struct taken take_all(const char *const *paths, size_t path_count)
{
    struct taken taken = {0};
    struct error err = {0};
    struct source source = {0};
    OWNED(body_batch_release) struct body_batch batch = {0};
    taken.status = file_source_open(&source, paths, path_count, &err);
    enum source_event event = SOURCE_BODIES;
    uint64_t token = 0;
    while (taken.status == STATUS_OK && event != SOURCE_END) {
        taken.status = source_next(&source, &batch, &event, &err);
        if (taken.status != STATUS_OK)
            break;
        if (event == SOURCE_BODIES) {
            assert_true(batch.token >= token); // parts of one batch have its token
            token = batch.token;
            take_batch(&taken, &batch);
            source_acknowledge(&source, batch.token);
        } else if (event == SOURCE_FAULT) {
            assert_in_range(taken.fault_count, 0, FAULTS_MAX - 1);
            if (taken.fault_count == 0)
                taken.count_at_fault = taken.count;
            taken.faults[taken.fault_count++] = err;
        }
    }
    source_close(&source);
    return taken;
}

static struct taken take_file(const struct file *file)
{
    const char *const path = file->path;
    return take_all(&path, 1);
}

/* The obvious way: split at LF, drop a CR before it, drop blank lines. */
static void split_plainly(struct buffer *bodies, size_t *count, struct slice text)
{
    static const uint8_t line_break = '\n';
    for (size_t i = 0; i < text.len;) {
        size_t end = i;
        while (end < text.len && text.data[end] != '\n')
            end++;
        size_t line_end = end;
        if (line_end > i && text.data[line_end - 1] == '\r')
            line_end--;
        bool blank = true;
        for (size_t j = i; j < line_end; j++)
            blank = blank && (text.data[j] == ' ' || text.data[j] == '\t');
        if (!blank) {
            append(bodies, slice_of(text.data + i, line_end - i));
            append(bodies, slice_of(&line_break, 1));
            (*count)++;
        }
        i = end + 1;
    }
}

/* Writes `packed` to a file; what comes out of it must be the lines of `text`. */
static void delivers(struct slice packed, struct slice text)
{
    const struct file file = write_file("set", packed);
    OWNED(taken_release) struct taken taken = take_file(&file);
    assert_int_equal(unlink(file.path), 0);
    OWNED(buffer_release) struct buffer expected = {0};
    size_t count = 0;
    split_plainly(&expected, &count, text);
    assert_int_equal(taken.status, STATUS_OK);
    if (taken.fault_count > 0)
        fail_msg("fault: %s", taken.faults[0].message);
    assert_int_equal(taken.count, count);
    assert_true(slice_equal(buffer_slice(&taken.bodies), buffer_slice(&expected)));
    assert_int_equal(taken.input_bytes, text.len);
}

static void delivers_however_packed(struct slice text)
{
    delivers(text, text);
    OWNED(buffer_release) struct buffer gzip = {0};
    add_gzip(&gzip, text);
    delivers(buffer_slice(&gzip), text);
    OWNED(buffer_release) struct buffer zstd = {0};
    add_zstd(&zstd, text);
    delivers(buffer_slice(&zstd), text);
}

static void whole_lines_of_every_kind_come_out(void **state)
{
    (void)state;
    delivers_however_packed(slice_of_text("one\ntwo\nthree\n"));
    delivers_however_packed(slice_of_text("one\r\ntwo\r\n"));
    delivers_however_packed(slice_of_text("one\n\n \t \n\r\n  \r\ntwo\n"));
    delivers_however_packed(slice_of_text("last line without break"));
    delivers_however_packed(slice_of_text("last\r"));
    delivers_however_packed(slice_of_text("a\rb\r\r\nc\n"));
    delivers_however_packed(slice_of_text("x"));
    delivers_however_packed(slice_of_text("\n\n\n"));
    delivers_however_packed(slice_of_text(""));
    delivers_however_packed(slice_of("a\0b\n\0\n", 6));
    delivers_however_packed(slice_of_text("(\xb5/")); // nearly zstd
}

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Lines of very different lengths, up to `line_max`; some blank, some with CR. */
static void random_text(struct buffer *text, size_t bytes, size_t line_max, uint64_t *seed)
{
    static const char *const ends[] = {"\n", "\r\n", "\n\n", "\n \n"};
    while (text->len < bytes) {
        const size_t len =
            random_next(seed) % 8 == 0 ? random_next(seed) % line_max : random_next(seed) % 100;
        assert_int_equal(buffer_reserve(text, len), STATUS_OK);
        for (size_t i = 0; i < len; i++)
            text->data[text->len++] = (uint8_t)(' ' + random_next(seed) % 90);
        append(text, slice_of_text(ends[random_next(seed) % 4]));
    }
}

static void random_sets_come_out_line_by_line(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    static const size_t line_max[] = {2, 300, 70000, MIB / 2, 3 * MIB};
    for (size_t i = 0; i < sizeof line_max / sizeof *line_max; i++) {
        OWNED(buffer_release) struct buffer text = {0};
        random_text(&text, 9 * MIB, line_max[i], &seed);
        delivers_however_packed(buffer_slice(&text));
    }
}

static void lines_of_one_letter_are_bounded_per_batch(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer text = {0};
    for (size_t i = 0; i < 5 * MIB / 2; i++)
        append(&text, slice_of_text(i % 1000 == 0 ? "\n" : "x\n"));
    delivers(buffer_slice(&text), buffer_slice(&text));
}

static void members_and_frames_follow_each_other(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer gzip = {0};
    add_gzip(&gzip, slice_of_text("one\ntw"));
    add_gzip(&gzip, slice_of_text(""));
    add_gzip(&gzip, slice_of_text("o\nthree"));
    append(&gzip, slice_of("\0\0\0\0\0\0", 6)); // padding of a tape
    delivers(buffer_slice(&gzip), slice_of_text("one\ntwo\nthree"));

    OWNED(buffer_release) struct buffer zstd = {0};
    append(&zstd, slice_of("\x52\x2a\x4d\x18\x03\0\0\0abc", 11)); // a skippable frame
    add_zstd(&zstd, slice_of_text("one\ntw"));
    add_zstd(&zstd, slice_of_text("o\nthree"));
    delivers(buffer_slice(&zstd), slice_of_text("one\ntwo\nthree"));
}

/* --- long bodies ----------------------------------------------------------------------------- */

static void sha256(struct slice bytes, uint8_t digest[SOURCE_DIGEST_BYTES])
{
    unsigned len = 0;
    assert_int_equal(EVP_Digest(bytes.data, bytes.len, digest, &len, EVP_sha256(), NULL), 1);
}

/* A set of a short line, one of `len` bytes ending with `end`, and a short line. */
static void long_line_comes_out(size_t len, const char *end, bool with_secret, size_t secret_at)
{
    OWNED(buffer_release) struct buffer text = {0};
    append(&text, slice_of_text("before\n"));
    const size_t start = text.len;
    assert_int_equal(buffer_reserve(&text, len), STATUS_OK);
    memset(text.data + start, 'a', len);
    text.len += len;
    if (with_secret)
        memcpy(text.data + start + secret_at, SECRET_WORD, SECRET_WORD_BYTES);
    append(&text, slice_of_text(end));
    append(&text, slice_of_text("after"));
    uint8_t digest[SOURCE_DIGEST_BYTES];
    sha256(slice_of(text.data + start, len), digest);

    const struct file file = write_file("long", buffer_slice(&text));
    OWNED(taken_release) struct taken taken = take_file(&file);
    assert_int_equal(unlink(file.path), 0);
    assert_int_equal(taken.status, STATUS_OK);
    assert_int_equal(taken.count, 3);
    assert_int_equal(taken.excess_count, 1);
    assert_int_equal(taken.input_bytes, text.len);
    assert_int_equal(taken.excess.total_len, len);
    assert_memory_equal(taken.excess.digest, digest, sizeof digest);
    assert_int_equal(taken.excess.holds_secret_word, with_secret);
    assert_int_equal(taken.bodies.len, 7 + SOURCE_BODY_BYTES_MAX + 1 + 6);
    assert_memory_equal(taken.bodies.data + 7, text.data + start, SOURCE_BODY_BYTES_MAX);
    assert_memory_equal(taken.bodies.data + taken.bodies.len - 6, "after\n", 6);
}

static void a_body_too_long_for_a_batch_is_counted_and_hashed_whole(void **state)
{
    (void)state;
    static const size_t extra[] = {
        0, 1, 2, MIB, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES};
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        long_line_comes_out(SOURCE_BATCH_BYTES + extra[i], "\n", false, 0);
        long_line_comes_out(SOURCE_BATCH_BYTES + extra[i], "\r\n", false, 0);
    }
}

static void the_secret_word_is_found_across_pieces(void **state)
{
    (void)state;
    // The batch holds "before\n" of 7 bytes at first, so look around every border.
    for (size_t i = 0; i < 2 * SECRET_WORD_BYTES; i += 5) {
        long_line_comes_out(SOURCE_BATCH_BYTES + PIECE_BYTES + MIB, "\n", true,
                            SOURCE_BATCH_BYTES - SECRET_WORD_BYTES - 7 + i);
        long_line_comes_out(SOURCE_BATCH_BYTES + PIECE_BYTES + MIB, "\n", true,
                            SOURCE_BATCH_BYTES + PIECE_BYTES - SECRET_WORD_BYTES - 7 + i);
    }
}

static void pieces_of_any_size_hash_alike(void **state)
{
    (void)state;
    static const char text[] = "xxdeviceSecre" SECRET_WORD "yy";
    const struct slice whole = slice_of(text, sizeof text - 1);
    struct excess_scan scan = {0};
    for (size_t step = 1; step <= whole.len; step++) {
        assert_int_equal(excess_begin(&scan, NULL), STATUS_OK);
        for (size_t at = 0; at < whole.len; at += step) {
            const size_t len = whole.len - at < step ? whole.len - at : step;
            assert_int_equal(excess_add(&scan, slice_of(whole.data + at, len), NULL), STATUS_OK);
        }
        struct body_excess excess;
        assert_int_equal(excess_end(&scan, &excess, NULL), STATUS_OK);
        uint8_t digest[SOURCE_DIGEST_BYTES];
        sha256(whole, digest);
        assert_memory_equal(excess.digest, digest, sizeof digest);
        assert_int_equal(excess.total_len, whole.len);
        assert_true(excess.holds_secret_word);
    }
    excess_release(&scan);
}

/* --- damage ---------------------------------------------------------------------------------- */

/* Delivers whole lines of `text` and then one fault. Returns how many. */
static size_t damaged_delivers(struct slice packed, struct slice text)
{
    const struct file file = write_file("damaged", packed);
    OWNED(taken_release) struct taken taken = take_file(&file);
    assert_int_equal(unlink(file.path), 0);
    assert_int_equal(taken.status, STATUS_OK);
    assert_int_equal(taken.fault_count, 1);
    assert_non_null(strstr(taken.faults[0].message, "is damaged"));
    assert_non_null(strstr(taken.faults[0].message, file.path));

    OWNED(buffer_release) struct buffer expected = {0};
    size_t count = 0;
    split_plainly(&expected, &count, text);
    assert_in_range(taken.count, 0, count);
    assert_true(
        slice_equal(buffer_slice(&taken.bodies), slice_of(expected.data, taken.bodies.len)));
    return taken.count;
}

static void lines_before_the_damage_are_delivered(void **state)
{
    (void)state;
    uint64_t seed = 7;
    OWNED(buffer_release) struct buffer text = {0};
    random_text(&text, 3 * MIB, 300, &seed);
    OWNED(buffer_release) struct buffer gzip = {0};
    add_gzip(&gzip, buffer_slice(&text));
    OWNED(buffer_release) struct buffer zstd = {0};
    add_zstd(&zstd, buffer_slice(&text));
    OWNED(buffer_release) struct buffer expected = {0};
    size_t count = 0;
    split_plainly(&expected, &count, buffer_slice(&text));

    for (size_t tenths = 1; tenths < 10; tenths++) {
        // Cut short: nearly as many tenths of the lines come out.
        const size_t of_gzip =
            damaged_delivers(slice_of(gzip.data, gzip.len * tenths / 10), buffer_slice(&text));
        const size_t of_zstd =
            damaged_delivers(slice_of(zstd.data, zstd.len * tenths / 10), buffer_slice(&text));
        assert_in_range(of_gzip, count * (tenths * 10 - 5) / 100, count * (tenths * 10 + 5) / 100);
        assert_in_range(of_zstd, count * (tenths * 10 - 10) / 100, count * (tenths * 10 + 5) / 100);
    }
    // Nothing but the last byte is missing: a checksum that nobody could compare.
    (void)damaged_delivers(slice_of(gzip.data, gzip.len - 1), buffer_slice(&text));
    (void)damaged_delivers(slice_of(zstd.data, zstd.len - 1), buffer_slice(&text));
}

static void a_wrong_block_of_zstd_loses_nothing_before_it(void **state)
{
    (void)state;
    uint64_t seed = 11;
    OWNED(buffer_release) struct buffer text = {0};
    random_text(&text, 3 * MIB, 300, &seed);
    OWNED(buffer_release) struct buffer whole = {0};
    add_zstd(&whole, buffer_slice(&text));
    // Behind a good frame stands a block of the reserved type.
    static const uint8_t bad_frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x07, 0x00, 0x00};
    append(&whole, slice_of(bad_frame, sizeof bad_frame));
    OWNED(buffer_release) struct buffer expected = {0};
    size_t count = 0;
    split_plainly(&expected, &count, buffer_slice(&text));
    assert_int_equal(damaged_delivers(buffer_slice(&whole), buffer_slice(&text)), count);
}

static void bytes_behind_the_last_member_are_damage(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer gzip = {0};
    add_gzip(&gzip, slice_of_text("one\ntwo\n"));
    append(&gzip, slice_of_text("garbage"));
    assert_int_equal(damaged_delivers(buffer_slice(&gzip), slice_of_text("one\ntwo\n")), 2);
    OWNED(buffer_release) struct buffer zstd = {0};
    add_zstd(&zstd, slice_of_text("one\ntwo\n"));
    append(&zstd, slice_of_text("garbage"));
    assert_int_equal(damaged_delivers(buffer_slice(&zstd), slice_of_text("one\ntwo\n")), 2);
}

static void a_long_line_cut_by_damage_is_dropped(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer text = {0};
    append(&text, slice_of_text("short\n"));
    for (size_t i = 0; i < 12 * MIB; i += 16)
        append(&text, slice_of_text("0123456789abcdef"));
    OWNED(buffer_release) struct buffer gzip = {0};
    add_gzip(&gzip, buffer_slice(&text));
    assert_int_equal(damaged_delivers(slice_of(gzip.data, gzip.len - 100), buffer_slice(&text)), 1);
}

static void a_bad_input_does_not_stop_the_others(void **state)
{
    (void)state;
    const struct file first = write_file("first", slice_of_text("a\nb"));
    const struct file last = write_file("last", slice_of_text("c\nd\n"));
    const struct file missing = file_at("missing");
    const char *const paths[] = {missing.path, first.path, folder, last.path};
    OWNED(taken_release) struct taken taken = take_all(paths, 4);
    assert_int_equal(taken.status, STATUS_OK);
    assert_int_equal(taken.count, 4);
    assert_memory_equal(taken.bodies.data, "a\nb\nc\nd\n", 8);
    assert_int_equal(taken.fault_count, 2);
    assert_int_equal(taken.count_at_fault, 0);
    assert_non_null(strstr(taken.faults[0].message, "missing: No such file or directory"));
    assert_non_null(strstr(taken.faults[1].message, "Is a directory"));
    assert_int_equal(unlink(first.path), 0);
    assert_int_equal(unlink(last.path), 0);
}

/* --- pipes ----------------------------------------------------------------------------------- */

struct slow_writer {
    const char *path;
    int go_on; /* read end: the test tells when to write the second half */
};

/* A process of its own, which writes as it is told and ends. */
static pid_t start_slow_writer(const struct slow_writer *writer)
{
    const pid_t child = fork();
    if (child != 0)
        return child;
    const int to = open(writer->path, O_WRONLY | O_CLOEXEC);
    ssize_t done = write(to, "one\nhalf", 8);
    char byte = 0;
    done += read(writer->go_on, &byte, 1);
    done += write(to, " of two\n", 8);
    _exit(done == 17 ? 0 : 1);
}

static void a_slow_pipe_hands_out_what_has_come(void **state)
{
    (void)state;
    const struct file fifo = file_at("fifo");
    assert_int_equal(mkfifo(fifo.path, 0600), 0);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const struct slow_writer writer = {.path = fifo.path, .go_on = ends[0]};
    const pid_t child = start_slow_writer(&writer);
    assert_true(child > 0);

    struct source source = {0};
    struct body_batch batch = {0};
    const char *const path = fifo.path;
    enum source_event event = SOURCE_END;
    struct body body;
    assert_int_equal(file_source_open(&source, &path, 1, NULL), STATUS_OK);
    // The writer waits for us: the first line must come without the second.
    assert_int_equal(source_next(&source, &batch, &event, NULL), STATUS_OK);
    assert_int_equal(event, SOURCE_BODIES);
    assert_true(body_batch_next(&batch, &body));
    assert_true(slice_equal(body.bytes, slice_of_text("one")));
    assert_false(body_batch_next(&batch, &body));
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(source_next(&source, &batch, &event, NULL), STATUS_OK);
    assert_true(body_batch_next(&batch, &body));
    assert_true(slice_equal(body.bytes, slice_of_text("half of two")));
    assert_int_equal(source_next(&source, &batch, &event, NULL), STATUS_OK);
    assert_int_equal(event, SOURCE_END);

    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    source_close(&source);
    body_batch_release(&batch);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(unlink(fifo.path), 0);
}

static void reading_survives_every_failed_allocation(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer gzip = {0};
    add_gzip(&gzip, slice_of_text("one\ntwo\n"));
    const struct file plain = write_file("plain", slice_of_text("three\n"));
    const struct file packed = write_file("packed", buffer_slice(&gzip));
    const char *const paths[] = {plain.path, packed.path};
    const size_t blocks_before = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct source source = {0};
        struct body_batch batch = {0};
        enum source_event event = SOURCE_BODIES;
        mem_fail_at(nth);
        status = file_source_open(&source, paths, 2, NULL);
        while (status == STATUS_OK && event != SOURCE_END)
            status = source_next(&source, &batch, &event, NULL);
        mem_fail_at(-1);
        source_close(&source);
        body_batch_release(&batch);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), blocks_before);
        assert_in_range(nth, 0, 100);
    }
    assert_int_equal(unlink(plain.path), 0);
    assert_int_equal(unlink(packed.path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_lines_of_every_kind_come_out),
        cmocka_unit_test(random_sets_come_out_line_by_line),
        cmocka_unit_test(lines_of_one_letter_are_bounded_per_batch),
        cmocka_unit_test(members_and_frames_follow_each_other),
        cmocka_unit_test(a_body_too_long_for_a_batch_is_counted_and_hashed_whole),
        cmocka_unit_test(the_secret_word_is_found_across_pieces),
        cmocka_unit_test(pieces_of_any_size_hash_alike),
        cmocka_unit_test(lines_before_the_damage_are_delivered),
        cmocka_unit_test(a_wrong_block_of_zstd_loses_nothing_before_it),
        cmocka_unit_test(bytes_behind_the_last_member_are_damage),
        cmocka_unit_test(a_long_line_cut_by_damage_is_dropped),
        cmocka_unit_test(a_bad_input_does_not_stop_the_others),
        cmocka_unit_test(a_slow_pipe_hands_out_what_has_come),
        cmocka_unit_test(reading_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
