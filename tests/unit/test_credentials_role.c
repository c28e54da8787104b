/*
 * test_credentials_role.c - a role's key: how it is fetched, when, and what happens when it cannot
 * be, with a metadata service and a clock that are ours.
 */
#include "engine/base/mem.h"
#include "ingest/credentials/credentials.h"
#include "ingest/credentials/credentials_internal.h"
#include "ingest/log/log.h"
#include "ingest/log/log_internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795349202000) /* 2026-11-22T12:06:42Z */

/* Waiting for another thread ends with the test's failure after so many looks of 1 ms. */
#define LOOKS_MAX 60000

#define LIST_PATH "/latest/meta-data/ram/security-credentials/"

/* The metadata service, behind a transport that answers one request at a time. */
struct service {
    pthread_mutex_t lock;
    pthread_cond_t changed;

    /* How it behaves. */
    enum transport_fault session_fault;
    int session_status;
    const char *session_body;
    const char *list_body;
    int key_status;
    enum transport_fault key_fault;
    unsigned key_number;    /* in the key's texts */
    const char *expiration; /* "2026-11-22T13:06:42Z" */
    const char *raw_body;   /* instead of a key, or NULL */
    bool is_silent;         /* takes requests and never answers */

    /* What it saw. */
    unsigned sessions, lists, keys;
    unsigned with_token; /* of lists and keys, those with the session's token */
    unsigned cancelled;
    char last_target[256];
    char last_base[128];
    bool last_no_proxy;

    /* The request in flight. */
    bool is_pending;
    bool is_woken;
    transport_done *done;
    void *done_context;
    enum transport_fault fault;
    int status;
    char body[1024];

    /* The clock. */
    int64_t utc_ms, monotonic_ms;
    unsigned looks;
    bool is_open;
};

static struct service service;
static int log_file = -1;

static void lock(void)
{
    (void)pthread_mutex_lock(&service.lock);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&service.lock);
}

/* With the lock held. */
static void answer_key(void)
{
    service.keys++;
    service.status = service.key_status;
    service.fault = service.key_fault;
    if (service.raw_body)
        (void)snprintf(service.body, sizeof service.body, "%s", service.raw_body);
    else
        (void)snprintf(service.body, sizeof service.body,
                       "{\"Code\":\"Success\",\"AccessKeyId\":\"STS.CANARYID-%04u\","
                       "\"AccessKeySecret\":\"canarySecret-%04u\","
                       "\"SecurityToken\":\"canaryToken-%04u\",\"Expiration\":\"%s\","
                       "\"LastUpdated\":\"2026-11-22T12:06:42Z\"}",
                       service.key_number, service.key_number, service.key_number,
                       service.expiration);
}

static void answer(const struct transport_request *request)
{
    const struct transport_header *header = request->header_count > 0 ? request->headers : NULL;
    service.fault = TRANSPORT_OK;
    service.status = 200;
    if (strcmp(request->method, "PUT") == 0) {
        service.sessions++;
        service.fault = service.session_fault;
        service.status = service.session_status;
        (void)snprintf(service.body, sizeof service.body, "%s", service.session_body);
        assert_string_equal(service.last_target, "/latest/api/token");
        assert_non_null(header);
        assert_string_equal(header->name, "X-aliyun-ecs-metadata-token-ttl-seconds");
        return;
    }
    assert_string_equal(request->method, "GET");
    if (header && strcmp(header->name, "X-aliyun-ecs-metadata-token") == 0 &&
        strcmp(header->value, "session-token") == 0)
        service.with_token++;
    if (strcmp(service.last_target, LIST_PATH) == 0) {
        service.lists++;
        (void)snprintf(service.body, sizeof service.body, "%s", service.list_body);
        return;
    }
    answer_key();
}

static enum status service_start(void *context, const struct transport_request *request,
                                 transport_done *done, void *done_context, struct error *err)
{
    (void)context;
    (void)err;
    lock();
    assert_false(service.is_pending);
    (void)snprintf(service.last_target, sizeof service.last_target, "%.*s",
                   (int)request->target.len, (const char *)request->target.data);
    (void)snprintf(service.last_base, sizeof service.last_base, "%s", request->base);
    service.last_no_proxy = request->no_proxy;
    answer(request);
    service.is_pending = true;
    service.done = done;
    service.done_context = done_context;
    unlock();
    return STATUS_OK;
}

