/*
 * call.c - method and target of a request; see call.h.
 *
 * `text` is reserved once for all that decoding can yield, so that slices into it stay good:
 * percent-decoding never lengthens, and XML text in UTF-8 is at most twice its document (one-byte
 * encodings become two bytes; a reference of five characters becomes three bytes).
 */
#include "bench/localqueue/call.h"

#include <string.h>

struct target {
    struct slice path;
    struct slice query;
};

struct slice call_resource(struct slice target)
{
    if (target.len == 0 || target.data[0] == '/')
        return target;
    const uint8_t *scheme_end = memmem(target.data, target.len, "://", 3);
    if (!scheme_end)
        return target;
    const uint8_t *host = scheme_end + 3;
    const uint8_t *end = target.data + target.len;
    const uint8_t *path = memchr(host, '/', (size_t)(end - host));
    return path ? slice_of(path, (size_t)(end - path)) : slice_of_text("/");
}

static int hex_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    const uint8_t lower = byte | 0x20u;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Appends to `text`, where there is room. False: an escape that is none, or a NUL. */
static bool percent_decode(struct call *call, struct slice from, struct slice *decoded)
{
    const size_t begin = call->text.len;
    for (size_t i = 0; i < from.len; i++) {
        uint8_t byte = from.data[i];
        if (byte == '%') {
            if (from.len - i < 3)
                return false;
            const int high = hex_value(from.data[i + 1]);
            const int low = hex_value(from.data[i + 2]);
            if (high < 0 || low < 0)
                return false;
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (byte == 0)
            return false;
        buffer_put_u8(&call->text, byte);
    }
    *decoded = slice_of(call->text.data + begin, call->text.len - begin);
    return true;
}

static struct target split_target(struct slice resource)
{
    const uint8_t *mark =
        resource.len > 0 ? (const uint8_t *)memchr(resource.data, '?', resource.len) : NULL;
    if (!mark)
        return (struct target){.path = resource};
    const size_t path_len = (size_t)(mark - resource.data);
    return (struct target){
        .path = slice_of(resource.data, path_len),
        .query = slice_of(mark + 1, resource.len - path_len - 1),
    };
}

/* Takes the text up to the next `separator` off the front of `rest`. */
static struct slice take_until(struct slice *rest, uint8_t separator)
{
    const uint8_t *mark =
        rest->len > 0 ? (const uint8_t *)memchr(rest->data, separator, rest->len) : NULL;
    const size_t len = mark ? (size_t)(mark - rest->data) : rest->len;
    const struct slice taken = slice_of(rest->data, len);
    const size_t skipped = mark ? len + 1 : len;
    *rest = slice_of(rest->data + skipped, rest->len - skipped);
    return taken;
}

static bool is_letter_or_digit(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

static enum code check_name(struct slice name)
{
    if (name.len == 0)
        return CODE_INVALID_QUEUE_NAME;
    if (name.len > CALL_NAME_MAX)
        return CODE_QUEUE_NAME_LENGTH;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_letter_or_digit(name.data[i]) && (i == 0 || name.data[i] != '-'))
            return CODE_INVALID_QUEUE_NAME;
    }
    return CODE_NONE;
}

bool call_name_is_valid(struct slice name)
{
    return check_name(name) == CODE_NONE;
}

/* The parameters of a query, by name in any case; the last of equal ones wins. */
struct parameters {
    struct slice handle;
    struct slice visibility;
    struct slice count;
    struct slice wait;
    struct slice peek;
    struct slice override;
};

static struct slice *parameter_of(struct parameters *parameters, struct slice name)
{
    const struct {
        const char *name;
        struct slice *value;
    } known[] = {
        {"ReceiptHandle", &parameters->handle}, {"VisibilityTimeout", &parameters->visibility},
        {"numOfMessages", &parameters->count},  {"waitseconds", &parameters->wait},
        {"peekonly", &parameters->peek},        {"metaoverride", &parameters->override},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (text_equal_any_case(name, known[i].name))
            return known[i].value;
    }
    return NULL;
}

static enum code parse_query(struct call *call, struct slice query, struct parameters *parameters)
{
    while (query.len > 0) {
        struct slice value = take_until(&query, '&');
        const struct slice name = take_until(&value, '=');
        struct slice *known = parameter_of(parameters, name);
        if (known && !percent_decode(call, value, known))
            return CODE_INVALID_QUERY;
    }
    return CODE_NONE;
}

static bool is_true(struct slice text)
{
    return text_equal_any_case(text, "true");
}

static enum code parse_list(struct call *call, const struct call_headers *headers)
{
    call->operation = OPERATION_LIST_QUEUES;
    call->list_prefix = headers->prefix;
    call->list_marker = headers->marker;
    call->with_meta = is_true(headers->with_meta);
    call->list_count = CALL_LIST_MAX;
    if (headers->list_count.len > 0 &&
        (!decimal_parse(headers->list_count, CALL_LIST_MAX, &call->list_count) ||
         call->list_count == 0))
        return CODE_INVALID_ARGUMENT;
    return CODE_NONE;
}

