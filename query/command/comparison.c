/*
 * comparison.c - the same question twice, and answers turned into matrices.
 *
 * A bucket of the range is compared with the bucket that holds its start, shifted.
 */
#include "query/command/comparison.h"

#include "cli/clock.h"
#include "cli/message.h"
#include "engine/base/mem.h"
#include "query/pivot/pivot.h"
#include "query/screen/screen.h"
#include "query/shift/shift.h"
#include "query/time_expression/time_expression.h"

#include <inttypes.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The most buckets that are compared. */
#define BUCKETS_MAX ((size_t)1 << 24)

static const struct option_spec compare_options[] = {
    {.name = "versus",
     .argument = "SHIFT",
     .help = "Beside each figure the same of an earlier range (<field>_before) and the difference "
             "(<field>_change): the range moved by -7d, -1w, -1mo, -1y (calendar of the display "
             "zone) or -12h (elapsed), or the one that begins at a TIME, such as 2018-05-01."},
    {.name = "percent",
     .help = "With --versus: each difference also as a percentage of the earlier figure "
             "(<field>_percent), +25 for a quarter more. Example: --versus -7d --percent"},
    {.name = "matrix", .help = "With --every: a column for each bucket, a row for each group."},
    {.name = "cell",
     .argument = "FIELD",
     .help = "What the cells of --matrix hold. Default: availability, or the first figure."},
};

const struct option_group command_compare_group = {"Comparing", compare_options,
                                                   COUNT(compare_options)};

/* --- options ------------------------------------------------------------------------------- */

/* --versus as a shift; an absolute start is one from the range's. */
static enum status read_shift(const struct command *command, const char *text,
                              const struct time_range *range, struct time_shift *shift,
                              struct error *err)
{
    if (time_shift_is(text))
        return time_shift_parse(text, shift, err);
    const struct time_context context = {.zone = &command->zone, .now_ms = clock_utc_ms()};
    int64_t start_ms = 0;
    if (time_expression_parse(text, &context, &start_ms, NULL) != STATUS_OK)
        return error_set(err, STATUS_INPUT,
                         "'%s' is neither a shift nor a time: give -7d, -1w, -1mo, -12h or "
                         "2018-05-01",
                         text);
    if (range && start_ms == range->from_ms)
        return error_set(err, STATUS_INPUT, "'%s' is where the range itself begins", text);
    *shift = time_shift_between(&command->zone, range ? range->from_ms : 0, start_ms);
    return STATUS_OK;
}

static enum status find_shift(const struct command *command, const char *text,
                              const struct time_range *range, struct time_shift *shift,
                              struct error *err)
{
    const enum status status = read_shift(command, text, range, shift, err);
    if (status != STATUS_OK)
        error_add_context(err, "--versus");
    return status;
}

enum status comparison_check(const struct command *command, const struct bucket_width *every,
                             struct error *err)
{
    const char *versus = options_text(command->options, "versus");
    struct time_shift shift;
    if (versus)
        TRY(find_shift(command, versus, NULL, &shift, err));
    if (!versus && options_given(command->options, "percent"))
        return error_set(err, STATUS_INPUT, "--percent is about --versus: give both");
    const bool matrix = options_given(command->options, "matrix");
    if (matrix && !every)
        return error_set(err, STATUS_INPUT, "--matrix wants buckets: give --every");
    if (!matrix && options_given(command->options, "cell"))
        return error_set(err, STATUS_INPUT, "--cell is about --matrix: give both");
    return STATUS_OK;
}

/* --- versus -------------------------------------------------------------------------------- */

/* Buckets of the range, each with the one that it is compared with. */
struct bucket_pairs {
    struct compare_bucket *items; /* owned */
    size_t count;
};

static void bucket_pairs_release(struct bucket_pairs *pairs)
{
    mem_free(pairs->items);
}

