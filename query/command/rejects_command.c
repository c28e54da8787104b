/*
 * rejects_command.c - `mnsdb rejects`: bodies kept, a page at a time.
 *
 * Bodies may be large and many. In order of arrival they are read in pages, the
 * snapshot paused while a page is written; any other order needs all in memory.
 */
#include "query/command/command_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE_BYTES ((size_t)16 << 20)

static const char *const groupings[] = {"reason"};

static const struct option_spec rejects_options[] = {
    {.name = "by",
     .argument = "reason",
     .help = "A row for each reason: how many, when the first and the last came, the id of the "
             "last one that has an id."},
};

const struct option_group command_rejects_group = {
    "Groups", rejects_options, sizeof rejects_options / sizeof rejects_options[0]};

struct page {
    const struct command *command;
    struct answer *answer;
    size_t bytes;
    size_t bytes_max;
    uint64_t next_sequence;
    bool full;
    struct error *err;
};

/* --- base64 -------------------------------------------------------------------------------- */

static void encode_group(const uint8_t *bytes, size_t len, uint8_t *text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t group = 0;
    for (size_t i = 0; i < 3; i++)
        group = group << 8 | (i < len ? bytes[i] : 0u);
    for (size_t i = 0; i < 4; i++) {
        const uint32_t digit = group >> (18 - 6 * i) & 63u;
        text[i] = i <= len ? (uint8_t)alphabet[digit] : (uint8_t)'=';
    }
}

static enum status encode(struct arena *arena, struct slice body, struct slice *text)
{
    const size_t len = (body.len + 2) / 3 * 4;
    uint8_t *encoded = arena_alloc(arena, len + 1);
    if (!encoded)
        return STATUS_NOMEM;
    for (size_t i = 0, to = 0; i < body.len; i += 3, to += 4)
        encode_group(body.data + i, body.len - i < 3 ? body.len - i : 3, encoded + to);
    *text = slice_of(encoded, len);
    return STATUS_OK;
}

/* --- pages --------------------------------------------------------------------------------- */

static enum status put_reject(struct answer *answer, struct answer_cell *cell,
                              const struct kept_reject *reject)
{
    struct slice body = {0};
    TRY(encode(&answer->arena, reject->body, &body));
    cell[0] = cell_of_text(slice_of_text(reject_reason_word(reject->reason)));
    if (reject->detail.len > 0) {
        const struct slice detail = arena_copy(&answer->arena, reject->detail);
        if (!detail.data)
            return STATUS_NOMEM;
        cell[1] = cell_of_text(detail);
    }
    if (reject->has_id)
        cell[2] = cell_of_id(reject->id);
    cell[3] = cell_of_time(reject->received_ms);
    cell[4] = cell_of_text(body);
    return STATUS_OK;
}

static enum status take_reject(void *context, const struct kept_reject *reject)
{
    struct page *page = context;
    const struct selection *selection = &page->command->selection;
    if (page->bytes >= page->bytes_max) {
        page->full = true;
        return STATUS_STOPPED;
    }
    page->next_sequence = reject->sequence + 1;
    if (reject->received_ms < selection->from_ms ||
        (selection->has_until && reject->received_ms >= selection->until_ms))
        return STATUS_OK;
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(page->answer, &cell, page->err));
    page->bytes += reject->body.len * 4 / 3 + reject->detail.len + sizeof *cell * 5;
    return put_reject(page->answer, cell, reject);
}

static enum status add_columns(struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "reason", CELL_TEXT, err));
    TRY(answer_add_field(answer, "detail", CELL_TEXT, err));
    TRY(answer_add_field(answer, "messageid", CELL_ID, err));
    TRY(answer_add_field(answer, "received_at", CELL_TIME, err));
    return answer_add_field(answer, "body", CELL_TEXT, err);
}

/* Reads the page that begins at page->next_sequence into an empty answer. */
static enum status read_page(struct page *page, struct answer *answer, struct error *err)
{
    TRY(add_columns(answer, err));
    page->answer = answer;
    page->bytes = 0;
    page->full = false;
    const enum status status =
        snapshot_rejects(page->command->snapshot, page->next_sequence, take_reject, page, err);
    page->answer = NULL; // it is the caller's, and may not live as long as the page
    return page->full && status == STATUS_STOPPED ? STATUS_OK : status;
}

/* --- by reason ----------------------------------------------------------------------------- */

struct reason {
    enum reject_reason reason;
    uint64_t count;
    int64_t first_ms, last_ms; /* of arrival */
    bool has_id;
    uint64_t id; /* of the last one that has one */
};

struct reasons {
    const struct selection *selection;
    struct reason items[REJECT_REASON_COUNT];
};

