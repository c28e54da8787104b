/*
 * set_brief.c - sets that have a row each in one table, as recordings of many kinds do.
 *
 * The row is what mnsdb did alone: medians, queries warm and compacted.
 */
#include "bench/bench/set_tables.h"

#include "cli/human.h"

void set_tables_brief_head(FILE *out)
{
    (void)fprintf(out,
                  "## Recordings\n\nmnsdb alone; medians; queries in milliseconds, warm, on the "
                  "settled store. Whole calls: the median of all queries.\n\n"
                  "| | messages | stored | lines | measured |");
    for (unsigned measure = 0; measure < MEASURE_COUNT; measure++)
        (void)fprintf(out, " %s |", measure_name(measure));
    (void)fprintf(out, " whole call |\n|---|---:|---:|---:|---|");
    for (unsigned measure = 0; measure < MEASURE_COUNT; measure++)
        (void)fprintf(out, "---:|");
    (void)fprintf(out, "---:|\n");
}

/* The middle one of the calls' medians; negative: none was made. */
static double middle_call(const struct view_system *system)
{
    double calls[SET_QUERIES];
    size_t count = 0;
    for (size_t i = 0; i < SET_QUERIES; i++) {
        const struct spread *call = &system->queries[i].call;
        size_t place = count;
        if (call->count == 0)
            continue;
        for (; place > 0 && calls[place - 1] > call->median; place--)
            calls[place] = calls[place - 1];
        calls[place] = call->median;
        count++;
    }
    return count == 0 ? -1 : calls[count / 2];
}

void set_tables_brief_row(const struct set_view *view, FILE *out)
{
    const struct set_result *result = view->result;
    char messages[HUMAN_BYTES];
    char stored[HUMAN_BYTES];
    char size[HUMAN_BYTES];
    char text[FIGURE_BYTES];
    (void)fprintf(out, "| ");
    markdown_text(result->name, out);
    (void)fprintf(out, " | %s | %s | %s | %.10s |", human_count(result->messages, messages),
                  human_count(result->stored, stored), human_bytes(result->input_bytes, size),
                  result->date);
    for (unsigned measure = 0; measure < MEASURE_COUNT; measure++) {
        const struct spread *figure = &view->systems[0].measures[measure];
        (void)fprintf(
            out, " %s |",
            figure_text(measure_kind(measure), figure->count > 0 ? figure->median : -1, text));
    }
    (void)fprintf(out, " %s |\n", figure_text(FIGURE_MS, middle_call(&view->systems[0]), text));
}
