/*
 * test_decode_lines.c - lines taken in runs give what the same lines give one by one.
 */
#include "tests/unit/decode_fixture.h"

#include "engine/base/mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

#define START         "{\"payload\":\"%s\",\"messagetype\":"
#define UPLOAD(topic) START "\"upload\",\"topic\":\"" topic "\""
#define STATUS(topic) START "\"status\",\"topic\":\"" topic "\""
#define AT(id, time)  ",\"messageid\":" id ",\"timestamp\":" time
#define AS_EVER       AT(TEST_ID, TEST_TIMESTAMP) "}"

/* More than one look of 64 bytes. */
#define LONG_TOPIC "/pk/a-name-of-many-characters-0123456789-0123456789-0123456789/user/update"

/* The same members in another order, and with blanks around them. */
#define ID_FIRST \
    "{\"messageid\":\"1741631244623888384\",\"timestamp\":1704072221,\"payload\":\"%s\","
#define SPACED "{ \"payload\": \"%s\", \"messagetype\": \"upload\", \"topic\": \"/pk/dn/x\", "

/* How a payload is made a line; %s is its base64. */
static const char *const envelopes[] = {
    UPLOAD("/pk/dn/user/update") AS_EVER,
    UPLOAD("pk/another") AS_EVER,
    UPLOAD("/sys/pk/dn/thing") AS_EVER,
    UPLOAD("/pk") AS_EVER,
    UPLOAD("//dn") AS_EVER,
    UPLOAD("/pk//x") AS_EVER,
    UPLOAD("/pk/dn\\u0041/x") AS_EVER,
    UPLOAD(LONG_TOPIC) AS_EVER,
    STATUS("/as/mqtt/status/pk/dn") AS_EVER,
    START "\"other\",\"topic\":\"/pk/dn/x\"" AS_EVER,
    SPACED "\"messageid\": 17, \"timestamp\": 1526450334 } \t",
    ID_FIRST "\"messagetype\":\"upload\",\"topic\":\"/pk/dn/x\"}\r",
    UPLOAD("/pk/dn/x") AT("18446744073709551615", "4102444799") "}",
    UPLOAD("/pk/dn/x") AT("18446744073709551616", "1526450334") "}",
    UPLOAD("/pk/dn/x") AT("9999999999999999999", "0526450334") "}",
    UPLOAD("/pk/dn/x") AT("1", "1526450334") "}}",
    UPLOAD("/pk/dn/x") ",\"messageid\":1",
    "%s",
    "",
    "  ",
};

#define ONLINE \
    "{\"status\":\"online\",\"productKey\":\"pk\",\"deviceName\":\"dn\",\"time\":\"1526450324\"}"

static const char *const payloads[] = {
    "{\"temperature\":24.07,\"humidity\":44}",
    "{\"temperature\":24.07,\"humidity\":44.5}",
    "{\"temperature\":-0.5,\"humidity\":0}",
    "{\"temperature\":100,\"humidity\":1000.10}",
    "{\"temperature\":1234567.890123456,\"humidity\":123456789012345}",
    "{\"temperature\":1234567890123456,\"humidity\":12345678901234567.5}",
    "{\"temperature\":01,\"humidity\":1.}",
    "{\"temperature\":1e3,\"humidity\":2}",
    "{\"temperature\":1,\"temperature\":2}",
    "{\"temperature\":1, \"humidity\" :2 }",
    "{\"temperature\":1,\"humidity\":true,\"on\":false}",
    "{\"temperature\":1,\"time\":\"2018-05-16 13:58:54\"}",
    "{\"temperature\":1,\"humidity\":\"text\"}",
    "{\"a metric whose lead is longer than one look of thirty-two bytes\":3.25,\"b\":1}",
    ONLINE,
    "{\"status\":\"offline\"}",
    "{}",
};

