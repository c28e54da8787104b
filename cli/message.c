/*
 * message.c - see message.h.
 *
 * A line is put together in one buffer and written with one fwrite, so that lines of
 * several threads do not mix. Lines over MESSAGE_BYTES_MAX are cut.
 */
#include "cli/message.h"

#include "cli/escape.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_BYTES_MAX 2048u

static const char *program_name = "mnsdb";
static enum verbosity verbosity_now = VERBOSITY_NORMAL;
static atomic_bool bar_is_shown;
static int stdout_lost_reason; /* errno of the write that failed; 0: not known */

/* Back to the line's start, and wipe it. */
static const char wipe_line[] = "\r\033[K";

void message_setup(const char *program, enum verbosity verbosity)
{
    program_name = program;
    verbosity_now = verbosity;
}

enum verbosity message_verbosity(void)
{
    return verbosity_now;
}

void message_bar_shown(void)
{
    atomic_store(&bar_is_shown, true);
}

void message_bar_clear(void)
{
    if (atomic_exchange(&bar_is_shown, false))
        (void)fwrite(wipe_line, 1, sizeof wipe_line - 1, stderr);
}

PRINTF_LIKE(2, 0) static void write_line(const char *kind, const char *format, va_list args)
{
    char text[MESSAGE_BYTES_MAX];
    if (vsnprintf(text, sizeof text, format, args) < 0)
        return;

    char escaped[ESCAPE_BYTES(MESSAGE_BYTES_MAX)];
    (void)escape_text(slice_of_text(text), escaped, sizeof escaped);

    char line[sizeof escaped + 256];
    const char *wipe = atomic_exchange(&bar_is_shown, false) ? wipe_line : "";
    const int len =
        kind ? snprintf(line, sizeof line, "%s%s: %s%s\n", wipe, program_name, kind, escaped)
             : snprintf(line, sizeof line, "%s%s\n", wipe, escaped);
    if (len > 0)
        (void)fwrite(line, 1, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1, stderr);
}

void message_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line("", format, args);
    va_end(args);
}

void message_warning(const char *format, ...)
{
    if (verbosity_now < VERBOSITY_NORMAL)
        return;
    va_list args;
    va_start(args, format);
    write_line("warning: ", format, args);
    va_end(args);
}

void message_note(const char *format, ...)
{
    if (verbosity_now < VERBOSITY_NORMAL)
        return;
    va_list args;
    va_start(args, format);
    write_line(NULL, format, args);
    va_end(args);
}

void message_detail(const char *format, ...)
{
    if (verbosity_now < VERBOSITY_DETAIL)
        return;
    va_list args;
    va_start(args, format);
    write_line("", format, args);
    va_end(args);
}

enum exit_code message_failure(const struct error *err)
{
    message_error("%s", err->message[0] != '\0' ? err->message : status_text(err->status));
    return exit_code_of(err->status);
}

void message_ignore_sigpipe(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
}

void message_stdout_lost(int reason)
{
    stdout_lost_reason = reason;
}

bool message_stdout_failed(void)
{
    return ferror(stdout) != 0;
}

/* stdio forgets why a write failed; a pipe without a reader still says so. */
static bool stdout_reader_is_gone(void)
{
    struct pollfd pipe_end = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&pipe_end, 1, 0) == 1 && (pipe_end.revents & (POLLERR | POLLHUP)) != 0;
}

enum exit_code message_stdout_finish(enum exit_code code)
{
    const bool failed_before = ferror(stdout) != 0;
    errno = 0;
    const bool flush_failed = fflush(stdout) != 0;
    int reason = flush_failed ? errno : failed_before ? stdout_lost_reason : 0;
    const bool reader_is_gone = reason == EPIPE || stdout_reader_is_gone();

    // Nothing written to a stdout that was never open is no failure: only what was lost counts.
    errno = 0;
    const bool close_failed = fclose(stdout) != 0 && errno != EBADF;
    if (close_failed && reason == 0)
        reason = errno;

    if ((!failed_before && !flush_failed && !close_failed) || reader_is_gone)
        return code;
    if (reason != 0)
        message_error("cannot write to standard output: %s", strerror(reason));
    else
        message_error("cannot write to standard output");
    return code == EXIT_CODE_OK ? EXIT_CODE_PROBLEM : code;
}
