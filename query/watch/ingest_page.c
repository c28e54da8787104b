/*
 * ingest_page.c - see ingest_page.h. A line is
 *
 *      name{label="value",label="value"} 17 1526450324427
 *
 * with \\ \" and \n in values, the labels in any order, and a time that nobody needs.
 */
#include "query/watch/ingest_page.h"

#include <string.h>

#define LABELS_MAX 8u

struct label {
    struct slice name;
    char value[INGEST_NAME_BYTES];
    size_t value_len;
};

struct sample {
    struct slice name;
    struct label labels[LABELS_MAX];
    size_t label_count;
    int64_t value; /* its whole part */
};

static bool is_name_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == ':';
}

static struct slice read_name(struct cursor *line)
{
    const uint8_t *start = line->next;
    while (line->next < line->end && is_name_byte(*line->next))
        line->next++;
    return slice_of(start, (size_t)(line->next - start));
}

static bool take(struct cursor *line, char byte)
{
    if (line->next == line->end || *line->next != (uint8_t)byte)
        return false;
    line->next++;
    return true;
}

static void skip_blanks(struct cursor *line)
{
    while (take(line, ' ') || take(line, '\t'))
        continue;
}

/* Behind the opening quote, up to the closing one; what is too long is cut. */
static bool read_value(struct cursor *line, struct label *label)
{
    label->value_len = 0;
    while (line->next < line->end && *line->next != '"') {
        char byte = (char)*line->next++;
        if (byte == '\\') {
            if (line->next == line->end)
                return false;
            byte = (char)*line->next++;
            if (byte == 'n')
                byte = '\n';
        }
        if (label->value_len < sizeof label->value)
            label->value[label->value_len++] = byte;
    }
    return take(line, '"');
}

static bool read_labels(struct cursor *line, struct sample *sample)
{
    sample->label_count = 0;
    if (!take(line, '{'))
        return true;
    while (!take(line, '}')) {
        if (sample->label_count == LABELS_MAX)
            return false;
        struct label *label = &sample->labels[sample->label_count++];
        label->name = read_name(line);
        if (label->name.len == 0 || !take(line, '=') || !take(line, '"') ||
            !read_value(line, label))
            return false;
        (void)take(line, ',');
        skip_blanks(line);
    }
    return true;
}

static bool is_digit_next(const struct cursor *line)
{
    return line->next < line->end && *line->next >= '0' && *line->next <= '9';
}

/* Digits, then perhaps a fraction, which is passed over. */
static bool read_number(struct cursor *line, int64_t *value)
{
    if (!is_digit_next(line))
        return false;
    for (*value = 0; is_digit_next(line); line->next++) {
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, *line->next - '0', value))
            return false;
    }
    if (take(line, '.')) {
        while (is_digit_next(line))
            line->next++;
    }
    return line->next == line->end || take(line, ' ') || take(line, '\t') || take(line, '\r');
}

static bool read_sample(struct slice text, struct sample *sample)
{
    struct cursor line = cursor_of(text);
    sample->name = read_name(&line);
    if (sample->name.len == 0 || !read_labels(&line, sample))
        return false;
    skip_blanks(&line);
    return read_number(&line, &sample->value);
}

static const struct label *find_label(const struct sample *sample, const char *name)
{
    for (size_t i = 0; i < sample->label_count; i++) {
        if (slice_equal(sample->labels[i].name, slice_of_text(name)))
            return &sample->labels[i];
    }
    return NULL;
}

static bool label_is(const struct label *label, const char *value)
{
    return slice_equal(slice_of(label->value, label->value_len), slice_of_text(value));
}

static struct ingest_queue *find_queue(struct ingest_figures *figures, const struct label *label)
{
    for (size_t i = 0; i < figures->queue_count; i++) {
        struct ingest_queue *queue = &figures->queues[i];
        if (slice_equal(slice_of(queue->name, queue->name_len),
                        slice_of(label->value, label->value_len)))
            return queue;
    }
    if (figures->queue_count == INGEST_QUEUES_MAX)
        return NULL;
    struct ingest_queue *queue = &figures->queues[figures->queue_count++];
    *queue = (struct ingest_queue){
        .name_len = label->value_len, .active = -1, .inactive = -1, .delayed = -1};
    memcpy(queue->name, label->value, label->value_len);
    return queue;
}

static void take_backlog(struct ingest_figures *figures, const struct sample *sample)
{
    const struct label *name = find_label(sample, "queue");
    const struct label *state = find_label(sample, "state");
    struct ingest_queue *queue = name && state ? find_queue(figures, name) : NULL;
    if (!queue)
        return;
    if (label_is(state, "active"))
        queue->active = sample->value;
    else if (label_is(state, "inactive"))
        queue->inactive = sample->value;
    else if (label_is(state, "delayed"))
        queue->delayed = sample->value;
}

static void take_pause(struct ingest_figures *figures, const struct sample *sample)
{
    const struct label *reason = find_label(sample, "reason");
    if (!reason || sample->value == 0)
        return;
    figures->paused = true;
    figures->reason_len = reason->value_len;
    memcpy(figures->reason, reason->value, reason->value_len);
}

static void take_line(struct ingest_figures *figures, struct slice line)
{
    static const char start[] = "mnsdb_ingest_";
    struct sample sample = {0};
    if (!read_sample(line, &sample) || sample.name.len < sizeof start ||
        memcmp(sample.name.data, start, sizeof start - 1) != 0)
        return;
    figures->is_ingest = true;
    if (slice_equal(sample.name, slice_of_text("mnsdb_ingest_queue_backlog_messages")))
        take_backlog(figures, &sample);
    else if (slice_equal(sample.name, slice_of_text("mnsdb_ingest_paused")))
        take_pause(figures, &sample);
}

void ingest_page_read(struct slice page, struct ingest_figures *figures)
{
    *figures = (struct ingest_figures){0};
    while (page.len > 0) {
        const uint8_t *end = memchr(page.data, '\n', page.len);
        const size_t len = end ? (size_t)(end - page.data) : page.len;
        take_line(figures, slice_of(page.data, len));
        const size_t used = end ? len + 1 : len;
        page = slice_of(page.data + used, page.len - used);
    }
}
