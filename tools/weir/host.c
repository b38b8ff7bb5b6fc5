/* `weir host`: an actor of a plugin in a process of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "weiri/serve.h"

static const char HELP[] =
    "Usage: weir host LIBRARY\n"
    "\n"
    "Run an actor of a plugin in this process, for the one that started it: what\n"
    "`actor NAME from process \"LIBRARY\"` in rules does by itself. Where it is met is\n"
    "said by the variable WEIR_ACTOR_ADDRESS, an address of ZeroMQ; rules with\n"
    "`actor NAME from process \"ipc://PATH\"` wait there for whoever comes.\n"
    "\n"
    "  --address ADDRESS  where, instead\n"
    "  --help             print this\n"
    "\n"
    "Exit status: 0 it was told to go, 2 wrong usage, 65 what it was sent is no\n"
    "message, 66 the library is missing, 74 the other side cannot be reached.\n";

enum { OPTION_HELP = 256, OPTION_ADDRESS };

static const struct option OPTIONS[] = { { "help", no_argument, NULL, OPTION_HELP },
    { "address", required_argument, NULL, OPTION_ADDRESS }, { NULL, 0, NULL, 0 } };

int
command_host(int argc, char **argv)
{
    const char *address =
        getenv(WEIRI_SERVE_VARIABLE); /* NOLINT(concurrency-mt-unsafe) */
    int option = 0;
    while ((option = next_option(argc, argv, OPTIONS)) != -1) {
        if (option == OPTION_HELP) {
            fputs(HELP, stdout);
            return EXIT_OK;
        }
        if (option != OPTION_ADDRESS) {
            return report_option("host", option, argv);
        }
        address = optarg;
    }
    if (argc - optind != 1) {
        return report_usage("host", "it wants one library");
    }
    if (address == NULL) {
        return report_usage("host",
            "nobody says where it is met: rules start it by themselves, or give "
            "--address ipc://PATH");
    }
    weir_error  err    = { .status = WEIR_OK };
    weir_status status = weiri_serve(argv[optind], address, &err);
    return status == WEIR_OK ? EXIT_OK : report_failure(status, &err);
}
