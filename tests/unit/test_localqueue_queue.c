/*
 * test_localqueue_queue.c - one queue as a state machine: visibility, delays, priorities, handles.
 */
#include "bench/localqueue/message_queue.h"
#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW INT64_C(1700000000000)
#define KEY UINT64_C(0x1234567890abcdef)

static void begin_queue(struct message_queue *queue)
{
    const struct attributes attributes = attributes_default();
    message_queue_init(queue, &attributes, KEY);
}

static struct queued *send_with(struct message_queue *queue, const char *body, uint32_t priority,
                                uint32_t delay_s, int64_t now_ms)
{
    const struct message_spec spec = {slice_of_text(body), priority, delay_s};
    struct queued *message = NULL;
    assert_int_equal(message_queue_send(queue, &spec, now_ms, &message), STATUS_OK);
    return message;
}

static struct queued *send_one(struct message_queue *queue, const char *body)
{
    return send_with(queue, body, QUEUE_PRIORITY_DEFAULT, 0, NOW);
}

static struct queued *receive_one(struct message_queue *queue, int64_t now_ms)
{
    struct queued *message = NULL;
    message_queue_advance(queue, now_ms);
    return message_queue_receive(queue, 1, now_ms, &message) == 1 ? message : NULL;
}

static void write_handle(const struct queued *message, uint8_t text[HANDLE_TEXT_BYTES])
{
    handle_write((struct handle){message->serial, message->generation}, KEY, text);
}

static enum handle_verdict find(const struct message_queue *queue, const uint8_t *text,
                                int64_t now_ms)
{
    struct queued *message = NULL;
    return message_queue_find(queue, slice_of(text, HANDLE_TEXT_BYTES), now_ms, &message);
}

static void messages_come_in_the_order_they_were_sent(void **state)
{
    (void)state;
    struct message_queue queue;
    begin_queue(&queue);
    const struct queued *first = send_one(&queue, "a");
    const struct queued *second = send_one(&queue, "b");
    assert_ptr_equal(receive_one(&queue, NOW), first);
    assert_ptr_equal(receive_one(&queue, NOW), second);
    assert_null(receive_one(&queue, NOW));
    message_queue_release(&queue);
}

static void a_lower_number_goes_first(void **state)
{
    (void)state;
    struct message_queue queue;
    begin_queue(&queue);
    const struct queued *late = send_with(&queue, "a", 16, 0, NOW);
    const struct queued *usual = send_with(&queue, "b", 8, 0, NOW);
    const struct queued *urgent = send_with(&queue, "c", 1, 0, NOW);
    assert_ptr_equal(receive_one(&queue, NOW), urgent);
    assert_ptr_equal(receive_one(&queue, NOW), usual);
    assert_ptr_equal(receive_one(&queue, NOW), late);
    message_queue_release(&queue);
}

static void a_received_message_comes_again_when_its_time_is_over(void **state)
{
    (void)state;
    struct message_queue queue;
    begin_queue(&queue);
    send_one(&queue, "a");
    struct queued *message = receive_one(&queue, NOW);
    assert_non_null(message);
    assert_int_equal(message->visible_ms, NOW + 30000);
    assert_int_equal(message->dequeue_count, 1);
    assert_int_equal(message->first_dequeue_ms, NOW);
    assert_int_equal(message_queue_next_ms(&queue), NOW + 30000);
    assert_null(receive_one(&queue, NOW + 29999));
    assert_ptr_equal(receive_one(&queue, NOW + 30000), message);
    assert_int_equal(message->dequeue_count, 2);
    assert_int_equal(message->first_dequeue_ms, NOW);
    message_queue_release(&queue);
}

