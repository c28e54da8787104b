/*
 * config_file.h - configuration files as bytes.
 *
 *      # a comment: '#' or ';' opens its line
 *      queue = https://1234.mns.cn-shanghai.aliyuncs.com/queues/aliyun-iot-a1
 *      once  = yes
 *
 * One setting a line, no sections, no continuation lines, no quotes, no comment behind a value:
 * what would be half understood is an error that names its line. Lines end with LF or CRLF.
 *
 * Threads: pure.
 */
#ifndef MNSDB_INGEST_CONFIG_CONFIG_FILE_H
#define MNSDB_INGEST_CONFIG_CONFIG_FILE_H

#include "cli/settings_file.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

#define CONFIG_FILE_BYTES_MAX  SETTINGS_FILE_BYTES_MAX
#define CONFIG_KEY_BYTES_MAX   64u
#define CONFIG_VALUE_BYTES_MAX 4096u

/* A setting of a file; texts borrow from it, without blanks around them and without NUL. */
struct config_line {
    unsigned number; /* from 1 */
    struct slice key;
    struct slice value;
};

typedef enum status config_line_taker(void *context, const struct config_line *line,
                                      struct error *err);

/* Hands every setting to `take` in order. STATUS_CONFIG names `path` and the line. */
MUST_CHECK enum status config_file_parse(struct slice text, const char *path,
                                         config_line_taker *take, void *context, struct error *err);

/*
 * Reads a whole file into `text`. STATUS_CONFIG: it cannot be read, is no regular file, is too
 * large, or everybody may write to it. `*exists` false: there is none, and that is no error.
 */
MUST_CHECK enum status config_file_read(const char *path, struct buffer *text, bool *exists,
                                        struct error *err);

#endif
