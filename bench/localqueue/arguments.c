/*
 * arguments.c - options and what they mean; see arguments.h.
 */
#include "bench/localqueue/arguments.h"

#include "bench/localqueue/broker.h"
#include "bench/localqueue/call.h"
#include "cli/quantity.h"
#include "engine/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES_MAX 4096u
#define BYTES_DEFAULT    (UINT64_C(1) << 30)
#define POLLS_DEFAULT    1000u
#define REORDER_DEFAULT  256u
#define DELAY_MS_MAX     (INT64_C(10) * 60 * 1000)
#define DENY_MS_MAX      (INT64_C(24) * 60 * 60 * 1000)
#define OFFSET_MS_MAX    (INT64_C(10) * 365 * 24 * 60 * 60 * 1000)

static const struct option_spec queue_options[] = {
    {"port", "N", "Port on 127.0.0.1; 0 picks a free one (default 0).", 'p', false},
    {"access-key-id", "ID", "The access key id that clients must use.", 0, false},
    {"access-key-secret-file", "FILE",
     "File that holds the secret of the key; a line break at its end is not part of it.", 0, false},
    {"dir", "DIR", "Keep queues and messages in DIR, across restarts. Default: in memory.", 0,
     false},
    {"queue", "NAME", "A queue to have from the start.", 0, true},
    {"visibility", "SECONDS", "VisibilityTimeout of these queues (default 30).", 0, false},
    {"polling-wait", "SECONDS", "PollingWaitSeconds of these queues (default 0).", 0, false},
    {"message-delay", "SECONDS", "DelaySeconds of these queues (default 0).", 0, false},
    {"retention", "SECONDS", "MessageRetentionPeriod of these queues (default 345600).", 0, false},
    {"message-size", "BYTES", "MaximumMessageSize of these queues (default 65536).", 0, false},
    {"memory", "SIZE",
     "Beyond this, sends are refused with TooManyRequests (default 1Gi; counts all messages).", 0,
     false},
    {"poll-limit", "N", "Long polls at once; further ones are answered empty (default 1000).", 0,
     false},
};

static const struct option_spec fault_options[] = {
    {"seed", "N", "The same seed and requests give the same faults (default 1).", 0, false},
    {"redeliver", "SHARE", "Received messages that come again at once or within a second.", 0,
     false},
    {"reorder", NULL, "Messages come in random order within a window.", 0, false},
    {"reorder-window", "N", "How many messages the window holds (default 256).", 0, false},
    {"fail-deletes", "SHARE", "Handles that a delete reports as failed and leaves.", 0, false},
    {"lose-delete-replies", "SHARE", "Deletes that are done, but never answered.", 0, false},
    {"error-rate", "SHARE", "Requests answered with a mixture of 500, 502, 503, 504 and 429.", 0,
     false},
    {"error-status", "STATUS", "Of the mixture, only this one.", 0, false},
    {"deny", "SHARE", "Requests answered with 403.", 0, false},
    {"deny-for", "DURATION", "All requests are answered with 403 for this long.", 0, false},
    {"drop", "SHARE",
     "Connections closed: before a request is looked at, before its answer, or in the middle of "
     "it.",
     0, false},
    {"truncate", "SHARE", "Answers of which half is sent: broken off, or as if that were all.", 0,
     false},
    {"delay", "DURATION", "Requests wait this long, give or take half of it.", 0, false},
    {"clock-offset", "[-]DURATION", "The queue's clock is ahead, or behind, by this much.", 0,
     false},
};

static const struct option_group queue_group = {"Queue", queue_options,
                                                sizeof queue_options / sizeof queue_options[0]};
static const struct option_group fault_group = {"Misbehaviour", fault_options,
                                                sizeof fault_options / sizeof fault_options[0]};
static const struct option_group *const groups[] = {&queue_group, &fault_group, NULL};

static const struct command_spec command = {.groups = groups};

