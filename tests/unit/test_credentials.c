/*
 * test_credentials.c - where an access key may come from, and what is refused: environment, file.
 */
#include "ingest/credentials/credentials.h"

#include "engine/base/mem.h"
#include "ingest/credentials/credentials_internal.h"
#include "ingest/credentials/key_file.h"
#include "ingest/log/log.h"
#include "ingest/log/log_internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ID     "LTAICANARYID0001"
#define SECRET "canarySecret/0001+="
#define TOKEN  "canaryToken0001"

#define KEY_LINES "access_key_id = " ID "\naccess_key_secret = " SECRET "\n"

#define OTHER_USER ((uid_t)12345)

static const char *const variables[] = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID",   "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",  "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_ECS_METADATA",    "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
    "ALIBABA_CLOUD_IMDSV1_DISABLED", "CREDENTIALS_DIRECTORY"};

static char folder[64];
static char path[128];

static void forget_environment(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        (void)unsetenv(variables[i]);
}

static int begin(void **state)
{
    (void)state;
    forget_environment();
    log_forget();
    (void)snprintf(folder, sizeof folder, "/tmp/mnsdb-credentials-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/mnsdb-credentials", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    forget_environment();
    (void)unlink(path);
    (void)rmdir(folder);
    return 0;
}

static void write_bytes(const void *bytes, size_t len, mode_t mode)
{
    (void)unlink(path);
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, len), (ssize_t)len);
    assert_int_equal(fchmod(descriptor, mode), 0);
    assert_int_equal(close(descriptor), 0);
}

static void write_file(const char *text)
{
    write_bytes(text, strlen(text), 0600);
}

/* Opens and expects this key. */
static struct credentials *open_key(const struct credentials_config *config, const char *id,
                                    const char *secret, const char *token)
{
    struct credentials *credentials = NULL;
    struct error err = {0};
    if (credentials_open(&credentials, config, &err) != STATUS_OK)
        fail_msg("refused: %s", err.message);
    static struct access_key key;
    bool ready = false;
    credentials_take(credentials, &key, &ready);
    assert_true(ready);
    assert_string_equal(key.id, id);
    assert_string_equal(key.secret, secret);
    assert_string_equal(key.token, token);
    assert_int_equal(key.expires_ms, 0);
    assert_int_equal(key.generation, credentials_generation(credentials));
    access_key_wipe(&key);
    assert_int_equal(key.secret[0], 0);
    return credentials;
}

/* Opens and expects a refusal that says this and shows no part of a key. */
static void assert_refused(const struct credentials_config *config, const char *said)
{
    struct credentials *credentials = NULL;
    struct error err = {0};
    assert_int_equal(credentials_open(&credentials, config, &err), STATUS_CONFIG);
    assert_null(credentials);
    if (!strstr(err.message, said))
        fail_msg("'%s' does not say '%s'", err.message, said);
    assert_null(strcasestr(err.message, "canary"));
}

/* --- environment ------------------------------------------------------------------------------ */

static void set_environment(const char *id, const char *secret, const char *token)
{
    const char *const values[] = {id, secret, token};
    for (size_t i = 0; i < 3; i++) {
        if (values[i])
            assert_int_equal(setenv(variables[i], values[i], 1), 0);
    }
}

static void a_key_in_the_environment_is_used_and_wiped(void **state)
{
    (void)state;
    set_environment(ID, SECRET, TOKEN);
    const char *value = getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET");
    const struct credentials_config config = {0};
    struct credentials *credentials = open_key(&config, ID, SECRET, TOKEN);
    assert_int_equal(credentials_origin(credentials), CREDENTIALS_ENVIRONMENT);
    char text[256];
    credentials_describe(credentials, text);
    assert_string_equal(text, "environment");
    assert_int_equal(value[0], '\0');
    for (size_t i = 0; i < 3; i++)
        assert_null(getenv(variables[i]));

    struct error err = {0};
    assert_int_equal(credentials_refresh(credentials, &err), STATUS_OK);
    assert_int_equal(credentials_generation(credentials), 1);
    credentials_close(credentials);
}

