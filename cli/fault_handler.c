/*
 * fault_handler.c - see fault_handler.h. The handler calls only what is safe in one.
 */
#include "cli/fault_handler.h"

#include "cli/exit_code.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static const char *fault_program = "mnsdb";
static fault_test *fault_explains;
static struct sigaction bus_action_before;
static struct sigaction segv_action_before;

static void say(const char *text)
{
    // Nothing can be done about a stderr that refuses.
    const ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

/* Where the program was when the signal came; NULL on machines that are not known here. */
static const void *faulting_instruction(const void *context)
{
    const ucontext_t *machine = context;
    uintptr_t address = 0;
#if defined(__x86_64__)
    address = (uintptr_t)machine->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    address = (uintptr_t)machine->uc_mcontext.pc;
#else
    (void)machine;
#endif
    const void *instruction = NULL;
    memcpy(&instruction, &address, sizeof instruction);
    return instruction;
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    if (fault_explains && fault_explains(info->si_addr, faulting_instruction(context))) {
        say(fault_program);
        say(": the store is damaged, its data file is shorter than it says, or its disk cannot "
            "be read: restore it from a backup\n");
        _exit(EXIT_CODE_STORE);
    }
    // Not ours: the instruction runs again and meets whoever handled the signal before.
    const bool is_bus = signal_number == SIGBUS;
    (void)sigaction(signal_number, is_bus ? &bus_action_before : &segv_action_before, NULL);
}

void fault_handler_install(const char *program, fault_test *explains)
{
    fault_program = program;
    fault_explains = explains;
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGBUS, &action, &bus_action_before);
    (void)sigaction(SIGSEGV, &action, &segv_action_before);
}
