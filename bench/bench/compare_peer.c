/*
 * compare_peer.c - a peer as a contestant: requests to its driver, and what became of them.
 *
 * A failure of the driver is kept in the figures. Only our own lack of memory and a signal end
 * the benchmark.
 */
#include "bench/bench/compare_internal.h"

#include "cli/escape.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DESCRIBE_TIMEOUT_MS 120000
#define LOAD_TIMEOUT_MS     (4 * 3600 * 1000)
#define QUERY_TIMEOUT_MS    (600 * 1000)
#define COLD_TIMEOUT_MS     (300 * 1000)

static void free_tree(cJSON **tree)
{
    cJSON_Delete(*tree);
}

static void free_text(char **text)
{
    cJSON_free(*text);
}

static struct set_system *figures_of(const struct contest *contest, size_t system)
{
    return &contest->result->systems[system];
}

static bool is_out(const struct contest *contest, size_t system)
{
    return figures_of(contest, system)->failure[0] != '\0';
}

/* Cut between characters, as JSON needs it. */
static void keep_text(char kept[SET_TEXT_BYTES], const char *text)
{
    (void)escape_text(slice_of_text(text), kept, SET_TEXT_BYTES);
}

/* Leaves the peer out; what is ours to bear is returned. */
static enum status leave_out(struct set_system *system, const char *step, enum status status,
                             const struct error *why, struct error *err)
{
    if (status == STATUS_STOPPED || status == STATUS_NOMEM)
        return error_set(err, status, "%s", why->message);
    char text[ERROR_MESSAGE_BYTES + 64];
    (void)snprintf(text, sizeof text, "%s: %s", step, why->message);
    keep_text(system->failure, text);
    return STATUS_OK;
}

static enum status ask(struct contest *contest, size_t system, const cJSON *request, int timeout_ms,
                       const struct json_node **reply, struct error *err)
{
    OWNED(free_text) char *text = request ? cJSON_PrintUnformatted(request) : NULL;
    if (!text)
        return error_set(err, STATUS_NOMEM, "no memory for a request");
    return peer_ask(&contest->peers[system - 1], text, timeout_ms, reply, err);
}

/* A request with nothing but its verb. */
static enum status ask_plainly(struct contest *contest, size_t system, const char *verb,
                               int timeout_ms, const struct json_node **reply, struct error *err)
{
    OWNED(free_tree) cJSON *request = cJSON_CreateObject();
    if (!request || !cJSON_AddStringToObject(request, "do", verb))
        return error_set(err, STATUS_NOMEM, "no memory for a request");
    return ask(contest, system, request, timeout_ms, reply, err);
}

/* A driver may work in another directory. */
static enum status put_absolute(const char *path, char absolute[PATH_MAX], struct error *err)
{
    if (!realpath(path, absolute))
        return error_set_errno(err, STATUS_INPUT, errno, "%s", path);
    return STATUS_OK;
}

/* A request with the set, and a directory for the peer. */
static enum status ask_with_set(struct contest *contest, size_t system, const char *verb,
                                const struct json_node **reply, struct error *err)
{
    char name[32];
    char made[WORKSPACE_PATH_BYTES];
    char dir[PATH_MAX];
    char set[PATH_MAX];
    (void)snprintf(name, sizeof name, "peer-%zu", system);
    TRY(workspace_path(&contest->workspace, name, made, err));
    // A server may insist on another user than root: that user passes through, and sees nothing.
    if (mkdir(made, 0711) != 0 && errno != EEXIST)
        return error_set_errno(err, STATUS_FULL, errno, "cannot make %s", made);
    TRY(put_absolute(made, dir, err));
    TRY(put_absolute(contest->config->inputs[0], set, err));
    OWNED(free_tree) cJSON *request = cJSON_CreateObject();
    if (!request || !cJSON_AddStringToObject(request, "do", verb) ||
        !cJSON_AddStringToObject(request, "set", set) ||
        !cJSON_AddStringToObject(request, "dir", dir))
        return error_set(err, STATUS_NOMEM, "no memory for a request");
    return ask(contest, system, request, LOAD_TIMEOUT_MS, reply, err);
}

static void keep_peak(struct contest *contest, size_t system)
{
    struct set_system *figures = figures_of(contest, system);
    const uint64_t bytes = peer_peak_bytes(&contest->peers[system - 1]);
    if (bytes > figures->peak_bytes)
        figures->peak_bytes = bytes;
}

/* --- to the loaded store ------------------------------------------------------------------- */

