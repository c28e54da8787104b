/*
 * fuzz_directory.c - directory values from arbitrary bytes; what can be read can be written and
 * read again.
 */
#include "engine/block/block.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

/* Writes one entry to a value of its own and reads it back. */
static void round_trip(const struct directory_entry *entry)
{
    struct directory_writer writer = {0};
    struct directory_reader reader = {0};
    bool full = false;
    bool more = false;
    if (directory_writer_add(&writer, entry, &full) != STATUS_OK || full)
        abort();
    if (directory_reader_open(&reader, buffer_slice(&writer.bytes), NULL) != STATUS_OK ||
        directory_reader_next(&reader, &more, NULL) != STATUS_OK || !more)
        abort();
    if (!block_summary_equal(&reader.entry.summary, &entry->summary) ||
        reader.entry.offset != entry->offset || reader.entry.bytes_len != entry->bytes_len)
        abort();
    directory_writer_release(&writer);
    directory_reader_release(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    struct directory_reader reader = {0};
    struct error err = {0};
    bool more = true;
    if (directory_reader_open(&reader, slice_of(bytes, bytes_len), &err) == STATUS_OK) {
        while (directory_reader_next(&reader, &more, &err) == STATUS_OK && more)
            round_trip(&reader.entry);
    }
    directory_reader_release(&reader);
    return 0;
}
