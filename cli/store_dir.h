/*
 * store_dir.h - which store a program works on.
 */
#ifndef MNSDB_CLI_STORE_DIR_H
#define MNSDB_CLI_STORE_DIR_H

#include "cli/options.h"

#define STORE_DIR_ENVIRONMENT "MNSDB_DB"
#define STORE_DIR_DEFAULT     "./mnsdb-store"

/* The option -d/--db, for the tables of programs. */
#define STORE_DIR_OPTION                                                          \
    {                                                                             \
        .name = "db", .letter = 'd', .argument = "DIR",                           \
        .help = "The store, a directory. Default: $MNSDB_DB, else ./mnsdb-store." \
    }

/* --db DIR, else $MNSDB_DB if it is not empty, else ./mnsdb-store. Lives as long as argv. */
const char *store_dir_choose(const struct options *options);

#endif
