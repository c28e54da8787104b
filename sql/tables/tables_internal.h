/*
 * tables_internal.h - what the tables of a connection share.
 *
 *      struct tables        one a connection: zone, clock, default store
 *        struct table_store   one a store: the snapshot, who holds it, devices by name
 *          struct sql_table         one a virtual table: its kind, its metrics
 *            cursors              of row_table.c and list_table.c
 */
#ifndef MNSDB_SQL_TABLES_TABLES_INTERNAL_H
#define MNSDB_SQL_TABLES_TABLES_INTERNAL_H

#include "engine/base/bytes.h"
#include "query/aggregate/aggregate.h"
#include "query/answer/answer.h"
#include "query/bucket/bucket.h"
#include "sql/shape/shape.h"
#include "sql/tables/tables.h"

#include <sys/types.h>

/* What a column can be asked for beyond being read. */
enum column_role {
    COLUMN_PLAIN,
    COLUMN_DEVICE, /* "pk/dn"; the next two are its parts */
    COLUMN_PRODUCT,
    COLUMN_NAME,
    COLUMN_TIME,
    COLUMN_TIME_MS,
    COLUMN_ID,
    /* parameters, in hidden columns */
    COLUMN_METRIC,
    COLUMN_BY,
    COLUMN_EVERY,
    COLUMN_SINCE,
    COLUMN_UNTIL,
    COLUMN_DEVICES,
    COLUMN_KEEP_STALE,
    COLUMN_OFFLINE_AT,
    COLUMN_ABOVE,
    COLUMN_BELOW,
    COLUMN_HOLD,
    COLUMN_FILTER,
    COLUMN_ROLES,
};
#define COLUMN_PARAMETERS COLUMN_METRIC /* the first; they go up to COLUMN_ROLES */

/* How a column comes out of a cell. */
enum column_form {
    FORM_TEXT,
    FORM_PRODUCT, /* of a device */
    FORM_NAME,
    FORM_TIME,
    FORM_INTEGER,
    FORM_REAL,
    FORM_ID,
    FORM_BLOB,
    FORM_PARAMETER, /* the value given */
};

struct table_column {
    const char *name;
    const char *type;
    enum column_role role;
    enum column_form form;
    uint8_t cell; /* list tables: see kinds.c */
};

enum table_subject {
    SUBJECT_READINGS,
    SUBJECT_STATUS,
    SUBJECT_SESSIONS,
    SUBJECT_DEVICES,
    SUBJECT_METRICS,
    SUBJECT_REJECTS,
    SUBJECT_STATS,
    SUBJECT_ONLINE,
    SUBJECT_EXCURSIONS,
    SUBJECT_PARTS, /* not for people: see parts.c */
    SUBJECT_COUNT,
};

struct table_kind {
    const char *name;
    const sqlite3_module *module;
    const struct table_column *columns;
    uint32_t column_count;
    enum table_subject subject;
};

#define TABLE_COLUMNS_MAX 64u /* of a list table */

extern const struct table_kind table_kinds[SUBJECT_COUNT];

extern const sqlite3_module row_table_module;
extern const sqlite3_module list_table_module;

/* The columns of `readings` and `status`, in their order; metrics or ROW_STATE ... follow. */
enum row_column {
    ROW_DEVICE,
    ROW_PRODUCT,
    ROW_NAME,
    ROW_TIME,
    ROW_TIME_MS,
    ROW_MESSAGEID,
    ROW_TIME_SOURCE,
    ROW_FIXED,
    ROW_STATE = ROW_FIXED,
    ROW_LAST_CONTACT_MS,
};

/* --- connection and stores ------------------------------------------------------------------- */

struct table_store {
    struct tables *tables; /* borrowed: the owner */
    char *dir;             /* owned */
    dev_t device;          /* of the directory, with its inode: which store this is */
    ino_t inode;
    struct snapshot *snapshot; /* owned */
    struct view view;          /* of the commit at hand, or the latest that was */
    uint32_t uses;             /* tables connected, and tables->held */
    uint32_t holds;            /* cursors open, and tables_hold */
    uint32_t *by_name;         /* owned; device numbers by name, of by_name_count devices */
    uint32_t by_name_count;
    struct table_store *next; /* of all of the process */
};

struct tables {
    sqlite3 *db;
    unsigned references; /* of modules, collations and functions */
    char *dir;           /* owned; of the default store */
    struct tables_options options;
    struct alias_list aliases; /* if options.configured */
    struct filter filter;      /* of options.expressions */
    struct table_store *held;  /* by tables_hold */
    struct error failure;
    struct scan_statistics statistics;
    struct sql_table *readings; /* borrowed; of the default store, while it is connected */
    struct parts *parts;        /* owned; NULL: no statement was rewritten */
};

