/* weir replay: what a run read, read again, with its rules or with others. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "jsontext.h"
#include "weiri/numtext.h"
#include "weiri/replay.h"
#include "weiri/timetext.h"

static const char HELP[] =
    "Usage: weir replay [OPTION]... FILE...\n"
    "\n"
    "Run rules again over what a run has read: the same words as for `weir run`, with\n"
    "another verb, and the same rules or others. What came from pipes and sockets is\n"
    "taken from the state directory, which is not touched and may be in use; files are\n"
    "read again. What is found goes to standard output, never where the sinks say.\n"
    "\n"
    "  --state DIR         the state directory of the run\n"
    "  --diff              write nothing, but say which outputs differ from those in "
    "the\n"
    "                      files that the run has written, up to its last checkpoint;\n"
    "                      exit status 1 if any does\n"
    "  --to FOLDER         write a file for each sink into FOLDER\n"
    "  --since TIME        only outputs from this event time on, as\n"
    "                      2026-03-01T08:00:00Z; begins with the newest state before it\n"
    "                      that `weir run --keep-journal` has kept\n"
    "  --until TIME        only outputs before this event time\n"
    "  --position BYTE     only what is found after so many bytes of the source;\n"
    "                      STREAM=BYTE where there are several\n"
    "  --speed N           N seconds of event time a second; as fast as can be if not\n"
    "                      said. What is written is the same\n"
    "  --from PATH         read the stream's events from PATH; STREAM=PATH where rules\n"
    "                      read several streams\n"
    "  --set NAME=VALUE    set a parameter of the rules\n"
    "  --format FORMAT     of standard output: json, csv, msgpack or text\n"
    "  --message-format FORMAT\n"
    "                      of errors and differences: human, or json, a line each\n"
    "  --quiet             no warnings and no summary\n"
    "  --help              print this\n"
    "\n"
    "Exit status: 0 done, and nothing differs; 1 outputs differ; 2 wrong usage, 65 "
    "wrong\n"
    "rules or data, 66 a file is missing, 74 reading or writing failed.\n";

enum { EXIT_DIFFERS = 1 };

enum {
    OPTION_STATE = 256,
    OPTION_DIFF,
    OPTION_TO,
    OPTION_SINCE,
    OPTION_UNTIL,
    OPTION_POSITION,
    OPTION_SPEED,
    OPTION_FROM,
    OPTION_SET,
    OPTION_FORMAT,
    OPTION_MESSAGES,
    OPTION_QUIET,
    OPTION_HELP
};

static const struct option OPTIONS[] = {
    { "state", required_argument, NULL, OPTION_STATE },
    { "diff", no_argument, NULL, OPTION_DIFF },
    { "to", required_argument, NULL, OPTION_TO },
    { "since", required_argument, NULL, OPTION_SINCE },
    { "until", required_argument, NULL, OPTION_UNTIL },
    { "position", required_argument, NULL, OPTION_POSITION },
    { "speed", required_argument, NULL, OPTION_SPEED },
    { "from", required_argument, NULL, OPTION_FROM },
    { "set", required_argument, NULL, OPTION_SET },
    { "format", required_argument, NULL, OPTION_FORMAT },
    { "message-format", required_argument, NULL, OPTION_MESSAGES },
    { "quiet", no_argument, NULL, OPTION_QUIET },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

struct request {
    setting_list         settings;
    redirect_list        redirects;
    weiri_replay_options replay;
    bool                 quiet;
    bool                 help;
    const char          *sink; /* of the difference that was told last */
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

static bool
parse_time(const char *text, int64_t *out)
{
    return weiri_time_parse(text, strlen(text), out);
}

static bool
parse_speed(const char *text, double *out)
{
    char *end = NULL;
    *out      = strtod(text, &end);
    return end != text && *end == '\0' && *out > 0 && *out < 1e12;
}

/* "4096" or "stream=4096", taken apart in place. */
static bool
parse_position(char *text, weiri_replay_options *out)
{
    int64_t position = 0;
    char   *equal    = strchr(text, '=');
    if (equal != NULL) {
        *equal               = '\0';
        out->position_stream = text;
        text                 = equal + 1;
    }
    bool is_ok    = weiri_int_parse(text, strlen(text), &position) && position >= 0;
    out->position = (uint64_t)position;
    return is_ok;
}

