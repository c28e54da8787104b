/*
 * main.c - mnsdb-fleet: writes the messages of a simulated fleet as a recorded set, or sends them
 * to a queue.
 */
#include "bench/fleet/fleet.h"
#include "bench/fleet/line_file.h"
#include "bench/fleet/queue_run.h"
#include "bench/fleet/sender.h"

#include "cli/exit_code.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/quantity.h"
#include "query/time_expression/time_expression.h"

#include <time.h>

static const struct option_spec fleet_options[] = {
    {"devices", "N", "Devices of the fleet (default 1000).", 'n', false},
    {"products", "N", "Products that the devices belong to (default 1).", 0, false},
    {"interval", "DUR", "Time between two readings of a device (default 10s).", 'i', false},
    {"jitter", "DUR", "Readings come up to this earlier or later (default 500ms).", 0, false},
    {"messages", "N", "Lines to write. Without it, --span decides.", 'm', false},
    {"span", "DUR", "Simulated time (default 1h if --messages is not given).", 's', false},
    {"start", "TIME", "Simulated time of the beginning (default 2024-01-01, UTC).", 0, false},
    {"seed", "N", "The same seed and options make the same lines (default 1).", 0, false},
};

static const struct option_spec network_options[] = {
    {"duplicates", "SHARE", "Messages delivered twice, within a minute (default 0.02).", 0, false},
    {"late", "DUR", "Late messages come up to this later (default 30s).", 0, false},
    {"late-share", "SHARE", "Messages that are late (default 0.05).", 0, false},
    {"online-time", "DUR", "Mean time that a device stays online (default 6h).", 0, false},
    {"offline-time", "DUR", "Mean time that a device stays offline (default 10m).", 0, false},
    {"timeouts", "SHARE",
     "Disconnects that the platform notices late, by timeout; the rest are clean (default 0.3).", 0,
     false},
    {"workers", "N", "Workers of the platform that give message ids (default 4).", 0, false},
};

static const struct option_spec content_options[] = {
    {"profile", "sensors|walkthrough",
     "sensors: random walks with decimals (default). walkthrough: integers as the platform "
     "walkthrough's device script sends them, temperature 10 to 29, humidity 20 to 119, topic "
     "without a leading slash.",
     0, false},
    {"decimals", "T[,H]", "Decimals of temperature and humidity, 0 to 6 (default 2,1).", 0, false},
    {"thing-model", "SHARE", "Readings sent as thing-model posts (default 0).", 0, false},
    {"hostile", "SHARE", "Readings with a broken line beside them (default 0).", 0, false},
    {"base64", NULL, "Every line is base64 of the envelope, as queues carry it.", 0, false},
    {"output", "FILE",
     "Where the lines go (default: standard output). With --queue: the same as --ledger.", 'o',
     false},
};

static const struct option_spec queue_options[] = {
    {"queue", "URL", "Send to this queue: its endpoint and /queues/NAME. Bodies are base64.", 0,
     false},
    {"create-queue", NULL, "Make the queue if it is not there.", 0, false},
    {"raw", NULL, "Bodies are the envelope's JSON itself.", 0, false},
    {"rate", "N", "Messages a second, evenly (default: as fast as it goes).", 0, false},
    {"realtime", NULL,
     "A message goes when its simulated time comes, which starts now. Without --messages and "
     "--span it runs until a signal.",
     0, false},
    {"sends", "N", "Batches in flight (default 8).", 0, false},
    {"ledger", "FILE", "Write the lines that the queue has acknowledged here, as a recorded set.",
     0, false},
    {"credentials-file", "FILE",
     "The access key, if not in ALIBABA_CLOUD_ACCESS_KEY_ID and ..._SECRET.", 0, false},
    {"credentials-profile", "NAME", "Section of the credentials file (default: default).", 0,
     false},
    {"ca-file", "FILE", "Trust these certificates (PEM) instead of the system's.", 0, false},
    {"insecure-http", NULL, "Allow http:// to other hosts than this one.", 0, false},
};

