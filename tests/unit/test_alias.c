/*
 * test_alias.c - definitions of aliases: which are read, which count, what is refused.
 */
#include "engine/base/mem.h"
#include "query/alias/alias.h"

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

static const struct alias_origin flag = {.source = "--alias", .source_number = ALIAS_SOURCE_FLAG};
static const struct alias_origin environment = {.source = "$MNSDB_ALIASES",
                                                .source_number = ALIAS_SOURCE_ENVIRONMENT};

static void add(struct alias_list *list, const char *text, const struct alias_origin *origin)
{
    struct error err = {0};
    if (alias_list_add(list, text, origin, &err) != STATUS_OK)
        fail_msg("'%s': %s", text, err.message);
}

static void assert_answered(const struct alias_list *list, const char *name, const char *as)
{
    const struct slice answered = alias_list_canonical(list, slice_of_text(name));
    if (!slice_equal(answered, slice_of_text(as)))
        fail_msg("'%s' is answered as '%.*s', not '%s'", name, (int)answered.len,
                 (const char *)answered.data, as);
}

static void other_names_are_answered_as_the_first(void **state)
{
    (void)state;
    struct alias_list list = {0};
    add(&list, "temperature=temp,Temperature , t", &flag);
    add(&list, " \"odd, name\" = \"a\\\"b\" ; humidity=hum;", &flag);
    assert_int_equal(list.count, 3);
    assert_answered(&list, "temp", "temperature");
    assert_answered(&list, "t", "temperature");
    assert_answered(&list, "temperature", "temperature");
    assert_answered(&list, "a\"b", "odd, name");
    assert_answered(&list, "hum", "humidity");
    assert_answered(&list, "T", "T");
    alias_list_release(&list);
}

static void definitions_of_one_metric_add_up_within_a_source(void **state)
{
    (void)state;
    struct alias_list list = {0};
    add(&list, "a=b", &flag);
    add(&list, "a=c,b,a", &flag);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].name_count, 2);
    assert_true(slice_equal(list.items[0].names[1], slice_of_text("c")));
    alias_list_release(&list);
}

static void a_stronger_source_settles_the_names_it_uses(void **state)
{
    (void)state;
    struct alias_list list = {0};
    add(&list, "a=b,c", &flag);
    add(&list, "a=d", &environment);   /* a is settled */
    add(&list, "x=c,y", &environment); /* so is c */
    add(&list, "b=z", &environment);   /* and b */
    assert_answered(&list, "d", "d");
    assert_answered(&list, "c", "a");
    assert_answered(&list, "y", "x");
    assert_answered(&list, "z", "z");
    assert_answered(&list, "b", "a");
    alias_list_release(&list);
}

static void refuse(const char *text, const char *words)
{
    struct alias_list list = {0};
    struct error err = {0};
    assert_int_equal(alias_list_add(&list, text, &flag, &err), STATUS_INPUT);
    if (!strstr(err.message, words))
        fail_msg("'%s': %s", text, err.message);
    alias_list_release(&list);
}

static void what_is_no_definition_is_refused(void **state)
{
    (void)state;
    char text[600];
    refuse("", "name=other,other");
    refuse(" ; ", "name=other,other");
    refuse("a", "expected '=', found the end");
    refuse("a=", "expected the name of a metric, found the end");
    refuse("a=b,", "expected the name of a metric, found the end");
    refuse("=b", "expected the name of a metric at '=b'");
    refuse("a=b c", "expected ',' or the end at 'c'");
    refuse("a=\"b", "a '\"' that ends the name");
    refuse("a=\"b\\x\"", "'\\' before");
    refuse("a=b;c=b", "'b' cannot stand for two metrics: it is already a name of 'a'");
    refuse("a=b;b=c", "'b' is another name of 'a'");
    refuse("a=b;c=a", "'a' cannot stand for two metrics");
    memset(text, 'x', 257);
    memcpy(text + 257, "=b", 3);
    refuse(text, "at most 256 bytes");
    memmove(text + 1, text, 257);
    text[0] = '"';
    memcpy(text + 258, "\"=b", 4);
    refuse(text, "at most 256 bytes");
}

static void there_are_so_many_names_at_most(void **state)
{
    (void)state;
    struct alias_list list = {0};
    struct error err = {0};
    enum status status = STATUS_OK;
    unsigned added = 0;
    for (; status == STATUS_OK && added <= ALIAS_NAMES_MAX; added++) {
        char text[32];
        (void)snprintf(text, sizeof text, "a=b%u", added);
        status = alias_list_add(&list, text, &flag, &err);
    }
    assert_int_equal(status, STATUS_INPUT);
    assert_int_equal(added, ALIAS_NAMES_MAX + 1);
    alias_list_release(&list);
}

/* A weaker source that speaks of a settled name again and again must not make the list long. */
static void there_are_so_many_metrics_at_most(void **state)
{
    (void)state;
    static const struct alias_origin weaker = {.source = "weaker", .source_number = 1};
    struct alias_list list = {0};
    struct error err = {0};
    enum status status = alias_list_add(&list, "a=b", &flag, &err);
    unsigned added = 0;
    for (; status == STATUS_OK && added <= ALIAS_NAMES_MAX; added++) {
        char text[32];
        (void)snprintf(text, sizeof text, "m%u=b", added);
        status = alias_list_add(&list, text, &weaker, &err);
    }
    assert_int_equal(status, STATUS_INPUT);
    assert_int_equal(added, ALIAS_NAMES_MAX);
    alias_list_release(&list);
}

