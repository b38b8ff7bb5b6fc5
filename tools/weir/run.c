/* weir run: a rule file over its sources, until they end or SIGINT or SIGTERM comes. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "running.h"
#include "weiri/flow.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

static const char HELP[] =
    "Usage: weir run [OPTION]... FILE...\n"
    "\n"
    "Run rules over the events of their sources and write what they find to their\n"
    "sinks. A stream that no rule reads is written to standard output if the rules\n"
    "name no sink at all.\n"
    "\n"
    "  --from PATH         read the stream's events from PATH instead of its source;\n"
    "                      - is standard input\n"
    "  --from STREAM=PATH  the same where rules read several streams; may be repeated\n"
    "  --set NAME=VALUE    set a parameter of the rules\n"
    "  --format FORMAT     of standard output: json, csv, msgpack or text\n"
    "  --shards N          run the rules on N threads beside the one that reads; what "
    "is\n"
    "                      written is the same for any N. 1 if not said: all on one\n"
    "  --state DIR         keep the state in DIR, and go on from what it holds: a run\n"
    "                      may be killed at any moment, and loses and repeats nothing\n"
    "  --checkpoint EVERY  how often the state is written, 5s if not said\n"
    "  --state-limit SIZE  how large each of the two files in DIR may grow, as 500M or\n"
    "                      10G, 64G if not said; intake waits while there is no room\n"
    "  --discard RULE      begin this rule anew, whatever DIR has of it; may be "
    "repeated\n"
    "  --keep-journal HOW  keep what came from pipes and sockets for `weir replay`, by\n"
    "                      time, as 2d, or by size, as 2G; a quarter of --state-limit\n"
    "                      at most\n"
    "  --message-format FORMAT\n"
    "                      of what is wrong with the rules: human, json or sarif; the\n"
    "                      last two go without progress and summary\n"
    "  --live PATH         make a page that `weir top` and `weir tap` look at\n"
    "  --quiet             no warnings, progress or summary\n"
    "  --help              print this\n"
    "\n"
    "The first SIGINT or SIGTERM ends the run as the end of the input would; with\n"
    "--state it writes the state and leaves the rest for the next run.\n"
    "Exit status: 0 done, 2 wrong usage, 65 wrong rules or data, 66 a file is\n"
    "missing, 74 reading or writing failed.\n";

enum {
    OPTION_FROM = 256,
    OPTION_SET,
    OPTION_FORMAT,
    OPTION_SHARDS,
    OPTION_STATE,
    OPTION_CHECKPOINT,
    OPTION_STATE_LIMIT,
    OPTION_DISCARD,
    OPTION_KEEP_JOURNAL,
    OPTION_MESSAGES,
    OPTION_LIVE,
    OPTION_QUIET,
    OPTION_HELP
};

static const struct option OPTIONS[] = {
    { "from", required_argument, NULL, OPTION_FROM },
    { "set", required_argument, NULL, OPTION_SET },
    { "format", required_argument, NULL, OPTION_FORMAT },
    { "shards", required_argument, NULL, OPTION_SHARDS },
    { "state", required_argument, NULL, OPTION_STATE },
    { "checkpoint", required_argument, NULL, OPTION_CHECKPOINT },
    { "state-limit", required_argument, NULL, OPTION_STATE_LIMIT },
    { "discard", required_argument, NULL, OPTION_DISCARD },
    { "keep-journal", required_argument, NULL, OPTION_KEEP_JOURNAL },
    { "message-format", required_argument, NULL, OPTION_MESSAGES },
    { "live", required_argument, NULL, OPTION_LIVE },
    { "quiet", no_argument, NULL, OPTION_QUIET },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

struct request {
    setting_list  settings;
    redirect_list redirects;
    weiri_format  format;
    uint32_t      n_shards;
    state_request state;
    const char   *live; /* path of the page; NULL: none */
    bool          quiet;
    bool          help;
};

/* ---- arguments ---- */

/* 1 … WEIRI_FLOW_SHARDS. */
static bool
parse_shards(const char *text, uint32_t *out)
{
    int64_t n = 0;
    if (!weiri_int_parse(text, strlen(text), &n) || n < 1 || n > WEIRI_FLOW_SHARDS) {
        return false;
    }
    *out = (uint32_t)n;
    return true;
}

/* "500M" in bytes; K, M, G and T are powers of 1,024. */
static bool
parse_size(const char *text, uint64_t *out)
{
    static const char UNITS[] = "KMGT";
    enum { BITS_PER_UNIT = 10, MOST_BITS = 50, LEAST_BITS = 20 };
    char              *end    = NULL;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || text[0] == '-') {
        return false;
    }
    if (*end != '\0') {
        const char *unit = strchr(UNITS, *end);
        if (unit == NULL || end[1] != '\0' || number > UINT64_C(1) << MOST_BITS) {
            return false;
        }
        for (const char *u = UNITS; u <= unit; u++) {
            number <<= BITS_PER_UNIT;
        }
    }
    *out = number;
    return number >= UINT64_C(1) << LEAST_BITS && number <= UINT64_C(1) << MOST_BITS;
}