static enum status service_run(void *context, int64_t wait_ms, struct error *err)
{
    (void)context;
    (void)err;
    lock();
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(wait_ms / 1000) + 1;
    int waited = 0;
    while (service.is_silent && !service.is_woken && waited == 0)
        waited = pthread_cond_timedwait(&service.changed, &service.lock, &until);
    service.is_woken = false;
    const bool answers = service.is_pending && !service.is_silent;
    if (answers)
        service.is_pending = false;
    unlock();
    if (answers) {
        const struct transport_reply reply = {
            .fault = service.fault,
            .fault_text = service.fault != TRANSPORT_OK ? "no connection" : "",
            .status = service.fault != TRANSPORT_OK ? 0 : service.status,
            .body =
                service.fault != TRANSPORT_OK ? slice_of(NULL, 0) : slice_of_text(service.body)};
        service.done(service.done_context, &reply);
    }
    return STATUS_OK;
}

static size_t service_cancel(void *context, void *done_context)
{
    (void)context;
    lock();
    const bool is_ours = service.is_pending && service.done_context == done_context;
    if (is_ours) {
        service.is_pending = false;
        service.cancelled++;
    }
    unlock();
    return is_ours;
}

static void service_wake(void *context)
{
    (void)context;
    lock();
    service.is_woken = true;
    (void)pthread_cond_broadcast(&service.changed);
    unlock();
}

static void service_close(void *context)
{
    (void)context;
    service.is_open = false;
}

static enum status service_open(void *context, struct transport *transport, struct error *err)
{
    (void)err;
    service.is_open = true;
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
    lock();
    const int64_t now_ms = service.utc_ms;
    service.looks++;
    unlock();
    return now_ms;
}

static int64_t service_monotonic_ms(void *context)
{
    (void)context;
    lock();
    const int64_t now_ms = service.monotonic_ms;
    unlock();
    return now_ms;
}

static const struct credentials_outside outside = {.context = &service,
                                                   .transport_open = service_open,
                                                   .utc_ms = service_utc_ms,
                                                   .monotonic_ms = service_monotonic_ms};

static int begin(void **state)
{
    (void)state;
    static const char *const variables[] = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID",   "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_SECURITY_TOKEN",  "ALIBABA_CLOUD_CREDENTIALS_FILE",
        "ALIBABA_CLOUD_ECS_METADATA",    "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
        "ALIBABA_CLOUD_IMDSV1_DISABLED", "CREDENTIALS_DIRECTORY"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        (void)unsetenv(variables[i]);
    service = (struct service){.lock = PTHREAD_MUTEX_INITIALIZER,
                               .changed = PTHREAD_COND_INITIALIZER,
                               .session_status = 200,
                               .session_body = "session-token",
                               .list_body = "mnsdb-reader\n",
                               .key_status = 200,
                               .key_number = 1,
                               .expiration = "2026-11-22T13:06:42Z", /* in an hour */
                               .utc_ms = NOW_MS,
                               .monotonic_ms = 1000};
    log_forget();
    log_setup(LOG_DEBUG, LOG_FORMAT_LOGFMT);
    log_file = memfd_create("log", MFD_CLOEXEC);
    log_set_output(log_file);
    return log_file < 0;
}

/* What was logged so far. */
static const char *logged(void)
{
    static char text[65536];
    const ssize_t len = pread(log_file, text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    return text;
}

static int end(void **state)
{
    (void)state;
    const bool is_clean = !strcasestr(logged(), "canary") && !strstr(logged(), "session-token");
    log_set_output(STDERR_FILENO);
    (void)close(log_file);
    return is_clean && !service.is_open ? 0 : -1;
}

static void pause_shortly(void)
{
    const struct timespec millisecond = {0, 1000000};
    (void)nanosleep(&millisecond, NULL);
}

/* Waits until the counter reaches this. */
static void wait_for(const unsigned *counter, unsigned least)
{
    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        lock();
        const bool is_there = *counter >= least;
        unlock();
        if (is_there)
            return;
        pause_shortly();
    }
    fail_msg("waited in vain");
}

static void wait_for_generation(const struct credentials *credentials, uint64_t generation)
{
    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        if (credentials_generation(credentials) >= generation)
            return;
        pause_shortly();
    }
    fail_msg("waited in vain for key %u", (unsigned)generation);
}

