/*
 * curl_transport.c - the transport over libcurl's multi interface; see transport.h.
 *
 *      start: idle exchange --prepare--> active, added to the multi
 *      run:   timers due, sockets ready --> libcurl --> finished ones: done() --> idle
 *
 * libcurl tells which sockets and which timer it waits for; epoll waits (poller.h). Only sockets
 * with something to do cost anything, however many long polls are in flight beside them.
 *
 * (1) An exchange is in exactly one place: the active list and the multi, or the idle list, or
 *     with done(), which is called when the exchange has left the multi and the list.
 * (2) libcurl's callbacks never call back into the multi; done() is called outside of them.
 */
#include "ingest/transport/transport.h"

#include "cli/clock.h"
#include "engine/base/mem.h"
#include "ingest/transport/exchange.h"
#include "ingest/transport/poller.h"

#include <assert.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 10000
#define CONNECTIONS_KEPT   32u

struct curl_transport {
    CURLM *multi; /* owned */
    struct poller poller;
    struct exchange_settings settings;
    char *ca_file;           /* owned; NULL: the system's */
    struct exchange *active; /* owned; doubly linked */
    struct exchange *idle;   /* owned; singly linked */
    unsigned active_count;
    unsigned kept_count; /* connections that libcurl may keep */
    int64_t timer_us;    /* when libcurl wants to be called; INT64_MAX: never */
    bool is_delivering;
};

/* --- lists ----------------------------------------------------------------------------------- */

static void active_add(struct curl_transport *transport, struct exchange *exchange)
{
    transport->active_count++;
    exchange->previous = NULL;
    exchange->next = transport->active;
    if (transport->active)
        transport->active->previous = exchange;
    transport->active = exchange;
}

static void active_remove(struct curl_transport *transport, struct exchange *exchange)
{
    assert(transport->active_count > 0);
    transport->active_count--;
    if (exchange->previous)
        exchange->previous->next = exchange->next;
    else
        transport->active = exchange->next;
    if (exchange->next)
        exchange->next->previous = exchange->previous;
    exchange->previous = NULL;
    exchange->next = NULL;
}

static void idle_add(struct curl_transport *transport, struct exchange *exchange)
{
    exchange_rest(exchange);
    exchange->next = transport->idle;
    transport->idle = exchange;
}

static enum status idle_take(struct curl_transport *transport, struct exchange **exchange,
                             struct error *err)
{
    if (!transport->idle)
        return exchange_new(exchange, &transport->settings, err);
    *exchange = transport->idle;
    transport->idle = (*exchange)->next;
    (*exchange)->next = NULL;
    return STATUS_OK;
}

/* --- what libcurl tells ---------------------------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    (void)easy;
    (void)socket_context;
    struct curl_transport *transport = context;
    unsigned events = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= POLLER_READ;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= POLLER_WRITE;
    return poller_watch(&transport->poller, fd, events) ? 0 : -1;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct curl_transport *transport = context;
    if (timeout_ms < 0)
        transport->timer_us = INT64_MAX;
    else if (timeout_ms == 0)
        transport->timer_us = 0;
    else
        transport->timer_us = clock_monotonic_us() + (int64_t)timeout_ms * 1000;
    return 0;
}

static enum status status_of(CURLMcode code, struct error *err)
{
    if (code == CURLM_OK)
        return STATUS_OK;
    const enum status status = code == CURLM_OUT_OF_MEMORY ? STATUS_NOMEM : STATUS_IO;
    return error_set(err, status, "transport: %s", curl_multi_strerror(code));
}

/*
 * libcurl counts connections in use among those it keeps: with more requests in flight than that
 * it would close one at the end of each, and open another for the next.
 */
static void keep_connections(struct curl_transport *transport)
{
    if (transport->active_count <= transport->kept_count)
        return;
    if (curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, (long)transport->active_count) ==
        CURLM_OK)
        transport->kept_count = transport->active_count;
}

/* --- operations ------------------------------------------------------------------------------ */

static enum status curl_start(void *context, const struct transport_request *request,
                              transport_done *done, void *done_context, struct error *err)
{
    struct curl_transport *transport = context;
    struct exchange *exchange = NULL;
    TRY(idle_take(transport, &exchange, err));
    enum status status = exchange_prepare(exchange, request, err);
    if (status == STATUS_OK) {
        exchange->done = done;
        exchange->done_context = done_context;
        exchange->began_us = clock_monotonic_us();
        if (curl_multi_add_handle(transport->multi, exchange->easy) != CURLM_OK)
            status = error_set(err, STATUS_NOMEM, "transport: no memory for a request");
    }
    if (status != STATUS_OK) {
        idle_add(transport, exchange);
        return status;
    }
    active_add(transport, exchange);
    keep_connections(transport);
    return STATUS_OK;
}