static const struct option_group fleet_group = {"Fleet", fleet_options,
                                                sizeof fleet_options / sizeof fleet_options[0]};
static const struct option_group network_group = {"Connections and delivery", network_options,
                                                  sizeof network_options /
                                                      sizeof network_options[0]};
static const struct option_group content_group = {
    "Messages", content_options, sizeof content_options / sizeof content_options[0]};
static const struct option_group queue_group = {"Queue", queue_options,
                                                sizeof queue_options / sizeof queue_options[0]};
static const struct option_group *const groups[] = {&fleet_group, &network_group, &content_group,
                                                    &queue_group, NULL};

static const struct command_spec command = {.groups = groups};

static const struct program_spec program = {
    .name = "mnsdb-fleet",
    .summary = "Writes the messages of a simulated fleet of devices, one a line.",
    .description = "The lines are a recorded message set, as mnsdb-ingest takes it:\n"
                   "  mnsdb-fleet --devices 100 --span 1d -o day.ndjson\n"
                   "  mnsdb-fleet -m 1000000 | mnsdb-ingest --db store -\n"
                   "  mnsdb-fleet --realtime --queue http://127.0.0.1:8080/queues/fleet\n"
                   "Shares are between 0 and 1; durations are written like 500ms, 10s, 6h, 1d.",
    .commands = &command,
    .command_count = 1,
};

static enum status duration_option(const struct options *options, const char *name,
                                   int64_t least_ms, int64_t *duration_ms, struct error *err)
{
    const int64_t most_ms = INT64_C(36600) * MS_PER_DAY;
    const char *text = options_text(options, name);
    if (!text)
        return STATUS_OK;
    int64_t value = 0;
    const enum status status = duration_parse(text, &value, err);
    if (status != STATUS_OK) {
        error_add_context(err, "--%s", name);
        return status;
    }
    if (value < least_ms || value > most_ms)
        return error_set(err, STATUS_INPUT, "--%s %s is out of range", name, text);
    *duration_ms = value;
    return STATUS_OK;
}

static enum status count_option(const struct options *options, const char *name, uint32_t most,
                                uint32_t *count, struct error *err)
{
    uint64_t value = *count;
    TRY(options_number(options, name, 1, most, &value, err));
    *count = (uint32_t)value;
    return STATUS_OK;
}

static enum status decimals_option(const struct options *options, struct fleet_config *config,
                                   struct error *err)
{
    const char *text = options_text(options, "decimals");
    if (!text)
        return STATUS_OK;
    const bool one = text[0] >= '0' && text[0] <= '6';
    const bool single = one && text[1] == '\0';
    const bool both = one && text[1] == ',' && text[2] >= '0' && text[2] <= '6' && text[3] == '\0';
    if (!single && !both)
        return error_set(err, STATUS_INPUT, "--decimals takes one or two digits 0 to 6, like 2,1");
    config->temperature_decimals = (uint32_t)(text[0] - '0');
    config->humidity_decimals = (uint32_t)(text[both ? 2 : 0] - '0');
    return STATUS_OK;
}

static enum status profile_option(const struct options *options, struct fleet_config *config,
                                  struct error *err)
{
    const char *text = options_text(options, "profile");
    if (!text || strcmp(text, "sensors") == 0)
        return STATUS_OK;
    if (strcmp(text, "walkthrough") != 0)
        return error_set(err, STATUS_INPUT, "--profile is sensors or walkthrough, not '%s'", text);
    config->profile = FLEET_WALKTHROUGH;
    return STATUS_OK;
}

