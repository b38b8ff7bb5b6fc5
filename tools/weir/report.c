#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

int
exit_status(weir_status status)
{
    switch (status) {
    case WEIR_OK:
    case WEIR_ECLOSED: return EXIT_OK;
    case WEIR_EINVAL: return EXIT_USAGE;
    case WEIR_ESYNTAX:
    case WEIR_EDATA:
    case WEIR_ELATE:
    case WEIR_EFULL: return EXIT_DATA;
    case WEIR_ENOENT: return EXIT_NO_INPUT;
    case WEIR_EIO:
    case WEIR_ENOSPC: return EXIT_IO;
    case WEIR_ENOMEM:
    case WEIR_EABI:
    case WEIR_EAGAIN:
    case WEIR_EOF: break;
    }
    return EXIT_BUG;
}

int
report_failure(weir_status status, const weir_error *err)
{
    if (status != WEIR_OK && status != WEIR_ECLOSED) {
        fprintf(stderr, "weir: %s\n",
            err->text[0] != '\0' ? err->text : weir_status_text(status));
    }
    return exit_status(status);
}

int
report_usage(const char *verb, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "weir %s: ", verb);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; see 'weir %s --help'\n", verb);
    return EXIT_USAGE;
}

int
next_option(int argc, char **argv, const struct option *options)
{
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): arguments are read by one thread */
    return getopt_long(argc, argv, ":", options, NULL);
}

int
report_option(const char *verb, int option, char **argv)
{
    return report_usage(verb,
        option == ':' ? "'%s' wants a value" : "unknown option '%s'", argv[optind - 1]);
}

bool
setting_list_add(setting_list *self, const char *verb, char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        report_usage(verb, "--set wants name=value, not '%s'", text);
        return false;
    }
    weiri_setting *items = realloc(self->items, (self->n + 1) * sizeof *items);
    if (items == NULL) {
        return false;
    }
    *equals              = '\0';
    self->items          = items;
    items[self->n].name  = text;
    items[self->n].value = equals + 1;
    self->n++;
    return true;
}

void
setting_list_fini(setting_list *self)
{
    free(self->items);
    *self = (setting_list){ 0 };
}

static bool
is_stream_name(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool is_letter = (text[i] >= 'a' && text[i] <= 'z')
                         || (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '_';
        if (!is_letter && (i == 0 || text[i] < '0' || text[i] > '9')) {
            return false;
        }
    }
    return size > 0;
}

bool
redirect_list_add(redirect_list *self, char *text)
{
    weiri_redirect *items = realloc(self->items, (self->n + 1) * sizeof *items);
    if (items == NULL) {
        return false;
    }
    char *equals   = strchr(text, '=');
    self->items    = items;
    items[self->n] = (weiri_redirect){ .path = text };
    if (equals != NULL && is_stream_name(text, (size_t)(equals - text))) {
        *equals        = '\0';
        items[self->n] = (weiri_redirect){ .stream = text, .path = equals + 1 };
    }
    self->n++;
    return true;
}

void
redirect_list_fini(redirect_list *self)
{
    free(self->items);
    *self = (redirect_list){ 0 };
}

bool
message_format_parse(message_format *out, const char *verb, const char *text)
{
    static const char *const NAMES[] = { "human", "json", "sarif" };
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strcmp(text, NAMES[i]) == 0) {
            *out = (message_format)i;
            return true;
        }
    }
    report_usage(verb, "--message-format wants human, json or sarif, not '%s'", text);
    return false;
}

static int
print_human(
    const weiri_diagnostics *diagnostics, weir_status status, const weir_error *err)
{
    weiri_diagnostics_print(diagnostics, stderr, isatty(STDERR_FILENO) == 1);
    return status == WEIR_ESYNTAX ? EXIT_DATA : report_failure(status, err);
}

int
report_compilation(const weiri_diagnostics *diagnostics, const setting_list *settings,
    bool quiet, weir_status status, const weir_error *err)
{
    FILE       *stream  = settings->are_answer ? stdout : stderr;
    const char *failure = NULL;
    if (quiet && status == WEIR_OK) {
        return EXIT_OK;
    }
    if (settings->messages == MESSAGES_HUMAN) {
        return print_human(diagnostics, status, err);
    }
    if (status != WEIR_OK && status != WEIR_ESYNTAX) {
        failure = err->text[0] != '\0' ? err->text : weir_status_text(status);
    }
    if (settings->messages == MESSAGES_JSON) {
        weiri_diagnostics_print_json(diagnostics, stream, failure);
    } else {
        weiri_diagnostics_print_sarif(diagnostics, stream, WEIR_VERSION, failure);
    }
    return exit_status(status);
}

int
compile_rules(char *const *paths, int n_paths, const setting_list *settings, bool quiet,
    weiri_plan **out)
{
    const weiri_compile_options options     = { .settings = settings->items,
            .n_settings                                   = settings->n,
            .with_tests                                   = settings->with_tests,
            .node                                         = settings->node };
    weir_error                  err         = { 0 };
    weiri_diagnostics          *diagnostics = NULL;
    weir_status                 status      = weiri_diagnostics_new(&diagnostics);
    if (status != WEIR_OK) {
        return report_failure(status, &err);
    }
    status = weiri_compile_files(
        (const char *const *)paths, (size_t)n_paths, &options, diagnostics, out, &err);
    int result = report_compilation(diagnostics, settings, quiet, status, &err);
    weiri_diagnostics_destroy(&diagnostics);
    return result;
}

bool
format_parse(const char *text, weiri_format *out)
{
    static const struct {
        const char  *name;
        weiri_format format;
    } FORMATS[] = {
        { "json", WEIRI_FORMAT_JSON },
        { "csv", WEIRI_FORMAT_CSV },
        { "msgpack", WEIRI_FORMAT_MSGPACK },
        { "text", WEIRI_FORMAT_TEXT },
    };
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++) {
        if (strcmp(text, FORMATS[i].name) == 0) {
            *out = FORMATS[i].format;
            return true;
        }
    }
    return false;
}
