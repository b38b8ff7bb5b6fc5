/* weir state, snapshot, restore: what a state directory holds, and copies of it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "dump.h"
#include "stateful.h"
#include "weiri/flow.h"
#include "weiri/numtext.h"
#include "weiri/statedir.h"
#include "weiri/timetext.h"

static const char HELP[] =
    "Usage: weir state show DIR\n"
    "       weir state ls DIR\n"
    "       weir state plan DIR FILE...\n"
    "       weir state dump DIR FILE...\n"
    "\n"
    "Look into a state directory, also while it is in use.\n"
    "\n"
    "  show     how far time, sources and sinks were at the last checkpoint. "
    "`committed`\n"
    "           is how many bytes of a source need not be sent again\n"
    "  ls       the parts of the state and their sizes in bytes\n"
    "  plan     what would become of the state of each rule if a run with these rule\n"
    "           files went on from it; exit status 65 if a rule's state cannot be used\n"
    "\n"
    "  dump     what each of these rules held at the last checkpoint: the keys, and of\n"
    "           each the partial matches, which steps were taken when, what values they\n"
    "           hold and when they expire, or are matches if nothing forbids it; what\n"
    "           windows, limits and `when changes` keep; the rows of joins and tables\n"
    "\n"
    "  --format FORMAT   of show, ls and dump: text or json, a line a part\n"
    "  --rule NAME       of dump: this rule alone\n"
    "  --key VALUES      of dump: this key alone, its values joined by commas\n"
    "  --limit N         of dump: so many things of each rule, 1000 if not said\n"
    "  --set NAME=VALUE  of plan and dump: set a parameter of the rules\n"
    "  --help            print this\n";

static const char SNAPSHOT_HELP[] =
    "Usage: weir snapshot DIR FILE\n"
    "\n"
    "Copy the state directory DIR into FILE, also while it is in use. FILE is portable;\n"
    "`weir restore FILE DIR` makes a state directory of it.\n"
    "\n"
    "  --help  print this\n";

static const char RESTORE_HELP[] =
    "Usage: weir restore FILE DIR\n"
    "\n"
    "Make the state directory DIR, which must not be there, from what `weir snapshot`\n"
    "wrote.\n"
    "\n"
    "  --help  print this\n";

enum {
    OPTION_FORMAT = 256,
    OPTION_SET,
    OPTION_RULE,
    OPTION_KEY,
    OPTION_LIMIT,
    OPTION_HELP
};

enum { DUMP_LIMIT = 1000 };

static const struct option OPTIONS[] = {
    { "format", required_argument, NULL, OPTION_FORMAT },
    { "set", required_argument, NULL, OPTION_SET },
    { "rule", required_argument, NULL, OPTION_RULE },
    { "key", required_argument, NULL, OPTION_KEY },
    { "limit", required_argument, NULL, OPTION_LIMIT },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

struct request {
    setting_list settings;
    dump_request dump;
    bool         is_json;
    bool         help;
};

/* ---- show and ls ---- */

/* A name as a JSON string; names hold nothing that needs more than this. */
static void
print_json_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            putchar('\\');
        }
        if ((unsigned char)*text < ' ') {
            printf("\\u%04x", (unsigned)(unsigned char)*text);
        } else {
            putchar(*text);
        }
    }
    putchar('"');
}

static const char *
time_text(int64_t ns, char out[WEIRI_TIME_TEXT])
{
    if (ns == INT64_MIN) {
        return "none";
    }
    if (ns == INT64_MAX) {
        return "end";
    }
    weiri_time_format(ns, out);
    return out;
}

static void
show_source(const weiri_statedir_source *source, bool is_json)
{
    char at[WEIRI_TIME_TEXT];
    if (is_json) {
        printf("{\"part\":\"source\",\"name\":");
        print_json_text(source->name);
        printf(",\"position\":%" PRIu64 ",\"committed\":%" PRIu64 ",\"newest\":\"%s\""
               ",\"events\":%" PRIu64 ",\"late\":%" PRIu64 ",\"dead\":%" PRIu64
               ",\"ended\":%s}\n",
            source->position, source->committed, time_text(source->newest_ns, at),
            source->n_events, source->n_late, source->n_dead,
            source->is_closed ? "true" : "false");
        return;
    }
    printf("source     %s: %" PRIu64 " bytes decoded, %" PRIu64 " committed, %" PRIu64
           " events (%" PRIu64 " late, %" PRIu64 " undecodable), newest %s%s\n",
        source->name, source->position, source->committed, source->n_events,
        source->n_late, source->n_dead, time_text(source->newest_ns, at),
        source->is_closed ? ", at its end" : "");
}

