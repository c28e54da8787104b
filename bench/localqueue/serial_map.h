/*
 * serial_map.h - messages by their serial number.
 *
 * Open addressing with linear probing, at most half full. Room is reserved before, so that adding
 * cannot fail.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_SERIAL_MAP_H
#define MNSDB_BENCH_LOCALQUEUE_SERIAL_MAP_H

#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct queued;

/* Zero-initialise. */
struct serial_map {
    struct serial_slot *slots; /* owned; a power of two */
    size_t slot_count;
    size_t count;
};

struct serial_slot {
    uint64_t serial;
    struct queued *message; /* borrowed; NULL: empty */
};

MUST_CHECK enum status serial_map_reserve(struct serial_map *map, size_t count);
void serial_map_release(struct serial_map *map);

/* The serial is not in, and there is room (both asserted). */
void serial_map_add(struct serial_map *map, uint64_t serial, struct queued *message);

/* NULL if it is not in. */
struct queued *serial_map_find(const struct serial_map *map, uint64_t serial);
void serial_map_remove(struct serial_map *map, uint64_t serial);

#endif
