/*
 * fuzz_directory.c - directory values from arbitrary bytes; what can be read can be written and
 * read again, and what ends below a device is passed over as if it had been read.
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

/* Reads the value from `device` on; how many entries there are. */
static size_t count_from(struct slice value, uint32_t device)
{
    struct directory_reader reader = {0};
    size_t count = 0;
    bool more = true;
    if (directory_reader_open(&reader, value, NULL) != STATUS_OK)
        abort();
    reader.device_from = device;
    while (more) {
        if (directory_reader_next(&reader, &more, NULL) != STATUS_OK)
            abort();
        if (more && reader.entry.summary.last.device < device)
            abort();
        count += more;
    }
    directory_reader_release(&reader);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    const struct slice value = slice_of(bytes, bytes_len);
    struct directory_reader reader = {0};
    struct error err = {0};
    enum status status = STATUS_OK;
    bool more = true;
    uint32_t device = 0; /* of the first entry */
    size_t entries = 0;
    size_t from_device = 0;
    if (directory_reader_open(&reader, value, &err) != STATUS_OK)
        return 0;
    while ((status = directory_reader_next(&reader, &more, &err)) == STATUS_OK && more) {
        if (entries++ == 0)
            device = reader.entry.summary.last.device;
        from_device += reader.entry.summary.last.device >= device;
        round_trip(&reader.entry);
    }
    if (status == STATUS_OK && count_from(value, device) != from_device)
        abort();
    if (status != STATUS_OK) { // where it is damaged, it may end anywhere, but within its bytes
        status = directory_reader_open(&reader, value, &err);
        reader.device_from = UINT32_MAX;
        for (more = true; status == STATUS_OK && more;)
            status = directory_reader_next(&reader, &more, &err);
    }
    directory_reader_release(&reader);
    return 0;
}
