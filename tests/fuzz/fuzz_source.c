/*
 * fuzz_source.c - any bytes as a recorded set: plain, gzip or zstd as their beginning says.
 *
 * Whatever comes out is lines: no line break in a body, no body of blanks only, and the
 * source ends.
 */
#include "ingest/source/source.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EVENTS_MAX 100000u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void check_bodies(struct body_batch *batch)
{
    struct body body;
    size_t count = 0;
    while (body_batch_next(batch, &body)) {
        require(++count <= SOURCE_BATCH_BODIES_MAX);
        require(memchr(body.bytes.data, '\n', body.bytes.len) == NULL);
        size_t blanks = 0;
        while (blanks < body.bytes.len &&
               (body.bytes.data[blanks] == ' ' || body.bytes.data[blanks] == '\t'))
            blanks++;
        require(blanks < body.bytes.len);
        require(!body.excess || body.bytes.len == SOURCE_BODY_BYTES_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    const int file = memfd_create("set", MFD_CLOEXEC);
    require(file >= 0);
    require(bytes_len == 0 || write(file, bytes, bytes_len) == (ssize_t)bytes_len);
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    const char *const paths[] = {path};

    static struct body_batch batch; // its 4 MiB are kept from run to run
    struct source source = {0};
    enum source_event event = SOURCE_BODIES;
    require(file_source_open(&source, paths, 1, NULL) == STATUS_OK);
    for (unsigned i = 0; event != SOURCE_END; i++) {
        require(i < EVENTS_MAX);
        if (source_next(&source, &batch, &event, NULL) != STATUS_OK)
            break; // no memory for what a frame's header asks for
        if (event == SOURCE_BODIES)
            check_bodies(&batch);
    }
    source_close(&source);
    (void)close(file);
    return 0;
}
