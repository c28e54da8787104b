/*
 * config.c - see config_internal.h.
 *
 * Layers are read from the weakest to the strongest. A text of a layer above the one that
 * stands throws out what stood; one of the same layer is added to a repeatable setting, and is a
 * mistake for another (but for the command line, where the last one counts).
 *
 * (1) When all layers are read, each setting's texts are of one layer.
 * (2) Only values that hold are judged: what is overridden may be anything.
 * (3) No message shows the text of a URL: there may be a password in it.
 */
#include "ingest/config/config_internal.h"

#include "cli/message.h"
#include "engine/base/mem.h"
#include "ingest/config/config_file.h"
#include "ingest/queue/queue_source.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEPARATORS " \t\r\n,"

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the settings");
}

/* A copy of `len` bytes with a NUL, or NULL. */
static char *keep(struct config *config, const char *text, size_t len)
{
    char *copy = arena_alloc(&config->arena, len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

/* --- adding texts ---------------------------------------------------------------------------- */

static size_t room_of(const struct setting_spec *spec)
{
    return spec->repeatable ? QUEUE_COUNT_MAX : 1;
}

static enum status add_piece(struct config *config, enum setting_id id, const char *piece,
                             size_t len, const char *origin, struct error *err)
{
    const struct setting_spec *spec = &setting_specs[id];
    struct config_value *value = &config->values[id];
    if (!value->texts) {
        value->texts = arena_alloc(&config->arena, room_of(spec) * sizeof *value->texts);
        if (!value->texts)
            return no_memory(err);
    }
    if (value->count == room_of(spec))
        return error_set(err, STATUS_CONFIG, "more than %zu of '%s'", room_of(spec), spec->name);
    const char *text = keep(config, piece, len);
    if (!text)
        return no_memory(err);
    value->texts[value->count++] = (struct config_text){.text = text, .origin = origin};
    return STATUS_OK;
}

static enum status add_pieces(struct config *config, enum setting_id id, const char *text,
                              const char *origin, struct error *err)
{
    const char *next = text + strspn(text, SEPARATORS);
    while (*next) {
        const size_t len = strcspn(next, SEPARATORS);
        TRY(add_piece(config, id, next, len, origin, err));
        next += len;
        next += strspn(next, SEPARATORS);
    }
    return STATUS_OK;
}

/* `origin` lives as long as the config. */
static enum status add(struct config *config, enum setting_id id, enum config_layer layer,
                       const char *text, const char *origin, struct error *err)
{
    const struct setting_spec *spec = &setting_specs[id];
    struct config_value *value = &config->values[id];
    if (layer > value->layer || (layer == CONFIG_COMMAND_LINE && !spec->repeatable))
        value->count = 0;
    else if (value->count > 0 && !spec->repeatable)
        return error_set(err, STATUS_CONFIG, "'%s' is given twice, first by %s", spec->name,
                         value->texts[0].origin);
    value->layer = layer;
    if (!spec->repeatable)
        return add_piece(config, id, text, strlen(text), origin, err);
    const size_t before = value->count;
    TRY(add_pieces(config, id, text, origin, err));
    if (value->count == before)
        return error_set(err, STATUS_CONFIG, "'%s' wants a value", spec->name);
    return STATUS_OK;
}

/* --- files ----------------------------------------------------------------------------------- */

struct file_layer {
    struct config *config;
    enum config_layer layer;
    const char *path;
};

static enum status take_line(void *context, const struct config_line *line, struct error *err)
{
    const struct file_layer *file = context;
    char key[CONFIG_KEY_BYTES_MAX + 1];
    assert(line->key.len < sizeof key);
    memcpy(key, line->key.data, line->key.len);
    key[line->key.len] = '\0';
    char value[CONFIG_VALUE_BYTES_MAX + 1];
    assert(line->value.len < sizeof value);
    if (line->value.len > 0)
        memcpy(value, line->value.data, line->value.len);
    value[line->value.len] = '\0';

    char text[4096 + 16];
    const int text_len = snprintf(text, sizeof text, "%s:%u", file->path, line->number);
    const char *origin = text_len < 0 ? NULL : keep(file->config, text, strlen(text));
    if (!origin)
        return no_memory(err);
    const enum setting_id id = setting_find(key);
    const bool known = id != SETTING_COUNT && id != SETTING_CONFIG && !setting_specs[id].of_line;
    const enum status status =
        known ? add(file->config, id, file->layer, value, origin, err) : config_unknown(key, err);
    if (status == STATUS_CONFIG)
        error_add_context(err, "%s", origin);
    return status;
}

static enum status read_file(struct config *config, enum config_layer layer, const char *path,
                             bool must_exist, struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};
    bool exists = false;
    TRY(config_file_read(path, &text, &exists, err));
    if (!exists && must_exist)
        return error_set(err, STATUS_CONFIG, "no configuration file %s", path);
    struct file_layer file = {.config = config, .layer = layer, .path = path};
    return config_file_parse(buffer_slice(&text), path, take_line, &file, err);
}

enum status config_places_find(struct config_places *places, struct arena *arena, struct error *err)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *below = "mnsdb/ingest.conf";
    *places = (struct config_places){.system = CONFIG_SYSTEM_FILE};
    // A relative one is to be ignored, says the XDG specification.
    if (!base || base[0] != '/') {
        base = getenv("HOME");
        below = ".config/mnsdb/ingest.conf";
    }
    if (!base || base[0] != '/')
        return STATUS_OK;
    const size_t bytes = strlen(base) + 1 + strlen(below) + 1;
    char *path = arena_alloc(arena, bytes);
    if (!path)
        return no_memory(err);
    (void)snprintf(path, bytes, "%s/%s", base, below);
    places->user = path;
    return STATUS_OK;
}

