/* weir node, weir apply: run a node, and speak with one that runs. */
#include "node.h"

#include <stdlib.h>
#include <string.h>

#include "admit.h"
#include "control.h"
#include "ruleset.h"

static const char HELP[] =
    "Usage: weir node --config FILE [OPTION]...\n"
    "       weir node status|health|checkpoint|stop --config FILE [OPTION]...\n"
    "       weir node allow NAME KEY --config FILE [--send STREAM]... [--read "
    "STREAM]...\n"
    "       weir node revoke NAME --config FILE\n"
    "\n"
    "Run a node as a node file says: its rules, its state, who it speaks with. Or ask\n"
    "one that runs, by the control socket that its file names:\n"
    "\n"
    "  status       what it does: rules and since when, rates, watermark, sources, "
    "rules\n"
    "  health       whether it is ready; exit status 1 if it starts or stops\n"
    "  checkpoint   write its state now; answered when that is durable\n"
    "  stop         take no more in, write the state, end; answered when that is done\n"
    "  allow        know a peer by a key, or by another one: KEY is the public key, or "
    "the\n"
    "               file NAME.pub of weir keygen\n"
    "  revoke       know a peer no more: its connection ends at once\n"
    "\n"
    "  --config FILE    the node file; `weir check FILE` says what is wrong with it\n"
    "  --node NAME      which node of the file, if it has several\n"
    "  --control PATH   the control socket, instead of the node file\n"
    "  --discard RULE   begin this rule anew, whatever the state has of it; may be\n"
    "                   repeated\n"
    "  --send STREAM    of allow: what the peer may send to the node, or `any`; may be\n"
    "                   repeated\n"
    "  --read STREAM    likewise, what it may read from the node\n"
    "  --format FORMAT  of status: text, or json, an object a line\n"
    "  --help           print this\n"
    "\n"
    "SIGTERM and SIGINT stop a node as `stop` does, SIGHUP has it read its rules again\n"
    "as `weir apply` does. It logs to standard error.\n"
    "Exit status: 0 done, 1 not ready, 2 wrong usage, 65 wrong node file, rules or "
    "data,\n"
    "66 a file is missing or no node listens, 74 reading or writing failed.\n";

static const char APPLY_HELP[] =
    "Usage: weir apply --config FILE [OPTION]... [RULES]...\n"
    "\n"
    "Have a node that runs go on with other rules: those of the rule files RULES, or of\n"
    "its own files as they are now. Rules that are the same keep what they remember, "
    "new\n"
    "ones begin empty, and what is gone is dropped, all at one watermark. Sources and\n"
    "sinks that are the same are not disturbed. If anything is wrong nothing changes.\n"
    "What becomes of each rule is printed. With a state directory it is durable then.\n"
    "\n"
    "  --config FILE    the node file of the node\n"
    "  --node NAME      which node of the file, if it has several\n"
    "  --control PATH   its control socket, instead of the node file\n"
    "  --dry-run        say what would become of each rule, and change nothing\n"
    "  --discard RULE   begin this rule anew, whatever it remembers; may be repeated\n"
    "  --format FORMAT  text, or json, an object a line\n"
    "  --help           print this\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 65 the rules are wrong, or one has changed so\n"
    "that what it remembers cannot be used, 66 a file is missing or no node listens.\n";

static const char CLUSTER_HELP[] =
    "Usage: weir cluster status --config FILE [OPTION]...\n"
    "       weir cluster move GROUPS from NODE to NODE --config FILE [OPTION]...\n"
    "       weir cluster drain NODE --config FILE [OPTION]...\n"
    "\n"
    "Ask a node how the cluster that it is in looks from there: which nodes there are, "
    "how\n"
    "many key groups each has and how far its events have come, which rules run where, "
    "and\n"
    "what is on its way to the others and from them. Or have the node that is asked give "
    "key\n"
    "groups to another, while events flow; `status` tells how far that is.\n"
    "\n"
    "  status     how the cluster looks\n"
    "  move       give GROUPS: a number, ranges (0-99,200) of which it gives those that "
    "it\n"
    "             has, a percentage of what it has (10%), or all\n"
    "  drain      give all, to the nodes that would have them if this one were not "
    "there\n"
    "\n"
    "  --config FILE    the node file of a node of the cluster\n"
    "  --node NAME      which node of the file, if it has several\n"
    "  --control PATH   its control socket, instead of the node file\n"
    "  --format FORMAT  text, or json, an object a line\n"
    "  --help           print this\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 65 the node is in no cluster or cannot do it, "
    "66 a\n"
    "file is missing or no node listens.\n";

