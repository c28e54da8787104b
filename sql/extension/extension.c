/*
 * extension.c - see extension.h.
 *
 * The file stays loaded as long as the process: the stores that connections have open are one
 * list, and a connection may outlive the one that loaded the file.
 */
#include "sql/extension/extension.h"

#include "cli/store_dir.h"
#include "sql/tables/tables.h"

#include <stdlib.h>

#ifdef MNSDB_SQL_EXTENSION
const sqlite3_api_routines *sqlite3_api;
#endif

#define ZONE_ENVIRONMENT "MNSDB_TZ"

/* The newest of the functions used here are of 3.38. */
#define VERSION_LEAST 3038000

static const char *environment_or(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && value[0] != '\0' ? value : otherwise;
}

static enum status load(sqlite3 *db, struct error *err)
{
    if (sqlite3_libversion_number() < VERSION_LEAST)
        return error_set(err, STATUS_VERSION, "mnsdb needs SQLite 3.38 or later, this is %s",
                         sqlite3_libversion());
    struct tables *tables = NULL;
    struct tables_options options = {
        .dir = environment_or(STORE_DIR_ENVIRONMENT, STORE_DIR_DEFAULT),
        .may_choose_store = true,
        .configured = true,
    };
    TRY(civil_zone_open(&options.zone, environment_or(ZONE_ENVIRONMENT, "UTC"), err));
    return tables_register(db, &options, &tables, err);
}

int sqlite3_mnsdb_init(sqlite3 *db, char **message, const struct sqlite3_api_routines *functions)
{
#ifdef MNSDB_SQL_EXTENSION
    sqlite3_api = functions;
#else
    (void)functions;
#endif
    struct error err = {0};
    if (load(db, &err) == STATUS_OK)
        return SQLITE_OK_LOAD_PERMANENTLY;
    if (message)
        *message = sqlite3_mprintf("%s", err.message);
    return SQLITE_ERROR;
}
