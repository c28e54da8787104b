/*
 * small_feed.c - see small_feed.h.
 */
#include "bench/scenarios/small_feed.h"

#include "bench/fleet/random.h"
#include "cli/signals.h"
#include "ingest/decode/decode.h"

#include <string.h>

struct feed {
    const struct small_feed_config *config;
    const struct small_feed_sink *sink;
    struct decoder decoder;
    struct row_batch batch;
    struct random_stream random;
    uint64_t batches;
    uint64_t messages;
    size_t wanted; /* messages of the batch under way */
};

static void choose_size(struct feed *feed)
{
    const struct small_feed_config *config = feed->config;
    feed->wanted = (size_t)config->batch_mean;
    if (config->batch_varies && config->batch_mean > SMALL_FEED_LEAST) {
        const uint64_t above = 2 * (config->batch_mean - SMALL_FEED_LEAST);
        feed->wanted = SMALL_FEED_LEAST + random_below(&feed->random, (uint32_t)above + 1);
    }
}

static enum status hand_over(struct feed *feed, struct error *err)
{
    if (feed->batch.message_count == 0)
        return STATUS_OK;
    TRY(feed->sink->take(feed->sink->context, &feed->batch, err));
    row_batch_clear(&feed->batch);
    feed->batches++;
    choose_size(feed);
    return STATUS_OK;
}

static bool is_done(const struct feed *feed)
{
    const struct small_feed_config *config = feed->config;
    return (config->batches_limit > 0 && feed->batches >= config->batches_limit) ||
           (config->messages_limit > 0 && feed->messages >= config->messages_limit);
}

static enum status take_line(struct feed *feed, struct slice line, struct error *err)
{
    TRY(decoder_decode(&feed->decoder, line, 0, &feed->batch, err));
    feed->messages++;
    return feed->batch.message_count < feed->wanted ? STATUS_OK : hand_over(feed, err);
}

static enum status take_lines(void *context, struct slice lines, bool *stop, struct error *err)
{
    struct feed *feed = context;
    if (signals_received() != 0)
        return error_set(err, STATUS_STOPPED, "stopped by a signal");
    const uint8_t *at = lines.data;
    const uint8_t *const end = at + lines.len;
    while (at < end && !is_done(feed)) {
        const uint8_t *found = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *const line_end = found ? found : end;
        TRY(take_line(feed, slice_of(at, (size_t)(line_end - at)), err));
        at = found ? found + 1 : end;
    }
    *stop = is_done(feed);
    return STATUS_OK;
}

static enum status run(struct feed *feed, const struct decoder_config *decoder, struct error *err)
{
    TRY(decoder_init(&feed->decoder, decoder, err));
    const struct fleet_output output = {.context = feed, .write = take_lines};
    struct fleet_totals totals;
    TRY(fleet_run(&feed->config->fleet, &output, &totals, err));
    return hand_over(feed, err); /* what is left */
}

enum status small_feed_run(const struct small_feed_config *config,
                           const struct small_feed_sink *sink, struct error *err)
{
    struct decoder_config decoder;
    TRY(decoder_config_init(&decoder, err));
    struct feed feed = {.config = config, .sink = sink, .random = {.counter = config->fleet.seed}};
    choose_size(&feed);
    const enum status status = run(&feed, &decoder, err);
    row_batch_release(&feed.batch);
    decoder_release(&feed.decoder);
    return status;
}
