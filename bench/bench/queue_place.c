/*
 * queue_place.c - starting, asking and ending the processes of a queue benchmark.
 */
#include "bench/bench/queue_place.h"

#include "bench/bench/program_call.h"
#include "bench/bench/timing.h"
#include "cli/signals.h"
#include "engine/base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_NAME       "bench"
#define KEY_ID           "mnsdb-bench"
#define SECRET_BYTES     16u
#define START_WAIT_MS    20000
#define STOP_WAIT_MS     60000
#define PAUSE_MS         2
#define NS_PER_MS        INT64_C(1000000)
#define CALL_TIMEOUT_MS  10000
#define CALL_PATIENCE_MS 10000
#define ARGUMENTS_MAX    32

static const char *const key_variables[] = {"ALIBABA_CLOUD_ACCESS_KEY_ID",
                                            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
                                            "ALIBABA_CLOUD_SECURITY_TOKEN"};

/* --- processes ------------------------------------------------------------------------------- */

/* `output` becomes the child's standard output; -1: nothing is read from it. */
static enum status start_program(const char *name, const char *const *words, int output,
                                 pid_t *child, struct error *err)
{
    char path[WORKSPACE_PATH_BYTES];
    if (!program_find(name, path, sizeof path))
        return error_set(err, STATUS_MISSING, "%s does not stand beside this program", name);
    // posix_spawn does not write to the words, but its type does not say so.
    char *arguments[ARGUMENTS_MAX] = {path};
    for (size_t i = 0; words[i] && i + 2 < ARGUMENTS_MAX; i++)
        memcpy(&arguments[i + 1], &words[i], sizeof arguments[0]);

    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return error_set_errno(err, STATUS_NOMEM, code, "cannot start %s", path);
    code = output >= 0 ? posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
                       : posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
                                                          O_WRONLY, 0);
    if (code == 0)
        code = posix_spawn(child, path, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (code != 0)
        return error_set_errno(err, STATUS_IO, code, "cannot start %s", path);
    return STATUS_OK;
}

/* Cut short by a signal; after one it does not wait at all. */
static void sleep_ms(int wait_ms)
{
    struct pollfd stop = {.fd = signals_fd(), .events = POLLIN};
    (void)poll(&stop, 1, wait_ms);
}

static enum status describe_end(const char *name, int wait_status, struct error *err)
{
    if (WIFSIGNALED(wait_status))
        return error_set(err, STATUS_IO, "%s was ended by signal %d", name, WTERMSIG(wait_status));
    if (WEXITSTATUS(wait_status) != 0)
        return error_set(err, STATUS_IO, "%s ended with exit code %d", name,
                         WEXITSTATUS(wait_status));
    return STATUS_OK;
}

/* Asks a process to end, and waits until it has; kills it if that takes too long. */
static enum status end_process(pid_t *child, const char *name, struct error *err)
{
    if (*child == 0)
        return STATUS_OK;
    (void)kill(*child, SIGTERM);
    const int64_t kill_at_ns = timing_now_ns() + STOP_WAIT_MS * NS_PER_MS;
    int wait_status = 0;
    while (waitpid(*child, &wait_status, WNOHANG) == 0) {
        if (timing_now_ns() > kill_at_ns)
            (void)kill(*child, SIGKILL);
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * NS_PER_MS}, NULL);
    }
    *child = 0;
    return describe_end(name, wait_status, err);
}

/* Waits for a process to end by itself, for as long as that takes; a signal ends it. */
static enum status wait_for_end(pid_t *child, const char *name, struct error *err)
{
    int wait_status = 0;
    while (waitpid(*child, &wait_status, WNOHANG) == 0) {
        if (signals_received() != 0) {
            (void)!end_process(child, name, NULL);
            return error_set(err, STATUS_STOPPED, "interrupted");
        }
        sleep_ms(PAUSE_MS);
    }
    *child = 0;
    return describe_end(name, wait_status, err);
}

/* --- what a process took --------------------------------------------------------------------- */

static enum status read_proc(pid_t process, const char *name, char *text, size_t text_bytes,
                             struct error *err)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)process, name);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t len = file < 0 ? -1 : read(file, text, text_bytes - 1);
    const int reason = errno;
    if (file >= 0)
        (void)close(file);
    if (len <= 0)
        return error_set_errno(err, STATUS_IO, reason, "cannot read %s", path);
    text[len] = '\0';
    return STATUS_OK;
}