static void wait_for_log(const char *text)
{
    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        if (strstr(logged(), text))
            return;
        pause_shortly();
    }
    fail_msg("waited in vain for '%s' in the log", text);
}

/*
 * Until the thread has looked at the clock and gone back to sleep: a fetch that it decides on at one
 * look is begun before the next look.
 */
static void let_it_look(struct credentials *credentials)
{
    lock();
    const unsigned before = service.looks;
    unlock();
    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        credentials_nudge(credentials);
        lock();
        const bool has_looked = service.looks >= before + 3;
        unlock();
        if (has_looked)
            return;
        pause_shortly();
    }
    fail_msg("the thread does not look at the clock");
}

static void advance(struct credentials *credentials, int64_t by_ms)
{
    lock();
    service.utc_ms += by_ms;
    service.monotonic_ms += by_ms;
    unlock();
    let_it_look(credentials);
}

static unsigned seen(const unsigned *counter)
{
    lock();
    const unsigned value = *counter;
    unlock();
    return value;
}

static struct credentials *open_role(const struct credentials_config *config)
{
    struct credentials *credentials = NULL;
    struct error err = {0};
    if (credentials_open_with(&credentials, config, &outside, &err) != STATUS_OK)
        fail_msg("refused: %s", err.message);
    assert_int_equal(credentials_origin(credentials), CREDENTIALS_ROLE);
    return credentials;
}

static void assert_key(struct credentials *credentials, unsigned number)
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

static const struct credentials_config given_role = {.role = "mnsdb-reader"};

static void a_named_role_is_asked_for_with_a_session_token(void **state)
{
    (void)state;
    struct credentials *credentials = open_role(&given_role);
    wait_for_generation(credentials, 1);
    assert_key(credentials, 1);
    assert_int_equal(credentials_expires_ms(credentials), NOW_MS + 3600000);
    char text[256];
    credentials_describe(credentials, text);
    assert_string_equal(text, "role mnsdb-reader");
    credentials_close(credentials);
    assert_int_equal(service.sessions, 1);
    assert_int_equal(service.lists, 0);
    assert_int_equal(service.keys, 1);
    assert_int_equal(service.with_token, 1);
    assert_string_equal(service.last_target, LIST_PATH "mnsdb-reader");
    assert_string_equal(service.last_base, "http://100.100.100.200");
    assert_true(service.last_no_proxy);
}

static void an_unnamed_role_is_the_one_that_the_instance_has(void **state)
{
    (void)state;
    const struct credentials_config config = {.role = "", .metadata_url = "http://127.0.0.1:80/"};
    struct credentials *credentials = open_role(&config);
    wait_for_generation(credentials, 1);
    char text[256];
    credentials_describe(credentials, text);
    assert_string_equal(text, "role mnsdb-reader");
    credentials_close(credentials);
    assert_int_equal(service.lists, 1);
    assert_int_equal(service.with_token, 2);
    assert_string_equal(service.last_target, LIST_PATH "mnsdb-reader");
    assert_string_equal(service.last_base, "http://127.0.0.1:80");
}

static void the_environment_can_name_the_role(void **state)
{
    (void)state;
    const struct credentials_config config = {0};
    assert_int_equal(setenv("ALIBABA_CLOUD_ECS_METADATA", "from-env", 1), 0);
    struct credentials *credentials = open_role(&config);
    wait_for_generation(credentials, 1);
    credentials_close(credentials);
    assert_string_equal(service.last_target, LIST_PATH "from-env");
}

static void a_file_can_ask_for_a_role(void **state)
{
    (void)state;
    static const struct {
        const char *content, *target;
    } table[] = {
        {"[default]\ntype = ecs_ram_role\nrole_name = from-file\n", LIST_PATH "from-file"},
        {"[default]\ntype = ecs_ram_role\n", LIST_PATH "mnsdb-reader"},
        {"ALIBABA_CLOUD_ECS_METADATA=plain\n", LIST_PATH "plain"},
    };
    char path[] = "/tmp/mnsdb-role-XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const size_t len = strlen(table[i].content);
        assert_int_equal(ftruncate(descriptor, 0), 0);
        assert_int_equal(pwrite(descriptor, table[i].content, len, 0), (ssize_t)len);
        const struct credentials_config config = {.file = path};
        struct credentials *credentials = open_role(&config);
        wait_for_generation(credentials, 1);
        credentials_close(credentials);
        assert_string_equal(service.last_target, table[i].target);
    }
    assert_int_equal(close(descriptor), 0);
    assert_int_equal(unlink(path), 0);
}

