/*
 * picture.h - commands that draw: --plot, --bars and --spark.
 *
 *      options ──▶ query a row a group ──▶ ordered, cut ──▶ what is drawn of those groups
 *                                                  ──▶ store let go ──▶ written
 *
 * Threads: one.
 */
#ifndef MNSDB_QUERY_COMMAND_PICTURE_H
#define MNSDB_QUERY_COMMAND_PICTURE_H

#include "query/aggregate/aggregate.h"
#include "query/command/command_internal.h"
#include "query/plot/plot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A command that draws. */
struct picture {
    struct command *command; /* borrowed */
    struct screen screen;
    struct buffer out; /* owned */
    struct plot plot;  /* into `out` */
    bool printed;      /* `draw` has let the store go and printed a table: nothing is to follow */
};

/* True if the line asks for a picture rather than rows. */
bool picture_is_wanted(const struct options *options);

/*
 * A whole command that draws: options read, `draw` into the buffer, done reading, written to
 * stdout. `draw` reads its own options, then calls command_open.
 */
enum exit_code picture_run(const struct options *options,
                           enum status (*draw)(struct picture *picture, struct error *err));

/* STATUS_INPUT if the line asks for figures that --`drawing` ("plot") does not show. */
MUST_CHECK enum status picture_refuse_figures(const struct options *options, const char *drawing,
                                              struct error *err);
/* STATUS_INPUT if it asks for buckets or groups, where --`drawing` shows a row a device. */
MUST_CHECK enum status picture_refuse_groups(const struct options *options, const char *drawing,
                                             struct error *err);

/* True if --limit, --top or --bottom says how much is drawn. */
bool picture_is_limited(const struct command *command);

/*
 * Orders the answer as asked and keeps what --limit, --top or --bottom says, else the first
 * `readable` rows. `*hidden` rows are not shown.
 */
MUST_CHECK enum status picture_arrange(struct picture *picture, struct answer *answer,
                                       size_t readable, size_t *hidden, struct error *err);

/*
 * Says how many of `things` ("devices") are not drawn, and that --limit `all` draws them;
 * nothing if none is hidden.
 */
MUST_CHECK enum status picture_tell_hidden(struct picture *picture, size_t hidden, size_t all,
                                           const char *things);

/* A line in words, in place of a picture of nothing. */
MUST_CHECK enum status picture_tell_nothing(struct picture *picture, const char *what);

/* A selection of fewer devices: the same in all else. Borrows from the one it narrows. */
struct narrowed_selection {
    struct selection selection;
    uint64_t *device_bits; /* owned; in `selection` */
};

MUST_CHECK enum status narrowed_selection_init(struct narrowed_selection *narrowed,
                                               const struct command *command, struct error *err);
void narrowed_selection_add(struct narrowed_selection *narrowed, uint32_t device);
void narrowed_selection_release(struct narrowed_selection *narrowed);
/* The place of a device in selection.devices, which are sorted by name; SIZE_MAX: none. */
size_t picture_find_device(const struct command *command, struct slice name);
/* True if the selection that was narrowed has the device. */
bool picture_selects(const struct command *command, uint32_t device);

/* What `stats` asks for, read from the options. Does not move once it is read. */
struct stats_request {
    struct aggregate_list *list; /* owned */
    struct slice *names;         /* owned */
    struct bucket_width width;
    uint64_t threads;
    struct stats_spec spec; /* points into the members above, and into the command */
};

/* Reads the options; with the store opened, looks the metrics up. */
MUST_CHECK enum status stats_request_read(struct stats_request *request, struct command *command,
                                          const char *aggregates_default, struct error *err);
MUST_CHECK enum status stats_request_open(struct stats_request *request, struct command *command,
                                          struct error *err);
void stats_request_release(struct stats_request *request);

enum exit_code picture_of_stats(const struct options *options);
enum exit_code picture_of_online(const struct options *options);
enum exit_code picture_of_sessions(const struct options *options);

#endif
