/*
 * listing_command.c - `mnsdb devices`, `metrics`, `last`, `info`.
 */
#include "query/command/command_internal.h"

#include "engine/base/mem.h"
#include "query/listing/listing.h"

static enum status query_devices(struct command *command, struct answer *answer, struct error *err)
{
    TRY(command_open(command, err));
    TRY(selection_sort(&command->selection, command->snapshot, err));
    return devices_query(command->snapshot, &command->selection, answer, &command->statistics, err);
}

enum exit_code command_devices(const struct options *options)
{
    return command_run(options, query_devices);
}

static enum status query_metrics(struct command *command, struct answer *answer, struct error *err)
{
    TRY(command_open(command, err));
    return metrics_query(command->snapshot, &command->selection, answer, &command->statistics, err);
}

enum exit_code command_metrics(const struct options *options)
{
    return command_run(options, query_metrics);
}

static enum status query_last(struct command *command, struct answer *answer, struct error *err)
{
    OWNED(mem_free_owned) struct slice *names = NULL;
    struct last_spec spec = {.selection = &command->selection};
    TRY(command_open(command, err));
    TRY(command_metric_names(command, &names, &spec.metric_count, err));
    spec.metrics = names;
    TRY(selection_sort(&command->selection, command->snapshot, err));
    return last_query(command->snapshot, &spec, answer, &command->statistics, err);
}

enum exit_code command_last(const struct options *options)
{
    return command_run(options, query_last);
}

static enum status add_info_columns(struct answer *answer, struct error *err)
{
    static const char *const counts[] = {"stored",        "duplicates", "rejected", "readings",
                                         "status_events", "devices",    "metrics",  "clock_faults"};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        TRY(answer_add_field(answer, counts[i], CELL_COUNT, err));
    TRY(answer_add_field(answer, "first_time", CELL_TIME, err));
    TRY(answer_add_field(answer, "last_time", CELL_TIME, err));
    TRY(answer_add_field(answer, "bytes", CELL_COUNT, err));
    return answer_add_field(answer, "format_version", CELL_COUNT, err);
}

static enum status query_info(struct command *command, struct answer *answer, struct error *err)
{
    TRY(command_open(command, err));
    const struct store_counters *counters = snapshot_counters(command->snapshot);
    const uint64_t readings = counters->rows[TABLE_READINGS];
    const uint64_t events = counters->rows[TABLE_STATUS];
    command->render.single = true;
    TRY(add_info_columns(answer, err));
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(answer, &cell, err));
    cell[0] = cell_of_count(counters->stored);
    cell[1] = cell_of_count(counters->duplicates);
    cell[2] = cell_of_count(counters->rejected);
    cell[3] = cell_of_count(readings);
    cell[4] = cell_of_count(events);
    cell[5] = cell_of_count(counters->devices);
    cell[6] = cell_of_count(counters->metrics);
    cell[7] = cell_of_count(counters->clock_faults);
    if (readings + events > 0) {
        cell[8] = cell_of_time(counters->first_time_ms);
        cell[9] = cell_of_time(counters->last_time_ms);
    }
    cell[10] = cell_of_count(snapshot_file_bytes(command->snapshot));
    cell[11] = cell_of_count(snapshot_format_version(command->snapshot));
    return STATUS_OK;
}

enum exit_code command_info(const struct options *options)
{
    return command_run(options, query_info);
}
