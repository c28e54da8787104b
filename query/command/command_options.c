/*
 * command_options.c - the tables of options that commands share.
 */
#include "query/command/command.h"

#include "cli/store_dir.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define FROM_OPTION                                                                            \
    {                                                                                          \
        .name = "from", .argument = "TIME",                                                    \
        .help = "Take what is at TIME or later: 2018-05-16, '2018-05-16 05:58:44', RFC 3339, " \
                "@EPOCH, now-1h30m, -7d.",                                                     \
    }
#define TO_OPTION                                                              \
    {                                                                          \
        .name = "to", .argument = "TIME", .help = "Take what is before TIME.", \
    }

static const struct option_spec store_options[] = {STORE_DIR_OPTION};

static const struct option_spec selection_options[] = {
    FROM_OPTION,
    TO_OPTION,
    {.name = "device",
     .argument = "GLOB",
     .repeatable = true,
     .help = "Only devices whose name matches, 'product/device' or 'device' alone: * ? [a-z] "
             "and \\ for a plain character. Repeatable: any may match."},
    {.name = "product",
     .argument = "GLOB",
     .repeatable = true,
     .help = "Only devices of a matching product. Repeatable: any may match."},
};

static const struct option_spec span_options[] = {FROM_OPTION, TO_OPTION};

static const struct option_spec output_options[] = {
    {.name = "format",
     .argument = "FORMAT",
     .help = "table, csv, tsv, json, ndjson or md. Default: table on a terminal, else tsv."},
    {.name = "tz",
     .argument = "ZONE",
     .help = "The display zone: an IANA name or +HH:MM. Default: $MNSDB_TZ, else UTC."},
    {.name = "order-by",
     .argument = "FIELD",
     .help = "Order by a field, FIELD:desc for the greatest first; nulls come last."},
    {.name = "limit", .argument = "N", .help = "Print the first N rows of that order."},
    {.name = "top",
     .argument = "N",
     .help = "The N rows with the greatest --order-by field; without it: the first figure."},
    {.name = "bottom", .argument = "N", .help = "The N rows with the least."},
    {.name = "no-header", .help = "No line of names."},
    {.name = "explain", .help = "Say on stderr what was read, and how long it took."},
};

static const struct option_spec stats_options[] = {
    {.name = "agg",
     .argument = "LIST",
     .help = "Aggregates between commas: count, sum, avg, min, max, first, last, spread, stddev, "
             "median, p0 to p100 (p99.9 too), min_time, max_time, twa (time-weighted average). "
             "Default: count,min,avg,max."},
    {.name = "every",
     .argument = "WIDTH",
     .help = "A row for each bucket of 30s, 5m, 1h (from local midnight), 1d, 1w, 1mo."},
    {.name = "by", .argument = "device|product", .help = "A row for each device or product."},
    {.name = "fill",
     .argument = "none|null|zero|prev|linear",
     .help = "Buckets without values: none (no row), null, zero, prev, linear. Default: none."},
    {.name = "threads",
     .argument = "N",
     .help = "Read with N threads. Default: as many as there are processors, one if it is quickly "
             "done."},
};

static const struct option_spec online_options[] = {
    {.name = "every",
     .argument = "WIDTH",
     .help = "A row for each bucket of 30s, 5m, 1h (from local midnight), 1d, 1w, 1mo."},
    {.name = "by",
     .argument = "device|product|none",
     .help = "A row for each device (default), for each product, or for all together."},
};

static const struct option_spec rules_options[] = {
    {.name = "keep-stale",
     .help = "Believe every offline event, also one that speaks of an earlier connection."},
    {.name = "offline-at",
     .argument = "time|last-contact",
     .help = "When a session ends: at its offline event (default), or at the last contact that "
             "the event tells."},
};

const struct option_group command_store_group = {"Store", store_options, COUNT(store_options)};
const struct option_group command_selection_group = {"Selection", selection_options,
                                                     COUNT(selection_options)};
const struct option_group command_span_group = {"Selection", span_options, COUNT(span_options)};
const struct option_group command_output_group = {"Output", output_options, COUNT(output_options)};
const struct option_group command_stats_group = {"Aggregates", stats_options, COUNT(stats_options)};
const struct option_group command_online_group = {"Buckets and groups", online_options,
                                                  COUNT(online_options)};
const struct option_group command_rules_group = {"Rules", rules_options, COUNT(rules_options)};
