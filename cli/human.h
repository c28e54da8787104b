/*
 * human.h - quantities as people read them. Machine formats never use these.
 *
 * All write a NUL-terminated text into `text` and return `text`.
 */
#ifndef MNSDB_CLI_HUMAN_H
#define MNSDB_CLI_HUMAN_H

#include <stdint.h>

#define HUMAN_BYTES 32u

/* "850 ms", "29.1 s", "12m 05s", "3h 07m", "12d 4h"; negative ones with a minus. */
const char *human_duration(int64_t duration_ms, char text[HUMAN_BYTES]);

/* "999 B", "1.5 kB", "1.83 GB": powers of 1000, as disks are sold. */
const char *human_bytes(uint64_t bytes, char text[HUMAN_BYTES]);

/* "1,234,567". */
const char *human_count(uint64_t count, char text[HUMAN_BYTES]);

/* "950/s", "12.5 k/s", "8.31 M/s". */
const char *human_rate(double per_second, char text[HUMAN_BYTES]);

#endif
