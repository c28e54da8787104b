/*
 * main.c - `mnsdb-sql`: a select statement over a store. `mnsdb sql ...` runs it.
 *
 * It is a program of its own so that the other commands do not load SQLite.
 */
#include "cli/fault_handler.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/quantity.h"
#include "cli/store_dir.h"
#include "cli/suggest.h"
#include "engine/base/mem.h"
#include "engine/kv/kv.h"
#include "query/command/command.h"
#include "query/command/command_values.h"
#include "query/command/shared_options.h"
#include "query/render/render.h"
#include "sql/run/statement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM          "mnsdb-sql"
#define ZONE_ENVIRONMENT "MNSDB_TZ"
#define COUNT(array)     (sizeof(array) / sizeof *(array))
#define SHOWN_BEFORE     50u /* characters of the statement around a mistake */
#define SHOWN_AFTER      25u

/* --- options --------------------------------------------------------------------------------- */

static const struct option_spec output_options[] = {
    FORMAT_OPTION,
    ZONE_OPTION,
    {.name = "limit", .argument = "N", .help = "Stop after N rows."},
    NO_HEADER_OPTION,
    EXPLAIN_OPTION,
};
static const struct option_spec statement_options[] = {
    {.name = "timeout",
     .argument = "DUR",
     .help = "Give up after this long: 30s, 5m. Default: no limit."},
    {.name = "row-by-row",
     .help = "Let SQLite add up every reading, where the store has added them up already: for "
             "comparing. Example: --row-by-row."},
};
static const struct option_spec store_options[] = {STORE_DIR_OPTION};

static const struct option_group output_group = {"Output", output_options, COUNT(output_options)};
static const struct option_group statement_group = {"Statement", statement_options,
                                                    COUNT(statement_options)};
static const struct option_group store_group = {"Store", store_options, COUNT(store_options)};
static const struct option_group *const groups[] = {&statement_group, &command_values_group,
                                                    &output_group, &store_group, NULL};

static enum exit_code run(const struct options *options);

static const struct command_spec command = {
    .operands = "SELECT",
    .groups = groups,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};

static const struct value_words value_words[] = {{"FORMAT", "table csv tsv json ndjson md"},
                                                 {NULL, NULL}};

static const struct program_spec program = {
    .name = PROGRAM,
    .summary = "Ask a store in SQL.",
    .description =
        "SELECT is one statement of SQLite's SQL, or - to read it from standard input. Only "
        "select is possible.\n\n"
        "Tables: readings (device, product, name, time, time_ms, messageid, time_source, and a "
        "column for each metric), status (state, last_contact_ms), sessions, devices, metrics, "
        "rejects. Their columns: select name, type from pragma_table_info('readings'). stats(...), "
        "online(...) and excursions(...) are what these commands answer, as tables. Statements "
        "with nothing but count, sum, avg, min and max of readings, by device, product or bucket "
        "of time, are answered from what the store has added up.\n\n"
        "Times are text in the zone of --tz and compare with whatever --from takes; time_ms is "
        "the same in milliseconds. Ids are text that is ordered by number. Metrics are "
        "doubles.\n\n"
        "Examples:\n"
        "mnsdb sql \"select device, avg, p95 from stats('temperature', 'device')\"\n"
        "mnsdb sql \"select device, avg(temperature) from readings group by device\"\n"
        "mnsdb sql \"select * from readings where device = 'pk/dn' and time >= '-1d'\"\n"
        "mnsdb sql \"select device, max(duration_ms) from sessions group by device\" --format csv",
    .commands = &command,
    .command_count = 1,
    .value_words = value_words,
};

struct request {
    struct civil_zone zone;
    struct render_options render;
    struct statement_spec spec;
    struct buffer sql;            /* owned; from standard input */
    struct command_values values; /* --where and aliases */
    int64_t begun_ns;
};

