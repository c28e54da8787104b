/*
 * options_spec.c - the tables as JSON, from which scripts/manual makes manual pages.
 *
 *      {"name":"mnsdb","summary":...,"commands":[{"name":"stats",...,"groups":[{"title":...,
 *       "options":[{"name":"agg","argument":"LIST","letter":null,"repeatable":false,
 *                   "help":...}]}]}]}
 *
 * The texts are the program's own: ASCII, of which only quotes, backslashes and line breaks need
 * care.
 */
#include "cli/options_internal.h"

static void print_text(FILE *to, const char *text)
{
    if (!text) {
        (void)fputs("null", to);
        return;
    }
    (void)fputc('"', to);
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            (void)fputs("\\n", to);
        else
            (void)fprintf(to, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    }
    (void)fputc('"', to);
}

static void print_member(FILE *to, const char *name, const char *text)
{
    (void)fprintf(to, "\"%s\":", name);
    print_text(to, text);
    (void)fputc(',', to);
}

static void print_group(FILE *to, const struct option_group *group)
{
    (void)fputc('{', to);
    print_member(to, "title", group->title);
    (void)fputs("\"options\":[", to);
    for (size_t i = 0; i < group->option_count; i++) {
        const struct option_spec *spec = &group->options[i];
        const char letter[2] = {spec->letter, '\0'};
        (void)fputs(i > 0 ? ",\n{" : "\n{", to);
        print_member(to, "name", spec->name);
        print_member(to, "argument", spec->argument);
        print_member(to, "letter", spec->letter ? letter : NULL);
        print_member(to, "help", spec->help);
        (void)fprintf(to, "\"repeatable\":%s}", spec->repeatable ? "true" : "false");
    }
    (void)fputs("]}", to);
}

static void print_command(FILE *to, const struct command_spec *command)
{
    (void)fputs("\n{", to);
    print_member(to, "name", command->name);
    print_member(to, "operands", command->operands);
    print_member(to, "summary", command->summary);
    print_member(to, "description", command->description);
    (void)fprintf(to, "\"external\":%s,\"groups\":[", command->external ? "true" : "false");
    for (size_t i = 0; command->groups && command->groups[i]; i++) {
        (void)fputs(i > 0 ? ",\n" : "\n", to);
        print_group(to, command->groups[i]);
    }
    (void)fputs("]}", to);
}

void options_print_spec(FILE *to, const struct program_spec *program)
{
    (void)fputc('{', to);
    print_member(to, "name", program->name);
    print_member(to, "summary", program->summary);
    print_member(to, "description", program->description);
    (void)fputs("\"general\":", to);
    print_group(to, &options_general_group);
    (void)fputs(",\"commands\":[", to);
    for (size_t i = 0; i < program->command_count; i++) {
        if (i > 0)
            (void)fputc(',', to);
        print_command(to, &program->commands[i]);
    }
    (void)fputs("]}\n", to);
}
