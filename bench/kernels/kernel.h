/*
 * kernel.h - what a kernel is made of, for the files of bench/kernels only.
 *
 *      static enum status measure(const struct kernel_data *data, struct kernel_clock *clock, err)
 *      {
 *          ... what the loop needs ...
 *          while (kernel_clock_next(clock)) {
 *              kernel_clock_start(clock);
 *              ... the loop ...
 *              kernel_clock_stop(clock, values, bytes);
 *          }
 *      }
 *
 * Start and stop may come several times a run: what lies between is set up anew and not measured.
 * A timed section should take 50 us at least: asking for both clocks takes some 0.5 us.
 */
#ifndef MNSDB_BENCH_KERNELS_KERNEL_H
#define MNSDB_BENCH_KERNELS_KERNEL_H

#include "bench/kernels/kernels.h"
#include "engine/base/bytes.h"
#include "engine/block/block.h"
#include "engine/row/row.h"
#include "ingest/decode/decode.h"
#include "ingest/source/source.h"

/* The runs of one kernel. */
struct kernel_clock {
    unsigned runs_least;    /* after a first one, which does not count */
    int64_t time_least_ns;  /* and go on until so much was measured */
    struct work_clock work; /* of the section under way */
    int64_t spent_ns;       /* of this run */
    int64_t total_ns;
    uint64_t values; /* of this run */
    uint64_t bytes;
    uint64_t stored_bytes;
    bool is_open;                    /* a run was begun */
    bool is_warm;                    /* the first run is over */
    double runs_ns[KERNEL_RUNS_MAX]; /* ns a value */
    unsigned count;
    struct kernel_result *result;
};

void kernel_clock_init(struct kernel_clock *clock, unsigned runs, struct kernel_result *result);
/* Ends a run and begins the next; false when there were enough, and the result is filled in. */
bool kernel_clock_next(struct kernel_clock *clock);
void kernel_clock_start(struct kernel_clock *clock);
void kernel_clock_stop(struct kernel_clock *clock, uint64_t values, uint64_t bytes);
/* Bytes of the packed form of what this run worked on. */
void kernel_clock_note_stored(struct kernel_clock *clock, uint64_t bytes);

/* The compiler must take it for used. */
static inline void kernel_use(uint64_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

/* What the kernels work on: a fleet's messages, as lines and as what becomes of them. */
struct kernel_data {
    const char *dir;
    struct buffer lines; /* of M: 1000 devices, a reading every 10 s */
    struct buffer wide;  /* of W: 100,000 devices, as many messages at most as a batch holds */
    uint64_t messages;   /* in `lines` */
    struct decoder_config decoder;
    struct row_batch rows;      /* `lines`, decoded */
    struct block_row *readings; /* owned; in the order of a part; cells stand in `rows` */
    size_t reading_count;
    uint64_t *ids; /* owned; of the messages, ascending, each once */
    size_t id_count;
};

/* Release in any case. */
MUST_CHECK enum status kernel_data_make(struct kernel_data *data, const char *dir,
                                        uint64_t messages, struct error *err);
void kernel_data_release(struct kernel_data *data);

/* As a decoder thread does it: runs of plain lines, and others one by one. */
MUST_CHECK enum status kernel_decode(struct decoder *decoder, struct body_batch *bodies,
                                     struct row_batch *rows, struct error *err);

/* The first lines of a set, as many as fit a batch of the file source. */
struct slice kernel_first_batch(const struct buffer *lines);

struct kernel {
    const char *name;
    const char *value;
    const char *variant; /* NULL: what the processor offers */
    enum status (*measure)(const struct kernel_data *data, struct kernel_clock *clock,
                           struct error *err);
};

/* Tables that end with a kernel without a name. */
extern const struct kernel kernels_of_text[];
extern const struct kernel kernels_of_columns[];
extern const struct kernel kernels_of_rows[];
extern const struct kernel kernels_of_ids[];
extern const struct kernel kernels_of_answers[];

/* A directory in `dir` with an empty store's file in it; it goes with `release`. */
struct scratch_dir {
    char path[4096]; /* empty: not made */
};
MUST_CHECK enum status scratch_dir_make(struct scratch_dir *scratch, const char *dir,
                                        struct error *err);
void scratch_dir_release(struct scratch_dir *scratch);

MUST_CHECK enum status kernel_no_memory(struct error *err);

/*
 * Fills in report->budget: the stages of an ingest of the data. Its marks and the kernels
 * "arrange", "part-write", "seen-add" and "seen-replay" were measured; without the marks there
 * are no limits.
 */
MUST_CHECK enum status budget_measure(const struct kernel_data *data, struct kernels_report *report,
                                      struct error *err);

#endif
