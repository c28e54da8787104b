/*
 * kinds.c - which tables there are, and their columns.
 *
 * Columns of `stats` and `online` are found in an answer by name, since what it has depends on
 * what was asked: `cell` tells how many columns before it the one stands whose field serves where
 * there is none of its own name. In the other lists it is the number of the answer's cell.
 *
 * Hidden columns come last: they are the arguments of a table written like a function, in this
 * order.
 */
#include "sql/tables/tables_internal.h"

#define TIME_TYPE "TEXT COLLATE " TABLES_TIME_COLLATION
#define ID_TYPE   "TEXT COLLATE " TABLES_ID_COLLATION

#define ROW_COLUMNS                                              \
    {"device", "TEXT", COLUMN_DEVICE, FORM_TEXT, 0},             \
        {"product", "TEXT", COLUMN_PRODUCT, FORM_PRODUCT, 0},    \
        {"name", "TEXT", COLUMN_NAME, FORM_NAME, 0},             \
        {"time", TIME_TYPE, COLUMN_TIME, FORM_TIME, 0},          \
        {"time_ms", "INTEGER", COLUMN_TIME_MS, FORM_INTEGER, 0}, \
        {"messageid", ID_TYPE, COLUMN_ID, FORM_ID, 0},           \
    {                                                            \
        "time_source", "TEXT", COLUMN_PLAIN, FORM_TEXT, 0        \
    }

#define HIDDEN(name, type, role)                      \
    {                                                 \
        name, type " HIDDEN", role, FORM_PARAMETER, 0 \
    }
#define HIDDEN_RANGE                                                              \
    HIDDEN("since", "TEXT", COLUMN_SINCE), HIDDEN("until", "TEXT", COLUMN_UNTIL), \
        HIDDEN("devices", "TEXT", COLUMN_DEVICES)
#define HIDDEN_RULES                                    \
    HIDDEN("keep_stale", "INTEGER", COLUMN_KEEP_STALE), \
        HIDDEN("offline_at", "TEXT", COLUMN_OFFLINE_AT)

#define GROUP_COLUMNS                                         \
    {"device", "TEXT", COLUMN_DEVICE, FORM_TEXT, 0},          \
        {"product", "TEXT", COLUMN_PRODUCT, FORM_PRODUCT, 1}, \
        {"name", "TEXT", COLUMN_NAME, FORM_NAME, 2},          \
        {"time", TIME_TYPE, COLUMN_TIME, FORM_TIME, 0},       \
    {                                                         \
        "time_ms", "INTEGER", COLUMN_TIME_MS, FORM_INTEGER, 1 \
    }

static const struct table_column readings_columns[] = {ROW_COLUMNS};

static const struct table_column status_columns[] = {
    ROW_COLUMNS,
    {"state", "TEXT", COLUMN_PLAIN, FORM_TEXT, 0},
    {"last_contact_ms", "INTEGER", COLUMN_PLAIN, FORM_TEXT, 0},
};

