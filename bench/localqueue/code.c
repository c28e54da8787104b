/*
 * code.c - the error table; see code.h.
 */
#include "bench/localqueue/code.h"

#include <assert.h>

static const struct code_info table[CODE_COUNT] = {
    [CODE_NONE] = {200, "OK", ""},
    [CODE_INVALID_ARGUMENT] = {400, "InvalidArgument", "A value of the request is out of range."},
    [CODE_INVALID_AUTHORIZATION] = {400, "InvalidAuthorizationHeader",
                                    "The Authorization header format is invalid."},
    [CODE_MISSING_AUTHORIZATION] = {400, "MissingAuthorizationHeader",
                                    "Authorization header is required."},
    [CODE_INVALID_DATE] = {400, "InvalidDateHeader", "The Date header format is invalid."},
    [CODE_MISSING_DATE] = {400, "MissingDateHeader", "Date header is required."},
    [CODE_INVALID_DIGEST] = {400, "InvalidDigest",
                             "The Content-MD5 you specified is not that of the body."},
    [CODE_INVALID_URL] = {400, "InvalidRequestURL", "The request URL is invalid."},
    [CODE_INVALID_QUERY] = {400, "InvalidQueryString", "The query string is invalid."},
    [CODE_MALFORMED_XML] = {400, "MalformedXML", "The XML you provided is not well-formed."},
    [CODE_MISSING_HANDLE] = {400, "MissingReceiptHandle", "ReceiptHandle is required."},
    [CODE_MISSING_VISIBILITY] = {400, "MissingVisibilityTimeout", "VisibilityTimeout is required."},
    [CODE_HANDLE_ERROR] = {400, "ReceiptHandleError",
                           "The receipt handle you provided is not valid."},
    [CODE_INVALID_QUEUE_NAME] = {400, "InvalidQueueName",
                                 "The queue name you provided is invalid."},
    [CODE_QUEUE_NAME_LENGTH] = {400, "QueueNameLengthError",
                                "The queue name you provided is too long."},
    [CODE_MISSING_VERSION] = {400, "MissingVersionHeader", "x-mns-version header is required."},
    [CODE_INVALID_VERSION] = {400, "InvalidVersionHeader", "x-mns-version is not supported."},
    [CODE_ACCESS_DENIED] = {403, "AccessDenied",
                            "The OwnerId that your Access Key Id associated to is forbidden for "
                            "this operation."},
    [CODE_INVALID_KEY_ID] = {403, "InvalidAccessKeyId",
                             "The AccessKey Id you provided is not exist."},
    [CODE_SIGNATURE] = {403, "SignatureDoesNotMatch",
                        "The request signature we calculated does not match the signature you "
                        "provided. Check your access key and signing method."},
    [CODE_NO_MESSAGE] = {404, "MessageNotExist", "Message not exist."},
    [CODE_NO_QUEUE] = {404, "QueueNotExist", "The queue name you provided is not exist."},
    [CODE_TIME_EXPIRED] = {408, "TimeExpired",
                           "The http request you sent is expired: its Date differs by more than "
                           "15 minutes."},
    [CODE_QUEUE_EXISTS] = {409, "QueueAlreadyExist",
                           "The queue you want to create already exists with other attributes."},
    [CODE_TOO_MANY_REQUESTS] = {429, "TooManyRequests", "Too many requests."},
    [CODE_INTERNAL] = {500, "InternalError", "Internal error."},
    [CODE_BAD_GATEWAY] = {502, "InternalServerError", "Bad gateway."},
    [CODE_UNAVAILABLE] = {503, "ServiceUnavailable", "The service is unavailable."},
    [CODE_GATEWAY_TIMEOUT] = {504, "InternalServerError", "Gateway timeout."},
};

const struct code_info *code_info(enum code code)
{
    assert(code < CODE_COUNT);
    return &table[code];
}