static void a_handle_dies_when_its_visibility_is_over(void **state)
{
    (void)state;
    struct message_queue queue;
    uint8_t handle[HANDLE_TEXT_BYTES];
    begin_queue(&queue);
    send_one(&queue, "a");
    write_handle(receive_one(&queue, NOW), handle);
    assert_int_equal(find(&queue, handle, NOW + 29999), HANDLE_LIVE);
    assert_int_equal(find(&queue, handle, NOW + 30000), HANDLE_GONE);
    message_queue_release(&queue);
}

static void each_receive_kills_the_handle_before(void **state)
{
    (void)state;
    struct message_queue queue;
    uint8_t first[HANDLE_TEXT_BYTES];
    uint8_t second[HANDLE_TEXT_BYTES];
    begin_queue(&queue);
    send_one(&queue, "a");
    write_handle(receive_one(&queue, NOW), first);
    write_handle(receive_one(&queue, NOW + 30000), second);
    assert_int_equal(find(&queue, first, NOW + 30000), HANDLE_GONE);
    assert_int_equal(find(&queue, second, NOW + 30000), HANDLE_LIVE);
    message_queue_release(&queue);
}

static void a_change_of_visibility_gives_a_new_handle_and_counts_from_now(void **state)
{
    (void)state;
    struct message_queue queue;
    uint8_t before[HANDLE_TEXT_BYTES];
    uint8_t after[HANDLE_TEXT_BYTES];
    begin_queue(&queue);
    send_one(&queue, "a");
    struct queued *message = receive_one(&queue, NOW);
    write_handle(message, before);
    message_queue_change_visibility(&queue, message, NOW + 1000 + 60000);
    write_handle(message, after);
    assert_int_equal(find(&queue, before, NOW + 1000), HANDLE_GONE);
    assert_int_equal(find(&queue, after, NOW + 60999), HANDLE_LIVE);
    assert_null(receive_one(&queue, NOW + 60999));
    assert_ptr_equal(receive_one(&queue, NOW + 61000), message);
    message_queue_release(&queue);
}