/* What tells a row from all others: a message has one device. No padding: it is hashed. */
struct row_identity {
    int64_t time_ms;
    uint64_t message_id;
};

/* Zero-initialise, release. */
struct row_numbers {
    struct row_identity *keys; /* owned; in the order they came */
    size_t count, capacity;
    uint32_t *slots; /* owned; open addressing, place + 1 */
    size_t slot_count;
};

/* The number of a row, 1 and up: the same for the same row until the release. Fails for memory. */
MUST_CHECK enum status row_numbers_of(struct row_numbers *numbers, struct row_identity key,
                                      int64_t *number);
void row_numbers_release(struct row_numbers *numbers);

/* One of SQLite's virtual tables. */
struct sql_table {
    sqlite3_vtab base; /* first */
    struct tables *tables;
    struct table_store *store;
    const struct table_kind *kind;
    uint32_t *metrics; /* owned; `readings`: metric number by column, the first at ROW_FIXED */
    uint32_t metric_count;
    struct buffer column_names; /* owned; in lower case, in order, each ending in NUL */
    uint32_t cursors;           /* open ones */
    struct row_numbers numbers; /* of rows, while there are cursors */
    struct buffer variants;     /* owned; while there are cursors: see row_numbers.c */
};

/* The cursors of a table are counted: with the last one go the numbers of its rows. */
void table_cursor_opened(struct sql_table *table);
void table_cursor_closed(struct sql_table *table);

/* A number for a text, the same for the same text until the last cursor closes. */
MUST_CHECK enum status table_variant_of(struct sql_table *table, struct slice text,
                                        uint32_t *variant);

/* Opens or shares the store at `dir`; table_store_leave when done with it. */
MUST_CHECK enum status table_store_enter(struct tables *tables, const char *dir,
                                         struct table_store **store, struct error *err);
void table_store_leave(struct table_store *store);

/* From the first hold to the last release the snapshot is of one commit. */
MUST_CHECK enum status table_store_hold(struct table_store *store, struct error *err);
void table_store_release(struct table_store *store);

/* Whatever a store's readings are seen by. */
const struct alias_list *tables_aliases(const struct tables *tables);

/* Fills in store->by_name. */
MUST_CHECK enum status table_store_order(struct table_store *store, struct error *err);

/* The number of a device, by name; false if the store has none of that name. After order. */
bool table_store_find(const struct table_store *store, struct slice name, uint32_t *device);

/*
 * Remembers a failure and gives SQLite its message; returns the code for it. What failed for memory
 * may have left no message.
 */
int table_fail(struct sql_table *table, enum status status, const struct error *err);

/* The clock, or what takes its place. */
int64_t tables_now_ms(const struct tables *tables);

/* False if the text is no time. */
bool tables_parse_time(const struct tables *tables, struct slice text, int64_t *time_ms);

/* A time as text, the result of a column or a function. */
void tables_result_time(const struct tables *tables, sqlite3_context *context, int64_t time_ms);
void tables_result_text(sqlite3_context *context, struct slice text); /* lives on */
void tables_result_id(sqlite3_context *context, uint64_t id);

/* A cell that is not null, as the result of a column; no FORM_PARAMETER. */
void tables_result_cell(const struct tables *tables, sqlite3_context *context,
                        enum column_form form, const struct answer_cell *cell);

MUST_CHECK enum status tables_register_functions(struct tables *tables, struct error *err);

/* Counts one who has `tables` as its client data; `unref` is what SQLite calls at its end. */
struct tables *tables_ref(struct tables *tables);
void tables_unref(void *client);

/* --- connecting ------------------------------------------------------------------------------ */

/* xConnect of every kind, and xDisconnect. */
int table_connect(sqlite3 *db, void *client, int argc, const char *const *argv,
                  sqlite3_vtab **connected, char **message);
int table_disconnect(sqlite3_vtab *base);

/* The text for sqlite3_declare_vtab; fills in table->metrics. `out` ends in NUL. */
MUST_CHECK enum status table_declare(struct sql_table *table, struct buffer *out,
                                     struct error *err);

/* The place of a column, whatever the case of its letters. */
bool table_find_column(const struct sql_table *table, struct slice name, uint32_t *column);

/* --- parameters and questions ---------------------------------------------------------------- */

static inline bool role_is_parameter(enum column_role role)
{
    return role >= COLUMN_PARAMETERS && role < COLUMN_ROLES;
}

/* What hidden columns were compared with. Zero-initialise, release. */
struct parameters {
    sqlite3_value *values[COLUMN_ROLES]; /* owned; by role; NULL: not given */
};

MUST_CHECK enum status parameters_read(struct parameters *parameters, const char *plan,
                                       sqlite3_value **values, struct error *err);
