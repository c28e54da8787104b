/*
 * control.h - the thread that follows signals while others are at work.
 *
 *      SIGTERM, SIGINT ─> stop() ... the drain limit ─> give_up() ... a grace ─> _exit
 *      SIGHUP          ─> reload()
 *
 * It waits in poll(), so a signal is followed at once, whatever the committer is busy with. A
 * commit that hangs in the kernel cannot be asked to end: after the grace the process ends under
 * it. What was committed stays, the rest comes again.
 *
 * Private to this folder.
 * Life cycle: start -> hush -> finish. Threads: the hooks are called by its own, stop() also by
 * whoever calls control_stop; one at a time.
 */
#ifndef MNSDB_INGEST_SERVICE_CONTROL_H
#define MNSDB_INGEST_SERVICE_CONTROL_H

#include "cli/exit_code.h"
#include "engine/base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CONTROL_GRACE_MS 3000

struct control_config {
    void *context;
    void (*stop)(void *context);
    void (*give_up)(void *context);
    void (*reload)(void *context);
    int64_t drain_ms;
    enum exit_code (*late_exit)(void); /* of a process that could not end in time */
};

struct control {
    struct control_config config;
    pthread_t thread;
    bool started;
    int wake_file; /* an eventfd: look at what follows */
    atomic_bool ended;
    atomic_llong deadline_ms; /* monotonic; when draining is over; 0: not draining */
    atomic_bool gave_up;
    pthread_mutex_t hooks; /* held while a hook runs */
    bool hushed;           /* guarded by it */
};

/* signals_install_service comes first. */
MUST_CHECK enum status control_start(struct control *control, const struct control_config *config,
                                     struct error *err);
/*
 * Waits for a hook that runs; none begins afterwards, so that what they use may be taken down.
 * The late end stays. Nothing if the thread was not started.
 */
void control_hush(struct control *control);
/* Waits for the thread. Nothing if it was not started. */
void control_finish(struct control *control);

/* Begins to drain, as a signal does. Any thread. */
void control_stop(struct control *control);

bool control_is_stopping(const struct control *control);
bool control_gave_up(const struct control *control);

/* How much of the drain limit is left; all of it while nobody drains. */
int64_t control_left_ms(const struct control *control);

#endif