static int
judge(bool is_ok, const char *wants)
{
    return is_ok ? EXIT_OK : report_usage("replay", "%s, not '%s'", wants, optarg);
}

/* Returns an exit status. */
static int
take_option(struct request *request, int option, char **argv)
{
    weiri_replay_options *replay = &request->replay;
    switch (option) {
    case OPTION_STATE: replay->state = optarg; return EXIT_OK;
    case OPTION_DIFF: replay->is_compared = true; return EXIT_OK;
    case OPTION_TO: replay->folder = optarg; return EXIT_OK;
    case OPTION_SINCE:
        return judge(parse_time(optarg, &replay->since_ns),
            "--since wants a time, as 2026-03-01T08:00:00Z");
    case OPTION_UNTIL:
        return judge(parse_time(optarg, &replay->until_ns),
            "--until wants a time, as 2026-03-01T08:00:00Z");
    case OPTION_POSITION:
        return judge(parse_position(optarg, replay),
            "--position wants a number of bytes, as 4096 or STREAM=4096");
    case OPTION_SPEED:
        return judge(
            parse_speed(optarg, &replay->speed), "--speed wants a number above 0");
    case OPTION_FROM:
        return redirect_list_add(&request->redirects, optarg) ? EXIT_OK : EXIT_BUG;
    case OPTION_SET:
        return setting_list_add(&request->settings, "replay", optarg) ? EXIT_OK
                                                                      : EXIT_USAGE;
    case OPTION_FORMAT:
        return judge(format_parse(optarg, &replay->stdout_format),
            "--format wants json, csv, msgpack or text");
    case OPTION_MESSAGES:
        return message_format_parse(&request->settings.messages, "replay", optarg)
                   ? EXIT_OK
                   : EXIT_USAGE;
    case OPTION_QUIET: request->quiet = true; return EXIT_OK;
    case OPTION_HELP: request->help = true; return EXIT_OK;
    default: return report_option("replay", option, argv);
    }
}

static int
check_arguments(const struct request *request, bool has_files)
{
    const weiri_replay_options *replay = &request->replay;
    if (!has_files) {
        return report_usage("replay", "no rule file given");
    }
    if (replay->is_compared && (replay->folder != NULL || replay->speed > 0)) {
        return report_usage("replay", "--diff writes nothing: it goes without %s",
            replay->folder != NULL ? "--to" : "--speed");
    }
    if (replay->is_compared && replay->position > 0) {
        return report_usage("replay", "--diff goes by time: say --since, not --position");
    }
    if (replay->position > 0 && replay->since_ns != INT64_MIN) {
        return report_usage("replay", "--since and --position both say where to begin");
    }
    return EXIT_OK;
}

static int
parse_arguments(int argc, char **argv, struct request *request)
{
    int option;
    int status = EXIT_OK;
    while (status == EXIT_OK && (option = next_option(argc, argv, OPTIONS)) != -1) {
        status = take_option(request, option, argv);
    }
    return status == EXIT_OK && !request->help ? check_arguments(request, optind < argc)
                                               : status;
}

/* ---- differences ---- */

static const char *
time_text(int64_t ns, char out[WEIRI_TIME_TEXT])
{
    if (ns == INT64_MIN) {
        return "the first";
    }
    weiri_time_format(ns, out);
    return out;
}

static void
print_text(const weiri_difference *it, struct request *request)
{
    static const char MARKS[] = { [WEIRI_CHANGE_ADDED] = '+',
        [WEIRI_CHANGE_MISSING]                         = '-',
        [WEIRI_CHANGE_CHANGED]                         = '~' };
    char              at[WEIRI_TIME_TEXT];
    if (request->sink != it->sink) {
        printf("%s\n", it->sink);
        request->sink = it->sink;
    }
    printf("%c %s%s  %s  %s\n", MARKS[it->change],
        it->change != WEIRI_CHANGE_MISSING ? ""
        : it->time_ns == INT64_MIN         ? "before "
                                           : "after ",
        time_text(it->time_ns, at), it->rules[0] != '\0' ? it->rules : "?", it->row);
    if (it->change == WEIRI_CHANGE_CHANGED) {
        printf("    %s\n", it->fields);
    }
}

