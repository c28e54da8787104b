/*
 * options.c - from argv to option values, with getopt_long underneath.
 *
 * getopt_long gets the union of the options of all commands, since an option may stand
 * before the command's word; whether the command takes it is checked at the end.
 * The leading '-' of its option string makes it report operands in their order and
 * leave argv alone, whatever POSIXLY_CORRECT says.
 *
 * (1) Short letters and long options meet in one number: FIRST_LONG + index in the union.
 * (2) An abbreviated long option, which getopt_long would take, is refused by comparing
 *     the name with the word on the line.
 */
#include "cli/options.h"

#include "cli/message.h"
#include "cli/options_internal.h"
#include "cli/quantity.h"
#include "cli/suggest.h"
#include "cli/version.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNION_MAX  128u /* distinct options of one program */
#define GROUPS_MAX 64u  /* distinct groups; more are only gone through again */
#define FIRST_LONG 1000
#define OPERAND    1 /* what getopt_long returns for a word that is no option */

static const struct option_spec general_options[] = {
    {.name = "quiet", .letter = 'q', .help = "Say nothing but errors."},
    {.name = "verbose", .letter = 'v', .help = "Say more about what happens."},
    {.name = "help", .letter = 'h', .help = "Show this help and end."},
    {.name = "version", .letter = 'V', .help = "Show the version and end."},
};

const struct option_group options_general_group = {
    .title = "General",
    .options = general_options,
    .option_count = sizeof general_options / sizeof *general_options,
};

/* All options of a program, each name once, in the shape getopt_long wants. */
struct option_union {
    const struct option_spec *specs[UNION_MAX];
    struct option longs[UNION_MAX + 1];
    char shorts[2 * UNION_MAX + 3];
    size_t count;
    const struct option_group *groups[GROUPS_MAX]; /* those that are in already */
    size_t group_count;
};

struct parse {
    const struct program_spec *program;
    struct options *options;
    struct option_union *all;
    char **argv;
};

/* --- tables -------------------------------------------------------------------------------- */

static const struct option_spec *group_find(const struct option_group *group, const char *name,
                                            size_t name_len)
{
    for (size_t i = 0; i < group->option_count; i++) {
        const char *of_option = group->options[i].name;
        if (strncmp(of_option, name, name_len) == 0 && of_option[name_len] == '\0')
            return &group->options[i];
    }
    return NULL;
}

const struct option_spec *command_find_option(const struct command_spec *command, const char *name,
                                              size_t name_len)
{
    const struct option_spec *found = group_find(&options_general_group, name, name_len);
    for (size_t i = 0; !found && command && command->groups && command->groups[i]; i++)
        found = group_find(command->groups[i], name, name_len);
    return found;
}

static const struct option_spec *group_letter(const struct option_group *group, char letter)
{
    for (size_t i = 0; i < group->option_count; i++) {
        if (group->options[i].letter == letter)
            return &group->options[i];
    }
    return NULL;
}

const struct option_spec *command_find_letter(const struct command_spec *command, char letter)
{
    const struct option_spec *found = letter ? group_letter(&options_general_group, letter) : NULL;
    for (size_t i = 0; letter && !found && command && command->groups && command->groups[i]; i++)
        found = group_letter(command->groups[i], letter);
    return found;
}

bool command_has_option(const struct command_spec *command, const char *name)
{
    return command_find_option(command, name, strlen(name)) != NULL;
}

static void union_add(struct option_union *all, const struct option_spec *spec)
{
    for (size_t i = 0; i < all->count; i++) {
        const char *name = all->specs[i]->name;
        if (name[0] != spec->name[0] || strcmp(name, spec->name) != 0)
            continue;
        assert(!all->specs[i]->argument == !spec->argument);
        assert(all->specs[i]->letter == spec->letter);
        assert(all->specs[i]->repeatable == spec->repeatable);
        return;
    }
    assert(all->count < UNION_MAX);
    all->longs[all->count] = (struct option){
        .name = spec->name,
        .has_arg = spec->argument ? required_argument : no_argument,
        .val = FIRST_LONG + (int)all->count,
    };
    all->specs[all->count++] = spec;

    const size_t used = strlen(all->shorts);
    assert(!spec->letter || !strchr(all->shorts + 2, spec->letter));
    if (spec->letter)
        (void)snprintf(all->shorts + used, sizeof all->shorts - used, "%c%s", spec->letter,
                       spec->argument ? ":" : "");
}

