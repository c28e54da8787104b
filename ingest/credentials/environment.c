/*
 * environment.c - see environment.h.
 *
 * The variables' bytes lie where the kernel put them when the program began, and there
 * /proc/PID/environ reads them. unsetenv only forgets the pointer, so the bytes go first.
 */
#include "ingest/credentials/environment.h"

#include "ingest/credentials/key_store.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ID_NAME     "ALIBABA_CLOUD_ACCESS_KEY_ID"
#define SECRET_NAME "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
#define TOKEN_NAME  "ALIBABA_CLOUD_SECURITY_TOKEN"

const char *environment_text(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] != '\0' ? value : NULL;
}

bool environment_is_true(const char *name)
{
    const char *value = environment_text(name);
    return value && (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* A variable may stand there more than once. */
static void wipe_variable(const char *name)
{
    const size_t name_len = strlen(name);
    for (char **variable = environ; variable && *variable; variable++) {
        char *text = *variable;
        if (strncmp(text, name, name_len) == 0 && text[name_len] == '=')
            explicit_bzero(text + name_len + 1, strlen(text + name_len + 1));
    }
    (void)unsetenv(name);
}

static enum status set_part(char *part, size_t room, const char *name, struct error *err)
{
    const char *value = environment_text(name);
    if (!value)
        return STATUS_OK;
    const char *problem = access_key_set(part, room, slice_of_text(value));
    if (problem)
        return error_set(err, STATUS_CONFIG, "%s %s", name, problem);
    return STATUS_OK;
}

static enum status read_key(struct access_key *key, bool *found, struct error *err)
{
    TRY(set_part(key->id, sizeof key->id, ID_NAME, err));
    TRY(set_part(key->secret, sizeof key->secret, SECRET_NAME, err));
    TRY(set_part(key->token, sizeof key->token, TOKEN_NAME, err));
    const bool has_id = key->id[0] != '\0';
    const bool has_secret = key->secret[0] != '\0';
    if (has_id != has_secret)
        return error_set(err, STATUS_CONFIG, "%s is set and %s is not: a key is both",
                         has_id ? ID_NAME : SECRET_NAME, has_id ? SECRET_NAME : ID_NAME);
    if (!has_id && key->token[0] != '\0')
        return error_set(err, STATUS_CONFIG, "%s is set, but no access key that it belongs to",
                         TOKEN_NAME);
    *found = has_id;
    return STATUS_OK;
}

enum status environment_take_key(struct access_key *key, bool *found, struct error *err)
{
    *found = false;
    access_key_wipe(key);
    const enum status status = read_key(key, found, err);
    wipe_variable(ID_NAME);
    wipe_variable(SECRET_NAME);
    wipe_variable(TOKEN_NAME);
    return status;
}