static enum status start_option(const struct options *options, struct fleet_config *config,
                                struct error *err)
{
    const char *text = options_text(options, "start");
    if (!text)
        return STATUS_OK;
    struct civil_zone utc;
    TRY(civil_zone_open(&utc, "UTC", err));
    const struct time_context context = {.zone = &utc, .now_ms = (int64_t)time(NULL) * 1000};
    TRY(time_expression_parse(text, &context, &config->start_ms, err));
    if (config->start_ms < INT64_C(1288834974657) || config->start_ms > INT64_C(4000000000000))
        return error_set(err, STATUS_INPUT, "--start %s: message ids exist from November 2010 on",
                         text);
    return STATUS_OK;
}

static enum status fleet_from_options(const struct options *options, struct fleet_config *config,
                                      struct error *err)
{
    TRY(count_option(options, "devices", FLEET_DEVICES_MAX, &config->devices, err));
    TRY(count_option(options, "products", 9999, &config->products, err));
    TRY(count_option(options, "workers", FLEET_WORKERS_MAX, &config->workers, err));
    TRY(duration_option(options, "interval", 1, &config->interval_ms, err));
    TRY(duration_option(options, "jitter", 0, &config->jitter_ms, err));
    TRY(options_number(options, "messages", 1, UINT64_MAX / 2, &config->messages, err));
    TRY(duration_option(options, "span", 1, &config->span_ms, err));
    TRY(options_number(options, "seed", 0, UINT64_MAX, &config->seed, err));
    const bool is_realtime = options_given(options, "realtime");
    if (config->messages == 0 && config->span_ms == 0 && !is_realtime)
        config->span_ms = MS_PER_HOUR;
    if (is_realtime)
        config->start_ms = (int64_t)time(NULL) * MS_PER_SECOND;
    if (config->interval_ms > MS_PER_DAY || config->jitter_ms > config->interval_ms)
        return error_set(err, STATUS_INPUT,
                         "--interval is at most a day, --jitter at most the interval");
    return start_option(options, config, err);
}

static enum status delivery_from_options(const struct options *options, struct fleet_config *config,
                                         struct error *err)
{
    TRY(options_share(options, "duplicates", &config->duplicate_share, err));
    TRY(options_share(options, "late-share", &config->late_share, err));
    TRY(options_share(options, "timeouts", &config->timeout_share, err));
    TRY(options_share(options, "thing-model", &config->thing_model_share, err));
    TRY(options_share(options, "hostile", &config->hostile_share, err));
    TRY(duration_option(options, "late", 0, &config->late_ms, err));
    TRY(duration_option(options, "online-time", 1, &config->online_mean_ms, err));
    TRY(duration_option(options, "offline-time", 1, &config->offline_mean_ms, err));
    if (config->late_ms > MS_PER_HOUR)
        return error_set(err, STATUS_INPUT, "--late is at most an hour");
    config->base64_lines = options_given(options, "base64");
    TRY(decimals_option(options, config, err));
    return profile_option(options, config, err);
}

/* --- where lines go -------------------------------------------------------------------------- */

static enum status write_lines(void *context, struct slice lines, bool *stop, struct error *err)
{
    struct line_file *file = context;
    TRY(line_file_write(file, lines, err));
    *stop = file->closed_pipe;
    return STATUS_OK;
}

static enum exit_code run_into(const struct fleet_config *config, const char *path)
{
    struct error err = {0};
    struct error at_close = {0};
    struct fleet_totals totals;
    struct line_file file;
    if (line_file_open(&file, path, &err) != STATUS_OK)
        return message_failure(&err);
    const struct fleet_output output = {.context = &file, .write = write_lines};
    const enum status status = fleet_run(config, &output, &totals, &err);
    if (line_file_close(&file, &at_close) != STATUS_OK && status == STATUS_OK)
        return message_failure(&at_close);
    if (status != STATUS_OK)
        return message_failure(&err);
    message_note("%llu lines (%llu readings, %llu status events, %llu redelivered, %llu late, "
                 "%llu broken)",
                 (unsigned long long)totals.lines, (unsigned long long)totals.readings,
                 (unsigned long long)totals.status_events, (unsigned long long)totals.duplicates,
                 (unsigned long long)totals.late, (unsigned long long)totals.hostile);
    return EXIT_CODE_OK;
}

