/*
 * filter.c - the values of a plan's terms, made into a set of devices and a span of time.
 *
 * Names are matched once a scan, against the store's list of devices, not once a row. SQLite's
 * own functions do it, so that GLOB and LIKE mean what they mean elsewhere.
 */
#include "sql/tables/tables_internal.h"

#include "engine/base/mem.h"
#include "query/selection/selection.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Beyond any time that a store can hold, and far from overflow. */
#define TIME_FAR (INT64_C(1) << 60)

void row_filter_release(struct row_filter *filter)
{
    mem_free(filter->device_bits);
    *filter = (struct row_filter){0};
}

/* --- names ----------------------------------------------------------------------------------- */

static struct slice text_of(sqlite3_value *value)
{
    const unsigned char *text = sqlite3_value_text(value);
    return slice_of(text, text ? (size_t)sqlite3_value_bytes(value) : 0);
}

static struct slice part_of(enum column_role role, struct slice device)
{
    if (role == COLUMN_PRODUCT)
        return device_product(device);
    return role == COLUMN_NAME ? device_short_name(device) : device;
}

static bool compare_holds(unsigned char op, int order)
{
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return order == 0;
    case SQLITE_INDEX_CONSTRAINT_GT:
        return order > 0;
    case SQLITE_INDEX_CONSTRAINT_GE:
        return order >= 0;
    case SQLITE_INDEX_CONSTRAINT_LT:
        return order < 0;
    default:
        return order <= 0;
    }
}

/* Names are no longer than NAME_BYTES_MAX, and may hold a NUL, at which patterns stop. */
static bool pattern_holds(unsigned char op, const char *pattern, struct slice name)
{
    char text[NAME_BYTES_MAX + 1];
    const size_t len = name.len < NAME_BYTES_MAX ? name.len : NAME_BYTES_MAX;
    if (len > 0)
        memcpy(text, name.data, len);
    text[len] = '\0';
    return (op == SQLITE_INDEX_CONSTRAINT_GLOB ? sqlite3_strglob(pattern, text)
                                               : sqlite3_strlike(pattern, text, 0)) == 0;
}

static bool name_holds(struct plan_term term, struct slice wanted, struct slice device)
{
    const struct slice name = part_of(term.role, device);
    if (term.op == SQLITE_INDEX_CONSTRAINT_GLOB || term.op == SQLITE_INDEX_CONSTRAINT_LIKE)
        return pattern_holds(term.op, (const char *)wanted.data, name);
    return compare_holds(term.op, slice_compare(name, wanted));
}

/* Zeroed bits for every device. */
static uint64_t *make_bits(const struct table_store *store)
{
    return mem_alloc_zeroed(snapshot_device_count(store->snapshot) / 64 + 1, sizeof(uint64_t));
}

static void set_bit(uint64_t *bits, uint32_t device)
{
    bits[device / 64] |= UINT64_C(1) << (device % 64);
}

/* Leaves in the filter what is in `bits`, which it takes over. */
static void intersect(struct row_filter *filter, const struct table_store *store, uint64_t *bits)
{
    const uint32_t words = snapshot_device_count(store->snapshot) / 64 + 1;
    for (uint32_t i = 0; filter->device_bits && i < words; i++)
        bits[i] &= filter->device_bits[i];
    mem_free(filter->device_bits);
    filter->device_bits = bits;
}

static void add_named(struct table_store *store, struct plan_term term, sqlite3_value *value,
                      uint64_t *bits)
{
    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return; // no device equals it; what a part of a name may equal never comes here
    const struct slice wanted = text_of(value);
    uint32_t device = 0;
    if (term.role == COLUMN_DEVICE) {
        if (table_store_find(store, wanted, &device))
            set_bit(bits, device);
        return;
    }
    for (device = 0; device < snapshot_device_count(store->snapshot); device++) {
        if (slice_equal(part_of(term.role, snapshot_device_name(store->snapshot, device)), wanted))
            set_bit(bits, device);
    }
}

static bool is_number(sqlite3_value *value)
{
    const int type = sqlite3_value_type(value);
    return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* A list with a number in it says nothing about parts of names: SQLite looks again. */
static enum status read_list(struct row_filter *filter, struct sql_table *table,
                             struct plan_term term, sqlite3_value *list, struct error *err)
{
    uint64_t *bits = make_bits(table->store);
    if (!bits)
        return error_set(err, STATUS_NOMEM, "no memory for the devices of a scan");
    sqlite3_value *value = NULL;
    int code = sqlite3_vtab_in_first(list, &value);
    bool told = true;
    for (; code == SQLITE_OK && value; code = sqlite3_vtab_in_next(list, &value)) {
        told = told && (term.role == COLUMN_DEVICE || !is_number(value));
        add_named(table->store, term, value, bits);
    }
    if (told && code == SQLITE_DONE) {
        intersect(filter, table->store, bits);
        return STATUS_OK;
    }
    mem_free(bits);
    if (code == SQLITE_DONE)
        return STATUS_OK;
    return error_set(err, STATUS_NOMEM, "cannot read the list of devices");
}

static enum status read_name(struct row_filter *filter, struct sql_table *table,
                             struct plan_term term, sqlite3_value *value, struct error *err)
{
    if (term.op == PLAN_OP_IN)
        return read_list(filter, table, term, value, err);
    const int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL)
        filter->nothing = true;
    const bool equal = term.op == SQLITE_INDEX_CONSTRAINT_EQ;
    const bool is_device = term.role == COLUMN_DEVICE && equal;
    if (type != SQLITE_TEXT && !is_device)
        return STATUS_OK; // SQLite looks again
    const struct slice wanted = text_of(value);
    uint64_t *bits = make_bits(table->store);
    if (!bits || (type == SQLITE_TEXT && !wanted.data)) {
        mem_free(bits);
        return error_set(err, STATUS_NOMEM, "no memory for the devices of a scan");
    }
    const struct snapshot *snapshot = table->store->snapshot;
    if (equal) {
        add_named(table->store, term, value, bits);
    } else {
        for (uint32_t device = 0; device < snapshot_device_count(snapshot); device++) {
            if (name_holds(term, wanted, snapshot_device_name(snapshot, device)))
                set_bit(bits, device);
        }
    }
    intersect(filter, table->store, bits);
    return STATUS_OK;
}

