/*
 * options_internal.h - shared by parsing (options.c), --help, completion and the tables as JSON.
 */
#ifndef MNSDB_CLI_OPTIONS_INTERNAL_H
#define MNSDB_CLI_OPTIONS_INTERNAL_H

#include "cli/options.h"

#include <stdio.h>

/* -q, -v, -h, -V: part of every command. */
extern const struct option_group options_general_group;

/* True if the command takes an option of this name. */
bool command_has_option(const struct command_spec *command, const char *name);

/* The command's option of this long name, or of this letter; general ones too. NULL: none. */
const struct option_spec *command_find_option(const struct command_spec *command, const char *name,
                                              size_t name_len);
const struct option_spec *command_find_letter(const struct command_spec *command, char letter);

/* NULL: the program has no such command. */
const struct command_spec *program_find_command(const struct program_spec *program,
                                                const char *name);

static inline bool program_has_commands(const struct program_spec *program)
{
    return program->commands[0].name != NULL;
}

/* Prints the help of a command, or with NULL that of a program with commands. */
void options_print_help(FILE *to, const struct program_spec *program,
                        const struct command_spec *command);

/*
 * "__complete SHELL ...": prints what may come next. OPTIONS_EXTERNAL: the command on the line is
 * another program's, which takes the same arguments.
 */
enum options_outcome options_complete(struct options *options, const struct program_spec *program,
                                      int argc, char **argv);

/* "__spec": prints the tables as one JSON object. */
void options_print_spec(FILE *to, const struct program_spec *program);

#endif
