/* weir test: the `test` blocks of rule files. */
#include <string.h>

#include "command.h"
#include "story.h"

static const char HELP[] =
    "Usage: weir test [OPTION]... FILE...\n"
    "\n"
    "Run the test blocks of rule files: events with virtual time go in, and what\n"
    "comes out is held against what is expected. Output is TAP (Test Anything\n"
    "Protocol); what went wrong stands below its test.\n"
    "\n"
    "  --filter TEXT     only tests whose title contains TEXT\n"
    "  --set NAME=VALUE  set a parameter of the rules\n"
    "  --help            print this\n"
    "\n"
    "Exit status: 0 all tests passed, 1 some did not, 2 wrong usage, 65 the rules\n"
    "are wrong or hold no such test, 66 a file is missing.\n";

enum { OPTION_FILTER = 256, OPTION_SET, OPTION_HELP };

static const struct option OPTIONS[] = {
    { "filter", required_argument, NULL, OPTION_FILTER },
    { "set", required_argument, NULL, OPTION_SET },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

enum { EXIT_TEST_FAILED = 1 };

/* Print text as TAP comments, a line each. */
static void
print_comment(const char *text, size_t size)
{
    while (size > 0) {
        const char *end  = memchr(text, '\n', size);
        size_t      line = end != NULL ? (size_t)(end - text) : size;
        printf("#     %.*s\n", (int)line, text);
        line += end != NULL;
        text += line;
        size -= line;
    }
}

/* A test under way: its verdict is printed once, before what went wrong. */
struct verdict {
    const weiri_plan *plan;
    const weiri_test *test;
    uint32_t          number;
    bool              is_told;
};

static void
tell_verdict(struct verdict *self, bool is_ok)
{
    if (!self->is_told) {
        printf("%s %u - %s\n", is_ok ? "ok" : "not ok", self->number, self->test->title);
    }
    self->is_told = true;
}

static void
on_failed(void *context, const weiri_ruletest_failure *failure)
{
    struct verdict        *verdict = context;
    const weiri_test_line *line    = failure->line;
    const char            *name    = verdict->plan->streams[line->stream].schema.name;
    tell_verdict(verdict, false);
    if (line->kind == WEIRI_TEST_EXPECT_NO) {
        printf("#   %s:%u: expected no such '%s', but %u came\n", line->place.file,
            line->place.line, name, failure->n_found);
    } else {
        char count[16] = "a";
        if (line->count != WEIRI_NONE) {
            snprintf(count, sizeof count, "%u", line->count);
        }
        printf("#   %s:%u: expected %s such '%s', found %u\n", line->place.file,
            line->place.line, count, name, failure->n_found);
    }
    printf("#   what came out of '%s':%s\n", name, failure->size > 0 ? "" : " nothing");
    print_comment(failure->came, failure->size);
    if (failure->rule != NULL) {
        tell_failed_test(failure, "#   ", stdout);
    }
}

static bool
is_chosen(const weiri_test *test, const char *filter)
{
    return filter == NULL || strstr(test->title, filter) != NULL;
}

static uint32_t
count_chosen(const weiri_plan *plan, const char *filter)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->n_tests; i++) {
        n += is_chosen(&plan->tests[i], filter);
    }
    return n;
}

static int
run_tests(weiri_plan *plan, const char *filter)
{
    uint32_t n        = 0;
    uint32_t n_failed = 0;
    uint32_t n_chosen = count_chosen(plan, filter);
    if (n_chosen == 0) {
        fprintf(stderr, "weir: %s\n",
            filter != NULL ? "no test has such a title" : "the rules hold no test");
        return EXIT_DATA;
    }
    printf("TAP version 13\n1..%u\n", n_chosen);
    for (uint32_t i = 0; i < plan->n_tests; i++) {
        const weiri_test *test = &plan->tests[i];
        if (!is_chosen(test, filter)) {
            continue;
        }
        struct verdict verdict = { .plan = plan, .test = test, .number = ++n };
        const weiri_ruletest_report report = { .failed = on_failed, .context = &verdict };
        weir_error                  err    = { 0 };
        uint32_t                    wrong  = 0;
        weir_status status = weiri_ruletest_run(plan, test, &report, &wrong, &err);
        if (status != WEIR_OK) {
            return report_failure(status, &err);
        }
        tell_verdict(&verdict, wrong == 0);
        n_failed += wrong > 0;
    }
    return n_failed == 0 ? EXIT_OK : EXIT_TEST_FAILED;
}

int
command_test(int argc, char **argv)
{
    setting_list settings = { 0 };
    const char  *filter   = NULL;
    int          option;
    int          status = EXIT_OK;
    while (status == EXIT_OK && (option = next_option(argc, argv, OPTIONS)) != -1) {
        switch (option) {
        case OPTION_FILTER: filter = optarg; break;
        case OPTION_SET:
            status = setting_list_add(&settings, "test", optarg) ? EXIT_OK : EXIT_USAGE;
            break;
        case OPTION_HELP: fputs(HELP, stdout); return EXIT_OK;
        default: status = report_option("test", option, argv);
        }
    }
    if (status == EXIT_OK && optind == argc) {
        status = report_usage("test", "no rule file given");
    }
    weiri_plan *plan = NULL;
    if (status == EXIT_OK) {
        settings.with_tests = true;
        status = compile_rules(argv + optind, argc - optind, &settings, true, &plan);
    }
    if (status == EXIT_OK) {
        status = run_tests(plan, filter);
    }
    weiri_plan_destroy(&plan);
    setting_list_fini(&settings);
    return status;
}
