/*
 * test_wire_sign.c - signatures: published and captured ones, and what is and is not signed.
 *
 * ctest: threads
 */
#include "ingest/wire/wire.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define HEADERS_MAX     4u

struct header_text {
    const char *name;
    const char *value;
};

struct vector {
    const char *secret;
    const char *method;
    const char *md5;
    const char *type;
    const char *date;
    struct header_text headers[HEADERS_MAX];
    const char *resource;
    const char *signature;
};

#define VERSION_HEADER                \
    {                                 \
        "x-mns-version", "2015-06-06" \
    }
#define JUNE  "Tue, 03 Jun 2025 11:23:48 GMT"
#define NOVEM "Sun, 22 Nov 2026 12:06:42 GMT"

static const struct vector vectors[] = {
    {"TestAccessSecret",
     "GET",
     "",
     "",
     "Thu, 09 Jul 2015 03:01:34 GMT",
     {VERSION_HEADER},
     "/MyQueue",
     "uwx3yeWoILzgmvesW0BQSgfM7b8="},
    {"sk1",
     "POST",
     "",
     "",
     JUNE,
     {{"x-mns-abcdef", "abcDEF"}},
     "/queues/TestQueue",
     "cAThPWnbphg3hDe3ZHDADTgkgyE="},
    {"sk-kkkkkk1111111111",
     "GET",
     "",
     "",
     "Wed, 03 Dec 2025 11:23:48 GMT",
     {{"x-mns-abcdef", "KKKkkk"}},
     "/queues/TestQueue123456",
     "lPxnfNA+Qo/aj18MYJUnRMqa84I="},
    {"testSk", "GET", "", "", JUNE, {{0}}, "/queues/TestQueue", "uDJQXbk2xOhH95MDXmgbAGdtyE4="},
    {"testSk",
     "POST",
     "",
     "application/json",
     JUNE,
     {{0}},
     "/queues/Test Queue@123",
     "GZ/I9UgZsqvbzfzjd0GmA6VHOx4="},
    {"testSk",
     "POST",
     "NWNlM2U5MTBhMGQ0MWFiYTY1MGZlM2JkNDJmZGNlMGM=",
     "text/xml",
     NOVEM,
     {{"x-mns-date", NOVEM}, VERSION_HEADER},
     "/queues/aliyun-iot-a1/messages",
     "lwPj7rrKtEkiqB8UlieyG884Ovw="},
    {"testSk",
     "GET",
     "",
     "",
     NOVEM,
     {VERSION_HEADER},
     "/queues/aliyun-iot-a1/messages?numOfMessages=16&waitseconds=10",
     "XuPIdwduFzZOrx/izKjW7erY8ys="},
    {"testSk",
     "POST",
     "XOPpEKDUGrplD+O9Qv3ODA==",
     "text/xml;charset=utf-8",
     NOVEM,
     {VERSION_HEADER},
     "/queues/aliyun-iot-a1/messages",
     "ayoNScQeBH51SOHdQnoPC8HaSSM="},
};

static void sign(const struct vector *vector, const struct wire_header *headers, size_t count,
                 char signature[WIRE_SIGNATURE_BYTES])
{
    const struct wire_signed request = {
        .method = slice_of_text(vector->method),
        .content_md5 = slice_of_text(vector->md5),
        .content_type = slice_of_text(vector->type),
        .date = slice_of_text(vector->date),
        .headers = headers,
        .header_count = count,
        .resource = slice_of_text(vector->resource),
    };
    struct error err = {0};
    const enum status status = wire_sign(&request, slice_of_text(vector->secret), signature, &err);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(err.status, STATUS_OK);
}

static size_t list_headers(const struct vector *vector, struct wire_header headers[HEADERS_MAX])
{
    size_t count = 0;
    for (; count < HEADERS_MAX && vector->headers[count].name; count++) {
        headers[count].name = slice_of_text(vector->headers[count].name);
        headers[count].value = slice_of_text(vector->headers[count].value);
    }
    return count;
}

static void known_requests_have_their_known_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        struct wire_header headers[HEADERS_MAX];
        const size_t count = list_headers(&vectors[i], headers);
        char signature[WIRE_SIGNATURE_BYTES];
        sign(&vectors[i], headers, count, signature);
        assert_string_equal(signature, vectors[i].signature);
    }
}

static void order_and_case_of_headers_do_not_matter(void **state)
{
    (void)state;
    const struct wire_header headers[] = {
        {slice_of_text("X-MNS-Version"), slice_of_text("2015-06-06")},
        {slice_of_text("Host"), slice_of_text("127.0.0.1")},
        {slice_of_text("X-mns-DATE"), slice_of_text(NOVEM)},
    };
    char signature[WIRE_SIGNATURE_BYTES];
    sign(&vectors[5], headers, COUNT_OF(headers), signature);
    assert_string_equal(signature, vectors[5].signature);
}

static void other_headers_are_not_signed(void **state)
{
    (void)state;
    const struct wire_header headers[] = {
        {slice_of_text("security-token"), slice_of_text("CAISxyz")},
        {slice_of_text("x-mns"), slice_of_text("no")},
        {slice_of_text("my-x-mns-version"), slice_of_text("no")},
        {slice_of_text("x-mns_version"), slice_of_text("no")},
        {slice_of_text("x-mns-version"), slice_of_text("2015-06-06")},
        {slice_of_text(""), slice_of_text("")},
        {{0}, {0}},
    };
    char signature[WIRE_SIGNATURE_BYTES];
    sign(&vectors[6], headers, COUNT_OF(headers), signature);
    assert_string_equal(signature, vectors[6].signature);
}

