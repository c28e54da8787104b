/*
 * id_kernels.c - the seen set: new ids in order, ids that it holds, decoding its pages.
 *
 * The set lives in a store of its own, whose transactions are never committed: only the work of
 * the CPU is measured here, the disk is the budget's.
 */
#include "bench/kernels/kernel.h"

#include "engine/base/mem.h"
#include "engine/kv/kv.h"
#include "engine/seen/seen.h"

#define PAGES_MAX 512u

/* A store with nothing in it, a transaction under way, and what a call needs. */
struct id_place {
    struct scratch_dir scratch;
    struct kv *kv;
    struct kv_txn *txn;
    struct seen *seen;
    bool *held;
};

static void release_place(struct id_place *place)
{
    kv_abort(place->txn);
    kv_close(place->kv);
    seen_free(place->seen);
    mem_free(place->held);
    scratch_dir_release(&place->scratch);
}

static enum status make_place(struct id_place *place, const struct kernel_data *data,
                              struct error *err)
{
    place->held = mem_alloc_zeroed(data->id_count, sizeof *place->held);
    if (!place->held || seen_new(&place->seen) != STATUS_OK)
        return kernel_no_memory(err);
    TRY(scratch_dir_make(&place->scratch, data->dir, err));
    TRY(kv_open(&place->kv, place->scratch.path, true, err));
    return kv_begin(place->kv, true, &place->txn, err);
}

static enum status add_ids(struct id_place *place, const struct kernel_data *data,
                           struct error *err)
{
    const struct id_list list = {.ids = data->ids, .count = data->id_count};
    uint64_t added = 0;
    return seen_add(place->seen, place->txn, list, place->held, &added, err);
}

static enum status measure_add(const struct kernel_data *data, struct kernel_clock *clock,
                               struct error *err)
{
    OWNED(release_place) struct id_place place = {0};
    TRY(make_place(&place, data, err));
    while (kernel_clock_next(clock)) {
        kv_abort(place.txn);
        place.txn = NULL;
        TRY(kv_begin(place.kv, true, &place.txn, err));
        kernel_clock_start(clock);
        TRY(add_ids(&place, data, err));
        kernel_clock_stop(clock, data->id_count, data->id_count * sizeof *data->ids);
    }
    return STATUS_OK;
}

static enum status measure_replay(const struct kernel_data *data, struct kernel_clock *clock,
                                  struct error *err)
{
    OWNED(release_place) struct id_place place = {0};
    TRY(make_place(&place, data, err));
    TRY(add_ids(&place, data, err));
    const struct id_list list = {.ids = data->ids, .count = data->id_count};
    while (kernel_clock_next(clock)) {
        kernel_clock_start(clock);
        TRY(seen_check(place.seen, place.txn, list, place.held, err));
        kernel_clock_stop(clock, list.count, list.count * sizeof *list.ids);
    }
    return STATUS_OK;
}

/* --- pages ------------------------------------------------------------------------------------ */

struct id_pages {
    struct buffer bytes;
    size_t ends[PAGES_MAX];
    uint64_t firsts[PAGES_MAX];
    size_t count;
    uint64_t *ids; /* owned; room for a page's */
};

static void release_pages(struct id_pages *pages)
{
    buffer_release(&pages->bytes);
    mem_free(pages->ids);
}

static enum status copy_pages(struct id_place *place, struct id_pages *pages, struct error *err)
{
    static const uint8_t type = KEY_SEEN;
    const struct slice prefix = slice_of(&type, sizeof type);
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(place->txn, &cursor, err));
    struct kv_entry entry;
    TRY(kv_seek_ceiling(cursor, prefix, prefix, &entry, err));
    while (entry.found && pages->count < PAGES_MAX) {
        struct slice payload;
        TRY(kv_entry_payload(&entry, &payload, err));
        if (buffer_append(&pages->bytes, payload.data, payload.len) != STATUS_OK)
            return kernel_no_memory(err);
        pages->firsts[pages->count] = load_u64_be(entry.key.data + sizeof type);
        pages->ends[pages->count++] = pages->bytes.len;
        TRY(kv_next(cursor, prefix, &entry, err));
    }
    return STATUS_OK;
}

static enum status decode_pages(struct id_pages *pages, uint64_t *ids, struct error *err)
{
    size_t from = 0;
    for (size_t i = 0; i < pages->count; i++) {
        const struct slice payload = slice_of(pages->bytes.data + from, pages->ends[i] - from);
        size_t count = 0;
        TRY(seen_page_decode(payload, pages->firsts[i], pages->ids, &count, err));
        *ids += count;
        from = pages->ends[i];
    }
    return STATUS_OK;
}

static enum status measure_pages(const struct kernel_data *data, struct kernel_clock *clock,
                                 struct error *err)
{
    OWNED(release_place) struct id_place place = {0};
    TRY(make_place(&place, data, err));
    TRY(add_ids(&place, data, err));
    OWNED(release_pages) struct id_pages held = {0};
    held.ids = mem_alloc(SEEN_PAGE_IDS_MAX, sizeof *held.ids);
    if (!held.ids)
        return kernel_no_memory(err);
    TRY(copy_pages(&place, &held, err));
    while (kernel_clock_next(clock)) {
        uint64_t ids = 0;
        kernel_clock_start(clock);
        TRY(decode_pages(&held, &ids, err));
        kernel_clock_stop(clock, ids, ids * sizeof *held.ids);
        kernel_clock_note_stored(clock, held.bytes.len);
    }
    return STATUS_OK;
}

const struct kernel kernels_of_ids[] = {
    {"seen-add", "id", NULL, measure_add},
    {"seen-replay", "id", NULL, measure_replay},
    {"seen-page-decode", "id", NULL, measure_pages},
    {0},
};
