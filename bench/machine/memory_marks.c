/*
 * memory_marks.c - how fast memory is read, written and copied, by one thread and by two.
 *
 * Each thread works on a part of its own of both buffers; together they cover the whole. The time
 * runs from before the second thread starts until both are done.
 */
#include "bench/machine/marks_internal.h"

#include "bench/machine/best.h"
#include "cli/clock.h"
#include "engine/base/mem.h"

#include <pthread.h>
#include <string.h>

#define THREADS_MAX 2u

enum pass {
    PASS_READ,
    PASS_WRITE,
    PASS_COPY,
};

struct memory_part {
    enum pass pass;
    uint64_t *from;
    uint64_t *to;
    size_t words;
    uint64_t sum;
};

uint64_t marks_sum_words(const uint64_t *words, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += words[i];
    return sum;
}

static void *work(void *context)
{
    struct memory_part *part = context;
    switch (part->pass) {
    case PASS_READ:
        part->sum += marks_sum_words(part->from, part->words);
        break;
    case PASS_WRITE:
        memset(part->to, (int)part->words & 1, part->words * sizeof *part->to);
        break;
    case PASS_COPY:
        memcpy(part->to, part->from, part->words * sizeof *part->to);
        break;
    }
    // What was written is used, as far as the compiler knows.
    __asm__ volatile("" : : "r"(part->to), "r"(part->sum) : "memory");
    return NULL;
}

static int64_t time_pass(struct memory_part parts[THREADS_MAX], unsigned threads)
{
    pthread_t other;
    const int64_t began_ns = clock_ns(CLOCK_MONOTONIC);
    const bool started = threads > 1 && pthread_create(&other, NULL, work, &parts[1]) == 0;
    (void)work(&parts[0]);
    if (started)
        (void)pthread_join(other, NULL);
    else if (threads > 1)
        (void)work(&parts[1]); // no thread to be had: the rate says so
    return clock_ns(CLOCK_MONOTONIC) - began_ns;
}

static double best_rate(const struct memory_buffers *buffers, unsigned threads, unsigned runs,
                        enum pass pass)
{
    const size_t words = buffers->words / threads;
    struct memory_part parts[THREADS_MAX] = {{0}};
    for (unsigned i = 0; i < threads; i++) {
        parts[i] = (struct memory_part){.pass = pass,
                                        .from = buffers->from + i * words,
                                        .to = buffers->to + i * words,
                                        .words = words};
    }
    int64_t least_ns = 0;
    for (unsigned run = 0; run < runs; run++)
        keep_least(&least_ns, time_pass(parts, threads));
    return rate_of((double)(words * threads * sizeof(uint64_t)), least_ns);
}

static struct memory_marks marks_of(const struct memory_buffers *buffers, unsigned threads,
                                    unsigned runs)
{
    return (struct memory_marks){
        .read = best_rate(buffers, threads, runs, PASS_READ),
        .write = best_rate(buffers, threads, runs, PASS_WRITE),
        .copy = best_rate(buffers, threads, runs, PASS_COPY),
    };
}

enum status marks_of_memory(const struct machine_marks_config *config, bool two_threads,
                            struct machine_marks *marks, struct error *err)
{
    const size_t words = config->memory_bytes / sizeof(uint64_t);
    OWNED(mem_free_owned) uint64_t *from = mem_alloc(words, sizeof *from);
    OWNED(mem_free_owned) uint64_t *to = mem_alloc(words, sizeof *to);
    if (!from || !to)
        return error_set(err, STATUS_NOMEM, "no memory for two buffers of %zu bytes",
                         config->memory_bytes);
    // Every page is touched before the first run.
    memset(from, 1, words * sizeof *from);
    memset(to, 1, words * sizeof *to);
    const struct memory_buffers buffers = {.from = from, .to = to, .words = words};
    marks->one = marks_of(&buffers, 1, config->runs);
    if (two_threads)
        marks->two = marks_of(&buffers, 2, config->runs);
    return STATUS_OK;
}
