/*
 * report_dir.c - reads every JSON file, one at a time; a file that is no good costs a warning.
 */
#include "bench/bench/report_dir.h"

#include "bench/bench/json_section.h"
#include "bench/bench/set_charts.h"
#include "bench/bench/set_tables.h"
#include "bench/bench/set_view.h"
#include "bench/bench/workspace.h"
#include "cli/escape.h"
#include "cli/message.h"
#include "engine/base/arena.h"
#include "engine/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX      ".json"
#define REPORT_NAME "report.md"
#define NOTES_NAME  "notes.md"

/* What the other verbs measure, in the order of the report, behind the sets. */
static const struct {
    const char *kind;
    const char *title;
} kinds[] = {
    {"growth", "Set L: ten times set M"},
    {"profile", "Where the time of an ingest goes"},
    {"kernels", "Kernels, and the machine's marks"},
    {"commits", "Small commits"},
    {"ids", "The seen set as it grows"},
    {"live", "Queries while ingest runs"},
    {"queue", "From a queue"},
    {"quick", "The quick form"},
    {"noise", "How far the quick form can be trusted"},
};
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

static void close_file(FILE **file)
{
    if (*file)
        (void)fclose(*file);
    *file = NULL;
}

static enum status put_path(const char *dir, const char *name, char path[WORKSPACE_PATH_BYTES],
                            struct error *err)
{
    const int len = snprintf(path, WORKSPACE_PATH_BYTES, "%s/%s", dir, name);
    if (len < 0 || (size_t)len >= WORKSPACE_PATH_BYTES)
        return error_set(err, STATUS_INPUT, "%s: the path is too long", dir);
    return STATUS_OK;
}

enum status report_dir_make(const char *dir, struct error *err)
{
    char path[WORKSPACE_PATH_BYTES];
    TRY(put_path(dir, "", path, err));
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return error_set_errno(err, STATUS_FULL, errno, "cannot make %s", path);
        *slash = '/';
    }
    if (access(dir, W_OK | X_OK) != 0)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write into %s", dir);
    return STATUS_OK;
}

/* --- writing ------------------------------------------------------------------------------- */

static enum status open_output(const char *dir, const char *name, FILE **file, struct error *err)
{
    char path[WORKSPACE_PATH_BYTES];
    TRY(put_path(dir, name, path, err));
    *file = fopen(path, "we");
    if (!*file)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", path);
    return STATUS_OK;
}

static enum status finish_output(const char *name, FILE **file, struct error *err)
{
    const bool failed = ferror(*file) != 0;
    const int code = fclose(*file);
    *file = NULL;
    if (failed || code != 0)
        return error_set(err, STATUS_FULL, "%s could not be written", name);
    return STATUS_OK;
}

enum status report_dir_put(const char *dir, const struct set_result *result, struct error *err)
{
    char name[SET_NAME_BYTES + sizeof SUFFIX];
    OWNED(close_file) FILE *file = NULL;
    (void)snprintf(name, sizeof name, "%s%s", result->name, SUFFIX);
    TRY(open_output(dir, name, &file, err));
    TRY(set_result_write(result, file, err));
    return finish_output(name, &file, err);
}

/* --- reading ------------------------------------------------------------------------------- */

