/*
 * key_file_parse.c - the two forms of a file with a key, through libinih.
 *
 * libinih asks for lines and answers with section, name and value. The lines are ours to hand
 * out: without leading blanks, which libinih would take for a continued value, never in pieces,
 * and none after the first mistake. Both forms are pairs to it; without sections all pairs count,
 * with sections those of the profile.
 *
 * libinih keeps its line on its stack. What it leaves there is overwritten afterwards.
 */
#include "ingest/credentials/key_file.h"
#include "ingest/credentials/key_store.h"

#include <assert.h>
#include <ctype.h>
#include <ini.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

/* A name and the longest token, generously; libinih's own limit is 200. */
#define LINE_BYTES_MAX 12288

/* What libinih's frames took at most: its line and some names. */
#define STACK_BYTES (LINE_BYTES_MAX + 4096)

enum key_type { TYPE_NONE, TYPE_ACCESS_KEY, TYPE_STS, TYPE_ROLE };

enum part { PART_TYPE, PART_ID, PART_SECRET, PART_TOKEN, PART_ROLE, PART_COUNT };

static const struct {
    const char *name;
    enum part part;
} names[] = {
    {"type", PART_TYPE},
    {"access_key_id", PART_ID},
    {"access_key_secret", PART_SECRET},
    {"security_token", PART_TOKEN},
    {"role_name", PART_ROLE},
    {"ecs_metadata", PART_ROLE},
};

static const char *const part_names[PART_COUNT] = {"type", "access_key_id", "access_key_secret",
                                                   "security_token", "role_name"};

struct parse {
    struct cursor lines;
    unsigned line; /* number of the one handed out last */
    const char *profile;
    bool has_sections;
    bool profile_found;
    bool given[PART_COUNT];
    enum key_type type;
    struct key_file *file;
    unsigned problem_line;    /* 0: none */
    const char *problem_name; /* of the part, or "" */
    const char *problem;
};

static void set_problem(struct parse *parse, const char *name, const char *problem)
{
    if (parse->problem_line != 0)
        return;
    parse->problem_line = parse->line;
    parse->problem_name = name;
    parse->problem = problem;
}

bool role_name_is_valid(struct slice name)
{
    if (name.len == 0 || name.len >= ROLE_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t byte = name.data[i];
        const bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!is_letter && !(byte >= '0' && byte <= '9') && byte != '.' && byte != '-' &&
            byte != '_')
            return false;
    }
    return true;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\v' || byte == '\f';
}

/* The next line without its end and leading blanks. */
static struct slice next_line(struct cursor *lines)
{
    const size_t left = cursor_left(lines);
    const uint8_t *end = memchr(lines->next, '\n', left);
    struct slice line = cursor_bytes(lines, end ? (size_t)(end - lines->next) : left);
    if (end)
        (void)cursor_u8(lines);
    while (line.len > 0 && is_blank(line.data[0]))
        line = slice_of(line.data + 1, line.len - 1);
    return line;
}

static bool find_sections(struct slice content)
{
    struct cursor lines = cursor_of(content);
    while (cursor_left(&lines) > 0) {
        const struct slice line = next_line(&lines);
        if (line.len > 0 && line.data[0] == '[')
            return true;
    }
    return false;
}

/* "[name]" of the profile asked for. */
static bool is_profile_line(struct slice line, const char *profile)
{
    const size_t profile_len = strlen(profile);
    return line.len >= profile_len + 2 && line.data[0] == '[' &&
           memcmp(line.data + 1, profile, profile_len) == 0 && line.data[profile_len + 1] == ']';
}

/* libinih's reader: as fgets. */
static char *hand_out_line(char *to, int room, void *stream)
{
    struct parse *parse = stream;
    if (parse->problem_line != 0 || cursor_left(&parse->lines) == 0)
        return NULL;
    const struct slice line = next_line(&parse->lines);
    parse->line++;
    if (room < 1 || line.len >= (size_t)room)
        set_problem(parse, "the line", "is too long");
    else if (line.len > 0 && memchr(line.data, '\0', line.len))
        set_problem(parse, "the line", "has a NUL byte");
    if (parse->problem_line != 0)
        return NULL;
    if (is_profile_line(line, parse->profile))
        parse->profile_found = true;
    if (line.len > 0)
        memcpy(to, line.data, line.len);
    to[line.len] = '\0';
    return to;
}

/* PART_COUNT: of no interest. */
static enum part part_of(const char *name)
{
    static const char export[] = "export ";
    static const char prefix[] = "alibaba_cloud_";
    if (strncmp(name, export, sizeof export - 1) == 0)
        name += sizeof export - 1;
    if (strncasecmp(name, prefix, sizeof prefix - 1) == 0)
        name += sizeof prefix - 1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(name, names[i].name) == 0)
            return names[i].part;
    }
    return PART_COUNT;
}

