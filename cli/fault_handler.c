/*
 * fault_handler.c - see fault_handler.h. The handler calls only what is safe in one.
 */
#include "cli/fault_handler.h"

#include "cli/exit_code.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const char *fault_program = "mnsdb";
static bool (*fault_maps_address)(const void *address);
static struct sigaction bus_action_before;
static struct sigaction segv_action_before;

static void say(const char *text)
{
    // Nothing can be done about a stderr that refuses.
    const ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    if (fault_maps_address && fault_maps_address(info->si_addr)) {
        say(fault_program);
        say(": the store is damaged: its data file is shorter than it says, or its disk cannot "
            "be read\n");
        _exit(EXIT_CODE_STORE);
    }
    // Not ours: the instruction runs again and meets whoever handled the signal before.
    const bool is_bus = signal_number == SIGBUS;
    (void)sigaction(signal_number, is_bus ? &bus_action_before : &segv_action_before, NULL);
}

void fault_handler_install(const char *program, bool (*maps_address)(const void *address))
{
    fault_program = program;
    fault_maps_address = maps_address;
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGBUS, &action, &bus_action_before);
    (void)sigaction(SIGSEGV, &action, &segv_action_before);
}
