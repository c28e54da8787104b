/*
 * complete.c - from the words before the cursor to what may come next.
 *
 * The words are gone through as options.c does, though never refused: an option that waits for its
 * value, a command, operands. What is being typed is then a value, an option, a command or an
 * operand. Kinds of values are told by their placeholders: "a|b" lists its words, DIR and FILE are
 * paths, program_spec.value_words knows others. A program with verbs offers them for the first
 * word, and paths only where no verb begins so; a line with a verb is completed by the verb's
 * tables.
 */
#include "cli/complete.h"

#include "cli/complete_line.h"
#include "cli/message.h"
#include "cli/options_internal.h"
#include "cli/utf8.h"
#include "engine/base/mem.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZONE_DIR       "/usr/share/zoneinfo"
#define TEXT_BYTES     1100u /* a name of 256 bytes as a glob, quoted, and what stands before it */
#define SENTENCE_BYTES 72u   /* of a description */

struct completion {
    const struct program_spec *program;
    struct options *options;  /* the values so far; commands read the store's place from them */
    struct shell_line line;   /* of bash; else all zero */
    const char *const *words; /* the program's own first; the last is being typed */
    size_t word_count;
    const struct option_spec *pending; /* waits for its value */
    bool options_ended;                /* by "--" */
    bool for_bash, for_zsh;
    const char *word; /* the whole word being typed */
    size_t value_at;  /* where in it that begins which is completed: behind '=' or ',' */
    size_t keeps;     /* bytes of it that the shell leaves alone */
    size_t added;
    bool began; /* the first line is printed */
    bool nospace;
};

/* --- output -------------------------------------------------------------------------------- */

static void begin_words(struct completion *completion)
{
    if (!completion->began)
        (void)printf("words%s%s\n", completion->nospace ? " nospace" : "",
                     completion->for_zsh && completion->keeps > 0 ? " value" : "");
    completion->began = true;
}

static void print_kind(struct completion *completion, const char *kind)
{
    if (!completion->began)
        (void)printf("%s\n", kind);
    completion->began = true;
}

/* The first sentence, up to a colon, or what of it fits. */
static void print_description(const char *text)
{
    size_t len = 0;
    while (text[len] != '\0' && text[len] != '\n' && len < SENTENCE_BYTES) {
        if (strchr(".:", text[len]) && (text[len + 1] == ' ' || text[len + 1] == '\0'))
            break;
        len++;
    }
    if (len == SENTENCE_BYTES && text[len] != '\0') {
        while (len > 0 && text[len] != ' ')
            len--;
    }
    (void)printf("\t%.*s", (int)len, text);
}

struct slice completion_typed(const struct completion *completion)
{
    return slice_of_text(completion->word + completion->value_at);
}

static bool is_harmless(struct slice word)
{
    while (word.len > 0) {
        uint32_t character = 0;
        const size_t len = utf8_read(word, &character);
        if (len == 0 || utf8_is_harmful(character))
            return false;
        word = slice_of(word.data + len, word.len - len);
    }
    return true;
}

static bool begins_with(struct slice word, struct slice typed)
{
    return word.len >= typed.len &&
           (typed.len == 0 || memcmp(word.data, typed.data, typed.len) == 0);
}

/* Offers a word with a description, which may be NULL. */
static bool add(struct completion *completion, struct slice word, const char *description)
{
    if (completion->added >= COMPLETION_WORDS_MAX)
        return false;
    if (!begins_with(word, completion_typed(completion)) || !is_harmless(word))
        return true;
    char text[TEXT_BYTES];
    const int len =
        snprintf(text, sizeof text, "%.*s%.*s", (int)completion->value_at, completion->word,
                 (int)word.len, word.len > 0 ? (const char *)word.data : "");
    if (len < 0 || (size_t)len >= sizeof text || (size_t)len < completion->keeps)
        return true;
    const struct slice shown = slice_of(text + completion->keeps, (size_t)len - completion->keeps);
    const char quote = completion->line.open_quote;
    if (completion->for_bash && !shell_line_can_quote(quote, shown))
        return true;
    begin_words(completion);
    completion->added++;
    if (completion->for_bash)
        shell_line_write_quoted(stdout, quote, shown);
    else
        (void)fwrite(shown.data, 1, shown.len, stdout);
    if (description)
        print_description(description);
    (void)fputc('\n', stdout);
    return true;
}

bool completion_add(struct completion *completion, struct slice word)
{
    return add(completion, word, NULL);
}

