/*
 * set_read.c - a result from JSON that anybody may have written.
 */
#include "bench/bench/set_result.h"

#include "bench/bench/json_fields.h"

#include <string.h>

static enum status wrong(const char *name, struct error *err)
{
    return error_set(err, STATUS_INPUT, "no proper \"%s\"", name);
}

/* What is missing is empty; what is there must be a text. */
static enum status read_text(const struct json_node *object, const char *name, char *text,
                             size_t text_bytes, struct error *err)
{
    const struct json_node *member = json_member(object, name);
    text[0] = '\0';
    if (!member || member->type == JSON_NULL || json_text(member, text, text_bytes))
        return STATUS_OK;
    return wrong(name, err);
}

static enum status read_count(const struct json_node *object, const char *name, uint64_t *count,
                              struct error *err)
{
    double number = 0;
    if (!json_real(json_member(object, name), &number) || !(number >= 0) || number > 9e15)
        return wrong(name, err);
    *count = (uint64_t)number;
    return STATUS_OK;
}

static enum status read_number(const struct json_node *object, const char *name, double *number,
                               struct error *err)
{
    if (!json_real(json_member(object, name), number) || !(*number <= SERIES_VALUE_MOST) ||
        !(*number >= -1))
        return wrong(name, err);
    return STATUS_OK;
}

static enum status read_series(const struct json_node *object, const char *name,
                               struct series *series, struct error *err)
{
    const struct json_node *member = json_member(object, name);
    if (!member)
        return STATUS_OK;
    if (member->type != JSON_ARRAY || series->count > 0)
        return wrong(name, err);
    for (const struct json_node *node = member->first; node; node = node->next) {
        double value = 0;
        if (!json_real(node, &value) || !(value >= 0))
            return wrong(name, err);
        TRY(series_add(series, value, err));
    }
    return STATUS_OK;
}

static enum status read_verdict(const struct json_node *object, enum set_verdict *verdict,
                                struct error *err)
{
    const struct json_node *member = json_member(object, "answer");
    for (unsigned i = 0; member && member->type == JSON_STRING && i < VERDICT_COUNT; i++) {
        if (text_equals(member->text, set_verdict_names[i])) {
            *verdict = (enum set_verdict)i;
            return STATUS_OK;
        }
    }
    return wrong("answer", err);
}

static enum status read_query(const struct json_node *object, struct set_query *query,
                              struct error *err)
{
    TRY(read_series(object, "warm_ms", &query->warm_ms, err));
    TRY(read_series(object, "cold_ms", &query->cold_ms, err));
    TRY(read_series(object, "fresh_ms", &query->fresh_ms, err));
    TRY(read_series(object, "call_ms", &query->call_ms, err));
    TRY(read_series(object, "call_cold_ms", &query->call_cold_ms, err));
    TRY(read_count(object, "rows", &query->rows, err));
    TRY(read_verdict(object, &query->verdict, err));
    return read_text(object, "remark", query->remark, sizeof query->remark, err);
}

static enum status read_system(const struct json_node *object, struct set_system *system,
                               struct error *err)
{
    struct peer_description *d = &system->description;
    if (!json_text(json_member(object, "name"), d->name, sizeof d->name) || d->name[0] == '\0')
        return wrong("name", err);
    TRY(read_text(object, "form", d->form, sizeof d->form, err));
    TRY(read_text(object, "version", d->version, sizeof d->version, err));
    TRY(read_text(object, "durability", d->durability, sizeof d->durability, err));
    TRY(read_text(object, "input", d->input, sizeof d->input, err));
    TRY(read_text(object, "notes", d->notes, sizeof d->notes, err));
    if (!json_bool(json_member(object, "ids"), &d->ids))
        return wrong("ids", err);
    TRY(read_text(object, "failure", system->failure, sizeof system->failure, err));
    TRY(read_series(object, "load_seconds", &system->load_seconds, err));
    TRY(read_series(object, "again_seconds", &system->again_seconds, err));
    TRY(read_count(object, "loaded_bytes", &system->loaded_bytes, err));
    TRY(read_count(object, "compacted_bytes", &system->compacted_bytes, err));
    TRY(read_number(object, "compact_seconds", &system->compact_seconds, err));
    TRY(read_count(object, "peak_bytes", &system->peak_bytes, err));
    const struct json_node *queries = json_member(object, "queries");
    for (size_t i = 0; i < SET_QUERIES; i++) {
        const struct json_node *query = json_member(queries, set_query_names[i]);
        const enum status status = query ? read_query(query, &system->queries[i], err) : STATUS_OK;
        if (status != STATUS_OK) {
            error_add_context(err, "%s of %s", set_query_names[i], d->name);
            return status;
        }
    }
    return STATUS_OK;
}

