/*
 * feed.c - lines to the sender, held back as the clock demands.
 *
 * At a rate lines go in groups, evenly spaced: single messages where the rate is low, full batches
 * where it is high. Whoever fell behind catches up.
 */
#include "bench/fleet/feed.h"

#include <assert.h>

#define GROUPS_PER_S 100u /* at least; more where a group would not fit a batch */
#define GRAIN_MS     10   /* of simulated time */
#define MS_PER_S     1000u

static int64_t now_ms(const struct feed *feed)
{
    return feed->clock.monotonic_ms(feed->clock.context);
}

static uint64_t group_of(uint64_t rate)
{
    const uint64_t group = rate / GROUPS_PER_S;
    if (group < 1)
        return 1;
    return group < WIRE_BATCH_MAX ? group : WIRE_BATCH_MAX;
}

/* Waits until the next line may go. */
static enum status hold_to_rate(struct feed *feed, struct error *err)
{
    if (feed->begin_ms == 0)
        feed->begin_ms = now_ms(feed);
    if (feed->rate == 0 || feed->line_count % group_of(feed->rate) != 0)
        return STATUS_OK;
    TRY(sender_flush(feed->sender, err));
    const uint64_t due_ms = feed->line_count / feed->rate * MS_PER_S +
                            feed->line_count % feed->rate * MS_PER_S / feed->rate;
    const int64_t at_ms = feed->begin_ms + (int64_t)due_ms;
    return at_ms > now_ms(feed) ? sender_wait(feed->sender, at_ms, err) : STATUS_OK;
}

static enum status stop_if_stopped(enum status status, bool *stop)
{
    *stop = status == STATUS_STOPPED;
    return *stop ? STATUS_OK : status;
}

static enum status send_line(struct feed *feed, struct slice line, struct error *err)
{
    TRY(hold_to_rate(feed, err));
    TRY(sender_add(feed->sender, line, err));
    feed->line_count++;
    return STATUS_OK;
}

static enum status feed_write(void *context, struct slice lines, bool *stop, struct error *err)
{
    struct feed *feed = context;
    enum status status = STATUS_OK;
    while (lines.len > 0 && status == STATUS_OK) {
        const uint8_t *newline = memchr(lines.data, '\n', lines.len);
        assert(newline);
        const size_t len = (size_t)(newline - lines.data);
        status = send_line(feed, slice_of(lines.data, len), err);
        lines = slice_of(newline + 1, lines.len - len - 1);
    }
    return stop_if_stopped(status, stop);
}

static enum status feed_pace(void *context, int64_t simulated_ms, bool *stop, struct error *err)
{
    struct feed *feed = context;
    if (feed->begin_ms == 0) {
        feed->begin_ms = now_ms(feed);
        feed->begin_simulated_ms = simulated_ms;
        feed->next_simulated_ms = simulated_ms;
    }
    if (simulated_ms < feed->next_simulated_ms)
        return STATUS_OK;
    feed->next_simulated_ms = simulated_ms + GRAIN_MS;
    enum status status = sender_flush(feed->sender, err);
    if (status == STATUS_OK)
        status = sender_wait(feed->sender,
                             feed->begin_ms + (simulated_ms - feed->begin_simulated_ms), err);
    return stop_if_stopped(status, stop);
}

struct fleet_output feed_output(struct feed *feed)
{
    return (struct fleet_output){
        .context = feed, .write = feed_write, .pace = feed->is_realtime ? feed_pace : NULL};
}
