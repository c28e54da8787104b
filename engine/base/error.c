/*
 * error.c - formatting of failure messages; see error.h for the rules.
 */
#include "engine/base/error.h"

#include <stdio.h>
#include <string.h>

/* Messages quote names from outside: nothing in them may reach a terminal raw. */
static void replace_control_characters(char *text)
{
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7f)
            *text = '?';
    }
}

enum status error_set(struct error *err, enum status status, const char *format, ...)
{
    if (!err)
        return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    replace_control_characters(err->message);
    return status;
}

enum status error_set_errno(struct error *err, enum status status, int errno_value,
                            const char *format, ...)
{
    if (!err)
        return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);

    char text[128];
    const char *reason = strerror_r(errno_value, text, sizeof text);
    const size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", reason);
    replace_control_characters(err->message);
    return status;
}

void error_add_context(struct error *err, const char *format, ...)
{
    if (!err || err->status == STATUS_OK)
        return;
    char context[ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);

    const char separator[] = ": ";
    char joined[(size_t)2 * ERROR_MESSAGE_BYTES + sizeof separator];
    snprintf(joined, sizeof joined, "%s%s%s", context, separator, err->message);
    memcpy(err->message, joined, sizeof err->message - 1);
    err->message[sizeof err->message - 1] = '\0';
    replace_control_characters(err->message);
}

const char *status_text(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return "ok";
    case STATUS_NOMEM:
        return "no memory";
    case STATUS_CORRUPT:
        return "damaged";
    case STATUS_IO:
        return "input/output failure";
    case STATUS_FULL:
        return "no space";
    case STATUS_MISSING:
        return "missing";
    case STATUS_LOCKED:
        return "locked";
    case STATUS_VERSION:
        return "unknown version";
    case STATUS_CONFIG:
        return "configuration";
    case STATUS_INPUT:
        return "bad input";
    case STATUS_STOPPED:
        return "stopped";
    }
    return "unknown";
}
