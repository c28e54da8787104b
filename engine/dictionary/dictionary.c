/*
 * dictionary.c - pages of names; the format stands in dictionary.h.
 *
 * (1) Pages hold consecutive numbers without gaps: the next page's key is this
 *     page's first number plus its names.
 * (2) Only the newest page changes, and only by appending.
 */
#include "engine/dictionary/dictionary.h"

#include "engine/base/mem.h"
#include "engine/format/format.h"

#include <assert.h>
#include <string.h>

#define VARINT_MORE 0x80u /* a byte of a varint that is not its last */

/* Walks all pages in order of their numbers. */
struct page_walk {
    struct kv_cursor *cursor;
    struct kv_entry entry;
    struct key prefix;
    uint32_t next_number;
};

static void page_walk_close(struct page_walk *walk)
{
    kv_cursor_close(walk->cursor);
}

static enum status page_walk_open(struct page_walk *walk, struct kv_txn *txn, uint8_t key_type,
                                  struct error *err)
{
    walk->prefix = key_of(key_type);
    walk->next_number = 0;
    TRY(kv_cursor_open(txn, &walk->cursor, err));
    return kv_seek_ceiling(walk->cursor, key_slice(&walk->prefix), key_slice(&walk->prefix),
                           &walk->entry, err);
}

/* Checks that the page continues the numbers and yields its payload. */
static enum status page_walk_payload(struct page_walk *walk, struct slice *payload,
                                     struct error *err)
{
    struct key expected = key_of(walk->prefix.bytes[0]);
    key_add_u32(&expected, walk->next_number);
    if (!slice_equal(walk->entry.key, key_slice(&expected)))
        return error_set(err, STATUS_CORRUPT, "dictionary '%c': the page from number %u is missing",
                         walk->prefix.bytes[0], walk->next_number);
    return kv_entry_payload(&walk->entry, payload, err);
}

/* Mostly a length is one byte. */
static inline uint64_t read_length(struct cursor *cursor)
{
    if (cursor_left(cursor) > 0 && *cursor->next < VARINT_MORE)
        return *cursor->next++;
    return cursor_varint(cursor);
}

static inline enum status read_name(struct cursor *cursor, uint8_t key_type, struct slice *name,
                                    struct error *err)
{
    const uint64_t len = read_length(cursor);
    if (!cursor->failed && len <= cursor_left(cursor) && len <= NAME_BYTES_MAX) {
        *name = slice_of(cursor->next, (size_t)len);
        cursor->next += len;
        return STATUS_OK;
    }
    return error_set(err, STATUS_CORRUPT, "dictionary '%c': a page with a broken name", key_type);
}

static enum status check_count(uint8_t key_type, uint64_t count, uint64_t expected,
                               struct error *err)
{
    if (count == expected)
        return STATUS_OK;
    return error_set(err, STATUS_CORRUPT, "dictionary '%c': %llu names, expected %llu", key_type,
                     (unsigned long long)count, (unsigned long long)expected);
}