enum {
    OPTION_CONFIG = 256,
    OPTION_NODE,
    OPTION_CONTROL,
    OPTION_DISCARD,
    OPTION_DRY_RUN,
    OPTION_FORMAT,
    OPTION_SEND,
    OPTION_READ,
    OPTION_HELP
};

static const struct option OPTIONS[] = {
    { "config", required_argument, NULL, OPTION_CONFIG },
    { "node", required_argument, NULL, OPTION_NODE },
    { "control", required_argument, NULL, OPTION_CONTROL },
    { "discard", required_argument, NULL, OPTION_DISCARD },
    { "dry-run", no_argument, NULL, OPTION_DRY_RUN },
    { "format", required_argument, NULL, OPTION_FORMAT },
    { "send", required_argument, NULL, OPTION_SEND },
    { "read", required_argument, NULL, OPTION_READ },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

struct request {
    const char  *verb; /* of messages: "node", "apply" */
    const char  *config;
    const char  *node;
    const char  *control;
    const char  *format;
    const char **discard; /* shape (n_discard,) */
    size_t       n_discard;
    const char **send; /* shape (n_send,) */
    const char **read; /* shape (n_read,) */
    size_t       n_send;
    size_t       n_read;
    bool         is_dry;
    bool         help;
};

static int
add_name(const char ***names, size_t *n)
{
    const char **grown = realloc(*names, (*n + 1) * sizeof *grown);
    if (grown == NULL) {
        return EXIT_BUG;
    }
    *names        = grown;
    grown[(*n)++] = optarg;
    return EXIT_OK;
}

static int
take_option(struct request *request, int option, char **argv)
{
    switch (option) {
    case OPTION_CONFIG: request->config = optarg; return EXIT_OK;
    case OPTION_NODE: request->node = optarg; return EXIT_OK;
    case OPTION_CONTROL: request->control = optarg; return EXIT_OK;
    case OPTION_DISCARD: return add_name(&request->discard, &request->n_discard);
    case OPTION_SEND: return add_name(&request->send, &request->n_send);
    case OPTION_READ: return add_name(&request->read, &request->n_read);
    case OPTION_DRY_RUN: request->is_dry = true; return EXIT_OK;
    case OPTION_FORMAT:
        request->format = optarg;
        return strcmp(optarg, "text") == 0 || strcmp(optarg, "json") == 0
                   ? EXIT_OK
                   : report_usage(
                       request->verb, "--format wants text or json, not '%s'", optarg);
    case OPTION_HELP: request->help = true; return EXIT_OK;
    default: return report_option(request->verb, option, argv);
    }
}

static int
parse_options(int argc, char **argv, struct request *request)
{
    int status = EXIT_OK;
    int option;
    while (status == EXIT_OK && (option = next_option(argc, argv, OPTIONS)) != -1) {
        status = take_option(request, option, argv);
    }
    if (status == EXIT_OK && !request->help && request->config == NULL
        && request->control == NULL) {
        status = report_usage(request->verb, "which node? --config FILE");
    }
    return status;
}

/* ---- asking ---- */

int
node_ask(const char *socket, const char *request)
{
    weir_error  err    = { .status = WEIR_OK };
    char       *body   = NULL;
    size_t      size   = 0;
    int         answer = EXIT_OK;
    char       *line   = malloc(strlen(request) + 2);
    weir_status status = line != NULL ? WEIR_OK : WEIR_ENOMEM;
    if (line != NULL) {
        sprintf(line, "%s\n", request);
        status = control_ask(socket, line, &answer, &body, &size, &err);
    }
    if (status == WEIR_OK) {
        fwrite(body, 1, size, answer <= 1 ? stdout : stderr);
    }
    free(line);
    free(body);
    return status == WEIR_OK ? answer : report_failure(status, &err);
}

/* The node that is meant; its file is to be destroyed. NULL after a message. */
static const weiri_node_setup *
open_setup(const char *path, const char *name, weiri_nodefile **out, int *status)
{
    weir_error              err      = { .status = WEIR_OK };
    const setting_list      settings = { 0 };
    const weiri_node_setup *setup    = NULL;
    *status                          = nodefile_open(path, &settings, false, out);
    if (*status == EXIT_OK) {
        *status = report_failure(weiri_nodefile_node(*out, name, &setup, &err), &err);
    }
    if (setup != NULL) {
        *status = nodefile_join(*out, setup, &settings, false);
    }
    return *status == EXIT_OK ? setup : NULL;
}

const char *
node_socket(const char *path, const char *name, weiri_nodefile **out, int *status)
{
    const weiri_node_setup *setup = open_setup(path, name, out, status);
    if (setup != NULL && setup->control == NULL) {
        fprintf(stderr,
            "weir: node '%s' has no control socket: add a line: control \"%s.sock\"\n",
            setup->name, setup->name);
        *status = EXIT_DATA;
    }
    return setup != NULL ? setup->control : NULL;
}

/* Send a request to the node that is meant. Returns an exit status. */
static int
ask(const struct request *request, const char *text)
{
    weiri_nodefile *file   = NULL;
    int             status = EXIT_OK;
    const char     *socket = request->control != NULL ? request->control
                                                      : node_socket(request->config,
                                                          request->node, &file, &status);
    if (socket != NULL) {
        status = node_ask(socket, text);
    }
    weiri_nodefile_destroy(&file);
    return status;
}

static int
ask_verb(const struct request *request, const char *verb)
{
    static const char *const ASKED[] = { "status", "health", "checkpoint", "stop" };
    char                     text[64];
    for (size_t i = 0; i < sizeof ASKED / sizeof ASKED[0]; i++) {
        if (strcmp(verb, ASKED[i]) == 0) {
            snprintf(text, sizeof text, "%s\tformat=%s", verb,
                request->format != NULL ? request->format : "text");
            return ask(request, text);
        }
    }
    return report_usage("node", "no such verb: '%s'", verb);
}

/* ---- weir node ---- */

static int
serve(const struct request *request)
{
    weiri_nodefile *file   = NULL;
    int             status = EXIT_OK;
    if (request->config == NULL) {
        return report_usage("node", "a node is run by its file: --config FILE");
    }
    const weiri_node_setup *setup =
        open_setup(request->config, request->node, &file, &status);
    if (setup != NULL && setup->state == NULL && request->n_discard > 0) {
        status = report_usage("node", "--discard: the node keeps no state");
    } else if (setup != NULL) {
        status = node_serve(setup, request->config, request->discard, request->n_discard);
    }
    weiri_nodefile_destroy(&file);
    return status;
}

/* Verbs of more than one word. */
static int
admit_words(const struct request *request, char **words, int n)
{
    const admission what = { .is_allow = strcmp(words[0], "allow") == 0,
        .name                          = n > 1 ? words[1] : NULL,
        .key                           = n > 2 ? words[2] : NULL,
        .send                          = request->send,
        .read                          = request->read,
        .n_send                        = request->n_send,
        .n_read                        = request->n_read,
        .config                        = request->config,
        .node                          = request->node,
        .control                       = request->control };
    if (n != (what.is_allow ? 3 : 2)) {
        return report_usage("node", what.is_allow ? "whom? weir node allow NAME KEY"
                                                  : "whom? weir node revoke NAME");
    }
    return admit(&what);
}

static bool
is_admission(const char *verb)
{
    return strcmp(verb, "allow") == 0 || strcmp(verb, "revoke") == 0;
}

int
command_node(int argc, char **argv)
{
    struct request request = { .verb = "node" };
    int            status  = parse_options(argc, argv, &request);
    if (status == EXIT_OK && request.help) {
        fputs(HELP, stdout);
    } else if (status == EXIT_OK && argc > optind && is_admission(argv[optind])) {
        status = admit_words(&request, argv + optind, argc - optind);
    } else if (status == EXIT_OK && argc - optind > 1) {
        status =
            report_usage("node", "one verb at a time, not '%s' too", argv[optind + 1]);
    } else if (status == EXIT_OK && request.is_dry) {
        status = report_usage("node", "--dry-run goes with `weir apply`");
    } else if (status == EXIT_OK) {
        status = argc == optind ? serve(&request) : ask_verb(&request, argv[optind]);
    }
    free(request.discard);
    free(request.send);
    free(request.read);
    return status;
}

/* ---- weir apply ---- */

/* One field of a request; names with a tab or a line's end cannot be sent. */
static bool
add_field(FILE *stream, const char *name, const char *value)
{
    fprintf(stream, "\t%s=%s", name, value);
    return strpbrk(value, "\t\n") == NULL;
}

/* Paths are seen from here, and read by the node. */
static bool
add_file(FILE *stream, const char *path)
{
    char *real = ruleset_path(path);
    bool  is   = real != NULL && add_field(stream, "file", real);
    if (real == NULL) {
        fprintf(stderr, "weir: there is no folder of '%s'\n", path);
    }
    free(real);
    return is;
}

static int
apply(const struct request *request, char **paths, int n)
{
    char  *text   = NULL;
    size_t size   = 0;
    int    status = EXIT_OK;
    FILE  *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return EXIT_BUG;
    }
    fprintf(stream, "apply\tformat=%s%s",
        request->format != NULL ? request->format : "text",
        request->is_dry ? "\tdry-run" : "");
    for (size_t i = 0; i < request->n_discard && status == EXIT_OK; i++) {
        status = add_field(stream, "discard", request->discard[i])
                     ? EXIT_OK
                     : report_usage("apply", "--discard: this is no rule");
    }
    for (int i = 0; i < n && status == EXIT_OK; i++) {
        status = add_file(stream, paths[i]) ? EXIT_OK : EXIT_NO_INPUT;
    }
    fclose(stream);
    if (status == EXIT_OK) {
        status = ask(request, text);
    }
    free(text);
    return status;
}

