/*
 * test_localqueue_journal.c - queues that come back, from a journal whole or cut anywhere.
 */
#include "bench/localqueue/journal.h"
#include "bench/localqueue/journal_internal.h"
#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW INT64_C(1700000000000)

static struct named_queue *add_queue(struct broker *broker, const char *name)
{
    const struct queue_spec spec = {
        .name = slice_of_text(name),
        .attributes = attributes_default(),
        .key = 99,
        .number = broker->next_number,
        .create_ms = NOW,
        .modify_ms = NOW,
    };
    struct named_queue *queue = NULL;
    assert_int_equal(broker_add(broker, &spec, &queue), STATUS_OK);
    return queue;
}

static struct queued *add_message(struct named_queue *queue, const char *body, uint32_t delay_s)
{
    const struct message_spec spec = {slice_of_text(body), 8, delay_s};
    struct queued *message = NULL;
    assert_int_equal(message_queue_send(&queue->queue, &spec, NOW, &message), STATUS_OK);
    return message;
}

#define STEPS 6

/* A short life of a queue; `ends[i]` is where the i-th record ends. */
static void write_life(struct buffer *file, size_t ends[STEPS])
{
    struct broker broker;
    broker_init(&broker);
    struct named_queue *queue = add_queue(&broker, "q");
    assert_int_equal(buffer_append(file, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES), STATUS_OK);
    assert_int_equal(record_queue(file, 0, queue), STATUS_OK);
    ends[0] = file->len;
    assert_int_equal(record_message(file, 0, queue, add_message(queue, "one", 0)), STATUS_OK);
    ends[1] = file->len;
    assert_int_equal(record_message(file, 0, queue, add_message(queue, "two", 60)), STATUS_OK);
    ends[2] = file->len;
    struct queued *message = NULL;
    assert_int_equal(message_queue_receive(&queue->queue, 1, NOW, &message), 1);
    const struct received_record received = {queue, &message, 1, NOW};
    assert_int_equal(record_received(file, 0, &received), STATUS_OK);
    ends[3] = file->len;
    message_queue_change_visibility(&queue->queue, message, NOW + 90000);
    assert_int_equal(record_visibility(file, 0, queue, message), STATUS_OK);
    ends[4] = file->len;
    assert_int_equal(record_deleted(file, 0, queue, message), STATUS_OK);
    ends[5] = file->len;
    broker_release(&broker);
}

static void check_life(const struct broker *broker, unsigned steps)
{
    assert_int_equal(broker->count, steps >= 1);
    if (steps == 0)
        return;
    const struct message_queue *queue = &broker->queues[0]->queue;
    assert_int_equal(message_queue_count(queue), steps < 2 ? 0 : steps == 2 || steps == 6 ? 1 : 2);
    const struct queued *one = message_queue_message(queue, 1);
    assert_int_equal(one != NULL, steps >= 2 && steps < 6);
    if (!one)
        return;
    assert_memory_equal(one->body, "one", 3);
    assert_int_equal(one->dequeue_count, steps >= 4);
    assert_int_equal(one->generation, steps < 4 ? 0 : steps == 4 ? 1 : 2);
    assert_int_equal(one->visible_ms, steps < 4 ? NOW : NOW + (steps == 4 ? 30000 : 90000));
}

static void a_journal_cut_anywhere_brings_back_its_whole_records(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer file = {0};
    size_t ends[STEPS];
    write_life(&file, ends);
    for (size_t cut = JOURNAL_MAGIC_BYTES; cut <= file.len; cut++) {
        struct broker broker;
        uint64_t whole_bytes = 0;
        unsigned steps = 0;
        while (steps < STEPS && ends[steps] <= cut)
            steps++;
        broker_init(&broker);
        assert_int_equal(records_replay(&broker, slice_of(file.data, cut), &whole_bytes, NULL),
                         STATUS_OK);
        assert_int_equal(whole_bytes, steps > 0 ? ends[steps - 1] : JOURNAL_MAGIC_BYTES);
        check_life(&broker, steps);
        broker_release(&broker);
    }
}

static void a_changed_byte_ends_the_journal_before_its_record(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer file = {0};
    size_t ends[STEPS];
    write_life(&file, ends);
    for (size_t at = JOURNAL_MAGIC_BYTES; at < file.len; at++) {
        struct broker broker;
        uint64_t whole_bytes = 0;
        unsigned steps = 0;
        while (ends[steps] <= at)
            steps++;
        broker_init(&broker);
        file.data[at] ^= 0x10;
        assert_int_equal(records_replay(&broker, buffer_slice(&file), &whole_bytes, NULL),
                         STATUS_OK);
        file.data[at] ^= 0x10;
        assert_int_equal(whole_bytes, steps > 0 ? ends[steps - 1] : JOURNAL_MAGIC_BYTES);
        check_life(&broker, steps);
        broker_release(&broker);
    }
}

static void replaying_survives_every_failed_allocation(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer file = {0};
    size_t ends[STEPS];
    write_life(&file, ends);
    const size_t blocks = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct broker broker;
        uint64_t whole_bytes = 0;
        broker_init(&broker);
        mem_fail_at(nth);
        status = records_replay(&broker, buffer_slice(&file), &whole_bytes, NULL);
        mem_fail_at(-1);
        broker_release(&broker);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), blocks);
        assert_in_range(nth, 0, 100);
    }
}

