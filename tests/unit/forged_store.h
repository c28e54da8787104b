/*
 * forged_store.h - stores whose checksums are right and whose content is not.
 *
 * A change is made through the engine's own writers to the closed store of a fixture; then every
 * reader, verification and the writer must tell of the damage.
 *
 * Failures end the test. Threads: none.
 */
#ifndef MNSDB_TESTS_UNIT_FORGED_STORE_H
#define MNSDB_TESTS_UNIT_FORGED_STORE_H

#include "engine/log/log.h"
#include "engine/part/part.h"
#include "tests/unit/store_fixture.h"

/* Runs `change` in a transaction of its own; the store is closed before. */
typedef enum status forge_change(struct kv_txn *txn, struct error *err);
void forge_store(struct store_fixture *fixture, forge_change *change);

/* Every reader is told: by opening, or by scans and by verification. */
void forged_assert_damaged(const struct store_fixture *fixture, enum table table);
/* Only verification needs to find it. */
void forged_assert_verify_reports(const struct store_fixture *fixture);
/* A writer opens to find damage, or finds it when it folds and merges. */
void forged_assert_writer_stops(struct store_fixture *fixture);

/* Writes the newest record of the log again, its rows (and those before it) and state changed. */
MUST_CHECK enum status forge_log(struct kv_txn *txn,
                                 void (*change)(struct store_state *state, struct row_set *set),
                                 struct error *err);

/* A new store with one part and, a merge later, none of its numbers in doubt. */
void forge_make_part(struct store_fixture *fixture, enum table table);
/* Loads the only part of a table, to be changed and written again. */
MUST_CHECK enum status forge_load_part(struct kv_txn *txn, enum table table, struct part_list *list,
                                       struct error *err);
/* Removes the part's values and writes rows, each with one cell, in its place. */
MUST_CHECK enum status forge_part_rows(struct kv_txn *txn, enum table table,
                                       const struct row_key *keys, size_t count,
                                       const struct cell *cell, struct error *err);

#endif