static enum status pair_buckets(struct bucket_pairs *pairs, const struct bucket_width *every,
                                const struct civil_zone *zone, const struct time_range *range,
                                const struct time_shift *shift, struct error *err)
{
    struct bucket_grid grid;
    bucket_grid_init(&grid, every, zone);
    const size_t count = bucket_list(&grid, range->from_ms, range->until_ms, NULL, BUCKETS_MAX + 1);
    if (count > BUCKETS_MAX)
        return error_set(err, STATUS_INPUT,
                         "more than %zu buckets: narrow the range or widen the buckets",
                         BUCKETS_MAX);
    OWNED(mem_free_owned) int64_t *starts_ms = mem_alloc(count, sizeof *starts_ms);
    pairs->items = mem_alloc(count, sizeof *pairs->items);
    if (!starts_ms || !pairs->items)
        return error_set(err, STATUS_NOMEM, "no memory for the buckets");
    (void)bucket_list(&grid, range->from_ms, range->until_ms, starts_ms, count);
    for (; pairs->count < count; pairs->count++) {
        const int64_t now_ms = starts_ms[pairs->count];
        int64_t before_ms = 0;
        TRY(time_shift_apply(shift, zone, now_ms, &before_ms, err));
        pairs->items[pairs->count] = (struct compare_bucket){
            .now_ms = now_ms, .before_ms = bucket_of(&grid, before_ms).start_ms};
    }
    return STATUS_OK;
}

static enum status compare_range(struct command *command, const struct comparison_query *query,
                                 struct time_range range, struct answer *answer, struct error *err)
{
    OWNED(answer_release) struct answer now = {0};
    OWNED(answer_release) struct answer before = {0};
    OWNED(bucket_pairs_release) struct bucket_pairs pairs = {0};
    struct compare_versus_spec spec = {
        .keys = {.has_name = query->has_name, .has_time = query->every != NULL},
        .missing = query->missing,
        .percent = options_given(command->options, "percent")};
    struct time_shift shift;
    struct time_range shifted;
    TRY(find_shift(command, options_text(command->options, "versus"), &range, &shift, err));
    if (query->takes_last && !command->selection.has_until)
        range.until_ms++;
    TRY(time_shift_range(&shift, &command->zone, range, &shifted, err));
    if (query->every)
        TRY(pair_buckets(&pairs, query->every, &command->zone, &range, &shift, err));
    spec.buckets = pairs.items;
    spec.bucket_count = pairs.count;

    struct selection earlier = command->selection; // borrowed, but for the range
    earlier.has_from = true;
    earlier.has_until = true;
    earlier.from_ms = shifted.from_ms;
    earlier.until_ms = shifted.until_ms;
    TRY(query->run(query->context, &command->selection, &now, err));
    TRY(query->run(query->context, &earlier, &before, err));
    return compare_versus(&now, &before, &spec, answer, err);
}

static enum status compare(struct command *command, const struct comparison_query *query,
                           struct answer *answer, struct error *err)
{
    struct time_range range = {0};
    if (!options_given(command->options, "versus"))
        return query->run(query->context, &command->selection, answer, err);
    if (selection_bounds(&command->selection, command->snapshot, &range))
        return compare_range(command, query, range, answer, err);
    // An empty store has no range, and nothing at any time.
    OWNED(answer_release) struct answer nothing = {0};
    const struct compare_versus_spec spec = {
        .keys = {.has_name = query->has_name, .has_time = query->every != NULL},
        .missing = query->missing,
        .percent = options_given(command->options, "percent")};
    TRY(query->run(query->context, &command->selection, &nothing, err));
    return compare_versus(&nothing, &nothing, &spec, answer, err);
}

/* --- matrix -------------------------------------------------------------------------------- */

static enum status make_matrix(struct command *command, const struct comparison_query *query,
                               const struct answer *list, struct answer *matrix, struct error *err)
{
    const enum render_format format = command->render.format;
    const bool fitted = format == RENDER_TABLE && command->render.terminal;
    const struct pivot_spec spec = {
        .has_name = query->has_name,
        .field = options_text(command->options, "cell"),
        .fallback = query->matrix_field,
        .every = query->every,
        .zone = &command->zone,
        .brief = format == RENDER_TABLE || format == RENDER_MD,
        .width = fitted ? screen_detect(STDOUT_FILENO).columns : 0,
    };
    size_t hidden = 0;
    TRY(pivot_query(list, &spec, matrix, &hidden, err));
    if (hidden > 0)
        message_note("only the latest %zu of %zu buckets fit on the terminal: widen it, or give "
                     "--format csv",
                     matrix->column_count - 1, matrix->column_count - 1 + hidden);
    return STATUS_OK;
}

enum status comparison_run(struct command *command, const struct comparison_query *query,
                           struct answer *answer, struct error *err)
{
    if (!options_given(command->options, "matrix"))
        return compare(command, query, answer, err);
    OWNED(answer_release) struct answer list = {0};
    TRY(compare(command, query, &list, err));
    return make_matrix(command, query, &list, answer, err);
}
