/*
 * fuzz_ingest_page.c - the reply of whoever listens where an ingest's metrics are expected:
 * whatever comes, the figures keep to their bounds, and the screen made of them has no byte that a
 * terminal obeys, no line that is too wide and no line too many.
 *
 * The first byte is the width of the screen, the second its height; the rest is the reply, or the
 * page itself if it is none.
 */
#include "query/watch/ingest_client.h"
#include "query/watch/watch.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_lines(struct slice lines, const struct screen *screen)
{
    size_t rows = 0;
    while (lines.len > 0) {
        size_t len = 0;
        while (len < lines.len && lines.data[len] != '\n') {
            check(lines.data[len] >= 0x20 && lines.data[len] != 0x7f);
            len++;
        }
        check(len < lines.len);
        check(screen_text_width(slice_of(lines.data, len)) <= screen->columns);
        lines = slice_of(lines.data + len + 1, lines.len - len - 1);
        rows++;
    }
    check(rows <= screen->rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    if (bytes_len < 2)
        return 0;
    const struct screen screen = {
        .columns = 40u + bytes[0] % 128u, .rows = 10u + bytes[1] % 64u, .utf8 = bytes[0] % 2 == 0};
    const struct slice reply = slice_of(bytes + 2, bytes_len - 2);
    struct slice page = reply;
    if (!ingest_reply_body(reply, &page))
        page = reply;
    struct ingest_figures figures;
    ingest_page_read(page, &figures);
    check(figures.queue_count <= INGEST_QUEUES_MAX && figures.reason_len <= INGEST_NAME_BYTES);
    for (size_t i = 0; i < figures.queue_count; i++)
        check(figures.queues[i].name_len <= INGEST_NAME_BYTES && figures.queues[i].active >= -1);

    struct civil_zone zone;
    struct buffer lines = {0};
    check(civil_zone_open(&zone, "UTC", NULL) == STATUS_OK);
    const struct watch_view view = {.store = "store",
                                    .zone = &zone,
                                    .interval_ms = 2000,
                                    .live = true,
                                    .asks_ingest = true,
                                    .ingest = &figures};
    if (watch_compose(&view, &screen, &lines) == STATUS_OK)
        check_lines(buffer_slice(&lines), &screen);
    buffer_release(&lines);
    return 0;
}
