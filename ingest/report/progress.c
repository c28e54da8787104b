/*
 * progress.c - see progress.h.
 */
#include "ingest/report/progress.h"

#include "cli/clock.h"
#include "cli/human.h"
#include "cli/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAW_EVERY_MS   150
#define BAR_CELLS       24u
#define COLUMNS_DEFAULT 80u
#define SETTLED_MS      1000 /* before that, the time left would be a guess */

static size_t terminal_columns(void)
{
    struct winsize size = {0};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_DEFAULT;
    return size.ws_col;
}

void progress_begin(struct progress_bar *bar, bool wanted)
{
    const char *terminal = getenv("TERM");
    *bar = (struct progress_bar){.began_ms = clock_monotonic_ms()};
    bar->shown = wanted && isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

/* "12.3 s left", as far as the bytes done so far tell. */
static void write_left(char left[64], double share, int64_t elapsed_ms)
{
    left[0] = '\0';
    if (share <= 0 || elapsed_ms < SETTLED_MS)
        return;
    char duration[HUMAN_BYTES];
    const double left_ms = (double)elapsed_ms * (1 - share) / share;
    (void)snprintf(left, 64, "  %s left", human_duration((int64_t)left_ms, duration));
}

void progress_text(char text[PROGRESS_TEXT_BYTES], const struct pipeline_progress *progress,
                   int64_t elapsed_ms, size_t columns)
{
    char count[HUMAN_BYTES];
    char rate[HUMAN_BYTES];
    char tail[128];
    const double seconds = elapsed_ms > 0 ? (double)elapsed_ms / 1000 : 1;
    (void)snprintf(tail, sizeof tail, "%s messages  %s", human_count(progress->decoded, count),
                   human_rate((double)progress->decoded / seconds, rate));

    if (progress->source.raw_bytes_total == 0) {
        char bytes[HUMAN_BYTES];
        (void)snprintf(text, PROGRESS_TEXT_BYTES, "%s  %s", tail,
                       human_bytes(progress->source.raw_bytes, bytes));
    } else {
        double share =
            (double)progress->source.raw_bytes / (double)progress->source.raw_bytes_total;
        share = share > 1 ? 1 : share; // a file that grows meanwhile
        char left[64];
        write_left(left, share, elapsed_ms);
        char cells[BAR_CELLS + 1];
        for (size_t i = 0; i < BAR_CELLS; i++)
            cells[i] = (double)i < share * BAR_CELLS ? '#' : '.';
        cells[BAR_CELLS] = '\0';
        (void)snprintf(text, PROGRESS_TEXT_BYTES, "%3.0f %% [%s]  %s%s", share * 100, cells, tail,
                       left);
    }
    // The last column stays free: some terminals wrap when it is filled.
    if (columns > 0 && strlen(text) >= columns)
        text[columns - 1] = '\0';
}

void progress_draw(struct progress_bar *bar, const struct pipeline_progress *progress)
{
    const int64_t now_ms = clock_monotonic_ms();
    if (!bar->shown || now_ms - bar->drawn_ms < DRAW_EVERY_MS)
        return;
    bar->drawn_ms = now_ms;
    char text[PROGRESS_TEXT_BYTES];
    progress_text(text, progress, now_ms - bar->began_ms, terminal_columns());
    (void)fprintf(stderr, "\r%s\033[K", text);
    message_bar_shown();
}

void progress_end(struct progress_bar *bar)
{
    if (bar->shown)
        message_bar_clear();
    bar->shown = false;
}
