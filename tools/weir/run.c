/* weir run: a rule file over its sources, until they end or SIGINT or SIGTERM comes. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "stateful.h"
#include "weiri/flow.h"
#include "weiri/live.h"
#include "weiri/numtext.h"
#include "weiri/plugin.h"
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

/* A signal handler can reach nothing but static storage. */
static volatile sig_atomic_t signal_came; /* NOLINT(*-avoid-non-const-global-variables) */

static void
on_signal(int number)
{
    (void)number;
    signal_came = 1;
}

static bool
should_stop(void *context)
{
    (void)context;
    return signal_came != 0;
}

/* The second signal of a kind ends the process at once. */
static void
catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

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

/* ---- progress and summary ---- */

struct progress {
    weiri_engine *engine;
    weiri_live   *live; /* NULL: nobody may look */
    double        begun;
    double        told;
    uint64_t      n_notices; /* that were told */
    bool          is_on;     /* a person is looking at standard error */
};

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* 1234567 as "1,234,567". */
static const char *
grouped(uint64_t n, char out[32])
{
    char   digits[24];
    int    size = snprintf(digits, sizeof digits, "%" PRIu64, n);
    size_t used = 0;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

static void
print_counts(const weiri_engine_counts *counts, double seconds)
{
    char   events[32];
    char   rate[32];
    char   matches[32];
    char   late[32];
    char   dead[32];
    double per_second = seconds > 0 ? (double)counts->n_events / seconds : 0;
    fprintf(stderr, "weir: %s event%s in %.2f s (%s events/s)",
        grouped(counts->n_events, events), counts->n_events == 1 ? "" : "s", seconds,
        grouped((uint64_t)per_second, rate));
    fprintf(stderr, ", %s match%s", grouped(counts->n_matches, matches),
        counts->n_matches == 1 ? "" : "es");
    fprintf(stderr, ", %s late, %s undecodable", grouped(counts->n_late, late),
        grouped(counts->n_dead, dead));
}

/* What a person may have to act upon is said only if there is some. */
static void
print_oddities(const weiri_engine_counts *counts)
{
    char n[32];
    if (counts->n_dropped > 0) {
        fprintf(stderr, ", %s dropped by a bound", grouped(counts->n_dropped, n));
    }
    if (counts->n_null_keys > 0) {
        fprintf(stderr, ", %s without a key", grouped(counts->n_null_keys, n));
    }
    if (counts->n_failed > 0) {
        fprintf(stderr, ", %s failure%s of actors", grouped(counts->n_failed, n),
            counts->n_failed == 1 ? "" : "s");
    }
    if (counts->n_faults > 0) {
        fprintf(stderr, ", %s arithmetic fault%s", grouped(counts->n_faults, n),
            counts->n_faults == 1 ? "" : "s");
    }
}

static void
tell_progress(struct progress *self)
{
    const weiri_engine *engine = self->engine;
    if (!self->is_on) {
        return;
    }
    double now = seconds_now();
    if (now - self->told < 0.2) {
        return;
    }
    self->told                 = now;
    weiri_engine_counts counts = weiri_engine_get_counts(engine);
    fputs("\r\033[K", stderr);
    print_counts(&counts, now - self->begun);
    fflush(stderr);
}

/* What plugins have counted, a line each. */
static void
print_metrics(const weiri_plan *plan)
{
    char         n[32];
    weiri_metric metric;
    for (uint32_t i = 0;
         plan->metrics != NULL && weiri_metrics_at(plan->metrics, i, &metric); i++) {
        if (metric.is_gauge) {
            fprintf(stderr, "weir: %s: %s %g\n", metric.owner, metric.name, metric.gauge);
        } else {
            fprintf(stderr, "weir: %s: %s %s\n", metric.owner, metric.name,
                grouped(metric.count, n));
        }
    }
}

static void
tell_summary(
    const struct progress *self, const weiri_engine *engine, const weiri_plan *plan)
{
    weiri_engine_counts counts = weiri_engine_get_counts(engine);
    if (self->is_on) {
        fputs("\r\033[K", stderr);
    }
    print_counts(&counts, seconds_now() - self->begun);
    print_oddities(&counts);
    fputc('\n', stderr);
    if (counts.first_dead != NULL) {
        fprintf(stderr, "weir: not decoded: %s%s\n", counts.first_dead,
            counts.n_dead > 1 ? " (the first of them)" : "");
    }
    print_metrics(plan);
}

/* ---- the run ---- */

static void
tell_notice(struct progress *self)
{
    uint64_t    n      = 0;
    const char *notice = weiri_engine_notice(self->engine, &n);
    if (n > self->n_notices) {
        fprintf(stderr, "%sweir: %s\n", self->is_on ? "\r\033[K" : "", notice);
        self->n_notices = n;
    }
}

/* Told each turn, by whoever drives. */
static void
tell_turn(void *context)
{
    struct progress *self = context;
    tell_notice(self);
    tell_progress(self);
    if (self->live != NULL) {
        weiri_live_tell(self->live, self->engine, false);
    }
}

static weir_status
drive(weiri_engine *engine, stateful_run *stateful, struct progress *progress,
    weir_error *err)
{
    weir_status status;
    do {
        status = weiri_engine_turn(engine, err);
        if (stateful != NULL && (status == WEIR_OK || status == WEIR_ENOSPC)) {
            status = stateful_after_turn(stateful, engine, status, err);
        }
        tell_turn(progress);
    } while (status == WEIR_OK);
    return status;
}

/* What is left to do when the last turn is done, or one has failed. */
static weir_status
wind_up(stateful_run *stateful, weiri_engine *engine, weir_status status, weir_error *err)
{
    weir_error  second = { 0 };
    bool        is_eof = status == WEIR_EOF;
    weir_status ended  = WEIR_OK;
    /* What has state and failed is not at its end: the next run goes on. */
    if (stateful == NULL || (is_eof && weiri_engine_is_at_end(engine))) {
        ended = weiri_engine_end(engine, &second);
    }
    if (ended == WEIR_OK && stateful != NULL && is_eof) {
        ended = stateful_at_end(stateful, engine, &second);
    }
    weir_error  third  = { 0 };
    weir_status closed = weiri_engine_close(engine, &third);
    if (!is_eof) {
        return status; /* the first failure is the one to tell */
    }
    *err = ended != WEIR_OK ? second : third;
    return ended != WEIR_OK ? ended : closed;
}

static weir_status
run_engine(const weiri_plan *plan, const struct request *request, stateful_run *stateful,
    weiri_live *live, weir_error *err)
{
    struct progress      progress = { 0 };
    weiri_engine_options options  = {
         .redirects     = request->redirects.items,
         .n_redirects   = request->redirects.n,
         .stdout_format = request->format,
         .should_stop   = should_stop,
         .on_turn       = tell_turn,
         .context       = &progress,
         .n_shards      = request->n_shards,
    };
    if (stateful != NULL) {
        stateful_lend(stateful, &options);
    }
    if (live != NULL) {
        options.passed         = weiri_live_passed;
        options.passed_context = live;
    }
    weiri_engine *engine = NULL;
    weir_status   status = weiri_engine_new(plan, &options, &engine, err);
    if (status != WEIR_OK) {
        return status;
    }
    bool is_told = !request->quiet && request->settings.messages == MESSAGES_HUMAN;
    progress     = (struct progress){ .engine = engine,
            .live                             = live,
            .begun                            = seconds_now(),
            .is_on                            = is_told && isatty(STDERR_FILENO) == 1 };
    status       = stateful != NULL ? stateful_begin(stateful, engine, err) : WEIR_OK;
    if (status == WEIR_OK && request->n_shards > 1) {
        status = weiri_engine_run(engine, err);
        status = status == WEIR_OK ? WEIR_EOF : status;
    } else if (status == WEIR_OK) {
        status = drive(engine, stateful, &progress, err);
    }
    status = wind_up(stateful, engine, status, err);
    if (live != NULL) {
        weiri_live_tell(live, engine, true);
    }
    if (is_told) {
        tell_summary(&progress, engine, plan);
        if (stateful != NULL) {
            stateful_tell(stateful);
        }
    }
    weiri_engine_destroy(&engine);
    return status;
}

static int
run_plan(const weiri_plan *plan, const struct request *request)
{
    weir_error    err      = { 0 };
    stateful_run *stateful = NULL;
    weiri_live   *live     = NULL;
    weir_status   status   = WEIR_OK;
    catch_signals();
    if (request->state.path != NULL) {
        status = stateful_open(&request->state, plan, request->quiet, &stateful, &err);
    }
    if (status == WEIR_OK && request->live != NULL) {
        status = weiri_live_new(request->live, plan, &live, &err);
    }
    if (status == WEIR_OK) {
        status = run_engine(plan, request, stateful, live, &err);
    }
    weiri_live_destroy(&live);
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
        status = compile_rules(
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
