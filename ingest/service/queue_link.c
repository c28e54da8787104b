/*
 * queue_link.c - credentials, transport and queues, opened together.
 */
#include "ingest/service/service_internal.h"

#include "cli/message.h"
#include "ingest/log/log.h"

#define CONNECTIONS_MIN 32u
#define CONNECTIONS_MAX 1024u
#define DELETES_BESIDE  4u /* connections of a queue beside those of its receives */

static unsigned connections_wanted(const struct queue_options *options)
{
    const unsigned receives =
        options->receives_max > 0 ? options->receives_max : QUEUE_RECEIVES_DEFAULT;
    const size_t wanted = options->url_count * (receives + (size_t)DELETES_BESIDE);
    if (wanted < CONNECTIONS_MIN)
        return CONNECTIONS_MIN;
    return wanted < CONNECTIONS_MAX ? (unsigned)wanted : CONNECTIONS_MAX;
}

static enum status open_queue(struct queue_link *link, const struct wire_url *url,
                              struct error *err)
{
    const struct mns_config config = {
        .url = *url,
        .transport = &link->transport,
        .credentials = link->credentials,
        .clock = mns_system_clock(),
    };
    TRY(mns_open(&link->queues[link->queue_count], &config, err));
    link->queue_count++;
    return STATUS_OK;
}

enum status queue_link_open(struct queue_link *link, const struct queue_options *options,
                            struct error *err)
{
    *link = (struct queue_link){0};
    TRY(credentials_open(&link->credentials, &options->credentials, err));
    char origin[256];
    credentials_describe(link->credentials, origin);
    log_debug("credentials", LOG_TEXT("from", origin));
    const struct curl_transport_config config = {.ca_file = options->ca_file,
                                                 .connections_max = connections_wanted(options)};
    TRY(curl_transport_open(&link->transport, &config, err));
    for (size_t i = 0; i < options->url_count; i++)
        TRY(open_queue(link, &options->urls[i], err));
    return STATUS_OK;
}

void queue_link_close(struct queue_link *link)
{
    for (size_t i = 0; i < link->queue_count; i++)
        mns_close(link->queues[i]);
    transport_close(&link->transport);
    credentials_close(link->credentials);
    *link = (struct queue_link){0};
}

void service_report_failure(const struct queue_options *options, struct error *err)
{
    log_redact(err->message);
    const char *why = err->message[0] != '\0' ? err->message : status_text(err->status);
    if (options->log_format == LOG_FORMAT_TEXT)
        message_error("%s", why);
    else
        log_error("ingest failed", LOG_TEXT("why", why));
}

enum exit_code service_exit_of(enum wire_verdict verdict)
{
    return verdict == WIRE_DENIED ? EXIT_CODE_CREDENTIALS : EXIT_CODE_NETWORK;
}