/* --- times ----------------------------------------------------------------------------------- */

static void raise_from(struct row_filter *filter, int64_t from_ms)
{
    filter->from_ms = from_ms > filter->from_ms ? from_ms : filter->from_ms;
}

static void lower_until(struct row_filter *filter, int64_t until_ms)
{
    filter->until_ms = until_ms < filter->until_ms ? until_ms : filter->until_ms;
}

/* `floor_ms` and `ceil_ms` of the value compared with: the same if it is a whole number. */
static void bound(struct row_filter *filter, unsigned char op, int64_t floor_ms, int64_t ceil_ms)
{
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        raise_from(filter, ceil_ms);
        lower_until(filter, floor_ms + 1);
        break;
    case SQLITE_INDEX_CONSTRAINT_GT:
        raise_from(filter, floor_ms + 1);
        break;
    case SQLITE_INDEX_CONSTRAINT_GE:
        raise_from(filter, ceil_ms);
        break;
    case SQLITE_INDEX_CONSTRAINT_LT:
        lower_until(filter, ceil_ms);
        break;
    default:
        lower_until(filter, floor_ms + 1);
        break;
    }
}

/* NULL compares with nothing; numbers are below texts, texts below blobs. */
static void bound_other(struct row_filter *filter, unsigned char op, int type)
{
    const bool below = op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
    if (type == SQLITE_NULL || !below)
        filter->nothing = true;
}

static int64_t clamp(double value)
{
    if (value >= (double)TIME_FAR)
        return TIME_FAR;
    return value <= -(double)TIME_FAR ? -TIME_FAR : (int64_t)value;
}

static void read_time_ms(struct row_filter *filter, unsigned char op, sqlite3_value *value)
{
    const int type = sqlite3_value_numeric_type(value);
    if (type == SQLITE_INTEGER) {
        const int64_t given = sqlite3_value_int64(value);
        const int64_t upper = given > TIME_FAR ? TIME_FAR : given;
        const int64_t ms = upper < -TIME_FAR ? -TIME_FAR : upper;
        bound(filter, op, ms, ms);
    } else if (type == SQLITE_FLOAT) {
        const double given = sqlite3_value_double(value);
        bound(filter, op, clamp(floor(given)), clamp(ceil(given)));
    } else {
        bound_other(filter, op, type);
    }
}

static enum status read_time(struct row_filter *filter, const struct tables *tables,
                             unsigned char op, sqlite3_value *value, struct error *err)
{
    const int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL || type == SQLITE_BLOB) {
        bound_other(filter, op, type);
        return STATUS_OK;
    }
    int64_t time_ms = 0;
    const struct slice text = text_of(value);
    if (!tables_parse_time(tables, text, &time_ms))
        return error_set(err, STATUS_INPUT,
                         "time: '%.*s' is no time: write 2018-05-16, '2018-05-16 05:58:44', RFC "
                         "3339, @EPOCH, -7d; milliseconds compare with time_ms",
                         text.len < 64 ? (int)text.len : 64, (const char *)text.data);
    bound(filter, op, time_ms, time_ms);
    return STATUS_OK;
}

static void note_term(struct row_filter *filter, enum column_role role)
{
    if (role == COLUMN_TIME || role == COLUMN_TIME_MS)
        filter->bounds_time = true;
    if (role == COLUMN_DEVICE || role == COLUMN_NAME)
        filter->names_devices = true;
    if (role == COLUMN_PRODUCT)
        filter->names_products = true;
}

/* The parameter `devices`, a pattern; null stands for all. */
static enum status read_devices(struct row_filter *filter, struct sql_table *table,
                                sqlite3_value *value, struct error *err)
{
    static const struct plan_term glob = {COLUMN_DEVICE, SQLITE_INDEX_CONSTRAINT_GLOB};
    if (sqlite3_value_type(value) == SQLITE_NULL)
        return STATUS_OK;
    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return error_set(err, STATUS_INPUT, "devices: a pattern is wanted, like 'pk/*'");
    return read_name(filter, table, glob, value, err);
}

enum status row_filter_read(struct row_filter *filter, struct sql_table *table, const char *plan,
                            sqlite3_value **values, struct error *err)
{
    row_filter_release(filter);
    filter->from_ms = TIME_MS_MIN;
    filter->until_ms = TIME_MS_MAX;
    TRY(table_store_order(table->store, err));
    struct plan_term term = {0};
    for (int i = 0; plan_term_next(&plan, &term); i++) {
        note_term(filter, term.role);
        if (term.role == COLUMN_TIME_MS)
            read_time_ms(filter, term.op, values[i]);
        else if (term.role == COLUMN_TIME)
            TRY(read_time(filter, table->tables, term.op, values[i], err));
        else if (!role_is_parameter(term.role))
            TRY(read_name(filter, table, term, values[i], err));
        else if (term.role == COLUMN_DEVICES)
            TRY(read_devices(filter, table, values[i], err));
    }
    filter->nothing = filter->nothing || filter->from_ms >= filter->until_ms;
    return STATUS_OK;
}
