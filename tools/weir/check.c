
#include "command.h"

static const char HELP[] =
    "Usage: weir check [OPTION]... FILE...\n"
    "\n"
    "Read rule files and say what is wrong with them. Nothing is run.\n"
    "\n"
    "  --set NAME=VALUE  set a parameter of the rules\n"
    "  --quiet           say errors only, no warnings\n"
    "  --help            print this\n"
    "\n"
    "Exit status: 0 the rules can run, 2 wrong usage, 65 the rules are wrong,\n"
    "66 a file is missing.\n";

enum { OPTION_SET = 256, OPTION_QUIET, OPTION_HELP };

static const struct option OPTIONS[] = {
    { "set", required_argument, NULL, OPTION_SET },
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

int
command_check(int argc, char **argv)
{
    setting_list settings = { 0 };
    bool         quiet    = false;
    int          option;
    while ((option = next_option(argc, argv, OPTIONS)) != -1) {
        switch (option) {
        case OPTION_SET:
            if (!setting_list_add(&settings, "check", optarg)) {
                setting_list_fini(&settings);
                return EXIT_USAGE;
            }
            break;
        case OPTION_QUIET: quiet = true; break;
        case OPTION_HELP: fputs(HELP, stdout); return EXIT_OK;
        default:
            setting_list_fini(&settings);
            return report_option("check", option, argv);
        }
    }
    if (optind == argc) {
        setting_list_fini(&settings);
        return report_usage("check", "no rule file given");
    }
    weiri_plan *plan = NULL;
    int status = compile_rules(argv + optind, argc - optind, &settings, quiet, &plan);
    if (status == EXIT_OK && !quiet) {
        uint32_t n_rules   = count_rules(plan);
        uint32_t n_streams = count_streams(plan);
        fprintf(stderr, "weir: %u rule%s, %u stream%s: ok\n", n_rules,
            n_rules == 1 ? "" : "s", n_streams, n_streams == 1 ? "" : "s");
    }
    weiri_plan_destroy(&plan);
    setting_list_fini(&settings);
    return status;
}
