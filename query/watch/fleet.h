/*
 * fleet.h - what a live screen knows of all devices, kept up to date by reading what is new.
 *
 *      refresh   unseen parts and blocks (query/follow) ──▶ newest reading of each device
 *                                                        ──▶ devices with events: their state
 *
 * The first refresh reads summaries of all readings and all status events; later ones what was
 * written since. 16 bytes a device.
 *
 * Life cycle: zero-initialise -> refresh* -> release. The snapshot is resumed by the caller.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_WATCH_FLEET_H
#define MNSDB_QUERY_WATCH_FLEET_H

#include "engine/base/error.h"
#include "engine/snapshot/snapshot.h"
#include "query/follow/block_memory.h"
#include "query/selection/selection.h"
#include "query/timeline/timeline.h"

#include <stdbool.h>
#include <stdint.h>

#define FLEET_EVENTS_MAX 64u

struct fleet_event {
    int64_t time_ms;
    uint64_t message_id;
    uint32_t device;
    bool online;
};

struct fleet_device {
    int64_t seen_ms; /* its newest reading or event; TIME_MS_MIN: none */
    uint8_t state;   /* enum timeline_state, at the end of what is stored */
};

struct fleet {
    struct block_memory blocks;
    struct fleet_device *devices; /* owned; by number */
    size_t device_count, device_capacity;
    uint64_t *changed;                    /* owned; bit by device: it has new events */
    uint64_t states[TIMELINE_ONLINE + 1]; /* of the selected devices, by enum timeline_state */
    struct fleet_event events[FLEET_EVENTS_MAX]; /* the newest, newest first */
    size_t event_count;
};

/* `selection` is of this snapshot; its range of time is not looked at, its view is. */
MUST_CHECK enum status fleet_refresh(struct fleet *fleet, struct snapshot *snapshot,
                                     const struct selection *selection, struct error *err);

/* Fills in up to `count` devices that were seen last, the last one first; returns how many. */
size_t fleet_newest(const struct fleet *fleet, uint32_t *devices, size_t count);

void fleet_release(struct fleet *fleet);

#endif