bool completion_add_glob(struct completion *completion, struct slice name)
{
    char text[TEXT_BYTES];
    size_t used = 0;
    while (name.len > 0 && used + 8 < sizeof text) {
        uint32_t character = 0;
        size_t len = utf8_read(name, &character);
        if (len == 0 || utf8_is_harmful(character)) {
            text[used++] = '?';
            len = len > 0 ? len : 1;
        } else {
            if (character < 0x80 && strchr("*?[]\\", (int)character))
                text[used++] = '\\';
            memcpy(text + used, name.data, len);
            used += len;
        }
        name = slice_of(name.data + len, name.len - len);
    }
    return name.len > 0 || add(completion, slice_of(text, used), NULL);
}

/* --- values -------------------------------------------------------------------------------- */

/* Words parted by `part`; those in the list already are left out if it is a list. */
static void add_words(struct completion *completion, const char *words, char part)
{
    while (*words != '\0') {
        const char *end = strchr(words, part);
        const size_t len = end ? (size_t)(end - words) : strlen(words);
        (void)add(completion, slice_of(words, len), NULL);
        words += len + (end ? 1 : 0);
    }
}

static void add_zones(struct completion *completion)
{
    const char *typed = completion->word + completion->value_at;
    const char *slash = strrchr(typed, '/');
    const struct slice head = slice_of(typed, slash ? (size_t)(slash + 1 - typed) : 0);
    char path[512] = ZONE_DIR "/";
    if (strchr(typed, '.') || head.len >= sizeof path - sizeof ZONE_DIR - 1)
        return;
    memcpy(path + sizeof ZONE_DIR, head.data, head.len);
    DIR *dir = opendir(path);
    if (!dir)
        return;
    completion->nospace = true; // a folder of zones goes on
    for (const struct dirent *entry = NULL; (entry = readdir(dir)) != NULL;) {
        char name[512];
        const bool is_zone = entry->d_name[0] >= 'A' && entry->d_name[0] <= 'Z';
        const int written = snprintf(name, sizeof name, "%s%s%s", path + sizeof ZONE_DIR,
                                     entry->d_name, entry->d_type == DT_DIR ? "/" : "");
        if (is_zone && written > 0 && (size_t)written < sizeof name)
            (void)add(completion, slice_of(name, (size_t)written), NULL);
    }
    (void)closedir(dir);
}

static void add_names(struct completion *completion, enum store_names which)
{
    if (completion->program->complete_names)
        completion->program->complete_names(completion, which, completion->options);
}

static const char *words_of(const struct program_spec *program, const char *argument)
{
    const struct value_words *words = program->value_words;
    for (; words && words->argument; words++) {
        if (strcmp(words->argument, argument) == 0)
            return words->words;
    }
    return NULL;
}

/* What stands behind the last comma is completed, and another comma may follow. */
static void begin_list(struct completion *completion)
{
    const char *typed = completion->word + completion->value_at;
    const char *comma = strrchr(typed, ',');
    if (comma)
        completion->value_at += (size_t)(comma + 1 - typed);
    completion->nospace = true;
}

static void complete_value(struct completion *completion, const struct option_spec *spec)
{
    const char *argument = spec->argument;
    const char *words = words_of(completion->program, argument);
    if (words) {
        if (strcmp(argument, "LIST") == 0)
            begin_list(completion);
        add_words(completion, words, ' ');
    } else if (strchr(argument, '|')) {
        add_words(completion, argument, '|');
    } else if (strstr(argument, "DIR")) {
        print_kind(completion, "directories");
    } else if (strstr(argument, "FILE")) {
        print_kind(completion, "files");
    } else if (strcmp(argument, "ZONE") == 0) {
        add_zones(completion);
    } else if (strcmp(spec->name, "product") == 0) {
        add_names(completion, STORE_NAMES_PRODUCTS);
    } else if (strcmp(spec->name, "device") == 0) {
        add_names(completion, STORE_NAMES_DEVICES);
    } else if (strstr(argument, "METRIC")) {
        add_names(completion, STORE_NAMES_METRICS);
    }
}

/* --- operands ------------------------------------------------------------------------------ */

/* "mnsdb ingest --o" comes to mnsdb-ingest as it is: the word of the command is passed over. */
static const char *own_word(const struct completion *completion)
{
    const char *slash = strrchr(completion->words[0], '/');
    const char *called = slash ? slash + 1 : completion->words[0];
    const char *name = completion->program->name;
    const char *dash = strchr(name, '-');
    const size_t name_len = strcspn(name, " ");
    const bool is_called = strlen(called) == name_len && strncmp(called, name, name_len) == 0;
    return dash && !is_called ? dash + 1 : NULL;
}