static void what_never_was_a_handle_is_told_from_one_that_is_used_up(void **state)
{
    (void)state;
    struct message_queue queue;
    uint8_t handle[HANDLE_TEXT_BYTES];
    begin_queue(&queue);
    send_one(&queue, "a");
    struct queued *message = receive_one(&queue, NOW);
    write_handle(message, handle);
    message_queue_delete(&queue, message);
    assert_int_equal(find(&queue, handle, NOW), HANDLE_GONE);
    for (unsigned i = 0; i < HANDLE_TEXT_BYTES - 3; i++) {
        const uint8_t kept = handle[i];
        handle[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(find(&queue, handle, NOW), HANDLE_UNKNOWN);
        handle[i] = kept;
    }
    handle_write((struct handle){1, 1}, KEY + 1, handle);
    assert_int_equal(find(&queue, handle, NOW), HANDLE_UNKNOWN);
    message_queue_release(&queue);
}

static void handles_hold_the_characters_that_clients_get_wrong(void **state)
{
    (void)state;
    uint8_t text[HANDLE_TEXT_BYTES];
    for (uint64_t serial = 1; serial < 1000; serial++) {
        struct handle read = {0};
        handle_write((struct handle){serial, 7}, KEY, text);
        assert_memory_equal(text, "+/", 2);
        assert_int_equal(text[HANDLE_TEXT_BYTES - 1], '=');
        assert_true(handle_read(slice_of(text, sizeof text), KEY, &read));
        assert_int_equal(read.serial, serial);
        assert_int_equal(read.generation, 7);
    }
}

static void a_delayed_message_has_a_handle_and_waits(void **state)
{
    (void)state;
    struct message_queue queue;
    uint8_t handle[HANDLE_TEXT_BYTES];
    begin_queue(&queue);
    struct queued *message = send_with(&queue, "a", 8, 5, NOW);
    write_handle(message, handle);
    assert_int_equal(queue.delayed_count, 1);
    assert_int_equal(message_queue_invisible_count(&queue), 0);
    assert_int_equal(find(&queue, handle, NOW + 4999), HANDLE_LIVE);
    assert_null(receive_one(&queue, NOW + 4999));
    assert_ptr_equal(receive_one(&queue, NOW + 5000), message);
    assert_int_equal(queue.delayed_count, 0);
    assert_int_equal(message_queue_invisible_count(&queue), 1);
    message_queue_release(&queue);
}

static void peeking_changes_nothing(void **state)
{
    (void)state;
    struct message_queue queue;
    struct queued *peeked[16];
    begin_queue(&queue);
    const struct queued *sent = send_one(&queue, "a");
    assert_int_equal(message_queue_peek(&queue, 16, peeked), 1);
    assert_ptr_equal(peeked[0], sent);
    assert_int_equal(sent->dequeue_count, 0);
    assert_ptr_equal(receive_one(&queue, NOW), sent);
    assert_int_equal(message_queue_peek(&queue, 16, peeked), 0);
    message_queue_release(&queue);
}

static void messages_expire_wherever_they_are(void **state)
{
    (void)state;
    struct message_queue queue;
    begin_queue(&queue);
    queue.attributes.values[ATTRIBUTE_RETENTION_S] = 60;
    send_one(&queue, "received");
    assert_non_null(receive_one(&queue, NOW));
    send_one(&queue, "visible");
    send_with(&queue, "delayed", 8, 600, NOW);
    send_with(&queue, "young", 8, 0, NOW + 1);
    message_queue_advance(&queue, NOW + 59999);
    assert_int_equal(message_queue_count(&queue), 4);
    message_queue_advance(&queue, NOW + 60000);
    assert_int_equal(message_queue_count(&queue), 1);
    assert_int_equal(queue.delayed_count, 0);
    message_queue_advance(&queue, NOW + 60001);
    assert_int_equal(message_queue_count(&queue), 0);
    assert_int_equal(queue.bytes, 0);
    message_queue_release(&queue);
}

static void a_message_shown_early_keeps_its_handle_until_it_is_received(void **state)
{
    (void)state;
    struct message_queue queue;
    uint8_t handle[HANDLE_TEXT_BYTES];
    begin_queue(&queue);
    send_one(&queue, "a");
    send_one(&queue, "b");
    struct queued *message = receive_one(&queue, NOW);
    write_handle(message, handle);
    message_queue_show_early(&queue, message, NOW, NOW);
    assert_int_equal(find(&queue, handle, NOW), HANDLE_LIVE);
    assert_ptr_equal(receive_one(&queue, NOW), message);
    assert_int_equal(find(&queue, handle, NOW), HANDLE_GONE);
    message_queue_show_early(&queue, message, NOW + 10, NOW);
    assert_non_null(receive_one(&queue, NOW + 9));
    assert_null(receive_one(&queue, NOW + 9));
    assert_ptr_equal(receive_one(&queue, NOW + 10), message);
    message_queue_release(&queue);
}

static void a_shuffled_queue_gives_every_message_once(void **state)
{
    (void)state;
    struct message_queue queue;
    struct random_stream stream = {7};
    bool seen[101] = {false};
    unsigned out_of_order = 0;
    begin_queue(&queue);
    queue.shuffle = &stream;
    queue.shuffle_window = 10;
    for (unsigned i = 0; i < 100; i++)
        send_one(&queue, "x");
    for (unsigned i = 0; i < 100; i++) {
        const struct queued *message = receive_one(&queue, NOW);
        assert_non_null(message);
        assert_in_range(message->serial, 1, 100);
        assert_false(seen[message->serial]);
        seen[message->serial] = true;
        out_of_order += message->serial != i + 1;
    }
    assert_in_range(out_of_order, 1, 100);
    message_queue_release(&queue);
}

/* Against a plain model: counts agree, and nothing is lost, whatever happens. */
static void random_histories_keep_every_message_in_one_place(void **state)
{
    (void)state;
    struct message_queue queue;
    struct random_stream stream = {11};
    struct queued *held[64] = {NULL};
    size_t held_count = 0;
    size_t alive = 0;
    int64_t now_ms = NOW;
    begin_queue(&queue);
    for (unsigned i = 0; i < 20000; i++) {
        now_ms += random_below(&stream, 500);
        message_queue_advance(&queue, now_ms);
        switch (random_below(&stream, 5)) {
        case 0:
            send_with(&queue, "body", 1 + random_below(&stream, 16), random_below(&stream, 3),
                      now_ms);
            alive++;
            break;
        case 1:
        case 2:
            held_count = message_queue_receive(&queue, random_below(&stream, 17), now_ms, held);
            break;
        case 3:
            for (size_t at = 0; at < held_count; at++)
                message_queue_delete(&queue, held[at]);
            alive -= held_count;
            held_count = 0;
            break;
        default:
            for (size_t at = 0; at < held_count; at++)
                message_queue_change_visibility(&queue, held[at],
                                                now_ms + random_between(&stream, 1, 5000));
            break;
        }
        assert_int_equal(message_queue_count(&queue), alive);
        assert_int_equal(queue.visible_count + queue.pending.count, alive);
        for (size_t at = 1; at < queue.pending.count; at++)
            assert_true(queue.pending.heap[(at - 1) / 2]->due_ms <= queue.pending.heap[at]->due_ms);
    }
    message_queue_release(&queue);
}

static void the_digest_is_that_of_the_standard(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *hex;
    } vectors[] = {
        {"", "D41D8CD98F00B204E9800998ECF8427E"},
        {"abc", "900150983CD24FB0D6963F7D28E17F72"},
        {"abcdefghijklmnopqrstuvwxyz", "C3FCD3D76192E4007DFB496CCA67E13B"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57EDF4A22BE3C955AC49DA2E2107B67A"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t digest[MD5_BYTES];
        uint8_t hex[MD5_HEX_BYTES];
        md5_digest(slice_of_text(vectors[i].text), digest);
        md5_hex(digest, "0123456789ABCDEF", hex);
        assert_memory_equal(hex, vectors[i].hex, sizeof hex);
    }
}

/* Whichever request for memory fails, the queue is as it was. */
static void sending_survives_every_failed_allocation(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct message_queue queue;
        struct queued *message = NULL;
        const struct message_spec spec = {slice_of_text("a"), 8, 0};
        begin_queue(&queue);
        mem_fail_at(nth);
        status = message_queue_send(&queue, &spec, NOW, &message);
        mem_fail_at(-1);
        assert_int_equal(message_queue_count(&queue), status == STATUS_OK);
        message_queue_release(&queue);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_in_the_order_they_were_sent),
        cmocka_unit_test(a_lower_number_goes_first),
        cmocka_unit_test(a_received_message_comes_again_when_its_time_is_over),
        cmocka_unit_test(a_handle_dies_when_its_visibility_is_over),
        cmocka_unit_test(each_receive_kills_the_handle_before),
        cmocka_unit_test(a_change_of_visibility_gives_a_new_handle_and_counts_from_now),
        cmocka_unit_test(what_never_was_a_handle_is_told_from_one_that_is_used_up),
        cmocka_unit_test(handles_hold_the_characters_that_clients_get_wrong),
        cmocka_unit_test(a_delayed_message_has_a_handle_and_waits),
        cmocka_unit_test(peeking_changes_nothing),
        cmocka_unit_test(messages_expire_wherever_they_are),
        cmocka_unit_test(a_message_shown_early_keeps_its_handle_until_it_is_received),
        cmocka_unit_test(a_shuffled_queue_gives_every_message_once),
        cmocka_unit_test(random_histories_keep_every_message_in_one_place),
        cmocka_unit_test(the_digest_is_that_of_the_standard),
        cmocka_unit_test(sending_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
