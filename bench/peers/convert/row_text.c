/*
 * row_text.c - see row_text.h. Numbers go through number_format, so they keep their digits.
 */
#include "bench/peers/convert/row_text.h"

#include "bench/fleet/message.h"

const char *const row_metric_names[ROW_METRIC_COUNT] = {"temperature", "humidity"};

struct row_metrics row_metrics_of(const struct row_batch *batch)
{
    struct row_metrics metrics;
    for (size_t i = 0; i < ROW_METRIC_COUNT; i++)
        metrics.numbers[i] = name_table_find(&batch->metrics, slice_of_text(row_metric_names[i]));
    return metrics;
}

static const struct cell *find_cell(const struct row_batch *batch, const struct row *row,
                                    uint32_t metric)
{
    for (uint32_t i = 0; i < row->cell_count; i++) {
        const struct cell *cell = &batch->cells[row->first_cell + i];
        if (cell->metric == metric)
            return cell;
    }
    return NULL;
}

static struct number cell_number(const struct cell *cell)
{
    struct number number = {.exponent = cell->exponent, .kind = cell->kind};
    number.mantissa = cell->mantissa; /* the union's bits, whichever member they are */
    return number;
}

static void put_number(struct buffer *out, const struct cell *cell)
{
    char text[NUMBER_TEXT_BYTES];
    const size_t len = number_format(cell_number(cell), text);
    buffer_put_bytes(out, text, len);
}

static void put_signed(struct buffer *out, int64_t number)
{
    if (number < 0)
        buffer_put_u8(out, '-');
    put_unsigned(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

/* The last contact of a status event; false if it has none. */
static bool find_contact(const struct row_batch *batch, const struct row *row, int64_t *contact_ms)
{
    const struct cell *age = find_cell(batch, row, STATUS_METRIC_CONTACT_AGE);
    if (!age)
        return false;
    /* An age is whole milliseconds, kept as a normal decimal. */
    *contact_ms = row->time_ms - (int64_t)number_to_double(cell_number(age));
    return true;
}

static bool is_online(const struct row_batch *batch, const struct row *row)
{
    const struct cell *state = find_cell(batch, row, STATUS_METRIC_STATE);
    return state && state->mantissa == STATUS_ONLINE;
}

/* --- CSV ------------------------------------------------------------------------------------- */

static void put_csv_name(struct buffer *out, struct slice name)
{
    buffer_put_u8(out, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '"')
            buffer_put_u8(out, '"');
        buffer_put_u8(out, name.data[i]);
    }
    buffer_put_u8(out, '"');
}

static void put_csv(struct buffer *out, const struct row_batch *batch, enum table table,
                    const struct row *row, const struct row_metrics *metrics)
{
    put_csv_name(out, batch->devices.names[row->device]);
    buffer_put_u8(out, ',');
    put_signed(out, row->time_ms);
    buffer_put_u8(out, ',');
    put_unsigned(out, row->message_id);
    buffer_put_u8(out, ',');
    if (table == TABLE_STATUS) {
        buffer_put_u8(out, is_online(batch, row) ? '1' : '0');
        buffer_put_u8(out, ',');
        int64_t contact_ms = 0;
        if (find_contact(batch, row, &contact_ms))
            put_signed(out, contact_ms);
    } else {
        for (size_t i = 0; i < ROW_METRIC_COUNT; i++) {
            if (i > 0)
                buffer_put_u8(out, ',');
            const struct cell *cell = find_cell(batch, row, metrics->numbers[i]);
            if (cell)
                put_number(out, cell);
        }
    }
    buffer_put_u8(out, '\n');
}

/* --- line protocol --------------------------------------------------------------------------- */

static void put_tag(struct buffer *out, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t byte = name.data[i];
        if (byte == ',' || byte == ' ' || byte == '=')
            buffer_put_u8(out, '\\');
        buffer_put_u8(out, byte == '\n' || byte == '\r' ? '?' : byte);
    }
}

static void put_line_end(struct buffer *out, const struct row *row)
{
    buffer_put_u8(out, ' ');
    put_signed(out, row->time_ms);
    buffer_put_u8(out, '\n');
}

static void put_status_line(struct buffer *out, const struct row_batch *batch,
                            const struct row *row)
{
    put_text(out, "status,device=");
    put_tag(out, batch->devices.names[row->device]);
    put_text(out, is_online(batch, row) ? " state=1i" : " state=0i");
    int64_t contact_ms = 0;
    if (find_contact(batch, row, &contact_ms)) {
        put_text(out, ",contact_ms=");
        put_signed(out, contact_ms);
        buffer_put_u8(out, 'i');
    }
    put_line_end(out, row);
}

static void put_reading_line(struct buffer *out, const struct row_batch *batch,
                             const struct row *row, const struct row_metrics *metrics)
{
    const size_t before = out->len;
    put_text(out, "reading,device=");
    put_tag(out, batch->devices.names[row->device]);
    char separator = ' ';
    for (size_t i = 0; i < ROW_METRIC_COUNT; i++) {
        const struct cell *cell = find_cell(batch, row, metrics->numbers[i]);
        if (!cell)
            continue;
        buffer_put_u8(out, (uint8_t)separator);
        put_text(out, row_metric_names[i]);
        buffer_put_u8(out, '=');
        put_number(out, cell);
        separator = ',';
    }
    if (separator == ' ')
        out->len = before; /* a line needs a field */
    else
        put_line_end(out, row);
}

void row_text_put(struct buffer *out, enum row_format format, const struct row_batch *batch,
                  enum table table, const struct row *row, const struct row_metrics *metrics)
{
    if (format == ROW_FORMAT_CSV)
        put_csv(out, batch, table, row, metrics);
    else if (table == TABLE_STATUS)
        put_status_line(out, batch, row);
    else
        put_reading_line(out, batch, row, metrics);
}
