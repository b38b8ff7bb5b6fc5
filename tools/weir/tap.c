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
    "Watch events of a node that was started with `weir run --live PAGE`, of one stream\n"
    "or of all: what comes in and what rules emit, a line each, its time, its stream "
    "and\n"
    "a JSON object. It is a sample, which never slows the node: of what there is more "
    "of,\n"
    "the rest is not shown. Fields that no rule and no sink reads are null.\n"
    "\n"
    "  --rate N   so many events a second at most, 100 if not said\n"
    "  --count N  end after so many events; without it when the node ends\n"
    "  --help     print this\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 65 PAGE is no page, 66 it is not there.\n";

enum { OPTION_RATE = 256, OPTION_COUNT, OPTION_HELP, DEFAULT_RATE = 100, LOOK_MS = 20 };

static const struct option OPTIONS[] = {
    { "rate", required_argument, NULL, OPTION_RATE },
    { "count", required_argument, NULL, OPTION_COUNT },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

struct request {
    uint64_t rate;
    uint64_t count; /* 0: no end */
    bool     help;
};

/* Print what the ring holds; false when there is enough of it. */
static bool
drain(weiri_view *view, const struct request *request, char *line, uint64_t *n)
{
    uint64_t n_lost = 0;
    size_t   size   = weiri_view_next(view, line, &n_lost);
    while (size > 0) {
        fwrite(line, 1, size, stdout);
        if (++*n == request->count) {
            return false;
        }
        size = weiri_view_next(view, line, &n_lost);
    }
    if (n_lost > 0) {
        fprintf(stderr,
            "weir: %" PRIu64 " bytes were lost: they came faster than they were "
            "read\n",
            n_lost);
    }
    return fflush(stdout) == 0;
}

static int
follow(const struct request *request, const char *path, const char *stream)
{
    static char           text[WEIRI_LIVE_TEXT];
    static char           line[WEIRI_LIVE_LINE];
    const struct timespec pause   = { .tv_nsec = LOOK_MS * WEIRI_NS_PER_MS };
    weir_error            err     = { .status = WEIR_OK };
    weiri_view           *view    = NULL;
    uint64_t              n       = 0;
    bool                  goes_on = true;
    weir_status           status  = weiri_view_open(path, &view, &err);
    while (status == WEIR_OK && goes_on) {
        size_t size = 0;
        weiri_view_tap(view, stream, (uint32_t)request->rate);
        bool is_there = weiri_view_read(view, text, &size);
        goes_on       = drain(view, request, line, &n) && is_there;
        if (goes_on) {
            nanosleep(&pause, NULL);
        }
    }
    weiri_view_close(&view);
    return report_failure(status, &err);
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
take_option(struct request *request, int option, char **argv)
{
    switch (option) {
    case OPTION_RATE: return take_number(&request->rate, "--rate");
    case OPTION_COUNT: return take_number(&request->count, "--count");
    case OPTION_HELP: request->help = true; return EXIT_OK;
    default: return report_option("tap", option, argv);
    }
}

int
command_tap(int argc, char **argv)
{
    struct request request = { .rate = DEFAULT_RATE };
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
    return follow(&request, argv[optind], n == 2 ? argv[optind + 1] : NULL);
}
