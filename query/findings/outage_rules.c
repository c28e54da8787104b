/*
 * outage_rules.c - devices that are offline for long, and devices that go offline far too often.
 *
 *      state    ====#      ==#  ===========#        ====
 *                   |outage  |outage       |outage
 *
 * (1) An outage is a stretch of offline as a whole: it may begin before the range, but is known no
 *     further than to the end of it. What is offline now is told whatever the range.
 * (2) How often a device goes offline is the number of its failures (query/reliability) in the
 *     range by its known time. Devices are compared without division: a/b < c/d as a*d < c*b.
 * (3) The median of a product is the lower one of all its devices with a known state, so one
 *     that fails cannot hide itself, and of two devices the better one is the measure.
 */
#include "query/findings/findings_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define WEEK_MS INT64_C(604800000)
#define MILLI   1000u

/* Outages of a device that are longer than the limit. */
struct long_outages {
    uint64_t count;
    struct time_range first, last, longest; /* of equally long ones the first */
};

/* How often a device goes offline. */
struct failing {
    struct slice product;
    uint32_t rank;
    uint64_t failures;
    int64_t known_ms; /* more than 0 */
    int64_t first_ms, last_ms;
    bool is_offline; /* at the end of the range */
    int64_t since_ms;
};

/* --- long outages -------------------------------------------------------------------------- */

static int64_t length_ms(struct time_range range)
{
    return range.until_ms - range.from_ms;
}

/* The offline time before session i, which may be the end of the list. False: there is none. */
static bool outage_before(const struct findings *findings, size_t i, struct time_range *outage)
{
    const struct timeline *timeline = &findings->timeline;
    const int64_t end_ms = findings->range.until_ms;
    if (i == 0 && !timeline->has_change)
        return false;
    outage->from_ms = i == 0 ? timeline->first_change_ms : timeline->sessions[i - 1].until_ms;
    outage->until_ms = i < timeline->session_count ? timeline->sessions[i].start_ms : end_ms;
    if (outage->until_ms > end_ms)
        outage->until_ms = end_ms;
    return outage->from_ms < outage->until_ms && outage->until_ms > findings->range.from_ms;
}

static struct long_outages find_outages(const struct findings *findings)
{
    struct long_outages found = {0};
    for (size_t i = 0; i <= findings->timeline.session_count; i++) {
        struct time_range outage = {0};
        if (!outage_before(findings, i, &outage) ||
            length_ms(outage) <= findings->spec->limits.offline_ms)
            continue;
        if (found.count++ == 0)
            found.first = outage;
        if (length_ms(outage) > length_ms(found.longest))
            found.longest = outage;
        found.last = outage;
    }
    return found;
}

/* "offline for 67d 22h since ...; it lasts", "3 outages of more than ..., the longest ..." */
static void put_outages(struct words *words, const struct findings *findings,
                        const struct long_outages *found, bool lasts)
{
    const bool longest_lasts = lasts && found->longest.from_ms == found->last.from_ms;
    if (found->count == 1) {
        words_add(words, "offline for ");
    } else {
        words_count(words, found->count, "outage", "outages");
        words_add(words, " of more than ");
        words_duration(words, findings->spec->limits.offline_ms);
        words_add(words, ", the longest ");
    }
    words_duration(words, length_ms(found->longest));
    words_add(words, longest_lasts ? " since " : " from ");
    words_time(words, found->longest.from_ms);
    if (!longest_lasts) {
        words_add(words, " to ");
        words_time(words, found->longest.until_ms);
    }
    if (findings->timeline.session_count == 0)
        words_add(words, ", never seen online");
    if (lasts && !longest_lasts) {
        words_add(words, "; offline since ");
        words_time(words, found->last.from_ms);
    }
    if (lasts)
        words_add(words, "; it lasts");
}

static enum status add_offline(struct findings *findings, struct slice device)
{
    const int64_t end_ms = findings->range.until_ms;
    int64_t since_ms = 0;
    if (findings->spec->limits.offline_ms == 0)
        return STATUS_OK;
    const struct long_outages found = find_outages(findings);
    if (found.count == 0)
        return STATUS_OK;
    const bool lasts =
        found.last.until_ms == end_ms &&
        timeline_state_at(&findings->timeline, end_ms, &since_ms) == TIMELINE_OFFLINE;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_OFFLINE, lasts ? SEVERITY_ERROR : SEVERITY_WARNING);
    draft.finding.device = device;
    draft.finding.has_time = true;
    draft.finding.first_ms = found.first.from_ms;
    draft.finding.last_ms = found.last.until_ms;
    draft.finding.count = found.count;
    put_outages(&draft.evidence, findings, &found, lasts);
    // Kinds of events order as words: offline, online, reading.
    words_command(&draft.more, findings->spec, "log --order-by kind --limit 50");
    words_device(&draft.more, device);
    words_span(&draft.more, found.first.from_ms, found.last.until_ms);
    return draft_end(&draft, findings);
}

/* --- going offline too often --------------------------------------------------------------- */

/* False: of this device no state is known in the range. */
static bool count_failures(const struct findings *findings, struct failing *failing)
{
    const struct timeline *timeline = &findings->timeline;
    const struct time_range range = findings->range;
    const struct timeline_span span = timeline_cut(timeline, range.from_ms, range.until_ms);
    failing->known_ms = span.online_ms + span.offline_ms;
    for (size_t i = timeline_first_session(timeline, range.from_ms); i < timeline->session_count;
         i++) {
        const int64_t end_ms = timeline->sessions[i].until_ms;
        if (end_ms < range.from_ms || end_ms >= range.until_ms)
            continue;
        if (failing->failures++ == 0)
            failing->first_ms = end_ms;
        failing->last_ms = end_ms;
    }
    failing->is_offline =
        timeline_state_at(timeline, range.until_ms, &failing->since_ms) == TIMELINE_OFFLINE;
    return failing->known_ms > 0;
}