static void the_environment_goes_before_the_file(void **state)
{
    (void)state;
    write_file("[default]\naccess_key_id=other\naccess_key_secret=other\n");
    set_environment(ID, SECRET, NULL);
    const struct credentials_config config = {.file = path, .role = ""};
    credentials_close(open_key(&config, ID, SECRET, ""));
}

static void an_environment_that_holds_no_whole_key_is_refused_and_wiped(void **state)
{
    (void)state;
    static char long_text[ACCESS_KEY_SECRET_BYTES + 1];
    memset(long_text, 'x', sizeof long_text - 1);
    static const struct {
        const char *id, *secret, *token, *said;
    } table[] = {
        {ID, NULL, NULL, "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not"},
        {ID, "", NULL, "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not"},
        {NULL, SECRET, NULL, "ALIBABA_CLOUD_ACCESS_KEY_ID is not"},
        {NULL, NULL, TOKEN, "no access key that it belongs to"},
        {ID "\r\nX: y", SECRET, NULL, "ALIBABA_CLOUD_ACCESS_KEY_ID has a blank"},
        {ID, "canary secret", NULL, "ALIBABA_CLOUD_ACCESS_KEY_SECRET has a blank"},
        {ID, SECRET, "canary\xc3\xa9", "ALIBABA_CLOUD_SECURITY_TOKEN has a blank"},
        {ID, long_text, NULL, "ALIBABA_CLOUD_ACCESS_KEY_SECRET is too long"},
    };
    const struct credentials_config config = {0};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        set_environment(table[i].id, table[i].secret, table[i].token);
        assert_refused(&config, table[i].said);
        for (size_t j = 0; j < 3; j++)
            assert_null(getenv(variables[j]));
    }
}

static void without_any_place_the_message_names_them(void **state)
{
    (void)state;
    const struct credentials_config config = {0};
    assert_refused(&config, "ALIBABA_CLOUD_ACCESS_KEY_ID");
    assert_refused(&config, "ALIBABA_CLOUD_CREDENTIALS_FILE");
    assert_refused(&config, "ALIBABA_CLOUD_ECS_METADATA");
    credentials_close(NULL);
}

static bool environ_shows(const char *text)
{
    static char bytes[1 << 20];
    FILE *file = fopen("/proc/self/environ", "re");
    const size_t len = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file)
        (void)fclose(file);
    return memmem(bytes, len, text, strlen(text)) != NULL;
}

/* The child's part of the next test: its exit status says what it saw. */
static int look_at_own_environment(void)
{
    if (!environ_shows(ID) || !environ_shows(SECRET) || !environ_shows(TOKEN))
        return 2;
    struct credentials *credentials = NULL;
    const struct credentials_config config = {0};
    if (credentials_open(&credentials, &config, NULL) != STATUS_OK)
        return 3;
    static struct access_key key;
    bool ready = false;
    credentials_take(credentials, &key, &ready);
    const bool is_right = ready && strcmp(key.secret, SECRET) == 0;
    access_key_wipe(&key);
    credentials_close(credentials);
    if (!is_right)
        return 4;
    if (environ_shows("LTAICANARY") || environ_shows("canary"))
        return 5;
    return environ_shows("UNTOUCHED=still-here") ? 0 : 6;
}

/* Only what the kernel put there shows in /proc, so this takes a program begun with the key. */
static void proc_shows_nothing_of_the_key_any_more(void **state)
{
    (void)state;
    static char program[] = "test_credentials";
    static char argument[] = "look-at-own-environment";
    static char id[] = "ALIBABA_CLOUD_ACCESS_KEY_ID=" ID;
    static char secret[] = "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" SECRET;
    static char again[] = "ALIBABA_CLOUD_ACCESS_KEY_SECRET=canary-given-twice";
    static char token[] = "ALIBABA_CLOUD_SECURITY_TOKEN=" TOKEN;
    static char other[] = "UNTOUCHED=still-here";
    char *const argv[] = {program, argument, NULL};
    char *const envp[] = {id, secret, other, again, token, NULL};
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)execve("/proc/self/exe", argv, envp);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- file ------------------------------------------------------------------------------------- */

