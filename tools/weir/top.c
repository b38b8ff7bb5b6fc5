/* weir top: the counts of a node at work, and how fast they grow. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "weiri/live.h"
#include "weiri/timetext.h"

static const char HELP[] =
    "Usage: weir top [OPTION]... PAGE\n"
    "\n"
    "Watch a run with --live PAGE, or a node whose file says live \"PAGE\": its\n"
    "sources and rules, how fast they go, for how many keys they keep state, how much\n"
    "they hold; how long events take from being read until what they led to is\n"
    "written (half of them, and 99 of 100, of the last seconds); how far time in the\n"
    "rules is behind the clock; and with --shards how much waits at each shard, and who "
    "waits for whom.\n"
    "\n"
    "  --every EVERY  look so often, 1s if not said\n"
    "  --count N      end after so many looks; without it when the node ends\n"
    "  --help         print this\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 65 PAGE is no page, 66 it is not there.\n";

enum { OPTION_EVERY = 256, OPTION_COUNT, OPTION_HELP };

static const struct option OPTIONS[] = {
    { "every", required_argument, NULL, OPTION_EVERY },
    { "count", required_argument, NULL, OPTION_COUNT },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

struct request {
    int64_t  every_ns;
    uint64_t count; /* 0: no end */
    bool     help;
};

/* A look: its text, and the moment that it tells of. */
struct look {
    char   text[WEIRI_LIVE_TEXT + 1];
    size_t size;
    double seconds;
};

/* ---- reading lines ---- */

/* Where the value of a field begins; NULL if the line has none. */
static const char *
find(const char *line, const char *end, const char *field)
{
    char   key[64];
    size_t size = (size_t)snprintf(key, sizeof key, "\"%s\":", field);
    for (const char *p = line; p + size < end; p++) {
        if (memcmp(p, key, size) == 0) {
            return p + size;
        }
    }
    return NULL;
}

static double
number(const char *line, const char *end, const char *field)
{
    const char *at = find(line, end, field);
    return at != NULL ? strtod(at, NULL) : 0;
}

static void
text_of(const char *line, const char *end, const char *field, char *out, size_t cap)
{
    const char *at = find(line, end, field);
    size_t      n  = 0;
    if (at != NULL && *at == '"') {
        for (at++; at < end && *at != '"' && n + 1 < cap; at++) {
            out[n++] = *at;
        }
    }
    out[n] = '\0';
}

static const char *
line_end(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL ? end : line + strlen(line);
}

static bool
is_part(const char *line, const char *end, const char *part)
{
    char is[16];
    text_of(line, end, "part", is, sizeof is);
    return strcmp(is, part) == 0;
}

/* The line of the same part and name in an earlier look; NULL if there is none. */
static const char *
same_line(const struct look *look, const char *line, const char *end)
{
    char part[16];
    char name[256];
    text_of(line, end, "part", part, sizeof part);
    text_of(line, end, "name", name, sizeof name);
    for (const char *p = look->text; *p != '\0'; p = line_end(p) + 1) {
        char        other[256];
        const char *p_end = line_end(p);
        text_of(p, p_end, "name", other, sizeof other);
        if (is_part(p, p_end, part) && strcmp(other, name) == 0) {
            return p;
        }
        if (*p_end == '\0') {
            break;
        }
    }
    return NULL;
}

/* How much a field has grown a second since the look before. */
static double
rate(const struct look *before, double seconds, const char *line, const char *end,
    const char *field)
{
    const char *old  = same_line(before, line, end);
    double      span = seconds - before->seconds;
    if (old == NULL || span <= 0) {
        return 0;
    }
    return (number(line, end, field) - number(old, line_end(old), field)) / span;
}

/* ---- showing ---- */

/* 1234567 as "1.23M". */
static const char *
brief(double value, char out[16])
{
    static const char UNITS[] = " kMGT";
    size_t            unit    = 0;
    while (value >= 1000 && unit + 2 < sizeof UNITS) {
        value /= 1000;
        unit++;
    }
    if (unit == 0) {
        snprintf(out, 16, "%.0f", value);
    } else {
        snprintf(out, 16, "%.*f%c",
            value < 10    ? 2
            : value < 100 ? 1
                          : 0,
            value, UNITS[unit]);
    }
    return out;
}