static void say_message(struct fixture *fixture, const struct message *message)
{
    const struct row_batch *const batch = &fixture->batch;
    if (message->verdict == MESSAGE_REJECT) {
        say(fixture, "%s", reject_reason_word(batch->rejects[message->first].reason));
        return;
    }
    const enum table table = message->verdict == MESSAGE_STATUS ? TABLE_STATUS : TABLE_READINGS;
    for (uint32_t i = 0; i < message->count; i++) {
        const struct row *const row = &batch->rows[table][message->first + i];
        assert_int_equal(row->message_id, message->id);
        say(fixture, "%llu ", (unsigned long long)row->message_id);
        say_row(fixture, row, table);
    }
}

/* What a batch holds, a line for each message. */
static void say_batch(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->batch.message_count; i++) {
        say_message(fixture, &fixture->batch.messages[i]);
        say(fixture, "\n");
    }
}

static void append(struct buffer *buffer, const char *text)
{
    assert_int_equal(buffer_append(buffer, text, strlen(text)), STATUS_OK);
}

/* Every payload in every envelope, every second pair twice; the slack follows. */
static void build_lines(struct buffer *lines)
{
    for (size_t e = 0; e < COUNT_OF(envelopes); e++) {
        for (size_t p = 0; p < COUNT_OF(payloads); p++) {
            uint8_t coded[512] = {0};
            char line[2048];
            base64_encode(slice_of_text(payloads[p]), coded);
            for (size_t copy = 0; copy < 1 + p % 2; copy++) {
                const size_t place = (e + p) % 3 == 0 ? 0 : e; /* back to the usual one */
                const int len = snprintf(line, sizeof line, "%s", envelopes[place]);
                assert_true(len >= 0 && (size_t)len < sizeof line);
                const char *const hole = strstr(envelopes[place], "%s");
                if (hole) {
                    const int before = (int)(hole - envelopes[place]);
                    (void)snprintf(line, sizeof line, "%.*s%s%s", before, envelopes[place],
                                   (const char *)coded, hole + 2);
                }
                append(lines, line);
                append(lines, "\n");
            }
        }
    }
}

enum way {
    ONE_BY_ONE,
    IN_RUNS,
    IN_RUNS_PORTABLE,
};

static char *decode_lines(struct slice lines, enum way way)
{
    void *state = NULL;
    assert_int_equal(setup(&state), 0);
    struct fixture *fixture = state;
    fixture->decoder.portable_only = way == IN_RUNS_PORTABLE;
    fixture->decoder.general_only = way == ONE_BY_ONE;
    for (size_t at = 0; at < lines.len;) {
        size_t taken = 0;
        assert_int_equal(decoder_take_lines(&fixture->decoder,
                                            slice_of(lines.data + at, lines.len - at),
                                            &fixture->batch, &taken, NULL),
                         STATUS_OK);
        at += taken;
        if (at == lines.len)
            break;
        const uint8_t *const line_break = memchr(lines.data + at, '\n', lines.len - at);
        const size_t len = line_break ? (size_t)(line_break - lines.data) - at : lines.len - at;
        assert_int_equal(decoder_decode(&fixture->decoder, slice_of(lines.data + at, len), 0,
                                        &fixture->batch, NULL),
                         STATUS_OK);
        at += len + (line_break ? 1 : 0);
    }
    say_batch(fixture);
    if (way != ONE_BY_ONE)
        assert_true(fixture->decoder.fast_count > fixture->batch.message_count / 3);
    char *text = strdup(fixture->result);
    assert_non_null(text);
    (void)teardown(&state);
    return text;
}

static void runs_of_lines_give_what_single_bodies_give(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer lines = {0};
    build_lines(&lines);
    assert_int_equal(buffer_reserve(&lines, DECODE_SLACK_BYTES), STATUS_OK);
    memset(lines.data + lines.len, 0, DECODE_SLACK_BYTES);
    char *const expected = decode_lines(buffer_slice(&lines), ONE_BY_ONE);
    char *const wide = decode_lines(buffer_slice(&lines), IN_RUNS);
    char *const portable = decode_lines(buffer_slice(&lines), IN_RUNS_PORTABLE);
    assert_string_equal(wide, expected);
    assert_string_equal(portable, expected);
    free(expected);
    free(wide);
    free(portable);
}