static void both_forms_of_a_file_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *content, *token;
    } table[] = {
        {"[default]\n" KEY_LINES, ""},
        {"[default]\ntype = access_key\n" KEY_LINES, ""},
        {"[default]\ntype=sts\n" KEY_LINES "security_token = " TOKEN "\n", TOKEN},
        {"\xef\xbb\xbf[default]\r\naccess_key_id=" ID "\r\naccess_key_secret=" SECRET "\r\n", ""},
        {"# remark\n; remark\n\n[other]\naccess_key_id=x\n[default]\n  access_key_id = " ID
         "\n  access_key_secret = " SECRET "\n\tregion_id = cn-hangzhou",
         ""},
        {"access_key_id=stray\n[default]\nALIBABA_CLOUD_ACCESS_KEY_ID: " ID
         "\nAccess_Key_Secret: " SECRET "\nenable = true\nsecurity_token =\n",
         ""},
        {"ALIBABA_CLOUD_ACCESS_KEY_ID=" ID "\nALIBABA_CLOUD_ACCESS_KEY_SECRET=" SECRET
         "\nALIBABA_CLOUD_SECURITY_TOKEN=" TOKEN "\nPATH=/bin\n",
         TOKEN},
        {"export alibaba_cloud_access_key_id=\"" ID "\"\nexport ACCESS_KEY_SECRET='" SECRET "'",
         ""},
        {"  " KEY_LINES, ""},
    };
    const struct credentials_config config = {.file = path};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        write_file(table[i].content);
        struct credentials *credentials = open_key(&config, ID, SECRET, table[i].token);
        assert_int_equal(credentials_origin(credentials), CREDENTIALS_FILE);
        char text[256];
        credentials_describe(credentials, text);
        assert_memory_equal(text, "file /tmp/", 10);
        credentials_close(credentials);
    }
}

static void a_profile_chooses_its_section(void **state)
{
    (void)state;
    write_file("[default]\naccess_key_id=a\naccess_key_secret=b\n[prod]\n" KEY_LINES);
    const struct credentials_config config = {.file = path, .profile = "prod"};
    credentials_close(open_key(&config, ID, SECRET, ""));
    const struct credentials_config missing = {.file = path, .profile = "staging"};
    assert_refused(&missing, "has no profile [staging]");
    const struct credentials_config longest = {
        .file = path, .profile = "a-profile-with-a-name-that-is-longer-than-sections-are"};
    assert_refused(&longest, "a profile's name has 1 to 49 bytes");
}

static void a_mistake_in_a_file_is_named_with_its_line_and_without_values(void **state)
{
    (void)state;
    static const struct {
        const char *content, *said;
    } table[] = {
        {"", "has no access_key_id"},
        {"\n\n# nothing\n", "has no access_key_id"},
        {"[default]\n", "profile [default] has no access_key_id"},
        {"[default]\naccess_key_id=" ID "\n", "profile [default] has no access_key_secret"},
        {"[other]\n" KEY_LINES, "has no profile [default]"},
        {"[default]\ntype=sts\n" KEY_LINES, "has no security_token, which type sts needs"},
        {"[default]\ntype=canary\n" KEY_LINES, "line 2: type is none of"},
        {"[default]\n" KEY_LINES "canary line\n", "line 4: neither a section nor NAME=VALUE"},
        {"[default\n" KEY_LINES, "line 1: neither a section nor NAME=VALUE"},
        {"[default]\n\n" KEY_LINES "access_key_id = canary\n",
         "line 5: access_key_id is given a second time"},
        {"access_key_id = canary one\n", "line 1: access_key_id has a blank"},
        {"\naccess_key_secret=canary\x01\n", "line 2: access_key_secret has a blank or a"},
        {KEY_LINES "security_token=canary\xff\n", "line 3: security_token has a blank or a"},
        {"[default]\ntype=ecs_ram_role\nrole_name=canary/../role\n",
         "line 3: role_name is no name of a role"},
    };
    const struct credentials_config config = {.file = path};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        write_file(table[i].content);
        assert_refused(&config, table[i].said);
        assert_refused(&config, path);
    }
}

