/* weir lsp: a language server on standard input and output. */
#include "weiri/lsp.h"

#include "command.h"
#include "words.h"

static const char HELP[] =
    "Usage: weir lsp\n"
    "\n"
    "A language server for editors: the Language Server Protocol 3.17 on standard input\n"
    "and output. Diagnostics and lint while typing, completion, hover, definitions and\n"
    "references, renaming that stays valid, outline, formatting, quick fixes, semantic\n"
    "colours. docs/editors.md says how editors are told of it.\n"
    "\n"
    "  --stdio  taken and without meaning: there is nothing else\n"
    "  --help   print this\n"
    "\n"
    "Exit status: 0 after shutdown and exit, 1 without, 2 wrong usage.\n";

enum { OPTION_STDIO = 256, OPTION_HELP };

static const struct option OPTIONS[] = {
    { "stdio", no_argument, NULL, OPTION_STDIO },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

int
command_lsp(int argc, char **argv)
{
    int option;
    while ((option = next_option(argc, argv, OPTIONS)) != -1) {
        switch (option) {
        case OPTION_STDIO: break;
        case OPTION_HELP: fputs(HELP, stdout); return EXIT_OK;
        default: return report_option("lsp", option, argv);
        }
    }
    if (optind < argc) {
        return report_usage("lsp", "it takes no file; the editor names them");
    }
    const weiri_lsp_options options = { .version = WEIR_VERSION,
        .explain                                 = words_of_rule };
    weir_error              err     = { 0 };
    weiri_lsp              *server  = NULL;
    weir_status             status  = weiri_lsp_new(&options, &server);
    if (status != WEIR_OK) {
        return report_failure(status, &err);
    }
    int result = weiri_lsp_serve(server, stdin, stdout);
    weiri_lsp_destroy(&server);
    return result;
}
