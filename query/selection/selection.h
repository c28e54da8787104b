/*
 * selection.h - which devices and which span of time a query is about.
 *
 * Life cycle: init -> read -> release. Borrows the snapshot's names, which are read from the store
 *             when somebody needs them: by selection_read_names, selection_sort, product_list_init.
 * Threads:    read-only once made.
 */
#ifndef MNSDB_QUERY_SELECTION_SELECTION_H
#define MNSDB_QUERY_SELECTION_SELECTION_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/snapshot/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct view;

#define DEVICES_FEW_SHARE 16u /* few are selected: no more than a 16th of all */

/* What was asked for: any of the device globs, and any of the product globs; none means all. */
struct selection_spec {
    const char *const *device_globs;
    size_t device_glob_count;
    const char *const *product_globs;
    size_t product_glob_count;
    bool has_from, has_until;
    int64_t from_ms;  /* inclusive, if has_from */
    int64_t until_ms; /* exclusive, if has_until */
};

struct selection {
    uint64_t *device_bits; /* owned; NULL: every device */
    uint32_t device_count; /* of the selected */
    uint32_t *devices;     /* owned; their numbers by name, once selection_sort was called */
    bool has_from, has_until;
    int64_t from_ms;   /* TIME_MS_MIN if !has_from */
    int64_t until_ms;  /* TIME_MS_MAX if !has_until */
    struct view *view; /* borrowed: how readings are seen (query/view); NULL: as stored */
};

/* [from_ms, until_ms) */
struct time_range {
    int64_t from_ms;
    int64_t until_ms;
};

MUST_CHECK enum status selection_init(struct selection *selection, const struct snapshot *snapshot,
                                      const struct selection_spec *spec, struct error *err);
void selection_release(struct selection *selection);

/* For who asks for names of selected devices, before the snapshot is paused. */
MUST_CHECK enum status selection_read_names(const struct selection *selection,
                                            const struct snapshot *snapshot, struct error *err);

/* Fills in the list of devices by name: for answers with a row for each. Reads the names. */
MUST_CHECK enum status selection_sort(struct selection *selection, const struct snapshot *snapshot,
                                      struct error *err);

/*
 * Places 0 ... count - 1 for the selected devices, by number: arrays of what is kept per device
 * are no longer than a query for few of many devices needs.
 */
struct device_places {
    uint32_t *numbers; /* owned; by place; NULL: every device has one, its number */
    uint32_t count;
};

MUST_CHECK enum status device_places_init(struct device_places *places, const uint64_t *device_bits,
                                          uint32_t device_count);
void device_places_release(struct device_places *places);
/* The device is selected (asserted). */
uint32_t device_place(const struct device_places *places, uint32_t device);

/* A scan over the selection; the caller adds columns and order. */
struct scan_spec selection_scan(const struct selection *selection, enum table table);

/* True if the range holds nothing: a scan would be for nothing. */
bool selection_is_empty(const struct selection *selection);

/*
 * The range with missing bounds replaced by the store's first or last business
 * time, never crossing a given one. False if the store has no row at all.
 */
bool selection_bounds(const struct selection *selection, const struct snapshot *snapshot,
                      struct time_range *range);

/* STATUS_INPUT if the time of all selected devices together is beyond what milliseconds count. */
MUST_CHECK enum status selection_check_device_time(const struct selection *selection,
                                                   struct time_range range, struct error *err);

/* "pk" and "dn" of "pk/dn". */
struct slice device_product(struct slice device);
struct slice device_short_name(struct slice device);

/* Products of all devices, by number. */
struct product_list {
    uint32_t *of_device; /* owned; product number by device number */
    struct slice *names; /* owned array of borrowed names */
    uint32_t count;
};

MUST_CHECK enum status product_list_init(struct product_list *products,
                                         const struct snapshot *snapshot, struct error *err);
void product_list_release(struct product_list *products);

#endif