/* Copies a page and appends its names to the list. */
static enum status name_list_add_page(struct name_list *list, struct slice payload,
                                      uint8_t key_type, struct error *err)
{
    const struct slice copy = arena_copy(&list->arena, payload);
    if (!copy.data)
        return error_set(err, STATUS_NOMEM, "no memory for the names of the store");
    struct cursor cursor = cursor_of(copy);
    while (cursor_left(&cursor) > 0) {
        struct slice name = {0};
        TRY(read_name(&cursor, key_type, &name, err));
        if (mem_grow(&list->names, &list->capacity, list->count + 1, sizeof *list->names) !=
            STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for the names of the store");
        list->names[list->count++] = name;
    }
    return STATUS_OK;
}

enum status name_list_load(struct name_list *list, struct kv_txn *txn, uint8_t key_type,
                           uint64_t expected, struct error *err)
{
    arena_reset(&list->arena);
    list->count = 0;
    OWNED(page_walk_close) struct page_walk walk = {0};
    TRY(page_walk_open(&walk, txn, key_type, err));
    while (walk.entry.found) {
        struct slice payload = {0};
        TRY(page_walk_payload(&walk, &payload, err));
        TRY(name_list_add_page(list, payload, key_type, err));
        walk.next_number = (uint32_t)list->count;
        TRY(kv_next(walk.cursor, key_slice(&walk.prefix), &walk.entry, err));
    }
    return check_count(key_type, list->count, expected, err);
}

enum status dictionary_check(struct kv_txn *txn, uint8_t key_type, uint64_t expected,
                             struct error *err)
{
    const struct key prefix = key_of(key_type);
    struct key highest = prefix;
    key_add_u32(&highest, UINT32_MAX);
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    struct kv_entry entry = {0};
    TRY(kv_seek_floor(cursor, key_slice(&highest), key_slice(&prefix), &entry, err));
    if (!entry.found)
        return check_count(key_type, 0, expected, err);
    if (entry.key.len != highest.len)
        return error_set(err, STATUS_CORRUPT, "dictionary '%c': a page with a broken key",
                         key_type);
    uint64_t count = load_u32_be(entry.key.data + prefix.len);
    struct slice payload = {0};
    TRY(kv_entry_payload(&entry, &payload, err));
    struct cursor names = cursor_of(payload);
    for (struct slice name = {0}; cursor_left(&names) > 0; count++)
        TRY(read_name(&names, key_type, &name, err));
    return check_count(key_type, count, expected, err);
}

/* Names of a fleet differ in their last letters: one of them refuses most. */
static inline bool ends_with(struct slice name, struct slice ending)
{
    if (ending.len == 0)
        return true;
    const size_t last = ending.len - 1;
    return name.len > last && name.data[name.len - 1] == ending.data[last] &&
           memcmp(name.data + (name.len - ending.len), ending.data, last) == 0;
}

enum status dictionary_search(struct kv_txn *txn, uint8_t key_type, uint64_t expected,
                              const struct name_search *search, struct error *err)
{
    const struct slice ending = search->ending;
    OWNED(page_walk_close) struct page_walk walk = {0};
    TRY(page_walk_open(&walk, txn, key_type, err));
    while (walk.entry.found) {
        struct slice payload = {0};
        TRY(page_walk_payload(&walk, &payload, err));
        struct cursor names = cursor_of(payload);
        for (struct slice name = {0}; cursor_left(&names) > 0; walk.next_number++) {
            TRY(read_name(&names, key_type, &name, err));
            if (ends_with(name, ending))
                TRY(search->found(search->context, walk.next_number, name, err));
        }
        TRY(kv_next(walk.cursor, key_slice(&walk.prefix), &walk.entry, err));
    }
    return check_count(key_type, walk.next_number, expected, err);
}

void name_list_release(struct name_list *list)
{
    mem_free(list->names);
    arena_release(&list->arena);
    *list = (struct name_list){0};
}

static enum status dictionary_add_page(struct dictionary *dictionary, struct slice payload,
                                       struct error *err)
{
    dictionary->page_first = (uint32_t)dictionary->table.count;
    buffer_clear(&dictionary->page);
    if (buffer_append(&dictionary->page, payload.data, payload.len) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the names of the store");
    struct cursor cursor = cursor_of(payload);
    while (cursor_left(&cursor) > 0) {
        struct slice name = {0};
        uint32_t number = 0;
        TRY(read_name(&cursor, dictionary->key_type, &name, err));
        const size_t before = dictionary->table.count;
        if (name_table_add(&dictionary->table, name, &number) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for the names of the store");
        if (number != before)
            return error_set(err, STATUS_CORRUPT, "dictionary '%c': a name stands in it twice",
                             dictionary->key_type);
    }
    return STATUS_OK;
}

enum status dictionary_load(struct dictionary *dictionary, struct kv_txn *txn, uint8_t key_type,
                            uint64_t expected, struct error *err)
{
    dictionary_release(dictionary);
    dictionary->key_type = key_type;
    OWNED(page_walk_close) struct page_walk walk = {0};
    TRY(page_walk_open(&walk, txn, key_type, err));
    while (walk.entry.found) {
        struct slice payload = {0};
        TRY(page_walk_payload(&walk, &payload, err));
        TRY(dictionary_add_page(dictionary, payload, err));
        walk.next_number = (uint32_t)dictionary->table.count;
        TRY(kv_next(walk.cursor, key_slice(&walk.prefix), &walk.entry, err));
    }
    return check_count(key_type, dictionary->table.count, expected, err);
}

void dictionary_release(struct dictionary *dictionary)
{
    name_table_release(&dictionary->table);
    buffer_release(&dictionary->page);
    *dictionary = (struct dictionary){0};
}

enum status dictionary_flush(struct dictionary *dictionary, struct kv_txn *txn, struct error *err)
{
    if (!dictionary->page_changed)
        return STATUS_OK;
    struct key key = key_of(dictionary->key_type);
    key_add_u32(&key, dictionary->page_first);
    TRY(kv_put(txn, key_slice(&key), buffer_slice(&dictionary->page), err));
    dictionary->page_changed = false;
    return STATUS_OK;
}

/* Puts a new name into the newest page, or begins the next one. */
static enum status dictionary_append(struct dictionary *dictionary, struct kv_txn *txn,
                                     struct slice name, uint32_t number, struct error *err)
{
    const size_t needed = name.len + VARINT_BYTES_MAX;
    if (dictionary->page.len + needed > DICTIONARY_PAGE_BYTES) {
        TRY(dictionary_flush(dictionary, txn, err));
        buffer_clear(&dictionary->page);
        dictionary->page_first = number;
    }
    if (buffer_reserve(&dictionary->page, needed) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a new name");
    buffer_put_varint(&dictionary->page, name.len);
    buffer_put_bytes(&dictionary->page, name.data, name.len);
    dictionary->page_changed = true;
    return STATUS_OK;
}

enum status dictionary_number(struct dictionary *dictionary, struct kv_txn *txn, struct slice name,
                              uint32_t *number, struct error *err)
{
    const size_t before = dictionary->table.count;
    if (name_table_add(&dictionary->table, name, number) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a new name");
    if (*number < before)
        return STATUS_OK;
    assert(*number == before);
    return dictionary_append(dictionary, txn, name, *number, err);
}