static enum status count_reject(void *context, const struct kept_reject *reject)
{
    struct reasons *reasons = context;
    const struct selection *selection = reasons->selection;
    if (reject->received_ms < selection->from_ms ||
        (selection->has_until && reject->received_ms >= selection->until_ms))
        return STATUS_OK;
    struct reason *reason = &reasons->items[reject->reason];
    if (reason->count == 0 || reject->received_ms < reason->first_ms)
        reason->first_ms = reject->received_ms;
    if (reason->count++ == 0 || reject->received_ms > reason->last_ms)
        reason->last_ms = reject->received_ms;
    if (reject->has_id) {
        reason->has_id = true;
        reason->id = reject->id;
    }
    return STATUS_OK;
}

/* The most frequent first, equal ones by their words. */
static int compare_reasons(const void *left, const void *right)
{
    const struct reason *a = left;
    const struct reason *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return slice_compare(slice_of_text(reject_reason_word(a->reason)),
                         slice_of_text(reject_reason_word(b->reason)));
}

static enum status query_reasons(struct command *command, struct answer *answer, struct error *err)
{
    size_t grouping = 0;
    TRY(command_choice(command->options, "by", groupings, 1, &grouping, err));
    TRY(command_open(command, err));
    struct reasons reasons = {.selection = &command->selection};
    for (unsigned i = 0; i < REJECT_REASON_COUNT; i++)
        reasons.items[i].reason = (enum reject_reason)i;
    TRY(snapshot_rejects(command->snapshot, 0, count_reject, &reasons, err));
    qsort(reasons.items, REJECT_REASON_COUNT, sizeof reasons.items[0], compare_reasons);
    TRY(answer_add_field(answer, "reason", CELL_TEXT, err));
    TRY(answer_add_field(answer, "count", CELL_COUNT, err));
    TRY(answer_add_field(answer, "first", CELL_TIME, err));
    TRY(answer_add_field(answer, "last", CELL_TIME, err));
    TRY(answer_add_field(answer, "messageid", CELL_ID, err));
    for (size_t i = 0; i < REJECT_REASON_COUNT && reasons.items[i].count > 0; i++) {
        const struct reason *reason = &reasons.items[i];
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, err));
        cell[0] = cell_of_text(slice_of_text(reject_reason_word(reason->reason)));
        cell[1] = cell_of_count(reason->count);
        cell[2] = cell_of_time(reason->first_ms);
        cell[3] = cell_of_time(reason->last_ms);
        if (reason->has_id)
            cell[4] = cell_of_id(reason->id);
    }
    return STATUS_OK;
}

/* --- output -------------------------------------------------------------------------------- */

static enum status print_page(struct renderer *renderer, const struct answer *answer,
                              uint64_t *rows_left)
{
    for (size_t i = 0; i < answer_shown_count(answer) && *rows_left > 0; i++) {
        TRY(render_row(renderer, answer_row(answer, i)));
        --*rows_left;
    }
    return STATUS_OK;
}

static enum status stream(struct command *command, struct page *page, struct error *err)
{
    OWNED(render_release) struct renderer renderer = {0};
    OWNED(answer_release) struct answer columns = {0};
    TRY(add_columns(&columns, err));
    TRY(render_begin(&renderer, &command->render, columns.columns, columns.column_count, stdout));
    uint64_t rows_left = command->has_limit ? command->limit : UINT64_MAX;
    for (bool more = true; more && rows_left > 0; more = page->full) {
        OWNED(answer_release) struct answer answer = {0};
        TRY(snapshot_resume(command->snapshot, err));
        TRY(read_page(page, &answer, err));
        snapshot_pause(command->snapshot);
        TRY(print_page(&renderer, &answer, &rows_left));
    }
    command_note_no_rows(command, renderer.row_count);
    return render_end(&renderer);
}

static enum status run_rejects(struct command *command, const struct options *options,
                               struct error *err)
{
    TRY(command_begin(command, options, err));
    struct page page = {.command = command, .bytes_max = PAGE_BYTES, .err = err};
    if (!command->order_by && !command->has_top) {
        command_done_reading(command);
        return stream(command, &page, err);
    }
    OWNED(answer_release) struct answer answer = {0};
    page.bytes_max = SIZE_MAX;
    TRY(read_page(&page, &answer, err));
    command_done_reading(command);
    TRY(command_arrange(command, &answer, err));
    return command_print(command, &answer);
}

enum exit_code command_rejects(const struct options *options)
{
    if (options_given(options, "by"))
        return command_run(options, query_reasons);
    OWNED(command_end) struct command command = {0};
    struct error err = {0};
    const enum status status = run_rejects(&command, options, &err);
    return status == STATUS_OK ? EXIT_CODE_OK : command_failure(options, &err, status);
}
