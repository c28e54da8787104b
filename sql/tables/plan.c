/*
 * plan.c - xBestIndex: which constraints the store itself answers, and at what cost.
 *
 * (1) A term is taken if its comparison is the one the store makes: texts of devices by bytes,
 *     times by instant (collation mnsdb_time), times in ms by number.
 * (2) SQLite checks a taken term again unless it is omitted, and it is omitted only if the
 *     store's answer is exact for whatever value may come. So a filter may always let more through
 *     where a value is odd (a number compared with a name), never less.
 * (3) Order is taken where it is cheap: within one device always, by the names of devices only
 *     where they have many rows each, because it costs a scan a device.
 */
#include "sql/tables/tables_internal.h"

#include "engine/base/mem.h"
#include "query/view/view.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PLAN_TEXT_BYTES 400u

/* With a limit of so small a share of all rows, the devices before it are few. */
#define FEW_ROWS_SHARE 64.0

/* Rows a device, from which a scan for each device costs less than sorting. */
#define ROWS_A_SCAN 256u

struct plan {
    struct sql_table *table;
    sqlite3_index_info *info;
    char text[PLAN_TEXT_BYTES];
    size_t text_len;
    int argument_count;
    bool one_device;     /* a device is given by its name */
    unsigned parameters; /* given; a bit for each role */
    double share;        /* of the rows that are left, estimated */
};

static enum column_role role_of(const struct sql_table *table, int column)
{
    if (column < 0 || (uint32_t)column >= table->kind->column_count)
        return COLUMN_PLAIN;
    return table->kind->columns[column].role;
}

static void add_text(struct plan *plan, const char *text)
{
    const int len =
        snprintf(plan->text + plan->text_len, sizeof plan->text - plan->text_len, "%s", text);
    if (len > 0 && (size_t)len < sizeof plan->text - plan->text_len)
        plan->text_len += (size_t)len;
    else
        plan->text[plan->text_len] = '\0';
}

static bool is_name(enum column_role role)
{
    return role == COLUMN_DEVICE || role == COLUMN_PRODUCT || role == COLUMN_NAME;
}

static bool is_pattern(unsigned char op)
{
    return op == SQLITE_INDEX_CONSTRAINT_GLOB || op == SQLITE_INDEX_CONSTRAINT_LIKE;
}

/* Rule 1. */
static bool compares_as_store(struct plan *plan, int index, struct plan_term term)
{
    if (is_pattern(term.op) || term.role == COLUMN_TIME_MS)
        return true;
    const char *collation = sqlite3_vtab_collation(plan->info, index);
    const char *ours = term.role == COLUMN_TIME ? TABLES_TIME_COLLATION : "BINARY";
    return collation && sqlite3_stricmp(collation, ours) == 0;
}

/* Rule 2. A device always has a slash, so that no number can equal it. */
static bool is_exact(struct plan *plan, int index, struct plan_term term)
{
    if (role_is_parameter(term.role))
        return true;
    const enum table_subject subject = plan->table->kind->subject;
    if (subject == SUBJECT_STATS || subject == SUBJECT_ONLINE)
        return false; // devices and times may be null, times start earlier than what they hold
    if (!is_name(term.role))
        return true;
    if (term.op == SQLITE_INDEX_CONSTRAINT_LIKE)
        return false;
    if (term.role == COLUMN_DEVICE &&
        (term.op == SQLITE_INDEX_CONSTRAINT_EQ || term.op == PLAN_OP_IN))
        return true;
    sqlite3_value *value = NULL;
    return term.op != PLAN_OP_IN &&
           sqlite3_vtab_rhs_value(plan->info, index, &value) == SQLITE_OK &&
           sqlite3_value_type(value) == SQLITE_TEXT;
}

static double share_of(struct plan_term term, double device_count)
{
    const double one = device_count > 1 ? 1 / device_count : 1;
    if (role_is_parameter(term.role))
        return 1;
    if (term.op == PLAN_OP_IN)
        return one * 10 < 1 ? one * 10 : 1;
    if (term.op == SQLITE_INDEX_CONSTRAINT_EQ)
        return is_name(term.role) ? one : 1e-4;
    return is_pattern(term.op) ? 0.2 : 0.3;
}