static enum status read_files(struct config *config, const struct config_places *places,
                              struct error *err)
{
    const char *named = config_text(config, SETTING_CONFIG);
    if (named)
        return read_file(config, CONFIG_SYSTEM, named, true, err);
    if (places->system)
        TRY(read_file(config, CONFIG_SYSTEM, places->system, false, err));
    if (places->user)
        TRY(read_file(config, CONFIG_USER, places->user, false, err));
    return STATUS_OK;
}

/* --- the environment and the command line ---------------------------------------------------- */

static enum status read_variable(struct config *config, enum setting_id id, enum config_layer layer,
                                 const char *name, struct error *err)
{
    const char *text = getenv(name);
    if (!text || *text == '\0')
        return STATUS_OK;
    char origin[SETTING_VARIABLE_BYTES + 16];
    (void)snprintf(origin, sizeof origin, "environment %s", name);
    const char *kept = keep(config, origin, strlen(origin));
    if (!kept)
        return no_memory(err);
    const enum status status = add(config, id, layer, text, kept, err);
    if (status == STATUS_CONFIG)
        error_add_context(err, "%s", name);
    return status;
}

static enum status read_variables(struct config *config, enum setting_id id, struct error *err)
{
    const struct setting_spec *spec = &setting_specs[id];
    if (spec->environment)
        TRY(read_variable(config, id, CONFIG_SHARED, spec->environment, err));
    char name[SETTING_VARIABLE_BYTES];
    setting_variable(spec, name);
    return spec->of_line ? STATUS_OK : read_variable(config, id, CONFIG_ENVIRONMENT, name, err);
}

static enum status read_options(struct config *config, enum setting_id id, struct error *err)
{
    const struct setting_spec *spec = &setting_specs[id];
    char origin[SETTING_VARIABLE_BYTES];
    (void)snprintf(origin, sizeof origin, "--%s", spec->name);
    if (!options_given(config->options, spec->name))
        return STATUS_OK;
    const char *kept = keep(config, origin, strlen(origin));
    if (!kept)
        return no_memory(err);
    enum status status = STATUS_OK;
    if (spec->kind == SETTING_FLAG)
        status = add(config, id, CONFIG_COMMAND_LINE, "yes", kept, err);
    size_t position = 0;
    const char *text = NULL;
    while (status == STATUS_OK && spec->kind != SETTING_FLAG &&
           (text = options_next(config->options, spec->name, &position)) != NULL)
        status = add(config, id, CONFIG_COMMAND_LINE, text, kept, err);
    // What is wrong on the command line is a usage error.
    if (status == STATUS_CONFIG && err)
        err->status = STATUS_INPUT;
    return status == STATUS_CONFIG ? STATUS_INPUT : status;
}

static enum status read_verbosity(struct config *config, struct error *err)
{
    if (options_given(config->options, "quiet"))
        return add(config, SETTING_LOG_LEVEL, CONFIG_VERBOSITY, "error", "--quiet", err);
    if (options_given(config->options, "verbose"))
        return add(config, SETTING_LOG_LEVEL, CONFIG_VERBOSITY, "debug", "--verbose", err);
    return STATUS_OK;
}

/* A variable that looks like one of ours may be another program's: it is only warned of. */
void config_warn_of_variables(void)
{
    const size_t prefix_len = sizeof SETTING_VARIABLE_PREFIX - 1;
    for (char **variable = environ; variable && *variable; variable++) {
        if (strncmp(*variable, SETTING_VARIABLE_PREFIX, prefix_len) != 0)
            continue;
        char name[SETTING_VARIABLE_BYTES];
        const size_t len = strcspn(*variable + prefix_len, "=");
        if (len >= sizeof name)
            continue;
        for (size_t i = 0; i < len; i++) {
            const char letter = (*variable)[prefix_len + i];
            name[i] = (char)(letter == '_' ? '-' : tolower((unsigned char)letter));
        }
        name[len] = '\0';
        const enum setting_id id = setting_find(name);
        struct error why = {0};
        if ((id == SETTING_COUNT || setting_specs[id].of_line) &&
            config_unknown(name, &why) != STATUS_OK)
            message_warning("environment " SETTING_VARIABLE_PREFIX "%.*s: %s", (int)len,
                            *variable + prefix_len, why.message);
    }
}

