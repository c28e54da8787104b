/*
 * fuzz_role_reply.c - what a metadata service answers, as anything: a key that can stand in a
 * header, or a refusal; likewise its other answers and its address.
 */
#include "ingest/credentials/role_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_role_reply: %s\n", what);
    abort();
}

static bool is_visible(const char *text, size_t room)
{
    const size_t len = strnlen(text, room);
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return len > 0 && len < room;
}

static void check_small_answers(struct slice body, const char *text)
{
    char role[ROLE_NAME_BYTES];
    char token[SESSION_TOKEN_BYTES];
    char base[METADATA_BASE_BYTES];
    if (role_list_parse(body, role))
        check(role_name_is_valid(slice_of_text(role)), "an odd role");
    if (session_token_parse(body, token))
        check(is_visible(token, sizeof token), "a session token that no header can hold");
    if (metadata_base_parse(text, base, NULL) == STATUS_OK)
        check(is_visible(base, sizeof base) && strncmp(base, "http", 4) == 0 &&
                  strpbrk(base, "@?#\\") == NULL,
              "an odd address");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    static struct access_key key;
    if (bytes_len > ROLE_REPLY_BYTES_MAX)
        return 0;
    uint8_t *body = malloc(bytes_len + 1);
    check(body != NULL, "no memory");
    memcpy(body, bytes, bytes_len);
    body[bytes_len] = '\0';
    check_small_answers(slice_of(body, bytes_len), (const char *)body);
    if (role_reply_parse(body, bytes_len, &key, NULL) == STATUS_OK) {
        check(is_visible(key.id, sizeof key.id), "an id that no header can hold");
        check(is_visible(key.secret, sizeof key.secret), "a secret with odd bytes");
        check(is_visible(key.token, sizeof key.token), "a token that no header can hold");
        check(key.expires_ms > 0, "a key that never was good");
    } else {
        check(key.secret[0] == '\0', "a refused key was left");
    }
    free(body);
    return 0;
}
