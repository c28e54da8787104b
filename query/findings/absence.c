/*
 * absence.c - long intervals without a reading: those of one device, and those of most at once.
 *
 *      device 1   | | | | | ----------------- | | |      T: most fell silent within a few
 *      device 2    |   |   |-----------------|   |          of their usual intervals
 *      device 3   | | | | |-------------------- | |      B: half of them were back
 *      device 4   | | ------ | | | | | | | | | | |
 *                           T               B
 *
 * All devices' long intervals are kept, with what counts of them: from the starts and ends, sorted,
 * it follows at every start how many devices fall silent about then, and of how many that
 * were sending. Where it is most of them, their intervals are one joint silence and no findings of
 * the devices; but who is away for twice as long as half of them are has one of its own.
 *
 * (1) A device is in at most one long interval at a time.
 * (2) Instants are visited in ascending order, so that a fall that is over is dropped for good:
 *     sorting is the dearest step, whatever the store.
 */
#include "query/findings/findings_internal.h"

#include "engine/base/mem.h"
#include "query/online/online.h"

#include <assert.h>
#include <stdlib.h>

#define PERCENT 100u

/* Someone who fell silent at T sent for the last time at most so many usual intervals before. */
#define FALL_INTERVALS 2

/* Who is away for so many times as long as half of them are is away for a reason of its own. */
#define AWAY_TIMES 2

struct joint_search {
    struct findings *findings;
    struct times births;  /* of devices: from then on they are expected to send */
    struct times leaves;  /* starts of long intervals, of devices that were born */
    struct times returns; /* their ends */
    size_t *falls;        /* owned; cases that count, by start */
    size_t fall_count;    /* all of them */
    struct times over;    /* until when each of them counts as a fall, ascending */
    size_t *active;       /* owned; falls that have begun, and may be over */
    size_t active_count;  /* of these */
    struct times ends;    /* of the members of one joint silence */
    size_t *members;      /* owned; these */
};

static void search_release(struct joint_search *search)
{
    times_release(&search->births);
    times_release(&search->leaves);
    times_release(&search->returns);
    mem_free(search->falls);
    times_release(&search->over);
    mem_free(search->active);
    times_release(&search->ends);
    mem_free(search->members);
}

/* --- cases --------------------------------------------------------------------------------- */

static bool counts(const struct absence_case *one)
{
    return one->gap_ms >= 0 || one->silent_ms >= 0;
}

/* Until when, inclusive, the device has only just fallen silent. */
static int64_t fall_until(const struct findings *findings, const struct absence_case *one)
{
    const int64_t usual_ms = findings->devices[one->rank].usual_ms;
    const int64_t last_ms = one->interval.until_ms - 1;
    int64_t until_ms = one->interval.from_ms;
    if (usual_ms > 0 &&
        __builtin_add_overflow(until_ms, FALL_INTERVALS * (i128)usual_ms, &until_ms))
        return last_ms;
    return until_ms < last_ms ? until_ms : last_ms;
}

/* A device without any reading is suspect only where others of its product have some. */
static enum status forget_products(struct findings *findings, struct error *err)
{
    OWNED(product_list_release) struct product_list products = {0};
    TRY(product_list_init(&products, findings->snapshot, err));
    OWNED(mem_free_owned) bool *reads = mem_alloc_zeroed(products.count, sizeof *reads);
    if (!reads)
        return STATUS_NOMEM;
    for (uint32_t rank = 0; rank < findings->device_count; rank++) {
        const struct device_facts *device = &findings->devices[rank];
        reads[products.of_device[device->device]] |= device->readings > 0;
    }
    for (size_t i = 0; i < findings->absence_count; i++) {
        struct absence_case *one = &findings->absences[i];
        const struct device_facts *device = &findings->devices[one->rank];
        if (device->readings == 0 && !reads[products.of_device[device->device]])
            one->gap_ms = one->silent_ms = -1;
    }
    return STATUS_OK;
}

static void see_absence(struct absence *absence, const struct time_range *interval,
                        int64_t length_ms, bool lasts)
{
    if (absence->count == 0 || interval->from_ms < absence->first_ms)
        absence->first_ms = interval->from_ms;
    if (absence->count == 0 || interval->until_ms > absence->last_ms)
        absence->last_ms = interval->until_ms;
    if (absence->count == 0 || length_ms > absence->longest_ms) {
        absence->longest_ms = length_ms;
        absence->longest_start_ms = interval->from_ms;
        absence->longest_until_ms = interval->until_ms;
    }
    absence->count++;
    absence->lasts = absence->lasts || lasts;
}

