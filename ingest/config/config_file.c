/*
 * config_file.c - see config_file.h.
 *
 * Lines are read by cli/settings_file rather than by libinih: as Debian builds it, version 55 cuts
 * lines at 198 bytes without a word, takes an indented line for one more value of the key before,
 * ends values at " ;", and its handler does not learn the number of a line. An address of a queue
 * alone can be longer than that.
 *
 * A line that cannot be read is never shown in a message: it may hold a secret.
 */
#include "ingest/config/config_file.h"

#include "cli/settings_file.h"

struct file_walk {
    config_line_taker *take;
    void *context;
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* Where a comment seems to begin behind a value: " #" or " ;". */
static bool has_comment(struct slice value)
{
    for (size_t i = 1; i < value.len; i++) {
        if ((value.data[i] == '#' || value.data[i] == ';') && is_blank(value.data[i - 1]))
            return true;
    }
    return false;
}

static bool is_key(struct slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        const uint8_t byte = key.data[i];
        const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!letter && !(byte >= '0' && byte <= '9') && byte != '-' && byte != '_' && byte != '.')
            return false;
    }
    return key.len > 0 && key.len <= CONFIG_KEY_BYTES_MAX;
}

static enum status check_value(const struct settings_line *line, struct error *err)
{
    const struct slice value = line->value;
    if (value.len > CONFIG_VALUE_BYTES_MAX)
        return settings_line_wrong(line, "the value is longer than 4096 bytes", err);
    if (value.len > 0 && (value.data[0] == '"' || value.data[0] == '\''))
        return settings_line_wrong(line, "values stand without quotes", err);
    if (has_comment(value))
        return settings_line_wrong(line, "a comment needs a line of its own", err);
    return STATUS_OK;
}

static enum status take_line(void *context, const struct settings_line *line, struct error *err)
{
    const struct file_walk *walk = context;
    if (!line->has_value)
        return settings_line_wrong(line, "no setting: write 'name = value'", err);
    const struct config_line setting = {
        .number = line->number, .key = line->name, .value = line->value};
    if (!is_key(setting.key))
        return settings_line_wrong(line, "what stands before '=' is no name of a setting", err);
    TRY(check_value(line, err));
    return walk->take(walk->context, &setting, err);
}

enum status config_file_parse(struct slice text, const char *path, config_line_taker *take,
                              void *context, struct error *err)
{
    struct file_walk walk = {.take = take, .context = context};
    return settings_file_walk(text, path, take_line, &walk, err);
}

enum status config_file_read(const char *path, struct buffer *text, bool *exists, struct error *err)
{
    return settings_file_read(path, text, exists, err);
}
