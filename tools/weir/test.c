/* weir test: the `test` blocks of rule files. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "test_run.h"

static const char HELP[] =
    "Usage: weir test [OPTION]... FILE...\n"
    "\n"
    "Run the test blocks of rule files: events with virtual time go in, and what\n"
    "comes out is held against what is expected. Output is TAP (Test Anything\n"
    "Protocol); what went wrong stands below its test, with how far the nearest\n"
    "partial match got.\n"
    "\n"
    "  --filter TEXT            only tests whose title contains TEXT\n"
    "  --jobs N                 run them in N processes; the output is the same\n"
    "  --format FORMAT          tap, or junit for JUnit's XML\n"
    "  --coverage               say which rules never matched, which steps no match\n"
    "                           took, and which conditions on one event were never true\n"
    "                           or never false\n"
    "  --set NAME=VALUE         set a parameter of the rules\n"
    "  --message-format FORMAT  of what is wrong with the rules: human, json or sarif\n"
    "  --help                   print this\n"
    "\n"
    "Exit status: 0 all tests passed, 1 some did not, 2 wrong usage, 65 the rules\n"
    "are wrong or hold no such test, 66 a file is missing.\n";

enum {
    OPTION_FILTER = 256,
    OPTION_JOBS,
    OPTION_FORMAT,
    OPTION_COVERAGE,
    OPTION_SET,
    OPTION_MESSAGES,
    OPTION_HELP
};

static const struct option OPTIONS[] = {
    { "filter", required_argument, NULL, OPTION_FILTER },
    { "jobs", required_argument, NULL, OPTION_JOBS },
    { "format", required_argument, NULL, OPTION_FORMAT },
    { "coverage", no_argument, NULL, OPTION_COVERAGE },
    { "set", required_argument, NULL, OPTION_SET },
    { "message-format", required_argument, NULL, OPTION_MESSAGES },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

enum { EXIT_TEST_FAILED = 1, MOST_JOBS = 64 };

struct request {
    setting_list settings;
    const char  *filter; /* NULL: all */
    uint32_t     n_jobs;
    bool         is_junit;
    bool         has_coverage;
    bool         help;
};

/* ---- arguments ---- */

static int
take_jobs(struct request *request, const char *text)
{
    char *end = NULL;
    long  n   = strtol(text, &end, 10);
    if (end == text || *end != '\0' || n < 1 || n > MOST_JOBS) {
        return report_usage(
            "test", "--jobs wants a number from 1 to %d, not '%s'", MOST_JOBS, text);
    }
    request->n_jobs = (uint32_t)n;
    return EXIT_OK;
}

static int
take_format(struct request *request, const char *text)
{
    request->is_junit = strcmp(text, "junit") == 0;
    return request->is_junit || strcmp(text, "tap") == 0
               ? EXIT_OK
               : report_usage("test", "--format wants tap or junit, not '%s'", text);
}

static int
take_option(struct request *request, int option, char **argv)
{
    setting_list *settings = &request->settings;
    switch (option) {
    case OPTION_FILTER: request->filter = optarg; return EXIT_OK;
    case OPTION_JOBS: return take_jobs(request, optarg);
    case OPTION_FORMAT: return take_format(request, optarg);
    case OPTION_COVERAGE: request->has_coverage = true; return EXIT_OK;
    case OPTION_SET:
        return setting_list_add(settings, "test", optarg) ? EXIT_OK : EXIT_USAGE;
    case OPTION_MESSAGES:
        return message_format_parse(&settings->messages, "test", optarg) ? EXIT_OK
                                                                         : EXIT_USAGE;
    case OPTION_HELP: request->help = true; return EXIT_OK;
    default: return report_option("test", option, argv);
    }
}

/* ---- tests ---- */

static bool
is_chosen(const weiri_test *test, const char *filter)
{
    return filter == NULL || strstr(test->title, filter) != NULL;
}

/* The tests that the filter lets through; to be freed. */
static const weiri_test **
choose(const weiri_plan *plan, const char *filter, uint32_t *n)
{
    const weiri_test **tests = calloc(plan->n_tests + 1, sizeof *tests);
    for (uint32_t i = 0; tests != NULL && i < plan->n_tests; i++) {
        if (is_chosen(&plan->tests[i], filter)) {
            tests[(*n)++] = &plan->tests[i];
        }
    }
    return tests;
}

/* Returns an exit status. */
static int
tell(const struct request *request, const weiri_plan *plan, const test_outcome *outcomes,
    uint32_t n, const weiri_coverage *coverage)
{
    int worst = EXIT_OK;
    for (uint32_t i = 0; i < n; i++) {
        if (outcomes[i].status != WEIR_OK) {
            weir_error err = { .status = outcomes[i].status };
            snprintf(err.text, sizeof err.text, "%s", outcomes[i].text);
            return report_failure(outcomes[i].status, &err);
        }
        worst = outcomes[i].n_failed > 0 ? EXIT_TEST_FAILED : worst;
    }
    (request->is_junit ? print_junit : print_tap)(plan, outcomes, n, coverage);
    return worst;
}

static int
run_chosen(const struct request *request, const weiri_plan *plan,
    const weiri_test *const *tests, uint32_t n)
{
    weir_error      err      = { 0 };
    weiri_coverage  coverage = { .n_points = 0 };
    weiri_coverage *wanted   = request->has_coverage ? &coverage : NULL;
    test_outcome   *outcomes = calloc(n, sizeof *outcomes);
    weir_status     status   = outcomes == NULL ? WEIR_ENOMEM : WEIR_OK;
    if (status == WEIR_OK && request->has_coverage) {
        status = weiri_coverage_init(&coverage, plan);
    }
    if (status == WEIR_OK) {
        status = tests_run(plan, tests, n, request->n_jobs, outcomes, wanted, &err);
    }
    int result = status == WEIR_OK ? tell(request, plan, outcomes, n, wanted)
                                   : report_failure(status, &err);
    if (outcomes != NULL) {
        test_outcomes_fini(outcomes, n);
    }
    free(outcomes);
    weiri_coverage_fini(&coverage);
    return result;
}

static int
run_tests(const struct request *request, const weiri_plan *plan)
{
    uint32_t           n     = 0;
    const weiri_test **tests = choose(plan, request->filter, &n);
    int                result;
    if (tests == NULL) {
        result = EXIT_BUG;
    } else if (n == 0) {
        fprintf(stderr, "weir: %s\n",
            request->filter != NULL ? "no test has such a title"
                                    : "the rules hold no test");
        result = EXIT_DATA;
    } else {
        result = run_chosen(request, plan, tests, n);
    }
    free(tests);
    return result;
}

int
command_test(int argc, char **argv)
{
    struct request request = { .n_jobs = 1, .settings = { .with_tests = true } };
    weiri_plan    *plan    = NULL;
    int            status  = EXIT_OK;
    int            option;
    while (status == EXIT_OK && (option = next_option(argc, argv, OPTIONS)) != -1) {
        status = take_option(&request, option, argv);
    }
    if (status == EXIT_OK && request.help) {
        fputs(HELP, stdout);
    } else if (status == EXIT_OK && optind == argc) {
        status = report_usage("test", "no rule file given");
    } else if (status == EXIT_OK) {
        status =
            compile_rules(argv + optind, argc - optind, &request.settings, true, &plan);
        if (status == EXIT_OK) {
            status = run_tests(&request, plan);
        }
    }
    weiri_plan_destroy(&plan);
    setting_list_fini(&request.settings);
    return status;
}