/* x-mns-a < x-mns-ab < x-mns-b; of two with one name the order given counts. */
static void headers_are_sorted_by_name(void **state)
{
    (void)state;
    struct wire_header headers[] = {
        {slice_of_text("x-mns-a"), slice_of_text("1")},
        {slice_of_text("x-mns-ab"), slice_of_text("2")},
        {slice_of_text("x-mns-b"), slice_of_text("3")},
        {slice_of_text("x-mns-c"), slice_of_text("4")},
        {slice_of_text("x-mns-c"), slice_of_text("5")},
    };
    /* python3: hmac.new(b"testSk", b"GET\n\n\n" + date + b"\nx-mns-a:1\n...", "sha1") */
    const char *const expected = "EZ93+qH5XFcvg53ngM0XmE811WA=";
    const size_t orders[][COUNT_OF(headers)] = {
        {0, 1, 2, 3, 4}, {3, 2, 1, 0, 4}, {3, 4, 2, 1, 0}, {1, 0, 3, 2, 4}};
    for (size_t o = 0; o < COUNT_OF(orders); o++) {
        struct wire_header shuffled[COUNT_OF(headers)];
        for (size_t i = 0; i < COUNT_OF(headers); i++)
            shuffled[i] = headers[orders[o][i]];
        char signature[WIRE_SIGNATURE_BYTES];
        sign(&vectors[6], shuffled, COUNT_OF(headers), signature);
        assert_string_equal(signature, expected);
    }
}

static void names_longer_than_any_buffer_are_signed_whole(void **state)
{
    (void)state;
    char name[201] = "X-MNS-";
    memset(name + 6, 'Q', sizeof name - 7);
    const struct wire_header header = {slice_of_text(name), slice_of_text("v")};
    char signature[WIRE_SIGNATURE_BYTES];
    sign(&vectors[6], &header, 1, signature);
    assert_string_equal(signature, "5cBuVbtacVcIa/B32Ang1qrJreg=");
}

static void an_empty_secret_signs_too(void **state)
{
    (void)state;
    const struct wire_signed request = {.method = slice_of_text("GET"),
                                        .resource = slice_of_text("/")};
    char with_text[WIRE_SIGNATURE_BYTES];
    char with_null[WIRE_SIGNATURE_BYTES];
    assert_int_equal(wire_sign(&request, slice_of_text(""), with_text, NULL), STATUS_OK);
    assert_int_equal(wire_sign(&request, (struct slice){0}, with_null, NULL), STATUS_OK);
    assert_string_equal(with_text, "ZmnqwjM8HP2naNuMkb7L9OZXb/k=");
    assert_string_equal(with_null, with_text);
}

static void secrets_longer_than_a_block_are_hashed_first(void **state)
{
    (void)state;
    char secret[101];
    memset(secret, 's', sizeof secret - 1);
    secret[sizeof secret - 1] = '\0';
    struct vector vector = vectors[3];
    vector.secret = secret;
    char signature[WIRE_SIGNATURE_BYTES];
    sign(&vector, NULL, 0, signature);
    assert_string_equal(signature, "iLNuPmsbvpvwQaNxAGaemxGIID0=");
}

static void more_headers_than_the_limit_are_refused(void **state)
{
    (void)state;
    struct wire_header headers[WIRE_SIGNED_HEADERS_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        headers[i] = (struct wire_header){slice_of_text("x-mns-a"), slice_of_text("1")};
    struct wire_signed request = {.method = slice_of_text("GET"),
                                  .headers = headers,
                                  .header_count = WIRE_SIGNED_HEADERS_MAX,
                                  .resource = slice_of_text("/")};
    char signature[WIRE_SIGNATURE_BYTES];
    struct error err = {0};
    assert_int_equal(wire_sign(&request, slice_of_text("k"), signature, &err), STATUS_OK);
    request.header_count++;
    assert_int_equal(wire_sign(&request, slice_of_text("k"), signature, &err), STATUS_INPUT);
    assert_string_equal(err.message, "signature: 65 headers, 64 at most");
}

static void *sign_many(void *context)
{
    bool *ok = context;
    *ok = true;
    for (unsigned i = 0; i < 2000; i++) {
        const struct vector *vector = &vectors[i % COUNT_OF(vectors)];
        struct wire_header headers[HEADERS_MAX];
        char signature[WIRE_SIGNATURE_BYTES];
        const size_t count = list_headers(vector, headers);
        sign(vector, headers, count, signature);
        *ok = *ok && strcmp(signature, vector->signature) == 0;
    }
    return NULL;
}

static void threads_sign_side_by_side(void **state)
{
    (void)state;
    pthread_t threads[4];
    bool ok[COUNT_OF(threads)] = {0};
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &ok[i]), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(ok[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_sign_side_by_side),
        cmocka_unit_test(known_requests_have_their_known_signatures),
        cmocka_unit_test(order_and_case_of_headers_do_not_matter),
        cmocka_unit_test(other_headers_are_not_signed),
        cmocka_unit_test(headers_are_sorted_by_name),
        cmocka_unit_test(names_longer_than_any_buffer_are_signed_whole),
        cmocka_unit_test(an_empty_secret_signs_too),
        cmocka_unit_test(secrets_longer_than_a_block_are_hashed_first),
        cmocka_unit_test(more_headers_than_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
