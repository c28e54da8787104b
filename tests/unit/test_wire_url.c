/*
 * test_wire_url.c - which addresses are taken, as what, and that refusals quote none of them.
 */
#include "ingest/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

struct good {
    const char *text;
    const char *base;
    const char *host;
    const char *queue;
    unsigned port;
    bool is_loopback;
};

static void good_addresses_are_taken_apart(void **state)
{
    (void)state;
    const struct good table[] = {
        {"https://1234.mns.cn-shanghai.aliyuncs.com/queues/aliyun-iot-a1",
         "https://1234.mns.cn-shanghai.aliyuncs.com", "1234.mns.cn-shanghai.aliyuncs.com",
         "aliyun-iot-a1", 443, false},
        {"HTTPS://1234.MNS.cn-Shanghai.aliyuncs.com/queues/Aliyun-IoT-A1",
         "https://1234.mns.cn-shanghai.aliyuncs.com", "1234.mns.cn-shanghai.aliyuncs.com",
         "Aliyun-IoT-A1", 443, false},
        {"https://example.com", "https://example.com", "example.com", "", 443, false},
        {"https://example.com/", "https://example.com", "example.com", "", 443, false},
        {"https://example.com/queues", "https://example.com", "example.com", "", 443, false},
        {"https://example.com/queues/", "https://example.com", "example.com", "", 443, false},
        {"https://example.com/queues/q/", "https://example.com", "example.com", "q", 443, false},
        {"https://example.com:443/queues/q", "https://example.com", "example.com", "q", 443, false},
        {"https://example.com:80/queues/q", "https://example.com:80", "example.com", "q", 80,
         false},
        {"https://example.com:08443", "https://example.com:8443", "example.com", "", 8443, false},
        {"http://example.com:65535", "http://example.com:65535", "example.com", "", 65535, false},
        {"http://localhost:8080/queues/0-a-", "http://localhost:8080", "localhost", "0-a-", 8080,
         true},
        {"http://LOCALHOST:80", "http://localhost", "localhost", "", 80, true},
        {"http://127.0.0.1:1/queues/q", "http://127.0.0.1:1", "127.0.0.1", "q", 1, true},
        {"http://127.255.3.4", "http://127.255.3.4", "127.255.3.4", "", 80, true},
        {"http://128.0.0.1", "http://128.0.0.1", "128.0.0.1", "", 80, false},
        {"http://10.127.0.1", "http://10.127.0.1", "10.127.0.1", "", 80, false},
        {"http://[::1]:9000/queues/q", "http://[::1]:9000", "[::1]", "q", 9000, true},
        {"http://[0:0:0:0:0:0:0:1]", "http://[0:0:0:0:0:0:0:1]", "[0:0:0:0:0:0:0:1]", "", 80, true},
        {"https://[2001:DB8::7]/queues/q", "https://[2001:db8::7]", "[2001:db8::7]", "q", 443,
         false},
        {"http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", "", 80,
         false},
        {"http://localhost.example.com", "http://localhost.example.com", "localhost.example.com",
         "", 80, false},
        {"http://127.0.0.1.example.com", "http://127.0.0.1.example.com", "127.0.0.1.example.com",
         "", 80, false},
        {"http://local_queue-1/queues/q", "http://local_queue-1", "local_queue-1", "q", 80, false},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct wire_url url;
        struct error err = {0};
        if (wire_url_parse(&url, table[i].text, &err) != STATUS_OK)
            fail_msg("%s: %s", table[i].text, err.message);
        assert_string_equal(url.base, table[i].base);
        assert_string_equal(url.host, table[i].host);
        assert_string_equal(url.queue, table[i].queue);
        assert_int_equal(url.port, table[i].port);
        assert_int_equal(url.is_loopback, table[i].is_loopback);
        assert_int_equal(url.is_https, strncmp(url.base, "https:", 6) == 0);
    }
}

