/*
 * describe.c - the machine in words, from /proc, sysfs and the C library.
 */
#include "bench/machine/machine.h"

#include <gnu/libc-version.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef MNSDB_LIBRARIES
#define MNSDB_LIBRARIES ""
#endif
#ifndef MNSDB_BUILD
#define MNSDB_BUILD ""
#endif

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#define LINE_BYTES 4096
#define CACHES_MAX 8u

static void close_file(FILE **file)
{
    if (*file)
        (void)fclose(*file);
}

/* The value of the first line "name : value" of /proc/cpuinfo. */
static void find_cpu(char text[MACHINE_TEXT_BYTES])
{
    OWNED(close_file) FILE *file = fopen("/proc/cpuinfo", "re");
    char line[LINE_BYTES];
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
        if (!colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(text, MACHINE_TEXT_BYTES, "%s", colon + 1 + strspn(colon + 1, " \t"));
        return;
    }
}

static unsigned count_cpus(void)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0 || CPU_COUNT(&cpus) < 1)
        return 1;
    return (unsigned)CPU_COUNT(&cpus);
}

static uint64_t size_of(int name)
{
    const long size = sysconf(name);
    return size > 0 ? (uint64_t)size : 0;
}

/* The first line of a file of sysfs; empty if there is none. */
static void read_line(char *line, size_t line_bytes, unsigned index, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%u/%s", index, name);
    OWNED(close_file) FILE *file = fopen(path, "re");
    if (!file || !fgets(line, (int)line_bytes, file))
        line[0] = '\0';
}

/* "512K" or "32M". */
static uint64_t parse_size(const char *text)
{
    char *unit = NULL;
    const uint64_t number = strtoull(text, &unit, 10);
    if (*unit == 'K')
        return number << 10;
    return *unit == 'M' ? number << 20 : number;
}

/*
 * Of a data or unified cache. The C library's figure comes second: for the last level it counts
 * caches that this (virtual) machine has no part of.
 */
static uint64_t cache_bytes(char level, int fallback)
{
    for (unsigned index = 0; index < CACHES_MAX; index++) {
        char text[32];
        read_line(text, sizeof text, index, "level");
        if (text[0] != level)
            continue;
        read_line(text, sizeof text, index, "type");
        if (text[0] == 'I')
            continue;
        read_line(text, sizeof text, index, "size");
        return parse_size(text);
    }
    return size_of(fallback);
}

static void find_kernel(char text[MACHINE_TEXT_BYTES])
{
    struct utsname names;
    if (uname(&names) == 0)
        (void)snprintf(text, MACHINE_TEXT_BYTES, "%.30s %.60s %.30s", names.sysname, names.release,
                       names.machine);
}

/* Whether `path` is `mount` or below it. */
static bool is_below(const char *path, const char *mount)
{
    const size_t len = strlen(mount);
    if (len == 1 && mount[0] == '/')
        return true;
    return strncmp(path, mount, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/*
 * By the mount that the directory lies below: the longest one, of equals the newest. A line is
 * "36 35 98:0 /root /mount options [optional fields] - ext4 /dev/vda ...".
 */
static void find_file_system(const char *dir, char text[MACHINE_TEXT_BYTES])
{
    char path[PATH_MAX];
    OWNED(close_file) FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file || !realpath(dir, path))
        return;
    size_t longest = 0;
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, file)) {
        char mount[1024];
        const char *after = strstr(line, " - ");
        if (!after || sscanf(line, "%*s %*s %*s %*s %1023s", mount) != 1)
            continue;
        if (is_below(path, mount) && strlen(mount) >= longest) {
            longest = strlen(mount);
            (void)snprintf(text, MACHINE_TEXT_BYTES, "%.*s", (int)strcspn(after + 3, " \n"),
                           after + 3);
        }
    }
}

void machine_describe(struct machine *machine, const char *dir)
{
    *machine = (struct machine){
        .cpus = count_cpus(),
        .l1_bytes = cache_bytes('1', _SC_LEVEL1_DCACHE_SIZE),
        .l2_bytes = cache_bytes('2', _SC_LEVEL2_CACHE_SIZE),
        .l3_bytes = cache_bytes('3', _SC_LEVEL3_CACHE_SIZE),
        .memory_bytes = size_of(_SC_PHYS_PAGES) * size_of(_SC_PAGESIZE),
        .libraries = MNSDB_LIBRARIES,
        .build = MNSDB_BUILD,
    };
    find_cpu(machine->cpu);
    find_kernel(machine->kernel);
    find_file_system(dir, machine->file_system);
    (void)snprintf(machine->compiler, sizeof machine->compiler, "%s", COMPILER);
    (void)snprintf(machine->libc, sizeof machine->libc, "glibc %s", gnu_get_libc_version());
}
