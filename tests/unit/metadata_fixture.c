/*
 * metadata_fixture.c - see metadata_fixture.h.
 */
#include "tests/unit/metadata_fixture.h"

#include "ingest/log/log.h"
#include "ingest/log/log_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Waiting for another thread ends with the test's failure after so many looks of 1 ms. */
#define LOOKS_MAX 60000

struct metadata_service metadata;
static int log_file = -1;

void metadata_lock(void)
{
    (void)pthread_mutex_lock(&metadata.lock);
}

void metadata_unlock(void)
{
    (void)pthread_mutex_unlock(&metadata.lock);
}

/* With the lock held. */
static void answer_key(void)
{
    metadata.keys++;
    metadata.status = metadata.key_status;
    metadata.fault = metadata.key_fault;
    if (metadata.raw_body) {
        (void)snprintf(metadata.body, sizeof metadata.body, "%s", metadata.raw_body);
        return;
    }
    (void)snprintf(metadata.body, sizeof metadata.body,
                   "{\"Code\":\"Success\",\"AccessKeyId\":\"STS.CANARYID-%04u\","
                   "\"AccessKeySecret\":\"canarySecret-%04u\","
                   "\"SecurityToken\":\"canaryToken-%04u\",\"Expiration\":\"%s\","
                   "\"LastUpdated\":\"2026-11-22T12:06:42Z\"}",
                   metadata.key_number, metadata.key_number, metadata.key_number,
                   metadata.expiration);
}

static void answer(const struct transport_request *request)
{
    const struct transport_header *header = request->header_count > 0 ? request->headers : NULL;
    metadata.fault = TRANSPORT_OK;
    metadata.status = 200;
    if (strcmp(request->method, "PUT") == 0) {
        metadata.sessions++;
        metadata.fault = metadata.session_fault;
        metadata.status = metadata.session_status;
        (void)snprintf(metadata.body, sizeof metadata.body, "%s", metadata.session_body);
        assert_string_equal(metadata.last_target, "/latest/api/token");
        assert_non_null(header);
        assert_string_equal(header->name, "X-aliyun-ecs-metadata-token-ttl-seconds");
        return;
    }
    assert_string_equal(request->method, "GET");
    if (header && strcmp(header->name, "X-aliyun-ecs-metadata-token") == 0 &&
        strcmp(header->value, "session-token") == 0)
        metadata.with_token++;
    if (strcmp(metadata.last_target, METADATA_LIST_PATH) == 0) {
        metadata.lists++;
        (void)snprintf(metadata.body, sizeof metadata.body, "%s", metadata.list_body);
        return;
    }
    answer_key();
}

static enum status service_start(void *context, const struct transport_request *request,
                                 transport_done *done, void *done_context, struct error *err)
{
    (void)context;
    (void)err;
    metadata_lock();
    assert_false(metadata.is_pending);
    (void)snprintf(metadata.last_target, sizeof metadata.last_target, "%.*s",
                   (int)request->target.len, (const char *)request->target.data);
    (void)snprintf(metadata.last_base, sizeof metadata.last_base, "%s", request->base);
    metadata.last_no_proxy = request->no_proxy;
    answer(request);
    metadata.is_pending = true;
    metadata.done = done;
    metadata.done_context = done_context;
    metadata_unlock();
    return STATUS_OK;
}

static enum status service_run(void *context, int64_t wait_ms, struct error *err)
{
    (void)context;
    (void)err;
    metadata_lock();
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(wait_ms / 1000) + 1;
    int waited = 0;
    while (metadata.is_silent && !metadata.is_woken && waited == 0)
        waited = pthread_cond_timedwait(&metadata.changed, &metadata.lock, &until);
    metadata.is_woken = false;
    const bool answers = metadata.is_pending && !metadata.is_silent;
    if (answers)
        metadata.is_pending = false;
    metadata_unlock();
    if (answers) {
        const struct transport_reply reply = {
            .fault = metadata.fault,
            .fault_text = metadata.fault != TRANSPORT_OK ? "no connection" : "",
            .status = metadata.fault != TRANSPORT_OK ? 0 : metadata.status,
            .body =
                metadata.fault != TRANSPORT_OK ? slice_of(NULL, 0) : slice_of_text(metadata.body)};
        metadata.done(metadata.done_context, &reply);
    }
    return STATUS_OK;
}

static size_t service_cancel(void *context, void *done_context)
{
    (void)context;
    metadata_lock();
    const bool is_ours = metadata.is_pending && metadata.done_context == done_context;
    if (is_ours) {
        metadata.is_pending = false;
        metadata.cancelled++;
    }
    metadata_unlock();
    return is_ours;
}

static void service_wake(void *context)
{
    (void)context;
    metadata_lock();
    metadata.is_woken = true;
    (void)pthread_cond_broadcast(&metadata.changed);
    metadata_unlock();
}

static void service_close(void *context)
{
    (void)context;
    metadata.is_open = false;
}