/* --- all together ---------------------------------------------------------------------------- */

static enum status read_defaults(struct config *config, struct error *err)
{
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        const char *fallback = setting_specs[i].fallback;
        if (fallback)
            TRY(add(config, (enum setting_id)i, CONFIG_DEFAULT, fallback, "default", err));
    }
    return STATUS_OK;
}

static enum status read_layers(struct config *config, const struct config_places *places,
                               struct error *err)
{
    TRY(read_defaults(config, err));
    // Which file to read is itself a setting, of the layers above.
    TRY(read_variables(config, SETTING_CONFIG, err));
    TRY(read_options(config, SETTING_CONFIG, err));
    TRY(read_files(config, places, err));
    for (unsigned i = SETTING_CONFIG + 1; i < SETTING_COUNT; i++)
        TRY(read_variables(config, (enum setting_id)i, err));
    TRY(read_verbosity(config, err));
    for (unsigned i = SETTING_CONFIG + 1; i < SETTING_COUNT; i++)
        TRY(read_options(config, (enum setting_id)i, err));
    return STATUS_OK;
}

static enum status judge_all(struct config *config, struct error *err)
{
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        struct config_value *value = &config->values[i];
        for (size_t at = 0; at < value->count; at++) {
            const char *text = value->texts[at].text;
            if (config_judge(&setting_specs[i], text, &value->number, err) != STATUS_OK)
                return config_blame(config, (enum setting_id)i, at, err);
        }
    }
    return STATUS_OK;
}

enum status config_load(struct config *config, const struct options *options,
                        const struct config_places *places, struct error *err)
{
    struct error local = {0};
    *config = (struct config){.options = options};
    enum status status = read_layers(config, places, err ? err : &local);
    if (status == STATUS_OK)
        status = judge_all(config, err ? err : &local);
    if (status != STATUS_OK)
        config_release(config);
    return status;
}

void config_release(struct config *config)
{
    arena_release(&config->arena);
    *config = (struct config){0};
}

/* --- reading --------------------------------------------------------------------------------- */

const char *config_text(const struct config *config, enum setting_id id)
{
    const struct config_value *value = &config->values[id];
    return value->count > 0 ? value->texts[value->count - 1].text : NULL;
}

bool config_is_on(const struct config *config, enum setting_id id)
{
    assert(setting_specs[id].kind == SETTING_FLAG);
    return config->values[id].number != 0;
}

enum status config_blame(const struct config *config, enum setting_id id, size_t index,
                         struct error *err)
{
    const char *name = setting_specs[id].name;
    const struct config_value *value = config ? &config->values[id] : NULL;
    const bool from_line = !value || value->layer == CONFIG_COMMAND_LINE || value->count == 0;
    const enum status status = from_line ? STATUS_INPUT : STATUS_CONFIG;
    if (!err)
        return status;
    err->status = status;
    // The name was in the way: "--threads wants ...", but "--payload-tz: 'Mars' is ...".
    const bool is_sentence = strncmp(err->message, "wants ", 6) == 0;
    char place[ERROR_MESSAGE_BYTES];
    if (from_line)
        (void)snprintf(place, sizeof place, "--%s", name);
    else if (value->layer == CONFIG_SHARED || value->layer == CONFIG_ENVIRONMENT)
        (void)snprintf(place, sizeof place, "%s", strchr(value->texts[index].origin, ' ') + 1);
    else
        (void)snprintf(place, sizeof place, "%.*s: %s", 300, value->texts[index].origin, name);
    if (!is_sentence) {
        error_add_context(err, "%s", place);
        return status;
    }
    char rest[ERROR_MESSAGE_BYTES];
    memcpy(rest, err->message, sizeof rest);
    return error_set(err, status, "%s %s", place, rest);
}

void config_hide_user(const char *text, char shown[CONFIG_SHOWN_BYTES])
{
    // A "://" behind anything but a scheme may be part of what is to be hidden.
    const size_t scheme_len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    const bool has_scheme = strncmp(text + scheme_len, "://", 3) == 0;
    const char *authority = has_scheme ? text + scheme_len + 3 : text;
    const char *at = strrchr(authority, '@');
    if (at)
        (void)snprintf(shown, CONFIG_SHOWN_BYTES, "%.*s***%s", (int)(authority - text), text, at);
    else
        (void)snprintf(shown, CONFIG_SHOWN_BYTES, "%s", text);
}
