/*
 * findings_command.h - `mnsdb check`: its options, and findings printed for people.
 */
#ifndef MNSDB_QUERY_COMMAND_FINDINGS_COMMAND_H
#define MNSDB_QUERY_COMMAND_FINDINGS_COMMAND_H

#include "query/command/command_internal.h"
#include "query/findings/findings.h"
#include "query/screen/screen.h"

struct check {
    struct findings_limits limits;
    struct metric_range *ranges; /* owned */
    char **range_texts;          /* owned, and each of them: the ranges' names */
    size_t range_count;
    bool has_kinds;
    bool kinds[FINDING_KIND_COUNT]; /* to be shown, if has_kinds */
    struct finding_list list;
};

MUST_CHECK enum status check_read_options(struct check *check, const struct options *options,
                                          struct error *err);
void check_release(struct check *check);

/*
 * The rows of findings_answer on stdout as paragraphs: what and where, the evidence, the command. A
 * line for the shell is never broken. Then, with a header, how many there are in the list.
 */
MUST_CHECK enum status check_print(const struct render_options *options,
                                   const struct screen *screen, const struct finding_list *list,
                                   const struct answer *answer);

#endif
