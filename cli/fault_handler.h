/*
 * fault_handler.h - a store cut short under our feet ends the program with a sentence.
 *
 * Data is read through a memory map. If the file is truncated or its disk fails
 * to read, the kernel answers with SIGBUS (or SIGSEGV), which would be a core
 * dump with device data in it. The handler prints one line and exits with
 * EXIT_CODE_STORE if the store explains the fault; any other is a bug and takes its usual course.
 */
#ifndef MNSDB_CLI_FAULT_HANDLER_H
#define MNSDB_CLI_FAULT_HANDLER_H

#include <stdbool.h>

/* Whether the store explains a fault at `address` by the code at `instruction` (NULL: unknown). */
typedef bool fault_test(const void *address, const void *instruction);

/* `explains` must be safe in a signal handler. `program` is kept, not copied. */
void fault_handler_install(const char *program, fault_test *explains);

#endif
