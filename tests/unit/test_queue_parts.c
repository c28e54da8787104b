/*
 * test_queue_parts.c - the table of messages in flight and the memory of peeked ids, against
 * simple models.
 */
#include "ingest/queue/message_table.h"
#include "ingest/queue/seen_ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SLOTS 50u
#define IDS   200u
#define STEPS 20000u

#define SPREAD 0x9e3779b97f4a7c15u

static uint64_t draw(uint64_t *random, uint64_t below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (*random >> 33) % below;
}

/* Ids that collide: the hash is a small number. */
static struct message_key key_of(char *text, size_t text_bytes, uint64_t id)
{
    const int len = snprintf(text, text_bytes, "id-%llu", (unsigned long long)id);
    return (struct message_key){.id = slice_of(text, (size_t)len), .hash = id % 7};
}

static void a_table_finds_what_is_in_it_and_nothing_else(void **state)
{
    (void)state;
    struct message_table table = {0};
    assert_int_equal(message_table_init(&table, SLOTS, NULL), STATUS_OK);
    struct parcel *model[IDS] = {0};
    size_t count = 0;
    uint64_t random = 1;
    for (unsigned i = 0; i < STEPS; i++) {
        const uint64_t id = draw(&random, IDS);
        char text[32];
        const struct message_key key = key_of(text, sizeof text, id);
        struct parcel *found = message_table_find(&table, &key);
        assert_ptr_equal(found, model[id]);
        if (found) {
            assert_true(slice_equal(message_handle(found), slice_of_text("handle")));
            message_table_remove(&table, found);
            model[id] = NULL;
            count--;
        } else if (count < SLOTS) {
            model[id] = message_table_add(&table, &key, slice_of_text("handle"));
            assert_non_null(model[id]);
            model[id]->state = MESSAGE_DELIVERED;
            count++;
        }
    }
    message_table_release(&table);
}

static void the_same_id_with_another_body_is_another_message(void **state)
{
    (void)state;
    const struct slice id = slice_of_text("id");
    const struct message_key a = message_key_of(NULL, 0, id, slice_of_text("a"));
    const struct message_key b = message_key_of(NULL, 0, id, slice_of_text("b"));
    const struct message_key c = message_key_of(NULL, 1, id, slice_of_text("a"));
    assert_true(a.hash != b.hash && a.hash != c.hash);
}

static void a_new_handle_replaces_the_old_one(void **state)
{
    (void)state;
    struct message_table table = {0};
    assert_int_equal(message_table_init(&table, 1, NULL), STATUS_OK);
    char text[32];
    const struct message_key key = key_of(text, sizeof text, 3);
    struct parcel *message = message_table_add(&table, &key, slice_of_text("old"));
    assert_non_null(message);
    message->state = MESSAGE_DELIVERED;
    const uint32_t serial = message->handle_serial;
    assert_int_equal(message_set_handle(message, slice_of_text("a longer new one")), STATUS_OK);
    assert_true(slice_equal(message_id(message), key.id));
    assert_true(slice_equal(message_handle(message), slice_of_text("a longer new one")));
    assert_int_equal(message->handle_serial, serial + 1);
    // A slot that is used again does not mistake an old answer for one of its own.
    message_table_remove(&table, message);
    message = message_table_add(&table, &key, slice_of_text("old"));
    assert_non_null(message);
    assert_int_equal(message->handle_serial, serial + 2);
    message_table_release(&table);
}

static void the_last_ids_are_known_and_older_ones_forgotten(void **state)
{
    (void)state;
    struct seen_ids *seen = NULL;
    assert_int_equal(seen_ids_open(&seen, NULL), STATUS_OK);
    for (uint64_t id = 0; id < SEEN_IDS; id++) {
        assert_true(seen_ids_add(seen, id * SPREAD));
        assert_false(seen_ids_add(seen, id * SPREAD));
    }
    assert_false(seen_ids_add(seen, 0));
    assert_true(seen_ids_add(seen, 7)); // takes the place of 0
    assert_true(seen_ids_add(seen, 0)); // takes the place of SPREAD
    assert_true(seen_ids_add(seen, SPREAD));
    for (uint64_t id = 3; id < SEEN_IDS; id++)
        assert_false(seen_ids_add(seen, id * SPREAD));
    seen_ids_close(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_finds_what_is_in_it_and_nothing_else),
        cmocka_unit_test(the_same_id_with_another_body_is_another_message),
        cmocka_unit_test(a_new_handle_replaces_the_old_one),
        cmocka_unit_test(the_last_ids_are_known_and_older_ones_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