static void too_much_is_refused(void **state)
{
    (void)state;
    static char content[KEY_FILE_BYTES_MAX + 2];
    const struct credentials_config config = {.file = path};
    memset(content, '\n', sizeof content);
    memcpy(content, KEY_LINES, sizeof KEY_LINES - 1);
    write_bytes(content, KEY_FILE_BYTES_MAX, 0600);
    credentials_close(open_key(&config, ID, SECRET, ""));
    write_bytes(content, KEY_FILE_BYTES_MAX + 1, 0600);
    assert_refused(&config, "is over 65536 bytes");

    memset(content, 'x', sizeof content);
    memcpy(content, "access_key_id=", 14);
    write_bytes(content, 14 + ACCESS_KEY_ID_BYTES - 1, 0600);
    assert_refused(&config, "has no access_key_secret"); /* as long as it may be */
    write_bytes(content, 14 + ACCESS_KEY_ID_BYTES, 0600);
    assert_refused(&config, "line 1: access_key_id is too long");
    write_bytes(content, 20000, 0600);
    assert_refused(&config, "line 1: the line is too long");
    memcpy(content, "a=b\nc=\0d\n", 9);
    write_bytes(content, 9, 0600);
    assert_refused(&config, "line 2: the line has a NUL byte");
}

static void the_longest_token_fits_into_a_file(void **state)
{
    (void)state;
    static char token[SECURITY_TOKEN_BYTES];
    static char content[SECURITY_TOKEN_BYTES + 256];
    memset(token, 't', sizeof token - 1);
    (void)snprintf(content, sizeof content,
                   "[default]\ntype = sts\n" KEY_LINES "security_token = %s\n", token);
    write_file(content);
    const struct credentials_config config = {.file = path};
    credentials_close(open_key(&config, ID, SECRET, token));
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool is_fine;
    } table[] = {{0600, true},  {0400, true},  {0700, true},  {0640, false}, {0604, false},
                 {0644, false}, {0660, false}, {0620, false}, {0602, false}, {0610, false},
                 {0601, false}, {0666, false}, {0777, false}, {0440, false}};
    const struct credentials_config config = {.file = path};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        write_bytes(KEY_LINES, sizeof KEY_LINES - 1, table[i].mode);
        if (table[i].is_fine)
            credentials_close(open_key(&config, ID, SECRET, ""));
        else
            assert_refused(&config, "is open to others");
    }
}

static void what_is_no_file_of_ours_is_refused(void **state)
{
    (void)state;
    const struct credentials_config config = {.file = path};
    assert_refused(&config, "No such file");

    char target[160];
    (void)snprintf(target, sizeof target, "%s.target", path);
    write_file(KEY_LINES);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_refused(&config, "is a symbolic link");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(target), 0);

    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(&config, "is no regular file");
    assert_int_equal(unlink(path), 0);

    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(&config, "is no regular file");
    assert_int_equal(rmdir(path), 0);
}

static void a_file_of_another_user_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give files away */
    const struct credentials_config config = {.file = path};
    write_file(KEY_LINES);
    assert_int_equal(chown(path, OTHER_USER, (gid_t)-1), 0);
    assert_refused(&config, "belongs to another user");
}

static void the_surroundings_tell_of_a_file(void **state)
{
    (void)state;
    const struct credentials_config config = {0};
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    assert_refused(&config, "no credentials:"); /* others' credentials may be there */
    write_file(KEY_LINES);
    credentials_close(open_key(&config, ID, SECRET, ""));

    assert_int_equal(setenv("ALIBABA_CLOUD_CREDENTIALS_FILE", "/nonexistent/file", 1), 0);
    assert_refused(&config, "/nonexistent/file");
    assert_int_equal(setenv("ALIBABA_CLOUD_CREDENTIALS_FILE", path, 1), 0);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    credentials_close(open_key(&config, ID, SECRET, ""));
}

/* An access list's mask looks like a permission of the group. */
static void a_file_from_systemd_may_show_a_bit_for_the_group_if_root_owns_it(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    const struct credentials_config config = {0};
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    write_bytes(KEY_LINES, sizeof KEY_LINES - 1, 0440);
    credentials_close(open_key(&config, ID, SECRET, ""));
    write_bytes(KEY_LINES, sizeof KEY_LINES - 1, 0444);
    assert_refused(&config, "is open to others");
    write_bytes(KEY_LINES, sizeof KEY_LINES - 1, 0460);
    assert_refused(&config, "is open to others");
}

