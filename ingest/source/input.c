/*
 * input.c - opening a recorded set, telling its kind, and reading plain ones.
 *
 * Files are opened non-blocking, which means nothing for regular ones and lets a
 * named pipe be waited for together with the signals' event. A regular file's kind is told
 * without moving the file's offset, and a plain one is never read through the raw window.
 */
#include "ingest/source/input_internal.h"

#include "cli/signals.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC_BYTES 4u

static bool is_standard_input(const char *path)
{
    return strcmp(path, "-") == 0;
}

uint64_t input_size(const char *path)
{
    struct stat info;
    if (is_standard_input(path) || stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return 0;
    return (uint64_t)info.st_size;
}

uint64_t input_raw_bytes(const struct input *input)
{
    return atomic_load_explicit(&input->raw_bytes, memory_order_relaxed);
}

uint64_t input_position(const struct input *input)
{
    return input_raw_bytes(input) - input->raw_len + input->raw_next;
}

/* --- reading the file ------------------------------------------------------------------------ */

/* Waits until the file can be read, or a signal or `wait_ms` ends that. */
static enum status wait_for_file(const struct input *input, int wait_ms, bool *ready,
                                 struct error *err)
{
    struct pollfd files[3] = {
        {.fd = input->file, .events = POLLIN},
        {.fd = signals_fd(), .events = POLLIN}, // poll passes over a negative one
        {.fd = input->wake_file, .events = POLLIN},
    };
    const int count = poll(files, 3, wait_ms);
    if (signals_received() != 0 || (count > 0 && files[2].revents != 0))
        return error_set(err, STATUS_STOPPED, "asked to end while waiting for %s", input->name);
    if (count < 0 && errno != EINTR)
        return error_set_errno(err, STATUS_INPUT, errno, "cannot wait for %s", input->name);
    *ready = count > 0 && files[0].revents != 0;
    return STATUS_OK;
}

enum status input_read_file(struct input *input, struct input_read *request, struct error *err)
{
    assert(request->len > 0);
    for (;;) {
        bool ready = true;
        if (input->waits)
            TRY(wait_for_file(input, request->wait_ms, &ready, err));
        const ssize_t count = ready ? read(input->file, request->to, request->len) : -1;
        if (count >= 0) {
            input->ended = count == 0;
            request->got = (size_t)count;
            request->event = count > 0 ? INPUT_BYTES : INPUT_END;
            atomic_fetch_add_explicit(&input->raw_bytes, (unsigned long long)count,
                                      memory_order_relaxed);
            return STATUS_OK;
        }
        if (ready && errno != EINTR && errno != EAGAIN)
            return error_set_errno(err, STATUS_INPUT, errno, "cannot read %s", input->name);
        if (request->wait_ms != INPUT_WAIT_FOREVER) {
            request->event = INPUT_WAITING;
            return STATUS_OK;
        }
    }
}

enum status input_refill(struct input *input, int wait_ms, enum input_event *event,
                         struct error *err)
{
    assert(input->raw_next == input->raw_len);
    input->raw_next = 0;
    input->raw_len = 0;
    if (input->ended) {
        *event = INPUT_END;
        return STATUS_OK;
    }
    struct input_read window = {.to = input->raw, .len = RAW_WINDOW_BYTES, .wait_ms = wait_ms};
    TRY(input_read_file(input, &window, err));
    input->raw_len = window.got;
    *event = window.event;
    return STATUS_OK;
}

/* --- plain sets ------------------------------------------------------------------------------ */

/* What was read to tell the kind comes first; the rest goes straight into the caller's buffer. */
static enum status plain_read(struct input *input, struct input_read *request, struct error *err)
{
    const size_t held = input->raw_len - input->raw_next;
    if (held > 0) {
        request->got = held < request->len ? held : request->len;
        memcpy(request->to, input->raw + input->raw_next, request->got);
        input->raw_next += request->got;
        request->event = INPUT_BYTES;
        return STATUS_OK;
    }
    if (!input->ended)
        return input_read_file(input, request, err);
    request->event = INPUT_END;
    return STATUS_OK;
}

static void plain_close(struct input *input)
{
    (void)input;
}

static const struct input_codec plain_codec = {.read = plain_read, .close = plain_close};

/* --- plain sets in regular files ------------------------------------------------------------- */

bool input_has_ranges(const struct input *input)
{
    return input->has_ranges;
}

uint64_t input_start(const struct input *input)
{
    return input->start;
}

enum status input_read_at(const struct input *input, uint64_t offset, uint8_t *to, size_t len,
                          size_t *got, struct error *err)
{
    *got = 0;
    ssize_t count = -1;
    do {
        count = pread(input->file, to, len, (off_t)offset);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return error_set_errno(err, STATUS_INPUT, errno, "cannot read %s", input->name);
    *got = (size_t)count;
    return STATUS_OK;
}

/* Sizes of some files mean nothing, so a byte decides at what seems to be the end. */
enum status input_has_bytes_at(const struct input *input, uint64_t offset, bool *has,
                               struct error *err)
{
    struct stat info;
    *has = fstat(input->file, &info) == 0 && offset < (uint64_t)info.st_size;
    if (*has)
        return STATUS_OK;
    uint8_t byte = 0;
    size_t got = 0;
    TRY(input_read_at(input, offset, &byte, 1, &got, err));
    *has = got > 0;
    return STATUS_OK;
}

/* --- opening --------------------------------------------------------------------------------- */

static bool is_gzip(const uint8_t *bytes, size_t len)
{
    return len >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

/* A frame, or a skippable frame: 0x184D2A50 ... 5F. */
static bool is_zstd(const uint8_t *bytes, size_t len)
{
    static const uint8_t frame[MAGIC_BYTES] = {0x28, 0xb5, 0x2f, 0xfd};
    static const uint8_t skippable[MAGIC_BYTES - 1] = {0x2a, 0x4d, 0x18};
    if (len < MAGIC_BYTES)
        return false;
    return memcmp(bytes, frame, sizeof frame) == 0 ||
           ((bytes[0] & 0xf0u) == 0x50 && memcmp(bytes + 1, skippable, sizeof skippable) == 0);
}

/* A look at the first bytes of a regular file. What cannot be read so is read the other way. */
static void look_for_ranges(struct input *input)
{
    const off_t start = input->is_borrowed ? lseek(input->file, 0, SEEK_CUR) : 0;
    if (input->waits || start < 0)
        return;
    uint8_t magic[MAGIC_BYTES];
    size_t got = 0;
    if (input_read_at(input, (uint64_t)start, magic, sizeof magic, &got, NULL) != STATUS_OK)
        return;
    input->has_ranges = !is_gzip(magic, got) && !is_zstd(magic, got);
    input->start = (uint64_t)start;
    /* As if it had been read: whoever opens it next, while ranges are read, finds nothing there. */
    if (input->has_ranges && input->is_borrowed)
        (void)lseek(input->file, 0, SEEK_END);
}

/* Reads the first bytes and chooses how to go on. */
static enum status choose_codec(struct input *input, struct error *err)
{
    look_for_ranges(input);
    if (input->has_ranges) {
        input->codec = &plain_codec;
        return STATUS_OK;
    }
    input->raw = mem_alloc(RAW_WINDOW_BYTES, 1);
    if (!input->raw)
        return error_set(err, STATUS_NOMEM, "no memory to read %s", input->name);
    while (input->raw_len < MAGIC_BYTES) {
        struct input_read first = {
            .to = input->raw + input->raw_len,
            .len = RAW_WINDOW_BYTES - input->raw_len,
            .wait_ms = INPUT_WAIT_FOREVER,
        };
        TRY(input_read_file(input, &first, err));
        if (first.event == INPUT_END)
            break;
        input->raw_len += first.got;
    }
    if (is_gzip(input->raw, input->raw_len))
        return input_gzip_open(input, err);
    if (is_zstd(input->raw, input->raw_len))
        return input_zstd_open(input, err);
    input->codec = &plain_codec;
    return STATUS_OK;
}

static enum status open_file(struct input *input, const char *path, struct error *err)
{
    input->is_borrowed = is_standard_input(path);
    input->name = input->is_borrowed ? "standard input" : path;
    input->file = input->is_borrowed ? STDIN_FILENO
                                     : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    if (input->file < 0 || fstat(input->file, &info) != 0)
        return error_set_errno(err, STATUS_INPUT, errno, "cannot open %s", input->name);
    if (S_ISDIR(info.st_mode))
        return error_set_errno(err, STATUS_INPUT, EISDIR, "cannot read %s", input->name);
    input->waits = !S_ISREG(info.st_mode);
    if (!input->waits)
        (void)posix_fadvise(input->file, 0, 0, POSIX_FADV_SEQUENTIAL);
    else
        (void)fcntl(input->file, F_SETPIPE_SZ, 1 << 20); // a pipe's default is 64 KiB
    return STATUS_OK;
}

enum status input_open(struct input **opened, const char *path, int wake_file, struct error *err)
{
    struct input *input = mem_alloc_zeroed(1, sizeof *input);
    if (!input)
        return error_set(err, STATUS_NOMEM, "no memory to read %s", path);
    input->file = -1;
    input->wake_file = wake_file;
    enum status status = open_file(input, path, err);
    if (status == STATUS_OK)
        status = choose_codec(input, err);
    if (status != STATUS_OK) {
        input_close(input);
        return status;
    }
    *opened = input;
    return STATUS_OK;
}

void input_close(struct input *input)
{
    if (!input)
        return;
    if (input->codec)
        input->codec->close(input);
    if (input->has_ranges && input->is_borrowed)
        (void)lseek(input->file, 0, SEEK_END); // as if it had been read from there
    if (input->file >= 0 && !input->is_borrowed)
        (void)close(input->file);
    mem_free(input->raw);
    mem_free(input);
}

enum status input_read(struct input *input, struct input_read *request, struct error *err)
{
    request->got = 0;
    TRY(input->codec->read(input, request, err));
    assert(request->got <= request->len);
    assert((request->got > 0) == (request->event == INPUT_BYTES));
    return STATUS_OK;
}
