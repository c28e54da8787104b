/*
 * findings_answer.c - findings as rows.
 */
#include "query/findings/findings.h"

static enum status add_columns(struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "severity", CELL_TEXT, err));
    TRY(answer_add_field(answer, "kind", CELL_TEXT, err));
    TRY(answer_add_field(answer, "device", CELL_TEXT, err));
    TRY(answer_add_field(answer, "metric", CELL_TEXT, err));
    TRY(answer_add_field(answer, "first", CELL_TIME, err));
    TRY(answer_add_field(answer, "last", CELL_TIME, err));
    TRY(answer_add_field(answer, "count", CELL_COUNT, err));
    TRY(answer_add_field(answer, "evidence", CELL_TEXT, err));
    return answer_add_field(answer, "more", CELL_TEXT, err);
}

enum status findings_answer(const struct finding_list *list, struct answer *answer,
                            struct error *err)
{
    TRY(add_columns(answer, err));
    for (size_t i = 0; i < list->count; i++) {
        const struct finding *finding = &list->items[i];
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, err));
        cell[0] = cell_of_text(slice_of_text(finding_severity_word(finding->severity)));
        cell[1] = cell_of_text(slice_of_text(finding_kind_word(finding->kind)));
        if (finding->device.len > 0)
            cell[2] = cell_of_text(finding->device);
        if (finding->has_metric)
            cell[3] = cell_of_text(finding->metric);
        if (finding->has_time) {
            cell[4] = cell_of_time(finding->first_ms);
            cell[5] = cell_of_time(finding->last_ms);
        }
        cell[6] = cell_of_count(finding->count);
        cell[7] = cell_of_text(finding->evidence);
        cell[8] = cell_of_text(finding->more);
    }
    return STATUS_OK;
}
