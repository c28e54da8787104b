/*
 * terms.c - terms of a plan, as text and back.
 *
 * `explain query plan` shows the text, so it is written to be read; xFilter reads it, too. A
 * term's text is never the beginning of another's.
 */
#include "sql/tables/tables_internal.h"

#include <string.h>

struct term_text {
    struct plan_term term;
    const char *text;
};

#define COMPARISONS(role, name)                           \
    {{role, SQLITE_INDEX_CONSTRAINT_EQ}, name "=?"},      \
        {{role, SQLITE_INDEX_CONSTRAINT_GT}, name ">?"},  \
        {{role, SQLITE_INDEX_CONSTRAINT_GE}, name ">=?"}, \
        {{role, SQLITE_INDEX_CONSTRAINT_LT}, name "<?"},  \
    {                                                     \
        {role, SQLITE_INDEX_CONSTRAINT_LE}, name "<=?"    \
    }
#define PATTERNS(role, name)                                                                      \
    {{role, PLAN_OP_IN}, name " in (?)"}, {{role, SQLITE_INDEX_CONSTRAINT_GLOB}, name " glob ?"}, \
    {                                                                                             \
        {role, SQLITE_INDEX_CONSTRAINT_LIKE}, name " like ?"                                      \
    }

#define PARAMETER(role, name)                         \
    {                                                 \
        {role, SQLITE_INDEX_CONSTRAINT_EQ}, name "=?" \
    }

static const struct term_text terms[] = {
    COMPARISONS(COLUMN_DEVICE, "device"),
    PATTERNS(COLUMN_DEVICE, "device"),
    COMPARISONS(COLUMN_PRODUCT, "product"),
    PATTERNS(COLUMN_PRODUCT, "product"),
    COMPARISONS(COLUMN_NAME, "name"),
    PATTERNS(COLUMN_NAME, "name"),
    COMPARISONS(COLUMN_TIME, "time"),
    COMPARISONS(COLUMN_TIME_MS, "time_ms"),
    PARAMETER(COLUMN_METRIC, "metric"),
    PARAMETER(COLUMN_BY, "by"),
    PARAMETER(COLUMN_EVERY, "every"),
    PARAMETER(COLUMN_SINCE, "since"),
    PARAMETER(COLUMN_UNTIL, "until"),
    PARAMETER(COLUMN_DEVICES, "devices"),
    PARAMETER(COLUMN_KEEP_STALE, "keep_stale"),
    PARAMETER(COLUMN_OFFLINE_AT, "offline_at"),
    PARAMETER(COLUMN_ABOVE, "above"),
    PARAMETER(COLUMN_BELOW, "below"),
    PARAMETER(COLUMN_HOLD, "hold"),
    PARAMETER(COLUMN_FILTER, "filter"),
};

#define TERM_COUNT (sizeof terms / sizeof terms[0])

const char *plan_term_text(struct plan_term term)
{
    for (size_t i = 0; i < TERM_COUNT; i++) {
        if (terms[i].term.role == term.role && terms[i].term.op == term.op)
            return terms[i].text;
    }
    return "";
}

bool plan_term_next(const char **text, struct plan_term *term)
{
    for (size_t i = 0; i < TERM_COUNT; i++) {
        const size_t len = strlen(terms[i].text);
        if (strncmp(*text, terms[i].text, len) != 0)
            continue;
        *term = terms[i].term;
        *text += len;
        if (strncmp(*text, PLAN_AND, sizeof PLAN_AND - 1) == 0)
            *text += sizeof PLAN_AND - 1;
        return true;
    }
    return false;
}
