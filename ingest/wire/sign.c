/*
 * sign.c - the signature of a request: base64(HMAC-SHA1(secret, string to sign)).
 *
 *      METHOD \n Content-MD5 \n Content-Type \n Date \n
 *      x-mns-a:value \n x-mns-b:value \n ...            names in lower case, sorted
 *      /path?query                                      no line break behind it
 *
 * The string is never built: its pieces go to the digest as they are.
 *
 * OpenSSL looks algorithms up by name, which costs more than the digest of so short a text. The
 * look-up is done once for the process; a call copies the prepared, keyless state, so that no key
 * outlives its call.
 */
#include "ingest/wire/wire.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <strings.h>

#define DIGEST_BYTES 20u
#define NAME_BYTES   64u /* of a signed header's name that is put in lower case at a time */

static const char prefix[] = "x-mns-";

static pthread_once_t keyless_once = PTHREAD_ONCE_INIT;
static EVP_MAC_CTX *keyless; /* never freed: lives as long as the process */

static void keyless_prepare(void)
{
    char digest_name[] = "SHA1";
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
        OSSL_PARAM_construct_end(),
    };
    if (context && EVP_MAC_CTX_set_params(context, parameters) == 1) {
        keyless = context;
        context = NULL;
    }
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
}

static void mac_free(EVP_MAC_CTX **context)
{
    EVP_MAC_CTX_free(*context);
}

/* Pieces of the string to sign; a failure is remembered until the end. */
struct signer {
    EVP_MAC_CTX *context; /* borrowed */
    bool failed;
};

static void signer_add(struct signer *signer, const void *data, size_t len)
{
    if (len > 0 && EVP_MAC_update(signer->context, data, len) != 1)
        signer->failed = true;
}

static void signer_add_line(struct signer *signer, struct slice text)
{
    signer_add(signer, text.data, text.len);
    signer_add(signer, "\n", 1);
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static void signer_add_header(struct signer *signer, const struct wire_header *header)
{
    uint8_t name[NAME_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < header->name.len; i++) {
        if (len == sizeof name) {
            signer_add(signer, name, len);
            len = 0;
        }
        name[len++] = lower(header->name.data[i]);
    }
    signer_add(signer, name, len);
    signer_add(signer, ":", 1);
    signer_add_line(signer, header->value);
}

static bool is_signed(const struct wire_header *header)
{
    const size_t prefix_len = sizeof prefix - 1;
    return header->name.len >= prefix_len &&
           strncasecmp((const char *)header->name.data, prefix, prefix_len) == 0;
}

/* By their names in lower case. */
static int header_compare(const struct wire_header *a, const struct wire_header *b)
{
    const size_t common = a->name.len < b->name.len ? a->name.len : b->name.len;
    for (size_t i = 0; i < common; i++) {
        const int order = (int)lower(a->name.data[i]) - (int)lower(b->name.data[i]);
        if (order != 0)
            return order;
    }
    return (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

/* The headers that are signed, sorted; those of equal names stay in their order. */
static size_t headers_pick(const struct wire_signed *request,
                           const struct wire_header *picked[WIRE_SIGNED_HEADERS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct wire_header *header = &request->headers[i];
        if (!is_signed(header))
            continue;
        size_t at = count++;
        for (; at > 0 && header_compare(picked[at - 1], header) > 0; at--)
            picked[at] = picked[at - 1];
        picked[at] = header;
    }
    return count;
}

static void signer_add_request(struct signer *signer, const struct wire_signed *request)
{
    const struct wire_header *picked[WIRE_SIGNED_HEADERS_MAX];
    const size_t count = headers_pick(request, picked);

    signer_add_line(signer, request->method);
    signer_add_line(signer, request->content_md5);
    signer_add_line(signer, request->content_type);
    signer_add_line(signer, request->date);
    for (size_t i = 0; i < count; i++)
        signer_add_header(signer, picked[i]);
    signer_add(signer, request->resource.data, request->resource.len);
}

enum status wire_sign(const struct wire_signed *request, struct slice secret,
                      char signature[WIRE_SIGNATURE_BYTES], struct error *err)
{
    if (request->header_count > WIRE_SIGNED_HEADERS_MAX)
        return error_set(err, STATUS_INPUT, "signature: %zu headers, %u at most",
                         request->header_count, WIRE_SIGNED_HEADERS_MAX);

    (void)pthread_once(&keyless_once, keyless_prepare);
    if (!keyless)
        return error_set(err, STATUS_CONFIG, "signature: OpenSSL offers no HMAC with SHA-1");
    OWNED(mac_free) EVP_MAC_CTX *context = EVP_MAC_CTX_dup(keyless);
    if (!context)
        return error_set(err, STATUS_NOMEM, "signature: no memory");

    /* A key of NULL would mean: the one from before. */
    const uint8_t no_key = 0;
    const uint8_t *key = secret.len > 0 ? secret.data : &no_key;
    struct signer signer = {.context = context};
    uint8_t digest[DIGEST_BYTES];
    size_t digest_len = 0;
    if (EVP_MAC_init(context, key, secret.len, NULL) != 1)
        return error_set(err, STATUS_CONFIG, "signature: OpenSSL refuses the key");
    signer_add_request(&signer, request);
    if (signer.failed || EVP_MAC_final(context, digest, &digest_len, sizeof digest) != 1)
        return error_set(err, STATUS_NOMEM, "signature: OpenSSL gave up");

    assert(digest_len == sizeof digest);
    const int text_len = EVP_EncodeBlock((uint8_t *)signature, digest, (int)digest_len);
    assert(text_len == (int)WIRE_SIGNATURE_BYTES - 1);
    (void)text_len;
    return STATUS_OK;
}
