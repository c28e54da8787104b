/*
 * seen.c - which message ids the store already holds, exactly and for ever.
 *
 *      pages (disjoint, ordered by construction, packed)
 *      [------)[---------)[-------)[----------)[--- ...
 *      ^ key = first id; a page holds every id up to the next key
 *
 * (1) Pages never overlap, so one descent finds the only page that can hold an id.
 * (2) A page's key is its first id. An id below all keys therefore moves the first page.
 * (3) Adding is one ordered pass. It merges each touched page with its share of the batch into
 *     `pending` and cuts full pages off its front. Pages that follow one another in the key order
 *     and are all touched form one stream, so that a second recording of the same span leaves full
 *     pages and not halves; where the stream ends, its last two pages share their ids evenly and
 *     have room for later ones. Behind the newest id of all nothing comes between, and pages there
 *     are filled to the end.
 * (4) A page none of whose ids are new is not written.
 *
 * Runs that may overlap were weighed and lost: with a tenth of the ids 30 s late, 800 of them
 * covered an id on average. So did one key per id (18 bytes), and a fuse filter (9 bits, inexact).
 */
#include "engine/seen/seen_page.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <string.h>

#define KEY_BYTES 9u

struct seen {
    uint64_t page_ids[SEEN_PAGE_IDS_MAX]; /* of the page at hand */
    size_t page_count;
    uint64_t *pending; /* owned; ids that wait to be written, from pending_from */
    size_t pending_from;
    size_t pending_until;
    size_t pending_capacity;
    uint8_t page_bytes[SEEN_PAGE_BYTES_MAX];
};

/* Where a page lies: it holds the ids in [key, until), or from its key on if it is the last. */
struct place {
    bool found;
    uint64_t key;
    bool last;
    uint64_t until;
};

/* One pass of seen_add. */
struct pass {
    struct seen *seen;
    struct kv_txn *txn;
    struct kv_cursor *cursor; /* owned by the caller */
    const uint64_t *ids;
    size_t count;
    bool *held;
    uint64_t added;
    struct place page; /* that was merged last */
};

enum status seen_new(struct seen **seen)
{
    *seen = mem_alloc_zeroed(1, sizeof **seen);
    return *seen ? STATUS_OK : STATUS_NOMEM;
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    mem_free(seen->pending);
    mem_free(seen);
}

void seen_free_owned(struct seen *const *seen)
{
    seen_free(*seen);
}

/* --- keys and pages ------------------------------------------------------------------------- */

struct page_key {
    uint8_t bytes[KEY_BYTES];
};

static struct page_key key_of(uint64_t first)
{
    struct page_key key = {.bytes = {KEY_SEEN}};
    store_u64_be(key.bytes + 1, first);
    return key;
}

static struct slice slice_of_key(const struct page_key *key)
{
    return slice_of(key->bytes, sizeof key->bytes);
}

static const uint8_t prefix_bytes[1] = {KEY_SEEN};

static struct slice prefix(void)
{
    return slice_of(prefix_bytes, sizeof prefix_bytes);
}

static enum status first_of_key(struct slice key, uint64_t *first, struct error *err)
{
    if (key.len != KEY_BYTES)
        return error_set(err, STATUS_CORRUPT, "ids: a key of %zu bytes, expected %u", key.len,
                         KEY_BYTES);
    *first = load_u64_be(key.data + 1);
    return STATUS_OK;
}

/* Verifies and decodes the page of `entry` into `seen->page_ids`. */
static enum status decode_entry(struct seen *seen, const struct kv_entry *entry, uint64_t *first,
                                struct error *err)
{
    TRY(first_of_key(entry->key, first, err));
    struct slice payload;
    TRY(kv_entry_payload(entry, &payload, err));
    return seen_page_decode(payload, *first, seen->page_ids, &seen->page_count, err);
}

static uint64_t last_id(const struct seen *seen)
{
    return seen->page_ids[seen->page_count - 1];
}

static enum status check_within(const struct seen *seen, const struct place *page,
                                struct error *err)
{
    if (!page->last && last_id(seen) >= page->until)
        return error_set(err, STATUS_CORRUPT, "ids from %lu: the page reaches into that from %lu",
                         page->key, page->until);
    return STATUS_OK;
}

/*
 * Finds and decodes the page that an id belongs to: the one at or below it, else the first. Where
 * there is no page at all, `page->found` is false and the page at hand is empty.
 */
static enum status load_page(struct seen *seen, struct kv_cursor *cursor, uint64_t id,
                             struct place *page, struct error *err)
{
    *page = (struct place){.last = true};
    seen->page_count = 0;
    const struct page_key key = key_of(id);
    struct kv_entry entry;
    TRY(kv_seek_floor(cursor, slice_of_key(&key), prefix(), &entry, err));
    if (!entry.found)
        TRY(kv_seek_ceiling(cursor, slice_of_key(&key), prefix(), &entry, err));
    if (!entry.found)
        return STATUS_OK;