static void take(struct plan *plan, int index, struct plan_term term)
{
    struct sqlite3_index_constraint_usage *usage = &plan->info->aConstraintUsage[index];
    if (plan->argument_count > 0)
        add_text(plan, PLAN_AND);
    add_text(plan, plan_term_text(term));
    usage->argvIndex = ++plan->argument_count;
    usage->omit = is_exact(plan, index, term);
    plan->one_device =
        plan->one_device || (term.role == COLUMN_DEVICE && term.op == SQLITE_INDEX_CONSTRAINT_EQ);
    plan->share *= share_of(term, snapshot_device_count(plan->table->store->snapshot));
}

/* Room for the order and some columns behind the terms. */
static bool has_room(const struct plan *plan)
{
    return plan->text_len + 150 < sizeof plan->text;
}

/* A parameter decides what the rows are: no plan will do that has it only later. */
static bool take_parameters(struct plan *plan)
{
    for (int i = 0; i < plan->info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &plan->info->aConstraint[i];
        const struct plan_term term = {role_of(plan->table, constraint->iColumn), constraint->op};
        if (!role_is_parameter(term.role) || plan_term_text(term)[0] == '\0')
            continue;
        if (!constraint->usable)
            return false;
        if ((plan->parameters >> term.role & 1) == 0)
            take(plan, i, term); // a second one is SQLite's to compare
        plan->parameters |= 1u << term.role;
    }
    return true;
}

static void take_terms(struct plan *plan)
{
    for (int i = 0; i < plan->info->nConstraint && has_room(plan); i++) {
        const struct sqlite3_index_constraint *constraint = &plan->info->aConstraint[i];
        struct plan_term term = {role_of(plan->table, constraint->iColumn), constraint->op};
        if (!constraint->usable || role_is_parameter(term.role))
            continue;
        const bool in_list = term.op == SQLITE_INDEX_CONSTRAINT_EQ && is_name(term.role) &&
                             sqlite3_vtab_in(plan->info, i, -1) != 0;
        if (in_list)
            term.op = PLAN_OP_IN;
        if (plan_term_text(term)[0] == '\0' || !compares_as_store(plan, i, term))
            continue;
        if (in_list)
            (void)sqlite3_vtab_in(plan->info, i, 1);
        take(plan, i, term);
    }
}

/* --- order ----------------------------------------------------------------------------------- */

/*
 * How many of device, time, id the wanted order begins with: 0 if it is another. Rows of one
 * device, time and id do not occur twice, so what follows has no effect.
 */
static int ordered_by(const struct plan *plan)
{
    int place = plan->one_device ? 1 : 0; // of the next key: device, time, id
    for (int i = 0; i < plan->info->nOrderBy && place < 3; i++) {
        const struct sqlite3_index_orderby *by = &plan->info->aOrderBy[i];
        const enum column_role role = role_of(plan->table, by->iColumn);
        if (role == COLUMN_DEVICE && plan->one_device)
            continue;
        const bool is_time = role == COLUMN_TIME || role == COLUMN_TIME_MS;
        if (is_time && place == 2)
            continue; // time and time_ms are one key
        const bool next = (place == 0 && role == COLUMN_DEVICE) || (place == 1 && is_time) ||
                          (place == 2 && role == COLUMN_ID);
        if (!next || by->desc)
            return 0;
        place++;
    }
    return place;
}

/* Distinct devices, alone or with their times: any order will do, and any direction. */
static bool groups_by_device(const struct plan *plan)
{
    bool device = false;
    for (int i = 0; i < plan->info->nOrderBy; i++) {
        const enum column_role role = role_of(plan->table, plan->info->aOrderBy[i].iColumn);
        device = device || role == COLUMN_DEVICE;
        if (role != COLUMN_DEVICE && role != COLUMN_TIME && role != COLUMN_TIME_MS)
            return false;
    }
    return device;
}

/*
 * Distinct devices or products, and nothing else of a row is looked at: the first of each device
 * will do. Names of products follow each other as those of devices do.
 */
