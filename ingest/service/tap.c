/*
 * tap.c - see tap.h.
 */
#include "ingest/service/tap.h"

#include "cli/clock.h"

#include <assert.h>

/* --- bodies ---------------------------------------------------------------------------------- */

static enum status record_body(struct tap *tap, struct slice body, struct error *err)
{
    struct slice kept;
    bool masked = false;
    TRY(decoder_mask_body(&tap->decoder, body, &kept, &masked, err));
    return recorder_add(tap->config.recorder, kept, err);
}

static enum status record_bodies(struct tap *tap, struct body_batch bodies, struct error *err)
{
    struct body body;
    enum status status = STATUS_OK;
    (void)pthread_mutex_lock(&tap->lock);
    while (status == STATUS_OK && body_batch_next(&bodies, &body))
        status = record_body(tap, body.bytes, err);
    (void)pthread_mutex_unlock(&tap->lock);
    return status;
}

static enum status print_bodies(struct tap *tap, struct body_batch bodies, struct error *err)
{
    struct body body;
    while (!tap->printing_failed && body_batch_next(&bodies, &body)) {
        struct slice line;
        TRY(printer_line(tap->config.printer, body.bytes, &line, err));
        tap->printing_failed = fwrite(line.data, 1, line.len, tap->config.output) != line.len;
    }
    const bool failed_before = tap->printing_failed;
    tap->printing_failed = fflush(tap->config.output) != 0 || failed_before;
    return STATUS_OK;
}

/* Printing that failed does not keep what was received from being stored. */
static enum status print_delivery(struct tap *tap, const struct body_batch *batch,
                                  struct error *err)
{
    if (tap->printing_failed)
        return STATUS_OK;
    TRY(print_bodies(tap, *batch, err));
    if (tap->printing_failed)
        tap->config.printing_ended(tap->config.context);
    return STATUS_OK;
}

/* --- deliveries ------------------------------------------------------------------------------ */

static void remember(struct tap *tap, uint64_t token)
{
    const int64_t oldest_ms = tap->config.oldest_ms(tap->config.inner, token);
    (void)pthread_mutex_lock(&tap->lock);
    if (tap->last - tap->first < TAP_PENDING_MAX)
        tap->pending[tap->last++ % TAP_PENDING_MAX] = (struct tap_delivery){token, oldest_ms};
    (void)pthread_mutex_unlock(&tap->lock);
}

/* The oldest enqueue time of what is acknowledged now; 0: not known. */
static int64_t forget(struct tap *tap, uint64_t token)
{
    int64_t oldest_ms = 0;
    (void)pthread_mutex_lock(&tap->lock);
    while (tap->first != tap->last && tap->pending[tap->first % TAP_PENDING_MAX].token <= token) {
        const int64_t time_ms = tap->pending[tap->first++ % TAP_PENDING_MAX].oldest_ms;
        if (time_ms > 0 && (oldest_ms == 0 || time_ms < oldest_ms))
            oldest_ms = time_ms;
    }
    (void)pthread_mutex_unlock(&tap->lock);
    return oldest_ms;
}

static enum status look_at(struct tap *tap, const struct body_batch *batch, struct error *err)
{
    remember(tap, batch->token);
    if (tap->config.recorder)
        TRY(record_bodies(tap, *batch, err));
    return tap->config.printer ? print_delivery(tap, batch, err) : STATUS_OK;
}

/* --- as a source ----------------------------------------------------------------------------- */

static enum status tap_next(void *context, struct body_batch *batch, enum source_event *event,
                            struct error *err)
{
    struct tap *tap = context;
    TRY(source_next(tap->config.inner, batch, event, err));
    return *event == SOURCE_BODIES ? look_at(tap, batch, err) : STATUS_OK;
}

static void tap_acknowledge(void *context, uint64_t token)
{
    struct tap *tap = context;
    const int64_t oldest_ms = forget(tap, token);
    source_acknowledge(tap->config.inner, token);
    const int64_t delay_ms = clock_utc_ms() - oldest_ms;
    if (oldest_ms > 0)
        histogram_observe(&tap->config.metrics->delay, delay_ms > 0 ? delay_ms * 1000 : 0);
}

static void tap_interrupt(void *context)
{
    const struct tap *tap = context;
    source_interrupt(tap->config.inner);
}

static struct source_progress tap_progress(const void *context)
{
    const struct tap *tap = context;
    return source_progress(tap->config.inner);
}

enum status tap_open(struct tap *tap, const struct tap_config *config, struct source *source,
                     struct error *err)
{
    *tap = (struct tap){.config = *config};
    (void)pthread_mutex_init(&tap->lock, NULL);
    if (config->recorder) {
        TRY(decoder_init(&tap->decoder, config->decoder, err));
        tap->masks = true;
    }
    *source = (struct source){
        .context = tap,
        .next = tap_next,
        .acknowledge = tap_acknowledge,
        .interrupt = tap_interrupt,
        .progress = tap_progress,
    };
    return STATUS_OK;
}

void tap_close(struct tap *tap)
{
    if (!tap->config.inner)
        return;
    if (tap->masks)
        decoder_release(&tap->decoder);
    (void)pthread_mutex_destroy(&tap->lock);
    *tap = (struct tap){0};
}

enum status tap_flush(struct tap *tap, struct error *err)
{
    if (!tap->config.recorder)
        return STATUS_OK;
    (void)pthread_mutex_lock(&tap->lock);
    const enum status status = recorder_flush(tap->config.recorder, err);
    (void)pthread_mutex_unlock(&tap->lock);
    return status;
}