static void request_release(struct request *request)
{
    buffer_release(&request->sql);
    command_values_release(&request->values);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A zone on the command line that is none is a mistake there, one in the environment a setting. */
static enum status read_zone(struct request *request, const struct options *options,
                             struct error *err)
{
    const char *given = options_text(options, "tz");
    const char *environment = getenv(ZONE_ENVIRONMENT);
    const bool has_environment = environment && environment[0] != '\0';
    const char *zone = given ? given : has_environment ? environment : "UTC";
    const enum status status = civil_zone_open(&request->zone, zone, err);
    if (status != STATUS_OK)
        error_add_context(err, given ? "--tz" : "$" ZONE_ENVIRONMENT);
    return status != STATUS_OK && given ? STATUS_INPUT : status;
}

static bool wants_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (!no_color || no_color[0] == '\0') &&
           !(term && strcmp(term, "dumb") == 0);
}

static enum status read_format(struct request *request, const struct options *options,
                               struct error *err)
{
    static const char *const formats[] = {"table", "csv", "tsv", "json", "ndjson", "md"};
    const bool terminal = isatty(STDOUT_FILENO) != 0;
    const char *format = options_text(options, "format");
    request->render = (struct render_options){.format = terminal ? RENDER_TABLE : RENDER_TSV,
                                              .zone = &request->zone,
                                              .no_header = options_given(options, "no-header"),
                                              .colours = wants_colours(),
                                              .terminal = terminal};
    if (!format || render_format_find(format, &request->render.format))
        return STATUS_OK;
    const char *near = suggest_word(format, formats, COUNT(formats));
    if (near)
        return error_set(err, STATUS_INPUT, "--format: unknown '%s'; did you mean '%s'?", format,
                         near);
    return error_set(err, STATUS_INPUT,
                     "--format: unknown '%s': there are table, csv, tsv, json, ndjson, md", format);
}

