/*
 * plain_set.h - a plain recorded set in a regular file, read in ranges by those who decode it.
 *
 *      file    ..line line li|ne line line line li|ne line..
 *                            |       range        |
 *                              ^ its first line     ^ the last of its lines ends here
 *
 * Ranges follow one another without a gap. A line belongs to the range in which it begins; one
 * that begins with a range, to the range before, whose end it is (so nobody needs the byte before
 * a range). The set's first line belongs to the first range. So every line belongs to one range,
 * whoever reads them and in which order.
 *
 * Reading goes on until somebody meets the file's end: a file that grows meanwhile is read to
 * there, without a gap. After a fault no range is claimed any more; those claimed before are read
 * as far as they can be.
 *
 * Life cycle: new -> claim* -> drop; a range holds the set until it is read or dropped.
 * Threads:    claim by one at a time; ranges by any, each by one.
 */
#ifndef MNSDB_INGEST_SOURCE_PLAIN_SET_H
#define MNSDB_INGEST_SOURCE_PLAIN_SET_H

#include "engine/base/error.h"
#include "ingest/source/input.h"
#include "ingest/source/source.h"

#include <stdatomic.h>
#include <stdbool.h>

/*
 * The size of a range: some 2,600 messages, few enough for all threads to end together. The first
 * ones are small, and others too as long as lines are very short: what is made of a body takes
 * memory however short it is.
 */
#define PLAIN_RANGE_BYTES     ((uint64_t)496 << 10)
#define PLAIN_RANGE_BYTES_MIN ((uint64_t)64 << 10)

struct plain_set;

/*
 * The set that `input` was opened for, which has ranges (input_has_ranges). It takes over the
 * input, on failure too. What is read is added to `raw_bytes`, which outlives the ranges.
 */
MUST_CHECK enum status plain_set_new(struct plain_set **set, struct input *input,
                                     atomic_ullong *raw_bytes, struct error *err);
void plain_set_drop(struct plain_set *set); /* NULL is fine */

/*
 * Gives the next range to a batch that has none; its bytes come with body_batch_read_on.
 * SOURCE_FAULT: the file cannot be read, says `fault`. SOURCE_END: there is nothing more.
 */
enum source_event plain_set_claim(struct plain_set *set, struct body_batch *batch,
                                  struct error *fault);

/* Gives back the batch's range, if it has one. */
void plain_range_drop(struct body_batch *batch);

#endif
