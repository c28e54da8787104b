/*
 * journal.c - the file; see journal.h.
 *
 *      DIR/lock         held while a process uses DIR
 *      DIR/journal      every change, in order
 *      DIR/journal.new  a shorter journal of the same state, while it is written
 *
 * (1) `length` is where the next record goes; all before it is whole records.
 * (2) An answer leaves only after the records of its call are written; if it makes a promise (what
 *     was sent stays, what was deleted is gone), after they are synced.
 * (3) journal.new takes the place of journal by a rename, after it is synced: at every moment
 *     one whole journal is there.
 */
#include "bench/localqueue/journal.h"

#include "bench/localqueue/journal_internal.h"
#include "engine/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME      "journal"
#define NEW_NAME       "journal.new"
#define LOCK_NAME      "lock"
#define CHUNK_BYTES    ((size_t)1 << 20)    /* written at once while a journal is written anew */
#define REWRITE_BYTES  (UINT64_C(64) << 20) /* shorter ones are left alone */
#define REWRITE_FACTOR 3u                   /* so much longer than its messages */

struct journal {
    int folder;
    int lock;
    int file;
    uint64_t length;       /* of the file */
    struct buffer pending; /* owned; records to write */
    bool must_sync;
    enum status failure; /* of noting; kept */
};

/* --- opening -------------------------------------------------------------------------------- */

static enum status write_all(int file, const uint8_t *bytes, size_t bytes_len, uint64_t offset,
                             struct error *err)
{
    size_t written = 0;
    while (written < bytes_len) {
        const ssize_t count =
            pwrite(file, bytes + written, bytes_len - written, (off_t)(offset + written));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_set_errno(err, errno == ENOSPC ? STATUS_FULL : STATUS_IO, errno,
                                   "cannot write the queues' journal");
        written += (size_t)count;
    }
    return STATUS_OK;
}

