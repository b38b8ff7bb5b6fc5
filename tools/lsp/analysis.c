#define _XOPEN_SOURCE 700 /* realpath */

#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "lint.h"
#include "planner.h"
#include "server.h"

static void
analyse(lsp_analysis *self, const lsp_document *document,
    const weiri_compile_options *options)
{
    weiri_read_text(self->arena, self->diagnostics,
        document->path != NULL ? document->path : document->uri, document->text,
        document->size, options, &self->ast);
    self->plan = weiri_plan_partly(self->arena, self->diagnostics, options, &self->ast);
    if (weiri_diagnostics_count(self->diagnostics, true) == 0) {
        weiri_lint_plan(self->arena, self->diagnostics, &self->ast, self->plan);
    } else {
        weiri_apply_allows(self->diagnostics, &self->ast, false);
    }
    for (uint32_t i = 0; i < self->ast.n_files; i++) {
        if (self->ast.files[i].file == 0) {
            self->root = &self->ast.files[i];
        }
    }
    lsp_index_build(&self->index, self->arena, self->diagnostics, &self->ast, self->plan);
}

weir_status
lsp_analysis_init(lsp_analysis *self, const weiri_lsp *server,
    const lsp_document *document, const weiri_overlay *overlays, size_t n_overlays)
{
    weiri_compile_options options = { .with_tests = true,
        .no_plugins  = true, /* a file that is only looked at must not run code */
        .no_includes = server->options.no_files || document->path == NULL,
        .overlays    = overlays,
        .n_overlays  = n_overlays };
    *self                         = (lsp_analysis){ .arena = weiri_arena_new() };
    if (self->arena == NULL || weiri_diagnostics_new(&self->diagnostics) != WEIR_OK) {
        weiri_arena_destroy(&self->arena);
        return WEIR_ENOMEM;
    }
    analyse(self, document, &options);
    return WEIR_OK;
}

void
lsp_analysis_fini(lsp_analysis *self)
{
    weiri_diagnostics_destroy(&self->diagnostics);
    weiri_arena_destroy(&self->arena);
    *self = (lsp_analysis){ .arena = NULL };
}

const weiri_overlay *
lsp_overlays(const weiri_lsp *self, size_t *n)
{
    weiri_overlay *overlays =
        weiri_arena_alloc(self->arena, (self->n_documents + 1) * sizeof *overlays);
    *n = 0;
    for (uint32_t i = 0; i < self->n_documents; i++) {
        const lsp_document *document = self->documents[i];
        if (document->real != NULL) {
            overlays[(*n)++] = (weiri_overlay){
                .path = document->real, .text = document->text, .size = document->size
            };
        }
    }
    return overlays;
}

/* ---- URIs of files (RFC 8089) ---- */

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *
lsp_path_of_uri(const char *uri)
{
    static const char LOCAL[] = "localhost";
    if (strncmp(uri, "file://", 7) != 0) {
        return NULL;
    }
    const char *from = uri + 7;
    from += strncmp(from, LOCAL, sizeof LOCAL - 1) == 0 ? sizeof LOCAL - 1 : 0;
    char *path = malloc(strlen(from) + 1);
    if (path == NULL || from[0] != '/') {
        free(path);
        return NULL;
    }
    size_t n = 0;
    for (; *from != '\0'; from++) {
        int high = *from == '%' ? hex_value(from[1]) : -1;
        int low  = high >= 0 ? hex_value(from[2]) : -1;
        if (low >= 0) {
            path[n++] = (char)(high * 16 + low);
            from += 2;
        } else {
            path[n++] = *from;
        }
    }
    path[n] = '\0'; /* "%00" ends it early, and then names another file or none */
    return path;
}

const char *
lsp_real_path(const weiri_lsp *self, char *path)
{
    char       *real = self->options.no_files ? NULL : realpath(path, NULL);
    const char *text = real != NULL ? real : path;
    const char *copy = weiri_arena_text(self->arena, text, strlen(text));
    free(real);
    free(path);
    return copy;
}

