/*
 * terminal.c - see terminal.h.
 *
 * (1) SIGWINCH, SIGTSTP and SIGCONT are blocked but while waiting (ppoll), so that none
 *     comes between looking at what they said and waiting.
 * (2) A stop (Ctrl-Z) is done by hand: the terminal is given back, the default action is put in
 *     place and the signal sent again; what follows runs when the shell continues the process.
 * (3) Modes are set so that output is not held back by what was typed (TCSANOW), and flow control
 *     (Ctrl-S) is off: a screen that hangs could not be ended.
 */
#include "query/terminal/terminal.h"

#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Alternate screen, cursor hidden, lines not wrapped; and back, colours included. */
#define ENTER_SEQUENCE "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
#define LEAVE_SEQUENCE "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"

#define ESCAPE 0x1b

static struct {
    volatile sig_atomic_t entered;
    volatile sig_atomic_t has_modes; /* `modes` are those of standard input before */
    struct termios modes;
    sigset_t waiting; /* the signals blocked while waiting */
} terminal;

static volatile sig_atomic_t resized, stopped, continued;

static void on_signal(int signal_number)
{
    if (signal_number == SIGWINCH)
        resized = 1;
    else if (signal_number == SIGTSTP)
        stopped = 1;
    else
        continued = 1;
}

static void handle(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(signal_number, &action, NULL);
}

static void write_rescue(const char *bytes, size_t len)
{
    const ssize_t written = write(STDOUT_FILENO, bytes, len);
    (void)written; // nothing is left to be done about it
}

static void enter(void)
{
    if (terminal.has_modes) {
        struct termios modes = terminal.modes;
        modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        modes.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
        modes.c_cc[VMIN] = 1;
        modes.c_cc[VTIME] = 0;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    }
    terminal.entered = 1;
    write_rescue(ENTER_SEQUENCE, sizeof ENTER_SEQUENCE - 1);
}

/* All that is safe in a signal handler. */
static void leave(void)
{
    if (!terminal.entered)
        return;
    terminal.entered = 0;
    write_rescue(LEAVE_SEQUENCE, sizeof LEAVE_SEQUENCE - 1);
    if (terminal.has_modes)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal.modes);
}

void terminal_rescue(void)
{
    leave();
}

static void block_waiting(int how, sigset_t *before)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGWINCH);
    (void)sigaddset(&set, SIGTSTP);
    (void)sigaddset(&set, SIGCONT);
    (void)sigprocmask(how, &set, before);
}

enum status terminal_open(struct error *err)
{
    if (!isatty(STDOUT_FILENO))
        return error_set(err, STATUS_INPUT, "standard output is no terminal");
    terminal.has_modes =
        isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &terminal.modes) == 0 ? 1 : 0;
    signals_install();
    block_waiting(SIG_BLOCK, &terminal.waiting);
    (void)sigdelset(&terminal.waiting, SIGWINCH);
    (void)sigdelset(&terminal.waiting, SIGTSTP);
    (void)sigdelset(&terminal.waiting, SIGCONT);
    handle(SIGWINCH, on_signal);
    handle(SIGTSTP, on_signal);
    handle(SIGCONT, on_signal);
    enter();
    return STATUS_OK;
}

void terminal_close(void)
{
    if (!terminal.entered)
        return;
    leave();
    handle(SIGWINCH, SIG_DFL);
    handle(SIGTSTP, SIG_DFL);
    handle(SIGCONT, SIG_DFL);
    block_waiting(SIG_UNBLOCK, NULL);
}

/* Returns when the process is continued. */
static void stop(void)
{
    leave();
    handle(SIGTSTP, SIG_DFL);
    sigset_t only;
    (void)sigemptyset(&only);
    (void)sigaddset(&only, SIGTSTP);
    (void)raise(SIGTSTP);
    (void)sigprocmask(SIG_UNBLOCK, &only, NULL); // here it stops
    (void)sigprocmask(SIG_BLOCK, &only, NULL);
    handle(SIGTSTP, on_signal);
    enter();
}

/* A key that is one byte; 0: it was a sequence. False: nobody is there any more. */
static bool read_key(char *key)
{
    char bytes[64];
    const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        *key = 0;
        return true;
    }
    if (got <= 0)
        return false;
    *key = 0;
    if (bytes[0] != ESCAPE)
        *key = bytes[0];
    return true;
}

/* What signals said; false if they said nothing. */
static bool take_signals(void)
{
    if (stopped) {
        stopped = 0;
        stop();
        continued = 0;
        resized = 0;
        return true;
    }
    if (continued) { // after a stop that could not be handled
        continued = 0;
        enter();
        return true;
    }
    const bool was_resized = resized;
    resized = 0;
    return was_resized;
}

enum terminal_event terminal_wait(int wait_ms, char *key)
{
    struct pollfd files[] = {{.fd = signals_fd(), .events = POLLIN},
                             {.fd = terminal.has_modes ? STDIN_FILENO : -1, .events = POLLIN}};
    const struct timespec wait = {.tv_sec = wait_ms / 1000,
                                  .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    if (signals_received() != 0)
        return TERMINAL_END;
    if (take_signals())
        return TERMINAL_RESIZED;
    const int ready = ppoll(files, 2, &wait, &terminal.waiting);
    if (signals_received() != 0)
        return TERMINAL_END;
    if (take_signals())
        return TERMINAL_RESIZED;
    if (ready <= 0)
        return TERMINAL_TIME;
    if (files[1].revents == 0)
        return TERMINAL_TIME;
    if (!read_key(key))
        return TERMINAL_END;
    return *key != 0 ? TERMINAL_KEY : TERMINAL_TIME;
}

bool terminal_write(struct slice bytes)
{
    for (size_t done = 0; done < bytes.len;) {
        const ssize_t written = write(STDOUT_FILENO, bytes.data + done, bytes.len - done);
        if (written >= 0)
            done += (size_t)written;
        else if (errno != EINTR || signals_received() != 0)
            return false;
    }
    return true;
}