/* The number behind `label` in a text of lines; 0 if it is not there. */
static uint64_t number_behind(const char *text, const char *label)
{
    const char *at = strstr(text, label);
    return at ? strtoull(at + strlen(label), NULL, 10) : 0;
}

/* User and system time: fields 14 and 15, in ticks; field 2 may hold blanks, but ends in ')'. */
static enum status cpu_time(pid_t process, int64_t *cpu_ns, struct error *err)
{
    char text[1024];
    TRY(read_proc(process, "stat", text, sizeof text, err));
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 14; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return error_set(err, STATUS_IO, "/proc/%d/stat has too few fields", (int)process);
    char *end = NULL;
    const uint64_t user = strtoull(at, &end, 10);
    const uint64_t system_time = strtoull(end, NULL, 10);
    *cpu_ns =
        (int64_t)((user + system_time) * (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK)));
    return STATUS_OK;
}

struct page {
    char text[65536];
    bool done;
};

static void take_page(void *context, const struct transport_reply *reply)
{
    struct page *page = context;
    const size_t len =
        reply->body.len < sizeof page->text ? reply->body.len : sizeof page->text - 1;
    if (len > 0)
        memcpy(page->text, reply->body.data, len);
    page->text[len] = '\0';
    page->done = true;
}

/* Ingest's metrics; STATUS_MISSING while its endpoint does not answer. */
static enum status read_metrics(struct queue_place *place, struct page *page, struct error *err)
{
    char base[64];
    (void)snprintf(base, sizeof base, "http://127.0.0.1:%u", place->metrics_port);
    const struct transport_request request = {.method = "GET",
                                              .base = base,
                                              .target = slice_of_text("/metrics"),
                                              .timeout_ms = CALL_TIMEOUT_MS,
                                              .no_proxy = true};
    page->done = false;
    TRY(transport_start(&place->transport, &request, take_page, page, err));
    while (!page->done)
        TRY(transport_run(&place->transport, 100, err));
    return page->text[0] != '\0' ? STATUS_OK
                                 : error_set(err, STATUS_MISSING, "mnsdb-ingest tells no metrics");
}

static enum status usage_now(struct queue_place *place, struct queue_usage *usage,
                             struct error *err)
{
    char text[4096];
    *usage = (struct queue_usage){.elapsed_ns = timing_now_ns()};
    TRY(cpu_time(place->ingest, &usage->ingest_cpu_ns, err));
    TRY(cpu_time(place->queue, &usage->queue_cpu_ns, err));
    TRY(read_proc(place->ingest, "io", text, sizeof text, err));
    usage->written_bytes = number_behind(text, "\nwrite_bytes: ");
    TRY(read_proc(place->ingest, "status", text, sizeof text, err));
    usage->peak_bytes = number_behind(text, "VmHWM:") * 1024;
    OWNED(mem_free_owned) struct page *page = mem_alloc(1, sizeof *page);
    if (!page)
        return error_set(err, STATUS_NOMEM, "no memory for a page of metrics");
    TRY(read_metrics(place, page, err));
    usage->commits = number_behind(page->text, "\nmnsdb_ingest_commits_total ");
    return STATUS_OK;
}

enum status queue_place_measure(struct queue_place *place, struct error *err)
{
    return usage_now(place, &place->before, err);
}

enum status queue_place_measured(struct queue_place *place, struct queue_usage *usage,
                                 struct error *err)
{
    struct queue_usage now = {0};
    TRY(usage_now(place, &now, err));
    const struct queue_usage *before = &place->before;
    *usage = (struct queue_usage){
        .elapsed_ns = now.elapsed_ns - before->elapsed_ns,
        .ingest_cpu_ns = now.ingest_cpu_ns - before->ingest_cpu_ns,
        .queue_cpu_ns = now.queue_cpu_ns - before->queue_cpu_ns,
        .written_bytes = now.written_bytes - before->written_bytes,
        .commits = now.commits - before->commits,
        .peak_bytes = now.peak_bytes,
    };
    return store_file_bytes(place->store, &usage->store_bytes, err);
}

/* --- the queue ------------------------------------------------------------------------------- */

static enum status write_private(const char *path, const char *text, struct error *err)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot write %s", path);
    const size_t len = strlen(text);
    const ssize_t written = write(file, text, len);
    const int reason = errno;
    if (close(file) != 0 || written != (ssize_t)len)
        return error_set_errno(err, STATUS_IO, reason, "cannot write %s", path);
    return STATUS_OK;
}

