/*
 * fuzz_set_result.c - any bytes as the figures of a set: a report of plain text, or a refusal.
 *
 * Figures that were taken are written and read again, and come out the same. Whatever stands in
 * them, reports and charts hold no control characters, and charts no markup but their own. Any
 * JSON object can be shown as a section.
 */
#include "bench/bench/json_section.h"
#include "bench/bench/set_charts.h"
#include "bench/bench/set_result.h"
#include "bench/bench/set_tables.h"
#include "bench/bench/set_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_set_result: %s\n", what);
    abort();
}

/* A text that is printed into memory. */
struct printed {
    char *text;
    size_t len;
    FILE *file;
};

static void open_printed(struct printed *printed)
{
    *printed = (struct printed){0};
    printed->file = open_memstream(&printed->text, &printed->len);
    check(printed->file != NULL, "no memory");
}

static void close_printed(struct printed *printed)
{
    check(fclose(printed->file) == 0, "no memory");
}

static void release_printed(struct printed *printed)
{
    (free)(printed->text);
}

static void check_plain(const struct printed *printed)
{
    for (size_t i = 0; i < printed->len; i++) {
        const unsigned char c = (unsigned char)printed->text[i];
        check((c >= 0x20 && c != 0x7f) || c == '\n', "a control character");
    }
}

/* Every tag is one of ours. */
static void check_markup(const struct printed *printed)
{
    static const char *const tags[] = {"svg ",  "/svg>", "title>", "/title>", "style>", "/style>",
                                       "rect ", "line ", "text ",  "/text>",  "tspan ", "/tspan>"};
    for (const char *open = strchr(printed->text, '<'); open; open = strchr(open + 1, '<')) {
        bool known = false;
        for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
            known = known || strncmp(open + 1, tags[i], strlen(tags[i])) == 0;
        check(known, "a tag that is not ours");
    }
}

static void print_section(const struct json_node *root)
{
    struct printed printed;
    open_printed(&printed);
    json_section_print(root, 2, printed.file);
    close_printed(&printed);
    check_plain(&printed);
    release_printed(&printed);
}

static void print_report(const struct set_result *result)
{
    OWNED(set_view_release) struct set_view view = {0};
    check(set_view_make(&view, result, NULL) == STATUS_OK, "no memory");
    for (size_t i = 0; i <= SET_CHART_COUNT; i++) {
        struct printed printed;
        open_printed(&printed);
        if (i < SET_CHART_COUNT)
            set_chart_print(&view, i, printed.file);
        else
            set_tables_print(&view, true, printed.file);
        close_printed(&printed);
        check_plain(&printed);
        if (i < SET_CHART_COUNT)
            check_markup(&printed);
        release_printed(&printed);
    }
}

static void write_result(const struct set_result *result, struct printed *printed)
{
    struct error err = {0};
    open_printed(printed);
    check(set_result_write(result, printed->file, &err) == STATUS_OK, "cannot be written");
    close_printed(printed);
}

static void round_trip(const struct set_result *result)
{
    static struct set_result second;
    OWNED(arena_release) struct arena arena = {0};
    struct json_document document;
    struct printed once;
    struct printed twice;
    struct error err = {0};
    write_result(result, &once);
    check(json_parse(slice_of(once.text, once.len), &arena, &document) == STATUS_OK &&
              document.root != NULL,
          "what was written is no JSON");
    memset(&second, 0, sizeof second);
    check(set_result_read(&second, document.root, &err) == STATUS_OK, "cannot be read again");
    write_result(&second, &twice);
    check(once.len == twice.len && memcmp(once.text, twice.text, once.len) == 0,
          "something else was read");
    set_result_release(&second);
    release_printed(&once);
    release_printed(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    static struct set_result result;
    OWNED(arena_release) struct arena arena = {0};
    struct json_document document;
    struct error err = {0};
    memset(&result, 0, sizeof result);
    check(json_parse(slice_of(bytes, bytes_len), &arena, &document) == STATUS_OK, "no memory");
    if (!document.root)
        return 0;
    print_section(document.root);
    const enum status status = set_result_read(&result, document.root, &err);
    check(status == STATUS_OK || (status == STATUS_INPUT && err.message[0] != '\0'),
          "a silent refusal");
    if (status == STATUS_OK) {
        print_report(&result);
        round_trip(&result);
    }
    set_result_release(&result);
    return 0;
}
