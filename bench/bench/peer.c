/*
 * peer.c - two pipes, poll with a deadline, and an end that always comes.
 */
#include "bench/bench/peer.h"

#include "cli/clock.h"
#include "cli/signals.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMAND_BYTES_MAX ((size_t)4096)
#define READ_BYTES        ((size_t)64 << 10)
#define QUIT_REQUEST      "{\"do\":\"quit\"}"
#define PAUSE_NS          2000000
#define DESCENDANTS_MAX   256u
#define STATUS_BYTES      ((size_t)8192)

/* --- starting ------------------------------------------------------------------------------ */

/* Cuts `command` at its blanks, in place. */
static enum status cut_words(char *command, char *words[PEER_WORDS_MAX + 1], struct error *err)
{
    size_t count = 0;
    char *rest = command;
    for (;;) {
        rest += strspn(rest, " ");
        if (*rest == '\0')
            break;
        if (count == PEER_WORDS_MAX)
            return error_set(err, STATUS_INPUT, "a driver of more than %zu words", PEER_WORDS_MAX);
        words[count++] = rest;
        rest += strcspn(rest, " ");
        if (*rest != '\0')
            *rest++ = '\0';
    }
    words[count] = NULL;
    return count > 0 ? STATUS_OK : error_set(err, STATUS_INPUT, "a driver without a name");
}

/* Of a peer that was never started there is no end: 0. */
static void close_end(int *end)
{
    if (*end > 0)
        (void)close(*end);
    *end = -1;
}

static int spawn(struct peer *peer, char *const *words, int input, int output)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return code;
    code = posix_spawnattr_init(&attributes);
    if (code != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    sigset_t defaults;
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    code = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (code == 0)
        code = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (code == 0)
        code = posix_spawnp(&peer->process, words[0], &actions, &attributes, words, environ);
    if (code != 0)
        peer->process = 0;
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return code;
}

enum status peer_start(struct peer *peer, const char *command, struct error *err)
{
    *peer = (struct peer){.to = -1, .from = -1};
    char copy[COMMAND_BYTES_MAX];
    char *words[PEER_WORDS_MAX + 1];
    if (strlen(command) >= sizeof copy)
        return error_set(err, STATUS_INPUT, "a driver with too long a name");
    memcpy(copy, command, strlen(command) + 1);
    TRY(cut_words(copy, words, err));
    assert(words[0]);

