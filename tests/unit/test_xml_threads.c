/*
 * test_xml_threads.c - threads walk XML side by side.
 *
 * ctest: threads
 */
#include "engine/base/mem.h"
#include "ingest/xml/xml.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define THREADS 4

static void *walk_many(void *context)
{
    struct xml_parser *parser = NULL;
    const struct xml_visitor nobody = {0};
    bool *ok = context;
    if (xml_open(&parser, NULL) != STATUS_OK)
        return NULL;
    *ok = true;
    for (unsigned i = 0; i < 500; i++) {
        *ok = *ok && xml_walk(parser, slice_of_text("<a><b>x</b></a>"), &nobody, NULL) == STATUS_OK;
        *ok = *ok && xml_walk(parser, slice_of_text("<a><b>x</a>"), &nobody, NULL) == STATUS_INPUT;
    }
    xml_close(parser);
    return NULL;
}

static void threads_have_a_parser_each(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    bool ok[THREADS] = {0};
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, walk_many, &ok[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(ok[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_have_a_parser_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
