/* weir repl: rules typed in, events fed by hand, matches seen at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef WEIR_EDITLINE
#include <editline/readline.h>
#endif

#include "command.h"
#include "repl_session.h"

static const char HELP[] =
    "Usage: weir repl [OPTION]... [FILE]...\n"
    "\n"
    "Type rules and feed them events; what they emit is printed at once.\n"
    "\n"
    "  --help  print this\n"
    "\n"
    "What can be typed, and FILE holds nothing but statements:\n"
    "\n"
    "  stream s { at time, n int }            a statement; it may take several lines,\n"
    "  rule r { from s where n > 3 emit o }   and one of the same name gives way\n"
    "  s {\"at\":\"2026-03-01T12:00:00Z\",\"n\":4} an event, a JSON object on one line\n"
    "  wait 10m                               time passes\n"
    "  :load FILE  add the statements of a file    :reset  forget the events\n"
    "  :rules      print the statements            :clear  forget everything\n"
    "  :help       print this                      :quit   end, as the input's end does\n"
    "\n"
    "A rule that is typed after events were fed sees them all.\n"
    "Exit status: 0 done; 1 standard input, not a terminal, held what was refused;\n"
    "2 wrong usage, 65 a file has mistakes.\n";

enum { OPTION_HELP = 256 };

static const struct option OPTIONS[] = {
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

enum { EXIT_REFUSED = 1 };

/* ---- lines ---- */

static bool
is_person(void)
{
    return isatty(STDIN_FILENO) == 1;
}

/* The next line without its end, to be freed; NULL at the end of the input. */
static char *
read_line(const char *prompt)
{
#ifdef WEIR_EDITLINE
    if (is_person()) {
        char *typed = readline(prompt);
        if (typed != NULL && typed[0] != '\0') {
            add_history(typed);
        }
        return typed;
    }
#endif
    if (is_person()) {
        fputs(prompt, stdout);
        fflush(stdout);
    }
    char   *line = NULL;
    size_t  room = 0;
    ssize_t size = getline(&line, &room, stdin);
    if (size < 0) {
        free(line);
        return NULL;
    }
    if (size > 0 && line[size - 1] == '\n') {
        line[size - 1] = '\0';
    }
    return line;
}

static const char *
skip_blank(const char *text)
{
    return text + strspn(text, " \t\r");
}

/* ---- statements over several lines ---- */

/* What is open in a statement; texts and comments do not count. */
struct brackets {
    long depth;
    bool has_brace;
};

static struct brackets
count_brackets(const char *text)
{
    struct brackets brackets = { .depth = 0 };
    char            quote    = '\0'; /* of the text that we are in */
    for (; *text != '\0'; text++) {
        if (quote == '"' && *text == '\\' && text[1] != '\0') {
            text++;
        } else if (quote != '\0' ? *text == quote : *text == '"' || *text == '`') {
            quote = (char)(quote == '\0' ? *text : '\0');
        } else if (*text == '\n') {
            quote = '\0';
        } else if (quote == '\0' && *text == '#') {
            text += strcspn(text, "\n");
            text -= *text == '\0';
        } else if (quote == '\0') {
            brackets.depth += strchr("{(", *text) != NULL;
            brackets.depth -= strchr("})", *text) != NULL;
            brackets.has_brace = brackets.has_brace || *text == '{';
        }
    }
    return brackets;
}

static bool
begins_with(const char *line, const char *word)
{
    size_t size = strlen(word);
    return strncmp(line, word, size) == 0 && strchr(" \t", line[size]) != NULL
           && line[size] != '\0';
}

static bool
has_block(const char *line)
{
    return begins_with(line, "rule") || begins_with(line, "stream")
           || begins_with(line, "table") || begins_with(line, "test");
}

static bool
is_statement(const char *line)
{
    static const char *const OTHERS[] = { "source", "sink", "param", "include",
        "function", "model", "actor", "aggregate", "connector", "codec" };
    bool                     is       = has_block(line);
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0] && !is; i++) {
        is = begins_with(line, OTHERS[i]);
    }
    return is;
}

