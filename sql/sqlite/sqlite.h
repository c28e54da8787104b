/*
 * sqlite.h - SQLite's interface, in either of two ways.
 *
 * A program links the library. An extension is loaded by whoever has linked it, and
 * reaches it through the table of functions it was handed (MNSDB_SQL_EXTENSION).
 */
#ifndef MNSDB_SQL_SQLITE_SQLITE_H
#define MNSDB_SQL_SQLITE_SQLITE_H

#ifdef MNSDB_SQL_EXTENSION
#include <sqlite3ext.h>
extern const sqlite3_api_routines *sqlite3_api; /* set by the entry point */
#else
#include <sqlite3.h>
#endif

#endif
