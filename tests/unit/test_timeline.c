/*
 * test_timeline.c - the rules of sessions, by example and against a plain reading of them.
 *
 * The plain reading walks the rules once for every millisecond-sized question: it keeps a
 * list of (instant, state) and asks it again and again. It shares nothing with the module.
 *
 * ctest: property
 */
#include "engine/base/mem.h"
#include "query/timeline/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct timeline_rules plain_rules;
static const struct timeline_rules at_contact = {.end_at_last_contact = true};

static struct status_event on(int64_t time_ms)
{
    return (struct status_event){.time_ms = time_ms, .online = true};
}

static struct status_event off(int64_t time_ms)
{
    return (struct status_event){.time_ms = time_ms};
}

static struct status_event off_contact(int64_t time_ms, int64_t contact_ms)
{
    return (struct status_event){.time_ms = time_ms, .contact_ms = contact_ms, .has_contact = true};
}

static void build(struct timeline *timeline, const struct status_event *events, size_t count,
                  const struct timeline_rules *rules)
{
    assert_int_equal(timeline_build(timeline, events, count, rules), STATUS_OK);
}

static void the_walkthrough_is_online_for_29144_ms(void **state)
{
    (void)state;
    const int64_t base = INT64_C(1526450324427);
    struct status_event online = on(base);
    online.has_contact = true;
    online.contact_ms = base - 14;
    const struct status_event events[] = {online, off_contact(base + 29144, base + 19954)};
    struct timeline timeline = {0};

    build(&timeline, events, 2, &plain_rules);
    struct timeline_span span = timeline_cut(&timeline, base, base + 29144);
    assert_int_equal(span.online_ms, 29144);
    assert_int_equal(span.offline_ms, 0);
    assert_int_equal(span.unknown_ms, 0);
    assert_int_equal(span.sessions, 1);
    int64_t since_ms = 0;
    assert_int_equal(timeline_state_at(&timeline, base + 29144, &since_ms), TIMELINE_OFFLINE);
    assert_int_equal(since_ms, base + 29144);

    build(&timeline, events, 2, &at_contact);
    span = timeline_cut(&timeline, base, base + 29144);
    assert_int_equal(span.online_ms, 19954);
    assert_int_equal(span.offline_ms, 9190);
    timeline_release(&timeline);
}

static void before_the_first_event_a_device_is_unknown(void **state)
{
    (void)state;
    const struct status_event events[] = {off(100)};
    struct timeline timeline = {0};
    build(&timeline, events, 1, &plain_rules);
    const struct timeline_span span = timeline_cut(&timeline, 40, 160);
    assert_int_equal(span.unknown_ms, 60);
    assert_int_equal(span.offline_ms, 60);
    assert_int_equal(span.sessions, 0);
    int64_t since_ms = -1;
    assert_int_equal(timeline_state_at(&timeline, 99, &since_ms), TIMELINE_UNKNOWN);
    assert_int_equal(since_ms, -1);
    timeline_release(&timeline);
}

static void a_device_without_events_is_unknown_throughout(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    build(&timeline, NULL, 0, &plain_rules);
    const struct timeline_span span = timeline_cut(&timeline, -5, 5);
    assert_int_equal(span.unknown_ms, 10);
    assert_int_equal(span.online_ms + span.offline_ms, 0);
}

static void a_stale_offline_is_skipped_and_counted(void **state)
{
    (void)state;
    const struct status_event events[] = {on(10000), off_contact(12000, 8999)};
    struct timeline timeline = {0};
    build(&timeline, events, 2, &plain_rules);
    struct timeline_span span = timeline_cut(&timeline, 10000, 20000);
    assert_int_equal(span.online_ms, 10000);
    assert_int_equal(span.stale, 1);

    const struct timeline_rules keep = {.keep_stale = true};
    build(&timeline, events, 2, &keep);
    span = timeline_cut(&timeline, 10000, 20000);
    assert_int_equal(span.online_ms, 2000);
    assert_int_equal(span.stale, 0);
    timeline_release(&timeline);
}

static void a_contact_of_exactly_one_second_before_is_not_stale(void **state)
{
    (void)state;
    const struct status_event events[] = {on(10000), off_contact(12000, 9000)};
    struct timeline timeline = {0};
    build(&timeline, events, 2, &plain_rules);
    const struct timeline_span span = timeline_cut(&timeline, 10000, 20000);
    assert_int_equal(span.online_ms, 2000);
    assert_int_equal(span.stale, 0);
    timeline_release(&timeline);
}