static void
print_member(const char *name, const char *text)
{
    printf(",\"%s\":", name);
    json_print_text(stdout, text);
}

static void
print_json(const weiri_difference *it)
{
    static const char *const NAMES[] = { [WEIRI_CHANGE_ADDED] = "added",
        [WEIRI_CHANGE_MISSING]                                = "missing",
        [WEIRI_CHANGE_CHANGED]                                = "changed" };
    char                     at[WEIRI_TIME_TEXT];
    printf("{\"change\":\"%s\"", NAMES[it->change]);
    if (it->time_ns != INT64_MIN) {
        weiri_time_format(it->time_ns, at);
        printf(
            ",\"%s\":\"%s\"", it->change == WEIRI_CHANGE_MISSING ? "after" : "time", at);
    }
    print_member("rule", it->rules);
    print_member("stream", it->stream);
    print_member("sink", it->sink);
    print_member("row", it->row);
    if (it->change == WEIRI_CHANGE_CHANGED) {
        print_member("before", it->before);
        print_member("fields", it->fields);
    }
    puts("}");
}

static void
on_difference(void *context, const weiri_difference *difference)
{
    struct request *request = context;
    if (request->settings.messages == MESSAGES_HUMAN) {
        print_text(difference, request);
    } else {
        print_json(difference);
    }
}

static void
on_told(void *context, const char *text)
{
    const struct request *request = context;
    if (!request->quiet && request->settings.messages == MESSAGES_HUMAN) {
        fprintf(stderr, "weir: replay: %s\n", text);
    }
}

static void
tell_counts(const struct request *request, const weiri_replay_counts *counts)
{
    bool is_json = request->settings.messages != MESSAGES_HUMAN;
    if (request->replay.is_compared && is_json) {
        printf("{\"added\":%" PRIu64 ",\"missing\":%" PRIu64 ",\"changed\":%" PRIu64
               ",\"same\":%" PRIu64 "}\n",
            counts->n_added, counts->n_missing, counts->n_changed, counts->n_same);
    } else if (request->replay.is_compared) {
        printf("%" PRIu64 " added, %" PRIu64 " missing, %" PRIu64 " changed, %" PRIu64
               " the same\n",
            counts->n_added, counts->n_missing, counts->n_changed, counts->n_same);
    } else if (!request->quiet && !is_json) {
        fprintf(stderr, "weir: replay: %" PRIu64 " events, %" PRIu64 " outputs\n",
            counts->n_events, counts->n_outputs);
    }
}

static int
replay_plan(const weiri_plan *plan, struct request *request)
{
    weir_error            err     = { .status = WEIR_OK };
    weiri_replay_counts   counts  = { 0 };
    weiri_replay_options *options = &request->replay;
    options->redirects            = request->redirects.items;
    options->n_redirects          = request->redirects.n;
    options->differs              = on_difference;
    options->told                 = on_told;
    options->should_stop          = should_stop;
    options->context              = request;
    catch_signals();
    weir_status status = weiri_replay(plan, options, &counts, &err);
    if (status != WEIR_OK) {
        return report_failure(status, &err);
    }
    tell_counts(request, &counts);
    return counts.n_added + counts.n_missing + counts.n_changed > 0 ? EXIT_DIFFERS
                                                                    : EXIT_OK;
}

int
command_replay(int argc, char **argv)
{
    struct request request = { .replay = {
                                   .since_ns = INT64_MIN, .until_ns = INT64_MAX } };
    weiri_plan    *plan    = NULL;
    int            status  = parse_arguments(argc, argv, &request);
    if (status == EXIT_OK && request.help) {
        fputs(HELP, stdout);
    } else if (status == EXIT_OK) {
        status = compile_rules(
            argv + optind, argc - optind, &request.settings, request.quiet, &plan);
        if (status == EXIT_OK) {
            status = replay_plan(plan, &request);
        }
    }
    weiri_plan_destroy(&plan);
    setting_list_fini(&request.settings);
    redirect_list_fini(&request.redirects);
    return status;
}