static bool wants_devices(const struct plan *plan)
{
    const uint64_t names =
        UINT64_C(1) << ROW_DEVICE | UINT64_C(1) << ROW_PRODUCT | UINT64_C(1) << ROW_NAME;
    bool whole = false;
    if (sqlite3_vtab_distinct(plan->info) != 2 || (plan->info->colUsed & ~names) != 0)
        return false;
    for (int i = 0; i < plan->info->nOrderBy; i++) {
        const enum column_role role = role_of(plan->table, plan->info->aOrderBy[i].iColumn);
        if (!is_name(role))
            return false;
        whole = whole || role == COLUMN_DEVICE;
    }
    for (int i = 0; i < plan->info->nOrderBy && !whole; i++) {
        if (role_of(plan->table, plan->info->aOrderBy[i].iColumn) != COLUMN_PRODUCT)
            return false;
    }
    return true;
}

/* A statement that takes few rows: so many at most; else as good as none. */
static double row_limit(const struct plan *plan)
{
    double limit = 1e18;
    double offset = 0;
    for (int i = 0; i < plan->info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &plan->info->aConstraint[i];
        sqlite3_value *value = NULL;
        if ((constraint->op != SQLITE_INDEX_CONSTRAINT_LIMIT &&
             constraint->op != SQLITE_INDEX_CONSTRAINT_OFFSET) ||
            sqlite3_vtab_rhs_value(plan->info, i, &value) != SQLITE_OK || !value)
            continue;
        const double given = (double)sqlite3_value_int64(value);
        if (constraint->op == SQLITE_INDEX_CONSTRAINT_OFFSET)
            offset = given > 0 ? given : 0;
        else if (given >= 0)
            limit = given;
    }
    return limit + offset;
}

static enum scan_order choose_order(struct plan *plan, double rows)
{
    if (plan->info->nOrderBy == 0)
        return ORDER_NONE;
    const uint32_t devices = snapshot_device_count(plan->table->store->snapshot);
    const bool long_devices = rows >= (double)devices * ROWS_A_SCAN;
    const bool few_scans = row_limit(plan) * FEW_ROWS_SHARE <= rows;
    const int distinct = sqlite3_vtab_distinct(plan->info);
    if (long_devices && wants_devices(plan))
        return ORDER_DEVICES;
    // A 1 is for `group by`; SQLite says so with an `order by` of the same terms, too, and then
    // relies on it, so that only the wanted order itself will do.
    if (distinct == 2 && groups_by_device(plan))
        return ORDER_GROUPED;
    if (ordered_by(plan) == 0)
        return ORDER_NONE;
    if (plan->one_device)
        return ORDER_GROUPED;
    return long_devices || few_scans ? ORDER_NAMES : ORDER_NONE;
}

/* --- columns --------------------------------------------------------------------------------- */

static bool is_used(const struct plan *plan, uint32_t column)
{
    return plan->info->colUsed >> (column < 63 ? column : 63) & 1;
}

/* What xFilter has to decode; and the names, for people. */
static unsigned used_columns(struct plan *plan)
{
    unsigned flags = 0;
    if (is_used(plan, ROW_TIME_SOURCE))
        flags |= PLAN_TIME_SOURCES;
    const struct sql_table *table = plan->table;
    bool any = false;
    for (uint32_t i = 0; i < table->metric_count; i++) {
        if (!is_used(plan, ROW_FIXED + i))
            continue;
        const uint32_t bit = i < PLAN_METRICS_SINGLE ? i : PLAN_METRICS_SINGLE;
        flags |= 1u << (bit + PLAN_METRICS_SHIFT);
        if (plan->text_len + 80 > sizeof plan->text)
            continue;
        const struct slice name =
            view_metric_name(&table->store->view, table->store->snapshot, table->metrics[i]);
        char text[40];
        (void)snprintf(text, sizeof text, "%s%.*s", any ? ", " : "; decoding ",
                       name.len < 24 ? (int)name.len : 24, (const char *)name.data);
        add_text(plan, text);
        any = true;
    }
    return flags;
}

/* The columns of a list that are used; and what is computed for them, for people. */
static unsigned list_columns(struct plan *plan)
{
    unsigned flags = 0;
    const struct table_kind *kind = plan->table->kind;
    const bool computed = kind->subject == SUBJECT_STATS;
    bool any = false;
    for (uint32_t i = 0; i < kind->column_count && i < PLAN_COLUMNS; i++) {
        const struct table_column *column = &kind->columns[i];
        if (!is_used(plan, i))
            continue;
        flags |= 1u << i;
        if (!computed || column->role != COLUMN_PLAIN || plan->text_len + 80 > sizeof plan->text)
            continue;
        add_text(plan, any ? ", " : "; computing ");
        add_text(plan, column->name);
        any = true;
    }
    return flags;
}

