/*
 * alias.c - reading definitions, and which of them count.
 *
 *      definitions = definition { ";" definition }
 *      definition  = name "=" name { "," name }
 *
 * Sources are added from the strongest on. A name that a stronger source has used, be it as the
 * answered one or as another, is settled: a weaker source can neither give it away nor add to it.
 * Within a source a name that is used twice in two senses is a mistake.
 */
#include "query/alias/alias_internal.h"

#include "engine/base/mem.h"
#include "engine/row/row.h"
#include "query/quoted/quoted.h"

#include <assert.h>

#define SHOWN(name) (int)(name).len, (const char *)(name).data

/* --- names --------------------------------------------------------------------------------- */

struct reader {
    struct alias_list *list;
    const struct alias_origin *origin;
    const char *source; /* in the list's arena */
    struct slice rest;
    struct error *err;
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static void skip_blanks(struct reader *reader)
{
    while (reader->rest.len > 0 && is_blank(reader->rest.data[0]))
        reader->rest = slice_of(reader->rest.data + 1, reader->rest.len - 1);
}

/* True, and one byte further, if `sign` comes next. */
static bool take_sign(struct reader *reader, char sign)
{
    skip_blanks(reader);
    if (reader->rest.len == 0 || reader->rest.data[0] != (uint8_t)sign)
        return false;
    reader->rest = slice_of(reader->rest.data + 1, reader->rest.len - 1);
    return true;
}

static enum status no_memory(const struct reader *reader)
{
    return error_set(reader->err, STATUS_NOMEM, "no memory for the aliases");
}

static enum status expected(const struct reader *reader, const char *what)
{
    if (reader->rest.len == 0)
        return error_set(reader->err, STATUS_INPUT,
                         "expected %s, found the end; an alias is name=other,other", what);
    const size_t shown = reader->rest.len < 40 ? reader->rest.len : 40;
    return error_set(reader->err, STATUS_INPUT,
                     "expected %s at '%.*s'; an alias is name=other,other", what,
                     SHOWN(slice_of(reader->rest.data, shown)));
}

static enum status keep_name(const struct reader *reader, struct slice name, struct slice *kept)
{
    *kept = arena_copy(&reader->list->arena, name);
    return kept->data ? STATUS_OK : no_memory(reader);
}

static enum status read_quoted_name(struct reader *reader, struct slice *name)
{
    uint8_t bytes[NAME_BYTES_MAX];
    size_t len = 0;
    size_t used = 0;
    switch (quoted_read(reader->rest, bytes, &len, &used)) {
    case QUOTED_OK:
        reader->rest = slice_of(reader->rest.data + used, reader->rest.len - used);
        return keep_name(reader, slice_of(bytes, len), name);
    case QUOTED_OPEN:
        return expected(reader, "a '\"' that ends the name");
    case QUOTED_BAD:
        return expected(reader, "'\\' before '\"' and '\\' only");
    case QUOTED_TOO_LONG:
        break;
    }
    return expected(reader, "a name of at most 256 bytes");
}

static bool is_bare(uint8_t byte)
{
    return byte > ' ' && byte != 0x7f && byte != ',' && byte != ';' && byte != '=' && byte != '"';
}

static enum status read_name(struct reader *reader, struct slice *name)
{
    skip_blanks(reader);
    if (reader->rest.len > 0 && reader->rest.data[0] == '"')
        return read_quoted_name(reader, name);
    size_t len = 0;
    while (len < reader->rest.len && is_bare(reader->rest.data[len]))
        len++;
    if (len == 0)
        return expected(reader, "the name of a metric");
    if (len > NAME_BYTES_MAX)
        return expected(reader, "a name of at most 256 bytes");
    TRY(keep_name(reader, slice_of(reader->rest.data, len), name));
    reader->rest = slice_of(reader->rest.data + len, reader->rest.len - len);
    return STATUS_OK;
}

/* --- who uses a name ----------------------------------------------------------------------- */

/* The definition that uses a name, or NULL; *as_other: not as the answered one. */
static struct alias *find_user(const struct alias_list *list, struct slice name, bool *as_other)
{
    for (size_t i = 0; i < list->count; i++) {
        struct alias *alias = &list->items[i];
        *as_other = false;
        if (slice_equal(alias->name, name))
            return alias;
        *as_other = true;
        for (size_t k = 0; k < alias->name_count; k++) {
            if (slice_equal(alias->names[k], name))
                return alias;
        }
    }
    return NULL;
}

static enum status claimed(const struct reader *reader, struct slice name,
                           const struct alias *alias)
{
    return error_set(reader->err, STATUS_INPUT,
                     "'%.*s' cannot stand for two metrics: it is already a name of '%.*s'",
                     SHOWN(name), SHOWN(alias->name));
}

/*
 * The definition to which names of `name` are added: that of the same source, or a new one; NULL in
 * *alias if a stronger source has settled the name.
 */
static enum status open_alias(const struct reader *reader, struct slice name, struct alias **alias)
{
    struct alias_list *list = reader->list;
    bool as_other = false;
    *alias = find_user(list, name, &as_other);
    if (*alias) {
        if ((*alias)->source_number < reader->origin->source_number)
            *alias = NULL;
        else if (as_other)
            return error_set(reader->err, STATUS_INPUT,
                             "'%.*s' is another name of '%.*s' and cannot have names of its own",
                             SHOWN(name), SHOWN((*alias)->name));
        return STATUS_OK;
    }
    if (list->count == ALIAS_NAMES_MAX)
        return error_set(reader->err, STATUS_INPUT, "there are more than %u metrics with aliases",
                         ALIAS_NAMES_MAX);
    if (mem_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items) != STATUS_OK)
        return no_memory(reader);
    *alias = &list->items[list->count++];
    **alias = (struct alias){.name = name,
                             .source = reader->source,
                             .line = reader->origin->line,
                             .source_number = reader->origin->source_number};
    return STATUS_OK;
}