/* A batch's last line may lack its line break, and older bytes may stand behind it. */
static void bytes_behind_the_lines_complete_no_line(void **state)
{
    struct fixture *fixture = *state;
    OWNED(buffer_release) struct buffer lines = {0};
    append(&lines,
           "{\"payload\":\"eyJhIjoxfQ==\",\"messagetype\":\"upload\",\"topic\":\"/pk/dn/x\","
           "\"messageid\":17,\"timestamp\":1526450334}\n");
    const size_t line_len = lines.len;
    for (size_t i = 0; i < 12; i++)
        append(&lines, "{\"payload\":\"eyJhIjoxfQ==\",\"messagetype\":\"upload\",\"topic\":\"/pk/"
                       "dn/x\",\"messageid\":17,\"timestamp\":1526450334}\n");
    for (size_t cut = 1; cut < DECODE_SLACK_BYTES; cut++) {
        for (int portable = 0; portable < 2; portable++) {
            fixture->decoder.portable_only = portable;
            size_t taken = 0;
            assert_int_equal(decoder_take_lines(&fixture->decoder,
                                                slice_of(lines.data, 8 * line_len - cut),
                                                &fixture->batch, &taken, NULL),
                             STATUS_OK);
            assert_int_equal(taken, 7 * line_len);
        }
    }
}

#define USUAL_UNTIL_TOPIC \
    "{\"payload\":\"eyJhIjoxfQ==\",\"messagetype\":\"upload\",\"topic\":\"/pk/dn/"
#define USUAL_REST "\",\"messageid\":17,\"timestamp\":1526450334}"

static void append_many(struct buffer *buffer, char what, size_t count)
{
    assert_int_equal(buffer_reserve(buffer, count), STATUS_OK);
    memset(buffer->data + buffer->len, what, count);
    buffer->len += count;
}

/* Bytes taken of `lines` in both forms; the slack stands behind them. */
static void assert_taken(struct fixture *fixture, struct slice lines, size_t wanted)
{
    for (int portable = 0; portable < 2; portable++) {
        fixture->decoder.portable_only = portable;
        size_t taken = 0;
        assert_int_equal(
            decoder_take_lines(&fixture->decoder, lines, &fixture->batch, &taken, NULL), STATUS_OK);
        assert_int_equal(taken, wanted);
    }
}

/* It is a reject, and what makes it long may be what a plain line does not look at. */
static void a_line_longer_than_a_body_may_be_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    for (int blanks = 0; blanks < 2; blanks++) {
        OWNED(buffer_release) struct buffer lines = {0};
        for (size_t i = 0; i < 8; i++)
            append(&lines, USUAL_UNTIL_TOPIC USUAL_REST "\n");
        const size_t before = lines.len;
        append(&lines, USUAL_UNTIL_TOPIC);
        append_many(&lines, 'x', blanks ? 1 : BODY_BYTES_MAX);
        append(&lines, USUAL_REST);
        append_many(&lines, ' ', blanks ? BODY_BYTES_MAX : 0);
        append(&lines, "\n");
        for (size_t i = 0; i < 8; i++)
            append(&lines, USUAL_UNTIL_TOPIC USUAL_REST "\n");
        const size_t len = lines.len;
        append_many(&lines, '9', DECODE_SLACK_BYTES);
        assert_taken(fixture, slice_of(lines.data, len), before);
    }
}

