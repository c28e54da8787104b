/*
 * shared_options.h - options that more than one table has, worded once.
 *
 * Entries of a table of options: static const struct option_spec output[] = {FORMAT_OPTION, ...}.
 */
#ifndef MNSDB_QUERY_COMMAND_SHARED_OPTIONS_H
#define MNSDB_QUERY_COMMAND_SHARED_OPTIONS_H

#include "cli/options.h"

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
#define PRODUCT_OPTION                                                            \
    {                                                                             \
        .name = "product", .argument = "GLOB", .repeatable = true,                \
        .help = "Only devices of a matching product. Repeatable: any may match.", \
    }
#define EVERY_OPTION                                                                        \
    {                                                                                       \
        .name = "every", .argument = "WIDTH",                                               \
        .help = "A row for each bucket of 30s, 5m, 1h (from local midnight), 1d, 1w, 1mo.", \
    }
#define FORMAT_OPTION                                                                           \
    {                                                                                           \
        .name = "format", .argument = "FORMAT",                                                 \
        .help = "table, csv, tsv, json, ndjson or md. Default: table on a terminal, else tsv.", \
    }
#define ZONE_OPTION                                                                        \
    {                                                                                      \
        .name = "tz", .argument = "ZONE",                                                  \
        .help = "The display zone: an IANA name or +HH:MM. Default: $MNSDB_TZ, else UTC.", \
    }
#define NO_HEADER_OPTION                                  \
    {                                                     \
        .name = "no-header", .help = "No line of names.", \
    }
#define EXPLAIN_OPTION                                                                   \
    {                                                                                    \
        .name = "explain", .help = "Say on stderr what was read, and how long it took.", \
    }

#endif