static bool
is_whole(const char *statement)
{
    struct brackets brackets = count_brackets(statement);
    return brackets.depth <= 0 && (brackets.has_brace || !has_block(statement));
}

/* Read on until brackets are closed, or a line is empty. */
static char *
read_statement(const char *line)
{
    char *statement = strdup(line);
    while (statement != NULL && !is_whole(statement)) {
        char *more = read_line("  ... ");
        if (more == NULL || skip_blank(more)[0] == '\0') {
            free(more);
            break;
        }
        size_t used   = strlen(statement);
        size_t size   = strlen(more);
        char  *longer = realloc(statement, used + size + 2);
        if (longer != NULL) {
            longer[used] = '\n';
            memcpy(longer + used + 1, more, size + 1);
        } else {
            free(statement);
        }
        statement = longer;
        free(more);
    }
    return statement;
}

/* ---- what is typed ---- */

static bool
obey(session *self, const char *line, bool *is_over)
{
    if (strcmp(line, ":quit") == 0) {
        *is_over = true;
    } else if (strcmp(line, ":help") == 0) {
        fputs(HELP, stdout);
    } else if (strcmp(line, ":rules") == 0) {
        session_print(self);
    } else if (strcmp(line, ":reset") == 0 || strcmp(line, ":clear") == 0) {
        session_forget(self, line[1] == 'c');
    } else if (begins_with(line, ":load")) {
        return session_load(self, skip_blank(line + 5));
    } else {
        fprintf(stderr, "weir: no command '%s'; ':help' tells what there is\n", line);
        return false;
    }
    return true;
}

/* "stream {json}"; the name ends where the object begins. */
static bool
feed_line(session *self, char *line)
{
    char *brace = strchr(line, '{');
    if (brace == NULL || brace == line) {
        fprintf(stderr,
            "weir: '%s' is neither a statement nor an event; ':help' tells what there "
            "is\n",
            line);
        return false;
    }
    char *json                 = strdup(brace);
    *brace                     = '\0';
    line[strcspn(line, " \t")] = '\0';
    bool is_fed                = json != NULL && session_feed(self, line, json);
    free(json);
    return is_fed;
}

/* False if what was typed was refused. */
static bool
take_line(session *self, char *line, bool *is_over)
{
    if (line[0] == '\0' || line[0] == '#') {
        return true;
    }
    if (line[0] == ':') {
        return obey(self, line, is_over);
    }
    if (begins_with(line, "wait")) {
        return session_wait(self, skip_blank(line + 4));
    }
    if (!is_statement(line)) {
        return feed_line(self, line);
    }
    char *statement = read_statement(line);
    bool  is_added  = statement != NULL && session_add(self, statement);
    free(statement);
    return is_added;
}

static void
trim(char *line)
{
    size_t size = strlen(line);
    while (size > 0 && strchr(" \t\r", line[size - 1]) != NULL) {
        line[--size] = '\0';
    }
}

/* Returns an exit status. */
static int
talk(session *self)
{
    bool is_over    = false;
    bool is_refused = false;
    while (!is_over) {
        char *line = read_line("weir> ");
        if (line == NULL) {
            break;
        }
        trim(line);
        is_refused = !take_line(self, line + strspn(line, " \t"), &is_over) || is_refused;
        fflush(stdout);
        free(line);
    }
    return is_refused && !is_person() ? EXIT_REFUSED : EXIT_OK;
}

int
command_repl(int argc, char **argv)
{
    session *self = NULL;
    int      option;
    while ((option = next_option(argc, argv, OPTIONS)) != -1) {
        if (option == OPTION_HELP) {
            fputs(HELP, stdout);
            return EXIT_OK;
        }
        return report_option("repl", option, argv);
    }
    weir_error  err    = { .status = WEIR_OK };
    weir_status status = session_new(&self);
    if (status != WEIR_OK) {
        return report_failure(status, &err);
    }
    int result = EXIT_OK;
    for (int i = optind; i < argc && result == EXIT_OK; i++) {
        result = session_load(self, argv[i]) ? EXIT_OK : EXIT_DATA;
    }
    if (result == EXIT_OK) {
        result = talk(self);
    }
    session_destroy(&self);
    return result;
}
