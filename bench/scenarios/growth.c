/*
 * growth.c - see growth.h. The fleet is a child that ends with its pipe, or with this process.
 */
#include "bench/scenarios/growth.h"

#include "bench/bench/workspace.h"
#include "bench/fleet/fleet.h"
#include "bench/fleet/line_file.h"
#include "cli/human.h"
#include "cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_BYTES (1 << 20) /* as much as any user may ask for */

enum { SMALL, MANY, LARGE, SMALL_AGAIN };

/* --- the fleet's process ---------------------------------------------------------------------- */

static enum status write_lines(void *context, struct slice lines, bool *stop, struct error *err)
{
    struct line_file *file = context;
    TRY(line_file_write(file, lines, err));
    *stop = file->closed_pipe;
    return STATUS_OK;
}

static enum status write_set(const struct growth_set *set, const char *pipe_path, struct error *err)
{
    struct line_file file;
    TRY(line_file_open(&file, pipe_path, err));
    (void)fcntl(file.file, F_SETPIPE_SZ, PIPE_BYTES); /* a smaller one does, too */
    struct fleet_config fleet = fleet_config_default();
    fleet.messages = set->messages;
    fleet.devices = set->devices;
    const struct fleet_output output = {.context = &file, .write = write_lines};
    struct fleet_totals totals;
    const enum status status = fleet_run(&fleet, &output, &totals, err);
    // What failed first is what is told.
    const enum status closed = line_file_close(&file, status == STATUS_OK ? err : NULL);
    return status == STATUS_OK ? closed : status;
}

/* Writing waits until ingest opens the pipe. */
static enum status start_fleet(const struct growth_set *set, const char *pipe_path, pid_t *fleet,
                               struct error *err)
{
    (void)fflush(NULL);
    *fleet = fork();
    if (*fleet < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot start a process");
    if (*fleet > 0)
        return STATUS_OK;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct error why = {0};
    const bool written = write_set(set, pipe_path, &why) == STATUS_OK;
    if (!written)
        message_error("%s", why.message);
    _exit(written ? 0 : 1);
}

/* `failed`: nobody reads any more, and it may still wait for somebody who does. */
static enum status end_fleet(pid_t fleet, bool failed, struct error *err)
{
    int wait_status = 0;
    if (failed)
        (void)kill(fleet, SIGKILL);
    while (waitpid(fleet, &wait_status, 0) < 0) {
        if (errno != EINTR)
            return error_set_errno(err, STATUS_IO, errno, "cannot wait for the fleet");
    }
    if (!failed && (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0))
        return error_set(err, STATUS_IO, "the fleet did not write all of its messages");
    return STATUS_OK;
}

/* --- a set ------------------------------------------------------------------------------------ */

static enum status take_in(const struct workspace *workspace, struct growth_set *set,
                           struct error *err)
{
    char pipe_path[WORKSPACE_PATH_BYTES];
    pid_t fleet = 0;
    TRY(workspace_path(workspace, "pipe", pipe_path, err));
    if (mkfifo(pipe_path, 0600) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot make %s", pipe_path);
    enum status status = start_fleet(set, pipe_path, &fleet, err);
    if (status == STATUS_OK) {
        const char *path = pipe_path;
        const struct ingest_job job = {.store = workspace->store, .paths = &path, .path_count = 1};
        status = measure_ingest(&job, &set->ingest, err);
        const enum status ended = end_fleet(fleet, status != STATUS_OK, err);
        status = status == STATUS_OK ? ended : status;
    }
    (void)unlink(pipe_path);
    TRY(status);
    if (set->ingest.total.received != set->messages)
        return error_set(err, STATUS_IO, "ingest received %llu messages of the %llu",
                         (unsigned long long)set->ingest.total.received,
                         (unsigned long long)set->messages);
    return STATUS_OK;
}

static enum status ask(const struct workspace *workspace, const struct growth_config *config,
                       struct growth_set *set, struct error *err)
{
    struct query_target target = {0};
    const struct query_job job = {
        .store = workspace->store, .runs = config->runs, .query_bits = QUERY_BITS_ALL};
    TRY(measure_settle(workspace->store, &set->settle, err));
    TRY(measure_copy(workspace->store, workspace->copy, &set->copy, err));
    directory_remove(workspace->copy);
    const enum status status = measure_queries(&job, &target, &set->phase, err);
    query_target_release(&target);
    return status;
}

static enum status measure_set(const struct growth_config *config, struct growth_set *set,
                               bool asks, struct error *err)
{
    char count[HUMAN_BYTES];
    struct workspace workspace;
    message_note("set %s: %s messages of %u devices, through a pipe ...", set->name,
                 human_count(set->messages, count), set->devices);
    enum status status = workspace_make(&workspace, NULL, err);
    if (status == STATUS_OK)
        status = take_in(&workspace, set, err);
    if (status == STATUS_OK && asks)
        status = ask(&workspace, config, set, err);
    workspace_release(&workspace);
    return status;
}

enum status growth_run(const struct growth_config *config, struct growth_report *report,
                       struct error *err)
{
    *report = (struct growth_report){.config = *config};
    const struct growth_set sets[GROWTH_SETS] = {
        [SMALL] = {.name = "M", .messages = config->messages, .devices = config->devices},
        [MANY] = {.name = "M, devices of L",
                  .messages = config->messages,
                  .devices = config->many_devices},
        [LARGE] = {.name = "L",
                   .messages = config->messages * config->times,
                   .devices = config->many_devices},
        [SMALL_AGAIN] = {.name = "M again",
                         .messages = config->messages,
                         .devices = config->devices},
    };
    memcpy(report->sets, sets, sizeof sets);
    for (size_t i = 0; i < GROWTH_SETS; i++)
        TRY(measure_set(config, &report->sets[i], i != SMALL_AGAIN, err));
    return STATUS_OK;
}

double growth_cpu_ns(const struct growth_set *set)
{
    return (double)set->ingest.usage.cpu_ns / (double)set->messages;
}

double growth_ratio(const struct growth_report *report, size_t set)
{
    const double small =
        (growth_cpu_ns(&report->sets[SMALL]) + growth_cpu_ns(&report->sets[SMALL_AGAIN])) / 2;
    return small > 0 ? growth_cpu_ns(&report->sets[set]) / small : 0;
}
