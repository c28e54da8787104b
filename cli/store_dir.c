/*
 * store_dir.c - see store_dir.h.
 */
#include "cli/store_dir.h"

#include <stdlib.h>

const char *store_dir_choose(const struct options *options)
{
    const char *given = options_text(options, "db");
    if (given)
        return given;
    const char *from_environment = getenv(STORE_DIR_ENVIRONMENT);
    if (from_environment && from_environment[0] != '\0')
        return from_environment;
    return STORE_DIR_DEFAULT;
}