static enum status describe(struct contest *contest, size_t system, struct error *err)
{
    struct set_system *figures = figures_of(contest, system);
    const char *command = contest->config->peers[system - 1];
    const struct json_node *reply = NULL;
    // What the report calls a driver that cannot say its name.
    const char *slash = strrchr(command, '/');
    (void)escape_text(slice_of_text(slash ? slash + 1 : command), figures->description.name,
                      sizeof figures->description.name);
    TRY(peer_start(&contest->peers[system - 1], command, err));
    TRY(ask_plainly(contest, system, "describe", DESCRIBE_TIMEOUT_MS, &reply, err));
    struct peer_description description;
    TRY(peer_description_read(reply, &description, err));
    figures->description = description;
    if (!description.available)
        return error_set(err, STATUS_MISSING, "%s",
                         description.why[0] != '\0' ? description.why : "it does not say why");
    return STATUS_OK;
}

enum status peer_begin(struct contest *contest, size_t system, struct error *err)
{
    struct set_system *figures = figures_of(contest, system);
    const struct json_node *reply = NULL;
    struct error why = {0};
    enum status status = describe(contest, system, &why);
    if (status != STATUS_OK)
        return leave_out(figures, "not available", status, &why, err);
    status = ask_with_set(contest, system, "prepare", &reply, &why);
    return status == STATUS_OK ? STATUS_OK : leave_out(figures, "prepare", status, &why, err);
}

static enum status load(struct contest *contest, size_t system, struct error *err)
{
    struct set_system *figures = figures_of(contest, system);
    const struct json_node *reply = NULL;
    struct peer_load loaded = {0};
    TRY(ask_with_set(contest, system, "load", &reply, err));
    TRY(peer_load_read(reply, &loaded, err));
    if (loaded.messages != contest->result->messages)
        return error_set(err, STATUS_INPUT, "it took %llu messages of the %llu",
                         (unsigned long long)loaded.messages,
                         (unsigned long long)contest->result->messages);
    figures->loaded_bytes = loaded.bytes;
    keep_peak(contest, system);
    return series_add(&figures->load_seconds, loaded.seconds, err);
}

enum status peer_load(struct contest *contest, size_t system, struct error *err)
{
    struct set_system *figures = figures_of(contest, system);
    const struct series *loads = &figures->load_seconds;
    if (is_out(contest, system) ||
        (loads->count > 0 && loads->values[0] > contest->config->slow_seconds))
        return STATUS_OK;
    struct error why = {0};
    const enum status status = load(contest, system, &why);
    return status == STATUS_OK ? STATUS_OK : leave_out(figures, "load", status, &why, err);
}

static enum status compact(struct contest *contest, size_t system, struct error *err)
{
    struct set_system *figures = figures_of(contest, system);
    const struct json_node *reply = NULL;
    struct peer_load compacted = {0};
    TRY(ask_plainly(contest, system, "compact", LOAD_TIMEOUT_MS, &reply, err));
    TRY(peer_compact_read(reply, &compacted, err));
    figures->compact_seconds = compacted.seconds;
    figures->compacted_bytes = compacted.bytes;
    keep_peak(contest, system);
    return STATUS_OK;
}

enum status peer_compact(struct contest *contest, size_t system, struct error *err)
{
    struct set_system *figures = figures_of(contest, system);
    if (is_out(contest, system))
        return STATUS_OK;
    struct error why = {0};
    const enum status status = compact(contest, system, &why);
    return status == STATUS_OK ? STATUS_OK : leave_out(figures, "compact", status, &why, err);
}

/* --- queries ------------------------------------------------------------------------------- */

static enum status ask_query(struct contest *contest, size_t system, size_t query, bool answer,
                             struct peer_answer *answered, struct error *err)
{
    const struct query_target *target = &contest->target;
    const struct json_node *reply = NULL;
    OWNED(free_tree) cJSON *request = cJSON_CreateObject();
    if (!request || !cJSON_AddStringToObject(request, "do", "query") ||
        !cJSON_AddStringToObject(request, "name", set_query_names[query]) ||
        !cJSON_AddStringToObject(request, "device", target->device) ||
        !cJSON_AddStringToObject(request, "metric", target->metric) ||
        !cJSON_AddNumberToObject(request, "from_ms", (double)target->from_ms) ||
        !cJSON_AddNumberToObject(request, "until_ms", (double)target->until_ms) ||
        !cJSON_AddBoolToObject(request, "answer", answer))
        return error_set(err, STATUS_NOMEM, "no memory for a request");
    TRY(ask(contest, system, request, QUERY_TIMEOUT_MS, &reply, err));
    TRY(peer_answer_read(reply, answered, err));
    if (answer && !answered->unsupported && !answered->answer)
        return error_set(err, STATUS_INPUT, "the driver's reply has no \"answer\"");
    return STATUS_OK;
}

/*
 * A query that fails is one without figures; a driver that is gone is left out, and what it has
 * loaded stays in the report.
 */
