/*
 * selection.c - globs over all names, once a query.
 *
 * The names are matched one by one, microseconds for a thousand devices. Without
 * globs no name is looked at. The list by name is made only for those who ask.
 */
#include "query/selection/selection.h"

#include "engine/base/mem.h"
#include "engine/row/row.h"
#include "query/glob/glob.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct slice device_product(struct slice device)
{
    const uint8_t *slash = device.len > 0 ? memchr(device.data, '/', device.len) : NULL;
    return slice_of(device.data, slash ? (size_t)(slash - device.data) : device.len);
}

struct slice device_short_name(struct slice device)
{
    const size_t product_len = device_product(device).len;
    const size_t skipped = product_len < device.len ? product_len + 1 : device.len;
    return slice_of(device.data + skipped, device.len - skipped);
}

static bool any_matches(const char *const *globs, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (glob_matches(slice_of_text(globs[i]), name))
            return true;
    }
    return false;
}

static bool takes_device(const struct selection_spec *spec, struct slice name)
{
    if (spec->device_glob_count > 0 &&
        !any_matches(spec->device_globs, spec->device_glob_count, name) &&
        !any_matches(spec->device_globs, spec->device_glob_count, device_short_name(name)))
        return false;
    return spec->product_glob_count == 0 ||
           any_matches(spec->product_globs, spec->product_glob_count, device_product(name));
}

static enum status choose_devices(struct selection *selection, const struct snapshot *snapshot,
                                  const struct selection_spec *spec)
{
    const uint32_t total = snapshot_device_count(snapshot);
    if (spec->device_glob_count + spec->product_glob_count == 0) {
        selection->device_count = total;
        return STATUS_OK;
    }
    selection->device_bits = mem_alloc_zeroed(total / 64 + 1, sizeof *selection->device_bits);
    if (!selection->device_bits)
        return STATUS_NOMEM;
    for (uint32_t device = 0; device < total; device++) {
        if (!takes_device(spec, snapshot_device_name(snapshot, device)))
            continue;
        selection->device_count++;
        selection->device_bits[device / 64] |= UINT64_C(1) << (device % 64);
    }
    if (selection->device_count == total) {
        mem_free(selection->device_bits);
        selection->device_bits = NULL;
    }
    return STATUS_OK;
}

enum status selection_init(struct selection *selection, const struct snapshot *snapshot,
                           const struct selection_spec *spec, struct error *err)
{
    assert(!spec->has_from || !spec->has_until || spec->from_ms <= spec->until_ms);
    *selection = (struct selection){
        .has_from = spec->has_from,
        .has_until = spec->has_until,
        .from_ms = spec->has_from ? spec->from_ms : TIME_MS_MIN,
        .until_ms = spec->has_until ? spec->until_ms : TIME_MS_MAX,
    };
    if (choose_devices(selection, snapshot, spec) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the list of devices");
    return STATUS_OK;
}

void selection_release(struct selection *selection)
{
    mem_free(selection->device_bits);
    mem_free(selection->devices);
    *selection = (struct selection){0};
}

/* A device with its name at hand: the sort then touches one array. */
struct named_device {
    struct slice name;
    uint32_t device;
};

static int compare_devices(const void *left, const void *right)
{
    const struct named_device *a = left;
    const struct named_device *b = right;
    return slice_compare(a->name, b->name);
}

enum status selection_sort(struct selection *selection, const struct snapshot *snapshot,
                           struct error *err)
{
    const uint32_t total = snapshot_device_count(snapshot);
    OWNED(mem_free_owned)
    struct named_device *named = mem_alloc(selection->device_count, sizeof *named);
    mem_free(selection->devices);
    selection->devices = mem_alloc(selection->device_count, sizeof *selection->devices);
    if (!named || !selection->devices)
        return error_set(err, STATUS_NOMEM, "no memory for the list of devices");
    uint32_t count = 0;
    for (uint32_t device = 0; device < total; device++) {
        if (device_bit(selection->device_bits, device))
            named[count++] = (struct named_device){snapshot_device_name(snapshot, device), device};
    }
    assert(count == selection->device_count);
    qsort(named, count, sizeof *named, compare_devices);
    for (uint32_t i = 0; i < count; i++)
        selection->devices[i] = named[i].device;
    return STATUS_OK;
}

struct scan_spec selection_scan(const struct selection *selection, enum table table)
{
    return (struct scan_spec){
        .table = table,
        .device_bits = selection->device_bits,
        .from_ms = selection->from_ms,
        .until_ms = selection->until_ms,
    };
}

bool selection_is_empty(const struct selection *selection)
{
    return selection->device_count == 0 || selection->from_ms >= selection->until_ms;
}

bool selection_bounds(const struct selection *selection, const struct snapshot *snapshot,
                      struct time_range *range)
{
    const struct store_counters *counters = snapshot_counters(snapshot);
    if (counters->rows[TABLE_READINGS] + counters->rows[TABLE_STATUS] == 0)
        return false;
    range->from_ms = selection->from_ms;
    range->until_ms = selection->until_ms;
    if (!selection->has_from) {
        range->from_ms = counters->first_time_ms;
        if (selection->has_until && range->from_ms > range->until_ms)
            range->from_ms = range->until_ms;
    }
    if (!selection->has_until) {
        range->until_ms = counters->last_time_ms;
        if (range->until_ms < range->from_ms)
            range->until_ms = range->from_ms;
    }
    return true;
}

/* --- products ------------------------------------------------------------------------------ */

void product_list_release(struct product_list *products)
{
    mem_free(products->of_device);
    mem_free(products->names);
    *products = (struct product_list){0};
}

/* Numbers products in the order of their first device. */
static enum status number_products(struct product_list *products, struct name_table *numbers,
                                   const struct snapshot *snapshot)
{
    const uint32_t total = snapshot_device_count(snapshot);
    products->of_device = mem_alloc(total, sizeof *products->of_device);
    products->names = mem_alloc(total, sizeof *products->names);
    if (!products->of_device || !products->names)
        return STATUS_NOMEM;
    for (uint32_t device = 0; device < total; device++) {
        const struct slice name = device_product(snapshot_device_name(snapshot, device));
        uint32_t number = 0;
        TRY(name_table_add(numbers, name, &number));
        products->of_device[device] = number;
        if (number == products->count)
            products->names[products->count++] = name;
    }
    return STATUS_OK;
}

enum status product_list_init(struct product_list *products, const struct snapshot *snapshot,
                              struct error *err)
{
    *products = (struct product_list){0};
    OWNED(name_table_release) struct name_table numbers = {0};
    if (number_products(products, &numbers, snapshot) != STATUS_OK) {
        product_list_release(products);
        return error_set(err, STATUS_NOMEM, "no memory for the list of products");
    }
    return STATUS_OK;
}