int
command_apply(int argc, char **argv)
{
    struct request request = { .verb = "apply" };
    int            status  = parse_options(argc, argv, &request);
    if (status == EXIT_OK && request.help) {
        fputs(APPLY_HELP, stdout);
    } else if (status == EXIT_OK) {
        status = apply(&request, argv + optind, argc - optind);
    }
    free(request.discard);
    return status;
}

/* ---- weir cluster ---- */

/* A request that names nodes: which is to give, and what to whom; or all it has. */
static int
ask_move(
    const struct request *request, const char *groups, const char *from, const char *to)
{
    char  *text   = NULL;
    size_t size   = 0;
    FILE  *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return EXIT_BUG;
    }
    fputs("move", stream);
    bool is =
        add_field(stream, "from", from)
        && (groups == NULL
            || (add_field(stream, "groups", groups) && add_field(stream, "to", to)));
    fclose(stream);
    int status =
        is ? ask(request, text) : report_usage("cluster", "this is no name of a node");
    free(text);
    return status;
}

static int
cluster_words(const struct request *request, char **words, int n)
{
    char text[64];
    bool is_move = n == 6 && strcmp(words[0], "move") == 0
                   && strcmp(words[2], "from") == 0 && strcmp(words[4], "to") == 0;
    if (is_move) {
        return ask_move(request, words[1], words[3], words[5]);
    }
    if (n == 2 && strcmp(words[0], "drain") == 0) {
        return ask_move(request, NULL, words[1], NULL);
    }
    if (n != 1 || strcmp(words[0], "status") != 0) {
        return report_usage(
            "cluster", "one of: status, move GROUPS from NODE to NODE, drain NODE");
    }
    snprintf(text, sizeof text, "cluster\tformat=%s",
        request->format != NULL ? request->format : "text");
    return ask(request, text);
}

int
command_cluster(int argc, char **argv)
{
    struct request request = { .verb = "cluster" };
    int            status  = parse_options(argc, argv, &request);
    if (status == EXIT_OK && request.help) {
        fputs(CLUSTER_HELP, stdout);
    } else if (status == EXIT_OK) {
        status = cluster_words(&request, argv + optind, argc - optind);
    }
    free(request.discard);
    free(request.send);
    free(request.read);
    return status;
}