/* Commands share most groups: each is gone through once. */
static void union_add_group(struct option_union *all, const struct option_group *group)
{
    for (size_t i = 0; i < all->group_count; i++) {
        if (all->groups[i] == group)
            return;
    }
    if (all->group_count < GROUPS_MAX)
        all->groups[all->group_count++] = group;
    for (size_t i = 0; i < group->option_count; i++)
        union_add(all, &group->options[i]);
}

static void union_build(struct option_union *all, const struct program_spec *program)
{
    // '-': operands in their order; ':': a missing value is told apart from an unknown option.
    memcpy(all->shorts, "-:", 3);
    union_add_group(all, &options_general_group);
    for (size_t i = 0; i < program->command_count; i++) {
        const struct option_group *const *groups = program->commands[i].groups;
        for (; groups && *groups; groups++)
            union_add_group(all, *groups);
    }
}

static const struct option_spec *union_find(const struct option_union *all, int found)
{
    if (found >= FIRST_LONG)
        return all->specs[found - FIRST_LONG];
    for (size_t i = 0; i < all->count; i++) {
        if (all->specs[i]->letter != 0 && all->specs[i]->letter == found)
            return all->specs[i];
    }
    return NULL;
}

const struct command_spec *program_find_command(const struct program_spec *program,
                                                const char *name)
{
    for (size_t i = 0; i < program->command_count; i++) {
        if (strcmp(program->commands[i].name, name) == 0)
            return &program->commands[i];
    }
    return NULL;
}

/* --- what is wrong with a line --------------------------------------------------------------- */

