/*
 * code.h - what an answer of the queue says when it is not a plain success.
 *
 * Names, HTTP statuses and wording are those of the service's error table.
 *
 * Threads: constant data.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_CODE_H
#define MNSDB_BENCH_LOCALQUEUE_CODE_H

enum code {
    CODE_NONE, /* nothing is wrong */
    CODE_INVALID_ARGUMENT,
    CODE_INVALID_AUTHORIZATION,
    CODE_MISSING_AUTHORIZATION,
    CODE_INVALID_DATE,
    CODE_MISSING_DATE,
    CODE_INVALID_DIGEST,
    CODE_INVALID_URL,
    CODE_INVALID_QUERY,
    CODE_MALFORMED_XML,
    CODE_MISSING_HANDLE,
    CODE_MISSING_VISIBILITY,
    CODE_HANDLE_ERROR,
    CODE_INVALID_QUEUE_NAME,
    CODE_QUEUE_NAME_LENGTH,
    CODE_MISSING_VERSION,
    CODE_INVALID_VERSION,
    CODE_ACCESS_DENIED,
    CODE_INVALID_KEY_ID,
    CODE_SIGNATURE,
    CODE_NO_MESSAGE,
    CODE_NO_QUEUE,
    CODE_TIME_EXPIRED,
    CODE_QUEUE_EXISTS,
    CODE_TOO_MANY_REQUESTS,
    CODE_INTERNAL,
    CODE_BAD_GATEWAY,
    CODE_UNAVAILABLE,
    CODE_GATEWAY_TIMEOUT,
    CODE_COUNT
};

struct code_info {
    int http_status;
    const char *name;
    const char *text;
};

const struct code_info *code_info(enum code code);

#endif