static void
show_part(const char *part, const char *name, size_t size, bool is_json)
{
    if (is_json) {
        printf("{\"part\":\"%s\",\"name\":", part);
        print_json_text(name);
        printf(",\"bytes\":%zu}\n", size);
    } else {
        printf("%-10s %s: %zu bytes\n", part, name, size);
    }
}

static void
show_sections(const weiri_statedir *dir, const char *kind, bool is_json)
{
    for (uint32_t i = 0; i < dir->sections.n; i++) {
        const weiri_section *section = &dir->sections.items[i];
        const char          *name    = NULL;
        if (weiri_section_is(section, kind, &name)) {
            show_part(kind, name, section->bytes.size, is_json);
        }
    }
}

static void
show_sinks(const weiri_statedir *dir, bool is_json)
{
    for (uint32_t i = 0; i < dir->n_sinks; i++) {
        const weiri_statedir_sink *sink = &dir->sinks[i];
        if (is_json) {
            printf("{\"part\":\"sink\",\"name\":");
            print_json_text(sink->path);
            printf(",\"written\":%" PRIu64 ",\"rows\":%" PRIu64 "}\n", sink->n_written,
                sink->n_rows);
        } else {
            printf("sink       %s: %" PRIu64 " bytes written, %" PRIu64 " rows\n",
                sink->path, sink->n_written, sink->n_rows);
        }
    }
}

static void
show(const weiri_statedir *dir, bool is_json)
{
    char at[WEIRI_TIME_TEXT];
    if (is_json) {
        printf("{\"part\":\"run\",\"watermark\":\"%s\",\"ended\":%s,\"shards\":%" PRIu32
               ",\"state_bytes\":%" PRIu64 ",\"journal_bytes\":%" PRIu64 "}\n",
            time_text(dir->watermark_ns, at), dir->is_ended ? "true" : "false",
            dir->n_shards, dir->state_bytes, dir->journal_bytes);
    } else {
        printf("watermark  %s%s\n", time_text(dir->watermark_ns, at),
            dir->is_ended ? ", all inputs at their ends" : "");
        if (dir->n_shards > 1) {
            printf("shards     %" PRIu32 "\n", dir->n_shards);
        }
        printf("files      state %" PRIu64 " bytes, journal %" PRIu64 " bytes\n",
            dir->state_bytes, dir->journal_bytes);
    }
    for (uint32_t i = 0; i < dir->n_sources; i++) {
        show_source(&dir->sources[i], is_json);
    }
    show_sections(dir, "stream", is_json);
    show_sections(dir, "rule", is_json);
    show_sinks(dir, is_json);
}

static void
list(const weiri_statedir *dir, bool is_json)
{
    for (uint32_t i = 0; i < dir->sections.n; i++) {
        const weiri_section *section = &dir->sections.items[i];
        char                 kind[WEIRI_SECTION_NAME];
        snprintf(kind, sizeof kind, "%s", section->name);
        kind[strcspn(kind, "/")] = '\0';
        show_part(kind, section->name + strlen(kind) + 1, section->bytes.size, is_json);
    }
}

static int
look(const char *verb, const char *path, bool is_json)
{
    weir_error     err    = { .status = WEIR_OK };
    weiri_statedir dir    = { 0 };
    weir_status    status = weiri_statedir_read(path, &dir, &err);
    if (status == WEIR_OK && strcmp(verb, "ls") == 0) {
        list(&dir, is_json);
    } else if (status == WEIR_OK) {
        show(&dir, is_json);
    }
    weiri_statedir_fini(&dir);
    return report_failure(status, &err);
}

/* ---- plan ---- */

static void
tell(void *context, const char *what, const char *name, weiri_kept kept)
{
    int *status = context;
    kept_print(stdout, what, name, kept);
    if (kept == WEIRI_KEPT_OTHER) {
        *status = EXIT_DATA;
    }
}

static weir_status
try_plan(const weiri_plan *plan, const char *path, int *outcome, weir_error *err)
{
    weiri_statedir dir    = { 0 };
    weir_status    status = weiri_statedir_read(path, &dir, err);
    if (status == WEIR_OK) {
        const weiri_restore restore = {
            .sections = &dir.sections, .told = tell, .context = outcome
        };
        status = weiri_engine_try(plan, dir.n_shards, &restore, err);
    }
    weiri_statedir_fini(&dir);
    return status;
}