static void a_refresh_reads_the_file_again(void **state)
{
    (void)state;
    write_file(KEY_LINES);
    const struct credentials_config config = {.file = path};
    struct credentials *credentials = open_key(&config, ID, SECRET, "");
    assert_int_equal(credentials_generation(credentials), 1);
    struct error err = {0};
    assert_int_equal(credentials_refresh(credentials, &err), STATUS_OK);
    assert_int_equal(credentials_generation(credentials), 1); /* the same key */

    write_file("access_key_id=second\naccess_key_secret=canary-second\n");
    assert_int_equal(credentials_refresh(credentials, &err), STATUS_OK);
    assert_int_equal(credentials_generation(credentials), 2);

    static const char *const unusable[] = {"access_key_id=third\n", "[x]\n",
                                           "type=ecs_ram_role\nrole_name=r\n"};
    static struct access_key key;
    bool ready = false;
    for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++) {
        write_file(unusable[i]);
        err = (struct error){0};
        assert_int_equal(credentials_refresh(credentials, &err), STATUS_CONFIG);
        assert_non_null(strstr(err.message, path));
        credentials_take(credentials, &key, &ready);
        assert_true(ready);
        assert_string_equal(key.secret, "canary-second");
        assert_int_equal(key.generation, 2);
    }
    access_key_wipe(&key);
    credentials_close(credentials);
}

static void keys_are_hidden_from_the_log(void **state)
{
    (void)state;
    write_file("[default]\ntype=sts\n" KEY_LINES "security_token=" TOKEN "\n");
    const struct credentials_config config = {.file = path};
    credentials_close(open_key(&config, ID, SECRET, TOKEN));
    char text[] = "id " ID " secret " SECRET " token " TOKEN;
    log_redact(text);
    assert_string_equal(text, "id *** secret *** token ***");
}

static void every_failed_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    write_file(KEY_LINES);
    const struct credentials_config config = {.file = path};
    enum status status = STATUS_NOMEM;
    long nth = 0;
    for (; status != STATUS_OK; nth++) {
        struct credentials *credentials = NULL;
        struct error err = {0};
        mem_fail_at(nth);
        status = credentials_open(&credentials, &config, &err);
        mem_fail_at(-1);
        credentials_close(credentials);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
    assert_true(nth > 2);
}

static void a_hardened_process_leaves_no_core(void **state)
{
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {1, 1};
        credentials_harden_process();
        const bool is_hard = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
                             getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0;
#ifdef __SANITIZE_ADDRESS__
        _exit(is_hard ? 1 : 0);
#else
        _exit(is_hard ? 0 : 1);
#endif
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define CREDENTIALS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "look-at-own-environment") == 0)
        return look_at_own_environment();
    const struct CMUnitTest tests[] = {
        CREDENTIALS_TEST(a_key_in_the_environment_is_used_and_wiped),
        CREDENTIALS_TEST(the_environment_goes_before_the_file),
        CREDENTIALS_TEST(an_environment_that_holds_no_whole_key_is_refused_and_wiped),
        CREDENTIALS_TEST(without_any_place_the_message_names_them),
        CREDENTIALS_TEST(proc_shows_nothing_of_the_key_any_more),
        CREDENTIALS_TEST(both_forms_of_a_file_are_read),
        CREDENTIALS_TEST(a_profile_chooses_its_section),
        CREDENTIALS_TEST(a_mistake_in_a_file_is_named_with_its_line_and_without_values),
        CREDENTIALS_TEST(too_much_is_refused),
        CREDENTIALS_TEST(the_longest_token_fits_into_a_file),
        CREDENTIALS_TEST(a_file_that_others_may_read_is_refused),
        CREDENTIALS_TEST(what_is_no_file_of_ours_is_refused),
        CREDENTIALS_TEST(a_file_of_another_user_is_refused),
        CREDENTIALS_TEST(the_surroundings_tell_of_a_file),
        CREDENTIALS_TEST(a_file_from_systemd_may_show_a_bit_for_the_group_if_root_owns_it),
        CREDENTIALS_TEST(a_refresh_reads_the_file_again),
        CREDENTIALS_TEST(keys_are_hidden_from_the_log),
        CREDENTIALS_TEST(every_failed_allocation_leaves_nothing_behind),
        CREDENTIALS_TEST(a_hardened_process_leaves_no_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