static enum status read_machine(const struct json_node *object, struct set_result *result,
                                struct error *err)
{
    struct machine *machine = &result->machine;
    uint64_t cpus = 0;
    TRY(read_text(object, "cpu", machine->cpu, sizeof machine->cpu, err));
    TRY(read_text(object, "kernel", machine->kernel, sizeof machine->kernel, err));
    TRY(read_text(object, "compiler", machine->compiler, sizeof machine->compiler, err));
    TRY(read_text(object, "libc", machine->libc, sizeof machine->libc, err));
    TRY(read_text(object, "file_system", machine->file_system, sizeof machine->file_system, err));
    TRY(read_text(object, "libraries", result->libraries, sizeof result->libraries, err));
    TRY(read_text(object, "build", result->build, sizeof result->build, err));
    if (json_member(object, "cpus"))
        TRY(read_count(object, "cpus", &cpus, err));
    const struct json_node *memory = json_member(object, "memory_bytes");
    if (memory && memory->type != JSON_NULL)
        TRY(read_count(object, "memory_bytes", &machine->memory_bytes, err));
    machine->cpus = cpus > 1000000 ? 1000000 : (unsigned)cpus;
    return STATUS_OK;
}

/* It becomes the name of files. */
static bool is_file_name(const char *name)
{
    const size_t len = strlen(name);
    return len > 0 && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static enum status read_head(struct set_result *result, const struct json_node *root,
                             struct error *err)
{
    uint64_t format = 0;
    const struct json_node *kind = json_member(root, "kind");
    if (!kind || kind->type != JSON_STRING || !text_equals(kind->text, SET_KIND))
        return wrong("kind", err);
    TRY(read_count(root, "format", &format, err));
    if (format != SET_FORMAT)
        return error_set(err, STATUS_INPUT, "written by another version of mnsdb-bench");
    TRY(read_text(root, "name", result->name, sizeof result->name, err));
    if (!is_file_name(result->name))
        return wrong("name", err);
    TRY(read_text(root, "date", result->date, sizeof result->date, err));
    TRY(read_text(root, "input", result->input, sizeof result->input, err));
    TRY(read_text(root, "device", result->device, sizeof result->device, err));
    TRY(read_text(root, "metric", result->metric, sizeof result->metric, err));
    TRY(read_text(root, "hour", result->hour, sizeof result->hour, err));
    TRY(read_count(root, "messages", &result->messages, err));
    TRY(read_count(root, "stored", &result->stored, err));
    TRY(read_count(root, "input_bytes", &result->input_bytes, err));
    TRY(read_count(root, "rounds", &result->rounds, err));
    TRY(read_count(root, "runs", &result->runs, err));
    TRY(read_number(root, "cold_cached_share", &result->cold_cached_share, err));
    if (json_member(root, "brief") && !json_bool(json_member(root, "brief"), &result->brief))
        return wrong("brief", err);
    return read_machine(json_member(root, "machine"), result, err);
}

enum status set_result_read(struct set_result *result, const struct json_node *root,
                            struct error *err)
{
    TRY(read_head(result, root, err));
    const struct json_node *systems = json_member(root, "systems");
    size_t count = 0;
    if (!systems || systems->type != JSON_ARRAY)
        return wrong("systems", err);
    for (const struct json_node *node = systems->first; node; node = node->next)
        count++;
    if (count == 0 || count > SET_SYSTEMS_MAX)
        return error_set(err, STATUS_INPUT, "%zu systems: not 1 to %zu", count, SET_SYSTEMS_MAX);
    TRY(set_result_make(result, count, err));
    count = 0;
    for (const struct json_node *node = systems->first; node; node = node->next)
        TRY(read_system(node, &result->systems[count++], err));
    return STATUS_OK;
}
