/*
 * store_fixture.h - a store of its own for one test, and a plain list of what it must hold.
 *
 * Rows go into a batch, a commit moves them to the store, and to the list if it succeeds. A
 * comparison counts and hashes the rows of a scan and those of the list: in any order, by the
 * names of devices and metrics, so that nothing of the engine's numbering is in it.
 *
 * Failures end the test. Threads: none.
 */
#ifndef MNSDB_TESTS_UNIT_STORE_FIXTURE_H
#define MNSDB_TESTS_UNIT_STORE_FIXTURE_H

#include "engine/snapshot/snapshot.h"
#include "engine/store/store.h"
#include "tests/unit/store_dir.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIXTURE_TIME_MS INT64_C(1526450324000)
#define FIXTURE_ID      UINT64_C(996631012001751041)

/* A message with one row. Its metrics are "m0" ... by number, their values derived from `value`. */
struct fixture_row {
    enum table table;
    uint32_t device; /* "pk/d<number>" */
    int64_t time_ms;
    uint64_t id;
    uint32_t metric_first;
    uint32_t metric_count; /* readings only */
    int64_t value;         /* status: the state, 0 or 1 */
    uint64_t hash;         /* filled in when it is added */
};

struct store_fixture {
    char dir[STORE_DIR_BYTES];
    struct store *store;
    struct row_batch batch;
    struct fixture_row *rows; /* owned: committed, then those in the batch */
    size_t committed, added, capacity;
    uint64_t rejected;
    uint64_t random;
};

void store_fixture_open(struct store_fixture *fixture);
void store_fixture_reopen(struct store_fixture *fixture);
void store_fixture_drop(struct store_fixture *fixture);

/* The same as a test's setup and teardown: *state is the fixture. */
int store_fixture_setup(void **state);
int store_fixture_teardown(void **state);

/* Ends the test with the failure's message. */
void store_fixture_must(enum status status, const struct error *err);

uint32_t store_fixture_draw(struct store_fixture *fixture, uint32_t limit);

void store_fixture_add(struct store_fixture *fixture, struct fixture_row row);
/* `count` readings of `devices` devices in turn, 1 s apart, with ids that follow those before. */
void store_fixture_add_many(struct store_fixture *fixture, uint32_t count, uint32_t devices,
                            uint32_t metrics);
void store_fixture_add_reject(struct store_fixture *fixture, const uint64_t *id, struct slice body);

/* Commits the batch; on success its rows count and the batch is empty. */
enum status store_fixture_try_commit(struct store_fixture *fixture, struct error *err);
void store_fixture_commit(struct store_fixture *fixture);
/* Forgets what is in the batch. */
void store_fixture_forget(struct store_fixture *fixture);

/* Steps of maintenance until none is due, `steps_max` at most; how many were made. */
uint32_t store_fixture_maintain(struct store_fixture *fixture, enum upkeep upkeep,
                                uint32_t steps_max);

/* What a scan finds, or should find. */
struct fixture_digest {
    uint64_t rows;
    uint64_t hash;
};

/* A selection in the test's own terms. */
struct fixture_range {
    int64_t from_ms, until_ms;
    bool some_devices; /* only those whose number is a multiple of 3 */
};

struct fixture_digest store_fixture_expected(const struct store_fixture *fixture, size_t row_count,
                                             enum table table, struct fixture_range range);
struct fixture_digest store_fixture_scanned(struct snapshot *snapshot, enum table table,
                                            struct fixture_range range, bool ordered);

/* Everything, ranges drawn at random, verification: all as the list says. */
void store_fixture_compare(struct store_fixture *fixture);
/* The same for a snapshot that was taken when `row_count` rows were in. */
void store_fixture_compare_snapshot(struct store_fixture *fixture, struct snapshot *snapshot,
                                    size_t row_count);

struct snapshot *store_fixture_snapshot(struct store_fixture *fixture);

#endif
