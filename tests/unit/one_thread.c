/*
 * one_thread.c - keeps a test that does not say "ctest: threads" from starting one.
 *
 * Such a test is linked with --wrap (tests/CMakeLists.txt), so that what starts threads comes here:
 * the thread sanitizer runs only the tests that say it, and would miss a new one without a word.
 */
#include <stdio.h>
#include <stdlib.h>

_Noreturn void __wrap_pthread_create(void);
_Noreturn void __wrap_MHD_start_daemon(void);

static _Noreturn void refuse(const char *what)
{
    (void)fprintf(
        stderr,
        "%s: a test that starts threads says so: write \"ctest: threads\" near the top of "
        "its file, and the thread sanitizer runs it too\n",
        what);
    abort();
}

_Noreturn void __wrap_pthread_create(void)
{
    refuse("pthread_create");
}

_Noreturn void __wrap_MHD_start_daemon(void)
{
    refuse("MHD_start_daemon");
}