/* A topic may go on behind the lines, up to the last byte that may be read. */
static void nothing_is_read_behind_the_slack(void **state)
{
    struct fixture *fixture = *state;
    for (size_t in_slack = 0; in_slack < DECODE_SLACK_BYTES; in_slack++) {
        OWNED(buffer_release) struct buffer lines = {0};
        append(&lines, USUAL_UNTIL_TOPIC USUAL_REST "\n");
        const size_t before = lines.len;
        append(&lines, USUAL_UNTIL_TOPIC);
        append_many(&lines, 'x', 1000 + in_slack);
        const size_t len = lines.len - in_slack;
        append(&lines, "\"");
        append_many(&lines, ',', DECODE_SLACK_BYTES - 1 - in_slack);
        /* In a block of its own, whose end a sanitizer knows. */
        OWNED(mem_free_owned) uint8_t *exact = mem_alloc(lines.len, 1);
        assert_non_null(exact);
        memcpy(exact, lines.data, lines.len);
        assert_taken(fixture, slice_of(exact, len), before);
    }
}

/* Payloads of one shape, whose values are as long and as odd as they may be. */
static const char *const values[] = {
    "20.51", "-7.5",  "49",    "0",       "-0",       "0.0",      "100",        "20.50",  "-120.0",
    "00.5",  "0.5",   "5.",    "1234567", "12345678", "123.456",  "12345.67",   "-1.5e1", "1e2",
    "true",  "\"1\"", "1.25 ", "-",       ".5",       "9.999999", "10.0000001",
};

/* Every value behind every other, with each padding, in lines that differ in nothing else. */
static void append_shaped_lines(struct buffer *lines, const char *id, bool padded)
{
    for (size_t i = 0; i < COUNT_OF(values) * COUNT_OF(values); i++) {
        char payload[128];
        char line[512];
        uint8_t coded[256] = {0};
        (void)snprintf(payload, sizeof payload, "{\"temperature\":%s,\"humidity\":%s}",
                       values[i / COUNT_OF(values)], values[i % COUNT_OF(values)]);
        base64_encode(slice_of_text(payload), coded);
        if (!padded)
            coded[strcspn((const char *)coded, "=")] = '\0';
        (void)snprintf(line, sizeof line,
                       "{\"payload\":\"%s\",\"messagetype\":\"upload\",\"topic\":\"/pk/dn%zu/x\","
                       "\"messageid\":%s,\"timestamp\":1526450334}%s\n",
                       (const char *)coded, i % 17, id, i % 5 == 0 ? "\r" : "");
        append(lines, line);
    }
}

static void lines_of_one_shape_give_what_single_bodies_give(void **state)
{
    (void)state;
    static const char *const ids[] = {"996631053735047169", "1741610223959076864",
                                      "9999999999999999999", "1000000000000000", "17"};
    for (size_t i = 0; i < 2 * COUNT_OF(ids); i++) {
        OWNED(buffer_release) struct buffer lines = {0};
        append_shaped_lines(&lines, ids[i / 2], i % 2 == 0);
        assert_int_equal(buffer_reserve(&lines, DECODE_SLACK_BYTES), STATUS_OK);
        memset(lines.data + lines.len, '9', DECODE_SLACK_BYTES);
        char *const expected = decode_lines(buffer_slice(&lines), ONE_BY_ONE);
        char *const wide = decode_lines(buffer_slice(&lines), IN_RUNS);
        assert_string_equal(wide, expected);
        free(expected);
        free(wide);
    }
}

/* --- status messages ----------------------------------------------------------------------- */

#define STATUS_OF(time, contact, product, name, state)                 \
    "{\"lastTime\":\"" contact "\",\"clientIp\":\"\",\"time\":\"" time \
    "\",\"productKey\":\"" product "\",\"deviceName\":\"" name "\",\"status\":\"" state "\"}"
