/*
 * pipeline.h - from a source of bodies to commits, on several threads.
 *
 *      source ──batches──> decoders (threads) ──rows──> committer (the caller) ──> sink
 *
 * Decoders pull batches from the source one at a time and decode them side by side. The committer
 * groups decoded batches, in order of input, into one commit each of up to half a
 * million messages, lets the sink do its upkeep between commits, and acknowledges to the
 * source what is on disk. Whatever the input, memory stays bounded (work_queue.h).
 *
 * A signal (cli/signals.h) ends the reading; what was read is still committed, since
 * a pipe cannot be read twice. A steady source (a queue) ends by itself: it is told, and what it
 * still holds is pulled until SOURCE_END.
 *
 *                 bulk (recorded sets)                    steady (queues)
 *      commits    as large as allowed                     what is at hand, as soon as it is
 *      upkeep     all that is due, after each commit      step by step: while no batch waits, and
 *                                                         else at most half of the time
 *      a signal   ends the reading                        is the source's to follow
 */
#ifndef MNSDB_INGEST_PIPELINE_PIPELINE_H
#define MNSDB_INGEST_PIPELINE_PIPELINE_H

#include "engine/base/error.h"
#include "engine/store/store.h"
#include "ingest/decode/decode.h"
#include "ingest/source/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIPELINE_THREADS_MAX         64u
#define PIPELINE_THREADS_DEFAULT_MAX 8u /* beyond it, decoding is no longer what ingest waits for */
#define PIPELINE_COMMIT_MESSAGES     ((size_t)700000)
#define PIPELINE_COMMIT_WAIT_MS      2000 /* the longest that messages of a slow pipe wait */
#define PIPELINE_TICK_MS             100

/* Where decoded batches go. */
struct pipeline_sink {
    void *context;
    /* As store_commit. */
    enum status (*commit)(void *context, struct row_batch *const *batches, size_t batch_count,
                          struct commit_result *result, struct error *err);
    /* As store_maintain, one step. */
    enum status (*maintain)(void *context, bool *more, struct error *err);
    struct known_names *known_devices; /* of the store, or NULL */
};

/* Commits to a store, with its bulk or steady upkeep. */
struct pipeline_sink pipeline_store_sink(struct store *store);
struct pipeline_sink pipeline_steady_sink(struct store *store);

/* What has been done so far, for a progress bar. */
struct pipeline_progress {
    uint64_t decoded; /* messages */
    struct source_progress source;
};

/* Who is told; any function may be NULL. */
struct pipeline_listener {
    void *context;
    void (*fault)(void *context, const struct error *fault); /* an input failed; any thread */
    /* Between commits, each PIPELINE_TICK_MS or, where a commit takes longer, after it. */
    void (*tick)(void *context, const struct pipeline_progress *progress);
};

struct pipeline_config {
    struct source *source;
    struct pipeline_sink sink;
    const struct decoder_config *decoder;
    struct pipeline_listener listener;
    bool steady;            /* see above */
    unsigned threads;       /* decoders; 0: pipeline_threads_default() */
    size_t commit_messages; /* 0: PIPELINE_COMMIT_MESSAGES */
    size_t memory_bytes;    /* of decoded batches; 0: WORK_BYTES_MAX */
};

struct pipeline_result {
    struct commit_result total; /* of all commits */
    uint64_t input_bytes;       /* uncompressed, of the batches committed */
    uint64_t commits;
    uint64_t faults; /* inputs that failed */
};

/*
 * Runs until the source ends or, unless it is steady, a signal comes. On failure what was
 * committed stays and is in `result`; of a source or decoder that failed, all that came before.
 * STATUS_FULL and STATUS_IO are the sink's, or the source's own.
 */
MUST_CHECK enum status pipeline_run(const struct pipeline_config *config,
                                    struct pipeline_result *result, struct error *err);

/* One decoder for each CPU that this process may use, at most PIPELINE_THREADS_DEFAULT_MAX. */
unsigned pipeline_threads_default(void);

/* Adds the counts of one commit to a sum. */
void commit_result_add(struct commit_result *sum, const struct commit_result *part);

#endif