/* Without the quotes round it, as shells and systemd allow them. */
static struct slice unquoted(const char *value)
{
    const struct slice text = slice_of_text(value);
    if (text.len >= 2 && (text.data[0] == '"' || text.data[0] == '\'') &&
        text.data[text.len - 1] == text.data[0])
        return slice_of(text.data + 1, text.len - 2);
    return text;
}

static const char *set_type(struct parse *parse, struct slice value)
{
    if (slice_equal(value, slice_of_text("access_key")))
        parse->type = TYPE_ACCESS_KEY;
    else if (slice_equal(value, slice_of_text("sts")))
        parse->type = TYPE_STS;
    else if (slice_equal(value, slice_of_text("ecs_ram_role")))
        parse->type = TYPE_ROLE;
    else
        return "is none of access_key, sts, ecs_ram_role";
    return NULL;
}

static const char *set_role(struct key_file *file, struct slice value)
{
    if (!role_name_is_valid(value))
        return "is no name of a role";
    memcpy(file->role, value.data, value.len);
    file->role[value.len] = '\0';
    return NULL;
}

static const char *set_part(struct parse *parse, enum part part, struct slice value)
{
    struct access_key *key = &parse->file->key;
    switch (part) {
    case PART_TYPE:
        return set_type(parse, value);
    case PART_ID:
        return access_key_set(key->id, sizeof key->id, value);
    case PART_SECRET:
        return access_key_set(key->secret, sizeof key->secret, value);
    case PART_TOKEN:
        return access_key_set(key->token, sizeof key->token, value);
    case PART_ROLE:
        return set_role(parse->file, value);
    case PART_COUNT:
        break;
    }
    return NULL;
}

/* libinih's handler; 0 is a mistake. An empty value is as good as none. */
static int take_pair(void *context, const char *section, const char *name, const char *value)
{
    struct parse *parse = context;
    if (parse->has_sections && strcmp(section, parse->profile) != 0)
        return 1;
    const enum part part = part_of(name);
    const struct slice text = unquoted(value);
    if (part >= PART_COUNT || text.len == 0)
        return 1;
    const char *problem =
        parse->given[part] ? "is given a second time" : set_part(parse, part, text);
    parse->given[part] = true;
    if (problem)
        set_problem(parse, part_names[part], problem);
    return problem == NULL;
}

/* Whether what was given is a key or a role. Returns NULL or what is missing. */
static const char *conclude(struct parse *parse)
{
    const bool *given = parse->given;
    const bool no_key = !given[PART_ID] && !given[PART_SECRET];
    if (parse->type == TYPE_ROLE || (parse->type == TYPE_NONE && no_key && given[PART_ROLE])) {
        parse->file->is_role = true;
        access_key_wipe(&parse->file->key);
        return NULL;
    }
    if (!given[PART_ID])
        return "has no access_key_id";
    if (!given[PART_SECRET])
        return "has no access_key_secret";
    if (parse->type == TYPE_STS && !given[PART_TOKEN])
        return "has no security_token, which type sts needs";
    return NULL;
}

/* The library's settings are the whole process's: set once, and only to allow more. */
static void allow_long_lines(void)
{
    if (ini_max_line < LINE_BYTES_MAX)
        ini_max_line = LINE_BYTES_MAX;
}

/* Overwrites what calls before it left on the stack. */
static __attribute__((noinline)) void wipe_stack(void)
{
    char left_over[STACK_BYTES];
    explicit_bzero(left_over, sizeof left_over);
}

enum status key_file_parse(struct slice content, const char *profile, const char *path,
                           struct key_file *file, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, allow_long_lines);
    memset(file, 0, sizeof *file);
    struct parse parse = {.lines = cursor_of(content),
                          .profile = profile,
                          .has_sections = find_sections(content),
                          .file = file};

    const int bad_line = ini_parse_stream(hand_out_line, &parse, take_pair, &parse);
    wipe_stack();
    if (bad_line < 0)
        return error_set(err, STATUS_NOMEM, "no memory for credentials file %s", path);
    if (parse.problem_line != 0 && (bad_line == 0 || (unsigned)bad_line >= parse.problem_line))
        return error_set(err, STATUS_CONFIG, "credentials file %s, line %u: %s %s", path,
                         parse.problem_line, parse.problem_name, parse.problem);
    if (bad_line != 0)
        return error_set(err, STATUS_CONFIG,
                         "credentials file %s, line %d: neither a section nor NAME=VALUE", path,
                         bad_line);
    if (parse.has_sections && !parse.profile_found)
        return error_set(err, STATUS_CONFIG, "credentials file %s has no profile [%s]", path,
                         profile);
    const char *missing = conclude(&parse);
    if (missing && parse.has_sections)
        return error_set(err, STATUS_CONFIG, "credentials file %s: profile [%s] %s", path, profile,
                         missing);
    if (missing)
        return error_set(err, STATUS_CONFIG, "credentials file %s %s", path, missing);
    return STATUS_OK;
}
