
#include "cluster.h"
#include "nodes.h"

static const char HELP[] =
    "Usage: weir check [OPTION]... FILE...\n"
    "\n"
    "Read rule files and say what is wrong with them. Nothing is run. Of a node file,\n"
    "which begins with `node` or `cluster`, the rules it names are read as well.\n"
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

/* A node file, and the rules of each of its nodes. Returns an exit status. */
static int
check_nodefile(const char *path, const setting_list *settings, bool quiet)
{
    weiri_nodefile *file   = NULL;
    int             status = nodefile_open(path, settings, quiet, &file);
    status = status == EXIT_OK ? nodefile_join(file, NULL, settings, quiet) : status;
    bool            tells  = !quiet && settings->messages == MESSAGES_HUMAN;
    for (uint32_t i = 0; status == EXIT_OK && i < file->n_nodes; i++) {
        weiri_plan *plan = NULL;
        status           = nodefile_compile(&file->nodes[i], settings, quiet, &plan);
        status = status == EXIT_OK ? cluster_check(&file->nodes[i], plan) : status;
        if (status == EXIT_OK && tells) {
            fprintf(stderr, "weir: node '%s': %u peer%s\n", file->nodes[i].name,
                file->nodes[i].n_peers, file->nodes[i].n_peers == 1 ? "" : "s");
            print_counts(plan);
        }
        weiri_plan_destroy(&plan);
    }
    for (uint32_t i = 0; status == EXIT_OK && tells && i < file->n_clusters; i++) {
        fprintf(stderr, "weir: cluster '%s': %u node%s: ok\n", file->clusters[i].name,
            file->clusters[i].n_members, file->clusters[i].n_members == 1 ? "" : "s");
    }
    weiri_nodefile_destroy(&file);
    return status;
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
    bool        is_nodefile =
        status == EXIT_OK && argc - optind == 1 && nodefile_is(argv[optind]);
    if (is_nodefile) {
        status = check_nodefile(argv[optind], &settings, quiet);
    } else if (status == EXIT_OK) {
        status = compile_rules(argv + optind, argc - optind, &settings, quiet, &plan);
    }
    if (plan != NULL && !quiet && settings.messages == MESSAGES_HUMAN) {
        print_counts(plan);
    }
    weiri_plan_destroy(&plan);
    setting_list_fini(&settings);
    return status;
}