static void
show_run(const struct look *before, const struct look *now, const char *line,
    const char *end, bool is_there)
{
    char watermark[64];
    char a[4][16];
    text_of(line, end, "watermark", watermark, sizeof watermark);
    printf("%s  %.1f s  time %s  %s events/s  %s bytes/s  %s matches  %s dropped\n",
        is_there ? "running" : "ended", now->seconds, watermark,
        brief(rate(before, now->seconds, line, end, "events"), a[0]),
        brief(rate(before, now->seconds, line, end, "bytes"), a[1]),
        brief(number(line, end, "matches"), a[2]),
        brief(number(line, end, "dropped"), a[3]));
}

static void
show_source(
    const struct look *before, const struct look *now, const char *line, const char *end)
{
    char name[64];
    char clock[64];
    char a[4][16];
    text_of(line, end, "name", name, sizeof name);
    text_of(line, end, "clock", clock, sizeof clock);
    printf("%-24s %9s %9s %9s %9s  %s\n", name, brief(number(line, end, "events"), a[0]),
        brief(rate(before, now->seconds, line, end, "events"), a[1]),
        brief(number(line, end, "late"), a[2]), brief(number(line, end, "dead"), a[3]),
        clock);
}

static void
show_rule(
    const struct look *before, const struct look *now, const char *line, const char *end)
{
    char name[64];
    char a[6][16];
    text_of(line, end, "name", name, sizeof name);
    printf("%-24s %9s %9s %9s %9s %9s %9s\n", name,
        brief(number(line, end, "events"), a[0]),
        brief(rate(before, now->seconds, line, end, "events"), a[1]),
        brief(number(line, end, "matches"), a[2]), brief(number(line, end, "keys"), a[3]),
        brief(number(line, end, "held"), a[4]),
        brief(number(line, end, "dropped"), a[5]));
}

/* What a plugin has counted. */
static void
show_metric(const char *line, const char *end)
{
    char name[256];
    char a[16];
    text_of(line, end, "name", name, sizeof name);
    printf("%-44s %9s\n", name, brief(number(line, end, "value"), a));
}

/* 12345 us as "12.3ms". */
static const char *
span(double us, char out[16])
{
    if (us < 1e3) {
        snprintf(out, 16, "%.0fus", us);
    } else if (us < 1e6) {
        snprintf(out, 16, "%.1fms", us / 1e3);
    } else if (us < 120e6) {
        snprintf(out, 16, "%.1fs", us / 1e6);
    } else if (us < 120 * 60e6) {
        snprintf(out, 16, "%.0fm", us / 60e6);
    } else {
        snprintf(out, 16, us < 72 * 3600e6 ? "%.0fh" : "%.0fd",
            us < 72 * 3600e6 ? us / 3600e6 : us / 86400e6);
    }
    return out;
}

static void
show_latency(const char *line, const char *end)
{
    char   a[3][16];
    double lag = number(line, end, "lag_s");
    printf("latency p50 %s  p99 %s  lag behind the clock %s\n\n",
        span(number(line, end, "p50_us"), a[0]), span(number(line, end, "p99_us"), a[1]),
        lag < 0 ? "none" : span(lag * 1e6, a[2]));
}

static void
show_shard(
    const struct look *before, const struct look *now, const char *line, const char *end)
{
    char name[64];
    char a[4][16];
    text_of(line, end, "name", name, sizeof name);
    printf("%-24s %9s %9s %9s %9s\n", name, brief(number(line, end, "events"), a[0]),
        brief(rate(before, now->seconds, line, end, "events"), a[1]),
        brief(number(line, end, "waiting"), a[2]),
        brief(number(line, end, "stalls"), a[3]));
}

static void
show_wait(const char *line, const char *end)
{
    char name[64];
    char a[16];
    text_of(line, end, "name", name, sizeof name);
    printf(
        "  shard %s takes nothing below level %.0f until shard %.0f has worked off some: "
        "%s events wait\n",
        name, number(line, end, "level"), number(line, end, "on"),
        brief(number(line, end, "events"), a));
}

