/*
 * authenticate.c - checks in the order of the service; see authenticate.h.
 *
 * The cache compares whole texts: a hash only says where to look.
 */
#include "bench/localqueue/authenticate.h"

#include "bench/localqueue/attributes.h"
#include "bench/localqueue/md5.h"
#include "ingest/decode/base64.h"

#include <string.h>

void authenticator_init(struct authenticator *authenticator, struct slice key_id,
                        struct slice secret)
{
    *authenticator = (struct authenticator){.key_id = key_id, .secret = secret};
}

void authenticator_release(struct authenticator *authenticator)
{
    for (size_t i = 0; i < AUTHENTICATE_CACHE; i++)
        buffer_release(&authenticator->good[i]);
    buffer_release(&authenticator->text);
    *authenticator = (struct authenticator){0};
}

struct claim {
    struct slice key_id;
    struct slice signature;
};

/* "MNS <key id>:<signature>" */
static bool parse_claim(struct slice authorization, struct claim *claim)
{
    static const char scheme[] = "MNS ";
    const size_t scheme_len = sizeof scheme - 1;
    if (authorization.len <= scheme_len || memcmp(authorization.data, scheme, scheme_len) != 0)
        return false;
    const uint8_t *begin = authorization.data + scheme_len;
    const size_t len = authorization.len - scheme_len;
    const uint8_t *colon = memchr(begin, ':', len);
    if (!colon || colon == begin)
        return false;
    const size_t id_len = (size_t)(colon - begin);
    claim->key_id = slice_of(begin, id_len);
    claim->signature = slice_of(colon + 1, len - id_len - 1);
    return claim->signature.len > 0;
}

static struct slice date_of(const struct signed_request *request)
{
    return request->mns_date.len > 0 ? request->mns_date : request->date;
}

static enum code check_date(const struct signed_request *request, int64_t now_ms)
{
    const struct slice date = date_of(request);
    int64_t date_ms = 0;
    if (date.len == 0)
        return CODE_MISSING_DATE;
    if (!wire_date_parse(date, &date_ms))
        return CODE_INVALID_DATE;
    const int64_t skew_ms = now_ms - date_ms;
    return skew_ms > AUTHENTICATE_SKEW_MS || skew_ms < -AUTHENTICATE_SKEW_MS ? CODE_TIME_EXPIRED
                                                                             : CODE_NONE;
}

static enum status append_line(struct buffer *text, struct slice line)
{
    TRY(buffer_append(text, line.data, line.len));
    return buffer_append(text, "\n", 1);
}

/* All that the verdict depends on. */
static enum status write_text(struct authenticator *authenticator,
                              const struct signed_request *request, struct slice signature)
{
    struct buffer *text = &authenticator->text;
    buffer_clear(text);
    TRY(append_line(text, signature));
    TRY(append_line(text, request->method));
    TRY(append_line(text, request->content_md5));
    TRY(append_line(text, request->content_type));
    TRY(append_line(text, date_of(request)));
    for (size_t i = 0; i < request->mns_count; i++) {
        TRY(append_line(text, request->mns[i].name));
        TRY(append_line(text, request->mns[i].value));
    }
    return append_line(text, request->resource);
}

static enum code check_signature(struct authenticator *authenticator,
                                 const struct signed_request *request, struct slice signature)
{
    if (write_text(authenticator, request, signature) != STATUS_OK)
        return CODE_INTERNAL;
    const struct slice text = buffer_slice(&authenticator->text);
    const uint64_t hash = bytes_hash(text.data, text.len, 0);
    struct buffer *good = &authenticator->good[hash % AUTHENTICATE_CACHE];
    if (slice_equal(buffer_slice(good), text))
        return CODE_NONE;

    const struct wire_signed signed_text = {
        .method = request->method,
        .content_md5 = request->content_md5,
        .content_type = request->content_type,
        .date = date_of(request),
        .headers = request->mns,
        .header_count = request->mns_count,
        .resource = request->resource,
    };
    char wanted[WIRE_SIGNATURE_BYTES];
    if (wire_sign(&signed_text, authenticator->secret, wanted, NULL) != STATUS_OK)
        return CODE_INTERNAL;
    if (!slice_equal(slice_of_text(wanted), signature))
        return CODE_SIGNATURE;
    buffer_clear(good);
    /* Without memory it is not remembered, nothing more. */
    if (buffer_append(good, text.data, text.len) != STATUS_OK)
        buffer_clear(good);
    return CODE_NONE;
}

enum code authenticate(struct authenticator *authenticator, const struct signed_request *request,
                       int64_t now_ms)
{
    struct claim claim;
    if (request->authorization.len == 0)
        return CODE_MISSING_AUTHORIZATION;
    if (!parse_claim(request->authorization, &claim))
        return CODE_INVALID_AUTHORIZATION;
    if (request->version.len == 0)
        return CODE_MISSING_VERSION;
    if (!slice_equal(request->version, slice_of_text(WIRE_VERSION)))
        return CODE_INVALID_VERSION;
    const enum code date_code = check_date(request, now_ms);
    if (date_code != CODE_NONE)
        return date_code;
    if (!slice_equal(claim.key_id, authenticator->key_id))
        return CODE_INVALID_KEY_ID;
    return check_signature(authenticator, request, claim.signature);
}

bool content_md5_agrees(struct slice content_md5, struct slice body)
{
    uint8_t digest[MD5_BYTES];
    uint8_t hex[MD5_HEX_BYTES];
    uint8_t text[(MD5_HEX_BYTES + 2) / 3 * 4];
    md5_digest(body, digest);
    base64_encode(slice_of(digest, sizeof digest), text);
    if (slice_equal(content_md5, slice_of(text, base64_encoded_len(sizeof digest))))
        return true;
    md5_hex(digest, "0123456789abcdef", hex);
    base64_encode(slice_of(hex, sizeof hex), text);
    return slice_equal(content_md5, slice_of(text, base64_encoded_len(sizeof hex)));
}