#define USUAL_TIME               "2018-05-16 13:58:44.427"
#define USUAL_CONTACT            "2018-05-16 13:58:44.413"
#define STATUS_AT(time)          STATUS_OF(time, USUAL_CONTACT, "pk", "dn", "online")
#define CONTACT_AT(time)         STATUS_OF(USUAL_TIME, time, "pk", "dn", "offline")
#define STATUS_BY(product, name) STATUS_OF(USUAL_TIME, USUAL_CONTACT, product, name, "online")
#define STATUS_WORD(state)       STATUS_OF(USUAL_TIME, USUAL_CONTACT, "pk", "dn", state)
#define STATUS_UTC(time, utc_time)                                                              \
    "{\"time\":\"" time "\",\"productKey\":\"pk\",\"deviceName\":\"dn\",\"status\":\"online\"," \
    "\"utcTime\":\"" utc_time "\",\"utcLastTime\":\"2018-05-16T05:58:44.000Z\"}"

#define CHARS_31 "0123456789012345678901234567890"
#define CHARS_64 CHARS_31 CHARS_31 "01"

/* The first is as most are, and the shape is its; the others differ from it in a place each. */
static const char *const statuses[] = {
    STATUS_AT(USUAL_TIME),
    STATUS_AT("2018-05-16 00:00:00.000"),
    STATUS_AT("2018-05-17 07:59:59.999"),
    STATUS_AT("2018-05-17 23:59:59.999"), /* more than a day ahead of the envelope */
    STATUS_AT("2018-05-16 24:00:00.000"),
    STATUS_AT("2018-05-16 29:00:00.000"),
    STATUS_AT("2018-05-16 13:60:00.000"),
    STATUS_AT("2018-05-16 13:59:60.000"),
    STATUS_AT("2018-02-29 13:58:44.427"),
    STATUS_AT("2016-02-29 13:58:44.427"),
    STATUS_AT("2018-13-01 13:58:44.427"),
    STATUS_AT("2018-00-10 13:58:44.427"),
    STATUS_AT("2018-05-00 13:58:44.427"),
    STATUS_AT("0000-05-16 13:58:44.427"),
    STATUS_AT("1989-12-31 13:58:44.427"),
    STATUS_AT("2018-05-16T13:58:44.427"),
    STATUS_AT("2018-05-16T13:58:44.427Z"),
    STATUS_AT("2018-05-16 05:58:44.427Z"),
    STATUS_AT("2018-05-16 13:58:44.427z"),
    STATUS_AT("2018-05-16_13:58:44.427"),
    STATUS_AT("2018-05-16 13:58:44,427"),
    STATUS_AT("2018-05-16 13:58:44.42 "),
    STATUS_AT("2018-05-16 13:58:44.4279"),
    STATUS_AT("2018-05-16 13:58:44.42:"),
    STATUS_AT("2018-05-16 13:58:44.42/"),
    STATUS_AT("2018-05-16 13:58:44"),
    STATUS_AT("2018-05-16 13:58"),
    STATUS_AT("2018-05-16 14:58:44.427+09:00"),
    STATUS_AT("1526450324"),
    STATUS_AT("1526450324427"),
    STATUS_AT(""),
    STATUS_AT(CHARS_64),
    CONTACT_AT(USUAL_TIME),
    CONTACT_AT("2018-05-16 13:58:44.428"),
    CONTACT_AT("0001-01-01 00:00:00.000"),
    CONTACT_AT("9999-12-31 23:59:59.999"),
    CONTACT_AT("2018-05-15 13:58:44.427"),
    CONTACT_AT("2018-05-16 24:00:00.000"),
    CONTACT_AT("2018-02-30 13:58:44.427"),
    CONTACT_AT("1526450324"),
    CONTACT_AT(""),
    STATUS_WORD("offline"),
    STATUS_WORD("onlin"),
    STATUS_WORD("online "),
    STATUS_WORD("Online"),
    STATUS_WORD("unknown"),
    STATUS_WORD(""),
    STATUS_BY("", "dn"),
    STATUS_BY("pk", ""),
    STATUS_BY("p", "d"),
    STATUS_BY(CHARS_31, CHARS_31),
    STATUS_BY(CHARS_31, CHARS_31 "x"),
    STATUS_BY(CHARS_31 "x", "dn"),
    STATUS_BY("pk", CHARS_31 "xy"),
    STATUS_BY("pk", CHARS_64),
    STATUS_BY("pk", CHARS_64 CHARS_64 CHARS_64 CHARS_64),
    STATUS_BY("p/k", "d/n"),
    STATUS_BY("pk", "d\\u006e"),
    STATUS_BY("pk", "d\303\274"),
    STATUS_BY("pk", "d\tn"),
    STATUS_AT(USUAL_TIME) " ",
    STATUS_AT(USUAL_TIME) "}",
    "{\"lastTime\":1526450324,\"time\":\"" USUAL_TIME "\",\"status\":\"online\"}",
    "{\"lastTime\":\"" USUAL_CONTACT "\"}",
    "{\"lastTime\":\"" USUAL_CONTACT "\",\"clientIp\":\"\"",
};

