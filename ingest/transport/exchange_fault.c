/*
 * exchange_fault.c - what became of a transfer, in our terms and in words; see exchange.h.
 *
 * The words name host and port and what happened. Nothing of the request's headers is ever in
 * them; of the reply nothing but what libcurl says of a certificate.
 */
#include "ingest/transport/exchange.h"

#include <stdio.h>
#include <string.h>

struct fault_rule {
    CURLcode result;
    enum transport_fault fault;
    const char *text; /* NULL: libcurl's own words */
};

/* What is not here is TRANSPORT_BROKEN, in libcurl's words. */
static const struct fault_rule fault_rules[] = {
    {CURLE_OK, TRANSPORT_OK, ""},
    {CURLE_COULDNT_RESOLVE_HOST, TRANSPORT_UNREACHABLE, "no address is known for this name"},
    {CURLE_COULDNT_RESOLVE_PROXY, TRANSPORT_UNREACHABLE, "no address is known for the proxy"},
    {CURLE_COULDNT_CONNECT, TRANSPORT_UNREACHABLE, "cannot connect"},
    {CURLE_PROXY, TRANSPORT_UNREACHABLE, NULL},
    {CURLE_OPERATION_TIMEDOUT, TRANSPORT_TIMEOUT, "no complete answer"},
    {CURLE_PEER_FAILED_VERIFICATION, TRANSPORT_TLS, NULL},
    {CURLE_SSL_CONNECT_ERROR, TRANSPORT_TLS, NULL},
    {CURLE_SSL_CERTPROBLEM, TRANSPORT_TLS, NULL},
    {CURLE_SSL_CIPHER, TRANSPORT_TLS, NULL},
    {CURLE_SSL_CACERT_BADFILE, TRANSPORT_TLS, NULL},
    {CURLE_SSL_ISSUER_ERROR, TRANSPORT_TLS, NULL},
    {CURLE_SSL_INVALIDCERTSTATUS, TRANSPORT_TLS, NULL},
    {CURLE_SSL_ENGINE_INITFAILED, TRANSPORT_TLS, NULL},
    {CURLE_PARTIAL_FILE, TRANSPORT_BROKEN, "the answer was cut off"},
    {CURLE_GOT_NOTHING, TRANSPORT_BROKEN, "the connection was closed without an answer"},
    {CURLE_OUT_OF_MEMORY, TRANSPORT_BROKEN, "no memory"},
};

static const struct fault_rule refusal_rules[] = {
    [EXCHANGE_TAKEN] = {.fault = TRANSPORT_OK},
    [EXCHANGE_BODY_TOO_LONG] = {CURLE_OK, TRANSPORT_TOO_LONG, "the answer is over 4 MiB"},
    [EXCHANGE_HEADERS_TOO_LONG] = {CURLE_OK, TRANSPORT_TOO_LONG,
                                   "the headers of the answer are over 64 KiB"},
    [EXCHANGE_ENCODED] = {CURLE_OK, TRANSPORT_BROKEN, "the answer is compressed, unasked"},
    [EXCHANGE_NO_MEMORY] = {CURLE_OK, TRANSPORT_BROKEN, "no memory for the answer"},
};

static struct fault_rule rule_of(const struct exchange *exchange, CURLcode result)
{
    if (exchange->refusal != EXCHANGE_TAKEN)
        return refusal_rules[exchange->refusal];
    for (size_t i = 0; i < sizeof fault_rules / sizeof fault_rules[0]; i++) {
        if (fault_rules[i].result == result)
            return fault_rules[i];
    }
    return (struct fault_rule){result, TRANSPORT_BROKEN, NULL};
}

/* libcurl calls it a timeout too if no connection came about. */
static bool was_connected(const struct exchange *exchange)
{
    curl_off_t connected_us = 0;
    return curl_easy_getinfo(exchange->easy, CURLINFO_CONNECT_TIME_T, &connected_us) == CURLE_OK &&
           connected_us > 0;
}

/* A peer that went away during the handshake says nothing of its certificate. */
static bool was_cut_off(const struct exchange *exchange)
{
    return strstr(exchange->curl_text, "SSL_ERROR_SYSCALL") != NULL ||
           strstr(exchange->curl_text, "unexpected eof") != NULL;
}

static struct fault_rule sharpen(const struct exchange *exchange, struct fault_rule rule)
{
    if (rule.result == CURLE_OPERATION_TIMEDOUT && !was_connected(exchange))
        return (struct fault_rule){rule.result, TRANSPORT_UNREACHABLE, "no connection in time"};
    if (rule.result == CURLE_SSL_CONNECT_ERROR && was_cut_off(exchange))
        return (struct fault_rule){rule.result, TRANSPORT_UNREACHABLE,
                                   "the connection was closed during the TLS handshake"};
    return rule;
}

/* "https://host" -> host, ":443"; "http://host:80" -> host:80, "". */
static const char *host_of(const char *base, const char **port)
{
    const char *scheme_end = strstr(base, "://");
    const char *host = scheme_end ? scheme_end + 3 : base;
    const char *bracket = strchr(host, ']');
    const bool has_port = strchr(bracket ? bracket : host, ':') != NULL;
    *port = has_port ? "" : strncmp(base, "https", 5) == 0 ? ":443" : ":80";
    return host;
}

static void write_fault(struct exchange *exchange, struct fault_rule rule)
{
    const char *port = NULL;
    const char *host = host_of(exchange->base, &port);
    const char *text = rule.text;
    if (!text)
        text =
            exchange->curl_text[0] != '\0' ? exchange->curl_text : curl_easy_strerror(rule.result);
    long os_errno = 0;
    if (rule.result == CURLE_COULDNT_CONNECT)
        (void)curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &os_errno);
    char cause[128] = "";
    const char *cause_text = os_errno != 0 ? strerrordesc_np((int)os_errno) : NULL;
    if (cause_text)
        (void)snprintf(cause, sizeof cause, ": %s", cause_text);
    (void)snprintf(exchange->fault_text, sizeof exchange->fault_text, "%s%s: %s%s", host, port,
                   text, cause);
    for (char *at = exchange->fault_text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
}

void exchange_conclude(struct exchange *exchange, CURLcode result, struct transport_reply *reply)
{
    const struct fault_rule rule = sharpen(exchange, rule_of(exchange, result));
    *reply = (struct transport_reply){.fault = rule.fault,
                                      .fault_text = exchange->fault_text,
                                      .date_ms = -1,
                                      .retry_after_ms = -1};
    if (rule.fault != TRANSPORT_OK) {
        write_fault(exchange, rule);
        return;
    }
    long status = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    reply->status = (int)status;
    reply->body = buffer_slice(&exchange->reply_body);
    reply->date_ms = exchange->date_ms;
    reply->retry_after_ms = exchange->retry_after_ms;
    reply->is_xml = exchange->is_xml;
}
