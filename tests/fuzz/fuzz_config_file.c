/*
 * fuzz_config_file.c - any bytes as a configuration file: settings, or a refusal that names a line.
 *
 * Every setting handed out is what its line says: a name of letters, a value without blanks around
 * it, control characters or NUL; line numbers grow. Values then go through their setting's judge.
 */
#include "ingest/config/config_file.h"
#include "ingest/config/config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "f"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_config_file: %s\n", what);
    abort();
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static void judge(const char *key, const char *value)
{
    struct error err = {0};
    const enum setting_id id = setting_find(key);
    if (id == SETTING_COUNT) {
        check(config_unknown(key, &err) == STATUS_CONFIG && err.message[0],
              "unknown for no reason");
        return;
    }
    const struct setting_spec *spec = &setting_specs[id];
    uint64_t number = 0;
    const enum status status = config_judge(spec, value, &number, &err);
    check(status == STATUS_OK || (status == STATUS_CONFIG && err.message[0]), "a silent refusal");
    if (status == STATUS_OK && spec->most > 0)
        check(number >= spec->least && number <= spec->most, "a number out of bounds");
    char shown[CONFIG_SHOWN_BYTES];
    config_hide_user(value, shown);
}

static enum status take(void *context, const struct config_line *line, struct error *err)
{
    (void)err;
    unsigned *last = context;
    check(line->number > *last, "lines out of order");
    *last = line->number;
    check(line->key.len > 0 && line->key.len <= CONFIG_KEY_BYTES_MAX, "the length of a name");
    check(line->value.len <= CONFIG_VALUE_BYTES_MAX, "the length of a value");
    char key[CONFIG_KEY_BYTES_MAX + 1];
    memcpy(key, line->key.data, line->key.len);
    key[line->key.len] = '\0';
    check(strlen(key) == line->key.len, "a NUL in a name");
    char value[CONFIG_VALUE_BYTES_MAX + 1] = {0};
    if (line->value.len > 0) {
        memcpy(value, line->value.data, line->value.len);
        check(!is_blank(line->value.data[0]), "a blank before a value");
        check(!is_blank(line->value.data[line->value.len - 1]), "a blank behind a value");
    }
    check(strlen(value) == line->value.len && !strpbrk(value, "\r\n\x1b\x7f"),
          "a control character");
    judge(key, value);
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    unsigned last = 0;
    struct error err = {0};
    const enum status status =
        config_file_parse(slice_of(bytes, bytes_len), FILE_NAME, take, &last, &err);
    check(status == STATUS_OK || status == STATUS_CONFIG, "an unexpected status");
    if (status == STATUS_CONFIG) {
        const size_t name_len = sizeof FILE_NAME - 1;
        check(strncmp(err.message, FILE_NAME ":", name_len + 1) == 0, "a refusal without its file");
        check(strtoul(err.message + name_len + 1, NULL, 10) > last, "a refusal without its line");
    }
    return 0;
}
