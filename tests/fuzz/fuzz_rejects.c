/*
 * fuzz_rejects.c - pages of rejected bodies from hostile bytes.
 *
 * What is handed out lies inside the page, has a reason and a sequence of the page or behind it;
 * everything else is told as damage.
 */
#include "engine/rejects/rejects.h"

#include <stdlib.h>

#define PAGE_FIRST UINT64_C(1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct slice part, struct slice page)
{
    return part.len == 0 ||
           (part.data >= page.data && part.data + part.len <= page.data + page.len);
}

static enum status check(void *context, const struct kept_reject *reject)
{
    const struct slice *page = context;
    if (!inside(reject->body, *page) || !inside(reject->detail, *page) ||
        reject->sequence < PAGE_FIRST || (unsigned)reject->reason >= REJECT_REASON_COUNT)
        abort();
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice page = slice_of(data, size);
    struct error err = {0};
    const enum status status = rejects_walk_page(page, PAGE_FIRST, 0, check, &page, &err);
    if (status != STATUS_OK && (status != STATUS_CORRUPT || err.message[0] == '\0'))
        abort();
    return 0;
}
