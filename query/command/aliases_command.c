/*
 * aliases_command.c - `mnsdb aliases`: which names stand for which metric, and who says so.
 *
 * It reads no store: what is configured can be looked at before there is one.
 */
#include "query/command/command_internal.h"

static enum status fill(const struct alias_list *aliases, struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "metric", CELL_TEXT, err));
    TRY(answer_add_field(answer, "alias", CELL_TEXT, err));
    TRY(answer_add_field(answer, "source", CELL_TEXT, err));
    TRY(answer_add_field(answer, "line", CELL_COUNT, err));
    for (size_t i = 0; i < aliases->count; i++) {
        const struct alias *alias = &aliases->items[i];
        for (size_t k = 0; k < alias->name_count; k++) {
            struct answer_cell *cell = NULL;
            TRY(answer_add_row(answer, &cell, err));
            cell[0] = cell_of_text(alias->name);
            cell[1] = cell_of_text(alias->names[k]);
            cell[2] = cell_of_text(slice_of_text(alias->source));
            if (alias->line > 0)
                cell[3] = cell_of_count(alias->line);
        }
    }
    return STATUS_OK;
}

static enum status run_aliases(struct command *command, const struct options *options,
                               struct error *err)
{
    OWNED(answer_release) struct answer answer = {0};
    TRY(command_read_options(command, options, err));
    TRY(fill(&command->values.aliases, &answer, err));
    TRY(command_arrange(command, &answer, err));
    return command_print(command, &answer);
}

enum exit_code command_aliases(const struct options *options)
{
    OWNED(command_end) struct command command = {0};
    struct error err = {0};
    const enum status status = run_aliases(&command, options, &err);
    return status == STATUS_OK ? EXIT_CODE_OK : command_failure(options, &err, status);
}
