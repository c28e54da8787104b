/*
 * test_wire_judge.c - what status and document together mean.
 */
#include "engine/base/mem.h"
#include "ingest/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define ERROR(code)     "<Error><Code>" code "</Code><Message>m</Message></Error>"
#define RECEIVED        "<Messages><Message><MessageBody>b</MessageBody></Message></Messages>"
#define PARTLY_SENT                                                                          \
    "<Messages><Message><MessageId>m</MessageId></Message><Message><ErrorCode>InternalError" \
    "</ErrorCode></Message></Messages>"
#define PARTLY_DELETED                                                      \
    "<Errors><Error><ErrorCode>MessageNotExist</ErrorCode><ReceiptHandle>h" \
    "</ReceiptHandle></Error></Errors>"

struct judgement {
    int http_status;
    const char *document; /* one that cannot be parsed: judged as NULL */
    enum wire_verdict verdict;
};

static const struct judgement judgements[] = {
    {200, RECEIVED, WIRE_DONE},
    {201, "<Message><MessageId>m</MessageId></Message>", WIRE_DONE},
    {200, "<Queue><ActiveMessages>1</ActiveMessages></Queue>", WIRE_DONE},
    {200, "<ChangeVisibility><ReceiptHandle>h</ReceiptHandle></ChangeVisibility>", WIRE_DONE},
    {200, "", WIRE_DONE},
    {201, "", WIRE_DONE},
    {204, "", WIRE_DONE},
    {200, "<Messages/>", WIRE_EMPTY},
    {404, ERROR("MessageNotExist"), WIRE_EMPTY},
    {400, ERROR("MessageNotExist"), WIRE_EMPTY},
    {404, PARTLY_DELETED, WIRE_PARTIAL},
    {400, PARTLY_DELETED, WIRE_PARTIAL},
    {200, PARTLY_DELETED, WIRE_PARTIAL},
    {500, PARTLY_SENT, WIRE_PARTIAL},
    {400, PARTLY_SENT, WIRE_PARTIAL},
    {201, PARTLY_SENT, WIRE_PARTIAL},
    {0, "", WIRE_BUSY},
    {0, "<cut", WIRE_BUSY},
    {500, ERROR("InternalError"), WIRE_BUSY},
    {500, ERROR("InternalServerError"), WIRE_BUSY},
    {500, ERROR("NewKindOfError"), WIRE_BUSY},
    {500, "", WIRE_BUSY},
    {502, "<html><body>Bad Gateway", WIRE_BUSY},
    {503, "<html><body>Unavailable</body></html>", WIRE_BUSY},
    {503, RECEIVED, WIRE_BUSY},
    {599, "", WIRE_BUSY},
    {429, ERROR("TooManyRequests"), WIRE_BUSY},
    {429, "", WIRE_BUSY},
    {429, "slow down", WIRE_BUSY},
    {400, ERROR("QpsLimitExceeded"), WIRE_BUSY},
    {403, ERROR("QpsLimitExceeded"), WIRE_BUSY},
    {408, "", WIRE_BUSY},
    {408, ERROR("RequestTimeout"), WIRE_BUSY},
    {408, ERROR("TimeExpired"), WIRE_CLOCK},
    {400, ERROR("TimeExpired"), WIRE_CLOCK},
    {403, ERROR("TimeExpired"), WIRE_CLOCK},
    {400, ERROR("InvalidDateHeader"), WIRE_CLOCK},
    {403, ERROR("AccessDenied"), WIRE_DENIED},
    {403, ERROR("InvalidAccessKeyId"), WIRE_DENIED},
    {403, ERROR("SignatureDoesNotMatch"), WIRE_DENIED},
    {403, ERROR("SomethingElse"), WIRE_DENIED},
    {400, ERROR("SignatureDoesNotMatch"), WIRE_DENIED},
    {403, "", WIRE_DENIED},
    {403, "<html>Forbidden", WIRE_DENIED},
    {401, "", WIRE_DENIED},
    {404, ERROR("QueueNotExist"), WIRE_NO_QUEUE},
    {400, ERROR("QueueDeletedRecently"), WIRE_NO_QUEUE},
    {400, ERROR("ReceiptHandleError"), WIRE_NO_HANDLE},
    {404, ERROR("ReceiptHandleError"), WIRE_NO_HANDLE},
    {200, "<Messages><Message>", WIRE_BROKEN},
    {200, "<!DOCTYPE html><html></html>", WIRE_BROKEN},
    {200, "<html></html>", WIRE_BROKEN},
    {200, ERROR("SomethingElse"), WIRE_BROKEN},
    {200, "<Errors/>", WIRE_BROKEN},
    {404, "<Errors/>", WIRE_BROKEN},
    {404, "<Error><Code>MessageNotEx", WIRE_BROKEN},
    {404, "<html><body>Not Found</body></html>", WIRE_BROKEN},
    {404, RECEIVED, WIRE_BROKEN},
    {301, "", WIRE_BROKEN},
    {302, "<html>moved</html>", WIRE_BROKEN},
    {307, RECEIVED, WIRE_BROKEN},
    {304, "", WIRE_BROKEN},
    {100, "", WIRE_BROKEN},
    {199, "", WIRE_BROKEN},
    {-1, "", WIRE_BROKEN},
    {400, ERROR("InvalidArgument"), WIRE_REFUSED},
    {400, ERROR("MalformedXML"), WIRE_REFUSED},
    {400, ERROR("InvalidDigest"), WIRE_REFUSED},
    {400, "<Error/>", WIRE_REFUSED},
    {400, "", WIRE_REFUSED},
    {404, "", WIRE_REFUSED},
    {409, ERROR("QueueAlreadyExist"), WIRE_REFUSED},
    {413, "", WIRE_REFUSED},
    {499, "", WIRE_REFUSED},
};

static void every_answer_has_its_verdict(void **state)
{
    (void)state;
    struct wire_parser *parser = NULL;
    struct wire_reply reply = {0};
    assert_int_equal(wire_parser_open(&parser, NULL), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(judgements); i++) {
        const struct judgement *judgement = &judgements[i];
        const enum status status =
            wire_reply_parse(parser, slice_of_text(judgement->document), &reply, NULL);
        const enum wire_verdict verdict =
            wire_judge(judgement->http_status, status == STATUS_OK ? &reply : NULL);
        if (verdict != judgement->verdict)
            fail_msg("%d %s: %s, not %s", judgement->http_status, judgement->document,
                     wire_verdict_text(verdict), wire_verdict_text(judgement->verdict));
    }
    wire_reply_release(&reply);
    wire_parser_close(parser);
    assert_int_equal(mem_live_blocks(), 0);
}

static void verdicts_have_words(void **state)
{
    (void)state;
    const char *const words[] = {"done",   "idle",     "partial",   "busy",   "clock",
                                 "denied", "no-queue", "no-handle", "broken", "refused"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        assert_string_equal(wire_verdict_text((enum wire_verdict)i), words[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_verdict),
        cmocka_unit_test(verdicts_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
