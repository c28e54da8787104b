/*
 * fuzz_payload_time.c - a payload time that is read formats back to itself.
 */
#include "ingest/decode/payload_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_payload_time: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    struct civil_zone zone;
    check(civil_zone_open(&zone, "+08:00", NULL) == STATUS_OK, "zone");
    const struct time_member member = {
        .form = TIME_FORM_STRING, .utc = bytes_len % 2 != 0, .text = slice_of(bytes, bytes_len)};
    int64_t read_ms = 0;
    if (time_member_read(&member, &zone, &read_ms) != TIME_READ)
        return 0;
    const int64_t first_ms = INT64_C(-62135596800000); /* 0001-01-01 */
    const int64_t last_ms = INT64_C(253402300799999);  /* 9999-12-31 */
    check(read_ms >= first_ms - MS_PER_DAY && read_ms <= last_ms + MS_PER_DAY, "out of range");
    if (read_ms < first_ms || read_ms > last_ms - MS_PER_DAY)
        return 0;

    char text[CIVIL_RFC3339_BYTES];
    const size_t len = civil_format_rfc3339(&zone, read_ms, text);
    const struct time_member again = {.form = TIME_FORM_STRING, .text = slice_of(text, len)};
    int64_t again_ms = 0;
    check(time_member_read(&again, &zone, &again_ms) == TIME_READ, "its own text is refused");
    check(again_ms == read_ms, "another instant");
    return 0;
}
