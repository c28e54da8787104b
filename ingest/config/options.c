/*
 * options.c - the command line's tables: what --help says of each setting.
 *
 * setting.c has the same names with their bounds and defaults; a test compares the two.
 */
#include "ingest/config/options.h"

#include "cli/store_dir.h"

static const struct option_spec store_options[] = {
    STORE_DIR_OPTION,
    {.name = "payload-tz",
     .argument = "ZONE",
     .help = "Time zone of times in payloads that name none: an IANA name or +HH:MM. Default "
             "+08:00. Fixed when the store is made."},
    {.name = "time-field",
     .argument = "NAME[,NAME...]",
     .help = "Members of a payload that hold its business time, in order of preference, or "
             "'none'. Default time,timestamp,ts. Fixed when the store is made."},
};

static const struct option_spec job_options[] = {
    {.name = "retry-rejects",
     .help = "Put kept bodies of rejected messages through the rules again, before any FILE. "
             "What can be stored now leaves the rejects. Bodies that were cut or masked stay."},
    {.name = "settle",
     .help = "At the end, merge what is stored as far as merging goes: smaller on disk, faster "
             "to query. Readers may go on meanwhile."},
    {.name = "threads",
     .argument = "N",
     .help = "Threads that decode. Default: one for each CPU, at most 8."},
};

static const struct option_spec queue_options[] = {
    {.name = "queue",
     .argument = "URL",
     .repeatable = true,
     .help = "Receive from this queue until stopped: https://ENDPOINT/queues/NAME. May be given "
             "several times. Default: $MNS_QUEUE_URL, which may name several."},
    {.name = "once", .help = "End when the queues are empty."},
    {.name = "dry-run",
     .help = "Receive, but store and delete nothing: at the end the messages become visible "
             "again. With --print, only look at the head of the queue."},
    {.name = "print",
     .help = "Write each message to standard output as a line of JSON, its payload decoded."},
    {.name = "queue-status",
     .help = "Print how many messages wait in each queue, and its attributes, and end."},
    {.name = "record",
     .argument = "FILE",
     .help = "Append every received body to this recorded set, too, before it is deleted."},
    {.name = "record-max-size",
     .argument = "SIZE",
     .help = "Begin a new recorded file when one has this size. Default 256M."},
};

static const struct option_spec access_options[] = {
    {.name = "credentials-file",
     .argument = "FILE",
     .help = "The access key, in a file that only its owner can read. Default: "
             "$ALIBABA_CLOUD_ACCESS_KEY_ID and ..._SECRET, $ALIBABA_CLOUD_CREDENTIALS_FILE, or "
             "mnsdb-credentials in $CREDENTIALS_DIRECTORY."},
    {.name = "credentials-profile",
     .argument = "NAME",
     .help = "Section of the credentials file. Default: default."},
    {.name = "ecs-role",
     .argument = "NAME",
     .help = "Take the keys of this RAM role of the ECS instance; an empty NAME: of whichever it "
             "has."},
    {.name = "metadata-url",
     .argument = "URL",
     .help = "Where the metadata service of the ECS instance answers."},
    {.name = "metadata-v2-only",
     .help = "Ask the metadata service only with a session token (its hardened mode)."},
    {.name = "insecure-http",
     .help = "Allow http:// to other machines: everybody on the way can read along."},
    {.name = "ca-file",
     .argument = "FILE",
     .help = "Certificates to trust (PEM), instead of the system's."},
};

static const struct option_spec pace_options[] = {
    {.name = "wait",
     .argument = "DURATION",
     .help = "How long the queue may wait for a message before it answers that it is empty, up "
             "to 30s. Default 20s."},
    {.name = "receives",
     .argument = "N",
     .help = "Requests for messages in flight for each queue, at most. Default 8."},
    {.name = "commit-window",
     .argument = "DURATION",
     .help = "How long a message may wait for others to share its commit: '250ms', or 0 for none. "
             "Default 250ms."},
    {.name = "commit-messages",
     .argument = "N",
     .help = "Commit when so many messages wait. Default 1024."},
    {.name = "in-flight",
     .argument = "N",
     .help = "Messages received and not deleted yet, at most. Default 3072."},
    {.name = "drain",
     .argument = "DURATION",
     .help = "How long the end may take after SIGTERM. Default 20s."},
};

