/*
 * options.h - the command line as tables: one description for parsing and for --help.
 *
 *      program ── commands ── groups of options ── options
 *
 * Groups are shared between commands (selection, output, store). Options may
 * stand anywhere on the line, before the command's word too; "--" ends them. Values come as
 * "--db DIR", "--db=DIR", "-d DIR" or "-dDIR". Given twice, the last one wins; a
 * repeatable option collects. Long names are never abbreviated: a new option
 * must not break a script. -h/--help, -V/--version, -q/--quiet and -v/--verbose are
 * everywhere and not part of the tables.
 *
 * A program without sub-commands has one command whose name is NULL.
 *
 * Two words that no --help mentions: "__complete" (complete.h) and "__spec", the tables as JSON,
 * of which scripts/manual makes the manual pages. They work as the first word alone.
 *
 * Life cycle: options_begin -> read -> options_release. Texts borrow from argv and tables.
 * Threads:    one while parsing (getopt); afterwards read-only and shared.
 */
#ifndef MNSDB_CLI_OPTIONS_H
#define MNSDB_CLI_OPTIONS_H

#include "cli/exit_code.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the same name in several groups, argument, letter and repeatable must agree (asserted). */
struct option_spec {
    const char *name;     /* long name, without dashes */
    const char *argument; /* placeholder of its value, "DIR"; NULL: a flag */
    const char *help;     /* sentences; --help wraps them */
    char letter;          /* short form, or 0 */
    bool repeatable;      /* every value counts */
};

struct option_group {
    const char *title; /* heading in --help: "Selection" */
    const struct option_spec *options;
    size_t option_count;
};

struct options;

struct command_spec {
    const char *name;        /* "stats"; NULL: the program has no sub-commands */
    const char *operands;    /* "[METRIC...]", for the usage line; NULL: takes none */
    const char *summary;     /* a line in the list of commands */
    const char *description; /* for its --help, paragraphs parted by '\n'; or NULL */
    const struct option_group *const *groups; /* NULL-terminated; may be NULL */
    unsigned operands_min;
    unsigned operands_max; /* OPERANDS_ANY: no limit */
    bool external;         /* another program's: the rest of the line is not looked at */
    enum exit_code (*run)(const struct options *options); /* for the program's own use */
    const char *heading; /* over it in the list of commands; NULL: "Commands" */
};

#define OPERANDS_ANY 1000000u

/* The words that a value may be, told by its placeholder where that does not list them itself. */
struct value_words {
    const char *argument; /* "FORMAT"; "LIST" takes several between commas */
    const char *words;    /* "table csv", between blanks */
};

/* Which names of the store completion asks for. */
enum store_names {
    STORE_NAMES_DEVICES,
    STORE_NAMES_PRODUCTS,
    STORE_NAMES_METRICS,
};

struct completion; /* complete.h */

/*
 * A first word with a command line of its own, "queue" of "mnsdb-bench queue": the program looks
 * for it before options_begin. Its program_spec.name is both words.
 */
struct verb_spec {
    const char *name;
    const char *summary;
};

struct program_spec {
    const char *name;        /* "mnsdb" */
    const char *summary;     /* one sentence */
    const char *description; /* as a command's; shown by the program's --help */
    const struct command_spec *commands;
    size_t command_count;
    const struct value_words *value_words; /* ended by one without argument; may be NULL */
    const struct verb_spec *verbs;         /* ended by one without name; may be NULL */
    /* Adds the store's names to a completion; NULL: the program knows none. Never fails. */
    void (*complete_names)(struct completion *completion, enum store_names which,
                           const struct options *options);
};

struct option_value {
    const struct option_spec *spec;
    const char *text; /* NULL for a flag */
};

/* What was given. Zero-initialise. */
struct options {
    const struct program_spec *program;
    const struct command_spec *command; /* NULL: none was given */
    int command_index;                  /* of its word in argv, if external */
    const char *verb;                   /* a line to complete is of this verb: OPTIONS_EXTERNAL */
    struct option_value *values;        /* owned; in the order of the line */
    size_t value_count;
    const char **operands; /* owned array; the command's word is not in it */
    size_t operand_count;
};

enum options_outcome {
    OPTIONS_RUN,      /* options->command is to run */
    OPTIONS_EXTERNAL, /* argv without [command_index] belongs to another program, or to a verb */
    OPTIONS_DONE,     /* help or an error was printed: exit with *code */
};

/*
 * Parses the line, prints help, version or what is wrong with it, and sets up
 * message.h (name, -q, -v). argv is not changed.
 */
MUST_CHECK enum options_outcome options_begin(struct options *options,
                                              const struct program_spec *program, int argc,
                                              char **argv, enum exit_code *code);
void options_release(struct options *options);

/* The last value of an option, or NULL when it was not given. */
const char *options_text(const struct options *options, const char *name);
bool options_given(const struct options *options, const char *name);

/* Values of a repeatable option one after the other; begin with *position = 0. NULL ends. */
const char *options_next(const struct options *options, const char *name, size_t *position);

/*
 * The last value as a whole number of decimal digits, least ... most. `*number` is
 * untouched when the option was not given; STATUS_INPUT names the option and the bounds.
 */
MUST_CHECK enum status options_number(const struct options *options, const char *name,
                                      uint64_t least, uint64_t most, uint64_t *number,
                                      struct error *err);

/* The last value as a share, 0 ... 1; as options_number otherwise. */
MUST_CHECK enum status options_share(const struct options *options, const char *name, double *share,
                                     struct error *err);

/* Prints a usage error and the pointer to --help; returns EXIT_CODE_USAGE. */
enum exit_code options_usage_error(const struct options *options, const char *format, ...)
    PRINTF_LIKE(2, 3);

#endif
