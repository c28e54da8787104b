/*
 * columns.c - columns and buckets of time, and what a group by is made of.
 *
 * A bucket has three forms, which are looked for as tokens:
 *
 *      time_ms / N                  hours of UTC, for instance
 *      time_ms - time_ms % N        their beginnings
 *      substr(time, 1, N)           the first characters of a text: years, months, days ...
 *
 * All rows of a bucket give the same value for its form, which is why any part of it will do for
 * them. For the first two, that holds for each N alone, for the last also for fewer characters
 * than the groups have.
 */
#include "sql/shape/shape_internal.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const fixed_columns[] = {"device",  "product",   "name",       "time",
                                            "time_ms", "messageid", "time_source"};

bool is_fixed_column(const struct reader *reader, size_t i)
{
    for (size_t k = 0; k < COUNT(fixed_columns); k++) {
        if (token_names(reader, i, fixed_columns[k]))
            return true;
    }
    return false;
}

static bool is_table(const struct reader *reader, size_t i)
{
    if (!token_is_name(reader, i))
        return false;
    return reader->has_alias ? tokens_same_name(reader, token_at(reader, i), &reader->alias)
                             : token_names(reader, i, "readings");
}

size_t column_at(const struct reader *reader, struct token_range range, size_t i, size_t *name)
{
    // Words that are constants, whatever columns there are.
    static const char *const constants[] = {"null", "current_date", "current_time",
                                            "current_timestamp"};
    if (i >= range.until || !token_is_name(reader, i) ||
        token_is_any(reader, i, constants, COUNT(constants)))
        return 0;
    const bool qualified = i + 2 < range.until && token_is(reader, i + 1, ".");
    if (qualified && !(is_table(reader, i) && token_is_name(reader, i + 2)))
        return 0;
    *name = qualified ? i + 2 : i;
    const bool goes_on = *name + 1 < range.until && token_is(reader, *name + 1, ".");
    return goes_on ? 0 : *name + 1 - i;
}

/* --- buckets --------------------------------------------------------------------------------- */

static size_t named_column_at(const struct reader *reader, struct token_range range, size_t i,
                              const char *column)
{
    size_t name = 0;
    const size_t count = column_at(reader, range, i, &name);
    return count > 0 && token_names(reader, name, column) ? count : 0;
}

static bool size_at(const struct reader *reader, struct token_range range, size_t i, int64_t *size)
{
    return i < range.until && token_integer(reader, i, size) && *size > 0;
}

static bool quotient_at(const struct reader *reader, struct token_range range, size_t i,
                        struct bucket_form *form)
{
    size_t at = i + named_column_at(reader, range, i, "time_ms");
    if (at == i || at >= range.until)
        return false;
    const char *sign = "/";
    if (token_is(reader, at, "-")) {
        const size_t second = named_column_at(reader, range, at + 1, "time_ms");
        if (second == 0)
            return false;
        at += 1 + second;
        sign = "%";
    }
    if (at >= range.until || !token_is(reader, at, sign) ||
        !size_at(reader, range, at + 1, &form->size))
        return false;
    form->bucket = BUCKET_QUOTIENT;
    form->token_count = at + 2 - i;
    return true;
}

static bool prefix_at(const struct reader *reader, struct token_range range, size_t i,
                      struct bucket_form *form)
{
    static const char *const functions[] = {"substr", "substring"};
    if (!token_is_any(reader, i, functions, 2) || !token_is(reader, i + 1, "("))
        return false;
    const size_t column = named_column_at(reader, range, i + 2, "time");
    const size_t at = i + 2 + column;
    int64_t first = 0;
    if (column == 0 || at + 5 > range.until || !token_is(reader, at, ",") ||
        !token_integer(reader, at + 1, &first) || first != 1 || !token_is(reader, at + 2, ",") ||
        !size_at(reader, range, at + 3, &form->size) || !token_is(reader, at + 4, ")"))
        return false;
    form->bucket = BUCKET_PREFIX;
    form->token_count = at + 5 - i;
    return true;
}

bool bucket_at(const struct reader *reader, struct token_range range, size_t i,
               struct bucket_form *form)
{
    return quotient_at(reader, range, i, form) || prefix_at(reader, range, i, form);
}

/* --- group by -------------------------------------------------------------------------------- */

/* `device`, `product`, `name` or a bucket, and nothing else. */
static bool take_group(struct reader *reader, struct token_range range)
{
    size_t name = 0;
    struct bucket_form form = {0};
    if (bucket_at(reader, range, range.from, &form)) {
        const bool other = reader->has_bucket && (form.bucket != reader->bucket.bucket ||
                                                  form.size != reader->bucket.size);
        reader->bucket = form;
        reader->has_bucket = true;
        return !other && form.token_count == range.until - range.from;
    }
    const size_t count = column_at(reader, range, range.from, &name);
    if (count == 0 || count != range.until - range.from)
        return false;
    if (token_names(reader, name, "device"))
        reader->groups.device = true;
    else if (token_names(reader, name, "product"))
        reader->groups.product = true;
    else if (token_names(reader, name, "name"))
        reader->groups.name = true;
    else
        return false;
    return true;
}

/* The only item of that name; NULL if there is none, or if there are several. */
static const struct select_item *item_named(const struct reader *reader, size_t i)
{
    const struct select_item *found = NULL;
    for (size_t k = 0; k < reader->item_count; k++) {
        const struct select_item *item = &reader->items[k];
        if (!item->has_name || !tokens_same_name(reader, &item->name, token_at(reader, i)))
            continue;
        if (found)
            return NULL;
        found = item;
    }
    return found;
}

/* A group may be told by the place or the name of a selected expression; columns come first. */
static bool take_group_term(struct reader *reader, struct token_range range)
{
    int64_t place = 0;
    if (range.until - range.from != 1)
        return take_group(reader, range);
    if (token_integer(reader, range.from, &place))
        return place >= 1 && (size_t)place <= reader->item_count &&
               take_group(reader, reader->items[place - 1].expression);
    if (!token_is_name(reader, range.from))
        return false;
    if (is_fixed_column(reader, range.from))
        return take_group(reader, range);
    const struct select_item *item = item_named(reader, range.from);
    return item && take_group(reader, item->expression) &&
           forbid_column(reader, token_at(reader, range.from));
}

bool read_groups(struct reader *reader)
{
    const struct token_range group = reader->group;
    size_t depth = 0;
    size_t from = group.from;
    for (size_t i = group.from; i < group.until; i++) {
        depth += token_is(reader, i, "(");
        if (token_is(reader, i, ")") && depth-- == 0)
            return false;
        if (depth > 0 || !token_is(reader, i, ","))
            continue;
        if (!take_group_term(reader, (struct token_range){from, i}))
            return false;
        from = i + 1;
    }
    return group.from == group.until ||
           take_group_term(reader, (struct token_range){from, group.until});
}
