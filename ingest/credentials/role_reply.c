/*
 * role_reply.c - see role_reply.h.
 *
 * cJSON parses; what it lets pass and we do not: bytes after the document, names given twice, an
 * escaped NUL, which would cut a text short, and values of another type.
 */
#include "ingest/credentials/role_reply.h"

#include "engine/civil/civil.h"
#include "ingest/credentials/key_store.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <string.h>

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

enum status metadata_base_parse(const char *url, char base[METADATA_BASE_BYTES], struct error *err)
{
    struct wire_url parsed;
    const char *scheme_end = strstr(url, "://");
    const char *path = scheme_end ? strchr(scheme_end + 3, '/') : NULL;
    if ((path && strcmp(path, "/") != 0) || wire_url_parse(&parsed, url, NULL) != STATUS_OK)
        return error_set(err, STATUS_CONFIG,
                         "the metadata service's address must be http://HOST[:PORT] or "
                         "https://HOST[:PORT]");
    memcpy(base, parsed.base, sizeof parsed.base);
    return STATUS_OK;
}

static struct slice without_line_end(struct slice text)
{
    while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
        text.len--;
    return text;
}

bool role_list_parse(struct slice body, char role[ROLE_NAME_BYTES])
{
    const uint8_t *end = body.len > 0 ? memchr(body.data, '\n', body.len) : NULL;
    if (end)
        body.len = (size_t)(end - body.data);
    body = without_line_end(body);
    if (!role_name_is_valid(body))
        return false;
    memcpy(role, body.data, body.len);
    role[body.len] = '\0';
    return true;
}

bool session_token_parse(struct slice body, char token[SESSION_TOKEN_BYTES])
{
    return access_key_set(token, SESSION_TOKEN_BYTES, without_line_end(body)) == NULL;
}

/* The text of a member, or NULL: it is missing, there twice, or no text. */
static const char *member_text(const cJSON *root, const char *name)
{
    const char *text = NULL;
    unsigned count = 0;
    for (const cJSON *item = root->child; item; item = item->next) {
        if (strcmp(item->string, name) != 0)
            continue;
        count++;
        text = cJSON_GetStringValue(item);
    }
    return count == 1 ? text : NULL;
}

static enum status read_part(const cJSON *root, const char *name, char *part, size_t room,
                             struct error *err)
{
    const char *text = member_text(root, name);
    const char *problem =
        text ? access_key_set(part, room, slice_of_text(text)) : "is missing or no text";
    if (problem)
        return error_set(err, STATUS_INPUT, "the role's key: %s %s", name, problem);
    return STATUS_OK;
}

/* Two or four digits; -1: others stand there. */
static int32_t read_number(const char *text, size_t digits)
{
    int32_t number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(text[i]))
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

/* "2026-11-22T12:06:42Z" and no other form. */
static bool read_time(const char *text, int64_t *utc_ms)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    if (strlen(text) != sizeof form - 1)
        return false;
    for (size_t i = 0; i + 1 < sizeof form; i++) {
        if (form[i] == 'd' ? !is_digit(text[i]) : text[i] != form[i])
            return false;
    }
    const struct civil_time time = {.year = read_number(text, 4),
                                    .month = (uint8_t)read_number(text + 5, 2),
                                    .day = (uint8_t)read_number(text + 8, 2),
                                    .hour = (uint8_t)read_number(text + 11, 2),
                                    .minute = (uint8_t)read_number(text + 14, 2),
                                    .second = (uint8_t)read_number(text + 17, 2)};
    if (!civil_is_valid(&time))
        return false;
    *utc_ms = civil_to_utc_ms(&time);
    return true;
}

static enum status read_key(const cJSON *root, struct access_key *key, struct error *err)
{
    const char *code = member_text(root, "Code");
    if (!code || strcmp(code, "Success") != 0)
        return error_set(err, STATUS_INPUT, "the role's key: Code is not Success");
    TRY(read_part(root, "AccessKeyId", key->id, sizeof key->id, err));
    TRY(read_part(root, "AccessKeySecret", key->secret, sizeof key->secret, err));
    TRY(read_part(root, "SecurityToken", key->token, sizeof key->token, err));
    const char *expiration = member_text(root, "Expiration");
    if (!expiration || !read_time(expiration, &key->expires_ms) || key->expires_ms <= 0)
        return error_set(err, STATUS_INPUT,
                         "the role's key: Expiration is no time like 2026-11-22T12:06:42Z");
    return STATUS_OK;
}

/* cJSON frees what it holds as it is. */
static void wipe_and_delete(cJSON **root)
{
    if (!*root)
        return;
    for (cJSON *item = (*root)->child; item; item = item->next) {
        if (cJSON_IsString(item) && item->valuestring)
            explicit_bzero(item->valuestring, strlen(item->valuestring));
    }
    cJSON_Delete(*root);
}

static enum status parse_document(const uint8_t *body, size_t body_len, struct access_key *key,
                                  struct error *err)
{
    static const char escaped_nul[] = "\\u0000";
    if (body_len == 0 || memchr(body, '\0', body_len) ||
        memmem(body, body_len, escaped_nul, sizeof escaped_nul - 1))
        return error_set(err, STATUS_INPUT, "the role's key is no JSON");
    OWNED(wipe_and_delete)
    cJSON *root = cJSON_ParseWithLengthOpts((const char *)body, body_len + 1, NULL, 1);
    if (!root)
        return error_set(err, STATUS_INPUT, "the role's key is no JSON");
    if (!cJSON_IsObject(root))
        return error_set(err, STATUS_INPUT, "the role's key is no JSON object");
    return read_key(root, key, err);
}

enum status role_reply_parse(uint8_t *body, size_t body_len, struct access_key *key,
                             struct error *err)
{
    access_key_wipe(key);
    body[body_len] = '\0';
    const enum status status = parse_document(body, body_len, key, err);
    explicit_bzero(body, body_len);
    if (status != STATUS_OK)
        access_key_wipe(key);
    return status;
}