/* "bench queue" begins with the word "bench". */
static bool is_own_word(const char *own, const char *word)
{
    return own && strlen(word) == strcspn(own, " ") && strncmp(own, word, strlen(word)) == 0;
}

/* The program's words begin behind its name; "mnsdb bench" is a name, too. */
static size_t first_word(const struct completion *completion)
{
    const char *own = own_word(completion);
    return completion->word_count > 2 && is_own_word(own, completion->words[1]) ? 2 : 1;
}

static void add_verbs(struct completion *completion)
{
    const struct verb_spec *verbs = completion->program->verbs;
    if (!verbs || first_word(completion) + 1 != completion->word_count)
        return;
    for (; verbs->name; verbs++)
        (void)add(completion, slice_of_text(verbs->name), verbs->summary);
}

/* The verb whose command line this is; NULL: it is the program's own. */
static const char *find_verb(const struct completion *completion)
{
    const struct verb_spec *verbs = completion->program->verbs;
    const size_t first = first_word(completion);
    for (; verbs && verbs->name && first + 1 < completion->word_count; verbs++) {
        if (strcmp(verbs->name, completion->words[first]) == 0)
            return verbs->name;
    }
    return NULL;
}

static void complete_operand(struct completion *completion)
{
    add_verbs(completion);
    if (completion->began)
        return;
    const struct command_spec *command = completion->options->command;
    const char *operands = command->operands;
    if (!operands || completion->options->operand_count >= command->operands_max)
        return;
    if (strstr(operands, "METRIC"))
        add_names(completion, STORE_NAMES_METRICS);
    else if (strstr(operands, "FILE"))
        print_kind(completion, "files");
    else if (strstr(operands, "DIR") || strstr(operands, "DEST"))
        print_kind(completion, "directories");
}

/* --- options and commands ------------------------------------------------------------------ */

static bool was_given(const struct completion *completion, const struct option_spec *spec)
{
    return !spec->repeatable && options_given(completion->options, spec->name);
}

static void add_group(struct completion *completion, const struct option_group *group)
{
    for (size_t i = 0; i < group->option_count; i++) {
        const struct option_spec *spec = &group->options[i];
        char text[128];
        const int len = snprintf(text, sizeof text, "--%s", spec->name);
        if (!was_given(completion, spec) && len > 0 && (size_t)len < sizeof text)
            (void)add(completion, slice_of(text, (size_t)len), spec->help);
    }
}

static void complete_option(struct completion *completion)
{
    const struct command_spec *command = completion->options->command;
    for (size_t i = 0; command && command->groups && command->groups[i]; i++)
        add_group(completion, command->groups[i]);
    add_group(completion, &options_general_group);
}

static void complete_command(struct completion *completion)
{
    const struct program_spec *program = completion->program;
    for (size_t i = 0; i < program->command_count; i++)
        (void)add(completion, slice_of_text(program->commands[i].name),
                  program->commands[i].summary);
    (void)add(completion, slice_of_text("help"), "How to use a command");
}

/* --- the words before ---------------------------------------------------------------------- */

/* An option of any command of the program, while none is chosen yet. */
static const struct option_spec *find_option(const struct completion *completion, const char *name,
                                             size_t name_len)
{
    const struct option_spec *found =
        command_find_option(completion->options->command, name, name_len);
    const struct program_spec *program = completion->program;
    for (size_t i = 0; !found && i < program->command_count; i++)
        found = command_find_option(&program->commands[i], name, name_len);
    return found;
}

static const struct option_spec *find_letter(const struct completion *completion, char letter)
{
    const struct option_spec *found = command_find_letter(completion->options->command, letter);
    const struct program_spec *program = completion->program;
    for (size_t i = 0; !found && i < program->command_count; i++)
        found = command_find_letter(&program->commands[i], letter);
    return found;
}

static void take_value(struct completion *completion, const struct option_spec *spec,
                       const char *text)
{
    struct options *options = completion->options;
    options->values[options->value_count++] = (struct option_value){.spec = spec, .text = text};
}

static void take_long(struct completion *completion, const char *word)
{
    const size_t name_len = strcspn(word + 2, "=");
    const struct option_spec *spec = find_option(completion, word + 2, name_len);
    if (!spec)
        return;
    if (spec->argument && word[2 + name_len] != '=')
        completion->pending = spec;
    else
        take_value(completion, spec, spec->argument ? word + 2 + name_len + 1 : NULL);
}

