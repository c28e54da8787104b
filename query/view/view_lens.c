/*
 * view_lens.c - rows that are pulled: a worker whose visitor keeps the run that it is handed.
 */
#include "query/view/view_internal.h"

#include "engine/base/mem.h"

struct view_lens {
    struct view *view;     /* borrowed */
    struct scan_spec spec; /* as asked */
    struct scan_spec wide; /* as scanned */
    uint32_t *numbers;     /* owned; columns of `wide` */
    struct view_worker worker;
    struct scan_visitor catcher;
    struct row_vector caught;
    struct view_run run; /* what the last look left; its rows are `caught` */
};

static enum status catch_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                              uint32_t until_row)
{
    struct view_lens *lens = context;
    lens->caught = *rows;
    lens->run = (struct view_run){&lens->caught, from_row, until_row};
    return STATUS_OK;
}

static enum status make(struct view_lens *lens, const struct scan_spec *spec)
{
    lens->spec = *spec;
    lens->catcher = (struct scan_visitor){.context = lens, .rows = catch_rows};
    TRY(view_widen(lens->view, &lens->spec, &lens->wide, &lens->numbers));
    return view_worker_init(&lens->worker, lens->view, &lens->spec, &lens->catcher);
}

enum status view_lens_new(struct view_lens **lens, struct view *view, const struct scan_spec *spec,
                          struct error *err)
{
    *lens = NULL;
    if (view_is_plain(view, spec))
        return STATUS_OK;
    struct view_lens *made = mem_alloc_zeroed(1, sizeof *made);
    if (made)
        made->view = view;
    if (!made || make(made, spec) != STATUS_OK) {
        view_lens_free(made);
        return error_set(err, STATUS_NOMEM, "no memory for a scan");
    }
    *lens = made;
    return STATUS_OK;
}

void view_lens_free(struct view_lens *lens)
{
    if (!lens)
        return;
    view_add_statistics(lens->view, &lens->worker.statistics);
    view_worker_release(&lens->worker);
    mem_free(lens->numbers);
    mem_free(lens);
}

const struct scan_spec *view_lens_spec(const struct view_lens *lens)
{
    return &lens->wide;
}

enum status view_lens_rows(struct view_lens *lens, struct view_run *run, struct error *err)
{
    lens->run = (struct view_run){0};
    if (view_take_rows(&lens->worker, run->rows, run->from_row, run->until_row) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to read the store");
    *run = lens->run;
    return STATUS_OK;
}