static int
plan_rules(const struct request *request, char *const *arguments, int n)
{
    weir_error  err     = { .status = WEIR_OK };
    weiri_plan *plan    = NULL;
    int         outcome = EXIT_OK;
    int status = compile_rules(arguments + 1, n - 1, &request->settings, true, &plan);
    if (status == EXIT_OK) {
        status = report_failure(try_plan(plan, arguments[0], &outcome, &err), &err);
    }
    weiri_plan_destroy(&plan);
    return status == EXIT_OK ? outcome : status;
}

/* ---- dump ---- */

static int
dump_rules(const struct request *request, char *const *arguments, int n)
{
    weiri_plan  *plan = NULL;
    dump_request dump = request->dump;
    dump.is_json      = request->is_json;
    int status = compile_rules(arguments + 1, n - 1, &request->settings, true, &plan);
    if (status == EXIT_OK) {
        status = dump_state(plan, arguments[0], &dump);
    }
    weiri_plan_destroy(&plan);
    return status;
}

/* ---- arguments ---- */

static bool
parse_limit(const char *text, uint64_t *out)
{
    int64_t n     = 0;
    bool    is_ok = weiri_int_parse(text, strlen(text), &n) && n > 0;
    *out          = is_ok ? (uint64_t)n : 0;
    return is_ok;
}

static int
take_option(struct request *request, int option, char **argv)
{
    switch (option) {
    case OPTION_FORMAT:
        request->is_json = strcmp(optarg, "json") == 0;
        return request->is_json || strcmp(optarg, "text") == 0
                   ? EXIT_OK
                   : report_usage(
                       "state", "--format wants text or json, not '%s'", optarg);
    case OPTION_SET:
        return setting_list_add(&request->settings, "state", optarg) ? EXIT_OK
                                                                     : EXIT_USAGE;
    case OPTION_RULE: request->dump.rule = optarg; return EXIT_OK;
    case OPTION_KEY: request->dump.key = optarg; return EXIT_OK;
    case OPTION_LIMIT:
        return parse_limit(optarg, &request->dump.limit)
                   ? EXIT_OK
                   : report_usage(
                       "state", "--limit wants a number above 0, not '%s'", optarg);
    case OPTION_HELP: request->help = true; return EXIT_OK;
    default: return report_option("state", option, argv);
    }
}

static int
run_verb(const struct request *request, char *const *arguments, int n)
{
    const char *verb    = n > 0 ? arguments[0] : "";
    bool        is_look = strcmp(verb, "show") == 0 || strcmp(verb, "ls") == 0;
    if (is_look && n == 2) {
        return look(verb, arguments[1], request->is_json);
    }
    if (strcmp(verb, "plan") == 0 && n > 2) {
        return plan_rules(request, arguments + 1, n - 1);
    }
    if (strcmp(verb, "dump") == 0 && n > 2) {
        return dump_rules(request, arguments + 1, n - 1);
    }
    if (is_look || strcmp(verb, "plan") == 0 || strcmp(verb, "dump") == 0) {
        return report_usage("state", "'%s' wants a state directory%s", verb,
            is_look ? "" : " and rule files");
    }
    return report_usage(
        "state", n > 0 ? "no such verb: '%s'" : "show, ls, plan or dump?", verb);
}

int
command_state(int argc, char **argv)
{
    struct request request = { .dump = { .limit = DUMP_LIMIT } };
    int            status  = EXIT_OK;
    int            option;
    while (status == EXIT_OK && (option = next_option(argc, argv, OPTIONS)) != -1) {
        status = take_option(&request, option, argv);
    }
    if (status == EXIT_OK && request.help) {
        fputs(HELP, stdout);
    } else if (status == EXIT_OK) {
        status = run_verb(&request, argv + optind, argc - optind);
    }
    setting_list_fini(&request.settings);
    return status;
}

/* ---- snapshot and restore ---- */

typedef weir_status (*copy_fn)(const char *from, const char *to, weir_error *err);

static int
copy(int argc, char **argv, const char *help, copy_fn act)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (argc != 3) {
        return report_usage(argv[0], "it wants two names, see --help");
    }
    weir_error err = { .status = WEIR_OK };
    return report_failure(act(argv[1], argv[2], &err), &err);
}

int
command_snapshot(int argc, char **argv)
{
    return copy(argc, argv, SNAPSHOT_HELP, weiri_statedir_snapshot);
}

int
command_restore(int argc, char **argv)
{
    return copy(argc, argv, RESTORE_HELP, weiri_statedir_restore);
}
