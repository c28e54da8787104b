/*
 * command_near.c - warnings about names that the store does not have, with one that it has.
 *
 * All names are gone through, 100,000 as well: most are refused after a few letters.
 */
#include "query/command/command_internal.h"

#include "cli/message.h"
#include "cli/suggest.h"
#include "query/glob/glob.h"

#include <string.h>

void command_warn_unseen_metric(const struct command *command, const char *typed)
{
    const struct view *view = command->selection.view;
    struct suggestion suggestion = {.typed = slice_of_text(typed)};
    const uint32_t count = snapshot_metric_count(command->snapshot);
    for (uint32_t metric = 0; metric < count; metric++)
        suggestion_offer(&suggestion, view_metric_name(view, command->snapshot, metric));
    if (suggestion.nearest.data)
        message_warning("the store never saw a metric '%s'; did you mean '%.*s'?", typed,
                        (int)suggestion.nearest.len, (const char *)suggestion.nearest.data);
    else
        message_warning("the store never saw a metric '%s' ('mnsdb metrics' lists those it saw)",
                        typed);
}

static void offer_devices(const struct snapshot *snapshot, struct suggestion *suggestion,
                          bool products)
{
    struct error unread = {0};
    if (snapshot_read_names(snapshot, &unread) != STATUS_OK)
        return; // a warning without advice
    const uint32_t count = snapshot_device_count(snapshot);
    const bool whole = memchr(suggestion->typed.data, '/', suggestion->typed.len) != NULL;
    for (uint32_t device = 0; device < count; device++) {
        const struct slice name = snapshot_device_name(snapshot, device);
        if (products)
            suggestion_offer(suggestion, device_product(name));
        else
            suggestion_offer(suggestion, whole ? name : device_short_name(name));
    }
}

/* A pattern is no name, and near to none. */
static void offer_near(const struct snapshot *snapshot, const char *typed, bool products,
                       struct suggestion *suggestion)
{
    const struct slice name = slice_of_text(typed);
    if (name.len == 0 || !glob_is_plain(name) || suggestion->nearest.data)
        return;
    suggestion->typed = name;
    offer_devices(snapshot, suggestion, products);
}

void command_warn_no_device(const struct command *command)
{
    const struct selection_spec *spec = &command->spec;
    struct suggestion suggestion = {0};
    for (size_t i = 0; i < spec->device_glob_count; i++)
        offer_near(command->snapshot, spec->device_globs[i], false, &suggestion);
    for (size_t i = 0; i < spec->product_glob_count; i++)
        offer_near(command->snapshot, spec->product_globs[i], true, &suggestion);
    if (suggestion.nearest.data)
        message_warning("no device of the store matches --device and --product; did you mean "
                        "'%.*s'?",
                        (int)suggestion.nearest.len, (const char *)suggestion.nearest.data);
    else
        message_warning("no device of the store matches --device and --product ('mnsdb devices' "
                        "lists them)");
}
