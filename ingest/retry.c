/*
 * retry.c - page by page: read rejects, decode them, store what can be stored.
 *
 * Reading and writing take turns, since one process may have the store open only once:
 *
 *      snapshot: next page of bodies -> store: settings, decode, retry -> ...
 *
 * Pages go by sequence, which only grows, so each reject is tried once.
 */
#include "ingest/retry.h"

#include "cli/signals.h"
#include "engine/base/mem.h"
#include "engine/snapshot/snapshot.h"
#include "ingest/decode/decode.h"
#include "ingest/pipeline/pipeline.h"

#include <assert.h>

#define PAGE_COUNT_MAX 16384u
#define PAGE_BYTES_MAX ((size_t)32 << 20) /* passed by one body at most */

struct retry_body {
    struct slice bytes; /* in the page's arena */
    int64_t received_ms;
};

/* Some rejects, copied out of the store. */
struct retry_page {
    struct retry_body bodies[PAGE_COUNT_MAX];
    uint64_t sequences[PAGE_COUNT_MAX];
    size_t count;
    size_t bytes;
    struct arena arena;
    uint64_t next_sequence; /* where the next page begins */
    bool is_last;
};

static void page_free(struct retry_page **page)
{
    if (*page)
        arena_release(&(*page)->arena);
    mem_free(*page);
}

/* STATUS_STOPPED: the page is full, this reject is the next page's first. */
static enum status add_to_page(void *context, const struct kept_reject *reject)
{
    struct retry_page *page = context;
    if (reject->altered)
        return STATUS_OK;
    page->next_sequence = reject->sequence;
    if (page->count == PAGE_COUNT_MAX || page->bytes >= PAGE_BYTES_MAX)
        return STATUS_STOPPED;
    const struct slice bytes = arena_copy(&page->arena, reject->body);
    if (!bytes.data)
        return STATUS_NOMEM;
    page->bodies[page->count] =
        (struct retry_body){.bytes = bytes, .received_ms = reject->received_ms};
    page->sequences[page->count++] = reject->sequence;
    page->bytes += bytes.len;
    return STATUS_OK;
}

static enum status read_page(struct retry_page *page, const char *dir, struct error *err)
{
    page->count = 0;
    page->bytes = 0;
    arena_reset(&page->arena);
    struct snapshot *snapshot = NULL;
    TRY(snapshot_open(&snapshot, dir, err));
    const enum status status =
        snapshot_rejects(snapshot, page->next_sequence, add_to_page, page, err);
    snapshot_close(snapshot);
    page->is_last = status == STATUS_OK;
    if (status == STATUS_NOMEM)
        return error_set(err, status, "no memory to retry rejected bodies");
    return status == STATUS_STOPPED ? STATUS_OK : status;
}

static enum status decode_page(const struct retry_page *page, const struct decoder_config *config,
                               struct row_batch *batch, struct error *err)
{
    OWNED(decoder_release) struct decoder decoder = {0};
    TRY(decoder_init(&decoder, config, err));
    for (size_t i = 0; i < page->count; i++) {
        const struct retry_body *body = &page->bodies[i];
        TRY(decoder_decode(&decoder, body->bytes, body->received_ms, batch, err));
    }
    assert(batch->message_count == page->count);
    return STATUS_OK;
}

static enum status write_page(const struct retry_page *page, struct store *store,
                              const struct settings *settings, struct commit_result *result,
                              struct error *err)
{
    struct decoder_config config;
    TRY(settings_apply(settings, store, &config, err));
    OWNED(row_batch_release) struct row_batch batch = {0};
    TRY(decode_page(page, &config, &batch, err));
    return store_retry_rejects(store, page->sequences, &batch, result, err);
}

static enum status retry_page(struct retry_page *page, const char *dir,
                              const struct settings *settings, struct commit_result *total,
                              struct error *err)
{
    TRY(read_page(page, dir, err));
    if (page->count == 0)
        return STATUS_OK;
    struct store *store = NULL;
    TRY(store_open_existing(&store, dir, err));
    struct commit_result result = {0};
    const enum status status = write_page(page, store, settings, &result, err);
    store_close(store);
    if (status == STATUS_OK)
        commit_result_add(total, &result);
    return status;
}

enum status retry_rejects(const char *dir, const struct settings *settings,
                          struct commit_result *total, struct error *err)
{
    OWNED(page_free) struct retry_page *page = mem_alloc_zeroed(1, sizeof *page);
    if (!page)
        return error_set(err, STATUS_NOMEM, "no memory to retry rejected bodies");
    while (!page->is_last && signals_received() == 0)
        TRY(retry_page(page, dir, settings, total, err));
    return STATUS_OK;
}
