/*
 * live_ingest.c - see live_ingest.h. A letter is smaller than what a pipe takes in one write.
 */
#include "bench/scenarios/live_ingest.h"

#include "bench/bench/timing.h"
#include "cli/signals.h"
#include "engine/store/store.h"
#include "ingest/config/options.h"
#include "ingest/config/settings.h"
#include "ingest/pipeline/pipeline.h"
#include "ingest/source/source.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct letter {
    struct live_note note;
    struct error err;
};

/* --- the process that ingests ---------------------------------------------------------------- */

struct telling {
    const struct live_ingest_config *config;
    struct store *store;
    int notes;
    int answers;
};

static enum status send_letter(int notes, const struct letter *letter, struct error *err)
{
    ssize_t sent = -1;
    do {
        sent = write(notes, letter, sizeof *letter);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof *letter
               ? STATUS_OK
               : error_set_errno(err, STATUS_STOPPED, errno, "nobody listens");
}

static enum status commit(void *context, struct row_batch *const *batches, size_t batch_count,
                          struct commit_result *result, struct error *err)
{
    const struct telling *telling = context;
    TRY(store_commit(telling->store, batches, batch_count, result, err));
    const struct letter letter = {
        .note = {.event = LIVE_COMMITTED, .stored = store_counters(telling->store)->stored}};
    TRY(send_letter(telling->notes, &letter, err));
    char answer = 0;
    if (telling->config->stops && read(telling->answers, &answer, 1) != 1)
        return error_set(err, STATUS_STOPPED, "nobody answers");
    return STATUS_OK;
}

static enum status maintain(void *context, bool *more, struct error *err)
{
    const struct telling *telling = context;
    return store_maintain(telling->store, UPKEEP_BULK, more, err);
}

static void close_store(struct store **store)
{
    store_close(*store);
    *store = NULL;
}

static enum status ingest(struct telling *telling, struct live_note *note, struct error *err)
{
    const struct ingest_options defaults = {0};
    OWNED(settings_release) struct settings settings = {0};
    TRY(settings_read(&settings, &defaults, err));
    OWNED(close_store) struct store *store = NULL;
    TRY(store_open(&store, telling->config->store, err));
    telling->store = store;
    struct decoder_config decoder;
    TRY(settings_apply(&settings, store, &decoder, err));
    OWNED(source_close) struct source source = {0};
    TRY(file_source_open(&source, telling->config->paths, telling->config->path_count, err));
    const struct pipeline_config config = {
        .source = &source,
        .sink = {.context = telling, .commit = commit, .maintain = maintain},
        .decoder = &decoder,
    };
    struct pipeline_result done = {0};
    TRY(pipeline_run(&config, &done, err));
    if (done.faults > 0)
        return error_set(err, STATUS_STOPPED, "%llu of the inputs could not be read",
                         (unsigned long long)done.faults);
    note->stored = store_counters(store)->stored;
    note->received = done.total.received;
    return STATUS_OK;
}

_Noreturn static void be_child(struct telling *telling)
{
    struct letter letter = {.note = {.event = LIVE_ENDED}};
    const int64_t began_ns = timing_now_ns();
    letter.err.status = ingest(telling, &letter.note, &letter.err);
    letter.note.elapsed_ns = timing_now_ns() - began_ns;
    _exit(send_letter(telling->notes, &letter, NULL) == STATUS_OK ? 0 : 1);
}

/* --- the one that asks ----------------------------------------------------------------------- */

static void close_both(const int ends[2])
{
    (void)close(ends[0]);
    (void)close(ends[1]);
}

enum status live_ingest_start(struct live_ingest *ingest, const struct live_ingest_config *config,
                              struct error *err)
{
    *ingest = (struct live_ingest){.notes = -1, .answers = -1};
    int notes[2];
    int answers[2];
    if (pipe(notes) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot make a pipe");
    if (pipe(answers) != 0) {
        close_both(notes);
        return error_set_errno(err, STATUS_IO, errno, "cannot make a pipe");
    }
    (void)fflush(NULL);
    ingest->child = fork();
    if (ingest->child == 0) {
        (void)close(notes[0]);
        (void)close(answers[1]);
        be_child(&(struct telling){.config = config, .notes = notes[1], .answers = answers[0]});
    }
    if (ingest->child < 0) {
        ingest->child = 0;
        close_both(notes);
        close_both(answers);
        return error_set_errno(err, STATUS_IO, errno, "cannot start a process");
    }
    (void)close(notes[1]);
    (void)close(answers[0]);
    ingest->notes = notes[0];
    ingest->answers = answers[1];
    return STATUS_OK;
}

/* Waits until the pipe has something to read; false at the end of `wait_ms` or at a signal. */
static bool wait_for_notes(const struct live_ingest *ingest, int wait_ms)
{
    struct pollfd ends[] = {{.fd = ingest->notes, .events = POLLIN},
                            {.fd = signals_fd(), .events = POLLIN}};
    const int ready = poll(ends, sizeof ends / sizeof ends[0], wait_ms);
    return ready > 0 && ends[0].revents != 0;
}

enum status live_ingest_wait(struct live_ingest *ingest, int wait_ms, struct live_note *note,
                             struct error *err)
{
    *note = (struct live_note){.event = LIVE_TIMEOUT};
    const bool ready = wait_for_notes(ingest, wait_ms);
    if (signals_received() != 0)
        return error_set(err, STATUS_STOPPED, "stopped by a signal");
    if (!ready)
        return STATUS_OK;
    struct letter letter;
    if (read(ingest->notes, &letter, sizeof letter) != (ssize_t)sizeof letter)
        return error_set(err, STATUS_IO, "the measured process ended without a result");
    *note = letter.note;
    if (letter.err.status != STATUS_OK)
        return error_set(err, letter.err.status, "%s", letter.err.message);
    return STATUS_OK;
}

enum status live_ingest_go_on(struct live_ingest *ingest, struct error *err)
{
    const char answer = 1;
    if (write(ingest->answers, &answer, 1) != 1)
        return error_set_errno(err, STATUS_IO, errno, "the measured process is gone");
    return STATUS_OK;
}

void live_ingest_end(struct live_ingest *ingest)
{
    if (ingest->child == 0)
        return;
    (void)close(ingest->notes);
    (void)close(ingest->answers);
    if (waitpid(ingest->child, NULL, WNOHANG) == 0) {
        (void)kill(ingest->child, SIGKILL); /* what it made is thrown away */
        while (waitpid(ingest->child, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    ingest->child = 0;
}
