/* weir tap: a sample of the events of a node at work. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "weiri/live.h"
#include "weiri/timetext.h"

static const char HELP[] =
    "Usage: weir tap [OPTION]... PAGE [STREAM]\n"
    "\n"
    "Watch events of a run with --live PAGE, or of a node whose file says live\n"
    "\"PAGE\", of one stream or of all: what comes in and what rules emit, a line\n"
    "each, its time, its stream and a JSON object. It is a sample, which takes at\n"
    "most a fiftieth of the node's time: of what there is more of, the rest is not\n"
    "shown. Fields that no rule and no sink reads are null. One tap at a time: the\n"
    "last. When the node's rules change it ends. In a cluster it knows of the keys\n"
    "of its own node.\n"
    "\n"
    "  --where CONDITION  events for which it holds, as 'amount > 100 and user != "
    "\"x\"'\n"
    "  --rule RULE   what the rule emits\n"
    "  --key KEY     with --rule: what it reads of this key; values of several\n"
    "                separated by commas\n"
    "  --partial     with --rule: its partial matches of the key, from now on: which\n"
    "                step takes an event, what ends them; without --key of one key\n"
    "                after another\n"
    "  --rate N      so many lines a second at most, 100 if not said\n"
    "  --count N     end after so many lines; without it when the node ends\n"
    "  --help        print this\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, or nothing of the node is meant, 65 PAGE is no\n"
    "page, 66 it is not there.\n";

enum {
    OPTION_RATE = 256,
    OPTION_COUNT,
    OPTION_WHERE,
    OPTION_RULE,
    OPTION_KEY,
    OPTION_PARTIAL,
    OPTION_HELP,
    DEFAULT_RATE = 100,
    LOOK_MS      = 20
};

static const struct option OPTIONS[] = {
    { "rate", required_argument, NULL, OPTION_RATE },
    { "count", required_argument, NULL, OPTION_COUNT },
    { "where", required_argument, NULL, OPTION_WHERE },
    { "rule", required_argument, NULL, OPTION_RULE },
    { "key", required_argument, NULL, OPTION_KEY },
    { "partial", no_argument, NULL, OPTION_PARTIAL },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

struct request {
    weiri_tap_wish wish;
    uint64_t       count; /* 0: no end */
    bool           help;
};

/* What came of a look into the ring. */
struct drained {
    uint64_t n;          /* lines ever   */
    bool     is_enough;  /* of them      */
    bool     is_refused; /* by the node  */
};

/* Print what the ring holds. */
static void
drain(weiri_view *view, const struct request *request, char *line, struct drained *out)
{
    uint64_t        n_lost = 0;
    weiri_live_kind kind   = WEIRI_LIVE_EVENT;
    size_t          size   = weiri_view_next(view, line, &kind, &n_lost);
    while (size > 0 && !out->is_enough) {
        bool is_line = kind == WEIRI_LIVE_EVENT || kind == WEIRI_LIVE_PARTIAL;
        fprintf(is_line ? stdout : stderr, "%s%.*s",
            is_line ? "" : "weir tap: ", (int)size, line);
        out->is_refused = kind == WEIRI_LIVE_REFUSED;
        out->n += is_line;
        out->is_enough = out->is_refused || (is_line && out->n == request->count);
        size           = out->is_enough ? 0 : weiri_view_next(view, line, &kind, &n_lost);
    }
    if (n_lost > 0) {
        fprintf(stderr,
            "weir: %" PRIu64 " bytes were lost: they came faster than they were "
            "read\n",
            n_lost);
    }
    out->is_enough = fflush(stdout) != 0 || out->is_enough;
}

static int
follow(const struct request *request, const char *path)
{
    static char           text[WEIRI_LIVE_TEXT];
    static char           line[WEIRI_LIVE_LINE];
    const struct timespec pause    = { .tv_nsec = LOOK_MS * WEIRI_NS_PER_MS };
    weir_error            err      = { .status = WEIR_OK };
    weiri_view           *view     = NULL;
    struct drained        drained  = { 0 };
    bool                  is_there = true;
    weir_status           status   = weiri_view_open(path, &view, &err);
    while (status == WEIR_OK && is_there && !drained.is_enough) {
        size_t size = 0;
        weiri_view_tap(view, &request->wish);
        is_there = weiri_view_read(view, text, &size);
        drain(view, request, line, &drained);
        if (is_there && !drained.is_enough) {
            nanosleep(&pause, NULL);
        }
    }
    weiri_view_close(&view);
    return drained.is_refused ? EXIT_USAGE : report_failure(status, &err);
}

static int
take_number(uint64_t *out, const char *option)
{
    char *end = NULL;
    *out      = strtoull(optarg, &end, 10);
    return *end == '\0' && *out > 0 && *out <= UINT32_MAX
               ? EXIT_OK
               : report_usage(
                   "tap", "%s wants a number above 0, not '%s'", option, optarg);
}

static int
take_text(char *to, size_t cap, const char *option)
{
    return (size_t)snprintf(to, cap, "%s", optarg) < cap
               ? EXIT_OK
               : report_usage("tap", "%s is too long", option);
}

static int
take_option(struct request *request, int option, char **argv)
{
    weiri_tap_wish *wish = &request->wish;
    switch (option) {
    case OPTION_RATE: {
        uint64_t rate   = 0;
        int      status = take_number(&rate, "--rate");
        wish->rate      = (uint32_t)rate;
        return status;
    }
    case OPTION_WHERE: return take_text(wish->where, sizeof wish->where, "--where");
    case OPTION_RULE: return take_text(wish->rule, sizeof wish->rule, "--rule");
    case OPTION_KEY:
        wish->has_key = true;
        return take_text(wish->key, sizeof wish->key, "--key");
    case OPTION_PARTIAL: wish->is_partial = true; return EXIT_OK;
    case OPTION_COUNT: return take_number(&request->count, "--count");
    case OPTION_HELP: request->help = true; return EXIT_OK;
    default: return report_option("tap", option, argv);
    }
}

int
command_tap(int argc, char **argv)
{
    struct request request = { .wish = { .rate = DEFAULT_RATE } };
    int            status  = EXIT_OK;
    int            option;
    while (status == EXIT_OK && (option = next_option(argc, argv, OPTIONS)) != -1) {
        status = take_option(&request, option, argv);
    }
    if (status != EXIT_OK || request.help) {
        fputs(status == EXIT_OK ? HELP : "", stdout);
        return status;
    }
    int n = argc - optind;
    if (n < 1 || n > 2) {
        return report_usage("tap", "it wants the page of one node, and a stream at most");
    }
    if (request.wish.rule[0] == '\0'
        && (request.wish.has_key || request.wish.is_partial)) {
        return report_usage("tap", "--key and --partial go with --rule");
    }
    if (n == 2 && strlen(argv[optind + 1]) >= sizeof request.wish.stream) {
        return report_usage("tap", "the name of the stream is too long");
    }
    if (n == 2) {
        memcpy(request.wish.stream, argv[optind + 1], strlen(argv[optind + 1]));
    }
    return follow(&request, argv[optind]);
}
