/*
 * service_parts.c - opening the parts of a service in order, and closing them in reverse.
 *
 * (1) The store comes first: a second ingest fails on its lock before it touches anything else.
 * (2) The queue source is closed before queues, transport and credentials, the monitor
 *     before the metrics it shows.
 */
#include "ingest/service/service_internal.h"

#include "ingest/log/log.h"

#include <stdio.h>
#include <string.h>

#define BACKLOG_EVERY_MS 15000

/* --- the store ------------------------------------------------------------------------------- */

/* Without a store the settings are those given. */
static enum status configure_decoder(struct service *service, struct error *err)
{
    struct decoder_config *decoder = &service->decoder;
    if (service->store)
        return settings_apply(&service->settings, service->store, decoder, err);
    TRY(civil_zone_open(&decoder->payload_zone, service->settings.payload_tz, err));
    return time_fields_parse(&decoder->time_fields, service->settings.time_field, err);
}

static enum status open_store(struct service *service, struct error *err)
{
    TRY(settings_read(&service->settings, service->options, err));
    if (!service->options->queue.dry_run) {
        TRY(store_open(&service->store, service->options->store_dir, err));
        service->pulse.kv = store_kv(service->store);
    }
    return configure_decoder(service, err);
}

static enum status open_outputs(struct service *service, struct error *err)
{
    const struct queue_options *options = &service->options->queue;
    if (options->record_path)
        TRY(recorder_open(&service->recorder, options->record_path, options->record_bytes_max,
                          err));
    return options->print ? printer_open(&service->printer, err) : STATUS_OK;
}

/* --- the endpoint ---------------------------------------------------------------------------- */

/* "127.0.0.1:0" and port 9469 give "127.0.0.1:9469"; ":0" is the loopback address. */
static void log_endpoint(const char *listen, uint16_t port)
{
    char address[128];
    const char *colon = strrchr(listen, ':');
    const int host_len = colon ? (int)(colon - listen) : 0;
    (void)snprintf(address, sizeof address, "%.*s:%u", host_len > 0 ? host_len : 9,
                   host_len > 0 ? listen : "127.0.0.1", (unsigned)port);
    log_info("the endpoint for metrics listens", LOG_TEXT("address", address));
}

static enum status open_monitor(struct service *service, struct error *err)
{
    const char *listen = service->options->queue.listen;
    if (!listen)
        return STATUS_OK;
    TRY(monitor_open(&service->monitor, listen, &service->metrics, err));
    log_endpoint(listen, monitor_port(service->monitor));
    return STATUS_OK;
}

/* --- the queues ------------------------------------------------------------------------------ */

static void name_queues(struct service *service)
{
    const struct queue_options *options = &service->options->queue;
    service->metrics.queue_count = options->url_count;
    for (size_t i = 0; i < options->url_count; i++)
        service->metrics.queues[i].name = options->urls[i].queue;
}

static enum queue_mode mode_of(const struct queue_options *options)
{
    if (!options->dry_run)
        return QUEUE_CONSUME;
    return options->print ? QUEUE_PEEK : QUEUE_DRY_RUN;
}

static enum status open_source(struct service *service, struct error *err)
{
    const struct queue_options *options = &service->options->queue;
    const struct queue_source_config config = {
        .queues = service->link.queues,
        .queue_count = service->link.queue_count,
        .transport = &service->link.transport,
        .credentials = service->link.credentials,
        .metrics = &service->metrics,
        .mode = mode_of(options),
        .once = options->once,
        .receives_max = options->receives_max,
        .wait_s = options->wait_s,
        .window_ms = options->window_ms,
        .delivery_messages = options->delivery_messages,
        .in_flight_max = options->in_flight_max,
        .backlog_every_ms = options->once ? 0 : BACKLOG_EVERY_MS,
    };
    return queue_source_open(&service->queue_source, &config, err);
}

static void stop_printing(void *context)
{
    struct service *service = context;
    control_stop(&service->control);
}

static enum status open_tap(struct service *service, struct error *err)
{
    const struct tap_config config = {
        .inner = &service->queue_source,
        .decoder = &service->decoder,
        .recorder = service->recorder,
        .printer = service->printer,
        .output = stdout,
        .metrics = &service->metrics,
        .oldest_ms = queue_source_oldest_ms,
        .printing_ended = stop_printing,
        .context = service,
    };
    return tap_open(&service->tap, &config, &service->source, err);
}

/* --- all ------------------------------------------------------------------------------------- */

enum status service_open(struct service *service, struct error *err)
{
    metrics_init(&service->metrics, mns_system_clock().utc_ms(NULL));
    name_queues(service);
    pulse_pause(&service->metrics, PAUSE_STARTING);
    service->pulse.metrics = &service->metrics;
    TRY(open_store(service, err));
    TRY(open_outputs(service, err));
    TRY(queue_link_open(&service->link, &service->options->queue, err));
    service->pulse.credentials = service->link.credentials;
    TRY(open_monitor(service, err));
    TRY(open_source(service, err));
    return open_tap(service, err);
}

void service_close(struct service *service)
{
    tap_close(&service->tap);
    if (service->queue_source.context)
        source_close(&service->queue_source);
    monitor_close(service->monitor);
    queue_link_close(&service->link);
    printer_close(service->printer);
    recorder_close(service->recorder);
    store_close(service->store);
    settings_release(&service->settings);
}