/* Other members, and times in UTC. */
static const char *const utc_statuses[] = {
    STATUS_UTC(USUAL_TIME, "2018-05-16T05:58:44.000Z"),
    STATUS_UTC(USUAL_TIME, "2018-05-16T05:58:44.427"),
    STATUS_UTC(USUAL_TIME, "2018-05-16 05:58:44.427"),
    STATUS_UTC(USUAL_TIME, "1526450324"),
    STATUS_UTC(USUAL_TIME, "1970-01-01T05:58:44.427Z"),
    STATUS_UTC(USUAL_TIME, ""),
    STATUS_UTC("1", "2018-05-16T05:58:44.000Z"),
    STATUS_UTC("a \\\" quote", "2018-05-16T05:58:44.000Z"),
    "{\"time\":\"" USUAL_TIME "\",\"time\":\"" USUAL_TIME "\",\"status\":\"online\"}",
    "{ \"time\" : \"" USUAL_TIME "\", \"productKey\" : \"pk\" ,\n\"deviceName\":\"dn\"\t,"
    "\"status\":\"offline\"\r}",
    STATUS_OF(USUAL_TIME, USUAL_CONTACT, "pk", "dn", "offline"),
};

static const char *const status_envelopes[] = {
    START "\"status\"" AS_EVER,
    STATUS("/as/mqtt/status/pk/dn") AS_EVER,
    STATUS("") AS_EVER,
    STATUS("/sys/pk/dn/x") AS_EVER,
    STATUS(LONG_TOPIC) AS_EVER,
    START "\"status\",\"topic\":null" AS_EVER,
    START "\"status\"" AT("17", TEST_TIMESTAMP) "}",
    START "\"status\"" AT("9999999999999999999", "4102444799") "}\r",
};

/* These come between the others. */
static const char *const odd_envelopes[] = {
    STATUS("/a\\/b") AS_EVER,
    START "\"status\"" AT("9999999999999999999", "9999999999") "}",
    START "\"statuses\"" AS_EVER,
    UPLOAD("/pk/dn/user/update") AS_EVER,
};

static void append_status_line(struct buffer *lines, const char *envelope, const char *payload)
{
    uint8_t coded[1024] = {0};
    char line[2048];
    const char *const hole = strstr(envelope, "%s");
    assert_non_null(hole);
    assert_true(base64_encoded_len(strlen(payload)) < sizeof coded);
    base64_encode(slice_of_text(payload), coded);
    (void)snprintf(line, sizeof line, "%.*s%s%s\n", (int)(hole - envelope), envelope,
                   (const char *)coded, hole + 2);
    append(lines, line);
}

