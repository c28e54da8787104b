/*
 * child.c - fork, a pipe for the result, wait4 for what it took.
 */
#include "bench/bench/child.h"

#include "bench/bench/timing.h"
#include "cli/signals.h"
#include "engine/base/bytes.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* What comes through the pipe, followed by the result's bytes. */
struct child_letter {
    struct error err;
    int64_t elapsed_ns;
};

#define LETTER_BYTES_MAX (sizeof(struct child_letter) + CHILD_RESULT_BYTES_MAX)

static bool write_all(int pipe_end, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t count = write(pipe_end, bytes, len);
        if (count < 0 && errno != EINTR)
            return false;
        if (count > 0) {
            bytes += count;
            len -= (size_t)count;
        }
    }
    return true;
}

_Noreturn static void be_child(const struct child_job *job, int pipe_end)
{
    struct child_letter letter = {0};
    const int64_t started_ns = timing_now_ns();
    const enum status status = job->run(job->context, job->result, &letter.err);
    letter.elapsed_ns = timing_now_ns() - started_ns;
    letter.err.status = status;

    uint8_t bytes[LETTER_BYTES_MAX];
    memcpy(bytes, &letter, sizeof letter);
    memcpy(bytes + sizeof letter, job->result, job->result_bytes);
    const bool told = write_all(pipe_end, bytes, sizeof letter + job->result_bytes);
    _exit(told ? 0 : 1);
}

/* Waits until the pipe has something to read; passes on a signal, once. */
static void wait_for_pipe(int pipe_end, pid_t child, bool *passed_on)
{
    struct pollfd ends[] = {{.fd = pipe_end, .events = POLLIN},
                            {.fd = *passed_on ? -1 : signals_fd(), .events = POLLIN}};
    (void)poll(ends, sizeof ends / sizeof ends[0], -1);
    if (!*passed_on && signals_received() != 0) {
        (void)kill(child, SIGTERM);
        *passed_on = true;
    }
}

/* Reads until the child closes its end; returns the length. */
static size_t read_letter(int pipe_end, pid_t child, uint8_t bytes[LETTER_BYTES_MAX])
{
    size_t len = 0;
    bool passed_on = false;
    for (;;) {
        wait_for_pipe(pipe_end, child, &passed_on);
        const ssize_t count = read(pipe_end, bytes + len, LETTER_BYTES_MAX - len);
        if (count < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (count <= 0)
            return len;
        len += (size_t)count;
    }
}

static int64_t nanoseconds(struct timeval time)
{
    return ((int64_t)time.tv_sec * 1000000 + time.tv_usec) * 1000;
}

/* The child's end, and what it took. */
static enum status reap(pid_t child, struct child_usage *usage, struct error *err)
{
    struct rusage taken = {0};
    int wait_status = 0;
    while (wait4(child, &wait_status, 0, &taken) < 0) {
        if (errno != EINTR)
            return error_set_errno(err, STATUS_IO, errno, "cannot wait for the measured process");
    }
    usage->cpu_ns = nanoseconds(taken.ru_utime) + nanoseconds(taken.ru_stime);
    usage->peak_bytes = (uint64_t)taken.ru_maxrss * 1024;
    if (WIFSIGNALED(wait_status))
        return error_set(err, STATUS_IO, "the measured process was ended by signal %d",
                         WTERMSIG(wait_status));
    return STATUS_OK;
}

enum status child_run(const struct child_job *job, struct child_usage *usage, struct error *err)
{
    assert(job->result_bytes <= CHILD_RESULT_BYTES_MAX);
    *usage = (struct child_usage){0};
    int ends[2];
    if (pipe(ends) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot make a pipe");
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        be_child(job, ends[1]);
    }
    const int fork_errno = errno;
    (void)close(ends[1]);
    if (child < 0) {
        (void)close(ends[0]);
        return error_set_errno(err, STATUS_IO, fork_errno, "cannot start a process");
    }

    uint8_t bytes[LETTER_BYTES_MAX];
    const size_t len = read_letter(ends[0], child, bytes);
    (void)close(ends[0]);
    TRY(reap(child, usage, err));
    struct child_letter letter;
    if (len != sizeof letter + job->result_bytes)
        return error_set(err, STATUS_IO, "the measured process ended without a result");
    memcpy(&letter, bytes, sizeof letter);
    memcpy(job->result, bytes + sizeof letter, job->result_bytes);
    usage->elapsed_ns = letter.elapsed_ns;
    if (letter.err.status != STATUS_OK)
        return error_set(err, letter.err.status, "%s", letter.err.message);
    return STATUS_OK;
}
