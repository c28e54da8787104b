/*
 * check_command.c - `mnsdb seen`, `verify` and `backup`: commands whose exit code is an answer.
 */
#include "query/command/command_internal.h"

#include "cli/human.h"
#include "cli/message.h"
#include "cli/store_dir.h"
#include "engine/base/mem.h"

#include <stdio.h>

/* --- seen ---------------------------------------------------------------------------------- */

static enum status read_id(const char *text, uint64_t *id, struct error *err)
{
    uint64_t value = 0;
    bool good = *text != '\0';
    for (const char *digit = text; good && *digit != '\0'; digit++) {
        good = *digit >= '0' && *digit <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, (uint64_t)(*digit - '0'), &value);
    }
    if (!good)
        return error_set(err, STATUS_INPUT, "'%s' is no message id: 0 to 18446744073709551615",
                         text);
    *id = value;
    return STATUS_OK;
}

static enum status add_seen_rows(struct answer *answer, const uint64_t *ids, const bool *held,
                                 size_t count, struct error *err)
{
    TRY(answer_add_field(answer, "messageid", CELL_ID, err));
    TRY(answer_add_field(answer, "seen", CELL_BOOL, err));
    for (size_t i = 0; i < count; i++) {
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, err));
        cell[0] = cell_of_id(ids[i]);
        cell[1] = cell_of_bool(held[i]);
    }
    return STATUS_OK;
}

static enum status read_ids(const struct options *options, uint64_t *ids, struct error *err)
{
    for (size_t i = 0; i < options->operand_count; i++)
        TRY(read_id(options->operands[i], &ids[i], err));
    return STATUS_OK;
}

static enum status run_seen(struct command *command, const struct options *options, bool *all_seen,
                            struct error *err)
{
    const size_t count = options->operand_count;
    OWNED(answer_release) struct answer answer = {0};
    OWNED(mem_free_owned) uint64_t *ids = mem_alloc(count, sizeof *ids);
    OWNED(mem_free_owned) bool *held = mem_alloc_zeroed(count, sizeof *held);
    if (!ids || !held)
        return error_set(err, STATUS_NOMEM, "no memory for %zu ids", count);
    TRY(read_ids(options, ids, err));
    TRY(command_begin(command, options, err));
    TRY(snapshot_seen(command->snapshot, ids, count, held, err));
    command_done_reading(command);
    for (size_t i = 0; i < count; i++)
        *all_seen = *all_seen && held[i];
    TRY(add_seen_rows(&answer, ids, held, count, err));
    TRY(command_arrange(command, &answer, err));
    return render_answer(&command->render, &answer, stdout);
}

enum exit_code command_seen(const struct options *options)
{
    OWNED(command_end) struct command command = {0};
    struct error err = {0};
    bool all_seen = true;
    const enum status status = run_seen(&command, options, &all_seen, &err);
    if (status != STATUS_OK && status != STATUS_STOPPED)
        return command_failure(options, &err, status);
    return all_seen ? EXIT_CODE_OK : EXIT_CODE_PROBLEM;
}

/* --- verify -------------------------------------------------------------------------------- */

struct problems {
    struct answer answer;
    uint64_t count;
    struct error *err;
    enum status status;
};

static enum status add_problem_row(struct answer *answer, const char *thing, const char *what,
                                   struct error *err)
{
    const struct slice thing_copy = arena_copy(&answer->arena, slice_of_text(thing));
    const struct slice what_copy = arena_copy(&answer->arena, slice_of_text(what));
    struct answer_cell *cell = NULL;
    if (!thing_copy.data || !what_copy.data)
        return error_set(err, STATUS_NOMEM, "no memory for the list of problems");
    TRY(answer_add_row(answer, &cell, err));
    cell[0] = cell_of_text(thing_copy);
    cell[1] = cell_of_text(what_copy);
    return STATUS_OK;
}

static void take_problem(void *context, const char *thing, const char *what)
{
    struct problems *problems = context;
    problems->count++;
    if (problems->status == STATUS_OK)
        problems->status = add_problem_row(&problems->answer, thing, what, problems->err);
}

/* Damage that ends the verification is a problem found, like the others. */
static enum status verify_store(struct command *command, const struct options *options,
                                struct problems *problems, struct error *err)
{
    enum status status = command_begin(command, options, err);
    if (status == STATUS_OK)
        status = snapshot_verify(command->snapshot, take_problem, problems, err);
    if (status == STATUS_CORRUPT) {
        take_problem(problems, store_dir_choose(options), err->message);
        status = STATUS_OK;
    }
    return status == STATUS_OK ? problems->status : status;
}

static enum status run_verify(struct command *command, const struct options *options,
                              struct problems *problems, struct error *err)
{
    TRY(answer_add_field(&problems->answer, "thing", CELL_TEXT, err));
    TRY(answer_add_field(&problems->answer, "problem", CELL_TEXT, err));
    TRY(verify_store(command, options, problems, err));
    if (command->snapshot)
        command_done_reading(command);
    if (problems->count == 0)
        message_note("verified: every byte, checksum and count is right");
    TRY(command_arrange(command, &problems->answer, err));
    return render_answer(&command->render, &problems->answer, stdout);
}

enum exit_code command_verify(const struct options *options)
{
    OWNED(command_end) struct command command = {0};
    struct error err = {0};
    struct problems problems = {.err = &err};
    const enum status status = run_verify(&command, options, &problems, &err);
    answer_release(&problems.answer);
    if (status != STATUS_OK && status != STATUS_STOPPED)
        return command_failure(options, &err, status);
    return problems.count == 0 ? EXIT_CODE_OK : EXIT_CODE_PROBLEM;
}

/* --- backup -------------------------------------------------------------------------------- */

static enum status run_backup(const struct options *options, struct snapshot **snapshot,
                              struct error *err)
{
    const char *destination = options->operands[0];
    char bytes[HUMAN_BYTES];
    TRY(snapshot_open(snapshot, store_dir_choose(options), err));
    TRY(snapshot_backup(*snapshot, destination, err));
    message_note("backed up to %s (%s before compaction)", destination,
                 human_bytes(snapshot_file_bytes(*snapshot), bytes));
    return STATUS_OK;
}

enum exit_code command_backup(const struct options *options)
{
    struct snapshot *snapshot = NULL;
    struct error err = {0};
    const enum status status = run_backup(options, &snapshot, &err);
    snapshot_close(snapshot);
    return status == STATUS_OK ? EXIT_CODE_OK : command_failure(options, &err, status);
}
