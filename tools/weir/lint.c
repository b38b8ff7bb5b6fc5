/* weir lint: what is right and probably not meant. */
#include "command.h"

static const char HELP[] =
    "Usage: weir lint [OPTION]... FILE...\n"
    "\n"
    "Read rule files and say what is right and probably not meant: the warnings of\n"
    "'weir check', and more that would be too much to say each time. The comment\n"
    "'# weir: allow CODE' at the end of a line, or above a statement or line, silences\n"
    "a warning there.\n"
    "\n"
    "  --set NAME=VALUE         set a parameter of the rules\n"
    "  --message-format FORMAT  human, or, on standard output, json (an object a\n"
    "                           line) or sarif (SARIF 2.1.0)\n"
    "  --help                   print this\n"
    "\n"
    "Exit status: 0 nothing found, 1 there are warnings, 2 wrong usage, 65 the rules\n"
    "are wrong, 66 a file is missing.\n";

enum { OPTION_SET = 256, OPTION_MESSAGES, OPTION_HELP };

static const struct option OPTIONS[] = {
    { "set", required_argument, NULL, OPTION_SET },
    { "message-format", required_argument, NULL, OPTION_MESSAGES },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

enum { EXIT_WARNED = 1 };

static int
lint(char *const *paths, int n_paths, const setting_list *settings)
{
    const weiri_compile_options options     = { .settings = settings->items,
            .n_settings                                   = settings->n };
    weir_error                  err         = { 0 };
    weiri_diagnostics          *diagnostics = NULL;
    weir_status                 status      = weiri_diagnostics_new(&diagnostics);
    if (status != WEIR_OK) {
        return report_failure(status, &err);
    }
    status = weiri_lint_files(
        (const char *const *)paths, (size_t)n_paths, &options, diagnostics, &err);
    int  result     = report_compilation(diagnostics, settings, false, status, &err);
    bool has_warned = weiri_diagnostics_count(diagnostics, false) > 0;
    weiri_diagnostics_destroy(&diagnostics);
    return result == EXIT_OK && has_warned ? EXIT_WARNED : result;
}

int
command_lint(int argc, char **argv)
{
    setting_list settings = { .are_answer = true };
    int          status   = EXIT_OK;
    int          option;
    while (status == EXIT_OK && (option = next_option(argc, argv, OPTIONS)) != -1) {
        switch (option) {
        case OPTION_SET:
            status = setting_list_add(&settings, "lint", optarg) ? EXIT_OK : EXIT_USAGE;
            break;
        case OPTION_MESSAGES:
            status = message_format_parse(&settings.messages, "lint", optarg)
                         ? EXIT_OK
                         : EXIT_USAGE;
            break;
        case OPTION_HELP:
            setting_list_fini(&settings);
            fputs(HELP, stdout);
            return EXIT_OK;
        default: status = report_option("lint", option, argv);
        }
    }
    if (status == EXIT_OK && optind == argc) {
        status = report_usage("lint", "no rule file given");
    }
    if (status == EXIT_OK) {
        status = lint(argv + optind, argc - optind, &settings);
    }
    setting_list_fini(&settings);
    return status;
}
