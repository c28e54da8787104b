/*
 * monitor.h - a running ingest seen from outside: an HTTP endpoint, and systemd.
 *
 *      GET /metrics   Prometheus text                     GET /healthz   200 while progress is made
 *      GET /readyz    200 while messages are taken in, else 503 and a line that says why
 *
 * Listens on loopback unless told otherwise; GET and HEAD only; few connections, short times. Of
 * systemd it knows the notification socket ($NOTIFY_SOCKET) and the watchdog ($WATCHDOG_USEC).
 *
 * Life cycle: open -> close. Threads: its own; the metrics are read through their atomics.
 */
#ifndef MNSDB_INGEST_MONITOR_MONITOR_H
#define MNSDB_INGEST_MONITOR_MONITOR_H

#include "engine/base/error.h"
#include "ingest/metrics/metrics.h"

#include <stdbool.h>
#include <stdint.h>

struct monitor;

/*
 * `listen` is "127.0.0.1:9469", "[::1]:9469" or ":PORT" (loopback); port 0 picks one.
 * STATUS_CONFIG: the address cannot be used. `metrics` is borrowed.
 */
MUST_CHECK enum status monitor_open(struct monitor **monitor, const char *listen,
                                    const struct ingest_metrics *metrics, struct error *err);
void monitor_close(struct monitor *monitor); /* NULL is fine */

/* Whether monitor_open could understand `listen`; opens nothing. */
MUST_CHECK enum status monitor_check_address(const char *listen, struct error *err);

/* The port that was bound. */
uint16_t monitor_port(const struct monitor *monitor);

/* Nothing moves for longer than this: /healthz fails, and the watchdog is not fed. */
#define MONITOR_STALL_MS 60000

/* --- systemd --------------------------------------------------------------------------------- */

/* Each is one datagram to $NOTIFY_SOCKET, and nothing without one. For one thread at a time. */
void systemd_ready(void);
void systemd_reloading(void);
void systemd_stopping(void);
void systemd_status(const char *text); /* one line, shown by systemctl status */

/*
 * Call often: tells the watchdog that all is well, at half its interval, but only if
 * every counter of `metrics->progress` grew since the last time.
 */
void systemd_watchdog(const struct ingest_metrics *metrics);

#endif
