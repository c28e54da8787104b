/*
 * functions.c - collations and functions: what makes texts of times and ids behave.
 *
 * mnsdb_time orders texts by the instant they tell, whatever their zone and form; texts that
 * tell none come after those that do, by bytes. Nearly all comparisons are of texts as the
 * tables give them in UTC, which are ordered as their bytes are.
 *
 * mnsdb_id orders digits by number: without leading zeros a longer one is greater.
 */
#include "sql/tables/tables_internal.h"

#include "query/selection/selection.h"
#include "query/time_expression/time_expression.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_TEXT_BYTES 64u

int64_t tables_now_ms(const struct tables *tables)
{
    if (tables->options.has_now)
        return tables->options.now_ms;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool tables_parse_time(const struct tables *tables, struct slice text, int64_t *time_ms)
{
    char copy[TIME_TEXT_BYTES];
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.data, '\0', text.len))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    const struct time_context context = {.zone = &tables->options.zone,
                                         .now_ms = tables_now_ms(tables)};
    return time_expression_parse(copy, &context, time_ms, NULL) == STATUS_OK;
}

/* --- collations ------------------------------------------------------------------------------ */

/* "2018-05-16T05:58:44.427Z": such texts are ordered by bytes. */
static bool is_plain_utc(struct slice text)
{
    static const char shape[] = "0000-00-00T00:00:00.000Z";
    if (text.len != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (shape[i] == '0' ? !digit : text.data[i] != (uint8_t)shape[i])
            return false;
    }
    return true;
}

static int compare_times(void *client, int left_len, const void *left, int right_len,
                         const void *right)
{
    const struct slice a = slice_of(left, (size_t)left_len);
    const struct slice b = slice_of(right, (size_t)right_len);
    if (is_plain_utc(a) && is_plain_utc(b))
        return memcmp(a.data, b.data, a.len);
    int64_t a_ms = 0;
    int64_t b_ms = 0;
    const bool a_tells = tables_parse_time(client, a, &a_ms);
    const bool b_tells = tables_parse_time(client, b, &b_ms);
    if (a_tells && b_tells)
        return (a_ms > b_ms) - (a_ms < b_ms);
    if (a_tells != b_tells)
        return a_tells ? -1 : 1;
    return slice_compare(a, b);
}

static int compare_ids(void *client, int left_len, const void *left, int right_len,
                       const void *right)
{
    (void)client;
    if (left_len != right_len)
        return left_len < right_len ? -1 : 1;
    return left_len > 0 ? memcmp(left, right, (size_t)left_len) : 0;
}

/* --- results --------------------------------------------------------------------------------- */

void tables_result_time(const struct tables *tables, sqlite3_context *context, int64_t time_ms)
{
    char text[CIVIL_RFC3339_BYTES];
    const size_t len = civil_format_rfc3339(&tables->options.zone, time_ms, text);
    sqlite3_result_text(context, text, (int)len, SQLITE_TRANSIENT);
}

void tables_result_text(sqlite3_context *context, struct slice text)
{
    // An empty text is no NULL, and may have no bytes to point at.
    sqlite3_result_text(context, text.len > 0 ? (const char *)text.data : "", (int)text.len,
                        SQLITE_STATIC);
}

void tables_result_id(sqlite3_context *context, uint64_t id)
{
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + id % 10);
        id /= 10;
    } while (id > 0);
    sqlite3_result_text(context, digits + start, (int)(sizeof digits - start), SQLITE_TRANSIENT);
}

void tables_result_cell(const struct tables *tables, sqlite3_context *context,
                        enum column_form form, const struct answer_cell *cell)
{
    switch (form) {
    case FORM_TEXT:
        tables_result_text(context, cell_text(cell));
        break;
    case FORM_PRODUCT:
        tables_result_text(context, device_product(cell_text(cell)));
        break;
    case FORM_NAME:
        tables_result_text(context, device_short_name(cell_text(cell)));
        break;
    case FORM_TIME:
        tables_result_time(tables, context, cell->integer);
        break;
    case FORM_INTEGER:
        sqlite3_result_int64(context, cell->integer);
        break;
    case FORM_REAL:
        sqlite3_result_double(context, exact_to_double(cell_number(cell)));
        break;
    case FORM_ID:
        tables_result_id(context, cell->id);
        break;
    case FORM_BLOB:
        // A page ends with the next one: the value may have to live longer.
        sqlite3_result_blob64(context, cell->text_len > 0 ? (const void *)cell->text : "",
                              cell->text_len, SQLITE_TRANSIENT);
        break;
    case FORM_PARAMETER:
        break;
    }
}

/* --- functions ------------------------------------------------------------------------------- */

#define YEAR_1    INT64_C(-62135596800000)
#define YEAR_9999 INT64_C(253402300799999)

/* mnsdb_time(ms): the time as text in the display zone; NULL for what is no time. */
static void time_of_ms(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    if (sqlite3_value_numeric_type(values[0]) != SQLITE_INTEGER &&
        sqlite3_value_numeric_type(values[0]) != SQLITE_FLOAT)
        return;
    const int64_t time_ms = sqlite3_value_int64(values[0]);
    if (time_ms >= YEAR_1 && time_ms <= YEAR_9999)
        tables_result_time(sqlite3_user_data(context), context, time_ms);
}

/* mnsdb_ms(text): the milliseconds of a time; NULL for what is none. */
static void ms_of_time(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const unsigned char *text = sqlite3_value_text(values[0]);
    int64_t time_ms = 0;
    if (text && tables_parse_time(sqlite3_user_data(context),
                                  slice_of(text, (size_t)sqlite3_value_bytes(values[0])), &time_ms))
        sqlite3_result_int64(context, time_ms);
}

struct function {
    const char *name;
    int flags;
    void (*call)(sqlite3_context *, int, sqlite3_value **);
};

static enum status refused(struct tables *tables, struct error *err)
{
    return error_set(err, STATUS_INPUT, "SQLite: %s", sqlite3_errmsg(tables->db));
}

enum status tables_register_functions(struct tables *tables, struct error *err)
{
    static const struct function functions[] = {
        {"mnsdb_time", SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, time_of_ms},
        {"mnsdb_ms", SQLITE_UTF8 | SQLITE_INNOCUOUS, ms_of_time},
    };
    // A collation's destructor is not called when it cannot be made.
    if (sqlite3_create_collation_v2(tables->db, TABLES_TIME_COLLATION, SQLITE_UTF8,
                                    tables_ref(tables), compare_times, tables_unref) != SQLITE_OK) {
        tables_unref(tables);
        return refused(tables, err);
    }
    if (sqlite3_create_collation_v2(tables->db, TABLES_ID_COLLATION, SQLITE_UTF8, NULL, compare_ids,
                                    NULL) != SQLITE_OK)
        return refused(tables, err);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (sqlite3_create_function_v2(tables->db, functions[i].name, 1, functions[i].flags,
                                       tables_ref(tables), functions[i].call, NULL, NULL,
                                       tables_unref) != SQLITE_OK)
            return refused(tables, err);
    }
    return STATUS_OK;
}
