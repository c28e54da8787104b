/*
 * md5.h - MD5 (RFC 1321), as the protocol's MessageBodyMD5 and Content-MD5 ask for it.
 *
 * A checksum here, never a safeguard: MD5 resists nobody.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_MD5_H
#define MNSDB_BENCH_LOCALQUEUE_MD5_H

#include "engine/base/bytes.h"

#include <stdint.h>

#define MD5_BYTES     16u
#define MD5_HEX_BYTES 32u /* without a NUL */

void md5_digest(struct slice bytes, uint8_t digest[MD5_BYTES]);

/* `digits` is "0123456789ABCDEF" or its lower-case sister. */
void md5_hex(const uint8_t digest[MD5_BYTES], const char *digits, uint8_t hex[MD5_HEX_BYTES]);

#endif