/* Adds a name, unless a stronger source has settled it or it is there already. */
static enum status add_name(const struct reader *reader, struct alias *alias, struct slice name)
{
    bool as_other = false;
    const struct alias *user = find_user(reader->list, name, &as_other);
    if (user && user->source_number < reader->origin->source_number)
        return STATUS_OK;
    if (user == alias)
        return STATUS_OK;
    if (user)
        return claimed(reader, name, user);
    if (reader->list->names_total == ALIAS_NAMES_MAX)
        return error_set(reader->err, STATUS_INPUT, "there are more than %u names",
                         ALIAS_NAMES_MAX);
    if (mem_grow(&alias->names, &alias->name_capacity, alias->name_count + 1,
                 sizeof *alias->names) != STATUS_OK)
        return no_memory(reader);
    alias->names[alias->name_count++] = name;
    reader->list->names_total++;
    return STATUS_OK;
}

/* --- definitions --------------------------------------------------------------------------- */

static enum status read_definition(struct reader *reader)
{
    struct slice name = {0};
    struct alias *alias = NULL;
    TRY(read_name(reader, &name));
    if (!take_sign(reader, '='))
        return expected(reader, "'='");
    TRY(open_alias(reader, name, &alias));
    do {
        TRY(read_name(reader, &name));
        if (alias)
            TRY(add_name(reader, alias, name));
    } while (take_sign(reader, ','));
    return STATUS_OK;
}

enum status alias_list_add_text(struct alias_list *list, struct slice text,
                                const struct alias_origin *origin, struct error *err)
{
    struct reader reader = {.list = list, .origin = origin, .rest = text, .err = err};
    const size_t source_bytes = strlen(origin->source) + 1;
    reader.source =
        (const char *)arena_copy(&list->arena, slice_of(origin->source, source_bytes)).data;
    if (!reader.source)
        return no_memory(&reader);
    do {
        skip_blanks(&reader);
        if (reader.rest.len == 0)
            break; // behind the last ';'
        TRY(read_definition(&reader));
        skip_blanks(&reader);
        if (reader.rest.len > 0 && reader.rest.data[0] != ';')
            return expected(&reader, "',' or the end");
    } while (take_sign(&reader, ';'));
    return STATUS_OK;
}

enum status alias_list_add(struct alias_list *list, const char *text,
                           const struct alias_origin *origin, struct error *err)
{
    if (text[strspn(text, " \t;")] == '\0')
        return error_set(err, STATUS_INPUT, "an alias is name=other,other");
    return alias_list_add_text(list, slice_of_text(text), origin, err);
}

void alias_list_release(struct alias_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->items[i].names);
    mem_free(list->items);
    arena_release(&list->arena);
    *list = (struct alias_list){0};
}

struct slice alias_list_canonical(const struct alias_list *list, struct slice name)
{
    bool as_other = false;
    const struct alias *alias = find_user(list, name, &as_other);
    return alias ? alias->name : name;
}