const struct program_spec arguments_program = {
    .name = "mnsdb-localqueue",
    .summary = "Serves message queues that speak the MNS protocol, on 127.0.0.1.",
    .description =
        "Prints \"ready URL\" when it listens; queues are at URL/queues/NAME. Runs until SIGTERM "
        "or Ctrl-C.\n"
        "  mnsdb-localqueue --port 8970 --access-key-id key --access-key-secret-file secret "
        "--queue aliyun-iot-a1\n"
        "On request it misbehaves, to see what clients make of it:\n"
        "  mnsdb-localqueue ... --redeliver 0.1 --reorder --drop 0.01 --error-rate 0.05\n"
        "Shares are between 0 and 1; durations are written like 500ms, 10s, 1h30m.",
    .commands = &command,
    .command_count = 1,
};

static enum status duration_option(const struct options *options, const char *name, int64_t most_ms,
                                   int64_t *duration_ms, struct error *err)
{
    const char *text = options_text(options, name);
    if (!text)
        return STATUS_OK;
    const bool is_negative = text[0] == '-' && strcmp(name, "clock-offset") == 0;
    int64_t value = 0;
    const enum status status = duration_parse(text + is_negative, &value, err);
    if (status != STATUS_OK) {
        error_add_context(err, "--%s", name);
        return status;
    }
    if (value > most_ms)
        return error_set(err, STATUS_INPUT, "--%s %s is out of range", name, text);
    *duration_ms = is_negative ? -value : value;
    return STATUS_OK;
}

static enum status error_status_option(const struct options *options, enum code *code,
                                       struct error *err)
{
    static const enum code codes[] = {CODE_INTERNAL, CODE_BAD_GATEWAY, CODE_UNAVAILABLE,
                                      CODE_GATEWAY_TIMEOUT, CODE_TOO_MANY_REQUESTS};
    if (!options_given(options, "error-status"))
        return STATUS_OK;
    uint64_t wanted = 0;
    TRY(options_number(options, "error-status", 100, 599, &wanted, err));
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if ((uint64_t)code_info(codes[i])->http_status == wanted) {
            *code = codes[i];
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INPUT, "--error-status is 429, 500, 502, 503 or 504");
}

static enum status read_faults(struct fault_config *faults, const struct options *options,
                               struct error *err)
{
    const struct {
        const char *name;
        double *share;
    } shares[] = {
        {"redeliver", &faults->redeliver},
        {"fail-deletes", &faults->fail_deletes},
        {"lose-delete-replies", &faults->lose_delete_replies},
        {"error-rate", &faults->error_rate},
        {"deny", &faults->deny},
        {"drop", &faults->drop},
        {"truncate", &faults->truncate},
    };
    faults->seed = 1;
    TRY(options_number(options, "seed", 0, UINT64_MAX, &faults->seed, err));
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
        TRY(options_share(options, shares[i].name, shares[i].share, err));
    TRY(duration_option(options, "deny-for", DENY_MS_MAX, &faults->deny_for_ms, err));
    TRY(duration_option(options, "delay", DELAY_MS_MAX, &faults->delay_ms, err));
    TRY(duration_option(options, "clock-offset", OFFSET_MS_MAX, &faults->clock_offset_ms, err));
    TRY(error_status_option(options, &faults->error_code, err));
    uint64_t window = options_given(options, "reorder") ? REORDER_DEFAULT : 0;
    TRY(options_number(options, "reorder-window", 2, 100000, &window, err));
    faults->reorder_window = (uint32_t)window;
    return STATUS_OK;
}

static enum status read_attributes(struct attributes *attributes, const struct options *options,
                                   struct error *err)
{
    const struct {
        const char *option;
        enum attribute attribute;
    } known[] = {
        {"visibility", ATTRIBUTE_VISIBILITY_S},        {"polling-wait", ATTRIBUTE_POLLING_WAIT_S},
        {"message-delay", ATTRIBUTE_DELAY_S},          {"retention", ATTRIBUTE_RETENTION_S},
        {"message-size", ATTRIBUTE_MESSAGE_BYTES_MAX},
    };
    *attributes = attributes_default();
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const char *text = options_text(options, known[i].option);
        if (text && attributes_set(attributes, slice_of_text(attribute_name(known[i].attribute)),
                                   slice_of_text(text)) != ATTRIBUTE_TAKEN)
            return error_set(err, STATUS_INPUT, "--%s %s is no number, or out of range",
                             known[i].option, text);
    }
    return STATUS_OK;
}