static enum status read_stdin(struct buffer *sql, struct error *err)
{
    for (;;) {
        if (buffer_reserve(sql, 65536) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for the statement");
        const size_t got = fread(sql->data + sql->len, 1, 65535, stdin);
        sql->len += got;
        if (sql->len > STATEMENT_SQL_BYTES)
            return error_set(err, STATUS_INPUT, "the statement is longer than %d bytes",
                             STATEMENT_SQL_BYTES);
        if (got == 0)
            break;
    }
    if (ferror(stdin))
        return error_set(err, STATUS_FULL, "cannot read the statement from standard input");
    if (memchr(sql->data, '\0', sql->len))
        return error_set(err, STATUS_INPUT, "the statement holds a NUL byte");
    sql->data[sql->len] = '\0';
    return STATUS_OK;
}

static enum status read_request(struct request *request, const struct options *options,
                                struct error *err)
{
    struct statement_spec *spec = &request->spec;
    TRY(read_zone(request, options, err));
    TRY(read_format(request, options, err));
    TRY(command_values_read(&request->values, options, err));
    spec->values = &request->values;
    spec->zone = &request->zone;
    spec->dir = store_dir_choose(options);
    spec->now_ms = clock_ns(CLOCK_REALTIME) / 1000000;
    spec->has_limit = options_given(options, "limit");
    TRY(options_number(options, "limit", 0, UINT64_MAX, &spec->limit, err));
    const char *timeout = options_text(options, "timeout");
    spec->has_timeout = timeout != NULL;
    if (timeout && duration_parse(timeout, &spec->timeout_ms, err) != STATUS_OK) {
        error_add_context(err, "--timeout");
        return STATUS_INPUT;
    }
    spec->row_by_row = options_given(options, "row-by-row");
    spec->sql = options->operands[0];
    if (strcmp(spec->sql, "-") != 0)
        return STATUS_OK;
    TRY(read_stdin(&request->sql, err));
    spec->sql = (const char *)request->sql.data;
    return STATUS_OK;
}

/* --- output ---------------------------------------------------------------------------------- */

static void release_cells(struct answer_cell **cells)
{
    mem_free(*cells);
}

static enum status print(const struct request *request, struct statement *statement,
                         struct error *err)
{
    const struct answer *header = &statement->header;
    OWNED(render_release) struct renderer renderer = {0};
    OWNED(release_cells)
    struct answer_cell *cells = mem_alloc(header->column_count, sizeof *cells);
    if (!cells)
        return error_set(err, STATUS_NOMEM, "no memory for a row");
    if (statement->rows.row_count == 0 && request->render.format == RENDER_TABLE)
        message_note("no rows");
    TRY(render_begin(&renderer, &request->render, header->columns, header->column_count, stdout));
    for (;;) {
        bool more = false;
        TRY(spool_next(&statement->rows, cells, header->column_count, &more, err));
        if (!more)
            break;
        TRY(render_row(&renderer, cells));
    }
    return render_end(&renderer);
}

static void explain(const struct request *request, const struct statement *statement)
{
    const struct scan_statistics *done = &statement->statistics;
    const int64_t took_ns = clock_ns(CLOCK_MONOTONIC) - request->begun_ns;
    message_note("parts: %" PRIu64 ", read %" PRIu64, done->parts_total, done->parts_read);
    message_note("blocks: answered from summaries %" PRIu64 ", decoded %" PRIu64 " (%" PRIu64
                 " rows)",
                 done->blocks_from_summary, done->blocks_read, done->rows_decoded);
    if (request->values.filter.step_count > 0)
        command_values_explain_view(&statement->seen);
    message_note("time: %.3f ms", (double)took_ns / 1e6);
}

/* --- mistakes -------------------------------------------------------------------------------- */

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* The line of the statement with the mistake, and a mark below it. */
static void show_place(const char *sql, size_t place)
{
    const size_t len = strlen(sql);
    place = place < len ? place : len;
    size_t from = place;
    while (from > 0 && sql[from - 1] != '\n' &&
           (place - from < SHOWN_BEFORE || continues_character(sql[from])))
        from--;
    size_t until = place;
    while (until < len && sql[until] != '\n' &&
           (until - place < SHOWN_AFTER || continues_character(sql[until])))
        until++;
    char line[4 * (SHOWN_BEFORE + SHOWN_AFTER)];
    char mark[4 * (SHOWN_BEFORE + SHOWN_AFTER)];
    size_t shown = 0;
    size_t blanks = 0;
    for (size_t i = from; i < until && shown + 1 < sizeof line; i++) {
        line[shown] = sql[i];
        if (sql[i] == '\t' || sql[i] == '\r')
            line[shown] = ' ';
        shown++;
        blanks += i < place && !continues_character(sql[i]);
    }
    memset(mark, ' ', blanks);
    message_note("    %.*s", (int)shown, line);
    message_note("    %.*s^", (int)blanks, mark);
}

static enum exit_code report(const struct options *options, const struct statement_spec *spec,
                             const struct statement *statement, const struct error *err,
                             enum status status)
{
    if (status == STATUS_STOPPED && err->message[0] == '\0')
        return EXIT_CODE_OK; // the output takes no more: the end of main looks at it
    if (status == STATUS_INPUT && statement->has_place) {
        message_error("%s", err->message);
        show_place(spec->sql, statement->place_bytes);
        return EXIT_CODE_USAGE;
    }
    if (status == STATUS_INPUT)
        return options_usage_error(options, "%s", err->message);
    if (status == STATUS_NOMEM || status == STATUS_STOPPED) {
        message_error("%s", err->message[0] != '\0' ? err->message : status_text(status));
        return EXIT_CODE_PROBLEM;
    }
    return message_failure(err);
}

static enum status ask(struct request *request, const struct options *options,
                       struct statement *statement, struct error *err)
{
    TRY(read_request(request, options, err));
    TRY(statement_run(statement, &request->spec, err));
    if (options_given(options, "explain"))
        explain(request, statement);
    return print(request, statement, err);
}

static enum exit_code run(const struct options *options)
{
    OWNED(request_release) struct request request = {.begun_ns = clock_ns(CLOCK_MONOTONIC)};
    OWNED(statement_release) struct statement statement = {0};
    struct error err = {0};
    const enum status status = ask(&request, options, &statement, &err);
    if (status == STATUS_OK)
        return EXIT_CODE_OK;
    return report(options, &request.spec, &statement, &err, status);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    if (options_begin(&options, &program, argc, argv, &code) == OPTIONS_RUN) {
        message_ignore_sigpipe();
        fault_handler_install(PROGRAM, kv_explains_fault);
        code = message_stdout_finish(options.command->run(&options));
    }
    options_release(&options);
    return (int)code;
}
