/*
 * line_output.c - see line_output.h: a stdio stream of our own (fopencookie) over a descriptor.
 */
#include "query/follow/line_output.h"

#include "cli/clock.h"
#include "cli/signals.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

/* Of a pipe that takes anything at all: so much is taken without blocking. */
#define PIECE_BYTES ((size_t)PIPE_BUF)

/* Waits for room; false if a signal came or waiting fails. */
static bool wait_for_room(const struct line_output *output)
{
    struct pollfd files[] = {{.fd = output->file, .events = POLLOUT},
                             {.fd = signals_fd(), .events = POLLIN}};
    while (signals_received() == 0) {
        const int ready = poll(files, 2, -1);
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready > 0 && files[0].revents != 0)
            return true;
    }
    errno = 0;
    return false;
}

static ssize_t write_cookie(void *cookie, const char *bytes, size_t len)
{
    struct line_output *output = cookie;
    for (size_t done = 0; done < len;) {
        const size_t left = len - done;
        if (!wait_for_room(output)) {
            output->failure = errno;
            return 0;
        }
        const ssize_t written =
            write(output->file, bytes + done, left < PIECE_BYTES ? left : PIECE_BYTES);
        if (written >= 0) {
            done += (size_t)written;
        } else if (errno != EINTR && errno != EAGAIN) {
            output->failure = errno;
            return 0;
        }
    }
    return (ssize_t)len;
}

enum status line_output_open(struct line_output *output, int file, struct error *err)
{
    *output = (struct line_output){.file = file};
    output->out = fopencookie(output, "w", (cookie_io_functions_t){.write = write_cookie});
    return output->out ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory for the output");
}

void line_output_close(struct line_output *output)
{
    if (output->out)
        (void)fclose(output->out);
    output->out = NULL;
}

enum line_wait line_output_wait(const struct line_output *output, int wait_ms)
{
    const int64_t until_ms = clock_monotonic_ms() + wait_ms;
    for (;;) {
        const int64_t left_ms = until_ms - clock_monotonic_ms();
        if (signals_received() != 0)
            return LINE_WAIT_SIGNAL;
        if (left_ms <= 0)
            return LINE_WAIT_OVER;
        struct pollfd files[] = {{.fd = output->file}, {.fd = signals_fd(), .events = POLLIN}};
        const int ready = poll(files, 2, (int)left_ms);
        if (ready > 0 && (files[0].revents & (POLLERR | POLLHUP)) != 0)
            return LINE_WAIT_CLOSED;
    }
}