static void leave_multi(struct curl_transport *transport, struct exchange *exchange)
{
    (void)curl_multi_remove_handle(transport->multi, exchange->easy);
    active_remove(transport, exchange);
}

static size_t curl_cancel(void *context, void *done_context)
{
    struct curl_transport *transport = context;
    size_t count = 0;
    struct exchange *next = NULL;
    for (struct exchange *exchange = transport->active; exchange; exchange = next) {
        next = exchange->next;
        if (exchange->done_context != done_context)
            continue;
        leave_multi(transport, exchange);
        idle_add(transport, exchange);
        count++;
    }
    return count;
}

static void deliver_one(struct curl_transport *transport, CURL *easy, CURLcode result)
{
    struct exchange *exchange = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&exchange);
    assert(exchange && exchange->easy == easy);
    struct transport_reply reply;
    exchange_conclude(exchange, result, &reply);
    reply.elapsed_us = clock_monotonic_us() - exchange->began_us;
    leave_multi(transport, exchange);
    exchange->done(exchange->done_context, &reply);
    idle_add(transport, exchange);
}

/* Calls done() for all that has finished; returns how many. */
static size_t deliver(struct curl_transport *transport)
{
    size_t count = 0;
    int left = 0;
    const CURLMsg *message = NULL;
    transport->is_delivering = true;
    while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        deliver_one(transport, message->easy_handle, message->data.result);
        count++;
    }
    transport->is_delivering = false;
    return count;
}

/* Lets libcurl do what is due by time; a request just started is due at once. */
static enum status run_timers(struct curl_transport *transport, struct error *err)
{
    if (transport->timer_us == INT64_MAX ||
        (transport->timer_us > 0 && transport->timer_us > clock_monotonic_us()))
        return STATUS_OK;
    int running = 0;
    transport->timer_us = INT64_MAX;
    return status_of(curl_multi_socket_action(transport->multi, CURL_SOCKET_TIMEOUT, 0, &running),
                     err);
}

/* In whole milliseconds, never less than there are: rounding down would spin. */
static int wait_until(const struct curl_transport *transport, int64_t deadline_us)
{
    const int64_t until_us = transport->timer_us < deadline_us ? transport->timer_us : deadline_us;
    const int64_t wait_us = until_us - clock_monotonic_us();
    if (wait_us <= 0)
        return 0;
    return wait_us / 1000 >= INT_MAX ? INT_MAX : (int)((wait_us + 999) / 1000);
}

static enum status run_sockets(struct curl_transport *transport, int wait_ms, bool *interrupted,
                               struct error *err)
{
    struct poller_event events[POLLER_EVENTS_MAX];
    unsigned count = 0;
    TRY(poller_wait(&transport->poller, wait_ms, events, &count, interrupted, err));
    for (unsigned i = 0; i < count; i++) {
        int flags = 0;
        if (events[i].ready & POLLER_READ)
            flags |= CURL_CSELECT_IN;
        if (events[i].ready & POLLER_WRITE)
            flags |= CURL_CSELECT_OUT;
        if (events[i].ready & POLLER_ERROR)
            flags |= CURL_CSELECT_ERR;
        int running = 0;
        TRY(status_of(curl_multi_socket_action(transport->multi, events[i].fd, flags, &running),
                      err));
    }
    return STATUS_OK;
}

static enum status curl_run(void *context, int64_t wait_ms, struct error *err)
{
    struct curl_transport *transport = context;
    assert(!transport->is_delivering);
    const int64_t wait_us = wait_ms < INT_MAX ? wait_ms * 1000 : (int64_t)INT_MAX * 1000;
    const int64_t deadline_us = wait_us > 0 ? clock_monotonic_us() + wait_us : 0;
    bool is_last = false;
    for (;;) {
        TRY(run_timers(transport, err));
        if (deliver(transport) > 0 || is_last)
            break;
        bool interrupted = false;
        TRY(run_sockets(transport, wait_until(transport, deadline_us), &interrupted, err));
        is_last = interrupted || clock_monotonic_us() >= deadline_us;
    }
    /* What done() has started goes out now, not after whatever the caller does next. */
    return run_timers(transport, err);
}

