/*
 * words.c - evidence for people, and lines for the shell.
 *
 * Names come from outside. In a line for the shell a name is quoted such that the line is printable
 * and means the name, whatever its bytes: plain, in '...', or in $'...' with octal escapes, which
 * bash, zsh and ksh read. A byte of 0 cannot be in an argument: a glob has '?' for it.
 */
#include "query/findings/findings_internal.h"

#include "cli/human.h"
#include "cli/utf8.h"
#include "engine/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_BYTES 512u

static void append(struct words *words, const void *data, size_t len)
{
    if (words->status == STATUS_OK)
        words->status = buffer_append(&words->bytes, data, len);
}

void words_add(struct words *words, const char *format, ...)
{
    char text[WORDS_BYTES];
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len > 0)
        append(words, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

void words_release(struct words *words)
{
    buffer_release(&words->bytes);
}

/* To the second, with a blank for the T: "2018-05-16 05:58:44Z". */
void words_time(struct words *words, int64_t time_ms)
{
    char text[CIVIL_RFC3339_BYTES];
    struct civil_zone utc = {0};
    if (!words->zone && civil_zone_open(&utc, "UTC", NULL) != STATUS_OK)
        return;
    (void)civil_format_rfc3339(words->zone ? words->zone : &utc, time_ms, text);
    const char *point = strchr(text, '.');
    char *t = strchr(text, 'T');
    if (t)
        *t = ' ';
    if (point)
        words_add(words, "%.*s%s", (int)(point - text), text, point + strspn(point, ".0123456789"));
    else
        words_add(words, "%s", text);
}

void words_duration(struct words *words, int64_t duration_ms)
{
    char text[HUMAN_BYTES];
    words_add(words, "%s", human_duration(duration_ms, text));
}

void words_count(struct words *words, uint64_t count, const char *one, const char *many)
{
    char text[HUMAN_BYTES];
    words_add(words, "%s %s", human_count(count, text), count == 1 ? one : many);
}

void words_number(struct words *words, struct number number)
{
    char text[NUMBER_TEXT_BYTES];
    append(words, text, number_format(number, text));
}

void words_real(struct words *words, double real)
{
    words_add(words, "%.4g", real);
}

/* --- the shell ----------------------------------------------------------------------------- */

enum quoting {
    QUOTING_NONE,
    QUOTING_SINGLE,
    QUOTING_ESCAPES,
};

static bool is_plain(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != 0 && strchr("_./:@%+,-", byte));
}

static enum quoting quoting_of(struct slice word, bool ascii)
{
    enum quoting quoting = word.len == 0 ? QUOTING_SINGLE : QUOTING_NONE;
    for (size_t i = 0; i < word.len;) {
        uint32_t character = 0;
        const size_t len = utf8_read(slice_of(word.data + i, word.len - i), &character);
        if (len == 0 || utf8_is_harmful(character) || (ascii && len > 1))
            return QUOTING_ESCAPES;
        if (len > 1 || !is_plain(word.data[i]))
            quoting = QUOTING_SINGLE;
        i += len;
    }
    return quoting;
}

static void add_escaped(struct words *words, struct slice word)
{
    append(words, "$'", 2);
    for (size_t i = 0; i < word.len; i++) {
        const uint8_t byte = word.data[i];
        if (byte >= ' ' && byte < 0x7f && byte != '\'' && byte != '\\')
            append(words, &byte, 1);
        else
            words_add(words, "\\%03o", byte);
    }
    append(words, "'", 1);
}

static void add_quoted(struct words *words, struct slice word)
{
    append(words, "'", 1);
    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] == '\'')
            append(words, "'\\''", 4);
        else
            append(words, &word.data[i], 1);
    }
    append(words, "'", 1);
}

