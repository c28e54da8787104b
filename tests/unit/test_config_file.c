/*
 * test_config_file.c - configuration files: what is a setting, and what each mistake is called.
 */
#include "ingest/config/config_file.h"

#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SEEN_BYTES 4096u

struct seen {
    char text[SEEN_BYTES]; /* "1:key=value|" of each setting */
    size_t used;
};

static enum status note_line(void *context, const struct config_line *line, struct error *err)
{
    (void)err;
    struct seen *seen = context;
    const int len = snprintf(seen->text + seen->used, SEEN_BYTES - seen->used, "%u:%.*s=%.*s|",
                             line->number, (int)line->key.len, (const char *)line->key.data,
                             (int)line->value.len, (const char *)line->value.data);
    assert_true(len > 0 && (size_t)len < SEEN_BYTES - seen->used);
    seen->used += (size_t)len;
    return STATUS_OK;
}

static void expect_seen(const char *text, const char *want)
{
    struct seen seen = {0};
    struct error err = {0};
    if (config_file_parse(slice_of_text(text), "f.conf", note_line, &seen, &err) != STATUS_OK)
        fail_msg("%s: %s", text, err.message);
    assert_string_equal(seen.text, want);
}

static void expect_mistake(const char *text, const char *want)
{
    struct seen seen = {0};
    struct error err = {0};
    assert_int_equal(config_file_parse(slice_of_text(text), "f.conf", note_line, &seen, &err),
                     STATUS_CONFIG);
    assert_string_equal(err.message, want);
}

static void settings_are_lines_of_a_name_and_a_value(void **state)
{
    (void)state;
    expect_seen("", "");
    expect_seen("\n\n  \n# a = b\n ; c = d\n", "");
    expect_seen("a=b", "1:a=b|");
    expect_seen("\xEF\xBB\xBF"
                "a = b\r\n\r\n\tlong-name\t=  x y  \n",
                "1:a=b|3:long-name=x y|");
    expect_seen("a = b=c\nempty =\n", "1:a=b=c|2:empty=|");
    expect_seen("url = https://h/queues/a#b;c\n", "1:url=https://h/queues/a#b;c|");
    expect_seen("name = \xE5\xBA\xAB\n", "1:name=\xE5\xBA\xAB|");
}

static void every_mistake_names_its_line_and_shows_no_value(void **state)
{
    (void)state;
    expect_mistake("a = b\nsecret-word\n", "f.conf:2: no setting: write 'name = value'");
    expect_mistake("[ingest]\na = b\n", "f.conf:1: there are no sections: leave the line out");
    expect_mistake("\n= b\n", "f.conf:2: what stands before '=' is no name of a setting");
    expect_mistake("a b = c\n", "f.conf:1: what stands before '=' is no name of a setting");
    expect_mistake("a = \"b\"\n", "f.conf:1: values stand without quotes");
    expect_mistake("a = 'b'\n", "f.conf:1: values stand without quotes");
    expect_mistake("a = b # c\n", "f.conf:1: a comment needs a line of its own");
    expect_mistake("a = b ;c\n", "f.conf:1: a comment needs a line of its own");
    expect_mistake("a = b\x1b[2J\n", "f.conf:1: a control character");
    expect_mistake("a = b\rc = d\n", "f.conf:1: a control character");
}

static void a_nul_does_not_end_a_value(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct error err = {0};
    assert_int_equal(config_file_parse(slice_of("a = b\0c\n", 8), "f.conf", note_line, &seen, &err),
                     STATUS_CONFIG);
    assert_string_equal(err.message, "f.conf:1: a control character");
}

static void long_values_are_whole_or_refused(void **state)
{
    (void)state;
    static char text[CONFIG_VALUE_BYTES_MAX + 16];
    memset(text, 'x', sizeof text);
    memcpy(text, "a = ", 4);
    static struct seen seen;
    struct error err = {0};
    text[4 + 3000] = '\0';
    assert_int_equal(config_file_parse(slice_of_text(text), "f", note_line, &seen, &err),
                     STATUS_OK);
    assert_int_equal(strlen(seen.text), strlen("1:a=|") + 3000);
    text[4 + 3000] = 'x';
    text[4 + CONFIG_VALUE_BYTES_MAX] = 'x';
    text[5 + CONFIG_VALUE_BYTES_MAX] = '\0';
    expect_mistake(text, "f.conf:1: the value is longer than 4096 bytes");
}

/* --- files ----------------------------------------------------------------------------------- */

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static void expect_refused(const char *path, const char *says)
{
    struct buffer text = {0};
    bool exists = false;
    struct error err = {0};
    assert_int_equal(config_file_read(path, &text, &exists, &err), STATUS_CONFIG);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, says));
    buffer_release(&text);
}

static void files_are_regular_small_and_not_for_everybody_to_write(void **state)
{
    (void)state;
    struct buffer text = {0};
    bool exists = true;
    assert_int_equal(config_file_read(path_of("none"), &text, &exists, NULL), STATUS_OK);
    assert_false(exists);
    const char *path = write_file("good", "a = b\n", 0644);
    assert_int_equal(config_file_read(path, &text, &exists, NULL), STATUS_OK);
    assert_true(exists && text.len == 6);
    buffer_release(&text);

    expect_refused(write_file("open", "a = b\n", 0646), "everybody may write to it");
    expect_refused(folder, "is no file");
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    expect_refused(path_of("fifo"), "is no file");
    const char *large = write_file("large", "", 0600);
    assert_int_equal(truncate(large, (off_t)CONFIG_FILE_BYTES_MAX + 1), 0);
    expect_refused(large, "is larger than 1 MiB");
}

static void reading_survives_every_failed_allocation(void **state)
{
    (void)state;
    const char *path = write_file("good", "a = b\n", 0644);
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct buffer text = {0};
        bool exists = false;
        mem_fail_at(nth);
        status = config_file_read(path, &text, &exists, NULL);
        mem_fail_at(-1);
        buffer_release(&text);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/mnsdb-config-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"good", "open", "fifo", "large"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unlink(path_of(names[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_lines_of_a_name_and_a_value),
        cmocka_unit_test(every_mistake_names_its_line_and_shows_no_value),
        cmocka_unit_test(a_nul_does_not_end_a_value),
        cmocka_unit_test(long_values_are_whole_or_refused),
        cmocka_unit_test(files_are_regular_small_and_not_for_everybody_to_write),
        cmocka_unit_test(reading_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