/* "2d" of event time, or "2G" of bytes; sizes have capital units. */
static bool
parse_kept(const char *text, state_request *out)
{
    if (parse_size(text, &out->keep_bytes)) {
        return true;
    }
    out->keep_bytes = 0;
    return weiri_duration_parse(text, strlen(text), &out->keep_ns) && out->keep_ns > 0;
}

/* Returns an exit status. */
static int
take_option(struct request *request, int option, char **argv)
{
    switch (option) {
    case OPTION_FROM:
        return redirect_list_add(&request->redirects, optarg) ? EXIT_OK : EXIT_BUG;
    case OPTION_SET:
        return setting_list_add(&request->settings, "run", optarg) ? EXIT_OK : EXIT_USAGE;
    case OPTION_FORMAT:
        return format_parse(optarg, &request->format)
                   ? EXIT_OK
                   : report_usage("run",
                       "--format wants json, csv, msgpack or text, not '%s'", optarg);
    case OPTION_SHARDS:
        return parse_shards(optarg, &request->n_shards)
                   ? EXIT_OK
                   : report_usage("run", "--shards wants a number from 1 to %d, not '%s'",
                       (int)WEIRI_FLOW_SHARDS, optarg);
    case OPTION_STATE: request->state.path = optarg; return EXIT_OK;
    case OPTION_CHECKPOINT:
        return weiri_duration_parse(optarg, strlen(optarg), &request->state.interval_ns)
                       && request->state.interval_ns > 0
                   ? EXIT_OK
                   : report_usage(
                       "run", "--checkpoint wants a duration, as 5s, not '%s'", optarg);
    case OPTION_STATE_LIMIT:
        return parse_size(optarg, &request->state.max_bytes)
                   ? EXIT_OK
                   : report_usage("run",
                       "--state-limit wants a size of 1M or more, as 500M, not '%s'",
                       optarg);
    case OPTION_DISCARD:
        return state_request_discard(&request->state, optarg) ? EXIT_OK : EXIT_BUG;
    case OPTION_KEEP_JOURNAL:
        return parse_kept(optarg, &request->state)
                   ? EXIT_OK
                   : report_usage("run",
                       "--keep-journal wants a duration, as 2d, or a size, as 2G, not "
                       "'%s'",
                       optarg);
    case OPTION_MESSAGES:
        return message_format_parse(&request->settings.messages, "run", optarg)
                   ? EXIT_OK
                   : EXIT_USAGE;
    case OPTION_LIVE: request->live = optarg; return EXIT_OK;
    case OPTION_QUIET: request->quiet = true; return EXIT_OK;
    case OPTION_HELP: request->help = true; return EXIT_OK;
    default: return report_option("run", option, argv);
    }
}

static int
parse_arguments(int argc, char **argv, struct request *request)
{
    int option;
    int status = EXIT_OK;
    while (status == EXIT_OK && (option = next_option(argc, argv, OPTIONS)) != -1) {
        status = take_option(request, option, argv);
    }
    if (status == EXIT_OK && !request->help && optind == argc) {
        status = report_usage("run", "no rule file given");
    }
    if (status == EXIT_OK && request->state.path == NULL
        && (request->state.n_discard > 0 || request->state.interval_ns > 0
            || request->state.max_bytes > 0 || request->state.keep_ns > 0
            || request->state.keep_bytes > 0)) {
        status = report_usage("run",
            "--discard, --checkpoint, --state-limit and --keep-journal go with --state");
    }
    return status;
}

static int
run_plan(const weiri_plan *plan, const struct request *request)
{
    weir_error        err      = { 0 };
    stateful_run     *stateful = NULL;
    weir_status       status   = WEIR_OK;
    const run_request run      = {
             .redirects   = request->redirects.items,
             .n_redirects = request->redirects.n,
             .format      = request->format,
             .n_shards    = request->n_shards,
             .live        = request->live,
             .is_told     = !request->quiet && request->settings.messages == MESSAGES_HUMAN,
    };
    running_catch_signals(false);
    if (request->state.path != NULL) {
        status = stateful_open(&request->state, plan, &stateful, &err);
    }
    if (status == WEIR_OK) {
        status = running_run(&run, plan, stateful, &err);
    }
    stateful_close(&stateful);
    return report_failure(status, &err);
}

int
command_run(int argc, char **argv)
{
    struct request request = { 0 };
    weiri_plan    *plan    = NULL;
    int            status  = parse_arguments(argc, argv, &request);
    if (status == EXIT_OK && request.help) {
        fputs(HELP, stdout);
    } else if (status == EXIT_OK) {
        request.state.is_quiet = request.quiet;
        status                 = compile_rules(
                            argv + optind, argc - optind, &request.settings, request.quiet, &plan);
        if (status == EXIT_OK) {
            status = run_plan(plan, &request);
        }
    }
    weiri_plan_destroy(&plan);
    setting_list_fini(&request.settings);
    redirect_list_fini(&request.redirects);
    state_request_fini(&request.state);
    return status;
}
