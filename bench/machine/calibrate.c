/*
 * calibrate.c - fixed pieces of work, as units of time of a machine.
 *
 * A ratio to them travels between machines better than a time does, and on one machine between its
 * busy hours: a faster clock or a faster kernel shortens both sides. Pieces are of 0.4 to 0.8 ms,
 * short enough to fall into a quiet moment whole.
 *
 * Memory is in none of them. Reads all over 2 MiB took 0.2 or 0.6 ms on the same machine, as the
 * buffer lay in one huge page or not, and those over 8 MiB 0.8 to 2.2, as neighbours left room in
 * the L3 cache: as a part of the unit they moved the ratios of all that needs no memory.
 */
#include "bench/machine/machine.h"

#include "bench/machine/best.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIX_STEPS   200000u
#define SCAN_BYTES  16384u /* half of a usual L1 cache */
#define SCAN_PASSES 50u
#define FRESH_BYTES ((size_t)1 << 20)
#define PAGE_BYTES  4096u
#define FILE_BYTES  ((size_t)256 << 10)
#define FILE_READS  8u

/* The compiler must take `value` for changed: the next step waits for this one. */
#define HOLD(value) __asm__ volatile("" : "+r"(value))

struct calibration {
    uint8_t text[SCAN_BYTES];
    uint8_t classes[256];
    uint8_t content[FILE_BYTES];
    int file; /* owned; FILE_BYTES in memory */
};

static void release(struct calibration **calibration)
{
    if (*calibration && (*calibration)->file >= 0)
        (void)close((*calibration)->file);
    mem_free(*calibration);
}

static uint64_t mix(uint64_t state)
{
    state ^= state >> 30;
    state *= UINT64_C(0xbf58476d1ce4e5b9);
    state ^= state >> 27;
    return state * UINT64_C(0x94d049bb133111eb);
}

static void prepare(struct calibration *calibration)
{
    uint64_t state = 1;
    for (size_t i = 0; i < SCAN_BYTES; i++)
        calibration->text[i] = (uint8_t)(mix(++state) >> 56);
    for (size_t i = 0; i < 256; i++)
        calibration->classes[i] = (uint8_t)(mix(++state) >> 62);
    memset(calibration->content, 1, FILE_BYTES);
}

static uint64_t compute(const struct calibration *calibration, uint64_t seed)
{
    (void)calibration;
    uint64_t sum = seed;
    for (uint32_t i = 0; i < MIX_STEPS; i++)
        sum += mix(sum + i) >> 3;
    return sum;
}

static uint64_t scan(const struct calibration *calibration, uint64_t seed)
{
    uint64_t sum = seed;
    for (uint32_t pass = 0; pass < SCAN_PASSES; pass++) {
        for (size_t i = 0; i < SCAN_BYTES; i++) {
            const uint8_t class = calibration->classes[calibration->text[i]];
            if (class == 0)
                sum = (sum << 1) + calibration->text[i];
            else if (class == 1)
                sum ^= i;
            else
                sum += class;
            HOLD(sum);
        }
    }
    return sum;
}

/* Pages that the kernel hands out empty, and bytes that it copies out of a file. */
static uint64_t call(const struct calibration *calibration, uint64_t seed)
{
    uint8_t *pages =
        mmap(NULL, FRESH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return seed;
    (void)madvise(pages, FRESH_BYTES, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < FRESH_BYTES; at += PAGE_BYTES)
        pages[at] = (uint8_t)seed;
    for (uint32_t i = 0; i < FILE_READS; i++)
        seed += (uint64_t)pread(calibration->file, pages, FILE_BYTES, 0);
    (void)munmap(pages, FRESH_BYTES);
    return seed;
}

static enum status make(struct calibration **made, struct error *err)
{
    struct calibration *calibration = mem_alloc(1, sizeof *calibration);
    *made = calibration;
    if (!calibration)
        return error_set(err, STATUS_NOMEM, "no memory to calibrate");
    prepare(calibration);
    calibration->file = memfd_create("mnsdb-calibration", MFD_CLOEXEC);
    if (calibration->file < 0 ||
        pwrite(calibration->file, calibration->content, FILE_BYTES, 0) != (ssize_t)FILE_BYTES)
        return error_set_errno(err, STATUS_FULL, errno, "no file in memory to calibrate with");
    return STATUS_OK;
}

const char *machine_unit_word(enum machine_unit unit)
{
    static const char *const words[MACHINE_UNITS] = {"core", "system", "both"};
    assert(unit < MACHINE_UNITS);
    return words[unit];
}

/* The runs of the parts take turns, so that a busy moment does not meet one part alone. */
static void run(const struct calibration *calibration, unsigned runs,
                struct machine_calibration *kept)
{
    static const struct {
        uint64_t (*work)(const struct calibration *, uint64_t);
        enum machine_unit unit;
    } parts[] = {
        {compute, MACHINE_CORE},
        {scan, MACHINE_CORE},
        {call, MACHINE_SYSTEM},
    };
    enum { PARTS = sizeof parts / sizeof parts[0] };
    int64_t least_ns[PARTS] = {0};
    for (unsigned i = 0; i < runs || i == 0; i++) {
        for (size_t part = 0; part < PARTS; part++) {
            const struct work_clock clock = work_clock_start();
            uint64_t sum = parts[part].work(calibration, mix(i + 1));
            HOLD(sum);
            keep_least(&least_ns[part], work_clock_ns(&clock));
        }
    }
    struct machine_calibration seen = {{0}};
    for (size_t part = 0; part < PARTS; part++) {
        seen.least_ns[parts[part].unit] += (double)least_ns[part];
        seen.least_ns[MACHINE_BOTH] += (double)least_ns[part];
    }
    for (size_t unit = 0; unit < MACHINE_UNITS; unit++) {
        if (kept->least_ns[unit] <= 0 || seen.least_ns[unit] < kept->least_ns[unit])
            kept->least_ns[unit] = seen.least_ns[unit];
    }
}

enum status machine_calibrate(unsigned runs, struct machine_calibration *calibration,
                              struct error *err)
{
    OWNED(release) struct calibration *work = NULL;
    TRY(make(&work, err));
    run(work, runs, calibration);
    return STATUS_OK;
}
