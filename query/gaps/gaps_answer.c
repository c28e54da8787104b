/*
 * gaps_answer.c - devices and gaps as rows.
 */
#include "query/gaps/gaps.h"

static enum status add_device_columns(struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "device", CELL_TEXT, err));
    TRY(answer_add_field(answer, "readings", CELL_COUNT, err));
    TRY(answer_add_field(answer, "usual_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "coverage", CELL_NUMBER, err));
    TRY(answer_add_field(answer, "gaps", CELL_COUNT, err));
    TRY(answer_add_field(answer, "largest_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "largest_start", CELL_TIME, err));
    return answer_add_field(answer, "largest_end", CELL_TIME, err);
}

enum status gaps_answer(const struct snapshot *snapshot, const struct gaps *gaps,
                        struct answer *answer, struct error *err)
{
    TRY(add_device_columns(answer, err));
    for (size_t i = 0; i < gaps->device_count; i++) {
        const struct device_gaps *device = &gaps->devices[i];
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, err));
        cell[0] = cell_of_text(snapshot_device_name(snapshot, device->device));
        cell[1] = cell_of_count(device->readings);
        if (device->usual_ms >= 0)
            cell[2] = cell_of_duration(device->usual_ms);
        cell[3] = cell_of_number(device_gaps_coverage(device));
        if (device->reach_ms >= 0)
            cell[4] = cell_of_count(device->gap_count);
        if (device->has_largest) {
            cell[5] =
                cell_of_duration(gaps_between(device->largest.start_ms, device->largest.until_ms));
            cell[6] = cell_of_time(device->largest.start_ms);
            cell[7] = cell_of_time(device->largest.until_ms);
        }
    }
    return STATUS_OK;
}

static const char *where_word(const struct gap *gap)
{
    if (gap->at_begin && gap->at_end)
        return "all";
    if (gap->at_begin)
        return "start";
    return gap->at_end ? "end" : "between";
}

enum status gaps_list_answer(const struct snapshot *snapshot, const struct gaps *gaps,
                             struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "device", CELL_TEXT, err));
    TRY(answer_add_field(answer, "start", CELL_TIME, err));
    TRY(answer_add_field(answer, "end", CELL_TIME, err));
    TRY(answer_add_field(answer, "duration_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "where", CELL_TEXT, err));
    for (size_t i = 0; i < gaps->list_count; i++) {
        const struct gap *gap = &gaps->list[i];
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, err));
        cell[0] = cell_of_text(snapshot_device_name(snapshot, gap->device));
        cell[1] = cell_of_time(gap->start_ms);
        cell[2] = cell_of_time(gap->until_ms);
        cell[3] = cell_of_duration(gaps_between(gap->start_ms, gap->until_ms));
        cell[4] = cell_of_text(slice_of_text(where_word(gap)));
    }
    return STATUS_OK;
}