/* --- files --------------------------------------------------------------------------------- */

static void a_file_has_a_definition_a_line(void **state)
{
    (void)state;
    struct alias_list list = {0};
    const struct slice text =
        slice_of_text("\xEF\xBB\xBF# comment\r\n\r\n\talias\t= a = b , c\r\n; more\n"
                      "alias = d=e; f=g");
    assert_int_equal(alias_list_read(&list, text, "file", ALIAS_SOURCE_USER, NULL), STATUS_OK);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[0].line, 3);
    assert_int_equal(list.items[2].line, 5);
    assert_string_equal(list.items[2].source, "file");
    assert_answered(&list, "c", "a");
    assert_answered(&list, "g", "f");
    alias_list_release(&list);
}

static void a_mistake_in_a_file_names_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"alias = a=b\nx\n", "file:2: no setting"},
        {"alias = a=b\n\nAlias = c=d", "file:3: unknown setting"},
        {"[alias]", "file:1: there are no sections"},
        {"alias = ", "file:1: no value"},
        {"alias = a", "file:1: expected '='"},
        {"alias = a=b\\\n c", "file:2: no setting"},
        {"alias = a=b\x1b", "file:1: a control character"},
        {"alias = a=b\nalias = c=b", "file:2: 'b' cannot stand"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct alias_list list = {0};
        struct error err = {0};
        assert_int_equal(
            alias_list_read(&list, slice_of_text(cases[i].text), "file", ALIAS_SOURCE_USER, &err),
            STATUS_CONFIG);
        assert_int_equal(err.status, STATUS_CONFIG);
        if (strncmp(err.message, cases[i].words, strlen(cases[i].words)) != 0)
            fail_msg("'%s': %s", cases[i].text, err.message);
        alias_list_release(&list);
    }
}

/* A folder for query.conf, which $XDG_CONFIG_HOME names. */
struct place {
    char folder[64];
    char inner[80];
    char path[96];
};

static void make_place(struct place *place)
{
    (void)snprintf(place->folder, sizeof place->folder, "/tmp/mnsdb-alias-test-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->inner, sizeof place->inner, "%s/mnsdb", place->folder);
    (void)snprintf(place->path, sizeof place->path, "%s/query.conf", place->inner);
    assert_int_equal(mkdir(place->inner, 0700), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", place->folder, 1), 0);
    assert_int_equal(unsetenv("MNSDB_ALIASES"), 0);
}

static void drop_place(const struct place *place)
{
    (void)unlink(place->path);
    (void)rmdir(place->path);
    (void)rmdir(place->inner);
    (void)rmdir(place->folder);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void files_are_read_where_they_are_and_refused_where_they_are_none(void **state)
{
    (void)state;
    struct place place;
    struct error err = {0};
    make_place(&place);
    struct alias_list none = {0};
    assert_int_equal(alias_list_configure(&none, NULL), STATUS_OK);
    assert_int_equal(none.count, 0);
    write_file(place.path, "alias = a=b\n");
    struct alias_list list = {0};
    assert_int_equal(alias_list_configure(&list, NULL), STATUS_OK);
    assert_answered(&list, "b", "a");
    assert_string_equal(list.items[0].source, place.path);
    alias_list_release(&list);
    assert_int_equal(unlink(place.path), 0);
    assert_int_equal(mkdir(place.path, 0700), 0);
    assert_int_equal(alias_list_configure(&none, &err), STATUS_CONFIG);
    assert_non_null(strstr(err.message, "is no file"));
    alias_list_release(&none);
    drop_place(&place);
}

static void reading_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct place place;
    make_place(&place);
    write_file(place.path,
               "# long enough\nalias = temperature=temp,t,\"x y\"\nalias = humidity=hum\n");
    assert_int_equal(setenv("MNSDB_ALIASES", "co2=CO2;temperature=T", 1), 0);
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct alias_list list = {0};
        mem_fail_at(nth);
        status = alias_list_add(&list, "a=b,c", &flag, NULL);
        if (status == STATUS_OK)
            status = alias_list_configure(&list, NULL);
        mem_fail_at(-1);
        alias_list_release(&list);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 200);
    }
    assert_int_equal(unsetenv("MNSDB_ALIASES"), 0);
    drop_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_names_are_answered_as_the_first),
        cmocka_unit_test(definitions_of_one_metric_add_up_within_a_source),
        cmocka_unit_test(a_stronger_source_settles_the_names_it_uses),
        cmocka_unit_test(what_is_no_definition_is_refused),
        cmocka_unit_test(there_are_so_many_names_at_most),
        cmocka_unit_test(there_are_so_many_metrics_at_most),
        cmocka_unit_test(a_file_has_a_definition_a_line),
        cmocka_unit_test(a_mistake_in_a_file_names_its_line),
        cmocka_unit_test(files_are_read_where_they_are_and_refused_where_they_are_none),
        cmocka_unit_test(reading_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
