/*
 * render_process.c - what every exporter tells of its process, under the usual names.
 *
 * From /proc/self, where it can be read; what cannot has no sample.
 */
#include "cli/clock.h"
#include "ingest/metrics/metrics_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void close_file(FILE *const *file)
{
    if (*file)
        (void)fclose(*file);
}

static void close_folder(DIR *const *folder)
{
    if (*folder)
        (void)closedir(*folder);
}

static void single(struct metrics_page *page, const char *name, const char *help, uint64_t value)
{
    page_family(page, name, "gauge", help);
    page_count(page, &(struct page_series){.family = name}, value);
}

static void render_memory(struct metrics_page *page)
{
    OWNED(close_file) FILE *file = fopen("/proc/self/statm", "re");
    char line[128];
    if (!file || !fgets(line, sizeof line, file))
        return;
    char *next = NULL;
    const uint64_t virtual_pages = strtoull(line, &next, 10);
    const uint64_t resident_pages = strtoull(next, NULL, 10);
    const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    single(page, "process_virtual_memory_bytes", "Virtual memory.", virtual_pages * page_bytes);
    single(page, "process_resident_memory_bytes", "Resident memory.", resident_pages * page_bytes);
}

static void render_descriptors(struct metrics_page *page)
{
    OWNED(close_folder) DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    uint64_t count = 0;
    while (readdir(folder))
        count++;
    // ".", ".." and the folder itself.
    single(page, "process_open_fds", "Open file descriptors.", count > 3 ? count - 3 : 0);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        single(page, "process_max_fds", "Most file descriptors that may be open.", limit.rlim_cur);
}

static void render_cpu(struct metrics_page *page)
{
    const char *name = "process_cpu_seconds_total";
    page_family(page, name, "counter", "User and system CPU time.");
    page_us(page, &(struct page_series){.family = name},
            (uint64_t)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000);
}

void render_process(struct metrics_page *page, int64_t started_ms)
{
    render_cpu(page);
    render_memory(page);
    render_descriptors(page);
    const char *name = "process_start_time_seconds";
    page_family(page, name, "gauge", "When the process began, since 1970.");
    page_ms(page, &(struct page_series){.family = name}, started_ms);
}