/* What belongs to no joint silence is summed up by device. */
static void sum_up(struct findings *findings)
{
    for (size_t i = 0; i < findings->absence_count; i++) {
        const struct absence_case *one = &findings->absences[i];
        struct device_facts *device = &findings->devices[one->rank];
        if (one->joint)
            continue;
        if (one->gap_ms >= 0)
            see_absence(&device->gap, &one->interval, one->gap_ms, one->gap_lasts);
        if (one->silent_ms >= 0)
            see_absence(&device->silent, &one->interval, one->silent_ms, one->silent_lasts);
    }
}

static int compare_ms(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* --- preparation --------------------------------------------------------------------------- */

/* From here on a device is expected to send: before its first reading it may not have been. */
static bool birth_of(const struct findings *findings, uint32_t rank, int64_t *birth_ms)
{
    const struct device_facts *device = &findings->devices[rank];
    const bool asked = findings->spec->selection->has_from;
    *birth_ms = asked ? findings->range.from_ms : device->first_ms;
    return device->readings > 0;
}

static int compare_falls(const void *left, const void *right, void *context)
{
    const struct absence_case *cases = context;
    const size_t a = *(const size_t *)left;
    const size_t b = *(const size_t *)right;
    const int order = compare_ms(&cases[a].interval.from_ms, &cases[b].interval.from_ms);
    return order != 0 ? order : (a > b) - (a < b);
}

static void take_case(struct joint_search *search, size_t at)
{
    const struct findings *findings = search->findings;
    const struct absence_case *one = &findings->absences[at];
    int64_t birth_ms = 0;
    const bool sent = birth_of(findings, one->rank, &birth_ms) && one->interval.from_ms >= birth_ms;
    if (sent) {
        search->leaves.ms[search->leaves.count++] = one->interval.from_ms;
        search->returns.ms[search->returns.count++] = one->interval.until_ms;
    }
    // Who never sent has not fallen silent, unless it was asked what is missing since then.
    if (!counts(one) || !(sent || findings->spec->selection->has_from))
        return;
    search->falls[search->fall_count++] = at;
    search->over.ms[search->over.count++] = fall_until(findings, one);
}

static enum status search_init(struct joint_search *search)
{
    struct findings *findings = search->findings;
    const size_t case_count = findings->absence_count;
    TRY(times_init(&search->births, findings->device_count));
    TRY(times_init(&search->leaves, case_count));
    TRY(times_init(&search->returns, case_count));
    TRY(times_init(&search->over, case_count));
    TRY(times_init(&search->ends, case_count));
    search->falls = mem_alloc(case_count, sizeof *search->falls);
    search->active = mem_alloc(case_count, sizeof *search->active);
    search->members = mem_alloc(case_count, sizeof *search->members);
    if (!search->falls || !search->active || !search->members)
        return STATUS_NOMEM;
    for (uint32_t rank = 0; rank < findings->device_count; rank++) {
        int64_t birth_ms = 0;
        if (birth_of(findings, rank, &birth_ms))
            search->births.ms[search->births.count++] = birth_ms;
    }
    for (size_t i = 0; i < case_count; i++)
        take_case(search, i);
    times_sort(&search->births);
    times_sort(&search->leaves);
    times_sort(&search->returns);
    times_sort(&search->over);
    if (search->fall_count > 1)
        qsort_r(search->falls, search->fall_count, sizeof *search->falls, compare_falls,
                findings->absences);
    return STATUS_OK;
}

/* --- joint silences ------------------------------------------------------------------------- */

/* Devices that were sending until `time_ms`, but for those that fall silent about then. */
static uint64_t sending_at(const struct joint_search *search, int64_t time_ms)
{
    const size_t born = times_upto(&search->births, time_ms);
    const size_t left = times_upto(&search->leaves, time_ms);
    const size_t returned = times_upto(&search->returns, time_ms);
    assert(returned <= left && left - returned <= born);
    return born - (left - returned);
}

static bool are_most(const struct joint_search *search, uint64_t fallen, uint64_t expected)
{
    const struct findings_limits *limits = &search->findings->spec->limits;
    return fallen > 0 && fallen >= limits->together_devices &&
           fallen * PERCENT > limits->together_percent * expected;
}

static bool lasts(const struct absence_case *one)
{
    return (one->gap_ms >= 0 && one->gap_lasts) || (one->silent_ms >= 0 && one->silent_lasts);
}

static void see_member(struct joint_silence *joint, const struct absence_case *one)
{
    const struct time_range *interval = &one->interval;
    if (joint->devices == 0 || interval->from_ms < joint->first_ms)
        joint->first_ms = interval->from_ms;
    if (joint->devices == 0 || interval->from_ms > joint->from_ms)
        joint->from_ms = interval->from_ms;
    if (joint->devices == 0 || interval->until_ms > joint->last_ms)
        joint->last_ms = interval->until_ms;
    joint->devices++;
    joint->lasting += lasts(one);
}

/* Of those that fell silent, the ones that were away about as long as half of them. */
static enum status judge_members(struct joint_search *search, int64_t time_ms)
{
    struct findings *findings = search->findings;
    struct times *ends = &search->ends;
    times_sort(ends);
    struct joint_silence joint = {.until_ms = ends->ms[(ends->count - 1) / 2],
                                  .expected = ends->count + sending_at(search, time_ms)};
    const i128 away_ms = AWAY_TIMES * ((i128)joint.until_ms - time_ms);
    size_t count = 0;
    for (size_t i = 0; i < ends->count; i++) {
        const struct absence_case *one = &findings->absences[search->members[i]];
        if ((i128)one->interval.until_ms - time_ms > away_ms)
            continue;
        search->members[count++] = search->members[i];
        see_member(&joint, one);
    }
    if (!are_most(search, count, joint.expected))
        return STATUS_OK;
    for (size_t i = 0; i < count; i++)
        findings->absences[search->members[i]].joint = true;
    TRY(mem_grow(&findings->joints, &findings->joint_capacity, findings->joint_count + 1,
                 sizeof *findings->joints));
    findings->joints[findings->joint_count++] = joint;
    return STATUS_OK;
}

/* Those that fall silent about `time_ms`, if they are most; falls that are over are forgotten. */
static enum status judge_instant(struct joint_search *search, int64_t time_ms)
{
    const struct findings *findings = search->findings;
    size_t active_count = 0;
    search->ends.count = 0;
    for (size_t i = 0; i < search->active_count; i++) {
        const size_t at = search->active[i];
        const struct absence_case *one = &findings->absences[at];
        if (one->joint || fall_until(findings, one) < time_ms)
            continue;
        search->active[active_count++] = at;
        if (one->interval.from_ms > time_ms)
            continue;
        search->members[search->ends.count] = at;
        search->ends.ms[search->ends.count++] = one->interval.until_ms;
    }
    search->active_count = active_count;
    const uint64_t count = search->ends.count;
    return are_most(search, count, count + sending_at(search, time_ms))
               ? judge_members(search, time_ms)
               : STATUS_OK;
}

/*
 * Instants in a row at which most have fallen silent tell of one joint silence; its instant is the
 * first at which the most of them have.
 */
static enum status find_joints(struct joint_search *search)
{
    const struct absence_case *cases = search->findings->absences;
    uint64_t peak = 0; // of the row at hand; 0: there is none
    int64_t peak_ms = 0;
    for (size_t i = 0; i < search->fall_count;) {
        const int64_t time_ms = cases[search->falls[i]].interval.from_ms;
        size_t next = i;
        while (next < search->fall_count && cases[search->falls[next]].interval.from_ms == time_ms)
            next++;
        const uint64_t fallen = next - times_before(&search->over, time_ms);
        const bool most = are_most(search, fallen, fallen + sending_at(search, time_ms));
        if (!most && peak > 0) {
            TRY(judge_instant(search, peak_ms));
            peak = 0;
        }
        if (most && fallen > peak) {
            peak = fallen;
            peak_ms = time_ms;
        }
        for (; i < next; i++)
            search->active[search->active_count++] = search->falls[i];
    }
    return peak > 0 ? judge_instant(search, peak_ms) : STATUS_OK;
}

enum status findings_absences(struct findings *findings, struct error *err)
{
    TRY(forget_products(findings, err));
    if (findings->spec->limits.together_devices > 0 && findings->absence_count > 0) {
        OWNED(search_release) struct joint_search search = {.findings = findings};
        TRY(search_init(&search));
        TRY(find_joints(&search));
    }
    sum_up(findings);
    return STATUS_OK;
}
