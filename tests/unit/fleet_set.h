/*
 * fleet_set.h - a recorded set of a small simulated fleet, for tests of what measures sets.
 *
 * Included by one file of a test program.
 */
#ifndef MNSDB_TESTS_UNIT_FLEET_SET_H
#define MNSDB_TESTS_UNIT_FLEET_SET_H

#include "bench/fleet/fleet.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define FLEET_SET_DEVICES 20u

static enum status fleet_set_write_lines(void *context, struct slice lines, bool *stop,
                                         struct error *err)
{
    FILE *file = context;
    *stop = false;
    if (fwrite(lines.data, 1, lines.len, file) != lines.len)
        return error_set(err, STATUS_FULL, "cannot write");
    return STATUS_OK;
}

/* 0, or -1 if the file could not be made. */
static int fleet_set_write(const char *path, uint64_t messages)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return -1;
    struct fleet_config config = fleet_config_default();
    config.devices = FLEET_SET_DEVICES;
    config.messages = messages;
    const struct fleet_output output = {.context = file, .write = fleet_set_write_lines};
    struct fleet_totals totals;
    struct error err;
    const enum status status = fleet_run(&config, &output, &totals, &err);
    return fclose(file) == 0 && status == STATUS_OK ? 0 : -1;
}

#endif