/* --- the queue ------------------------------------------------------------------------------- */

static enum status need_queue(const struct options *options, struct error *err)
{
    for (size_t i = 0; i < queue_group.option_count; i++) {
        if (options_given(options, queue_options[i].name))
            return error_set(err, STATUS_INPUT, "--%s needs --queue URL", queue_options[i].name);
    }
    return STATUS_OK;
}

static enum status check_queue_options(const struct options *options, struct error *err)
{
    if (options_given(options, "rate") && options_given(options, "realtime"))
        return error_set(err, STATUS_INPUT, "--rate and --realtime are two paces: give one");
    if (options_given(options, "raw") && options_given(options, "base64"))
        return error_set(err, STATUS_INPUT, "--raw and --base64 are two forms: give one");
    if (options_given(options, "ledger") && options_given(options, "output"))
        return error_set(err, STATUS_INPUT, "--ledger and --output mean the same here: give one");
    return STATUS_OK;
}

static enum status queue_from_options(const struct options *options,
                                      struct queue_run_config *config, struct error *err)
{
    uint64_t sends_max = SENDER_SENDS_DEFAULT;
    TRY(check_queue_options(options, err));
    TRY(options_number(options, "rate", 1, 10000000, &config->rate, err));
    TRY(options_number(options, "sends", 1, SENDER_SENDS_MAX, &sends_max, err));
    config->sends_max = (unsigned)sends_max;
    config->is_realtime = options_given(options, "realtime");
    config->create = options_given(options, "create-queue");
    config->ledger = options_text(options, options_given(options, "ledger") ? "ledger" : "output");
    config->ca_file = options_text(options, "ca-file");
    config->credentials.file = options_text(options, "credentials-file");
    config->credentials.profile = options_text(options, "credentials-profile");
    return STATUS_OK;
}

static enum status check_url(const struct options *options, const struct wire_url *url,
                             struct error *err)
{
    if (url->queue[0] == '\0')
        return error_set(err, STATUS_CONFIG, "--queue names no queue: it ends with /queues/NAME");
    if (!url->is_https && !url->is_loopback && !options_given(options, "insecure-http"))
        return error_set(err, STATUS_CONFIG,
                         "--queue: everybody on the way to %s can read http://; use https://, or "
                         "say --insecure-http",
                         url->host);
    return STATUS_OK;
}

static enum exit_code run_to_queue(const struct options *options, struct fleet_config *fleet)
{
    struct error err = {0};
    struct queue_run_config config = {0};
    if (queue_from_options(options, &config, &err) != STATUS_OK)
        return options_usage_error(options, "%s", err.message);
    if (wire_url_parse(&config.url, options_text(options, "queue"), &err) != STATUS_OK)
        return options_usage_error(options, "--queue: %s", err.message);
    if (check_url(options, &config.url, &err) != STATUS_OK)
        return message_failure(&err);
    fleet->base64_lines = !options_given(options, "raw");
    return queue_run(fleet, &config);
}

static enum exit_code run_options(const struct options *options)
{
    struct error err = {0};
    struct fleet_config config = fleet_config_default();
    if (fleet_from_options(options, &config, &err) != STATUS_OK ||
        delivery_from_options(options, &config, &err) != STATUS_OK)
        return options_usage_error(options, "%s", err.message);
    if (options_given(options, "queue"))
        return run_to_queue(options, &config);
    if (need_queue(options, &err) != STATUS_OK)
        return options_usage_error(options, "%s", err.message);
    return run_into(&config, options_text(options, "output"));
}

int main(int argc, char **argv)
{
    OWNED(options_release) struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    message_ignore_sigpipe();
    if (options_begin(&options, &program, argc, argv, &code) != OPTIONS_RUN)
        return (int)code;
    return (int)message_stdout_finish(run_options(&options));
}