    page->found = true;
    TRY(decode_entry(seen, &entry, &page->key, err));
    TRY(kv_next(cursor, prefix(), &entry, err));
    page->last = !entry.found;
    if (entry.found)
        TRY(first_of_key(entry.key, &page->until, err));
    return check_within(seen, page, err);
}

/* The end of the ids from `from` on that belong to `page`. */
static size_t share_end(const struct place *page, const uint64_t *ids, size_t from, size_t count)
{
    if (page->last)
        return count;
    size_t until = count;
    while (from < until) {
        const size_t middle = from + (until - from) / 2;
        if (ids[middle] < page->until)
            from = middle + 1;
        else
            until = middle;
    }
    return from;
}

/* Marks which ids in [from, until) the page at hand holds; returns how many it does not. */
static size_t mark_held(const struct seen *seen, const uint64_t *ids, size_t from, size_t until,
                        bool *held)
{
    size_t fresh = 0;
    size_t at = 0;
    for (size_t i = from; i < until; i++) {
        while (at < seen->page_count && seen->page_ids[at] < ids[i])
            at++;
        held[i] = at < seen->page_count && seen->page_ids[at] == ids[i];
        fresh += !held[i];
    }
    return fresh;
}

/* --- checking ------------------------------------------------------------------------------- */

/* The caller's duty; nothing is left of it where asserts are off. */
static void assert_ascending(const uint64_t *ids, size_t count)
{
    for (size_t i = 1; i < count; i++)
        assert(ids[i - 1] < ids[i]);
    (void)ids;
}

enum status seen_check(struct seen *seen, struct kv_txn *txn, struct id_list list, bool *held,
                       struct error *err)
{
    const uint64_t *ids = list.ids;
    const size_t count = list.count;
    assert_ascending(ids, count);
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    for (size_t i = 0; i < count;) {
        struct place page;
        TRY(load_page(seen, cursor, ids[i], &page, err));
        const size_t until = share_end(&page, ids, i, count);
        (void)mark_held(seen, ids, i, until, held);
        i = until;
    }
    return STATUS_OK;
}

/* --- adding --------------------------------------------------------------------------------- */

static size_t pending_count(const struct seen *seen)
{
    return seen->pending_until - seen->pending_from;
}

static enum status reserve_pending(struct seen *seen, size_t more, struct error *err)
{
    const size_t count = pending_count(seen);
    if (count > 0 && seen->pending_from > 0)
        memmove(seen->pending, seen->pending + seen->pending_from, count * sizeof *seen->pending);
    seen->pending_from = 0;
    seen->pending_until = count;
    if (mem_grow(&seen->pending, &seen->pending_capacity, count + more, sizeof *seen->pending) !=
        STATUS_OK)
        return error_set(err, STATUS_NOMEM, "ids: no memory for %zu", count + more);
    return STATUS_OK;
}

/* Appends the page at hand and the fresh ids of [from, until), in order. */
static void merge(struct pass *pass, size_t from, size_t until)
{
    struct seen *seen = pass->seen;
    uint64_t *out = seen->pending + seen->pending_until;
    const uint64_t *page = seen->page_ids;
    const uint64_t *const page_end = page + seen->page_count;
    for (size_t i = from; i < until; i++) {
        if (pass->held[i])
            continue;
        while (page < page_end && *page < pass->ids[i])
            *out++ = *page++;
        *out++ = pass->ids[i];
    }
    while (page < page_end)
        *out++ = *page++;
    seen->pending_until = (size_t)(out - seen->pending);
}

/* Writes the first ids of `pending` as one page. */
static enum status write_page(struct pass *pass, const struct seen_plan *plan, struct error *err)
{
    struct seen *seen = pass->seen;
    const uint64_t *ids = seen->pending + seen->pending_from;
    const size_t bytes_len = seen_page_encode(ids, plan, seen->page_bytes);
    const struct page_key key = key_of(ids[0]);
    TRY(kv_put(pass->txn, slice_of_key(&key), slice_of(seen->page_bytes, bytes_len), err));
    seen->pending_from += plan->count;
    return STATUS_OK;
}

/* Makes `plan`, for the first of two last pages, leave about as many ids to the second. */
static void plan_even(const struct seen *seen, struct seen_plan *plan)
{
    const uint64_t *ids = seen->pending + seen->pending_from;
    const size_t count = pending_count(seen);
    struct seen_plan half;
    struct seen_plan rest;
    seen_page_plan(ids, count / 2, &half);
    if (half.count < count / 2)
        return;
    seen_page_plan(ids + half.count, count - half.count, &rest);
    if (half.count + rest.count == count)
        *plan = half;
}

