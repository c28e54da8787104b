/*
 * alias_file.c - aliases from around the process: $MNSDB_ALIASES and query.conf.
 *
 *      # comments have lines of their own
 *      alias = temperature=temp,Temperature,t
 *
 * The file looks like mnsdb-ingest's (cli/settings_file). One that is not there costs one open that
 * fails.
 */
#include "query/alias/alias_internal.h"

#include "cli/settings_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define ENVIRONMENT_NAME "MNSDB_ALIASES"
#define SYSTEM_PATH      "/etc/mnsdb/query.conf"

/* --- lines --------------------------------------------------------------------------------- */

/* A file that is read into a list. */
struct alias_reader {
    struct alias_list *list;
    uint32_t source_number;
};

static enum status take_line(void *context, const struct settings_line *line, struct error *err)
{
    const struct alias_reader *reader = context;
    const struct alias_origin origin = {
        .source = line->path, .line = line->number, .source_number = reader->source_number};
    if (!line->has_value)
        return settings_line_wrong(line, "no setting: write 'alias = temperature=temp,t'", err);
    if (!slice_equal(line->name, slice_of_text("alias")))
        return settings_line_wrong(
            line, "unknown setting: there is 'alias', as in 'alias = temperature=temp,t'", err);
    if (line->value.len == 0)
        return settings_line_wrong(line, "no value: write 'alias = temperature=temp,t'", err);
    const enum status status = alias_list_add_text(reader->list, line->value, &origin, err);
    if (status != STATUS_INPUT)
        return status;
    error_add_context(err, "%s:%u", line->path, line->number);
    if (err)
        err->status = STATUS_CONFIG;
    return STATUS_CONFIG;
}

enum status alias_list_read(struct alias_list *list, struct slice text, const char *path,
                            uint32_t source_number, struct error *err)
{
    struct alias_reader reader = {.list = list, .source_number = source_number};
    return settings_file_walk(text, path, take_line, &reader, err);
}

/* --- files --------------------------------------------------------------------------------- */

static enum status read_file(struct alias_list *list, const char *path, uint32_t source_number,
                             struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};
    bool exists = false;
    TRY(settings_file_read(path, &text, &exists, err));
    return exists ? alias_list_read(list, buffer_slice(&text), path, source_number, err)
                  : STATUS_OK;
}

/* The user's own file; false: nothing says where it would be. */
static bool find_user_file(char path[PATH_MAX])
{
    const char *folder = getenv("XDG_CONFIG_HOME");
    const char *below = "/mnsdb/query.conf";
    if (!folder || folder[0] != '/') {
        folder = getenv("HOME");
        below = "/.config/mnsdb/query.conf";
    }
    if (!folder || folder[0] != '/')
        return false;
    const int len = snprintf(path, PATH_MAX, "%s%s", folder, below);
    return len > 0 && len < PATH_MAX;
}

static enum status read_environment(struct alias_list *list, struct error *err)
{
    static const struct alias_origin origin = {.source = "$" ENVIRONMENT_NAME,
                                               .source_number = ALIAS_SOURCE_ENVIRONMENT};
    const char *text = getenv(ENVIRONMENT_NAME);
    if (!text || text[0] == '\0')
        return STATUS_OK;
    const enum status status = alias_list_add_text(list, slice_of_text(text), &origin, err);
    if (status != STATUS_INPUT)
        return status;
    error_add_context(err, "%s", origin.source);
    if (err)
        err->status = STATUS_CONFIG;
    return STATUS_CONFIG;
}

enum status alias_list_configure(struct alias_list *list, struct error *err)
{
    char path[PATH_MAX];
    TRY(read_environment(list, err));
    if (find_user_file(path))
        TRY(read_file(list, path, ALIAS_SOURCE_USER, err));
    return read_file(list, SYSTEM_PATH, ALIAS_SOURCE_SYSTEM, err);
}
