/*
 * options_read.c - from settings to what the program is to do, and what does not go together.
 *
 * Queues that a file or the environment names are used only when the command line asks for
 * nothing else: "mnsdb-ingest set.ndjson" means the same on a machine with a configured queue.
 */
#include "ingest/config/options.h"

#include "engine/base/mem.h"
#include "ingest/config/config_internal.h"

#include <string.h>
#include <unistd.h>

static bool on_line(const struct config *config, enum setting_id id)
{
    return config->values[id].layer == CONFIG_COMMAND_LINE;
}

/* --- what does not go together --------------------------------------------------------------- */

/* True if the command line asks for something that has nothing to do with a queue. */
static bool has_other_work(const struct ingest_options *ingest)
{
    return ingest->file_count > 0 || ingest->settle || ingest->retry_rejects;
}

static enum status check_other_work(const struct config *config, const char *what,
                                    struct error *err)
{
    if (on_line(config, SETTING_QUEUE))
        return error_set(err, STATUS_INPUT,
                         "%s and --queue do not go together: run one after the other", what);
    // Nothing would be received, but the files would be stored.
    if (config_is_on(config, SETTING_DRY_RUN) && !on_line(config, SETTING_DRY_RUN))
        return error_set(err, STATUS_CONFIG,
                         "dry-run (%s) is about queues, and %s would really be done: take it away",
                         config->values[SETTING_DRY_RUN].texts[0].origin, what);
    return STATUS_OK;
}

static enum status check_without_queue(const struct ingest_options *ingest,
                                       const struct config *config, struct error *err)
{
    const char *what = ingest->file_count > 0  ? "a FILE"
                       : ingest->settle        ? "--settle"
                       : ingest->retry_rejects ? "--retry-rejects"
                                               : NULL;
    if (what)
        TRY(check_other_work(config, what, err));
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        if (!setting_specs[i].of_queue || !on_line(config, (enum setting_id)i))
            continue;
        if (what)
            return error_set(err, STATUS_INPUT,
                             "--%s is about queues, and does not go with %s: leave one out",
                             setting_specs[i].name, what);
        return error_set(err, STATUS_INPUT,
                         "--%s needs a queue: add --queue URL, or set MNS_QUEUE_URL",
                         setting_specs[i].name);
    }
    return STATUS_OK;
}

static enum status check_queue_options(const struct config *config, struct error *err)
{
    static const enum setting_id not_of_status[] = {SETTING_ONCE, SETTING_DRY_RUN, SETTING_PRINT,
                                                    SETTING_RECORD};
    for (size_t i = 0; i < sizeof not_of_status / sizeof *not_of_status; i++) {
        if (on_line(config, SETTING_QUEUE_STATUS) && on_line(config, not_of_status[i]))
            return error_set(err, STATUS_INPUT, "--queue-status receives nothing: leave --%s out",
                             setting_specs[not_of_status[i]].name);
    }
    if (on_line(config, SETTING_RECORD_MAX_SIZE) && !config_text(config, SETTING_RECORD))
        return error_set(err, STATUS_INPUT, "--record-max-size needs --record FILE");
    if (on_line(config, SETTING_CREDENTIALS_FILE) && on_line(config, SETTING_ECS_ROLE))
        return error_set(err, STATUS_INPUT,
                         "--credentials-file and --ecs-role are two places for one key: give one");
    return STATUS_OK;
}

/* --- addresses of queues --------------------------------------------------------------------- */

static enum status check_url(const struct config *config, const struct wire_url *url,
                             struct error *err)
{
    if (url->queue[0] == '\0')
        return error_set(err, STATUS_CONFIG, "names no queue: it ends with /queues/NAME");
    if (!url->is_https && !url->is_loopback && !config_is_on(config, SETTING_INSECURE_HTTP))
        return error_set(err, STATUS_CONFIG,
                         "refused: everybody on the way to %s can read http://; use https://, or "
                         "say --insecure-http",
                         url->host);
    return STATUS_OK;
}

static enum status add_queue(struct queue_options *queue, const struct config *config, size_t index,
                             struct error *err)
{
    const struct config_value *value = &config->values[SETTING_QUEUE];
    struct wire_url *url = &queue->urls[queue->url_count];
    // A text that is no address is a mistake of its place.
    if (wire_url_parse(url, value->texts[index].text, err) != STATUS_OK)
        return config_blame(config, SETTING_QUEUE, index, err);
    enum status status = check_url(config, url, err);
    for (size_t i = 0; status == STATUS_OK && i < queue->url_count; i++) {
        if (strcmp(queue->urls[i].base, url->base) == 0 &&
            strcmp(queue->urls[i].queue, url->queue) == 0)
            status =
                error_set(err, STATUS_CONFIG, "%s/queues/%s is given twice", url->base, url->queue);
    }
    if (status != STATUS_OK) {
        // A refusal is one of configuration wherever the address comes from.
        (void)config_blame(config, SETTING_QUEUE, index, err);
        if (err)
            err->status = STATUS_CONFIG;
        return status;
    }
    queue->url_count++;
    return STATUS_OK;
}

/* --- filling --------------------------------------------------------------------------------- */

static uint64_t number_of(const struct config *config, enum setting_id id)
{
    return config->values[id].number;
}