static enum status sync_file(int file, struct error *err)
{
    if (fdatasync(file) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot sync the queues' journal");
    return STATUS_OK;
}

static enum status sync_folder(int folder, struct error *err)
{
    if (fsync(folder) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot sync the queues' folder");
    return STATUS_OK;
}

static enum status open_folder(struct journal *journal, const char *dir, struct error *err)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, STATUS_IO, errno, "cannot make %s", dir);
    journal->folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->folder < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot open %s", dir);
    journal->lock =
        openat(journal->folder, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (journal->lock < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot open %s/" LOCK_NAME, dir);
    if (flock(journal->lock, LOCK_EX | LOCK_NB) != 0)
        return error_set(err, STATUS_LOCKED, "%s is in use by another process", dir);
    return STATUS_OK;
}

/* A new file, or one whose making was cut short, becomes an empty journal. */
static enum status open_file(struct journal *journal, const char *dir, struct error *err)
{
    struct stat info;
    journal->file =
        openat(journal->folder, FILE_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (journal->file < 0 || fstat(journal->file, &info) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot open %s/" FILE_NAME, dir);
    if (!S_ISREG(info.st_mode))
        return error_set(err, STATUS_IO, "%s/" FILE_NAME " is no regular file", dir);
    journal->length = (uint64_t)info.st_size;
    if (journal->length >= JOURNAL_MAGIC_BYTES)
        return STATUS_OK;
    TRY(write_all(journal->file, (const uint8_t *)JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES, 0, err));
    TRY(sync_file(journal->file, err));
    journal->length = JOURNAL_MAGIC_BYTES;
    return sync_folder(journal->folder, err);
}

static enum status replay(struct journal *journal, const char *dir, struct broker *broker,
                          uint64_t *dropped_bytes, struct error *err)
{
    const size_t len = (size_t)journal->length;
    void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, journal->file, 0);
    if (map == MAP_FAILED)
        return error_set_errno(err, STATUS_IO, errno, "cannot read %s/" FILE_NAME, dir);
    uint64_t whole_bytes = 0;
    const enum status status = records_replay(broker, slice_of(map, len), &whole_bytes, err);
    (void)munmap(map, len);
    if (status != STATUS_OK) {
        error_add_context(err, "%s/" FILE_NAME, dir);
        return status;
    }
    *dropped_bytes = journal->length - whole_bytes;
    journal->length = whole_bytes;
    if (*dropped_bytes == 0)
        return STATUS_OK;
    if (ftruncate(journal->file, (off_t)whole_bytes) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot shorten %s/" FILE_NAME, dir);
    // What was cut off must not come back behind a new record that happens to end before it.
    return sync_file(journal->file, err);
}

static enum status open_all(struct journal *journal, const char *dir, struct broker *broker,
                            uint64_t *dropped_bytes, struct error *err)
{
    TRY(open_folder(journal, dir, err));
    if (unlinkat(journal->folder, NEW_NAME, 0) != 0 && errno != ENOENT)
        return error_set_errno(err, STATUS_IO, errno, "cannot remove %s/" NEW_NAME, dir);
    TRY(open_file(journal, dir, err));
    return replay(journal, dir, broker, dropped_bytes, err);
}

enum status journal_open(struct journal **journal, const char *dir, struct broker *broker,
                         uint64_t *dropped_bytes, struct error *err)
{
    struct journal *opened = mem_alloc_zeroed(1, sizeof *opened);
    if (!opened)
        return error_set(err, STATUS_NOMEM, "no memory for a journal");
    opened->folder = -1;
    opened->lock = -1;
    opened->file = -1;
    *dropped_bytes = 0;
    const enum status status = open_all(opened, dir, broker, dropped_bytes, err);
    if (status != STATUS_OK) {
        journal_close(opened);
        return status;
    }
    *journal = opened;
    return STATUS_OK;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    const int files[] = {journal->file, journal->lock, journal->folder};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i] >= 0)
            (void)close(files[i]);
    }
    buffer_release(&journal->pending);
    mem_free(journal);
}

/* --- noting --------------------------------------------------------------------------------- */

static void note(struct journal *journal, enum status status, bool is_promise)
{
    if (status != STATUS_OK)
        journal->failure = status;
    journal->must_sync = journal->must_sync || is_promise;
}

void journal_queue(struct journal *journal, const struct named_queue *queue)
{
    if (journal)
        note(journal, record_queue(&journal->pending, journal->length, queue), true);
}

void journal_queue_removed(struct journal *journal, const struct named_queue *queue)
{
    if (journal)
        note(journal, record_removed(&journal->pending, journal->length, queue), true);
}

void journal_sent(struct journal *journal, const struct named_queue *queue,
                  const struct queued *message)
{
    if (journal)
        note(journal, record_message(&journal->pending, journal->length, queue, message), true);
}

void journal_received(struct journal *journal, const struct named_queue *queue, int64_t now_ms,
                      struct queued *const *messages, size_t count)
{
    const struct received_record received = {queue, messages, count, now_ms};
    if (journal)
        note(journal, record_received(&journal->pending, journal->length, &received), false);
}

void journal_visibility(struct journal *journal, const struct named_queue *queue,
                        const struct queued *message)
{
    if (journal)
        note(journal, record_visibility(&journal->pending, journal->length, queue, message), false);
}

void journal_deleted(struct journal *journal, const struct named_queue *queue,
                     const struct queued *message)
{
    if (journal)
        note(journal, record_deleted(&journal->pending, journal->length, queue, message), true);
}

bool journal_must_flush(const struct journal *journal)
{
    return journal && journal->pending.len > 0;
}

/* --- writing -------------------------------------------------------------------------------- */

/* A new journal on its way to the disk. */
struct rewriting {
    int file;
    uint64_t length;
    struct buffer chunk;
};

static enum status write_chunk(struct rewriting *new, size_t least, struct error *err)
{
    if (new->chunk.len < least)
        return STATUS_OK;
    TRY(write_all(new->file, new->chunk.data, new->chunk.len, new->length, err));
    new->length += new->chunk.len;
    buffer_clear(&new->chunk);
    return STATUS_OK;
}

static enum status write_queue(struct rewriting *new, const struct named_queue *queue,
                               struct error *err)
{
    TRY(record_queue(&new->chunk, new->length, queue));
    for (const struct queued *message = queue->queue.oldest; message; message = message->newer) {
        TRY(record_message(&new->chunk, new->length, queue, message));
        TRY(write_chunk(new, CHUNK_BYTES, err));
    }
    return STATUS_OK;
}

static enum status write_state(struct rewriting *new, const struct broker *broker,
                               struct error *err)
{
    TRY(buffer_append(&new->chunk, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES));
    for (size_t i = 0; i < broker->count; i++)
        TRY(write_queue(new, broker->queues[i], err));
    TRY(write_chunk(new, 0, err));
    return sync_file(new->file, err);
}

static enum status rewrite(struct journal *journal, const struct broker *broker, struct error *err)
{
    struct rewriting new = {
        .file = openat(journal->folder, NEW_NAME,
                       O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600),
    };
    if (new.file < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot make a new journal of the queues");
    enum status status = write_state(&new, broker, err);
    buffer_release(&new.chunk);
    if (status == STATUS_OK && renameat(journal->folder, NEW_NAME, journal->folder, FILE_NAME) != 0)
        status = error_set_errno(err, STATUS_IO, errno, "cannot rename the queues' new journal");
    if (status != STATUS_OK) {
        (void)close(new.file);
        return status;
    }
    (void)close(journal->file);
    journal->file = new.file;
    journal->length = new.length;
    return sync_folder(journal->folder, err);
}

enum status journal_flush(struct journal *journal, const struct broker *broker, struct error *err)
{
    if (!journal)
        return STATUS_OK;
    if (journal->failure != STATUS_OK)
        return error_set(err, journal->failure, "no memory for the queues' journal");
    if (journal->pending.len == 0)
        return STATUS_OK;
    TRY(write_all(journal->file, journal->pending.data, journal->pending.len, journal->length,
                  err));
    journal->length += journal->pending.len;
    buffer_clear(&journal->pending);
    if (journal->must_sync)
        TRY(sync_file(journal->file, err));
    journal->must_sync = false;
    if (journal->length < REWRITE_BYTES || journal->length < REWRITE_FACTOR * broker_bytes(broker))
        return STATUS_OK;
    return rewrite(journal, broker, err);
}
