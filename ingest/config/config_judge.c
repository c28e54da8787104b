/*
 * config_judge.c - whether a value will do for its setting, and what is wrong with it if not.
 *
 * Messages begin with "wants": the caller puts the place before it (config_blame).
 */
#include "ingest/config/config_internal.h"

#include "cli/quantity.h"
#include "cli/suggest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- kinds ----------------------------------------------------------------------------------- */

static enum status judge_flag(const char *text, uint64_t *number, struct error *err)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *number = i % 2;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_CONFIG, "wants yes or no, not '%s'", text);
}

static enum status judge_number(const struct setting_spec *spec, const char *text, uint64_t *number,
                                struct error *err)
{
    uint64_t value = 0;
    if (!count_parse(text, &value) || value < spec->least || value > spec->most)
        return error_set(err, STATUS_CONFIG, "wants a whole number from %llu to %llu, not '%s'",
                         (unsigned long long)spec->least, (unsigned long long)spec->most, text);
    *number = value;
    return STATUS_OK;
}

/* "250ms", "30s", "10m": bounds are round numbers of their unit. */
static void duration_text(uint64_t ms, char text[24])
{
    if (ms == 0 || ms % 1000 != 0)
        (void)snprintf(text, 24, "%llums", (unsigned long long)ms);
    else if (ms % 60000 != 0)
        (void)snprintf(text, 24, "%llus", (unsigned long long)(ms / 1000));
    else
        (void)snprintf(text, 24, "%llum", (unsigned long long)(ms / 60000));
}

static enum status judge_duration(const struct setting_spec *spec, const char *text,
                                  uint64_t *number, struct error *err)
{
    int64_t value_ms = 0;
    const bool good = strcmp(text, "0") == 0 || duration_parse(text, &value_ms, NULL) == STATUS_OK;
    const bool whole = spec->kind == SETTING_DURATION || value_ms % 1000 == 0;
    if (!good || !whole || (uint64_t)value_ms < spec->least || (uint64_t)value_ms > spec->most) {
        char most[24];
        duration_text(spec->most, most);
        return error_set(err, STATUS_CONFIG, "wants %s up to %s, such as %s, not '%s'",
                         spec->kind == SETTING_SECONDS ? "whole seconds" : "a duration", most,
                         spec->fallback, text);
    }
    *number = (uint64_t)value_ms;
    return STATUS_OK;
}

static enum status judge_size(const struct setting_spec *spec, const char *text, uint64_t *number,
                              struct error *err)
{
    uint64_t bytes = 0;
    if (size_parse(text, &bytes, NULL) != STATUS_OK || bytes < spec->least || bytes > spec->most)
        return error_set(err, STATUS_CONFIG,
                         "wants a size of at least %llu bytes, such as %s, not '%s'",
                         (unsigned long long)spec->least, spec->fallback, text);
    *number = bytes;
    return STATUS_OK;
}

/* "text, logfmt or json" */
static void list_words(const struct setting_spec *spec, char *list, size_t list_bytes)
{
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; spec->words[i]; i++) {
        const char *joint = i == 0 ? "" : spec->words[i + 1] ? ", " : " or ";
        const int len = snprintf(list + used, list_bytes - used, "%s%s", joint, spec->words[i]);
        if (len < 0 || (size_t)len >= list_bytes - used)
            return;
        used += (size_t)len;
    }
}

static enum status judge_word(const struct setting_spec *spec, const char *text, uint64_t *number,
                              struct error *err)
{
    for (size_t i = 0; spec->words[i]; i++) {
        if (strcmp(spec->words[i], text) == 0) {
            *number = i;
            return STATUS_OK;
        }
    }
    char list[128];
    list_words(spec, list, sizeof list);
    return error_set(err, STATUS_CONFIG, "wants %s, not '%s'", list, text);
}

enum status config_judge(const struct setting_spec *spec, const char *text, uint64_t *number,
                         struct error *err)
{
    *number = 0;
    if (*text == '\0' && !spec->may_be_empty)
        return error_set(err, STATUS_CONFIG, "wants a value");
    switch (spec->kind) {
    case SETTING_TEXT:
    case SETTING_URL:
        return STATUS_OK;
    case SETTING_FLAG:
        return judge_flag(text, number, err);
    case SETTING_NUMBER:
        return judge_number(spec, text, number, err);
    case SETTING_DURATION:
    case SETTING_SECONDS:
        return judge_duration(spec, text, number, err);
    case SETTING_SIZE:
        return judge_size(spec, text, number, err);
    case SETTING_WORD:
        return judge_word(spec, text, number, err);
    }
    return STATUS_OK;
}

/* --- names ----------------------------------------------------------------------------------- */

/* In whatever spelling: access_key_secret, AccessKeyId, security-token, password. */
static bool names_a_secret(const char *name)
{
    static const char *const marks[] = {"secret", "accesskey", "token", "password", "passwd"};
    char plain[128];
    size_t used = 0;
    for (; *name && used + 1 < sizeof plain; name++) {
        if (*name != '-' && *name != '_' && *name != '.')
            plain[used++] = *name;
    }
    plain[used] = '\0';
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (strcasestr(plain, marks[i]))
            return true;
    }
    return false;
}

enum status config_unknown(const char *name, struct error *err)
{
    const enum setting_id id = setting_find(name);
    if (id != SETTING_COUNT)
        return error_set(err, STATUS_CONFIG, "'%s' is for the command line only", name);
    if (names_a_secret(name))
        return error_set(err, STATUS_CONFIG,
                         "'%s' is not read from here: secrets belong into a credentials file that "
                         "only its owner can read (credentials-file = FILE)",
                         name);
    const char *names[SETTING_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (!setting_specs[i].of_line && i != SETTING_CONFIG)
            names[count++] = setting_specs[i].name;
    }
    const char *near = suggest_word(name, names, count);
    if (near)
        return error_set(err, STATUS_CONFIG, "unknown setting '%s'; did you mean '%s'?", name,
                         near);
    return error_set(err, STATUS_CONFIG, "unknown setting '%s'", name);
}