static const char *const odd[][2] = {
    {"", "address: it begins with neither https:// nor http://"},
    {"example.com/queues/q", "address: it begins with neither https:// nor http://"},
    {"ftp://example.com/queues/q", "address: it begins with neither https:// nor http://"},
    {"https:/example.com", "address: it begins with neither https:// nor http://"},
    {" https://example.com", "address: it begins with neither https:// nor http://"},
    {"https://", "address: no host in it"},
    {"https:///queues/q", "address: no host in it"},
    {"https://:443/queues/q", "address: no host in it"},
    {"https://key:canary@example.com/queues/q",
     "address: user information in it: credentials belong elsewhere"},
    {"https://canary@example.com", "address: user information in it: credentials belong elsewhere"},
    {"https://key:can/ary@example.com",
     "address: user information in it: credentials belong elsewhere"},
    {"https://example.com/queues/q?canary=1", "address: a query in it"},
    {"https://example.com?", "address: a query in it"},
    {"https://example.com/queues/q#canary", "address: a fragment in it"},
    {"https://example.com/queues/q ", "address: a blank, control or non-ASCII character in it"},
    {"https://example.com/queues/q\n", "address: a blank, control or non-ASCII character in it"},
    {"https://ex\tample.com", "address: a blank, control or non-ASCII character in it"},
    {"https://b\xc3\xbc.example", "address: a blank, control or non-ASCII character in it"},
    {"https://exa%6dple.com", "address: the host is no host name"},
    {"https://example..com", "address: the host is no host name"},
    {"https://.example.com", "address: the host is no host name"},
    {"https://example.com.", "address: the host is no host name"},
    {"https://-example.com", "address: the host is no host name"},
    {"https://example-.com", "address: the host is no host name"},
    {"https://example.com-", "address: the host is no host name"},
    {"https://exa\\mple.com", "address: the host is no host name"},
    {"https://example.com\\queues", "address: the host is no host name"},
    {"https://::1/queues/q", "address: no host in it"},
    {"https://127.1", "address: the host is no IPv4 address of four decimal numbers"},
    {"https://2130706433", "address: the host is no IPv4 address of four decimal numbers"},
    {"https://0x7f000001", "address: the host is no IPv4 address of four decimal numbers"},
    {"https://127.0.0.0X1", "address: the host is no IPv4 address of four decimal numbers"},
    {"https://127.0.0.256", "address: the host is no IPv4 address of four decimal numbers"},
    {"https://0127.0.0.1", "address: the host is no IPv4 address of four decimal numbers"},
    {"https://1.2.3.4.5", "address: the host is no IPv4 address of four decimal numbers"},
    {"https://[::1", "address: the IPv6 address is none"},
    {"https://[]", "address: the IPv6 address is none"},
    {"https://[::g]", "address: the IPv6 address is none"},
    {"https://[fe80::1%eth0]", "address: the IPv6 address is none"},
    {"https://[127.0.0.1]", "address: the IPv6 address is none"},
    {"https://[0000000000000000000000000000000000000000000000000001]",
     "address: the IPv6 address is none"},
    {"https://[::1]x", "address: the path is not /queues/NAME"},
    {"https://example.com:", "address: the port is no number from 1 to 65535"},
    {"https://example.com:/queues/q", "address: the port is no number from 1 to 65535"},
    {"https://example.com:0", "address: the port is no number from 1 to 65535"},
    {"https://example.com:65536", "address: the port is no number from 1 to 65535"},
    {"https://example.com:4294967739", "address: the port is no number from 1 to 65535"},
    {"https://example.com:99999999999999999999", "address: the port is no number from 1 to 65535"},
    {"https://example.com:+80", "address: the port is no number from 1 to 65535"},
    {"https://example.com:80a", "address: the port is no number from 1 to 65535"},
    {"https://example.com:canary/queues/q", "address: the port is no number from 1 to 65535"},
    {"https://example.com//queues/q", "address: the path is not /queues/NAME"},
    {"https://example.com/Queues/q", "address: the path is not /queues/NAME"},
    {"https://example.com/queuesq", "address: the path is not /queues/NAME"},
    {"https://example.com/topics/canary", "address: the path is not /queues/NAME"},
    {"https://example.com/queues//q",
     "address: the queue's name is not made of letters, digits and hyphens, a letter or digit "
     "first"},
    {"https://example.com/queues/-q",
     "address: the queue's name is not made of letters, digits and hyphens, a letter or digit "
     "first"},
    {"https://example.com/queues/a_b",
     "address: the queue's name is not made of letters, digits and hyphens, a letter or digit "
     "first"},
    {"https://example.com/queues/q%2Fr",
     "address: the queue's name is not made of letters, digits and hyphens, a letter or digit "
     "first"},
    {"https://example.com/queues/..",
     "address: the queue's name is not made of letters, digits and hyphens, a letter or digit "
     "first"},
    {"https://example.com/queues/q/messages",
     "address: the queue's name is not made of letters, digits and hyphens, a letter or digit "
     "first"},
};

static void odd_addresses_are_refused_with_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        struct wire_url url;
        struct error err = {0};
        if (wire_url_parse(&url, odd[i][0], &err) != STATUS_CONFIG)
            fail_msg("%s was taken", odd[i][0]);
        assert_string_equal(err.message, odd[i][1]);
        assert_null(strstr(err.message, "canary"));
    }
}

/* Fills "https://HOST/queues/NAME" with a host and a name of these lengths. */
static enum status parse_lengths(struct wire_url *url, size_t host_len, size_t name_len)
{
    char text[1024];
    char host[400];
    char name[400];
    assert_true(host_len < sizeof host && name_len < sizeof name);
    memset(name, 'n', name_len);
    name[name_len] = '\0';
    for (size_t i = 0; i < host_len; i++)
        host[i] = i % 50 == 49 && i + 1 < host_len ? '.' : 'h';
    host[host_len] = '\0';
    (void)snprintf(text, sizeof text, "https://%s:12345/queues/%s", host, name);
    return wire_url_parse(url, text, NULL);
}

static void lengths_have_limits(void **state)
{
    (void)state;
    struct wire_url url;
    assert_int_equal(parse_lengths(&url, 253, 256), STATUS_OK);
    assert_int_equal(strlen(url.host), 253);
    assert_int_equal(strlen(url.queue), 256);
    assert_int_equal(strlen(url.base), 8 + 253 + 6);
    assert_int_equal(parse_lengths(&url, 253, 257), STATUS_CONFIG);
    assert_int_equal(parse_lengths(&url, 254, 5), STATUS_CONFIG);
    assert_int_equal(parse_lengths(&url, 255, 5), STATUS_CONFIG);
    assert_int_equal(parse_lengths(&url, 256, 5), STATUS_CONFIG);
    assert_int_equal(parse_lengths(&url, 399, 5), STATUS_CONFIG);
    char label[100] = "http://";
    memset(label + 7, 'l', 63);
    assert_int_equal(wire_url_parse(&url, label, NULL), STATUS_OK);
    label[7 + 63] = 'l';
    assert_int_equal(wire_url_parse(&url, label, NULL), STATUS_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_are_taken_apart),
        cmocka_unit_test(odd_addresses_are_refused_with_the_reason),
        cmocka_unit_test(lengths_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