enum exit_code options_usage_error(const struct options *options, const char *format, ...)
{
    char text[ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *command = options->command && options->command->name ? options->command->name : "";
    message_error("%s (see '%s%s%s --help')", text, options->program->name, *command ? " " : "",
                  command);
    return EXIT_CODE_USAGE;
}

static enum status unknown_command(const struct program_spec *program, const char *typed,
                                   struct error *err)
{
    const char *names[UNION_MAX];
    size_t count = 0;
    for (size_t i = 0; i < program->command_count && count < UNION_MAX; i++)
        names[count++] = program->commands[i].name;
    const char *near = suggest_word(typed, names, count);
    if (near)
        return error_set(err, STATUS_INPUT, "unknown command '%s'; did you mean '%s'?", typed,
                         near);
    return error_set(err, STATUS_INPUT, "unknown command '%s'", typed);
}

static enum status unknown_long(const struct parse *parse, const char *word, struct error *err)
{
    char typed[64];
    (void)snprintf(typed, sizeof typed, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *names[UNION_MAX];
    size_t count = 0;
    for (size_t i = 0; i < parse->all->count; i++) {
        const char *name = parse->all->specs[i]->name;
        if (!parse->options->command || command_has_option(parse->options->command, name))
            names[count++] = name;
    }
    const char *near = suggest_word(typed, names, count);
    if (near)
        return error_set(err, STATUS_INPUT, "unknown option '--%s'; did you mean '--%s'?", typed,
                         near);
    return error_set(err, STATUS_INPUT, "unknown option '--%s'", typed);
}

/* `found` is ':' or '?' from getopt_long; optopt and argv[optind - 1] say more. */
static enum status bad_option(const struct parse *parse, int found, struct error *err)
{
    const char *word = parse->argv[optind - 1];
    const struct option_spec *spec = union_find(parse->all, optopt);
    if (found == ':' && spec)
        return error_set(err, STATUS_INPUT, "option '--%s' needs a value: --%s %s", spec->name,
                         spec->name, spec->argument);
    if (optopt >= FIRST_LONG && spec)
        return error_set(err, STATUS_INPUT, "option '--%s' takes no value", spec->name);
    if (optopt != 0)
        return error_set(err, STATUS_INPUT, "unknown option '-%c'", optopt);
    return unknown_long(parse, word, err);
}

/* --- parsing ------------------------------------------------------------------------------- */

/* True if the word on the line that gave a long option spells its whole name. */
static bool is_spelled_out(const struct parse *parse, const struct option_spec *spec,
                           const char *value)
{
    const char *word = parse->argv[optind - 1];
    // A value of its own word follows the option's word.
    if (value && value == word)
        word = parse->argv[optind - 2];
    const size_t len = strlen(spec->name);
    return strncmp(word, "--", 2) == 0 && strncmp(word + 2, spec->name, len) == 0 &&
           (word[2 + len] == '\0' || word[2 + len] == '=');
}

static void add_value(struct options *options, const struct option_spec *spec, const char *text)
{
    options->values[options->value_count++] = (struct option_value){.spec = spec, .text = text};
}

/*
 * A word that is no option; getopt has just gone past it. "mnsdb help stats" is "mnsdb stats
 * --help".
 */
static enum status add_operand(struct parse *parse, const char *word, struct error *err)
{
    struct options *options = parse->options;
    if (options->command) {
        options->operands[options->operand_count++] = word;
        return STATUS_OK;
    }
    options->command = program_find_command(parse->program, word);
    options->command_index = optind - 1;
    if (options->command)
        return STATUS_OK;
    const struct option_spec *help = group_find(&options_general_group, "help", 4);
    if (strcmp(word, "help") != 0)
        return unknown_command(parse->program, word, err);
    add_value(options, help, NULL);
    return STATUS_OK;
}

static enum status take_option(struct parse *parse, int found, struct error *err)
{
    const struct option_spec *spec = union_find(parse->all, found);
    if (!spec)
        return bad_option(parse, found, err);
    if (found >= FIRST_LONG && !is_spelled_out(parse, spec, optarg)) {
        const bool apart = optarg == parse->argv[optind - 1];
        return unknown_long(parse, parse->argv[optind - (apart ? 2 : 1)], err);
    }
    add_value(parse->options, spec, optarg);
    return STATUS_OK;
}

static enum status take_words(struct parse *parse, int argc, struct error *err)
{
    const struct option_union *all = parse->all;
    optind = 0; // glibc: forget what an earlier parse left behind
    opterr = 0;
    int found = 0;
    while ((found = getopt_long(argc, parse->argv, all->shorts, all->longs, NULL)) != -1) {
        if (found == OPERAND)
            TRY(add_operand(parse, optarg, err));
        else
            TRY(take_option(parse, found, err));
        if (parse->options->command && parse->options->command->external)
            return STATUS_OK;
    }
    while (optind < argc) {
        const char *word = parse->argv[optind++];
        TRY(add_operand(parse, word, err));
    }
    return STATUS_OK;
}

/* An option of other commands: the first of them is told. */
static enum status foreign_option(const struct options *options, const char *name,
                                  struct error *err)
{
    const struct program_spec *program = options->program;
    size_t other = 0;
    while (other < program->command_count && !command_has_option(&program->commands[other], name))
        other++;
    const char *owner = other < program->command_count ? program->commands[other].name : NULL;
    return error_set(err, STATUS_INPUT, "option '--%s' is not one of '%s'%s%s%s", name,
                     options->command->name ? options->command->name : program->name,
                     owner ? ", but of '" : "", owner ? owner : "", owner ? "'" : "");
}

static enum status check_line(const struct options *options, struct error *err)
{
    const struct command_spec *command = options->command;
    if (!command)
        return error_set(err, STATUS_INPUT, "no command given");
    for (size_t i = 0; i < options->value_count; i++) {
        const char *name = options->values[i].spec->name;
        if (!command_has_option(command, name))
            return foreign_option(options, name, err);
    }
    if (options->operand_count > command->operands_max)
        return error_set(err, STATUS_INPUT, "unexpected argument '%s'",
                         options->operands[command->operands_max]);
    if (options->operand_count < command->operands_min)
        return error_set(err, STATUS_INPUT, "missing argument: %s", command->operands);
    return STATUS_OK;
}

static enum status parse_line(struct options *options, const struct program_spec *program, int argc,
                              char **argv, struct error *err)
{
    size_t values_max = 1; // a word holds at most as many options as letters
    for (int i = 1; i < argc; i++)
        values_max += strlen(argv[i]) + 1;
    options->values = mem_alloc_zeroed(values_max, sizeof *options->values);
    options->operands = mem_alloc_zeroed((size_t)argc + 1, sizeof *options->operands);
    OWNED(mem_free_owned) struct option_union *all = mem_alloc_zeroed(1, sizeof *all);
    if (!options->values || !options->operands || !all)
        return error_set(err, STATUS_NOMEM, "no memory for the command line");

    union_build(all, program);
    struct parse parse = {.program = program, .options = options, .all = all, .argv = argv};
    return take_words(&parse, argc, err);
}

/* Prints help or version if the line asks for it. */
static bool print_if_asked(const struct options *options)
{
    if (options_given(options, "help"))
        options_print_help(stdout, options->program, options->command);
    else if (options_given(options, "version"))
        (void)printf("%s %s\n", options->program->name, MNSDB_VERSION);
    else
        return false;
    return true;
}

enum options_outcome options_begin(struct options *options, const struct program_spec *program,
                                   int argc, char **argv, enum exit_code *code)
{
    message_setup(program->name, VERBOSITY_NORMAL);
    options->program = program;
    options->command = program_has_commands(program) ? NULL : &program->commands[0];

    if (argc > 1 && strncmp(argv[1], "__", 2) == 0) {
        *code = EXIT_CODE_OK;
        if (strcmp(argv[1], "__complete") == 0)
            return options_complete(options, program, argc, argv);
        if (strcmp(argv[1], "__spec") == 0) {
            options_print_spec(stdout, program);
            *code = message_stdout_finish(EXIT_CODE_OK);
            return OPTIONS_DONE;
        }
    }
    struct error err = {0};
    enum status status = parse_line(options, program, argc, argv, &err);
    if (options->command && options->command->external)
        return OPTIONS_EXTERNAL;
    if (status == STATUS_OK && print_if_asked(options)) {
        *code = message_stdout_finish(EXIT_CODE_OK);
        return OPTIONS_DONE;
    }
    if (status == STATUS_OK)
        status = check_line(options, &err);
    if (status != STATUS_OK) {
        *code = status == STATUS_INPUT ? options_usage_error(options, "%s", err.message)
                                       : message_failure(&err);
        return OPTIONS_DONE;
    }
    if (options_given(options, "quiet"))
        message_setup(program->name, VERBOSITY_QUIET);
    else if (options_given(options, "verbose"))
        message_setup(program->name, VERBOSITY_DETAIL);
    return OPTIONS_RUN;
}

void options_release(struct options *options)
{
    mem_free(options->values);
    mem_free(options->operands);
    *options = (struct options){0};
}

/* --- reading ------------------------------------------------------------------------------- */

static const struct option_value *last_value(const struct options *options, const char *name)
{
    for (size_t i = options->value_count; i > 0; i--) {
        if (strcmp(options->values[i - 1].spec->name, name) == 0)
            return &options->values[i - 1];
    }
    return NULL;
}

const char *options_text(const struct options *options, const char *name)
{
    const struct option_value *value = last_value(options, name);
    return value ? value->text : NULL;
}

bool options_given(const struct options *options, const char *name)
{
    return last_value(options, name) != NULL;
}

const char *options_next(const struct options *options, const char *name, size_t *position)
{
    for (; *position < options->value_count; (*position)++) {
        const struct option_value *value = &options->values[*position];
        if (strcmp(value->spec->name, name) == 0) {
            (*position)++;
            return value->text;
        }
    }
    return NULL;
}

enum status options_number(const struct options *options, const char *name, uint64_t least,
                           uint64_t most, uint64_t *number, struct error *err)
{
    const char *text = options_text(options, name);
    if (!text)
        return STATUS_OK;
    uint64_t value = 0;
    if (!count_parse(text, &value) || value < least || value > most)
        return error_set(err, STATUS_INPUT, "--%s wants a whole number from %llu to %llu, not '%s'",
                         name, (unsigned long long)least, (unsigned long long)most, text);
    *number = value;
    return STATUS_OK;
}

enum status options_share(const struct options *options, const char *name, double *share,
                          struct error *err)
{
    const char *text = options_text(options, name);
    if (!text)
        return STATUS_OK;
    char *end = NULL;
    errno = 0;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !(value >= 0 && value <= 1))
        return error_set(err, STATUS_INPUT, "--%s takes a share between 0 and 1, not '%s'", name,
                         text);
    *share = value;
    return STATUS_OK;
}
