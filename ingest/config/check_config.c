/*
 * check_config.c - --check-config: every setting, its value and where that comes from.
 *
 * Rows go through escape_text, so a tab in a value is no column. Of the access key only the first
 * letters are shown, of addresses everything but user information.
 *
 * A problem that shows only here (a file that cannot be read, no access key) is reported behind
 * the table, and all of them are.
 */
#include "ingest/config/options.h"

#include "cli/escape.h"
#include "cli/message.h"
#include "ingest/config/config_internal.h"
#include "ingest/config/settings.h"
#include "ingest/monitor/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEY_SHOWN_LEN    4
#define KEY_MASKED_LEN   9    /* a shorter one shows nothing: what is shown would be most of it */
#define KEY_WAIT_MS      5000 /* for the key of a role */
#define KEY_WAIT_STEP_MS 50
#define NAME_WIDTH       19
#define VALUE_WIDTH_MAX  60

struct check_row {
    const char *name;
    const char *value;
    const char *origin;
};

struct sheet {
    bool is_table; /* else TSV */
    int value_width;
};

/* --- rows ------------------------------------------------------------------------------------ */

static void print_row(const struct sheet *sheet, const struct check_row *row)
{
    char value[ESCAPE_BYTES(CONFIG_SHOWN_BYTES)];
    char origin[ESCAPE_BYTES(CONFIG_SHOWN_BYTES)];
    (void)escape_text(slice_of_text(row->value), value, sizeof value);
    (void)escape_text(slice_of_text(row->origin), origin, sizeof origin);
    if (sheet->is_table)
        (void)printf("%-*s  %-*s  %s\n", NAME_WIDTH, row->name, sheet->value_width,
                     value[0] ? value : "-", origin);
    else
        (void)printf("%s\t%s\t%s\n", row->name, value, origin);
}

/* What is shown of a setting that nobody set. */
static const char *unset_text(const struct setting_spec *spec)
{
    if (spec->kind == SETTING_FLAG)
        return "no";
    return spec->unset ? spec->unset : "";
}

static void print_setting(const struct sheet *sheet, const struct config *config,
                          enum setting_id id)
{
    const struct setting_spec *spec = &setting_specs[id];
    const struct config_value *value = &config->values[id];
    if (value->count == 0)
        print_row(sheet, &(struct check_row){spec->name, unset_text(spec), "default"});
    for (size_t i = 0; i < value->count; i++) {
        char shown[CONFIG_SHOWN_BYTES];
        config_hide_user(value->texts[i].text, shown);
        const char *text = spec->kind == SETTING_FLAG  ? (value->number != 0 ? "yes" : "no")
                           : spec->kind == SETTING_URL ? shown
                                                       : value->texts[i].text;
        print_row(sheet, &(struct check_row){spec->name, text, value->texts[i].origin});
    }
}

static int widest_value(const struct config *config)
{
    size_t widest = 0;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct config_value *value = &config->values[i];
        for (size_t at = 0; at <= value->count; at++) {
            const char *text =
                at < value->count ? value->texts[at].text : unset_text(&setting_specs[i]);
            const size_t len = value->count > 0 && at == value->count ? 0 : strlen(text);
            if (len > widest && len <= VALUE_WIDTH_MAX)
                widest = len;
        }
    }
    return (int)widest;
}

/* --- the access key -------------------------------------------------------------------------- */

/* "LTAI****": enough to know one's own by. */
static void mask_key(const char *id, char shown[16])
{
    const int shown_len = strlen(id) < KEY_MASKED_LEN ? 0 : KEY_SHOWN_LEN;
    (void)snprintf(shown, 16, "%.*s****", shown_len, id);
}

/* Waits for the key of a role, but not for ever. */
static bool take_key(struct credentials *credentials, struct access_key *key)
{
    bool ready = false;
    for (int waited_ms = 0;; waited_ms += KEY_WAIT_STEP_MS) {
        credentials_take(credentials, key, &ready);
        if (ready || waited_ms >= KEY_WAIT_MS)
            return ready;
        const struct timespec step = {.tv_nsec = KEY_WAIT_STEP_MS * 1000000L};
        (void)nanosleep(&step, NULL);
    }
}

static enum status print_credentials(const struct sheet *sheet,
                                     const struct credentials_config *config, struct error *err)
{
    struct credentials *credentials = NULL;
    credentials_harden_process();
    const enum status status = credentials_open(&credentials, config, err);
    if (status != STATUS_OK) {
        print_row(sheet, &(struct check_row){"(access key)", "", "none"});
        return status;
    }
    char origin[256];
    credentials_describe(credentials, origin);
    struct access_key key = {0};
    char shown[16] = "";
    const bool ready = take_key(credentials, &key);
    if (ready)
        mask_key(key.id, shown);
    access_key_wipe(&key);
    credentials_close(credentials);
    print_row(sheet, &(struct check_row){"(access key)", shown, origin});
    if (!ready)
        return error_set(err, STATUS_CONFIG, "no access key from %s within 5 s", origin);
    return STATUS_OK;
}

/* --- what else may be wrong ------------------------------------------------------------------ */

static enum status check_ca_file(const struct ingest_options *ingest, struct error *err)
{
    const char *path = ingest->queue.ca_file;
    if (!path || access(path, R_OK) == 0)
        return STATUS_OK;
    (void)error_set_errno(err, STATUS_CONFIG, errno, "%s", path);
    return config_blame(ingest->config, SETTING_CA_FILE, 0, err);
}

static enum status check_listen(const struct ingest_options *ingest, struct error *err)
{
    const char *listen = ingest->queue.listen;
    if (!listen || monitor_check_address(listen, err) == STATUS_OK)
        return STATUS_OK;
    return config_blame(ingest->config, SETTING_LISTEN, 0, err);
}

static enum status check_store_settings(const struct ingest_options *ingest, struct error *err)
{
    struct settings settings = {0};
    const enum status status = settings_read(&settings, ingest, err);
    settings_release(&settings);
    return status;
}

/* Reports a problem and keeps the first one's code. */
static void note(enum exit_code *code, enum status status, const struct error *err)
{
    if (status == STATUS_OK)
        return;
    (void)message_failure(err);
    if (*code == EXIT_CODE_OK)
        *code = EXIT_CODE_CONFIG;
}

enum exit_code ingest_options_check(const struct ingest_options *ingest)
{
    const struct config *config = ingest->config;
    struct sheet sheet = {.is_table = isatty(STDOUT_FILENO) == 1,
                          .value_width = widest_value(config)};
    print_row(&sheet, &(struct check_row){"setting", "value", "origin"});
    for (unsigned i = 0; i < SETTING_CHECK_CONFIG; i++)
        print_setting(&sheet, config, (enum setting_id)i);

    struct error key_err = {0};
    enum status key_status = STATUS_OK;
    if (ingest->queue.url_count > 0)
        key_status = print_credentials(&sheet, &ingest->queue.credentials, &key_err);
    (void)fflush(stdout);

    enum exit_code code = EXIT_CODE_OK;
    note(&code, key_status, &key_err);
    struct error err = {0};
    note(&code, check_ca_file(ingest, &err), &err);
    err = (struct error){0};
    note(&code, check_listen(ingest, &err), &err);
    err = (struct error){0};
    note(&code, check_store_settings(ingest, &err), &err);
    return code;
}
