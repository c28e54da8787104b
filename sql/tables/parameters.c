/*
 * parameters.c - values given to the hidden columns of a table.
 *
 * They are copies: a cursor shows them in its hidden columns, so that SQLite finds equal what it
 * compared.
 */
#include "sql/tables/tables_internal.h"

#include "engine/base/mem.h"

#include <string.h>

void parameters_release(struct parameters *parameters)
{
    for (size_t role = 0; role < COLUMN_ROLES; role++)
        sqlite3_value_free(parameters->values[role]);
    *parameters = (struct parameters){0};
}

enum status parameters_read(struct parameters *parameters, const char *plan, sqlite3_value **values,
                            struct error *err)
{
    parameters_release(parameters);
    struct plan_term term = {0};
    for (int i = 0; plan_term_next(&plan, &term); i++) {
        if (!role_is_parameter(term.role) || parameters->values[term.role])
            continue;
        parameters->values[term.role] = sqlite3_value_dup(values[i]);
        if (!parameters->values[term.role])
            return error_set(err, STATUS_NOMEM, "no memory for the arguments of a table");
    }
    return STATUS_OK;
}

bool parameters_have(const struct parameters *parameters, enum column_role role)
{
    return parameters->values[role] && sqlite3_value_type(parameters->values[role]) != SQLITE_NULL;
}

struct slice parameters_text(const struct parameters *parameters, enum column_role role)
{
    const unsigned char *text = sqlite3_value_text(parameters->values[role]);
    return slice_of(text, text ? (size_t)sqlite3_value_bytes(parameters->values[role]) : 0);
}

enum status parameters_describe(const struct parameters *parameters, struct buffer *out)
{
    for (size_t role = COLUMN_PARAMETERS; role < COLUMN_ROLES; role++) {
        if (!parameters_have(parameters, (enum column_role)role))
            continue;
        const struct slice text = parameters_text(parameters, (enum column_role)role);
        const size_t head[] = {role, (size_t)sqlite3_value_type(parameters->values[role]),
                               text.len};
        TRY(buffer_append(out, head, sizeof head));
        TRY(buffer_append(out, text.data, text.len));
    }
    return STATUS_OK;
}