static enum status in_workspace(const struct queue_place *place, const char *name,
                                char path[WORKSPACE_PATH_BYTES], struct error *err)
{
    const int len = snprintf(path, WORKSPACE_PATH_BYTES, "%s/%s", place->workspace.dir, name);
    if (len < 0 || (size_t)len >= WORKSPACE_PATH_BYTES)
        return error_set(err, STATUS_INPUT, "%s: the path is too long", place->workspace.dir);
    return STATUS_OK;
}

static enum status make_key(struct queue_place *place, struct error *err)
{
    uint8_t random[SECRET_BYTES];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set_errno(err, STATUS_IO, errno, "no random bytes for an access key");
    char secret[2 * SECRET_BYTES + 1];
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(secret + 2 * i, 3, "%02x", random[i]);
    char text[256];
    (void)snprintf(text, sizeof text, "%s=%s\n%s=%s\n", key_variables[0], KEY_ID, key_variables[1],
                   secret);
    // The environment's key, if it has one, is not for a queue that this program makes up.
    for (size_t i = 0; i < sizeof key_variables / sizeof key_variables[0]; i++)
        (void)unsetenv(key_variables[i]);
    TRY(in_workspace(place, "credentials", place->credentials_path, err));
    TRY(in_workspace(place, "secret", place->secret_path, err));
    TRY(write_private(place->credentials_path, text, err));
    return write_private(place->secret_path, secret, err);
}

