/*
 * options_internal.h - shared by parsing (options.c) and --help (options_help.c).
 */
#ifndef MNSDB_CLI_OPTIONS_INTERNAL_H
#define MNSDB_CLI_OPTIONS_INTERNAL_H

#include "cli/options.h"

#include <stdio.h>

/* -q, -v, -h, -V: part of every command. */
extern const struct option_group options_general_group;

/* True if the command takes an option of this name. */
bool command_has_option(const struct command_spec *command, const char *name);

static inline bool program_has_commands(const struct program_spec *program)
{
    return program->commands[0].name != NULL;
}

/* Prints the help of a command, or with NULL that of a program with commands. */
void options_print_help(FILE *to, const struct program_spec *program,
                        const struct command_spec *command);

#endif