static enum status fail_query(struct contest *contest, size_t system, size_t query,
                              enum status status, const struct error *why, struct error *err)
{
    struct set_system *figures = figures_of(contest, system);
    struct set_query *asked = &figures->queries[query];
    // An answer that was wrong stays so: the driver may have ended on account of it.
    if (asked->verdict != VERDICT_WRONG) {
        asked->verdict = VERDICT_NONE;
        keep_text(asked->remark, why->message);
    }
    if (contest->peers[system - 1].broken || contest->peers[system - 1].process == 0 ||
        status == STATUS_STOPPED || status == STATUS_NOMEM)
        return leave_out(figures, set_query_names[query], status, why, err);
    return STATUS_OK;
}

/* Ours without what the other does not keep: the ids of Q8. */
static void forget_ids(struct answer_table *ours)
{
    const size_t id_column = 1;
    for (size_t row = 0; row < ours->row_count; row++)
        ours->fields[row * ours->column_count + id_column] = (struct field){.kind = FIELD_NULL};
}

static enum status copy_table(const struct answer_table *from, struct answer_table *to,
                              struct error *err)
{
    for (size_t row = 0; row < from->row_count; row++)
        TRY(answer_table_add(to, from->fields + row * from->column_count, from->column_count, err));
    return STATUS_OK;
}

static enum status judge(struct contest *contest, size_t system, size_t query,
                         const struct peer_answer *answered, struct error *err)
{
    struct set_system *figures = figures_of(contest, system);
    struct set_query *asked = &figures->queries[query];
    OWNED(answer_table_release) struct answer_table theirs = {0};
    OWNED(answer_table_release) struct answer_table ours = {0};
    TRY(answer_table_read(&theirs, answered->answer, err));
    TRY(copy_table(&contest->answers[query], &ours, err));
    if (!figures->description.ids && query == SET_QUERIES - 1)
        forget_ids(&ours);
    char difference[ANSWER_DIFFERENCE_BYTES];
    asked->rows = answered->rows;
    keep_text(asked->remark, answered->remark);
    if (answered->differs) {
        asked->verdict = VERDICT_DIFFERS;
    } else if (answer_tables_agree(&ours, &theirs, difference)) {
        asked->verdict = VERDICT_SAME;
    } else {
        asked->verdict = VERDICT_WRONG;
        keep_text(asked->remark, difference);
    }
    return STATUS_OK;
}

static bool is_slow(const struct contest *contest, double ms)
{
    const double limit_ms = contest->config->slow_query_ms;
    return limit_ms > 0 && ms > limit_ms;
}

enum status peer_answer(struct contest *contest, size_t system, size_t query, struct error *err)
{
    if (is_out(contest, system))
        return STATUS_OK;
    struct set_query *asked = &figures_of(contest, system)->queries[query];
    struct peer_answer answered = {0};
    struct error why = {0};
    enum status status = ask_query(contest, system, query, true, &answered, &why);
    if (status == STATUS_OK && answered.unsupported) {
        keep_text(asked->remark, answered.remark[0] != '\0' ? answered.remark : "not supported");
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = judge(contest, system, query, &answered, &why);
    // Asked once: this is its time.
    if (status == STATUS_OK && is_slow(contest, answered.ms))
        status = series_add(&asked->warm_ms, answered.ms, &why);
    return status == STATUS_OK ? STATUS_OK : fail_query(contest, system, query, status, &why, err);
}

static enum status time_once(struct contest *contest, size_t system, size_t query,
                             struct series *series_ms, struct error *err)
{
    struct peer_answer answered = {0};
    TRY(ask_query(contest, system, query, false, &answered, err));
    if (answered.unsupported)
        return error_set(err, STATUS_INPUT, "answered once, and never again");
    return series_add(series_ms, answered.ms, err);
}

static enum status time_query(struct contest *contest, size_t system, size_t query, bool cold,
                              struct error *err)
{
    struct set_query *asked = &figures_of(contest, system)->queries[query];
    const struct json_node *reply = NULL;
    if (cold) {
        TRY(ask_plainly(contest, system, "cold", COLD_TIMEOUT_MS, &reply, err));
        return time_once(contest, system, query, &asked->cold_ms, err);
    }
    TRY(time_once(contest, system, query, &asked->warm_ms, err));
    return compare_again(&asked->warm_ms) ? time_once(contest, system, query, &asked->warm_ms, err)
                                          : STATUS_OK;
}

enum status peer_query(struct contest *contest, size_t system, size_t query, bool cold,
                       struct error *err)
{
    const struct set_query *asked = &figures_of(contest, system)->queries[query];
    if (is_out(contest, system) || asked->verdict == VERDICT_NONE ||
        (asked->warm_ms.count > 0 && is_slow(contest, asked->warm_ms.values[0])))
        return STATUS_OK;
    struct error why = {0};
    const enum status status = time_query(contest, system, query, cold, &why);
    return status == STATUS_OK ? STATUS_OK : fail_query(contest, system, query, status, &why, err);
}