static enum status service_open(void *context, struct transport *transport, struct error *err)
{
    (void)err;
    metadata.is_open = true;
    *transport = (struct transport){.context = context,
                                    .start = service_start,
                                    .run = service_run,
                                    .cancel = service_cancel,
                                    .wake = service_wake,
                                    .close = service_close};
    return STATUS_OK;
}

static int64_t service_utc_ms(void *context)
{
    (void)context;
    metadata_lock();
    const int64_t now_ms = metadata.utc_ms;
    metadata.looks++;
    metadata_unlock();
    return now_ms;
}

static int64_t service_monotonic_ms(void *context)
{
    (void)context;
    metadata_lock();
    const int64_t now_ms = metadata.monotonic_ms;
    metadata_unlock();
    return now_ms;
}

const struct credentials_outside metadata_outside = {.context = &metadata,
                                                     .transport_open = service_open,
                                                     .utc_ms = service_utc_ms,
                                                     .monotonic_ms = service_monotonic_ms};

int metadata_begin(void **state)
{
    (void)state;
    static const char *const variables[] = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID",   "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_SECURITY_TOKEN",  "ALIBABA_CLOUD_CREDENTIALS_FILE",
        "ALIBABA_CLOUD_ECS_METADATA",    "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
        "ALIBABA_CLOUD_IMDSV1_DISABLED", "CREDENTIALS_DIRECTORY"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        (void)unsetenv(variables[i]);
    metadata = (struct metadata_service){.lock = PTHREAD_MUTEX_INITIALIZER,
                                         .changed = PTHREAD_COND_INITIALIZER,
                                         .session_status = 200,
                                         .session_body = "session-token",
                                         .list_body = "mnsdb-reader\n",
                                         .key_status = 200,
                                         .key_number = 1,
                                         .expiration = "2026-11-22T13:06:42Z", /* in an hour */
                                         .utc_ms = METADATA_NOW_MS,
                                         .monotonic_ms = 1000};
    log_forget();
    log_setup(LOG_DEBUG, LOG_FORMAT_LOGFMT);
    log_file = memfd_create("log", MFD_CLOEXEC);
    log_set_output(log_file);
    return log_file < 0;
}

const char *metadata_logged(void)
{
    static char text[65536];
    const ssize_t len = pread(log_file, text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    return text;
}

int metadata_end(void **state)
{
    (void)state;
    const bool is_clean =
        !strcasestr(metadata_logged(), "canary") && !strstr(metadata_logged(), "session-token");
    log_set_output(STDERR_FILENO);
    (void)close(log_file);
    return is_clean && !metadata.is_open ? 0 : -1;
}

static void pause_shortly(void)
{
    const struct timespec millisecond = {0, 1000000};
    (void)nanosleep(&millisecond, NULL);
}

void metadata_wait_for(const unsigned *counter, unsigned least)
{
    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        metadata_lock();
        const bool is_there = *counter >= least;
        metadata_unlock();
        if (is_there)
            return;
        pause_shortly();
    }
    fail_msg("waited in vain");
}

void metadata_wait_for_key(const struct credentials *credentials, uint64_t generation)
{
    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        if (credentials_generation(credentials) >= generation)
            return;
        pause_shortly();
    }
    fail_msg("waited in vain for key %u", (unsigned)generation);
}

void metadata_wait_for_log(const char *text)
{
    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        if (strstr(metadata_logged(), text))
            return;
        pause_shortly();
    }
    fail_msg("waited in vain for '%s' in the log", text);
}

void metadata_let_it_look(struct credentials *credentials)
{
    metadata_lock();
    const unsigned before = metadata.looks;
    metadata_unlock();
    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        credentials_nudge(credentials);
        metadata_lock();
        const bool has_looked = metadata.looks >= before + 3;
        metadata_unlock();
        if (has_looked)
            return;
        pause_shortly();
    }
    fail_msg("the thread does not look at the clock");
}

void metadata_advance(struct credentials *credentials, int64_t by_ms)
{
    metadata_lock();
    metadata.utc_ms += by_ms;
    metadata.monotonic_ms += by_ms;
    metadata_unlock();
    metadata_let_it_look(credentials);
}

unsigned metadata_seen(const unsigned *counter)
{
    metadata_lock();
    const unsigned value = *counter;
    metadata_unlock();
    return value;
}

struct credentials *metadata_open_role(const struct credentials_config *config)
{
    struct credentials *credentials = NULL;
    struct error err = {0};
    if (credentials_open_with(&credentials, config, &metadata_outside, &err) != STATUS_OK)
        fail_msg("refused: %s", err.message);
    assert_int_equal(credentials_origin(credentials), CREDENTIALS_ROLE);
    return credentials;
}

void metadata_assert_key(struct credentials *credentials, unsigned number)
{
    static struct access_key key;
    bool ready = false;
    char secret[32];
    char token[32];
    (void)snprintf(secret, sizeof secret, "canarySecret-%04u", number);
    (void)snprintf(token, sizeof token, "canaryToken-%04u", number);
    credentials_take(credentials, &key, &ready);
    assert_true(ready);
    assert_string_equal(key.secret, secret);
    assert_string_equal(key.token, token);
    access_key_wipe(&key);
}
