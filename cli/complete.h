/*
 * complete.h - what may come next on a command line, for the shells' completion.
 *
 * The shells' scripts (completion/) are thin; they ask the program itself, so what they offer is
 * what it takes:
 *
 *      PROGRAM __complete bash LINE BREAKS      the line up to the cursor; $COMP_WORDBREAKS
 *      PROGRAM __complete zsh|fish WORD...      the words, without quotes; the last is being typed
 *
 *      words [nospace] [value]                  first line: what follows, or
 *      files, directories                       that the shell completes paths
 *      WORD<TAB>DESCRIPTION                     then a line each
 *
 * "nospace": more may follow in the same word. "value": for zsh, WORDs come behind the '='.
 * bash is given words quoted as the line needs them; the other shells quote them.
 *
 * Names of the store are bytes from outside: one that a terminal would obey is left out, or has
 * '?' in the place of such characters where a glob is wanted. Never more than COMPLETION_WORDS_MAX
 * words; after COMPLETION_SECONDS_MAX the process ends. Nothing is ever said on stderr.
 *
 * Life cycle: exists during options_begin only. Threads: one.
 */
#ifndef MNSDB_CLI_COMPLETE_H
#define MNSDB_CLI_COMPLETE_H

#include "engine/base/bytes.h"

#include <stdbool.h>

#define COMPLETION_WORDS_MAX   1000u
#define COMPLETION_SECONDS_MAX 3u

struct completion;

/* What is typed of the word so far. */
struct slice completion_typed(const struct completion *completion);

/*
 * Offers a word if it begins with what is typed. False: no more are taken. Words that a terminal
 * would obey are left out.
 */
bool completion_add(struct completion *completion, struct slice word);

/* The same for a name where a glob is wanted: the pattern that takes it. */
bool completion_add_glob(struct completion *completion, struct slice name);

#endif
