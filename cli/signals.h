/*
 * signals.h - Ctrl-C and SIGTERM as a wish to end, not as an end.
 *
 * The first SIGINT, SIGTERM or SIGHUP is remembered; work loops look at
 * signals_received() between steps, and whoever waits in poll() adds signals_fd(),
 * which becomes readable then. A second signal more than a second later ends the
 * process at once (`timeout` and shells send the first one twice).
 *
 * Threads: install before threads start; reading is free to all.
 */
#ifndef MNSDB_CLI_SIGNALS_H
#define MNSDB_CLI_SIGNALS_H

/* SIGHUP is left alone where it is ignored already (nohup). */
void signals_install(void);

/* The number of the first signal, or 0. */
int signals_received(void);

/* Readable once a signal came; never read it. -1 if signals are not installed. */
int signals_fd(void);

#endif