/* Some of the first kind, whose shape is kept; then each payload, with another in between. */
static void append_statuses(struct buffer *lines, const char *const *texts, size_t count,
                            const char *envelope)
{
    for (size_t i = 0; i < 20; i++)
        append_status_line(lines, envelope, texts[0]);
    for (size_t i = 0; i < count; i++) {
        append_status_line(lines, envelope, texts[i]);
        if (i % 3 == 0)
            append_status_line(lines, odd_envelopes[i / 3 % COUNT_OF(odd_envelopes)], texts[0]);
        append_status_line(lines, envelope, texts[0]);
    }
}

static void assert_alike(struct buffer *lines)
{
    assert_int_equal(buffer_reserve(lines, DECODE_SLACK_BYTES), STATUS_OK);
    memset(lines->data + lines->len, '9', DECODE_SLACK_BYTES);
    char *const expected = decode_lines(buffer_slice(lines), ONE_BY_ONE);
    char *const wide = decode_lines(buffer_slice(lines), IN_RUNS);
    char *const portable = decode_lines(buffer_slice(lines), IN_RUNS_PORTABLE);
    assert_string_equal(wide, expected);
    assert_string_equal(portable, expected);
    free(expected);
    free(wide);
    free(portable);
}

static void statuses_of_one_shape_give_what_single_bodies_give(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT_OF(status_envelopes); e++) {
        OWNED(buffer_release) struct buffer lines = {0};
        append_statuses(&lines, statuses, COUNT_OF(statuses), status_envelopes[e]);
        append_statuses(&lines, utc_statuses, COUNT_OF(utc_statuses), status_envelopes[e]);
        for (size_t other = 0; other < COUNT_OF(status_envelopes); other++)
            append_status_line(&lines, status_envelopes[other], statuses[0]);
        assert_alike(&lines);
    }
}

/* Each byte of `text` once changed to `change`, as a payload or as a line. */
static void append_changed(struct buffer *lines, struct slice text, char change, bool is_payload)
{
    char changed[512];
    assert_true(text.len < sizeof changed);
    for (size_t i = 0; i < text.len; i++) {
        memcpy(changed, text.data, text.len);
        changed[text.len] = '\0';
        changed[i] = change;
        if (is_payload) {
            append_status_line(lines, status_envelopes[0], changed);
        } else {
            append(lines, changed);
            append(lines, "\n");
        }
        append_status_line(lines, status_envelopes[0], statuses[0]);
    }
}

static void a_status_that_differs_in_a_byte_is_seen_to_differ(void **state)
{
    (void)state;
    static const char changes[] = "\"\\ 09:/Z{},";
    OWNED(buffer_release) struct buffer line = {0};
    append_status_line(&line, status_envelopes[0], statuses[0]);
    const struct slice without_break = slice_of(line.data, line.len - 1);
    for (const char *change = changes; *change != '\0'; change++) {
        OWNED(buffer_release) struct buffer payloads_changed = {0};
        OWNED(buffer_release) struct buffer lines_changed = {0};
        append_changed(&payloads_changed, slice_of_text(statuses[0]), *change, true);
        assert_alike(&payloads_changed);
        append_changed(&lines_changed, without_break, *change, false);
        assert_alike(&lines_changed);
    }
}

static void no_lines_are_nothing(void **state)
{
    struct fixture *fixture = *state;
    size_t taken = 1;
    assert_int_equal(
        decoder_take_lines(&fixture->decoder, (struct slice){0}, &fixture->batch, &taken, NULL),
        STATUS_OK);
    assert_int_equal(taken, 0);
    assert_int_equal(fixture->batch.message_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_of_lines_give_what_single_bodies_give),
        cmocka_unit_test(lines_of_one_shape_give_what_single_bodies_give),
        cmocka_unit_test(statuses_of_one_shape_give_what_single_bodies_give),
        cmocka_unit_test(a_status_that_differs_in_a_byte_is_seen_to_differ),
        cmocka_unit_test_setup_teardown(bytes_behind_the_lines_complete_no_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_longer_than_a_body_may_be_is_left_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_is_read_behind_the_slack, setup, teardown),
        cmocka_unit_test_setup_teardown(no_lines_are_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
