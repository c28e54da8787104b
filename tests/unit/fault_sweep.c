/*
 * fault_sweep.c - see fault_sweep.h.
 */
#include "tests/unit/fault_sweep.h"

#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void fault_sweep_run(const struct fault_sweep *sweep)
{
    assert_int_equal(sweep->attempt(sweep->context), STATUS_OK);
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK;
         nth += sweep->step == 0 || nth < sweep->each_below ? 1 : sweep->step) {
        mem_fail_at(nth);
        status = sweep->attempt(sweep->context);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, sweep->most);
    }
}
