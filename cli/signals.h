/*
 * signals.h - Ctrl-C and SIGTERM as a wish to end, not as an end.
 *
 * The first SIGINT, SIGTERM or SIGHUP is remembered; work loops look at
 * signals_received() between steps, and whoever waits in poll() adds signals_fd(),
 * which becomes readable then. A second signal more than a second later ends the
 * process at once (`timeout` and shells send the first one twice).
 *
 * For a service SIGHUP is no wish to end: it is counted, and means to read settings again.
 *
 * Threads: install before threads start; reading is free to all.
 */
#ifndef MNSDB_CLI_SIGNALS_H
#define MNSDB_CLI_SIGNALS_H

#include <pthread.h>

/* SIGHUP is left alone where it is ignored already (nohup). */
void signals_install(void);
/* Of SIGHUP only the count is kept. */
void signals_install_service(void);

/* The number of the first signal, or 0. */
int signals_received(void);

/* Readable once a signal came; never read it. -1 if signals are not installed. */
int signals_fd(void);

/* How many SIGHUPs came to a service. */
unsigned signals_hangups(void);

/*
 * As pthread_create, for a thread that takes no signals: they are for the thread that waits for
 * them. Returns 0 or an errno.
 */
int signals_thread_create(pthread_t *thread, void *(*run)(void *), void *context);

/* An eventfd, readable when some came since it was last read. -1 if this is no service. */
int signals_hangup_fd(void);

#endif
