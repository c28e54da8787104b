/*
 * Ids that a follower remembers, the address and the page of an ingest's metrics, the live screen.
 */
#include "engine/base/mem.h"
#include "query/follow/id_memory.h"
#include "query/watch/ingest_client.h"
#include "query/watch/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define IDS 5000u

/* 64 bits that look random, each number once. */
static uint64_t mixed(uint64_t number)
{
    number = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return number ^ number >> 29;
}

static void an_id_is_held_once_its_look_is_over(void **state)
{
    (void)state;
    struct id_memory memory = {0};
    for (uint64_t i = 0; i < IDS; i++) {
        assert_false(id_memory_has(&memory, mixed(i)));
        assert_int_equal(id_memory_note(&memory, mixed(i)), STATUS_OK);
        assert_int_equal(id_memory_note(&memory, mixed(i)), STATUS_OK); // a message of two rows
        if (i % 777 == 0)
            assert_int_equal(id_memory_settle(&memory), STATUS_OK);
    }
    assert_int_equal(id_memory_settle(&memory), STATUS_OK);
    assert_int_equal(memory.held_count, IDS);
    for (uint64_t i = 0; i < 2 * (uint64_t)IDS; i++)
        assert_int_equal(id_memory_has(&memory, mixed(i)), i < IDS);
    id_memory_release(&memory);
}

static enum status remember(void)
{
    OWNED(id_memory_release) struct id_memory memory = {0};
    for (uint64_t i = 0; i < 100; i++) {
        TRY(id_memory_note(&memory, mixed(i)));
        if (i % 30 == 0)
            TRY(id_memory_settle(&memory));
    }
    return id_memory_settle(&memory);
}

static void every_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    (void)state;
#ifdef MNSDB_TEST_FAULTS
    const size_t blocks = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        mem_fail_at(nth);
        status = remember();
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), blocks);
    }
#else
    assert_int_equal(remember(), STATUS_OK);
#endif
}

static void only_this_machine_is_asked_for_metrics(void **state)
{
    (void)state;
    static const char *const good[] = {"http://127.0.0.1:9464/metrics", "http://localhost:1",
                                       "http://[::1]:9464/x", "http://127.1.2.3"};
    static const char *const bad[] = {"",
                                      "https://127.0.0.1/",
                                      "http://10.0.0.1:1/",
                                      "http://example.com/",
                                      "http://127.0.0.1:0/",
                                      "http://127.0.0.1:65536/",
                                      "http://127.0.0.1:1x/",
                                      "http://127.0.0.1:1/a b",
                                      "http://[::1",
                                      "http://127.0.0.1:1/\r\nX: y"};
    struct ingest_address address;
    struct error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(ingest_address_parse(good[i], &address, &err), STATUS_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ingest_address_parse(bad[i], &address, &err), STATUS_INPUT);
}

static void a_page_tells_backlog_and_pause(void **state)
{
    (void)state;
    static const char reply[] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
        "mnsdb_ingest_paused{reason=\"queue\"} 1\n"
        "mnsdb_ingest_queue_backlog_messages{queue=\"q\\\"1\",state=\"active\"} 17 1526450324\n"
        "mnsdb_ingest_queue_backlog_messages{state=\"inactive\",queue=\"q\\\"1\"} 3.0\n"
        "mnsdb_ingest_queue_backlog_messages{queue=\"q2\",state=\"active\"} -1\n"
        "broken{\n";
    struct slice page = {0};
    struct ingest_figures figures;
    assert_true(ingest_reply_body(slice_of_text(reply), &page));
    assert_true(ingest_reply_body(slice_of_text(reply), &page));
    ingest_page_read(page, &figures);
    assert_true(figures.is_ingest && figures.paused);
    assert_int_equal(figures.queue_count, 1);
    assert_int_equal(figures.queues[0].active, 17);
    assert_int_equal(figures.queues[0].inactive, 3);
    assert_int_equal(figures.queues[0].delayed, -1);
    assert_memory_equal(figures.queues[0].name, "q\"1", 3);
}

static void a_reply_that_is_no_page_is_refused(void **state)
{
    (void)state;
    static const char *const replies[] = {"", "HTTP/1.1 404 Not Found\r\n\r\nx", "HTTP/1.1 200 OK",
                                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"};
    struct slice page = {0};
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        assert_false(ingest_reply_body(slice_of_text(replies[i]), &page));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_held_once_its_look_is_over),
        cmocka_unit_test(every_failed_allocation_is_told_and_leaks_nothing),
        cmocka_unit_test(only_this_machine_is_asked_for_metrics),
        cmocka_unit_test(a_page_tells_backlog_and_pause),
        cmocka_unit_test(a_reply_that_is_no_page_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