static enum status read_bytes(int file, struct buffer *bytes, struct error *err)
{
    const size_t step = (size_t)64 << 10;
    for (;;) {
        if (bytes->len > REPORT_FILE_BYTES_MAX)
            return error_set(err, STATUS_INPUT, "larger than %zu bytes", REPORT_FILE_BYTES_MAX);
        if (buffer_reserve(bytes, step) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for a file");
        const ssize_t count = read(file, bytes->data + bytes->len, step);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_set_errno(err, STATUS_INPUT, errno, "cannot be read");
        if (count == 0)
            return STATUS_OK;
        bytes->len += (size_t)count;
    }
}

/* The root lives in the arena and borrows from the bytes. */
static enum status read_json(const char *path, struct buffer *bytes, struct arena *arena,
                             const struct json_node **root, struct error *err)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return error_set_errno(err, STATUS_INPUT, errno, "cannot be opened");
    const enum status status = read_bytes(file, bytes, err);
    (void)close(file);
    TRY(status);
    struct json_document document;
    if (json_parse(buffer_slice(bytes), arena, &document) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a file");
    if (!document.root || document.root->type != JSON_OBJECT)
        return error_set(err, STATUS_INPUT, "no JSON object");
    *root = document.root;
    return STATUS_OK;
}

/* --- rendering ----------------------------------------------------------------------------- */

struct rendering {
    const char *dir;
    FILE *report; /* into `text` */
    FILE *brief;  /* into `brief_text`: a row a set that has no section of its own */
    struct buffer text;
    struct buffer brief_text;
    bool has_notes;
    unsigned sections;
    bool wrong;
};

static ssize_t append_text(void *context, const char *text, size_t len)
{
    return buffer_append(context, (const uint8_t *)text, len) == STATUS_OK ? (ssize_t)len : 0;
}

static FILE *open_buffer(struct buffer *buffer)
{
    const cookie_io_functions_t functions = {.write = append_text};
    return fopencookie(buffer, "w", functions);
}

static enum status open_rendering(struct rendering *rendering, struct error *err)
{
    char path[WORKSPACE_PATH_BYTES];
    TRY(put_path(rendering->dir, NOTES_NAME, path, err));
    rendering->has_notes = access(path, R_OK) == 0;
    rendering->report = open_buffer(&rendering->text);
    rendering->brief = open_buffer(&rendering->brief_text);
    return rendering->report && rendering->brief
               ? STATUS_OK
               : error_set(err, STATUS_NOMEM, "no memory for a report");
}

static enum status flush_rendering(struct rendering *rendering, struct error *err)
{
    const bool failed = ferror(rendering->report) != 0 || ferror(rendering->brief) != 0;
    return fflush(rendering->report) == 0 && !failed
               ? STATUS_OK
               : error_set(err, STATUS_NOMEM, "no memory for a report");
}

static void close_rendering(struct rendering *rendering)
{
    close_file(&rendering->report);
    close_file(&rendering->brief);
    buffer_release(&rendering->text);
    buffer_release(&rendering->brief_text);
}

/* The sets that have a row each, as a table behind those that have sections. */
static void print_brief(struct rendering *rendering)
{
    if (fflush(rendering->brief) != 0 || rendering->brief_text.len == 0)
        return;
    set_tables_brief_head(rendering->report);
    (void)fwrite(rendering->brief_text.data, 1, rendering->brief_text.len, rendering->report);
    (void)fprintf(rendering->report, "\n");
}

static enum status print_charts(const struct rendering *rendering, const struct set_view *view,
                                struct error *err)
{
    for (size_t i = 0; i < SET_CHART_COUNT; i++) {
        char name[SET_NAME_BYTES + 32];
        OWNED(close_file) FILE *file = NULL;
        (void)snprintf(name, sizeof name, "%s-%s.svg", view->result->name, set_chart_names[i]);
        TRY(open_output(rendering->dir, name, &file, err));
        set_chart_print(view, i, file);
        TRY(finish_output(name, &file, err));
    }
    return STATUS_OK;
}

static void release_set(struct set_result **result)
{
    if (*result)
        set_result_release(*result);
    mem_free(*result);
}

static enum status render_set(struct rendering *rendering, const struct json_node *root,
                              struct error *err)
{
    OWNED(release_set) struct set_result *result = mem_alloc_zeroed(1, sizeof *result);
    OWNED(set_view_release) struct set_view view = {0};
    if (!result)
        return error_set(err, STATUS_NOMEM, "no memory for a report");
    TRY(set_result_read(result, root, err));
    TRY(set_view_make(&view, result, err));
    if (result->brief) {
        set_tables_brief_row(&view, rendering->brief);
    } else {
        TRY(print_charts(rendering, &view, err));
        set_tables_print(&view, true, rendering->report);
    }
    rendering->wrong = rendering->wrong || set_result_is_wrong(result);
    rendering->sections++;
    return STATUS_OK;
}

/* The kind that the file says it is, else the one of its name ("queue.json"). */
static bool is_of_kind(const struct json_node *root, const char *file, const char *kind)
{
    const struct json_node *member = json_member(root, "kind");
    if (member)
        return member->type == JSON_STRING && text_equals(member->text, kind);
    return strncmp(file, kind, strlen(kind)) == 0 && strcmp(file + strlen(kind), SUFFIX) == 0;
}

static enum status render_file(struct rendering *rendering, const char *file, const char *kind,
                               const char *title, struct error *err)
{
    char path[WORKSPACE_PATH_BYTES];
    const struct json_node *root = NULL;
    OWNED(buffer_release) struct buffer bytes = {0};
    OWNED(arena_release) struct arena arena = {0};
    TRY(put_path(rendering->dir, file, path, err));
    TRY(read_json(path, &bytes, &arena, &root, err));
    if (!is_of_kind(root, file, kind))
        return STATUS_OK;
    if (!title)
        return render_set(rendering, root, err);
    (void)fprintf(rendering->report, "## %s\n\n", title);
    json_section_print(root, 2, rendering->report);
    rendering->sections++;
    return STATUS_OK;
}

/* The names of the directory's JSON files, sorted. */
struct file_names {
    struct arena arena;
    const char **names; /* owned */
    size_t count;
    size_t capacity;
};

static void release_names(struct file_names *names)
{
    arena_release(&names->arena);
    mem_free(names->names);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool is_json(const char *name)
{
    const size_t len = strlen(name);
    const size_t suffix_len = strlen(SUFFIX);
    return len > suffix_len && strcmp(name + len - suffix_len, SUFFIX) == 0;
}

static enum status add_name(struct file_names *names, const char *name, struct error *err)
{
    const struct slice copy = arena_copy(&names->arena, slice_of(name, strlen(name) + 1));
    if (!copy.data || mem_grow(&names->names, &names->capacity, names->count + 1,
                               sizeof *names->names) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the names of files");
    names->names[names->count++] = (const char *)copy.data;
    return STATUS_OK;
}

static enum status list_files(const char *dir, struct file_names *names, struct error *err)
{
    DIR *open_dir = opendir(dir);
    if (!open_dir)
        return error_set_errno(err, STATUS_INPUT, errno, "cannot look into %s", dir);
    enum status status = STATUS_OK;
    for (const struct dirent *entry = readdir(open_dir); entry && status == STATUS_OK;
         entry = readdir(open_dir)) {
        if (is_json(entry->d_name))
            status = add_name(names, entry->d_name, err);
    }
    (void)closedir(open_dir);
    if (names->count > 0)
        qsort(names->names, names->count, sizeof *names->names, compare_names);
    return status;
}

/* All files of one kind. What is wrong with a file is said once, when sets are looked for. */
static enum status render_kind(struct rendering *rendering, const struct file_names *files,
                               const char *kind, const char *title, struct error *err)
{
    for (size_t i = 0; i < files->count; i++) {
        struct error why = {0};
        const enum status status = render_file(rendering, files->names[i], kind, title, &why);
        if (status == STATUS_FULL || status == STATUS_NOMEM)
            return error_set(err, status, "%s", why.message);
        if (status != STATUS_OK && !title)
            message_warning("%s is left out: %s", files->names[i], why.message);
    }
    return STATUS_OK;
}

/* What people have written about the figures stands before them. */
static enum status copy_notes(const char *dir, FILE *report, struct error *err)
{
    char path[WORKSPACE_PATH_BYTES];
    OWNED(buffer_release) struct buffer bytes = {0};
    TRY(put_path(dir, NOTES_NAME, path, err));
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return STATUS_OK;
    const enum status status = read_bytes(file, &bytes, err);
    (void)close(file);
    if (status != STATUS_OK)
        error_add_context(err, "%s", path);
    else
        (void)fprintf(report, "%.*s\n", (int)bytes.len, (const char *)bytes.data);
    return status;
}

static enum status render_all(struct rendering *rendering, const struct file_names *files,
                              struct error *err)
{
    (void)fprintf(rendering->report,
                  "# Benchmark\n\nMade by `mnsdb-bench report` from the JSON files beside "
                  "it, which hold every run%s.\n\n",
                  rendering->has_notes ? ", and from " NOTES_NAME : "");
    TRY(copy_notes(rendering->dir, rendering->report, err));
    TRY(render_kind(rendering, files, SET_KIND, NULL, err));
    print_brief(rendering);
    for (size_t i = 0; i < KIND_COUNT; i++)
        TRY(render_kind(rendering, files, kinds[i].kind, kinds[i].title, err));
    return STATUS_OK;
}

/* The report is put together in memory: without figures the old one stays. */
enum status report_dir_render(const char *dir, bool *wrong, struct error *err)
{
    OWNED(release_names) struct file_names files = {0};
    OWNED(close_rendering) struct rendering rendering = {.dir = dir};
    OWNED(close_file) FILE *report = NULL;
    *wrong = false;
    TRY(list_files(dir, &files, err));
    TRY(open_rendering(&rendering, err));
    TRY(render_all(&rendering, &files, err));
    if (rendering.sections == 0)
        return error_set(err, STATUS_INPUT, "%s has no figures to report", dir);
    TRY(flush_rendering(&rendering, err));
    TRY(open_output(dir, REPORT_NAME, &report, err));
    (void)fwrite(rendering.text.data, 1, rendering.text.len, report);
    *wrong = rendering.wrong;
    return finish_output(REPORT_NAME, &report, err);
}
