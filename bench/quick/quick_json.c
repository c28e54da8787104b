/*
 * quick_json.c - figures as JSON, and back: what one run writes, another takes as its baseline.
 */
#include "bench/quick/quick.h"

#include "bench/machine/json_print.h"
#include "engine/base/mem.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)

/* --- writing ---------------------------------------------------------------------------------- */

static bool add(cJSON *object, const char *name, double number)
{
    return cJSON_AddNumberToObject(object, name, number) != NULL;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(object, name, text) != NULL;
}

static bool add_figure(cJSON *list, const struct quick_figure *figure,
                       const struct quick_figures *baseline)
{
    cJSON *object = cJSON_CreateObject();
    if (!object || !cJSON_AddItemToArray(list, object)) {
        cJSON_Delete(object);
        return false;
    }
    const bool is_time = figure->kind == QUICK_TIME;
    const struct quick_comparison comparison = quick_compare(figure, baseline);
    return add_text(object, "name", figure->name) &&
           add_text(object, "unit", is_time ? "ns" : "bytes") &&
           add(object, "value", figure->value) && add(object, "relative", figure->relative) &&
           add(object, "noise", figure->noise) &&
           (!baseline ||
            (add(object, "ratio", comparison.ratio) && add(object, "margin", comparison.margin) &&
             add_text(object, "verdict", quick_verdict_word(comparison.verdict, figure->kind))));
}

static bool add_calibration(cJSON *tree, const struct machine_calibration *calibration)
{
    cJSON *units = cJSON_AddObjectToObject(tree, "calibration_ns");
    bool added = units != NULL;
    for (unsigned unit = 0; added && unit < MACHINE_UNITS; unit++)
        added = add(units, machine_unit_word((enum machine_unit)unit), calibration->least_ns[unit]);
    return added;
}

static bool fill(cJSON *tree, const struct quick_figures *figures,
                 const struct quick_figures *baseline)
{
    bool added = add_text(tree, "kind", "quick") && machine_json(tree, &figures->machine) &&
                 add(tree, "messages", (double)figures->messages) &&
                 add_calibration(tree, &figures->calibration);
    cJSON *list = added ? cJSON_AddArrayToObject(tree, "figures") : NULL;
    added = list != NULL;
    for (size_t i = 0; added && i < figures->count; i++)
        added = add_figure(list, &figures->figures[i], baseline);
    return added;
}

enum status quick_print_json(const struct quick_figures *figures,
                             const struct quick_figures *baseline, FILE *out, struct error *err)
{
    OWNED(json_tree_free) cJSON *tree = cJSON_CreateObject();
    return json_print(tree && fill(tree, figures, baseline) ? tree : NULL, out, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void close_file(FILE **file)
{
    if (*file)
        (void)fclose(*file);
}

static bool read_number(const cJSON *object, const char *name, double *number)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    *number = cJSON_IsNumber(item) ? item->valuedouble : 0;
    return cJSON_IsNumber(item) && isfinite(*number) && *number >= 0;
}

static bool read_figure(const cJSON *object, struct quick_figure *figure)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "name"));
    const char *unit = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "unit"));
    if (!name || !unit || strlen(name) >= sizeof figure->name)
        return false;
    (void)snprintf(figure->name, sizeof figure->name, "%s", name);
    figure->kind = strcmp(unit, "ns") == 0 ? QUICK_TIME : QUICK_SIZE;
    return read_number(object, "value", &figure->value) &&
           read_number(object, "relative", &figure->relative) &&
           read_number(object, "noise", &figure->noise);
}

static bool read_calibration(const cJSON *tree, struct machine_calibration *calibration)
{
    const cJSON *units = cJSON_GetObjectItemCaseSensitive(tree, "calibration_ns");
    for (unsigned unit = 0; unit < MACHINE_UNITS; unit++) {
        if (!read_number(units, machine_unit_word((enum machine_unit)unit),
                         &calibration->least_ns[unit]))
            return false;
    }
    return true;
}

static bool read_figures(const cJSON *tree, struct quick_figures *figures)
{
    double messages = 0;
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "kind"));
    if (!kind || strcmp(kind, "quick") != 0 || !read_number(tree, "messages", &messages) ||
        !read_calibration(tree, &figures->calibration))
        return false;
    figures->messages = messages < (double)QUICK_MESSAGES_MAX ? (uint64_t)messages : 0;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(tree, "figures");
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, list)
    {
        if (figures->count == QUICK_FIGURES_MAX ||
            !read_figure(item, &figures->figures[figures->count]))
            return false;
        figures->count++;
    }
    return cJSON_IsArray(list);
}

enum status quick_load(const char *path, struct quick_figures *figures, struct error *err)
{
    *figures = (struct quick_figures){0};
    OWNED(close_file) FILE *file = fopen(path, "re");
    if (!file)
        return error_set_errno(err, STATUS_INPUT, errno, "cannot read %s", path);
    OWNED(mem_free_owned) char *text = mem_alloc(FILE_BYTES_MAX, 1);
    if (!text)
        return error_set(err, STATUS_NOMEM, "no memory for the baseline");
    const size_t len = fread(text, 1, FILE_BYTES_MAX, file);
    if (ferror(file) || len == FILE_BYTES_MAX)
        return error_set(err, STATUS_INPUT, "%s cannot be read or is too long", path);
    OWNED(json_tree_free) cJSON *tree = cJSON_ParseWithLength(text, len);
    if (!tree || !read_figures(tree, figures))
        return error_set(err, STATUS_INPUT, "%s is no baseline of mnsdb-bench quick", path);
    return STATUS_OK;
}
