/*
 * url.c - the address of a queue or of an endpoint.
 *
 *      https://1234.mns.cn-shanghai.aliyuncs.com:443/queues/aliyun-iot-a1
 *      scheme  host                              port path
 *
 * Only what such an address needs is understood, and everything else refused: what this file and
 * libcurl read differently could send a signed request, or one without TLS, to another host than
 * the one that was judged. So a host that ends in a number is either an IPv4 address of four
 * decimal numbers or nothing: "127.1" and "0x7f.1" are not guessed at.
 *
 * Messages never quote the address: somebody may have put a password into it.
 */
#include "ingest/wire/wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

#define HOST_LEN_MAX  253u /* of a name in the DNS */
#define LABEL_LEN_MAX 63u
#define PORT_MAX      65535u

static enum status refuse(struct error *err, const char *why)
{
    return error_set(err, STATUS_CONFIG, "address: %s", why);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static enum status parse_scheme(struct wire_url *url, const char **rest, struct error *err)
{
    static const char https[] = "https://";
    static const char http[] = "http://";
    url->is_https = strncasecmp(*rest, https, sizeof https - 1) == 0;
    if (!url->is_https && strncasecmp(*rest, http, sizeof http - 1) != 0)
        return refuse(err, "it begins with neither https:// nor http://");
    *rest += url->is_https ? sizeof https - 1 : sizeof http - 1;
    return STATUS_OK;
}

/* What no part may hold, wherever it stands. */
static enum status check_characters(const char *text, struct error *err)
{
    for (; *text != '\0'; text++) {
        if (*text == '@')
            return refuse(err, "user information in it: credentials belong elsewhere");
        if (*text == '?')
            return refuse(err, "a query in it");
        if (*text == '#')
            return refuse(err, "a fragment in it");
        if (*text <= ' ' || *text > '~')
            return refuse(err, "a blank, control or non-ASCII character in it");
    }
    return STATUS_OK;
}

static enum status parse_ipv6(struct wire_url *url, size_t len, struct error *err)
{
    char inner[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (len < 2 || url->host[len - 1] != ']' || len - 2 >= sizeof inner)
        return refuse(err, "the IPv6 address is none");
    memcpy(inner, url->host + 1, len - 2);
    inner[len - 2] = '\0';
    if (inet_pton(AF_INET6, inner, &address) != 1)
        return refuse(err, "the IPv6 address is none");
    url->is_loopback = memcmp(&address, &in6addr_loopback, sizeof address) == 0;
    return STATUS_OK;
}

/* Labels of letters, digits, '-' and '_', with dots between them. */
static bool is_host_name(const char *host)
{
    size_t label_len = 0;
    for (const char *c = host; *c != '\0'; c++) {
        if (*c == '.') {
            if (label_len == 0 || c[-1] == '-')
                return false;
            label_len = 0;
            continue;
        }
        if (!is_letter(*c) && !is_digit(*c) && *c != '_' && (*c != '-' || label_len == 0))
            return false;
        if (++label_len > LABEL_LEN_MAX)
            return false;
    }
    return label_len > 0 && host[strlen(host) - 1] != '-';
}

/* True for what some resolvers would take for an IPv4 address: "1.2.3.4", "127.1", "0x7f.1". */
static bool ends_in_number(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *label = dot ? dot + 1 : host;
    if (label[0] == '0' && label[1] == 'x')
        return strspn(label + 2, "0123456789abcdef") == strlen(label + 2);
    return strspn(label, "0123456789") == strlen(label);
}

static enum status parse_name(struct wire_url *url, size_t len, struct error *err)
{
    struct in_addr address;
    if (len > HOST_LEN_MAX || !is_host_name(url->host))
        return refuse(err, "the host is no host name");
    if (ends_in_number(url->host)) {
        if (inet_pton(AF_INET, url->host, &address) != 1)
            return refuse(err, "the host is no IPv4 address of four decimal numbers");
        url->is_loopback = ntohl(address.s_addr) >> 24 == 127;
        return STATUS_OK;
    }
    url->is_loopback = strcmp(url->host, "localhost") == 0;
    return STATUS_OK;
}

static enum status parse_host(struct wire_url *url, const char **rest, struct error *err)
{
    const bool is_ipv6 = **rest == '[';
    const char *end = *rest;
    if (is_ipv6) {
        end += strcspn(end, "]/");
        end += *end == ']';
    } else {
        end += strcspn(end, ":/");
    }
    const size_t len = (size_t)(end - *rest);
    if (len == 0)
        return refuse(err, "no host in it");
    if (len >= sizeof url->host)
        return refuse(err, "the host is too long");
    for (size_t i = 0; i < len; i++) {
        url->host[i] = (*rest)[i];
        if (url->host[i] >= 'A' && url->host[i] <= 'Z')
            url->host[i] = (char)(url->host[i] + ('a' - 'A'));
    }
    url->host[len] = '\0';
    *rest = end;
    return is_ipv6 ? parse_ipv6(url, len, err) : parse_name(url, len, err);
}

static enum status parse_port(struct wire_url *url, const char **rest, struct error *err)
{
    url->port = url->is_https ? 443 : 80;
    if (**rest != ':')
        return STATUS_OK;
    const char *digit = *rest + 1;
    unsigned value = 0;
    while (is_digit(*digit) && value <= PORT_MAX)
        value = value * 10 + (unsigned)(*digit++ - '0');
    if ((*digit != '/' && *digit != '\0') || value == 0 || value > PORT_MAX)
        return refuse(err, "the port is no number from 1 to 65535");
    url->port = (uint16_t)value;
    *rest = digit;
    return STATUS_OK;
}

/* "", "/", "/queues", "/queues/", "/queues/NAME" or "/queues/NAME/". */
static enum status parse_path(struct wire_url *url, const char *rest, struct error *err)
{
    static const char queues[] = "/queues";
    if (strcmp(rest, "/") == 0 || *rest == '\0')
        return STATUS_OK;
    if (strncmp(rest, queues, sizeof queues - 1) != 0)
        return refuse(err, "the path is not /queues/NAME");
    rest += sizeof queues - 1;
    if (strcmp(rest, "/") == 0 || *rest == '\0')
        return STATUS_OK;
    if (*rest != '/')
        return refuse(err, "the path is not /queues/NAME");
    rest++;