/*
 * What a scan costs before its first row: the queries over the store read many rows for each. A
 * plan without a metric, which fails, is the last choice.
 */
static double list_cost(const struct plan *plan)
{
    const enum table_subject subject = plan->table->kind->subject;
    const bool reads =
        subject == SUBJECT_STATS || subject == SUBJECT_ONLINE || subject == SUBJECT_EXCURSIONS;
    const bool wants_metric = subject == SUBJECT_STATS || subject == SUBJECT_EXCURSIONS;
    if (wants_metric && (plan->parameters >> COLUMN_METRIC & 1) == 0)
        return 1e12;
    return reads ? 100000 : 1000;
}

/* --- the plan -------------------------------------------------------------------------------- */

static double row_estimate(const struct sql_table *table)
{
    const struct store_counters *counters = snapshot_counters(table->store->snapshot);
    const double readings = (double)counters->rows[TABLE_READINGS];
    const double events = (double)counters->rows[TABLE_STATUS];
    switch (table->kind->subject) {
    case SUBJECT_READINGS:
        return readings;
    case SUBJECT_STATUS:
        return events;
    case SUBJECT_SESSIONS:
        return events / 2;
    case SUBJECT_EXCURSIONS:
        return readings / 100;
    case SUBJECT_STATS:
    case SUBJECT_ONLINE:
    case SUBJECT_DEVICES:
    case SUBJECT_PARTS:
        return snapshot_device_count(table->store->snapshot);
    case SUBJECT_METRICS:
        return snapshot_metric_count(table->store->snapshot);
    case SUBJECT_REJECTS:
        return (double)counters->rejected;
    case SUBJECT_COUNT:
        break;
    }
    return 1;
}

static void add_parts(struct plan *plan)
{
    char text[PLAN_TEXT_BYTES];
    parts_describe(plan->table->tables->parts, text, sizeof text - plan->text_len);
    add_text(plan, text);
}

/* Parts know no times but those of their buckets: all that is said of times must be the store's. */
static bool leaves_times(const struct plan *plan)
{
    for (int i = 0; i < plan->info->nConstraint; i++) {
        const enum column_role role = role_of(plan->table, plan->info->aConstraint[i].iColumn);
        if ((role == COLUMN_TIME || role == COLUMN_TIME_MS) &&
            !plan->info->aConstraintUsage[i].omit)
            return true;
    }
    return false;
}

static const char *order_text(enum scan_order order)
{
    if (order == ORDER_DEVICES)
        return "; one row of each device";
    return order == ORDER_NAMES ? "; in order of device, time" : "; in order of time";
}

int table_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    struct plan plan = {.table = (struct sql_table *)base, .info = info, .share = 1};
    const bool is_rows = plan.table->kind->module == &row_table_module;
    if (!take_parameters(&plan))
        return SQLITE_CONSTRAINT;
    take_terms(&plan);
    if (plan.argument_count == 0)
        add_text(&plan, "everything");
    const double rows = row_estimate(plan.table);
    enum scan_order order = ORDER_NONE;
    unsigned flags = 0;
    if (is_rows) {
        order = choose_order(&plan, rows);
        if (order != ORDER_NONE)
            add_text(&plan, order_text(order));
        flags = used_columns(&plan);
    } else {
        flags = list_columns(&plan);
    }
    if (plan.table->kind->subject == SUBJECT_PARTS) {
        if (leaves_times(&plan))
            return SQLITE_CONSTRAINT;
        add_parts(&plan);
    }
    info->idxNum = (int)(flags | (unsigned)order);
    info->orderByConsumed = order != ORDER_NONE;
    info->estimatedRows = (sqlite3_int64)(rows * plan.share) + 1;
    // Lists are made as a whole; rows cost what is decoded, and a scan its opening.
    info->estimatedCost =
        is_rows ? 1000 + 2 * rows * plan.share : list_cost(&plan) + rows * (1 + plan.share);
    info->idxStr = sqlite3_mprintf("%s", plan.text);
    info->needToFreeIdxStr = 1;
    return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}