const char *
lsp_uri_of_path(const weiri_lsp *self, const char *path)
{
    static const char PLAIN[] = "-._~/!$&'()*+,;=:@";
    char             *real    = strstr(path, "/.") != NULL ? realpath(path, NULL) : NULL;
    path                      = real != NULL ? real : path;
    char  *uri                = weiri_arena_alloc(self->arena, 3 * strlen(path) + 8);
    size_t n                  = 7;
    memcpy(uri, "file://", n);
    for (; *path != '\0'; path++) {
        unsigned char c        = (unsigned char)*path;
        bool          is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                        || (c >= '0' && c <= '9') || strchr(PLAIN, c) != NULL;
        n += (size_t)snprintf(uri + n, 4, is_plain ? "%c" : "%%%02X", c);
    }
    free(real);
    return uri;
}

lsp_document *
lsp_document_of(const weiri_lsp *self, const lsp_document *document, uint32_t file)
{
    const char *path = weiri_diagnostics_file(document->analysis.diagnostics, file)->name;
    char       *real = realpath(path, NULL);
    lsp_document *found = NULL;
    for (uint32_t i = 0; i < self->n_documents && real != NULL; i++) {
        const char *other = self->documents[i]->real;
        if (other != NULL && strcmp(other, real) == 0) {
            found = self->documents[i];
        }
    }
    free(real);
    return found;
}

const char *
lsp_uri_of(const weiri_lsp *self, const lsp_document *document, uint32_t file)
{
    if (file == 0) {
        return document->uri;
    }
    const lsp_document *open = lsp_document_of(self, document, file);
    return open != NULL
               ? open->uri
               : lsp_uri_of_path(self,
                   weiri_diagnostics_file(document->analysis.diagnostics, file)->name);
}

const char *
lsp_path_from(const weiri_lsp *self, const lsp_document *document, const char *path)
{
    const char *slash = document->path == NULL ? NULL : strrchr(document->path, '/');
    if (path[0] == '/' || slash == NULL) {
        return path;
    }
    return weiri_arena_format(
        self->arena, "%.*s%s", (int)(slash - document->path) + 1, document->path, path);
}

/* ---- places ---- */

static void
put_position(const char *name, lsp_position at, FILE *out)
{
    fprintf(out, "\"%s\":{\"line\":%u,\"character\":%u}", name, (unsigned)at.line,
        (unsigned)at.character);
}

void
lsp_put_range(const weiri_lsp *self, const lsp_analysis *of, weiri_span at, FILE *out)
{
    const weiri_text_file *file = weiri_diagnostics_file(of->diagnostics, at.file);
    lsp_position           none = { 0, 0 };
    lsp_position           start =
        lsp_position_of(file->text, file->size, at.offset, self->unit, none, 0);
    lsp_position end = lsp_position_of(
        file->text, file->size, at.offset + at.size, self->unit, start, at.offset);
    fputc('{', out);
    put_position("start", start, out);
    fputc(',', out);
    put_position("end", end, out);
    fputc('}', out);
}

void
lsp_put_location(
    const weiri_lsp *self, const lsp_document *document, weiri_span at, FILE *out)
{
    fputs("{\"uri\":", out);
    lsp_put_string(out, lsp_uri_of(self, document, at.file));
    fputs(",\"range\":", out);
    lsp_put_range(self, &document->analysis, at, out);
    fputc('}', out);
}

const weiri_ast_statement *
lsp_statement_at(const lsp_analysis *self, uint32_t offset)
{
    const weiri_ast_statement *found = NULL;
    for (uint32_t i = 0; self->root != NULL && i < self->root->n_statements; i++) {
        if (self->root->statements[i].at.offset <= offset) {
            found = &self->root->statements[i];
        }
    }
    return found;
}