static enum log_format format_of(const struct config *config)
{
    if (config_text(config, SETTING_LOG_FORMAT))
        return (enum log_format)number_of(config, SETTING_LOG_FORMAT);
    return isatty(STDERR_FILENO) ? LOG_FORMAT_TEXT : LOG_FORMAT_LOGFMT;
}

static void fill_queue(struct queue_options *queue, const struct config *config)
{
    queue->credentials = (struct credentials_config){
        .file = config_text(config, SETTING_CREDENTIALS_FILE),
        .profile = config_text(config, SETTING_CREDENTIALS_PROFILE),
        .role = config_text(config, SETTING_ECS_ROLE),
        .metadata_url = config_text(config, SETTING_METADATA_URL),
        .metadata_v2_only = config_is_on(config, SETTING_METADATA_V2_ONLY),
    };
    queue->ca_file = config_text(config, SETTING_CA_FILE);
    queue->once = config_is_on(config, SETTING_ONCE);
    queue->dry_run = config_is_on(config, SETTING_DRY_RUN);
    queue->print = config_is_on(config, SETTING_PRINT);
    queue->status = config_is_on(config, SETTING_QUEUE_STATUS);
    queue->record_path = config_text(config, SETTING_RECORD);
    queue->record_bytes_max = number_of(config, SETTING_RECORD_MAX_SIZE);
    queue->receives_max = (unsigned)number_of(config, SETTING_RECEIVES);
    queue->wait_s = (unsigned)(number_of(config, SETTING_WAIT) / 1000);
    queue->window_ms = (int64_t)number_of(config, SETTING_COMMIT_WINDOW);
    queue->delivery_messages = (unsigned)number_of(config, SETTING_COMMIT_MESSAGES);
    queue->in_flight_max = (unsigned)number_of(config, SETTING_IN_FLIGHT);
    queue->drain_ms = (int64_t)number_of(config, SETTING_DRAIN);
    queue->listen = config_text(config, SETTING_LISTEN);
    queue->log_level = (enum log_level)number_of(config, SETTING_LOG_LEVEL);
    queue->log_format = format_of(config);
}

static void fill(struct ingest_options *ingest, const struct options *options,
                 const struct config *config)
{
    ingest->store_dir = config_text(config, SETTING_DB);
    ingest->files = options->operands;
    ingest->file_count = options->operand_count;
    ingest->payload_tz = config_text(config, SETTING_PAYLOAD_TZ);
    ingest->time_field = config_text(config, SETTING_TIME_FIELD);
    ingest->retry_rejects = config_is_on(config, SETTING_RETRY_REJECTS);
    ingest->settle = config_is_on(config, SETTING_SETTLE);
    ingest->summary_json = config_text(config, SETTING_SUMMARY) != NULL;
    ingest->progress =
        !config_is_on(config, SETTING_NO_PROGRESS) && !options_given(options, "quiet");
    ingest->threads = (unsigned)number_of(config, SETTING_THREADS);
    ingest->check_config = config_is_on(config, SETTING_CHECK_CONFIG);
    fill_queue(&ingest->queue, config);
}

static enum status add_queues(struct ingest_options *ingest, const struct config *config,
                              struct error *err)
{
    const struct config_value *queues = &config->values[SETTING_QUEUE];
    if (queues->count == 0 || has_other_work(ingest))
        return ingest->check_config ? STATUS_OK : check_without_queue(ingest, config, err);
    TRY(check_queue_options(config, err));
    for (size_t i = 0; i < queues->count; i++)
        TRY(add_queue(&ingest->queue, config, i, err));
    return STATUS_OK;
}

static enum status read_all(struct ingest_options *ingest, const struct options *options,
                            struct error *err)
{
    struct config_places places;
    OWNED(arena_release) struct arena arena = {0};
    TRY(config_places_find(&places, &arena, err));
    TRY(config_load(ingest->config, options, &places, err));
    fill(ingest, options, ingest->config);
    TRY(add_queues(ingest, ingest->config, err));
    if (!has_other_work(ingest) && ingest->queue.url_count == 0 && !ingest->check_config)
        return error_set(err, STATUS_INPUT,
                         "nothing to do: name a FILE to take in ('-' is standard input), or give "
                         "--queue, --settle or --retry-rejects");
    config_warn_of_variables();
    return STATUS_OK;
}

enum status ingest_options_read(struct ingest_options *ingest, const struct options *options,
                                struct error *err)
{
    *ingest = (struct ingest_options){.config = mem_alloc_zeroed(1, sizeof *ingest->config)};
    if (!ingest->config)
        return error_set(err, STATUS_NOMEM, "no memory for the settings");
    const enum status status = read_all(ingest, options, err);
    if (status != STATUS_OK)
        ingest_options_release(ingest);
    return status;
}

void ingest_options_release(struct ingest_options *ingest)
{
    if (ingest->config)
        config_release(ingest->config);
    mem_free(ingest->config);
    *ingest = (struct ingest_options){0};
}

enum status ingest_options_log_level(const struct ingest_options *ingest, enum log_level *level,
                                     struct error *err)
{
    struct config_places places;
    OWNED(arena_release) struct arena arena = {0};
    TRY(config_places_find(&places, &arena, err));
    OWNED(config_release) struct config config = {0};
    TRY(config_load(&config, ingest->config->options, &places, err));
    *level = (enum log_level)number_of(&config, SETTING_LOG_LEVEL);
    return STATUS_OK;
}