static void a_repeat_moves_the_mark_for_stale_offlines(void **state)
{
    (void)state;
    const struct status_event events[] = {on(10000), on(15000), off_contact(16000, 12000)};
    struct timeline timeline = {0};
    build(&timeline, events, 3, &plain_rules);
    const struct timeline_span span = timeline_cut(&timeline, 10000, 20000);
    assert_int_equal(span.online_ms, 10000);
    assert_int_equal(span.repeats, 1);
    assert_int_equal(span.stale, 1);
    assert_int_equal(timeline.sessions[0].repeats, 1);
    timeline_release(&timeline);
}

static void a_stale_offline_counts_while_offline_too(void **state)
{
    (void)state;
    const struct status_event events[] = {on(10000), off(11000), off_contact(12000, 5000)};
    struct timeline timeline = {0};
    build(&timeline, events, 3, &plain_rules);
    assert_int_equal(timeline_cut(&timeline, 10000, 20000).stale, 1);
    timeline_release(&timeline);
}

static void a_session_never_ends_before_it_starts_nor_after_its_event(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    const struct status_event early[] = {on(10000), off_contact(12000, 9500)};
    build(&timeline, early, 2, &at_contact);
    assert_int_equal(timeline.sessions[0].until_ms, 10000);
    const struct status_event late[] = {on(10000), off_contact(12000, 99999)};
    build(&timeline, late, 2, &at_contact);
    assert_int_equal(timeline.sessions[0].until_ms, 12000);
    timeline_release(&timeline);
}

static void a_session_of_no_length_is_a_session(void **state)
{
    (void)state;
    const struct status_event events[] = {on(50), off(50)};
    struct timeline timeline = {0};
    build(&timeline, events, 2, &plain_rules);
    assert_int_equal(timeline_cut(&timeline, 50, 60).sessions, 1);
    assert_int_equal(timeline_cut(&timeline, 40, 51).sessions, 1);
    assert_int_equal(timeline_cut(&timeline, 40, 50).sessions, 0);
    assert_int_equal(timeline_cut(&timeline, 51, 60).sessions, 0);
    timeline_release(&timeline);
}

static void an_open_session_counts_up_to_the_end_of_the_range(void **state)
{
    (void)state;
    const struct status_event events[] = {on(50)};
    struct timeline timeline = {0};
    build(&timeline, events, 1, &plain_rules);
    assert_int_equal(timeline_cut(&timeline, 0, 1000).online_ms, 950);
    int64_t since_ms = 0;
    assert_int_equal(timeline_state_at(&timeline, INT64_MAX, &since_ms), TIMELINE_ONLINE);
    assert_int_equal(since_ms, 50);
    timeline_release(&timeline);
}

/* --- against a plain reading ---------------------------------------------------------------- */

#define EVENTS_MAX  12
#define HISTORIES   20000
#define SPAN_MS     60
#define PLAIN_STATE 3

/* What the rules say of each instant: the state from it on, and what happened at it. */
struct plain {
    enum timeline_state at[SPAN_MS + 1]; /* after the changes at that instant */
    int64_t starts[EVENTS_MAX], ends[EVENTS_MAX];
    int sessions;
    int64_t repeats[EVENTS_MAX], stale[EVENTS_MAX];
    int repeat_count, stale_count;
};

static uint64_t seed = UINT64_C(88172645463325252);

static int64_t pick(int64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int64_t)(seed % (uint64_t)limit);
}

static void fill(struct plain *plain, int64_t from_ms, enum timeline_state what)
{
    for (int64_t ms = from_ms; ms <= SPAN_MS; ms++)
        plain->at[ms] = what;
}

static void read_offline(struct plain *plain, const struct status_event *event, int64_t online_ms,
                         const struct timeline_rules *rules)
{
    const bool is_online = plain->at[SPAN_MS] == TIMELINE_ONLINE;
    if (!rules->keep_stale && event->has_contact && online_ms >= 0 &&
        online_ms - event->contact_ms > TIMELINE_STALE_MS) {
        plain->stale[plain->stale_count++] = event->time_ms;
        return;
    }
    if (plain->at[SPAN_MS] == TIMELINE_OFFLINE)
        return;
    int64_t end_ms = event->time_ms;
    if (is_online) {
        if (rules->end_at_last_contact && event->has_contact && event->contact_ms < end_ms)
            end_ms = event->contact_ms;
        if (end_ms < plain->starts[plain->sessions - 1])
            end_ms = plain->starts[plain->sessions - 1];
        plain->ends[plain->sessions - 1] = end_ms;
    }
    fill(plain, end_ms, TIMELINE_OFFLINE);
}