static enum status read_queues(struct arguments *arguments, const struct options *options,
                               struct error *err)
{
    size_t position = 0;
    size_t capacity = 0;
    size_t count = 0;
    const char *name = NULL;
    while ((name = options_next(options, "queue", &position))) {
        if (!call_name_is_valid(slice_of_text(name)))
            return error_set(
                err, STATUS_INPUT,
                "--queue %s: letters, digits and hyphens, up to %u, not a hyphen first", name,
                CALL_NAME_MAX);
        if (mem_grow(&arguments->queues, &capacity, count + 1, sizeof *arguments->queues) !=
            STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for the names of queues");
        arguments->queues[count++] = name;
    }
    if (count > BROKER_QUEUES_MAX)
        return error_set(err, STATUS_INPUT, "at most %u queues", BROKER_QUEUES_MAX);
    arguments->server.queues = arguments->queues;
    arguments->server.queue_count = count;
    return STATUS_OK;
}

static enum status read_secret_file(struct buffer *secret, int file, const char *path,
                                    struct error *err)
{
    if (buffer_reserve(secret, SECRET_BYTES_MAX + 1) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the secret");
    while (secret->len <= SECRET_BYTES_MAX) {
        const ssize_t got =
            read(file, secret->data + secret->len, SECRET_BYTES_MAX + 1 - secret->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, STATUS_CONFIG, errno, "cannot read %s", path);
        if (got == 0)
            break;
        secret->len += (size_t)got;
    }
    if (secret->len > SECRET_BYTES_MAX)
        return error_set(err, STATUS_CONFIG, "%s is too long for a secret", path);
    while (secret->len > 0 &&
           (secret->data[secret->len - 1] == '\n' || secret->data[secret->len - 1] == '\r'))
        secret->len--;
    if (secret->len == 0)
        return error_set(err, STATUS_CONFIG, "%s holds no secret", path);
    return STATUS_OK;
}

static enum status read_key(struct arguments *arguments, const struct options *options,
                            struct error *err)
{
    const char *key_id = options_text(options, "access-key-id");
    const char *path = options_text(options, "access-key-secret-file");
    if (!key_id || !path)
        return error_set(err, STATUS_INPUT,
                         "--access-key-id and --access-key-secret-file are needed");
    if (key_id[0] == '\0' || strchr(key_id, ':'))
        return error_set(err, STATUS_INPUT, "--access-key-id: not empty, and without a colon");
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return error_set_errno(err, STATUS_CONFIG, errno, "cannot open %s", path);
    const enum status status = read_secret_file(&arguments->secret, file, path, err);
    close(file);
    TRY(status);
    arguments->server.key_id = slice_of_text(key_id);
    arguments->server.secret = buffer_slice(&arguments->secret);
    return STATUS_OK;
}

enum status arguments_read(struct arguments *arguments, const struct options *options,
                           struct error *err)
{
    struct server_config *server = &arguments->server;
    uint64_t port = 0;
    uint64_t polls = POLLS_DEFAULT;
    TRY(options_number(options, "port", 0, UINT16_MAX, &port, err));
    TRY(options_number(options, "poll-limit", 0, 1000000, &polls, err));
    server->port = (uint16_t)port;
    server->polls_max = (size_t)polls;
    server->bytes_max = BYTES_DEFAULT;
    const char *memory = options_text(options, "memory");
    if (memory)
        TRY(size_parse(memory, &server->bytes_max, err));
    server->dir = options_text(options, "dir");
    TRY(read_faults(&server->faults, options, err));
    TRY(read_attributes(&server->attributes, options, err));
    TRY(read_queues(arguments, options, err));
    return read_key(arguments, options, err);
}

void arguments_release(struct arguments *arguments)
{
    if (arguments->secret.data)
        explicit_bzero(arguments->secret.data, arguments->secret.capacity);
    buffer_release(&arguments->secret);
    mem_free(arguments->queues);
    *arguments = (struct arguments){0};
}
