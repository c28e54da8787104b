/*
 * command_options.c - the tables of options that commands share.
 */
#include "query/command/command.h"

#include "cli/store_dir.h"
#include "query/command/shared_options.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct option_spec store_options[] = {STORE_DIR_OPTION};

static const struct option_spec selection_options[] = {
    FROM_OPTION,
    TO_OPTION,
    {.name = "device",
     .argument = "GLOB",
     .repeatable = true,
     .help = "Only devices whose name matches, 'product/device' or 'device' alone: * ? [a-z] "
             "and \\ for a plain character. Repeatable: any may match."},
    PRODUCT_OPTION,
};

static const struct option_spec span_options[] = {FROM_OPTION, TO_OPTION};

static const struct option_spec output_options[] = {
    FORMAT_OPTION,
    ZONE_OPTION,
    {.name = "order-by",
     .argument = "FIELD",
     .help = "Order by a field, FIELD:desc for the greatest first; nulls come last."},
    {.name = "limit", .argument = "N", .help = "Print the first N rows of that order."},
    {.name = "top",
     .argument = "N",
     .help = "The N rows with the greatest --order-by field; without it: the first figure."},
    {.name = "bottom", .argument = "N", .help = "The N rows with the least."},
    NO_HEADER_OPTION,
    EXPLAIN_OPTION,
};

static const struct option_spec stats_options[] = {
    {.name = "agg",
     .argument = "LIST",
     .help = "Aggregates between commas: count, sum, avg, min, max, first, last, spread, stddev, "
             "median, p0 to p100 (p99.9 too), min_time, max_time, twa (time-weighted average). "
             "Default: count,min,avg,max."},
    EVERY_OPTION,
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
    EVERY_OPTION,
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