static void read_plainly(struct plain *plain, const struct status_event *events, int count,
                         const struct timeline_rules *rules)
{
    *plain = (struct plain){0};
    int64_t online_ms = -1;
    for (int i = 0; i < count; i++) {
        if (!events[i].online) {
            read_offline(plain, &events[i], online_ms, rules);
            continue;
        }
        online_ms = events[i].time_ms;
        if (plain->at[SPAN_MS] == TIMELINE_ONLINE) {
            plain->repeats[plain->repeat_count++] = online_ms;
            continue;
        }
        plain->starts[plain->sessions] = online_ms;
        plain->ends[plain->sessions++] = INT64_MAX;
        fill(plain, online_ms, TIMELINE_ONLINE);
    }
}

static int count_inside(const int64_t *times_ms, int count, int64_t from_ms, int64_t until_ms)
{
    int inside = 0;
    for (int i = 0; i < count; i++)
        inside += times_ms[i] >= from_ms && times_ms[i] < until_ms;
    return inside;
}

static void compare_span(const struct timeline *timeline, const struct plain *plain,
                         int64_t from_ms, int64_t until_ms)
{
    int64_t ms_of[PLAIN_STATE] = {0};
    for (int64_t ms = from_ms; ms < until_ms; ms++)
        ms_of[plain->at[ms]]++;
    int sessions = 0;
    int64_t longest_ms = 0;
    for (int i = 0; i < plain->sessions; i++) {
        const int64_t start_ms = plain->starts[i];
        const int64_t end_ms = plain->ends[i];
        if (!(start_ms < until_ms && (end_ms > from_ms || start_ms >= from_ms)))
            continue;
        sessions++;
        int64_t inside_ms = 0;
        for (int64_t ms = from_ms; ms < until_ms; ms++)
            inside_ms += ms >= start_ms && ms < end_ms;
        longest_ms = inside_ms > longest_ms ? inside_ms : longest_ms;
    }
    const struct timeline_span span = timeline_cut(timeline, from_ms, until_ms);
    assert_int_equal(span.online_ms, ms_of[TIMELINE_ONLINE]);
    assert_int_equal(span.offline_ms, ms_of[TIMELINE_OFFLINE]);
    assert_int_equal(span.unknown_ms, ms_of[TIMELINE_UNKNOWN]);
    assert_int_equal(span.sessions, sessions);
    assert_int_equal(span.longest_ms, longest_ms);
    assert_int_equal(span.repeats,
                     count_inside(plain->repeats, plain->repeat_count, from_ms, until_ms));
    assert_int_equal(span.stale, count_inside(plain->stale, plain->stale_count, from_ms, until_ms));
}

/* Contacts lie around a second back, so that the rule of stale offlines is at its edge often. */
static int random_history(struct status_event *events)
{
    const int count = (int)pick(EVENTS_MAX + 1);
    int64_t time_ms = 0;
    for (int i = 0; i < count; i++) {
        time_ms += pick(8);
        events[i] = (struct status_event){
            .time_ms = time_ms < SPAN_MS ? time_ms : SPAN_MS - 1,
            .online = pick(2) == 0,
            .has_contact = pick(3) != 0,
        };
        events[i].contact_ms = pick(2) == 0 ? events[i].time_ms - pick(20)
                                            : time_ms - TIMELINE_STALE_MS - pick(12) + 4;
    }
    return count;
}

static void random_histories_agree_with_a_plain_reading(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    for (int round = 0; round < HISTORIES; round++) {
        struct status_event events[EVENTS_MAX];
        const int count = random_history(events);
        const struct timeline_rules rules = {.keep_stale = pick(4) == 0,
                                             .end_at_last_contact = pick(2) == 0};
        struct plain plain;
        read_plainly(&plain, events, count, &rules);
        build(&timeline, events, (size_t)count, &rules);
        const int64_t a = pick(SPAN_MS + 1);
        const int64_t b = pick(SPAN_MS + 1);
        compare_span(&timeline, &plain, a < b ? a : b, a < b ? b : a);
        int64_t since_ms = -1;
        const int64_t at_ms = pick(SPAN_MS + 1);
        assert_int_equal(timeline_state_at(&timeline, at_ms, &since_ms), plain.at[at_ms]);
    }
    timeline_release(&timeline);
}

