/*
 * fuzz_credentials_file.c - a credentials file of any content: refused with a message that names
 * the file, or read as a key that can stand in a header, or as a role.
 */
#include "ingest/credentials/key_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_credentials_file: %s\n", what);
    abort();
}

static bool is_visible(const char *text, size_t room)
{
    const size_t len = strnlen(text, room);
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return len < room;
}

static void check_key(const struct key_file *file)
{
    const struct access_key *key = &file->key;
    check(is_visible(key->id, sizeof key->id), "an id that no header can hold");
    check(is_visible(key->secret, sizeof key->secret), "a secret with odd bytes");
    check(is_visible(key->token, sizeof key->token), "a token that no header can hold");
    const bool has_key = key->id[0] != '\0' && key->secret[0] != '\0';
    check(has_key != file->is_role, "neither a key nor a role");
    check(file->role[0] == '\0' || role_name_is_valid(slice_of_text(file->role)), "an odd role");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    static const char *const profiles[] = {"default", "prod"};
    if (bytes_len > KEY_FILE_BYTES_MAX)
        return 0;
    struct key_file *file = key_file_new();
    /* Of exactly this size, so that a read beyond is seen. */
    uint8_t *content = malloc(bytes_len + 1);
    check(file && content, "no memory");
    uint8_t *exact = content + 1;
    memcpy(exact, bytes, bytes_len);
    for (size_t i = 0; i < 2; i++) {
        struct error err = {0};
        const enum status status =
            key_file_parse(slice_of(exact, bytes_len), profiles[i], "FILE", file, &err);
        if (status == STATUS_OK)
            check_key(file);
        else
            check(status == STATUS_CONFIG && strstr(err.message, "FILE"), "an odd refusal");
    }
    free(content);
    key_file_free(&file);
    return 0;
}
