/*
 * write_rejects.c - what was not understood, by reason.
 */
#include "query/report/report_internal.h"

#include "query/markup/markup.h"

/* What the stable words mean, for people. */
static const char *explain(enum reject_reason reason)
{
    switch (reason) {
    case REJECT_TOO_LONG:
        return "the body or a name is too long";
    case REJECT_BAD_BASE64:
        return "the body or the payload is no base64";
    case REJECT_BAD_JSON:
        return "the body is no JSON";
    case REJECT_NO_MESSAGEID:
        return "the message has no id";
    case REJECT_BAD_MESSAGEID:
        return "the id is no whole number of 64 bits";
    case REJECT_UNKNOWN_TYPE:
        return "neither status nor upload";
    case REJECT_BAD_TIME:
        return "the time of the envelope is missing or out of bounds";
    case REJECT_PAYLOAD_NOT_JSON:
        return "the payload is no JSON object";
    case REJECT_NO_DEVICE:
        return "no device can be told";
    case REJECT_BAD_STATUS:
        return "the status is neither online nor offline";
    case REJECT_NO_NUMBERS:
        return "a reading without a number";
    case REJECT_REASON_COUNT:
        break;
    }
    return "";
}

static void put_row(const struct report *report, enum reject_reason reason, FILE *out)
{
    const struct report_rejects *rejects = &report->rejects[reason];
    (void)fprintf(out, "<tr><th scope=\"row\">%s</th><td class=\"n\">", reject_reason_word(reason));
    report_put_count(out, rejects->count);
    (void)fprintf(out, "</td><td class=\"w\">%s</td><td>", explain(reason));
    report_put_time(out, report->spec->zone, rejects->first_ms);
    (void)fputs("</td><td>", out);
    report_put_time(out, report->spec->zone, rejects->last_ms);
    (void)fputs("</td><td class=\"w\">", out);
    markup_put_text(out, rejects->detail);
    (void)fputs("</td></tr>\n", out);
}

/* Frequent ones first; the reasons are few. */
static void put_rows(const struct report *report, FILE *out)
{
    bool written[REJECT_REASON_COUNT] = {false};
    for (size_t n = 0; n < REJECT_REASON_COUNT; n++) {
        size_t next = REJECT_REASON_COUNT;
        for (size_t i = 0; i < REJECT_REASON_COUNT; i++) {
            if (!written[i] && (next == REJECT_REASON_COUNT ||
                                report->rejects[i].count > report->rejects[next].count))
                next = i;
        }
        written[next] = true;
        if (report->rejects[next].count > 0)
            put_row(report, (enum reject_reason)next, out);
    }
}

void report_write_rejects(const struct report *report, FILE *out)
{
    const struct selection *selection = report->spec->selection;
    (void)fputs("<section id=\"rejects\">\n<h2>Rejects by reason</h2>\n<p>", out);
    if (report->reject_count == 0) {
        (void)fputs("No message was rejected.</p>\n</section>\n", out);
        return;
    }
    report_put_count(out, report->reject_count);
    (void)fprintf(
        out,
        " message%s could not be understood. %s kept byte for byte: <code>mnsdb "
        "rejects</code> shows them. They belong to no device%s.</p>\n",
        report->reject_count == 1 ? "" : "s", report->reject_count == 1 ? "It is" : "They are",
        selection->has_from || selection->has_until ? "; the range is that of their arrival"
                                                    : ", so these are all that the store holds");
    (void)fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Rejects\">\n"
                "<table id=\"reasons\">\n<thead><tr><th scope=\"col\">Reason</th>"
                "<th scope=\"col\" class=\"n\">Messages</th><th scope=\"col\">What it means</th>"
                "<th scope=\"col\">First arrival</th><th scope=\"col\">Last arrival</th>"
                "<th scope=\"col\">Detail of the latest</th></tr></thead>\n<tbody>\n",
                out);
    put_rows(report, out);
    (void)fputs("</tbody></table></div>\n</section>\n", out);
}
