/* The verbs of the `weir` command. Each takes its own arguments, argv[0] being the verb.
 */
#ifndef WEIR_COMMAND_H
#define WEIR_COMMAND_H

#include <getopt.h>
#include <stdbool.h>

#include "weiri/dsl.h"
#include "weiri/engine.h"

/* Exit statuses, as sysexits.h names them. */
enum {
    EXIT_OK       = 0,
    EXIT_USAGE    = 2,
    EXIT_DATA     = 65, /* rules or input are wrong */
    EXIT_NO_INPUT = 66, /* a file is missing        */
    EXIT_BUG      = 70,
    EXIT_IO       = 74
};

int
command_run(int argc, char **argv);

int
command_node(int argc, char **argv);

int
command_apply(int argc, char **argv);
int
command_cluster(int argc, char **argv);

int
command_keygen(int argc, char **argv);

int
command_replay(int argc, char **argv);

int
command_check(int argc, char **argv);

int
command_test(int argc, char **argv);

int
command_explain(int argc, char **argv);

int
command_why(int argc, char **argv);

int
command_top(int argc, char **argv);

int
command_tap(int argc, char **argv);

int
command_state(int argc, char **argv);

int
command_snapshot(int argc, char **argv);

int
command_restore(int argc, char **argv);

int
command_fmt(int argc, char **argv);

int
command_lint(int argc, char **argv);

int
command_new(int argc, char **argv);
int
command_host(int argc, char **argv);

int
command_lsp(int argc, char **argv);

int
command_repl(int argc, char **argv);

/* ---- what verbs share ---- */

/* How errors and warnings are told. */
typedef enum message_format {
    MESSAGES_HUMAN,
    MESSAGES_JSON, /* JSON Lines */
    MESSAGES_SARIF
} message_format;

/* What a compilation is asked for; `items` are gathered from --set and point into argv.
 */
typedef struct setting_list {
    weiri_setting                 *items;
    size_t                         n;
    bool                           with_tests; /* plan the test blocks too */
    message_format                 messages;
    const struct weiri_node_setup *node; /* whose rules they are; NULL: nobody's */
    bool are_answer; /* messages for machines are what the verb is for: on stdout */
} setting_list;

/* The value of --message-format. False, with a message, if there is no such format. */
bool
message_format_parse(message_format *out, const char *verb, const char *text);

/* The value of --format. False if there is no such format. */
bool
format_parse(const char *text, weiri_format *out);

/* As getopt_long, but silent about mistakes: ':' for a missing value, '?' for an unknown
 * option. -1 at the end; optarg and optind are set. */
int
next_option(int argc, char **argv, const struct option *options);

/* Say what is wrong with an option that next_option did not know or that lacks its value.
 * Returns EXIT_USAGE. */
int
report_option(const char *verb, int option, char **argv);

/* Take "name=value" apart, in place. False, with a message, if it is not of that form. */
bool
setting_list_add(setting_list *self, const char *verb, char *text);

void
setting_list_fini(setting_list *self);

/* What sources are read from instead; `items` are gathered from --from and point into
 * argv. */
typedef struct redirect_list {
    weiri_redirect *items;
    size_t          n;
} redirect_list;

/* Take "PATH" or "STREAM=PATH" apart, in place. False: out of memory. */
bool
redirect_list_add(redirect_list *self, char *text);

void
redirect_list_fini(redirect_list *self);

/* Tell what a compilation has to say: errors, and warnings unless `quiet`. Returns its
 * exit status. */
int
report_compilation(const weiri_diagnostics *diagnostics, const setting_list *settings,
    bool quiet, weir_status status, const weir_error *err);

/* Compile rule files; all that is wrong, and warnings unless `quiet`, is told as the
 * settings say. Returns an exit status; *out is set on EXIT_OK. */
int
compile_rules(char *const *paths, int n_paths, const setting_list *settings, bool quiet,
    weiri_plan **out);

/* The exit status for a failure. */
int
exit_status(weir_status status);

/* The exit status for a failure, with its message on stderr. */
int
report_failure(weir_status status, const weir_error *err);

/* "weir VERB: …" and where help is, on stderr; returns EXIT_USAGE. */
int
report_usage(const char *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
