/*
 * version.h - the version of this build; the build files define it.
 */
#ifndef MNSDB_CLI_VERSION_H
#define MNSDB_CLI_VERSION_H

#ifndef MNSDB_VERSION
#define MNSDB_VERSION "development"
#endif

#endif