static void take_letters(struct completion *completion, const char *word)
{
    // The value of the last letter only: one entry of `values` for each word.
    const struct option_spec *spec = NULL;
    for (const char *at = word + 1; *at != '\0'; at++) {
        spec = find_letter(completion, *at);
        if (!spec || !spec->argument)
            continue;
        if (at[1] != '\0')
            take_value(completion, spec, at + 1);
        else
            completion->pending = spec;
        return;
    }
}

static void take_word(struct completion *completion, const char *word)
{
    struct options *options = completion->options;
    if (completion->pending) {
        take_value(completion, completion->pending, word);
        completion->pending = NULL;
    } else if (!completion->options_ended && strcmp(word, "--") == 0) {
        completion->options_ended = true;
    } else if (!completion->options_ended && strncmp(word, "--", 2) == 0) {
        take_long(completion, word);
    } else if (!completion->options_ended && word[0] == '-' && word[1] != '\0') {
        take_letters(completion, word);
    } else if (!options->command) {
        options->command = program_find_command(completion->program, word);
    } else {
        options->operand_count++;
    }
}

/* The option whose value is being typed behind '='. */
static const struct option_spec *value_behind_equals(struct completion *completion)
{
    const char *word = completion->word;
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    if (!equals || completion->options_ended)
        return NULL;
    const struct option_spec *spec = find_option(completion, word + 2, (size_t)(equals - word - 2));
    completion->value_at = (size_t)(equals + 1 - word);
    if (completion->for_zsh)
        completion->keeps = completion->value_at;
    return spec && spec->argument ? spec : NULL;
}

static void complete_word(struct completion *completion)
{
    const struct command_spec *command = completion->options->command;
    const char *word = completion->word;
    const struct option_spec *spec = completion->pending;
    if (!spec)
        spec = value_behind_equals(completion);
    if (spec)
        complete_value(completion, spec);
    else if (completion->value_at > 0)
        return;
    else if (!completion->options_ended && word[0] == '-')
        complete_option(completion);
    else if (!command)
        complete_command(completion);
    else
        complete_operand(completion);
}

static bool take_words(struct completion *completion)
{
    struct options *options = completion->options;
    options->values = mem_alloc_zeroed(completion->word_count + 1, sizeof *options->values);
    if (!options->values)
        return false;
    const char *own = own_word(completion);
    const char *verb = strchr(completion->program->name, ' ');
    for (size_t i = 1; i + 1 < completion->word_count; i++) {
        const char *word = completion->words[i];
        if (is_own_word(own, word))
            own = NULL;
        else if (verb && strcmp(verb + 1, word) == 0)
            verb = NULL;
        else
            take_word(completion, word);
    }
    completion->word = completion->words[completion->word_count - 1];
    return true;
}

/* False: nothing to complete. */
static bool read_arguments(struct completion *completion, int argc, char **argv)
{
    if (argc < 4)
        return false;
    completion->for_bash = strcmp(argv[2], "bash") == 0;
    completion->for_zsh = strcmp(argv[2], "zsh") == 0;
    if (!completion->for_bash) {
        completion->words = (const char *const *)(argv + 3);
        completion->word_count = (size_t)(argc - 3);
    } else {
        struct shell_line *line = &completion->line;
        if (shell_line_read(line, argv[3], argc > 4 ? argv[4] : "") != STATUS_OK || line->mixed)
            return false;
        completion->words = line->words;
        completion->word_count = line->word_count;
        completion->keeps = line->kept_bytes;
    }
    return completion->word_count >= 2 && take_words(completion);
}

enum options_outcome options_complete(struct options *options, const struct program_spec *program,
                                      int argc, char **argv)
{
    // A store may lie on a disk that does not answer: the shell must not wait for it.
    (void)alarm(COMPLETION_SECONDS_MAX);
    message_setup(program->name, VERBOSITY_QUIET);
    struct completion completion = {.program = program, .options = options};
    enum options_outcome outcome = OPTIONS_DONE;
    if (read_arguments(&completion, argc, argv)) {
        options->verb = find_verb(&completion);
        if (options->verb || (options->command && options->command->external)) {
            outcome = OPTIONS_EXTERNAL;
            options->command_index = 0;
        } else {
            complete_word(&completion);
        }
    }
    shell_line_release(&completion.line);
    if (outcome == OPTIONS_DONE)
        (void)message_stdout_finish(EXIT_CODE_OK);
    return outcome;
}
