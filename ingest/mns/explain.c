/*
 * explain.c - an answer that was not hoped for, as a line for people:
 *
 *      queue aliyun-iot-a1 at host:port: 403 SignatureDoesNotMatch: text (request id 58F5C7...)
 *
 * The server's words are not trusted: cut, without control characters, and without anything that
 * must not be shown.
 */
#include "ingest/log/log.h"
#include "ingest/mns/mns_internal.h"

#include <stdio.h>
#include <string.h>

/* Control characters of ASCII and, in UTF-8, of Latin-1: terminals obey both. */
static void replace_controls(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        const bool is_latin = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
        if (is_latin)
            at[1] = '?';
        if (is_latin || *at < ' ' || *at == 0x7f)
            *at = '?';
    }
}

/* How much of a text fits into `len_max` bytes without cutting a character of UTF-8. */
static size_t fitting_len(const char *text, size_t len_max)
{
    const size_t len = strlen(text);
    if (len <= len_max)
        return len;
    size_t at = len_max;
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* The server's words as they may be shown, into `shown`. */
static void show(struct mns *mns, struct slice words, char shown[EXPLANATION_TEXT_BYTES + 1])
{
    const size_t len = words.len < EXPLANATION_LOOK_BYTES ? words.len : EXPLANATION_LOOK_BYTES;
    if (len > 0)
        memcpy(mns->look, words.data, len);
    mns->look[len] = '\0';
    log_redact(mns->look);
    replace_controls(mns->look);
    const size_t shown_len = fitting_len(mns->look, EXPLANATION_TEXT_BYTES);
    memcpy(shown, mns->look, shown_len);
    shown[shown_len] = '\0';
}

/* "403 Code: text (request id 1)"; parts that are missing are left out. */
static void explain_error(struct mns *mns, int http_status, const struct wire_reply *reply,
                          char *text, size_t text_bytes)
{
    const bool is_batch = reply->failure_count > 0;
    struct slice code = is_batch ? reply->failures[0].code : reply->error_code;
    struct slice message = is_batch ? reply->failures[0].message : reply->error_message;
    for (size_t i = 0; code.len == 0 && i < reply->message_count; i++) {
        code = reply->messages[i].error_code;
        message = reply->messages[i].error_message;
    }
    char shown_code[EXPLANATION_TEXT_BYTES + 1];
    char shown_message[EXPLANATION_TEXT_BYTES + 1];
    char shown_id[EXPLANATION_TEXT_BYTES + 1];
    show(mns, code, shown_code);
    show(mns, message, shown_message);
    show(mns, reply->request_id, shown_id);
    (void)snprintf(
        text, text_bytes, "%d%s%s%s%s%s%s%s", http_status, shown_code[0] != '\0' ? " " : "",
        shown_code, shown_message[0] != '\0' ? ": " : "", shown_message,
        shown_id[0] != '\0' ? " (request id " : "", shown_id, shown_id[0] != '\0' ? ")" : "");
}

void explain_answer(struct mns *mns, const struct transport_reply *reply,
                    const struct mns_answer *answer, const char *problem)
{
    const struct wire_url *url = &mns->config.url;
    const char *scheme_end = strstr(url->base, "://");
    const char *host = scheme_end ? scheme_end + 3 : url->base;
    char text[3 * EXPLANATION_TEXT_BYTES + 64] = "";
    if (reply->fault != TRANSPORT_OK) {
        host = ""; /* the transport's words begin with it */
        (void)snprintf(text, sizeof text, "%.600s", reply->fault_text);
    } else if (problem[0] != '\0') {
        (void)snprintf(text, sizeof text, "%d, %.500s", reply->status, problem);
    } else {
        explain_error(mns, reply->status, answer->reply, text, sizeof text);
    }
    (void)snprintf(mns->explanation, sizeof mns->explanation, "%s%.200s%s%.300s%s%s",
                   url->queue[0] != '\0' ? "queue " : "", url->queue,
                   url->queue[0] != '\0' ? " at " : "", host, host[0] != '\0' ? ": " : "", text);
    log_redact(mns->explanation);
    replace_controls(mns->explanation);
}
