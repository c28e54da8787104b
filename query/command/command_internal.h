/*
 * command_internal.h - what the commands share: options read, store opened, answer printed.
 */
#ifndef MNSDB_QUERY_COMMAND_COMMAND_INTERNAL_H
#define MNSDB_QUERY_COMMAND_COMMAND_INTERNAL_H

#include "engine/civil/civil.h"
#include "engine/snapshot/snapshot.h"
#include "query/answer/answer.h"
#include "query/bucket/bucket.h"
#include "query/command/command.h"
#include "query/command/command_values.h"
#include "query/render/render.h"
#include "query/selection/selection.h"
#include "query/timeline/timeline.h"

#include <stdbool.h>
#include <stdint.h>

/* A command at work. */
struct command {
    const struct options *options;
    struct civil_zone zone; /* of the display */
    struct render_options render;
    const char *order_by; /* "FIELD[:desc]" as given, or NULL */
    bool has_limit;
    uint64_t limit;
    bool has_top; /* --top or --bottom */
    bool bottom;
    uint64_t top;       /* rows, if has_top */
    const char **globs; /* owned; texts of --device and --product */
    struct selection_spec spec;
    struct snapshot *snapshot;
    struct selection selection;   /* empty for commands without one */
    struct command_values values; /* --where and aliases */
    struct scan_statistics statistics;
    int64_t begun_ns; /* of the monotonic clock */
};

/*
 * Reads the shared options. STATUS_INPUT is a mistake on the command line, to be
 * reported whether there is a store or not. On failure command_end is still due.
 */
MUST_CHECK enum status command_read_options(struct command *command, const struct options *options,
                                            struct error *err);
/* Opens the store and selects devices; warns if globs match none. */
MUST_CHECK enum status command_open(struct command *command, struct error *err);
/* Both, for commands without options of their own. */
MUST_CHECK enum status command_begin(struct command *command, const struct options *options,
                                     struct error *err);
void command_end(struct command *command);

/* Says what failed; returns the exit code. An output that takes no more is no failure here. */
enum exit_code command_failure(const struct options *options, const struct error *err,
                               enum status status);

/* --explain, and the end of reading: the snapshot holds nothing of the store from here on. */
void command_done_reading(struct command *command);

/* Orders by --order-by and cuts to --limit; or to --top, --bottom, which order by themselves. */
MUST_CHECK enum status command_arrange(const struct command *command, struct answer *answer,
                                       struct error *err);

/* Renders the answer on stdout. */
MUST_CHECK enum status command_print(const struct command *command, const struct answer *answer);

/* Tells people that a table has no rows, rather than nothing at all. */
void command_note_no_rows(const struct command *command, uint64_t row_count);

/* The column that --order-by names, and its direction. */
MUST_CHECK enum status command_order(const struct command *command, const struct answer *answer,
                                     size_t *column, bool *descending, struct error *err);

/*
 * A whole command: options read, `query` into an answer, done reading, arranged, printed.
 * `query` reads its own options, then calls command_open.
 */
enum exit_code command_run(const struct options *options,
                           enum status (*query)(struct command *command, struct answer *answer,
                                                struct error *err));

/*
 * The place of an option's value among `words`; `*choice` is untouched when the option was
 * not given. STATUS_INPUT names the words.
 */
MUST_CHECK enum status command_choice(const struct options *options, const char *name,
                                      const char *const *words, size_t word_count, size_t *choice,
                                      struct error *err);

/* --every; *given tells whether there was one. */
MUST_CHECK enum status command_every(const struct options *options, struct bucket_width *width,
                                     bool *given, struct error *err);

/* --keep-stale and --offline-at. */
MUST_CHECK enum status command_rules(const struct options *options, struct timeline_rules *rules,
                                     struct error *err);

/*
 * The value of --name as thousandths, in least_milli ... most_milli: "2.5" is 2500. STATUS_INPUT
 * names the option and its bounds.
 */
MUST_CHECK enum status command_factor(const char *text, const char *name, uint64_t least_milli,
                                      uint64_t most_milli, uint64_t *milli, struct error *err);

/* Operands as names of metrics (owned by the caller); a name the store never saw is a warning. */
MUST_CHECK enum status command_metric_names(const struct command *command, struct slice **names,
                                            size_t *count, struct error *err);

/* Warn of a metric the store never saw, and that no device was selected, with what is near. */
void command_warn_unseen_metric(const struct command *command, const char *typed);
void command_warn_no_device(const struct command *command);

#endif