/*
 * Cuts pages off the front of `pending`. Unless this is the `end` of the stream, at least a page's
 * worth stays, so that its last two can share evenly; `even` tells whether they shall.
 */
static enum status write_pending(struct pass *pass, bool end, bool even, struct error *err)
{
    const struct seen *seen = pass->seen;
    struct seen_plan plan;
    struct seen_plan next;
    if (pending_count(seen) > 0)
        seen_page_plan(seen->pending + seen->pending_from, pending_count(seen), &plan);
    while (pending_count(seen) > 0) {
        const size_t left = pending_count(seen) - plan.count;
        if (left == 0)
            return end ? write_page(pass, &plan, err) : STATUS_OK;
        seen_page_plan(seen->pending + seen->pending_from + plan.count, left, &next);
        if (next.count == left && !end)
            return STATUS_OK;
        if (next.count == left && even) {
            plan_even(seen, &plan);
            TRY(write_page(pass, &plan, err));
            seen_page_plan(seen->pending + seen->pending_from, pending_count(seen), &next);
        } else {
            TRY(write_page(pass, &plan, err));
        }
        plan = next;
    }
    return STATUS_OK;
}

/* Writes all that is pending: the next page touched does not follow the last one, or none does. */
static enum status end_stream(struct pass *pass, struct error *err)
{
    return write_pending(pass, true, !pass->page.last, err);
}

/* Takes the page at hand, of `page`, into the stream, with its share of the batch. */
static enum status take_page(struct pass *pass, const struct place *page, size_t from, size_t until,
                             struct error *err)
{
    struct seen *seen = pass->seen;
    TRY(reserve_pending(seen, seen->page_count + (until - from), err));
    const size_t merged_from = seen->pending_until;
    merge(pass, from, until);
    pass->page = *page;

    /* The key stays only where the next page written begins with it. */
    const bool keeps_key = merged_from == 0 && seen->pending[0] == page->key;
    if (page->found && !keeps_key) {
        const struct page_key key = key_of(page->key);
        TRY(kv_delete(pass->txn, slice_of_key(&key), err));
    }
    return write_pending(pass, false, false, err);
}

static enum status add_share(struct pass *pass, size_t *next, struct error *err)
{
    const size_t from = *next;
    struct place page;
    TRY(load_page(pass->seen, pass->cursor, pass->ids[from], &page, err));
    *next = share_end(&page, pass->ids, from, pass->count);
    const size_t fresh = mark_held(pass->seen, pass->ids, from, *next, pass->held);
    const bool follows = pass->page.found && !pass->page.last && page.key == pass->page.until;
    if (!follows)
        TRY(end_stream(pass, err));
    if (fresh == 0)
        return STATUS_OK;
    pass->added += fresh;
    return take_page(pass, &page, from, *next, err);
}

enum status seen_add(struct seen *seen, struct kv_txn *txn, struct id_list list, bool *held,
                     uint64_t *added, struct error *err)
{
    const uint64_t *ids = list.ids;
    const size_t count = list.count;
    assert_ascending(ids, count);
    *added = 0;
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    struct pass pass = {.seen = seen, .txn = txn, .cursor = cursor, .ids = ids, .count = count};
    pass.held = held;
    seen->pending_from = 0;
    seen->pending_until = 0;
    for (size_t i = 0; i < count;)
        TRY(add_share(&pass, &i, err));
    TRY(end_stream(&pass, err));
    *added = pass.added;
    return STATUS_OK;
}

/* --- verifying ------------------------------------------------------------------------------ */

/* Reports damage and goes on; other failures end the walk. */
static enum status report(enum status status, const struct error *found,
                          void (*problem)(void *context, const char *what), void *context,
                          struct error *err)
{
    if (status == STATUS_OK)
        return STATUS_OK;
    if (status != STATUS_CORRUPT)
        return error_set(err, status, "%s", found->message);
    problem(context, found->message);
    return STATUS_OK;
}

enum status seen_verify(struct seen *seen, struct kv_txn *txn,
                        void (*problem)(void *context, const char *what), void *context,
                        uint64_t *total, struct error *err)
{
    *total = 0;
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    struct kv_entry entry;
    bool any = false; /* a page before this one could be read, and ended at `previous` */
    uint64_t previous = 0;
    TRY(kv_seek_ceiling(cursor, prefix(), prefix(), &entry, err));
    while (entry.found) {
        struct error found = {0};
        uint64_t first = 0;
        enum status status = decode_entry(seen, &entry, &first, &found);
        if (status == STATUS_OK) {
            *total += seen->page_count;
            if (any && previous >= first)
                status = error_set(&found, STATUS_CORRUPT,
                                   "ids from %lu: the page before reaches to %lu", first, previous);
            previous = last_id(seen);
            any = true;
        }
        TRY(report(status, &found, problem, context, err));
        TRY(kv_next(cursor, prefix(), &entry, err));
    }
    return STATUS_OK;
}
