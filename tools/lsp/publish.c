#define _POSIX_C_SOURCE 200809L /* open_memstream */
/* Diagnostics, as they change. */
#include <stdlib.h>
#include <string.h>

#include "server.h"

static bool
has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether a report is about a plugin, none of which is loaded here. */
static bool
is_of_plugin(const weiri_diagnostic *report)
{
    return strcmp(report->code, "E0715") == 0;
}

/* Errors; warnings of every compilation; what `weir lint` says besides. */
static unsigned
severity(const weiri_diagnostic *report)
{
    enum { ERROR = 1, WARNING, INFORMATION };
    if (is_of_plugin(report)) {
        return INFORMATION;
    }
    return report->is_error                  ? ERROR
           : has_prefix(report->code, "W02") ? INFORMATION
                                             : WARNING;
}

void
lsp_put_diagnostic(weiri_lsp *self, const lsp_document *document,
    const weiri_diagnostic *report, FILE *out)
{
    weiri_span at = { 0, report->offset, report->size };
    fputs("{\"range\":", out);
    lsp_put_range(self, &document->analysis, at, out);
    fprintf(out, ",\"severity\":%u,\"code\":\"%s\",\"source\":\"weir\",\"message\":",
        severity(report), report->code);
    lsp_put_string(out, report->hint == NULL ? report->text
                                             : weiri_arena_format(self->arena, "%s\n%s",
                                                 report->text, report->hint));
    if (strcmp(report->code, "W0201") == 0) {
        fputs(",\"tags\":[1]", out); /* unnecessary: shown faint */
    }
    fputs(",\"data\":{\"about\":", out);
    lsp_put_string(out, report->about);
    fputs("}}", out);
}

/* Where the document includes a file; size 0: nowhere. */
static weiri_span
include_of(const weiri_lsp *self, const lsp_document *document, const char *name)
{
    const weiri_ast_file *root  = document->analysis.root;
    weiri_span            first = { .size = 0 };
    for (uint32_t i = 0; root != NULL && i < root->n_statements; i++) {
        const weiri_ast_statement *statement = &root->statements[i];
        if (statement->kind != WEIRI_WORD_INCLUDE
            || statement->as.include->path == NULL) {
            continue;
        }
        const weiri_ast_include *include = statement->as.include;
        if (strcmp(lsp_path_from(self, document, include->path), name) == 0) {
            return include->at;
        }
        first = first.size == 0 ? include->at : first;
    }
    return first;
}

/* What is wrong in a file that the document includes is told there in short: the file's
 * own window tells the rest. */
static void
put_included(weiri_lsp *self, const lsp_document *document,
    const weiri_diagnostic *report, FILE *out)
{
    weiri_span at = include_of(self, document, report->place.file);
    fputs("{\"range\":", out);
    lsp_put_range(self, &document->analysis, at, out);
    fprintf(out,
        ",\"severity\":1,\"code\":\"%s\",\"source\":\"weir\",\"message\":", report->code);
    lsp_put_string(out, weiri_arena_format(self->arena, "line %u of this file: %s",
                            report->place.line, report->text));
    fputs("}", out);
}

static bool
has_plugins(const weiri_diagnostics *diagnostics)
{
    weiri_diagnostic report;
    for (size_t i = 0; weiri_diagnostics_get(diagnostics, i, &report); i++) {
        if (is_of_plugin(&report)) {
            return true;
        }
    }
    return false;
}

/* Where plugins are named, functions that nobody knows may be theirs. */
static bool
is_doubtful(const weiri_diagnostic *report, bool with_plugins)
{
    return with_plugins && strcmp(report->code, "E0305") == 0;
}

static void
put_all(weiri_lsp *self, const lsp_document *document, FILE *out)
{
    const weiri_diagnostics *diagnostics = document->analysis.diagnostics;
    const char              *root        = weiri_diagnostics_file(diagnostics, 0)->name;
    weiri_diagnostic         report;
    bool                     is_first = true;
    bool                     has      = has_plugins(diagnostics);
    for (size_t i = 0; weiri_diagnostics_get(diagnostics, i, &report); i++) {
        bool is_ours = report.place.file == root;
        if (is_doubtful(&report, has)
            || (!is_ours && (!report.is_error || is_of_plugin(&report)))) {
            continue;
        }
        fputs(is_first ? "" : ",", out);
        is_first = false;
        if (is_ours) {
            lsp_put_diagnostic(self, document, &report, out);
        } else {
            put_included(self, document, &report, out);
        }
    }
}

static void
publish(weiri_lsp *self, const char *uri, const lsp_document *document)
{
    char  *body = NULL;
    size_t size = 0;
    FILE  *out  = open_memstream(&body, &size);
    if (out == NULL) {
        return;
    }
    fputs("{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/publishDiagnostics\","
          "\"params\":{\"uri\":",
        out);
    lsp_put_string(out, uri);
    fputs(",\"diagnostics\":[", out);
    if (document != NULL) {
        put_all(self, document, out);
    }
    fputs("]}}", out);
    fclose(out);
    lsp_send(self->out, body, size);
    free(body);
}

void
lsp_publish(weiri_lsp *self, const lsp_document *document)
{
    publish(self, document->uri, document);
}

void
lsp_publish_nothing(weiri_lsp *self, const char *uri)
{
    publish(self, uri, NULL);
}