/* Reads "ready URL\n". */
static enum status read_endpoint(struct queue_place *place, int output, struct error *err)
{
    char line[QUEUE_PLACE_URL_BYTES] = {0};
    size_t len = 0;
    struct pollfd ends[] = {{.fd = output, .events = POLLIN}};
    while (!strchr(line, '\n') && len + 1 < sizeof line) {
        const ssize_t got =
            poll(ends, 1, START_WAIT_MS) == 1 ? read(output, line + len, sizeof line - 1 - len) : 0;
        if (got <= 0)
            return error_set(err, STATUS_IO, "mnsdb-localqueue did not start");
        len += (size_t)got;
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (strncmp(line, "ready ", 6) != 0)
        return error_set(err, STATUS_IO, "mnsdb-localqueue said '%s'", line);
    (void)snprintf(place->endpoint, sizeof place->endpoint, "%s", line + 6);
    const int used =
        snprintf(place->url, sizeof place->url, "%s/queues/%s", place->endpoint, QUEUE_NAME);
    if (used < 0 || (size_t)used >= sizeof place->url)
        return error_set(err, STATUS_IO, "mnsdb-localqueue has too long an address");
    return STATUS_OK;
}

static enum status start_queue(struct queue_place *place, struct error *err)
{
    const char *const words[] = {
        "--port",           "0",       "--access-key-id", KEY_ID, "--access-key-secret-file",
        place->secret_path, "--queue", QUEUE_NAME,        NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot make a pipe");
    enum status status = start_program("mnsdb-localqueue", words, ends[1], &place->queue, err);
    (void)close(ends[1]);
    if (status == STATUS_OK)
        status = read_endpoint(place, ends[0], err);
    (void)close(ends[0]);
    return status;
}

static enum status open_client(struct queue_place *place, struct error *err)
{
    const struct credentials_config credentials = {.file = place->credentials_path};
    TRY(credentials_open(&place->credentials, &credentials, err));
    TRY(curl_transport_open(&place->transport, &(struct curl_transport_config){0}, err));
    struct mns_config config = {.transport = &place->transport,
                                .credentials = place->credentials,
                                .clock = mns_system_clock()};
    TRY(wire_url_parse(&config.url, place->url, err));
    return mns_open(&place->mns, &config, err);
}

enum status queue_place_open(struct queue_place *place, struct error *err)
{
    *place = (struct queue_place){0};
    TRY(workspace_make(&place->workspace, NULL, err));
    TRY(make_key(place, err));
    TRY(start_queue(place, err));
    return open_client(place, err);
}

void queue_place_release(struct queue_place *place)
{
    mns_close(place->mns);
    if (place->transport.context)
        transport_close(&place->transport);
    credentials_close(place->credentials);
    (void)!end_process(&place->ingest, "mnsdb-ingest", NULL);
    (void)!end_process(&place->queue, "mnsdb-localqueue", NULL);
    workspace_release(&place->workspace);
}

enum status queue_place_fill(struct queue_place *place, uint64_t messages, struct error *err)
{
    char count[24];
    (void)snprintf(count, sizeof count, "%llu", (unsigned long long)messages);
    const char *const words[] = {
        "--queue",  place->url, "--messages",         count,
        "--base64", "--quiet",  "--credentials-file", place->credentials_path,
        NULL};
    pid_t fleet = 0;
    TRY(start_program("mnsdb-fleet", words, -1, &fleet, err));
    return wait_for_end(&fleet, "mnsdb-fleet", err);
}

struct backlog {
    uint64_t messages;
    bool known;
    char explanation[256];
};

static void take_backlog(void *context, const struct mns_answer *answer)
{
    struct backlog *backlog = context;
    backlog->known = answer->verdict == WIRE_DONE;
    (void)snprintf(backlog->explanation, sizeof backlog->explanation, "%s", answer->explanation);
    for (size_t i = 0; i < answer->reply->attribute_count; i++) {
        const struct wire_attribute *attribute = &answer->reply->attributes[i];
        char text[24] = {0};
        if (attribute->value.len >= sizeof text)
            continue;
        memcpy(text, attribute->value.data, attribute->value.len);
        if (slice_equal(attribute->name, slice_of_text("ActiveMessages")) ||
            slice_equal(attribute->name, slice_of_text("InactiveMessages")))
            backlog->messages += strtoull(text, NULL, 10);
    }
}

enum status queue_place_backlog(struct queue_place *place, uint64_t *messages, struct error *err)
{
    OWNED(wire_request_release) struct wire_request request = {0};
    if (wire_request_attributes(&request, QUEUE_NAME) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a request");
    struct backlog backlog = {0};
    const struct mns_operation operation = {.request = &request,
                                            .timeout_ms = CALL_TIMEOUT_MS,
                                            .done = take_backlog,
                                            .context = &backlog};
    TRY(mns_call(place->mns, &operation, CALL_PATIENCE_MS, err));
    if (!backlog.known)
        return error_set(err, STATUS_IO, "the queue does not tell its counts: %s",
                         backlog.explanation);
    *messages = backlog.messages;
    return STATUS_OK;
}

/* --- ingest ---------------------------------------------------------------------------------- */

/* A port that is free now: it may be taken again before it is used, but hardly ever is. */
static enum status free_port(uint16_t *port, struct error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_len = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool bound = listener >= 0 &&
                       bind(listener, (const struct sockaddr *)&address, sizeof address) == 0 &&
                       getsockname(listener, (struct sockaddr *)&address, &address_len) == 0;
    const int reason = errno;
    if (listener >= 0)
        (void)close(listener);
    if (!bound)
        return error_set_errno(err, STATUS_IO, reason, "no free port");
    *port = ntohs(address.sin_port);
    return STATUS_OK;
}

static enum status wait_for_metrics(struct queue_place *place, struct error *err)
{
    OWNED(mem_free_owned) struct page *page = mem_alloc(1, sizeof *page);
    if (!page)
        return error_set(err, STATUS_NOMEM, "no memory for a page of metrics");
    for (int waited_ms = 0; waited_ms < START_WAIT_MS; waited_ms += PAUSE_MS) {
        int wait_status = 0;
        if (waitpid(place->ingest, &wait_status, WNOHANG) == place->ingest) {
            place->ingest = 0;
            TRY(describe_end("mnsdb-ingest", wait_status, err));
            return error_set(err, STATUS_IO, "mnsdb-ingest ended at once");
        }
        if (read_metrics(place, page, err) == STATUS_OK)
            return STATUS_OK;
        if (signals_received() != 0)
            return error_set(err, STATUS_STOPPED, "interrupted");
        sleep_ms(PAUSE_MS);
    }
    return error_set(err, STATUS_IO, "mnsdb-ingest did not start");
}

enum status queue_place_ingest_start(struct queue_place *place, const char *name, int64_t window_ms,
                                     struct error *err)
{
    char window[32];
    char endpoint[32];
    TRY(in_workspace(place, name, place->store, err));
    TRY(free_port(&place->metrics_port, err));
    (void)snprintf(window, sizeof window, "%lldms", (long long)window_ms);
    (void)snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", place->metrics_port);
    const char *const words[] = {"--db",
                                 place->store,
                                 "--queue",
                                 place->url,
                                 "--credentials-file",
                                 place->credentials_path,
                                 "--commit-window",
                                 window,
                                 "--listen",
                                 endpoint,
                                 "--log-level",
                                 "warning",
                                 "--quiet",
                                 NULL};
    TRY(start_program("mnsdb-ingest", words, -1, &place->ingest, err));
    return wait_for_metrics(place, err);
}

enum status queue_place_ingest_stop(struct queue_place *place, struct error *err)
{
    return end_process(&place->ingest, "mnsdb-ingest", err);
}
