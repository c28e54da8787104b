/*
 * json_print.c - see json_print.h.
 */
#include "bench/machine/json_print.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

void json_tree_free(struct cJSON **tree)
{
    cJSON_Delete(*tree);
}

enum status json_print(const struct cJSON *tree, FILE *out, struct error *err)
{
    char *text = tree ? cJSON_Print(tree) : NULL;
    if (!text)
        return error_set(err, STATUS_NOMEM, "no memory for the report");
    const bool written = fprintf(out, "%s\n", text) > 0;
    cJSON_free(text);
    return written ? STATUS_OK : error_set(err, STATUS_FULL, "cannot write the report");
}
