/*
 * key_file.h - an access key in a file that only its owner can read.
 *
 * Two forms, told apart by whether there are sections:
 *
 *      [default]                         ALIBABA_CLOUD_ACCESS_KEY_ID=LTAI...
 *      type = sts                        ALIBABA_CLOUD_ACCESS_KEY_SECRET=...
 *      access_key_id = STS...            ALIBABA_CLOUD_SECURITY_TOKEN=...
 *      access_key_secret = ...
 *      security_token = ...
 *
 * Names are the same in both, in any case, with or without ALIBABA_CLOUD_. The type is access_key
 * (which it is if none is given), sts, or ecs_ram_role with an optional role_name; in the second
 * form ECS_METADATA is a role's name too. Other names are ignored. Lines that begin with # or ;
 * are remarks. Messages name the file and the line, never a value.
 */
#ifndef MNSDB_INGEST_CREDENTIALS_KEY_FILE_H
#define MNSDB_INGEST_CREDENTIALS_KEY_FILE_H

#include "engine/base/bytes.h"
#include "ingest/credentials/credentials.h"

#include <stdbool.h>

#define KEY_FILE_BYTES_MAX 65536u
#define ROLE_NAME_BYTES    65u /* RAM allows 64 */

/* Lives in secret memory. */
struct key_file {
    bool is_role;
    char role[ROLE_NAME_BYTES]; /* "": whichever the instance has */
    struct access_key key;
};

/* For OWNED: key_file_free. */
MUST_CHECK struct key_file *key_file_new(void);
void key_file_free(struct key_file **file);

/* Letters, digits, '.', '-', '_', at most 64. */
bool role_name_is_valid(struct slice name);

/* The content of a file; `path` is for messages. STATUS_CONFIG: it cannot be used. */
MUST_CHECK enum status key_file_parse(struct slice content, const char *profile, const char *path,
                                      struct key_file *file, struct error *err);

/* `of_systemd`: it lies in $CREDENTIALS_DIRECTORY, see key_file.c. */
MUST_CHECK enum status key_file_read(const char *path, const char *profile, bool of_systemd,
                                     struct key_file *file, struct error *err);

#endif
