
#include "command.h"

static const char HELP[] =
    "Usage: weir check [OPTION]... FILE...\n"
    "\n"
    "Read rule files and say what is wrong with them. Nothing is run.\n"
    "\n"
    "  --set NAME=VALUE         set a parameter of the rules\n"
    "  --message-format FORMAT  human, or, on standard output, json (an object a\n"
    "                           line) or sarif (SARIF 2.1.0)\n"
    "  --quiet                  say errors only, no warnings\n"
    "  --help                   print this\n"
    "\n"
    "Exit status: 0 the rules can run, 2 wrong usage, 65 the rules are wrong,\n"
    "66 a file is missing.\n";

enum { OPTION_SET = 256, OPTION_MESSAGES, OPTION_QUIET, OPTION_HELP };

static const struct option OPTIONS[] = {
    { "set", required_argument, NULL, OPTION_SET },
    { "message-format", required_argument, NULL, OPTION_MESSAGES },
    { "quiet", no_argument, NULL, OPTION_QUIET },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

/* What the file says, without what it was taken apart into. */
static uint32_t
count_rules(const weiri_plan *plan)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        n += !plan->rules[i].is_made;
    }
    return n;
}

static uint32_t
count_streams(const weiri_plan *plan)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->n_streams; i++) {
        n += plan->streams[i].origin < WEIRI_ORIGIN_JOIN;
    }
    return n;
}

static void
print_counts(const weiri_plan *plan)
{
    uint32_t n_rules   = count_rules(plan);
    uint32_t n_streams = count_streams(plan);
    fprintf(stderr, "weir: %u rule%s, %u stream%s: ok\n", n_rules,
        n_rules == 1 ? "" : "s", n_streams, n_streams == 1 ? "" : "s");
}

static int
take_option(setting_list *settings, int option, char **argv)
{
    switch (option) {
    case OPTION_SET:
        return setting_list_add(settings, "check", optarg) ? EXIT_OK : EXIT_USAGE;
    case OPTION_MESSAGES:
        return message_format_parse(&settings->messages, "check", optarg) ? EXIT_OK
                                                                          : EXIT_USAGE;
    default: return report_option("check", option, argv);
    }
}

int
command_check(int argc, char **argv)
{
    setting_list settings = { .are_answer = true };
    bool         quiet    = false;
    int          status   = EXIT_OK;
    int          option;
    while (status == EXIT_OK && (option = next_option(argc, argv, OPTIONS)) != -1) {
        switch (option) {
        case OPTION_QUIET: quiet = true; break;
        case OPTION_HELP:
            setting_list_fini(&settings);
            fputs(HELP, stdout);
            return EXIT_OK;
        default: status = take_option(&settings, option, argv);
        }
    }
    if (status == EXIT_OK && optind == argc) {
        status = report_usage("check", "no rule file given");
    }
    weiri_plan *plan = NULL;
    if (status == EXIT_OK) {
        status = compile_rules(argv + optind, argc - optind, &settings, quiet, &plan);
    }
    if (plan != NULL && !quiet && settings.messages == MESSAGES_HUMAN) {
        print_counts(plan);
    }
    weiri_plan_destroy(&plan);
    setting_list_fini(&settings);
    return status;
}