static enum code parse_queue_call(struct call *call, struct slice method,
                                  const struct parameters *parameters)
{
    if (text_equal_any_case(method, "PUT"))
        call->operation =
            is_true(parameters->override) ? OPERATION_SET_ATTRIBUTES : OPERATION_CREATE_QUEUE;
    else if (text_equal_any_case(method, "GET"))
        call->operation = OPERATION_GET_ATTRIBUTES;
    else if (text_equal_any_case(method, "DELETE"))
        call->operation = OPERATION_DELETE_QUEUE;
    else
        return CODE_INVALID_URL;
    return CODE_NONE;
}

static enum code parse_receive(struct call *call, const struct parameters *parameters)
{
    call->operation = is_true(parameters->peek) ? OPERATION_PEEK : OPERATION_RECEIVE;
    call->count = 1;
    call->is_batch = parameters->count.len > 0;
    if (call->is_batch &&
        (!decimal_parse(parameters->count, CALL_BATCH_MAX, &call->count) || call->count == 0))
        return CODE_INVALID_ARGUMENT;
    call->has_wait = parameters->wait.len > 0;
    if (call->has_wait && !decimal_parse(parameters->wait, CALL_WAIT_S_MAX, &call->wait_s))
        return CODE_INVALID_ARGUMENT;
    return CODE_NONE;
}

static void take_handle(struct call *call, const struct parameters *parameters)
{
    call->handle_count = parameters->handle.len > 0;
    call->handles[0] = parameters->handle;
}

static enum code parse_visibility(struct call *call, const struct parameters *parameters)
{
    const uint32_t most = 43200;
    call->operation = OPERATION_CHANGE_VISIBILITY;
    take_handle(call, parameters);
    if (call->handle_count == 0)
        return CODE_MISSING_HANDLE;
    if (parameters->visibility.len == 0)
        return CODE_MISSING_VISIBILITY;
    if (!decimal_parse(parameters->visibility, most, &call->visibility_s) ||
        call->visibility_s == 0)
        return CODE_INVALID_ARGUMENT;
    return CODE_NONE;
}

static enum code parse_messages_call(struct call *call, struct slice method,
                                     const struct parameters *parameters)
{
    if (text_equal_any_case(method, "GET"))
        return parse_receive(call, parameters);
    if (text_equal_any_case(method, "PUT"))
        return parse_visibility(call, parameters);
    if (text_equal_any_case(method, "POST")) {
        call->operation = OPERATION_SEND;
        return CODE_NONE;
    }
    if (!text_equal_any_case(method, "DELETE"))
        return CODE_INVALID_URL;
    /* A single delete may have a body, too: it is not looked at. */
    call->operation = OPERATION_DELETE;
    take_handle(call, parameters);
    call->is_batch = call->handle_count == 0;
    return CODE_NONE;
}

/* Forgets everything but the memory. */
static void call_reset(struct call *call)
{
    struct buffer text = call->text;
    buffer_clear(&text);
    *call = (struct call){.text = text, .attributes = attributes_default()};
}

enum code call_parse(struct call *call, struct slice method, struct slice resource,
                     const struct call_headers *headers, size_t body_len)
{
    call_reset(call);
    if (buffer_reserve(&call->text, resource.len + 2 * body_len + 64) != STATUS_OK)
        return CODE_INTERNAL;
    const struct target target = split_target(resource);
    struct slice path;
    if (!percent_decode(call, target.path, &path))
        return CODE_INVALID_URL;
    if (path.len > 1 && path.data[path.len - 1] == '/')
        path.len--;
    if (take_until(&path, '/').len != 0 ||
        !slice_equal(take_until(&path, '/'), slice_of_text("queues")))
        return CODE_INVALID_URL;

    struct parameters parameters = {0};
    const enum code query_code = parse_query(call, target.query, &parameters);
    if (query_code != CODE_NONE)
        return query_code;
    if (path.len == 0)
        return text_equal_any_case(method, "GET") ? parse_list(call, headers) : CODE_INVALID_URL;
    call->queue = take_until(&path, '/');
    const enum code name_code = check_name(call->queue);
    if (name_code != CODE_NONE)
        return name_code;
    if (path.len == 0)
        return parse_queue_call(call, method, &parameters);
    return slice_equal(path, slice_of_text("messages"))
               ? parse_messages_call(call, method, &parameters)
               : CODE_INVALID_URL;
}

bool call_wants_body(const struct call *call)
{
    switch (call->operation) {
    case OPERATION_CREATE_QUEUE:
    case OPERATION_SET_ATTRIBUTES:
    case OPERATION_SEND:
        return true;
    case OPERATION_DELETE:
        return call->is_batch;
    case OPERATION_GET_ATTRIBUTES:
    case OPERATION_DELETE_QUEUE:
    case OPERATION_LIST_QUEUES:
    case OPERATION_RECEIVE:
    case OPERATION_PEEK:
    case OPERATION_CHANGE_VISIBILITY:
        break;
    }
    return false;
}

void call_release(struct call *call)
{
    buffer_release(&call->text);
    *call = (struct call){0};
}