    int input[2];
    int output[2];
    if (pipe2(input, O_CLOEXEC) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot make a pipe");
    if (pipe2(output, O_CLOEXEC) != 0) {
        const int pipe_errno = errno;
        close_end(&input[0]);
        close_end(&input[1]);
        return error_set_errno(err, STATUS_IO, pipe_errno, "cannot make a pipe");
    }
    const int code = spawn(peer, words, input[0], output[1]);
    close_end(&input[0]);
    close_end(&output[1]);
    peer->to = input[1];
    peer->from = output[0];
    // A driver that does not read must not hold up the one who writes.
    (void)fcntl(peer->to, F_SETFL, O_NONBLOCK);
    (void)fcntl(peer->from, F_SETFL, O_NONBLOCK);
    if (code != 0)
        return error_set_errno(err, STATUS_IO, code, "cannot start %s", words[0]);
    return STATUS_OK;
}

/* --- asking -------------------------------------------------------------------------------- */

/* Until the descriptor is ready or the deadline has passed. */
static enum status wait_ready(int file, short events, int64_t deadline_ms, struct error *err)
{
    for (;;) {
        if (signals_received() != 0)
            return error_set(err, STATUS_STOPPED, "stopped by a signal");
        const int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            return error_set(err, STATUS_INPUT, "the driver did not answer in time");
        struct pollfd ends[] = {{.fd = file, .events = events},
                                {.fd = signals_fd(), .events = POLLIN}};
        const int wait_ms = left_ms > 1000000 ? 1000000 : (int)left_ms;
        const int ready = poll(ends, sizeof ends / sizeof ends[0], wait_ms);
        if (ready < 0 && errno != EINTR)
            return error_set_errno(err, STATUS_IO, errno, "cannot wait for the driver");
        if (ready > 0 && ends[0].revents != 0)
            return STATUS_OK;
    }
}

static enum status send_bytes(const struct peer *peer, const char *bytes, size_t len,
                              int64_t deadline_ms, struct error *err)
{
    while (len > 0) {
        TRY(wait_ready(peer->to, POLLOUT, deadline_ms, err));
        const ssize_t count = write(peer->to, bytes, len);
        if (count > 0) {
            bytes += count;
            len -= (size_t)count;
        } else if (count < 0 && errno != EINTR && errno != EAGAIN) {
            return error_set_errno(err, STATUS_IO, errno, "the driver does not listen");
        }
    }
    return STATUS_OK;
}

/* The driver has closed its output: it says why, if it can be asked. */
static enum status tell_end(struct peer *peer, struct error *err)
{
    int wait_status = 0;
    // It may be about to end.
    for (int i = 0; i < 500 && waitpid(peer->process, &wait_status, WNOHANG) == 0; i++) {
        if (i == 499)
            return error_set(err, STATUS_IO, "the driver closed its output");
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    // What it started may be left: the group is ended all the same.
    (void)kill(-peer->process, SIGKILL);
    peer->process = 0;
    if (WIFSIGNALED(wait_status))
        return error_set(err, STATUS_IO, "the driver was ended by signal %d",
                         WTERMSIG(wait_status));
    return error_set(err, STATUS_IO, "the driver ended with exit code %d",
                     WEXITSTATUS(wait_status));
}

/* One line, without its end; what comes behind it breaks the protocol. */
static enum status receive_line(struct peer *peer, int64_t deadline_ms, struct slice *line,
                                struct error *err)
{
    buffer_clear(&peer->line);
    for (;;) {
        TRY(wait_ready(peer->from, POLLIN, deadline_ms, err));
        if (buffer_reserve(&peer->line, READ_BYTES) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for a driver's reply");
        const ssize_t count = read(peer->from, peer->line.data + peer->line.len, READ_BYTES);
        if (count == 0)
            return tell_end(peer, err);
        if (count < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (count < 0)
            return error_set_errno(err, STATUS_IO, errno, "cannot read from the driver");
        const uint8_t *added = peer->line.data + peer->line.len;
        peer->line.len += (size_t)count;
        const uint8_t *end = memchr(added, '\n', (size_t)count);
        if (end) {
            *line = slice_of(peer->line.data, (size_t)(end - peer->line.data));
            return end + 1 == peer->line.data + peer->line.len
                       ? STATUS_OK
                       : error_set(err, STATUS_INPUT, "the driver says more than it was asked");
        }
        if (peer->line.len > PEER_REPLY_BYTES_MAX)
            return error_set(err, STATUS_INPUT, "the driver's reply is longer than %zu bytes",
                             PEER_REPLY_BYTES_MAX);
    }
}

static enum status exchange(struct peer *peer, const char *request, int timeout_ms,
                            struct slice *line, struct error *err)
{
    const int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    TRY(send_bytes(peer, request, strlen(request), deadline_ms, err));
    TRY(send_bytes(peer, "\n", 1, deadline_ms, err));
    return receive_line(peer, deadline_ms, line, err);
}

enum status peer_ask(struct peer *peer, const char *request, int timeout_ms,
                     const struct json_node **reply, struct error *err)
{
    assert(!strchr(request, '\n'));
    *reply = NULL;
    if (peer->broken || peer->process == 0)
        return error_set(err, STATUS_IO, "the driver is not there any more");
    struct slice line = {0};
    arena_reset(&peer->arena);
    const enum status status = exchange(peer, request, timeout_ms, &line, err);
    if (status != STATUS_OK) {
        peer->broken = true;
        return status;
    }
    return peer_reply_parse(line, &peer->arena, reply, err);
}

/* --- memory -------------------------------------------------------------------------------- */

static size_t read_proc(pid_t process, const char *name, char text[STATUS_BYTES])
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)process, name);
    text[0] = '\0';
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    const ssize_t count = read(file, text, STATUS_BYTES - 1);
    (void)close(file);
    text[count > 0 ? count : 0] = '\0';
    return count > 0 ? (size_t)count : 0;
}

static uint64_t process_peak_bytes(pid_t process)
{
    char text[STATUS_BYTES];
    if (read_proc(process, "status", text) == 0)
        return 0;
    const char *line = strstr(text, "\nVmHWM:");
    return line ? (uint64_t)strtoull(line + strlen("\nVmHWM:"), NULL, 10) * 1024 : 0;
}

/* Appends the processes that the main thread of `process` started. */
static void add_children(pid_t process, pid_t found[DESCENDANTS_MAX], size_t *count)
{
    char name[48];
    char text[STATUS_BYTES];
    (void)snprintf(name, sizeof name, "task/%d/children", (int)process);
    (void)read_proc(process, name, text);
    const char *rest = text;
    while (*count < DESCENDANTS_MAX) {
        char *end = NULL;
        const long child = strtol(rest, &end, 10);
        if (end == rest || child <= 0)
            return;
        found[(*count)++] = (pid_t)child;
        rest = end;
    }
}

uint64_t peer_peak_bytes(const struct peer *peer)
{
    if (peer->process == 0)
        return 0;
    pid_t found[DESCENDANTS_MAX] = {peer->process};
    size_t count = 1;
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += process_peak_bytes(found[i]);
        add_children(found[i], found, &count);
    }
    return bytes;
}

/* --- the end ------------------------------------------------------------------------------- */

/* Whether the process has ended by then. */
static bool wait_for_end(pid_t process, int64_t deadline_ms)
{
    for (;;) {
        if (waitpid(process, NULL, WNOHANG) != 0)
            return true;
        if (clock_monotonic_ms() >= deadline_ms)
            return false;
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
}

static void end_process(struct peer *peer)
{
    const pid_t process = peer->process;
    int64_t deadline_ms = clock_monotonic_ms() + PEER_STOP_WAIT_MS;
    bool ended = false;
    if (!peer->broken) {
        (void)!write(peer->to, QUIT_REQUEST "\n", strlen(QUIT_REQUEST "\n"));
        close_end(&peer->to); /* the end of input means the same */
        ended = wait_for_end(process, deadline_ms);
    }
    if (!ended) {
        (void)kill(process, SIGTERM);
        deadline_ms = clock_monotonic_ms() + PEER_STOP_WAIT_MS / 4;
        ended = wait_for_end(process, deadline_ms);
    }
    (void)kill(-process, SIGKILL);
    if (!ended)
        (void)waitpid(process, NULL, 0);
    peer->process = 0;
}

void peer_stop(struct peer *peer)
{
    if (peer->process != 0)
        end_process(peer);
    close_end(&peer->to);
    close_end(&peer->from);
    buffer_release(&peer->line);
    arena_release(&peer->arena);
    *peer = (struct peer){.to = -1, .from = -1};
}