static void a_service_without_sessions_is_asked_without(void **state)
{
    (void)state;
    static const struct {
        enum transport_fault fault;
        int status;
        const char *body;
    } table[] = {
        {TRANSPORT_OK, 404, "not found"},
        {TRANSPORT_OK, 403, ""},
        {TRANSPORT_OK, 200, ""},
        {TRANSPORT_OK, 200, "two words"},
        {TRANSPORT_OK, 200, "evil\r\nX-Y: z"},
        {TRANSPORT_TIMEOUT, 0, ""},
        {TRANSPORT_BROKEN, 0, ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        service.session_fault = table[i].fault;
        service.session_status = table[i].status;
        service.session_body = table[i].body;
        struct credentials *credentials = open_role(&given_role);
        wait_for_generation(credentials, 1);
        assert_key(credentials, 1);
        credentials_close(credentials);
    }
    assert_int_equal(service.with_token, 0);
}

/* The same services, and none of them is asked for a key. */
static void without_a_session_nothing_is_asked_if_that_is_forbidden(void **state)
{
    (void)state;
    for (unsigned by_environment = 0; by_environment < 2; by_environment++) {
        service.session_status = by_environment ? 404 : 200;
        service.session_fault = by_environment ? TRANSPORT_OK : TRANSPORT_TIMEOUT;
        if (by_environment)
            assert_int_equal(setenv("ALIBABA_CLOUD_IMDSV1_DISABLED", "True", 1), 0);
        const struct credentials_config config = {.role = "r", .metadata_v2_only = !by_environment};
        struct credentials *credentials = open_role(&config);
        wait_for_log(by_environment ? "no session token (status 404)"
                                    : "no session token: no connection");
        let_it_look(credentials);
        credentials_close(credentials);
        assert_int_equal(service.keys + service.lists, 0);
    }
    service.session_status = 200;
    service.session_fault = TRANSPORT_OK;
    const struct credentials_config config = {.role = "r", .metadata_v2_only = true};
    struct credentials *credentials = open_role(&config);
    wait_for_generation(credentials, 1);
    credentials_close(credentials);
}

static void what_cannot_be_asked_is_refused_at_the_start(void **state)
{
    (void)state;
    static const struct {
        const char *role, *url, *said;
    } table[] = {
        {"../x", NULL, "is no name of a role"},
        {"a b", NULL, "is no name of a role"},
        {"r", "ftp://100.100.100.200", "http://HOST[:PORT]"},
        {"r", "100.100.100.200", "http://HOST[:PORT]"},
        {"r", "http://", "http://HOST[:PORT]"},
        {"r", "http://host/path", "http://HOST[:PORT]"},
        {"r", "http://host?x", "http://HOST[:PORT]"},
        {"r", "http://user@host", "http://HOST[:PORT]"},
        {"r", "http://host:", "http://HOST[:PORT]"},
        {"r", "http://host:0", "http://HOST[:PORT]"},
        {"r", "http://host:65536", "http://HOST[:PORT]"},
        {"r", "http://host:99999999999999999999", "http://HOST[:PORT]"},
        {"r", "http://[::1", "http://HOST[:PORT]"},
        {"r", "http://a:80//", "http://HOST[:PORT]"},
        {"r", "HTTP://host", "http://HOST[:PORT]"},
        {"r", "http://host\r\n", "http://HOST[:PORT]"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct credentials_config config = {.role = table[i].role,
                                                  .metadata_url = table[i].url};
        struct credentials *credentials = NULL;
        struct error err = {0};
        assert_int_equal(credentials_open_with(&credentials, &config, &outside, &err),
                         STATUS_CONFIG);
        assert_null(credentials);
        assert_non_null(strstr(err.message, table[i].said));
    }
    static const char *const fine[] = {"https://[fd00::1]:8443", "http://metadata-1.internal:80/"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        const struct credentials_config config = {.role = "r", .metadata_url = fine[i]};
        credentials_close(open_role(&config));
    }
}

static void the_metadata_service_can_be_switched_off(void **state)
{
    (void)state;
    assert_int_equal(setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true", 1), 0);
    struct credentials *credentials = NULL;
    struct error err = {0};
    assert_int_equal(credentials_open_with(&credentials, &given_role, &outside, &err),
                     STATUS_CONFIG);
    assert_non_null(strstr(err.message, "ALIBABA_CLOUD_ECS_METADATA_DISABLED"));
    assert_int_equal(setenv("ALIBABA_CLOUD_ECS_METADATA", "r", 1), 0);
    const struct credentials_config config = {0};
    assert_int_equal(credentials_open_with(&credentials, &config, &outside, &err), STATUS_CONFIG);
    assert_non_null(strstr(err.message, "no credentials"));
    assert_int_equal(service.sessions, 0);
}

static void there_is_no_key_until_the_first_is_fetched(void **state)
{
    (void)state;
    service.is_silent = true;
    struct credentials *credentials = open_role(&given_role);
    wait_for(&service.sessions, 1);
    static struct access_key key;
    bool ready = true;
    credentials_take(credentials, &key, &ready);
    assert_false(ready);
    assert_int_equal(credentials_generation(credentials), 0);
    credentials_close(credentials); /* ends although nothing ever answers */
    assert_int_equal(service.cancelled, 1);
}

static void a_key_is_replaced_at_four_fifths_of_its_life(void **state)
{
    (void)state;
    struct credentials *credentials = open_role(&given_role);
    wait_for_generation(credentials, 1);
    service.key_number = 2;
    service.expiration = "2026-11-22T14:06:42Z";
    advance(credentials, 2879999);
    assert_int_equal(seen(&service.keys), 1);
    advance(credentials, 1);
    wait_for_generation(credentials, 2);
    assert_key(credentials, 2);
    assert_int_equal(seen(&service.keys), 2);
    credentials_close(credentials);
    assert_null(strstr(logged(), "level=warning"));
}

/* The machine slept: only the wall clock knows. */
static void a_jump_of_the_wall_clock_is_noticed(void **state)
{
    (void)state;
    struct credentials *credentials = open_role(&given_role);
    wait_for_generation(credentials, 1);
    lock();
    service.key_number = 2;
    service.utc_ms += 2880000;
    unlock();
    credentials_nudge(credentials);
    wait_for_generation(credentials, 2);
    credentials_close(credentials);
}

static void the_same_key_again_is_no_new_generation(void **state)
{
    (void)state;
    struct credentials *credentials = open_role(&given_role);
    wait_for_generation(credentials, 1);
    lock();
    service.expiration = "2026-11-22T14:06:42Z";
    unlock();
    advance(credentials, 2880000);
    wait_for(&service.keys, 2);
    let_it_look(credentials);
    assert_int_equal(credentials_generation(credentials), 1);
    assert_int_equal(credentials_expires_ms(credentials), NOW_MS + 7200000);
    credentials_close(credentials);
}

static void a_refused_key_is_fetched_anew_but_not_in_a_rush(void **state)
{
    (void)state;
    struct error err = {0};
    struct credentials *credentials = open_role(&given_role);
    wait_for_generation(credentials, 1);
    lock();
    service.key_number = 2;
    unlock();
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(credentials_refresh(credentials, &err), STATUS_OK);
    advance(credentials, ROLE_REFRESH_GAP_MS - 1);
    assert_int_equal(seen(&service.keys), 1);
    advance(credentials, 1);
    wait_for_generation(credentials, 2);
    advance(credentials, 10 * ROLE_REFRESH_GAP_MS);
    assert_int_equal(seen(&service.keys), 2); /* ten wishes were one */

    lock();
    service.key_number = 3;
    unlock();
    assert_int_equal(credentials_refresh(credentials, &err), STATUS_OK);
    wait_for_generation(credentials, 3); /* the gap has long passed: at once */
    credentials_close(credentials);
}

static void the_old_key_serves_while_none_replaces_it(void **state)
{
    (void)state;
    struct credentials *credentials = open_role(&given_role);
    wait_for_generation(credentials, 1);
    lock();
    service.key_status = 500;
    unlock();
    advance(credentials, 2880000);
    wait_for_log("key of the role: status 500");
    assert_key(credentials, 1);
    assert_null(strstr(logged(), "has expired"));
    advance(credentials, 720000);
    wait_for_log("has expired and none replaces it yet");
    assert_key(credentials, 1);

    lock();
    service.key_status = 200;
    service.key_number = 2;
    service.expiration = "2026-11-22T15:06:42Z";
    unlock();
    advance(credentials, 60000);
    wait_for_generation(credentials, 2);
    assert_key(credentials, 2);
    credentials_close(credentials);
}

static void failures_in_a_row_are_spaced_wider(void **state)
{
    (void)state;
    service.session_fault = TRANSPORT_UNREACHABLE;
    struct credentials *credentials = open_role(&given_role);
    wait_for_log("no connection");
    int64_t bound_ms = 1000;
    for (unsigned i = 1; i < 10; i++) {
        let_it_look(credentials);
        assert_int_equal(seen(&service.sessions), i);
        advance(credentials, bound_ms / 2 - 1);
        assert_int_equal(seen(&service.sessions), i); /* never before half of the bound */
        advance(credentials, bound_ms - bound_ms / 2 + 1);
        wait_for(&service.sessions, i + 1);
        bound_ms = bound_ms * 2 < 60000 ? bound_ms * 2 : 60000;
    }
    credentials_close(credentials);
    assert_int_equal(service.keys, 0); /* where nothing listens, one question is enough */
}

static void a_key_that_has_expired_on_arrival_serves_and_is_told_of(void **state)
{
    (void)state;
    service.expiration = "2026-11-22T12:06:41Z";
    struct credentials *credentials = open_role(&given_role);
    wait_for_generation(credentials, 1);
    assert_key(credentials, 1);
    wait_for_log("it has expired by this machine's clock");
    credentials_close(credentials);
}

static void a_list_that_is_no_role_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {"",
                                         "\n",
                                         "<html>",
                                         "a b",
                                         "../../x",
                                         "a-name-that-is-longer-than-the-sixty-four-characters-"
                                         "that-are-allowed"};
    const struct credentials_config config = {.role = ""};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        service.list_body = bodies[i];
        struct credentials *credentials = open_role(&config);
        wait_for(&service.lists, (unsigned)i + 1);
        let_it_look(credentials);
        char text[256];
        credentials_describe(credentials, text);
        assert_string_equal(text, "role of this instance");
        credentials_close(credentials);
    }
    assert_int_equal(service.keys, 0);
    wait_for_log("its answer is no name of a role");
}

static void a_reply_that_is_no_key_leaves_the_old_one(void **state)
{
    (void)state;
    struct credentials *credentials = open_role(&given_role);
    wait_for_generation(credentials, 1);
    lock();
    service.raw_body = "{\"Code\":\"Success\",\"AccessKeyId\":\"canary-id\"}";
    unlock();
    advance(credentials, 2880000);
    wait_for_log("AccessKeySecret is missing or no text");
    assert_key(credentials, 1);
    assert_int_equal(credentials_generation(credentials), 1);
    credentials_close(credentials);
}

static void every_failed_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    service.is_silent = true; /* no fetch while allocations fail, which is for one thread */
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct credentials *credentials = NULL;
        struct error err = {0};
        mem_fail_at(nth);
        status = credentials_open_with(&credentials, &given_role, &outside, &err);
        mem_fail_at(-1);
        credentials_close(credentials);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
}

