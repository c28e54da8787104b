/*
 * selection.c - globs over all names, once a query.
 *
 * The names are matched one by one. Mostly one device is asked for by its plain
 * name: that is compared as bytes, its end first, where devices differ. Without
 * globs no name is looked at. The list by name is made only for those who ask.
 *
 * (1) Names of devices that globs selected can be asked for from then on: those of plain globs
 *     were kept when they were found, any other glob reads all.
 */
#include "query/selection/selection.h"

#include "engine/base/mem.h"
#include "engine/name_order/name_order.h"
#include "engine/row/row.h"
#include "query/glob/glob.h"

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

static bool matches_name(const struct name_glob *glob, struct slice name)
{
    return glob->plain ? slice_equal(glob->pattern, name) : glob_matches(glob->pattern, name);
}

static bool matches_device(const struct name_glob *glob, struct slice device)
{
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

static bool takes_product(const struct selection_globs *globs, struct slice name)
{
    if (globs->product_count == 0)
        return true;
    const struct slice product = device_product(name);
    const struct name_glob *of_products = globs->all + globs->device_count;
    for (size_t i = 0; i < globs->product_count; i++) {
        if (matches_name(&of_products[i], product))
            return true;
    }
    return false;
}

/*
 * Sets the bits of the devices that a glob of them takes; without any, all. Plain globs are looked
 * up rather than tried on every name.
 */
static enum status mark_devices(const struct selection_globs *globs,
                                const struct snapshot *snapshot, uint64_t *bits, struct error *err)
{
    const uint32_t total = snapshot_device_count(snapshot);
    for (uint32_t device = 0; globs->device_count == 0 && device < total; device++)
        bits[device / 64] |= UINT64_C(1) << (device % 64);
    for (size_t i = 0; i < globs->device_count; i++) {
        const struct name_glob *glob = &globs->all[i];
        if (glob->plain)
            TRY(snapshot_mark_devices(snapshot, glob->pattern, bits, err));
        else
            TRY(snapshot_read_names(snapshot, err));
        for (uint32_t device = 0; !glob->plain && device < total; device++) {
            if (matches_device(glob, snapshot_device_name(snapshot, device)))
                bits[device / 64] |= UINT64_C(1) << (device % 64);
        }
    }
    return STATUS_OK;
}

/* Drops those of other products, and counts. */
static uint32_t keep_products(const struct selection_globs *globs, const struct snapshot *snapshot,
                              uint64_t *bits)
{
    uint32_t count = 0;
    for (uint32_t word = 0; word < (snapshot_device_count(snapshot) + 63) / 64; word++) {
        for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
            const uint32_t device = word * 64 + (uint32_t)__builtin_ctzll(left);
            if (takes_product(globs, snapshot_device_name(snapshot, device)))
                count++;
            else
                bits[word] &= ~(left & -left);
        }
    }
    return count;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the list of devices");
}

static enum status choose_devices(struct selection *selection, const struct snapshot *snapshot,
                                  const struct selection_spec *spec, struct error *err)
{
    const uint32_t total = snapshot_device_count(snapshot);
    if (spec->device_glob_count + spec->product_glob_count == 0) {
        selection->device_count = total;
        return STATUS_OK;
    }
    selection->device_bits = mem_alloc_zeroed(total / 64 + 1, sizeof *selection->device_bits);
    if (!selection->device_bits)
        return no_memory(err);
    OWNED(globs_release) struct selection_globs globs = {0};
    if (read_globs(&globs, spec) != STATUS_OK)
        return no_memory(err);
    TRY(globs.device_count == 0 ? snapshot_read_names(snapshot, err) : STATUS_OK);
    TRY(mark_devices(&globs, snapshot, selection->device_bits, err));
    selection->device_count = keep_products(&globs, snapshot, selection->device_bits);
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
    return choose_devices(selection, snapshot, spec, err);
}

void selection_release(struct selection *selection)
{
    mem_free(selection->device_bits);
    mem_free(selection->devices);
    *selection = (struct selection){0};
}

/* --- places -------------------------------------------------------------------------------- */

