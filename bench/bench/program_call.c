/*
 * program_call.c - posix_spawn: starting costs the same however large the caller has grown.
 */
#include "bench/bench/program_call.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool program_find(const char *name, char *path, size_t path_bytes)
{
    const ssize_t len = readlink("/proc/self/exe", path, path_bytes);
    if (len <= 0 || (size_t)len >= path_bytes)
        return false;
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return false;
    const size_t room = path_bytes - (size_t)(slash + 1 - path);
    const int used = snprintf(slash + 1, room, "%s", name);
    return used > 0 && (size_t)used < room && access(path, X_OK) == 0;
}

static enum status wait_for(pid_t child, const char *path, struct error *err)
{
    int wait_status = 0;
    while (waitpid(child, &wait_status, 0) < 0) {
        if (errno != EINTR)
            return error_set_errno(err, STATUS_IO, errno, "cannot wait for %s", path);
    }
    if (WIFSIGNALED(wait_status))
        return error_set(err, STATUS_IO, "%s was ended by signal %d", path, WTERMSIG(wait_status));
    if (WEXITSTATUS(wait_status) != 0)
        return error_set(err, STATUS_IO, "%s ended with exit code %d", path,
                         WEXITSTATUS(wait_status));
    return STATUS_OK;
}

enum status program_call(const char *const *words, struct error *err)
{
    assert(words[0]);
    /* posix_spawn does not write to the words, but its type does not say so. */
    char *arguments[64];
    size_t count = 0;
    for (; words[count] && count + 1 < sizeof arguments / sizeof arguments[0]; count++)
        memcpy(&arguments[count], &words[count], sizeof arguments[count]);
    arguments[count] = NULL;

    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return error_set_errno(err, STATUS_NOMEM, code, "cannot start %s", words[0]);
    code = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    if (code == 0)
        code = posix_spawn(&child, words[0], &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (code != 0)
        return error_set_errno(err, STATUS_IO, code, "cannot start %s", words[0]);
    return wait_for(child, words[0], err);
}
