/*
 * completion_names.c - names of devices, products and metrics for the shells' completion.
 *
 * A store that is not there, or cannot be read, has no names: completion never complains.
 */
#include "query/command/command.h"

#include "cli/complete.h"
#include "cli/store_dir.h"
#include "engine/snapshot/snapshot.h"
#include "query/selection/selection.h"

#include <string.h>

static void add_devices(struct completion *completion, const struct snapshot *snapshot)
{
    struct error err = {0};
    if (snapshot_read_names(snapshot, &err) != STATUS_OK)
        return;
    const struct slice typed = completion_typed(completion);
    const uint32_t count = snapshot_device_count(snapshot);
    bool goes_on = true;
    for (uint32_t device = 0; goes_on && device < count; device++)
        goes_on = completion_add_glob(completion, snapshot_device_name(snapshot, device));
    // A device's own name is enough where it is typed.
    const bool short_names = typed.len > 0 && !memchr(typed.data, '/', typed.len);
    for (uint32_t device = 0; short_names && goes_on && device < count; device++)
        goes_on = completion_add_glob(completion,
                                      device_short_name(snapshot_device_name(snapshot, device)));
}

static void add_products(struct completion *completion, const struct snapshot *snapshot)
{
    struct error err = {0};
    OWNED(product_list_release) struct product_list products = {0};
    if (product_list_init(&products, snapshot, &err) != STATUS_OK)
        return;
    bool goes_on = true;
    for (uint32_t i = 0; goes_on && i < products.count; i++)
        goes_on = completion_add_glob(completion, products.names[i]);
}

static void add_metrics(struct completion *completion, const struct snapshot *snapshot)
{
    const uint32_t count = snapshot_metric_count(snapshot);
    bool goes_on = true;
    for (uint32_t metric = 0; goes_on && metric < count; metric++) {
        const struct slice name = snapshot_metric_name(snapshot, metric);
        // One that looks like an option would be taken for one.
        if (name.len > 0 && name.data[0] != '-')
            goes_on = completion_add(completion, name);
    }
}

void command_complete_names(struct completion *completion, enum store_names which,
                            const struct options *options)
{
    struct snapshot *snapshot = NULL;
    struct error err = {0};
    if (snapshot_open(&snapshot, store_dir_choose(options), &err) != STATUS_OK)
        return;
    switch (which) {
    case STORE_NAMES_DEVICES:
        add_devices(completion, snapshot);
        break;
    case STORE_NAMES_PRODUCTS:
        add_products(completion, snapshot);
        break;
    case STORE_NAMES_METRICS:
        add_metrics(completion, snapshot);
        break;
    }
    snapshot_close(snapshot);
}
