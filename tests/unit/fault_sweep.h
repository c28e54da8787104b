/*
 * fault_sweep.h - whichever request for memory fails, a call says so and gives everything back.
 *
 * Threads: the attempt may have some, the sweep is one.
 */
#ifndef MNSDB_TESTS_UNIT_FAULT_SWEEP_H
#define MNSDB_TESTS_UNIT_FAULT_SWEEP_H

#include "engine/base/error.h"

struct fault_sweep {
    enum status (*attempt)(void *context); /* leaves nothing behind, whether it succeeds or not */
    void *context;
    long most; /* requests that an attempt makes at most, or the sweep has no end */
    /* Where attempts make many: beyond so many faults one in `step` is tried. 0: each is. */
    long each_below;
    long step;
};

/*
 * One attempt that must succeed, so that what is kept between calls is there; then one with each
 * request failing, until none does. Each attempt ends with STATUS_OK or STATUS_NOMEM.
 */
void fault_sweep_run(const struct fault_sweep *sweep);

#endif