static void curl_wake(void *context)
{
    const struct curl_transport *transport = context;
    poller_wake(&transport->poller);
}

static void curl_close(void *context)
{
    struct curl_transport *transport = context;
    assert(!transport->is_delivering);
    while (transport->active) {
        struct exchange *exchange = transport->active;
        leave_multi(transport, exchange);
        exchange_free(exchange);
    }
    while (transport->idle) {
        struct exchange *exchange = transport->idle;
        transport->idle = exchange->next;
        exchange_free(exchange);
    }
    /* Closes the kept connections, and tells the poller of each. */
    (void)curl_multi_cleanup(transport->multi);
    poller_close(&transport->poller);
    mem_free(transport->ca_file);
    mem_free(transport);
}

/* --- opening --------------------------------------------------------------------------------- */

static CURLcode curl_ready = CURLE_FAILED_INIT;

static void set_up_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* It must hold a certificate: libcurl would say so of every request, and not name the file. */
static enum status check_ca_file(const char *path, struct error *err)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    const bool is_usable = certificate != NULL;
    X509_free(certificate);
    (void)BIO_free(file);
    ERR_clear_error();
    if (!file)
        return error_set(err, STATUS_CONFIG, "certificates in %s: cannot be read", path);
    if (!is_usable)
        return error_set(err, STATUS_CONFIG, "certificates in %s: none is there in PEM form", path);
    return STATUS_OK;
}

static enum status copy_ca_file(struct curl_transport *transport, const char *path,
                                struct error *err)
{
    if (!path)
        return STATUS_OK;
    TRY(check_ca_file(path, err));
    transport->ca_file = mem_alloc(strlen(path) + 1, 1);
    if (!transport->ca_file)
        return error_set(err, STATUS_NOMEM, "transport: no memory");
    memcpy(transport->ca_file, path, strlen(path) + 1);
    return STATUS_OK;
}

static enum status set_up(struct curl_transport *transport,
                          const struct curl_transport_config *config, struct error *err)
{
    TRY(copy_ca_file(transport, config->ca_file, err));
    transport->settings = (struct exchange_settings){
        .ca_file = transport->ca_file,
        .connect_timeout_ms =
            config->connect_timeout_ms > 0 ? (long)config->connect_timeout_ms : CONNECT_TIMEOUT_MS,
        .poller = &transport->poller,
    };
    TRY(poller_open(&transport->poller, err));
    transport->multi = curl_multi_init();
    if (!transport->multi)
        return error_set(err, STATUS_NOMEM, "transport: libcurl made no handle");
    transport->kept_count =
        config->connections_max > 0 ? config->connections_max : CONNECTIONS_KEPT;
    CURLMcode code = CURLM_OK;
    if (code == CURLM_OK)
        code = curl_multi_setopt(transport->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    if (code == CURLM_OK)
        code = curl_multi_setopt(transport->multi, CURLMOPT_SOCKETDATA, transport);
    if (code == CURLM_OK)
        code = curl_multi_setopt(transport->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    if (code == CURLM_OK)
        code = curl_multi_setopt(transport->multi, CURLMOPT_TIMERDATA, transport);
    if (code == CURLM_OK)
        code =
            curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, (long)transport->kept_count);
    if (code == CURLM_OK)
        code = curl_multi_setopt(transport->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return status_of(code, err);
}

enum status curl_transport_open(struct transport *transport,
                                const struct curl_transport_config *config, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_up_curl);
    if (curl_ready != CURLE_OK)
        return error_set(err, STATUS_IO, "transport: libcurl cannot be set up");

    struct curl_transport *made = mem_alloc_zeroed(1, sizeof *made);
    if (!made)
        return error_set(err, STATUS_NOMEM, "transport: no memory");
    made->poller = (struct poller){.epoll_fd = -1, .wake_fd = -1};
    made->timer_us = INT64_MAX;
    const enum status status = set_up(made, config, err);
    if (status != STATUS_OK) {
        curl_close(made);
        return status;
    }
    *transport = (struct transport){
        .context = made,
        .start = curl_start,
        .run = curl_run,
        .cancel = curl_cancel,
        .wake = curl_wake,
        .close = curl_close,
    };
    return STATUS_OK;
}
