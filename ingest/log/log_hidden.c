/*
 * log_hidden.c - texts that no line may show.
 *
 * They are kept in pages of their own, locked and left out of core dumps as far as the system lets
 * us. When all places are taken, the text hidden first makes room: keys of a role that were
 * replaced so many times over have expired long ago.
 *
 * Threads: a mutex around everything. Whoever searches a text holds it for one look.
 */
#include "ingest/log/log_internal.h"

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

#define HIDDEN_BYTES_MIN 6u /* shorter ones would hide half of what is said */
#define HIDDEN_BYTES_MAX 8192u
#define START_BYTES_MIN  8u /* of one that was cut: the same consideration, for random texts */
#define PAGE_BYTES       4096u

struct hidden {
    size_t len;
    char text[HIDDEN_BYTES_MAX];
};

/* Whole pages, so that what is told of them to the kernel is about nothing else. */
union hidden_pages {
    struct hidden slots[LOG_HIDDEN_MAX];
    char bytes[(sizeof(struct hidden) * LOG_HIDDEN_MAX + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES];
};

static alignas(PAGE_BYTES) union hidden_pages pages;
static size_t slots_used;
static size_t slot_next; /* the oldest, once all are used */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t guarded = PTHREAD_ONCE_INIT;

/* Both may be refused, by a limit or an old kernel: then the texts are still only here. */
static void guard_pages(void)
{
    (void)mlock2(&pages, sizeof pages, MLOCK_ONFAULT);
    (void)madvise(&pages, sizeof pages, MADV_DONTDUMP);
}

static bool is_hidden_already(const char *secret, size_t len)
{
    for (size_t i = 0; i < slots_used; i++) {
        if (pages.slots[i].len == len && memcmp(pages.slots[i].text, secret, len) == 0)
            return true;
    }
    return false;
}

void log_hide(const char *secret)
{
    size_t len = secret ? strlen(secret) : 0;
    if (len < HIDDEN_BYTES_MIN)
        return;
    if (len > HIDDEN_BYTES_MAX)
        len = HIDDEN_BYTES_MAX;
    (void)pthread_once(&guarded, guard_pages);

    (void)pthread_mutex_lock(&lock);
    if (!is_hidden_already(secret, len)) {
        struct hidden *slot = &pages.slots[slot_next];
        explicit_bzero(slot->text, slot->len);
        memcpy(slot->text, secret, len);
        slot->len = len;
        slot_next = (slot_next + 1) % LOG_HIDDEN_MAX;
        if (slots_used < LOG_HIDDEN_MAX)
            slots_used++;
    }
    (void)pthread_mutex_unlock(&lock);
}

void log_hidden_forget(void)
{
    (void)pthread_mutex_lock(&lock);
    explicit_bzero(&pages, sizeof pages);
    slots_used = 0;
    slot_next = 0;
    (void)pthread_mutex_unlock(&lock);
}

/* How many bytes from here on are this hidden text, or its beginning at a cut; else 0. */
static size_t match_one(const struct hidden *hidden, struct slice rest)
{
    if (hidden->text[0] != (char)rest.data[0])
        return 0;
    const bool is_whole = rest.len >= hidden->len;
    const size_t len = is_whole ? hidden->len : rest.len;
    if (!is_whole && len < START_BYTES_MIN)
        return 0;
    return memcmp(hidden->text, rest.data, len) == 0 ? len : 0;
}

static size_t match_len(struct slice rest)
{
    size_t longest = 0;
    for (size_t i = 0; i < slots_used; i++) {
        const size_t len = match_one(&pages.slots[i], rest);
        if (len > longest)
            longest = len;
    }
    return longest;
}

/* With the lock held. */
static bool find_locked(struct slice text, size_t *begin, size_t *end)
{
    size_t at = 0;
    size_t len = 0;
    for (; at < text.len; at++) {
        len = match_len(slice_of(text.data + at, text.len - at));
        if (len > 0)
            break;
    }
    if (len == 0)
        return false;
    *begin = at;
    *end = at + len;
    for (at++; at < *end; at++) {
        len = match_len(slice_of(text.data + at, text.len - at));
        if (at + len > *end)
            *end = at + len;
    }
    return true;
}

bool log_hidden_find(struct slice text, size_t *begin, size_t *end)
{
    (void)pthread_mutex_lock(&lock);
    const bool found = slots_used > 0 && find_locked(text, begin, end);
    (void)pthread_mutex_unlock(&lock);
    return found;
}

void log_redact(char *text)
{
    static const char mask[] = "***";
    static_assert(sizeof mask - 1 <= HIDDEN_BYTES_MIN, "a masked text never grows");
    size_t begin = 0;
    size_t end = 0;
    while (log_hidden_find(slice_of_text(text), &begin, &end)) {
        memcpy(text + begin, mask, sizeof mask - 1);
        char *after = text + begin + sizeof mask - 1;
        memmove(after, text + end, strlen(text + end) + 1);
        text = after;
    }
}
