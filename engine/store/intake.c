/*
 * intake.c - sorting the ids of a commit and asking the seen set about them.
 *
 * Ids arrive almost sorted and share their high bits, so a radix sort that
 * skips the digits in which all agree needs few passes; it is stable, which keeps the
 * first of equal ids first.
 */
#include "engine/store/intake.h"

#include "engine/base/mem.h"

#include <string.h>

#define DIGIT_BITS 11u
#define DIGITS     (1u << DIGIT_BITS)

static bool entries_sorted(const struct intake_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (entries[i - 1].id > entries[i].id)
            return false;
    }
    return true;
}

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

static void sort_entries(struct intake *intake, size_t count)
{
    if (entries_sorted(intake->entries, count))
        return;
    const uint64_t differing = differing_bits(intake->entries, count);
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        if (((differing >> shift) & (DIGITS - 1)) == 0)
            continue;
        scatter(intake->entries, count, shift, intake->scratch);
        struct intake_entry *swap = intake->entries;
        intake->entries = intake->scratch;
        intake->scratch = swap;
        const size_t capacity = intake->entry_capacity;
        intake->entry_capacity = intake->scratch_capacity;
        intake->scratch_capacity = capacity;
    }
}

static enum status reserve(struct intake *intake, size_t count)
{
    TRY(mem_grow(&intake->entries, &intake->entry_capacity, count, sizeof *intake->entries));
    TRY(mem_grow(&intake->scratch, &intake->scratch_capacity, count, sizeof *intake->scratch));
    TRY(mem_grow(&intake->ids, &intake->id_capacity, count, sizeof *intake->ids));
    TRY(mem_grow(&intake->id_messages, &intake->id_message_capacity, count,
                 sizeof *intake->id_messages));
    TRY(mem_grow(&intake->held, &intake->held_capacity, count, sizeof *intake->held));
    TRY(mem_grow(&intake->duplicate, &intake->duplicate_capacity, count,
                 sizeof *intake->duplicate));
    if (count > 0)
        memset(intake->duplicate, 0, count * sizeof *intake->duplicate);
    return STATUS_OK;
}

static size_t collect_entries(struct intake *intake, struct row_batch *const *batches,
                              size_t batch_count)
{
    size_t entries = 0;
    uint32_t index = 0;
    for (size_t b = 0; b < batch_count; b++) {
        for (size_t m = 0; m < batches[b]->message_count; m++, index++) {
            const struct message *message = &batches[b]->messages[m];
            if (message->has_id)
                intake->entries[entries++] =
                    (struct intake_entry){.id = message->id, .message = index};
        }
    }
    return entries;
}

/* Leaves each id once, in `ids`; later messages of the same id and pending ones are duplicates. */
static void collect_ids(struct intake *intake, size_t entries, const struct id_set *pending)
{
    intake->id_count = 0;
    for (size_t i = 0; i < entries; i++) {
        const struct intake_entry *entry = &intake->entries[i];
        const bool repeated = i > 0 && entry->id == entry[-1].id;
        if (repeated || id_set_has(pending, entry->id)) {
            intake->duplicate[entry->message] = true;
            continue;
        }
        intake->ids[intake->id_count] = entry->id;
        intake->id_messages[intake->id_count++] = entry->message;
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
    const size_t entries = collect_entries(intake, request->batches, request->batch_count);
    sort_entries(intake, entries);
    collect_ids(intake, entries, request->pending);
    if (request->add)
        TRY(seen_add(request->seen, request->txn, (struct id_list){intake->ids, intake->id_count},
                     intake->held, added, err));
    else
        TRY(seen_check(request->seen, request->txn, (struct id_list){intake->ids, intake->id_count},
                       intake->held, err));
    for (size_t i = 0; i < intake->id_count; i++) {
        if (intake->held[i])
            intake->duplicate[intake->id_messages[i]] = true;
    }
    return STATUS_OK;
}

void intake_release(struct intake *intake)
{
    mem_free(intake->entries);
    mem_free(intake->scratch);
    mem_free(intake->ids);
    mem_free(intake->id_messages);
    mem_free(intake->held);
    mem_free(intake->duplicate);
    *intake = (struct intake){0};
}