void words_shell(struct words *words, struct slice word)
{
    switch (quoting_of(word, words->ascii)) {
    case QUOTING_NONE:
        append(words, word.data, word.len);
        return;
    case QUOTING_SINGLE:
        add_quoted(words, word);
        return;
    case QUOTING_ESCAPES:
        add_escaped(words, word);
        return;
    }
}

void words_command(struct words *words, const struct findings_spec *spec, const char *command)
{
    words_add(words, "mnsdb");
    if (spec->store_dir) {
        words_add(words, " -d ");
        words_shell(words, slice_of_text(spec->store_dir));
    }
    words_add(words, " %s", command);
}

void words_values(struct words *words, const struct findings_spec *spec)
{
    for (size_t i = 0; i < spec->value_count; i++) {
        words_add(words, " ");
        words_shell(words, slice_of_text(spec->values[i]));
    }
}

/* The glob that a name matches and, but for names with a byte of 0, only this name. */
static enum status make_glob(struct buffer *glob, struct slice name)
{
    TRY(buffer_reserve(glob, 2 * name.len));
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t byte = name.data[i];
        if (byte != 0 && strchr("*?[\\", byte))
            buffer_put_u8(glob, '\\');
        buffer_put_u8(glob, byte == 0 ? (uint8_t)'?' : byte);
    }
    return STATUS_OK;
}

void words_device(struct words *words, struct slice device)
{
    OWNED(buffer_release) struct buffer glob = {0};
    if (words->status == STATUS_OK)
        words->status = make_glob(&glob, device);
    words_add(words, " --device ");
    words_shell(words, buffer_slice(&glob));
}

/* Milliseconds of the epoch are exact in every zone, but a date is what people can read. */
void words_span(struct words *words, int64_t from_ms, int64_t last_ms)
{
    char from[CIVIL_RFC3339_BYTES];
    char until[CIVIL_RFC3339_BYTES];
    struct civil_zone utc = {0};
    if (civil_zone_open(&utc, "UTC", NULL) != STATUS_OK)
        return;
    (void)civil_format_rfc3339(words->zone ? words->zone : &utc, from_ms, from);
    (void)civil_format_rfc3339(words->zone ? words->zone : &utc,
                               last_ms < INT64_MAX ? last_ms + 1 : last_ms, until);
    words_add(words, " --from %s --to %s", from, until);
}

void words_length(struct words *words, int64_t length_ms)
{
    static const struct {
        int64_t length_ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (length_ms >= units[i].length_ms)
            words_add(words, "%lld%s", (long long)(length_ms / units[i].length_ms), units[i].name);
        length_ms %= units[i].length_ms;
    }
}

bool words_metric(struct words *words, struct slice metric)
{
    if (metric.len > 0 && memchr(metric.data, 0, metric.len))
        return false;
    words_add(words, " -- ");
    words_shell(words, metric);
    return true;
}

/* --- drafts -------------------------------------------------------------------------------- */

void draft_begin(struct draft *draft, const struct findings *findings, enum finding_kind kind,
                 enum finding_severity severity)
{
    *draft = (struct draft){.finding = {.kind = kind, .severity = severity},
                            .evidence = {.zone = findings->spec->zone},
                            .more = {.zone = findings->spec->zone, .ascii = findings->spec->ascii}};
}

static enum status keep(struct draft *draft, struct finding_list *list)
{
    TRY(draft->evidence.status);
    TRY(draft->more.status);
    draft->finding.evidence = arena_copy(&list->arena, buffer_slice(&draft->evidence.bytes));
    draft->finding.more = arena_copy(&list->arena, buffer_slice(&draft->more.bytes));
    if (!draft->finding.evidence.data || !draft->finding.more.data)
        return STATUS_NOMEM;
    TRY(mem_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items));
    list->items[list->count++] = draft->finding;
    return STATUS_OK;
}

enum status draft_end(struct draft *draft, struct findings *findings)
{
    const enum status status = keep(draft, findings->list);
    words_release(&draft->evidence);
    words_release(&draft->more);
    return status;
}