/* What stands above the first line of a part. */
static const struct {
    const char *part;
    const char *head;
} HEADS[] = {
    { "source",
        "SOURCE                      EVENTS        /S      LATE      DEAD  CLOCK\n" },
    { "rule",
        "\nRULE                        EVENTS        /S   MATCHES      KEYS      HELD   "
        "DROPPED\n" },
    { "shard", "\nSHARD                       EVENTS        /S   WAITING    STALLS\n" },
};

static void
show_head(const char *line, const char *end, const char **last)
{
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++) {
        if (is_part(line, end, HEADS[i].part) && *last != HEADS[i].part) {
            *last = HEADS[i].part;
            fputs(HEADS[i].head, stdout);
        }
    }
}

static void
show_line(const struct look *before, const struct look *now, const char *line,
    const char *end, bool is_there)
{
    if (is_part(line, end, "run")) {
        show_run(before, now, line, end, is_there);
    } else if (is_part(line, end, "latency")) {
        show_latency(line, end);
    } else if (is_part(line, end, "source")) {
        show_source(before, now, line, end);
    } else if (is_part(line, end, "rule")) {
        show_rule(before, now, line, end);
    } else if (is_part(line, end, "metric")) {
        show_metric(line, end);
    } else if (is_part(line, end, "shard")) {
        show_shard(before, now, line, end);
    } else if (is_part(line, end, "wait")) {
        show_wait(line, end);
    }
}

static void
show(const struct look *before, const struct look *now, bool is_there)
{
    const char *last = NULL;
    if (isatty(STDOUT_FILENO) == 1) {
        fputs("\033[H\033[J", stdout);
    }
    for (const char *line = now->text; *line != '\0';) {
        const char *end = line_end(line);
        show_head(line, end, &last);
        show_line(before, now, line, end, is_there);
        line = *end == '\n' ? end + 1 : end;
    }
    fflush(stdout);
}

static bool
take_look(const weiri_view *view, struct look *out)
{
    bool is_there        = weiri_view_read(view, out->text, &out->size);
    out->text[out->size] = '\0';
    const char *end      = line_end(out->text);
    out->seconds         = number(out->text, end, "seconds");
    return is_there;
}

static int
watch(const struct request *request, const char *path)
{
    weir_error            err   = { .status = WEIR_OK };
    weiri_view           *view  = NULL;
    struct look          *looks = calloc(2, sizeof *looks);
    const struct timespec pause = { .tv_sec = request->every_ns / WEIRI_NS_PER_S,
        .tv_nsec                            = request->every_ns % WEIRI_NS_PER_S };
    weir_status status = looks != NULL ? weiri_view_open(path, &view, &err) : WEIR_ENOMEM;
    for (uint64_t n = 1; status == WEIR_OK; n++) {
        bool is_there = take_look(view, &looks[n % 2]);
        show(&looks[(n + 1) % 2], &looks[n % 2], is_there);
        if (!is_there || n == request->count) {
            break;
        }
        nanosleep(&pause, NULL);
    }
    weiri_view_close(&view);
    free(looks);
    return report_failure(status, &err);
}

static int
take_option(struct request *request, int option, char **argv)
{
    char *end = NULL;
    switch (option) {
    case OPTION_EVERY:
        return weiri_duration_parse(optarg, strlen(optarg), &request->every_ns)
                       && request->every_ns > 0
                   ? EXIT_OK
                   : report_usage(
                       "top", "--every wants a duration, as 1s, not '%s'", optarg);
    case OPTION_COUNT:
        request->count = strtoull(optarg, &end, 10);
        return *end == '\0' && request->count > 0
                   ? EXIT_OK
                   : report_usage(
                       "top", "--count wants a number above 0, not '%s'", optarg);
    case OPTION_HELP: request->help = true; return EXIT_OK;
    default: return report_option("top", option, argv);
    }
}

int
command_top(int argc, char **argv)
{
    struct request request = { .every_ns = WEIRI_NS_PER_S };
    int            status  = EXIT_OK;
    int            option;
    while (status == EXIT_OK && (option = next_option(argc, argv, OPTIONS)) != -1) {
        status = take_option(&request, option, argv);
    }
    if (status != EXIT_OK || request.help) {
        fputs(status == EXIT_OK ? HELP : "", stdout);
        return status;
    }
    if (argc - optind != 1) {
        return report_usage("top", "it wants the page of one node");
    }
    return watch(&request, argv[optind]);
}
