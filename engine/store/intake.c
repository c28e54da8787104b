/*
 * intake.c - sorting the ids of a commit and asking the seen set about them.
 *
 *      messages  10 11 13 12 14 15 11 ...       in order of arrival
 *      in order  10 11 13 14 15                 at or above all before them: an ascending run
 *      late      12 11 -> radix sort -> 11 12
 *                 \__ merged: 10 11 11 12 13 14 15
 *
 * Ids arrive almost sorted, so few are late and what costs is one pass and one merge. At worst,
 * random ids, all but a few are late. They share their high bits, mostly, so that a radix sort
 * that skips the digits in which all agree needs few passes.
 *
 * Of equal ids the first to arrive stays first: within the run and within the late ones
 * (the sort is stable), and in the merge, since an id is late only to what came before it.
 */
#include "engine/store/intake.h"

#include "engine/base/mem.h"

#include <string.h>

#define DIGIT_BITS 11u
#define DIGITS     (1u << DIGIT_BITS)

static void scatter(const struct intake_entry *from, size_t count, unsigned shift,
                    struct intake_entry *to)
{
    uint32_t next[DIGITS] = {0};
    for (size_t i = 0; i < count; i++)
        next[(from[i].id >> shift) & (DIGITS - 1)]++;
    uint32_t start = 0;
    for (size_t digit = 0; digit < DIGITS; digit++) {
        const uint32_t held = next[digit];
        next[digit] = start;
        start += held;
    }
    for (size_t i = 0; i < count; i++)
        to[next[(from[i].id >> shift) & (DIGITS - 1)]++] = from[i];
}

static uint64_t differing_bits(const struct intake_entry *entries, size_t count)
{
    uint64_t bits = 0;
    for (size_t i = 1; i < count; i++)
        bits |= entries[i].id ^ entries[0].id;
    return bits;
}

static void sort_late(struct intake *intake)
{
    const uint64_t differing = differing_bits(intake->late, intake->late_count);
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        if (((differing >> shift) & (DIGITS - 1)) == 0)
            continue;
        scatter(intake->late, intake->late_count, shift, intake->scratch);
        struct intake_entry *swap = intake->late;
        intake->late = intake->scratch;
        intake->scratch = swap;
        const size_t capacity = intake->late_capacity;
        intake->late_capacity = intake->scratch_capacity;
        intake->scratch_capacity = capacity;
    }
}

static enum status reserve(struct intake *intake, size_t count)
{
    TRY(mem_renew(&intake->in_order, &intake->in_order_capacity, count, sizeof *intake->in_order));
    TRY(mem_renew(&intake->late, &intake->late_capacity, count, sizeof *intake->late));
    TRY(mem_renew(&intake->ids, &intake->id_capacity, count, sizeof *intake->ids));
    TRY(mem_renew(&intake->id_messages, &intake->id_message_capacity, count,
                  sizeof *intake->id_messages));
    TRY(mem_renew(&intake->held, &intake->held_capacity, count, sizeof *intake->held));
    TRY(mem_renew(&intake->duplicate, &intake->duplicate_capacity, count,
                  sizeof *intake->duplicate));
    if (count > 0)
        memset(intake->duplicate, 0, count * sizeof *intake->duplicate);
    return STATUS_OK;
}

/* Parts the ids into those in order and the late ones. */
static void collect_entries(struct intake *intake, struct row_batch *const *batches,
                            size_t batch_count)
{
    size_t in_order = 0;
    size_t late = 0;
    uint64_t highest = 0;
    uint32_t index = 0;
    for (size_t b = 0; b < batch_count; b++) {
        const struct message *message = batches[b]->messages;
        const struct message *const end = message + batches[b]->message_count;
        for (; message < end; message++, index++) {
            if (!message->has_id)
                continue;
            const struct intake_entry entry = {.id = message->id, .message = index};
            /* Written to both and counted in one: which it is cannot be foretold. */
            const bool is_late = message->id < highest;
            intake->in_order[in_order] = entry;
            intake->late[late] = entry;
            in_order += !is_late;
            late += is_late;
            highest = is_late ? highest : message->id;
        }
    }
    intake->in_order_count = in_order;
    intake->late_count = late;
}

/* One id in its turn. */
static inline void take_entry(struct intake *intake, const struct intake_entry *entry,
                              const struct id_set *pending)
{
    const bool repeated = intake->id_count > 0 && intake->ids[intake->id_count - 1] == entry->id;
    if (repeated || (pending && id_set_has(pending, entry->id))) {
        intake->duplicate[entry->message] = true;
        return;
    }
    intake->ids[intake->id_count] = entry->id;
    intake->id_messages[intake->id_count++] = entry->message;
}

/*
 * Merges what is in order and what is late. Leaves each id once, in `ids`; later messages of the
 * same id and pending ones are duplicates.
 */
static void collect_ids(struct intake *intake, const struct id_set *pending)
{
    const struct intake_entry *entry = intake->in_order;
    const struct intake_entry *const end = entry + intake->in_order_count;
    if (id_set_count(pending) == 0)
        pending = NULL;
    intake->id_count = 0;
    for (size_t i = 0; i < intake->late_count; i++) {
        const struct intake_entry *const late = &intake->late[i];
        for (; entry < end && entry->id <= late->id; entry++)
            take_entry(intake, entry, pending);
        take_entry(intake, late, pending);
    }
    for (; entry < end; entry++)
        take_entry(intake, entry, pending);
}

/* What the store holds already is a duplicate. There are few or none, or it is a replay. */
static void mark_held(struct intake *intake)
{
    const bool *held = intake->held;
    const bool *const end = held + intake->id_count;
    while (held < end) {
        held = memchr(held, true, (size_t)(end - held));
        if (!held)
            return;
        for (; held < end && *held; held++)
            intake->duplicate[intake->id_messages[held - intake->held]] = true;
    }
}

static size_t count_messages(const struct intake_request *request)
{
    size_t messages = 0;
    for (size_t b = 0; b < request->batch_count; b++)
        messages += request->batches[b]->message_count;
    return messages;
}

enum status intake_judge(struct intake *intake, const struct intake_request *request,
                         uint64_t *added, struct error *err)
{
    *added = 0;
    const size_t messages = count_messages(request);
    if (messages > UINT32_MAX || reserve(intake, messages) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a commit of %zu messages", messages);
    if (messages == 0)
        return STATUS_OK; /* the arrays may have no address yet */
    collect_entries(intake, request->batches, request->batch_count);
    if (mem_renew(&intake->scratch, &intake->scratch_capacity, intake->late_count,
                  sizeof *intake->scratch) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a commit of %zu messages", messages);
    if (intake->late_count > 1)
        sort_late(intake);
    collect_ids(intake, request->pending);
    if (request->add)
        TRY(seen_add(request->seen, request->txn, (struct id_list){intake->ids, intake->id_count},
                     intake->held, added, err));
    else
        TRY(seen_check(request->seen, request->txn, (struct id_list){intake->ids, intake->id_count},
                       intake->held, err));
    mark_held(intake);
    return STATUS_OK;
}

void intake_release(struct intake *intake)
{
    mem_free(intake->in_order);
    mem_free(intake->late);
    mem_free(intake->scratch);
    mem_free(intake->ids);
    mem_free(intake->id_messages);
    mem_free(intake->held);
    mem_free(intake->duplicate);
    *intake = (struct intake){0};
}