#define ROLE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROLE_TEST(a_named_role_is_asked_for_with_a_session_token),
        ROLE_TEST(an_unnamed_role_is_the_one_that_the_instance_has),
        ROLE_TEST(the_environment_can_name_the_role),
        ROLE_TEST(a_file_can_ask_for_a_role),
        ROLE_TEST(a_service_without_sessions_is_asked_without),
        ROLE_TEST(without_a_session_nothing_is_asked_if_that_is_forbidden),
        ROLE_TEST(what_cannot_be_asked_is_refused_at_the_start),
        ROLE_TEST(the_metadata_service_can_be_switched_off),
        ROLE_TEST(there_is_no_key_until_the_first_is_fetched),
        ROLE_TEST(a_key_is_replaced_at_four_fifths_of_its_life),
        ROLE_TEST(a_jump_of_the_wall_clock_is_noticed),
        ROLE_TEST(the_same_key_again_is_no_new_generation),
        ROLE_TEST(a_refused_key_is_fetched_anew_but_not_in_a_rush),
        ROLE_TEST(the_old_key_serves_while_none_replaces_it),
        ROLE_TEST(failures_in_a_row_are_spaced_wider),
        ROLE_TEST(a_key_that_has_expired_on_arrival_serves_and_is_told_of),
        ROLE_TEST(a_list_that_is_no_role_is_refused),
        ROLE_TEST(a_reply_that_is_no_key_leaves_the_old_one),
        ROLE_TEST(every_failed_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