/* As many queues as there may be, one of which was changed. */
static void the_last_of_all_queues_may_change(void **state)
{
    (void)state;
    OWNED(buffer_release) struct buffer file = {0};
    struct broker broker;
    broker_init(&broker);
    assert_int_equal(buffer_append(&file, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES), STATUS_OK);
    for (unsigned i = 0; i < BROKER_QUEUES_MAX; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "q%u", i);
        assert_int_equal(record_queue(&file, 0, add_queue(&broker, name)), STATUS_OK);
    }
    struct named_queue *changed = broker_find(&broker, slice_of_text("q7"));
    changed->queue.attributes.values[ATTRIBUTE_VISIBILITY_S] = 77;
    assert_int_equal(record_queue(&file, 0, changed), STATUS_OK);
    const size_t all = file.len;
    assert_int_equal(record_queue(&file, 0, add_queue(&broker, "more")), STATUS_OK);
    broker_release(&broker);

    uint64_t whole_bytes = 0;
    broker_init(&broker);
    assert_int_equal(records_replay(&broker, slice_of(file.data, all), &whole_bytes, NULL),
                     STATUS_OK);
    changed = broker_find(&broker, slice_of_text("q7"));
    assert_int_equal(changed->queue.attributes.values[ATTRIBUTE_VISIBILITY_S], 77);
    broker_release(&broker);

    broker_init(&broker);
    assert_int_equal(records_replay(&broker, buffer_slice(&file), &whole_bytes, NULL),
                     STATUS_CORRUPT);
    broker_release(&broker);
}

static void make_folder(char path[64])
{
    (void)snprintf(path, 64, "/tmp/mnsdb-localqueue-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static void remove_folder(const char *path)
{
    static const char *const names[] = {"journal", "journal.new", "lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char file[96];
        (void)snprintf(file, sizeof file, "%s/%s", path, names[i]);
        (void)unlink(file);
    }
    assert_int_equal(rmdir(path), 0);
}

static void what_was_flushed_is_there_after_opening_again(void **state)
{
    (void)state;
    char path[64];
    make_folder(path);
    for (unsigned round = 0; round < 3; round++) {
        struct broker broker;
        struct journal *journal = NULL;
        uint64_t dropped_bytes = 1;
        broker_init(&broker);
        assert_int_equal(journal_open(&journal, path, &broker, &dropped_bytes, NULL), STATUS_OK);
        assert_int_equal(dropped_bytes, 0);
        assert_int_equal(broker.count, round > 0);
        struct named_queue *queue = round > 0 ? broker.queues[0] : add_queue(&broker, "q");
        assert_int_equal(message_queue_count(&queue->queue), round);
        if (round == 0)
            journal_queue(journal, queue);
        journal_sent(journal, queue, add_message(queue, "body", 0));
        assert_true(journal_must_flush(journal));
        assert_int_equal(journal_flush(journal, &broker, NULL), STATUS_OK);
        assert_false(journal_must_flush(journal));
        journal_close(journal);
        broker_release(&broker);
    }
    remove_folder(path);
}

static void a_folder_has_one_user(void **state)
{
    (void)state;
    char path[64];
    struct broker broker;
    struct journal *journal = NULL;
    struct journal *second = NULL;
    uint64_t dropped_bytes = 0;
    make_folder(path);
    broker_init(&broker);
    assert_int_equal(journal_open(&journal, path, &broker, &dropped_bytes, NULL), STATUS_OK);
    assert_int_equal(journal_open(&second, path, &broker, &dropped_bytes, NULL), STATUS_LOCKED);
    journal_close(journal);
    broker_release(&broker);
    remove_folder(path);
}

/* Far more is sent and deleted than is kept: the file stays short, and right. */
static void a_long_journal_is_written_anew(void **state)
{
    (void)state;
    char path[64];
    char file[96];
    char body[60001];
    struct broker broker;
    struct journal *journal = NULL;
    uint64_t dropped_bytes = 0;
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    make_folder(path);
    broker_init(&broker);
    assert_int_equal(journal_open(&journal, path, &broker, &dropped_bytes, NULL), STATUS_OK);
    struct named_queue *queue = add_queue(&broker, "q");
    journal_queue(journal, queue);
    journal_sent(journal, queue, add_message(queue, "stays", 0));
    for (unsigned i = 0; i < 1300; i++) {
        struct queued *message = add_message(queue, body, 0);
        journal_sent(journal, queue, message);
        journal_deleted(journal, queue, message);
        message_queue_delete(&queue->queue, message);
        if (i % 100 == 99)
            assert_int_equal(journal_flush(journal, &broker, NULL), STATUS_OK);
    }
    const uint64_t next_serial = queue->queue.next_serial;
    journal_close(journal);
    broker_release(&broker);

    (void)snprintf(file, sizeof file, "%s/journal", path);
    FILE *stream = fopen(file, "r");
    assert_non_null(stream);
    assert_int_equal(fseek(stream, 0, SEEK_END), 0);
    assert_in_range(ftell(stream), 1, 64L << 20);
    assert_int_equal(fclose(stream), 0);

    broker_init(&broker);
    assert_int_equal(journal_open(&journal, path, &broker, &dropped_bytes, NULL), STATUS_OK);
    assert_int_equal(message_queue_count(&broker.queues[0]->queue), 1);
    assert_int_equal(broker.queues[0]->queue.next_serial, next_serial);
    journal_close(journal);
    broker_release(&broker);
    remove_folder(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journal_cut_anywhere_brings_back_its_whole_records),
        cmocka_unit_test(a_changed_byte_ends_the_journal_before_its_record),
        cmocka_unit_test(replaying_survives_every_failed_allocation),
        cmocka_unit_test(the_last_of_all_queues_may_change),
        cmocka_unit_test(what_was_flushed_is_there_after_opening_again),
        cmocka_unit_test(a_folder_has_one_user),
        cmocka_unit_test(a_long_journal_is_written_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
