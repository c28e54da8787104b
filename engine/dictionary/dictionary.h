/*
 * dictionary.h - names of devices or metrics and their numbers, in the store.
 *
 * Numbers are given in order of first use, 0, 1, 2 ..., and never change. On
 * disk, names lie in pages of consecutive numbers:
 *
 *      OFFSET  SIZE  MEANING (payload of key 'D' or 'M' + first number)
 *           0     v  length of the first name, varint
 *           v     n  its bytes, as sent; and so on to the end
 *
 * A writer keeps a hash of all names; a reader needs the array of all, or a few of them, or only
 * to know how many there are.
 *
 * Threads: one at a time.
 */
#ifndef MNSDB_ENGINE_DICTIONARY_DICTIONARY_H
#define MNSDB_ENGINE_DICTIONARY_DICTIONARY_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/kv/kv.h"
#include "engine/row/row.h"

#include <stdint.h>

#define DICTIONARY_PAGE_BYTES 4064u /* with checksum and LMDB's header: one page */

/* The reader's form: names by number. */
struct name_list {
    struct slice *names; /* owned array; bytes in `arena` */
    size_t count, capacity;
    struct arena arena;
};

/* Loads `expected` names; another number of them on disk is STATUS_CORRUPT. */
MUST_CHECK enum status name_list_load(struct name_list *list, struct kv_txn *txn, uint8_t key_type,
                                      uint64_t expected, struct error *err);
void name_list_release(struct name_list *list);

/* Looks at the last page alone: STATUS_CORRUPT if the names are not `expected` as to it. */
MUST_CHECK enum status dictionary_check(struct kv_txn *txn, uint8_t key_type, uint64_t expected,
                                        struct error *err);

/* Who is told of the names that end so, by number; a name lives until `found` returns. */
struct name_search {
    struct slice ending;
    void *context;
    enum status (*found)(void *context, uint32_t number, struct slice name, struct error *err);
};

/* Goes through all pages and keeps none; another number of names is STATUS_CORRUPT. */
MUST_CHECK enum status dictionary_search(struct kv_txn *txn, uint8_t key_type, uint64_t expected,
                                         const struct name_search *search, struct error *err);

/* The writer's form. */
struct dictionary {
    uint8_t key_type;
    struct name_table table; /* number = index in the table */
    uint32_t page_first;     /* number of the first name of the newest page */
    struct buffer page;      /* its payload, as on disk plus what is new */
    bool page_changed;
};

MUST_CHECK enum status dictionary_load(struct dictionary *dictionary, struct kv_txn *txn,
                                       uint8_t key_type, uint64_t expected, struct error *err);
void dictionary_release(struct dictionary *dictionary);

/*
 * The number of a name; a new name is added in the write transaction (full
 * pages at once, the newest page by dictionary_flush). After a failed or
 * aborted transaction the dictionary must be loaded anew.
 */
MUST_CHECK enum status dictionary_number(struct dictionary *dictionary, struct kv_txn *txn,
                                         struct slice name, uint32_t *number, struct error *err);
MUST_CHECK enum status dictionary_flush(struct dictionary *dictionary, struct kv_txn *txn,
                                        struct error *err);

#endif