    size_t len = 0;
    while (is_letter(rest[len]) || is_digit(rest[len]) || (len > 0 && rest[len] == '-'))
        len++;
    if (len >= sizeof url->queue)
        return refuse(err, "the queue's name is longer than 256 characters");
    if (len == 0 || (rest[len] != '\0' && strcmp(rest + len, "/") != 0))
        return refuse(err, "the queue's name is not made of letters, digits and hyphens, "
                           "a letter or digit first");
    memcpy(url->queue, rest, len);
    url->queue[len] = '\0';
    return STATUS_OK;
}

static void write_base(struct wire_url *url)
{
    const char *scheme = url->is_https ? "https" : "http";
    const unsigned usual_port = url->is_https ? 443 : 80;
    int len = 0;
    if (url->port == usual_port)
        len = snprintf(url->base, sizeof url->base, "%s://%s", scheme, url->host);
    else
        len = snprintf(url->base, sizeof url->base, "%s://%s:%u", scheme, url->host,
                       (unsigned)url->port);
    assert(len > 0 && (size_t)len < sizeof url->base);
    (void)len;
}

enum status wire_url_parse(struct wire_url *url, const char *text, struct error *err)
{
    const char *rest = text;
    *url = (struct wire_url){0};
    TRY(parse_scheme(url, &rest, err));
    TRY(check_characters(rest, err));
    TRY(parse_host(url, &rest, err));
    TRY(parse_port(url, &rest, err));
    TRY(parse_path(url, rest, err));
    write_base(url);
    return STATUS_OK;
}