static const struct option_spec operation_options[] = {
    {.name = "config",
     .argument = "FILE",
     .help = "Read settings from this file, instead of /etc/mnsdb/ingest.conf and "
             "~/.config/mnsdb/ingest.conf. $MNSDB_INGEST_NAME sets option --name, too."},
    {.name = "check-config",
     .help = "Print every setting, its value and where that comes from, and end."},
    {.name = "listen",
     .argument = "ADDRESS",
     .help = "Answer /metrics, /healthz and /readyz by HTTP: '127.0.0.1:9469', or ':9469' for "
             "loopback. Port 0 picks one."},
    {.name = "log-format",
     .argument = "text|logfmt|json",
     .help = "Form of what continuous ingest says on standard error. Default: text on a terminal, "
             "else logfmt."},
    {.name = "log-level",
     .argument = "error|warning|info|debug",
     .help = "How much it says. Default info; -q is error, -v is debug."},
};

static const struct option_spec output_options[] = {
    {.name = "summary",
     .argument = "json",
     .help = "Print the summary as one JSON object on standard output, instead of a line on "
             "standard error."},
    {.name = "no-progress", .help = "Show no progress bar on a terminal."},
};

#define GROUP_OF(heading, table)                                                                \
    {                                                                                           \
        .title = (heading), .options = (table), .option_count = sizeof(table) / sizeof *(table) \
    }

static const struct option_group store_group = GROUP_OF("Store", store_options);
static const struct option_group job_group = GROUP_OF("Recorded sets", job_options);
static const struct option_group queue_group = GROUP_OF("Queue", queue_options);
static const struct option_group access_group = GROUP_OF("Access to the queue", access_options);
static const struct option_group pace_group = GROUP_OF("Pace of the queue", pace_options);
static const struct option_group operation_group = GROUP_OF("Operation", operation_options);
static const struct option_group output_group = GROUP_OF("Output", output_options);
static const struct option_group *const groups[] = {
    &store_group, &job_group,       &queue_group,  &access_group,
    &pace_group,  &operation_group, &output_group, NULL,
};

static const struct command_spec ingest_command = {
    .operands = "[FILE...]",
    .summary = "Takes device messages into a store, from recorded sets or from MNS queues. Every "
               "message counts once, however often it comes.",
    .description =
        "A FILE holds one message a line: the envelope as JSON, or base64 of it. It may be plain, "
        "gzip or zstd; '-' is standard input. Files are taken in order. A message that cannot be "
        "understood is kept with a reason ('mnsdb rejects' shows them) and never stops the "
        "others.\n"
        "\n"
        "With --queue it receives until it is stopped. A message is deleted from the queue only "
        "after it is stored on disk.\n"
        "\n"
        "Examples:\n"
        "  mnsdb-ingest --db fleet monday.ndjson.gz tuesday.ndjson.zst\n"
        "  zcat *.gz | mnsdb-ingest --db fleet --summary json -\n"
        "  mnsdb-ingest --db fleet --settle\n"
        "  mnsdb-ingest --db fleet --queue https://1234.mns.cn-shanghai.aliyuncs.com/queues/"
        "aliyun-iot-a1\n"
        "  mnsdb-ingest --queue URL --dry-run --print",
    .groups = groups,
    .operands_max = OPERANDS_ANY,
};

const struct program_spec ingest_program = {
    .name = "mnsdb-ingest",
    .commands = &ingest_command,
    .command_count = 1,
};
