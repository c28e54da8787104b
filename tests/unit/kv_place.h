/*
 * kv_place.h - a directory of its own for each test of the key-value layer, and short words for
 * what such tests do. Failures end the test.
 */
#ifndef MNSDB_TESTS_UNIT_KV_PLACE_H
#define MNSDB_TESTS_UNIT_KV_PLACE_H

#include "engine/kv/kv.h"

#include <stdbool.h>
#include <sys/types.h>

#define PATH_BYTES 512

struct place {
    char dir[PATH_BYTES];
    char data[PATH_BYTES]; /* its data file */
};

int make_place(void **state);
int drop_place(void **state);
struct kv *open_store(const struct place *place, bool writable);
struct kv_txn *begin(struct kv *kv, bool write);
void put_text(struct kv_txn *txn, const char *key, const char *text);
void store_text(struct kv *kv, const char *key, const char *text);
bool holds_text(struct kv_txn *txn, const char *key, const char *text);
bool store_holds_text(struct kv *kv, const char *key, const char *text);
enum status open_status(const struct place *place, bool writable, struct error *err);
off_t fill_store(const struct place *place, unsigned count);

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, drop_place)

#endif