static void durations_add_up_over_any_split(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    for (int round = 0; round < HISTORIES; round++) {
        struct status_event events[EVENTS_MAX];
        const int count = random_history(events);
        build(&timeline, events, (size_t)count, &plain_rules);
        const int64_t middle_ms = pick(SPAN_MS);
        const struct timeline_span whole = timeline_cut(&timeline, 0, SPAN_MS);
        const struct timeline_span left = timeline_cut(&timeline, 0, middle_ms);
        const struct timeline_span right = timeline_cut(&timeline, middle_ms, SPAN_MS);
        assert_int_equal(whole.online_ms, left.online_ms + right.online_ms);
        assert_int_equal(whole.offline_ms, left.offline_ms + right.offline_ms);
        assert_int_equal(whole.unknown_ms, left.unknown_ms + right.unknown_ms);
        assert_int_equal(whole.repeats, left.repeats + right.repeats);
        assert_int_equal(whole.stale, left.stale + right.stale);
        assert_int_equal(whole.online_ms + whole.offline_ms + whole.unknown_ms, SPAN_MS);
    }
    timeline_release(&timeline);
}

/* No message has such times, but a store can be made to hold them. */
static void lengths_add_up_between_any_two_times(void **state)
{
    (void)state;
    const struct status_event events[] = {on(INT64_MIN), off_contact(INT64_MIN + 1, INT64_MIN),
                                          off(-1), on(0), off(INT64_MAX - 1)};
    struct timeline timeline = {0};
    build(&timeline, events, 5, &plain_rules);
    assert_int_equal(timeline.stale_count, 0); // no contact is a second before the first instant
    struct timeline_span span = timeline_cut(&timeline, INT64_MIN, INT64_MAX);
    assert_int_equal(span.sessions, 2);
    assert_int_equal(span.online_ms, INT64_MAX - 1);
    assert_int_equal(span.offline_ms, 1);
    assert_int_equal(span.unknown_ms, 0);
    assert_int_equal(span.longest_ms, INT64_MAX - 1);
    span = timeline_cut(&timeline, INT64_MIN, -1);
    assert_int_equal(span.online_ms, 1);
    assert_int_equal(span.offline_ms, INT64_MAX - 1);

    build(&timeline, NULL, 0, &plain_rules);
    span = timeline_cut(&timeline, INT64_MIN, INT64_MAX);
    assert_int_equal(span.unknown_ms, INT64_MAX);
    const struct session open = {.start_ms = INT64_MIN, .until_ms = TIMELINE_OPEN_UNTIL_MS};
    assert_int_equal(session_inside_ms(&open, INT64_MIN, INT64_MAX), INT64_MAX);
    timeline_release(&timeline);
}

static void a_timeline_survives_every_failed_allocation(void **state)
{
    (void)state;
    const struct status_event events[] = {on(10000), on(10001), off(10002), off_contact(10003, 1)};
    struct timeline timeline = {0};
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        timeline_release(&timeline);
        mem_fail_at(nth);
        status = timeline_build(&timeline, events, 4, &plain_rules);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || timeline.session_count == 0);
        assert_in_range(nth, 0, 10);
    }
    timeline_release(&timeline);
    assert_int_equal(mem_live_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_walkthrough_is_online_for_29144_ms),
        cmocka_unit_test(before_the_first_event_a_device_is_unknown),
        cmocka_unit_test(a_device_without_events_is_unknown_throughout),
        cmocka_unit_test(a_stale_offline_is_skipped_and_counted),
        cmocka_unit_test(a_contact_of_exactly_one_second_before_is_not_stale),
        cmocka_unit_test(a_repeat_moves_the_mark_for_stale_offlines),
        cmocka_unit_test(a_stale_offline_counts_while_offline_too),
        cmocka_unit_test(a_session_never_ends_before_it_starts_nor_after_its_event),
        cmocka_unit_test(a_session_of_no_length_is_a_session),
        cmocka_unit_test(an_open_session_counts_up_to_the_end_of_the_range),
        cmocka_unit_test(random_histories_agree_with_a_plain_reading),
        cmocka_unit_test(durations_add_up_over_any_split),
        cmocka_unit_test(lengths_add_up_between_any_two_times),
        cmocka_unit_test(a_timeline_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
