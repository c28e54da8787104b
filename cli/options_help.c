/*
 * options_help.c - --help from the same tables that parsing uses.
 *
 *      Usage: mnsdb stats [METRIC...] [OPTION...]
 *
 *      What the command does.
 *
 *      Selection:
 *        -d, --db DIR          the help text, wrapped
 *                              to HELP_COLUMNS
 */
#include "cli/options_internal.h"

#include <string.h>

#define HELP_COLUMNS 80u
#define TEXT_COLUMN  26u /* where help texts begin */
#define LIST_COLUMN  15u /* where the summaries of commands begin */

/* Prints words from column `column` on, continuing lines at `indent`; '\n' starts a new line. */
static void print_wrapped(FILE *to, const char *text, size_t column, size_t indent)
{
    bool at_start = true;
    while (*text) {
        if (*text == '\n') {
            (void)fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
            at_start = true;
            text++;
            continue;
        }
        if (at_start && *text == ' ') { // an indented line: an example
            const size_t blanks = strspn(text, " ");
            (void)fprintf(to, "%*s", (int)blanks, "");
            column += blanks;
            text += blanks;
            continue;
        }
        const size_t word_len = strcspn(text, " \n");
        if (!at_start && column + 1 + word_len > HELP_COLUMNS) {
            (void)fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
            at_start = true;
        }
        (void)fprintf(to, "%s%.*s", at_start ? "" : " ", (int)word_len, text);
        column += word_len + (at_start ? 0 : 1);
        at_start = false;
        text += word_len;
        text += strspn(text, " ");
    }
    (void)fputc('\n', to);
}

/* A left column and a wrapped text beside it, or below it where the left one is long. */
static void print_entry(FILE *to, const char *left, size_t column, const char *text)
{
    const size_t left_len = strlen(left);
    (void)fputs(left, to);
    if (left_len + 2 > column)
        (void)fprintf(to, "\n%*s", (int)column, "");
    else
        (void)fprintf(to, "%*s", (int)(column - left_len), "");
    print_wrapped(to, text, column, column);
}

static void print_group(FILE *to, const struct option_group *group)
{
    (void)fprintf(to, "\n%s:\n", group->title);
    for (size_t i = 0; i < group->option_count; i++) {
        const struct option_spec *spec = &group->options[i];
        char letter[8] = "    ";
        if (spec->letter)
            (void)snprintf(letter, sizeof letter, "-%c, ", spec->letter);
        char left[96];
        (void)snprintf(left, sizeof left, "  %s--%s%s%s", letter, spec->name,
                       spec->argument ? " " : "", spec->argument ? spec->argument : "");
        print_entry(to, left, TEXT_COLUMN, spec->help);
    }
}

static void print_command_help(FILE *to, const struct program_spec *program,
                               const struct command_spec *command)
{
    (void)fprintf(to, "Usage: %s%s%s%s%s [OPTION...]\n\n", program->name, command->name ? " " : "",
                  command->name ? command->name : "", command->operands ? " " : "",
                  command->operands ? command->operands : "");
    print_wrapped(to, command->summary ? command->summary : program->summary, 0, 0);
    const char *description = command->description;
    if (!description && !command->name)
        description = program->description;
    if (description) {
        (void)fputc('\n', to);
        print_wrapped(to, description, 0, 0);
    }
    for (size_t i = 0; command->groups && command->groups[i]; i++)
        print_group(to, command->groups[i]);
    print_group(to, &options_general_group);
}

static const char *heading_of(const struct command_spec *command)
{
    return command->heading ? command->heading : "Commands";
}

static bool is_first_of_heading(const struct program_spec *program, size_t command)
{
    for (size_t i = 0; i < command; i++) {
        if (strcmp(heading_of(&program->commands[i]), heading_of(&program->commands[command])) == 0)
            return false;
    }
    return true;
}

/* The commands under a heading, wherever they stand in the table. */
static void print_heading(FILE *to, const struct program_spec *program, const char *heading)
{
    (void)fprintf(to, "\n%s:\n", heading);
    for (size_t i = 0; i < program->command_count; i++) {
        const struct command_spec *command = &program->commands[i];
        if (strcmp(heading_of(command), heading) != 0)
            continue;
        char left[96];
        (void)snprintf(left, sizeof left, "  %s", command->name);
        print_entry(to, left, LIST_COLUMN, command->summary);
    }
}

static void print_program_help(FILE *to, const struct program_spec *program)
{
    (void)fprintf(to, "Usage: %s COMMAND [ARGUMENT...] [OPTION...]\n\n", program->name);
    print_wrapped(to, program->summary, 0, 0);
    for (size_t i = 0; i < program->command_count; i++) {
        if (is_first_of_heading(program, i))
            print_heading(to, program, heading_of(&program->commands[i]));
    }
    print_group(to, &options_general_group);
    if (program->description) {
        (void)fputc('\n', to);
        print_wrapped(to, program->description, 0, 0);
    }
    (void)fprintf(to, "\n'%s COMMAND --help' tells more about a command.\n", program->name);
}

void options_print_help(FILE *to, const struct program_spec *program,
                        const struct command_spec *command)
{
    if (command)
        print_command_help(to, program, command);
    else
        print_program_help(to, program);
}
