/*
 * timeline.h - when a device was online: its status events in order, made into sessions.
 *
 *      events     off?  ON      ON       off        off(stale)   ON
 *                  |    |       |repeat   |             |         |
 *      state   ....#----=================#-----------------------======...
 *         unknown  ^ offline   ^ online                          session open
 *                  first event
 *
 * 1. The state after an event is that event's state; before the first it is unknown.
 * 2. Online while online continues the session (a repeat); offline while offline
 *    changes nothing.
 * 3. An offline whose last contact is more than TIMELINE_STALE_MS before the latest
 *    online event that precedes it speaks of an earlier connection and is skipped (stale).
 * 4. A session ends at its offline event, or by choice at that event's last contact
 *    (never before its start, never after the event).
 * 5. A session still open counts up to the end of the range.
 * 6. online + offline + unknown = the range, exactly; spans add up over any split.
 *
 * Life cycle: zero-initialise -> build* (memory is reused) -> read -> release.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_TIMELINE_TIMELINE_H
#define MNSDB_QUERY_TIMELINE_TIMELINE_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The platform stamps a connection's first contact some ms before its online event. */
#define TIMELINE_STALE_MS      INT64_C(1000)
#define TIMELINE_OPEN_UNTIL_MS INT64_MAX /* the end of a session that is open in all history */

enum timeline_state {
    TIMELINE_UNKNOWN,
    TIMELINE_OFFLINE,
    TIMELINE_ONLINE,
};

/* "unknown", "offline", "online" */
const char *timeline_state_word(enum timeline_state state);

struct status_event {
    int64_t time_ms;
    int64_t contact_ms; /* if has_contact */
    bool online;
    bool has_contact;
};

struct timeline_rules {
    bool keep_stale;          /* rule 3 is off */
    bool end_at_last_contact; /* the choice of rule 4 */
};

/* [start_ms, until_ms); of zero length where the offline event came in the same instant. */
struct session {
    int64_t start_ms;
    int64_t until_ms; /* TIMELINE_OPEN_UNTIL_MS: open */
    uint64_t repeats;
};

struct timeline {
    struct session *sessions; /* owned; by start */
    size_t session_count, session_capacity;
    int64_t *repeats_ms; /* owned; ascending */
    size_t repeat_count, repeat_capacity;
    int64_t *stale_ms; /* owned; ascending */
    size_t stale_count, stale_capacity;
    bool has_change;
    int64_t first_change_ms; /* unknown before it; if has_change */
};

/* What a range of a timeline holds. */
struct timeline_span {
    int64_t online_ms;
    int64_t offline_ms;
    int64_t unknown_ms;
    uint64_t sessions; /* that meet the range */
    int64_t longest_ms;
    uint64_t repeats;
    uint64_t stale;
};

/* Events of one device in order of (time, id). STATUS_NOMEM leaves an empty timeline. */
MUST_CHECK enum status timeline_build(struct timeline *timeline, const struct status_event *events,
                                      size_t count, const struct timeline_rules *rules);
void timeline_release(struct timeline *timeline);

/* The first session that can meet a range from `from_ms` on: all before it ended sooner. */
size_t timeline_first_session(const struct timeline *timeline, int64_t from_ms);

/* Cuts [from_ms, until_ms), from_ms <= until_ms (asserted), out of the timeline. */
struct timeline_span timeline_cut(const struct timeline *timeline, int64_t from_ms,
                                  int64_t until_ms);

/*
 * The state at an instant, changes at that instant included, and since when it holds.
 * `*since_ms` is untouched when the state is unknown.
 */
enum timeline_state timeline_state_at(const struct timeline *timeline, int64_t at_ms,
                                      int64_t *since_ms);

/* True if a session meets [from_ms, until_ms): zero-length ones count at their start. */
bool session_meets(const struct session *session, int64_t from_ms, int64_t until_ms);

/* How much of a session lies in [from_ms, until_ms). */
int64_t session_inside_ms(const struct session *session, int64_t from_ms, int64_t until_ms);

#endif
