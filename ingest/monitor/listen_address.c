/*
 * listen_address.c - where the endpoint listens.
 *
 * Addresses are numbers: a name could mean another address tomorrow, and one that is not loopback
 * shows how a fleet is doing to everybody who can reach it.
 */
#include "ingest/monitor/monitor_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG    128
#define PORT_MAX   65535u
#define HOST_BYTES 64u

static enum status bad_address(const char *text, struct error *err)
{
    return error_set(err, STATUS_CONFIG,
                     "'%s' is no address to listen on: give 127.0.0.1:9469, [::1]:9469 or :9469",
                     text);
}

static bool parse_port(const char *text, uint16_t *port)
{
    unsigned value = 0;
    size_t len = 0;
    for (; text[len] >= '0' && text[len] <= '9' && value <= PORT_MAX; len++)
        value = value * 10 + (unsigned)(text[len] - '0');
    *port = (uint16_t)value;
    return len > 0 && text[len] == '\0' && value <= PORT_MAX;
}

static bool set_ipv4(struct listen_address *address, const char *host, uint16_t port)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &ipv4.sin_addr) != 1)
        return false;
    memcpy(&address->address, &ipv4, sizeof ipv4);
    address->len = sizeof ipv4;
    address->is_loopback = ntohl(ipv4.sin_addr.s_addr) >> 24 == 127;
    return true;
}

static bool set_ipv6(struct listen_address *address, const char *host, uint16_t port)
{
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, host, &ipv6.sin6_addr) != 1)
        return false;
    memcpy(&address->address, &ipv6, sizeof ipv6);
    address->len = sizeof ipv6;
    address->is_loopback = memcmp(&ipv6.sin6_addr, &in6addr_loopback, sizeof ipv6.sin6_addr) == 0;
    return true;
}

enum status listen_address_parse(struct listen_address *address, const char *text,
                                 struct error *err)
{
    *address = (struct listen_address){0};
    const char *colon = strrchr(text, ':');
    uint16_t port = 0;
    if (!colon || !parse_port(colon + 1, &port))
        return bad_address(text, err);
    size_t len = (size_t)(colon - text);
    const bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    const char *from = bracketed ? text + 1 : text;
    len -= bracketed ? 2 : 0;
    char host[HOST_BYTES];
    if (len >= sizeof host)
        return bad_address(text, err);
    memcpy(host, from, len);
    host[len] = '\0';
    if (bracketed)
        return set_ipv6(address, host, port) ? STATUS_OK : bad_address(text, err);
    const bool is_local = host[0] == '\0' || strcmp(host, "localhost") == 0;
    if (!set_ipv4(address, is_local ? "127.0.0.1" : host, port))
        return bad_address(text, err);
    return STATUS_OK;
}

enum status monitor_check_address(const char *listen, struct error *err)
{
    struct listen_address address;
    return listen_address_parse(&address, listen, err);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0)
        return 0;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    memcpy(&ipv4, &bound, sizeof ipv4);
    memcpy(&ipv6, &bound, sizeof ipv6);
    return ntohs(bound.ss_family == AF_INET6 ? ipv6.sin6_port : ipv4.sin_port);
}

enum status listen_open(const struct listen_address *address, const char *text, int *fd,
                        uint16_t *port, struct error *err)
{
    const int family = address->address.ss_family;
    const int opened = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (opened < 0)
        return error_set_errno(err, STATUS_CONFIG, errno, "cannot listen on %s", text);
    const int on = 1;
    (void)setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        (void)setsockopt(opened, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(opened, (const struct sockaddr *)&address->address, address->len) != 0 ||
        listen(opened, BACKLOG) != 0) {
        const int reason = errno;
        (void)close(opened);
        return error_set_errno(err, STATUS_CONFIG, reason, "cannot listen on %s", text);
    }
    *fd = opened;
    *port = port_of(opened);
    return STATUS_OK;
}
