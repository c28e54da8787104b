/*
 * main.c - mnsdb-localqueue: local queues that speak the MNS protocol.
 */
#include "bench/localqueue/arguments.h"
#include "bench/localqueue/server.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/signals.h"

#include <stdio.h>

static enum exit_code serve(const struct server_config *config)
{
    struct error err = {0};
    struct server *server = NULL;
    if (server_open(&server, config, &err) != STATUS_OK)
        return message_failure(&err);
    if (server_dropped_bytes(server) > 0)
        message_warning("%s: an unfinished end of %llu bytes was cut off", config->dir,
                        (unsigned long long)server_dropped_bytes(server));
    (void)printf("ready %s\n", server_endpoint(server));
    enum exit_code code = EXIT_CODE_OK;
    if (fflush(stdout) != 0) {
        message_error("cannot write to standard output");
        code = EXIT_CODE_PROBLEM;
    } else if (server_run(server, &err) != STATUS_OK) {
        code = message_failure(&err);
    }
    server_close(server);
    return code;
}

static enum exit_code run(const struct options *options)
{
    struct error err = {0};
    OWNED(arguments_release) struct arguments arguments = {0};
    const enum status status = arguments_read(&arguments, options, &err);
    if (status == STATUS_INPUT)
        return options_usage_error(options, "%s", err.message);
    if (status != STATUS_OK)
        return message_failure(&err);
    signals_install();
    return serve(&arguments.server);
}

int main(int argc, char **argv)
{
    OWNED(options_release) struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    message_ignore_sigpipe();
    if (options_begin(&options, &arguments_program, argc, argv, &code) != OPTIONS_RUN)
        return (int)code;
    return (int)message_stdout_finish(run(&options));
}