static const struct table_column sessions_columns[] = {
    {"device", "TEXT", COLUMN_DEVICE, FORM_TEXT, 0},
    {"product", "TEXT", COLUMN_PRODUCT, FORM_PRODUCT, 0},
    {"name", "TEXT", COLUMN_NAME, FORM_NAME, 0},
    {"start", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 1},
    {"start_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 1},
    {"end", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 2},
    {"end_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 2},
    {"duration_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 3},
    {"reason", "TEXT", COLUMN_PLAIN, FORM_TEXT, 4},
    {"repeats", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 5},
    HIDDEN_RULES,
    HIDDEN_RANGE,
};

static const struct table_column devices_columns[] = {
    {"device", "TEXT", COLUMN_DEVICE, FORM_TEXT, 0},
    {"product", "TEXT", COLUMN_PRODUCT, FORM_TEXT, 1},
    {"name", "TEXT", COLUMN_NAME, FORM_TEXT, 2},
    {"first_seen", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 3},
    {"first_seen_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 3},
    {"last_seen", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 4},
    {"last_seen_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 4},
    {"readings", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 5},
    {"status_events", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 6},
};

static const struct table_column metrics_columns[] = {
    {"metric", "TEXT", COLUMN_PLAIN, FORM_TEXT, 0},
    {"value_count", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 1},
    {"min", "REAL", COLUMN_PLAIN, FORM_REAL, 2},
    {"max", "REAL", COLUMN_PLAIN, FORM_REAL, 3},
    {"first_seen", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 4},
    {"first_seen_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 4},
    {"last_seen", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 5},
    {"last_seen_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 5},
};

static const struct table_column rejects_columns[] = {
    {"reason", "TEXT", COLUMN_PLAIN, FORM_TEXT, 0},
    {"detail", "TEXT", COLUMN_PLAIN, FORM_TEXT, 1},
    {"messageid", ID_TYPE, COLUMN_PLAIN, FORM_ID, 2},
    {"received_at", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 3},
    {"received_at_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 3},
    {"body", "BLOB", COLUMN_PLAIN, FORM_BLOB, 4},
};

static const struct table_column stats_columns[] = {
    GROUP_COLUMNS,
    {"count", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"sum", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"avg", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"min", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"max", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"first", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"last", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"spread", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"stddev", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"median", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"p1", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"p5", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"p25", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"p75", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"p90", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"p95", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"p99", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"min_time", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 0},
    {"min_time_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 1},
    {"max_time", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 0},
    {"max_time_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 1},
    {"twa", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    HIDDEN("metric", "TEXT", COLUMN_METRIC),
    HIDDEN("by", "TEXT", COLUMN_BY),
    HIDDEN("every", "TEXT", COLUMN_EVERY),
    HIDDEN_RANGE,
    HIDDEN("filter", "TEXT", COLUMN_FILTER),
};

static const struct table_column online_columns[] = {
    GROUP_COLUMNS,
    {"online_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"offline_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"unknown_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"availability", "REAL", COLUMN_PLAIN, FORM_REAL, 0},
    {"sessions", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"longest_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"repeats", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"stale", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"state", "TEXT", COLUMN_PLAIN, FORM_TEXT, 0},
    {"state_since", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 0},
    {"state_since_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 1},
    {"failures", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"mtbf_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"repairs", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"mttr_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"flaps", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"longest_outage_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
    {"longest_outage_start", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 0},
    {"longest_outage_start_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 1},
    HIDDEN("by", "TEXT", COLUMN_BY),
    HIDDEN("every", "TEXT", COLUMN_EVERY),
    HIDDEN_RANGE,
    HIDDEN_RULES,
};

static const struct table_column excursions_columns[] = {
    {"device", "TEXT", COLUMN_DEVICE, FORM_TEXT, 0},
    {"product", "TEXT", COLUMN_PRODUCT, FORM_PRODUCT, 0},
    {"name", "TEXT", COLUMN_NAME, FORM_NAME, 0},
    {"start", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 1},
    {"start_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 1},
    {"end", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 2},
    {"end_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 2},
    {"duration_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 3},
    {"reason", "TEXT", COLUMN_PLAIN, FORM_TEXT, 4},
    {"side", "TEXT", COLUMN_PLAIN, FORM_TEXT, 6},
    {"threshold", "REAL", COLUMN_PLAIN, FORM_REAL, 7},
    {"extreme", "REAL", COLUMN_PLAIN, FORM_REAL, 8},
    {"extreme_time", TIME_TYPE, COLUMN_PLAIN, FORM_TIME, 9},
    {"extreme_time_ms", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 9},
    {"value_count", "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 10},
    HIDDEN("metric", "TEXT", COLUMN_METRIC),
    HIDDEN("above", "REAL", COLUMN_ABOVE),
    HIDDEN("below", "REAL", COLUMN_BELOW),
    HIDDEN("hold", "TEXT", COLUMN_HOLD),
    HIDDEN_RANGE,
    HIDDEN("filter", "TEXT", COLUMN_FILTER),
};

/* In the order of enum row_column, up to the number of the part. */
static const struct table_column parts_columns[] = {
    {"device", "TEXT", COLUMN_DEVICE, FORM_TEXT, 0},
    {"product", "TEXT", COLUMN_PRODUCT, FORM_PRODUCT, 0},
    {"name", "TEXT", COLUMN_NAME, FORM_NAME, 0},
    {"time", TIME_TYPE, COLUMN_TIME, FORM_TIME, 0},
    {"time_ms", "INTEGER", COLUMN_TIME_MS, FORM_INTEGER, 0},
    {SHAPE_PART, "INTEGER", COLUMN_PLAIN, FORM_INTEGER, 0},
};

#define COLUMNS(array) array, sizeof(array) / sizeof *(array)

const struct table_kind table_kinds[SUBJECT_COUNT] = {
    {"readings", &row_table_module, COLUMNS(readings_columns), SUBJECT_READINGS},
    {"status", &row_table_module, COLUMNS(status_columns), SUBJECT_STATUS},
    {"sessions", &list_table_module, COLUMNS(sessions_columns), SUBJECT_SESSIONS},
    {"devices", &list_table_module, COLUMNS(devices_columns), SUBJECT_DEVICES},
    {"metrics", &list_table_module, COLUMNS(metrics_columns), SUBJECT_METRICS},
    {"rejects", &list_table_module, COLUMNS(rejects_columns), SUBJECT_REJECTS},
    {"stats", &list_table_module, COLUMNS(stats_columns), SUBJECT_STATS},
    {"online", &list_table_module, COLUMNS(online_columns), SUBJECT_ONLINE},
    {"excursions", &list_table_module, COLUMNS(excursions_columns), SUBJECT_EXCURSIONS},
    {SHAPE_TABLE, &list_table_module, COLUMNS(parts_columns), SUBJECT_PARTS},
};

const char *tables_name(size_t i)
{
    return i < SUBJECT_PARTS ? table_kinds[i].name : NULL;
}
