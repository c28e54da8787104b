/*
 * call.h - a request as the operation that it asks for.
 *
 *      method + target (as sent) ──call_parse──> operation, queue, parameters
 *      body (XML)                ──call_parse_body──> messages, handles or attributes
 *
 * Clients differ in letter case of parameters and elements, in the order of parameters, in escaping
 * handles or not, and in writing the target as a path or as a whole address: all of it is taken.
 * A '+' is never a blank. Elements and parameters that are not known are passed over.
 *
 * Life cycle: zero-initialise -> call_parse -> call_parse_body -> use; again; call_release.
 *             Slices live until the next call_parse.
 * Threads:    one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_CALL_H
#define MNSDB_BENCH_LOCALQUEUE_CALL_H

#include "bench/localqueue/attributes.h"
#include "bench/localqueue/code.h"
#include "engine/base/bytes.h"
#include "ingest/xml/xml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALL_BATCH_MAX       16u
#define CALL_BATCH_BYTES_MAX 65536u /* all message bodies of a batch together */
#define CALL_DELAY_S_MAX     604800u
#define CALL_PRIORITY_MAX    16u
#define CALL_WAIT_S_MAX      30u
#define CALL_NAME_MAX        120u
#define CALL_LIST_MAX        1000u

enum operation {
    OPERATION_CREATE_QUEUE,
    OPERATION_SET_ATTRIBUTES,
    OPERATION_GET_ATTRIBUTES,
    OPERATION_DELETE_QUEUE,
    OPERATION_LIST_QUEUES,
    OPERATION_SEND,
    OPERATION_RECEIVE,
    OPERATION_PEEK,
    OPERATION_DELETE,
    OPERATION_CHANGE_VISIBILITY,
};

/* What is wrong with one message of a batch fails that one; others are sent. */
struct call_message {
    struct slice body;
    bool has_body;
    bool is_bad; /* a number that is none, or out of range */
    bool has_delay;
    uint32_t delay_s;
    uint32_t priority; /* 0: not given */
};

struct call {
    enum operation operation;
    bool is_batch;
    bool has_wait;
    bool has_visibility;
    bool with_meta;        /* a list of queues shows their attributes */
    struct slice queue;    /* empty for a list */
    uint32_t count;        /* receive, peek: 1 ... 16 */
    uint32_t wait_s;       /* if has_wait */
    uint32_t visibility_s; /* if has_visibility */
    uint32_t list_count;
    struct slice list_prefix;
    struct slice list_marker;
    struct slice handles[CALL_BATCH_MAX];
    size_t handle_count;
    struct call_message messages[CALL_BATCH_MAX];
    size_t message_count;
    struct attributes attributes;
    struct buffer text;  /* owned; what slices point into */
    enum code body_code; /* of the walk over the body */
};

/* The headers that lists of queues are asked with; empty where absent. */
struct call_headers {
    struct slice prefix;
    struct slice marker;
    struct slice list_count;
    struct slice with_meta;
};

/* Letters, digits and hyphens, not a hyphen first, up to CALL_NAME_MAX. */
bool call_name_is_valid(struct slice name);

/* Path and query of a request target: what is signed. Borrows from `target`. */
struct slice call_resource(struct slice target);

/*
 * `body_len` is the length of the body that will follow. CODE_INTERNAL: no memory. `headers`
 * must live as long as the call is used.
 */
enum code call_parse(struct call *call, struct slice method, struct slice resource,
                     const struct call_headers *headers, size_t body_len);

/* Does the operation read a body at all? One that does not may have any. */
bool call_wants_body(const struct call *call);
enum code call_parse_body(struct call *call, struct xml_parser *parser, struct slice body);

void call_release(struct call *call);

#endif
