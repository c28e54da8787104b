/*
 * selection.c - globs over all names, once a query.
 *
 * The names are matched one by one. Mostly one device is asked for by its plain
 * name: that is compared as bytes, its end first, where devices differ. Without
 * globs no name is looked at. The list by name is made only for those who ask.
 */
#include "query/selection/selection.h"

#include "engine/base/mem.h"
#include "engine/row/row.h"
#include "query/glob/glob.h"
#include "query/name_order/name_order.h"

#include <assert.h>
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

/* A pattern, and whether it stands for nothing but itself. */
struct name_glob {
    struct slice pattern;
    bool plain;
};

static bool ends_in(struct slice name, struct slice ending)
{
    return ending.len <= name.len &&
           slice_equal(slice_of(name.data + (name.len - ending.len), ending.len), ending);
}

static bool matches_name(const struct name_glob *glob, struct slice name)
{
    return glob->plain ? slice_equal(glob->pattern, name) : glob_matches(glob->pattern, name);
}

static bool matches_device(const struct name_glob *glob, struct slice device)
{
    if (glob->plain && !ends_in(device, glob->pattern))
        return false;
    return matches_name(glob, device) || matches_name(glob, device_short_name(device));
}

/* The globs of a query: first those of devices, then those of products. */
struct selection_globs {
    struct name_glob *all; /* owned */
    size_t device_count;
    size_t product_count;
};

static void globs_release(struct selection_globs *globs)
{
    mem_free(globs->all);
}

static struct name_glob name_glob_of(const char *text)
{
    const struct slice pattern = slice_of_text(text);
    return (struct name_glob){.pattern = pattern, .plain = glob_is_plain(pattern)};
}

static enum status read_globs(struct selection_globs *globs, const struct selection_spec *spec)
{
    globs->device_count = spec->device_glob_count;
    globs->product_count = spec->product_glob_count;
    globs->all = mem_alloc(globs->device_count + globs->product_count, sizeof *globs->all);
    if (!globs->all)
        return STATUS_NOMEM;
    for (size_t i = 0; i < globs->device_count; i++)
        globs->all[i] = name_glob_of(spec->device_globs[i]);
    for (size_t i = 0; i < globs->product_count; i++)
        globs->all[globs->device_count + i] = name_glob_of(spec->product_globs[i]);
    return STATUS_OK;
}

static bool takes_device(const struct selection_globs *globs, struct slice name)
{
    bool taken = globs->device_count == 0;
    for (size_t i = 0; i < globs->device_count && !taken; i++)
        taken = matches_device(&globs->all[i], name);
    if (!taken || globs->product_count == 0)
        return taken;
    const struct slice product = device_product(name);
    const struct name_glob *of_products = globs->all + globs->device_count;
    for (size_t i = 0; i < globs->product_count; i++) {
        if (matches_name(&of_products[i], product))
            return true;
    }
    return false;
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
    OWNED(globs_release) struct selection_globs globs = {0};
    TRY(read_globs(&globs, spec));
    for (uint32_t device = 0; device < total; device++) {
        if (!takes_device(&globs, snapshot_device_name(snapshot, device)))
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

enum status selection_sort(struct selection *selection, const struct snapshot *snapshot,
                           struct error *err)
{
    const uint32_t total = snapshot_device_count(snapshot);
    const uint32_t count = selection->device_count;
    OWNED(mem_free_owned) struct slice *names = mem_alloc(count, sizeof *names);
    OWNED(mem_free_owned) uint32_t *numbers = mem_alloc(count, sizeof *numbers);
    mem_free(selection->devices);
    selection->devices = mem_alloc(count, sizeof *selection->devices);
    if (!names || !numbers || !selection->devices)
        return error_set(err, STATUS_NOMEM, "no memory for the list of devices");
    uint32_t found = 0;
    for (uint32_t device = 0; device < total && found < count; device++) {
        if (!device_bit(selection->device_bits, device))
            continue;
        names[found] = snapshot_device_name(snapshot, device);
        numbers[found++] = device;
    }
    assert(found == count);
    if (name_order(names, count, selection->devices) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to sort the devices");
    for (uint32_t i = 0; i < count; i++)
        selection->devices[i] = numbers[selection->devices[i]];
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
