/*
 * test_record.c - recording: every body comes back from the set as the same message, files are
 * never overwritten, and what was flushed is there whatever happened around it.
 */
#include "ingest/record/record.h"

#include "engine/base/mem.h"
#include "ingest/record/record_file.h"
#include "ingest/source/source.h"
#include "tests/unit/decode_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES   128
#define FLUSH_BODIES 50

static char folder[] = "/tmp/mnsdb-record-XXXXXX";

/* A path in the test's folder; two of them may be in use at the same time. */
static const char *path_of(const char *name)
{
    static char paths[2][PATH_BYTES];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    (void)snprintf(path, PATH_BYTES, "%s/%s", folder, name);
    return path;
}

static const char *const all_names[] = {"set",   "set.1", "set.2",  "set.3", "set.4",
                                        "set.5", "set.9", "set.10", "set.x", "link"};

static int make_folder(void **state)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    return mkdtemp(folder) ? setup(state) : -1;
}

static int remove_folder(void **state)
{
    (void)teardown(state);
    return rmdir(folder);
}

static int remove_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all_names / sizeof all_names[0]; i++)
        (void)unlink(path_of(all_names[i]));
    return 0;
}

static void write_text(const char *name, struct slice text)
{
    FILE *file = fopen(path_of(name), "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

/* The whole file, in a static buffer. */
static const char *text_of(const char *name)
{
    static char text[TEXT_BYTES_MAX];
    FILE *file = fopen(path_of(name), "rbe");
    if (!file)
        return "(no file)";
    const size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static struct recorder *open_recorder(uint64_t bytes_max)
{
    struct recorder *recorder = NULL;
    struct error err = {0};
    if (recorder_open(&recorder, path_of("set"), bytes_max, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return recorder;
}

static void add(struct recorder *recorder, const char *body)
{
    assert_int_equal(recorder_add(recorder, slice_of_text(body), NULL), STATUS_OK);
}

static void flush(struct recorder *recorder)
{
    struct error err = {0};
    if (recorder_flush(recorder, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

/* Records these bodies in a flush of their own each. */
static void record_each(const char *const *bodies, size_t count, uint64_t bytes_max)
{
    struct recorder *recorder = open_recorder(bytes_max);
    for (size_t i = 0; i < count; i++) {
        add(recorder, bodies[i]);
        flush(recorder);
    }
    recorder_close(recorder);
}

static void expect_refused(enum status wanted)
{
    struct recorder *recorder = NULL;
    struct error err = {0};
    assert_int_equal(recorder_open(&recorder, path_of("set"), 0, &err), wanted);
    assert_true(strlen(err.message) > 0);
    assert_null(recorder);
}

/* --- forms of lines -------------------------------------------------------------------------- */

static void bodies_become_lines(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *line;
    } cases[] = {
        {"{\"a\":1}", "{\"a\":1}\n"},
        {"eyJhIjoxfQ==", "eyJhIjoxfQ==\n"},
        {"no message at all", "no message at all\n"},
        {"{\"a\":\n1}", "eyJhIjoKMX0=\n"},
        {" \r\n{}", "IA0Ke30=\n"},
        {"eyJh\r\nIjoxfQ==\n", "eyJhIjoxfQ==\n"},
        {"no\nmessage", "nomessage\n"},
        {"", "IA==\n"},
        {" ", "IA==\n"},
        {"\n", "Cg==\n"},
        {"\x1f\x8b!", " \x1f\x8b!\n"},
        {"(\n\xb5/\xfd", " (\xb5/\xfd\n"},
        {"P*M\x18", " P*M\x18\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        record_each(&cases[i].body, 1, 0);
        assert_string_equal(text_of("set"), cases[i].line);
        (void)remove_files(state);
    }
}

/* --- a recorded set is the same messages ----------------------------------------------------- */

static uint64_t random_state = 20180516;

static unsigned below(unsigned limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((random_state >> 33) % limit);
}

/* Pieces that make bodies of all kinds, good ones above all. */
static void random_envelope(char *text, size_t room)
{
    static const char *const breaks[] = {"", "", "", "", "\n", "\r\n", " ", "\t"};
    static const char *const types[] = {"upload", "upload", "status", "other"};
    static const char *const payloads[] = {
        "eyJ0ZW1wZXJhdHVyZSI6MTQuNX0=", "eyJ0ZW1wZXJh\\ndHVyZSI6MTQuNX0", "e30=", "!",
        "{\\\"t\\\":1}"};
    (void)snprintf(
        text, room,
        "%s{%s\"payload\":\"%s\",%s\"messagetype\":\"%s\",\"topic\":\"/pk/d%u/update\",%s"
        "\"messageid\":%u,\"timestamp\":%s%u}%s",
        breaks[below(8)], breaks[below(8)], payloads[below(5)], breaks[below(8)], types[below(4)],
        below(3), breaks[below(8)], below(1000000), breaks[below(8)], 1526450334 + below(1000),
        breaks[below(8)]);
}

/* Base64 as some writers break it into lines. */
static size_t random_base64(uint8_t *to, const char *envelope)
{
    uint8_t encoded[4096];
    const size_t len = base64_encoded_len(strlen(envelope));
    base64_encode(slice_of_text(envelope), encoded);
    const unsigned every = below(2) == 0 ? 1 + below(90) : 100000;
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        to[at++] = encoded[i];
        if (i % every == every - 1)
            to[at++] = below(2) == 0 ? '\n' : '\r';
    }
    return at;
}

static size_t random_bytes(uint8_t *to)
{
    static const uint8_t favourites[] = " \t\r\n{}=\"AZaz09+/-_\0\x1f\x8b(P";
    const size_t len = below(12);
    for (size_t i = 0; i < len; i++)
        to[i] = below(4) == 0 ? (uint8_t)below(256) : favourites[below(sizeof favourites)];
    return len;
}

static struct slice random_body(uint8_t *to)
{
    char envelope[1024];
    random_envelope(envelope, sizeof envelope);
    switch (below(4)) {
    case 0:
        memcpy(to, envelope, strlen(envelope));
        return slice_of(to, strlen(envelope));
    case 1:
        return slice_of(to, random_base64(to, envelope));
    case 2: /* damaged somewhere */
        memcpy(to, envelope, strlen(envelope));
        to[below((unsigned)strlen(envelope))] = (uint8_t)below(256);
        return slice_of(to, strlen(envelope));
    default:
        return slice_of(to, random_bytes(to));
    }
}

/* What became of a body, with its id: one line of text. */
static void say_outcome(struct fixture *fixture, struct slice body, struct buffer *outcomes)
{
    char id[32];
    const char *text = decode_bytes(fixture, body);
    const struct message *message = &fixture->batch.messages[0];
    const uint64_t number = message->has_id ? message->id : 0;
    (void)snprintf(id, sizeof id, "%llu ", (unsigned long long)number);
    assert_int_equal(buffer_append(outcomes, id, strlen(id)), STATUS_OK);
    assert_int_equal(buffer_append(outcomes, text, strlen(text)), STATUS_OK);
    assert_int_equal(buffer_append(outcomes, "\n", 1), STATUS_OK);
}

static void read_set(struct fixture *fixture, const char *const *paths, size_t count,
                     struct buffer *outcomes)
{
    struct error err = {0};
    struct source source = {0};
    struct body_batch batch = {0};
    enum source_event event = SOURCE_BODIES;
    assert_int_equal(file_source_open(&source, paths, count, &err), STATUS_OK);
    while (event != SOURCE_END) {
        assert_int_equal(source_next(&source, &batch, &event, &err), STATUS_OK);
        assert_int_not_equal(event, SOURCE_FAULT);
        struct body body;
        while (event == SOURCE_BODIES && body_batch_next(&batch, &body))
            say_outcome(fixture, body.bytes, outcomes);
    }
    body_batch_release(&batch);
    source_close(&source);
}

static void a_recorded_set_is_the_same_messages(void **state)
{
    struct fixture *fixture = *state;
    const char *const paths[] = {path_of("set")};
    for (int round = 0; round < 20; round++) {
        struct buffer sent = {0};
        struct buffer kept = {0};
        struct recorder *recorder = open_recorder(0);
        for (int i = 0; i < 200; i++) {
            uint8_t bytes[8192];
            const struct slice body = random_body(bytes);
            say_outcome(fixture, body, &sent);
            assert_int_equal(recorder_add(recorder, body, NULL), STATUS_OK);
            if (i % FLUSH_BODIES == FLUSH_BODIES - 1)
                flush(recorder);
        }
        recorder_close(recorder);
        read_set(fixture, paths, 1, &kept);
        assert_int_equal(sent.len, kept.len);
        assert_memory_equal(sent.data, kept.data, sent.len);
        buffer_release(&sent);
        buffer_release(&kept);
        assert_int_equal(unlink(paths[0]), 0);
    }
}

/* --- the file -------------------------------------------------------------------------------- */

static void the_file_is_its_owners_alone(void **state)
{
    (void)state;
    const mode_t before = umask(0);
    record_each((const char *const[]){"a"}, 1, 0);
    (void)umask(before);
    struct stat info;
    assert_int_equal(stat(path_of("set"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void what_was_not_flushed_is_not_there(void **state)
{
    (void)state;
    struct recorder *recorder = open_recorder(0);
    add(recorder, "first");
    flush(recorder);
    add(recorder, "second");
    assert_string_equal(text_of("set"), "first\n");
    recorder_close(recorder);
    assert_string_equal(text_of("set"), "first\n");
}

static void a_later_run_appends(void **state)
{
    (void)state;
    record_each((const char *const[]){"first"}, 1, 0);
    record_each((const char *const[]){"second"}, 1, 0);
    assert_string_equal(text_of("set"), "first\nsecond\n");
}

static void the_half_line_of_a_crash_is_cut_off(void **state)
{
    (void)state;
    static const char *const before[] = {"one\ntwo\nthr", "one\ntwo\n"};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        write_text("set", slice_of_text(before[i]));
        record_each((const char *const[]){"next"}, 1, 0);
        assert_string_equal(text_of("set"), "one\ntwo\nnext\n");
    }
    write_text("set", slice_of_text("never ended"));
    record_each((const char *const[]){"next"}, 1, 0);
    assert_string_equal(text_of("set"), "next\n");
}

/* Longer than one piece of the search. */
static void a_long_half_line_is_cut_off(void **state)
{
    (void)state;
    char *text = mem_alloc(200000, 1);
    assert_non_null(text);
    memset(text, 'x', 200000);
    text[4] = '\n';
    write_text("set", slice_of(text, 200000));
    mem_free(text);
    record_each((const char *const[]){"next"}, 1, 0);
    assert_string_equal(text_of("set"), "xxxx\nnext\n");
}

static void a_file_that_is_no_recorded_set_is_left_alone(void **state)
{
    (void)state;
    const size_t len = ((size_t)8 << 20) + 1;
    uint8_t *bytes = mem_alloc_zeroed(len, 1);
    assert_non_null(bytes);
    write_text("set", slice_of(bytes, len));
    mem_free(bytes);
    expect_refused(STATUS_CONFIG);
    struct stat info;
    assert_int_equal(stat(path_of("set"), &info), 0);
    assert_int_equal(info.st_size, len);

    write_text("set", slice_of("\x1f\x8b\x08\n", 4)); /* gzip */
    expect_refused(STATUS_CONFIG);
    assert_string_equal(text_of("set"), "\x1f\x8b\x08\n");
}

static void links_pipes_and_folders_are_refused(void **state)
{
    (void)state;
    write_text("link", slice_of_text("mine\n"));
    assert_int_equal(symlink(path_of("link"), path_of("set")), 0);
    expect_refused(STATUS_CONFIG);
    assert_string_equal(text_of("link"), "mine\n");
    assert_int_equal(unlink(path_of("set")), 0);

    assert_int_equal(mkfifo(path_of("set"), 0600), 0);
    expect_refused(STATUS_CONFIG);
    assert_int_equal(unlink(path_of("set")), 0);

    struct recorder *recorder = NULL;
    assert_int_equal(recorder_open(&recorder, folder, 0, NULL), STATUS_CONFIG);
    assert_int_equal(recorder_open(&recorder, "", 0, NULL), STATUS_CONFIG);
    assert_int_equal(recorder_open(&recorder, path_of("none/set"), 0, NULL), STATUS_CONFIG);
    assert_null(recorder);
}

static void two_recorders_do_not_share_a_file(void **state)
{
    (void)state;
    struct recorder *recorder = open_recorder(0);
    expect_refused(STATUS_LOCKED);
    add(recorder, "mine");
    flush(recorder);
    recorder_close(recorder);
    assert_string_equal(text_of("set"), "mine\n");
}

static void a_file_moved_away_is_followed_by_a_new_one(void **state)
{
    (void)state;
    struct recorder *recorder = open_recorder(0);
    add(recorder, "first");
    flush(recorder);
    assert_int_equal(rename(path_of("set"), path_of("set.x")), 0);
    add(recorder, "second");
    flush(recorder);
    recorder_close(recorder);
    assert_string_equal(text_of("set.x"), "first\n");
    assert_string_equal(text_of("set"), "second\n");
}

/* --- full files ------------------------------------------------------------------------------ */

static void full_files_take_numbers_in_order(void **state)
{
    (void)state;
    record_each((const char *const[]){"aaaa", "bbbb", "cccc", "dddd", "eeee"}, 5, 10);
    assert_string_equal(text_of("set.1"), "aaaa\nbbbb\n");
    assert_string_equal(text_of("set.2"), "cccc\ndddd\n");
    assert_string_equal(text_of("set"), "eeee\n");
    assert_string_equal(text_of("set.3"), "(no file)");
}

static void one_flush_may_fill_several_files(void **state)
{
    (void)state;
    struct recorder *recorder = open_recorder(10);
    add(recorder, "first");
    add(recorder, "a line that is longer than a file may be");
    add(recorder, "bb");
    add(recorder, "cc");
    add(recorder, "dd");
    add(recorder, "ee");
    flush(recorder);
    recorder_close(recorder);
    assert_string_equal(text_of("set.1"), "first\n");
    assert_string_equal(text_of("set.2"), "a line that is longer than a file may be\n");
    assert_string_equal(text_of("set.3"), "bb\ncc\ndd\n");
    assert_string_equal(text_of("set"), "ee\n");
}

static void what_exists_is_never_overwritten(void **state)
{
    (void)state;
    write_text("set.9", slice_of_text("old\n"));
    write_text("set.x", slice_of_text("other\n"));
    record_each((const char *const[]){"aaaa", "bbbb"}, 2, 5);
    assert_string_equal(text_of("set.9"), "old\n");
    assert_string_equal(text_of("set.x"), "other\n");
    assert_string_equal(text_of("set.10"), "aaaa\n"); /* behind the highest, not into the gap */
    assert_string_equal(text_of("set.1"), "(no file)");
    assert_string_equal(text_of("set"), "bbbb\n");
}

/* --- no room --------------------------------------------------------------------------------- */

static void limit_file_size(rlim_t most)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void without_room_bodies_wait_in_memory(void **state)
{
    (void)state;
    struct recorder *recorder = open_recorder(0);
    add(recorder, "first");
    flush(recorder);
    limit_file_size(10); /* the write is cut short in the middle of a line */
    add(recorder, "second");
    struct error err = {0};
    assert_int_equal(recorder_flush(recorder, &err), STATUS_FULL);
    assert_non_null(strstr(err.message, "set"));
    assert_string_equal(text_of("set"), "first\n");
    add(recorder, "third");
    assert_int_equal(recorder_flush(recorder, &err), STATUS_FULL);
    limit_file_size(RLIM_INFINITY);
    flush(recorder);
    assert_string_equal(text_of("set"), "first\nsecond\nthird\n");
    recorder_close(recorder);
}

/* The first file of a flush fits, the second does not. */
static void what_was_written_before_the_room_ran_out_is_not_written_again(void **state)
{
    (void)state;
    struct recorder *recorder = open_recorder(6);
    add(recorder, "aaaaa");
    add(recorder, "a longer line");
    limit_file_size(10);
    assert_int_equal(recorder_flush(recorder, NULL), STATUS_FULL);
    limit_file_size(RLIM_INFINITY);
    flush(recorder);
    recorder_close(recorder);
    assert_string_equal(text_of("set.1"), "aaaaa\n");
    assert_string_equal(text_of("set"), "a longer line\n");
}

static void a_file_that_cannot_be_written_ends_the_process(void **state)
{
    (void)state;
    struct record_file file;
    struct error err = {0};
    assert_int_equal(record_file_open(&file, path_of("set"), &err), STATUS_OK);
    const int read_only = open(path_of("set"), O_RDONLY | O_CLOEXEC);
    assert_true(read_only >= 0);
    assert_int_equal(dup2(read_only, file.file), file.file);
    assert_int_equal(close(read_only), 0);
    assert_int_equal(record_file_append(&file, slice_of("a\n", 2), &err), STATUS_IO);
    record_file_close(&file);
}

/* --- memory ---------------------------------------------------------------------------------- */

static enum status try_recording(void)
{
    struct recorder *recorder = NULL;
    enum status status = recorder_open(&recorder, path_of("set"), 8, NULL);
    if (status == STATUS_OK)
        status = recorder_add(recorder, slice_of_text("{\n}"), NULL);
    if (status == STATUS_OK)
        status = recorder_add(recorder, slice_of_text("second"), NULL);
    if (status == STATUS_OK)
        status = recorder_flush(recorder, NULL);
    recorder_close(recorder);
    return status;
}

static void recording_survives_every_failed_allocation(void **state)
{
    (void)state;
    const size_t before = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        mem_fail_at(nth);
        status = try_recording();
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), before);
        assert_in_range(nth, 0, 100); /* the sweep must end */
    }
    assert_string_equal(text_of("set.1"), "ewp9\n");
    assert_string_equal(text_of("set"), "second\n");
}

#define RECORD_TEST(name) cmocka_unit_test_teardown(name, remove_files)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORD_TEST(bodies_become_lines),
        RECORD_TEST(a_recorded_set_is_the_same_messages),
        RECORD_TEST(the_file_is_its_owners_alone),
        RECORD_TEST(what_was_not_flushed_is_not_there),
        RECORD_TEST(a_later_run_appends),
        RECORD_TEST(the_half_line_of_a_crash_is_cut_off),
        RECORD_TEST(a_long_half_line_is_cut_off),
        RECORD_TEST(a_file_that_is_no_recorded_set_is_left_alone),
        RECORD_TEST(links_pipes_and_folders_are_refused),
        RECORD_TEST(two_recorders_do_not_share_a_file),
        RECORD_TEST(a_file_moved_away_is_followed_by_a_new_one),
        RECORD_TEST(full_files_take_numbers_in_order),
        RECORD_TEST(one_flush_may_fill_several_files),
        RECORD_TEST(what_exists_is_never_overwritten),
        RECORD_TEST(without_room_bodies_wait_in_memory),
        RECORD_TEST(what_was_written_before_the_room_ran_out_is_not_written_again),
        RECORD_TEST(a_file_that_cannot_be_written_ends_the_process),
        RECORD_TEST(recording_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
