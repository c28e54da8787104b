/*
 * fuzz_seen_page.c - pages of message ids from untrusted bytes.
 *
 * The first 8 bytes of the input are the page's key, the rest its payload. What decodes must
 * ascend from the key: anything else would let an id hide from the search.
 */
#include "engine/seen/seen.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    static uint64_t ids[SEEN_PAGE_IDS_MAX];
    if (bytes_len < 8)
        return 0;
    const uint64_t first = load_u64(bytes);
    size_t count = 0;
    struct error err = {0};
    const enum status status =
        seen_page_decode(slice_of(bytes + 8, bytes_len - 8), first, ids, &count, &err);
    if (status != STATUS_OK)
        return 0;
    if (count == 0 || count > SEEN_PAGE_IDS_MAX || ids[0] != first)
        abort();
    for (size_t i = 1; i < count; i++) {
        if (ids[i] <= ids[i - 1])
            abort();
    }
    return 0;
}