void parameters_release(struct parameters *parameters);
/* True if it was given, and is not null. */
bool parameters_have(const struct parameters *parameters, enum column_role role);
struct slice parameters_text(const struct parameters *parameters, enum column_role role);
/* Appends what tells these parameters from others. */
MUST_CHECK enum status parameters_describe(const struct parameters *parameters, struct buffer *out);

struct row_filter;

/* What a list table's rows are to be. */
struct question {
    struct sql_table *table;
    const struct row_filter *filter;
    const struct parameters *parameters;
    unsigned columns; /* a bit for each that is used */
    uint8_t *cells;   /* which cell of the answer each column is; mended where that depends */
};

#define QUESTION_NO_CELL 255u

/* Fills an empty answer. */
MUST_CHECK enum status question_ask(const struct question *question, struct answer *answer,
                                    struct error *err);

/* --- plans and filters ------------------------------------------------------------------------ */

enum scan_order {
    ORDER_NONE = 0,
    ORDER_GROUPED = 1, /* device after device, in no order of names; within by time, id */
    ORDER_NAMES = 2,   /* by the device's name, time, id */
    ORDER_DEVICES = 3, /* by the device's name, of each device the first row alone */
};

/* What xBestIndex tells xFilter in idxNum; of list tables a bit for each of the first columns. */
#define PLAN_COLUMNS       31u
#define PLAN_ORDER_MASK    3u
#define PLAN_TIME_SOURCES  8u
#define PLAN_METRICS_SHIFT 4
#define PLAN_METRICS_SINGLE \
    26u /* of so many metrics each has a bit; one more stands for the rest */

int table_best_index(sqlite3_vtab *base, sqlite3_index_info *info);

/* Which devices and which span of time the constraints leave. Zero-initialise, release. */
struct row_filter {
    uint64_t *device_bits; /* owned; NULL: all */
    int64_t from_ms;
    int64_t until_ms;
    bool nothing;       /* no row can match */
    bool names_devices; /* there are terms of device, name */
    bool names_products;
    bool bounds_time;
};

/* Reads the terms of a plan with their values. STATUS_INPUT: a value that makes no sense. */
MUST_CHECK enum status row_filter_read(struct row_filter *filter, struct sql_table *table,
                                       const char *plan, sqlite3_value **values, struct error *err);
void row_filter_release(struct row_filter *filter);

/* --- parts of groups: for statements that were rewritten ------------------------------------ */

/* Rows of one group and bucket. */
struct part_rows {
    uint32_t group;   /* a device, a product, or 0 */
    int64_t start_ms; /* of the bucket; 0 without buckets */
    int64_t first_ms, last_ms;
    uint64_t count;
};

/* An aggregate that puts parts together: the client data of SQLite's function. */
struct part_function {
    struct parts *parts;
    enum figure_kind kind;
};

struct parts {
    struct tables *tables;                   /* borrowed: the owner */
    const struct shape *shape;               /* borrowed, while its statement runs */
    struct slice metrics[SHAPE_FIGURES_MAX]; /* names, of the store's view */
    size_t metric_count;
    uint32_t places[SHAPE_FIGURES_MAX]; /* of each figure's metric */
    bool wants_rows, wants_times, wants_extremes, wants_sums;
    enum stats_by by;
    bool has_buckets;
    struct bucket_width width;     /* if has_buckets */
    const struct civil_zone *zone; /* of the buckets */
    struct part_function functions[FIGURE_KINDS];
    /* the answer at hand */
    struct part_rows *rows; /* owned; parts 0 ... row_count - 1 */
    size_t row_count, row_capacity;
    struct row_numbers numbers; /* of them, by group and bucket */
    size_t latest;              /* the one added to last; SIZE_MAX: none */
    struct answer values;       /* of the metrics: parts from row_count on */
    size_t first_cell;          /* of the first metric */
    size_t cells_a_metric;
};

void parts_free(struct parts *parts); /* NULL is fine */

/* Makes the functions and the table known to SQLite. */
MUST_CHECK enum status tables_register_parts(struct tables *tables, struct error *err);

/* Fills an empty answer with the parts of what the filter leaves. */
MUST_CHECK enum status parts_ask(struct sql_table *table, const struct row_filter *filter,
                                 uint8_t *cells, struct answer *answer, struct error *err);

/* What is read, for people. */
void parts_describe(const struct parts *parts, char *text, size_t size);

/* The terms of a plan as text: "device=? and time_ms>=?". One for xBestIndex and xFilter. */
struct plan_term {
    enum column_role role;
    unsigned char op; /* SQLITE_INDEX_CONSTRAINT_...; PLAN_OP_IN */
};
#define PLAN_OP_IN 255 /* of any of several */
#define PLAN_AND   " and "

/* "device=?", borrowed; "" if a table cannot use such a term. */
const char *plan_term_text(struct plan_term term);
/* The term at the start of `*text`, which moves behind it; false at the end of the terms. */
bool plan_term_next(const char **text, struct plan_term *term);

#endif