enum status device_places_init(struct device_places *places, const uint64_t *device_bits,
                               uint32_t device_count)
{
    *places = (struct device_places){.count = device_count};
    if (!device_bits)
        return STATUS_OK;
    const uint32_t words = (device_count + 63) / 64;
    uint32_t selected = 0;
    for (uint32_t word = 0; word < words; word++)
        selected += (uint32_t)__builtin_popcountll(device_bits[word]);
    if (selected > device_count / DEVICES_FEW_SHARE)
        return STATUS_OK;
    places->numbers = mem_alloc(selected, sizeof *places->numbers);
    if (!places->numbers)
        return STATUS_NOMEM;
    places->count = 0;
    for (uint32_t word = 0; word < words; word++) {
        for (uint64_t left = device_bits[word]; left != 0; left &= left - 1)
            places->numbers[places->count++] = word * 64 + (uint32_t)__builtin_ctzll(left);
    }
    return STATUS_OK;
}

void device_places_release(struct device_places *places)
{
    mem_free(places->numbers);
    *places = (struct device_places){0};
}

uint32_t device_place(const struct device_places *places, uint32_t device)
{
    if (!places->numbers)
        return device;
    uint32_t low = 0;
    uint32_t high = places->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (places->numbers[middle] < device)
            low = middle + 1;
        else
            high = middle;
    }
    assert(low < places->count && places->numbers[low] == device);
    return low;
}

/* --- order --------------------------------------------------------------------------------- */

enum status selection_read_names(const struct selection *selection, const struct snapshot *snapshot,
                                 struct error *err)
{
    return selection->device_bits ? STATUS_OK : snapshot_read_names(snapshot, err);
}

static enum status no_memory_to_sort(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory to sort the devices");
}

/* Sorts the names of the selected ones. */
static enum status sort_few(struct selection *selection, const struct snapshot *snapshot,
                            struct error *err)
{
    const uint32_t count = selection->device_count;
    OWNED(mem_free_owned) struct slice *names = mem_alloc(count, sizeof *names);
    OWNED(device_places_release) struct device_places places = {0};
    const uint32_t total = snapshot_device_count(snapshot);
    if (!names || device_places_init(&places, selection->device_bits, total) != STATUS_OK)
        return no_memory_to_sort(err);
    assert(places.numbers && places.count == count);
    for (uint32_t i = 0; i < count; i++)
        names[i] = snapshot_device_name(snapshot, places.numbers[i]);
    if (name_order(names, count, selection->devices) != STATUS_OK)
        return no_memory_to_sort(err);
    for (uint32_t i = 0; i < count; i++)
        selection->devices[i] = places.numbers[selection->devices[i]];
    return STATUS_OK;
}

/* Takes the selected ones out of all, which are sorted once a snapshot. */
static enum status sort_many(struct selection *selection, const struct snapshot *snapshot,
                             struct error *err)
{
    const uint32_t total = snapshot_device_count(snapshot);
    const uint32_t *order = NULL;
    TRY(snapshot_device_order(snapshot, &order, err));
    uint32_t found = 0;
    for (uint32_t i = 0; i < total && found < selection->device_count; i++) {
        if (device_bit(selection->device_bits, order[i]))
            selection->devices[found++] = order[i];
    }
    assert(found == selection->device_count);
    return STATUS_OK;
}

enum status selection_sort(struct selection *selection, const struct snapshot *snapshot,
                           struct error *err)
{
    const uint32_t count = selection->device_count;
    mem_free(selection->devices);
    selection->devices = mem_alloc(count, sizeof *selection->devices);
    if (!selection->devices)
        return no_memory(err);
    const bool few =
        selection->device_bits && count <= snapshot_device_count(snapshot) / DEVICES_FEW_SHARE;
    return few ? sort_few(selection, snapshot, err) : sort_many(selection, snapshot, err);
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

enum status selection_check_device_time(const struct selection *selection, struct time_range range,
                                        struct error *err)
{
    int64_t all_ms = 0;
    if (!__builtin_mul_overflow(range.until_ms - range.from_ms, selection->device_count, &all_ms))
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "the times of %u devices in this range add up to more than milliseconds "
                     "count: narrow --from and --to",
                     selection->device_count);
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
    TRY(snapshot_read_names(snapshot, err));
    OWNED(name_table_release) struct name_table numbers = {0};
    if (number_products(products, &numbers, snapshot) != STATUS_OK) {
        product_list_release(products);
        return error_set(err, STATUS_NOMEM, "no memory for the list of products");
    }
    return STATUS_OK;
}
