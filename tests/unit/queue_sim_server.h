/*
 * queue_sim_server.h - the server's side of a sim: what it does with a request that has arrived.
 *
 * Threads: as queue_sim.h.
 */
#ifndef MNSDB_TESTS_UNIT_QUEUE_SIM_SERVER_H
#define MNSDB_TESTS_UNIT_QUEUE_SIM_SERVER_H

#include "tests/unit/queue_sim.h"

#define SIM_UTC_BASE_MS INT64_C(1700000000000)

/* Acts on a request and makes its answer; a long poll that finds nothing stays as it is. */
void sim_serve(struct sim *sim, struct sim_request *request);

void sim_answer_error(struct sim_request *request, int status, const char *code);

/* A number from 0 to `below` - 1. */
uint64_t sim_random(struct sim *sim, uint64_t below);

#endif
