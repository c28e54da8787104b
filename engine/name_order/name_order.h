/*
 * name_order.h - many names in the order of their bytes, a shorter one before those it begins.
 *
 * Threads: pure.
 */
#ifndef MNSDB_ENGINE_NAME_ORDER_NAME_ORDER_H
#define MNSDB_ENGINE_NAME_ORDER_NAME_ORDER_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* order[i] becomes the index of the i-th name; equal names keep their order. Fails for memory. */
MUST_CHECK enum status name_order(const struct slice *names, uint32_t count, uint32_t *order);

#endif
