/*
 * queue_run.c - opens what a run needs, in order, and turns failures into exit codes.
 *
 *      credentials -> transport -> mns -> (queue made or found) -> sender -> fleet -> drained
 */
#include "bench/fleet/queue_run.h"

#include "bench/fleet/feed.h"
#include "bench/fleet/line_file.h"
#include "bench/fleet/sender.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "ingest/transport/transport.h"

#include <stdio.h>

#define PREPARE_TIMEOUT_MS 10000
#define CREATE_PATIENCE_MS 15000
#define FIND_PATIENCE_MS   3000 /* a queue that is not there will not come by itself */
#define SEND_PATIENCE_MS   60000
#define DRAIN_MS           5000

struct run {
    const struct queue_run_config *config;
    struct credentials *credentials;
    struct transport transport;
    struct mns *mns;
    struct sender *sender;
    struct line_file ledger;
    struct fleet_totals totals;
    enum wire_verdict verdict; /* why the queue will not do; WIRE_DONE: it does */
    char explanation[ERROR_MESSAGE_BYTES];
};

static void run_release(struct run *run)
{
    sender_close(run->sender);
    mns_close(run->mns);
    transport_close(&run->transport);
    credentials_close(run->credentials);
    // What is left in the ledger's buffer was reported as lost already.
    (void)!line_file_close(&run->ledger, NULL);
}

/* --- the queue ------------------------------------------------------------------------------- */

/* A queue that is there already, with other attributes, will do. */
static void prepared(void *context, const struct mns_answer *answer)
{
    struct run *run = context;
    run->verdict = answer->verdict;
    if (slice_equal(answer->reply->error_code, slice_of_text("QueueAlreadyExist")))
        run->verdict = WIRE_DONE;
    (void)snprintf(run->explanation, sizeof run->explanation, "%s", answer->explanation);
}

static enum status prepare_queue(struct run *run, struct error *err)
{
    const struct queue_run_config *config = run->config;
    OWNED(wire_request_release) struct wire_request request = {0};
    const enum status built = config->create ? wire_request_create(&request, config->url.queue)
                                             : wire_request_attributes(&request, config->url.queue);
    if (built != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a request");
    const struct mns_operation operation = {
        .request = &request, .timeout_ms = PREPARE_TIMEOUT_MS, .done = prepared, .context = run};
    TRY(mns_call(run->mns, &operation, config->create ? CREATE_PATIENCE_MS : FIND_PATIENCE_MS,
                 err));
    if (run->verdict == WIRE_DONE)
        return STATUS_OK;
    return error_set(err, STATUS_IO, "%s", run->explanation);
}

static enum status connect_to_queue(struct run *run, struct error *err)
{
    const struct queue_run_config *config = run->config;
    const struct curl_transport_config transport = {.ca_file = config->ca_file,
                                                    .connections_max = config->sends_max + 1};
    TRY(credentials_open(&run->credentials, &config->credentials, err));
    TRY(curl_transport_open(&run->transport, &transport, err));
    const struct mns_config mns = {
        .url = config->url,
        .transport = &run->transport,
        .credentials = run->credentials,
        .clock = mns_system_clock(),
    };
    TRY(mns_open(&run->mns, &mns, err));
    return prepare_queue(run, err);
}

/* --- the run --------------------------------------------------------------------------------- */

static enum status write_ledger(void *context, struct slice lines, struct error *err)
{
    struct run *run = context;
    return line_file_write(&run->ledger, lines, err);
}

static enum status open_sender(struct run *run, struct error *err)
{
    const struct queue_run_config *config = run->config;
    const struct sender_config sender = {
        .mns = run->mns,
        .transport = &run->transport,
        .credentials = run->credentials,
        .sends_max = config->sends_max,
        .patience_ms = SEND_PATIENCE_MS,
        .context = run,
        .acknowledged = config->ledger ? write_ledger : NULL,
    };
    if (config->ledger)
        TRY(line_file_open(&run->ledger, config->ledger, err));
    return sender_open(&run->sender, &sender, err);
}

static enum status send_all(struct run *run, const struct fleet_config *fleet, struct error *err)
{
    struct feed feed = {
        .sender = run->sender,
        .clock = *mns_clock_of(run->mns),
        .rate = run->config->rate,
        .is_realtime = run->config->is_realtime,
    };
    const struct fleet_output output = feed_output(&feed);
    TRY(fleet_run(fleet, &output, &run->totals, err));
    return sender_finish(run->sender, DRAIN_MS, err);
}

static enum status run_steps(struct run *run, const struct fleet_config *fleet, struct error *err)
{
    TRY(connect_to_queue(run, err));
    TRY(open_sender(run, err));
    enum status status = send_all(run, fleet, err);
    if (sender_verdict(run->sender) != WIRE_DONE)
        run->verdict = sender_verdict(run->sender);
    // The ledger is whole even if the run is not.
    struct error ledger = {0};
    if (line_file_close(&run->ledger, &ledger) != STATUS_OK && status == STATUS_OK) {
        *err = ledger;
        status = ledger.status;
    }
    return status;
}

static void report(const struct run *run)
{
    if (!run->sender)
        return;
    const struct sender_totals sent = sender_totals(run->sender);
    const struct fleet_totals *totals = &run->totals;
    message_note("%llu lines sent (%llu readings, %llu status events, %llu redelivered, %llu late, "
                 "%llu broken), %llu batches tried again",
                 (unsigned long long)sent.lines, (unsigned long long)totals->readings,
                 (unsigned long long)totals->status_events, (unsigned long long)totals->duplicates,
                 (unsigned long long)totals->late, (unsigned long long)totals->hostile,
                 (unsigned long long)sent.retries);
}

enum exit_code queue_run(const struct fleet_config *fleet, const struct queue_run_config *config)
{
    struct error err = {0};
    OWNED(run_release)
    struct run run = {.config = config, .ledger = {.file = -1}, .verdict = WIRE_DONE};
    signals_install();
    const enum status status = run_steps(&run, fleet, &err);
    report(&run);
    if (status != STATUS_OK && status != STATUS_STOPPED && run.verdict != WIRE_DONE) {
        message_error("%s", err.message);
        return run.verdict == WIRE_DENIED ? EXIT_CODE_CREDENTIALS : EXIT_CODE_NETWORK;
    }
    if (status != STATUS_OK && status != STATUS_STOPPED)
        return message_failure(&err);
    return signals_received() == 0 ? EXIT_CODE_OK
                                   : EXIT_CODE_SIGNAL + (enum exit_code)signals_received();
}
