/*
 * test_whole_file.c - an output file is there as a whole or not at all.
 */
#include "cli/whole_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char dir[64];
    char file[96];
    char link[96];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    (void)snprintf(place->dir, sizeof place->dir, "/tmp/mnsdb-whole-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->file, sizeof place->file, "%s/page.html", place->dir);
    (void)snprintf(place->link, sizeof place->link, "%s/link.html", place->dir);
    *state = place;
    return 0;
}

static int drop_place(void **state)
{
    struct place *place = *state;
    (void)unlink(place->file);
    (void)unlink(place->link);
    const int gone = rmdir(place->dir); // only if nothing else was left in it
    free(place);
    return gone;
}

static void put_old(const struct place *place)
{
    FILE *out = fopen(place->file, "w");
    assert_non_null(out);
    assert_true(fputs("old", out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void expect_content(const struct place *place, const char *content)
{
    char text[64] = "";
    FILE *in = fopen(place->file, "r");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    assert_int_equal(fclose(in), 0);
    assert_string_equal(text, content);
}

static size_t count_files(const struct place *place)
{
    size_t count = 0;
    DIR *dir = opendir(place->dir);
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    assert_int_equal(closedir(dir), 0);
    return count - 2; // . and ..
}

static void a_file_appears_when_it_is_committed(void **state)
{
    const struct place *place = *state;
    struct whole_file file = {0};
    assert_int_equal(whole_file_open(&file, place->file, NULL), STATUS_OK);
    assert_true(fputs("new", file.out) >= 0);
    assert_int_equal(access(place->file, F_OK), -1);
    assert_int_equal(whole_file_commit(&file, NULL), STATUS_OK);
    whole_file_release(&file);
    expect_content(place, "new");
    assert_int_equal(count_files(place), 1);
}

static void without_a_commit_the_old_file_stays(void **state)
{
    const struct place *place = *state;
    struct whole_file file = {0};
    put_old(place);
    assert_int_equal(whole_file_open(&file, place->file, NULL), STATUS_OK);
    assert_true(fputs("new", file.out) >= 0);
    whole_file_release(&file);
    expect_content(place, "old");
    assert_int_equal(count_files(place), 1);
}

static void an_old_file_is_replaced(void **state)
{
    const struct place *place = *state;
    struct whole_file file = {0};
    put_old(place);
    assert_int_equal(whole_file_open(&file, place->file, NULL), STATUS_OK);
    assert_true(fputs("new", file.out) >= 0);
    assert_int_equal(whole_file_commit(&file, NULL), STATUS_OK);
    whole_file_release(&file);
    expect_content(place, "new");
    assert_int_equal(count_files(place), 1);
}

static void a_link_stays_a_link(void **state)
{
    const struct place *place = *state;
    struct whole_file file = {0};
    struct stat link_stat;
    put_old(place);
    assert_int_equal(symlink("page.html", place->link), 0);
    assert_int_equal(whole_file_open(&file, place->link, NULL), STATUS_OK);
    assert_true(fputs("new", file.out) >= 0);
    assert_int_equal(whole_file_commit(&file, NULL), STATUS_OK);
    whole_file_release(&file);
    expect_content(place, "new");
    assert_int_equal(lstat(place->link, &link_stat), 0);
    assert_true(S_ISLNK(link_stat.st_mode));
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    struct whole_file file = {0};
    struct error err = {0};
    assert_int_equal(whole_file_open(&file, "/dev/full", NULL), STATUS_OK);
    assert_true(file.direct);
    assert_true(fputs("new", file.out) >= 0);
    assert_int_equal(whole_file_commit(&file, &err), STATUS_FULL);
    assert_non_null(strstr(err.message, "cannot write"));
    whole_file_release(&file);
}

static void a_place_that_cannot_be_written_is_named(void **state)
{
    const struct place *place = *state;
    struct whole_file file = {0};
    struct error err = {0};
    assert_int_equal(whole_file_open(&file, place->dir, &err), STATUS_INPUT);
    assert_non_null(strstr(err.message, "directory"));
    whole_file_release(&file);
    assert_int_equal(whole_file_open(&file, "/tmp/mnsdb-no-such-folder/x", &err), STATUS_INPUT);
    assert_non_null(strstr(err.message, "/tmp/mnsdb-no-such-folder/x"));
    whole_file_release(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_appears_when_it_is_committed, make_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(without_a_commit_the_old_file_stays, make_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(an_old_file_is_replaced, make_place, drop_place),
        cmocka_unit_test_setup_teardown(a_link_stays_a_link, make_place, drop_place),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test_setup_teardown(a_place_that_cannot_be_written_is_named, make_place,
                                        drop_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
