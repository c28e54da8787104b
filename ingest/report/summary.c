/*
 * summary.c - see summary.h.
 */
#include "ingest/report/summary.h"

#include "cli/human.h"

#include <inttypes.h>
#include <string.h>

void summary_print_json(FILE *to, const struct summary *summary)
{
    const struct commit_result *counts = &summary->counts;
    (void)fprintf(to,
                  "{\"received\":%" PRIu64 ",\"stored\":%" PRIu64 ",\"duplicates\":%" PRIu64
                  ",\"rejected\":%" PRIu64 ",\"reasons\":{",
                  counts->received, counts->stored, counts->duplicates, counts->rejected);
    const char *separator = "";
    for (unsigned i = 0; i < REJECT_REASON_COUNT; i++) {
        if (counts->reasons[i] == 0)
            continue;
        (void)fprintf(to, "%s\"%s\":%" PRIu64, separator, reject_reason_word(i),
                      counts->reasons[i]);
        separator = ",";
    }
    (void)fprintf(to, "},\"bytes\":%" PRIu64 ",\"seconds\":%" PRId64 ".%03d}\n",
                  summary->input_bytes, summary->duration_ms / 1000,
                  (int)(summary->duration_ms % 1000));
}

/* Appends formatted text; what does not fit is left out. */
static PRINTF_LIKE(2, 3) void append_text(char text[SUMMARY_TEXT_BYTES], const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + used, SUMMARY_TEXT_BYTES - used, format, args);
    va_end(args);
}

static void append_reasons(char text[SUMMARY_TEXT_BYTES], const struct commit_result *counts)
{
    char count[HUMAN_BYTES];
    const char *separator = " (";
    for (unsigned i = 0; i < REJECT_REASON_COUNT; i++) {
        if (counts->reasons[i] == 0)
            continue;
        append_text(text, "%s%s %s", separator, reject_reason_word(i),
                    human_count(counts->reasons[i], count));
        separator = ", ";
    }
    if (counts->rejected > 0)
        append_text(text, ")");
}

void summary_text(char text[SUMMARY_TEXT_BYTES], const struct summary *summary)
{
    const struct commit_result *counts = &summary->counts;
    char number[HUMAN_BYTES];
    text[0] = '\0';
    append_text(text, "received %s message%s: ", human_count(counts->received, number),
                counts->received == 1 ? "" : "s");
    append_text(text, "%s stored, ", human_count(counts->stored, number));
    append_text(text, "%s duplicates", human_count(counts->duplicates, number));
    if (counts->received > 0 && counts->duplicates == counts->received)
        append_text(text, " (the store had them all already)");
    append_text(text, ", %s rejected", human_count(counts->rejected, number));
    append_reasons(text, counts);
    append_text(text, "; %s in ", human_bytes(summary->input_bytes, number));
    append_text(text, "%s", human_duration(summary->duration_ms, number));
    if (counts->received > 0 && summary->duration_ms > 0)
        append_text(
            text, ", %s",
            human_rate((double)counts->received * 1000 / (double)summary->duration_ms, number));
}
