/*
 * exit_code.c - from statuses to exit codes; see exit_code.h.
 */
#include "cli/exit_code.h"

enum exit_code exit_code_of(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return EXIT_CODE_OK;
    case STATUS_NOMEM:
    case STATUS_FULL:
    case STATUS_STOPPED:
        return EXIT_CODE_PROBLEM;
    case STATUS_INPUT:
        return EXIT_CODE_USAGE;
    case STATUS_CONFIG:
        return EXIT_CODE_CONFIG;
    case STATUS_CORRUPT:
    case STATUS_IO:
    case STATUS_MISSING:
    case STATUS_LOCKED:
    case STATUS_VERSION:
        return EXIT_CODE_STORE;
    }
    return EXIT_CODE_PROBLEM;
}