/* failures by known time of `a` and `b`: < 0 if `a` fails less often */
static int compare_rates(const struct failing *a, const struct failing *b)
{
    const u128 left = (u128)a->failures * (uint64_t)b->known_ms;
    const u128 right = (u128)b->failures * (uint64_t)a->known_ms;
    return (left > right) - (left < right);
}

/* By product, within it the least failing first. */
static int compare_failing(const void *left, const void *right)
{
    const struct failing *a = left;
    const struct failing *b = right;
    const int product = slice_compare(a->product, b->product);
    if (product != 0)
        return product;
    const int rate = compare_rates(a, b);
    return rate != 0 ? rate : (a->rank > b->rank) - (a->rank < b->rank);
}

/* More than `factor_milli` thousandths of what `usual` fails. */
static bool fails_more(const struct failing *failing, const struct failing *usual,
                       uint64_t factor_milli)
{
    const u128 left = (u128)failing->failures * MILLI * (uint64_t)usual->known_ms;
    const u128 right = (u128)usual->failures * factor_milli * (uint64_t)failing->known_ms;
    return left > right;
}

static double a_week(const struct failing *failing)
{
    return (double)failing->failures * (double)WEEK_MS / (double)failing->known_ms;
}

static enum status add_unstable(struct findings *findings, const struct failing *failing,
                                const struct failing *median, size_t devices)
{
    const struct slice device =
        snapshot_device_name(findings->snapshot, findings->devices[failing->rank].device);
    struct draft draft;
    draft_begin(&draft, findings, FINDING_UNSTABLE, SEVERITY_WARNING);
    draft.finding.device = device;
    draft.finding.has_time = true;
    draft.finding.first_ms = failing->first_ms;
    draft.finding.last_ms = failing->last_ms;
    draft.finding.count = failing->failures;
    words_add(&draft.evidence, "went offline ");
    words_count(&draft.evidence, failing->failures, "time", "times");
    words_add(&draft.evidence, " in ");
    words_duration(&draft.evidence, failing->known_ms);
    words_add(&draft.evidence, ", ");
    words_real(&draft.evidence, a_week(failing));
    words_add(&draft.evidence, " times a week; ");
    if (devices > 1) {
        words_add(&draft.evidence, "the median of %zu devices of its product is ", devices);
        words_real(&draft.evidence, a_week(median));
    } else {
        words_add(&draft.evidence, "its product has no other device to compare with");
    }
    if (failing->is_offline) {
        words_add(&draft.evidence, "; offline since ");
        words_time(&draft.evidence, failing->since_ms);
    }
    words_command(&draft.more, findings->spec, "sessions");
    words_device(&draft.more, device);
    words_span(&draft.more, failing->first_ms, failing->last_ms);
    return draft_end(&draft, findings);
}

/* `failing` are the devices of a product, the least failing first. */
static enum status judge_product(struct findings *findings, const struct failing *failing,
                                 size_t count)
{
    static const struct failing weekly = {.failures = 1, .known_ms = WEEK_MS};
    const struct findings_limits *limits = &findings->spec->limits;
    assert(count > 0);
    const struct failing *median = &failing[(count - 1) / 2];
    const struct failing *usual = &weekly;
    if (count > 1 && compare_rates(median, &weekly) > 0)
        usual = median;
    for (size_t i = 0; i < count; i++) {
        if (failing[i].failures >= limits->unstable_failures &&
            fails_more(&failing[i], usual, limits->unstable_factor_milli))
            TRY(add_unstable(findings, &failing[i], median, count));
    }
    return STATUS_OK;
}

static enum status judge_products(struct findings *findings, struct failing *failing, size_t count)
{
    if (findings->spec->limits.unstable_factor_milli == 0 || count == 0)
        return STATUS_OK;
    qsort(failing, count, sizeof *failing, compare_failing);
    size_t first = 0;
    for (size_t i = 1; i <= count; i++) {
        if (i < count && slice_equal(failing[i].product, failing[first].product))
            continue;
        TRY(judge_product(findings, failing + first, i - first));
        first = i;
    }
    return STATUS_OK;
}

/* --- all devices --------------------------------------------------------------------------- */

static enum status judge_all(struct findings *findings, struct failing *failing, struct error *err)
{
    size_t count = 0;
    for (uint32_t rank = 0; rank < findings->device_count; rank++) {
        const uint32_t device = findings->devices[rank].device;
        const struct slice name = snapshot_device_name(findings->snapshot, device);
        TRY(findings_timeline(findings, device, err));
        if (!findings->timeline.has_change)
            continue;
        TRY(add_offline(findings, name));
        failing[count] = (struct failing){.product = device_product(name), .rank = rank};
        count += count_failures(findings, &failing[count]);
    }
    return judge_products(findings, failing, count);
}

enum status findings_of_outages(struct findings *findings, struct error *err)
{
    struct failing *failing = mem_alloc(findings->device_count, sizeof *failing);
    if (!failing)
        return STATUS_NOMEM;
    const enum status status = judge_all(findings, failing, err);
    mem_free(failing);
    return status;
}
