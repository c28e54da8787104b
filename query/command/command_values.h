/*
 * command_values.h - --where, --alias and --no-alias: which readings count, and under which names.
 *
 * A command takes these options by having command_values_group among its groups; it then sees
 * readings through the view in command.selection.
 */
#ifndef MNSDB_QUERY_COMMAND_COMMAND_VALUES_H
#define MNSDB_QUERY_COMMAND_COMMAND_VALUES_H

#include "cli/options.h"
#include "engine/base/error.h"
#include "query/selection/selection.h"
#include "query/view/view.h"

#include <stdbool.h>

struct command_values {
    struct alias_list aliases;
    struct filter filter;
    const char **expressions; /* owned; of --where, as given */
    size_t expression_count;
    const char **words; /* owned; the options as they were given, for commands that show more */
    size_t word_count;
    struct view view;
    bool has_view; /* there is something to see differently */
};

/*
 * Reads the options, $MNSDB_ALIASES and the configuration files, if the command takes them.
 * STATUS_INPUT: a mistake on the line, of which the place was shown; STATUS_CONFIG: one elsewhere.
 */
MUST_CHECK enum status command_values_read(struct command_values *values,
                                           const struct options *options, struct error *err);

/* Makes the view; warns of metrics in --where that the store never saw. */
MUST_CHECK enum status command_values_open(struct command_values *values, struct snapshot *snapshot,
                                           struct error *err);
/* For a snapshot that was resumed and a selection made anew: sets selection->view. */
MUST_CHECK enum status command_values_again(struct command_values *values,
                                            struct selection *selection, struct error *err);
void command_values_release(struct command_values *values);

/* Warns of metrics in --where that a view of these aliases and this filter did not find. */
void command_values_warn(const struct command_values *values, const struct view *view);

/* For --explain: what --where spared and took. */
void command_values_explain(const struct command_values *values);
void command_values_explain_view(const struct view_statistics *done);

#endif
