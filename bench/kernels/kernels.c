/*
 * kernels.c - all kernels, one after the other.
 */
#include "bench/kernels/kernel.h"

#include "cli/message.h"
#include "cli/signals.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <string.h>

static const struct kernel *const tables[] = {kernels_of_text, kernels_of_columns, kernels_of_rows,
                                              kernels_of_ids, kernels_of_answers};
#define TABLES (sizeof tables / sizeof tables[0])

static const struct kernel *kernel_at(size_t place)
{
    for (size_t table = 0; table < TABLES; table++) {
        for (const struct kernel *kernel = tables[table]; kernel->name; kernel++) {
            if (place-- == 0)
                return kernel;
        }
    }
    return NULL;
}

const char *kernels_name(size_t place)
{
    const struct kernel *kernel = kernel_at(place);
    return kernel ? kernel->name : NULL;
}

bool kernels_know(const char *name)
{
    const char *known = NULL;
    for (size_t place = 0; (known = kernels_name(place)); place++) {
        if (strcmp(known, name) == 0)
            return true;
    }
    return false;
}

double kernel_bytes_per_cycle(const struct kernel_result *result, double core_hz)
{
    if (core_hz <= 0 || result->least_ns <= 0)
        return 0;
    return result->bytes / (result->least_ns * core_hz / 1e9);
}

/* Hot loops are compiled twice for x86-64 by gcc (see the engine's codec), nowhere else. */
static const char *variant(void)
{
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (__builtin_cpu_supports("x86-64-v3"))
        return "x86-64-v3";
#endif
    return "portable";
}

static bool is_asked_for(const struct kernels_config *config, const char *name)
{
    for (size_t i = 0; i < config->name_count; i++) {
        if (strcmp(config->names[i], name) == 0)
            return true;
    }
    return config->name_count == 0;
}

static enum status measure_all(const struct kernels_config *config, const struct kernel_data *data,
                               struct kernels_report *report, struct error *err)
{
    const struct kernel *kernel = NULL;
    for (size_t place = 0; (kernel = kernel_at(place)); place++) {
        if (!is_asked_for(config, kernel->name))
            continue;
        if (signals_received() != 0)
            return error_set(err, STATUS_STOPPED, "stopped by a signal");
        assert(report->count < KERNELS_MAX);
        struct kernel_result *result = &report->results[report->count];
        *result = (struct kernel_result){
            .name = kernel->name,
            .value = kernel->value,
            .variant = kernel->variant ? kernel->variant : report->variant,
        };
        struct kernel_clock clock;
        kernel_clock_init(&clock, config->runs, result);
        message_detail("%s ...", kernel->name);
        TRY(kernel->measure(data, &clock, err));
        report->count++;
    }
    return STATUS_OK;
}

static enum status measure_marks(const struct kernels_config *config, struct kernels_report *report,
                                 struct error *err)
{
    if (!config->marks) {
        report->marks.core_hz = machine_core_hz();
        return STATUS_OK;
    }
    message_note("marks of the machine ...");
    const struct machine_marks_config marks =
        machine_marks_config_default(&report->machine, config->dir);
    report->has_marks = true;
    return machine_marks(&marks, &report->marks, err);
}

static enum status run(const struct kernels_config *config, struct kernel_data *data,
                       struct kernels_report *report, struct error *err)
{
    machine_describe(&report->machine, config->dir);
    TRY(measure_marks(config, report, err));
    message_note("kernels ...");
    TRY(kernel_data_make(data, config->dir, config->messages, err));
    TRY(measure_all(config, data, report, err));
    if (!config->marks || config->name_count > 0)
        return STATUS_OK;
    message_note("the stages of an ingest ...");
    return budget_measure(data, report, err);
}

struct kernels {
    struct kernels_config config; /* of all kernels, without marks */
    struct kernel_data data;
};

enum status kernels_open(struct kernels **kernels, const struct kernels_config *config,
                         struct error *err)
{
    assert(config->runs >= 1 && config->messages >= 1);
    struct kernels *made = mem_alloc_zeroed(1, sizeof *made);
    *kernels = made;
    if (!made)
        return error_set(err, STATUS_NOMEM, "no memory for the kernels");
    made->config = *config;
    made->config.name_count = 0;
    return kernel_data_make(&made->data, config->dir, config->messages, err);
}

enum status kernels_measure(struct kernels *kernels, struct kernels_report *report,
                            struct error *err)
{
    *report = (struct kernels_report){.variant = variant()};
    return measure_all(&kernels->config, &kernels->data, report, err);
}

void kernels_close(struct kernels *kernels)
{
    if (kernels)
        kernel_data_release(&kernels->data);
    mem_free(kernels);
}

enum status kernels_run(const struct kernels_config *config, struct kernels_report *report,
                        struct error *err)
{
    assert(config->runs >= 1 && config->messages >= 1);
    *report = (struct kernels_report){.variant = variant()};
    struct kernel_data data = {0};
    const enum status status = run(config, &data, report, err);
    kernel_data_release(&data);
    return status;
}
