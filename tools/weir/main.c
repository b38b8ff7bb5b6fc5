#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} VERBS[] = {
    { "run", command_run, "run rules over the events of their sources" },
    { "node", command_node, "run a node as its file says, and ask how it is" },
    { "keygen", command_keygen, "make a pair of keys for a node" },
    { "cluster", command_cluster, "see a cluster, and move its keys from node to node" },
    { "apply", command_apply, "change the rules of a node while it runs" },
    { "replay", command_replay, "run rules again over what a run has read" },
    { "check", command_check, "say what is wrong with rules, without running them" },
    { "test", command_test, "run the test blocks of rules" },
    { "explain", command_explain,
        "say what rules mean, how they are run, what they keep" },
    { "why", command_why, "tell how a match came about, or why it did not" },
    { "lint", command_lint, "say what is right in rules and probably not meant" },
    { "fmt", command_fmt, "give rule files their one canonical form" },
    { "repl", command_repl, "type rules and feed them events by hand" },
    { "lsp", command_lsp, "help editors with rule files, as a language server" },
    { "new", command_new, "write a plugin that builds and passes its test" },
    { "host", command_host, "run an actor of a plugin in a process of its own" },
    { "top", command_top, "watch a node at work: rates, keys, what is held" },
    { "tap", command_tap, "watch a sample of a node's events" },
    { "state", command_state, "look into the state directory of a run" },
    { "snapshot", command_snapshot, "copy a state directory into one file" },
    { "restore", command_restore, "make a state directory from such a file" },
};

enum { N_VERBS = sizeof VERBS / sizeof VERBS[0] };

static void
print_help(FILE *stream)
{
    fputs("Usage: weir VERB [OPTION]... FILE...\n"
          "\n"
          "Find patterns in streams of events, by rules written in a small language.\n"
          "\n",
        stream);
    for (size_t i = 0; i < N_VERBS; i++) {
        fprintf(stream, "  %-10s%s\n", VERBS[i].name, VERBS[i].help);
    }
    fputs("\n"
          "  --help      print this; 'weir VERB --help' tells more about a verb\n"
          "  --version   print the version\n",
        stream);
}

static int
obey(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("weir " WEIR_VERSION);
        return EXIT_OK;
    }
    for (size_t i = 0; i < N_VERBS; i++) {
        if (strcmp(argv[1], VERBS[i].name) == 0) {
            return VERBS[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "weir: no verb '%s'; see 'weir --help'\n", argv[1]);
    return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    int status = obey(argc, argv);
    /* What could not be printed must not pass for done. */
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fputs("weir: cannot write 'standard output'\n", stderr);
        return status == EXIT_OK ? EXIT_IO : status;
    }
    return status;
}
