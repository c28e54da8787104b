/*
 * extension.h - the tables of a store as a loadable extension of SQLite.
 *
 *      sqlite> .load mnsdb
 *      sqlite> select count(*) from readings;
 *
 * The store is $MNSDB_DB, else ./mnsdb-store, as for the programs; `select mnsdb_open('DIR')` names
 * another before the tables are first used. Texts of times are in the zone $MNSDB_TZ, else UTC.
 *
 * Threads: as the connection.
 */
#ifndef MNSDB_SQL_EXTENSION_EXTENSION_H
#define MNSDB_SQL_EXTENSION_EXTENSION_H

#include "sql/sqlite/sqlite.h"

/* What SQLite calls when it has loaded the file mnsdb.so: the name is SQLite's choice. */
__attribute__((visibility("default"))) int sqlite3_mnsdb_init(
    sqlite3 *db, char **message, const struct sqlite3_api_routines *functions);

#endif
