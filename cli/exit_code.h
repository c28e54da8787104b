/*
 * exit_code.h - what the programs tell the shell.
 *
 * The numbers are part of the outside: they never change. A process ended by
 * a signal that it handled exits with 128 + the signal's number.
 */
#ifndef MNSDB_CLI_EXIT_CODE_H
#define MNSDB_CLI_EXIT_CODE_H

#include "engine/base/error.h"

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_PROBLEM = 1,     /* ran, but found a problem, or an input or the output failed */
    EXIT_CODE_USAGE = 2,       /* the command line makes no sense */
    EXIT_CODE_CONFIG = 3,      /* a setting is wrong, or contradicts the store's */
    EXIT_CODE_STORE = 4,       /* store missing, locked or damaged */
    EXIT_CODE_NETWORK = 5,     /* queue or network */
    EXIT_CODE_CREDENTIALS = 6, /* credentials refused */
    EXIT_CODE_SIGNAL = 128,    /* plus the number of the signal */
};

/*
 * The exit code for an operating failure of the store. A full disk is
 * EXIT_CODE_PROBLEM: the store is whole, the job is just not done.
 */
enum exit_code exit_code_of(enum status status);

#endif
